"""Spectra and wave fields: sums, variances, spectra, correlation, divergence, and the fast kernels."""

import itertools

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from crlab.turbulence import _kernels
from crlab.turbulence.fields import POLARISATIONS, directions, take_points, wave_field
from crlab.turbulence.spectrum import BendOver, PowerLaw, kolmogorov, line_spectrum

SHARES = {
    "ISO": (1 / 3, 1 / 3, 1 / 3),
    "ALF": (1 / 2, 1 / 2, 0),
    "MAG": (1 / 6, 1 / 6, 2 / 3),
    "slab": (1 / 2, 1 / 2, 0),
    "2D": (1 / 2, 1 / 2, 0),
}


def fields(count, **options):
    return [wave_field(rng=np.random.default_rng((5, i)), **options) for i in range(count)]


def numpy_field(waves, x):
    phase = 2 * np.pi * (x @ waves.wavevectors.T + waves.phases)
    return np.cos(phase) @ waves.amplitudes + [0, 0, waves.B0]


# --- spectra


@pytest.mark.parametrize(("ratio", "factor"), [(100, 0.20964), (1000, 0.20202)])
def test_the_correlation_length_of_a_power_law(ratio, factor):
    assert PowerLaw(2 * np.pi, 2 * np.pi * ratio).correlation_length == pytest.approx(factor, rel=2.5e-5)


def test_kolmogorov_has_unit_correlation_length():
    assert kolmogorov(1000).correlation_length == pytest.approx(1, rel=1e-12)


def test_a_bend_over_spectrum_approaches_its_closed_length():
    band = BendOver(1.0, 1e-4, 1e6, rise=4)
    assert band.correlation_length == pytest.approx(band.unlimited_correlation_length, rel=2e-4)
    assert band.unlimited_correlation_length == pytest.approx(0.9958, rel=5e-5)


@pytest.mark.parametrize("spectrum", [kolmogorov(50), PowerLaw(1.0, 20.0, 1.0), BendOver(1.0, rise=2), BendOver(2.0)])
def test_spectra_are_normalised_and_their_moments_right(spectrum):
    k = np.geomspace(spectrum.k_min, spectrum.k_max, 200001)
    E = spectrum(k)
    assert np.trapezoid(E * k, np.log(k)) == pytest.approx(1, rel=1e-6)
    assert np.trapezoid(E, np.log(k)) == pytest.approx(spectrum.mean(-1), rel=1e-6)


def test_the_spectrum_along_a_line_has_its_closed_form():
    spectrum = kolmogorov(100)
    k = np.geomspace(spectrum.k_min, 0.99 * spectrum.k_max, 30)
    expected = k ** (-5 / 3) * (1 - (k / spectrum.k_max) ** (5 / 3))
    found = line_spectrum(spectrum, k)
    assert found / found[0] == pytest.approx(expected / expected[0], rel=1e-9)


# --- exact properties of one realisation


@pytest.mark.parametrize("kind", POLARISATIONS)
@pytest.mark.parametrize("spacing", ["stratified", "log"])
@pytest.mark.parametrize("modes", [1, 2, 128])
def test_the_mean_square_is_exact_for_any_number_of_modes(kind, spacing, modes):
    waves = wave_field(
        PowerLaw(1.0, 150.0), eta=0.3, modes=modes, polarisation=kind, spacing=spacing, rng=np.random.default_rng(2)
    )
    assert np.sum(waves.amplitudes**2) / 2 == pytest.approx(0.3, rel=1e-12)
    assert waves.variance.sum() == pytest.approx(0.3, rel=1e-12)


def test_a_left_rectangle_rule_would_miss_the_variance():
    # What the normalisation by the sum avoids: 128 modes over a factor 150 would give 3.4 % too much.
    spectrum = PowerLaw(1.0, 150.0)
    k = np.geomspace(1.0, 150.0, 128)
    rectangle = np.sum(spectrum(k[:-1]) * np.diff(k))
    assert rectangle == pytest.approx(1.034, abs=1.5e-3)
    waves = wave_field(spectrum, eta=1.0, modes=128, spacing="log", rng=np.random.default_rng(1))
    assert waves.variance.sum() == pytest.approx(1.0, rel=2e-3)


@pytest.mark.parametrize("kind", POLARISATIONS)
def test_polarisations_are_unit_vectors_across_the_wave(kind):
    k, xi = directions(kind, 1000, np.random.default_rng(1))
    assert np.linalg.norm(k, axis=1) == pytest.approx(1, abs=1e-14)
    assert np.linalg.norm(xi, axis=1) == pytest.approx(1, abs=1e-14)
    assert np.abs(np.sum(k * xi, axis=1)).max() < 1e-14


def test_alfven_waves_leave_the_mean_component_alone():
    waves = wave_field(kolmogorov(), eta=0.4, polarisation="ALF", rng=np.random.default_rng(3))
    b = waves.evaluate(np.random.default_rng(4).normal(size=(1000, 3)))
    assert np.all(b[:, 2] == waves.B0)


def test_magnetosonic_vectors_lie_in_the_plane_of_wave_and_mean_field():
    k, xi = directions("MAG", 1000, np.random.default_rng(1))
    assert np.abs(np.sum(np.cross(k, [0, 0, 1.0]) * xi, axis=1)).max() < 1e-15


def test_a_mixture_shares_the_energy():
    waves = wave_field(kolmogorov(), eta=0.5, modes=64, polarisation={"slab": 1, "2D": 4}, rng=np.random.default_rng(3))
    along = waves.wavevectors[:, 0] == 0
    assert waves.modes == 128
    assert np.sum(waves.amplitudes[along & (waves.wavevectors[:, 1] == 0)] ** 2) / 2 == pytest.approx(0.1, rel=1e-12)


# --- averages


@pytest.mark.parametrize("kind", POLARISATIONS)
def test_component_variances_over_realisations(kind):
    found = np.array([w.variance for w in fields(80, spectrum=kolmogorov(), eta=1.0, polarisation=kind)])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - SHARES[kind]) <= 3.5 * error + 1e-12)
    assert error.max() < 0.03


def test_the_rms_over_space_and_the_kurtosis():
    x = np.random.default_rng(7).uniform(-200, 200, (20000, 3))
    moments = []
    for waves in fields(8, spectrum=kolmogorov(), eta=1.0):
        b = waves.evaluate(x, precision="mixed")
        # Only the longest waves are few in the volume; 0.6 % a realisation for 4e4 points.
        assert np.sqrt(np.mean(np.sum(b**2, axis=1))) == pytest.approx(1, abs=0.02)
        moments.append([np.mean(b**4, axis=0) / np.mean(b**2, axis=0) ** 2, waves.kurtosis])
    space, formula = np.mean(moments, axis=(0, 2))
    assert space == pytest.approx(formula, abs=0.03)
    assert formula == pytest.approx(2.982, abs=0.006)


def test_the_correlation_length_along_lines():
    # One-sided, of the trace, of fields with L_max = 1: half of 0.20964.
    r = np.arange(0, 3, 0.004)
    lengths = []
    for waves in fields(40, spectrum=PowerLaw(2 * np.pi, 200 * np.pi), eta=1.0):
        turns = r[:, None] * waves.wavevectors[:, 0]
        lengths.append(np.trapezoid(np.cos(2 * np.pi * turns) @ np.sum(waves.amplitudes**2, axis=1) / 2, r))
    assert np.mean(lengths) == pytest.approx(0.1048, rel=0.06)


def test_the_spectrum_along_lines():
    spectrum = kolmogorov()
    n, edge = 4096, 2 * np.pi / spectrum.k_min * 16
    x = np.zeros((n, 3))
    x[:, 0] = np.arange(n) * edge / n
    window = np.hanning(n) * np.sqrt(8 / 3)
    power = np.zeros(n // 2 + 1)
    for i, waves in enumerate(fields(60, spectrum=spectrum, eta=1.0, modes=256)):
        line = np.roll(x, i % 3, axis=1)
        b = waves.evaluate(line)
        power += np.sum(np.abs(np.fft.rfft((b - b.mean(axis=0)) * window[:, None], axis=0)) ** 2, axis=1)
    k = 2 * np.pi * np.fft.rfftfreq(n, edge / n)
    power /= 60 * n**2
    edges = np.geomspace(4 * spectrum.k_min, spectrum.k_max / 3, 5)
    for low, high in itertools.pairwise(edges):
        inside = (k >= low) & (k < high)
        expected = line_spectrum(spectrum, k[inside]).sum() * (k[1] - k[0]) / 2
        assert power[inside].sum() == pytest.approx(expected, rel=0.06)


# --- divergence


@pytest.mark.parametrize("kind", POLARISATIONS)
@pytest.mark.parametrize("precision", ["accurate", "fast"])
def test_the_field_is_free_of_divergence(kind, precision):
    spectrum = kolmogorov()
    waves = wave_field(spectrum, eta=1.0, polarisation=kind, rng=np.random.default_rng(1))
    at = np.random.default_rng(2).uniform(-5, 5, (200, 3))
    h = 1e-3 / spectrum.k_max
    total = np.zeros(len(at))
    for c in range(3):
        d = h * np.eye(3)[c]
        total += (waves.evaluate(at + d, precision=precision) - waves.evaluate(at - d, precision=precision))[:, c]
    assert np.abs(total / (2 * h)).max() < 1e-6 * spectrum.k_max


# --- kernels


@settings(deadline=None, max_examples=30)
@given(turns=st.floats(-1e5, 1e5))
def test_the_cosine_of_each_kernel(turns):
    modes = np.array([[1.0], [0], [0], [0], [1.0], [0], [0]])
    x, b = np.array([[turns, 0, 0]]), np.zeros((1, 3))
    exact = float(np.cos(2 * np.pi * (np.longdouble(turns) - np.rint(np.longdouble(turns)))))
    for kernel, limit in ((_kernels.accurate, 1e-14), (_kernels.fast, 5e-8)):
        b[:] = 0
        kernel(modes, x, b)
        assert b[0, 0] == pytest.approx(exact, abs=limit)
    b[:] = 0
    _kernels.mixed(modes, modes[4:].astype(np.float32), x, b)
    assert b[0, 0] == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("modes", [1, 7, 100, 512, 513, 1300])
def test_kernels_agree_with_plain_numpy(modes):
    waves = wave_field(kolmogorov(), eta=0.8, modes=modes, rng=np.random.default_rng(modes))
    x = np.random.default_rng(1).uniform(-300, 300, (40, 3))
    expected = numpy_field(waves, x)
    assert waves.evaluate(x, precision="accurate") == pytest.approx(expected, abs=1e-10)
    error = waves.evaluate(x) - expected
    assert np.sqrt(np.mean(error**2) * 3) < 2e-8
    error = waves.evaluate(x, precision="mixed") - expected
    assert np.sqrt(np.mean(error**2) * 3) < 5e-7


def test_the_phase_keeps_the_cosine_even_and_odd_about_quarters():
    modes = np.array([[1.0], [0], [0], [0], [1.0], [0], [0]])
    t = np.linspace(-0.5, 0.5, 401)
    x = np.stack([t, 0 * t, 0 * t], axis=-1)
    there, back = np.zeros((401, 3)), np.zeros((401, 3))
    _kernels.fast(modes, x, there)
    _kernels.fast(modes, -x, back)
    assert there[:, 0] == pytest.approx(back[:, 0], abs=1e-15)


# --- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": -0.1}, "eta must lie between 0 and 1"),
        ({"eta": 1.1}, "eta must lie between 0 and 1"),
        ({"eta": np.nan}, "eta must be finite"),
        ({"modes": 0}, "modes must be an integer of at least 1"),
        ({"modes": 2.0}, "modes must be an integer"),
        ({"polarisation": "iso"}, "polarisation must be one of ISO"),
        ({"polarisation": {}}, "at least one kind"),
        ({"polarisation": {"slab": -1}}, "share of slab must be positive"),
        ({"spacing": "linear"}, "spacing must be"),
    ],
)
def test_bad_fields_are_refused(change, message):
    options = {"eta": 0.5, "rng": np.random.default_rng(1)} | change
    with pytest.raises(ValueError, match=message):
        wave_field(kolmogorov(), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PowerLaw(2.0, 2.0), "k_max must be above k_min"),
        (lambda: PowerLaw(0.0, 2.0), "k_min must be positive"),
        (lambda: PowerLaw(1.0, [2.0, 3.0]), "k_max must be one number"),
        (lambda: BendOver(0.0), "scale must be positive"),
        (lambda: BendOver(1.0, rise=-1), "rise must be zero or positive"),
        (lambda: kolmogorov(1.0), "ratio must be above 1"),
        (lambda: kolmogorov()(-1.0), "k must be positive"),
        (lambda: take_points("position", [1.0, 2.0]), "three components"),
        (lambda: take_points("position", [1.0, 2.0, np.inf]), "finite"),
    ],
)
def test_bad_numbers_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_lengths_with_units_are_refused():
    with pytest.raises(u.UnitConversionError, match="k_min must be a pure number"):
        PowerLaw(1 / u.pc, 2 / u.pc)


def test_an_unknown_precision_is_refused():
    waves = wave_field(kolmogorov(), eta=0.5, modes=4, rng=np.random.default_rng(1))
    with pytest.raises(ValueError, match="precision must be one of"):
        waves.evaluate([0.0, 0, 0], precision="double")
