"""What independent methods give in this part."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.stats import norm

from crlab.diffusion.green import causal_loss, green, mean_density, theta
from crlab.diffusion.transport import Grid, Problem, steady_state
from crlab.ensemble import fill, read
from crlab.galaxy import Halo
from crlab.ledger.sources.claims import CLAIMS
from crlab.ledger.validation import Validation
from crlab.parallel import Block
from crlab.sources.classifier import Samples, train
from crlab.sources.credit import RATE, feature_rate, pulse_limits, single_source
from crlab.sources.population import Population, ferriere_rate
from crlab.sources.release import EscapeLaw
from crlab.sources.spectra import Galaxy, prepare
from crlab.sources.statistics import exact_distribution, sources_above, stable_distribution, tail_coefficient

__all__ = ["VALIDATIONS"]

_R = 10 * u.TV
_HALO = Halo()
_NUMBER = float(Galaxy().number(_R))
_CLAIM: dict[str, Callable[..., Any]] = {claim.id: claim.compute for claim in CLAIMS}


def _walked_out() -> tuple[float, float]:
    """Mean time to the walls of a lattice, in units of h²/κ: exact for any number of sites."""
    sites, walkers, rng = 20, 4000, np.random.default_rng(1)
    left, z, step = np.zeros(walkers), np.zeros(walkers, dtype=int), 0
    while np.any(left == 0):
        path = z[:, None] + np.cumsum(rng.choice([-1, 1], size=(walkers, 200)), axis=1)
        out = np.abs(path) >= sites
        first = np.where(out.any(axis=1), step + 1 + out.argmax(axis=1), 0)
        left = np.where(left == 0, first, left)
        z, step = path[:, -1], step + 200
    s = left / (2 * sites**2)
    return float(s.mean()), float(s.std() / np.sqrt(walkers))


def _far_from_the_disc() -> float:
    """ψ(3 kpc)/ψ(0) on cells of 10/101 kpc; the source fills the middle one."""
    grid = Grid(x=np.linspace(-5, 5, 102) * u.kpc, p=[1, 10] * u.GV)
    source = np.zeros(grid.shape)
    source[50] = 1
    kappa = 1 * u.kpc**2 / u.Myr
    psi = steady_state(Problem(grid=grid, kappa=kappa, source=source / u.kpc**3 / u.Myr)).psi[:, 0]
    return float(np.interp(3, (grid.x[1:] + grid.x[:-1]).value / 2, psi.value) / psi.value[50])


def _summed_over_sources() -> float:
    """The same from bursts at all distances and ages, summed."""
    high, low = 3 * u.kpc, 0 * u.kpc
    kappa = 1 * u.kpc**2 / u.Myr
    smooth = mean_density(kappa=kappa, z=high) / mean_density(kappa=kappa, z=low)
    return float(smooth * _CLAIM["sources-mean"](z=high) / _CLAIM["sources-mean"](z=low))


def _half_width() -> float:
    """From half height to half height of one pulse on a grid of ages, over the age at its maximum."""
    rho, kappa = 0.3 * u.kpc, _HALO.kappa(1 * u.TV)
    peak = rho**2 / (6 * kappa)
    age = np.geomspace(0.2, 6, 20_001)
    pulse = green(rho, kappa * peak * age)
    above = age[pulse > pulse.max() / 2]
    return float(above[-1] - above[0])


def _lost_behind_light() -> float:
    """2 ∫ Θ exp(-c²τ/4κ) dτ in units of h²/κ, over s = t²."""
    y = (const.c * _HALO.height / (2 * _HALO.kappa(100 * u.TV))).to_value(u.one)
    t, weight = np.polynomial.legendre.leggauss(400)
    t, weight = 2 * (t + 1), 2 * weight
    return float(2 * (theta(t**2) * np.exp(-((y * t) ** 2)) * 2 * t * weight).sum())


@cache
def _fluxes() -> np.ndarray[Any, np.dtype[np.float64]]:
    return prepare(Galaxy(), [9, 10] * u.TV).realisations(3000, seed=1)[:, 0, 1]


def _drawn(probability: float) -> tuple[float, float]:
    """Quantile of the sample; its error from the quantiles one binomial error off."""
    x = _fluxes()
    off = np.sqrt(probability * (1 - probability) / x.size)
    low, value, high = np.quantile(x, [probability - off, probability, probability + off])
    return float(value), float(high - low) / 2


def _drawn_band() -> tuple[float, float]:
    (low, low_error), (high, high_error) = _drawn(0.16), _drawn(0.84)
    return high - low, float(np.hypot(low_error, high_error))


def _band(law: Any) -> float:
    low, high = law(_NUMBER).quantile([0.16, 0.84])
    return float(high - low)


def _far_tail() -> float:
    """Sources with over a hundredth of the mean flux if all of them are much nearer than the walls."""
    rate = 2 * _NUMBER / np.pi
    return float(tail_coefficient() * (2 / 0.01) ** (4 / 3) * rate ** (-1 / 3))


def _bright_ones() -> tuple[float, float]:
    """The same from places and ages drawn at random."""
    rng, n = np.random.default_rng(1), 400_000
    reach, oldest, kappa = 1.5 * u.kpc, 0.1 * u.Myr, _HALO.kappa(_R)
    rho, age = reach * np.sqrt(rng.random(n)), oldest * rng.random(n)
    share = green(rho, kappa * age) / (RATE * _HALO.height / (2 * kappa))
    found = int(np.count_nonzero(share.to_value(u.one) > 0.01))
    each = (RATE * np.pi * reach**2 * oldest).to_value(u.one) / n
    return found * each, float(np.sqrt(found)) * each


def _nearest_drawn() -> tuple[u.Quantity, u.Quantity]:
    """Median distance of the nearest source younger than 20 kyr."""
    disc, rng, n = Population("infinite"), np.random.default_rng(1), 2000
    drawn = [disc.sample(20 * u.kyr, seed=rng, within=4 * u.kpc).rho.value.min() for _ in range(n)]
    off = 0.5 / np.sqrt(n)
    low, middle, high = np.quantile(drawn, [0.5 - off, 0.5, 0.5 + off])
    return middle * u.kpc, (high - low) / 2 * u.kpc


def _features_drawn() -> tuple[float, float]:
    """Features above a tenth with their peak within an e-fold about 10 TeV, from random near sources."""
    rng, n, reach = np.random.default_rng(1), 2000, 0.8 * u.kpc
    rho, age = reach * np.sqrt(rng.random(n)), rng.uniform(25, 110, n)
    E = np.geomspace(4, 40, 600) * u.TeV
    x = single_source(E, distance=rho[:, None], age=age[:, None] * u.kyr, scenario=EscapeLaw())
    at = np.log(E.value[x.argmax(1)] / 10)
    found = int(((x.max(1) > 0.1) & (np.abs(at) < 0.5)).sum())
    each = (RATE * np.pi * reach**2 * 85 * u.kyr).to_value(u.one) / n
    return found * each, float(np.sqrt(found)) * each


_APART = 2.0


def _best_accuracy() -> float:
    """Three normal classes of width 1 in a row, d apart: [4Φ(d/2) - 1]/3."""
    return float((4 * norm.cdf(_APART / 2) - 1) / 3)


def _learned() -> tuple[float, float]:
    """Accuracy of a forest where one of four columns tells the classes apart, and the others are noise."""
    rng, n = np.random.default_rng(1), 18_000
    labels, features = np.arange(n) % 3, rng.normal(size=(n, 4))
    features[:, 2] += _APART * labels
    learn, test = Samples(features, labels, np.arange(n)).split(0.5)
    report = train("forest", learn).report(test)
    return report.accuracy, report.accuracy_error


def _from_a_store() -> tuple[float, float]:
    """Share of 600 Galaxies above their mean under CREDIT: a run that two threads took up where one had died."""
    simulator = prepare(Galaxy(), [30, 33] * u.TV, scenarios={"CREDIT": EscapeLaw(floor=10 * u.TeV)})
    task: dict[str, Any] = {
        "n": 600,
        "batch": 50,
        "seed": 5,
        "coords": {"scenario": [0.0], "rigidity": [30.0, 33.0]},
        "parameters": {"scenario": "CREDIT"},
        "progress": False,
    }

    def mortal(block: Block) -> Any:
        if block.start >= 300:
            raise MemoryError
        return simulator.batch(block)

    with TemporaryDirectory() as folder:
        store = f"{folder}/galaxies"
        with ThreadPoolExecutor(1) as one, suppress(MemoryError):
            fill(store, mortal, executor=one, **task)
        with ThreadPoolExecutor(2) as two:
            fill(store, simulator.batch, executor=two, **task)
        share = float(np.mean(read(store)[:, 0, 0] > 1))
    return share, float(np.sqrt(share * (1 - share) / 600))


VALIDATIONS: list[Validation] = [
    Validation(
        id="sources-residence",
        system="particles born in the plane of the halo",
        quantity="mean time until they leave, in z_max²/κ",
        chapter="sources/how-many-sources",
        methods={"analytic": lambda: 0.5, "numerical": _CLAIM["sources-residence"], "Monte Carlo": _walked_out},
        tolerance=1e-4,
        remark="Numerical: the integral over how many are left. Monte Carlo: walkers on a lattice.",
    ),
    Validation(
        id="sources-cooling",
        system="electrons in the halo that lose energy as in the Thomson limit",
        quantity="exponent of ψ at 1 TeV, Γ = 2.2 and δ = 0.6",
        chapter="sources/how-many-sources",
        methods={
            "analytic": lambda: -2.2 - (0.6 + 1) / 2,
            "numerical": lambda: _CLAIM["sources-slope-cooling"]("Thomson", 1 * u.TeV),
        },
        tolerance=1e-3,
    ),
    Validation(
        id="sources-supernovae",
        system="core collapse in the whole Galaxy",
        quantity="supernovae",
        chapter="sources/where-the-sources-are",
        methods={"numerical": lambda: ferriere_rate("II"), "published": lambda: 1 / (60 * u.yr)},
        unit="1/kyr",
        tolerance=0.02,
        remark="Numerical: the rate per area near the Sun and its profile, integrated. Published: Ferrière (2001).",
    ),
    Validation(
        id="sources-nearest",
        system="sources younger than 20 kyr in a uniform disc",
        quantity="median distance of the nearest",
        chapter="sources/where-the-sources-are",
        methods={
            "analytic": lambda: np.sqrt(np.log(2) / (np.pi * RATE * 20 * u.kyr)),
            "Monte Carlo": _nearest_drawn,
        },
        unit="kpc",
        tolerance=1e-3,
    ),
    Validation(
        id="sources-height",
        system="a thin disc of bursts in the halo",
        quantity="mean ψ(3 kpc)/ψ(0)",
        chapter="sources/greens-function-of-the-halo",
        methods={
            "analytic": lambda: 1 - 3 / 5,
            "numerical": _summed_over_sources,
            "finite volume": _far_from_the_disc,
        },
        tolerance=1e-3,
        remark="Numerical: Green's function, summed over all places and ages.",
    ),
    Validation(
        id="sources-pulse",
        system="the pulse of one near source",
        quantity="width at half height over the time of the peak",
        chapter="sources/greens-function-of-the-halo",
        methods={"analytic": lambda: pulse_limits()[1] - pulse_limits()[0], "numerical": _half_width},
        tolerance=1e-3,
        remark="Analytic: Lambert's function, without walls. Numerical: with walls, on a grid of ages.",
    ),
    Validation(
        id="sources-causal",
        system="sources that light could not have reached us from, at 100 TV",
        quantity="their share of the mean flux",
        chapter="sources/greens-function-of-the-halo",
        methods={
            "analytic": lambda: float(causal_loss(kappa=_HALO.kappa(100 * u.TV))),
            "numerical": _lost_behind_light,
        },
        tolerance=1e-4,
    ),
    Validation(
        id="sources-bright",
        system="single bright sources at 10 TV",
        quantity="how many give over 1 % of the mean flux",
        chapter="sources/one-galaxy-many-galaxies",
        methods={
            "analytic": _far_tail,
            "numerical": lambda: float(sources_above(0.01, _NUMBER)),
            "Monte Carlo": _bright_ones,
        },
        tolerance=0.005,
        remark="Analytic: a tail with exponent -4/3, without walls. Monte Carlo: random places and ages.",
    ),
    Validation(
        id="sources-median",
        system="the flux from random sources at 10 TV",
        quantity="its median over its mean",
        chapter="sources/one-galaxy-many-galaxies",
        methods={
            "analytic": lambda: float(stable_distribution(_NUMBER).quantile(0.5)),
            "numerical": lambda: float(exact_distribution(_NUMBER).quantile(0.5)),
            "Monte Carlo": lambda: _drawn(0.5),
        },
        tolerance=0.002,
        remark="Analytic: the stable law. Numerical: the exact distribution. Monte Carlo: simulated Galaxies.",
    ),
    Validation(
        id="sources-band",
        system="the same",
        quantity="width of its band from 16 % to 84 %, over the mean",
        chapter="sources/one-galaxy-many-galaxies",
        methods={
            "analytic": lambda: _band(stable_distribution),
            "numerical": lambda: _band(exact_distribution),
            "Monte Carlo": _drawn_band,
        },
        tolerance=0.02,
        remark="The stable law is exact for infinitely many sources only.",
    ),
    Validation(
        id="sources-features",
        system="lines of near sources under CREDIT",
        quantity="how many exceed a tenth of the mean, per e-fold about 10 TeV",
        chapter="sources/credit",
        methods={"analytic": lambda: float(feature_rate(10 * u.TeV, 0.1)), "Monte Carlo": _features_drawn},
        tolerance=0.05,
        remark="Analytic: for lines narrow in energy. Monte Carlo: spectra of random sources.",
    ),
    Validation(
        id="sources-classifier",
        system="three classes of overlapping normal deviates",
        quantity="share of samples that are classified right",
        chapter="sources/can-we-tell-them-apart",
        methods={"analytic": _best_accuracy, "Monte Carlo": _learned},
        tolerance=0.01,
        remark=(
            "Analytic: the best that any classifier can do. Monte Carlo: the chapter's forest, taught with 9000 "
            "samples and tried on 9000 others. The tolerance is for what they leave unlearned."
        ),
    ),
    Validation(
        id="sources-store",
        system="an ensemble under CREDIT at 30 TV, from a store that was interrupted and resumed",
        quantity="share of Galaxies with more than the mean flux",
        chapter="sources/at-scale",
        methods={
            "analytic": lambda: 1 - float(stable_distribution(float(Galaxy().number(30 * u.TV))).cdf(1)),
            "numerical": lambda: 1 - float(exact_distribution(float(Galaxy().number(30 * u.TV))).cdf(1)),
            "Monte Carlo": _from_a_store,
        },
        tolerance=0.005,
        remark=(
            "Analytic: the stable law, for infinitely many sources. Numerical: the exact distribution. Both know no "
            "delays, which only shift the births. Monte Carlo: half by one thread, which dies, half by two."
        ),
    ),
]
