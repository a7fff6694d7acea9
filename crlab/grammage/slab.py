r"""The slab model: one primary, one secondary, a grammage, and what it says about the way cosmic rays travel.

With λ = m/σ the grammage of one interaction and BR the share of the primary's interactions that make the
secondary, dN₁/dX = -N₁/λ₁ and dN₂/dX = -N₂/λ₂ + BR N₁/λ₁. Derived in the chapter "Composition and grammage".
"""

from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray

from crlab.grammage.chain import Network
from crlab.units import take

__all__ = ["crossing_grammage", "grammage", "pair", "ratio", "residence_time"]

Array = NDArray[np.float64]

_GRAMMAGE = u.g / u.cm**2


def ratio(X: u.Quantity, *, lambda_1: u.Quantity, lambda_2: u.Quantity, branching: Any) -> Array:
    r"""Secondary over primary behind a slab, N₂/N₁ = (BR X/λ₁) (1 - e^{-z})/z with z = X (1/λ₂ - 1/λ₁).

    At λ₁ = λ₂ this is BR X/λ₁; no digits are lost on the way there.

    Parameters
    ----------
    X : Quantity
        Grammage, any shape, in units like g/cm2.
    lambda_1, lambda_2 : Quantity
        Interaction grammage of the primary and of the secondary; broadcast against X.
    branching : array_like
        BR, share of the primary's interactions that make the secondary, in (0, 1]; broadcast.

    Returns
    -------
    ndarray
        N₂/N₁ if there was no secondary at X = 0.

    Raises
    ------
    ValueError
        A negative grammage, a λ that is not positive, a share outside (0, 1].
    UnitConversionError
        A bare number where a grammage is meant.

    Examples
    --------
    >>> from astropy import units as u
    >>> gcm2 = u.g / u.cm**2
    >>> print(f"{ratio(7.2 * gcm2, lambda_1=6.7 * gcm2, lambda_2=10 * gcm2, branching=0.35):.3f}")
    0.451
    """
    x = take("X", X, _GRAMMAGE, non_negative=True)
    rate, difference = _rates(lambda_1, lambda_2, branching)
    z = x * difference
    return np.asarray(rate * x * _over(-np.expm1(-z), z))


def grammage(ratio: Any, *, lambda_1: u.Quantity, lambda_2: u.Quantity, branching: Any) -> u.Quantity:
    r"""Grammage that gives a measured N₂/N₁: the inverse of `ratio`.

    X = -(1/Δ) ln(1 - N₂/N₁ λ₁ Δ / BR) with Δ = 1/λ₂ - 1/λ₁. Where the secondary is destroyed faster
    than the primary (Δ > 0), the ratio never exceeds BR/(λ₁ Δ).

    Parameters
    ----------
    ratio : array_like
        N₂/N₁, any shape, at least 0.
    lambda_1, lambda_2, branching
        As in `ratio`.

    Returns
    -------
    Quantity
        In g/cm2.

    Raises
    ------
    ValueError
        A ratio that no grammage reaches, or bad input as in `ratio`.
    UnitConversionError
        A bare number where a grammage is meant.

    Examples
    --------
    >>> from astropy import units as u
    >>> gcm2 = u.g / u.cm**2
    >>> print(f"{grammage(0.3, lambda_1=6.7 * gcm2, lambda_2=10 * gcm2, branching=0.35):.2f}")
    5.06 g / cm2
    """
    r = take("ratio", ratio, u.dimensionless_unscaled, non_negative=True)
    rate, difference = _rates(lambda_1, lambda_2, branching)
    r, rate, difference = np.broadcast_arrays(r, rate, difference)
    w = r / rate * difference
    if np.any(w >= 1):
        bad = w >= 1
        raise ValueError(
            f"ratio must stay below BR/(λ1 Δ) = {(rate / difference)[bad].flat[0]:g}, which an infinite "
            f"grammage gives, got {r[bad].flat[0]:g}"
        )
    return r / rate * _over(-np.log1p(-w), w) * _GRAMMAGE


def _rates(lambda_1: Any, lambda_2: Any, branching: Any) -> tuple[Array, Array]:
    """BR/λ₁ and 1/λ₂ - 1/λ₁ in cm2/g."""
    first = take("lambda_1", lambda_1, _GRAMMAGE, positive=True)
    second = take("lambda_2", lambda_2, _GRAMMAGE, positive=True)
    share = take("branching", branching, u.dimensionless_unscaled, positive=True)
    if np.any(share > 1):
        raise ValueError(f"branching must be at most 1, got {share.max():g}")
    return share / first, (first - second) / (first * second)


def _over(numerator: Array, z: Array) -> Array:
    """The quotient of a function f(z) ≈ z by z, which is 1 at z = 0."""
    zero = z == 0
    return np.where(zero, 1.0, numerator / np.where(zero, 1.0, z))


def pair(chain: Network, primary: str, element: str) -> dict[str, Any]:
    """Cut a network down to the slab model's two species.

    Parameters
    ----------
    chain : Network
    primary : str
        The nucleus that fragments, like ``"12C"``.
    element : str
        The secondary, like ``"B"``: all isotopes that the primary makes. Their loss is averaged with the rates
        of their production, and what they make of each other is counted as lost.

    Returns
    -------
    dict
        ``lambda_1`` and ``lambda_2`` (quantities in g/cm2) and ``branching``: the arguments of `ratio` and
        `grammage`.

    Raises
    ------
    ValueError
        A species or element that the network lacks, or an element that the primary does not make.

    Examples
    --------
    >>> from crlab.grammage.chain import network
    >>> inputs = pair(network(), "12C", "B")
    >>> print(f"{inputs['lambda_1']:.2f}, {inputs['lambda_2']:.2f}, {inputs['branching']:.3f}")
    7.84 g / cm2, 8.41 g / cm2, 0.273
    """
    i = chain.index(primary)
    made = chain.production[:, i].to_value(_GRAMMAGE**-1)
    total = chain.total.to_value(_GRAMMAGE**-1)
    rate = float(chain.element(element, made))
    if rate == 0:
        raise ValueError(f"element must be one that {primary} makes, got {element!r}")
    loss = float(chain.element(element, made * total)) / rate
    return {
        "lambda_1": _GRAMMAGE / total[i],
        "lambda_2": _GRAMMAGE / loss,
        "branching": float(rate / total[i]),
    }


def crossing_grammage(density: u.Quantity, height: u.Quantity, *, mass: u.Quantity) -> u.Quantity:
    """Grammage of one straight passage through a gas layer, ΔX = h m n.

    Parameters
    ----------
    density : Quantity
        n, atoms per volume.
    height : Quantity
        h, thickness of the layer.
    mass : Quantity
        m, gas mass for each atom that `density` counts. For hydrogen counted and helium carried along, see
        `crlab.grammage.chain.gas_mass`.

    Returns
    -------
    Quantity
        In g/cm2, of the inputs' broadcast shape.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{crossing_grammage(1 / u.cm**3, 100 * u.pc, mass=1.7e-24 * u.g):.1e}")
    5.2e-04 g / cm2
    """
    n = take("density", density, u.cm**-3, positive=True)
    h = take("height", height, u.cm, positive=True)
    m = take("mass", mass, u.g, positive=True)
    return n * h * m * _GRAMMAGE


def residence_time(X: u.Quantity, *, density: u.Quantity, mass: u.Quantity, beta: Any = 1.0) -> u.Quantity:
    """Time that a particle spends in gas to gather a grammage, t = X / (β c n m).

    Parameters
    ----------
    X : Quantity
        Grammage, in units like g/cm2.
    density, mass : Quantity
        As in `crossing_grammage`; the gas density is their product.
    beta : array_like
        Speed over c, in (0, 1].

    Returns
    -------
    Quantity
        In Myr, of the inputs' broadcast shape.

    Raises
    ------
    ValueError
        A negative grammage, another value that is not positive, a speed above c.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> t = residence_time(7.2 * u.g / u.cm**2, density=1 / u.cm**3, mass=1.7e-24 * u.g)
    >>> print(f"{t:.1f}")
    4.5 Myr
    """
    x = take("X", X, _GRAMMAGE, non_negative=True)
    n = take("density", density, u.cm**-3, positive=True)
    m = take("mass", mass, u.g, positive=True)
    speed = take("beta", beta, u.dimensionless_unscaled, positive=True)
    if np.any(speed > 1):
        raise ValueError(f"beta must be at most 1, got {speed.max():g}")
    return (x / (n * m * speed) * u.cm / const.c).to(u.Myr)
