"""The house style: legible for everyone, the same on every machine."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from crlab import show


@pytest.fixture(autouse=True)
def house_style():
    with mpl.rc_context():
        show.use_house_style()
        yield
        plt.close("all")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    rgb = np.array(mpl.colors.to_rgb(colour))
    return float(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_type_is_large_and_figures_fit_the_column() -> None:
    figure, ax = plt.subplots()
    ax.set(xlabel="x", ylabel="y", title="title")
    ax.plot([1, 2], label="curve")
    ax.legend()
    sizes = [text.get_fontsize() for text in figure.findobj(mpl.text.Text)]
    assert len(sizes) > 10
    assert min(sizes) >= 10
    buffer = io.BytesIO()
    figure.savefig(buffer, bbox_inches="tight")  # as a notebook does
    buffer.seek(0)
    assert 690 <= plt.imread(buffer).shape[1] <= 700
    assert figure.dpi <= 100


def test_successive_curves_differ_in_colour_and_in_line_style() -> None:
    lines = plt.subplots()[1].plot(np.ones((2, len(show.COLOURS))))
    assert [line.get_color() for line in lines] == list(show.COLOURS.values())
    assert len({line.get_color() for line in lines}) == len(lines)
    dashes = {str(line._unscaled_dash_pattern) for line in lines}
    assert len(dashes) == len(lines)
    assert len(set(show.MARKERS)) == len(show.COLOURS)


def test_the_first_colours_stand_out_from_white() -> None:
    contrast = [1.05 / (luminance(colour) + 0.05) for colour in show.COLOURS.values()]
    assert min(contrast[:5]) >= 3  # WCAG 2.1, 1.4.11
    assert min(contrast) >= 2
    assert sorted(contrast[5:]) == sorted(contrast)[:2]  # the faintest come last


def test_it_forgets_earlier_settings() -> None:
    before = mpl.rcParams.copy()
    mpl.rcParams.update({"font.size": 5, "lines.linewidth": 9, "axes.facecolor": "pink"})
    show.use_house_style()
    assert mpl.rcParams == before


def test_the_palette_cannot_be_changed_by_a_reader() -> None:
    with pytest.raises(TypeError):
        show.COLOURS["blue"] = "#000000"
