"""The ledger's entries of this part."""

from astropy import constants as const
from astropy import units as u

from crlab.claims import Claim
from crlab.data import table
from crlab.grammage.chain import network
from crlab.grammage.fit import fit_boron_to_carbon
from crlab.grammage.halo import HaloModel
from crlab.grammage.slab import crossing_grammage, grammage, pair, residence_time

__all__ = ["CLAIMS"]

_COMPOSITION = "grammage/composition-and-grammage"
_DIFFUSION = "grammage/from-slab-to-diffusion"
_GRAMMAGE = u.g / u.cm**2
_NUCLEON = 1.7e-24 * u.g  # the talk's gas is all hydrogen
_GAS = {"density": 1 / u.cm**3, "mass": _NUCLEON}


def _largest_ratio(name: str) -> u.Quantity:
    return table(name)["value"].max()


def _slab(ratio: float, primary: str, secondary: str, helium: float) -> u.Quantity:
    return grammage(ratio, **pair(network(helium=helium), primary, secondary))


def _halo_grammage(rigidity: u.Quantity, **halo: u.Quantity) -> u.Quantity:
    return HaloModel(**halo).grammage(rigidity)


def _fitted_delta(name: str, third: str, correlation: float) -> u.Quantity:
    fit = fit_boron_to_carbon(table(name), free=("kappa0", "delta", third), correlation=correlation)
    return fit.values["delta"]


CLAIMS: list[Claim] = [
    Claim(
        id="grammage-observed-ratio",
        slide="Secondaries from spallation",
        words="secondaries over primaries, where they are most (boron over carbon)",
        chapter=_COMPOSITION,
        compute=_largest_ratio,
        inputs={"name": "ams02-bc-2021"},
        stated=0.3,
        tolerance=0.1,
        remark="The ratio peaks near 4 GV and falls to 0.05 at 2 TV: 0.3 is the value at a few GV.",
    ),
    Claim(
        id="grammage-from-ratio",
        slide="Secondaries from spallation",
        words="grammage for a ratio of 0.3",
        chapter=_COMPOSITION,
        compute=_slab,
        inputs={"ratio": 0.3, "primary": "12C", "secondary": "B", "helium": 0.0},
        stated=7.2 * _GRAMMAGE,
        tolerance=0.1,
        remark=(
            "The slide's assumptions: carbon is the only parent, the gas pure hydrogen. They err in opposite ways. "
            "Helium makes it 8.3 g/cm2; with nitrogen and oxygen as further parents it is 5.3 g/cm2."
        ),
    ),
    Claim(
        id="grammage-crossing",
        slide="Secondaries from spallation",
        words="grammage of one crossing of the disc",
        chapter=_COMPOSITION,
        compute=crossing_grammage,
        inputs={**_GAS, "height": 100 * u.pc},
        stated=5e-4 * _GRAMMAGE,
        tolerance=0.1,
    ),
    Claim(
        id="grammage-crossings",
        slide="Secondaries from spallation",
        words="crossings needed, 7.2 over 5e-4",
        chapter=_COMPOSITION,
        compute=lambda X, **gas: X / crossing_grammage(**gas),
        inputs={"X": 7.2 * _GRAMMAGE, **_GAS, "height": 100 * u.pc},
        stated=7.2 / 5e-4,
        tolerance=0.1,
        remark="The slide says “many”; the number is the quotient of its two grammages.",
    ),
    Claim(
        id="grammage-residence-time",
        slide="Secondaries from spallation",
        words="residence time in the disc",
        chapter=_COMPOSITION,
        compute=residence_time,
        inputs={"X": 7.2 * _GRAMMAGE, **_GAS},
        stated=3e6 * u.yr,
        tolerance=0.1,
        agrees=False,
        remark=(
            "The slide's own inputs give 4.5 Myr. Its 3 Myr needs denser gas: with the helium that goes with each "
            "hydrogen atom, 2.34e-24 g in place of 1.7e-24 g, it is 3.3 Myr."
        ),
    ),
    Claim(
        id="grammage-parsec",
        slide="Secondaries from spallation",
        words="one parsec",
        chapter=_COMPOSITION,
        compute=lambda: const.pc,
        stated=3.1e18 * u.cm,
        tolerance=0.02,
    ),
    Claim(
        id="grammage-from-diffusion",
        slide="Secondaries from spallation",
        words="diffusion makes particles cross the disc often enough",
        chapter=_DIFFUSION,
        compute=_halo_grammage,
        inputs={"rigidity": 10 * u.GV, "kappa0": 5e28 * u.cm**2 / u.s, "halo_height": 5 * u.kpc},
        stated=7.2 * _GRAMMAGE,
        tolerance=0.5,
        remark=(
            "Diffusion coefficient and height from the slide “Time scales”, for 10 GV, with its 100 pc wide disc "
            "counted on both sides. The order is right; B/C fitted with path lengths of all sizes wants more gas "
            "or slower diffusion."
        ),
    ),
    Claim(
        id="diffusion-index-with-break",
        slide="Diffusive escape",
        words="index of the diffusion coefficient, fitted to B/C with a break in rigidity",
        chapter=_DIFFUSION,
        compute=_fitted_delta,
        inputs={"name": "ams02-bc-2021", "third": "delta_change", "correlation": 0.3},
        stated=0.6,
        tolerance=0.1,
        agrees=False,
        remark=(
            "The slide gives its exponents as an example. This model and its cross-sections prefer less; the fit's "
            "error is below 0.05, but how one explains the flat end of B/C matters as much: see the next entry."
        ),
    ),
    Claim(
        id="diffusion-index-with-source-grammage",
        slide="Diffusive escape",
        words="the same, with gas around the sources in place of a break",
        chapter=_DIFFUSION,
        compute=_fitted_delta,
        inputs={"name": "ams02-bc-2021", "third": "source_grammage", "correlation": 0.3},
        stated=0.6,
        tolerance=0.1,
    ),
]
