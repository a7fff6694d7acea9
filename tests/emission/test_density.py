"""The density of discrete sources: against the sum one by one, the exact mean, and numbers of theory."""

import numpy as np
import pytest
from astropy import units as u

from crlab.diffusion.green import age_fraction
from crlab.emission import _density_kernels
from crlab.emission.density import density, direct, mean_field, missing, spread, window
from crlab.galaxy import Halo
from crlab.sources.population import Catalogue, Population
from crlab.sources.release import Burst, EscapeLaw, Suppression

POPULATION = Population("Ferriere")
R = [30, 300] * u.TV
SCENARIOS = {"burst": Burst(), "CREDIT": EscapeLaw(floor=10 * u.TeV), "slow": Suppression()}


@pytest.fixture(scope="module")
def galaxy():
    return POPULATION.sample(window(R), seed=11)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_grid_is_the_sum_over_sources(galaxy, name):
    """200 places, 40 of them within 100 pc of a young source: median below a per cent, none off by 2."""
    options = {"population": POPULATION, "scenario": SCENARIOS[name]}
    field = density(galaxy, R, **options, progress=False)
    rng = np.random.default_rng(1)
    radius, angle = 15 * np.sqrt(rng.random(200)), 2 * np.pi * rng.random(200)
    x, y, z = radius * np.sin(angle), radius * np.cos(angle), rng.normal(scale=0.3, size=200)
    near = rng.integers(0, field.place.shape[1], 40)
    for a, p in zip((x, y, z), field.place, strict=True):
        a[:40] = p[near] + rng.normal(scale=0.05, size=40)
    expected = direct(galaxy, R, x * u.kpc, y * u.kpc, z * u.kpc, **options)
    off = np.abs(field.at(x * u.kpc, y * u.kpc, z * u.kpc) / expected - 1)
    assert np.all(np.median(off, axis=0) < 0.003)
    assert np.all(np.median(off[:40], axis=0) < 0.003)
    assert off.max() < 0.02


def test_sources_above_the_plane():
    """Heights enter: young ones exactly, old ones by the even part, whose error is of second order near the plane."""
    population = Population("Ferriere", heights="arms")
    galaxy = population.sample(window(R[:1]), seed=3)
    field = density(galaxy, R[:1], population=population, progress=False)
    rng = np.random.default_rng(2)
    x, y, z = rng.uniform(-8, 8, 60), rng.uniform(-8, 8, 60), rng.normal(scale=0.1, size=60)
    expected = direct(galaxy, R[:1], x * u.kpc, y * u.kpc, z * u.kpc, population=population)[:, 0]
    assert np.median(np.abs(field.values(x, y, z)[:, 0] / expected - 1)) < 0.003


@pytest.mark.parametrize("height", [1.5, -1.5])
def test_old_sources_off_the_plane_enter_by_their_even_part(height):
    """Half of each stands at its mirror image, whichever side of the plane it is on."""
    place = np.array([[1.0, 6.0, height], [-2.0, 3.0, height / 2]])
    galaxy = Catalogue(place * u.kpc, [0.5, 1.0] * u.Myr, 8.5 * u.kpc)
    mirrored = Catalogue(place * [1, 1, -1] * u.kpc, galaxy.age, galaxy.sun)
    options = {"population": POPULATION}
    field = density(galaxy, R[1:], **options, spacing=0.2 * u.kpc, progress=False)
    assert field.place.size == 0
    at = ([0.5, -2, 4] * u.kpc, [5, 3, 8] * u.kpc, field.height * np.array([0.16, -0.36, 0]) * u.kpc)
    expected = (direct(galaxy, R[1:], *at, **options) + direct(mirrored, R[1:], *at, **options)) / 2
    assert np.allclose(field.at(*at), expected, rtol=5e-3)


def test_one_level_is_the_plane(galaxy):
    flat = density(galaxy, R, population=POPULATION, levels=1, progress=False)
    full = density(galaxy, R, population=POPULATION, progress=False)
    x, y = np.linspace(-10, 10, 50), np.linspace(3, 9, 50)
    assert np.allclose(flat.values(x, y, 0 * x), full.values(x, y, 0 * x), rtol=1e-12)


def test_one_thread_two_threads(galaxy, monkeypatch):
    tables = []
    for threads in "12":
        monkeypatch.setenv("CRLAB_THREADS", threads)
        tables.append(density(galaxy, R, population=POPULATION, spacing=0.4 * u.kpc, levels=3, progress=False).table)
    assert np.allclose(*tables, rtol=1e-12)


def test_combined_is_the_matrix_product(galaxy):
    field = density(galaxy, R, population=POPULATION, spacing=0.4 * u.kpc, levels=3, progress=False)
    matrix = np.array([[0.3, 0.7], [1, 0], [2, 1]])
    rng = np.random.default_rng(4)
    x, y, z = (rng.uniform(-s, s, 300) for s in (12, 12, 1))
    for a, p in zip((x, y, z), field.place, strict=True):
        a[: p.size] = p[:300]
    assert np.allclose(field.combined(matrix).values(x, y, z), field.values(x, y, z) @ matrix.T, rtol=1e-10)
    with pytest.raises(ValueError, match="2 columns"):
        field.combined(np.eye(3))


def test_the_kernels_against_numpy():
    rng = np.random.default_rng(5)
    x, y, z = rng.uniform(-5, 5, 200), rng.uniform(-5, 5, 200), rng.uniform(-1, 1, 200)
    place, amplitude = rng.uniform(-4, 4, (3, 20)) * [[1], [1], [0.1]], rng.random((20, 2))
    rate, matrix = rng.uniform(1, 3, (20, 2)), rng.random((3, 2))
    radius = np.full(20, 1.5)
    start, listed = _density_kernels.reach(place[0], place[1], radius, 6.0, 13)
    out = np.zeros((200, 3))
    _density_kernels.young(x, y, z, place, radius, amplitude, rate, 6.0, start, listed, matrix, out)
    d2 = sum((a[:, None] - p) ** 2 for a, p in zip((x, y, z), place, strict=True))
    each = amplitude * np.exp(-d2[:, :, None] * rate) * (d2 < 1.5**2)[:, :, None]
    assert np.allclose(out, each.sum(1) @ matrix.T)
    # Linear in x, y and, between the levels, in abs(z): such a function is interpolated exactly.
    nodes, top = np.linspace(-6, 6, 25), 5.0
    levels = top * (np.arange(6) / 5) ** 2
    table = (2 + nodes[:, None, None] + 3 * nodes[None, :, None] + levels)[..., None]
    out = np.zeros((200, 1))
    _density_kernels.interpolate(x, y, z, 6.0, top, table, out)
    assert np.allclose(out[:, 0], 2 + x + 3 * y + np.abs(z))
    _density_kernels.interpolate(np.array([6.1]), np.zeros(1), np.zeros(1), 6.0, top, table, out := np.zeros((1, 1)))
    assert out[0, 0] == 0


@pytest.mark.parametrize("scenario", [Burst(), Suppression()])
def test_the_mean_of_many_sources_is_the_mean_field(scenario):
    """20 times as many sources: rings above the plane, where no single one weighs, within 2 per cent."""
    many, energy = Population("Ferriere", rate=0.4 / u.yr), [1] * u.PV
    options = {"population": many, "scenario": scenario}
    galaxy = many.sample(window(energy), seed=6)
    field = density(galaxy, energy, **options, spacing=0.4 * u.kpc, progress=False)
    mean = mean_field(energy, **options)
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    for radius in (3.0, 8.5, 12.0):
        x, y, z = radius * np.cos(angle), radius * np.sin(angle), np.full(360, 1.0)
        assert field.values(x, y, z).mean() == pytest.approx(mean.values(x, y, z).mean(), rel=0.02)


def test_the_mean_field_above_an_infinite_disc():
    """Points that burst: exactly the smooth one. With size, in the plane, less by size √(2/π)/h of a uniform disc."""
    far, here = np.zeros(1), np.full(1, 8.5)
    burst = mean_field([1] * u.TV, population=POPULATION, size=0 * u.pc)
    assert burst.values(far, here, far)[0, 0] == pytest.approx(1, rel=1e-9)
    wide = mean_field([1] * u.TV, population=POPULATION, size=50 * u.pc)
    share = (POPULATION.surface_density(8.5 * u.kpc) / POPULATION.sigma_eff()).to_value("")
    assert 1 - wide.values(far, here, far)[0, 0] == pytest.approx(0.05 * np.sqrt(2 / np.pi) / 5 * share, rel=1e-3)
    slow = mean_field([1] * u.TV, population=POPULATION, scenario=Suppression(factor=1), size=0 * u.pc)
    assert slow.values(far, here, far)[0, 0] == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("sun", [7.0, 8.178])
def test_all_densities_are_over_the_mean_at_the_sun_of_the_population(sun):
    """The same sources, one by one, on a grid and in the mean, with the Sun elsewhere."""
    people = Population("Ferriere", rate=0.4 / u.yr, sun=sun * u.kpc)
    mean = mean_field([1] * u.PV, population=people, size=0 * u.pc)
    assert mean.values(np.zeros(1), np.full(1, sun), np.zeros(1))[0, 0] == pytest.approx(1, rel=1e-9)
    galaxy = people.sample(window([1] * u.PV), seed=6)
    field = density(galaxy, [1] * u.PV, population=people, spacing=0.4 * u.kpc, progress=False)
    assert field.sun == mean.sun == people.sun == galaxy.sun
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    ring = sun * np.cos(angle), sun * np.sin(angle), np.full(36, 1.0)
    found = field.values(*ring)
    expected = direct(galaxy, [1] * u.PV, *(c * u.kpc for c in ring), population=people)
    assert np.median(np.abs(found / expected - 1)) < 0.005
    assert found.mean() == pytest.approx(mean.values(*ring).mean(), rel=0.05)


def test_sources_and_mean_have_one_sun(galaxy):
    elsewhere = Population("Ferriere", sun=7 * u.kpc)
    places = ([0] * u.kpc, [7] * u.kpc, [0] * u.kpc)
    message = r"catalogue has the Sun at 8\.5 kpc and population at 7\.0 kpc: use one"
    with pytest.raises(ValueError, match=message):
        density(galaxy, R, population=elsewhere)
    with pytest.raises(ValueError, match=message):
        direct(galaxy, R, *places, population=elsewhere)


def test_spreads():
    T, kappa = [1e4, 1e5] * u.yr, Halo().kappa(R).value
    assert np.allclose(spread(T, R).value, np.outer([0.01, 0.1], kappa))
    law = EscapeLaw(floor=10 * u.TeV)
    late = 0.1 - law.escape_time([30, 300] * u.TeV).to_value(u.Myr)
    assert np.allclose(spread(T, R, scenario=law).value[1], late * kappa)
    assert spread([300] * u.yr, R, scenario=law).value[0, 0] == 0
    # Slow at first: κτ/χ; in the end κ(τ - τ_r(1 - 1/χ)).
    slow = spread([1e-6, 10] * u.Myr, R, scenario=Suppression())
    assert np.allclose(slow.value[0], kappa * 1e-8, rtol=2e-3, atol=0)
    assert np.allclose(slow.value[1], kappa * (10 - 0.05 * 0.99))


def test_what_is_missing():
    assert missing(window(R), R) == pytest.approx(1 - age_fraction(3.0))
    assert float(missing(0.5 * Halo().escape_time(R[0]), R[0])) == pytest.approx(1 - 0.5622, abs=1e-4)  # H(0.25)


def test_bad_input_is_refused(galaxy):
    few = Catalogue(galaxy.position[:0], galaxy.age[:0], galaxy.sun)
    with pytest.raises(ValueError, match="at least one source"):
        density(few, R, population=POPULATION)
    with pytest.raises(ValueError, match="levels"):
        density(galaxy, R, population=POPULATION, levels=0)
    with pytest.raises(ValueError, match="multiple of half the spacing"):
        density(galaxy, R, population=POPULATION, spacing=0.3 * u.kpc)
    with pytest.raises(u.UnitConversionError, match="rigidity"):
        density(galaxy, [1e4], population=POPULATION)
    with pytest.raises(u.UnitConversionError, match="spacing"):
        density(galaxy, R, population=POPULATION, spacing=0.2)
    with pytest.raises(ValueError, match="scenario must be"):
        spread([1] * u.Myr, R, scenario="CREDIT")
    with pytest.raises(ValueError, match="factor"):
        Suppression(factor=0.5)
    with pytest.raises(u.UnitConversionError, match="recovery"):
        Suppression(recovery=50)
