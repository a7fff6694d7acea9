"""The gas of the Galaxy: two analytic models of hydrogen in three dimensions, and maps of your own.

All densities are of hydrogen nuclei, in the frame of `crlab.galaxy`. The two models keep R☉ = 8.5 kpc, with which they
were fitted, wherever the Sun is put. Used in the chapter "The ingredients".
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from astropy import units as u

from crlab.emission import _kernels
from crlab.galaxy import SUN, solar_radius
from crlab.units import Array, take

__all__ = ["Cube", "Ferriere", "Gas", "NakanishiSofue", "Shells", "load", "mass"]

_PARTS = ("HI", "H2", "HII")


class Gas(Protocol):
    """What the line-of-sight integrator asks of a gas model.

    Examples
    --------
    >>> class Layer:
    ...     def nuclei(self, x, y, z):
    ...         return np.exp(-abs(z) / 0.1)
    >>> print(f"{mass(Layer(), radius=1 * u.kpc, height=1 * u.kpc):.3g}")  # 0.2π kpc³ of 1/cm³
    1.55e+07 solMass
    """

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        """Hydrogen nuclei in 1/cm³ at points in kpc, arrays of one shape (n,)."""


def _parts(component: str, known: tuple[str, ...]) -> Array:
    if component == "all":
        return np.array([1.0] * len(known))
    if component not in known:
        raise ValueError(f"component must be 'all' or one of {', '.join(known)}, got {component!r}")
    return np.array([float(component == part) for part in known])


def _points(x: Any, y: Any, z: Any) -> tuple[tuple[Array, Array, Array], tuple[int, ...]]:
    """Coordinates in kpc, broadcast and flat, and their shape."""
    arrays = np.broadcast_arrays(*(take(name, value, u.kpc) for name, value in (("x", x), ("y", y), ("z", z))))
    flat = [np.array(a, order="C").ravel() for a in arrays]
    return (flat[0], flat[1], flat[2]), arrays[0].shape


class _Model:
    """Density with units, for all models."""

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        raise NotImplementedError

    def density(self, x: u.Quantity, y: u.Quantity, z: u.Quantity) -> u.Quantity:
        """Return the density of hydrogen nuclei.

        Parameters
        ----------
        x, y, z : Quantity
            Galactocentric position, lengths of shapes that broadcast.

        Returns
        -------
        Quantity
            In 1/cm³, of the common shape.

        Raises
        ------
        UnitConversionError
            A coordinate without a unit of length.
        ValueError
            A coordinate that is not finite.
        """
        points, shape = _points(x, y, z)
        return self.nuclei(*points).reshape(shape) / u.cm**3


@dataclass(frozen=True)
class Ferriere(_Model):
    """Ferrière's model: HI, molecular and ionised hydrogen (Ferrière 1998), inside 3 kpc as Ferrière et al. 2007.

    Outside R = 3 kpc it is axisymmetric and flares outwards. Inside, it has the central molecular zone and a tilted
    disc, with x of that paper towards the Sun and y towards positive longitudes (so that its ionised gas lies
    around Sgr A*, at slightly negative longitude). The model has no spiral arms, and steps at R = 3 kpc.

    Parameters
    ----------
    component : str
        ``"all"``, ``"HI"``, ``"H2"`` or ``"HII"``.
    molecular : str
        How to read the molecular density 0.58/cm³ at the Sun outside 3 kpc: as hydrogen ``"nuclei"``, which gives
        the column and the mass of Ferrière 2001, or as ``"molecules"``, which doubles both. The inner 3 kpc are in
        molecules in either case.

    Raises
    ------
    ValueError
        An unknown component or reading.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{Ferriere('HI').density(0 * u.kpc, 8.5 * u.kpc, 0 * u.kpc):.3f}")
    0.566 1 / cm3
    """

    component: str = "all"
    molecular: str = "nuclei"

    def __post_init__(self) -> None:
        _parts(self.component, _PARTS)
        if self.molecular not in ("nuclei", "molecules"):
            raise ValueError(f"molecular must be 'nuclei' or 'molecules', got {self.molecular!r}")

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        """Hydrogen nuclei in 1/cm³ at points in kpc, arrays of one shape (n,)."""
        outer = 2.0 if self.molecular == "molecules" else 1.0
        return _kernels.ferriere(x, y, z, outer, _parts(self.component, _PARTS))


@dataclass(frozen=True)
class NakanishiSofue(_Model):
    """Axisymmetric HI (Nakanishi & Sofue 2003) and H2 (Nakanishi & Sofue 2006), layers whose height grows with radius.

    Smooth fits to the surveys' ring averages, without spiral arms and without ionised gas.

    Parameters
    ----------
    component : str
        ``"all"``, ``"HI"`` or ``"H2"``; molecules count as two nuclei.

    Raises
    ------
    ValueError
        An unknown component.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{NakanishiSofue('HI').density(0 * u.kpc, 8.5 * u.kpc, 0 * u.kpc):.3f}")
    0.232 1 / cm3
    """

    component: str = "all"

    def __post_init__(self) -> None:
        _parts(self.component, _PARTS[:2])

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        """Hydrogen nuclei in 1/cm³ at points in kpc, arrays of one shape (n,)."""
        return _kernels.nakanishi(x, y, z, _parts(self.component, _PARTS[:2]))


def _whole(values: Array, what: str) -> None:
    """Refuse maps with holes: a hole would silently become gas-free space."""
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"{what} must be finite everywhere, but {bad.sum()} of its {bad.size} values are NaN or infinite: "
            "fill the holes from a model, or with 0 where there is no gas"
        )
    if np.any(values < 0):
        raise ValueError(f"{what} must hold no negative density, got {values.min():g}")


def _per_volume(values: Any) -> None:
    """Refuse densities without a unit, or with one that is no number per volume."""
    unit = getattr(values, "unit", None)
    if unit is None or not unit.is_equivalent(u.cm**-3):
        raise u.UnitConversionError(
            f"values must be hydrogen nuclei in units like 1 / cm3, got {unit or 'bare numbers'}"
        )


@dataclass(frozen=True, eq=False)
class Cube(_Model):
    """Gas on a regular Cartesian grid, interpolated linearly; no gas outside.

    Parameters
    ----------
    values : Quantity, shape (nx, ny, nz)
        Hydrogen nuclei per volume at the nodes.
    first, step : Quantity, shape (3,)
        Position of the first node and distance between nodes along x, y and z.
    sun : Quantity, shape (2,)
        Where the Sun is in the grid's own x and y. The grid is turned about the z axis into the frame of
        `crlab.galaxy`, and not stretched; it must be right-handed with z towards the north Galactic pole.

    Raises
    ------
    ValueError
        NaN or negative densities, another shape, steps that are not positive, the Sun at the centre.
    UnitConversionError
        Wrong units.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> box = Cube(np.ones((3, 3, 3)) / u.cm**3, first=[-1, -1, -1] * u.kpc, step=[1, 1, 1] * u.kpc)
    >>> print(box.density([0.5, 2] * u.kpc, 0 * u.kpc, 0 * u.kpc))
    [1. 0.] 1 / cm3
    """

    values: u.Quantity
    first: u.Quantity
    step: u.Quantity
    sun: u.Quantity = SUN * (0, 1)

    def __post_init__(self) -> None:
        for name, value in (("first", self.first), ("step", self.step)):
            if take(name, value, u.kpc, positive=name == "step").shape != (3,):
                raise ValueError(f"{name} must hold a length for each of x, y and z, got shape {np.shape(value)}")
        if take("sun", self.sun, u.kpc).shape != (2,) or not np.any(self.sun.value):
            raise ValueError(f"sun must be x and y of the Sun, away from the Galactic centre, got {self.sun}")
        _per_volume(self.values)
        if self.values.ndim != 3:
            raise ValueError(f"values must have three axes x, y, z, got shape {self.values.shape}")
        _whole(self.values.value, "values of the gas cube")

    @cached_property
    def _grid(self) -> tuple[Array, Array, Array, Array]:
        first, step = self.first.to_value(u.kpc), self.step.to_value(u.kpc)
        grid = np.ascontiguousarray(self.values.to_value(u.cm**-3), dtype=np.float64)[..., None]
        toward = self.sun.to_value(u.kpc) / np.hypot(*self.sun.to_value(u.kpc))
        return first, step, grid, toward

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        """Hydrogen nuclei in 1/cm³ at points in kpc, arrays of one shape (n,)."""
        first, step, grid, (cx, cy) = self._grid
        # y of the frame is the direction to the Sun, x is 90 degrees clockwise of it.
        return _kernels.trilinear(x * cy + y * cx, y * cy - x * cx, z, first, step, grid)[:, 0]


@dataclass(frozen=True, eq=False)
class Shells(_Model):
    """Gas as HEALPix maps in shells of distance from the Sun, constant within a voxel; no gas outside.

    Parameters
    ----------
    values : Quantity, shape (n, 12 nside²)
        Hydrogen nuclei per volume, RING order, Galactic coordinates.
    edges : Quantity, shape (n + 1,)
        Distances that bound the shells, increasing.
    sun : Quantity
        R☉: where the map was seen from.

    Raises
    ------
    ValueError
        NaN or negative densities, shapes that do not fit, edges that do not increase, a distance that is not positive.
    UnitConversionError
        Wrong units.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> shells = Shells(np.ones((1, 12)) / u.cm**3, edges=[0, 2] * u.kpc)
    >>> print(shells.density(0 * u.kpc, [7, 6] * u.kpc, 0 * u.kpc))
    [1. 0.] 1 / cm3
    """

    values: u.Quantity
    edges: u.Quantity
    sun: u.Quantity = SUN

    def __post_init__(self) -> None:
        import healpy

        solar_radius(self.sun)
        edges = take("edges", self.edges, u.kpc, non_negative=True)
        _per_volume(self.values)
        if self.values.ndim != 2 or edges.shape != (len(self.values) + 1,) or np.any(np.diff(edges) <= 0):
            raise ValueError(
                f"values of shape {self.values.shape} need increasing edges, one more than shells, got {edges.size}"
            )
        if not healpy.isnpixok(self.values.shape[1]):
            raise ValueError(f"values must have 12 nside² pixels a shell, got {self.values.shape[1]}")
        _whole(self.values.value, "values of the gas shells")

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        """Hydrogen nuclei in 1/cm³ at points in kpc, arrays of one shape (n,)."""
        import healpy

        ahead = solar_radius(self.sun) - y
        distance = np.sqrt(x**2 + ahead**2 + z**2)
        edges = self.edges.to_value(u.kpc)
        shell = np.searchsorted(edges, distance, side="right") - 1
        inside = (shell >= 0) & (shell < len(edges) - 1)
        out = np.zeros(x.size)
        pixel = healpy.vec2pix(healpy.npix2nside(self.values.shape[1]), ahead[inside], x[inside], z[inside])
        out[inside] = self.values.to_value(u.cm**-3)[shell[inside], pixel]
        return out


def load(path: str | Path, *, edges: u.Quantity | None = None, sun: u.Quantity = SUN * (0, 1)) -> Cube | Shells:
    """Read a published map of the gas from a FITS file.

    Two forms are understood. A Cartesian cube is an image of three axes (x, y, z in the order of FITS) with the usual
    keywords CRPIX, CRVAL, CDELT and CUNIT for each. Shells are an image of two axes, HEALPix pixels in RING order by
    shells of distance, with `edges` given. ``BUNIT`` names the unit of either, a density of hydrogen nuclei.

    Parameters
    ----------
    path : str or Path
    edges : Quantity, shape (n + 1,), optional
        Distances that bound the shells of a HEALPix map.
    sun : Quantity, shape (2,)
        Where the Sun is in the x and y of a cube; of shells its distance from the centre counts.

    Returns
    -------
    Cube or Shells

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        No image of this kind, a missing keyword, NaN or negative values; the message names the file.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.io import fits
    >>> shells = fits.PrimaryHDU(np.ones((2, 12)))
    >>> shells.header["BUNIT"] = "cm-3"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shells.writeto(f"{folder}/gas.fits")
    ...     found = load(f"{folder}/gas.fits", edges=[0, 1, 2] * u.kpc)
    >>> print(found.density(0 * u.kpc, [8, 6] * u.kpc, 0 * u.kpc))
    [1. 0.] 1 / cm3
    """
    from astropy.io import fits

    with fits.open(Path(path)) as file:
        images = [hdu for hdu in file if hdu.is_image and hdu.data is not None]
        if not images:
            raise ValueError(f"{path} holds no image with gas densities")
        data, header = np.asarray(images[0].data, dtype=np.float64), images[0].header
    try:
        unit = u.Unit(header["BUNIT"])
        if data.ndim == 2:
            if edges is None:
                raise ValueError(
                    "an image of two axes is taken as HEALPix shells: give edges, the distances between them"
                )
            return Shells(data * unit, edges, np.hypot(*sun))
        step = u.Quantity([header[f"CDELT{i}"] * u.Unit(header[f"CUNIT{i}"]) for i in (1, 2, 3)])
        origin = u.Quantity([header[f"CRVAL{i}"] * u.Unit(header[f"CUNIT{i}"]) for i in (1, 2, 3)])
        first = origin + (1 - np.array([header[f"CRPIX{i}"] for i in (1, 2, 3)])) * step
        return Cube(data.T * unit, first, step, sun)
    except KeyError as error:
        raise ValueError(f"{path} lacks in its header: {error.args[0]}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def mass(gas: Gas, *, radius: u.Quantity = 20 * u.kpc, height: u.Quantity = 5 * u.kpc, nodes: int = 64) -> u.Quantity:
    """Mass of the hydrogen within a cylinder around the Galactic centre, M = m_H ∫ n_H dV.

    Gauss–Legendre quadrature in R and z, inside and outside 3 kpc apart, and the midpoint rule in azimuth.

    Parameters
    ----------
    gas : Gas
    radius, height : Quantity
        R < radius, abs(z) < height.
    nodes : int
        Nodes a dimension.

    Returns
    -------
    Quantity
        In solar masses, without helium.

    Raises
    ------
    ValueError
        A length that is not positive, or fewer than two nodes.
    UnitConversionError
        A length without unit.

    Examples
    --------
    >>> print(f"{mass(NakanishiSofue('HI')):.1e}")
    5.2e+09 solMass
    """
    outer, top = (float(take(name, v, u.kpc, positive=True)) for name, v in (("radius", radius), ("height", height)))
    if nodes < 2:
        raise ValueError(f"nodes must be at least 2, got {nodes}")
    node, weight = np.polynomial.legendre.leggauss(nodes)
    phi = 2 * np.pi * (np.arange(nodes) + 0.5) / nodes
    # z = top t³ crowds nodes where the gas is.
    z, dz = top * node**3, 3 * top * node**2 * weight
    total = 0.0
    for low, high in ((0.0, min(3.0, outer)), (min(3.0, outer), outer)):
        r, dr = low + (high - low) * (node + 1) / 2, (high - low) / 2 * weight
        points = np.broadcast_arrays(r[:, None, None], phi[:, None], z)
        n = gas.nuclei(*(a.ravel() for a in (points[0] * np.sin(points[1]), points[0] * np.cos(points[1]), points[2])))
        total += float(np.einsum("i,ijk,k->", dr * r, n.reshape(points[0].shape), dz)) * 2 * np.pi / nodes
    hydrogen = 1.00784 * u.u
    return (total * u.kpc**3 / u.cm**3 * hydrogen).to(u.Msun)
