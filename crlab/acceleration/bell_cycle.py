"""Bell's cycle: particles that bounce across a shock, gain a little and are sometimes lost."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.acceleration import _kernels
from crlab.acceleration.shock import take_compression, take_speed
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import take

__all__ = ["Cycles", "Excursions", "index", "mean_gain", "return_probability", "simple_index", "simulate", "walk"]

Array = NDArray[np.float64]
Int = NDArray[np.int64]

BLOCK = 20_000
"""Particles per block, hence per random stream."""

_RESIDUAL = 1e-4  # chance of return at the distance where a walk is given up
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)


@dataclass(frozen=True)
class Cycles:
    """Particles that cycled until they were lost; made by `simulate`.

    Parameters
    ----------
    energy : ndarray
        Downstream energy of each particle when it was lost, over its first upstream energy; shape (number,).
    returns : ndarray of int
        Full cycles of each particle, shape (number,).
    gain, gain_error : float
        Mean of E'/E over all full cycles, upstream to upstream, and its standard error.
    """

    energy: Array
    returns: Int
    gain: float
    gain_error: float

    @property
    def escape(self) -> float:
        """Share of the visits downstream that had no return."""
        return float(self.returns.size / (self.returns.sum() + self.returns.size))

    @property
    def escape_error(self) -> float:
        """Standard error of `escape`."""
        visits = self.returns.sum() + self.returns.size
        return float(np.sqrt(self.escape * (1 - self.escape) / visits))

    def index(self, above: float = 2.0) -> tuple[float, float]:
        """Spectral index s of dN/dE ∝ E^-s by maximum likelihood, and its standard error.

        s = 1 + 1/⟨ln(E/E_c)⟩ over the particles above E_c (Hill 1975).

        Parameters
        ----------
        above : float
            E_c. The first few cycles leave no power law: choose it well above (1 + β)².

        Returns
        -------
        s, error : float

        Raises
        ------
        ValueError
            Fewer than ten particles above E_c.

        Examples
        --------
        >>> from astropy import units as u
        >>> s, error = simulate(3e4 * u.km / u.s, number=20_000, seed=1).index()
        >>> print(abs(s - 2.01) < 0.1)
        True
        """
        threshold = float(take("above", above, u.dimensionless_unscaled, positive=True))
        y = np.log(self.energy[self.energy > threshold] / threshold)
        if y.size < 10:
            raise ValueError(f"above must leave at least ten particles, got {y.size} of them above {threshold:g}")
        return float(1 + 1 / y.mean()), float(1 / y.mean() / np.sqrt(y.size))


@dataclass(frozen=True)
class Excursions:
    """Walks downstream; made by `walk`.

    Parameters
    ----------
    number : int
        Walks.
    mu : ndarray
        Direction cosines in the downstream frame of those that came back, negative towards upstream.
    """

    number: int
    mu: Array

    @property
    def returned(self) -> float:
        """Share that came back."""
        return float(self.mu.size / self.number)

    @property
    def error(self) -> float:
        """Standard error of `returned`."""
        return float(np.sqrt(self.returned * (1 - self.returned) / self.number))


def simulate(
    u1: u.Quantity,
    *,
    compression: float = 4.0,
    number: int,
    seed: int,
    limit: float = 4.0,
    executor: Executor | None = None,
) -> Cycles:
    """Follow particles with E = pc across a shock and back until they are lost.

    Scattering makes them isotropic in the frame of whichever flow they are in. What crosses the shock at the
    direction cosine μ is weighted with the speed relative to it, μ + u/c. For each particle that leaves the shock
    downstream along μ the isotropic population there sends (μ - u2)/(μ + u2) back along -μ: that is the chance of
    a return, and its direction. Energies change by exact Lorentz transforms between the two frames. Neither
    the mean gain nor the mean return probability is put in. Chapter "Bell's cycle".

    Parameters
    ----------
    u1 : Quantity
        Speed of the shock in the upstream frame, in units like km/s.
    compression : float
        r.
    number : int
        Particles.
    seed : int
        Root seed.
    limit : float
        Largest compression that is allowed, see `crlab.acceleration.shock.take_compression`.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Cycles

    Raises
    ------
    ValueError
        A speed that is not between 0 and c, r ≤ 1 or r > `limit`, a bad `number` or `seed`.
    UnitConversionError
        u1 is a bare number or no speed.

    Notes
    -----
    Bell 1978. A real population is isotropic at the shock only to order u/c, so results are physical to leading
    order in u1/c.

    Examples
    --------
    >>> from astropy import units as u
    >>> run = simulate(3e4 * u.km / u.s, number=20_000, seed=1)
    >>> print(f"gain {run.gain:.2f}, escape {run.escape:.2f}")
    gain 1.11, escape 0.09
    """
    v1, v2 = _speeds(u1, compression, limit)
    results = map_blocks(
        partial(_run, u1=v1, u2=v2), blocks(number, size=BLOCK, seed=seed), executor=executor, label="particles"
    )
    returns = np.concatenate([count for _, count, _ in results])
    full = max(int(returns.sum()), 1)
    first, second = np.sum([gain for _, _, gain in results], axis=0) / full
    return Cycles(
        energy=np.exp(np.concatenate([y for y, _, _ in results])),
        returns=returns,
        gain=float(first),
        gain_error=float(np.sqrt(max(second - first**2, 0) / full)),
    )


def walk(u2: u.Quantity, *, number: int, seed: int, executor: Executor | None = None) -> Excursions:
    """Walk downstream for real: free flights between isotropic scatterings, until the shock is met again.

    Particles with v = c enter with flux-weighted directions. A walk is given up where the chance to return,
    exp(-u2 x/κ) with κ = cℓ/3, is below 1e-4.

    Parameters
    ----------
    u2 : Quantity
        Speed of the downstream flow relative to the shock. A walk takes of the order of c/u2 flights.
    number : int
        Walks.
    seed : int
        Root seed.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Excursions

    Raises
    ------
    ValueError
        A speed that is not between 0 and c, a bad `number` or `seed`.
    UnitConversionError
        u2 is a bare number or no speed.

    Examples
    --------
    >>> from astropy import units as u
    >>> walks = walk(3e4 * u.km / u.s, number=10_000, seed=1)
    >>> print(f"{walks.returned:.2f}")
    0.67
    """
    v2 = float(take_speed("u2", u2))
    run = partial(_excursions, u2=v2, far=-np.log(_RESIDUAL) / (3 * v2))
    results = map_blocks(run, blocks(number, size=BLOCK, seed=seed), executor=executor, label="walks")
    return Excursions(number=number, mu=np.concatenate(results))


def mean_gain(u1: u.Quantity, *, compression: float = 4.0, limit: float = 4.0) -> float:
    """Mean of E'/E in a cycle to first order in u/c, 1 + (4/3)(u1 - u2)/c.

    Parameters
    ----------
    u1 : Quantity
    compression : float
    limit : float
        As in `simulate`.

    Returns
    -------
    float

    Raises
    ------
    ValueError, UnitConversionError
        As `simulate`.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{mean_gain(3000 * u.km / u.s):.4f}")
    1.0100
    """
    v1, v2 = _speeds(u1, compression, limit)
    return 1 + 4 / 3 * (v1 - v2)


def return_probability(u2: u.Quantity) -> float:
    """Chance to come back from downstream, ((1 - u2/c)/(1 + u2/c))², exact for an isotropic population.

    Parameters
    ----------
    u2 : Quantity

    Returns
    -------
    float

    Raises
    ------
    ValueError, UnitConversionError
        As `walk`.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{return_probability(750 * u.km / u.s):.4f}")
    0.9900
    """
    v2 = float(take_speed("u2", u2))
    return ((1 - v2) / (1 + v2)) ** 2


def simple_index(u1: u.Quantity, *, compression: float = 4.0, limit: float = 4.0) -> float:
    """Spectral index if every cycle had the mean gain to first order, s = 1 - ln P_ret / ln(1 + (4/3)(u1 - u2)/c).

    Parameters
    ----------
    u1 : Quantity
    compression : float
    limit : float
        As in `simulate`.

    Returns
    -------
    float

    Raises
    ------
    ValueError, UnitConversionError
        As `simulate`.

    Notes
    -----
    Its limit (r + 2)/(r - 1) for u1 ≪ c is right. Its distance from the limit is not: terms (u/c)² of the gain,
    left out here, are as large. See `index`.

    Examples
    --------
    >>> from astropy import constants as const
    >>> print(f"{simple_index(0.01 * const.c):.3f} {simple_index(0.1 * const.c):.3f}")
    2.005 2.049
    """
    v1, v2 = _speeds(u1, compression, limit)
    return float(1 - 2 * np.log((1 - v2) / (1 + v2)) / np.log1p(4 / 3 * (v1 - v2)))


def index(u1: u.Quantity, *, compression: float = 4.0, limit: float = 4.0) -> float:
    """Spectral index s of the simulated process, from P_ret ⟨(E'/E)^(s - 1)⟩ = 1.

    A power law N(>E) ∝ E^-(s-1) repeats itself from cycle to cycle if that holds. The mean is over flux-weighted
    directions on both sides, by quadrature.

    Parameters
    ----------
    u1 : Quantity
    compression : float
    limit : float
        As in `simulate`.

    Returns
    -------
    float

    Raises
    ------
    ValueError, UnitConversionError
        As `simulate`.

    Examples
    --------
    >>> from astropy import constants as const
    >>> print(f"{index(0.01 * const.c):.4f} {index(0.1 * const.c):.4f}")
    1.9987 1.9836
    """
    from scipy.optimize import brentq

    v1, v2 = _speeds(u1, compression, limit)
    beta = (v1 - v2) / (1 - v1 * v2)

    def balance(power: float) -> float:
        inwards = _flux_mean(-v1, lambda mu: (1 + beta * mu) ** power)
        outwards = _flux_mean(v2, lambda mu: (1 + beta * mu) ** power)
        return float(2 * np.log((1 - v2) / (1 + v2)) - power * np.log(1 - beta**2) + np.log(inwards * outwards))

    limit_value = 3 / (compression - 1)
    return 1 + float(brentq(balance, 0.1 * limit_value, 10 * limit_value, xtol=1e-12))


def _flux_mean(low: float, function: Any) -> float:
    """Mean over μ in [low, 1] with the weight μ - low."""
    mu = low + (1 - low) * (_NODES + 1) / 2
    return float(np.sum(_WEIGHTS * (mu - low) * function(mu)) / np.sum(_WEIGHTS * (mu - low)))


def _speeds(u1: u.Quantity, compression: float, limit: float) -> tuple[float, float]:
    v1 = float(take_speed("u1", u1))
    return v1, v1 / float(take_compression(compression, limit))


def _run(block: Block, *, u1: float, u2: float) -> tuple[Array, Int, Array]:
    y, count, gain = np.empty(block.size), np.zeros(block.size, np.int64), np.zeros(2)
    _kernels.cycles(block.generator(), block.size, u1, u2, y, count, gain)
    return y, count, gain


def _excursions(block: Block, *, u2: float, far: float) -> Array:
    mu = np.empty(block.size)
    back = _kernels.excursions(block.generator(), block.size, u2, far, mu)
    return mu[:back]
