"""The book as a whole: what is in it, and what its chapters must have."""

import chapters
import nbformat
import pytest

from crlab import claims

PHYSICS = [p for p in chapters.chapters() if "reference" not in p.parts]
BOOK = chapters.ROOT / "book"


def test_every_notebook_is_in_the_table_of_contents():
    found = {p for p in BOOK.rglob("*.ipynb") if not any(part.startswith(".") for part in p.parts)}
    assert found == set(chapters.chapters())


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
