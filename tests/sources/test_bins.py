"""Bins and errors: the published errors, exact averages of power laws, flat spectra, bad input."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from crlab.data import table
from crlab.sources.bins import AMS_EXPOSURE, Bins, bin_weights, poisson_error, proton_bins

BINS = proton_bins()
GRID = np.geomspace(10, 1e6, 401) * u.GeV


def test_37_and_10_bins():
    assert BINS.size == 47
    assert BINS.of("AMS-02").sum() == 37
    assert BINS.of("DAMPE").sum() == 10
    assert BINS.low[0] == 28.8 * u.GeV
    assert BINS.high[-1] == 1e5 * u.GeV
    assert np.all(BINS.high[:36] == BINS.low[1:37])


def test_counting_error_of_the_highest_ams_bin():
    """0.369 %, of the published flux 3.26e-5 /GV/m2/s/sr between 1130 and 1800 GV."""
    assert BINS.stat[36] == pytest.approx(0.00369, rel=0.02)


def test_counting_errors_are_the_printed_ones_within_their_rounding():
    rows = table("ams02-p-2021")
    rows = rows[(rows["x_low"] > 30 * u.GV) & (rows["stat"].value > 0)]
    counted = BINS.stat[37 - len(rows) : 37] * rows["value"].value
    assert len(rows) > 30
    # One printed digit: 2e-5 stands for 1.5e-5 to 2.5e-5. A few per cent more for what is not counting.
    printed = [f"{value:.1e}" for value in rows["stat"].value]
    step = np.array([10.0 ** (int(text[-3:]) - (text[2] != "0")) for text in printed])
    assert np.all(np.abs(counted - rows["stat"].value) < 0.5 * step + 0.05 * counted)


def test_dampe_errors_are_the_printed_ones():
    """0.22 % between 1 and 1.6 TeV, 4.65 % between 63 and 100 TeV."""
    assert BINS.stat[37] == pytest.approx(0.0022, abs=5e-5)
    assert BINS.stat[-1] == pytest.approx(0.0465, abs=1e-4)


def test_weights_sum_to_one():
    weights = bin_weights(GRID, BINS.low, BINS.high)
    assert weights.shape == (47, 401)
    assert np.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)


@given(st.floats(-0.5, 0.5))
def test_average_of_a_power_law(slope):
    """∫ E^s E^-2.7 dE / ∫ E^-2.7 dE by hand."""
    a, b = BINS.low.value, BINS.high.value
    exact = -1.7 / (slope - 1.7) * (b ** (slope - 1.7) - a ** (slope - 1.7)) / (b**-1.7 - a**-1.7)
    np.testing.assert_allclose(BINS.average(GRID, GRID.value**slope), exact, rtol=2e-4)


def test_average_of_a_step_inside_a_bin():
    """A step of x at 2 TeV: the share of the counts above it in DAMPE's bin of 1585 to 2512 GeV."""
    fine = np.geomspace(900, 2e5, 200001) * u.GeV
    got = proton_bins("DAMPE").average(fine, (fine.value > 2000).astype(float))
    share = (2000**-1.7 - 2512**-1.7) / (1585**-1.7 - 2512**-1.7)
    assert got[1] == pytest.approx(share, abs=2e-3)
    assert got[0] == 0
    assert got[2] == pytest.approx(1)


def test_average_of_many_spectra_at_once():
    x = np.random.default_rng(1).uniform(0.5, 2, (3, 4, 401))
    many = BINS.average(GRID, x)
    assert many.shape == (3, 4, 47)
    np.testing.assert_allclose(many[2, 1], BINS.average(GRID, x[2, 1]), rtol=1e-12)


def test_one_experiment():
    dampe = proton_bins("DAMPE")
    assert isinstance(dampe, Bins)
    assert dampe.size == 10
    assert set(dampe.experiment) == {"DAMPE"}


def test_poisson_error_of_a_hundred_counts():
    one = 1 / (u.GeV * u.m**2 * u.s * u.sr)
    assert poisson_error(2 * one, 5 * u.GeV, 10 * u.m**2 * u.s * u.sr) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: proton_bins("CALET"), "experiment must be one of AMS-02, DAMPE"),
        (lambda: BINS.of("CALET"), "experiment must be one of AMS-02, DAMPE"),
        (lambda: BINS.average(GRID, np.ones(7)), "ratio must have 401 values"),
        (lambda: BINS.average(GRID[100:], np.ones(301)), "energy must enclose the bins"),
        (lambda: BINS.average(GRID[::-1], np.ones(401)), "one growing series"),
        (lambda: BINS.average(GRID, np.full(401, np.nan)), "ratio must be finite"),
        (lambda: bin_weights(GRID, [100] * u.GeV, [50] * u.GeV), "low < high"),
        (
            lambda: poisson_error(0 / (u.GeV * u.m**2 * u.s * u.sr), 1 * u.GeV, AMS_EXPOSURE),
            "flux must be positive",
        ),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_bare_numbers_are_refused():
    with pytest.raises(u.UnitConversionError, match="energy must be"):
        BINS.average(GRID.value, np.ones(401))
