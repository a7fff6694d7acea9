"""Tail, stable law and exact distribution of the flux: Nolan's and published exponents, scipy, moments, Monte Carlo."""

import numpy as np
import pytest
from astropy import units as u
from scipy.stats import levy_stable

from crlab.diffusion.green import green
from crlab.sources.statistics import (
    causal_slope,
    exact_distribution,
    sources_above,
    stable_distribution,
    stable_scale,
    tail_coefficient,
)

PROBABILITIES = [0.025, 0.16, 0.5, 0.84, 0.975]


def test_tail_in_a_thin_disc():
    """3/(32π), from ∫ 6πκτ ln(τ_g/τ) dτ done with paper and pencil."""
    assert tail_coefficient() == pytest.approx(0.0298416, rel=1e-5)


@pytest.mark.parametrize(("dimension", "alpha"), [(2, 4 / 3), (3, 5 / 3)])
def test_tail_against_sampled_sources(dimension, alpha):
    """Sources thrown at random, their density by Green's function, and those above g counted."""
    rng = np.random.default_rng(20)
    kappa, g, n, rate = 2.0, 40.0, 2_000_000, 1e4
    latest = g ** (-2 / 3) / (4 * np.pi * kappa)
    size = np.sqrt(6 * kappa * latest / np.e)
    age = latest * rng.random(n)
    if dimension == 2:
        rho, volume = size * np.sqrt(rng.random(n)), np.pi * size**2
    else:
        rho, volume = size * rng.random(n) ** (1 / 3), 4 / 3 * np.pi * size**3
    G = green(rho * u.kpc, kappa * age * u.kpc**2, height=50 * u.kpc).value
    found = (g < G).mean() * volume * latest * rate
    assert found == pytest.approx(tail_coefficient(dimension) * rate / kappa * g**-alpha, rel=0.01)


def test_tail_with_the_walls_of_the_halo():
    """Above a few thousandths of the mean the walls are far; below, they take sources away."""
    C = tail_coefficient() * 2 ** (4 / 3) * (2 * 2488 / np.pi) ** (-1 / 3)
    x = np.array([1.0, 0.01])
    assert sources_above(x, 2488) == pytest.approx(C * x ** (-4 / 3), rel=2e-3)
    assert sources_above(1e-4, 2488) < 0.99 * C * 1e-4 ** (-4 / 3)


def test_sources_above_hold_the_mean():
    """∫ N(> x) dx is the mean flux, 1."""
    x = np.geomspace(1e-14, 1e3, 4001)
    above = sources_above(x, 100.0)
    beyond = 3 * above[-1] * x[-1]  # N ∝ x^(-4/3)
    assert np.trapezoid(x * above, np.log(x)) + beyond == pytest.approx(1, rel=1e-4)


def test_scale_of_the_stable_law():
    assert stable_scale(1.0) == pytest.approx(0.27352, rel=1e-5)
    assert stable_scale([16.0, 160000.0]) == pytest.approx([0.27352 / 2, 0.27352 / 20], rel=1e-5)


def test_stable_law_against_scipy():
    law = stable_distribution(1.0)
    scale = float(stable_scale(1.0))
    x = np.array([-4.0, -2.0, -1.3605, 0.9706, 8.694, 30.85])
    assert law.cdf(1 + scale * x) == pytest.approx(levy_stable.cdf(x, 4 / 3, 1), abs=2e-5)


@pytest.mark.parametrize(
    ("number", "quantiles"),
    [(1.55e5, [0.9510, 0.9634, 0.9812, 1.0133, 1.1195]), (2457, [0.8622, 0.8972, 0.9469, 1.0374, 1.3361])],
)
def test_exact_quantiles(number, quantiles):
    """The same FFT, done elsewhere for the reference page."""
    assert exact_distribution(number).quantile(PROBABILITIES) == pytest.approx(quantiles, rel=0.005)


def test_exact_tends_to_stable():
    for number, tolerance in ((1e3, 2e-3), (1e7, 2e-5)):
        difference = exact_distribution(number).quantile(PROBABILITIES) - stable_distribution(number).quantile(
            PROBABILITIES
        )
        assert np.abs(difference).max() < tolerance


def test_exact_distribution_against_throwing_sources():
    """Few sources, summed one by one: ages to 5 and distances to 6 in units of the halo."""
    rng = np.random.default_rng(3)
    number, n = 5.0, 1500
    per_area = 2 * number / np.pi  # rate over κ/z_max⁴
    count = rng.poisson(per_area * np.pi * 36 * 5, n)
    s, rho = 5 * rng.random(count.sum()), 6 * np.sqrt(rng.random(count.sum()))
    G = green(rho * u.kpc, s * u.kpc**2, height=1 * u.kpc).value
    x = np.add.reduceat(G, np.r_[0, np.cumsum(count)[:-1]]) / (per_area / 2)
    law = exact_distribution(number)
    p = np.array(PROBABILITIES)
    found = (x[:, None] < law.quantile(p)).mean(0)
    assert np.abs((found - p) / np.sqrt(p * (1 - p) / n)).max() < 4


def test_distribution_has_the_mean_one():
    law = exact_distribution(2488)
    tail = 4 * (1 - law.probability[-1]) * law.x[-1]  # ∫ x dF beyond the end, with N ∝ x^(-4/3): α/(α-1) = 4
    middle = (law.x[1:] + law.x[:-1]) / 2
    assert (middle * np.diff(law.probability)).sum() + tail == pytest.approx(1, abs=2e-3)


def test_cdf_and_quantile_are_inverse():
    law = exact_distribution(625)
    p = np.linspace(0.001, 0.999, 50)
    assert law.cdf(law.quantile(p)) == pytest.approx(p, abs=1e-5)
    assert law.cdf(-5.0) == 0


def test_causality_thins_the_tail():
    assert causal_slope(0.01) == pytest.approx(-2.00, abs=0.02)
    assert causal_slope(0.01, dimension=3) == pytest.approx(-2.66, abs=0.02)
    assert causal_slope(1e7) == pytest.approx(-4 / 3, abs=1e-3)
    assert causal_slope(1e7, dimension=3) == pytest.approx(-5 / 3, abs=1e-3)


@pytest.mark.parametrize("dimension", [2, 3])
def test_causal_slope_by_counting(dimension):
    """The volume between the borders on a plain grid, and its difference."""

    def number(reach):
        tau = (np.arange(200_000) + 0.5) / 200_000 * reach
        return (np.minimum(6 * tau * np.log(reach / tau), tau**2) ** (dimension / 2)).sum() * reach / 200_000

    slope = -2 / 3 * np.log(number(3.03) / number(2.97)) / np.log(3.03 / 2.97)
    assert causal_slope(3.0, dimension=dimension) == pytest.approx(slope, abs=2e-3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: stable_scale(0), "number must be positive"),
        (lambda: exact_distribution(0.5), "at least 1"),
        (lambda: exact_distribution([1.0, 2.0]), "one value"),
        (lambda: sources_above(-1, 10.0), "x must be positive"),
        (lambda: causal_slope(1.0, dimension=4), "dimension must be 2 or 3"),
        (lambda: tail_coefficient(1), "dimension must be 2 or 3"),
        (lambda: stable_distribution(100.0).quantile(0), "probability must be between"),
        (lambda: stable_distribution(100.0).cdf(1e9), "x must be at most"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()
