"""Player and slider: self-contained, described, usable without a mouse, playing in a browser, live with a kernel."""

import base64
import io
import re

import numpy as np
import pytest
from astropy import units as u
from bs4 import BeautifulSoup
from conftest import needs_browser, obey_the_keyboard
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import expect

from crlab.show import player, slider

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


@needs_browser
def test_nothing_moves_before_play_and_pause_stops_it(browser):
    """By the page's own clock, in steps of a frame of 900 ms: a minute at rest, two frames, and a minute at rest."""
    page = browser.new_page()
    page.clock.install()
    figures = [Figure(figsize=(2, 1)) for _ in range(10)]
    page.set_content(player(figures, labels=list("abcdefghij"), alt="Letter", title="Letter").html)
    button, text, control = page.get_by_role("button"), page.locator("output"), page.get_by_role("slider")

    def rests_at(letter):
        page.clock.run_for(60_000)
        expect(button).to_have_text("Play")
        expect(text).to_have_text(letter)
        expect(page.locator("img:visible")).to_have_attribute("data-label", letter)

    rests_at("a")
    button.press("Enter")
    expect(button).to_have_text("Pause")
    page.clock.run_for(2 * 900)
    expect(text).to_have_text("c")
    button.press("Enter")
    rests_at("c")
    button.press("Enter")
    page.clock.run_for(900)
    expect(text).to_have_text("d")
    control.press("ArrowRight")  # whoever takes the slider has it
    rests_at("e")
    page.close()


WORDS = {"title": "Slope", "alt": "A line that rises with the slope."}


def line(slope):
    """A line of the slope, in axes that stay."""
    figure = Figure(figsize=(2, 1))
    figure.subplots().set(xlim=(0, 1), ylim=(0, 100))
    figure.axes[0].plot([0, 1], [0, getattr(slope, "value", slope)])
    return figure


@pytest.fixture
def watched(monkeypatch):
    """As in a kernel that Jupyter's server started for a notebook."""
    pytest.importorskip("ipywidgets", exc_type=ImportError)
    monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    monkeypatch.delenv("CRLAB_PROGRESS", raising=False)


def test_a_slider_shows_what_draw_gives_for_each_value():
    drawn = []

    def draw(slope):
        drawn.append(slope)
        return line(slope)

    made = slider(draw, [1, 10, 100] * u.kpc, label="at {:.0f}", **WORDS)
    assert drawn == [1 * u.kpc, 10 * u.kpc, 100 * u.kpc]
    page = BeautifulSoup(made.html, "html.parser")
    labels = ["at 1 kpc", "at 10 kpc", "at 100 kpc"]
    assert [image["alt"] for image in page.find_all("img")] == [f"{WORDS['alt']} {label}" for label in labels]
    assert page.find("input")["max"] == "2"
    assert page.find("input")["aria-label"] == "Slope"
    assert repr(made) == "Slider of 3 frames"
    assert made.html == slider(line, [1, 10, 100] * u.kpc, label="at {:.0f}", **WORDS).html


def test_pictures_are_small_and_true():
    """A palette of 256 colours moves no shade by more than a few steps of 255."""

    def draw(phase):
        figure, ax = plt.subplots(figsize=(7, 4))
        ax.imshow(np.add.outer(np.linspace(0, 1, 60), np.linspace(0, phase, 60)))
        return figure

    page = BeautifulSoup(slider(draw, [1, 2], **WORDS).html, "html.parser")
    found = Image.open(io.BytesIO(base64.b64decode(page.find("img")["src"].partition(",")[2]))).convert("RGB")
    data = io.BytesIO()
    draw(1).savefig(data, format="png", dpi=100)
    plt.close("all")
    wanted = Image.open(data).convert("RGB")
    assert found.size == wanted.size
    assert np.mean(np.abs(np.asarray(found, float) - np.asarray(wanted, float))) < 2
    assert len(page.find("img")["src"]) < len(data.getvalue())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": [1]}, "^values must be at least two that grow or fall throughout"),
        ({"values": [1, 3, 2]}, "^values must be at least two that grow or fall throughout"),
        ({"values": [1, 1]}, "^values must be at least two that grow or fall throughout"),
        ({"values": [[1, 2], [3, 4]]}, "^values must be at least two that grow or fall throughout"),
        ({"values": [1, np.nan]}, "^values must be finite"),
        ({"values": [1.001, 1.002], "label": "{:.1f}"}, "^label must tell the values apart"),
        ({"draw": lambda _: None}, "^draw must return a figure, got NoneType for 1.0$"),
        ({"draw": lambda v: Figure(figsize=(v, 1))}, "^draw must return figures of one size, got 3 sizes$"),
        ({"alt": " "}, "^alt must say something"),
        ({"title": ""}, "^title must say something"),
        ({"interval": 0}, "^interval must be positive, got 0$"),
        ({"dpi": 0}, "^dpi must be positive, got 0$"),
    ],
)
def test_bad_sliders_are_refused(changes, message):
    arguments = {"draw": line, "values": [1, 2, 3], **WORDS} | changes
    draw, values = arguments.pop("draw"), arguments.pop("values")
    with pytest.raises(ValueError, match=message):
        slider(draw, values, **arguments)


def test_without_somebody_who_watches_the_page_is_all(monkeypatch):
    """Stored outputs hold no state of a widget, also where the run was started from inside Jupyter."""
    made = slider(line, [1, 2], **WORDS)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    assert made._repr_mimebundle_() == {}
    monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    monkeypatch.setenv("CRLAB_PROGRESS", "0")
    assert made._repr_mimebundle_() == {}


def test_with_a_kernel_the_same_call_gives_a_control(watched):
    from IPython.core.formatters import DisplayFormatter

    shown, _ = DisplayFormatter().format(slider(line, [1, 2], **WORDS))
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "crlab-player" in shown["text/html"]  # what a reader without a kernel sees later


def test_the_control_draws_anew_between_the_pictures(watched):
    drawn = []

    def draw(slope):
        drawn.append(slope)
        return line(slope)

    made = slider(draw, [1, 10, 100] * u.kpc, label="at {:.3g}", **WORDS)
    control, picture = made.widget().children
    assert type(control).__name__ == "FloatLogSlider"
    assert (10**control.min, 10**control.max) == pytest.approx((1, 100))
    before = picture.value
    control.value = 31.6
    assert drawn[-1].to_value(u.kpc) == pytest.approx(31.6)
    assert "at 31.6 kpc" in picture.value
    assert picture.value != before
    assert f'alt="{WORDS["alt"]} at 31.6 kpc"' in picture.value
    control.value = 1
    assert picture.value == before


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3], "IntSlider"),
        ([1, 2, 5, 10], "FloatLogSlider"),
        ([0.5, 0.4, 0.3], "FloatSlider"),
        ([-1, 0.5, 2], "FloatSlider"),
    ],
)
def test_the_control_suits_the_values(watched, values, kind):
    control = slider(line, values, **WORDS).widget().children[0]
    assert type(control).__name__ == kind
    assert control.value == pytest.approx(values[0])


def test_a_control_for_what_was_computed_stops_at_the_values_alone(watched):
    def look_up(slope):
        return {1: line(1), 10: line(10), 3000: line(3000)}[slope.to_value(u.pc)]

    made = slider(look_up, [3000, 10, 1] * u.pc, label="at {:g}", between=False, **WORDS)
    control, picture = made.widget().children
    assert type(control).__name__ == "SelectionSlider"
    assert control.options == (("at 3000 pc", 3000.0), ("at 10 pc", 10.0), ("at 1 pc", 1.0))
    assert "at 3000 pc" in picture.value
    control.index = 2
    assert f'alt="{WORDS["alt"]} at 1 pc"' in picture.value


@needs_browser
def test_a_slider_moves_by_keyboard_in_a_page(browser):
    page = browser.new_page()
    page.set_content(slider(line, [1, 10, 100] * u.kpc, label="at {:.0f}", **WORDS).html)
    control, frames = page.get_by_role("slider", name="Slope"), page.locator("img")
    control.press("End")
    expect(frames.nth(2)).to_be_visible()
    expect(frames.nth(0)).to_be_hidden()
    expect(page.locator("output")).to_have_text("at 100 kpc")
    assert control.get_attribute("aria-valuetext") == "at 100 kpc"
    assert page.get_by_role("img", name="A line that rises with the slope. at 100 kpc").count() == 1
    page.close()


@needs_browser
def test_figures_that_disobey_are_noticed(browser):
    """The check of the built pages: it passes here, and finds a picture that stays, two at a time, or a false label."""
    good = slider(line, [1, 10, 100] * u.kpc, label="at {:.0f}", **WORDS).html
    first = re.search('src="[^"]*"', good)[0]
    turn = 'frame.style.display = i === j ? "block" : "none";'
    spoilt = {
        "does not follow its slider": re.sub('src="[^"]*"', lambda _: first, good),
        "the label of another picture": good.replace(turn, turn.replace("i === j", "j === 0")),
        "2 pictures are seen": good.replace(turn, turn.replace("i === j", "i === j || j === 2")),
        "0 pictures are seen": good.replace(turn, turn.replace("i === j", "false")),
        "aria-valuetext": good.replace('slider.setAttribute("aria-valuetext", frames[i].dataset.label);', ""),
    }
    page = browser.new_page()
    page.set_content(good)
    obey_the_keyboard(page.locator(".crlab-player"))
    for message, html in spoilt.items():
        assert html != good
        page.set_content(html)
        with pytest.raises(AssertionError, match=message):
            obey_the_keyboard(page.locator(".crlab-player"))
    page.close()
