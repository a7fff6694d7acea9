r"""How fast cosmic rays lose energy and leave: diffusion, synchrotron and inverse Compton, ionisation.

All times are local unless said otherwise. Chapter "How many sources?".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.special import spence

from crlab.units import Array, kinematics, take

__all__ = [
    "FIELDS",
    "RadiationField",
    "compton_suppression",
    "cooling_time",
    "diffusion_time",
    "ionisation_losses",
    "ionisation_time",
    "klein_nishina",
    "lepton_losses",
]

_REST = float((const.m_e * const.c**2).to_value(u.GeV))
_THOMSON = float((4 / 3 * const.sigma_T * const.c).to_value(u.cm**3 / u.Myr))
_KELVIN = float((const.k_B * u.K).to_value(u.GeV))
_BETHE = 4 * np.pi * (const.e.esu**2 / (const.m_e * const.c**2)) ** 2 * const.m_e * const.c**3  # 4π r_e² m_e c³
_ION = float(_BETHE.cgs.to_value(u.GeV * u.cm**3 / u.Myr))
_NODES = np.polynomial.laguerre.laggauss(120)


@dataclass(frozen=True)
class RadiationField:
    """A diluted black body: its energy density and its temperature.

    Parameters
    ----------
    name : str
    energy_density : Quantity
        In units like eV/cm3, positive.
    temperature : Quantity
        In kelvin, positive.

    Raises
    ------
    ValueError
        A value that is not positive, or not a single one.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> RadiationField("dust", 0.6 * u.eV / u.cm**3, 20 * u.K).name
    'dust'
    """

    name: str
    energy_density: u.Quantity
    temperature: u.Quantity

    def __post_init__(self) -> None:
        for name, value, unit in (
            ("energy_density", self.energy_density, u.eV / u.cm**3),
            ("temperature", self.temperature, u.K),
        ):
            if take(name, value, unit, positive=True).ndim:
                raise ValueError(f"{name} must be a single value, got {value!r}")


FIELDS: tuple[RadiationField, ...] = (
    RadiationField("CMB", 0.26 * u.eV / u.cm**3, 2.725 * u.K),
    RadiationField("infrared", 0.6 * u.eV / u.cm**3, 20 * u.K),
    RadiationField("optical", 0.6 * u.eV / u.cm**3, 5000 * u.K),
    RadiationField("ultraviolet", 0.1 * u.eV / u.cm**3, 20_000 * u.K),
)
"""Fields near the Sun: energy densities of the talk; temperatures, but for the CMB's, are this book's choice."""


def diffusion_time(kappa: u.Quantity, *, height: u.Quantity = 5 * u.kpc) -> u.Quantity:
    """Mean time in the halo of particles born in its plane, h²/2κ.

    Parameters
    ----------
    kappa : Quantity
        Diffusion coefficient, in units like cm2/s, any shape.
    height : Quantity
        h, half-height of the halo.

    Returns
    -------
    Quantity
        In Myr.

    Raises
    ------
    ValueError
        κ or h ≤ 0.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{diffusion_time(5e28 * u.cm**2 / u.s):.2f}")
    75.43 Myr
    """
    D = take("kappa", kappa, u.kpc**2 / u.Myr, positive=True)
    return take("height", height, u.kpc, positive=True) ** 2 / (2 * D) * u.Myr


def compton_suppression(b: Any) -> Array:
    """Energy lost by inverse Compton scattering over its Thomson limit, for photons of one energy, isotropic.

    f(b) with b = 4 γ ε/(m_e c²), from Jones (1968) in the form of Moderski et al. (2005); b ≪ 1 gives 1 - 63 b/40.

    Parameters
    ----------
    b : array_like
        ≥ 0.

    Returns
    -------
    ndarray
        Between 0 and 1.

    Raises
    ------
    ValueError
        A negative b.

    Examples
    --------
    >>> print(f"{compton_suppression(1):.3f}, {compton_suppression(100):.5f}")
    0.362, 0.00123
    """
    b = take("b", b, "", non_negative=True)
    series = 1 + b * (-63 / 40 + b * (441 / 200 + b * (-101 / 35 + b * 1809 / 490)))
    x = np.maximum(b, 0.02)  # below, the terms cancel
    bracket = (x / 2 + 6 + 6 / x) * np.log1p(x) - (11 * x**3 / 12 + 6 * x**2 + 9 * x + 4) / (1 + x) ** 2
    return np.where(b < 0.02, series, 9 / x**3 * (bracket - 2 + 2 * spence(1 + x)))


def klein_nishina(energy: u.Quantity, temperature: u.Quantity) -> Array:
    """The same averaged over a black body, F = ∫ x³/(e^x - 1) f(4γ x kT/m_e c²) dx / (π⁴/15).

    Parameters
    ----------
    energy : Quantity
        Total energy of the electron, in units like GeV, broadcast against `temperature`.
    temperature : Quantity
        In kelvin.

    Returns
    -------
    ndarray
        1 in the Thomson limit.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{klein_nishina(1 * u.TeV, 20 * u.K):.3f}")
    0.865
    """
    gamma = take("energy", energy, u.GeV, positive=True) / _REST
    b = 4 * gamma * take("temperature", temperature, u.K, positive=True) * _KELVIN / _REST
    x, weight = _NODES
    photons = weight * x**3 / -np.expm1(-x) * 15 / np.pi**4
    return np.asarray((photons * compton_suppression(b[..., None] * x)).sum(-1))


def lepton_losses(
    energy: u.Quantity,
    *,
    field: u.Quantity = 3 * u.uG,
    radiation: Sequence[RadiationField] = FIELDS,
    thomson: bool = False,
) -> u.Quantity:
    """Energy that electrons lose by synchrotron radiation and inverse Compton scattering, b = -dE/dt.

    b = (4/3) σ_T c γ² [B²/8π + Σ U F], F from `klein_nishina`.

    Parameters
    ----------
    energy : Quantity
        Total energy, in units like GeV, any shape.
    field : Quantity
        B, in units like μG.
    radiation : sequence of RadiationField
    thomson : bool
        Leave the Klein-Nishina suppression out.

    Returns
    -------
    Quantity
        In GeV/Myr.

    Raises
    ------
    ValueError
        An energy that is not positive, a negative field.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{lepton_losses(1 * u.TeV, thomson=True) / (1 * u.TeV)**2:.3g}")
    5.73e+03 GeV / (Myr TeV2)
    """
    E = take("energy", energy, u.GeV, positive=True)
    B = take("field", field, u.G, non_negative=True)
    density = np.asarray((B**2 / (8 * np.pi) * u.erg / u.cm**3).to_value(u.GeV / u.cm**3))
    for each in radiation:
        share = 1.0 if thomson else klein_nishina(energy, each.temperature)
        density = density + each.energy_density.to_value(u.GeV / u.cm**3) * share
    return _THOMSON * (E / _REST) ** 2 * density * (u.GeV / u.Myr)


def cooling_time(
    energy: u.Quantity,
    *,
    field: u.Quantity = 3 * u.uG,
    radiation: Sequence[RadiationField] = FIELDS,
    thomson: bool = False,
) -> u.Quantity:
    """Time in which electrons lose their energy at the present rate, E/b.

    Parameters
    ----------
    energy, field, radiation, thomson
        As in `lepton_losses`.

    Returns
    -------
    Quantity
        In Myr; infinite without field and radiation is refused.

    Raises
    ------
    ValueError
        As `lepton_losses`; neither a field nor radiation.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{cooling_time(1 * u.TeV):.3f}, Thomson {cooling_time(1 * u.TeV, thomson=True):.4f}")
    0.309 Myr, Thomson 0.1745 Myr
    """
    rate = lepton_losses(energy, field=field, radiation=radiation, thomson=thomson)
    if np.any(rate.value == 0):
        raise ValueError(f"field must be positive where there is no radiation, got {field}")
    return (energy / rate).to(u.Myr)


def ionisation_losses(
    kinetic_energy: u.Quantity, *, density: u.Quantity = 0.5 * u.cm**-3, potential: u.Quantity = 19 * u.eV
) -> u.Quantity:
    """Energy that protons lose by ionising hydrogen, -dT/dt, after Bethe.

    4π r_e² m_e c³ n/β {½ ln[2 m_e c² β²γ² T_max/I²] - β²}; no density effect, no shell corrections.

    Parameters
    ----------
    kinetic_energy : Quantity
        T in units like MeV, from 0.5 MeV.
    density : Quantity
        n of hydrogen atoms; 0.5/cm3 is the talk's for the warm ionised and the warm neutral medium.
    potential : Quantity
        I, mean excitation energy; 19 eV for hydrogen.

    Returns
    -------
    Quantity
        In GeV/Myr.

    Raises
    ------
    ValueError
        T below 0.5 MeV, where the formula fails; n or I ≤ 0.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{ionisation_losses(10 * u.MeV).to(u.MeV / u.Myr):.1f}")
    11.7 MeV / Myr
    """
    T = take("kinetic_energy", kinetic_energy, u.GeV, positive=True)
    if np.any(T < 5e-4):
        raise ValueError(f"kinetic_energy must be at least 0.5 MeV, got {T.min() * 1e3:g} MeV")
    n = take("density", density, u.cm**-3, positive=True)
    I = take("potential", potential, u.GeV, positive=True)  # noqa: E741
    beta = kinematics("p", kinetic_energy=kinetic_energy).beta.value
    gamma = 1 / np.sqrt((1 - beta) * (1 + beta))
    ratio = float((const.m_e / const.m_p).to_value(""))
    hardest = 2 * _REST * (beta * gamma) ** 2 / (1 + 2 * gamma * ratio + ratio**2)
    logarithm = np.log(2 * _REST * (beta * gamma) ** 2 * hardest / I**2) / 2 - beta**2
    return _ION * n / beta * logarithm * (u.GeV / u.Myr)


def ionisation_time(
    kinetic_energy: u.Quantity,
    *,
    density: u.Quantity = 0.5 * u.cm**-3,
    disc: u.Quantity | None = None,
    height: u.Quantity = 5 * u.kpc,
) -> u.Quantity:
    """Time in which protons lose their energy by ionisation at the present rate, T/(dT/dt).

    Parameters
    ----------
    kinetic_energy, density
        As in `ionisation_losses`.
    disc : Quantity, optional
        Full thickness of the layer of gas, where particles that fill a halo of half-height `height` spend
        disc/(2 height) of their time. Without it the time is that of particles inside the gas.
    height : Quantity
        Used with `disc`.

    Returns
    -------
    Quantity
        In Myr.

    Raises
    ------
    ValueError
        As `ionisation_losses`; a disc thicker than the halo.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{ionisation_time(10 * u.MeV):.3f}, {ionisation_time(10 * u.MeV, disc=100 * u.pc):.0f}")
    0.854 Myr, 85 Myr
    """
    local = (kinetic_energy / ionisation_losses(kinetic_energy, density=density)).to(u.Myr)
    if disc is None:
        return local
    share = take("disc", disc, u.kpc, positive=True) / (2 * take("height", height, u.kpc, positive=True))
    if np.any(share > 1):
        raise ValueError(f"disc must be at most twice the height, got {disc} and {height}")
    return local / share
