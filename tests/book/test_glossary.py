"""The glossary: every entry is linked from a chapter, every chapter links to some, and no link leads nowhere."""

import re

import nbformat
import notebooks
import pytest

BOOK = notebooks.ROOT / "book"
PHYSICS = notebooks.physics()
PAGES = [*notebooks.chapters(), *sorted((BOOK / "reference").glob("*.md")), BOOK / "index.md"]
LEAST = 3  # terms that a chapter links


def plain(term):
    """A term as Sphinx compares it: white space, capitals and the kind of apostrophe do not count."""
    return " ".join(term.replace("’", "'").split()).lower()


def entries():
    """The terms of the glossary, as they are written there."""
    body = (BOOK / "reference" / "glossary.md").read_text().split(":sorted:")[1]
    return re.findall(r"^(?=\S)(?!:::)(.+)$", body, re.M)


def links(path):
    """The terms that a page links, in its text or in a caption."""
    if path.suffix == ".md":
        text = path.read_text()
    else:
        cells = nbformat.read(path, 4).cells
        parts = [c.source for c in cells if c.cell_type == "markdown"]
        parts += [c.metadata.get("mystnb", {}).get("figure", {}).get("caption", "") for c in cells]
        text = "\n".join(parts)
    found = re.findall(r"\{term\}`([^`]+)`", text)
    return {plain(re.sub(r"^.*<([^>]*)>$", r"\1", role, flags=re.S)) for role in found}


def test_no_term_is_explained_twice():
    terms = [plain(term) for term in entries()]
    assert len(terms) == len(set(terms))


def test_every_entry_is_linked_from_a_chapter():
    linked = set().union(*map(links, PHYSICS))
    assert [term for term in entries() if plain(term) not in linked] == []


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_a_chapter_links_terms(path):
    assert len(links(path)) >= LEAST


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(BOOK).as_posix())
def test_every_link_has_an_entry(path):
    assert links(path) - {plain(term) for term in entries()} == set()


def test_explanations_are_short():
    body = (BOOK / "reference" / "glossary.md").read_text().split(":sorted:")[1].rsplit(":::", 1)[0]
    for entry in re.split(r"\n\n(?=\S)", body.strip()):
        term, _, text = entry.partition("\n")
        sentences = re.sub(r"\{cite:\w\}`[^`]*`|\$[^$]*\$", "", text)
        assert len(re.findall(r"[.;](?:\s|$)", sentences)) <= 4, term
