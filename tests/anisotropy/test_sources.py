"""The sky of discrete sources: geometry without scattering, diffusion with much of it; rare collisions."""

from concurrent.futures import ThreadPoolExecutor

import healpy
import numpy as np
import pytest
from astropy import units as u

from crlab.anisotropy.collisions import coulomb_logarithm, coulomb_mean_free_path
from crlab.anisotropy.sky import contrast
from crlab.anisotropy.sources import Sources, arrival_sky, ballistic_sky, diffusive_dipole, galactic_sources

FORTY = galactic_sources(40, seed=1)
ONE = Sources([[2.0, 0, 0]] * u.kpc, [1.0])


def test_the_discs_sources_are_where_the_distribution_says() -> None:
    sources = galactic_sources(20_000, seed=2, nearest=0 * u.kpc)
    x, y, z = sources.position.value.T
    radius = np.hypot(8.5 - x, y)
    mean, spread = 3.09 * 8.5 / 3.87, np.sqrt(3.09) * 8.5 / 3.87
    assert abs(radius.mean() - mean) < 4 * spread / np.sqrt(20_000)
    assert abs(np.abs(z).mean() - 0.1) < 4 * 0.1 / np.sqrt(20_000)
    assert abs(y.mean()) < 4 * y.std() / np.sqrt(20_000)
    assert galactic_sources(500, seed=2, nearest=2 * u.kpc).distance.min() >= 2 * u.kpc


def test_discrete_sources_in_straight_lines_give_an_anisotropy_of_order_1() -> None:
    for seed in range(5):
        sky = ballistic_sky(galactic_sources(40, seed=seed), nside=16)
        assert contrast(sky) == 1
        n = np.stack(healpy.pix2vec(16, np.arange(sky.size)), axis=1)
        assert 0.5 < np.linalg.norm(3 * (sky @ n) / sky.sum()) <= 3


def test_the_ballistic_flux_is_rate_over_area() -> None:
    sky = ballistic_sky(Sources([[0, 0, 2.0], [0, 0, 4.0]] * u.kpc, [1.0, 8.0]), nside=8)
    assert sky.sum() == pytest.approx(1 / (16 * np.pi) + 8 / (64 * np.pi))
    assert np.count_nonzero(sky) == 1
    assert healpy.pix2ang(8, np.argmax(sky), lonlat=True)[1] > 80


def test_long_free_paths_give_the_ballistic_flux() -> None:
    sky = arrival_sky(ONE, mean_free_path=1e4 * u.kpc, radius=0.5 * u.kpc, nside=32, walks=16, seed=1)
    expected = 1 / (4 * np.pi * 2**2)  # of a small ball; a finite one differs by about (r/d)²/5
    assert sky.density == pytest.approx(expected, rel=0.03)
    assert sky.dipole.vector[0] == pytest.approx(3, rel=0.03)
    lit = np.flatnonzero(sky.intensity > 0)
    angle = np.degrees(np.arccos(healpy.pix2vec(32, lit)[0]))
    assert np.percentile(angle, 90) < np.degrees(np.arcsin(0.25)) + 2


@pytest.mark.parametrize("length", [1.0, 0.5])
def test_short_free_paths_give_the_dipole_and_density_of_diffusion(length) -> None:
    """The bar: the dipole within 3 standard errors of (3κ/v) |∇ψ|/ψ; here for 40 sources at once."""
    sky = arrival_sky(FORTY, mean_free_path=length * u.kpc, walks=256, seed=1)
    vector, density = diffusive_dipole(FORTY, mean_free_path=length * u.kpc)
    assert np.all(np.abs(sky.dipole.vector - vector) < 3 * sky.dipole.errors)
    assert abs(sky.density - density) < 3 * sky.density_error
    assert sky.density_error < 0.015 * density
    assert sky.intensity.mean() == pytest.approx(1)


def test_the_sky_turns_isotropic_as_the_free_path_shrinks() -> None:
    amplitude = [
        arrival_sky(FORTY, mean_free_path=length * u.kpc, seed=1).dipole.amplitude for length in (30, 5, 1, 0.3)
    ]
    assert np.all(np.diff(amplitude) < 0)
    assert amplitude[0] > 1 > 0.3 > amplitude[-1]


def test_the_diffusive_dipole_is_proportional_to_the_free_path() -> None:
    vectors = np.array([diffusive_dipole(FORTY, mean_free_path=length * u.pc)[0] for length in (1, 2)])
    assert np.allclose(vectors[1], 2 * vectors[0], rtol=0.01)
    assert 1e-4 < np.linalg.norm(vectors[0]) < 1e-3


def test_the_diffusive_density_vanishes_far_away_in_a_slab_like_its_lowest_mode() -> None:
    """ψ ∝ exp(-π x / (2 H')) / sqrt(x) for x ≫ H."""
    densities = [diffusive_dipole(Sources([[x, 0, 0]] * u.kpc, [1.0]), mean_free_path=1 * u.pc)[1] for x in (20, 25)]
    top = 5 + 0.7104e-3
    assert densities[1] / densities[0] == pytest.approx(np.exp(-np.pi * 5 / (2 * top)) * np.sqrt(20 / 25), rel=0.02)


def test_the_diffusive_density_falls_with_the_height_of_a_source_like_its_lowest_mode() -> None:
    """ψ ∝ cos(π z / (2 H')) for a source at height z and x ≫ H."""
    densities = [diffusive_dipole(Sources([[20, 0, z]] * u.kpc, [1.0]), mean_free_path=1 * u.pc)[1] for z in (0, 2.5)]
    assert densities[1] / densities[0] == pytest.approx(np.cos(np.pi * 2.5 / (2 * (5 + 0.7104e-3))), rel=0.01)


def test_a_source_above_pulls_the_dipole_up() -> None:
    above = Sources([[1.0, 0, 1.0]] * u.kpc, [1.0])
    vector, _ = diffusive_dipole(above, mean_free_path=10 * u.pc)
    assert vector[0] > 0
    assert vector[2] > 0
    assert vector[1] == 0
    # Far away only the lowest mode is left, which is symmetric about the plane.
    far, _ = diffusive_dipole(Sources([[20, 0, 2.5]] * u.kpc, [1.0]), mean_free_path=10 * u.pc)
    assert 0 < far[2] < 0.01 * far[0]


def test_threads_do_not_matter() -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        first, second = (
            arrival_sky(FORTY, mean_free_path=2 * u.kpc, walks=16, seed=3, executor=executor) for executor in (one, two)
        )
    assert np.array_equal(first.intensity, second.intensity)
    assert np.array_equal(first.dipole.vector, second.dipole.vector)


# Collisions.


def test_coulomb_collisions_are_too_rare() -> None:
    for rigidity in (1, 10, 1000) * u.GV:
        assert coulomb_mean_free_path(rigidity) > 1e4 * 15 * u.kpc


def test_the_coulomb_mean_free_path_scales_as_momentum_squared() -> None:
    ratio = (coulomb_mean_free_path(1000 * u.GV) / coulomb_mean_free_path(100 * u.GV)).value
    logarithms = (coulomb_logarithm(100 * u.GV) / coulomb_logarithm(1000 * u.GV)).value
    assert ratio == pytest.approx(100 * logarithms, rel=1e-3)
    assert coulomb_mean_free_path(1 * u.GV, density=2 / u.cm**3) < coulomb_mean_free_path(1 * u.GV)


def test_the_coulomb_mean_free_path_by_hand() -> None:
    """pc = 1 GeV: pv = 0.729 GeV; e² = 1.44e-16 GeV cm; ln(7 m / 2e-14 cm) = 38."""
    by_hand = 0.729**2 / (8 * np.pi * 1.44e-16**2 * 38) / 3.086e21
    assert coulomb_mean_free_path(1 * u.GV).value == pytest.approx(by_hand, rel=0.03)


# Bad input.


@pytest.mark.parametrize(
    ("position", "rate"),
    [([[1, 0, 0]], [0.0]), ([[1, 0, 0]], [-1.0]), ([[1, 0]], [1.0]), ([[1, 0, 0]], [1.0, 1.0]), ([[0, 0, 0]], [1.0])],
)
def test_unfit_sources_are_refused(position, rate) -> None:
    with pytest.raises(ValueError, match=r"^(position|rate) "):
        Sources(position * u.kpc, rate)


def test_zero_sources_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be an integer of at least 1, got 0"):
        galactic_sources(0, seed=1)
    with pytest.raises(ValueError, match=r"^position must hold at least one value"):
        Sources(np.zeros((0, 3)) * u.kpc, [])
    with pytest.raises(u.UnitConversionError, match=r"^position must be a quantity"):
        Sources([[1, 0, 0]], [1.0])
    with pytest.raises(ValueError, match=r"^nearest must be at most 3 kpc"):
        galactic_sources(3, seed=1, nearest=5 * u.kpc)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean_free_path": 0 * u.kpc}, r"^mean_free_path must be positive"),
        ({"height": -1 * u.kpc}, r"^height must be positive"),
        ({"height": 0.3 * u.kpc}, r"^height must hold every source"),
        ({"radius": 4 * u.kpc}, r"^radius must keep the observer out"),
        ({"walks": 5}, r"^walks must be a power of 4, got 5"),
        ({"walks": 0}, r"^walks must be a power of 4, got 0"),
        ({"walks": 9}, r"^walks must be a power of 4, got 9"),
        ({"nside": 3}, r"^nside must be a power of 2, got 3"),
        ({"seed": -1}, r"must be an integer of at least 0"),
        ({"radius": 1e-9 * u.kpc}, r"^walks must be so many that some meet a source"),
    ],
)
def test_unfit_skies_are_refused(changes, message) -> None:
    arguments = {"mean_free_path": 100 * u.kpc, "nside": 2, "walks": 1, "seed": 1}
    with pytest.raises(ValueError, match=message):
        arrival_sky(FORTY, **(arguments | changes))


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(u.UnitConversionError, match=r"^mean_free_path must be a quantity"):
        arrival_sky(FORTY, mean_free_path=1.0, seed=1)
    with pytest.raises(ValueError, match=r"^mean_free_path must be positive"):
        diffusive_dipole(FORTY, mean_free_path=-1 * u.kpc)
    with pytest.raises(ValueError, match=r"must be an integer of at least 1, got 0"):
        diffusive_dipole(FORTY, mean_free_path=1 * u.kpc, images=0)
    with pytest.raises(ValueError, match=r"^nside must be a power of 2"):
        ballistic_sky(FORTY, nside=5)
    with pytest.raises(ValueError, match=r"^rigidity must be positive"):
        coulomb_mean_free_path(-1 * u.GV)
    with pytest.raises(ValueError, match=r"^density must be positive"):
        coulomb_mean_free_path(1 * u.GV, density=0 / u.cm**3)
    with pytest.raises(u.UnitConversionError, match=r"^temperature must be"):
        coulomb_logarithm(1 * u.GV, temperature=1e4)
