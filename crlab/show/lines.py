"""Lines in space that a reader can turn, in a page without a kernel: data, a canvas and a short script of our own."""

import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u

from crlab.show._page import fill
from crlab.show.style import COLOURS
from crlab.units import Array, take

__all__ = ["Scene", "lines_in_space"]

_GRID = 1000  # coordinates are whole numbers from -1000 to 1000: finer than a pixel


@dataclass(frozen=True)
class Scene:
    """Lines in space; made by `lines_in_space`. Jupyter and the book show its HTML.

    Parameters
    ----------
    html : str
        Self-contained: data, controls and script, and nothing from another site.
    """

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Scene of {len(self.html) / 1e3:.0f} kB"


def lines_in_space(groups: Sequence[Sequence[Any]], *, labels: Sequence[str], alt: str, title: str) -> Scene:
    """Show groups of lines in space, one group at a time: a slider chooses it, arrow keys or a drag turn the view.

    All groups share one cubic box about the middle of their extent. What is shown is the same in Jupyter and in a page
    without a kernel.

    Parameters
    ----------
    groups : sequence of sequence of Quantity
        Lines of each group, such as field lines of one kind of turbulence; each line of shape (n, 3), n > 1, a length.
    labels : sequence of str
        What each group is.
    alt : str
        What a reader who does not see the picture should know.
    title : str
        Name of the slider, such as "Polarisation".

    Returns
    -------
    Scene

    Raises
    ------
    ValueError
        No groups or an empty one, another number of labels, an empty text, a line of another shape, or lines that are
        all in one point.
    UnitConversionError
        A line that is no length.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> z = np.linspace(0, 10, 50)
    >>> helix = np.stack([np.cos(z), np.sin(z), z], axis=1) * u.pc
    >>> lines = [[helix], [helix[::2]]]
    >>> shown = lines_in_space(lines, labels=["fine", "coarse"], alt="A helix about the z axis.", title="Step")
    >>> shown.html.count("<canvas")
    1
    """
    if not groups or not all(len(group) for group in groups) or len(labels) != len(groups):
        raise ValueError(f"labels must be one for each of at least one group with lines, got {len(labels)}")
    for name, words in (("alt", alt), ("title", title)):
        if not words.strip():
            raise ValueError(f"{name} must say something, got {words!r}")
    lines = [[_line(line) for line in group] for group in groups]
    points = np.concatenate([line for group in lines for line in group])
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2
    if half == 0:
        raise ValueError("groups must hold lines with an extent, got a single point")
    whole = [[np.rint((line - (low + high) / 2) / half * _GRID).astype(int).tolist() for line in g] for g in lines]
    colours = [colour for name, colour in COLOURS.items() if name != "black"]  # black is lost on a dark page
    data = json.dumps({"groups": whole, "labels": list(labels), "colours": colours}, separators=(",", ":"))
    return Scene(
        fill(
            "lines",
            id="scene-" + hashlib.sha256(data.encode()).hexdigest()[:12],
            title=html.escape(title),
            alt=html.escape(alt),
            last=len(groups) - 1,
            first=html.escape(labels[0]),
            side=f"{2 * half:.3g} pc",
            data=data.replace("</", "<\\/"),
            grid=_GRID,
        )
    )


def _line(line: Any) -> Array:
    points = take("groups", line, u.pc)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2:
        raise ValueError(f"groups must hold lines of shape (n, 3) with n > 1, got {points.shape}")
    return points
