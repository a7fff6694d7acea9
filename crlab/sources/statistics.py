r"""The flux from random sources as a random variable: its heavy tail, its stable law and its exact distribution.

Sources explode at random in an infinite uniform disc; source and observer are in the plane of the halo. The flux over
its mean, x, then depends on one number, N_src = π σ̇ z_max⁴/(2κ), the sources within z_max younger than z_max²/(2κ).
More than x times the mean comes from one source alone with a rate that falls as x^(-4/3): the mean of the sum is
finite, its variance is not.
Delays of escape shift the births of a Poisson process in time and change nothing at one energy. Derived in the chapter
"One Galaxy, many Galaxies"; after Mertsch (2011) and Genolini et al. (2017).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import gamma, lambertw, sici

from crlab.diffusion.green import theta
from crlab.units import Array, take

__all__ = [
    "FluxDistribution",
    "causal_slope",
    "exact_distribution",
    "sources_above",
    "stable_distribution",
    "stable_scale",
    "tail_coefficient",
]

_FLAT, _THICK = 4 / 3, 5 / 3
_POINTS = 2**18
_RANGE = 2e4  # scales of the stable law, far beyond any quantile that is asked for
_LOW, _HIGH = 1e-4, 1 - 1e-4


def tail_coefficient(dimension: int = 2) -> float:
    r"""Number of sources whose density is above g, N = C (rate/κ) g^(-α), for g so high that the halo's walls are far.

    In a thin disc α = 4/3 and C = 3/(32π), with the rate per area and time; in a layer thicker than the distances that
    matter α = 5/3, with the rate per volume and time.

    Parameters
    ----------
    dimension : int
        2 for the thin disc, 3 for the thick layer.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Another dimension.

    Examples
    --------
    >>> print(f"{tail_coefficient():.6f}")
    0.029842
    """
    _dimension(dimension)
    if dimension == 2:
        return 3 / (32 * np.pi)
    return float(4 * np.pi / 3 * 6**1.5 * gamma(2.5) / 2.5**2.5 / (4 * np.pi) ** 2.5)


def stable_scale(number: Any) -> Array:
    """Scale γ of the stable law of index 4/3 that the flux over its mean tends to, γ = 0.2735 N_src^(-1/4).

    From the tail: C = 2 c γ^α with c = sin(πα/2) Γ(α)/π (Nolan 2020).

    Parameters
    ----------
    number : array_like
        N_src.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A number ≤ 0.

    Examples
    --------
    >>> print(f"{stable_scale(2488):.4f}")
    0.0387
    """
    N = take("number", number, "", positive=True)
    c = np.sin(np.pi * _FLAT / 2) * gamma(_FLAT) / np.pi
    return np.asarray((_far_tail(N) / (2 * c)) ** (1 / _FLAT))


def _far_tail(N: Array) -> Array:
    """C of N(> x) = C x^(-4/3) in units of the mean flux."""
    return tail_coefficient() * 2**_FLAT * (2 * N / np.pi) ** (-1 / 3)


def sources_above(x: Any, number: float) -> Array:
    """Mean number of sources that alone give more than x times the mean flux, walls of the halo included.

    N = λ ∫ 4πs ln(x0(s)/x) ds over all s with x0 > x, where x0 = 2Θ/(4πsλ) is the share of a source at distance zero
    and λ = 2 N_src/π.

    Parameters
    ----------
    x : array_like
        Share of the mean flux.
    number : float
        N_src.

    Returns
    -------
    ndarray
        Of the shape of `x`.

    Raises
    ------
    ValueError
        A share or a number ≤ 0.

    Examples
    --------
    >>> print(f"{sources_above(0.01, 2488):.2f}")
    3.00
    """
    share = take("x", x, "", positive=True)
    rate = 2 * _number(number) / np.pi
    s, weight = _grid(1e-9, 30.0)
    head = 2 * theta(s) / (4 * np.pi * s * rate)
    excess = np.maximum(np.log(head) - np.log(share.reshape(-1, 1)), 0)
    return np.asarray((rate * (weight * 4 * np.pi * s * excess).sum(-1)).reshape(share.shape))


def causal_slope(reach: Any, *, dimension: int = 2) -> Array:
    """Local slope d ln N/d ln g of the number of sources above g when nothing is faster than light.

    A source above g lies within ρ² < 6κτ ln(τ_g/τ), where τ_g = g^(-2/3)/(4πκ), and within cτ. For τ_g far above κ/c²
    light is no limit and the slopes are -4/3 in a thin disc, -5/3 in a thick layer; far below they are -2 and -8/3.

    Parameters
    ----------
    reach : array_like
        τ_g c²/κ.
    dimension : int
        2 for the thin disc, 3 for the thick layer.

    Returns
    -------
    ndarray
        Of the shape of `reach`.

    Raises
    ------
    ValueError
        A reach ≤ 0, another dimension.

    Examples
    --------
    >>> print(causal_slope([1e6, 1e-6]).round(3))
    [-1.333 -2.   ]
    """
    _dimension(dimension)
    t = take("reach", reach, "", positive=True)
    node, weight = np.polynomial.legendre.leggauss(100)
    node, weight = (node + 1) / 2, weight / 2
    meet = lambertw(t.reshape(-1, 1) / 6).real  # τ = τ_g e^-y; the two borders cross where y e^y = τ_g/6
    y = meet * node**2  # the border of the pulse, to later times
    free = 6 * np.exp(-y) * y
    volume = np.exp(-y) * free ** (dimension / 2) * 2 * meet * node
    growth = np.exp(-y) * free ** (dimension / 2 - 1) * (dimension / 2) * 6 * np.exp(-y) * 2 * meet * node
    # Only this border moves with τ_g. The rest is the cone of light, ∫ τ^d dτ up to the crossing.
    cone = t ** (dimension / 2) * np.exp(-meet[:, 0]) ** (dimension + 1) / (dimension + 1)
    slope = -2 / 3 * growth @ weight / (volume @ weight + cone.reshape(-1))
    return np.asarray(slope.reshape(t.shape))


@dataclass(frozen=True)
class FluxDistribution:
    """Distribution of the flux over its mean; made by `exact_distribution` or `stable_distribution`.

    Parameters
    ----------
    x : array, shape (n,)
        Flux over its mean.
    probability : array, shape (n,)
        Probability of less than x, right to about 1e-5; growing.
    """

    x: Array
    probability: Array

    def cdf(self, x: Any) -> Array:
        """Probability of a flux below x times the mean.

        Parameters
        ----------
        x : array_like
            Inside the range of `x`.

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError
            Above the range that was computed.

        Examples
        --------
        >>> print(f"{exact_distribution(2488).cdf(1):.3f}")
        0.750
        """
        value = take("x", x, "")
        if np.any(value > self.x[-1]):
            raise ValueError(f"x must be at most {self.x[-1]:g}, got {value.max():g}")
        return np.asarray(np.where(value < self.x[0], 0.0, PchipInterpolator(self.x, self.probability)(value)))

    def quantile(self, probability: Any) -> Array:
        """Flux over its mean that is exceeded with probability 1 - p.

        Parameters
        ----------
        probability : array_like
            p, between 1e-4 and 1 - 1e-4.

        Returns
        -------
        ndarray

        Raises
        ------
        ValueError
            A probability out of range.

        Examples
        --------
        >>> print(exact_distribution(2457).quantile([0.025, 0.5, 0.975]).round(3))
        [0.862 0.947 1.338]
        """
        p = take("probability", probability, "")
        if np.any((p < _LOW) | (p > _HIGH)):
            raise ValueError(f"probability must be between {_LOW:g} and {_HIGH:g}, got {probability!r}")
        return np.asarray(PchipInterpolator(self.probability, self.x)(p))


def exact_distribution(number: float) -> FluxDistribution:
    r"""Distribution of the flux from an infinite uniform disc, from its characteristic function.

    ln φ(k) = λ ∫ 4πs [E(y) - iy] ds for x - 1, with y = k x0(s), λ = 2 N_src/π, x0(s) = 2Θ/(4πsλ) and
    E(y) = ∫ (e^(it) - 1)/t dt from 0 to y = Ci(y) - γ_E - ln y + i Si(y), in which the distances are integrated.

    Parameters
    ----------
    number : float
        N_src, at least 1.

    Returns
    -------
    FluxDistribution

    Raises
    ------
    ValueError
        A number below 1.

    Examples
    --------
    >>> print(f"median {exact_distribution(1.55e5).quantile(0.5):.4f}")
    median 0.9812
    """
    N = _number(number)
    if N < 1:
        raise ValueError(f"number must be at least 1, got {number!r}")
    rate = 2 * N / np.pi
    s, weight = _grid(1e-12, 30.0)
    share, weight = 2 * theta(s) / (4 * np.pi * s * rate), weight * 4 * np.pi * s * rate
    scale = float(stable_scale(N))
    k = np.geomspace(1e-5 / scale, 60 / scale, 300)
    y = k[:, None] * share
    sine, cosine = sici(y)
    small = y < 1e-2  # where the differences below would cancel
    real = np.where(small, -(y**2) / 4 * (1 - y**2 / 24), cosine - np.euler_gamma - np.log(y))
    imaginary = np.where(small, -(y**3) / 18 * (1 - y**2 * (3 / 100)), sine - y)
    log_k = np.log(k)
    splines = [CubicSpline(log_k, np.log(-(part * weight).sum(1))) for part in (real, imaginary)]

    def log_phi(at: Array) -> Any:
        return -np.exp(splines[0](np.log(at))) - 1j * np.exp(splines[1](np.log(at)))

    return _invert(log_phi, scale)


def stable_distribution(number: float) -> FluxDistribution:
    """Limit of the distribution for many sources: the stable law of index 4/3, totally skewed, with mean 1.

    Parameters
    ----------
    number : float
        N_src.

    Returns
    -------
    FluxDistribution

    Raises
    ------
    ValueError
        A number ≤ 0.

    Notes
    -----
    S(4/3, 1, γ, 1; 1) of Nolan (2020), ln φ = -(γk)^α (1 - i tan(πα/2)) for x - 1. It gives small fluxes a probability,
    even negative ones, that the sum of sources cannot have.

    Examples
    --------
    >>> print(stable_distribution(2457).quantile([0.025, 0.5, 0.975]).round(3))
    [0.862 0.947 1.338]
    """
    scale = float(stable_scale(_number(number)))
    slant = np.tan(np.pi * _FLAT / 2)

    def log_phi(at: Array) -> Any:
        return -((scale * at) ** _FLAT) * (1 - 1j * slant)

    return _invert(log_phi, scale)


def _invert(log_phi: Any, scale: float) -> FluxDistribution:
    """Gil-Pelaez: F(x) = 1/2 - (1/π) ∫ Im[e^(-ikx) φ(k)] dk/k, with the midpoint rule and one FFT."""
    dk = 2 * np.pi / (_RANGE * scale)
    k = (np.arange(_POINTS) + 0.5) * dk
    felt = k * scale < 50
    term = np.zeros(_POINTS, dtype=complex)
    term[felt] = np.exp(log_phi(k[felt])) / k[felt]
    n = np.arange(_POINTS) - _POINTS // 2
    x = n * _RANGE * scale / _POINTS
    wave = np.fft.fftshift(np.fft.fft(term)) * np.exp(-0.5j * dk * x)
    F = 0.5 - dk / np.pi * wave.imag
    # The rule repeats F with the period of the range and the sign changed: cut far inside it, and where noise begins.
    inside = (x > -20 * scale) & (x < _RANGE * scale / 8)
    x, F = 1 + x[inside], F[inside]
    kept = np.r_[False, np.diff(np.maximum.accumulate(F)) > 0] & (F > 1e-7)
    return FluxDistribution(x[kept], F[kept])


def _grid(low: float, high: float) -> tuple[Array, Array]:
    """Gauss-Legendre nodes in ln s on panels of a quarter of a decade."""
    edges = np.linspace(np.log(low), np.log(high), 4 * int(np.ceil(np.log10(high / low))) + 1)
    node, weight = np.polynomial.legendre.leggauss(8)
    half = np.diff(edges)[:, None] / 2
    s = np.exp((edges[:-1, None] + half * (1 + node)).reshape(-1))
    return s, (half * weight).reshape(-1) * s


def _number(number: float) -> float:
    N = take("number", number, "", positive=True)
    if N.size != 1:
        raise ValueError(f"number must be one value, got shape {N.shape}")
    return float(N.reshape(()))


def _dimension(dimension: int) -> None:
    if dimension not in (2, 3):
        raise ValueError(f"dimension must be 2 or 3, got {dimension!r}")
