"""What the talk says of diffuse emission: how far up it is measured, and which cosmic rays make it."""

import numpy as np
from astropy import units as u

from crlab.claims import Claim
from crlab.emission.cross_sections import RIGIDITY, emissivity_matrix
from crlab.emission.smooth import measurements

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
]
