"""Units at the border: checked quantities in, plain float arrays out, and the kinematics of nuclei.

Every public function of crlab passes its arguments through `take` once. Behind that border the
kernels see float64 arrays in the room's documented units and know nothing of astropy.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray

__all__ = [
    "Kinematics",
    "Nucleus",
    "density",
    "intensity",
    "kinematics",
    "nucleon",
    "nucleus",
    "species_equivalencies",
    "take",
]

Array = NDArray[np.float64]

nucleon = u.def_unit("nucleon", doc="One nucleon, so that GeV / nucleon differs from GeV.")
"""The unit that tells energy per nucleon from energy."""

_U = float((const.u * const.c**2).to_value(u.GeV))
_LIGHT = {
    "p": (1, 1, const.m_p),
    "1H": (1, 1, const.m_p),
    "e-": (-1, 0, const.m_e),
    "e+": (1, 0, const.m_e),
    "pbar": (-1, 1, const.m_p),
}
# Hydrogen to nickel: all that Galactic cosmic rays contain in numbers.
_ELEMENTS = ["H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si"]
_ELEMENTS += ["P", "S", "Cl", "Ar", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"]


def take(
    name: str,
    value: Any,
    unit: u.UnitBase | str,
    *,
    positive: bool = False,
    non_negative: bool = False,
    equivalencies: Any = (),
) -> Array:
    """Check one argument at the border and return it as a float64 array in the unit asked for.

    Parameters
    ----------
    name : str
        The argument's name, for the error message.
    value : Quantity or array_like
        What the caller gave. A bare number is taken only where `unit` is dimensionless.
    unit : Unit or str
        The unit of the array returned.
    positive, non_negative : bool
        Refuse values ≤ 0, or < 0.
    equivalencies : list
        Equivalencies of astropy that may be used, such as `species_equivalencies`.

    Returns
    -------
    ndarray
        A new array of the shape of `value`.

    Raises
    ------
    UnitConversionError
        A bare number where a dimension is meant, or a unit that does not convert.
    ValueError
        No real number, an empty or a masked array, NaN or infinity, or a sign that is not allowed.

    Examples
    --------
    >>> from astropy import units as u
    >>> take("X", 72 * u.kg / u.m**2, "g / cm2")
    array(7.2)
    >>> take("X", 7.2, "g / cm2")
    Traceback (most recent call last):
    ...
    astropy.units.errors.UnitConversionError: X must be a quantity in units like g / cm2, got ...
    """
    unit = u.Unit(unit)
    if np.any(getattr(value, "mask", False)):
        raise ValueError(f"{name} must hold no masked values, got {value!r}")
    if isinstance(value, u.Quantity):
        try:
            array = value.to_value(unit, equivalencies=equivalencies)
        except u.UnitConversionError:
            wanted = f"in units like {unit}" if str(unit) else "a pure number"
            raise u.UnitConversionError(f"{name} must be {wanted}, got {value.unit}") from None
    elif unit.is_equivalent(u.dimensionless_unscaled):
        array = value
    else:
        raise u.UnitConversionError(f"{name} must be a quantity in units like {unit}, got the bare value {value!r}")
    try:
        array = np.asarray(array)
    except (TypeError, ValueError):  # ragged lists, lists of quantities
        array = np.array(None)
    if array.dtype.kind not in "iuf":  # strings that look like numbers, truth values, complex numbers
        raise ValueError(f"{name} must be a real number or an array of them, got {value!r}")
    array = np.array(array, dtype=np.float64)
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one value, got an empty array")
    for bad, what in (
        (~np.isfinite(array), "finite"),
        (array <= 0 if positive else np.False_, "positive"),
        (array < 0 if non_negative else np.False_, "zero or positive"),
    ):
        if np.any(bad):
            raise ValueError(f"{name} must be {what}, got {array[bad].flat[0]:g}{f' {unit}' if str(unit) else ''}")
    return array


@dataclass(frozen=True)
class Nucleus:
    """A particle species as kinematics sees it.

    Parameters
    ----------
    name : str
        As in ``"12C"``, ``"p"`` or ``"e-"``.
    Z : int
        Charge number, negative for electrons and antiprotons.
    A : int
        Mass number; 0 for electrons and positrons, which have no energy per nucleon.
    mass : float
        Rest energy in GeV. For nuclei beyond hydrogen A atomic mass units: right to 0.7 % for 2H and 3He,
        0.3 % otherwise.

    Examples
    --------
    >>> Nucleus("4He", Z=2, A=4, mass=3.7274).Z
    2
    """

    name: str
    Z: int
    A: int
    mass: float


def nucleus(name: "str | Nucleus") -> Nucleus:
    """Look a species up by name: ``"p"``, ``"pbar"``, ``"e-"``, ``"e+"``, or like ``"12C"``.

    Parameters
    ----------
    name : str or Nucleus
        A `Nucleus` is returned as it is.

    Returns
    -------
    Nucleus

    Raises
    ------
    ValueError
        An unknown name, or a mass number that no bound nucleus of the element has.

    Examples
    --------
    >>> nucleus("10Be")
    Nucleus(name='10Be', Z=4, A=10, mass=9.31494...)
    """
    if isinstance(name, Nucleus):
        return name
    text = name if isinstance(name, str) else ""
    if text in _LIGHT:
        charge, nucleons, mass = _LIGHT[text]
        return Nucleus(text, charge, nucleons, float((mass * const.c**2).to_value(u.GeV)))
    found = re.fullmatch(r"(\d+)([A-Z][a-z]?)", text)
    if found and found[2] in _ELEMENTS:
        nucleons, charge = int(found[1]), _ELEMENTS.index(found[2]) + 1
        if charge <= nucleons <= 3 * charge:
            return Nucleus(text, charge, nucleons, nucleons * _U)
    raise ValueError(f"nucleus must be one of {', '.join(_LIGHT)} or like '12C' (H to Ni), got {name!r}")


@dataclass(frozen=True)
class Kinematics:
    """One state of motion in every variable the field uses; made by `kinematics`.

    All attributes are quantities of the shape given to `kinematics`. `energy_per_nucleon` is None for
    electrons and positrons.
    """

    species: Nucleus
    rigidity: u.Quantity
    momentum: u.Quantity
    kinetic_energy: u.Quantity
    energy_per_nucleon: u.Quantity | None
    total_energy: u.Quantity
    beta: u.Quantity

    @property
    def rigidity_per_energy(self) -> u.Quantity:
        """dR/dT in GV/GeV, so that J(T) = J(R) dR/dT; it diverges for a particle at rest."""
        return 1 / (self.beta * abs(self.species.Z)) * u.GV / u.GeV


def kinematics(
    species: str | Nucleus,
    *,
    rigidity: u.Quantity | None = None,
    momentum: u.Quantity | None = None,
    kinetic_energy: u.Quantity | None = None,
    energy_per_nucleon: u.Quantity | None = None,
    total_energy: u.Quantity | None = None,
) -> Kinematics:
    r"""Translate between rigidity, momentum and the three energies of a particle.

    E² = (pc)² + (mc²)², T = E - mc², R = pc / (\|Z\| e), β = pc / E.

    Parameters
    ----------
    species : str or Nucleus
        As in `nucleus`.
    rigidity, momentum, kinetic_energy, energy_per_nucleon, total_energy : Quantity
        Exactly one of them, in units like GV, GeV/c, GeV, GeV / `nucleon`, GeV; any shape.

    Returns
    -------
    Kinematics

    Raises
    ------
    ValueError
        Not exactly one variable, an unknown species, a negative or non-finite value, a total energy
        below the rest energy.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> carbon = kinematics("12C", energy_per_nucleon=10 * u.GeV / nucleon)
    >>> print(f"{carbon.rigidity:.3f}, beta = {carbon.beta:.5f}")
    21.783 GV, beta = 0.99636
    """
    nuc = nucleus(species)
    given = {
        "rigidity": rigidity,
        "momentum": momentum,
        "kinetic_energy": kinetic_energy,
        "energy_per_nucleon": energy_per_nucleon,
        "total_energy": total_energy,
    }
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise ValueError(f"give exactly one of {', '.join(given)}; got {', '.join(named) or 'none'}")
    pc = _pc(nuc, named[0], given[named[0]])
    energy = np.hypot(pc, nuc.mass)
    kinetic = pc**2 / (energy + nuc.mass)  # E - m without its cancellation
    return Kinematics(
        species=nuc,
        rigidity=pc / abs(nuc.Z) * u.GV,
        momentum=pc * u.GeV / const.c,
        kinetic_energy=kinetic * u.GeV,
        energy_per_nucleon=kinetic / nuc.A * u.GeV / nucleon if nuc.A else None,
        total_energy=energy * u.GeV,
        beta=pc / energy * u.dimensionless_unscaled,
    )


def _pc(nuc: Nucleus, kind: str, value: u.Quantity | None) -> Array:
    """Momentum times c in GeV."""
    if kind == "rigidity":
        return abs(nuc.Z) * take(kind, value, u.GV, non_negative=True)
    if kind == "momentum":
        return take(kind, value, u.GeV / const.c, non_negative=True)
    if kind == "total_energy":
        energy = take(kind, value, u.GeV, positive=True)
        if np.any(energy < nuc.mass * (1 - 1e-12)):  # a rest energy given in J or eV is rounded
            raise ValueError(f"total_energy must be at least the rest energy {nuc.mass:.4g} GeV, got {energy.min():g}")
        return np.sqrt(np.maximum(energy - nuc.mass, 0) * (energy + nuc.mass))
    if kind == "energy_per_nucleon":
        if nuc.A == 0:
            raise ValueError(f"energy_per_nucleon has no meaning for {nuc.name}: give kinetic_energy")
        kinetic = nuc.A * take(kind, value, u.GeV / nucleon, non_negative=True)
    else:
        kinetic = take(kind, value, u.GeV, non_negative=True)
    return np.sqrt(kinetic * (kinetic + 2 * nuc.mass))


def species_equivalencies(species: str | Nucleus) -> list[tuple[u.UnitBase, u.UnitBase, Any, Any]]:
    """Equivalencies for astropy between GV, GeV/c, GeV (kinetic) and GeV / `nucleon` of one species.

    Parameters
    ----------
    species : str or Nucleus
        As in `nucleus`.

    Returns
    -------
    list
        To be given to `Quantity.to` or used in `astropy.units.add_enabled_equivalencies`.

    Raises
    ------
    ValueError
        An unknown species.

    Examples
    --------
    >>> from astropy import units as u
    >>> energy = (4 * u.GV).to(u.GeV / nucleon, equivalencies=species_equivalencies("4He"))
    >>> print(f"{energy:.4f}")
    1.2748 GeV / nucleon
    """
    nuc = nucleus(species)
    kinds = {"rigidity": u.GV, "momentum": u.GeV / const.c, "kinetic_energy": u.GeV}
    if nuc.A:
        kinds["energy_per_nucleon"] = u.GeV / nucleon
    units = {kind: u.Unit(unit) for kind, unit in kinds.items()}

    def convert(source: str, target: str) -> Any:
        def function(x: Any) -> Any:
            state = kinematics(nuc, **{source: x * units[source]})
            return getattr(state, target).to_value(units[target])

        return function

    names = list(units)
    return [(units[a], units[b], convert(a, b), convert(b, a)) for i, a in enumerate(names) for b in names[i + 1 :]]


def density(intensity: u.Quantity, *, beta: Any = 1.0) -> u.Quantity:
    """Differential number density of isotropic particles from their intensity, n = 4π J / (β c).

    Parameters
    ----------
    intensity : Quantity
        J per area, time, solid angle and energy, energy per nucleon or rigidity: like 1 / (m2 s sr GeV),
        1 / (m2 s sr GeV / nucleon) or 1 / (m2 s sr GV).
    beta : array_like
        v/c, in (0, 1]; broadcast against `intensity`.

    Returns
    -------
    Quantity
        Per cm3, and per GeV, GeV / nucleon or GV as given.

    Raises
    ------
    ValueError
        β outside (0, 1], non-finite values.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{density(1 / (u.m**2 * u.s * u.sr * u.GeV)).value:.4g}")
    4.192e-14
    """
    per = _per(intensity, u.m**-2 / u.s / u.sr)
    value = take("intensity", intensity, per / (u.m**2 * u.s * u.sr))
    return (4 * np.pi * u.sr * value * per / (u.m**2 * u.s * u.sr) / (_beta(beta) * const.c)).to(per / u.cm**3)


def intensity(density: u.Quantity, *, beta: Any = 1.0) -> u.Quantity:
    """Intensity of isotropic particles from their differential number density, J = β c n / (4π).

    Parameters
    ----------
    density : Quantity
        n per volume and energy, energy per nucleon or rigidity: like 1 / (cm3 GeV),
        1 / (cm3 GeV / nucleon) or 1 / (cm3 GV).
    beta : array_like
        v/c, in (0, 1]; broadcast against `density`.

    Returns
    -------
    Quantity
        Per m2, s and sr, and per GeV, GeV / nucleon or GV as given.

    Raises
    ------
    ValueError
        β outside (0, 1], non-finite values.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{intensity(4.192e-14 / (u.cm**3 * u.GeV)).value:.4f}")
    1.0001
    """
    per = _per(density, u.cm**-3)
    value = take("density", density, per / u.cm**3)
    return (_beta(beta) * const.c * value * per / u.cm**3 / (4 * np.pi * u.sr)).to(per / (u.m**2 * u.s * u.sr))


def _per(value: Any, base: u.UnitBase) -> u.UnitBase:
    """1/GV, nucleon/GeV or 1/GeV, whichever the quantity is differential in."""
    for variable in (u.GV, u.GeV / nucleon):
        if isinstance(value, u.Quantity) and value.unit.is_equivalent(base / variable):
            return variable**-1
    return u.GeV**-1


def _beta(beta: Any) -> Array:
    array = take("beta", beta, u.dimensionless_unscaled, positive=True)
    if np.any(array > 1):
        raise ValueError(f"beta must be at most 1, got {array.max():g}")
    return array
