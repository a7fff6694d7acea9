"""What the exercises of this part ask for."""

from functools import cache

import numpy as np
from astropy import units as u

from crlab import timescales
from crlab.diffusion.green import survival
from crlab.galaxy import SUN, Halo
from crlab.ledger.answers import Answer
from crlab.sources.classifier import Samples, View, samples, train
from crlab.sources.credit import feature, feature_rate, single_source
from crlab.sources.library import load
from crlab.sources.population import Arms, Population, number_of_sources
from crlab.sources.release import EscapeLaw
from crlab.sources.statistics import causal_slope, stable_distribution, stable_scale

__all__ = ["ANSWERS"]

_PER_SECOND = u.cm**2 / u.s


def _half_the_height() -> float:
    """N_src with height and κ halved, over that of the default halo."""
    low, R = Halo(height=2.5 * u.kpc, kappa0=2.5e28 * _PER_SECOND), 10 * u.TV
    few = number_of_sources(low.escape_time(R), height=2.5 * u.kpc)
    return float(few / number_of_sources(Halo().escape_time(R)))


def _time_from_half_way() -> float:
    t, weight = np.polynomial.legendre.leggauss(100)
    return float((survival((2 * (t + 1)) ** 2, source=0.5) * 8 * (t + 1) * weight).sum())


def _reach(energy: u.Quantity) -> u.Quantity:
    """√(4κ t_cool) of electrons."""
    kappa = Halo().kappa(energy.to_value(u.GeV) * u.GV)
    return np.sqrt(4 * kappa * timescales.cooling_time(energy)).to(u.kpc)


def _height_for_three_quarters() -> float:
    """Where a walker must start on a ladder with two ends to leave by the upper one three times in four."""
    steps = 40
    inside = np.eye(steps - 1) - (np.eye(steps - 1, k=1) + np.eye(steps - 1, k=-1)) / 2
    upwards = np.linalg.solve(inside, np.r_[np.zeros(steps - 2), 0.5])
    return float(np.interp(0.75, upwards, np.linspace(-1, 1, steps + 1)[1:-1]))


def _highest_rate() -> u.Quantity:
    phi = np.linspace(0, 2 * np.pi, 3601)
    return Population("Green 2015", arms=Arms()).density(SUN * np.cos(phi), SUN * np.sin(phi)).max()


def _nearest() -> u.Quantity:
    rate = Population("Green 2015").density(0 * u.kpc, SUN)
    return np.sqrt(np.log(2) / (np.pi * rate * 20 * u.kyr)).to(u.kpc)


def _number_for_the_median() -> float:
    """N_src at which the median of the stable law is 0.9: its distance from the mean goes as N^(-1/4)."""
    shift = 1 - float(stable_distribution(1e4).quantile(0.5))
    return 1e4 * (shift / 0.1) ** 4


def _more_features() -> float:
    slow, usual = (feature_rate(10 * u.TeV, 0.1, scenario=EscapeLaw(slope=a)) for a in (0.8, 1.1))
    return float(slow / usual)


def _blurred() -> float:
    """Height of the line of the chapter's source, averaged over its age, over the sharp one."""
    law, energy = EscapeLaw(), np.geomspace(5, 100, 4000) * u.TeV
    x = [
        single_source(energy, distance=0.3 * u.kpc, age=age, scenario=law)
        for age in [20, *np.linspace(18, 22, 41)] * u.kyr
    ]
    return float(np.mean(x[1:], axis=0).max() / x[0].max())


@cache
def _without_dampe() -> float:
    """A tree's accuracy between burst and CREDIT from AMS-02 with a fit of its own, on unseen Galaxies."""
    view = View(separate=True)
    columns = np.flatnonzero(view.bins.of("AMS-02"))
    learn, test = (
        Samples(part.features[:, columns], part.labels, part.galaxy)
        for part in samples(load(), "CREDIT 10 TeV", view, seed=1).split(0.7)
    )
    return train("tree", learn).report(test).between("burst", "CREDIT")


ANSWERS: list[Answer] = [
    Answer(
        id="many-1",
        exercise="ex-many-height",
        wanted="the number of sources over that before",
        kind="a pure number",
        compute=_half_the_height,
        hint="κ halves as well, and the time is a height squared over it.",
    ),
    Answer(
        id="many-2",
        exercise="ex-many-start",
        wanted="the mean time of who is born half way up, in units of the height squared over κ",
        kind="a pure number",
        compute=_time_from_half_way,
        hint="T vanishes at both walls.",
    ),
    Answer(
        id="many-3",
        exercise="ex-many-horizon",
        wanted="how far an electron of 1 TeV comes",
        kind="a length",
        unit="kpc",
        compute=lambda: _reach(1 * u.TeV),
        tolerance=0.06,
        hint="√(4κt), with the real cooling time and not the Thomson limit.",
    ),
    Answer(
        id="where-1",
        exercise="ex-where-hot-spot",
        wanted="the highest rate on the Sun's circle",
        kind="a rate per area",
        unit="1/(kpc2 Myr)",
        compute=_highest_rate,
        hint="density of the population with arms, at many angles.",
    ),
    Answer(
        id="where-3",
        exercise="ex-where-nearest",
        wanted="the median for sources younger than 20 kyr, with the local rate of the profile without arms",
        kind="a length",
        unit="kpc",
        compute=_nearest,
        hint="half of all Galaxies have no source in this circle.",
    ),
    Answer(
        id="where-4",
        exercise="ex-where-groups",
        wanted="by which factor the nearest place is farther away",
        kind="a pure number",
        compute=lambda: float(np.sqrt(5)),
        hint="the median goes as a root of the rate of places.",
    ),
    Answer(
        id="green-2",
        exercise="ex-green-off-plane",
        wanted="the height for three quarters, over that of the halo",
        kind="a pure number",
        compute=_height_for_three_quarters,
        hint="the probability is linear in the height.",
    ),
    Answer(
        id="green-3",
        exercise="ex-green-electrons",
        wanted="how far electrons of 10 TeV come",
        kind="a length",
        unit="kpc",
        compute=lambda: _reach(10 * u.TeV),
        tolerance=0.06,
        hint="√(4κt) with the cooling time.",
    ),
    Answer(
        id="galaxies-1",
        exercise="ex-one-median",
        wanted="the number of sources",
        kind="a pure number",
        compute=_number_for_the_median,
        tolerance=0.1,
        hint="the distance from the mean falls as the fourth root of the number.",
    ),
    Answer(
        id="galaxies-3",
        exercise="ex-one-thick",
        wanted="the power of n in the error of the mean",
        kind="a pure number",
        compute=lambda: -1 - 1 / float(causal_slope(1e9, dimension=3)),
        hint="the mean of n draws from a tail x^-α has an error of n^(1/α - 1).",
    ),
    Answer(
        id="galaxies-4",
        exercise="ex-one-rate",
        wanted="by which factor the band grows",
        kind="a pure number",
        compute=lambda: float(stable_scale(1.0) / stable_scale(2.0)),
        hint="the width follows the fourth root of the number of sources.",
    ),
    Answer(
        id="credit-1",
        exercise="ex-credit-vela",
        wanted="the energy of the feature",
        kind="an energy",
        unit="TeV",
        compute=lambda: feature(distance=0.29 * u.kpc, age=11 * u.kyr, scenario=EscapeLaw()).energy,
        hint="what arrives now has left after about the age of the remnant.",
    ),
    Answer(
        id="credit-2",
        exercise="ex-credit-slope",
        wanted="the number of features for a = 0.8 over that for a = 1.1",
        kind="a pure number",
        compute=_more_features,
        hint="the number goes as the time of escape over a.",
    ),
    Answer(
        id="credit-3",
        exercise="ex-credit-blur",
        wanted="the height of the blurred line over the sharp one",
        kind="a pure number",
        compute=_blurred,
        tolerance=0.1,
        hint="average over ages that are 10 % younger to 10 % older.",
    ),
    Answer(
        id="tell-1",
        exercise="ex-tell-prior",
        wanted="the probability of smooth after the change",
        kind="a pure number",
        compute=lambda: 0.01 * 0.5 / (0.01 * 0.5 + 0.3 + 0.2),
        hint="multiply each probability by its prior, then divide by the sum of all three.",
    ),
    Answer(
        id="tell-2",
        exercise="ex-tell-dampe",
        wanted="the share that AMS-02 alone tells right of burst-like and CREDIT spectra, if there is no third answer",
        kind="a pure number",
        compute=_without_dampe,
        tolerance=0.06,
        hint="CREDIT differs most above 10 TeV; where does AMS-02 end?",
    ),
    Answer(
        id="scale-1",
        exercise="ex-scale-batch",
        wanted="the smallest batch",
        kind="a pure number",
        compute=lambda: (5 * u.ms / (0.01 * 12 * u.ms)).to(u.one),
        hint="the loss is one cost of scheduling for each batch.",
    ),
]
