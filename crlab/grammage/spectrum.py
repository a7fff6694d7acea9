"""The all-particle spectrum: its features, integral rates, energy density and the power behind it.

Derived in the chapter "The cosmic-ray spectrum". Intensities are per area, time, solid angle and energy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from astropy import constants as const
from astropy import units as u
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.optimize import least_squares

from crlab.units import Array, kinematics, take

__all__ = [
    "ALL_PARTICLE",
    "BreakFit",
    "Shift",
    "SplineFit",
    "broken_power_law",
    "energy_density",
    "fit_breaks",
    "global_spline_fit",
    "integral_intensity",
    "per_kinetic_energy",
    "source_power",
]

ALL_PARTICLE = (
    "nucleon-all-2019",
    "hawc-all-2022",
    "lhaaso-all-2024",
    "tale-all-2018",
    "auger-all-2021",
)
"""The tables of `crlab.data` that count particles of every kind, from low to high energy."""

_J = 1 / (u.GeV * u.m**2 * u.s * u.sr)
_SYSTEMATICS = ("scale", "independent", "none")


def broken_power_law(
    energy: u.Quantity,
    *,
    intensity: u.Quantity,
    pivot: u.Quantity,
    indices: Sequence[float],
    breaks: u.Quantity,
    widths: Any = 0.1,
) -> u.Quantity:
    r"""Power law with smooth breaks.

    J(E) = J₀ (E/E₀)^-γ₁ ∏ᵢ [(1 + (E/Eᵢ)^(1/wᵢ)) / (1 + (E₀/Eᵢ)^(1/wᵢ))]^-(γᵢ₊₁-γᵢ)wᵢ, so that J(E₀) = J₀ and the
    slope changes from -γᵢ to -γᵢ₊₁ within about wᵢ in ln E around Eᵢ.

    Parameters
    ----------
    energy : Quantity
        E, positive, any shape.
    intensity : Quantity
        J₀ at the pivot, like 1 / (GeV m2 s sr).
    pivot : Quantity
        E₀.
    indices : sequence of float, shape (n + 1,)
        γ₁ … γₙ₊₁, positive for a falling spectrum.
    breaks : Quantity, shape (n,)
        E₁ … Eₙ, increasing.
    widths : float or sequence of float, shape (n,)
        wᵢ, positive; the sharpness that other authors quote is 1/wᵢ.

    Returns
    -------
    Quantity
        Shape of `energy`, 1 / (GeV m2 s sr).

    Raises
    ------
    ValueError
        Shapes that do not fit together, breaks that do not increase, values that are not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    The form that the Pierre Auger Collaboration (Abreu et al. 2021) uses, with any number of breaks.

    Examples
    --------
    >>> from astropy import units as u
    >>> knee = dict(intensity=1.1e-12 / (u.GeV * u.m**2 * u.s * u.sr), pivot=1.4 * u.PeV,
    ...             indices=[2.7, 3.1], breaks=[3.7] * u.PeV)
    >>> print(f"{broken_power_law(10 * u.PeV, **knee).value:.2e}")
    3.66e-15
    """
    gamma, ln_breaks, w = _shape(indices, breaks, widths)
    ln_energy = np.log(take("energy", energy, u.GeV, positive=True))
    ln_pivot = np.log(take("pivot", pivot, u.GeV, positive=True))
    height = np.log(take("intensity", intensity, _J, positive=True))
    curve = _ln_shape(ln_energy, gamma, ln_breaks, w) - _ln_shape(ln_pivot, gamma, ln_breaks, w)
    return np.exp(height + curve) * _J


def _shape(indices: Sequence[float], breaks: u.Quantity, widths: Any) -> tuple[Array, Array, Array]:
    gamma = np.atleast_1d(take("indices", indices, ""))
    at = np.atleast_1d(take("breaks", breaks, u.GeV, positive=True))
    w = np.atleast_1d(take("widths", widths, "", positive=True))
    if w.size == 1:
        w = np.repeat(w, at.size)
    if gamma.ndim != 1 or gamma.size != at.size + 1 or w.shape != at.shape:
        raise ValueError(
            f"indices must be one more than breaks, and widths one or as many as breaks; got {gamma.size} "
            f"indices, {at.size} breaks and {w.size} widths"
        )
    if np.any(np.diff(at) <= 0):
        raise ValueError(f"breaks must increase, got {at} GeV")
    return gamma, np.log(at), w


def _ln_shape(ln_energy: Array, gamma: Array, ln_breaks: Array, w: Array) -> Array:
    """Logarithm of the broken power law without its normalisation."""
    steps = np.diff(gamma) * w * np.logaddexp(0, (ln_energy[..., None] - ln_breaks) / w)
    return -gamma[0] * ln_energy - steps.sum(axis=-1)


class Shift(NamedTuple):
    """An energy scale found by `fit_breaks`: ln(common energy / energy as published).

    `expected` is the spread that the table's systematic error allows.
    """

    value: float
    error: float
    expected: float


@dataclass(frozen=True)
class BreakFit:
    """A fitted broken power law; made by `fit_breaks`. Calling it gives the intensity at an energy.

    Errors are one sigma, from the curvature of χ² at its minimum, and not scaled by χ². `chi2` holds the
    points' and the energy scales' contributions, `dof` is the number of points less that of the free
    parameters (an energy scale brings its own datum, what it is expected to be). `energies` and `pulls` are those
    of the points used, by table: energies on the common scale, pulls = (ln J measured - ln J fitted) / error.
    """

    intensity: u.Quantity
    pivot: u.Quantity
    indices: Array
    indices_error: Array
    breaks: u.Quantity
    breaks_error: u.Quantity
    widths: Array
    scales: Mapping[str, Shift]
    chi2: float
    dof: int
    energies: Mapping[str, u.Quantity]
    pulls: Mapping[str, Array]

    def __call__(self, energy: u.Quantity) -> u.Quantity:
        """Intensity at an energy on the common scale, as from `broken_power_law`."""
        return broken_power_law(
            energy,
            intensity=self.intensity,
            pivot=self.pivot,
            indices=list(self.indices),
            breaks=self.breaks,
            widths=self.widths,
        )


class _Points(NamedTuple):
    """One table as the fit sees it."""

    name: str
    ln_x: Array
    ln_y: Array
    error: Array
    spread: float


def fit_breaks(
    tables: Sequence[QTable],
    *,
    indices: Sequence[float],
    breaks: u.Quantity,
    widths: Any = 0.1,
    systematic: str = "scale",
    floor: float = 0.02,
    above: u.Quantity = 0 * u.GeV,
) -> BreakFit:
    r"""Fit a broken power law to measured intensities by least squares in ln J.

    With ``systematic="scale"`` each table k has an energy scale fₖ, so that a common J(E) would be published as
    fₖ J(fₖ E); χ² = Σ (pulls)² + Σₖ (ln fₖ / σₖ)². The spread σₖ is that change of the scale which moves the
    intensity by the table's typical systematic error: σₖ = median(syst / J) / (γ - 1), with γ its mean index.

    Parameters
    ----------
    tables : sequence of QTable
        From `crlab.data.table`, with x an energy.
    indices, breaks, widths
        As in `broken_power_law`: where to start from. The widths stay as they are.
    systematic : {"scale", "independent", "none"}
        What the systematic errors do: they shift each table's energies as a whole; they are added in quadrature as
        if the points were independent; they are left out.
    floor : float
        Relative error added in quadrature to the statistical one of each point, for what is neither counting
        nor a common shift.
    above : Quantity
        Use only points at or above this energy (as published).

    Returns
    -------
    BreakFit

    Raises
    ------
    ValueError
        Too few points, points without an error, shapes that do not fit together, an unknown `systematic`.
    RuntimeError
        The minimum was not found, or the data do not fix all parameters: other starting values or fewer
        breaks are needed.
    UnitConversionError
        A table whose x is no energy, a bare number.

    Notes
    -----
    Energy scales as nuisance parameters: Dembinski et al. 2017. Errors are those of a linear fit, so they fail where
    two breaks run into each other.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab import data
    >>> knee = fit_breaks([data.table("lhaaso-all-2024")], indices=[2.7, 3.1], breaks=[3] * u.PeV,
    ...                   widths=0.25, floor=0.01)
    >>> print(f"{knee.breaks[0].to_value('PeV'):.1f} +- {knee.breaks_error[0].to_value('PeV'):.1f} PeV")
    3.4 +- 0.2 PeV
    """
    gamma, ln_breaks, w = _shape(indices, breaks, widths)
    if systematic not in _SYSTEMATICS:
        raise ValueError(f"systematic must be one of {', '.join(_SYSTEMATICS)}, got {systematic!r}")
    least = float(take("floor", floor, "", non_negative=True))
    from_energy = float(take("above", above, u.GeV, non_negative=True))
    points = [_points(table, systematic, least, from_energy) for table in tables]
    n, k = ln_breaks.size, len(points) if systematic == "scale" else 0
    count = sum(p.ln_x.size for p in points)
    dof = count - 2 - 2 * n
    if dof < 1:
        raise ValueError(f"{2 + 2 * n} parameters need more than {count} points")
    ln_pivot = np.asarray(np.concatenate([p.ln_x for p in points]).mean())
    spread = np.array([p.spread for p in points])

    def pulls(theta: Array) -> list[Array]:
        shifts = theta[2 + 2 * n :] if k else np.zeros(len(points))
        g, b = theta[1 : 2 + n], theta[2 + n : 2 + 2 * n]
        base = theta[0] - _ln_shape(ln_pivot, g, b, w)
        return [
            (p.ln_y - s - base - _ln_shape(p.ln_x + s, g, b, w)) / p.error for p, s in zip(points, shifts, strict=True)
        ]

    def residuals(theta: Array) -> Array:
        return np.concatenate([*pulls(theta), theta[2 + 2 * n :] / spread if k else []])

    start = np.concatenate([[0.0], gamma, ln_breaks, np.zeros(k)])
    error = np.concatenate([p.error for p in points])
    start[0] = np.average(np.concatenate(pulls(start)) * error, weights=error**-2)
    found = least_squares(residuals, start, x_scale="jac")
    theta, sigma = found.x, _sigma(found)
    at = np.exp(theta[2 + n : 2 + 2 * n]) * u.GeV
    if not found.success or np.any(np.diff(at) <= 0) or not np.all(np.isfinite(sigma)):
        raise RuntimeError("the data do not fix all breaks and indices from here: start elsewhere or with fewer breaks")
    shifts = [
        Shift(*map(float, values)) for values in zip(theta[2 + 2 * n :], sigma[2 + 2 * n :], spread, strict=k > 0)
    ]
    names = [p.name for p in points]
    return BreakFit(
        intensity=np.exp(theta[0]) * _J,
        pivot=np.exp(ln_pivot) * u.GeV,
        indices=theta[1 : 2 + n],
        indices_error=sigma[1 : 2 + n],
        breaks=at,
        breaks_error=at * sigma[2 + n : 2 + 2 * n],
        widths=w,
        scales=dict(zip(names, shifts, strict=k > 0)),
        chi2=float(2 * found.cost),
        dof=dof,
        energies={p.name: np.exp(p.ln_x + (shifts[i].value if k else 0)) * u.GeV for i, p in enumerate(points)},
        pulls=dict(zip(names, pulls(theta), strict=True)),
    )


def _points(table: QTable, systematic: str, floor: float, above: float) -> _Points:
    name = str(table.meta.get("name", "table"))
    x = take(f"x of {name}", table["x"], u.GeV, positive=True)
    y, stat, syst = (take(f"{c} of {name}", table[c], _J) for c in ("value", "stat", "syst"))
    use = x >= above
    if np.count_nonzero(use) < 2:
        raise ValueError(f"{name} must have at least two points above {above:g} GeV")
    ln_x, ln_y = np.log(x[use]), np.log(y[use])
    relative = (syst / y)[use]
    error = np.hypot((stat / y)[use], floor)
    if systematic == "independent":
        error = np.hypot(error, relative)
    gamma = -np.polyfit(ln_x, ln_y, 1)[0]
    spread = float(np.median(relative) / (gamma - 1))
    if np.any(error == 0) or (systematic == "scale" and not spread > 0):
        raise ValueError(f"{name} has points without an error: give a floor, or another systematic")
    return _Points(name, ln_x, ln_y, error, spread)


def _sigma(found: Any) -> Array:
    """One-sigma errors from the Jacobian, infinite where it does not fix a parameter."""
    length = np.linalg.norm(found.jac, axis=0)
    _, s, vt = np.linalg.svd(found.jac / np.where(length > 0, length, 1), full_matrices=False)
    if s[-1] < 1e-9 * s[0]:
        return np.full(found.x.size, np.inf)
    return np.sqrt(((vt.T / s) ** 2).sum(axis=1)) / length


def integral_intensity(
    energy: u.Quantity, intensity: u.Quantity, *, above: u.Quantity, tail: bool = True
) -> u.Quantity:
    """Intensity of all particles above an energy, J(>E) = ∫ J dE.

    Between the points the spectrum is a power law. A flat detector that sees one side of the sky counts π sr
    times this per area and time: cosθ averages to that, and the flux is isotropic.

    Parameters
    ----------
    energy : Quantity, shape (n,)
        Increasing.
    intensity : Quantity, shape (n,)
        J there, positive.
    above : Quantity
        From where to integrate, within the range of `energy`; any shape.
    tail : bool
        Whether the power law through the last two points goes on for ever. Otherwise the spectrum ends there.

    Returns
    -------
    Quantity
        Shape of `above`, 1 / (m2 s sr).

    Raises
    ------
    ValueError
        Shapes that do not fit, energies that do not increase, `above` out of range, a tail as flat as 1/E.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> E = np.geomspace(1, 1000, 4) * u.GeV
    >>> J = (E / u.GeV) ** -3 / (u.GeV * u.m**2 * u.s * u.sr)
    >>> print(f"{integral_intensity(E, J, above=10 * u.GeV).value:.4f}")  # E^-2 / 2
    0.0050
    """
    x = take("energy", energy, u.GeV, positive=True)
    y = take("intensity", intensity, _J, positive=True)
    low = take("above", above, u.GeV, positive=True)
    if x.ndim != 1 or x.size < 2 or x.shape != y.shape or np.any(np.diff(x) <= 0):
        raise ValueError("energy must increase, and intensity must have as many points, at least two")
    if np.any((low < x[0]) | (low >= x[-1])):
        raise ValueError(f"above must be within {x[0]:g} … {x[-1]:g} GeV, got {low.flat[0]:g} GeV")
    slope = np.log(y[-1] / y[-2]) / np.log(x[-1] / x[-2])
    if tail and slope >= -1:
        raise ValueError(f"intensity must fall faster than 1/E at its end for a tail, got E^{slope:.2f}")
    beyond = -y[-1] * x[-1] / (slope + 1) if tail else 0.0
    result = [_total(*_from(x, y, start)) + beyond for start in low.flat]
    return np.reshape(result, low.shape) / (u.m**2 * u.s * u.sr)


def _from(x: Array, y: Array, start: float) -> tuple[Array, Array]:
    """The points from `start` on, with the interpolated one there."""
    first = np.exp(np.interp(np.log(start), np.log(x), np.log(y)))
    keep = x > start
    return np.append(start, x[keep]), np.append(first, y[keep])


def _total(x: Array, y: Array) -> Any:
    """∫ y dx over the last axis: power laws between points, straight lines where y vanishes."""
    x0, x1, y0, y1 = x[..., :-1], x[..., 1:], y[..., :-1], y[..., 1:]
    width = np.log(x1 / x0)
    line = (y0 + y1) / 2 * (x1 - x0)
    positive = (y0 > 0) & (y1 > 0)
    # ∫ = y₀ x₀ L (e^q - 1)/q with L = ln(x₁/x₀) and q = ln(x₁y₁ / x₀y₀), which tends to y₀ x₀ L for q → 0
    q = width + np.log(np.where(positive, y1, 1) / np.where(positive, y0, 1))
    growth = np.where(np.abs(q) < 1e-9, 1.0, np.expm1(q) / np.where(q == 0, 1.0, q))
    return np.where(positive, y0 * x0 * width * growth, line).sum(axis=-1)


def energy_density(energy: u.Quantity, intensity: u.Quantity, *, beta: Any = 1.0) -> u.Quantity:
    """Kinetic energy per volume of isotropic particles, u = (4π/c) ∫ T J(T) / β dT.

    Parameters
    ----------
    energy : Quantity, shape (n,)
        Kinetic energy per particle, T, increasing.
    intensity : Quantity, shape (..., n)
        J, zero or positive; the leading axes may be species.
    beta : array_like
        v/c, in (0, 1]; broadcast against `intensity`.

    Returns
    -------
    Quantity
        Shape (...), eV / cm3. Energies outside the range of `energy` do not count.

    Raises
    ------
    ValueError
        Shapes that do not fit, energies that do not increase, negative intensities, β outside (0, 1].
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> T = np.geomspace(1, 1e6, 61) * u.GeV
    >>> J = 1.8e4 * (T / u.GeV) ** -2.7 / (u.GeV * u.m**2 * u.s * u.sr)
    >>> print(f"{energy_density(T, J):.2f}")
    1.08 eV / cm3
    """
    x, y = _spectrum(energy, intensity)
    b = take("beta", beta, "", positive=True)
    if np.any(b > 1):
        raise ValueError(f"beta must be at most 1, got {b.max():g}")
    try:
        y = y / b
    except ValueError:
        raise ValueError(f"beta must fit intensity, got shapes {b.shape} and {y.shape}") from None
    return (4 * np.pi * u.sr / const.c * _total(x, x * y) * u.GeV**2 * _J).to(u.eV / u.cm**3)


def source_power(
    energy: u.Quantity, intensity: u.Quantity, *, grammage: u.Quantity, gas_mass: u.Quantity
) -> u.Quantity:
    """Power that sources must supply to keep a steady spectrum, P = 4π M ∫ T J(T) / X(T) dT.

    Particles of speed v that see the gas density ρ on average stay for τ = X / (ρ v). What leaves a volume V
    of gas mass M = ρ V per time is (4π J / v) V / τ = 4π J M / X: the size of the volume and the speed drop out.

    Parameters
    ----------
    energy : Quantity, shape (n,)
        Kinetic energy per particle, T, increasing.
    intensity : Quantity, shape (..., n)
        Interstellar J, the same everywhere in the volume; the leading axes may be species.
    grammage : Quantity
        X, positive, like g / cm2; broadcast against `intensity`.
    gas_mass : Quantity
        M of the gas that the particles pass.

    Returns
    -------
    Quantity
        Shape (...), erg / s.

    Raises
    ------
    ValueError
        Shapes that do not fit, energies that do not increase, values that are not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> T = np.geomspace(1, 1e6, 61) * u.GeV
    >>> J = 1.8e4 * (T / u.GeV) ** -2.7 / (u.GeV * u.m**2 * u.s * u.sr)
    >>> print(f"{source_power(T, J, grammage=7.2 * u.g / u.cm**2, gas_mass=3.5e9 * u.Msun):.1e}")
    5.0e+40 erg / s
    """
    x, y = _spectrum(energy, intensity)
    column = take("grammage", grammage, u.g / u.cm**2, positive=True)
    mass = take("gas_mass", gas_mass, u.g, positive=True)
    try:
        y = y / column
    except ValueError:
        raise ValueError(f"grammage must fit intensity, got shapes {column.shape} and {y.shape}") from None
    unit = u.g * u.GeV**2 * _J * u.sr / (u.g / u.cm**2)
    return (4 * np.pi * mass * _total(x, x * y) * unit).to(u.erg / u.s)


def _spectrum(energy: u.Quantity, intensity: u.Quantity) -> tuple[Array, Array]:
    x = take("energy", energy, u.GeV, positive=True)
    y = take("intensity", intensity, _J, non_negative=True)
    if x.ndim != 1 or x.size < 2 or np.any(np.diff(x) <= 0) or y.shape[-1:] != x.shape:
        raise ValueError("energy must be one axis and increase, and the last axis of intensity must match it")
    return x, y


def per_kinetic_energy(table: QTable, species: str) -> tuple[u.Quantity, u.Quantity]:
    """Turn a spectrum measured in rigidity into one in kinetic energy, J(T) = J(R) dR/dT.

    Parameters
    ----------
    table : QTable
        From `crlab.data.table`, with x a rigidity.
    species : str
        As in `crlab.units.nucleus`.

    Returns
    -------
    energy : Quantity, shape (n,)
        Kinetic energy per particle, GeV.
    intensity : Quantity, shape (n,)
        1 / (GeV m2 s sr).

    Raises
    ------
    ValueError
        An unknown species.
    UnitConversionError
        A table that is not in rigidity.

    Examples
    --------
    >>> from crlab import data
    >>> T, J = per_kinetic_energy(data.table("ams02-he-2021"), "4He")
    >>> print(f"{T[0]:.2f}")
    1.79 GeV
    """
    value = take("value of the table", table["value"], u.GeV / u.GV * _J)
    state = kinematics(species, rigidity=table["x"])
    per_energy = state.rigidity_per_energy.to_value(u.GV / u.GeV)
    return state.kinetic_energy, value * per_energy * _J


@dataclass(frozen=True)
class SplineFit:
    """The Global Spline Fit at chosen energies; made by `global_spline_fit`.

    Parameters
    ----------
    kinetic_energy : Quantity, shape (m,)
        Per particle.
    charge : ndarray of int, shape (n,)
        Z of each species.
    beta : ndarray, shape (n, m)
        v/c.
    rigidity : Quantity, shape (n, m)
        In GV.
    intensity : Quantity, shape (n, m)
        Of each species.
    total, total_error : Quantity, shape (m,)
        Of all species together, with the one-sigma error of the fit.
    """

    kinetic_energy: u.Quantity
    charge: NDArray[np.int64]
    beta: Array
    rigidity: u.Quantity
    intensity: u.Quantity
    total: u.Quantity
    total_error: u.Quantity


def global_spline_fit(kinetic_energy: u.Quantity, *, interstellar: bool = False) -> SplineFit:
    """Look up the Global Spline Fit, a data-driven spectrum of all nuclei from 1 GV to 3e11 GV.

    It needs the optional package crflux with its extra gsf, and no network.

    Parameters
    ----------
    kinetic_energy : Quantity, shape (m,)
        Per particle, positive.
    interstellar : bool
        The local interstellar spectrum, before the solar wind holds part of it off; by default the spectrum at
        Earth, averaged over solar cycle 24 (December 2008 to December 2019).

    Returns
    -------
    SplineFit

    Raises
    ------
    ModuleNotFoundError
        The package is not installed.
    ValueError
        Energies that are not one axis of positive numbers.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Dembinski et al. 2017, Fedynitch et al. 2026; version 2026.1 of the fit. The interstellar spectra end at 1 GV
    (for protons 0.43 GeV) and bend down to zero there, from about 1.2 GV on: that is the fit's edge, not physics.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> fit = global_spline_fit([1e6] * u.GeV)
    >>> print(f"{fit.total[0].value:.1e}")
    3.1e-12
    """
    try:
        from globalsplinefit import GSFKineticEnergy
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("the Global Spline Fit is an optional package: pip install 'crflux[gsf]'") from error
    energy = take("kinetic_energy", kinetic_energy, u.GeV, positive=True)
    if energy.ndim != 1:
        raise ValueError(f"kinetic_energy must have one axis, got shape {energy.shape}")
    fit = GSFKineticEnergy(version="2026.1", default_time_interval="LIS" if interstellar else None)
    mass = np.array([a for _, a in fit.species]) * (const.u * const.c**2).to_value(u.GeV)
    charge = np.array([z for z, _ in fit.species])
    pc = np.sqrt(energy * (energy + 2 * mass[:, None]))
    return SplineFit(
        kinetic_energy=energy * u.GeV,
        charge=charge,
        beta=1 / np.hypot(1, mass[:, None] / pc),
        rigidity=pc / charge[:, None] * u.GV,
        intensity=np.array([fit.flux(energy, species) for species in fit.species]) * _J,
        total=fit.total_flux(energy) * _J,
        total_error=fit.total_error(energy) * _J,
    )
