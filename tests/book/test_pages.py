"""The built pages as a reader meets them: links, and a real browser with the network cut."""

import functools
from urllib.parse import unquote, urldefrag, urlparse

import browse
import notebooks
import pytest
from axe_playwright_python.sync_playwright import Axe
from browse import SITE
from bs4 import BeautifulSoup
from conftest import needs_browser

from crlab.ledger import claims

SERIOUS = {"serious", "critical"}


PAGES = [f"{name}.html" for name in notebooks.pages()]
SPHINX_PAGES = ["search.html", "genindex.html", "_modules/index.html", "_modules/crlab/units.html"]
UNFOLD = "document.querySelectorAll('.toggle-hidden > .admonition-title').forEach(e => e.click())"
SCROLLERS_TAKE_FOCUS = """() => [...document.querySelectorAll('pre')].every(
    e => e.tabIndex === (e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight ? 0 : -1))"""
every_page = pytest.mark.parametrize("page", PAGES)


@pytest.fixture(scope="session")
def soups():
    assert SITE.is_dir(), "the pages are not built: run `make book`"
    pages = [p for p in SITE.rglob("*.html") if "_static" not in p.parts]
    return {p.relative_to(SITE).as_posix(): BeautifulSoup(p.read_text(), "html.parser") for p in pages}


@pytest.fixture(scope="session")
def address(soups):
    with browse.served() as address:
        yield address


class Visit:
    """A page opened with every request to another host refused and noted."""

    def __init__(self, browser, address, path, width=1366, dark=False, before=""):
        self.outside, self.errors, self.listening = [], [], True
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.page = self.context.new_page()
        self.page.route("**/*", functools.partial(self._route, address))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" and self.listening else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.add_init_script(before)
        if dark:
            self.page.add_init_script("localStorage.setItem('mode', 'dark'); localStorage.setItem('theme', 'dark')")
        self.page.goto(f"{address}/{path}", wait_until="load")

    def _route(self, address, route):
        url = route.request.url
        if url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(url)
            route.abort()

    def __enter__(self):
        return self

    def __exit__(self, failure, *rest):
        self.context.close()
        if failure is None:
            assert self.errors == []
            assert self.outside == []

    def count(self, selector):
        return self.page.locator(selector).count()

    def serious_violations(self):
        self.listening = False  # axe asks for imported style sheets in the page's folder, where they are not
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [f"{v['id']}: {n['html'][:200]}" for v in found if v["impact"] in SERIOUS for n in v["nodes"]]


def test_links_and_assets_resolve_inside_the_book(soups):
    broken = []
    anchors = {n: {e.get(k) for e in s.find_all(True) for k in ("id", "name")} for n, s in soups.items()}
    for name, soup in soups.items():
        for tag, attribute in (("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")):
            for element in soup.find_all(tag):
                url = element.get(attribute, "")
                if urlparse(url).scheme or url.startswith("//"):
                    if tag != "a" and not url.startswith("data:"):
                        broken.append(f"{name}: asset from elsewhere: {url}")
                    continue
                path, anchor = map(unquote, urldefrag(url))
                target = (SITE / name).parent / path.split("?")[0] if path else SITE / name
                if not target.exists():
                    broken.append(f"{name}: {url}")
                elif anchor and target.suffix == ".html":
                    known = anchors[target.resolve().relative_to(SITE).as_posix()]
                    broken += [f"{name}: no anchor {url}"] if anchor not in known else []
    assert not broken, "\n".join(broken)


def test_the_page_on_the_talk_links_to_the_cells_that_compute(soups):
    page = "book/reference/does-it-reproduce-the-talk.html"
    entries = claims.all_claims().values()
    links = [a["href"] for a in soups[page].select("td a") if a["href"].endswith("#claims")]
    assert sorted(links) == sorted(f"../{claim.chapter}.html#claims" for claim in entries)
    for claim in entries:
        cell = soups[f"book/{claim.chapter}.html"].find(id="claims")
        assert f'claims.report("{claim.chapter}")' in cell.select_one(".cell_input").text
        assert claim.stated_text in " ".join(cell.select_one(".cell_output").text.split())


@every_page
def test_images_have_alternative_text(soups, page):
    images = soups[page].find_all("img")
    bare = [
        str(i)[:120] for i in images if len(i.get("alt", "").split()) < 2 or i["alt"].startswith(("../", "_images"))
    ]
    assert not bare


@needs_browser
@every_page
@pytest.mark.parametrize("width", [1366, 390], ids=["desk", "phone"])
def test_page_is_whole_without_a_network(browser, address, page, width):
    with Visit(browser, address, page, width) as visit:
        equations = visit.count("span.math, div.math")
        assert visit.count("span.math mjx-container svg, div.math mjx-container svg") >= equations
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        broken = "[...document.images].filter(i => i.complete && i.naturalWidth === 0).map(i => i.src)"
        assert visit.page.evaluate(broken) == []


@needs_browser
@pytest.mark.parametrize("page", [*PAGES, *SPHINX_PAGES])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_is_accessible_in_both_themes(browser, address, page, dark):
    """Solutions unfolded: axe does not look at what is hidden."""
    with Visit(browser, address, page, dark=dark) as visit:
        assert visit.page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        visit.page.evaluate(UNFOLD)
        assert visit.count(".toggle-hidden") == 0
        visit.page.wait_for_function(SCROLLERS_TAKE_FOCUS, timeout=10_000)
        assert visit.serious_violations() == []


@needs_browser
def test_the_theme_button_changes_the_theme(browser, address):
    with Visit(browser, address, PAGES[0]) as visit:
        background = "getComputedStyle(document.body).backgroundColor"
        before = visit.page.evaluate(background)
        for _ in range(3):
            visit.page.locator("button.theme-switch-button:visible").first.click()
            if visit.page.evaluate("document.documentElement.dataset.theme") == "dark":
                break
        visit.page.wait_for_timeout(300)
        assert visit.page.evaluate(background) != before


@needs_browser
def test_solutions_fold(browser, address, soups):
    pages = [page for page in PAGES if soups[page].select(".solution.dropdown")]
    assert pages, "no chapter has a folded solution"
    for page in pages:
        with Visit(browser, address, page) as visit:
            solution = visit.page.locator(".solution.dropdown").first
            content = solution.locator("section, .section").first
            assert not content.is_visible()
            solution.locator("button.toggle-button, .admonition-title").first.click()
            assert content.is_visible()


@needs_browser
def test_search_finds_a_term(browser, address):
    with Visit(browser, address, "search.html?q=grammage") as visit:
        visit.page.wait_for_selector("#search-results ul.search li", timeout=10_000)
