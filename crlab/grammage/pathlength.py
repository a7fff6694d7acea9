r"""Path-length distributions: how much gas the individual cosmic rays of one energy have crossed.

A slab sends every nucleus through the same grammage. In the Galaxy each has its own, with probability
density G(X), and what arrives is the average N = ∫ G(X) exp(M X) N(0) dX, the weighted slab
(Davis 1960). Escape at a constant rate per grammage makes G exponential: the leaky box.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray
from scipy.integrate import quad_vec
from scipy.linalg import expm

from crlab.grammage.chain import Network, propagate
from crlab.units import take

__all__ = ["exponential_paths", "leaky_box", "weighted_slab"]

Array = NDArray[np.float64]

_GRAMMAGE = u.g / u.cm**2
_NONE = 0 * _GRAMMAGE


def exponential_paths(X: u.Quantity, *, mean: u.Quantity, shortest: u.Quantity = _NONE) -> u.Quantity:
    r"""Return the density of path lengths that escape at a constant rate gives.

    G(X) = exp(-(X - X_s) / X_esc) / X_esc for X ≥ X_s, else 0; derived in the chapter "From slab to
    diffusion".

    Parameters
    ----------
    X : Quantity
        Grammage, any shape, in units like g/cm2.
    mean : Quantity
        X_esc, scalar: the mean of the exponential part.
    shortest : Quantity
        X_s, scalar: what every particle crosses at least, such as the gas around its source.

    Returns
    -------
    Quantity
        Of the shape of X, in cm2/g; its integral is 1.

    Raises
    ------
    ValueError
        A negative X or X_s, X_esc ≤ 0, NaN, or an empty array.
    UnitConversionError
        A bare number or no grammage.

    Examples
    --------
    >>> from astropy import units as u
    >>> gram = u.g / u.cm**2
    >>> print(exponential_paths([0, 5] * gram, mean=5 * gram).round(4))
    [0.2    0.0736] cm2 / g
    """
    grammage = take("X", X, _GRAMMAGE, non_negative=True)
    escape = _scalar("mean", mean, positive=True)
    start = _scalar("shortest", shortest, non_negative=True)
    density = np.exp(-np.maximum(grammage - start, 0) / escape) / escape
    return np.where(grammage >= start, density, 0.0) / _GRAMMAGE


def leaky_box(
    X_esc: u.Quantity,
    start: Mapping[str, float] | Any,
    chain: Network,
    *,
    shortest: u.Quantity = _NONE,
) -> Array:
    r"""Abundances behind exponential path lengths, N = (1 - X_esc M)⁻¹ exp(M X_s) N(0).

    The average of exp(M X) over `exponential_paths` is the resolvent of M, so no integral is left.
    Decay in flight is left out, as in `propagate`; `crlab.grammage.halo` has it.

    Parameters
    ----------
    X_esc : Quantity
        Mean grammage, any shape, in units like g/cm2; 0 returns what leaves the source.
    start : mapping of str to float, or array_like
        Abundances at X = 0, as in `propagate`.
    chain : Network
    shortest : Quantity
        X_s, scalar, crossed by every particle before the exponential part.

    Returns
    -------
    ndarray
        Shape ``X_esc.shape + (n,)``, in the units of `start`.

    Raises
    ------
    ValueError
        A negative grammage or abundance, an unknown species, a wrong shape.
    UnitConversionError
        A bare number or no grammage.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.grammage.chain import network
    >>> chain = network()
    >>> N = leaky_box(7 * u.g / u.cm**2, {"12C": 1.0}, chain)
    >>> print(round(float(chain.element("B", N)), 3))
    0.074
    """
    escape = take("X_esc", X_esc, _GRAMMAGE, non_negative=True)
    initial = propagate(_scalar("shortest", shortest, non_negative=True) * _GRAMMAGE, start, chain)
    matrix = chain.matrix.to_value(1 / _GRAMMAGE)
    return np.linalg.solve(np.eye(len(matrix)) - escape[..., None, None] * matrix, initial[:, None])[..., 0]


def weighted_slab(
    density: Callable[[u.Quantity], u.Quantity],
    start: Mapping[str, float] | Any,
    chain: Network,
    *,
    breaks: Sequence[u.Quantity] = (),
) -> Array:
    r"""Abundances behind any distribution of path lengths, N = ∫ G(X) exp(M X) N(0) dX, by quadrature.

    Parameters
    ----------
    density : callable
        G: takes a scalar grammage in g/cm2, returns a scalar in units like cm2/g.
    start : mapping of str to float, or array_like
        Abundances at X = 0, as in `propagate`.
    chain : Network
    breaks : sequence of Quantity
        Where G jumps or has a kink.

    Returns
    -------
    ndarray
        Shape (n,), in the units of `start`, to a relative accuracy of 1e-8 of the largest abundance.

    Raises
    ------
    ValueError
        A negative density or abundance, an unknown species, an integral that does not converge.
    UnitConversionError
        A density that is no inverse grammage.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.grammage.chain import network
    >>> box = lambda X: (X < 10 * u.g / u.cm**2) * 0.1 * u.cm**2 / u.g
    >>> chain = network()
    >>> N = weighted_slab(box, {"12C": 1.0}, chain, breaks=[10 * u.g / u.cm**2])
    >>> print(round(float(chain.element("B", N)), 3))
    0.084
    """
    initial = chain.vector(start)
    matrix = chain.matrix.to_value(1 / _GRAMMAGE)

    def integrand(X: float) -> Array:
        weight = take("density(X)", density(X * _GRAMMAGE), 1 / _GRAMMAGE, non_negative=True)
        return weight * (expm(X * matrix) @ initial)

    points = [_scalar("breaks", value, positive=True) for value in breaks]
    result, error = quad_vec(integrand, 0, np.inf, epsabs=0, epsrel=1e-9, norm="max", limit=200, points=points or None)
    if not error <= 1e-8 * np.max(result):
        raise ValueError(f"density must be smooth between its breaks and integrable, got an error of {error:.1g}")
    return result


def _scalar(name: str, value: Any, *, positive: bool = False, non_negative: bool = False) -> float:
    array = take(name, value, _GRAMMAGE, positive=positive, non_negative=non_negative)
    if array.ndim:
        raise ValueError(f"{name} must be a single value, got shape {array.shape}")
    return float(array)
