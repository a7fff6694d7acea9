"""The ledger's entries of this part."""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.anisotropy.collisions import coulomb_mean_free_path
from crlab.anisotropy.sky import contrast, published_amplitudes
from crlab.anisotropy.sources import ballistic_sky, galactic_sources
from crlab.anisotropy.walk import Walk, diffusion_coefficient, simulate
from crlab.ledger.claims import Claim

__all__ = ["CLAIMS"]

_SKY = "anisotropy/how-isotropic-is-the-sky"
_WALK = "anisotropy/from-flying-to-diffusing"
_LENGTH = 1 * u.pc  # of no consequence: times are given in free flights


def _amplitude_decade(which: str, energy: u.Quantity, what: str = "decade") -> u.Quantity:
    """Of the smallest or largest amplitude: its decade, itself, its energy; or the number or lowest energy of all."""
    table = published_amplitudes()
    table = table[table["energy"] <= energy]
    row = table[{"smallest": np.argmin, "largest": np.argmax}[which](table["amplitude"])]
    everything = {
        "decade": np.log10(row["amplitude"]),
        "amplitude": row["amplitude"],
        "energy": row["energy"].to(u.TeV),
        "lowest": table["energy"].min(),
        "number": len(table),
    }
    return u.Quantity(everything[what])


def _ballistic(number: int, nside: int) -> float:
    return contrast(ballistic_sky(galactic_sources(number, seed=1), nside=nside))


def _collisions(rigidity: u.Quantity, residence: u.Quantity) -> u.Quantity:
    """Deflections by collisions during the residence time of a particle at the speed of light."""
    return (const.c * residence / coulomb_mean_free_path(rigidity)).to("")


def _late_walk(flights: tuple[float, float], number: int) -> Walk:
    return simulate(flights * _LENGTH / const.c, mean_free_path=_LENGTH, number=number, seed=1)


def _exponent(flights: tuple[float, float], number: int) -> float:
    walk = _late_walk(flights, number)
    return float(np.diff(np.log(walk.mean_square.value))[0] / np.diff(np.log(walk.t.value))[0])


def _constant(flights: tuple[float, float], number: int) -> u.Quantity:
    walk = _late_walk(flights, number)
    return (walk.mean_square / walk.t / diffusion_coefficient(_LENGTH)).to("")[-1]


CLAIMS: list[Claim] = [
    Claim(
        id="anisotropy-smallest",
        slide="Anisotropy (I)",
        words="decade (log10) of the smallest dipole amplitude published up to a PeV",
        chapter=_SKY,
        compute=_amplitude_decade,
        inputs={"which": "smallest", "energy": 1 * u.PeV},
        stated=(-4.0, -3.0),
        tolerance=0.05,
        remark=(
            "Of {number:.0f} published values. The lowest energy among them is {lowest:.2g}: below, the Sun's field "
            "bends the arrival directions, and we quote no measurement."
        ),
        variants={"number": {"what": "number"}, "lowest": {"what": "lowest"}},
    ),
    Claim(
        id="anisotropy-largest",
        slide="Anisotropy (I)",
        words="decade (log10) of the largest dipole amplitude published up to a PeV",
        chapter=_SKY,
        compute=_amplitude_decade,
        inputs={"which": "largest", "energy": 1 * u.PeV},
        stated=(-4.0, -3.0),
        tolerance=0.05,
        remark="The value is {amplitude:.2g} at {energy:.2g}, of the order that the slide gives.",
        variants={"amplitude": {"what": "amplitude"}, "energy": {"what": "energy"}},
    ),
    Claim(
        id="anisotropy-ballistic",
        slide="Anisotropy (II)",
        words="anisotropy of 40 Galactic sources without scattering",
        chapter=_SKY,
        compute=_ballistic,
        inputs={"number": 40, "nside": 8},
        stated=1.0,
        tolerance=0.5,
        remark="Exactly 1 by the definition, as long as one direction is dark.",
    ),
    Claim(
        id="anisotropy-collisions",
        slide="Anisotropy (II)",
        words="deflections by Coulomb collisions in 1e7 years at 10 GV, with 1 proton per cm3",
        chapter=_WALK,
        compute=_collisions,
        inputs={"rigidity": 10 * u.GV, "residence": 1e7 * u.yr},
        stated=(0.0, 1.0),
        tolerance=0.01,
        remark="The slide says too few; fewer than one is too few to make an arrival direction random.",
    ),
    Claim(
        id="anisotropy-random-walk",
        slide="Anisotropy (II)",
        words="exponent of the mean square distance with time, late",
        chapter=_WALK,
        compute=_exponent,
        inputs={"flights": (30.0, 300.0), "number": 20_000},
        stated=1.0,
        tolerance=0.03,
        remark="From a Monte Carlo. For times far below one free flight it is {early:.2g}.",
        variants={"early": {"flights": (0.003, 0.03)}},
    ),
    Claim(
        id="anisotropy-random-walk-constant",
        slide="Anisotropy (II)",
        words="constant of proportionality, in units of the diffusion coefficient",
        chapter=_WALK,
        compute=_constant,
        inputs={"flights": (30.0, 300.0), "number": 20_000},
        stated=1.0,
        tolerance=0.5,
        agrees=False,
        remark="The slide leaves out a factor: the constant is 2 for each dimension, 6 for all three.",
    ),
]
