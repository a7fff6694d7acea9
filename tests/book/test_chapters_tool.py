"""Fingerprints: nothing stale is ever taken for current."""

import os
import re

import chapters
import nbformat
import notebooks
import pytest
from nbclient import NotebookClient


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a package of two modules and a table, and a chapter that uses all three."""
    package = tmp_path / "crlab"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "used.py").write_text("X = 1\n")
    (package / "unused.py").write_text("")
    (package / "table.ecsv").write_text("1")
    (tmp_path / "book").mkdir()
    cells = [
        nbformat.v4.new_code_cell(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom crlab import used"),
        nbformat.v4.new_markdown_cell("text"),
        nbformat.v4.new_code_cell(f"print(used.X, open({str(package / 'table.ecsv')!r}).read())"),
    ]
    path = tmp_path / "book" / "chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    notebooks.write(chapters.execute(path), path)
    return tmp_path, path


def current(path):
    return chapters.is_current(nbformat.read(path, 4))


def test_stored_outputs_carry_what_the_chapter_used(checkout):
    _, path = checkout
    record = nbformat.read(path, 4).metadata.crlab
    assert record.files == ["crlab/__init__.py", "crlab/table.ecsv", "crlab/used.py"]
    assert record.seconds > 0
    assert record.memory_mb > 0
    assert current(path)


@pytest.mark.parametrize("name", ["crlab/__init__.py", "crlab/used.py", "crlab/table.ecsv"])
def test_a_changed_source_makes_the_outputs_stale(checkout, name):
    root, path = checkout
    (root / name).write_text("X = 2\n")
    assert not current(path)
    (root / name).unlink()
    assert not current(path)


def test_an_unused_module_and_text_do_not(checkout):
    root, path = checkout
    (root / "crlab" / "unused.py").write_text("X = 2\n")
    notebook = nbformat.read(path, 4)
    notebook.cells[1].source = "other text"
    nbformat.write(notebook, path)
    assert current(path)


def test_other_cells_or_another_size_do(checkout, monkeypatch):
    _, path = checkout
    notebook = nbformat.read(path, 4)
    with monkeypatch.context() as patch:
        patch.setenv("CRLAB_SIZE", "quick")
        assert not chapters.is_current(notebook)
    notebook.cells[2].source += " "
    assert not chapters.is_current(notebook)


def test_the_record_is_that_of_the_run(checkout):
    """Its size and threads are those that the chapter was given, not those of who asked for it."""
    _, path = checkout
    ran = chapters.execute(path, CRLAB_SIZE="quick", CRLAB_THREADS="1")
    assert ran.metadata.crlab.threads == 1
    assert not chapters.is_current(ran)
    assert (
        chapters.fingerprint(ran, ran.metadata.crlab.files, {"CRLAB_SIZE": "quick"}) == ran.metadata.crlab.fingerprint
    )


def test_the_build_runs_a_stale_chapter_and_leaves_the_source_alone(checkout):
    root, path = checkout
    build = root / "_build"
    assert chapters.with_outputs(path).cells[2].outputs[0].text == "1 1\n"
    assert not build.exists()
    (root / "crlab" / "used.py").write_text("X = 300\n")
    before = path.read_bytes()
    assert chapters.with_outputs(path).cells[2].outputs[0].text == "300 1\n"
    assert path.read_bytes() == before
    assert (build / "executed" / "book" / "chapter.ipynb").is_file()


def test_a_failing_chapter_keeps_its_stored_outputs(checkout):
    root, path = checkout
    (root / "crlab" / "used.py").write_text("raise ValueError('broken kernel')\n")
    before = path.read_bytes()
    with pytest.raises(chapters.CellExecutionError, match="broken kernel"):
        chapters.execute(path)
    assert path.read_bytes() == before


def test_a_new_caption_is_shown_with_outputs_of_an_earlier_build(checkout):
    root, path = checkout
    (root / "crlab" / "used.py").write_text("X = 300\n")
    chapters.with_outputs(path)
    notebook = nbformat.read(path, 4)
    notebook.cells[2].metadata["mystnb"] = {"figure": {"caption": "new"}}
    nbformat.write(notebook, path)
    shown = chapters.with_outputs(path).cells[2]
    assert shown.outputs[0].text == "300 1\n"
    assert shown.metadata.mystnb.figure.caption == "new"


def test_a_chapter_runs_from_any_folder(tmp_path):
    """As in JupyterLab, where a kernel's folder need not be that of the repository: only what is installed is found."""
    notebook = nbformat.read(chapters.ROOT / "book" / "acceleration" / "bells-cycle.ipynb", 4)
    nbformat.write(notebook, tmp_path / "moved.ipynb")
    done = run_elsewhere(tmp_path)
    assert [cell.execution_count for cell in notebooks.code_cells(done)][-1] == len(notebooks.code_cells(done))
    assert not [path for path in tmp_path.iterdir() if path.name != "moved.ipynb"], "a chapter leaves nothing behind"


def run_elsewhere(folder):
    notebook = nbformat.read(folder / "moved.ipynb", 4)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"CRLAB_SIZE": "quick"}
    environment |= {"CRLAB_PROGRESS": "0", "OPENBLAS_NUM_THREADS": "1"}
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", extra_arguments=chapters.QUIET)
    client.resources["metadata"] = {"path": str(folder)}
    with client.setup_kernel(env=environment):
        for i, cell in enumerate(notebooks.code_cells(notebook), 1):
            client.execute_cell(cell, notebook.cells.index(cell), execution_count=i)
    return notebook


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda p: p.stem)
def test_no_chapter_names_a_file_by_its_place(path):
    """It reads files through the package, and writes only into folders that it makes for the purpose."""
    code = "\n".join(cell.source for cell in notebooks.code_cells(nbformat.read(path, 4)))
    assert not re.search(r"""["'](?:\.{1,2}/|/[a-z]|book/|crlab/)|os\.chdir|getcwd|sys\.path""", code)
