"""Expanding the slow waves of a sum about a point that follows the particle.

Where a step is much shorter than the waves, as at low rigidity, most of the sum changes little from step to step.
"""

from dataclasses import dataclass
from functools import cached_property
from math import factorial

import numpy as np
from numpy.typing import NDArray

from crlab.turbulence import _local_kernels
from crlab.turbulence.fields import WaveField, take_count
from crlab.turbulence.particles import Paths, take_step, take_times
from crlab.turbulence.spectrum import take_number

__all__ = ["Expansion", "expand"]

Array = NDArray[np.float64]

WORTH = 30.0
"""Cost of expanding a wave to fifth order over that of summing it once; measured."""


@dataclass(frozen=True, eq=False)
class Expansion:
    """A sum of waves with its slow part in levels; made by `expand`.

    Parameters
    ----------
    field : WaveField
    step : float
        Path length of a step.
    error : float
        Error of the expanded field, relative to the rms of δB.
    order : int
        Of the polynomials.
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
    order: int
    direct: int
    modes: Array
    edges: NDArray[np.int64]
    radius: Array

    @cached_property
    def powers(self) -> NDArray[np.int64]:
        """Exponents of the monomials, shape (Q, 3)."""
        n = self.order + 1
        return np.array([(a, b, c) for a in range(n) for b in range(n - a) for c in range(n - a - b)])

    @cached_property
    def table(self) -> Array:
        """Coefficient of each monomial for each wave, shape (Q, N)."""
        cosine, sine = _series(self.error, self.order)[1:]
        table = np.zeros((len(self.powers), self.modes.shape[1]))
        for low, high, radius in zip(self.edges[:-1], self.edges[1:], self.radius, strict=True):
            k = 2 * np.pi * radius * self.modes[:3, low:high]
            for row, (a, b, c) in zip(table, self.powers, strict=True):
                m = a + b + c
                ways = factorial(m) / (factorial(a) * factorial(b) * factorial(c))
                row[low:high] = (-sine[m] if m % 2 else cosine[m]) * ways * k[0] ** a * k[1] ** b * k[2] ** c
        return table

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
        _local_kernels.push(
            self.field.B0, self.modes, self.direct, self.edges, self.radius, self.table, self.powers,
            x, v, om, h, False, save, out_x, out_v,
        )  # fmt: skip
        return Paths(t, out_x, out_v, h)


def _series(error: float, order: int) -> tuple[float, Array, Array]:
    """Largest phase Θ for which polynomials of this order give cos and sin to `error`, and their coefficients."""
    from scipy.special import jv

    theta = 2.0 * (0.5 * error * factorial(order + 1)) ** (1 / (order + 1))
    while 2 * jv(order + 1, theta) > error:
        theta *= 0.99
    chebyshev = np.polynomial.chebyshev.Chebyshev
    power = np.polynomial.Polynomial
    found = []
    for function in (np.cos, np.sin):
        node = np.cos(np.pi * (np.arange(31) + 0.5) / 31)
        series = chebyshev.fit(node, function(theta * node), 30, domain=[-1, 1]).truncate(order + 1)
        coefficients = np.zeros(order + 1)
        values = series.convert(kind=power).coef
        coefficients[: values.size] = values
        # In θ itself, so that waves of a level that are longer than its shortest use the same polynomial.
        found.append(coefficients / theta ** np.arange(order + 1))
    return theta, found[0], found[1]


def expand(field: WaveField, *, step: float, error: float = 1e-6, order: int = 5, ratio: float = 4.0) -> Expansion:
    """Divide the waves of a field into those summed at every step and levels of slow ones.

    A level holds wavenumbers within a factor `ratio`. Its polynomial is right to `error` in a ball of radius Θ/k around
    the reference point, k being its largest wavenumber; Θ follows from error ≈ 2 (Θ/2)^(p + 1)/(p + 1)!, the first
    Chebyshev term left out. Levels for which a refreshment would cost more than it saves are summed.

    Parameters
    ----------
    field : WaveField
    step : float
        Path length of the steps to come.
    error : float
        Error of each wave relative to its amplitude, hence at most that of the field relative to its rms.
    order : int
        Of the polynomials, from 1 to 8.
    ratio : float
        Above 1.

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
    [904, 0]
    """
    step = take_number("step", step, positive=True)
    error = take_number("error", error, positive=True)
    ratio = take_number("ratio", ratio)
    if take_count("order", order) > 8 or not 1e-7 <= error < 0.1 or ratio <= 1:
        raise ValueError(
            f"order must be at most 8, error from 1e-7 to 0.1 and ratio above 1, got {order}, {error:g} and {ratio:g}"
        )
    k = 2 * np.pi * np.linalg.norm(field.wavevectors, axis=1)
    sorting = np.argsort(-k, kind="stable")
    k = k[sorting]
    modes = np.vstack([field.wavevectors.T, field.phases, field.amplitudes.T])[:, sorting]
    theta = _series(error, order)[0]
    cost = WORTH * (order + 1) * (order + 2) * (order + 3) / 336
    edges: list[int] = []
    radius: list[float] = []
    start = 0
    while start < k.size:
        stop = int(np.searchsorted(-k, -k[start] / ratio, side="left"))
        stop = max(stop, start + 1)
        # A refreshment lasts for nearly the diameter of the ball, and longer where the particle gyrates inside it.
        if edges or cost * step / (1.8 * theta / k[start]) < 0.8:
            edges.append(start)
            radius.append(theta / k[start])
        start = stop
    direct = edges[0] if edges else k.size
    ends = np.array([*edges, k.size], dtype=np.int64)
    return Expansion(field, step, error, order, direct, np.ascontiguousarray(modes), ends, np.array(radius))
