"""Fields on grids: transfer functions, variance, shares, polarisation, interpolation, bad input."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from crlab.turbulence.fields import wave_field
from crlab.turbulence.grids import GridField, bands, grid_field, transfer
from crlab.turbulence.particles import push
from crlab.turbulence.spectrum import PowerLaw, kolmogorov

N = 32


def plane_wave(cells, axis=0, n=N):
    phase = 2 * np.pi * np.arange(n) / cells
    shape = [1, 1, 1]
    shape[axis] = n
    return np.broadcast_to(np.cos(phase + 0.3).reshape(shape)[..., None], (n, n, n, 3)).astype(np.float32)


def as_field(values, interpolation, shift=(0.0, 0.0, 0.0), cells=1.0):
    return GridField(values[None], np.array([[cells, *shift]]), 1.0, 4.0, interpolation)


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [("linear", [1 / 3, 2 / 3, 0.902, 0.975]), ("cubic", [0.486, 0.886, 0.991, 0.9994])],
)
def test_the_transfer_function_along_an_axis(interpolation, expected):
    assert transfer([2, 4, 8, 16], interpolation=interpolation) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
@pytest.mark.parametrize("cells", [4, 8])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_interpolation_damps_a_wave_by_the_transfer_function(interpolation, cells, axis):
    field = as_field(plane_wave(cells, axis), interpolation)
    x = np.random.default_rng(1).uniform(-100, 100, (60000, 3))
    found = np.mean(field.evaluate(x)[:, 1] ** 2) / 0.5
    assert found == pytest.approx(transfer(cells, interpolation=interpolation), abs=0.012)


def test_linear_interpolation_agrees_with_scipy():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(N, N, N, 3)).astype(np.float32)
    field = as_field(values, "linear", shift=(0.3, 5.0, 31.9), cells=2.5)
    x = rng.uniform(-40, 40, (500, 3))
    at = (x * 2.5 + [0.3, 5.0, 31.9]).T % N
    found = field.evaluate(x)
    for c in range(3):
        expected = ndimage.map_coordinates(values[..., c].astype(float), at, order=1, mode="grid-wrap")
        assert found[:, c] == pytest.approx(expected, abs=3e-6)


@pytest.mark.parametrize(("interpolation", "degree"), [("linear", 1), ("cubic", 2)])
def test_interpolation_is_exact_for_polynomials(interpolation, degree):
    i = np.arange(N, dtype=float)
    values = np.zeros((N, N, N, 3), dtype=np.float32)
    values[..., 0] = (i**degree)[:, None, None]
    values[..., 1] = (i**degree)[None, :, None]
    values[..., 2] = (i**degree)[None, None, :]
    x = np.random.default_rng(1).uniform(2, N - 4, (200, 3))
    assert as_field(values, interpolation).evaluate(x) == pytest.approx(x**degree, rel=2e-6)


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_grids_are_periodic_and_continuous_at_their_edges(interpolation):
    field = as_field(np.random.default_rng(2).normal(size=(N, N, N, 3)).astype(np.float32), interpolation)
    x = np.random.default_rng(3).uniform(0, N, (200, 3))
    assert field.evaluate(x) == pytest.approx(field.evaluate(x - N), abs=1e-4)
    edge = np.array([[0.0, 5.5, 7.25], [N, 5.5, 7.25], [-1e-9, 5.5, 7.25], [N - 1e-9, 5.5, 7.25]])
    b = field.evaluate(edge)
    assert b == pytest.approx(np.broadcast_to(b[0], b.shape), abs=1e-5)


@pytest.mark.parametrize(("kind", "shares"), [("ISO", (1, 1, 1)), ("ALF", (1.5, 1.5, 0)), ("MAG", (0.5, 0.5, 2))])
def test_component_variances_of_filled_grids(kind, shares):
    spectrum = PowerLaw(8 * np.pi, 32 * np.pi)
    found = []
    for i in range(12):
        field = grid_field(
            spectrum, eta=0.6, n=N, cells=2.0, polarisation=kind, rng=np.random.default_rng((3, i)), compensate=False
        )
        found.append(np.mean(field.values[0].astype(float) ** 2, axis=(0, 1, 2)))
    error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - 0.2 * np.array(shares)) <= 3.5 * error + 1e-9)
    assert error.max() < 0.01


def test_a_filled_grid_is_free_of_divergence():
    field = grid_field(PowerLaw(8 * np.pi, 32 * np.pi), eta=1.0, n=N, cells=2.0, rng=np.random.default_rng(1))
    m = np.fft.fftfreq(N, 1 / N)
    spectral = np.fft.fftn(field.values[0].astype(float), axes=(0, 1, 2))
    divergence = m[:, None, None] * spectral[..., 0] + m[:, None] * spectral[..., 1] + m * spectral[..., 2]
    # Compensation acts on whole vectors, so that they stay perpendicular to k; what is left is single precision.
    assert np.abs(divergence).max() < 1e-5 * np.abs(spectral).max() * N


def test_a_filled_grid_has_the_spectrum():
    spectrum = PowerLaw(8 * np.pi, 28 * np.pi)
    m = np.fft.fftfreq(N, 1 / N)
    size = np.sqrt(m[:, None, None] ** 2 + m[:, None] ** 2 + m**2)
    power = np.zeros((N, N, N))
    for i in range(6):
        field = grid_field(spectrum, eta=1.0, n=N, cells=2.0, rng=np.random.default_rng((8, i)), compensate=False)
        power += np.sum(np.abs(np.fft.fftn(field.values[0], axes=(0, 1, 2))) ** 2, axis=-1) / 6 / N**6
    low = power[(size >= 4) & (size < 7)].sum()
    # ∫E dk from 4 to 7 of the whole from 4 to 14, both with k^-5/3; shells of a grid are lumpy.
    expected = (4 ** (-2 / 3) - 7 ** (-2 / 3)) / (4 ** (-2 / 3) - 14 ** (-2 / 3))
    assert low / power.sum() == pytest.approx(expected, rel=0.06)
    assert power.sum() == pytest.approx(1, rel=0.05)


def test_the_variance_survives_interpolation_when_compensated():
    spectrum = PowerLaw(8 * np.pi, 32 * np.pi)
    x = np.random.default_rng(1).uniform(0, 10, (20000, 3))

    def variance(**options):
        fields = [
            grid_field(spectrum, eta=1.0, n=N, cells=2.0, rng=np.random.default_rng((4, i)), **options)
            for i in range(10)
        ]
        return np.mean([np.mean(np.sum(field.evaluate(x) ** 2, axis=1)) for field in fields])

    assert variance() == pytest.approx(1, abs=0.03)
    assert variance(compensate=False) < 0.8
    assert variance(interpolation="cubic") == pytest.approx(1, abs=0.03)


def test_a_nest_shares_the_spectrum():
    spectrum = kolmogorov(100)
    nest = bands(spectrum, n=128)
    assert nest[0].k_min == spectrum.k_min
    assert nest[-1].k_max == spectrum.k_max
    assert all(a.k_max == b.k_min for a, b in itertools.pairwise(nest))
    assert all(band.k_min * band.edge == pytest.approx(8 * np.pi) for band in nest)
    assert nest[0].k_max / nest[0].k_min == pytest.approx(128 / 32)
    fields = [
        grid_field(PowerLaw(1.0, 16.0), eta=1.0, n=N, periods=2, cells=4, rng=np.random.default_rng((6, i)))
        for i in range(8)
    ]
    assert fields[0].values.shape[0] == 2
    x = np.random.default_rng(1).uniform(-60, 60, (20000, 3))
    assert np.mean([np.mean(np.sum(f.evaluate(x) ** 2, axis=1)) for f in fields]) == pytest.approx(1, abs=0.08)


def test_particles_move_through_grids_as_through_waves():
    # The same wave on a fine grid and as a plane wave.
    n, edge = 64, 1.0
    waves = wave_field(PowerLaw(2 * np.pi, 2.000001 * np.pi), eta=0.5, modes=1, rng=np.random.default_rng(1))
    amplitude, phase = np.array([0.0, 0.7, 0.7]), 0.3
    at = np.arange(n) / n
    values = np.zeros((n, n, n, 3), dtype=np.float32)
    values[:] = (np.cos(2 * np.pi * (at + phase))[:, None, None, None] * amplitude).astype(np.float32)
    grid = GridField(values[None], np.array([[n / edge, 0, 0, 0]]), 0.5, 1.0, "cubic")
    wave = type(waves)(np.array([[1.0, 0, 0]]), amplitude[None], np.array([phase]), 0.5)
    options = {"r_g": 0.5, "times": [0.5, 2.0], "step": 0.01}
    one = push(grid, [0.1, 0, 0], [0.6, 0, 0.8], **options)
    other = push(wave, [0.1, 0, 0], [0.6, 0, 0.8], **options)
    assert one.position == pytest.approx(other.position, abs=2e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transfer(1.0), "cells must be at least 2"),
        (lambda: transfer(4.0, interpolation="spline"), "interpolation must be one of"),
        (lambda: bands(kolmogorov(), n=32), "n must be above periods"),
        (lambda: bands(kolmogorov(), n=32, cells=1.0), "cells at least 2"),
        (lambda: grid_field(kolmogorov(), eta=2.0, n=64, rng=np.random.default_rng(1)), "eta must lie"),
        (
            lambda: grid_field(kolmogorov(), eta=0.5, n=64, polarisation="slab", rng=np.random.default_rng(1)),
            "polarisation on a grid",
        ),
        (lambda: as_field(plane_wave(4), "linear").evaluate([np.nan, 0, 0]), "finite"),
    ],
)
def test_bad_grids_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
