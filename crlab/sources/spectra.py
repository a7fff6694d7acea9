r"""Spectra of realisations of the Galaxy: the sum over discrete sources, over its mean.

ψ(E) = Σ_i Q(E) G(ρ_i; Λ), Λ = ∫κ dτ over τ = T_i - t_esc(E), with the same sources for every scenario, and x = ψ/ψ̄
with the smooth mean ψ̄ of constant κ. Source and observer are in the plane of the halo, and κ is the same everywhere:
only the distance ρ and the age T of a source matter. Millions of sources are felt at 10 GV, but few of them one by one.
`prepare` divides the plane of ρ and T:

* Sources that can exceed a small share ε of the mean at any energy, in any scenario, are drawn and added one by one.
* All others together are a Gaussian. Its mean and its covariance between all energies and scenarios are those of the
  exact Poisson process (Campbell's theorem), by quadrature. What is lost is the skewness of the rest, which moves a
  quantile at n standard deviations by about 0.07 ε (n² - 1).

Any Λ(τ) but κτ is read from a table, 40 values a decade of τ, by monotonic cubics. Where it is smooth, each source is
within 1e-7 of its Green's function; where it bends abruptly, sources within 6 per cent of that time are met roughly.

Derived in the chapter "One Galaxy, many Galaxies".
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType, ModuleType
from typing import NamedTuple

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from crlab.galaxy import Halo, one_halo
from crlab.parallel import Block, blocks, map_blocks
from crlab.sources import _kernels, release
from crlab.sources.credit import RATE
from crlab.sources.release import Burst, Release
from crlab.units import Array, take

__all__ = ["Galaxy", "Simulator", "prepare", "single_spectra", "sum_of_sources"]

_RATE = 1 / (u.kpc**2 * u.Myr)
_C = float(const.c.to_value(u.kpc / u.Myr))
_FAR = 16.0  # z_max, beyond which e^-25 of a source is left
_OLD = 12.0  # z_max²/κ, after which e^-30 is left
_GONE = 6.0  # Λ/z_max², beyond which e^-15 is left
_UNFELT = _kernels.NEGLIGIBLE * 4 / np.pi**2  # Λ/z_max², beyond which the kernel sees nothing
_Law = tuple[Array, Array, Array, Array, Array]
_BURST = Burst()
_BURSTS: Mapping[str, Release] = MappingProxyType({"burst": _BURST})
_PANELS = np.array([0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0])  # z_max beyond the near sources


@dataclass(frozen=True)
class Galaxy:
    """Where sources explode, and the halo that holds their particles.

    Parameters
    ----------
    rate : Quantity or callable
        Explosions per area and time: one value for an infinite uniform disc, or a function of the distance ρ from the
        Sun in the plane, averaged over the directions (Quantity of shape (n,) to Quantity of shape (n,)), such as
        `Population.ring_density`. It should have no jumps: quadrature over one moves the mean by a percent.
    halo : Halo
        Half-height z_max and κ(R), which must grow with rigidity.

    Raises
    ------
    ValueError
        A rate that is not positive or not a single value.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{Galaxy().number(10 * u.GV):.3g}, {Galaxy().number(10 * u.TV):.0f}")
    1.57e+05, 2488
    """

    rate: u.Quantity | Callable[[u.Quantity], u.Quantity] = RATE
    halo: Halo = field(default_factory=Halo)

    def __post_init__(self) -> None:
        if not callable(self.rate) and take("rate", self.rate, _RATE, positive=True).size != 1:
            raise ValueError(f"rate must be one value or a function of the distance, got shape {self.rate.shape}")
        one_halo(self.halo)

    def density(self, distance: Array) -> Array:
        """Explosions per kpc² and Myr at distances in kpc; for use within the package."""
        if not callable(self.rate):
            return np.full(distance.shape, float(take("rate", self.rate, _RATE).reshape(())))
        found = take("rate", self.rate(distance * u.kpc), _RATE, non_negative=True)
        if found.shape != distance.shape:
            raise ValueError(f"rate must return one value a distance, got shape {found.shape} for {distance.shape}")
        return found

    @property
    def mean(self) -> float:
        """ψ̄ κ/Q at the Sun, 1/(kpc Myr): σ̇ z_max/2 for the infinite disc; for use within the package."""
        height = self.height
        if not callable(self.rate):
            return float(self.density(np.zeros(1))[0]) * height / 2
        edges = height * np.r_[0.0, np.geomspace(1e-3, 1, 25), np.linspace(1.1, _FAR, 150)]
        rho, weight = _gauss(edges, 8)
        n = np.arange(1, 2001)[:, None]
        sign = np.where(n % 2, -1.0, 1.0) * np.where(n == n[-1], 0.5, 1.0)  # the last term by half: an alternating sum
        images = 1 / rho + 2 * (sign / np.hypot(rho, 2 * n * height)).sum(0)
        return float((weight * 2 * np.pi * rho * self.density(rho) * images).sum() / (4 * np.pi))

    @property
    def height(self) -> float:
        """z_max in kpc; for use within the package."""
        return float(take("height", self.halo.height, u.kpc).reshape(()))

    def number(self, rigidity: u.Quantity) -> Array:
        """Effective number of sources, N_src = π σ̇ z_max⁴/(2κ) with the σ̇ of the uniform disc of the same mean.

        Parameters
        ----------
        rigidity : Quantity
            R, any shape.

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError
            A rigidity ≤ 0.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Galaxy().number(1 * u.PV):.0f}")
        157
        """
        kappa = self.halo.kappa(rigidity).to_value(u.kpc**2 / u.Myr)
        return np.asarray(np.pi * self.mean * self.height**3 / kappa)


@dataclass(frozen=True)
class Simulator:
    """Everything a realisation needs, as plain arrays: made by `prepare`, sent to any worker.

    Parameters
    ----------
    rigidity : array, shape (n,)
        In GV.
    scenarios : mapping of str to Release
    threshold : float
    height : float
        z_max in kpc.
    light : float
        Time that light needs for z_max, Myr; 0 without the causal cut.
    kappa, weight : array, shape (n,)
        κ in z_max²/Myr, and the factor of the kernel.
    delay : array, shape (scenarios, n)
        t_esc in Myr.
    slow : tuple of array, shape (n, m, 2) or (0, 0, 2)
        For each scenario ln Λ/z_max² and its slope at equal steps of ln τ; without entries where Λ = κτ.
    clock : array, shape (scenarios, 2)
        The first ln τ in Myr, and the step.
    edges : array, shape (bins + 1,)
        Ages in Myr that divide the sources which are added one by one.
    number : array, shape (bins,)
        Their mean number in each bin.
    inside : array, shape (bins,)
        The same as sources per Myr within the bin's distance.
    distance2, within : array
        Squared distance in kpc² and number of sources per Myr within it.
    rest : array, shape (scenarios, n)
        Mean of all other sources, a share of the whole mean.
    modes : array, shape (rank, scenarios · n)
        What their fluctuation is made of: one independent normal deviate each.
    """

    rigidity: Array
    scenarios: dict[str, Release]
    threshold: float
    height: float
    light: float
    kappa: Array
    weight: Array
    delay: Array
    slow: tuple[Array, ...]
    clock: Array
    edges: Array
    number: Array
    inside: Array
    distance2: Array
    within: Array
    rest: Array
    modes: Array

    def sources(self, rng: np.random.Generator) -> tuple[u.Quantity, u.Quantity]:
        """Draw the sources that are added one by one.

        Parameters
        ----------
        rng : Generator

        Returns
        -------
        distance, age : Quantity, shape (sources,)
            In kpc and Myr.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> simulator = prepare(Galaxy(), [1, 10] * u.TV)
        >>> distance, age = simulator.sources(np.random.default_rng(1))
        >>> bool(distance.max() < 80 * u.kpc), bool(age.min() >= 0 * u.Myr)
        (True, True)
        """
        rho2, age = self._draw(rng)
        return np.sqrt(rho2) * self.height * u.kpc, age * u.Myr

    def _draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        which = np.repeat(np.arange(self.number.size), rng.poisson(self.number))
        age = self.edges[which] + np.diff(self.edges)[which] * rng.random(which.size)
        rho2 = np.interp(rng.random(which.size) * self.inside[which], self.within, self.distance2)
        return rho2 / self.height**2, age

    def realisation(self, number: int, *, seed: int) -> Array:
        """Spectra of one Galaxy.

        Parameters
        ----------
        number : int
            Which one: the same number and seed give the same Galaxy, whatever else is computed.
        seed : int

        Returns
        -------
        ndarray, shape (scenarios, n)
            x = ψ/ψ̄.

        Examples
        --------
        >>> from astropy import units as u
        >>> simulator = prepare(Galaxy(), [1, 10] * u.TV)
        >>> bool((simulator.realisation(7, seed=1) == simulator.realisations(8, seed=1)[7]).all())
        True
        """
        rng = Block(number, number, number + 1, seed).generator()
        rho2, age = self._draw(rng)
        x = self.rest.copy()
        _kernels.combine(rng.standard_normal(len(self.modes)), self.modes, x.reshape(-1))
        tables = _Tables(self.kappa, self.weight, self.delay, self.slow, self.clock)
        for k in range(len(x)):
            _kernels.total(rho2, age, *tables.of(k), self.light, x[k])
        return x

    @property
    def kernels(self) -> tuple[ModuleType, ...]:
        """The code that decides the numbers, for `crlab.ensemble.fill`."""
        return (_kernels,)

    def batch(self, block: Block) -> Array:
        """Realisations of one block, shape (block.size, scenarios, n): what `crlab.ensemble` maps over blocks."""
        return np.stack([self.realisation(i, seed=block.seed) for i in range(block.start, block.stop)])

    def realisations(
        self, n: int, *, seed: int, executor: Executor | None = None, progress: bool | None = None
    ) -> Array:
        """Spectra of many Galaxies.

        Parameters
        ----------
        n : int
        seed : int
        executor : Executor, optional
            As in `crlab.parallel.map_blocks`.
        progress : bool, optional

        Returns
        -------
        ndarray, shape (n, scenarios, energies)
            x = ψ/ψ̄. Number i is that of `realisation`.

        Raises
        ------
        ValueError
            n < 1 or a negative seed.

        Examples
        --------
        >>> from astropy import units as u
        >>> prepare(Galaxy(), [1, 10] * u.TV).realisations(3, seed=1).shape
        (3, 1, 2)
        """
        work = blocks(n, size=20, seed=seed)
        return np.concatenate(map_blocks(self.batch, work, executor=executor, progress=progress, label="Galaxies"))


def prepare(
    galaxy: Galaxy,
    rigidity: u.Quantity,
    *,
    scenarios: Mapping[str, Release] = _BURSTS,
    threshold: float = 2e-4,
    causal: bool = False,
) -> Simulator:
    """Divide the sources into those that are added one by one and a Gaussian rest.

    Parameters
    ----------
    galaxy : Galaxy
    rigidity : Quantity
        R of protons, shape (n,), growing, n ≥ 2.
    scenarios : mapping of str to Release
        When particles leave their sources and how they spread; by default ``{"burst": Burst()}``. The first axis of
        what the simulator returns has their order.
    threshold : float
        ε, the largest share of the mean flux that one source of the rest may have; between 1e-6 and 0.01.
    causal : bool
        Whether sources farther than c (T - t_esc) are cut. This loses flux: x is still over the mean without the cut.

    Returns
    -------
    Simulator

    Raises
    ------
    ValueError
        Rigidities that are not positive or do not grow, or that a scenario never releases, or only after more than the
        time h²/2κ that they then stay in the halo; κ that does not grow, no scenario, one whose particles never leave
        the halo, no sources, a threshold out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Ages are cut into bins of a third of their value. Together both parts hold the mean to 1e-3 for bursts, for escape
    laws with a floor and for delays below h²/5κ; to 1 % for delays up to h²/2κ. `sum_of_sources` knows no such limit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> simulator = prepare(Galaxy(), np.geomspace(1, 100, 41) * u.TV)
    >>> x = simulator.realisations(200, seed=1)
    >>> x.shape, bool(abs(np.median(x[:, 0, 20]) - 0.947) < 0.02)
    ((200, 1, 41), True)
    """
    laws = release.named(scenarios)
    if not 1e-6 <= threshold <= 0.01:
        raise ValueError(f"threshold must be between 1e-6 and 0.01, got {threshold!r}")
    R, tables = _tables(galaxy, rigidity, laws)
    light = galaxy.height / _C if causal else 0.0
    _refuse_late(R, tables, laws)
    courses = [release.course(law) for law in laws.values()]
    pieces = [_pieces(R, marks) for marks in courses]
    nodes = [_nodes(piece) for piece in pieces]
    coarse, rough = _tables(galaxy, np.unique(np.concatenate(nodes)) * u.GV, laws)

    edges = _ages(rough.kappa, _latest(galaxy, coarse, laws, rough.delay), courses)
    near = _near(edges, rough, light, threshold)
    distance2, within = _disc(galaxy, near.max())
    inside = np.interp((near * galaxy.height) ** 2, distance2, within)

    quadrature = _quadrature(galaxy, edges, near)
    rest = np.empty((len(laws), R.size))
    values, splines = [], []
    for k, node in enumerate(nodes):
        rest[k] = _campbell(quadrature, tables.of(k), light)[1]
        values.append(_campbell(quadrature, rough.of(k, np.searchsorted(coarse, node)), light)[0])
        splines.append(_spline(node, R, pieces[k]))
    matrix = np.zeros((sum(map(len, nodes)),) * 2)
    _kernels.gram(np.concatenate(values, axis=1), quadrature[2], matrix)
    rows = np.split(_kernels.factor(matrix, 1e-10), np.cumsum([len(node) for node in nodes])[:-1], axis=1)
    modes = np.concatenate([np.einsum("fn,rn->rf", s, r) for s, r in zip(splines, rows, strict=True)], axis=1)
    used = inside > 0
    last = int(np.flatnonzero(used).max(initial=-1)) + 1
    return Simulator(
        rigidity=R,
        scenarios=laws,
        threshold=float(threshold),
        height=galaxy.height,
        light=light,
        **tables._asdict(),
        edges=edges[: last + 1],
        number=(inside * np.diff(edges))[:last],
        inside=inside[:last],
        distance2=distance2,
        within=within,
        rest=rest,
        modes=np.ascontiguousarray(modes),
    )


def single_spectra(
    galaxy: Galaxy,
    rigidity: u.Quantity,
    *,
    distance: u.Quantity,
    age: u.Quantity,
    scenario: Release = _BURST,
    causal: bool = False,
) -> Array:
    """Spectrum of each of some sources over the mean spectrum of the Galaxy, x_i = G(ρ_i; Λ(T_i - t_esc)) Q/ψ̄.

    Parameters
    ----------
    galaxy : Galaxy
    rigidity : Quantity
        Shape (n,), as in `prepare`.
    distance, age : Quantity, shape (sources,)
    scenario : Release
        By default a burst.
    causal : bool
        As in `prepare`.

    Returns
    -------
    ndarray, shape (sources, n)

    Raises
    ------
    ValueError
        As `prepare`; a distance ≤ 0, a negative age, different numbers of them.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.sources.release import EscapeLaw
    >>> law = EscapeLaw(floor=1 * u.TeV)
    >>> where = {"distance": [0.3] * u.kpc, "age": [2e4] * u.yr}
    >>> print(single_spectra(Galaxy(), [10, 30, 100] * u.TV, scenario=law, **where).round(4))
    [[0.     0.2539 0.0325]]
    """
    R, tables = _tables(galaxy, rigidity, {"": release.one(scenario)})
    rho2, T = _places(galaxy, distance, age)
    out = np.zeros((T.size, R.size))
    _kernels.each(rho2, T, *tables.of(0), galaxy.height / _C if causal else 0.0, out)
    return out


def sum_of_sources(
    galaxy: Galaxy,
    rigidity: u.Quantity,
    *,
    distance: u.Quantity,
    age: u.Quantity,
    scenarios: Mapping[str, Release] = _BURSTS,
    causal: bool = False,
) -> Array:
    """Spectrum of some sources together over the mean spectrum of the Galaxy, one by one and nothing else.

    Parameters
    ----------
    galaxy, rigidity, distance, age, causal
        As in `single_spectra`.
    scenarios : mapping of str to Release
        By default ``{"burst": Burst()}``.

    Returns
    -------
    ndarray, shape (scenarios, n)
        In the order of the mapping.

    Raises
    ------
    ValueError, UnitConversionError
        As in `single_spectra`.

    Examples
    --------
    >>> from astropy import units as u
    >>> x = sum_of_sources(Galaxy(), [1, 10] * u.TV, distance=[0.3, 0.3] * u.kpc, age=[20, 20] * u.kyr)
    >>> print(x.round(4))
    [[0.0963 0.0665]]
    """
    R, tables = _tables(galaxy, rigidity, release.named(scenarios))
    rho2, T = _places(galaxy, distance, age)
    out = np.zeros((len(tables.delay), R.size))
    for k, row in enumerate(out):
        _kernels.total(rho2, T, *tables.of(k), galaxy.height / _C if causal else 0.0, row)
    return out


def _places(galaxy: Galaxy, distance: u.Quantity, age: u.Quantity) -> tuple[Array, Array]:
    rho = take("distance", distance, u.kpc, positive=True)
    T = take("age", age, u.Myr, non_negative=True)
    if rho.ndim != 1 or rho.shape != T.shape:
        raise ValueError(f"distance and age must be of one shape (sources,), got {rho.shape} and {T.shape}")
    return (rho / galaxy.height) ** 2, T


class _Tables(NamedTuple):
    """What the kernels need to know of the energies and scenarios, fields of `Simulator`."""

    kappa: Array
    weight: Array
    delay: Array
    slow: tuple[Array, ...]
    clock: Array

    def of(self, k: int, select: slice | NDArray[np.intp] = slice(None)) -> _Law:
        """One scenario at some energies, in the order in which kernels take it."""
        slow = self.slow[k][select] if self.slow[k].size else self.slow[k]
        return self.kappa[select], self.delay[k, select], self.weight[select], slow, self.clock[k]


def _tables(galaxy: Galaxy, rigidity: u.Quantity, scenarios: Mapping[str, Release]) -> tuple[Array, _Tables]:
    """R in GV, κ in z_max²/Myr, the kernel's weight, and by scenario t_esc in Myr and Λ where it is not κτ."""
    R = take("rigidity", rigidity, u.GV, positive=True)
    if R.ndim != 1 or R.size < 2 or np.any(np.diff(R) <= 0):
        raise ValueError(f"rigidity must be a list of at least two growing values, got {rigidity}")
    kappa = galaxy.halo.kappa(R * u.GV).to_value(u.kpc**2 / u.Myr)
    if np.any(np.diff(kappa) < 0):
        raise ValueError("galaxy.halo must have a diffusion coefficient that grows with rigidity")
    if not galaxy.mean > 0:
        raise ValueError("galaxy.rate must be positive somewhere, got a Galaxy without sources")
    weight = kappa / (4 * np.pi * galaxy.height**3 * galaxy.mean)
    delay, slow, clock = np.zeros((len(scenarios), R.size)), [], np.ones((len(scenarios), 2))
    for k, (name, law) in enumerate(scenarios.items()):
        delay[k] = release.times(law, R)
        if not np.all(np.isfinite(delay[k])):
            which = f"scenarios[{name!r}]" if name else "the scenario"
            raise ValueError(
                f"rigidity must be released in every scenario, got {R[~np.isfinite(delay[k])][0]:g} GV, which {which} "
                "never releases: leave it out, or give a law that reaches it"
            )
        since, area = release.table(law, R, galaxy.halo, _UNFELT * galaxy.height**2)
        clock[k] = np.log(since[0]), np.log(since[-1] / since[0]) / (since.size - 1)
        constant = np.abs(area - since[:, None] * kappa) <= 1e-12 * area
        simple = np.all(constant) and np.all(np.diff(delay[k]) <= 0)
        slow.append(np.zeros((0, 0, 2)) if simple else _logarithmic(area.T / galaxy.height**2))
    return R, _Tables(kappa / galaxy.height**2, weight, delay, tuple(slow), clock)


def _refuse_late(R: Array, tables: _Tables, scenarios: Mapping[str, Release]) -> None:
    """Refuse delays so long that the bins in age do not resolve what follows them."""
    stays = 1 / (2 * tables.kappa)
    late = tables.delay > stays
    if np.any(late):
        k, i = np.argwhere(late)[0]
        raise ValueError(
            f"rigidity must be released within the time h²/2κ of its escape from the halo, got {R[i]:g} GV, which "
            f"scenarios[{list(scenarios)[k]!r}] releases after {tables.delay[k, i]:.3g} Myr and which stays for "
            f"{stays[i]:.3g} Myr: leave it out, give the law a floor, or add sources one by one with sum_of_sources"
        )


def _logarithmic(s: Array) -> Array:
    """Logarithm of values that do not fall along the last axis, and slopes with which cubics do not either."""
    y = np.log(np.maximum(s, 1e-30))
    rise = np.diff(y)
    slope = np.empty_like(y)
    slope[:, 0], slope[:, -1] = rise[:, 0], rise[:, -1]
    slope[:, 1:-1] = (rise[:, 1:] + rise[:, :-1]) / 2
    slope[:, 2:-2] = (8 * (y[:, 3:-1] - y[:, 1:-3]) - (y[:, 4:] - y[:, :-4])) / 12
    slope[:, 1:-1] = np.clip(slope[:, 1:-1], 0.0, 3 * np.minimum(rise[:, 1:], rise[:, :-1]))
    return np.stack([y, slope], axis=-1)


def _pieces(R: Array, marks: release.Course) -> list[tuple[float, float]]:
    """Ranges of energy between the bends of the escape time, where spectra bend too."""
    pieces, start = [], float(R[0])
    for low, high in marks.bends:
        if start * 1.05 < low and high < R[-1] / 1.05:
            pieces.append((start, low))
            start = high
    return [*pieces, (start, float(R[-1]))]


def _nodes(pieces: list[tuple[float, float]]) -> Array:
    """Energies at which the rest's fluctuation is known: a dozen a decade, and the ends of the pieces."""
    parts = [np.geomspace(a, b, max(4, int(np.ceil(12 * np.log10(b / a))) + 1)) for a, b in pieces]
    return np.unique(np.concatenate(parts))


def _spline(node: Array, R: Array, pieces: list[tuple[float, float]]) -> Array:
    """Matrix from values at the nodes to values at R: a cubic spline in each piece."""
    matrix = np.zeros((R.size, node.size))
    for low, high in pieces:
        piece = slice(*np.searchsorted(node, [low, np.nextafter(high, np.inf)]))
        x = np.log(node[piece])
        at = (low <= R) & (high >= R)
        matrix[at, piece] = CubicSpline(x, np.eye(x.size))(np.log(R[at]))
    return matrix


def _latest(galaxy: Galaxy, R: Array, scenarios: Mapping[str, Release], delay: Array) -> float:
    """Age in Myr at which nearly all particles of all energies have left their sources and then the halo."""
    gone = [release.table(law, R, galaxy.halo, _GONE * galaxy.height**2)[0][-1] for law in scenarios.values()]
    return float((delay.max(axis=1) + gone).max())


def _ages(kappa: Array, latest: float, courses: list[release.Course]) -> Array:
    """Edges of the bins in age, Myr: eight a decade, and those at which a range of energies leaves at once."""
    first, last = 1e-3 / kappa[-1], max(_OLD / kappa[0], latest)
    edges = np.r_[0.0, np.geomspace(first, last, int(np.ceil(8 * np.log10(last / first))) + 1)]
    return np.unique(np.r_[edges, [end for marks in courses for end in marks.pauses if end < last]])


def _near(edges: Array, tables: _Tables, light: float, threshold: float) -> Array:
    """Distance in z_max, for each bin in age, within which a source can exceed the threshold."""
    scratch, row = np.zeros((2, tables.kappa.size)), np.empty(tables.kappa.size)
    laws = [tables.of(k) for k in range(len(tables.delay))]

    def exceeds(distance: float, ages: Array) -> bool:
        return any(_kernels.largest(distance**2, ages, *law, light, scratch, row) > threshold for law in laws)

    near = np.zeros(edges.size - 1)
    for j, (a, b) in enumerate(pairwise(edges)):
        ages = a + (b - a) * np.linspace(1e-3, 1, 12)
        low, high = 1e-3, _FAR
        if not exceeds(low, ages):
            continue
        while high - low > 1e-2 * high:
            middle = np.sqrt(low * high)
            low, high = (middle, high) if exceeds(middle, ages) else (low, middle)
        near[j] = high
    return near


def _gauss(edges: Array, order: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on panels."""
    node, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + node)).reshape(-1), (half * weight).reshape(-1)


def _disc(galaxy: Galaxy, farthest: float) -> tuple[Array, Array]:
    """Squared distance in kpc² and the number of sources per Myr within it."""
    rho2 = np.linspace(0, max(farthest, 1e-3) * galaxy.height, 4001) ** 2
    middle = np.sqrt((rho2[1:] + rho2[:-1]) / 2)
    return rho2, np.r_[0.0, np.cumsum(np.pi * np.diff(rho2) * galaxy.density(middle))]


def _quadrature(galaxy: Galaxy, edges: Array, near: Array) -> tuple[Array, Array, Array]:
    """ρ²/z_max², age and number of sources at the nodes that stand for the rest."""
    T, per_T = _gauss(edges, 4)
    T, per_T = T.reshape(-1, 4), per_T.reshape(-1, 4)
    rho2, age, number = [], [], []
    for j in range(near.size):
        rho, per_rho = _gauss(near[j] + _PANELS, 5)
        density = galaxy.density(rho * galaxy.height) * galaxy.height**2
        rho2.append(np.tile(rho**2, 4))
        age.append(np.repeat(T[j], rho.size))
        number.append(np.outer(per_T[j], per_rho * 2 * np.pi * rho * density).reshape(-1))
    return np.concatenate(rho2), np.concatenate(age), np.concatenate(number)


def _campbell(quadrature: tuple[Array, Array, Array], law: _Law, light: float) -> tuple[Array, Array]:
    """Contributions at the nodes of the quadrature, shape (nodes, energies), and the mean of their sum."""
    rho2, age, number = quadrature
    values = np.zeros((age.size, law[0].size))
    _kernels.each(rho2, age, *law, light, values)
    return values, np.einsum("q,qe->e", number, values)
