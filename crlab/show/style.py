"""The house style of the book's figures: one palette and one set of defaults."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import matplotlib.style
from cycler import cycler

__all__ = ["COLOURS", "LINESTYLES", "MARKERS", "use_house_style"]

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "blue": "#0072B2",
        "vermillion": "#D55E00",
        "green": "#009E73",
        "purple": "#CC79A7",
        "black": "#000000",
        "orange": "#E69F00",
        "sky": "#56B4E9",
    }
)
"""Okabe and Ito's palette, told apart with any colour vision, in the order of the cycle. Their yellow is
left out: on white it cannot be seen. Orange and sky stand last as they are the faintest on white."""

LINESTYLES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (5, 1)),
)
"""A line style for each colour, so that curves differ in print and in grey too."""

MARKERS: tuple[str, ...] = ("o", "s", "^", "D", "v", "P", "X")
"""A marker for each colour, for measurements: ``ax.errorbar(x, y, error, fmt=MARKERS[0])``."""

_DEFAULTS: dict[str, Any] = {
    # 700 px, the text column of the book.
    "figure.figsize": (7.0, 4.2),
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "savefig.pad_inches": 0.04,  # that of the layout, so that a notebook's crop keeps the 700 px
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine has it
    "mathtext.fontset": "dejavusans",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.handlelength": 3.0,
    "legend.fancybox": False,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "0.85",
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "errorbar.capsize": 2,
    "axes.prop_cycle": cycler(color=list(COLOURS.values())) + cycler(linestyle=LINESTYLES),
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.5,
    "grid.alpha": 0.4,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "image.cmap": "viridis",
}


def use_house_style() -> None:
    """Set matplotlib's defaults to the house style, whatever they were before.

    Figures are 700 px wide with type of at least 10 points, laid out so that nothing overlaps. Successive
    curves differ in colour and in line style.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> use_house_style()
    >>> mpl.rcParams["figure.dpi"]
    100.0
    """
    mpl.style.use(["default", _DEFAULTS])
