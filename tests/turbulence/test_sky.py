"""Skies by backtracking: Liouville's theorem, a uniform field in closed form, power spectra, bad input."""

from concurrent.futures import ThreadPoolExecutor

import healpy
import numpy as np
import pytest

from crlab.turbulence import sky
from crlab.turbulence.fields import wave_field
from crlab.turbulence.particles import Paths, push
from crlab.turbulence.spectrum import kolmogorov

NSIDE = 4
N = np.stack(healpy.pix2vec(NSIDE, np.arange(12 * NSIDE**2)), axis=-1)


def field(eta=0.5, seed=1, modes=64):
    return wave_field(kolmogorov(20), eta=eta, modes=modes, rng=np.random.default_rng(seed))


def test_at_the_observer_the_sky_is_the_dipole():
    paths = sky.backtrack(field(), r_g=0.3, times=[0.0, 0.5], nside=NSIDE)
    a = np.array([1e-3, -2e-3, 5e-4])
    np.testing.assert_allclose(sky.relative_intensity(paths, dipole=a)[0], N @ a, atol=1e-15)
    np.testing.assert_allclose(sky.relative_intensity(paths, gradient=a)[0], 0, atol=1e-15)


def test_uniform_field_turns_the_sky_about_the_field():
    """Backwards a particle of charge -1 gyrates by the angle +T/r_g seen along z; z grows as μ T."""
    r_g, T = 0.7, 1.1
    paths = sky.backtrack(field(eta=0.0), r_g=r_g, times=[T], nside=NSIDE, step=T / 2000)
    along = sky.relative_intensity(paths, gradient=[0, 0, 1], dipole=[0, 0, 1])[0]
    np.testing.assert_allclose(along, N[:, 2] * (1 + T), atol=1e-9)
    turn = T / r_g
    expected = np.cos(turn) * N[:, 0] - np.sin(turn) * N[:, 1]
    np.testing.assert_allclose(sky.relative_intensity(paths, dipole=[1, 0, 0])[0], expected, atol=1e-5)


def test_the_past_leads_to_the_observer():
    """A particle of the real charge, put at the end of a backward path, arrives at the observer from its pixel."""
    waves, T = field(), 1.5
    paths = sky.backtrack(waves, r_g=0.5, times=[T], nside=1, step=0.01)
    back = push(waves, paths.position[:, 0], -paths.direction[:, 0], r_g=0.5, times=[T], step=0.01)
    np.testing.assert_allclose(back.position[:, 0], 0, atol=1e-9)
    n = np.stack(healpy.pix2vec(1, np.arange(12)), axis=-1)
    np.testing.assert_allclose(back.direction[:, 0], -n, atol=1e-9)


def test_liouville_keeps_the_mean_square_and_the_dipole_feeds_the_rest():
    """Over realisations the mean square of a dipole's sky stays a²/3, while C_1 falls and higher C_l grow."""
    total, first, rest = [], [], []
    for seed in range(24):
        paths = sky.backtrack(field(eta=1.0, seed=seed), r_g=0.3, times=[0.0, 3.0], nside=NSIDE)
        # Averaged over the direction of the dipole, the mean square of the sky is 1/3 in every realisation.
        maps = [sky.relative_intensity(paths, dipole=axis)[1] for axis in np.eye(3)]
        spectra = np.mean([sky.power_spectrum(m, lmax=8) for m in maps], axis=0)
        total.append(np.mean(np.square(maps)))
        first.append(spectra[1] / (4 * np.pi / 9))
        rest.append(np.sum((2 * np.arange(2, 9) + 1) * spectra[2:]) / (4 * np.pi) * 3)
    np.testing.assert_allclose(total, 1 / 3, rtol=1e-9)
    assert np.mean(first) < 0.7
    assert np.mean(rest) > 0.2


def test_power_spectrum_adds_up():
    rough = np.random.default_rng(2).normal(size=12 * 32**2)
    smooth = healpy.smoothing(rough, fwhm=0.3)
    C = sky.power_spectrum(smooth, lmax=64)
    assert np.sum((2 * np.arange(65) + 1) * C) / (4 * np.pi) == pytest.approx(np.mean(smooth**2), rel=1e-3)


def test_neighbour_noise():
    """Right for white noise, far below it for a smooth map."""
    noise = np.random.default_rng(3).normal(size=12 * 32**2)
    level = 4 * np.pi / noise.size
    assert sky.neighbour_noise(noise) == pytest.approx(level, rel=0.03)
    n = np.stack(healpy.pix2vec(32, np.arange(noise.size)))[2]
    assert sky.neighbour_noise(n) < 1e-3 * level


def test_threads_do_not_matter():
    one, two = (
        sky.backtrack(field(), r_g=0.3, times=[1.0], nside=16, executor=ThreadPoolExecutor(k)).position for k in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


GOOD = {"r_g": 0.3, "times": [0.5], "nside": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nside": 3}, "nside must be a power of 2"),
        ({"r_g": 0}, "r_g must be positive"),
        ({"position": [0, 0]}, "position must have three"),
        ({"position": np.zeros((2, 3))}, "position must be one vector"),
        ({"position": [0, 0, np.nan]}, "position must be finite"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        sky.backtrack(field(), **{**GOOD, **change})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sky.power_spectrum(np.ones(13), lmax=1), "sky must be a map"),
        (lambda: sky.power_spectrum(np.ones(12), lmax=3), "lmax must be an integer from 0 to 2 nside"),
        (lambda: sky.relative_intensity(Paths(np.ones(1), N[:, None], None, 1.0)), "paths must be those of particles"),
        (
            lambda: sky.relative_intensity(sky.backtrack(field(), **GOOD), dipole=np.ones((2, 3))),
            "gradient and dipole must be vectors",
        ),
    ],
)
def test_bad_maps(call, message):
    with pytest.raises(ValueError, match=message):
        call()
