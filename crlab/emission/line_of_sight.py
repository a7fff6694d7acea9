"""Integrals along lines of sight: from gas and cosmic rays in three dimensions to intensities on the sky.

I(E; l, b) = ∫ n_H(r) q(E; r) exp(-τ(E, s)) ds, in the frame of `crlab.galaxy`. Used in the chapter "The smooth sky".

A *field* is any object with ``values(x, y, z)``: for n points in kpc an array of shape (n, k), with k = 1 for a field
that is the same at all energies, and with an attribute ``unit``. `Axisymmetric` and `Grid` are two; a sum over sources
written by you can be a third. A field that was made for a Sun of its own says so in an attribute ``sun``, R☉.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
from astropy import units as u

from crlab.emission import _kernels
from crlab.emission.absorption import Absorption
from crlab.emission.gas import Gas
from crlab.emission.maps import SkyMap, check_nside, directions
from crlab.galaxy import SUN, solar_radius
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import Array, take

__all__ = ["Axisymmetric", "Field", "Grid", "integrate", "positions", "sky_map", "steps"]

BLOCK = 512
"""Directions per block: a hundred thousand points, few enough that memory is used again at once."""

_CM = float(u.kpc.to(u.cm))


class Field(Protocol):
    """What is multiplied with the gas.

    Examples
    --------
    >>> class Layer:
    ...     unit = u.one
    ...     def values(self, x, y, z):
    ...         return np.exp(-abs(z) / 0.1)[:, None]
    >>> class Even:
    ...     def nuclei(self, x, y, z):
    ...         return np.ones(z.size)
    >>> print(f"{integrate(Layer(), Even(), [0] * u.deg, [90] * u.deg)[0, 0].to(u.kpc / u.cm**3):.3f}")
    0.100 kpc / cm3
    """

    @property
    def unit(self) -> u.UnitBase:
        """Unit of the values."""

    def values(self, x: Array, y: Array, z: Array) -> Array:
        """Values at points in kpc, arrays of shape (n,): shape (n, k)."""


def _regular(name: str, axis: Any, least: int = 1) -> tuple[float, float]:
    """First node and spacing in kpc of an axis with equal steps."""
    nodes = take(name, axis, u.kpc)
    if nodes.ndim != 1 or nodes.size < least:
        raise ValueError(f"{name} must be a list of at least {least} nodes, got shape {nodes.shape}")
    if nodes.size == 1:
        return float(nodes[0]), 1.0
    gaps = np.diff(nodes)
    if gaps.min() <= 0 or np.ptp(gaps) > 1e-6 * gaps.mean():
        raise ValueError(f"{name} must increase in equal steps, got gaps from {gaps.min():g} to {gaps.max():g} kpc")
    return float(nodes[0]), float((nodes[-1] - nodes[0]) / (nodes.size - 1))


def _table(name: str, values: Any, shape: tuple[int, ...]) -> tuple[Array, u.UnitBase]:
    """Values at the nodes with an axis of energies at the end, and their unit."""
    unit = getattr(values, "unit", u.one)
    array = take(name, values, unit)
    if array.shape[: len(shape)] != shape or array.ndim not in (len(shape), len(shape) + 1):
        raise ValueError(f"{name} must have shape {shape} or {(*shape, 'k')}, got {array.shape}")
    return np.ascontiguousarray(array.reshape(*shape, -1)), unit


@dataclass(frozen=True, eq=False)
class Axisymmetric:
    """A field tabulated over R and abs(z), interpolated linearly; zero beyond the table.

    Parameters
    ----------
    radius, height : Quantity, shapes (nr,) and (nz,)
        Nodes in equal steps; the heights begin at 0.
    table : Quantity or array_like, shape (nr, nz) or (nr, nz, k)
        Values at the nodes, for all energies or for each of k.
    sun : Quantity
        R☉, whence `integrate` sees the field.

    Raises
    ------
    ValueError
        Nodes that are not equally spaced, heights that do not begin at 0, a table of another shape or with NaN.
    UnitConversionError
        A length without unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> halo = Axisymmetric([0, 20] * u.kpc, [0, 5] * u.kpc, [[1, 0], [1, 0]])
    >>> halo.values(np.array([3.0]), np.array([4.0]), np.array([-1.0]))
    array([[0.8]])
    """

    radius: u.Quantity
    height: u.Quantity
    table: Any
    sun: u.Quantity = SUN

    def __post_init__(self) -> None:
        solar_radius(self.sun)
        first, _ = self._nodes
        if first[1] != 0:
            raise ValueError(f"height must begin at 0, got {first[1]:g} kpc")
        _ = self._values  # read and checked once

    @cached_property
    def _nodes(self) -> tuple[Array, Array]:
        first, step = zip(_regular("radius", self.radius, 2), _regular("height", self.height, 2), strict=True)
        return np.array(first), np.array(step)

    @cached_property
    def _values(self) -> tuple[Array, u.UnitBase]:
        return _table("table", self.table, (len(self.radius), len(self.height)))

    @property
    def unit(self) -> u.UnitBase:
        """Unit of the table."""
        return self._values[1]

    def values(self, x: Array, y: Array, z: Array) -> Array:
        """Values at points in kpc, arrays of shape (n,): shape (n, k)."""
        return _kernels.bilinear(x, y, z, *self._nodes, self._values[0])

    def combined(self, matrix: Any) -> "Axisymmetric":
        """Field of weighted sums over its k values, such as the emissivity at a few energies.

        Parameters
        ----------
        matrix : array_like, shape (j, k)
            As from `crlab.emission.stochastic.weights`.

        Returns
        -------
        Axisymmetric

        Raises
        ------
        ValueError
            A matrix that does not fit.

        Examples
        --------
        >>> halo = Axisymmetric([0, 20] * u.kpc, [0, 5] * u.kpc, np.ones((2, 2, 3)))
        >>> halo.combined([[0.5, 0.3, 0.2]]).values(np.zeros(1), np.zeros(1), np.zeros(1))
        array([[1.]])
        """
        weight, (table, unit) = take("matrix", matrix, ""), self._values
        if weight.ndim != 2 or weight.shape[1] != table.shape[-1]:
            raise ValueError(f"matrix must have {table.shape[-1]} columns, got shape {weight.shape}")
        return replace(self, table=table @ weight.T * unit)


@dataclass(frozen=True, eq=False)
class Grid:
    """A field on a Cartesian grid, interpolated linearly; zero beyond the grid.

    Parameters
    ----------
    x, y : Quantity, shapes (nx,) and (ny,)
        Nodes in equal steps.
    z : Quantity, shape (nz,)
        Nodes in equal steps. A single node means that the field is the same at all heights; nodes that begin at 0
        mean that it is symmetric about the plane.
    table : Quantity or array_like, shape (nx, ny, nz) or (nx, ny, nz, k)
        Values at the nodes, for all energies or for each of k.

    Raises
    ------
    ValueError
        Nodes that are not equally spaced, a table of another shape or with NaN.
    UnitConversionError
        A length without unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> slope = Grid([0, 1] * u.kpc, [0, 1] * u.kpc, [0, 1] * u.kpc, np.arange(8.0).reshape(2, 2, 2))
    >>> slope.values(np.array([0.5]), np.array([0.0]), np.array([-1.0]))
    array([[3.]])
    """

    x: u.Quantity
    y: u.Quantity
    z: u.Quantity
    table: Any

    def __post_init__(self) -> None:
        _ = self._nodes, self._values  # read and checked once

    @cached_property
    def _nodes(self) -> tuple[Array, Array]:
        first, step = zip(_regular("x", self.x, 2), _regular("y", self.y, 2), _regular("z", self.z), strict=True)
        return np.array(first), np.array(step)

    @cached_property
    def _values(self) -> tuple[Array, u.UnitBase]:
        return _table("table", self.table, (len(self.x), len(self.y), len(self.z)))

    @property
    def unit(self) -> u.UnitBase:
        """Unit of the table."""
        return self._values[1]

    def values(self, x: Array, y: Array, z: Array) -> Array:
        """Values at points in kpc, arrays of shape (n,): shape (n, k)."""
        first, step = self._nodes
        mirrored = len(self.z) > 1 and first[2] == 0
        return _kernels.trilinear(x, y, np.abs(z) if mirrored else z, first, step, self._values[0])


def positions(
    lon: u.Quantity, lat: u.Quantity, distance: u.Quantity, *, sun: u.Quantity = SUN
) -> tuple[u.Quantity, u.Quantity, u.Quantity]:
    """Positions in the frame of `crlab.galaxy` of points seen from the Sun.

    x = s cos b sin l, y = R☉ - s cos b cos l, z = s sin b.

    Parameters
    ----------
    lon, lat : Quantity
        Galactic coordinates, of shapes that broadcast with `distance`.
    distance : Quantity
        s, from the Sun.
    sun : Quantity
        R☉.

    Returns
    -------
    x, y, z : Quantity
        In kpc.

    Raises
    ------
    ValueError
        A negative distance, a value that is not finite.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> x, y, z = positions(90 * u.deg, 0 * u.deg, 2 * u.kpc)
    >>> print(f"{x:.1f}, {y:.1f}, {z:.1f}")
    2.0 kpc, 8.5 kpc, 0.0 kpc
    """
    longitude, b = take("lon", lon, u.rad), take("lat", lat, u.rad)
    s = take("distance", distance, u.kpc, non_negative=True)
    flat = s * np.cos(b)
    y = solar_radius(sun) - flat * np.cos(longitude)
    return flat * np.sin(longitude) * u.kpc, y * u.kpc, s * np.sin(b) * u.kpc


def steps(
    *,
    finest: u.Quantity = 0.02 * u.kpc,
    growth: float = 0.06,
    coarsest: u.Quantity = 0.2 * u.kpc,
    centre: u.Quantity = 0.04 * u.kpc,
    maximum: u.Quantity = 30 * u.kpc,
    sun: u.Quantity = SUN,
) -> u.Quantity:
    """Edges of the cells along a line of sight.

    A cell at distance s is max(finest, min(growth·s, coarsest)) long, and at most `centre` within 0.7 kpc of the
    distance of the Galactic centre, where the gas is clumped. The integral is the midpoint rule, of second order.

    Parameters
    ----------
    finest, coarsest, centre : Quantity
        Lengths of cells.
    growth : float
        Length of a cell over its distance.
    maximum : Quantity
        Where lines of sight end.
    sun : Quantity
        R☉.

    Returns
    -------
    Quantity, shape (m + 1,)
        In kpc, from 0 to `maximum`.

    Raises
    ------
    ValueError
        A length or growth that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> print(len(steps()), f"{steps()[-1]:.0f}")
    217 30 kpc
    """
    least, most, near, end = (
        float(take(name, value, u.kpc, positive=True))
        for name, value in (("finest", finest), ("coarsest", coarsest), ("centre", centre), ("maximum", maximum))
    )
    if not growth > 0:
        raise ValueError(f"growth must be positive, got {growth!r}")
    edges, centre_at = [0.0], solar_radius(sun)
    while edges[-1] < end:
        s = edges[-1]
        cell = max(least, min(growth * s, most))
        if abs(s - centre_at) < 0.7:
            cell = min(cell, near)
        edges.append(s + cell)
    edges[-1] = end
    return np.array(edges) * u.kpc


def integrate(
    field: Field,
    gas: Gas,
    lon: u.Quantity,
    lat: u.Quantity,
    *,
    energy: u.Quantity | None = None,
    absorption: Absorption | None = None,
    edges: u.Quantity | None = None,
    height: u.Quantity = 5 * u.kpc,
    sun: u.Quantity | None = None,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> u.Quantity:
    """Integrate gas times a field along lines of sight, ∫ n_H f exp(-τ) ds.

    With a field in 1 / (GeV s sr), such as the emissivity of a hydrogen nucleus, the result is an intensity; with a
    pure number it is a column density weighted with the field.

    Parameters
    ----------
    field : Field
        `Axisymmetric`, `Grid` or your own: k values at each point.
    gas : Gas
        A model of `crlab.emission.gas`, or anything with its method ``nuclei``.
    lon, lat : Quantity, shape (n,)
        Galactic directions.
    energy : Quantity, shape (e,), optional
        Energies at which to absorb; k must be 1 or e.
    absorption : Absorption, optional
        What dims gamma rays; without it nothing does.
    edges : Quantity, shape (m + 1,), optional
        Cells along the line of sight, from `steps` by default.
    height : Quantity
        Gas at abs(z) beyond it is left out.
    sun : Quantity, optional
        R☉, where lines of sight begin; by default that of the field, and `crlab.galaxy.SUN` if it names none.
    executor, progress
        As in `crlab.parallel.map_blocks`. Results do not depend on the number of threads.

    Returns
    -------
    Quantity, shape (n, k) or (n, e)
        In the field's unit times 1/cm².

    Raises
    ------
    ValueError
        Shapes that do not fit, edges that do not increase, absorption without energies, a gas or a field that has not
        the method.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.emission.gas import Ferriere
    >>> flat = Grid([-40, 40] * u.kpc, [-40, 40] * u.kpc, [0] * u.kpc, [[[1]] * 2] * 2)
    >>> print(f"{integrate(flat, Ferriere('HI'), [0] * u.deg, [90] * u.deg)[0, 0]:.2e}")
    3.10e+20 1 / cm2
    """
    l_rad, b_rad = take("lon", lon, u.rad), take("lat", lat, u.rad)
    if l_rad.ndim != 1 or b_rad.shape != l_rad.shape:
        raise ValueError(f"lon and lat must be lists of one length, got shapes {l_rad.shape} and {b_rad.shape}")
    if absorption is not None and energy is None:
        raise ValueError("absorption needs the energies of the gamma rays: give energy")
    sun = _sun_of(field, sun)
    cells = take("edges", steps(sun=sun) if edges is None else edges, u.kpc, non_negative=True)
    if cells.ndim != 1 or cells.size < 2 or np.any(np.diff(cells) <= 0):
        raise ValueError("edges must be a list of at least two distances that increase")
    for name, value, method in (("field", field, "values"), ("gas", gas, "nuclei")):
        if not callable(getattr(value, method, None)):
            raise ValueError(f"{name} must have a method {method}(x, y, z), got {type(value).__name__} {value!r:.40}")
    if absorption is not None and not isinstance(absorption, Absorption):
        raise ValueError(f"absorption must be an Absorption or None, got {absorption!r:.40}")
    top = float(take("height", height, u.kpc, positive=True))
    k = field.values(*np.array([[0.0], [solar_radius(sun)], [0.0]])).shape[1]
    middle = (cells[1:] + cells[:-1]) / 2
    dust = np.zeros(0)
    seen = np.ones((middle.size, k))
    if energy is not None:
        E = np.atleast_1d(take("energy", energy, u.GeV, positive=True)) * u.GeV
        if k not in (1, E.size):
            raise ValueError(f"field has {k} values a point, so energy must have {k} entries, got {E.size}")
        seen = np.ones((middle.size, E.size))
        if absorption is not None:
            seen = np.exp(-middle[:, None] * absorption.uniform_rate(E))
            dust = absorption.starlight_rate(E) if absorption.starlight else dust
    work = partial(
        _block,
        field=field,
        gas=gas,
        lon=l_rad,
        lat=b_rad,
        cells=cells,
        top=top,
        seen=seen,
        dust=dust,
        absorption=absorption,
        sun=sun,
    )
    parts = map_blocks(work, blocks(l_rad.size, size=BLOCK, seed=0), executor=executor, progress=progress, label="sky")
    return np.concatenate(parts) * _CM * field.unit / u.cm**2


def _sun_of(field: Field, sun: u.Quantity | None) -> u.Quantity:
    return getattr(field, "sun", SUN) if sun is None else sun


def _block(
    block: Block,
    *,
    field: Field,
    gas: Gas,
    lon: Array,
    lat: Array,
    cells: Array,
    top: float,
    seen: Array,
    dust: Array,
    absorption: Absorption | None,
    sun: u.Quantity,
) -> Array:
    """Sums of one block of directions, in kpc; cells that lie above the gas for all of them are dropped."""
    lon, lat = lon[block.start : block.stop], lat[block.start : block.stop]
    lowest = np.abs(np.sin(lat)).min()
    used = max(1, int(np.searchsorted(cells * lowest, top)))
    middle, width = (cells[1:] + cells[:-1])[:used] / 2, np.diff(cells)[:used]
    x, y, z = _kernels.rays(lon, lat, middle, solar_radius(sun))
    shape = x.shape
    flat = x.ravel(), y.ravel(), z.ravel()
    n = np.where(np.abs(z) < top, gas.nuclei(*flat).reshape(shape), 0.0)
    values = np.ascontiguousarray(field.values(*flat), dtype=np.float64).reshape(*shape, -1)
    if dust.size and absorption is not None:
        light = absorption.profile(*flat, sun=sun).reshape(shape)
        return _kernels.dim_rays(n, values, width, seen[:used], light, dust)
    return _kernels.sum_rays(n, values, width, seen[:used])


def sky_map(
    field: Field,
    gas: Gas,
    energy: u.Quantity,
    *,
    nside: int,
    factor: Any = 1.0,
    absorption: Absorption | None = None,
    meta: dict[str, str] | None = None,
    **options: Any,
) -> SkyMap:
    """Map of the whole sky, `integrate` for the centre of each pixel.

    Parameters
    ----------
    field, gas, energy, absorption, **options
        As in `integrate`.
    nside : int
        Resolution, a power of two.
    factor : Quantity or array_like, shape (e,)
        Multiplies the map of each energy, such as the local emissivity where the field is a density relative to the
        Sun.
    meta : dict, optional
        Pedigree of the map; the gas model, what absorbs, and R☉ where it is not `crlab.galaxy.SUN` are added.

    Returns
    -------
    SkyMap

    Raises
    ------
    ValueError, UnitConversionError
        As in `integrate` and `check_nside`.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.emission.gas import NakanishiSofue
    >>> flat = Grid([-40, 40] * u.kpc, [-40, 40] * u.kpc, [0] * u.kpc, [[[1]] * 2] * 2)
    >>> sky = sky_map(flat, NakanishiSofue(), [1] * u.TeV, nside=8)
    >>> sky.values.shape, sky.values.unit
    ((1, 768), Unit("1 / cm2"))
    """
    lon, lat = directions(check_nside(nside))
    found = integrate(field, gas, lon, lat, energy=energy, absorption=absorption, **options)
    values = (found * factor).T
    said = repr(gas)
    pedigree = {"GAS": said if len(said) < 68 else type(gas).__name__, "ABSORB": _named(absorption), **(meta or {})}
    seen_from = solar_radius(_sun_of(field, options.get("sun")))
    if seen_from != solar_radius(SUN):
        pedigree["SUN"] = f"{seen_from:g} kpc"
    return SkyMap(u.Quantity(np.ascontiguousarray(values.value), values.unit), np.atleast_1d(energy), pedigree)


def _named(absorption: Absorption | None) -> str:
    if absorption is None:
        return "none"
    return "CMB and starlight" if absorption.starlight else "CMB"
