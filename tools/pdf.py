"""The whole book as one PDF: the built pages put one after another and printed by Chromium.

Chromium gives the outline, page numbers and links; nothing else is needed.
"""

import sys
from urllib.parse import urldefrag, urlparse

import notebooks
import typeset
import yaml
from browse import CHROMIUM, SITE, chromium, served
from bs4 import BeautifulSoup
from markupsafe import Markup
from notebooks import ROOT

WHOLE = SITE / "whole-book.htm"  # beside the pages, for their style sheets, and none of the *.html
TARGET = ROOT / "_build" / "book.pdf"
DROPPED = (
    "script, .headerlink, .copybtn, .prev-next-footer, .crlab-player button, .crlab-player input, iframe, noscript"
)
FOOTER = """<div style="font-size: 8px; width: 100%; text-align: center"><span class="pageNumber"></span></div>"""


def anchor(page, fragment=""):
    """The id that an element of a page has in the whole book."""
    return page.removesuffix(".html").replace("/", "-") + (f"--{fragment}" if fragment else "")


def moved(url, page, names):
    """A link of a page as it must read in the one document beside the site's index."""
    if urlparse(url).scheme or url.startswith("//"):
        return url
    path, fragment = urldefrag(url)
    target = (SITE / page).parent / path if path else SITE / page
    name = target.resolve().relative_to(SITE.resolve()).as_posix()
    return f"#{anchor(name, fragment)}" if name in names else name + (f"#{fragment}" if fragment else "")


def article(page, names):
    """The text of one page, its ids and links made fit for the one document."""
    soup = BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")
    found = soup.select_one("article.bd-article")
    for element in found.select(DROPPED):
        element.decompose()
    seen = set()  # sphinx-exercise gives all contents one id
    for element in found.find_all(True):
        for key in ("href", "xlink:href", "src"):
            if key in element.attrs and not element[key].startswith("data:"):
                element[key] = moved(element[key], page, names)
        if "id" in element.attrs:
            if element["id"] in seen:
                del element["id"]
            else:
                seen.add(element["id"])
                element["id"] = anchor(page, element["id"])
    found["id"] = anchor(page)
    return Markup(found)


def assemble():
    """Write the one document; return its path."""
    names = [f"{name}.html" for name in notebooks.pages()]
    first = BeautifulSoup((SITE / names[0]).read_text(encoding="utf-8"), "html.parser")
    sheets = [moved(link["href"], names[0], names) for link in first.select('link[rel="stylesheet"]')]
    title = yaml.safe_load((ROOT / "_config.yml").read_text())["title"]
    articles = [article(name, names) for name in names]
    whole = typeset.render("book.html", title=title, sheets=sheets, articles=articles)
    WHOLE.write_text(whole, encoding="utf-8")
    return WHOLE


def print_pdf(whole, target):
    """Print the document, once its images are there."""
    with served() as address, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(f"{address}/{whole.name}", wait_until="load")
        page.emulate_media(media="print")
        margin = {"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"}
        page.pdf(
            path=str(target), format="A4", margin=margin, print_background=True, outline=True, tagged=True,
            display_header_footer=True, header_template="<span></span>", footer_template=FOOTER,
        )  # fmt: skip


def main():
    if not CHROMIUM:
        print("Chromium prints the book, and there is none here (Debian: apt install chromium).", file=sys.stderr)
        return 1
    if not (SITE / "index.html").is_file():
        print("The pages are not built: run `make book` first.", file=sys.stderr)
        return 1
    print_pdf(assemble(), TARGET)
    WHOLE.unlink()
    print(f"The book is in {TARGET.relative_to(ROOT)} ({TARGET.stat().st_size / 1e6:.0f} MB).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
