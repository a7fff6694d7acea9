"""Populations of sources: published norms, the arms' tangents, draws against densities, means two ways."""

from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from scipy import stats

from crlab.diffusion.green import mean_density
from crlab.galaxy import Halo
from crlab.sources.population import (
    ARMS,
    HEIGHTS,
    PROFILES,
    Arm,
    Arms,
    Population,
    ferriere_rate,
    number_of_sources,
)
from crlab.sources.spectra import Galaxy

SURFACE = u.kpc**-2


def test_the_numbers_of_the_talk() -> None:
    R = [10, 1e4, 1e7] * u.GV
    number = number_of_sources(Halo().escape_time(R))
    np.testing.assert_allclose(number, [1.57e5, 2488, 39.4], rtol=0.01)
    digit = [float(f"{n:.0e}") for n in number]
    assert digit == [2e5, 2e3, 40]
    np.testing.assert_allclose(
        number_of_sources(Halo().escape_time([1e3, 1e5, 1e6] * u.GV)), [9905, 625, 157], rtol=5e-3
    )


def test_number_is_a_rate_times_a_time() -> None:
    """κ/(σ h⁴) = π/(2 N)."""
    kappa = Halo().kappa(1 * u.TV)
    rate = Population("infinite").ring_density(0 * u.kpc)
    ratio = (kappa / (rate * (5 * u.kpc) ** 4)).to_value("")
    assert ratio == pytest.approx(np.pi / (2 * number_of_sources(Halo().escape_time(1 * u.TV))), rel=1e-12)


@pytest.mark.parametrize(("kind", "rate"), [("II", 0.01674), ("I", 0.00403), ("both", 0.0208)])
def test_supernova_rates_of_ferriere(kind, rate) -> None:
    assert ferriere_rate(kind).to_value(1 / u.yr) == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize(
    ("name", "local", "four", "five", "six"),
    [
        ("uniform", 1.325, 1.273, 1.232, 1.188),
        ("Case & Bhattacharya 1998", 1.730, 1.552, 1.481, 1.412),
        ("Case & Bhattacharya 1996", 1.678, 1.535, 1.471, 1.406),
        ("Lorimer 2006", 1.494, 1.572, 1.537, 1.488),
        ("Yusifov & Kucuk 2004", 1.587, 1.547, 1.499, 1.444),
        ("Green 2015", 1.391, 1.486, 1.462, 1.423),
        ("Ferriere", 1.550, 1.590, 1.549, 1.496),
        ("Steiman-Cameron 2010", 1.316, 1.457, 1.436, 1.399),
    ],
)
def test_local_and_effective_densities(name, local, four, five, six) -> None:
    """Per 1000 kpc2, derived independently to about 1e-3."""
    population = Population(name)
    assert population.surface_density(8.5 * u.kpc).to_value(SURFACE) * 1e3 == pytest.approx(local, rel=5e-3)
    for height, expected in ((4, four), (5, five), (6, six)):
        assert population.sigma_eff(height=height * u.kpc).to_value(SURFACE) * 1e3 == pytest.approx(expected, rel=5e-3)


def test_sigma_eff_of_case_and_bhattacharya() -> None:
    population = Population("Case & Bhattacharya 1998")
    ratio = population.sigma_eff() / population.surface_density(8.5 * u.kpc)
    assert ratio.to_value("") == pytest.approx(0.856, rel=5e-3)


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "uniform"])
def test_profiles_are_normalised(name) -> None:
    r = np.linspace(0, 20, 200_001)
    density = Population(name).surface_density(r * u.kpc).value
    assert np.trapezoid(2 * np.pi * r * density, r) == pytest.approx(1, rel=2e-4)


def test_the_mean_two_ways() -> None:
    """By Bessel functions about the Galactic centre, and by rings about the Sun."""
    kappa = Halo().kappa(1 * u.TV)
    for name in ("Green 2015", "Ferriere", "uniform"):
        population = Population(name)
        rings = population.sigma_eff() * population.rate * mean_density(kappa=kappa)
        bessel = population.mean_density(8.5 * u.kpc, kappa=kappa)
        assert bessel.to_value(u.kpc**-3) == pytest.approx(rings.to_value(u.kpc**-3), rel=1e-3)


def test_the_engine_of_spectra_sees_the_same_mean() -> None:
    for population in (Population("infinite"), Population("Green 2015"), Population("Green 2015", arms=Arms())):
        galaxy = Galaxy(rate=population.ring_density)
        uniform = 1 / (np.pi * (15.5 * u.kpc) ** 2)
        richer = (population.sigma_eff() / uniform).to_value("")
        expected = number_of_sources(Halo().escape_time(1 * u.TV)) * richer
        assert galaxy.number(1 * u.TV) == pytest.approx(expected, rel=2e-3)


def test_the_gradient_of_cosmic_rays() -> None:
    R = [0, 2, 4, 6, 8.5, 10, 12, 15] * u.kpc
    mean = Population("Ferriere").mean_density(R, kappa=1 * u.kpc**2 / u.Myr)
    np.testing.assert_allclose(mean / mean[4], [1.92, 2.12, 2.17, 1.67, 1, 0.686, 0.393, 0.161], rtol=0.01)


# arms


@pytest.mark.parametrize(
    ("name", "first", "fourth"), [("Sagittarius-Carina", 50.5, 284.3), ("Scutum-Crux", 29.7, 307.2)]
)
def test_tangents(name, first, fourth) -> None:
    np.testing.assert_allclose(Arms().tangents(name).to_value(u.deg), [first, fourth], atol=0.3)


def test_norma_and_perseus() -> None:
    assert Arms().tangents("Norma-Cygnus")[1].to_value(u.deg) == pytest.approx(330, abs=0.7)
    r = np.linspace(5, 15, 20_001) * u.kpc
    x, y = Arms().ridge("Perseus", r)
    assert np.hypot(x, y - 8.5 * u.kpc).min().value == pytest.approx(2.65, abs=0.01)
    x, y = Arms().ridge("Sagittarius-Carina", r)
    assert np.hypot(x, y - 8.5 * u.kpc).min().value == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("sun", "contrast"), [(8.5, 0.27), (8.178, 0.73)])
def test_the_sun_lies_between_arms(sun, contrast) -> None:
    assert Arms().contrast(0 * u.kpc, sun * u.kpc) == pytest.approx(contrast, abs=0.005)


@pytest.mark.parametrize("r", [2.0, 4.0, 8.5, 14.0])
def test_contrast_averages_to_one(r) -> None:
    phi = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    assert Arms().contrast(r * np.cos(phi) * u.kpc, r * np.sin(phi) * u.kpc).mean() == pytest.approx(1, rel=1e-6)


def test_tails_of_wide_arms_reach_around_the_circle() -> None:
    """One arm of width σ: the wrapped Gaussian is 1 + 2 Σ_k exp(-k²σ²/2) cos kφ, here on, beside and opposite it."""
    one = Arms({"alone": Arm(start=0.5, pitch=0.25, weight=3)}, width=90 * u.deg)
    away = np.radians([0, 60, -60, 120, 179, 181, 180])
    phi = np.log(8 / 0.5) / 0.25 + away
    k = np.arange(1, 20)[:, None]
    expected = 1 + 2 * np.sum(np.exp(-(k**2) * (np.pi / 2) ** 2 / 2) * np.cos(k * away), axis=0)
    found = one.contrast(8 * np.cos(phi) * u.kpc, 8 * np.sin(phi) * u.kpc)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert expected[-1] == pytest.approx(2 * np.sqrt(2 * np.pi) / (np.pi / 2) * np.exp(-2), rel=1e-3)  # two tails meet


def test_arms_keep_the_mean_number() -> None:
    smooth, spiral = Population("Green 2015"), Population("Green 2015", arms=Arms())
    rho = np.linspace(0.05, 28.45, 285) * u.kpc
    numbers = [np.sum(2 * np.pi * rho * p.ring_density(rho) * 0.1 * u.kpc).to_value(1 / u.yr) for p in (smooth, spiral)]
    np.testing.assert_allclose(numbers, 0.02, rtol=3e-3)


@pytest.mark.parametrize("rho", [0.0, 0.7, 5.5, 8.5, 23.0])
def test_ring_density_is_an_average(rho) -> None:
    population = Population("Ferriere", arms=Arms())
    alpha = (np.arange(200_000) + 0.5) * 2 * np.pi / 200_000
    x, y = rho * np.sin(alpha) * u.kpc, (8.5 + rho * np.cos(alpha)) * u.kpc
    plain = population.density(x, y).value.mean()
    assert population.ring_density(rho * u.kpc).value == pytest.approx(plain, rel=2e-4)


# draws


def test_a_draw_follows_the_profile() -> None:
    for name in ("Case & Bhattacharya 1998", "uniform"):
        population = Population(name)
        drawn = population.sample(1 * u.Myr, seed=5)
        expected = 20_000
        assert abs(len(drawn) - expected) < 5 * np.sqrt(expected)
        r = np.hypot(drawn.position[:, 0], drawn.position[:, 1]).value
        grid = np.linspace(0, 20, 4001)
        inside = np.cumsum(population.surface_density(grid * u.kpc).value * 2 * np.pi * grid) * grid[1]
        assert stats.kstest(r, lambda v, g=grid, c=inside: np.interp(v, g, c / c[-1])).pvalue > 1e-3
        assert stats.kstest(drawn.age.value, stats.uniform(0, 1).cdf).pvalue > 1e-3


def test_a_draw_follows_the_arms() -> None:
    population = Population("Green 2015", arms=Arms())
    drawn = population.sample(5 * u.Myr, seed=2)
    rho = drawn.rho.value
    edges = np.array([0.0, 1, 2, 3, 5, 8, 12])
    counts = np.histogram(rho, edges)[0]
    middle = [np.linspace(a, b, 200) for a, b in pairwise(edges)]
    expected = [5 * np.trapezoid(2 * np.pi * m * population.ring_density(m * u.kpc).value, m) for m in middle]
    assert np.all(np.abs(counts - expected) < 4 * np.sqrt(expected))


def test_an_infinite_disc_is_drawn_about_the_sun() -> None:
    population = Population("infinite")
    drawn = population.sample(20 * u.Myr, seed=3, within=3 * u.kpc, oldest=1 * u.Myr)
    expected = 26.498 * np.pi * 9 * 20
    assert abs(len(drawn) - expected) < 5 * np.sqrt(expected)
    assert drawn.rho.max().value <= 3
    assert stats.kstest(drawn.rho.value**2 / 9, stats.uniform(0, 1).cdf).pvalue > 1e-3
    assert drawn.age.min().value >= 1
    assert drawn.age.max().value <= 21


def test_heights() -> None:
    drawn = Population("Ferriere", heights="Ferriere").sample(5 * u.Myr, seed=4).position[:, 2].value
    # Type I sources are Laplacian of 325 pc, type II a mixture of two Gaussians; about a fifth are of type I.
    share = float(ferriere_rate("I", radius=20 * u.kpc) / ferriere_rate(radius=20 * u.kpc))
    terms = HEIGHTS["Ferriere II"]
    area = np.array([w * s for w, s, _ in terms])
    variance = share * 2 * 0.325**2 + (1 - share) * (area * [s**2 / 2 for _, s, _ in terms]).sum() / area.sum()
    assert drawn.std() == pytest.approx(np.sqrt(variance), rel=0.02)
    assert np.all(Population().sample(0.1 * u.Myr, seed=4).position[:, 2].value == 0)
    flat = Population(heights=0.1 * u.kpc).sample(2 * u.Myr, seed=4).position[:, 2].value
    assert stats.kstest(flat, stats.laplace(scale=0.1).cdf).pvalue > 1e-3
    gauss = Population(heights="arms").sample(2 * u.Myr, seed=4).position[:, 2].value
    assert gauss.std() == pytest.approx(0.07, rel=0.03)


def test_a_seed_is_a_galaxy() -> None:
    population = Population("Green 2015", arms=Arms(), heights="arms")
    one, two = (population.sample(0.5 * u.Myr, seed=9) for _ in range(2))
    assert np.array_equal(one.position.value, two.position.value)
    assert np.array_equal(one.age.value, two.age.value)
    other = population.sample(0.5 * u.Myr, seed=np.random.default_rng(9))
    assert np.array_equal(one.position.value, other.position.value)
    close = population.sample(0.5 * u.Myr, seed=9, within=2 * u.kpc)
    assert len(close) == np.count_nonzero(one.rho <= 2 * u.kpc)


def test_the_ledger_of_arms_is_complete() -> None:
    assert sum(arm.weight for arm in ARMS.values()) == 950


# bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Population("flat"), "profile must be 'infinite' or one of uniform, "),
        (lambda: Population(rate=0 / u.yr), "rate must be positive, got 0"),
        (lambda: Population(rate=[1, 2] / u.yr), "rate must be a single value"),
        (lambda: Population(radius=5 * u.kpc), "radius must be beyond the Sun"),
        (lambda: Population(arms=Arms()), "arms must be None for a uniform disc"),
        (lambda: Population(heights="thick"), "heights must be a length or one of plane, "),
        (lambda: Population("Green 2015", heights="Ferriere"), "heights must be a length or one of plane, "),
        (lambda: Population(heights=0 * u.kpc), "heights must be positive, got 0"),
        (lambda: Population().sample(0 * u.Myr, seed=1), "window must be positive, got 0"),
        (lambda: Population().sample(1 * u.Myr, seed=1, oldest=-1 * u.Myr), "oldest must be zero or positive, got -1"),
        (lambda: Population().sample(1 * u.Myr, seed=-1), "seed must be an integer of at least 0"),
        (lambda: Population("infinite").sample(1 * u.Myr, seed=1), "within must be given for the infinite disc"),
        (lambda: Population().ring_density(-1 * u.kpc), "rho must be zero or positive, got -1"),
        (lambda: Population().sigma_eff(height=0 * u.kpc), "height must be positive"),
        (lambda: Population("infinite").mean_density(1 * u.kpc, kappa=1 * u.kpc**2 / u.Myr), "mean_density needs an"),
        (lambda: Arms(arms={}), "arms must hold at least one arm"),
        (lambda: Arms(width=100 * u.deg), "width must be at most 90 deg"),
        (lambda: Arms().tangents("Orion"), "name must be one of Sagittarius-Carina, "),
        (lambda: ferriere_rate("III"), "kind must be 'I', 'II' or 'both'"),
        (lambda: number_of_sources(-1 * u.Myr), "escape_time must be positive, got -1"),
    ],
)
def test_bad_values(call, message) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: Population(rate=1 * u.kpc),
        lambda: Population().sample(1, seed=1),
        lambda: Population().density(1, 1 * u.kpc),
        lambda: Arms().contrast(1 * u.kpc, 1),
    ],
)
def test_bad_units(call) -> None:
    with pytest.raises(u.UnitConversionError, match=r"must be a quantity in units like|must be in units like"):
        call()
