r"""Cosmic rays in one Galaxy: the density that discrete sources make everywhere in the halo.

ψ_k(r) = Σ_i Q G(r - r_i; Λ_ik), over the mean ψ̄_k at the Sun, so that Q drops out. The Green's function of the halo is
a Gaussian in the plane times Θ in height, and a Gaussian is a product of one in x and one in y: the sum over sources on
a grid is a product of matrices, (X W)ᵀ Y. Sources are sorted by their spread Λ into nested grids, the wider the
coarser, refined by cubic splines. What is too narrow for the finest grid stays a list, added at each point one by one.
Derived in the chapter "One Galaxy".
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from astropy import units as u
from scipy.interpolate import make_interp_spline
from scipy.special import erfc, ive

from crlab.diffusion.green import age_fraction, green, theta
from crlab.emission import _density_kernels
from crlab.emission.line_of_sight import Axisymmetric
from crlab.emission.smooth import relative_density
from crlab.galaxy import SUN, Halo, one_halo, solar_radius
from crlab.parallel import Block, blocks, map_blocks
from crlab.sources import release
from crlab.sources.population import Catalogue, Population
from crlab.sources.release import Burst, Release
from crlab.units import Array, take

__all__ = ["Density", "density", "direct", "mean_field", "missing", "spread", "window"]

_RATE = 1 / (u.kpc**2 * u.Myr)
_OLDEST = 3.0  # κT/z_max², beyond which 5e-4 of the mean is left out
_FAINT = 1e-5  # of the mean at the Sun, below which a young source is not felt
_ERROR = 1e-3  # of the mean at the Sun, by which linear interpolation may miss one source
_WIDE = 12.0  # Λ over the squared spacing, above which linear interpolation is good to 1 per cent
_REFINED = 4.0  # the same for cubic splines, 3e-4
_SQUARES = 80
_CHUNK = 1_000_000  # numbers in the larger matrix of a product: it stays in the cache
_GONE = 8.0  # Λ/z_max², beyond which 3e-9 of the particles are left
_FIRST = 1e-9  # of the time that this takes: where panels of an integral over it begin
_PANELS = 27  # of it, three a decade
_NODES = 12  # a decade of Λ at which smoothed discs are computed
_BURST = Burst()


def spread(
    age: u.Quantity, rigidity: u.Quantity, *, halo: Halo | None = None, scenario: Release = _BURST
) -> u.Quantity:
    """Λ = ∫κ dτ of sources of some ages, for each rigidity.

    Parameters
    ----------
    age : Quantity, shape (n,)
    rigidity : Quantity, shape (k,)
    halo : Halo, optional
    scenario : Release
        When particles leave, and how they spread; by default a burst.

    Returns
    -------
    Quantity, shape (n, k)
        In kpc2, zero where the source still holds its particles, or never releases them.

    Raises
    ------
    ValueError
        A negative age, a rigidity that is not positive, no scenario.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(spread([1e4, 1e5] * u.yr, [1, 10] * u.TV).round(3))
    [[0.026 0.105]
     [0.263 1.046]] kpc2
    """
    law = release.one(scenario)
    R = np.atleast_1d(take("rigidity", rigidity, u.GV, positive=True))
    since = np.atleast_1d(take("age", age, u.Myr, non_negative=True))[:, None] - release.times(law, R)
    area = release.areas(law, np.maximum(since, 0.0), R, one_halo(halo))
    return np.where(since > 0, area, 0.0) * u.kpc**2


def window(rigidity: u.Quantity, *, halo: Halo | None = None, scenario: Release = _BURST) -> u.Quantity:
    """Time span from which sources are needed: ages up to 3 z_max²/κ of the lowest rigidity, and 0.5 Myr.

    Older sources make 5e-4 of the mean (`missing`). The half Myr is for particles that leave late or spread slowly. A
    scenario that takes more gets more.

    Parameters
    ----------
    rigidity : Quantity
        Any shape.
    halo : Halo, optional
    scenario : Release
        By default a burst.

    Returns
    -------
    Quantity
        In Myr.

    Raises
    ------
    ValueError
        A rigidity that is not positive, no scenario, one whose particles never leave the halo.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{window(10 * u.TV):.1f}")
    7.7 Myr
    """
    where, law = one_halo(halo), release.one(scenario)
    enough = np.max(2 * _OLDEST * where.escape_time(rigidity)) + 0.5 * u.Myr
    R = np.ravel(take("rigidity", rigidity, u.GV, positive=True))
    left = release.times(law, R)
    if not np.any(np.isfinite(left)):
        return enough
    latest = left[np.isfinite(left)].max()
    h = float(take("height of the halo", where.height, u.kpc))
    if np.all(
        spread([enough.value] * u.Myr, R * u.GV, halo=where, scenario=law)[0, np.isfinite(left)].value >= _OLDEST * h**2
    ):
        return enough
    return (latest + release.table(law, R, where, _OLDEST * h**2)[0][-1]) * u.Myr


def missing(span: u.Quantity, rigidity: u.Quantity, *, halo: Halo | None = None) -> Array:
    """Part of the mean that sources older than a time span make, 1 - H(κT/z_max²), but at least that beyond 3 z_max²/κ.

    Parameters
    ----------
    span : Quantity
        One time.
    rigidity : Quantity
        Any shape.
    halo : Halo, optional

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A time or rigidity that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{missing(1.195 * u.Myr, 10 * u.TV):.2f}")
    0.24
    """
    s = take("span", span, u.Myr, positive=True) / (2 * one_halo(halo).escape_time(rigidity).to_value(u.Myr))
    return np.asarray(1 - age_fraction(np.minimum(s, _OLDEST)))


@dataclass(frozen=True, eq=False)
class Density:
    """Density of cosmic rays in one Galaxy, a field for `crlab.emission.line_of_sight.integrate`; made by `density`.

    Parameters
    ----------
    rigidity : Quantity, shape (k,)
    edge, height : float
        The table covers abs(x), abs(y) < edge and abs(z) < height, in kpc.
    table : ndarray, shape (nx, ny, nz, j)
        All but the young sources.
    place : ndarray, shape (3, m)
        Young sources, in kpc.
    amplitude, rate : ndarray, shape (m, k)
        What each adds, amplitude exp(-rate d²).
    matrix : ndarray, shape (j, k)
        Values are matrix @ density; the identity to begin with.
    sun : Quantity
        R☉ of the population, whence lines of sight begin.
    """

    rigidity: u.Quantity
    edge: float
    height: float
    table: Array
    place: Array
    amplitude: Array
    rate: Array
    matrix: Array
    unit: u.UnitBase = u.one
    sun: u.Quantity = SUN

    @cached_property
    def _lists(self) -> tuple[Array, Any, Any]:
        """How far each young source is felt, and the lists of those felt in each square of the plane."""
        with np.errstate(divide="ignore"):
            far = np.log(np.maximum(self.amplitude / _FAINT, 1.0)) / self.rate
        radius = np.sqrt(far.max(axis=1, initial=0.0))
        return radius, *_density_kernels.reach(self.place[0], self.place[1], radius, self.edge, _SQUARES)

    def values(self, x: Array, y: Array, z: Array) -> Array:
        """Values at points in kpc, arrays of shape (n,): shape (n, j), over the mean at the Sun."""
        out = np.zeros((x.size, len(self.matrix)))
        _density_kernels.interpolate(x, y, z, self.edge, self.height, self.table, out)
        if self.place.size:
            radius, start, listed = self._lists
            _density_kernels.young(
                x, y, z, self.place, radius, self.amplitude, self.rate, self.edge, start, listed, self.matrix, out
            )
        return out

    def at(self, x: u.Quantity, y: u.Quantity, z: u.Quantity) -> Array:
        """Values at places.

        Parameters
        ----------
        x, y, z : Quantity
            Of shapes that broadcast.

        Returns
        -------
        ndarray
            Of the common shape with an axis of j values at the end.

        Raises
        ------
        ValueError
            A value that is not finite.
        UnitConversionError
            A bare number or a wrong unit.
        """
        points = np.broadcast_arrays(*(take(n, v, u.kpc) for n, v in (("x", x), ("y", y), ("z", z))))
        flat = [np.array(p, order="C").ravel() for p in points]
        return self.values(*flat).reshape(*points[0].shape, -1)

    def combined(self, matrix: Any) -> "Density":
        """Field of weighted sums over rigidity, such as the emissivity at a few energies.

        Parameters
        ----------
        matrix : array_like, shape (j, k)
            As from `crlab.emission.stochastic.weights`.

        Returns
        -------
        Density

        Raises
        ------
        ValueError
            A matrix that does not fit.
        """
        weight = take("matrix", matrix, "")
        if weight.ndim != 2 or weight.shape[1] != len(self.matrix):
            raise ValueError(f"matrix must have {len(self.matrix)} columns, got shape {weight.shape}")
        return replace(self, table=np.ascontiguousarray(self.table @ weight.T), matrix=weight @ self.matrix)


def density(
    catalogue: Catalogue,
    rigidity: u.Quantity,
    *,
    population: Population,
    halo: Halo | None = None,
    scenario: Release = _BURST,
    spacing: u.Quantity = 0.1 * u.kpc,
    edge: u.Quantity = 20 * u.kpc,
    levels: int = 11,
    size: u.Quantity = 50 * u.pc,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Density:
    """Density of the cosmic rays of some sources in the whole halo, over the mean at the Sun.

    Ages beyond 3 z_max²/κ are left out (`missing`). Each source is a Gaussian of width `size` at first; with 50 pc the
    mean in the plane is 0.8 per cent below that of points. Heights of sources enter the table through their even part.

    Parameters
    ----------
    catalogue : Catalogue
        From `Population.sample` with at least `window`.
    rigidity : Quantity, shape (k,)
    population : Population
        Whose mean at its Sun is the unit.
    halo : Halo, optional
    scenario : Release
        By default a burst.
    spacing, edge : Quantity
        Of the finest grid, which runs from -edge to edge in x and y.
    levels : int
        Heights of the grid, at z_max (i/(levels - 1))²; with 1 the density is that of z = 0 at all heights, for lines
        of sight in the plane.
    size : Quantity
        Width of a source when it lets its particles go.
    executor, progress
        As in `crlab.parallel.map_blocks`; a block is one rigidity.

    Returns
    -------
    Density

    Raises
    ------
    ValueError
        No sources, or such with another Sun than the population's; no scenario, fewer than one level, lengths that are
        not positive, an edge that is no multiple of the spacing.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> population = Population("Case & Bhattacharya 1998")
    >>> galaxy = population.sample(0.1 * u.Myr, seed=1)
    >>> field = density(galaxy, [10] * u.TV, population=population, spacing=0.2 * u.kpc, levels=2)
    >>> field.table.shape
    (201, 201, 2, 1)
    """
    where = one_halo(halo)
    R = np.atleast_1d(take("rigidity", rigidity, u.GV, positive=True))
    if not len(catalogue):
        raise ValueError("catalogue must hold at least one source, got none")
    _check_sun(catalogue, population)
    if levels < 1:
        raise ValueError(f"levels must be at least 1, got {levels}")
    dx, side, blur = (
        float(take(n, v, u.kpc, non_negative=n == "size", positive=n != "size"))
        for n, v in (("spacing", spacing), ("edge", edge), ("size", size))
    )
    cells = round(2 * side / dx)
    if abs(cells * dx - 2 * side) > 1e-6 * side:
        raise ValueError(f"edge must be a multiple of half the spacing, got {side:g} and {dx:g} kpc")
    h = float(take("height of the halo", where.height, u.kpc))
    unit = _unit(population, R, where)
    work = partial(
        _one_rigidity,
        position=np.ascontiguousarray(take("position", catalogue.position, u.kpc).T),
        age=take("age", catalogue.age, u.Myr),
        rigidity=R,
        unit=unit,
        halo=where,
        scenario=release.one(scenario),
        dx=dx,
        edge=side,
        cells=_cascade(cells),
        z=h * (np.arange(levels) / max(levels - 1, 1)) ** 2,
        blur=blur,
    )
    found = map_blocks(work, blocks(R.size, size=1, seed=0), executor=executor, progress=progress, label="density")
    near = np.unique(np.concatenate([n for _, n, _ in found]))
    amplitude, rate = np.zeros((near.size, R.size)), np.ones((near.size, R.size))
    for k, (_, index, wide) in enumerate(found):
        row = np.searchsorted(near, index)
        amplitude[row, k] = unit[k] * (4 * np.pi * wide) ** -1.5
        rate[row, k] = 1 / (4 * wide)
    return Density(
        rigidity=R * u.GV,
        edge=side,
        height=h,
        table=np.stack([t for t, _, _ in found], axis=-1),
        place=np.ascontiguousarray(take("position", catalogue.position, u.kpc)[near].T),
        amplitude=amplitude,
        rate=rate,
        matrix=np.eye(R.size),
        sun=population.sun,
    )


def _check_sun(catalogue: Catalogue, population: Population) -> None:
    """Refuse sources drawn for another place of the Sun than that of the mean."""
    if abs(solar_radius(catalogue.sun) - solar_radius(population.sun)) > 1e-9:
        raise ValueError(f"catalogue has the Sun at {catalogue.sun} and population at {population.sun}: use one")


def _unit(population: Population, R: Array, halo: Halo) -> Array:
    """1/ψ̄ at the Sun over Q, 2κ/(ν Σ_eff z_max), in kpc3."""
    local = population.rate * population.sigma_eff(height=halo.height)
    return np.asarray((2 * halo.kappa(R * u.GV) / (local * halo.height)).to_value(u.kpc**3))


def _cascade(cells: int) -> list[int]:
    """Cells along a side of the nested grids, the finest first."""
    sizes = [cells]
    while sizes[-1] % 2 == 0 and sizes[-1] >= 48:
        sizes.append(sizes[-1] // 2)
    return sizes


def _limits(unit: float, dx: float, sizes: int) -> Array:
    """Least Λ for each nested grid: where one source is missed by little, or its shape by 1 per cent."""
    enough = (unit * (4 * np.pi) ** -1.5 * dx**2 / (8 * _ERROR)) ** 0.4
    least = np.clip(enough, 1.5 * dx**2, _WIDE * dx**2)
    return np.r_[least, np.maximum(_REFINED * (dx * 2.0 ** np.arange(1, sizes)) ** 2, least)]


def _one_rigidity(
    block: Block,
    *,
    position: Array,
    age: Array,
    rigidity: Array,
    unit: Array,
    halo: Halo,
    scenario: Release,
    dx: float,
    edge: float,
    cells: Sequence[int],
    z: Array,
    blur: float,
) -> tuple[Array, Any, Array]:
    """Table of one rigidity, shape (nx, ny, nz), and index and spread of its young sources."""
    k, h = block.start, float(halo.height.to_value(u.kpc))
    wide = spread(age * u.Myr, rigidity[k : k + 1] * u.GV, halo=halo, scenario=scenario)[:, 0].value
    used = (wide > 0) & (wide < _OLDEST * h**2)
    wide = wide + blur**2 / 2
    limits = np.r_[_limits(unit[k], dx, len(cells)), np.inf]
    total = np.zeros((0, 0, 0))
    for level in reversed(range(len(cells))):
        nodes = np.linspace(-edge, edge, cells[level] + 1)
        here = _sum(
            position, wide, np.flatnonzero(used & (wide >= limits[level]) & (wide < limits[level + 1])), nodes, z, h
        )
        if total.size:
            here += _refined(total, edge, cells[level + 1], nodes)
        total = here
    near = np.flatnonzero(used & (wide < limits[0]))
    total *= unit[k]
    return np.moveaxis(total, 1, 2), near, wide[near]


def _sum(position: Array, wide: Array, which: Any, nodes: Array, z: Array, h: float) -> Array:
    """Σ G on a grid, shape (nx, nz, ny), as the matrix product (X W)ᵀ Y of source by source matrices."""
    total = np.zeros((nodes.size * z.size, nodes.size))
    step = max(32, _CHUNK // len(total))
    for start in range(0, which.size, step):
        i = which[start : start + step]
        per, s = 1 / (4 * wide[i, None]), wide[i, None] / h**2
        X, Y = (np.exp(-((nodes - position[a][i, None]) ** 2) * per) for a in (0, 1))
        W = _in_height(s, z / h, position[2][i, None] / h) * per / (np.pi * h)
        total += (X[:, :, None] * W[:, None, :]).reshape(i.size, -1).T @ Y
    return total.reshape(nodes.size, z.size, nodes.size)


def _in_height(s: Array, z: Array, origin: Array) -> Array:
    """Even part of Θ for n sources at heights, shape (n, nz); from splines in ln s if all are in the plane."""
    if origin.any():
        inside = np.clip(origin, -1, 1)
        return np.asarray((theta(s, z=z, source=inside) + theta(s, z=z, source=-inside)) / 2)
    low, high = np.log(s.min()), np.log(s.max())
    nodes = np.linspace(low, high + 1e-9, 8 + int(40 * (high - low)))
    return np.asarray(make_interp_spline(nodes, theta(np.exp(nodes)[:, None], z=z), k=3)(np.log(s[:, 0])))


def _refined(table: Array, edge: float, cells: int, nodes: Array) -> Array:
    """A table, shape (nx, nz, ny), on finer nodes by cubic splines."""
    coarse = np.linspace(-edge, edge, cells + 1)
    B = make_interp_spline(coarse, np.eye(cells + 1), k=3)(nodes)
    many, levels, _ = table.shape
    wide = table.reshape(-1, many) @ B.T
    return np.asarray((B @ wide.reshape(many, -1)).reshape(nodes.size, levels, nodes.size))


def direct(
    catalogue: Catalogue,
    rigidity: u.Quantity,
    x: u.Quantity,
    y: u.Quantity,
    z: u.Quantity,
    *,
    population: Population,
    halo: Halo | None = None,
    scenario: Release = _BURST,
    size: u.Quantity = 50 * u.pc,
) -> Array:
    """Density at a few places by adding all sources one by one: what `density` is held to.

    Parameters
    ----------
    catalogue, rigidity, population, halo, scenario, size
        As in `density`.
    x, y, z : Quantity, shape (n,)

    Returns
    -------
    ndarray, shape (n, k)

    Raises
    ------
    ValueError
        A place outside the halo, no scenario, sources with another Sun than the population's.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from crlab.sources.population import Catalogue, Population
    >>> two = Catalogue([[0, 8.2, 0], [0, -8.5, 0]] * u.kpc, [20, 20] * u.kyr, 8.5 * u.kpc)  # the second is too far
    >>> here = ([0] * u.kpc, [8.5] * u.kpc, [0] * u.kpc)
    >>> print(direct(two, [10] * u.TV, *here, population=Population("infinite"), size=0 * u.kpc).round(4))
    [[0.0333]]
    """
    where = one_halo(halo)
    R = np.atleast_1d(take("rigidity", rigidity, u.GV, positive=True))
    _check_sun(catalogue, population)
    blur = float(take("size", size, u.kpc, non_negative=True)) ** 2 / 2
    wide = spread(catalogue.age, R * u.GV, halo=where, scenario=scenario).value
    h = float(take("height of the halo", where.height, u.kpc))
    used = (wide > 0) & (wide < _OLDEST * h**2)
    points = [np.atleast_1d(take(n, v, u.kpc)) for n, v in (("x", x), ("y", y), ("z", z))]
    place = take("position", catalogue.position, u.kpc)
    out = np.zeros((points[0].size, R.size))
    for k in np.flatnonzero(used.any(axis=0)):
        i = np.flatnonzero(used[:, k])
        Lambda, source = (wide[i, k, None] + blur) * u.kpc**2, place[i, 2:] * u.kpc
        for p, (a, b, c) in enumerate(zip(*points, strict=True)):
            rho = np.hypot(place[i, 0] - a, place[i, 1] - b)[:, None] * u.kpc
            out[p, k] = green(rho, Lambda, height=where.height, z=c * u.kpc, source=source).value.sum()
    return out * _unit(population, R, where)


def mean_field(
    rigidity: u.Quantity,
    *,
    population: Population,
    halo: Halo | None = None,
    scenario: Release = _BURST,
    size: u.Quantity = 50 * u.pc,
) -> Axisymmetric:
    """Mean density of a population over that of points that burst, at the Sun, for each rigidity.

    A delay shifts all ages of a steady population and changes no mean. Slow diffusion at first keeps particles near
    the plane for longer: the mean is that of constant κ plus ∫ [F(Λ(τ)) - F(κτ)] dτ, with F the density that sources of
    spread Λ make. The width of the sources takes away ∫ F/κ dΛ up to size²/2. The integral is good to 3e-4 of the mean.
    Where Λ grows as τ² or faster at first, points would make an infinite mean in the plane: give them a `size`.

    Parameters
    ----------
    rigidity : Quantity, shape (k,)
    population : Population
        An axisymmetric one, taken to be in the plane.
    halo : Halo, optional
    scenario : Release
        By default a burst.
    size : Quantity
        As in `density`.

    Returns
    -------
    Axisymmetric
        With k values a point, zero for a rigidity that is never released.

    Raises
    ------
    ValueError
        A population with arms, no scenario, one whose particles never leave the halo.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> population = Population("Case & Bhattacharya 1998")
    >>> mean = mean_field([1, 10] * u.TV, population=population)
    >>> print(mean.values(np.zeros(1), np.full(1, 8.5), np.zeros(1)).round(2))
    [[0.99 0.99]]
    """
    where, law = one_halo(halo), release.one(scenario)
    R = np.atleast_1d(take("rigidity", rigidity, u.GV, positive=True))
    blur = float(take("size", size, u.kpc, non_negative=True)) ** 2 / 2
    base = relative_density(population, height=where.height, levels=201)
    unit, r, z = _unit(population, R, where), base.radius.to_value(u.kpc), base.height.to_value(u.kpc)
    table = np.repeat(np.asarray(base.table)[:, :, None], R.size, axis=2)
    if blur:
        local = (population.surface_density(base.radius) * population.rate).to_value(_RATE)
        lost = np.sqrt(blur / np.pi) * np.exp(-(z**2) / (4 * blur)) - z / 2 * erfc(z / np.sqrt(4 * blur))
        per = unit / where.kappa(R * u.GV).value
        table -= local[:, None, None] * lost[:, None] * per
    never = ~np.isfinite(release.times(law, R))
    for k in np.flatnonzero(~never):
        table[:, :, k] += unit[k] * _excess(population, R[k : k + 1], where, law, r, z, blur)
    table[:, :, never] = 0.0
    return Axisymmetric(base.radius, base.height, table, sun=population.sun)


def _excess(population: Population, R: Array, halo: Halo, law: Release, r: Array, z: Array, blur: float) -> Array:
    """∫ [F(Λ(τ)) - F(κτ)] dτ over Q, shape (nr, nz), in 1/kpc3: F a smoothed disc times Θ in height."""
    h, kappa = float(take("height of the halo", halo.height, u.kpc)), float(halo.kappa(R[0] * u.GV).value)
    last = release.table(law, R, halo, _GONE * h**2)[0][-1]
    node, weight = np.polynomial.legendre.leggauss(6)
    edges = last * np.r_[0.0, np.geomspace(_FIRST, 1, _PANELS + 1)]
    half = np.diff(edges)[:, None] / 2
    tau, dtau = (edges[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()
    own = release.areas(law, tau, R, halo)
    differ = np.abs(own - kappa * tau) > 1e-12 * own
    L = np.r_[own[differ], kappa * tau[differ]] + blur
    d = np.r_[dtau[differ], -dtau[differ]]
    here = _GONE * h**2 >= L
    L, d = L[here], d[here]
    if not L.size:
        return np.zeros((r.size, z.size))
    return np.asarray(_smoothed(population, r, L).T @ (d[:, None] / h * theta(L[:, None] / h**2, z=z / h)))


def _smoothed(population: Population, r: Array, wide: Array) -> Array:
    """Rate per area at radii, averaged over Gaussians exp(-ρ²/4Λ), shape (Λ, nr)."""
    edge = float(take("radius of the population", population.radius, u.kpc))
    ring = np.arange(0.025, edge, 0.05)
    source = (population.surface_density(ring * u.kpc) * population.rate).to_value(_RATE)
    least = 0.15**2 / 2  # the rings resolve nothing narrower; from there to zero it is linear, as diffusion begins
    nodes = np.geomspace(
        least, max(wide.max(), 2 * least) * 1.001, 8 + int(_NODES * np.log10(max(wide.max() / least, 1)))
    )
    values = np.empty((nodes.size, r.size))
    for i, L in enumerate(nodes):
        kernel = ive(0, r[:, None] * ring / (2 * L)) * np.exp(-((r[:, None] - ring) ** 2) / (4 * L)) / (2 * L)
        values[i] = kernel @ (ring * source) * 0.05
    smooth = make_interp_spline(np.log(nodes), values, k=3)(np.log(np.maximum(wide, least)))
    share = np.minimum(wide / least, 1.0)[:, None]
    return np.asarray(share * smooth + (1 - share) * np.interp(r, ring, source, right=0.0))
