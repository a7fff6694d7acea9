"""Every chapter as a reader finds it stored: complete, current, formatted, described and small."""

import re

import chapters
import nbformat
import notebooks
import pytest
from bs4 import BeautifulSoup

CHAPTERS = notebooks.chapters()
MAX_NOTEBOOK = 3_000_000
MAX_IMAGE = 300_000
MAX_LINES = 20

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.relative_to(notebooks.ROOT).as_posix())


def code_cells(path):
    return notebooks.code_cells(nbformat.read(path, 4))


def texts(cell):
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        else:
            yield from (v for k, v in output.get("data", {}).items() if k in ("text/plain", "text/markdown"))


def test_outputs_are_stored_in_order(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_outputs_are_those_of_the_present_code(path):
    assert chapters.is_current(nbformat.read(path, 4)), "out of date: run `make chapters`"


def test_no_error_and_nothing_on_standard_error(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def test_no_bare_or_overlong_number_is_printed(path):
    for cell in code_cells(path):
        for text in texts(cell):
            assert not re.search(r"np\.\w+\(|<Quantity|array\(", text), text
            assert not re.fullmatch(r"\s*[-+]?\d+\.\d+(e[-+]?\d+)?\s*", text), f"a bare number: {text}"
            for number in re.findall(r"\d+\.\d+", text):
                digits = number.replace(".", "").lstrip("0")
                assert len(digits) <= 6, f"more digits than are certain: {number}"


def test_figures_have_alternative_text_and_caption(path):
    for cell in code_cells(path):
        if any("image/png" in o.get("data", {}) for o in cell.outputs):
            markup = cell.metadata.get("mystnb", {})
            alt = markup.get("image", {}).get("alt", "")
            assert len(alt.split()) >= 8, f"alt text must state what the figure shows: {alt!r}\n{cell.source}"
            assert markup.get("figure", {}).get("caption")
            assert markup["figure"].get("name", "").startswith("fig-")
        for output in cell.outputs:
            html = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser")
            assert all(image.get("alt") for image in html.find_all("img"))


def test_sizes(path):
    assert path.stat().st_size < MAX_NOTEBOOK
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= MAX_LINES, cell.source
        for output in cell.outputs:
            assert len(output.get("data", {}).get("image/png", "")) * 3 / 4 < MAX_IMAGE


def test_no_script_from_elsewhere_and_no_path_of_a_machine(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            html = output.get("data", {}).get("text/html", "")
            assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)
        assert not any(re.search(r"/home/|/tmp/|/root/|/Users/", text) for text in texts(cell))


def test_metadata_is_only_what_is_needed(path):
    assert set(nbformat.read(path, 4).metadata) == {"kernelspec", "language_info", "crlab"}
