"""The ledger's entries of this part."""

from collections.abc import Callable

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.acceleration import bell_cycle, emax, escape, instability, remnant
from crlab.ledger.claims import Claim

__all__ = ["CLAIMS"]

_CYCLE = "acceleration/bells-cycle"
_REMNANT = "acceleration/how-far-does-a-remnant-get"
_SMALL_STEPS = "Small energy gain ΔE, little particle loss ΔN per cycle"
_KNEE = "We do not understand how supernova remnants accelerate to the knee"
_TYPICAL = {"speed": 1e4 * u.km / u.s, "field": 1 * u.uG, "age": 1000 * u.yr}


def _power(function: Callable[[u.Quantity], float], speed: u.Quantity) -> float:
    """Local exponent of a function of the shock's speed."""
    return float(np.log(function(1.01 * speed) / function(speed)) / np.log(1.01))


def _gain_power(speed: u.Quantity) -> float:
    return _power(lambda U: bell_cycle.mean_gain(U) - 1, speed)


def _loss_power(speed: u.Quantity) -> float:
    return _power(lambda U: 1 - bell_cycle.return_probability(U / 4), speed)


def _time_factor(compression: float) -> u.Quantity:
    speed, kappa = 1e4 * u.km / u.s, 1e26 * u.cm**2 / u.s
    return (emax.acceleration_time(speed, kappa, compression=compression) * speed**2 / kappa).to(u.one)


def _energy_in_age_units(speed: u.Quantity, field: u.Quantity, age: u.Quantity) -> u.Quantity:
    return (emax.maximum_energy(speed, field, age) / emax.hillas_energy(speed, field, speed * age)).to(u.one)


def _age_power(age: u.Quantity) -> float:
    wave = emax.BlastWave()

    def energy(t: u.Quantity) -> u.Quantity:
        return emax.maximum_energy(wave.speed(t), 1 * u.uG, t)

    return float(np.log((energy(1.01 * age) / energy(age)).to_value(u.one)) / np.log(1.01))


def _field_needed(energy: u.Quantity, age: u.Quantity) -> u.Quantity:
    return emax.field_needed(energy, emax.BlastWave(), age)


_SEDOV = "acceleration/the-remnant-itself"
_GROWING = "acceleration/growing-the-field"
_ESCAPE = "acceleration/escape"
_BELL = "The Bell instability can amplify B-fields"
_HIGHEST = "The highest CR energies can be achieved at start of Sedov-Taylor phase"
_RELEASE = "Time-dependence of B-field amplification determines CR escape"
_SHOCK = {"speed": 1e4 * u.km / u.s, "density": const.m_p / u.cm**3}


def _simulated_speed_power(cells: int) -> float:
    times = np.geomspace(500, 2000, 13) * u.yr
    run = remnant.explode(times, radius=8 * u.pc, cells=cells)
    return float(np.polyfit(np.log(run.times.value), np.log(run.shock_speed.value), 1)[0])


def _amplified(speed: u.Quantity, density: u.Quantity, energy: u.Quantity) -> instability.Amplification:
    current = instability.escape_current(speed, density=density, energy=energy)
    return instability.amplify(current=current, field=3 * u.uG, density=density, energy=energy)


def _last_wave(speed: u.Quantity, density: u.Quantity, energy: u.Quantity) -> u.Quantity:
    growth = _amplified(speed, density, energy)
    radius = emax.gyroradius(energy, growth.field[-1])
    return (growth.shortest[-1] / (2 * np.pi * radius)).to(u.one)


def _energy_share(speed: u.Quantity, density: u.Quantity, efficiency: float) -> u.Quantity:
    field = instability.saturated_field(speed, density=density, efficiency=efficiency)
    return (field**2 / (2 * const.mu0) / (speed / const.c * efficiency * density * speed**2)).to(u.one)


def _field_power(speed: u.Quantity, density: u.Quantity, energy: u.Quantity) -> float:
    fields = [_amplified(U, density, energy).field[-1] for U in (speed / 2, speed)]
    return float(np.log2(fields[1] / fields[0]))


def _peak_energy(mass: u.Quantity, efficiency: float) -> u.Quantity:
    gas, times = 1.4 * 1.67e-24 * u.g / u.cm**3, np.geomspace(40, 400, 13) * u.yr
    run = remnant.explode(times, ejecta_mass=mass, density=gas, radius=4 * u.pc, cells=400)
    field = instability.saturated_field(run.shock_speed, density=gas, efficiency=efficiency)
    return emax.maximum_energy(run.shock_speed, field, times).max().to(u.PeV)


CLAIMS: list[Claim] = [
    Claim(
        id="acceleration-gain",
        slide=_SMALL_STEPS,
        words="gain per cycle ∝ (U/c)^a, a",
        chapter=_CYCLE,
        compute=_gain_power,
        inputs={"speed": 3000 * u.km / u.s},
        stated=1.0,
        tolerance=0.01,
    ),
    Claim(
        id="acceleration-loss",
        slide=_SMALL_STEPS,
        words="loss per cycle ∝ (U/c)^a, a",
        chapter=_CYCLE,
        compute=_loss_power,
        inputs={"speed": 3000 * u.km / u.s},
        stated=1.0,
        tolerance=0.01,
    ),
    Claim(
        id="acceleration-index",
        slide=_SMALL_STEPS,
        words="dN/dE ∝ E^-s, s",
        chapter=_CYCLE,
        compute=bell_cycle.index,
        inputs={"u1": 3000 * u.km / u.s, "compression": 4.0},
        stated=2.0,
        tolerance=0.01,
        remark=(
            "Gain and loss both ∝ U/c give a power law; that s is 2 follows from their ratio, so from the "
            "compression ratio 4. It is {three:.2g} for r = 3 and {two:.2g} for r = 2."
        ),
        variants={"three": {"compression": 3.0}, "two": {"compression": 2.0}},
    ),
    Claim(
        id="acceleration-time",
        slide=_KNEE,
        words="acceleration time in κ/U²",
        chapter=_REMNANT,
        compute=_time_factor,
        inputs={"compression": 4.0},
        stated=8.0,
        tolerance=0.01,
        remark="For r = 4 and κ/u equal on both sides; with these it is {three:.2g} for r = 3.",
        variants={"three": {"compression": 3.0}},
    ),
    Claim(
        id="acceleration-emax",
        slide=_KNEE,
        words="E_max with 1 µG",
        chapter=_REMNANT,
        compute=emax.maximum_energy,
        inputs=_TYPICAL,
        stated=100 * u.TeV,
        tolerance=0.25,
        remark="The slide rounds {precise:.4g}, which holds the factor 3/8 of age = 8κ/U² and κ = c r_g/3.",
        variants={"precise": {}},
    ),
    Claim(
        id="acceleration-hillas-like",
        slide=_KNEE,
        words="E_max in (U²/c) q B t",
        chapter=_REMNANT,
        compute=_energy_in_age_units,
        inputs=_TYPICAL,
        stated=1.0,
        tolerance=0.1,
        agrees=False,
        remark=(
            "The slide's relation drops the factor 3/8 of its own inputs, while its number of about 100 TeV is near "
            "what one gets with it."
        ),
    ),
    Claim(
        id="acceleration-age",
        slide=_KNEE,
        words="a larger age does not help: U² t ∝ t^a, a",
        chapter=_REMNANT,
        compute=_age_power,
        inputs={"age": 3e4 * u.yr},
        stated=1 - 2 * 3 / 5,
        tolerance=0.05,
        remark=(
            "From U ∝ t^-3/5 on the slide. What a particle has gained along the way does not shrink: "
            "it levels off. The energy that the shock still reaches within its age falls."
        ),
    ),
    Claim(
        id="acceleration-field-for-the-knee",
        slide=_KNEE,
        words="field needed for 3 PeV",
        chapter=_REMNANT,
        compute=_field_needed,
        inputs={"energy": 3 * u.PeV, "age": 1000 * u.yr},
        stated=100 * u.uG,
        tolerance=0.3,
        remark=(
            "Gained along the life of a remnant of 1e51 erg and 1 solar mass. By 300 yr it takes {early:.3g}, with "
            "all the time there is {late:.2g}."
        ),
        variants={"early": {"age": 300 * u.yr}, "late": {"age": 1e5 * u.yr}},
    ),
    Claim(
        id="acceleration-speed-power",
        slide=_HIGHEST,
        words="speed of the simulated blast wave ∝ t^a, a",
        chapter=_SEDOV,
        compute=_simulated_speed_power,
        inputs={"cells": 300},
        stated=-3 / 5,
        tolerance=0.03,
        remark="From a solution of the Euler equations, so that the exponent is found and not put in.",
    ),
    Claim(
        id="acceleration-last-wave",
        slide=_BELL,
        words="growth stops once λ/2π reaches r_g: their ratio",
        chapter=_GROWING,
        compute=_last_wave,
        inputs={**_SHOCK, "energy": 100 * u.TeV},
        stated=1.0,
        tolerance=0.1,
        remark="The slide writes λ ~ r_g; here a wave can grow as long as k r_g > 1.",
    ),
    Claim(
        id="acceleration-field-energy",
        slide=_BELL,
        words="energy density of the field over (U/c) ε_CR",
        chapter=_GROWING,
        compute=_energy_share,
        inputs={**_SHOCK, "efficiency": 0.1},
        stated=1.0,
        tolerance=0.6,
        remark="The slide writes “~”: with k r_g = 1 and ε_CR = ξ_CR ρU² the factor is {factor:.2g}.",
        variants={"factor": {}},
    ),
    Claim(
        id="acceleration-field-power",
        slide=_HIGHEST,
        words="field at saturation ∝ U^a, a",
        chapter=_GROWING,
        compute=_field_power,
        inputs={**_SHOCK, "energy": 100 * u.TeV},
        stated=3 / 2,
        tolerance=0.03,
        remark="Found by letting the waves grow until none can.",
    ),
    Claim(
        id="acceleration-knee-with-amplification",
        slide=_HIGHEST,
        words="highest energy that a simulated remnant reaches with the amplified field",
        chapter=_ESCAPE,
        compute=_peak_energy,
        inputs={"mass": 1.4 * u.Msun, "efficiency": 0.1},
        stated=3 * u.PeV,
        tolerance=1.0,
        remark=(
            "The slide needs the knee and gives no number. For 1.4 solar masses of ejecta and ξ_CR = 0.1; with 0.01 "
            "it is {lean:.1g}. The peak comes a little before the swept mass equals the ejecta."
        ),
        variants={"lean": {"efficiency": 0.01}},
    ),
    Claim(
        id="acceleration-emax-power",
        slide=_HIGHEST,
        words="E_max ∝ U² B t ∝ t^-a, a",
        chapter=_ESCAPE,
        compute=lambda amplified: float(escape.sedov_slope(amplified=amplified)),
        inputs={"amplified": 1.5},
        stated=11 / 10,
        tolerance=1e-3,
        remark="With a field that stays as it was a is {steady:.1g}.",
        variants={"steady": {"amplified": 0}},
    ),
    Claim(
        id="acceleration-release-order",
        slide=_RELEASE,
        words="age at which 100 TeV leave over that of 10 TeV, against 10^(-10/11)",
        chapter=_ESCAPE,
        compute=lambda late, early: (escape.EscapeLaw().escape_time(early) / escape.EscapeLaw().escape_time(late)).to(
            u.one
        ),
        inputs={"late": 10 * u.TeV, "early": 100 * u.TeV},
        stated=10 ** (-10 / 11),
        tolerance=1e-3,
        remark="The highest energies leave first, as the slide says.",
    ),
]
