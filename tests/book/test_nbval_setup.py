"""The set-up of nbval cannot pass by accident: each way in which a chapter can be wrong fails."""

import re
import shutil
import subprocess
import sys

import chapters
import nbformat
import notebooks
import pytest
from nbclient import NotebookClient

IMPORT = "%matplotlib inline\nimport warnings\nimport matplotlib.pyplot as plt"
FIGURE = "plt.plot([1, 2])\nplt.show()"
SEMICOLON = "plt.plot([1, 2]);"
WARNING = "warnings.warn('careful')"


def stored(sources):
    """A notebook with the cells' true outputs."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": chapters.KERNEL})
    NotebookClient(notebook, record_timing=False).execute()
    return notebook


def verdicts(folder, notebook):
    """What nbval says of each cell."""
    nbformat.write(notebook, folder / "chapter.ipynb")
    shutil.copy(notebooks.ROOT / "book" / "conftest.py", folder)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        ".",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return re.findall(r"Cell \d+ (PASSED|FAILED)", done.stdout), done


def test_honest_cells_pass_and_spoilt_ones_fail(tmp_path):
    notebook = stored([IMPORT, "print(1)", SEMICOLON, FIGURE, "print(1)", FIGURE, WARNING])
    *_, text, figure, warning = notebook.cells
    text.outputs[0].text = "2\n"
    figure.outputs = []
    warning.outputs = []
    found, done = verdicts(tmp_path, notebook)
    assert found == ["PASSED"] * 4 + ["FAILED"] * 3, done.stdout


@pytest.mark.parametrize(
    ("stored_text", "verdict"),
    [("kappa 4.4 ± 0.3: True", "PASSED"), ("kappa 14 ±  0.31: True", "PASSED"), ("kappa 4.4 ± 0.3: False", "FAILED")],
)
def test_chaotic_cells_may_differ_in_numbers_not_in_words(tmp_path, stored_text, verdict):
    notebook = stored(["print('kappa 4.4 ± 0.3: True')"] * 2)
    for cell in notebook.cells:
        cell.outputs[0].text = stored_text + "\n"
    notebook.cells[1].metadata["tags"] = ["chaotic"]
    found, done = verdicts(tmp_path, notebook)
    same = stored_text == "kappa 4.4 ± 0.3: True"
    assert found == ["PASSED" if same else "FAILED", verdict], done.stdout


@pytest.mark.parametrize("cleared", [[0, 1], [1]], ids=["no outputs at all", "one cell never run"])
def test_a_chapter_without_stored_outputs_fails(tmp_path, cleared):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1", execution_count=1) for _ in "ab"])
    for i in cleared:
        notebook.cells[i].execution_count = None
    found, done = verdicts(tmp_path, notebook)
    assert not found
    assert done.returncode != 0
    assert "make chapters" in done.stdout
