r"""CREDIT: one source whose particles leave from the highest energy downwards, and the feature that it writes.

∂G/∂t - κ∇²G = δ³(r - r_i) δ(t - t_i - t_esc(E)) Q(E): each energy is a burst of its own. A source of age T gives

    ψ_i(E) = Q(E) G(ρ, κ(E) [T - t_esc(E)]),   0 while t_esc(E) > T.

All is given over the smooth mean ψ̄(E) = σ̇ Q z_max/2κ of a disc with σ̇ explosions per area and time, and Q drops out:
x_i = 2κG/(σ̇ z_max). Source and observer are in the plane; energies are those of protons with E ≈ R. Derived in the
chapter "CREDIT".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from scipy.optimize import brentq, minimize_scalar
from scipy.special import lambertw

from crlab.diffusion.green import green
from crlab.galaxy import Halo, one_halo
from crlab.sources import release
from crlab.sources.release import Burst, EscapeLaw, Release
from crlab.units import Array, take

__all__ = [
    "RATE",
    "Feature",
    "feature",
    "feature_rate",
    "pulse_height",
    "pulse_limits",
    "pulse_time",
    "single_source",
    "source_count",
    "threshold",
]

RATE = 0.02 / u.yr / (np.pi * (15.5 * u.kpc) ** 2)
"""Explosions per area and time near the Sun: one in 50 years in a uniform disc of 15.5 kpc radius."""

_RATE = 1 / (u.kpc**2 * u.Myr)
_PULSE = (3 / (2 * np.pi * np.e)) ** 1.5
_LOWEST, _KNEE = 10.0, 3e6  # GeV, between which this book looks for features if particles of all energies leave
_BURST, _CREDIT = Burst(), EscapeLaw()


def pulse_height(distance: u.Quantity) -> u.Quantity:
    """Highest density that a burst of one particle makes at a distance, G = (3/2πe)^(3/2) ρ^-3, whatever κ is.

    Parameters
    ----------
    distance : Quantity
        ρ, any shape, well below the halo's half-height.

    Returns
    -------
    Quantity
        In 1/kpc3.

    Raises
    ------
    ValueError
        A distance ≤ 0.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{pulse_height(1 * u.kpc):.7f}")
    0.0736157 1 / kpc3
    """
    rho = take("distance", distance, u.kpc, positive=True)
    return _PULSE * rho**-3 / u.kpc**3


def pulse_time(distance: u.Quantity, energy: u.Quantity, *, halo: Halo | None = None) -> u.Quantity:
    """Time after a burst at which its density is highest, τ* = ρ²/6κ.

    Parameters
    ----------
    distance : Quantity
        ρ, well below the halo's half-height.
    energy : Quantity
        E; broadcast.
    halo : Halo, optional
        By default `Halo()`.

    Returns
    -------
    Quantity
        In yr.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{pulse_time(0.3 * u.kpc, 30 * u.TeV):.0f}")
    742 yr
    """
    rho = take("distance", distance, u.kpc, positive=True)
    return rho**2 / (6 * _kappa("energy", energy, halo)) * 1e6 * u.yr


def pulse_limits() -> tuple[float, float]:
    """Times of half height before and after the peak of the pulse, over the time of the peak.

    With w = τ*/τ the density is (w e^(1-w))^(3/2) of its maximum, and Lambert's function solves for w.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> first, last = pulse_limits()
    >>> print(f"{first:.4f} to {last:.4f}")
    0.4365 to 3.1373
    """
    level = -np.exp(-1 - 2 / 3 * np.log(2))
    early, late = (float(np.real(-1 / lambertw(level, branch))) for branch in (-1, 0))
    return early, late


def source_count(energy: u.Quantity, *, halo: Halo | None = None, rate: u.Quantity = RATE) -> Array:
    """Sources that count, N = π σ̇ h² t_esc: younger than h²/2κ and nearer than h.

    Parameters
    ----------
    energy : Quantity
        E, any shape.
    halo : Halo, optional
        By default `Halo()`.
    rate : Quantity
        σ̇, explosions per area and time.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{source_count(10 * u.TeV):.0f}")
    2488
    """
    halo = one_halo(halo)
    h = float(u.Quantity(halo.height).to_value(u.kpc))
    return np.asarray(np.pi * _one_rate(rate) * h**4 / (2 * _kappa("energy", energy, halo)))


def threshold(age: u.Quantity, scenario: Release) -> u.Quantity:
    """Energy E_c below which nothing has left a source of this age.

    Parameters
    ----------
    age : Quantity
        T since the explosion, any shape.
    scenario : Release
        When particles leave.

    Returns
    -------
    Quantity
        In GeV: where t_esc(E) = T, infinite before the first escape; 0 once the lowest, 1 MeV, have left.

    Raises
    ------
    ValueError
        An age ≤ 0, no scenario.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.sources.release import EscapeLaw
    >>> print(f"{threshold(20 * u.kyr, EscapeLaw()).to(u.TeV):.2f}")
    29.57 TeV
    """
    return release.threshold(release.one(scenario), take("age", age, u.Myr, positive=True)) * u.GeV


def single_source(
    energy: u.Quantity,
    *,
    distance: u.Quantity,
    age: u.Quantity,
    scenario: Release = _BURST,
    halo: Halo | None = None,
    rate: u.Quantity = RATE,
) -> Array:
    """Spectrum of one source over the smooth mean, x_i = 2κG/(σ̇ z_max).

    Parameters
    ----------
    energy : Quantity
        E, any shape; all arguments broadcast.
    distance : Quantity
        ρ from the Sun, in the plane.
    age : Quantity
        T since the explosion.
    scenario : Release
        When particles leave, and how they spread; by default a burst.
    halo : Halo, optional
        By default `Halo()`.
    rate : Quantity
        σ̇ of the disc that makes the mean, explosions per area and time.

    Returns
    -------
    ndarray
        0 where nothing has left, and at energies that are never released.

    Raises
    ------
    ValueError
        An energy, distance or age ≤ 0, no scenario.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Particles are not kept from being faster than light: right for ρ above 6κ/c, 0.2 kpc at 10 TeV. The scenario is that
    of Stall, Loo & Mertsch (2025); the parameters are this book's.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.sources.release import EscapeLaw
    >>> x = single_source([10, 30] * u.TeV, distance=0.3 * u.kpc, age=20 * u.kyr, scenario=EscapeLaw())
    >>> print(f"{x[0]:.3f}, {x[1]:.3f}")
    0.000, 0.254
    """
    halo, law = one_halo(halo), release.one(scenario)
    E = take("energy", energy, u.GeV, positive=True)
    kappa = _kappa("energy", energy, halo)
    rho = take("distance", distance, u.kpc, positive=True)
    since = take("age", age, u.Myr, positive=True) - release.times(law, E)
    wide = np.where(since > 0, release.areas(law, np.maximum(since, 0.0), E, halo), 0.0)
    height = u.Quantity(halo.height)
    G = green(rho * u.kpc, wide * u.kpc**2, height=height).value
    return np.asarray(2 * kappa * G / (_one_rate(rate) * height.to_value(u.kpc)))


@dataclass(frozen=True)
class Feature:
    """Where one source stands out most; made by `feature`.

    Parameters
    ----------
    energy : Quantity
        E of the maximum of x_i, GeV.
    amplitude : float
        x_i there.
    low, high : Quantity
        Energies of half maximum, GeV; an end of the range searched where x_i does not fall that far.
    """

    energy: u.Quantity
    amplitude: float
    low: u.Quantity
    high: u.Quantity

    @property
    def width(self) -> float:
        """Full width at half maximum in decades."""
        return float(np.log10((self.high / self.low).to_value("")))


def feature(
    *,
    distance: u.Quantity,
    age: u.Quantity,
    scenario: Release = _BURST,
    halo: Halo | None = None,
    rate: u.Quantity = RATE,
) -> Feature:
    """Find the maximum of one source's x_i(E) between 10 GeV and the highest energy that leaves it, and its width.

    Parameters
    ----------
    distance, age : Quantity
        Of one source, as in `single_source`.
    scenario, halo, rate
        As in `single_source`; a scenario that releases all energies, as a burst does, is searched up to 3 PeV.

    Returns
    -------
    Feature

    Raises
    ------
    ValueError
        As `single_source`; more than one source; a source from which nothing has arrived.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.sources.release import EscapeLaw
    >>> found = feature(distance=0.3 * u.kpc, age=20 * u.kyr, scenario=EscapeLaw())
    >>> print(f"{found.energy.to(u.TeV):.2f}: {found.amplitude:.3f}, {found.width:.3f} dex wide")
    30.82 TeV: 0.845, 0.050 dex wide
    """
    for name, value, unit in (("distance", distance, u.kpc), ("age", age, u.yr)):
        if take(name, value, unit, positive=True).size != 1:
            raise ValueError(f"{name} must be one value, got shape {np.shape(value)}")
    marks = release.course(release.one(scenario))
    floor = float(threshold(age, scenario).to_value(u.GeV))
    top = marks.highest if np.isfinite(marks.highest) else _KNEE
    if floor >= top:
        raise ValueError(f"age must be past the first escape at {marks.first * 1e6:.4g} yr, got {age}")

    def x(log_energy: Any) -> Any:
        E = np.exp(log_energy) * u.GeV
        return single_source(E, distance=distance, age=age, scenario=scenario, halo=halo, rate=rate)

    start = np.log(max(floor, _LOWEST))
    reach = np.log(top) - start
    grid = start + np.unique(np.r_[np.geomspace(1e-6, reach, 3000), np.linspace(1e-6, reach, 8000)])
    values = x(grid)
    i = int(np.argmax(values))
    if values[i] == 0:
        raise ValueError(f"age must be such that particles have arrived, got {age} at {distance}")
    left, right = grid[max(i - 1, 0)], grid[min(i + 1, grid.size - 1)]
    best = float(minimize_scalar(lambda v: -float(x(v)), bounds=(left, right), method="bounded").x)
    half = float(x(best)) / 2
    low, high = (np.exp(_crossing(x, half, best, side)) for side in (grid[grid < best][::-1], grid[grid > best]))
    return Feature(energy=np.exp(best) * u.GeV, amplitude=2 * half, low=low * u.GeV, high=high * u.GeV)


def _crossing(x: Any, level: float, start: float, away: Array) -> float:
    """Where x, above the level at the start, first falls to it among points that lead away; the last if nowhere."""
    below = np.flatnonzero(x(away) < level)
    if not below.size:
        return float(away[-1]) if away.size else start
    i = below[0]
    return float(brentq(lambda v: float(x(v)) - level, *sorted((away[i], away[i - 1] if i else start))))


def feature_rate(
    energy: u.Quantity,
    amplitude: Any,
    *,
    scenario: Release = _CREDIT,
    halo: Halo | None = None,
    rate: u.Quantity = RATE,
) -> Array:
    """Mean number of features higher than an amplitude per e-fold of energy.

    A source of age t_esc(E) peaks at E with x = 2κ G_max(ρ)/(σ̇h), so that those with x > A lie within
    ρ³ = 0.1472 κ/(σ̇hA), and dN/dlnE = πρ² σ̇ abs(dt_esc/dlnE), which is πρ² σ̇ t_esc/a for `EscapeLaw`.

    Parameters
    ----------
    energy : Quantity
        E that leaves before or after its neighbours, any shape; not below the floor of an `EscapeLaw`.
    amplitude : array_like
        A > 0, over the mean; broadcast.
    scenario : Release
        By default `EscapeLaw()`; a burst has no features. Slow diffusion after the release changes nothing.
    halo : Halo, optional
        By default `Halo()`.
    rate : Quantity
        σ̇.

    Returns
    -------
    ndarray
        dN/dlnE.

    Raises
    ------
    ValueError
        A value that is not positive, no scenario, an energy that is never released or leaves with all about it.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    For features narrow in energy, τ* well below T: to some per cent for A above 1 %.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{feature_rate(10 * u.TeV, 0.1):.2f}")
    0.97
    """
    law, halo = release.one(scenario), one_halo(halo)
    E = take("energy", energy, u.GeV, positive=True)
    later = _time_per_e_fold(law, E)
    A = take("amplitude", amplitude, "", positive=True)
    h = u.Quantity(halo.height).to_value(u.kpc)
    sigma = _one_rate(rate)
    rho = (2 * _PULSE * _kappa("energy", energy, halo) / (sigma * h * A)) ** (1 / 3)
    return np.asarray(np.pi * rho**2 * sigma * later)


def _time_per_e_fold(law: Release, E: Array) -> Array:
    """abs(dt_esc/dlnE) in Myr; at a bend that of the steeper side."""
    step = 1e-4
    t = release.times(law, E * np.exp(step * np.arange(-2, 3)).reshape(-1, *(1,) * E.ndim))
    if np.any(~np.isfinite(t[2])):
        raise ValueError(f"energy must be one that the scenario releases, got {E[~np.isfinite(t[2])].flat[0]:g} GeV")
    with np.errstate(invalid="ignore"):
        sides = np.abs([3 * t[2] - 4 * t[i] + t[j] for i, j in ((1, 0), (3, 4))]) / (2 * step)
    found = np.where(np.isfinite(sides), sides, 0.0).max(axis=0)
    burst = found <= 1e-9 * t[2]
    if np.any(burst):
        raise ValueError(
            f"energy must leave before or after its neighbours, got {E[burst].flat[0]:g} GeV, which leaves with all "
            "about it and so has no line"
        )
    return np.asarray(found)


def _kappa(name: str, energy: u.Quantity, halo: Halo | None) -> Array:
    """κ(E) of protons, kpc2/Myr."""
    E = take(name, energy, u.GeV, positive=True)
    return np.asarray(one_halo(halo).kappa(E * u.GV).value)


def _one_rate(rate: u.Quantity) -> float:
    sigma = take("rate", rate, _RATE, positive=True)
    if sigma.size != 1:
        raise ValueError(f"rate must be one value, got shape {sigma.shape}")
    return float(sigma.reshape(()))
