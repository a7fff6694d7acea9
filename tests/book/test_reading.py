"""Reading the built pages in a real browser: sliders, solutions, search, copying, speed, weight and structure."""

import itertools
import json

from conftest import needs_browser
from test_pages import PAGES, SITE, Visit, address, every_page, soups

__all__ = ["address", "soups"]

HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
# Everything that moved without the reader's doing, from the first paint on.
SHIFTS = """
window.moved = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""
SLIDERS = ".crlab-player, .crlab-figure"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def pages_with_sliders(soups):
    return [page for page in PAGES if soups[page].select(SLIDERS)]


def test_at_least_eight_pages_have_a_figure_with_a_slider(soups):
    """Each named, described in words in every position, whole in the page and without a kernel."""
    pages = pages_with_sliders(soups)
    assert len(pages) >= 8, pages
    for box in itertools.chain.from_iterable(soups[page].select(SLIDERS) for page in pages):
        slider = box.find("input", type="range")
        assert slider["aria-label"].strip()
        assert box["role"] == "group"
        pictures = box.find_all("img") or box.find_all("canvas")
        texts = [picture.get("alt") or picture.get("aria-label", "") for picture in pictures]
        assert all(len(text.split()) >= 8 for text in texts), texts
        labels = [image["data-label"] for image in box.find_all("img")]
        assert len(set(labels)) == len(labels)
        assert not labels or int(slider["max"]) == len(labels) - 1
        assert all(image["src"].startswith("data:") for image in box.find_all("img"))
    assert not any(soups[page].select('script[type^="application/vnd.jupyter.widget"]') for page in PAGES)


@needs_browser
def test_sliders_obey_the_keyboard(browser, address, soups):
    for page in pages_with_sliders(soups):
        with Visit(browser, address, page) as visit:
            for box in visit.page.locator(SLIDERS).all():
                slider = box.get_by_role("slider")
                before = box.screenshot()
                slider.focus()
                visit.page.keyboard.press("ArrowRight")
                assert slider.input_value() == "1"
                assert box.screenshot() != before, f"{page}: the figure does not follow its slider"
                visit.page.keyboard.press("End")
                assert slider.input_value() == slider.get_attribute("max")
                assert slider.get_attribute("aria-valuetext") == box.locator("output").inner_text()
                visit.page.keyboard.press("Home")
                assert slider.input_value() == "0"


@needs_browser
def test_solutions_unfold_and_fold_by_keyboard(browser, address, soups):
    page = next(page for page in PAGES if soups[page].select(".solution.dropdown"))
    with Visit(browser, address, page) as visit:
        solution = visit.page.locator(".solution.dropdown").first
        content = solution.locator("section, .section").first
        button = solution.locator("button.toggle-button").first
        button.focus()
        visit.page.keyboard.press("Enter")
        content.wait_for(state="visible", timeout=5000)
        visit.page.keyboard.press("Enter")
        content.wait_for(state="hidden", timeout=5000)


@needs_browser
def test_search_leads_to_the_term(browser, address):
    with Visit(browser, address, "search.html?q=grammage") as visit:
        visit.page.wait_for_selector("#search-results ul.search li a", timeout=30_000)
        found = visit.page.locator("#search-results ul.search li a").evaluate_all("links => links.map(a => a.href)")
        assert any("composition-and-grammage" in link for link in found)
        visit.page.locator("#search-results ul.search li a").first.click()
        visit.page.wait_for_load_state("load")
        assert "grammage" in visit.page.locator("main").inner_text().lower()
        assert visit.outside == []


@needs_browser
def test_the_copy_button_copies_the_cell(browser, address, soups):
    page = next(page for page in PAGES if soups[page].select("div.cell_input pre"))
    with Visit(browser, address, page) as visit:
        visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        cell = visit.page.locator("div.cell_input").first
        cell.hover()
        cell.locator("button.copybtn").click()
        visit.page.wait_for_timeout(300)
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").inner_text().strip()


@needs_browser
@every_page
def test_the_first_view_is_fast_and_stays_where_it_is(browser, address, page, record_property):
    """From disk a page shows within a second on a quiet machine; the bar here leaves room for a busy one."""
    with Visit(browser, address, page, before=SHIFTS) as visit:
        visit.page.wait_for_timeout(300)
        paint, moved = visit.page.evaluate(PAINT), visit.page.evaluate("window.moved")
        record_property("first view (ms)", paint)
        record_property("layout shift", moved)
        assert paint is not None
        assert paint < 5000
        assert moved < 0.1, "good by the measure of Web Vitals (CLS)"


@every_page
def test_headings_are_in_order(soups, page):
    levels = [int(h.name[1]) for h in soups[page].select_one("article.bd-article").find_all(HEADINGS)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels


@every_page
def test_tables_have_headers(soups, page):
    for table in soups[page].select("article.bd-article table"):
        if "highlighttable" not in table.get("class", []):
            assert table.find("th"), str(table)[:200]


@every_page
def test_images_say_their_size(soups, page):
    bare = [
        str(i)[:100] for i in soups[page].select("article.bd-article img") if not (i.get("width") and i.get("height"))
    ]
    assert not bare


@every_page
def test_a_page_weighs_less_than_three_megabytes(soups, page):
    """Its own text and images; style sheets, MathJax and other scripts are shared by all pages."""
    own = {(SITE / page).parent / i["src"] for i in soups[page].find_all("img") if not i["src"].startswith("data:")}
    weight = (SITE / page).stat().st_size + sum(path.stat().st_size for path in own if path.is_file())
    assert weight < 3_000_000, json.dumps({path.name: path.stat().st_size for path in own if path.is_file()})
