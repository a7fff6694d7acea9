"""A shock by stochastic differential equations: particles that drift, diffuse and are compressed.

dx = u dt + ∂κ/∂x dt + √(2κ dt) ξ and dp = -(p/3) ∂u/∂x dt are equivalent to the transport equation of
`crlab.diffusion.transport`. The shock has a finite width in u, and κ jumps at its centre.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.acceleration import _kernels
from crlab.acceleration.emax import acceleration_time
from crlab.acceleration.shock import momentum_index, take_compression, take_speed
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import take

__all__ = ["INCREMENTS", "Ladder", "Sample", "Shock", "ladder", "passage_distribution", "simulate"]

Array = NDArray[np.float64]

INCREMENTS = ("four-point", "gaussian", "two-point")
"""Random increments, the default first; see `simulate`."""

_KIND = {"gaussian": 0, "four-point": 1, "two-point": 2}
_FAR = 10.0  # in κ2/u2; the chance to return from there is exp(-10)
_TALBOT = 40
BLOCK = 2000
"""Particles per block, hence per random stream; few enough to stay in a processor's cache."""


@dataclass(frozen=True)
class Shock:
    """A plane, steady shock and the diffusion on both sides of it.

    Parameters
    ----------
    u1 : Quantity
        Speed of the gas upstream relative to the shock, in units like km/s.
    kappa_1 : Quantity
        Diffusion coefficient upstream at the momentum of injection p0, in units like cm2/s.
    kappa_2 : Quantity, optional
        The same downstream. By default κ1/r: κ/u equal on both sides.
    compression : float
        r = u1/u2.
    momentum_slope : float
        α ≥ 0 of κ ∝ p^α; 1 for Bohm diffusion.
    limit : float
        Largest compression that is allowed.

    Raises
    ------
    ValueError
        A speed that is not between 0 and c, κ ≤ 0, α < 0, r ≤ 1 or above `limit`, or an array.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> shock = Shock(u1=5000 * u.km / u.s, kappa_1=1e26 * u.cm**2 / u.s)
    >>> print(f"{shock.time:.1f}, {shock.acceleration_time:.0f}")
    12.7 yr, 101 yr
    """

    u1: u.Quantity
    kappa_1: u.Quantity
    kappa_2: Any = None
    compression: float = 4.0
    momentum_slope: float = 0.0
    limit: float = 4.0

    def __post_init__(self) -> None:
        take_compression(self.compression, self.limit)
        if self.kappa_2 is None:
            object.__setattr__(self, "kappa_2", self.kappa_1 / self.compression)
        for name in ("kappa_1", "kappa_2"):
            take(name, getattr(self, name), u.cm**2 / u.s, positive=True)
        take("momentum_slope", self.momentum_slope, u.dimensionless_unscaled, non_negative=True)
        take_speed("u1", self.u1)
        for name in ("u1", "kappa_1", "kappa_2", "compression", "momentum_slope"):
            if np.ndim(getattr(self, name)):
                raise ValueError(f"{name} must be one value, got an array of shape {np.shape(getattr(self, name))}")

    @property
    def u2(self) -> u.Quantity:
        """Speed of the gas downstream."""
        return self.u1 / self.compression

    @property
    def length(self) -> u.Quantity:
        """Scale κ1/u1 of the precursor at p0, in pc."""
        return (self.kappa_1 / self.u1).to(u.pc)

    @property
    def time(self) -> u.Quantity:
        """κ1/u1² at p0, in yr."""
        return (self.kappa_1 / self.u1**2).to(u.yr)

    @property
    def acceleration_time(self) -> u.Quantity:
        """As `crlab.acceleration.emax.acceleration_time`, at p0."""
        return acceleration_time(
            self.u1, self.kappa_1, kappa_2=self.kappa_2, compression=self.compression, limit=self.limit
        )

    @property
    def index(self) -> float:
        """Index q = 3r/(r - 1) of f ∝ p^-q in the steady state."""
        return float(momentum_index(self.compression, limit=self.limit))


@dataclass(frozen=True)
class Ladder:
    """The four lengths of a simulation, which must grow in this order; made by `ladder`.

    Parameters
    ----------
    drift : Quantity
        u1 dt.
    width : Quantity
        Width of the shock.
    diffusion : Quantity
        √(2κ dt), the larger of both sides.
    precursor : Quantity
        κ/u, the smaller of both sides.
    """

    drift: u.Quantity
    width: u.Quantity
    diffusion: u.Quantity
    precursor: u.Quantity

    @property
    def rungs(self) -> Array:
        """Ratios width / drift, diffusion / width, precursor / diffusion; each should be large."""
        lengths = u.Quantity([self.drift, self.width, self.diffusion, self.precursor]).value
        return lengths[1:] / lengths[:-1]


def ladder(shock: Shock, *, step: u.Quantity, width: u.Quantity) -> Ladder:
    """Lengths u1 dt, width, √(2κ dt), κ/u at p0, by which a step and a width are judged.

    Parameters
    ----------
    shock : Shock
    step : Quantity
        dt, in units like yr.
    width : Quantity
        In units like pc.

    Returns
    -------
    Ladder
        In pc.

    Raises
    ------
    ValueError
        A step or a width that is not one positive number.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> shock = Shock(u1=5000 * u.km / u.s, kappa_1=1e26 * u.cm**2 / u.s)
    >>> print(ladder(shock, step=0.01 * shock.time, width=0.03 * shock.length).rungs.round(1))
    [3.  4.7 7.1]
    """
    dt, w = _scalar("step", step, u.yr) * u.yr, _scalar("width", width, u.pc) * u.pc
    return Ladder(
        drift=(shock.u1 * dt).to(u.pc),
        width=w,
        diffusion=np.sqrt(2 * max(shock.kappa_1, shock.kappa_2) * dt).to(u.pc),
        precursor=min(shock.kappa_1 / shock.u1, shock.kappa_2 / shock.u2).to(u.pc),
    )


@dataclass(frozen=True)
class Sample:
    """Particles of one simulation; made by `simulate`.

    Parameters
    ----------
    shock : Shock
    number : int
    duration : Quantity
    x : Quantity
        Where each particle was last, in pc, upstream negative; shape (number,).
    p : ndarray
        Its momentum over that of injection.
    inside : ndarray of bool
        Whether it was still followed at the end: neither lost downstream nor at the last level.
    levels : ndarray
        Momenta over p0, shape (k,).
    passage : Quantity
        Time at which each particle first had each momentum, in yr; infinite where it never did. Shape (number, k).
    steps : int
        Steps of all particles together.
    """

    shock: Shock
    number: int
    duration: u.Quantity
    x: u.Quantity
    p: Array
    inside: NDArray[np.bool_]
    levels: Array
    passage: u.Quantity
    steps: int

    @property
    def reached(self) -> NDArray[np.int64]:
        """How many particles reached each level, shape (k,)."""
        return np.isfinite(self.passage.value).sum(axis=0)

    def index(self) -> tuple[float, float]:
        """Momentum index q and its standard error, from the particles that passed the first and the last level.

        Returns
        -------
        q, error : float
            q - 3 = -ln(N_last/N_first)/ln(p_last/p_first); the error is binomial.

        Raises
        ------
        ValueError
            Fewer than two levels, or nobody at the last.
        """
        first, last = self._ends()
        span = np.log(self.levels[-1] / self.levels[0])
        return 3 + np.log(first / last) / span, np.sqrt(1 / last - 1 / first) / span

    def acceleration_time(self) -> tuple[u.Quantity, u.Quantity]:
        """Mean time from the first to the last level over ln(p_last/p_first), and its standard error, in yr.

        Returns
        -------
        t, error : Quantity
            Over those particles that reached the last level. Meaningful if nearly all of them had the time to, and
            for κ independent of p.

        Raises
        ------
        ValueError
            Fewer than two levels, or nobody at the last.
        """
        _, last = self._ends()
        times = self.travel_times / np.log(self.levels[-1] / self.levels[0])
        return times.mean(), times.std(ddof=1) / np.sqrt(last) if last > 1 else np.inf * u.yr

    @property
    def travel_times(self) -> u.Quantity:
        """Time from the first to the last level of each particle that reached the last, in yr."""
        there = np.isfinite(self.passage[:, -1])
        return self.passage[there, -1] - self.passage[there, 0]

    def _ends(self) -> tuple[int, int]:
        counts = self.reached
        if counts.size < 2 or counts[-1] == 0:
            raise ValueError(f"levels must be at least two that particles reached, got {counts} particles at them")
        return int(counts[0]), int(counts[-1])


def simulate(
    shock: Shock,
    *,
    step: u.Quantity,
    width: u.Quantity,
    duration: u.Quantity,
    coarse: u.Quantity | None = None,
    number: int,
    seed: int,
    levels: Any = None,
    injection: str = "burst",
    increments: str = "four-point",
    check: bool = True,
    executor: Executor | None = None,
) -> Sample:
    """Solve the stochastic equations of particles that start at the shock with momentum p0.

    Euler–Maruyama steps: x grows by u(x) dt + √(2κ dt) ξ, and where a step ends inside the shock p by the factor
    1 + (u1 - u2) dt/(3 width). At x = 0, where ∂κ/∂x is infinite, steps pass or are reflected such that a uniform
    density stays uniform (skew Brownian motion: Zhang 2000). Chapter "The shock by stochastic equations".

    Parameters
    ----------
    shock : Shock
    step : Quantity
        dt, in units like yr. With equal steps a particle may be followed up to 17 steps too long.
    width : Quantity
        Over which u falls linearly from u1 to u2, in units like pc.
    duration : Quantity
        Longest time to follow a particle.
    coarse : Quantity, optional
        Largest dt away from the shock, where √(2κ dt) grows as abs(x)/5; `step` is then that at the shock. By default
        all steps are equal.
    number : int
        Particles.
    seed : int
        Root seed.
    levels : array_like, optional
        Ascending momenta over p0, above 1, whose first passage is recorded. Particles are no longer followed
        beyond the last.
    injection : {"burst", "steady"}
        ``"burst"``: all start together. ``"steady"``: ages at the end are uniform between 0 and `duration`, as if
        the source had run from the beginning.
    increments : {"four-point", "gaussian", "two-point"}
        ξ. Four-point: ±√(1 + √6) with 1/8 each and ±√(1 - √(2/3)) with 3/8 each, which have a normal deviate's
        moments up to the fifth and cost three random bits. Two-point: ±1, right to the third moment.
    check : bool
        Refuse a step or a width that breaks the order u1 dt < width < κ/u, √(2κ dt) < κ/u.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        A broken order of lengths, values that are not positive, levels that do not ascend, an unknown
        injection or kind of increments, a bad `number` or `seed`.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Krülls & Achterberg (1994). Particles are dropped 10 κ2/u2 downstream, from where a share of
    5e-5 would come back. Weak order one in dt where u is smooth; the width makes an error of order u width/κ.

    Examples
    --------
    >>> from astropy import units as u
    >>> shock = Shock(u1=5000 * u.km / u.s, kappa_1=1e26 * u.cm**2 / u.s)
    >>> scale = {"step": 0.01 * shock.time, "width": 0.05 * shock.length, "duration": 100 * shock.time}
    >>> sample = simulate(shock, **scale, number=4000, seed=1, levels=[1.5, 3])
    >>> q, error = sample.index()
    >>> print(abs(q - 4) < 0.2)
    True
    """
    for name, value, known in (("increments", increments, INCREMENTS), ("injection", injection, ("burst", "steady"))):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    end = _scalar("duration", duration, u.yr)
    dt = _scalar("step", step, u.yr)
    if end < dt:
        raise ValueError(f"duration must be at least one step of {dt:g} yr, got {end:g} yr")
    largest = dt if coarse is None else _scalar("coarse", coarse, u.yr)
    if largest < dt:
        raise ValueError(f"coarse must be at least the step of {dt:g} yr, got {largest:g} yr")
    lengths = ladder(shock, step=step, width=width)
    if check:
        _check(lengths)
    marks = np.empty(0) if levels is None else np.atleast_1d(take("levels", levels, u.dimensionless_unscaled))
    if marks.ndim != 1 or np.any(marks <= 1) or np.any(np.diff(marks) <= 0):
        raise ValueError(f"levels must ascend and be above 1, got {levels}")
    run = partial(
        _run,
        kind=_KIND[increments],
        steady=injection == "steady",
        end=end / shock.time.value,
        levels=np.log(marks) if marks.size else np.array([np.inf]),
        u2=1 / float(shock.compression),
        kappa2=float((shock.kappa_2 / shock.kappa_1).to_value(u.one)),
        alpha=float(shock.momentum_slope),
        width=float(lengths.width / shock.length),
        dt=dt / shock.time.value,
        coarse=largest / shock.time.value,
    )
    results = map_blocks(run, blocks(number, size=BLOCK, seed=seed), executor=executor, label="particles")
    x, y, passage, inside = (np.concatenate([r[i] for r in results]) for i in range(4))
    return Sample(
        shock=shock,
        number=number,
        duration=end * u.yr,
        x=x * shock.length,
        p=np.exp(y),
        inside=inside,
        levels=marks,
        passage=passage[:, : marks.size] * shock.time,
        steps=sum(r[4] for r in results),
    )


def passage_distribution(shock: Shock, t: u.Quantity, ratio: float) -> Array:
    """Exact distribution of the time in which particles at a thin shock gain a factor in momentum.

    The Laplace transform of its density is exp{-3/(2(u1 - u2)) Σ u_i [(1 + 4κ_i s/u_i²)^(1/2) - 1] ln(p/p0)}: the
    sum of two inverse Gaussian times, one for each side. Its mean is t_acc ln(p/p0).

    Parameters
    ----------
    shock : Shock
        With κ independent of p.
    t : Quantity
        Times > 0, any shape.
    ratio : float
        p/p0 > 1.

    Returns
    -------
    ndarray
        Share of those that ever reach p who do so within t; the shape of `t`.

    Raises
    ------
    ValueError
        κ depends on p, times ≤ 0, ratio ≤ 1.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    From the solution in Drury (1983); inverted by the fixed Talbot method (Abate & Valkó 2004),
    good to about 1e-8. With a source that is steady since t = 0 it is f(p, t) at the shock over its final value.

    Examples
    --------
    >>> from astropy import units as u
    >>> shock = Shock(u1=5000 * u.km / u.s, kappa_1=1e26 * u.cm**2 / u.s)
    >>> print(passage_distribution(shock, [1, 2, 4] * shock.acceleration_time, 2.718281828).round(3))
    [0.649 0.916 0.989]
    """
    if shock.momentum_slope != 0:
        raise ValueError(f"shock must have κ independent of p, got momentum_slope = {shock.momentum_slope:g}")
    factor = float(take("ratio", ratio, u.dimensionless_unscaled))
    if factor <= 1:
        raise ValueError(f"ratio must be above 1, got {factor:g}")
    times = take("t", t, u.yr, positive=True) / shock.time.value
    u2 = 1 / shock.compression
    kappa2 = float((shock.kappa_2 / shock.kappa_1).to_value(u.one))

    def transform(s: Any) -> Any:
        sides = np.sqrt(1 + 4 * s) - 1 + u2 * (np.sqrt(1 + 4 * kappa2 / u2**2 * s) - 1)
        return np.exp(-1.5 / (1 - u2) * np.log(factor) * sides) / s

    # Bromwich's contour bent into s = 2M/(5t) θ (cot θ + i)
    theta = np.arange(1, _TALBOT) * np.pi / _TALBOT
    cot = 1 / np.tan(theta)
    r = 0.4 * _TALBOT / times[..., None]
    s = r * theta * (cot + 1j)
    weight = 1 + 1j * theta * (1 + cot**2) - 1j * cot
    terms = np.exp(times[..., None] * s) * transform(s) * weight
    first = 0.5 * np.exp(r[..., 0] * times) * transform(r[..., 0])
    share = r[..., 0] / _TALBOT * (first + np.real(terms).sum(axis=-1))
    return np.clip(np.asarray(share, dtype=float), 0.0, 1.0)


def _check(lengths: Ladder) -> None:
    for name, small, large in (
        ("step: u1 dt must be below the width", lengths.drift, lengths.width),
        ("step: √(2κ dt) must be below κ/u", lengths.diffusion, lengths.precursor),
        ("width must be below κ/u", lengths.width, lengths.precursor),
    ):
        if small >= large:
            raise ValueError(
                f"{name}, got {small.value:.3g} pc and {large.value:.3g} pc; give check=False to see what happens"
            )


def _scalar(name: str, value: Any, unit: u.UnitBase) -> float:
    number = take(name, value, unit, positive=True)
    if number.ndim:
        raise ValueError(f"{name} must be one value, got an array of shape {number.shape}")
    return float(number)


def _run(
    block: Block,
    *,
    kind: int,
    steady: bool,
    end: float,
    levels: Array,
    u2: float,
    kappa2: float,
    alpha: float,
    width: float,
    dt: float,
    coarse: float,
) -> tuple[Array, Array, Array, NDArray[np.bool_], int]:
    rng = block.generator()
    stop = end * rng.random(block.size) if steady else np.full(block.size, end)
    x, y = np.zeros(block.size), np.zeros(block.size)
    passage = np.full((block.size, levels.size), np.inf)
    total = _kernels.walk(rng, kind, stop, levels, u2, kappa2, alpha, width, dt, coarse, _FAR, x, y, passage)
    inside = (x <= _FAR * kappa2 / u2 * np.exp(alpha * y)) & ~np.isfinite(passage[:, -1])
    return x, y, passage, inside, int(total)
