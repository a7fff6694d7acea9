"""Lines in space: what the page holds, and a browser that turns them from the keyboard."""

import json
import re

import numpy as np
import pytest
from astropy import units as u
from conftest import needs_browser

from crlab.show import lines_in_space

TEXTS = {"alt": "Two bundles of lines.", "title": "Polarisation"}


def walks(number=20, points=500, seed=1):
    steps = np.random.default_rng(seed).normal(size=(number, points, 3))
    return list(np.cumsum(steps, axis=1) * u.pc)


@pytest.fixture(scope="module")
def shown():
    return lines_in_space([walks(3, 60), walks(3, 60, seed=2)], labels=["slab & 2D", "isotropic"], **TEXTS)


def data(shown):
    return json.loads(re.search(r'application/json">(.*?)</script>', shown.html, re.S)[1])


def test_coordinates_fill_one_box_to_a_thousandth():
    box = np.array([[0, 0, 0], [4, 2, 1]]) * u.kpc
    found = lines_in_space([[box], [box / 2]], labels=["a", "b"], **TEXTS)
    assert data(found)["groups"] == [[[[-1000, -500, -250], [1000, 500, 250]]], [[[-1000, -500, -250], [0, 0, 0]]]]
    assert "The box is 4e+03 pc wide" in found.html


def test_the_page_is_small_self_contained_and_the_same_each_time():
    """The bar: 20 lines of 500 points in less than plotly's 350 kB, without its script of 4.8 MB."""
    first, second = (lines_in_space([walks()], labels=["all"], **TEXTS) for _ in range(2))
    assert first.html == second.html
    assert len(first.html) < 200_000
    assert "://" not in first.html
    assert first._repr_html_() == first.html


@pytest.mark.parametrize(
    ("groups", "labels", "texts", "message"),
    [
        ([], [], TEXTS, r"^labels must be one for each"),
        ([[]], ["a"], TEXTS, r"^labels must be one for each"),
        ([walks(1, 5)], ["a", "b"], TEXTS, r"^labels must be one for each"),
        ([walks(1, 5)], ["a"], {**TEXTS, "alt": " "}, r"^alt must say something"),
        ([walks(1, 5)], ["a"], {**TEXTS, "title": ""}, r"^title must say something"),
        ([[np.ones((4, 2)) * u.pc]], ["a"], TEXTS, r"^groups must hold lines of shape"),
        ([[np.ones((1, 3)) * u.pc]], ["a"], TEXTS, r"^groups must hold lines of shape"),
        ([[np.ones((4, 3)) * u.pc]], ["a"], TEXTS, r"^groups must hold lines with an extent"),
        ([[np.full((4, 3), np.nan) * u.pc]], ["a"], TEXTS, r"^groups must be finite"),
    ],
)
def test_bad_input_is_refused(groups, labels, texts, message):
    with pytest.raises(ValueError, match=message):
        lines_in_space(groups, labels=labels, **texts)


def test_what_is_no_length_is_refused():
    with pytest.raises(u.UnitConversionError, match=r"^groups must be"):
        lines_in_space([[np.ones((4, 3)) * u.yr]], labels=["a"], **TEXTS)


@needs_browser
def test_keys_turn_it_and_the_slider_changes_the_lines(shown, browser):
    page = browser.new_page()
    outside = []
    page.on("request", lambda r: outside.append(r.url) if r.url.startswith("http") else None)
    page.set_content(shown.html)
    canvas, slider = page.locator("canvas"), page.get_by_role("slider")
    views = [canvas.evaluate("c => c.toDataURL()")]
    for element, key in ((canvas, "ArrowRight"), (canvas, "ArrowUp"), (slider, "ArrowRight")):
        element.press(key)
        views.append(canvas.evaluate("c => c.toDataURL()"))
    assert len(set(views)) == 4
    assert page.locator("output").inner_text() == "isotropic"
    slider.press("ArrowLeft")
    assert page.locator("output").inner_text() == "slab & 2D"
    canvas.press("ArrowLeft")
    canvas.press("ArrowDown")
    assert canvas.evaluate("c => c.toDataURL()") == views[0]
    assert page.get_by_role("img", name="Two bundles of lines").count() == 1
    assert outside == []
    page.close()
