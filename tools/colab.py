"""The cell that opens the Colab door: one and the same in every chapter, hidden in the book.

On Colab it installs the package; anywhere else it does nothing. It holds no result, so that it is neither counted,
run nor compared where chapters are executed. The address is `repository: url` of _config.yml; while that is empty, the
cell asks for it.
"""

import sys

import nbformat
import yaml
from notebooks import DOOR, ROOT, chapters, is_door, write

TAGS = ["remove-cell", "nbval-skip"]
CELL = """# Colab has no crlab: this installs it there, from the repository of the book. Elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    {where}
    %pip install --quiet git+{{address}} "crflux[gsf]\""""
ASK = 'address = "https://github.com/" + input("OWNER/NAME of the book, as in the address bar after /github/: ")'


def door(address):
    """The cell for a repository's address, or for one that is not known yet."""
    source = CELL.format(where=f'address = "{address}"' if address else ASK)
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": TAGS})
    cell["id"] = DOOR
    return cell


def with_door(notebook, address):
    """A chapter whose first code cell is the door; the numbers and names of its other cells stay."""
    cells = [cell for cell in notebook.cells if not is_door(cell)]
    first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
    return nbformat.from_dict(notebook | {"cells": [*cells[:first], door(address), *cells[first:]]})


def address():
    """Where the book lives, as _config.yml says."""
    return yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].removesuffix("/")


def main():
    for path in chapters():
        notebook = nbformat.read(path, 4)
        if (opened := with_door(notebook, address())) != notebook:
            write(opened, path)
            print(f"{path.relative_to(ROOT)}: has the cell for Colab")
    return 0


if __name__ == "__main__":
    sys.exit(main())
