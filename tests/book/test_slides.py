"""Slides: what a chapter gives, and that a browser shows it without a network and turns it from the keyboard."""

import shutil

import nbformat
import notebooks
import pytest
import slides
import typeset
from bs4 import BeautifulSoup
from conftest import needs_browser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TEXT = """## How fast is it?

Guess first: is it *fast*, or is $v < c$? The {term}`answer` stands in {eq}`eq-demo` {cite:p}`Bell1978`.

```{math}
:label: eq-demo
v = a\\,t < c
```
"""
REPORT = "speed: talk 3, here\n  3 (agrees)\n    A remark.\n    More.\nway: talk 1, here 1 (agrees)\n"


def demo():
    figure = new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"})
    printed = new_output("stream", text="v = 3 & more\n")
    markup = {"mystnb": {"image": {"alt": "A dot."}, "figure": {"caption": "A dot at $x = 1$.", "name": "fig-demo"}}}
    return new_notebook(
        cells=[
            new_markdown_cell("# A title\n\nA promise.\n\nMore."),
            new_markdown_cell(TEXT),
            new_code_cell("plot()", outputs=[figure], metadata=markup),
            new_code_cell("print(v)", outputs=[printed]),
            new_code_cell("print(w)", outputs=[printed], metadata={"tags": ["slide"]}),
            new_code_cell("plot(2)", outputs=[figure], metadata={"tags": ["no-slide"]}),
            new_markdown_cell("## A picture\n\nAs {cite:t}`Bell1978` wrote, {numref}`fig-demo` shows it."),
            new_code_cell("plot(3)", outputs=[figure], metadata=markup),
            new_markdown_cell("## What you need to know\n\nWhy?"),
            new_code_cell('print(claims.report("demo"))', outputs=[new_output("stream", text=REPORT)]),
            new_markdown_cell("## Exercises\n\nWhy?"),
            new_markdown_cell("## Summary\n\n- One.\n- Two."),
        ]
    )


@pytest.fixture(scope="module")
def shown():
    return [BeautifulSoup(s, "html.parser") for s in slides.slides(demo())]


def test_title_section_figure_code_and_summary(shown):
    assert len(shown) == 7
    title, section, figure, code, picture, talk, summary = shown
    assert title.h1.text == "A title"
    assert "A promise." in title.p.text
    assert section.h2.text == "How fast is it?"
    assert [q.text.strip() for q in section.select(".question")] == ["Guess first: is it fast, or is \\(v < c\\)?"]
    assert "v = a\\,t < c" in section.text
    assert "{" not in section.details.text.replace("a\\,t", "")
    assert figure.img["alt"] == "A dot."
    assert figure.figcaption.text.strip() == "A dot at \\(x = 1\\)."
    assert [pre.text for pre in code.select("pre")] == ["print(w)", "v = 3 & more\n"]
    assert picture.h2.text == "A picture", "a heading without a slide of its own stands over the figure"
    assert picture.figure
    assert [line.text for line in talk.select("li")] == [
        "speed: talk 3, here 3 (agrees)",
        "way: talk 1, here 1 (agrees)",
    ]
    assert talk.details.pre.text == REPORT
    assert [item.text for item in summary.select("li")] == ["One.", "Two."]


def test_references_are_named():
    text = typeset.plain(
        "As {cite:t}`Bell1978` wrote, {numref}`fig-demo` and {eq}`eq-demo` show it {cite:p}`Bell2004`."
    )
    assert text == "As Bell (1978) wrote, the figure and the equation show it."


def test_an_equation_may_go_on_in_the_next_line():
    text = "With $a <\nb$ and $c$, for 5 \\$:\n\n$$d$$"
    assert typeset.markdown(text) == "<p>With \\(a &lt;\nb\\) and \\(c\\), for 5 $:</p>\n\\[d\\]"


def test_no_slide_is_a_heading_alone():
    for path in notebooks.chapters():
        if "reference" not in path.parts:
            for shown in (BeautifulSoup(s, "html.parser") for s in slides.slides(nbformat.read(path, 4))):
                body = [tag for tag in shown.section.find_all(recursive=False) if tag.name not in ("h2", "details")]
                assert body, f"{path.stem}: {shown.section.h2}"


@pytest.mark.parametrize("path", notebooks.physics(), ids=lambda p: p.stem)
def test_every_chapter_gives_a_talk(path):
    notebook = nbformat.read(path, 4)
    found = [BeautifulSoup(s, "html.parser") for s in slides.slides(notebook)]
    figures = sum("image/png" in o.get("data", {}) for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    assert sum(bool(s.select("figure")) for s in found) == figures
    assert found[0].h1
    for s in found:
        words = s.text.replace("\\", "")
        assert "{cite" not in words
        assert all(image.get("alt") for image in s.select("img"))


@needs_browser
def test_keys_turn_the_slides_and_equations_show_without_a_network(tmp_path, browser):
    shutil.copyfile(typeset.bundle(), tmp_path / typeset.MATHJAX)
    file = tmp_path / "demo.html"
    file.write_text(slides.page("Demo", slides.slides(demo())), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    outside, errors = [], []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(file.as_uri(), wait_until="load")
    page.evaluate("MathJax.startup.promise")
    assert page.locator("mjx-container svg").count() >= 3
    assert page.evaluate("here()") == 0
    page.keyboard.press("ArrowRight")
    page.wait_for_function("here() === 1")
    page.keyboard.press("End")
    page.wait_for_function("here() === 6")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("here() === 5")
    assert page.locator("details[open]").count() == 0
    page.keyboard.press("n")
    assert page.locator("details[open]").count() == 3
    assert outside == []
    assert errors == []
    page.close()
