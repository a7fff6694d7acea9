"""What the exercises of this part ask for."""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.acceleration import emax, instability, remnant, shock
from crlab.acceleration._kernels import FAR, NEAR
from crlab.acceleration.escape import EscapeLaw, sedov_slope
from crlab.ledger.answers import Answer

__all__ = ["ANSWERS"]

_KMS = u.km / u.s
_TYPICAL = {"speed": 1e4 * _KMS, "field": 1 * u.uG, "age": 1000 * u.yr}
_HYDROGEN = const.m_p / u.cm**3


def _unweighted_index() -> float:
    """1 + loss over gain of a cycle, with directions drawn without the flux weight."""
    gain, loss = 2 * (1 / 2) * (1 - 1 / 4), 4 * (1 / 4)  # in u1/c
    return 1 + loss / gain


def _equal_kappa_factor() -> float:
    kappa = 1e26 * u.cm**2 / u.s
    slow = emax.acceleration_time(_TYPICAL["speed"], kappa, kappa_2=kappa)
    return float(slow / emax.acceleration_time(_TYPICAL["speed"], kappa))


def _growing_field_energy() -> u.Quantity:
    def field(speed: u.Quantity) -> u.Quantity:
        return 265 * u.uG * (speed / (1e4 * _KMS)).to_value(u.one) ** 1.5

    return emax.energy_history(emax.BlastWave(), 1e5 * u.yr, field)


def _bubble_time() -> u.Quantity:
    thin = 1.4 * 0.01 * 1.67e-24 * u.g / u.cm**3
    return remnant.characteristic_scales(ejecta_mass=1 * u.Msun, density=thin).time


def _kinetic_share() -> float:
    x = (np.arange(4000) + 0.5) / 4000
    R = remnant.sedov_radius(1 * u.kyr)
    flow = remnant.sedov_profile(x * R, 1 * u.kyr)
    motion = (x**2 * flow.density * flow.velocity**2 / 2).sum()
    heat = (x**2 * 1.5 * flow.pressure).sum()
    return float(motion / (motion + heat))


def _efolds() -> u.Quantity:
    current = instability.escape_current(5000 * _KMS, density=_HYDROGEN, energy=1 * u.PeV)
    rate = instability.fastest_growth(current=current, field=3 * u.uG, density=_HYDROGEN).rate
    return (rate * 300 * u.yr).to(u.one)


def _sixth_moment() -> float:
    return (2 * FAR**6 + 6 * NEAR**6) / 8


def _gathered() -> float:
    """Density at κ = 3 over that at κ = 1 after a long time, of walkers that leave a cell at a rate ∝ κ there."""
    kappa = np.array([1.0, 2.0, 3.0])
    hop = np.diag(kappa[:-1], -1) + np.diag(kappa[1:], 1)
    density = np.linalg.matrix_power(np.eye(3) + 0.1 * (hop - np.diag(hop.sum(axis=0))), 1000) @ np.ones(3)
    return float(density[2] / density[0])


def _bohm_growth() -> float:
    """Exponent of p_max(t) if the time for an e-fold is proportional to p: dp/dt is constant."""
    time_slope = 1.0
    return 1 / time_slope


def _gain_from_density() -> float:
    """E_max ∝ U^(7/2) ρ^(1/2) at given age, and U ∝ ρ^(-1/5) in the Sedov phase."""
    return 7 / 2 * (-1 / 5) + 1 / 2


ANSWERS: list[Answer] = [
    Answer(
        id="bell-1",
        exercise="ex-bell-first-order",
        wanted="the index s for r = 2.5",
        kind="a pure number",
        compute=lambda: float(shock.energy_index(2.5)),
        tolerance=0.01,
        hint="s = 1 + loss over gain, each to first order in u/c.",
    ),
    Answer(
        id="bell-2",
        exercise="ex-bell-unweighted",
        wanted="the index s without the flux weight, r = 4",
        kind="a pure number",
        compute=_unweighted_index,
        tolerance=0.01,
        hint="the mean of μ is another, the loss is the same.",
    ),
    Answer(
        id="bell-3",
        exercise="ex-bell-relativistic-gas",
        wanted="the index s for r = 7",
        kind="a pure number",
        compute=lambda: float(shock.energy_index(7, limit=7)),
        hint="simulate takes limit=7; a sample of 200 000 has an error of about a percent.",
    ),
    Answer(
        id="shock-1",
        exercise="ex-sde-moments",
        wanted="the sixth moment of the four values",
        kind="a pure number",
        compute=_sixth_moment,
        tolerance=0.01,
        hint="raise 1 + √6 and 1 - √(2/3) to the third power.",
    ),
    Answer(
        id="shock-2",
        exercise="ex-sde-drift",
        wanted="the density where κ is three times as large, over that where it is not",
        kind="a pure number",
        compute=_gathered,
        tolerance=0.05,
        hint="as many walkers leave a place as come to it.",
    ),
    Answer(
        id="shock-3",
        exercise="ex-sde-bohm",
        wanted="the exponent a of p_max ∝ t^a for Bohm diffusion",
        kind="a pure number",
        compute=_bohm_growth,
        tolerance=0.05,
        hint="the time for an e-fold is proportional to κ, and so to p: what is dp/dt?",
    ),
    Answer(
        id="reach-1",
        exercise="ex-remnant-factor",
        wanted="the factor by which the largest energy falls",
        kind="a pure number",
        compute=_equal_kappa_factor,
        hint="acceleration_time takes kappa_2.",
    ),
    Answer(
        id="reach-2",
        exercise="ex-remnant-iron",
        wanted="the largest energy of iron",
        kind="an energy",
        unit="PeV",
        compute=lambda: emax.maximum_energy(**_TYPICAL, charge=26),
        hint="only E/q counts.",
    ),
    Answer(
        id="reach-3",
        exercise="ex-remnant-growing",
        wanted="the energy gained in the end, by 1e5 yr",
        kind="an energy",
        unit="PeV",
        compute=_growing_field_energy,
        tolerance=0.06,
        hint="energy_history takes a function of the speed for the field.",
    ),
    Answer(
        id="reach-4",
        exercise="ex-remnant-bohm-factor",
        wanted="the field for 3 PeV within 1000 yr",
        kind="a magnetic field",
        unit="uG",
        compute=lambda: emax.field_needed(3 * u.PeV, emax.BlastWave(), 1000 * u.yr, factor=10),
        hint="everything depends on B over the factor.",
    ),
    Answer(
        id="remnant-1",
        exercise="ex-remnant-density",
        wanted="the age t_ST in the bubble, for one solar mass of ejecta",
        kind="a time",
        unit="yr",
        compute=_bubble_time,
        hint="both scales go as the density to the power -1/3.",
    ),
    Answer(
        id="remnant-2",
        exercise="ex-remnant-energy",
        wanted="the share of the energy that is motion",
        kind="a pure number",
        compute=_kinetic_share,
        hint="a monatomic gas holds 3/2 of its pressure as heat; shells have the volume 4πr² dr.",
    ),
    Answer(
        id="growing-1",
        exercise="ex-growing-time",
        wanted="the e-folds for 1 PeV",
        kind="a pure number",
        compute=_efolds,
        tolerance=0.06,
        hint="escape_current gives the current, fastest_growth its rate.",
    ),
    Answer(
        id="growing-3",
        exercise="ex-growing-density",
        wanted="the exponent a of E_max ∝ ρ^a at given energy of the explosion and age",
        kind="a pure number",
        compute=_gain_from_density,
        tolerance=0.03,
        hint="in the Sedov phase U falls as ρ^(-1/5) at given age.",
    ),
    Answer(
        id="escape-1",
        exercise="ex-escape-iron",
        wanted="the age at which the iron leaves",
        kind="a time",
        unit="yr",
        compute=lambda: EscapeLaw(floor=10 * u.TeV).escape_time(100 / 26 * u.TeV),
        hint="which rigidity does it have, and where is the floor?",
    ),
    Answer(
        id="escape-2",
        exercise="ex-escape-wind",
        wanted="the exponent of t in E_max",
        kind="a pure number",
        compute=lambda: -float(sedov_slope(amplified=1.5, expansion=2 / 3)) - 2 / 3,
        tolerance=0.02,
        hint="E_max goes as U² B t, and the gas thins as R^-2.",
    ),
    Answer(
        id="escape-3",
        exercise="ex-escape-share",
        wanted="the exponent s",
        kind="a pure number",
        compute=lambda: (-2.2 + 2) * EscapeLaw().slope,
        tolerance=0.02,
        hint="energy per e-fold of energy follows the share at the moment of escape.",
    ),
]
