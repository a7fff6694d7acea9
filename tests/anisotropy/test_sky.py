"""Dipoles drawn and recovered: no bias on the whole sky, honest errors, and what a declination band leaves."""

from concurrent.futures import ThreadPoolExecutor

import healpy
import numpy as np
import pytest
from astropy import units as u
from scipy.stats import chi2, kstest, maxwell, rayleigh

from crlab.anisotropy.sky import (
    contrast,
    declination_band,
    dipole_map,
    estimate_dipole,
    events_needed,
    fit_dipole,
    isotropy_probability,
    power_spectrum,
    published_amplitudes,
    sample_counts,
    sample_directions,
)

A = np.array([0.02, -0.03, 0.05])
NSIDE = 16
BAND = declination_band(NSIDE, latitude=30 * u.deg, zenith=45 * u.deg)


def pulls(found, truth):
    """Mean over realisations of (estimate - truth), in units of the standard error of that mean."""
    estimates = np.array([dipole.vector for dipole in found])
    return (estimates.mean(axis=0) - truth) / (estimates.std(axis=0, ddof=1) / np.sqrt(len(found)))


# The whole sky.


def test_contrast_of_a_dipole_is_its_length() -> None:
    assert contrast(dipole_map(A, nside=64)) == pytest.approx(np.linalg.norm(A), rel=1e-3)
    assert contrast([0.0, 3.0]) == 1
    assert contrast([2, 2] * u.m**-2) == 0


def test_events_of_a_dipole_are_estimated_without_bias() -> None:
    """The bar: unbiased within errors on the full sky. 100 skies of 20000 events: the bias is below 0.3 sqrt(3/N)."""
    found = [estimate_dipole(sample_directions(20_000, A, seed=seed)) for seed in range(100)]
    assert np.all(np.abs(pulls(found, A)) < 3.5)


def test_binned_skies_are_fitted_without_bias() -> None:
    truth = dipole_map(A, nside=NSIDE)
    found = [fit_dipole(sample_counts(10**5, truth, seed=seed)) for seed in range(200)]
    assert np.all(np.abs(pulls(found, A)) < 3.5)
    normalised = [dipole.vector @ np.linalg.solve(dipole.covariance, dipole.vector) for dipole in found]
    assert np.mean(normalised) > chi2.mean(3)  # there is a dipole


def test_a_dipole_of_1e_4_is_found_among_enough_events() -> None:
    truth = 1e-4 * np.array([0.6, 0.0, 0.8])
    dipole = fit_dipole(sample_counts(3 * 10**10, dipole_map(truth, nside=NSIDE), seed=1))
    assert np.all(np.abs(dipole.vector - truth) < 4 * dipole.errors)
    assert np.allclose(dipole.errors, np.sqrt(3 / 3e10), rtol=1e-3)
    assert dipole.probability < 1e-10


def test_errors_are_sqrt_3_over_n_and_are_honest() -> None:
    vectors = []
    for seed in range(300):
        dipole = estimate_dipole(sample_directions(1000, np.zeros(3), seed=seed))
        assert np.allclose(dipole.errors, np.sqrt(3 / 1000), rtol=0.1)
        vectors.append(dipole.vector)
    spread = np.std(vectors) / np.sqrt(3 / 1000)
    assert abs(spread - 1) < 4 / np.sqrt(2 * 900)


def test_the_amplitude_of_an_isotropic_sky_has_maxwells_law_and_its_projection_rayleighs() -> None:
    n = 10_000
    flat = np.ones(12 * 4**2)
    vectors = np.array([fit_dipole(sample_counts(n, flat, seed=seed)).vector for seed in range(400)])
    sigma = np.sqrt(3 / n)
    length, projection = np.linalg.norm(vectors, axis=1), np.linalg.norm(vectors[:, :2], axis=1)
    assert kstest(length, maxwell(scale=sigma).cdf).pvalue > 1e-3
    assert kstest(projection, rayleigh(scale=sigma).cdf).pvalue > 1e-3
    assert kstest(length, rayleigh(scale=sigma).cdf).pvalue < 1e-10
    assert np.isclose(length.mean(), sigma * np.sqrt(8 / np.pi), rtol=0.08)


def test_probabilities_of_isotropy_are_uniform_for_isotropic_skies() -> None:
    found = [
        fit_dipole(sample_counts(10_000, np.ones(192), seed=seed), bands=bands).probability
        for seed in range(150)
        for bands in (False, True)
    ]
    assert kstest(found[::2], "uniform").pvalue > 1e-3
    assert kstest(found[1::2], "uniform").pvalue > 1e-3


def test_probability_and_number_of_events_are_inverse() -> None:
    for components in (1, 2, 3):
        n = events_needed([1e-4, 1e-3], probability=0.01, components=components)
        assert np.allclose(isotropy_probability([1e-4, 1e-3], n, components=components), 0.01)
    sigma = np.sqrt(3 / 1e6)
    assert np.isclose(isotropy_probability(2 * sigma, 1e6), maxwell(scale=sigma).sf(2 * sigma))
    assert np.isclose(isotropy_probability(2 * sigma, 1e6, components=2), np.exp(-2))
    assert isotropy_probability(0, 10) == 1


def test_drawn_directions_have_the_exact_law() -> None:
    a = 0.8
    n = sample_directions(20_000, [0, a, 0], seed=3)
    assert np.allclose(np.linalg.norm(n, axis=1), 1, atol=1e-12)
    assert kstest(n[:, 1], lambda mu: (mu + 1) / 2 + a * (mu**2 - 1) / 4).pvalue > 1e-3
    assert kstest(np.arctan2(n[:, 0], n[:, 2]), "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-3
    assert kstest(sample_directions(20_000, [0, 0, 0], seed=3)[:, 2], "uniform", (-1, 2)).pvalue > 1e-3


def test_published_errors_are_not_below_what_counting_allows() -> None:
    """Seven analyses cannot beat sqrt(3/N), or sqrt(2/N) for a first harmonic."""
    table = published_amplitudes()
    known = table[(table["events"] > 0) & (table["projection"] == "dipole")]
    assert len(known) == 2
    assert np.all(known["high"] > 0.9 * np.sqrt(3 / known["events"]))


def test_the_table_holds_what_the_papers_state() -> None:
    """Typed a second time, from the abstracts."""
    table = published_amplitudes()
    stated = {
        "Ajello2019": (78, 3.9e-4),
        "Cutler1981": (1500, 6.4e-4),
        "Guillian2007": (10_000, 6.64e-4),
        "Abeysekara2019": (10_000, np.hypot(9.16e-4, 7.25e-4)),
        "Abbasi2010": (20_000, 6.4e-4),
        "Aglietta1999": (200_000, 3.73e-4),
        "Aab2017": (8e9, 0.065),
    }
    assert list(table["key"]) == list(stated)
    for row in table:
        energy, amplitude = stated[row["key"]]
        assert row["energy"].to_value(u.GeV) == energy
        assert row["amplitude"] == pytest.approx(amplitude, rel=1e-3)
        assert 0 < row["low"] < row["amplitude"]
    systematic = {"Guillian2007": (0.98, 0.55), "Abbasi2010": (0.2, 0.8)}
    for key, parts in systematic.items():
        assert table["high"][table["key"] == key][0] == pytest.approx(1e-4 * np.hypot(*parts), rel=0.01)


# A band of declinations.


def test_the_whole_sky_estimator_is_wrong_on_a_band_and_the_fit_is_right() -> None:
    truth = dipole_map(A, nside=NSIDE) * BAND
    n = np.stack(healpy.pix2vec(NSIDE, np.arange(truth.size)), axis=1)
    skies = [sample_counts(10**6, truth, seed=seed) for seed in range(60)]
    naive = np.mean([3 * (sky @ n) / sky.sum() for sky in skies], axis=0)
    assert abs(naive[2] - A[2]) > 0.5  # even without a dipole, the band has a middle
    found = [fit_dipole(sky, mask=BAND) for sky in skies]
    assert np.all(np.abs(pulls(found, A)) < 3.5)
    spread = np.std([dipole.vector for dipole in found], axis=0, ddof=1)
    assert np.all(np.abs(spread / found[0].errors - 1) < 4 / np.sqrt(2 * 60))
    assert found[0].errors[2] > 1.1 * found[0].errors[0]


def test_unknown_exposures_in_declination_leave_the_equatorial_components() -> None:
    rng = np.random.default_rng(1)
    ring = healpy.pix2ring(NSIDE, np.arange(12 * NSIDE**2))
    exposure = rng.uniform(0.3, 1.7, ring.max() + 1)[ring] * BAND
    truth = dipole_map(A, nside=NSIDE) * exposure
    found = [fit_dipole(sample_counts(10**6, truth, seed=seed), mask=BAND, bands=True) for seed in range(60)]
    assert found[0].vector.shape == (2,)
    # The amplitude is relative to each ring: a_z changes it by up to 5 per cent here, nothing for a small dipole.
    assert np.all(
        np.abs(np.mean([d.vector for d in found], axis=0) - A[:2])
        < 0.05 * np.abs(A[:2]) + 4 * found[0].errors / 60**0.5
    )
    fooled = fit_dipole(sample_counts(10**6, truth, seed=1), mask=BAND)
    assert abs(fooled.vector[2] - A[2]) > 10 * fooled.errors[2]


def test_a_polar_dipole_is_invisible_in_right_ascension() -> None:
    polar = dipole_map([0, 0, 0.3], nside=NSIDE) * BAND
    dipole = fit_dipole(sample_counts(10**7, polar, seed=2), mask=BAND, bands=True)
    assert np.all(np.abs(dipole.vector) < 4 * dipole.errors)
    assert dipole.probability > 1e-3


def test_the_fit_is_exact_without_noise() -> None:
    counts = 1e6 * dipole_map(A, nside=NSIDE)
    assert np.allclose(fit_dipole(counts).vector, A, atol=1e-12)
    assert np.allclose(fit_dipole(counts * BAND, mask=BAND).vector, A, atol=1e-12)
    equatorial = 1e6 * dipole_map([0.02, -0.03, 0], nside=NSIDE)
    assert np.allclose(fit_dipole(equatorial, mask=BAND, bands=True).vector, [0.02, -0.03], atol=1e-12)


def test_the_longitude_is_that_of_the_maximum() -> None:
    counts = 1e6 * dipole_map(0.01 * np.array([np.cos(-1.0), np.sin(-1.0), 0]), nside=NSIDE)
    assert fit_dipole(counts).longitude.to_value(u.rad) == pytest.approx(2 * np.pi - 1)
    assert fit_dipole(counts).amplitude == pytest.approx(0.01)


def test_the_band_of_an_array_at_the_equator_covers_the_sky_up_to_its_zenith_angle() -> None:
    band = declination_band(64, latitude=0 * u.deg, zenith=30 * u.deg)
    assert band.mean() == pytest.approx(0.5, abs=0.01)
    assert declination_band(8, latitude=0 * u.deg, zenith=90 * u.deg).all()
    south = declination_band(64, latitude=-90 * u.deg, zenith=90 * u.deg)
    assert south.mean() == pytest.approx(0.5, abs=0.01)
    assert healpy.pix2ang(64, np.flatnonzero(south), lonlat=True)[1].max() <= 0


# Power spectra.


def test_the_power_spectrum_of_noise_is_flat_and_as_stated() -> None:
    flat = np.ones(12 * NSIDE**2)
    spectra = [power_spectrum(sample_counts(10**5, flat, seed=seed), lmax=16) for seed in range(60)]
    mean = np.mean([s.power for s in spectra], axis=0) / spectra[0].noise
    assert spectra[0].noise == pytest.approx(4 * np.pi / 1e5)
    assert np.all(np.abs(mean - 1) < 5 * spectra[0].noise_error / spectra[0].noise / np.sqrt(60))
    spread = np.std([s.power for s in spectra], axis=0, ddof=1) / spectra[0].noise_error
    assert np.all(np.abs(spread - 1) < 0.5)


def test_a_dipole_has_power_at_1_alone() -> None:
    spectrum = power_spectrum(1e4 * dipole_map(A, nside=NSIDE), lmax=6)
    assert spectrum.multipole.tolist() == [1, 2, 3, 4, 5, 6]
    assert spectrum.power[0] == pytest.approx(4 * np.pi * (A @ A) / 9, rel=1e-3)
    assert np.all(spectrum.power[1:] < 1e-6 * spectrum.power[0])


def test_a_band_leaks_power_to_other_multipoles() -> None:
    spectrum = power_spectrum(1e4 * dipole_map(A, nside=NSIDE), lmax=6, mask=BAND)
    assert spectrum.power[1:].max() > 0.01 * spectrum.power[0]
    assert spectrum.noise == pytest.approx(4 * np.pi * BAND.mean() / (1e4 * (dipole_map(A, nside=NSIDE)[BAND].sum())))


# Reproducibility and bad input.


def test_threads_do_not_matter() -> None:
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        first = sample_directions(600_000, A, seed=1, executor=one)
        assert np.array_equal(first, sample_directions(600_000, A, seed=1, executor=two))
    assert not np.array_equal(first[:100], sample_directions(100, A, seed=2))


@pytest.mark.parametrize("dipole", [[1, 0], 0.1, [[0, 0, 0]], [1, 1, 0], [np.nan, 0, 0]])
def test_an_unfit_dipole_is_refused(dipole) -> None:
    with pytest.raises(ValueError, match=r"^dipole must be "):
        sample_directions(10, dipole, seed=1)
    with pytest.raises(ValueError, match=r"^dipole must be "):
        dipole_map(dipole, nside=4)


@pytest.mark.parametrize("nside", [0, 3, -4, 2.0, True, "8"])
def test_an_unfit_resolution_is_refused(nside) -> None:
    with pytest.raises(ValueError, match=r"^nside must be a power of 2"):
        dipole_map([0, 0, 0], nside=nside)
    with pytest.raises(ValueError, match=r"^nside must be a power of 2"):
        declination_band(nside, latitude=0 * u.deg, zenith=30 * u.deg)


def test_masks_must_fit_and_hold_pixels() -> None:
    counts = np.ones(192)
    for function in (fit_dipole, lambda counts, mask: power_spectrum(counts, lmax=2, mask=mask)):
        with pytest.raises(ValueError, match=r"^mask must hold at least one pixel, got none$"):
            function(counts, mask=np.zeros(192, dtype=bool))
        with pytest.raises(ValueError, match=r"^mask must be an array of 192 booleans, got bool of shape \(48,\)$"):
            function(counts, mask=np.ones(48, dtype=bool))
        with pytest.raises(ValueError, match=r"^mask must be an array of 192 booleans, got float64"):
            function(counts, mask=np.ones(192))
    few = np.zeros(192, dtype=bool)
    few[:2] = True
    with pytest.raises(ValueError, match=r"^mask must leave directions that tell the components"):
        fit_dipole(counts, mask=few)
    dark = counts.copy()
    dark[few] = 0
    with pytest.raises(ValueError, match=r"^counts must hold events in the pixels of the mask, got none$"):
        fit_dipole(dark, mask=few)


@pytest.mark.parametrize("counts", [np.ones(13), np.ones((2, 48)), -np.ones(48), np.zeros(48)])
def test_unfit_counts_are_refused(counts) -> None:
    for function in (fit_dipole, lambda counts: power_spectrum(counts, lmax=2)):
        with pytest.raises(ValueError, match=r"^counts must "):
            function(counts)


@pytest.mark.parametrize("lmax", [0, 9, 2.0, True])
def test_unfit_multipoles_are_refused(lmax) -> None:
    with pytest.raises(ValueError, match=r"^lmax must be an integer from 1 to 2 nside = 8"):
        power_spectrum(np.ones(192), lmax=lmax)


@pytest.mark.parametrize("intensity", [np.zeros(48), -np.ones(48), np.ones(13)])
def test_unfit_intensities_are_refused(intensity) -> None:
    with pytest.raises(ValueError, match=r"^intensity must be "):
        sample_counts(10, intensity, seed=1)


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="must be an integer of at least 1, got 0"):
        sample_counts(0, np.ones(48), seed=1)
    with pytest.raises(ValueError, match="must be an integer of at least 0, got -1"):
        sample_counts(10, np.ones(48), seed=-1)
    with pytest.raises(ValueError, match=r"^intensity must be zero or positive"):
        contrast([-1.0, 2.0])
    with pytest.raises(ValueError, match=r"^intensity must be positive somewhere"):
        contrast([0.0, 0.0])
    with pytest.raises(ValueError, match=r"^directions must have the shape \(N, 3\)"):
        estimate_dipole(np.ones((3, 3)) / np.sqrt(3))
    with pytest.raises(ValueError, match=r"^directions must be unit vectors"):
        estimate_dipole(np.ones((5, 3)))
    with pytest.raises(ValueError, match=r"^components must be 1, 2 or 3, got 4"):
        isotropy_probability(1e-3, 100, components=4)
    with pytest.raises(ValueError, match=r"^probability must lie between 0 and 1, got 1"):
        events_needed(1e-3, probability=1)
    with pytest.raises(ValueError, match=r"^amplitude must be positive"):
        events_needed(0)
    with pytest.raises(u.UnitConversionError, match=r"^latitude must be a quantity"):
        declination_band(8, latitude=30, zenith=30 * u.deg)
    with pytest.raises(ValueError, match=r"^latitude must be within"):
        declination_band(8, latitude=100 * u.deg, zenith=30 * u.deg)
    with pytest.raises(ValueError, match=r"^zenith must leave at least one pixel of nside 1"):
        declination_band(1, latitude=10 * u.deg, zenith=1 * u.deg)
