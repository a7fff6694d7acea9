"""A figure that follows a slider: pictures in a page without a kernel, drawn anew where one runs."""

import base64
import hashlib
import html
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from astropy import units as u
from matplotlib.figure import Figure
from PIL import Image

from crlab.show._page import fill
from crlab.units import Array, take

__all__ = ["Player", "Slider", "player", "slider"]


@dataclass(frozen=True)
class Player:
    """Pictures that play; made by `player`. Jupyter and the book show its HTML.

    Parameters
    ----------
    html : str
        Self-contained: pictures, controls and script, and nothing from another site.
    """

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Player of {self.html.count('<img ')} frames"


@dataclass(frozen=True)
class Slider(Player):
    """A figure that follows a slider; made by `slider`.

    A page shows pictures of it. In Jupyter with a kernel the same object shows a control that draws anew for every
    position, where it can also between the pictures.

    Parameters
    ----------
    html : str
        As for `Player`.
    draw : callable
        Takes a value and returns a figure.
    values : Array
        Those of the pictures, in `unit`.
    unit : Unit, optional
        Of what `draw` gets; without one it gets floats.
    label, alt, title, dpi, between
        As for `slider`.
    """

    draw: Callable[[Any], Figure] = field(repr=False)
    values: Array = field(repr=False)
    unit: u.UnitBase | None
    label: str
    alt: str
    title: str
    dpi: int
    between: bool = True

    def widget(self) -> Any:
        """Make the control that Jupyter shows: a slider over the whole range, and the figure for its position.

        The slider is logarithmic where the values grow by factors rather than by steps, and takes whole numbers where
        the values are whole. Where nothing can be drawn between the values, it goes from one to the next.

        Returns
        -------
        ipywidgets.VBox
            The slider and the picture.
        """
        import ipywidgets

        control = self._control(ipywidgets)
        picture = ipywidgets.HTML(self._picture(control.value))
        control.observe(lambda change: setattr(picture, "value", self._picture(change["new"])), "value")
        return ipywidgets.VBox([control, picture], layout={"max_width": "700px"})  # the text column of the book

    def _control(self, widgets: Any) -> Any:
        look = {"description": self.title, "style": {"description_width": "initial"}, "layout": {"width": "95%"}}
        low, high, first = float(self.values.min()), float(self.values.max()), float(self.values[0])
        if not self.between:
            stops = [(self.label.format(_with_unit(value, self.unit)), value) for value in self.values.tolist()]
            return widgets.SelectionSlider(options=stops, value=first, **look)
        if _grows_by_factors(self.values):
            ends = {"min": np.log10(low), "max": np.log10(high), "step": np.log10(high / low) / 100}
            return widgets.FloatLogSlider(value=first, **ends, readout_format=".3g", **look)
        if np.all(self.values % 1 == 0):
            return widgets.IntSlider(value=int(first), min=int(low), max=int(high), **look)
        step = (high - low) / 100
        return widgets.FloatSlider(value=first, min=low, max=high, step=step, readout_format=".3g", **look)

    def _picture(self, number: float) -> str:
        value = _with_unit(float(number), self.unit)
        said = self.label.format(value)
        figure = _drawn(self.draw, value)
        return f'<p style="margin: 0">{html.escape(said)}</p>{_image(figure, said, self.alt, self.dpi)}'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return dict(self.widget()._repr_mimebundle_()) if _is_watched() else {}

    def __repr__(self) -> str:
        return f"Slider of {len(self.values)} frames"


def player(
    figures: Sequence[Figure], *, labels: Sequence[str], alt: str, title: str, interval: int = 900, dpi: int = 80
) -> Player:
    """Turn figures into a strip with a slider and a button that plays them.

    It starts at the first frame and at rest, plays to the last frame when asked to, and pauses on request. Slider and
    button work from the keyboard. Where scripts do not run, all frames are shown below each other.

    Parameters
    ----------
    figures : sequence of Figure
        Of one size; they are closed.
    labels : sequence of str
        What each frame shows, such as the value of a parameter.
    alt : str
        What a reader who does not see the pictures should know; the label is added for each.
    title : str
        Name of the slider, such as "Mean free path".
    interval : int
        Milliseconds for a frame.
    dpi : int
        Resolution of the pictures.

    Returns
    -------
    Player

    Raises
    ------
    ValueError
        No figures, another number of labels, an empty text, or an interval or resolution that is not positive.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> player([Figure(), Figure()], labels=["1 pc", "2 pc"], alt="Empty frames.", title="Mean free path")
    Player of 2 frames
    """
    if not figures or len(labels) != len(figures):
        raise ValueError(f"labels must be one for each of at least one figure, got {len(labels)} for {len(figures)}")
    _check(alt, title, interval=interval, dpi=dpi)
    images = [_image(figure, label, alt, dpi) for figure, label in zip(figures, labels, strict=True)]
    return Player(_page(images, labels, title, interval))


def slider(
    draw: Callable[[Any], Figure],
    values: Any,
    *,
    title: str,
    alt: str,
    label: str = "{:.3g}",
    interval: int = 900,
    dpi: int = 100,
    between: bool = True,
) -> Slider:
    """Show the figure that a function draws for a value, with a slider to choose the value.

    The page has a picture for each of `values`, with the slider and the button of `player`. Where the cell runs in
    Jupyter or Colab before somebody's eyes (and ipywidgets is installed), the same call shows a slider over the whole
    range that calls `draw` for every position. Elsewhere, ``display(slider(...).widget())`` asks for that. A run with
    ``CRLAB_PROGRESS=0``, which says that nobody watches, always gives the pictures.

    Parameters
    ----------
    draw : callable
        Takes one value (a quantity if `values` has a unit, else a float) and returns a figure, which is closed here.
        All of one size, and better with the same axes, so that only what depends on the value moves.
    values : array_like or Quantity, shape (n,)
        At least two that grow or fall throughout, in the order of the pictures.
    title : str
        Name of the slider, such as "Mean free path".
    alt : str
        What a reader who does not see the pictures should know; the label is added for each.
    label : str
        Format of a value, such as ``"at {:.2g}"``. It must tell the values apart.
    interval : int
        Milliseconds for a picture when they play.
    dpi : int
        Resolution of the pictures.
    between : bool
        Whether `draw` takes any value of the range. Where it only looks up what was computed for `values`, the live
        slider stops at these.

    Returns
    -------
    Slider

    Raises
    ------
    ValueError
        Fewer than two values, values that neither grow nor fall throughout, labels that are the same, pictures of
        different sizes, a `draw` that returns no figure, or what `player` refuses.

    Examples
    --------
    >>> from astropy import units as u
    >>> from matplotlib.figure import Figure
    >>> def line(slope):
    ...     figure = Figure(figsize=(2, 1))
    ...     figure.subplots().set(xlim=(0, 1), ylim=(0, 3))
    ...     figure.axes[0].plot([0, 1], [0, slope.to_value(u.pc)])
    ...     return figure
    >>> slider(line, [1, 2, 3] * u.pc, title="Slope", alt="A line through the origin.", label="{:.0f}")
    Slider of 3 frames
    """
    _check(alt, title, interval=interval, dpi=dpi)
    unit = getattr(values, "unit", None)
    numbers = take("values", values, u.one if unit is None else unit)
    if numbers.ndim != 1 or len(numbers) < 2 or abs(np.sign(np.diff(numbers)).sum()) < len(numbers) - 1:
        raise ValueError(f"values must be at least two that grow or fall throughout, got {values!r}")
    labels = [label.format(_with_unit(number, unit)) for number in numbers.tolist()]
    if len(set(labels)) < len(labels):
        raise ValueError(f"label must tell the values apart, got {label!r}, which says {labels}")
    images, sizes = [], set()
    for number, said in zip(numbers.tolist(), labels, strict=True):
        figure = _drawn(draw, _with_unit(number, unit))
        sizes.add(tuple(figure.get_size_inches()))
        images.append(_image(figure, said, alt, dpi))
    if len(sizes) > 1:
        raise ValueError(f"draw must return figures of one size, got {len(sizes)} sizes")
    page = _page(images, labels, title, interval)
    return Slider(page, draw, numbers, unit, label, alt, title, dpi, between)


def _check(alt: str, title: str, **positive: int) -> None:
    for name, text in (("alt", alt), ("title", title)):
        if not text.strip():
            raise ValueError(f"{name} must say something, got {text!r}")
    for name, value in positive.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value!r}")


def _drawn(draw: Callable[[Any], Figure], value: Any) -> Figure:
    figure = draw(value)
    if not isinstance(figure, Figure):
        raise ValueError(f"draw must return a figure, got {type(figure).__name__} for {value}")
    return figure


def _with_unit(number: float, unit: u.UnitBase | None) -> Any:
    return number if unit is None else number * unit


def _grows_by_factors(values: Array) -> bool:
    """Whether the values are spaced more evenly in their logarithm."""
    if values.min() <= 0:
        return False
    steps, factors = np.diff(values), np.diff(np.log(values))
    return bool(np.std(factors) / abs(np.mean(factors)) < np.std(steps) / abs(np.mean(steps)))


def _is_watched() -> bool:
    """Whether the kernel serves a page before somebody's eyes: one of Jupyter's server, or Colab's."""
    served = "JPY_SESSION_NAME" in os.environ or "COLAB_RELEASE_TAG" in os.environ
    return served and os.environ.get("CRLAB_PROGRESS") != "0" and find_spec("ipywidgets") is not None


def _image(figure: Figure, label: str, alt: str, dpi: int) -> str:
    """Write a figure into an image element, in at most 256 colours, and close it."""
    from matplotlib import pyplot as plt

    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    plt.close(figure)
    drawn, small = Image.open(data).convert("RGB"), io.BytesIO()
    drawn.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)  # a third of the bytes
    said, code = html.escape(label), base64.b64encode(small.getvalue()).decode()
    return (
        f'<img alt="{html.escape(alt)} {said}" data-label="{said}" src="data:image/png;base64,{code}" '
        'style="width: 100%">'
    )


def _page(images: Sequence[str], labels: Sequence[str], title: str, interval: int) -> str:
    strip = "\n".join(images)
    return fill(
        "sliders",
        id="player-" + hashlib.sha256(strip.encode()).hexdigest()[:12],
        title=html.escape(title),
        images=strip,
        last=len(images) - 1,
        first=html.escape(labels[0]),
        interval=int(interval),
    )
