"""The whole book as one document: all pages in order, links inside it, and a PDF with an outline."""

import re
from concurrent.futures import ThreadPoolExecutor

import notebooks
import pdf
import pytest
from bs4 import BeautifulSoup
from conftest import needs_browser

PAGES = [f"{name}.html" for name in notebooks.pages()]


@pytest.fixture(scope="module")
def whole():
    assert pdf.SITE.is_dir(), "the pages are not built: run `make book`"
    path = pdf.assemble()
    yield BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    path.unlink()


def test_every_page_is_there_in_order(whole):
    assert [a["id"] for a in whole.select("main > article")] == [pdf.anchor(page) for page in PAGES]


def test_ids_are_unique_and_links_lead_somewhere(whole):
    ids = [element["id"] for element in whole.find_all(id=True)]
    assert len(ids) == len(set(ids))
    known = set(ids)
    links = [a["href"] for a in whole.select("main a[href^='#']")] + [u["xlink:href"] for u in whole.select("use")]
    lost = [link for link in links if link[1:] not in known]
    assert not lost


def test_images_are_found_and_buttons_are_gone(whole):
    sources = [image["src"] for image in whole.select("main img") if not image["src"].startswith("data:")]
    assert sources
    assert all((pdf.SITE / source).is_file() for source in sources)
    assert not whole.select("main .copybtn, main .headerlink, main script")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://doi.org/10", "https://doi.org/10"),
        ("#eq-a", "#book-grammage-a--eq-a"),
        ("../reference/glossary.html#term-x", "#book-reference-glossary--term-x"),
        ("../reference/glossary.html", "#book-reference-glossary"),
        ("../../_images/a.png", "_images/a.png"),
    ],
)
def test_links_are_moved(url, expected):
    names = ["book/grammage/a.html", "book/reference/glossary.html"]
    assert pdf.moved(url, "book/grammage/a.html", names) == expected


@needs_browser
def test_a_document_is_printed_with_an_outline(tmp_path):
    document = pdf.SITE / "print-test.htm"
    document.write_text(
        "<html lang='en'><head><title>T</title></head><body>"
        "<h1>One</h1><p style='break-after: page'>a</p><h1>Two</h1></body></html>"
    )
    try:
        # In a thread of its own: Playwright allows one browser in each, and this one may have that of other tests.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(pdf.print_pdf, document, tmp_path / "book.pdf").result()
    finally:
        document.unlink()
    printed = (tmp_path / "book.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    assert b"/Outlines" in printed
