"""Equations are set while the pages are built: SVG for the eye, MathML for the ear, an error for a mistake."""

import re

import equations
import pytest
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError
from test_pages import SITE, every_page, soups

__all__ = ["soups"]


@pytest.fixture(scope="module")
def engine():
    running = equations.Engine()
    yield running
    running.close()


def test_an_equation_is_drawn_and_can_be_read_aloud(engine):
    drawn = BeautifulSoup(engine.set(r"\frac{v}{3} \ell", True), "html.parser")
    assert drawn.svg.find("rect"), "the line of the fraction"
    assert len(drawn.select("use")) == 3
    assert [tag.text for tag in drawn.math.mfrac.find_all(re.compile("^m[in]$"))] == ["v", "3"]
    assert drawn.math["display"] == "block"


def test_glyphs_are_written_once_and_only_those_used(engine):
    text = engine.set("E E^E", False) + engine.set("E", False)
    engine.set(r"\Omega", False)
    shapes = BeautifulSoup(equations.shapes(engine, text), "html.parser").select("path")
    assert len(shapes) == 1
    assert equations.shapes(engine, "<p>no equation</p>") == ""


def test_text_around_is_kept_and_entities_are_read(engine):
    text = "a < b".replace("<", "&lt;")
    page = f"<p>if {equations.INLINE[0]}{text}{equations.INLINE[1]} then</p>"
    drawn = BeautifulSoup(equations.set_equations(engine, page, "here"), "html.parser")
    assert [tag.text for tag in drawn.select("mi, mo")] == ["a", "<", "b"]
    assert drawn.p.text.startswith("if ")
    assert drawn.p.text.endswith(" then")


@pytest.mark.parametrize(("tex", "message"), [(r"\frac{a", "Missing close brace"), (r"\nosuch a", "nosuch")])
def test_a_mistake_is_an_error_and_the_next_equation_goes_on(engine, tex, message):
    with pytest.raises(ValueError, match=message):
        engine.set(tex, False)
    assert "svg" in engine.set("x + 1", False)


def test_an_engine_that_has_died_says_so_and_can_be_closed():
    died = equations.Engine()
    died.process.kill()
    died.process.wait()
    for tex in ("a", "b"):
        with pytest.raises(ExtensionError, match="MathJax ended"):
            died.set(tex, False)
    died.close()


@every_page
def test_each_equation_of_a_page_is_whole(soups, page):
    soup = soups[page]
    assert equations.OPEN not in (SITE / page).read_text()
    shapes = {path["id"] for path in soup.select("defs path[id]")}
    assert {use["xlink:href"].removeprefix("#") for use in soup.select("mjx-container use")} <= shapes
    for place in soup.select("span.math, div.math"):
        assert place.select_one("mjx-container > svg"), place
        assert place.select_one("mjx-assistive-mml > math"), place
