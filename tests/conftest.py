"""What all tests share: tools that are found, and examples drawn the same way on every machine."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
sys.path[:0] = [str(ROOT / folder) for folder in ("tools", "book/_ext", "benchmarks")]

import browse  # noqa: E402

settings.register_profile("crlab", deadline=None, derandomize=True)
settings.load_profile("crlab")

needs_browser = pytest.mark.skipif(
    browse.CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"
)


@pytest.fixture(scope="session")
def browser():
    """Chromium; one for all tests of a process, since Playwright allows no second one in a thread."""
    with browse.chromium() as chromium:
        yield chromium


def obey_the_keyboard(figures):
    """Move the slider of each figure by keys: one picture at a time, another one in each position, with its label.

    Only the picture is compared, and not the thumb or the label beside it, which move whatever the picture does.
    """
    for figure in figures.all():
        slider = figure.get_by_role("slider")
        slider.focus()
        last = slider.get_attribute("max")
        views = {"0": picture(figure)}
        for key, position in (("ArrowRight", "1"), ("End", last), ("Home", "0")):
            slider.page.keyboard.press(key)
            assert slider.input_value() == position
            view = picture(figure)
            same = [at for at, seen in views.items() if seen == view]
            assert same == [at for at in views if at == position], f"{key}: the picture does not follow its slider"
            views[position] = view


def picture(figure):
    """What is seen of a figure with a slider, pixel by pixel: one picture, and the label that belongs to it."""
    seen = [element for element in figure.locator("img, canvas").all() if element.is_visible()]
    assert len(seen) == 1, f"{len(seen)} pictures are seen at a time"
    said = figure.locator("output").inner_text()
    assert figure.get_by_role("slider").get_attribute("aria-valuetext") == said, "aria-valuetext is not what is shown"
    assert seen[0].get_attribute("data-label") in (said, None), "the label of another picture"  # a canvas has none
    return seen[0].screenshot()
