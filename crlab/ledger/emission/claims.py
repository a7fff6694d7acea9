"""What the talk says of diffuse emission: how far up it is measured, and which cosmic rays make it."""

import numpy as np
from astropy import units as u

from crlab.emission.cross_sections import RIGIDITY, emissivity_matrix
from crlab.emission.density import spread
from crlab.emission.smooth import measurements
from crlab.emission.stochastic import beam_scale, column_share
from crlab.galaxy import Halo
from crlab.ledger.claims import Claim
from crlab.sources.credit import source_count
from crlab.sources.release import Burst, Release, Suppression

__all__ = ["CLAIMS"]

_SLIDE = "Local fluxes vs diffuse emission"
_INGREDIENTS = "emission/the-ingredients"
_SMOOTH = "emission/the-smooth-sky"


def _share(secondary: str, energy: u.Quantity, below: float) -> float:
    """Energy of the secondary over that of the proton below which a fraction of it is made."""
    W = emissivity_matrix([energy.value] * energy.unit, secondary=secondary, species=("p",))[0]
    lnR = np.interp(below, (np.cumsum(W) / W.sum()).value, np.log(RIGIDITY.to_value(u.GV)))
    return float(energy.to_value(u.GeV) / np.exp(lnR))


def _highest(regions: tuple[str, ...]) -> u.Quantity:
    return max(measurements(region)["energy"].max() for region in regions).to(u.PeV)


def _brightened(age: u.Quantity, rigidity: u.Quantity, scenario: Release) -> float:
    """Intensity along 15 kpc of the plane with one source of 50 pc on it, over that without."""
    wide = spread(age, rigidity, scenario=scenario)[0, 0] + (50 * u.pc) ** 2 / 2
    free = (Halo().kappa(rigidity) * age / wide).to_value(u.one)
    return float(1 + column_share(age, 15 * u.kpc) * free)


def _spread_of_intensity(energy: u.Quantity) -> float:
    """What the upper 2.5 per cent of the stable law exceed the mean by, over the mean, along 15 kpc of the plane."""
    return 6.2675 * float(beam_scale(source_count(energy), 3.0))  # the standardised quantile of S1(3/2, 1)


CLAIMS: list[Claim] = [
    Claim(
        id="emission-parent-gamma",
        slide=_SLIDE,
        words="share of the proton's energy in a gamma ray of 10 TeV, median",
        chapter=_INGREDIENTS,
        compute=_share,
        inputs={"secondary": "gamma", "energy": 10 * u.TeV, "below": 0.5},
        stated=0.1,
        tolerance=0.5,
        source="often quoted",
        variants={"high": {"below": 0.16}, "low": {"below": 0.84}},
        remark="Broad: two thirds of the gamma rays carry between {low:.2g} and {high:.2g} of it.",
    ),
    Claim(
        id="emission-parent-neutrino",
        slide=_SLIDE,
        words="share of the proton's energy in a neutrino of 10 TeV, median",
        chapter=_INGREDIENTS,
        compute=_share,
        inputs={"secondary": "nu_all", "energy": 10 * u.TeV, "below": 0.5},
        stated=0.05,
        tolerance=0.5,
        source="often quoted",
        agrees=True,
        remark="One twentieth is the mean share; in a falling spectrum the harder secondaries weigh more.",
    ),
    Claim(
        id="emission-pev",
        slide=_SLIDE,
        words="highest energy of a measured diffuse intensity",
        chapter=_SMOOTH,
        compute=_highest,
        inputs={"regions": ("lhaaso-inner", "lhaaso-outer", "tibet-inner", "tibet-outer", "whole-sky")},
        stated=1 * u.PeV,
        tolerance=0.5,
        remark="The slide says about a PeV; this is the centre of the last bin of LHAASO, which ends at 1 PeV.",
    ),
    Claim(
        id="emission-plane-enhanced",
        slide="Along the galactic plane, intensity can be enhanced by factors of a few",
        words="factor by which one source of 1 kyr with slow diffusion around it brightens its line of sight",
        chapter="emission/one-galaxy",
        compute=_brightened,
        inputs={"age": 1 * u.kyr, "rigidity": 100 * u.TV, "scenario": Suppression()},
        stated=(2.0, 5.0),
        tolerance=0.1,
        variants={
            "burst": {"scenario": Burst()},
            "milder": {"scenario": Suppression(factor=10.0)},
            "older": {"age": 10 * u.kyr},
            "low": {"rigidity": 10 * u.TV},
        },
        remark="At its centre, for parents of 100 TV; at 10 TV it is {low:.2g}, since the source's own 50 pc are wider "
        "than what slow diffusion adds. It rests on diffusion slower by 100 for 50 kyr, which is this book's choice "
        "and not the talk's: with 10 in place of 100 the factor is {milder:.2g}, with neither {burst:.3g}, and at an "
        "age of 10 kyr {older:.3g}.",
    ),
    Claim(
        id="emission-deviations",
        slide="Deviations from the ensemble average can be sizeable",
        words="relative deviation that 2.5 per cent of burst-like Galaxies exceed, parents of 100 TV, along 15 kpc",
        chapter="emission/many-galaxies",
        compute=_spread_of_intensity,
        inputs={"energy": 100 * u.TeV},
        stated=(0.1, 0.9),
        tolerance=0.1,
        source="Stall & Mertsch 2025",
        variants={"low": {"energy": 10 * u.TeV}, "high": {"energy": 1000 * u.TeV}},
        remark="The paper states tens of per cent as the largest over the sky; ours is one direction. At 10 TV it is "
        "{low:.2g}, at 1 PV {high:.2g}.",
    ),
]
