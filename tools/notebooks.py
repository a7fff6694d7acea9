"""The book's pages and its notebooks: which there are, in what order, and what in them computes."""

from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOOR = "colab"  # the id of the cell of tools/colab.py


def pages():
    """Names of all pages of the table of contents, in reading order."""

    def files(node):
        for key, value in node.items():
            if key in ("root", "file"):
                yield value
            elif key in ("parts", "chapters", "sections"):
                for child in value:
                    yield from files(child)

    return list(files(yaml.safe_load((ROOT / "_toc.yml").read_text())))


def chapters():
    """All notebooks of the table of contents, in reading order."""
    return [path for name in pages() if (path := ROOT / f"{name}.ipynb").is_file()]


def physics():
    """The notebooks that teach; the others stand in the reference."""
    return [path for path in chapters() if "reference" not in path.parts]


def page(path):
    """The name of a notebook's page."""
    return path.relative_to(ROOT).with_suffix("").as_posix()


def title(notebook):
    """The heading of a notebook's first cell."""
    return notebook.cells[0].source.partition("\n")[0].removeprefix("# ")


def is_door(cell):
    """Whether a cell is the one that installs the package on Colab: it holds no result."""
    return cell.get("id") == DOOR


def code_cells(notebook):
    """The cells that compute something."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and not is_door(cell)]


def write(notebook, path):
    """Write a notebook whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    nbformat.write(notebook, part)
    part.replace(path)
