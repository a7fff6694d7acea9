"""The ledger's entries of this part."""

from collections.abc import Callable

import numpy as np
from astropy import units as u

from crlab.acceleration import bell_cycle, emax
from crlab.claims import Claim

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
]
