"""The ledger's entries of this part."""

from functools import lru_cache
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.optimize import brentq

from crlab.data import table
from crlab.grammage.chain import composition, from_observed, gas_mass, network
from crlab.grammage.fit import HaloFit, fit_boron_to_carbon
from crlab.grammage.halo import HaloModel
from crlab.grammage.slab import crossing_grammage, grammage, pair, residence_time
from crlab.grammage.spectrum import (
    ALL_PARTICLE,
    energy_density,
    fit_breaks,
    global_spline_fit,
    integral_intensity,
    per_kinetic_energy,
    source_power,
)
from crlab.ledger.claims import Claim

__all__ = ["CLAIMS"]

_SPECTRUM = "grammage/cosmic-ray-spectrum"
_COMPOSITION = "grammage/composition-and-grammage"
_DIFFUSION = "grammage/from-slab-to-diffusion"
_GRAMMAGE = u.g / u.cm**2
_NUCLEON = 1.7e-24 * u.g  # the talk's gas is all hydrogen
_GAS = {"density": 1 / u.cm**3, "mass": _NUCLEON}


def _ratio(name: str, what: str) -> u.Quantity:
    """Of a measured ratio: its largest value, the rigidity of that, the last value, or the rigidity of that."""
    measured = table(name)
    point = measured[np.argmax(measured["value"])] if what in ("largest", "peak") else measured[-1]
    return point["value"] if what in ("largest", "last") else point["x"].to(u.GV if what == "peak" else u.TV)


def _slab(ratio: float, parents: tuple[str, ...], helium: float) -> u.Quantity:
    """Grammage for a ratio of boron to carbon: one parent in closed form, several by the chain."""
    chain = network(helium=helium)
    if len(parents) == 1:
        return grammage(ratio, **pair(chain, parents[0], "B"))
    rays = composition()
    arriving = {p: float(rays["cosmic_rays"][rays["element"] == p.lstrip("0123456789")][0]) for p in parents}

    def excess(X: float) -> float:
        N = from_observed(X * _GRAMMAGE, arriving, chain)
        return float(chain.element("B", N) / chain.element("C", N)) - ratio

    return brentq(excess, 0, 30) * _GRAMMAGE


def _decades(lowest: str, highest: str) -> float:
    """Decades from the lowest kinetic energy of a rigidity table of protons to the highest of another table."""
    first = per_kinetic_energy(table(lowest), "p")[0][0]
    return float(np.log10((table(highest)["x"][-1] / first).to_value("")))


def _overall_slope(names: tuple[str, ...]) -> float:
    """Minus the slope of the straight line through all points in ln J(ln E), whatever their errors."""
    tables = [table(name) for name in names]
    x = np.concatenate([t["x"].to_value(u.GeV) for t in tables])
    y = np.concatenate([t["value"].value for t in tables])
    return float(-np.polyfit(np.log(x), np.log(y), 1)[0])


def _rate(name: str, above: u.Quantity) -> u.Quantity:
    """Particles through a flat surface from one side."""
    measured = table(name)
    rate = np.pi * u.sr * integral_intensity(measured["x"], measured["value"], above=above)
    return rate.to(1 / (u.m**2 * u.yr))


def _rate_of_light_nuclei(species: dict[str, str], above: u.Quantity) -> u.Quantity:
    """The same for particles measured one by one in rigidity."""
    spectra = (per_kinetic_energy(table(name), nucleus) for name, nucleus in species.items())
    return np.pi * u.sr * sum(integral_intensity(*spectrum, above=above) for spectrum in spectra)


def _energy_density(energy: u.Quantity, interstellar: bool) -> u.Quantity:
    nuclei = global_spline_fit(energy, interstellar=interstellar)
    return energy_density(energy, nuclei.intensity, beta=nuclei.beta).sum()


def _disc_mass(radius: u.Quantity, thickness: u.Quantity, density: u.Quantity, mass: u.Quantity) -> u.Quantity:
    return np.pi * radius**2 * thickness * density * mass


def _power(energy: u.Quantity, X: u.Quantity, delta: float, **disc: u.Quantity) -> u.Quantity:
    """For a grammage X up to 4 GV that falls as R^-delta above."""
    nuclei = global_spline_fit(energy, interstellar=True)
    falling = X * np.maximum(1, (nuclei.rigidity / (4 * u.GV)).to_value("")) ** -delta
    return source_power(energy, nuclei.intensity, grammage=falling, gas_mass=_disc_mass(**disc)).sum()


def _share(explosion: u.Quantity, rate: u.Quantity, **galaxy: u.Quantity) -> u.Quantity:
    return _power(**galaxy) / (explosion * rate)


def _knee(name: str, error: bool = False) -> u.Quantity:
    fit = fit_breaks([table(name)], indices=[2.7, 3.1], breaks=[3] * u.PeV, widths=0.2, floor=0.01)
    return (fit.breaks_error if error else fit.breaks)[0].to(u.PeV)


def _overabundance(elements: tuple[str, ...], which: str) -> float:
    """Abundances in cosmic rays over those in the Solar System, both against silicon: the least, most or mean one."""
    rays = composition()
    ratio = {row["element"]: float(row["cosmic_rays"] / row["solar_system"]) for row in rays}
    found = np.array([ratio[element] / ratio["Si"] for element in elements])
    return {"least": found.min(), "most": found.max(), "mean": np.exp(np.log(found).mean())}[which]


def _decades_of_overabundance(**which: Any) -> float:
    return float(np.log10(_overabundance(**which)))


_GRID = np.geomspace(0.1, 1e7, 401) * u.GeV
_DISC = {"radius": 15 * u.kpc, "thickness": 300 * u.pc, **_GAS}
_GALAXY = {"energy": _GRID, "X": 7.2 * _GRAMMAGE, "delta": 0.0, **_DISC}


def _halo_grammage(rigidity: u.Quantity, **halo: u.Quantity) -> u.Quantity:
    return HaloModel().changed(**halo).grammage(rigidity)


@lru_cache
def _boron_to_carbon(name: str, third: str, correlation: float) -> HaloFit:
    return fit_boron_to_carbon(table(name), free=("kappa0", "delta", third), correlation=correlation)


def _fitted_delta(name: str, third: str, correlation: float, error: bool = False) -> u.Quantity:
    fit = _boron_to_carbon(name, third, correlation)
    return (fit.errors if error else fit.values)["delta"]


CLAIMS: list[Claim] = [
    Claim(
        id="spectrum-decades",
        slide="The cosmic ray spectrum",
        words="decades in energy that the spectrum spans",
        chapter=_SPECTRUM,
        compute=_decades,
        inputs={"lowest": "ams02-p-2021", "highest": "auger-all-2021"},
        stated=12.0,
        tolerance=0.1,
        remark="From the slowest protons of AMS-02 to the most energetic particles of Auger, in this book's tables.",
    ),
    Claim(
        id="spectrum-slope",
        slide="The cosmic ray spectrum",
        words="index of the power law E^-index, all particles above 8 TeV",
        chapter=_SPECTRUM,
        compute=_overall_slope,
        inputs={"names": ALL_PARTICLE},
        stated=3.0,
        tolerance=0.05,
        remark=(
            "A straight line through all points, whatever their errors. The points of HAWC alone, below the knee, give "
            "{below:.2f}, those of TALE, above it, {above:.2f}."
        ),
        variants={"below": {"names": ("hawc-all-2022",)}, "above": {"names": ("tale-all-2018",)}},
    ),
    Claim(
        id="spectrum-rate-100-gev",
        slide="The cosmic ray spectrum",
        words="protons and helium above 100 GeV through a flat surface",
        chapter=_SPECTRUM,
        compute=_rate_of_light_nuclei,
        inputs={"species": {"ams02-p-2021": "p", "ams02-he-2021": "4He"}, "above": 100 * u.GeV},
        stated=1 / (u.m**2 * u.s),
        tolerance=0.5,
        agrees=False,
        source="often quoted",
        remark="Above 600 GeV it is {higher:.2g}. The saying is of an order of magnitude at best.",
        variants={"higher": {"above": 600 * u.GeV}},
    ),
    Claim(
        id="spectrum-rate-knee",
        slide="The cosmic ray spectrum",
        words="particles above the knee, 3 PeV, through a flat surface",
        chapter=_SPECTRUM,
        compute=_rate,
        inputs={"name": "lhaaso-all-2024", "above": 3 * u.PeV},
        stated=1 / (u.m**2 * u.yr),
        tolerance=0.5,
        agrees=False,
        source="often quoted",
        remark="Above 13 PeV it is {higher:.2g}. The saying is of an order of magnitude at best.",
        variants={"higher": {"above": 13 * u.PeV}},
    ),
    Claim(
        id="spectrum-rate-ankle",
        slide="The cosmic ray spectrum",
        words="particles above the ankle, 5 EeV, through a flat surface",
        chapter=_SPECTRUM,
        compute=_rate,
        inputs={"name": "auger-all-2021", "above": 5 * u.EeV},
        stated=1 / (u.km**2 * u.yr),
        tolerance=0.5,
        agrees=False,
        source="often quoted",
        remark="The saying holds per steradian: it leaves out the π sr of a flat detector.",
    ),
    Claim(
        id="spectrum-energy-density",
        slide="The cosmic ray spectrum",
        words="energy density of nuclei in the local interstellar medium",
        chapter=_SPECTRUM,
        compute=_energy_density,
        inputs={"energy": _GRID, "interstellar": True},
        stated=1 * u.eV / u.cm**3,
        tolerance=0.25,
        source="often quoted",
        remark="From the Global Spline Fit above 1 GV. At Earth, inside the solar wind, it is {earth:.2g}.",
        variants={"earth": {"interstellar": False}},
    ),
    Claim(
        id="spectrum-source-power",
        slide="The cosmic ray spectrum",
        words="power that keeps up the cosmic rays of the Galaxy",
        chapter=_SPECTRUM,
        compute=_power,
        inputs=_GALAXY,
        stated=1e41 * u.erg / u.s,
        tolerance=0.5,
        source="often quoted",
        remark=(
            "For a grammage that does not depend on energy. If it falls as R^-0.5 above 4 GV, the power "
            "is {falling:.2g}."
        ),
        variants={"falling": {"delta": 0.5}},
    ),
    Claim(
        id="spectrum-supernova-share",
        slide="Supernova remnants have long been considered the sources of cosmic rays",
        words="share of the power of supernovae, 1e51 erg and 0.03 per year",
        chapter=_SPECTRUM,
        compute=_share,
        inputs={"explosion": 1e51 * u.erg, "rate": 0.03 / u.yr, **_GALAXY},
        stated=0.1,
        tolerance=0.5,
        source="often quoted",
        remark="With the power of the entry before.",
    ),
    Claim(
        id="spectrum-knee",
        slide="Galactic sources should accelerate to the knee, probably via shock acceleration",
        words="energy of the knee",
        chapter=_SPECTRUM,
        compute=_knee,
        inputs={"name": "lhaaso-all-2024"},
        stated=3 * u.PeV,
        tolerance=0.17,
        remark="Where the spectrum of LHAASO breaks, with an error of {error:.1g}. The slide gives one digit.",
        variants={"error": {"error": True}},
    ),
    Claim(
        id="composition-primaries",
        slide="Composition",
        words="abundance of primaries (C, O, Ne, Mg, S, Fe, Ni) over that in the Solar System, against silicon",
        chapter=_COMPOSITION,
        compute=_overabundance,
        inputs={"elements": ("C", "O", "Ne", "Mg", "S", "Fe", "Ni"), "which": "mean"},
        stated=1.0,
        tolerance=0.5,
        remark="Their geometric mean; single ones lie between {least:.2f} and {most:.2f}. The slide says “same”.",
        variants={"least": {"which": "least"}, "most": {"which": "most"}},
    ),
    Claim(
        id="composition-secondaries",
        slide="Composition",
        words="powers of ten by which the least enhanced of Li, Be, B is overabundant",
        chapter=_COMPOSITION,
        compute=_decades_of_overabundance,
        inputs={"elements": ("Li", "Be", "B"), "which": "least"},
        stated=(1.0, 6.0),
        tolerance=0.1,
        remark="The slide names no number; at least ten times is our reading. For the most enhanced it is {most:.1f}.",
        variants={"most": {"which": "most"}},
    ),
    Claim(
        id="grammage-observed-ratio",
        slide="Secondaries from spallation",
        words="secondaries over primaries, where they are most (boron over carbon)",
        chapter=_COMPOSITION,
        compute=_ratio,
        inputs={"name": "ams02-bc-2021", "what": "largest"},
        stated=0.3,
        tolerance=0.1,
        remark="The ratio peaks near {peak:.1g} and falls to {last:.1g} at {end:.1g}: 0.3 holds at the peak.",
        variants={name: {"what": name} for name in ("peak", "last", "end")},
    ),
    Claim(
        id="grammage-from-ratio",
        slide="Secondaries from spallation",
        words="grammage for a ratio of 0.3",
        chapter=_COMPOSITION,
        compute=_slab,
        inputs={"ratio": 0.3, "parents": ("12C",), "helium": 0.0},
        stated=7.2 * _GRAMMAGE,
        tolerance=0.1,
        remark=(
            "The slide's assumptions: carbon is the only parent, the gas pure hydrogen. They err in opposite ways. "
            "Helium makes it {helium:.1f}; with nitrogen and oxygen as further parents it is {chain:.1f}."
        ),
        variants={"helium": {"helium": 0.1}, "chain": {"helium": 0.1, "parents": ("12C", "14N", "16O")}},
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
            "This is what the slide's own inputs give. Its 3 Myr needs denser gas: with the mass of the helium that "
            "goes with each hydrogen atom it is {helium:.2g}."
        ),
        variants={"helium": {"mass": gas_mass()}},
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
        inputs={"rigidity": 10 * u.GV, "kappa0": 5e28 * u.cm**2 / u.s, "height": 5 * u.kpc},
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
        inputs={"name": "ams02-bc-2021", "third": "break_change", "correlation": 0.3},
        stated=0.6,
        tolerance=0.1,
        agrees=False,
        remark=(
            "The slide gives its exponents as an example. This model and its cross-sections prefer less; the fit's "
            "error is {error:.1g}, but how one explains the flat end of B/C matters as much: see the next entry."
        ),
        variants={"error": {"error": True}},
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
