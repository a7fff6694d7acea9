"""The player: self-contained, described, usable without a mouse, and really playing in a browser."""

import re

import pytest
from bs4 import BeautifulSoup
from conftest import needs_browser
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from playwright.sync_api import expect

from crlab.frames import player

LABELS = ["10 kpc", "1 kpc", "<0.1 kpc & less"]


@pytest.fixture
def strip():
    figures = [Figure(figsize=(2, 1)) for _ in LABELS]
    for i, figure in enumerate(figures):
        figure.subplots().plot([0, i])
    return player(figures, labels=LABELS, alt="The sky at", title="Mean free path", interval=150)


def test_it_is_self_contained_and_described(strip) -> None:
    page = BeautifulSoup(strip.html, "html.parser")
    images = page.find_all("img")
    assert [image["alt"] for image in images] == [f"The sky at {label}" for label in LABELS]
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert len({image["src"] for image in images}) == len(LABELS)
    assert not re.search(r"https?:|src=[\"']//", strip.html)
    assert page.find("input")["aria-label"] == "Mean free path"
    assert page.find("button").text == "Play"
    assert strip._repr_html_() == strip.html
    assert repr(strip) == "Player of 3 frames"


def test_the_same_figures_give_the_same_page() -> None:
    def make(label):
        return player([Figure(figsize=(1, 1))], labels=[label], alt="Nothing", title="T").html

    assert make("a") == make("a")
    assert re.search('id="([^"]+)"', make("a"))[1] != re.search('id="([^"]+)"', make("b"))[1]


def test_figures_are_closed() -> None:
    before = plt.get_fignums()
    figure = plt.figure(figsize=(1, 1))
    player([figure], labels=["a"], alt="Nothing", title="T")
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"figures": []}, "^labels must be one for each of at least one figure, got 1 for 0$"),
        ({"labels": ["a", "b"]}, "^labels must be one for each of at least one figure, got 2 for 1$"),
        ({"alt": " "}, "^alt must say something"),
        ({"title": ""}, "^title must say something"),
        ({"interval": 0}, "^interval must be positive, got 0$"),
        ({"dpi": -1}, "^dpi must be positive, got -1$"),
    ],
)
def test_bad_input_is_refused(changes, message) -> None:
    arguments = {"figures": [Figure()], "labels": ["a"], "alt": "Nothing", "title": "T"} | changes
    figures = arguments.pop("figures")
    with pytest.raises(ValueError, match=message):
        player(figures, **arguments)


@needs_browser
def test_it_plays_pauses_and_obeys_the_keyboard(strip, browser) -> None:
    page = browser.new_page()
    page.set_content(strip.html)
    frames, button = page.locator("img"), page.get_by_role("button")
    slider, text = page.get_by_role("slider"), page.locator("output")
    expect(frames.nth(0)).to_be_visible()
    expect(frames.nth(1)).to_be_hidden()
    slider.press("ArrowRight")
    expect(frames.nth(1)).to_be_visible()
    expect(text).to_have_text("1 kpc")
    button.press("Enter")
    expect(frames.nth(2)).to_be_visible()
    expect(text).to_have_text("<0.1 kpc & less")
    expect(button).to_have_text("Play")  # it stops at the end
    button.click()
    expect(text).to_have_text("10 kpc")  # and begins again
    button.click()
    expect(button).to_have_text("Play")
    page.close()
