"""How rarely cosmic rays hit anything: mean free paths against deflection and loss in interstellar gas."""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.units import kinematics, take

__all__ = ["coulomb_logarithm", "coulomb_mean_free_path"]

_E2 = (const.e.gauss**2).to_value(u.erg * u.cm)
_HBAR_C = (const.hbar * const.c).to_value(u.erg * u.cm)


def coulomb_logarithm(
    rigidity: u.Quantity, *, density: u.Quantity = 1 / u.cm**3, temperature: u.Quantity = 1e4 * u.K
) -> u.Quantity:
    """Coulomb logarithm ln(b_max / b_min) of a proton in an ionised gas.

    b_max is the Debye length sqrt(k T / (4 π n e²)), b_min the larger of e²/(p v) and ħ/p.

    Parameters
    ----------
    rigidity : Quantity
        Of the proton, any shape.
    density : Quantity
        Electrons per volume.
    temperature : Quantity
        Of the gas.

    Returns
    -------
    Quantity
        A pure number, shape of `rigidity`.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{coulomb_logarithm(1 * u.GV):.0f}")
    38
    """
    n = take("density", density, u.cm**-3, positive=True)
    heat = take("temperature", temperature, u.erg, positive=True, equivalencies=u.temperature_energy())
    pc, beta = _motion(rigidity)
    b_min = np.maximum(_E2 / (pc * beta), _HBAR_C / pc)
    return u.Quantity(np.log(np.sqrt(heat / (4 * np.pi * n * _E2)) / b_min))


def coulomb_mean_free_path(
    rigidity: u.Quantity, *, density: u.Quantity = 1 / u.cm**3, temperature: u.Quantity = 1e4 * u.K
) -> u.Quantity:
    """Mean free path of a proton against deflection by Coulomb collisions in ionised hydrogen.

    ℓ = (p v)² / (8 π n e⁴ ln Λ): the length after which many small deflections have turned the mean direction by a
    factor 1/e, 1/ℓ = 2 n ∫ (1 - cos θ) dσ with Rutherford's cross-section, once for protons and once for electrons.
    Deflections by electrons are counted as if these could not recoil, which makes ℓ too short, if anything. In neutral
    gas it is longer. Derived in ``anisotropy/from-flying-to-diffusing``.

    Parameters
    ----------
    rigidity : Quantity
        Of the proton, any shape.
    density, temperature : Quantity
        As in `coulomb_logarithm`.

    Returns
    -------
    Quantity
        In kpc, shape of `rigidity`.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{coulomb_mean_free_path(1 * u.GV):.0e}")
    9e+06 kpc
    """
    n = take("density", density, u.cm**-3, positive=True)
    logarithm = coulomb_logarithm(rigidity, density=density, temperature=temperature).value
    pc, beta = _motion(rigidity)
    return ((pc * beta) ** 2 / (8 * np.pi * n * _E2**2 * logarithm) * u.cm).to(u.kpc)


def _motion(rigidity: u.Quantity) -> tuple[float, float]:
    """Momentum times c in erg, and β."""
    take("rigidity", rigidity, u.GV, positive=True)
    proton = kinematics("p", rigidity=rigidity)
    return (proton.momentum * const.c).to_value(u.erg), proton.beta.value
