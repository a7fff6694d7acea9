"""What the talk says of discrete sources: their number, their time scales, their spectra."""

import functools
from typing import Any

import numpy as np
from astropy import units as u

from crlab.diffusion.green import green, lepton_density, mean_density, survival
from crlab.galaxy import Break, Halo
from crlab.ledger.claims import Claim
from crlab.sources.bins import proton_bins
from crlab.sources.credit import feature, feature_rate, pulse_height, single_source, source_count
from crlab.sources.population import Population, number_of_sources
from crlab.sources.release import EscapeLaw
from crlab.sources.statistics import exact_distribution, sources_above
from crlab.timescales import lepton_losses

__all__ = ["CLAIMS"]

_NUMBER = "The number of sources contributing to CR flux decreases with energy"
_SMOOTH = "Source density is oftentimes considered smooth, while it really is discrete"
_SCALES = "Time scales"
_NARROW = "The Green's function has narrow spectral features"
_ERRORS = "Statistical errors are much smaller than CREDIT features"
_CONFIDENT = "We can confidently discriminate between the different scenarios"
_HOW_MANY = "sources/how-many-sources"
_CREDIT = "sources/credit"
_TELL = "sources/can-we-tell-them-apart"
_GREEN = "sources/greens-function-of-the-halo"
_FLUCTUATIONS = "Stochastic nature of sources implies fluctuations in spectrum"
_ONE = "sources/one-galaxy-many-galaxies"


def _residence() -> float:
    """Mean time in the halo in units of h²/κ, by integrating how many are left."""
    t, weight = np.polynomial.legendre.leggauss(100)
    return float((survival((2 * (t + 1)) ** 2) * 8 * (t + 1) * weight).sum())


def _distance(dimensions: float) -> float:
    """Root of the mean square of the way along `dimensions` axes within h²/2κ, in units of h."""
    return float(np.sqrt(2 * dimensions * _residence()))


def _number(rigidity: u.Quantity, profile: str, breaks: tuple[Break, ...]) -> float:
    halo = Halo(breaks=breaks)
    uniform = 1 / (np.pi * (15.5 * u.kpc) ** 2)
    richer = Population(profile).sigma_eff() / uniform if profile != "infinite" else 1.0
    return float(number_of_sources(halo.escape_time(rigidity)) * richer)


def _slope(losses: str, energy: u.Quantity) -> float:
    """Exponent of the density in the plane for Γ = 2.2, δ = 0.6."""

    def rate(E: u.Quantity) -> u.Quantity:
        if losses == "none":
            return 1e-9 * E / u.Myr
        return lepton_losses(E, thomson=losses == "Thomson")

    E = energy.to(u.GeV) * np.array([1, 1.02])
    psi = lepton_density(E, halo=Halo(), losses=rate, index=2.2)
    return float(np.log(psi[1] / psi[0]) / np.log(1.02))


def _mean_over_smooth(z: u.Quantity) -> u.Quantity:
    """Sum over all places and ages of single bursts, over the steady solution for a smooth disc."""
    kappa = Halo().kappa(1 * u.TV)
    t, weight = np.polynomial.legendre.leggauss(100)
    spread = (10 * (t + 1)) ** 2  # Λ in kpc2
    y, y_weight = np.polynomial.laguerre.laggauss(16)
    rho = np.sqrt(4 * spread[:, None] * y) * u.kpc
    G = green(rho, spread[:, None] * u.kpc**2, z=z)
    ring = (4 * np.pi * spread[:, None] * u.kpc**2 * G * y_weight * np.exp(y)).sum(1)
    total = (ring * weight * 10 * 20 * (t + 1) * u.kpc**2 / kappa).sum()
    return (total / mean_density(kappa=kappa, z=z)).to(u.one)


def _width(distance: u.Quantity, age: u.Quantity) -> float:
    """Width of the feature under CREDIT over that of a burst, both in decades."""
    place = {"distance": distance, "age": age}
    return feature(scenario=EscapeLaw(), **place).width / feature(**place).width


def _error_over_feature(energy: u.Quantity, experiment: str) -> float:
    """Error of the best bin over what a feature adds to it, such as one is expected in each e-fold of energy."""
    amplitude = feature_rate(energy, 1) ** 1.5  # dN/dlnE falls as A^(-2/3)
    rho = (pulse_height(1 * u.kpc).value * np.pi * 5**3 / (amplitude * source_count(energy))) ** (1 / 3) * u.kpc
    bins, E = proton_bins(experiment), np.geomspace(20, 1.2e5, 4001) * u.GeV
    x = bins.average(E, single_source(E, distance=rho, age=EscapeLaw().escape_time(energy), scenario=EscapeLaw()))
    return float(1 / (x / bins.stat).max())


@functools.cache
def _tree_report(floor: str, degree: int, extra: float) -> Any:
    """How a decision tree does among Galaxies that it has not learned from."""
    # Imported here, so that the other chapters of the part do not depend on the classifier.
    from crlab.sources.classifier import View, samples, train
    from crlab.sources.library import load

    learn, test = samples(load(), f"CREDIT {floor}", View(degree, extra=extra), seed=1).split()
    return train("tree", learn).report(test)


def _told_apart(question: str, floor: str, degree: int, extra: float) -> float:
    """Accuracy of a decision tree, for all three classes or for smooth against the rest."""
    report = _tree_report(floor, degree, extra)
    return report.accuracy if question == "which" else float(np.mean((report.predicted == 0) == (report.labels == 0)))


def _mean_of_realisations(number: float) -> float:
    """Mean of the sum over random sources, ∫ N(> x) dx, with the x^(-4/3) tail beyond the last point."""
    x = np.geomspace(1e-14, 1e3, 4001)
    above = sources_above(x, number)
    return float(np.trapezoid(x * above, np.log(x)) + 3 * above[-1] * x[-1])


def _median_of_realisations(number: float) -> float:
    return float(exact_distribution(number).quantile(0.5))


def _active_remnants(floor: u.Quantity, rate: u.Quantity) -> u.Quantity:
    """Remnants that still hold particles: those younger than the age at which the last are let go."""
    return (rate * EscapeLaw(floor=floor).escape_time(floor)).to(u.one)


CLAIMS: list[Claim] = [
    Claim(
        id="sources-active-remnants",
        slide="Supernova remnant paradigm",
        words="number of active supernova remnants in the Galaxy",
        chapter=_HOW_MANY,
        compute=_active_remnants,
        inputs={"floor": 1 * u.TeV, "rate": 1 / (50 * u.yr)},
        stated=(1e3, 1e5),
        tolerance=0.1,
        remark=(
            "The slide does not say what “active” means. Here: one remnant in 50 yr, each active until its highest "
            "energy has fallen to 1 TeV; if that is 10 TeV, {ten:.2g}."
        ),
        variants={"ten": {"floor": 10 * u.TeV}},
    ),
    Claim(
        id="sources-residence",
        slide=_NUMBER,
        words="residence time in the halo, in units of z_max²/κ",
        chapter=_HOW_MANY,
        compute=_residence,
        stated=0.5,
        tolerance=1e-5,
        remark="Exact for particles born in the plane: the mean over all of them.",
    ),
    Claim(
        id="sources-distance",
        slide=_NUMBER,
        words="diffusion distance √(2κ t_res), in units of z_max",
        chapter=_HOW_MANY,
        compute=_distance,
        inputs={"dimensions": 1},
        stated=1.0,
        tolerance=1e-5,
        remark="This is the way along one axis. Along the plane, two axes, it is {plane:.2f}; an estimate either way.",
        variants={"plane": {"dimensions": 2}},
    ),
    *(
        Claim(
            id=f"sources-number-{name}",
            slide=_NUMBER,
            words=f"number of sources at {name[:2]} {name[2:].upper()}",
            chapter=_HOW_MANY,
            compute=_number,
            inputs={"rigidity": R, "profile": "infinite", "breaks": ()},
            stated=stated,
            tolerance=0.25,
            remark=remark,
            variants=variants,
        )
        for name, R, stated, remark, variants in (
            (
                "10gv",
                10 * u.GV,
                2e5,
                "The slide gives one digit; rate and disc radius are ours (1 in 50 yr, 15.5 kpc), so that all three "
                "come out. Sources spread as in Case & Bhattacharya (1998) count as {profile:.2g}.",
                {"profile": {"profile": "Case & Bhattacharya 1998"}},
            ),
            (
                "10tv",
                10 * u.TV,
                2000.0,
                "One digit again. With a break of κ at 312 GV, by 0.2, it would be {broken:.2g}.",
                {"broken": {"breaks": (Break(312 * u.GV, change=0.2),)}},
            ),
            (
                "10pv",
                10 * u.PV,
                40.0,
                "Formal: the mean free path 3κ/c is longer there than the halo is high, so particles do not diffuse. "
                "At 1 PV it is {pev:.2g}.",
                {"pev": {"rigidity": 1 * u.PV}},
            ),
        )
    ),
    Claim(
        id="sources-slope-diffusion",
        slide=_SCALES,
        words="exponent where diffusion dominates, Γ = 2.2 and δ = 0.6",
        chapter=_HOW_MANY,
        compute=_slope,
        inputs={"losses": "none", "energy": 1 * u.TeV},
        stated=-2.8,
        tolerance=1e-4,
        remark="-Γ-δ.",
    ),
    Claim(
        id="sources-slope-cooling",
        slide=_SCALES,
        words="exponent where cooling dominates, Γ = 2.2 and δ = 0.6",
        chapter=_HOW_MANY,
        compute=_slope,
        inputs={"losses": "Thomson", "energy": 1 * u.TeV},
        stated=-3.0,
        tolerance=1e-3,
        remark=(
            "-Γ-(δ+1)/2, for t_cool ∝ 1/E. The Klein-Nishina cross-section of the same slide bends t_cool: with it the "
            "exponent is {kn100:.2f} at 100 GeV and {kn1:.2f} at 1 TeV."
        ),
        variants={
            "kn100": {"losses": "Klein-Nishina", "energy": 100 * u.GeV},
            "kn1": {"losses": "Klein-Nishina", "energy": 1 * u.TeV},
        },
    ),
    Claim(
        id="sources-mean",
        slide=_SMOOTH,
        words="mean of discrete sources over the solution for a smooth density",
        chapter=_GREEN,
        compute=_mean_over_smooth,
        inputs={"z": 0 * u.kpc},
        stated=1.0,
        tolerance=1e-4,
        remark="At every height; {high:.4f} at 3 kpc.",
        variants={"high": {"z": 3 * u.kpc}},
    ),
    Claim(
        id="sources-credit-width",
        slide=_NARROW,
        words="width of one source's feature over that of a burst, in decades",
        chapter=_CREDIT,
        compute=_width,
        inputs={"distance": 0.3 * u.kpc, "age": 20 * u.kyr},
        stated=(0.0, 0.1),
        tolerance=1e-3,
        remark=(
            "The slide says “narrow”; a tenth is our reading. At 0.3 kpc and 20 000 yr; at 100 000 yr {old:.2g}, "
            "at 1 kpc {far:.2g}: far sources make broad bumps."
        ),
        variants={"old": {"age": 100 * u.kyr}, "far": {"distance": 1 * u.kpc}},
    ),
    Claim(
        id="sources-credit-errors",
        slide=_ERRORS,
        words="statistical error over what a feature adds to a bin",
        chapter=_CREDIT,
        compute=_error_over_feature,
        inputs={"energy": 1 * u.TeV, "experiment": "AMS-02"},
        stated=(0.0, 0.1),
        tolerance=1e-3,
        remark=(
            "“Much smaller” is read as a tenth. For a feature of which each e-fold of energy has one, in AMS-02 at "
            "1 TeV. DAMPE's bins are wider than the features: there it is {dampe1:.2g} at 1 TeV and {dampe10:.2g} "
            "at 10 TeV."
        ),
        variants={
            "dampe1": {"experiment": "DAMPE", "energy": 1.2 * u.TeV},
            "dampe10": {"experiment": "DAMPE", "energy": 11 * u.TeV},
        },
    ),
    Claim(
        id="sources-classifier-smooth",
        slide=_CONFIDENT,
        words="smooth or stochastic? share that a decision tree gets right",
        chapter=_TELL,
        compute=_told_apart,
        inputs={"question": "smooth", "floor": "10 TeV", "degree": 1, "extra": 0.0},
        stated=1.0,
        tolerance=0.05,
        remark=(
            "The slide gives no number. Ours is for a smooth spectrum known but for slope and normalisation, and "
            "statistical errors alone. With a cubic in ln E left free it is {cubic:.2g}, with 0.5 % of error more in "
            "each bin {worse:.2g}."
        ),
        variants={"cubic": {"degree": 3}, "worse": {"degree": 3, "extra": 0.005}},
    ),
    Claim(
        id="sources-classifier-which",
        slide=_CONFIDENT,
        words="smooth, burst-like or CREDIT? share that a decision tree gets right",
        chapter=_TELL,
        compute=_told_apart,
        inputs={"question": "which", "floor": "10 TeV", "degree": 1, "extra": 0.0},
        stated=1.0,
        tolerance=0.2,
        remark=(
            "For E_b = 10 TeV; for 1 TeV it is {low:.2g}. For 100 TeV it is {high:.2g}, the two thirds that guessing "
            "between the stochastic two gives: below E_b they are the same. With a cubic left free it is {cubic:.2g}."
        ),
        variants={"low": {"floor": "1 TeV"}, "high": {"floor": "100 TeV"}, "cubic": {"degree": 3}},
    ),
    Claim(
        id="sources-realisations-mean",
        slide=_FLUCTUATIONS,
        words="mean of ψ over realisations, over the solution for a smooth source density",
        chapter=_ONE,
        compute=_mean_of_realisations,
        inputs={"number": 2488.0},
        stated=1.0,
        tolerance=1e-3,
        remark="At 10 TV. The mean is finite and that of the slide; the variance is not finite.",
    ),
    Claim(
        id="sources-realisations-median",
        slide=_FLUCTUATIONS,
        words="flux of the middle one of many Galaxies at 10 TV, over the mean",
        chapter=_ONE,
        compute=_median_of_realisations,
        inputs={"number": 2488.0},
        stated=1.0,
        tolerance=0.02,
        agrees=False,
        source="often quoted",
        remark=(
            "The slide names the mean, and predictions often show nothing else. The middle Galaxy lies below it, at "
            "10 GV at {low:.3g} and at 1 PV at {high:.2g} of the mean."
        ),
        variants={"low": {"number": 1.57e5}, "high": {"number": 157.0}},
    ),
]
