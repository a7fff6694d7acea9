"""A plane shock: its compression, the speeds on both sides, and what they say of the spectrum."""

from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray

from crlab.units import take

__all__ = ["compression_ratio", "energy_index", "momentum_index", "take_compression", "take_speed"]

Array = NDArray[np.float64]


def take_compression(value: Any, limit: float = 4.0) -> Array:
    """Check a compression ratio at the border.

    Parameters
    ----------
    value : array_like
        r = u1/u2.
    limit : float
        Largest r that is allowed: 4 for a strong shock in a monatomic gas, 7 in a gas of relativistic particles.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        r ≤ 1, which is no shock, or r above `limit`.

    Examples
    --------
    >>> take_compression(7.0, limit=7)
    array(7.)
    """
    r = take("compression", value, u.dimensionless_unscaled)
    if np.any(r <= 1):
        raise ValueError(f"compression must be above 1, got {r.min():g}")
    if np.any(r > limit):
        raise ValueError(f"compression must be at most {limit:g}, got {r.max():g}; give limit= to allow more")
    return r


def take_speed(name: str, value: Any) -> Array:
    """Check a speed at the border and return it in units of c.

    Parameters
    ----------
    name : str
    value : Quantity
        In units like km/s.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        Not positive, or not below the speed of light.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{take_speed('u1', 1e4 * u.km / u.s):.5f}")
    0.03336
    """
    speed = take(name, value, u.km / u.s, positive=True) / const.c.to_value(u.km / u.s)
    if np.any(speed >= 1):
        raise ValueError(f"{name} must be below the speed of light, got {speed.max():.6g} c")
    return np.asarray(speed)


def compression_ratio(mach: Any, *, adiabatic_index: float = 5 / 3) -> Array:
    """Compression of a shock in gas, r = (γ + 1) M² / ((γ - 1) M² + 2).

    Parameters
    ----------
    mach : array_like
        Mach number M > 1, any shape.
    adiabatic_index : float
        γ > 1.

    Returns
    -------
    ndarray
        Of the shape of `mach`.

    Raises
    ------
    ValueError
        M ≤ 1 or γ ≤ 1.

    Notes
    -----
    Rankine & Hugoniot; plane, steady, without magnetic field, cosmic rays or radiation.

    Examples
    --------
    >>> print(f"{compression_ratio(10):.3f}")
    3.883
    """
    m2 = take("mach", mach, u.dimensionless_unscaled) ** 2
    gamma = float(take("adiabatic_index", adiabatic_index, u.dimensionless_unscaled))
    if np.any(m2 <= 1):
        raise ValueError(f"mach must be above 1, got {np.sqrt(m2.min()):g}")
    if gamma <= 1:
        raise ValueError(f"adiabatic_index must be above 1, got {gamma:g}")
    return np.asarray((gamma + 1) * m2 / ((gamma - 1) * m2 + 2))


def momentum_index(compression: Any, *, limit: float = 4.0) -> Array:
    """Index q = 3r/(r - 1) of the density in phase space, f ∝ p^-q, of test particles at a slow shock.

    Parameters
    ----------
    compression : array_like
        r, any shape.
    limit : float
        As in `take_compression`.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        As `take_compression`.

    Notes
    -----
    Krymskii 1977; Axford, Leer & Skadron 1977; Bell 1978; Blandford & Ostriker 1978. Steady state, u1 ≪ v, and a
    shock much thinner than κ/u.

    Examples
    --------
    >>> print(f"{momentum_index(4):.1f}")
    4.0
    """
    r = take_compression(compression, limit)
    return np.asarray(3 * r / (r - 1))


def energy_index(compression: Any, *, limit: float = 4.0) -> Array:
    """Index s = q - 2 = (r + 2)/(r - 1) of the number of particles per energy, dN/dE ∝ E^-s, where E = pc.

    Parameters
    ----------
    compression : array_like
        r, any shape.
    limit : float
        As in `take_compression`.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        As `take_compression`.

    Notes
    -----
    As `momentum_index`.

    Examples
    --------
    >>> print(f"{energy_index(3):.2f}")
    2.50
    """
    return momentum_index(compression, limit=limit) - 2
