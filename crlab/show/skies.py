"""Maps of the sky in HEALPix form: one drawn, or many behind a slider."""

import gc
from collections.abc import Sequence
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from astropy import units as u
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from crlab.show.sliders import Slider, slider
from crlab.units import Array, take

__all__ = ["draw_sky", "sky_slider"]

_SCALES = ("linear", "log", "diverging")
_COORDINATES = ("G", "C", "E")


def draw_sky(
    values: Any,
    *,
    label: str,
    unit: u.UnitBase | str = "",
    coord: str = "G",
    nest: bool = False,
    scale: str = "linear",
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw a HEALPix map of the sky in Galactic coordinates.

    Mollweide's projection of equal areas, the Galactic centre in the middle, longitude growing to the left.

    Parameters
    ----------
    values : Quantity or array_like, shape (12 nside²,)
        The map. Pixels that hold NaN or healpy's ``UNSEEN``, or are masked, are drawn in grey.
    label : str
        What the colours show; the unit is added.
    unit : Unit or str
        The unit on the colour bar; none for a pure number.
    coord : {"G", "C", "E"}
        Coordinates in which `values` are given: Galactic, equatorial or ecliptic. The figure is Galactic.
    nest : bool
        Whether the pixels are in NESTED order; otherwise RING.
    scale : {"linear", "log", "diverging"}
        ``"diverging"`` is linear and symmetric about zero, for differences.
    limits : pair of float, optional
        Ends of the colour bar in `unit`; it gets arrows where the map goes beyond. By default the extremes of
        the map.
    ax : Axes, optional
        Axes with ``projection="mollweide"`` to draw in, for figures of several maps; by default those of a
        new figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        No HEALPix map, no pixel to show, infinite values, a logarithmic scale for values that are not
        positive, unfit limits or axes, an unknown scale or coordinate system.
    UnitConversionError
        A bare number where `unit` has a dimension, or a unit that does not convert.

    Examples
    --------
    >>> import numpy as np
    >>> figure, axes = draw_sky(np.arange(12.0), label="Pixel number")
    >>> axes.name
    'mollweide'
    """
    import healpy  # takes seconds to import, and most chapters draw no map

    for name, given, known in (("coord", coord, _COORDINATES), ("scale", scale, _SCALES)):
        if given not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {given!r}")
    unit = u.Unit(unit)
    pixels = _pixels(values, unit)
    low, high = _limits(pixels, scale, limits)
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure().add_subplot(projection="mollweide")
    elif ax.name != "mollweide":
        raise ValueError(f'ax must have projection="mollweide", got {ax.name!r}')

    # Longitude grows to the left, as on the sky seen from inside.
    x = np.linspace(-np.pi, np.pi, 1001)
    latitude = np.linspace(-np.pi / 2, np.pi / 2, 501)
    theta, phi = np.meshgrid(np.pi / 2 - _centres(latitude), -_centres(x), indexing="ij")
    theta, phi = healpy.Rotator(coord=["G", coord])(theta.ravel(), phi.ravel())
    index = healpy.ang2pix(healpy.npix2nside(pixels.size), theta, phi, nest=nest)
    mesh = ax.pcolormesh(
        x,
        latitude,
        pixels[index].reshape(latitude.size - 1, x.size - 1),
        norm=(LogNorm if scale == "log" else Normalize)(low, high),
        cmap=mpl.colormaps["RdBu_r" if scale == "diverging" else "viridis"].with_extremes(bad="0.7"),
        rasterized=True,
    )
    _graticule(ax)
    below, above = bool(np.nanmin(pixels) < low), bool(np.nanmax(pixels) > high)
    figure = cast(Figure, ax.get_figure(root=True))
    figure.colorbar(
        mesh,
        ax=ax,
        orientation="horizontal",
        shrink=0.7,
        pad=0.04,
        aspect=30,
        extend=("both" if below else "max") if above else ("min" if below else "neither"),
        label=f"{label} [{unit:latex_inline}]" if str(unit) else label,
    )
    return figure, ax


def sky_slider(
    skies: Sequence[Any], values: Any, *, label: str, title: str, alt: str, dpi: int = 60, **options: Any
) -> Slider:
    """Maps that follow a slider, such as the sky against energy, in a page without a kernel and live in Jupyter.

    Parameters
    ----------
    skies : sequence of Quantity or array_like, each of shape (12 nside²,)
    values : Quantity or array_like, shape (k,)
        What each map belongs to, such as its energy; they grow or fall throughout. The slider stops at these.
    label : str
        What the colours show.
    title, alt : str
        As in `crlab.show.slider`; the value is added for each map.
    dpi : int
        Resolution; a frame is 5.6 by 3.4 inches.
    **options
        For `draw_sky`.

    Returns
    -------
    Slider

    Raises
    ------
    ValueError, UnitConversionError
        Another number of values than of maps, or as `draw_sky` and `crlab.show.slider`.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> skies = np.arange(24.0).reshape(2, 12)
    >>> sky_slider(skies, [1, 1000] * u.TeV, label="Intensity", title="Energy", alt="Noise.")
    Slider of 2 frames
    """
    if np.shape(values) != (len(skies),):
        raise ValueError(f"values must be one for each map, got shape {np.shape(values)} for {len(skies)} maps")

    def draw(value: Any) -> Figure:
        return _picture(skies[int(np.argmin(np.abs(np.subtract(values, value))))], label, dpi, options)

    return slider(draw, values, title=title, alt=alt, label="{:g}", dpi=dpi, between=False)


def _pixels(values: Any, unit: u.UnitBase) -> Array:
    """The map in `unit`, with NaN for every pixel that is not to be shown."""
    import healpy

    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(float), np.nan)
    raw = np.array(values.value if isinstance(values, u.Quantity) else values, dtype=float)
    if raw.ndim != 1 or not healpy.isnpixok(raw.size):
        raise ValueError(f"values must be one map of 12 nside² pixels, got an array of shape {raw.shape}")
    hidden = np.isnan(raw) | healpy.mask_bad(raw)
    if hidden.all():
        raise ValueError("values must hold at least one pixel to show, got only NaN or UNSEEN")
    raw[hidden] = 0.0
    pixels = take("values", raw * values.unit if isinstance(values, u.Quantity) else raw, unit)
    pixels[hidden] = np.nan
    return pixels


def _limits(pixels: Array, scale: str, limits: tuple[float, float] | None) -> tuple[float, float]:
    if scale == "log" and np.nanmin(pixels) <= 0:
        raise ValueError(
            f"values must be positive for a logarithmic scale, got {np.count_nonzero(pixels <= 0)} pixels "
            "that are not: set these to NaN to draw them in grey"
        )
    if limits is None:
        low, high = float(np.nanmin(pixels)), float(np.nanmax(pixels))
        largest = max(abs(low), abs(high))
        return (-largest, largest) if scale == "diverging" else (low, high)
    pair = take("limits", limits, "")
    if pair.shape != (2,) or not pair[0] < pair[1]:
        raise ValueError(f"limits must be two growing numbers, got {limits!r}")
    low, high = float(pair[0]), float(pair[1])
    if scale == "log" and low <= 0:
        raise ValueError(f"limits must be positive for a logarithmic scale, got {limits!r}")
    if scale == "diverging" and low != -high:
        raise ValueError(f"limits must be symmetric about zero for a diverging scale, got {limits!r}")
    return low, high


def _graticule(ax: Axes) -> None:
    longitude = np.arange(120, -121, -60)
    latitude = np.arange(-60, 61, 30)
    halo = [withStroke(linewidth=2.5, foreground="white")]  # these labels stand on the map
    ax.set_xticks(-np.radians(longitude), [f"{degrees % 360}°" for degrees in longitude], path_effects=halo)
    ax.set_yticks(np.radians(latitude), [f"{degrees}°".replace("-", "−") for degrees in latitude])
    ax.set_axisbelow(False)
    ax.grid(True, color="0.6", linewidth=0.5, alpha=0.8)


def _centres(edges: Array) -> Array:
    return (edges[1:] + edges[:-1]) / 2


def _picture(values: Any, label: str, dpi: int, options: dict[str, Any]) -> Figure:
    """A figure that holds a map as pixels: the mesh behind one takes 40 MB, and a strip has many."""
    size = (5.6, 3.4)
    drawn = Figure(figsize=size, dpi=dpi)
    draw_sky(values, label=label, ax=drawn.add_subplot(projection="mollweide"), **options)
    canvas: Any = FigureCanvasAgg(drawn)
    canvas.draw()
    flat = Figure(figsize=size, dpi=dpi)
    flat.figimage(np.array(canvas.buffer_rgba()))
    drawn.clear()
    gc.collect()  # axes and colour bar hold each other
    return flat
