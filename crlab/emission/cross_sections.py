"""Gamma rays and neutrinos from cosmic rays in gas: cross-sections, and the emissivity of a hydrogen atom.

The default are the tables of AAfrag (Koldobskiy et al. 2021) as the package aafragpy holds them; the parametrisation of
Kelner, Aharonian & Bugayov 2006 is the analytic check. Used in the chapter "The ingredients". Projectiles are protons
and helium, targets hydrogen and helium; heavier nuclei are left out.

Neutrinos count with their antineutrinos. After oscillation over Galactic distances the three flavours arrive in nearly
equal numbers, so that one flavour at Earth is a third of ``"nu_all"``.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from astropy import units as u

from crlab.data import table
from crlab.grammage.spectrum import per_kinetic_energy
from crlab.units import Array, nucleus, take

__all__ = [
    "MODELS",
    "NUCLEAR_FACTORS",
    "RIGIDITY",
    "SECONDARIES",
    "differential",
    "emissivity",
    "emissivity_matrix",
    "inelastic",
    "kelner",
    "local_intensity",
    "power_law_yield",
]

SECONDARIES = ("gamma", "nu_e", "nu_mu", "nu_all")
"""Gamma rays, and neutrinos with antineutrinos as they are born."""

MODELS = ("aafrag", "kelner")

NUCLEAR_FACTORS = {"p-p": 1.0, "p-He": 3.15, "He-p": 4.16, "He-He": 12.0}
"""Yield relative to p-p at equal energy per nucleon and a spectrum E^-2.7, read off AAfrag at 10 TeV."""

RIGIDITY = np.geomspace(4.5, 4e8, 192) * u.GV
"""Rigidities that `emissivity_matrix` sums over by default, 24 a decade."""

_AAFRAG = {"gamma": ("gam",), "nu_e": ("nu_e", "anu_e"), "nu_mu": ("nu_mu", "anu_mu"), "nu_all": ("nu_all",)}
_LIMITS = {"p-p": (4.0, 3.9e11), "p-He": (4.0, 2.5e9), "He-p": (5.0, 2.5e9), "He-He": (5.0, 2.5e9)}  # GeV per nucleus
_ENERGY = (1.0, 1e7)  # GeV: below, the tables lack the protons near the threshold; above, the primaries
_MB = 1e-27  # cm2
_J = 1 / (u.GeV * u.m**2 * u.s * u.sr)
_TESTED = {"p": 1, "He": 4}


def _choice(name: str, value: str, known: Any) -> str:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return value


def _range(model: str, pair: str) -> tuple[float, float]:
    """Lowest and highest total energy of the projectile nucleus in GeV."""
    nucleons = _TESTED[pair.split("-")[0]]
    return _LIMITS[pair] if model == "aafrag" else (100.0 * nucleons, 1e8 * nucleons)


def _energies(energy: Any) -> Array:
    """Energies of secondaries in GeV, shape (n,), within what the tables of primaries can feed."""
    values = np.atleast_1d(take("energy", energy, u.GeV, positive=True))
    if values.ndim != 1:
        raise ValueError(f"energy must be one value or a list, got shape {values.shape}")
    low, high = _ENERGY
    if values.min() < low * (1 - 1e-9) or values.max() > high * (1 + 1e-9):
        raise ValueError(
            f"energy must lie between {low:g} GeV and {high:g} GeV, where the cross-section tables hold the primaries "
            f"that make it, got {values.min():g} to {values.max():g} GeV"
        )
    return values


def inelastic(energy: u.Quantity, *, model: str = "kafexhiu") -> u.Quantity:
    """Inelastic cross-section of protons on protons.

    (34.3 + 1.88 L + 0.25 L²)[1 - (1.22 GeV/E)⁴]² mb with L = ln(E/TeV) (Kelner et al. 2006), or
    (30.7 - 0.96 l + 0.18 l²)[1 - (T_th/T)^1.9]³ mb with l = ln(T/T_th), T_th = 0.2797 GeV (Kafexhiu et al. 2014).

    Parameters
    ----------
    energy : Quantity
        Total energy of the proton, any shape.
    model : str
        ``"kafexhiu"`` or ``"kelner"``.

    Returns
    -------
    Quantity
        In mb, zero below the threshold.

    Raises
    ------
    ValueError
        An unknown model, an energy that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{inelastic(100 * u.TeV):.2f}, {inelastic(100 * u.TeV, model='kelner'):.2f}")
    47.86 mbarn, 48.26 mbarn
    """
    E = take("energy", energy, u.GeV, positive=True)
    if _choice("model", model, ("kafexhiu", "kelner")) == "kelner":
        L = np.log(E / 1e3)
        sigma = (34.3 + 1.88 * L + 0.25 * L**2) * np.clip(1 - (1.22 / E) ** 4, 0, None) ** 2
    else:
        ratio = np.maximum((E - nucleus("p").mass) / 0.2797, 1.0)
        lnT = np.log(ratio)
        sigma = (30.7 - 0.96 * lnT + 0.18 * lnT**2) * (1 - ratio**-1.9) ** 3
    return sigma * u.mbarn


def kelner(secondary: str, x: Any, energy: u.Quantity) -> Array:
    """Spectrum of secondaries of one inelastic collision, F(x) = dN/dx with x = E/E_p (Kelner et al. 2006).

    Equations 58, 62 and 66 there: gamma rays; electrons, which stand also for the ν_e and for the ν_μ of the muon's
    decay; and the ν_μ of the pion's decay, at x < 0.427. ``"nu_mu"`` is the sum of both, ``"nu_all"`` adds ν_e.

    Parameters
    ----------
    secondary : str
        One of `SECONDARIES`, or ``"nu_direct"`` for the ν_μ of the pion alone.
    x : array_like
        Fraction of the proton's energy, in (0, 1]; the fit holds for x ≥ 1e-3.
    energy : Quantity
        Energy of the proton, broadcast against x; the fit holds above 0.1 TeV.

    Returns
    -------
    ndarray
        F(x), zero where kinematics forbids it.

    Raises
    ------
    ValueError
        An unknown secondary, x outside (0, 1], an energy below 0.1 TeV or above 1e5 TeV.
    UnitConversionError
        An energy that is a bare number or has a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{kelner('gamma', 0.1, 100 * u.TeV):.4f}")
    5.5117
    """
    _choice("secondary", secondary, (*SECONDARIES, "nu_direct"))
    share = take("x", x, "", positive=True)
    E = take("energy", energy, u.TeV, positive=True)
    if np.any(share > 1):
        raise ValueError(f"x must be at most 1, got {share.max():g}")
    if E.min() < 0.1 * (1 - 1e-9) or E.max() > 1e5 * (1 + 1e-9):
        raise ValueError(f"energy must lie between 0.1 TeV and 1e5 TeV, got {E.min():g} to {E.max():g} TeV")
    return _kelner(secondary, *np.broadcast_arrays(share, np.log(E)))


def _kelner(secondary: str, x: Array, L: Array) -> Array:
    if secondary == "gamma":
        return _pion(
            x,
            1.30 + 0.14 * L + 0.011 * L**2,
            1 / (1.79 + 0.11 * L + 0.008 * L**2),
            1 / (0.801 + 0.049 * L + 0.014 * L**2),
        )
    if secondary == "nu_direct":
        return _pion(
            x / 0.427,
            1.75 + 0.204 * L + 0.010 * L**2,
            1 / (1.67 + 0.111 * L + 0.0038 * L**2),
            1.07 - 0.086 * L + 0.002 * L**2,
        )
    if secondary == "nu_e":
        return _muon(x, L)
    return _kelner("nu_direct", x, L) + (1 if secondary == "nu_mu" else 2) * _muon(x, L)


def _pion(y: Array, B: Array, b: Array, k: Array) -> Array:
    """d/dln(y) of B ln(y) [(1 - y^b)/(1 + k y^b (1 - y^b))]⁴, over y."""
    safe = np.clip(y, None, 1 - 1e-9)
    w = safe**b
    inner = 1 + k * w * (1 - w)
    bracket = 1 / np.log(safe) - 4 * b * w / (1 - w) - 4 * k * b * w * (1 - 2 * w) / inner
    return np.where(y < 1, B * np.log(safe) / safe * ((1 - w) / inner) ** 4 * bracket, 0.0)


def _muon(x: Array, L: Array) -> Array:
    B = 1 / (69.5 + 2.65 * L + 0.3 * L**2)
    b = (0.201 + 0.062 * L + 0.00042 * L**2) ** -0.25
    k = (0.279 + 0.141 * L + 0.0172 * L**2) / (0.3 + (2.3 + L) ** 2)
    return B * (1 + k * np.log(x) ** 2) ** 3 / (x * (1 + 0.3 / x**b)) * (-np.log(x)) ** 5


def differential(
    secondary: str, pair: str, energy: u.Quantity, primary: u.Quantity, *, model: str = "aafrag"
) -> u.Quantity:
    """Differential production cross-section dσ/dE.

    Parameters
    ----------
    secondary : str
        One of `SECONDARIES`.
    pair : str
        Projectile and target: ``"p-p"``, ``"p-He"``, ``"He-p"`` or ``"He-He"``.
    energy : Quantity, shape (n,)
        Energies of the secondary.
    primary : Quantity, shape (m,)
        Total energies of the projectile nucleus, not per nucleon.
    model : str
        ``"aafrag"``, or ``"kelner"``: p-p times `NUCLEAR_FACTORS`, at equal energy per nucleon, with the inelastic
        cross-section of Kafexhiu et al. 2014; for primaries above 100 GeV per nucleon.

    Returns
    -------
    Quantity, shape (m, n)
        In mb / GeV.

    Raises
    ------
    ValueError
        An unknown secondary, pair or model, or a primary outside the tables; the message gives their range.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> sigma = differential("gamma", "p-p", [10] * u.GeV, [100] * u.GeV)
    >>> print(f"{sigma[0, 0]:.1f}")
    1.8 mbarn / GeV
    """
    _choice("secondary", secondary, SECONDARIES)
    _choice("pair", pair, _LIMITS)
    _choice("model", model, MODELS)
    E = np.atleast_1d(take("energy", energy, u.GeV, positive=True))
    P = np.atleast_1d(take("primary", primary, u.GeV, positive=True))
    low, high = _range(model, pair)
    if P.min() < low * (1 - 1e-9) or P.max() > high * (1 + 1e-9):
        raise ValueError(
            f"primary of {pair} must lie between {low:g} and {high:g} GeV, the range of model {model!r}, got "
            f"{P.min():g} to {P.max():g} GeV"
        )
    found = _table if model == "aafrag" else _formula
    return found(secondary, pair, tuple(E), tuple(P)) * u.mbarn / u.GeV


@lru_cache(maxsize=64)
def _table(secondary: str, pair: str, energy: tuple[float, ...], primary: tuple[float, ...]) -> Array:
    from crlab.emission._aafrag import aafragpy  # takes half a second

    total = np.zeros((len(primary), len(energy)))
    for name in _AAFRAG[secondary]:
        matrix, _, _ = aafragpy.get_cross_section(name, pair, np.array(primary), np.array(energy))
        total += np.asarray(matrix).reshape(total.shape)
    total.flags.writeable = False
    return total


@lru_cache(maxsize=64)
def _formula(secondary: str, pair: str, energy: tuple[float, ...], primary: tuple[float, ...]) -> Array:
    per_nucleon = np.array(primary)[:, None] / _TESTED[pair.split("-")[0]]
    x = np.array(energy) / per_nucleon
    F = np.where(x < 1, _kelner(secondary, np.minimum(x, 1.0), np.log(per_nucleon / 1e3)), 0.0)
    sigma = inelastic(per_nucleon * u.GeV).to_value(u.mbarn)
    result = NUCLEAR_FACTORS[pair] * sigma * F / per_nucleon
    result.flags.writeable = False
    return result


def power_law_yield(
    energy: u.Quantity, *, secondary: str = "gamma", pair: str = "p-p", index: float = 2.7, model: str = "aafrag"
) -> u.Quantity:
    """Yield of a power law of primaries, ∫ (E_p/E)^-Γ dσ/dE dE_p, with E_p the energy per nucleon.

    Times J(E) of the projectile per nucleon it is the emissivity for each atom of the target.

    Parameters
    ----------
    energy : Quantity, shape (n,) or ()
        Energy of the secondary; 100 GeV to 10 PeV.
    secondary, pair, model : str
        As in `differential`.
    index : float
        Γ > 1.

    Returns
    -------
    Quantity
        In mb, of the shape of `energy`.

    Raises
    ------
    ValueError
        An unknown name, an energy outside the range, Γ ≤ 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{power_law_yield(10 * u.TeV):.2f}")
    1.20 mbarn
    """
    E = _energies(energy)
    if not index > 1:
        raise ValueError(f"index must be above 1, got {index!r}")
    if E.min() < 100 * (1 - 1e-9):
        raise ValueError(f"energy must be at least 100 GeV, got {E.min():g} GeV")
    nucleons = _TESTED[_choice("pair", pair, _LIMITS).split("-")[0]]
    _, top = _range(_choice("model", model, MODELS), pair)
    result = np.empty(E.size)
    for i, value in enumerate(E):
        reach = min(1e4, top / (nucleons * value))
        # Finer where the integrand ends, at E_p = E.
        ratio = np.concatenate([np.geomspace(1, 8, 40), np.geomspace(8, reach, 100)[1:]])
        sigma = differential(secondary, pair, value * u.GeV, nucleons * value * ratio * u.GeV, model=model)
        result[i] = np.trapezoid(sigma[:, 0].to_value(u.mbarn / u.GeV) * ratio ** (1 - index) * value, np.log(ratio))
    return result.reshape(np.shape(energy)) * u.mbarn


@lru_cache(maxsize=4)
def _points(species: str) -> tuple[Array, Array, float]:
    """Logarithms of energy per nucleus and E^2.7 J at the points that we join, and the slope beyond the last."""
    names = {
        "p": ("ams02-p-2021", "dampe-p-2026", "lhaaso-p-2025"),
        "He": ("ams02-he-2021", "dampe-he-2021", "lhaaso-he-2025"),
    }
    ams, dampe, lhaaso = (table(name) for name in names[species])
    join = 400.0 * _TESTED[species]  # GeV: above it the errors of AMS-02 are no smaller
    mass = nucleus("p" if species == "p" else "4He").mass
    T, J = per_kinetic_energy(ams, "p" if species == "p" else "4He")
    rows = [
        (T.to_value(u.GeV) + mass, J.to_value(_J)),
        (dampe["x"].to_value(u.GeV) + mass, dampe["value"].to_value(_J)),
    ]
    low, high = rows[0][0] < join, rows[1][0] >= join
    E = np.concatenate([rows[0][0][low], rows[1][0][high], lhaaso["x"].to_value(u.GeV)])
    F = np.concatenate([rows[0][1][low], rows[1][1][high], lhaaso["value"].to_value(_J)])
    lnE, lnF = np.log(E), np.log(F) + 2.7 * np.log(E)
    slope = float(np.polyfit(lnE[-6:], lnF[-6:], 1)[0])
    return lnE, lnF, slope


def local_intensity(species: str, energy: u.Quantity) -> u.Quantity:
    """Intensity of protons or helium at the Sun, joined from measurements.

    AMS-02 (Aguilar et al. 2021) up to 400 GeV per nucleon, then DAMPE, then LHAASO from 178 TeV, joined by straight
    lines in the logarithms. Beyond the last point at 11 PeV the power law of the last six goes on: it steepens
    already there, and the choice matters for gamma rays above a PeV. The Sun's modulation is not undone, which
    matters below 20 GV.

    Parameters
    ----------
    species : str
        ``"p"`` or ``"He"``.
    energy : Quantity
        Total energy of the nucleus, any shape, above 1.5 GeV for protons and 6 GeV for helium.

    Returns
    -------
    Quantity
        1 / (GeV m2 s sr), per energy of the nucleus.

    Raises
    ------
    ValueError
        An unknown species, an energy below the first measured point.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{local_intensity('p', 100 * u.GeV).value:.3f}")
    0.045
    """
    lnE, lnF, slope = _points(_choice("species", species, _TESTED))
    E = np.log(take("energy", energy, u.GeV, positive=True))
    if E.min() < lnE[0]:
        raise ValueError(f"energy must be at least {np.exp(lnE[0]):.2g} GeV for {species}, got {np.exp(E.min()):g} GeV")
    beyond = np.maximum(E - lnE[-1], 0)
    return np.exp(np.interp(E, lnE, lnF) + slope * beyond - 2.7 * E) * _J


def emissivity_matrix(
    energy: u.Quantity,
    rigidity: u.Quantity = RIGIDITY,
    *,
    secondary: str = "gamma",
    model: str = "aafrag",
    helium: float = 0.1,
    species: tuple[str, ...] = ("p", "He"),
) -> u.Quantity:
    """Emissivity of the gas at the Sun for each hydrogen nucleus, split by the rigidity of the cosmic rays.

    W_jk = Σ_ab (n_b/n_H) J_a dσ_ab/dE_j (dE_a/dlnR) ΔlnR_k by the trapezoidal rule, so that `sum` over k gives
    q(E_j). Where the density of cosmic rays of rigidity R_k is f_k times that at the Sun, the emissivity is W @ f.
    With ``"kelner"`` primaries outside 100 GeV to 100 PeV per nucleon are left out.

    Parameters
    ----------
    energy : Quantity, shape (n,)
        Energies of the secondary, 1 GeV to 10 PeV.
    rigidity : Quantity, shape (m,)
        Increasing rigidities; they should reach 100 times the highest energy, 10 or more a decade.
    secondary, model : str
        As in `differential`.
    helium : float
        Helium atoms for each hydrogen nucleus in the gas.
    species : tuple of str
        Projectiles, of ``"p"`` and ``"He"``.

    Returns
    -------
    Quantity, shape (n, m)
        1 / (GeV s sr).

    Raises
    ------
    ValueError
        An energy or rigidity outside the tables, rigidities that do not increase, unknown names.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> W = emissivity_matrix([1, 10] * u.TeV)
    >>> W.shape
    (2, 192)
    """
    E = _energies(energy)
    R = take("rigidity", rigidity, u.GV, positive=True)
    if R.ndim != 1 or R.size < 2 or np.any(np.diff(R) <= 0):
        raise ValueError("rigidity must be a list of at least two values that increase")
    dilute = float(take("helium", helium, "", non_negative=True))
    step = np.gradient(np.log(R))
    step[[0, -1]] = np.diff(np.log(R))[[0, -1]] / 2
    total = np.zeros((E.size, R.size))
    for name in species:
        _choice("species", name, _TESTED)
        mass, charge = nucleus("p" if name == "p" else "4He").mass, 1 if name == "p" else 2
        nuclear = np.hypot(charge * R, mass)
        low, high = _range(model, f"{name}-p")
        used = (nuclear >= low) & (nuclear <= high) if model == "kelner" else np.full(R.size, True)
        if not used.any():
            continue
        flux = local_intensity(name, nuclear[used] * u.GeV).to_value(u.cm**-2 / (u.GeV * u.s * u.sr))
        per_step = flux * (charge * R[used]) ** 2 / nuclear[used] * step[used]  # J dE/dlnR ΔlnR
        for target, share in (("p", 1.0), ("He", dilute)):
            sigma = differential(secondary, f"{name}-{target}", E * u.GeV, nuclear[used] * u.GeV, model=model)
            total[:, used] += share * _MB * sigma.to_value(u.mbarn / u.GeV).T * per_step
    return total / (u.GeV * u.s * u.sr)


def emissivity(energy: u.Quantity, **options: Any) -> u.Quantity:
    """Emissivity of the gas at the Sun for each hydrogen nucleus, q(E).

    Parameters
    ----------
    energy : Quantity, shape (n,)
        1 GeV to 10 PeV.
    **options
        As in `emissivity_matrix`.

    Returns
    -------
    Quantity, shape (n,)
        1 / (GeV s sr).

    Raises
    ------
    ValueError, UnitConversionError
        As in `emissivity_matrix`.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{emissivity([1] * u.TeV)[0]:.1e}")
    2.0e-35 1 / (GeV s sr)
    """
    return emissivity_matrix(energy, **options).sum(axis=1)
