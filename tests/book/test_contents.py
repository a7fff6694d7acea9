"""The book as a whole: what is in it, and what its chapters must have."""

import argparse
import importlib
import re

import nbformat
import notebooks
import pytest

from crlab.ledger import claims
from crlab.ledger.rooms import ROOMS

PHYSICS = notebooks.physics()
BOOK = notebooks.ROOT / "book"


def test_every_notebook_is_in_the_table_of_contents():
    found = {p for p in BOOK.rglob("*.ipynb") if not any(part.startswith(".") for part in p.parts)}
    assert found == set(notebooks.chapters())


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_a_chapter_has_the_parts_a_reader_expects(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    for part in (
        "# ",
        "will be able to",
        "need to know",
        "{exercise}",
        ":class: dropdown",
        "## Summary",
        "urther reading",
    ):
        assert part in text, f"{path.name} lacks {part!r}"


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_a_summary_says_what_was_assumed_and_where_it_breaks(path):
    text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
    summary = re.search(r"^## Summary$(.*?)(?=^## )", text, re.M | re.S)[1]
    assert re.search(r"^What was assumed(, and where it breaks)?: ", summary, re.M)
    assert "here it breaks: " in summary


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_a_chapter_stays_within_its_minute_and_gigabyte(path):
    record = nbformat.read(path, 4).metadata.crlab
    assert record.seconds <= 60
    assert record.memory_mb <= 1000


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_a_chapter_reports_its_claims(path):
    name = path.relative_to(BOOK).with_suffix("").as_posix()
    if any(claim.chapter == name for claim in claims.all_claims().values()):
        code = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code")
        assert f'claims.report("{name}")' in code


def test_the_syllabus_has_every_chapter_in_order():
    text = (BOOK / "reference" / "for-teachers.md").read_text()
    units = re.findall(r"^\| (\d+) \| \{doc\}`/book/([\w/-]+)` \|.*\|([\d, ]*)\|$", text, re.M)
    assert [name for _, name, _ in units] == [p.relative_to(BOOK).with_suffix("").as_posix() for p in PHYSICS]
    assert [int(number) for number, _, _ in units] == list(range(1, len(PHYSICS) + 1))
    for number, name, before in units:
        assert all(0 < int(unit) < int(number) for unit in before.split(",") if unit.strip()), name


def test_every_public_module_is_on_an_api_page():
    pages = [BOOK / "reference" / "api.md", *(BOOK / "reference" / "api").glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"automodule:: (crlab[\w.]*)", page.read_text())}
    shown |= {"crlab.ledger.rooms"}
    for path in (notebooks.ROOT / "crlab").rglob("*.py"):
        name = ".".join(path.relative_to(notebooks.ROOT).with_suffix("").parts).removesuffix(".__init__")
        entries = name.startswith("crlab.ledger.") and name.count(".") > 2 and path.stem != "checks"
        if (path.name.startswith("_") and path.name != "__init__.py") or entries:
            continue
        if name.split(".")[-1] in (*ROOMS, "crlab", "ledger"):
            continue
        assert name in shown, f"{name} is on no page"


class UnderstoodError(Exception):
    """The options of a command are understood."""


def test_the_api_page_shows_every_command_as_it_can_be_typed(monkeypatch):
    read = argparse.ArgumentParser.parse_args

    def parse(self, *arguments):
        read(self, *arguments)
        raise UnderstoodError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    text = (BOOK / "reference" / "api.md").read_text()
    shown = re.findall(r"^python -m (crlab\.[\w.]+) (.*)$", text, re.M)
    for name, options in shown:
        is_package = (notebooks.ROOT / name.replace(".", "/")).is_dir()
        with pytest.raises(UnderstoodError):
            importlib.import_module(f"{name}.__main__" if is_package else name).main(options.split())
    commands = {
        ".".join(path.relative_to(notebooks.ROOT).with_suffix("").parts).removesuffix(".__main__")
        for path in (notebooks.ROOT / "crlab").rglob("*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert {name for name, _ in shown} == commands
