"""The house style of the book's figures: one palette, one set of defaults, one way to draw the sky."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import matplotlib as mpl
import matplotlib.style
import numpy as np
from astropy import units as u
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from crlab.units import Array, take

__all__ = ["COLOURS", "LINESTYLES", "MARKERS", "sky_map", "use"]

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

_SCALES = ("linear", "log", "diverging")
_COORDINATES = ("G", "C", "E")


def use() -> None:
    """Set matplotlib's defaults to the house style, whatever they were before.

    Figures are 700 px wide with type of at least 10 points, laid out so that nothing overlaps. Successive
    curves differ in colour and in line style.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> use()
    >>> mpl.rcParams["figure.dpi"]
    100.0
    """
    mpl.style.use(["default", _DEFAULTS])


def sky_map(
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
    >>> figure, axes = sky_map(np.arange(12.0), label="Pixel number")
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
