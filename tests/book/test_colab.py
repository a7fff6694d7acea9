"""The Colab door: the same cell in every chapter, which installs the package there and does nothing elsewhere."""

import chapters
import colab
import nbformat
import notebooks
import pytest
from nbclient import NotebookClient

ADDRESS = "https://github.com/example/crlab"
# What Colab is to the cell: a module, pip as a magic, and somebody who answers.
FAKES = """
import sys, types
from IPython import get_ipython
get_ipython().register_magic_function(lambda line: print("pip", line), "line", "pip")
input = lambda prompt: "example/crlab"
"""
ON_COLAB = 'sys.modules["google.colab"] = types.ModuleType("google.colab")'


def printed(*sources):
    """What cells print that are run one after another in a fresh kernel."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": chapters.KERNEL})
    NotebookClient(notebook, record_timing=False, extra_arguments=chapters.QUIET).execute()
    return "".join(output.text for cell in notebook.cells for output in cell.outputs)


@pytest.mark.parametrize("address", [ADDRESS, ""], ids=["known address", "address asked for"])
def test_on_colab_it_installs_the_package_and_what_the_first_chapter_needs(address):
    found = printed(FAKES, ON_COLAB, colab.door(address).source)
    assert found.split() == ["pip", "install", "--quiet", f"git+{ADDRESS}", '"crflux[gsf]"']


@pytest.mark.parametrize("address", [ADDRESS, ""], ids=["known address", "address asked for"])
def test_elsewhere_it_does_nothing(address):
    assert printed(FAKES, colab.door(address).source) == ""


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda p: p.stem)
def test_every_chapter_has_the_one_cell_before_its_first(path):
    notebook = nbformat.read(path, 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if notebooks.is_door(cell)] == code[:1], "run `make chapters`"
    assert code[0] == colab.door(colab.address()), "run `make chapters`"


@pytest.fixture
def chapter():
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell("x = 1", execution_count=1),
        nbformat.v4.new_code_cell("x", execution_count=2),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": chapters.KERNEL})


def test_other_cells_keep_name_number_and_fingerprint(chapter):
    opened = colab.with_door(chapter, "")
    assert [cell for cell in opened.cells if not notebooks.is_door(cell)] == chapter.cells
    assert chapters.fingerprint(opened, []) == chapters.fingerprint(chapter, [])
    assert colab.with_door(opened, "") == opened
    assert ADDRESS in colab.with_door(opened, ADDRESS).cells[1].source


def test_a_chapter_with_the_cell_runs_without_it(chapter, tmp_path):
    nbformat.write(colab.with_door(chapter, ""), tmp_path / "chapter.ipynb")
    done = chapters.execute(tmp_path / "chapter.ipynb")
    assert [cell.execution_count for cell in done.cells if cell.cell_type == "code"] == [None, 1, 2]
