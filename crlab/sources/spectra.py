r"""Spectra of realisations of the Galaxy: the sum over discrete sources, over its mean.

ψ(E) = Σ_i Q(E) G(ρ_i, T_i - t_esc(E)), with the same sources for every scenario of escape, and x = ψ/ψ̄ with the
smooth mean ψ̄. Source and observer are in the plane of the halo, and κ is the same everywhere: only the distance ρ and
the age T of a source matter. Millions of sources are felt at 10 GV, but few of them one by one. `prepare` divides the
plane of ρ and T:

* Sources that can exceed a small share ε of the mean at any energy, in any scenario, are drawn and added one by one.
* All others together are a Gaussian. Its mean and its covariance between all energies and scenarios are those of the
  exact Poisson process (Campbell's theorem), by quadrature. What is lost is the skewness of the rest, which moves a
  quantile at n standard deviations by about 0.07 ε (n² - 1).

Derived in the chapter "One Galaxy, many Galaxies".
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import pairwise
from types import ModuleType

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.interpolate import CubicSpline

from crlab.acceleration.escape import EscapeLaw
from crlab.galaxy import Halo
from crlab.parallel import Block, blocks, map_blocks
from crlab.sources import _kernels
from crlab.sources.credit import RATE
from crlab.units import Array, take

__all__ = ["Galaxy", "Simulator", "prepare", "single_spectra", "sum_of_sources"]

_RATE = 1 / (u.kpc**2 * u.Myr)
_C = float(const.c.to_value(u.kpc / u.Myr))
_FAR = 16.0  # z_max, beyond which e^-25 of a source is left
_OLD = 12.0  # z_max²/κ, after which e^-30 is left
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
    scenarios : tuple of EscapeLaw or None
    threshold : float
    height : float
        z_max in kpc.
    light : float
        Time that light needs for z_max, Myr; 0 without the causal cut.
    kappa, weight : array, shape (n,)
        κ in z_max²/Myr, and the factor of the kernel.
    delay : array, shape (scenarios, n)
        t_esc in Myr.
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
    scenarios: tuple[EscapeLaw | None, ...]
    threshold: float
    height: float
    light: float
    kappa: Array
    weight: Array
    delay: Array
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
        _kernels.total(rho2, age, self.kappa, self.delay, self.weight, self.light, x)
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
    scenarios: Sequence[EscapeLaw | None] = (None,),
    threshold: float = 2e-4,
    causal: bool = False,
) -> Simulator:
    """Divide the sources into those that are added one by one and a Gaussian rest.

    Parameters
    ----------
    galaxy : Galaxy
    rigidity : Quantity
        R of protons, shape (n,), growing, n ≥ 2.
    scenarios : sequence of EscapeLaw or None
        When particles leave their sources; None for all at once at age 0 (burst-like).
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
        Rigidities that are not positive or do not grow, above the peak of a scenario, κ that does not grow, no
        scenario, no sources, a threshold out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> simulator = prepare(Galaxy(), np.geomspace(1, 100, 41) * u.TV)
    >>> x = simulator.realisations(200, seed=1)
    >>> x.shape, bool(abs(np.median(x[:, 0, 20]) - 0.947) < 0.02)
    ((200, 1, 41), True)
    """
    scenarios = tuple(scenarios)
    if not scenarios:
        raise ValueError("scenarios must hold at least one, got none")
    if not 1e-6 <= threshold <= 0.01:
        raise ValueError(f"threshold must be between 1e-6 and 0.01, got {threshold!r}")
    R, kappa, weight, delay = _tables(galaxy, rigidity, scenarios)
    light = galaxy.height / _C if causal else 0.0
    nodes = [_nodes(R, law) for law in scenarios]
    coarse = np.unique(np.concatenate(nodes))
    tables = _tables(galaxy, coarse * u.GV, scenarios)

    edges = _ages(tables[1], scenarios)
    near = _near(edges, tables[1:], light, threshold)
    distance2, within = _disc(galaxy, near.max())
    inside = np.interp((near * galaxy.height) ** 2, distance2, within)

    quadrature = _quadrature(galaxy, edges, near)
    rest = np.empty((len(scenarios), R.size))
    values, splines = [], []
    for k, node in enumerate(nodes):
        rest[k] = _campbell(quadrature, kappa, delay[k], weight, light)[1]
        select = np.searchsorted(coarse, node)
        values.append(_campbell(quadrature, tables[1][select], tables[3][k, select], tables[2][select], light)[0])
        splines.append(_spline(node, R, scenarios[k]))
    matrix = np.zeros((sum(map(len, nodes)),) * 2)
    _kernels.gram(np.concatenate(values, axis=1), quadrature[2], matrix)
    rows = np.split(_kernels.factor(matrix, 1e-10), np.cumsum([len(node) for node in nodes])[:-1], axis=1)
    modes = np.concatenate([np.einsum("fn,rn->rf", s, r) for s, r in zip(splines, rows, strict=True)], axis=1)
    used = inside > 0
    last = int(np.flatnonzero(used).max(initial=-1)) + 1
    return Simulator(
        rigidity=R,
        scenarios=scenarios,
        threshold=float(threshold),
        height=galaxy.height,
        light=light,
        kappa=kappa,
        weight=weight,
        delay=delay,
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
    scenario: EscapeLaw | None = None,
    causal: bool = False,
) -> Array:
    """Spectrum of each of some sources over the mean spectrum of the Galaxy, x_i = G(ρ_i, T_i - t_esc) Q/ψ̄.

    Parameters
    ----------
    galaxy : Galaxy
    rigidity : Quantity
        Shape (n,), as in `prepare`.
    distance, age : Quantity, shape (sources,)
    scenario : EscapeLaw, optional
        By default burst-like.
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
    >>> law = EscapeLaw(floor=1 * u.TeV)
    >>> where = {"distance": [0.3] * u.kpc, "age": [2e4] * u.yr}
    >>> print(single_spectra(Galaxy(), [10, 30, 100] * u.TV, scenario=law, **where).round(4))
    [[0.     0.2539 0.0325]]
    """
    _, kappa, weight, delay = _tables(galaxy, rigidity, (scenario,))
    rho2, T = _places(galaxy, distance, age)
    out = np.zeros((T.size, kappa.size))
    _kernels.each(rho2, T, kappa, delay[0], weight, galaxy.height / _C if causal else 0.0, out)
    return out


def sum_of_sources(
    galaxy: Galaxy,
    rigidity: u.Quantity,
    *,
    distance: u.Quantity,
    age: u.Quantity,
    scenarios: Sequence[EscapeLaw | None] = (None,),
    causal: bool = False,
) -> Array:
    """Spectrum of some sources together over the mean spectrum of the Galaxy, one by one and nothing else.

    Parameters
    ----------
    galaxy, rigidity, distance, age, causal
        As in `single_spectra`.
    scenarios : sequence of EscapeLaw or None

    Returns
    -------
    ndarray, shape (scenarios, n)

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
    _, kappa, weight, delay = _tables(galaxy, rigidity, tuple(scenarios))
    rho2, T = _places(galaxy, distance, age)
    out = np.zeros(delay.shape)
    _kernels.total(rho2, T, kappa, delay, weight, galaxy.height / _C if causal else 0.0, out)
    return out


def _places(galaxy: Galaxy, distance: u.Quantity, age: u.Quantity) -> tuple[Array, Array]:
    rho = take("distance", distance, u.kpc, positive=True)
    T = take("age", age, u.Myr, non_negative=True)
    if rho.ndim != 1 or rho.shape != T.shape:
        raise ValueError(f"distance and age must be of one shape (sources,), got {rho.shape} and {T.shape}")
    return (rho / galaxy.height) ** 2, T


def _tables(
    galaxy: Galaxy, rigidity: u.Quantity, scenarios: Sequence[EscapeLaw | None]
) -> tuple[Array, Array, Array, Array]:
    """R in GV, κ in z_max²/Myr, the kernel's weight, and t_esc in Myr by scenario."""
    R = take("rigidity", rigidity, u.GV, positive=True)
    if R.ndim != 1 or R.size < 2 or np.any(np.diff(R) <= 0):
        raise ValueError(f"rigidity must be a list of at least two growing values, got {rigidity}")
    kappa = galaxy.halo.kappa(R * u.GV).to_value(u.kpc**2 / u.Myr)
    if np.any(np.diff(kappa) < 0):
        raise ValueError("galaxy.halo must have a diffusion coefficient that grows with rigidity")
    if not galaxy.mean > 0:
        raise ValueError("galaxy.rate must be positive somewhere, got a Galaxy without sources")
    weight = kappa / (4 * np.pi * galaxy.height**3 * galaxy.mean)
    delay = np.zeros((len(scenarios), R.size))
    for k, law in enumerate(scenarios):
        if law is not None:
            peak = float(take("peak", law.peak, u.GeV).reshape(()))
            if R[-1] > peak * (1 + 1e-12):
                raise ValueError(f"rigidity must be at most the peak {peak:g} GeV of every scenario, got {R[-1]:g} GV")
            delay[k] = law.escape_time(R * u.GeV).to_value(u.Myr)
    return R, kappa / galaxy.height**2, weight, delay


def _floor(law: EscapeLaw | None) -> float:
    """E_b in GeV, 0 where there is none."""
    return 0.0 if law is None or law.floor is None else float(take("floor", law.floor, u.GeV).reshape(()))


def _nodes(R: Array, law: EscapeLaw | None) -> Array:
    """Energies at which the rest's fluctuation is known: a dozen a decade, one of them at E_b, where spectra bend."""
    ends = [R[0], R[-1]]
    if R[0] * 1.05 < _floor(law) < R[-1] / 1.05:
        ends.insert(1, _floor(law))
    parts = [np.geomspace(a, b, max(4, int(np.ceil(12 * np.log10(b / a))) + 1)) for a, b in pairwise(ends)]
    return np.unique(np.concatenate(parts))


def _spline(node: Array, R: Array, law: EscapeLaw | None) -> Array:
    """Matrix from values at the nodes to values at R: a cubic spline on either side of E_b."""
    bend = 1 + np.flatnonzero(node[1:-1] == _floor(law))
    pieces = [slice(0, node.size)] if bend.size == 0 else [slice(0, bend[0] + 1), slice(bend[0], node.size)]
    matrix = np.zeros((R.size, node.size))
    for piece in pieces:
        x = np.log(node[piece])
        at = (node[piece][0] <= R) & (node[piece][-1] >= R)
        matrix[at, piece] = CubicSpline(x, np.eye(x.size))(np.log(R[at]))
    return matrix


def _ages(kappa: Array, scenarios: Sequence[EscapeLaw | None]) -> Array:
    """Edges of the bins in age, Myr: eight a decade, and one where a remnant has ended."""
    first, last = 1e-3 / kappa[-1], _OLD / kappa[0]
    edges = np.r_[0.0, np.geomspace(first, last, int(np.ceil(8 * np.log10(last / first))) + 1)]
    ends = [law.end.to_value(u.Myr) for law in scenarios if law is not None and np.isfinite(law.end)]
    return np.unique(np.r_[edges, [end for end in ends if end < last]])


def _near(edges: Array, tables: tuple[Array, Array, Array], light: float, threshold: float) -> Array:
    """Distance in z_max, for each bin in age, within which a source can exceed the threshold."""
    kappa, weight, delay = tables
    row, near = np.empty(kappa.size), np.zeros(edges.size - 1)
    for j, (a, b) in enumerate(pairwise(edges)):
        ages = a + (b - a) * np.linspace(1e-3, 1, 12)
        low, high = 1e-3, _FAR
        if _kernels.largest(low**2, ages, kappa, delay, weight, light, row) <= threshold:
            continue
        while high - low > 1e-2 * high:
            middle = np.sqrt(low * high)
            over = _kernels.largest(middle**2, ages, kappa, delay, weight, light, row) > threshold
            low, high = (middle, high) if over else (low, middle)
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


def _campbell(
    quadrature: tuple[Array, Array, Array], kappa: Array, delay: Array, weight: Array, light: float
) -> tuple[Array, Array]:
    """Contributions at the nodes of the quadrature, shape (nodes, energies), and the mean of their sum."""
    rho2, age, number = quadrature
    values = np.zeros((age.size, kappa.size))
    _kernels.each(rho2, age, kappa, delay, weight, light, values)
    return values, np.einsum("q,qe->e", number, values)
