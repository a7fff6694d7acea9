"""Expanding the slow waves of a sum about points that follow the particle.

Where a step is much shorter than the waves, as at low rigidity, most of the sum changes little from step to step.
"""

from dataclasses import dataclass
from functools import cached_property
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crlab.turbulence import _kernels
from crlab.turbulence._kernels import EVEN, ORDER, ROWS
from crlab.turbulence.fields import WaveField
from crlab.turbulence.particles import Paths, take_step, take_times
from crlab.turbulence.spectrum import take_number

__all__ = ["Expansion", "expand"]

Array = NDArray[np.float64]

NEAR, REFRESHED, EVALUATED = 0.5, 9.0, 30.0
"""Costs in those of summing one wave once by the fast kernel, measured: the same in single precision, expanding a
wave, evaluating a level."""

TURNS = 2.0
"""How far from its reference point, in the shortest wavelength, the sum in single precision is used."""

RATIOS = (4.0, 8.0, 16.0)
"""Widths of levels in wavenumber that are tried."""

POWERS = np.array([(a, b, c) for a in range(ORDER + 1) for b in range(ORDER + 1 - a) for c in range(ORDER + 1 - a - b)])
"""Exponents of the monomials in the order of `crlab.turbulence._kernels.space`, shape (TERMS, 3)."""

PLACE = np.empty(len(POWERS), dtype=np.int64)
"""Their rows in a level's table: those of even order first."""
_ODD = POWERS.sum(axis=1) % 2 == 1
PLACE[~_ODD], PLACE[_ODD] = np.arange(np.sum(~_ODD)), EVEN + np.arange(np.sum(_ODD))


@dataclass(frozen=True, eq=False)
class Expansion:
    """A sum of waves with its slow part in levels; made by `expand`.

    Parameters
    ----------
    field : WaveField
    step : float
        Path length of a step.
    error : float
        Error of the expanded part of the field, relative to the rms of δB.
    direct : int
        Waves that are still summed at every step.
    modes : ndarray, shape (7, N)
        Waves by falling wavenumber.
    edges : ndarray of int, shape (L + 1,)
    radius : ndarray, shape (L,)
    """

    field: WaveField
    step: float
    error: float
    direct: int
    modes: Array
    edges: NDArray[np.int64]
    radius: Array

    @cached_property
    def near(self) -> tuple[Array, NDArray[np.float32], float]:
        """Waves summed at every step, filled up to whole vectors with waves of no amplitude: the kernel's tables."""
        modes = self.modes[:, : self.direct]
        if not self.direct:
            return np.zeros((4, 0)), np.zeros((6, 0), np.float32), np.inf
        modes = np.pad(modes, ((0, 0), (0, -self.direct % _kernels.LANES)))
        single = np.ascontiguousarray(modes[[0, 1, 2, 4, 5, 6]], dtype=np.float32)
        return np.ascontiguousarray(modes[:4]), single, TURNS / float(np.linalg.norm(modes[:3, 0]))

    @cached_property
    def levels(self) -> tuple[Array, NDArray[np.float32], NDArray[np.float32]]:
        """Waves, amplitudes and tables of the levels as the kernel takes them."""
        lanes = _kernels.LANES
        size = lanes * int(np.max(np.ceil(np.diff(self.edges) / lanes), initial=0))
        waves = np.zeros((self.radius.size, 4, size))
        amplitude = np.zeros((self.radius.size, 3, size), np.float32)
        table = np.zeros((self.radius.size, ROWS, size), np.float32)
        for i, (low, high) in enumerate(zip(self.edges[:-1], self.edges[1:], strict=True)):
            n = high - low
            waves[i, :, :n], amplitude[i, :, :n] = self.modes[:4, low:high], self.modes[4:, low:high]
            k = 2 * np.pi * np.linalg.norm(self.modes[:3, low:high], axis=0)
            unit = 2 * np.pi * self.modes[:3, low:high] / k
            series = _series(k * self.radius[i])
            for row, (a, b, c) in zip(PLACE, POWERS, strict=True):
                m = a + b + c
                ways = factorial(m) / (factorial(a) * factorial(b) * factorial(c))
                table[i, row, :n] = series[m] * ways * unit[0] ** a * unit[1] ** b * unit[2] ** c
        return waves, amplitude, table

    def push(self, position: Array, direction: Array, *, r_g: float, times: Array, charge: int = 1) -> Paths:
        """Follow particles by Boris' scheme, as `crlab.turbulence.particles.push`.

        Parameters
        ----------
        position, direction : ndarray, shape (P, 3)
            Starts, and unit vectors.
        r_g : float
        times : array_like
        charge : {1, -1}

        Returns
        -------
        Paths
            Of shape (P, T, 3).

        Raises
        ------
        ValueError
            r_g not positive, times that do not grow.

        Examples
        --------
        >>> from crlab.turbulence.fields import wave_field
        >>> from crlab.turbulence.spectrum import kolmogorov
        >>> waves = wave_field(kolmogorov(), eta=0.5, rng=np.random.default_rng(1))
        >>> paths = expand(waves, step=1e-4).push(np.zeros((1, 3)), np.eye(3)[:1], r_g=0.001, times=[0.01])
        >>> print(f"{np.linalg.norm(paths.direction[0, 0]):.12f}")
        1.000000000000
        """
        om = charge / take_number("r_g", r_g, positive=True)
        h = take_step(self.step, self.field.shortest, r_g)
        save, t = take_times(times, h)
        x, v = np.array(position, dtype=float), np.array(direction, dtype=float)
        out_x, out_v = np.empty((len(x), len(t), 3)), np.empty((len(x), len(t), 3))
        _kernels.push_expanded(
            self.field.B0, *self.near, *self.levels, PLACE, self.radius, x, v, om, h, False, save, out_x, out_v
        )
        return Paths(t, out_x, out_v, h)


def _series(theta: Array) -> Array:
    """Coefficients of t^m, shape (ORDER + 1, n), in cos(φ + θt) for -1 <= t <= 1, without the cos φ or sin φ.

    cos θt = J_0 - 2 J_2 T_2(t) + 2 J_4 T_4(t) - … and sin θt = 2 J_1 T_1(t) - 2 J_3 T_3(t) + …; without the terms
    beyond `ORDER` the error is 2 J_(ORDER + 1)(θ) nearly everywhere.
    """
    from scipy.special import jv

    chebyshev = np.zeros((ORDER + 1, np.size(theta)))
    for m in range(ORDER + 1):
        chebyshev[m] = (1 if m == 0 else 2) * (-1) ** (m // 2) * jv(m, theta) * (-1 if m % 2 else 1)
    power: Any = np.polynomial.chebyshev.cheb2poly
    matrix = np.zeros((ORDER + 1, ORDER + 1))
    for m in range(ORDER + 1):
        matrix[: m + 1, m] = power(np.eye(ORDER + 1)[m][: m + 1])
    return np.asarray(matrix @ chebyshev)


def _ball(k: Array, energy: Array, error: float) -> float:
    """Largest radius in which the polynomials of waves, with energy A²/2, leave out less than `error`."""
    from scipy.special import jv

    low, high = 1e-4 / k.max(), 4 / k.max()
    for _ in range(50):
        middle = np.sqrt(low * high)
        left = np.sqrt(np.sum(energy * (2 * jv(ORDER + 1, k * middle)) ** 2) / 2)  # half by the mean of T_6²
        low, high = (middle, high) if left < error else (low, middle)
    return float(low)


def _levels(k: Array, energy: Array, start: int, ratio: float, error: float) -> tuple[list[int], list[float]]:
    """Edges and radii of levels that begin with a wave and hold wavenumbers within a factor."""
    edges, radius = [start], []
    while edges[-1] < k.size:
        first = edges[-1]
        stop = max(int(np.searchsorted(-k, -k[first] / ratio, side="left")), first + 1)
        radius.append(_ball(k[first:stop], energy[first:stop], error))
        edges.append(stop)
    return edges, radius


def _cost(step: float, edges: list[int], radius: list[float]) -> float:
    """Expected cost of a step, in those of summing one wave once."""
    # A polynomial lasts for nearly the diameter of its ball, and twice that where the particle gyrates inside it.
    renewed = sum(n * step / (2.5 * r) for n, r in zip(np.diff(edges), radius, strict=True))
    return float(NEAR * edges[0] + REFRESHED * renewed + EVALUATED * len(radius))


def expand(field: WaveField, *, step: float, error: float = 1e-6) -> Expansion:
    """Divide the waves of a field into those summed at every step and levels of slow ones.

    A level holds wavenumbers within a factor of 4 to 16. Its polynomial of fifth order is used in a ball, whose radius
    follows from the error through the first Chebyshev term left out, 2 J_6(k r), summed in squares over the level's
    waves. Where the levels begin, and how wide they are, is what makes the expected cost of a step least.

    Parameters
    ----------
    field : WaveField
    step : float
        Path length of the steps to come.
    error : float
        Error of the field of the levels relative to the rms of δB. Single precision adds about 2e-7.

    Returns
    -------
    Expansion

    Raises
    ------
    ValueError
        Numbers out of range.

    Examples
    --------
    >>> from crlab.turbulence.fields import wave_field
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> waves = wave_field(kolmogorov(), eta=0.5, modes=1000, rng=np.random.default_rng(1))
    >>> [expand(waves, step=step).direct for step in (0.012, 1e-5)]
    [752, 0]
    """
    step = take_number("step", step, positive=True)
    error = take_number("error", error, positive=True)
    if not 3e-7 <= error < 0.1:
        raise ValueError(f"error must be from 3e-7 to 0.1, got {error:g}")
    k = 2 * np.pi * np.linalg.norm(field.wavevectors, axis=1)
    sorting = np.argsort(-k, kind="stable")
    k = k[sorting]
    modes = np.vstack([field.wavevectors.T, field.phases, field.amplitudes.T])[:, sorting]
    energy = np.sum(modes[4:] ** 2, axis=0) / 2
    ways = [([k.size], list[float]())]
    for ratio in RATIOS:
        share = error * float(np.sqrt(energy.sum() / (1 + np.ceil(np.log(k[0] / k[-1]) / np.log(ratio)))))
        octaves = np.arange(0, np.log2(k[0] / k[-1]) + 1e-9, 0.5)
        starts = np.unique(np.searchsorted(-k, -k[0] / 2**octaves, side="left"))
        ways += [_levels(k, energy, int(start), ratio, share) for start in starts]
    edges, radius = min(ways, key=lambda way: _cost(step, *way))
    return Expansion(field, step, error, edges[0], np.ascontiguousarray(modes), np.array(edges), np.array(radius))
