"""Every word of the Markdown is to be read on the built page: MyST drops comments, labels and their like in silence."""

import html
import json
import re

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from test_pages import PAGES, SITE

LITERAL = {"", "python", "bash", "{math}", "{eval-rst}"}
"""Fences whose lines are no prose."""
TITLED = {"{admonition}", "{exercise}", "{grid-item-card}"}
"""Directives whose argument is a title."""
FENCE = re.compile(r"\s*(`{3,}|:{3,})(\{[\w-]+\}|\w*)(.*)")
SPANS = (
    (r"\$\$.*?\$\$|\$[^$]+\$", " "),  # mathematics
    (r"\{(?:term|doc)\}`([^`<]+)<[^`]+>`", r"\1"),
    (r"\{term\}`([^`]+)`", r"\1"),
    (r"\{[\w:]+\}`[^`]+`", " "),  # what such a role shows is not what the source says
    (r"!\[[^]]*\]\([^)]*\)", " "),
    (r"\[([^]]*)\]\([^)]*\)", r"\1"),
    (r"</?[a-z][^>]*>", " "),
)


def markdown(page):
    """The Markdown of a page, cell by cell, with what to call it."""
    path = ROOT / page.replace(".html", ".ipynb")
    if not path.is_file():
        return {page: path.with_suffix(".md").read_text()}
    cells = json.loads(path.read_text())["cells"]
    return {f"{page}, cell {i}": "".join(c["source"]) for i, c in enumerate(cells) if c["cell_type"] == "markdown"}


def prose(text):
    """Lines of a cell without code, equations, and what steers a directive."""
    fences, options = [], False
    for line in text.split("\n"):
        found = FENCE.fullmatch(line)
        if found and fences and found[1] == fences[-1][0] and not found[2]:
            fences.pop()
        elif fences and fences[-1][1] in LITERAL:
            continue
        elif found:
            fences.append((found[1], found[2]))
            options = True
            yield found[3] if found[2] in TITLED else ""
        elif not (options and re.match(r"\s*:[\w-]+:", line)):
            options = False
            yield re.sub(r"^\s*(\d+\.|\([\w-]+\)=)\s*", " ", line)  # numbers of a list, and labels


def words(text):
    return re.findall(r"\w+", html.unescape(text).lower())


def written(text):
    """The words of a cell that a reader is to see, in order."""
    plain = "\n".join(prose(text))
    for pattern, instead in SPANS:
        plain = re.sub(pattern, instead, plain, flags=re.DOTALL)
    return words(plain)


def shown(page):
    """The words of a built page, in order, without code and what it printed."""
    article = BeautifulSoup((SITE / page).read_text(), "html.parser").select_one("article.bd-article")
    for element in article.select(".cell, .math, pre, script, style"):
        element.decompose()
    return words(article.get_text())


def lost(cells, page_words):
    """The first cell of which the page lacks a word in its place, with the words around it."""
    place = 0
    for name, text in cells.items():
        own = written(text)
        for i, word in enumerate(own):
            if word not in page_words[place:]:
                return f"{name}: lost near '{' '.join(own[max(i - 12, 0) : i + 1])}'"
            place = page_words.index(word, place) + 1
    return None


@pytest.mark.parametrize("page", PAGES)
def test_no_line_begins_as_a_comment(page):
    """A number and its per cent sign that are parted by the end of a line lose the sentence."""
    lines = [line for text in markdown(page).values() for line in prose(text)]
    assert [line for line in lines if re.match(r"\s*(%|\+\+\+|<!--)", line)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_word_is_on_the_page(page):
    assert SITE.is_dir(), "the pages are not built: run `make book`"
    assert lost(markdown(page), shown(page)) is None


@pytest.mark.parametrize("page", ["book/index.html", "book/sources/how-many-sources.html"])
def test_a_lost_sentence_is_noticed(page):
    """Wherever it stood: eight words that a page lacks are missed, and told near their place."""
    cells, seen = markdown(page), shown(page)
    assert lost(cells, seen) is None
    for name, text in cells.items():
        own = written(text)
        for i in range(0, len(own) - 8, 40):
            place = next((j for j in range(len(seen)) if seen[j : j + 8] == own[i : i + 8]), None)
            if place is not None:
                assert lost(cells, seen[:place] + seen[place + 8 :]) is not None, f"{name}: {own[i : i + 8]}"
