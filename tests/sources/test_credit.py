"""CREDIT's single source: the reference vectors, the pulse, limits, the rate of features by counting, bad input."""

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from crlab.diffusion.green import green
from crlab.galaxy import Halo
from crlab.sources.credit import (
    RATE,
    feature,
    feature_rate,
    pulse_height,
    pulse_limits,
    pulse_time,
    single_source,
    source_count,
    threshold,
)
from crlab.sources.release import Burst, EscapeLaw

LAW = EscapeLaw()
NEAR = {"distance": 0.3 * u.kpc, "age": 20 * u.kyr}


def by_hand(E, rho, T, delay):
    """2κG/(σ̇h) from images, in plain numbers: kpc, yr, GeV."""
    kappa = 5e28 * 3.314383e-30 * (E / 10) ** 0.6
    tau = np.maximum(T - delay, 1e-9) * 1e-6
    s = kappa * tau / 25
    n = np.arange(-40, 41)[:, None]
    images = np.sum((-1.0) ** n * np.exp(-(n**2) / s), axis=0) / np.sqrt(4 * np.pi * s)
    return 2 * kappa / (26.498 * 25) * images * np.exp(-(rho**2) / (4 * kappa * tau)) / (4 * np.pi * kappa * tau)


def test_source_rate():
    """0.02/yr in π 15.5² kpc²: 26.498 /kpc²/Myr."""
    assert RATE.to_value(1 / (u.kpc**2 * u.Myr)) == pytest.approx(26.498, rel=1e-4)


def test_values_of_one_source():
    """At 0.3 kpc and 20 kyr, from the reference page."""
    E = [1, 3, 10, 30, 100] * u.TeV
    credit = single_source(E, scenario=LAW, **NEAR)
    np.testing.assert_allclose(credit, [0, 0, 0, 0.2539, 0.03254], rtol=0.01)
    np.testing.assert_allclose(single_source(E, **NEAR), [0.04817, 0.0426, 0.03327, 0.02521, 0.01807], rtol=0.01)


@pytest.mark.parametrize(("scenario", "delayed"), [(LAW, True), (Burst(), False)])
def test_against_the_sum_over_images(scenario, delayed):
    E = np.geomspace(40e3, 2.9e6, 60)
    delay = 300 * (E / 3e6) ** (-10 / 11) if delayed else 0
    got = single_source(E * u.GeV, distance=0.7 * u.kpc, age=50 * u.kyr, scenario=scenario)
    np.testing.assert_allclose(got, by_hand(E, 0.7, 5e4, delay), rtol=1e-4)


@pytest.mark.parametrize(
    ("rho", "T", "lowest", "top", "at", "low", "high", "burst", "burst_at"),
    [
        (0.3, 2e4, 29.57, 0.8454, 30.83, 30.13, 33.73, 0.0484, 0.773),
        (0.3, 1e5, 5.034, 0.2889, 5.152, 5.093, 5.433, 0.0097, 0.0528),
        (1.0, 2e4, 29.57, 0.0295, 49.7, 36.6, 241, 0.0145, 42.8),
        (0.25, 1.2e4, 51.86, 2.037, 53.70, 52.7, 57.8, 0.0969, 0.986),
    ],
)
def test_features(rho, T, lowest, top, at, low, high, burst, burst_at):
    """Table of the reference page, TeV and over the mean."""
    place = {"distance": rho * u.kpc, "age": T * u.yr}
    found = feature(scenario=LAW, **place)
    ends = [x.to_value(u.TeV) for x in (found.energy, found.low, found.high)]
    assert ends == pytest.approx([at, low, high], rel=0.01)
    assert found.amplitude == pytest.approx(top, rel=0.01)
    assert threshold(T * u.yr, LAW).to_value(u.TeV) == pytest.approx(lowest, rel=1e-3)
    alone = feature(**place)
    assert alone.amplitude == pytest.approx(burst, rel=0.01)
    assert alone.energy.to_value(u.TeV) == pytest.approx(burst_at, rel=0.01)


def test_width_of_the_feature():
    """0.049 dex on the reference page, whose grid is 0.001 dex; half maximum checked on a grid of ten times that."""
    found = feature(scenario=LAW, **NEAR)
    assert found.width == pytest.approx(0.049, abs=0.0015)
    E = np.geomspace(29.6e3, 40e3, 20001)
    x = by_hand(E, 0.3, 2e4, 300 * (E / 3e6) ** (-10 / 11))
    inside = E[x > x.max() / 2]
    assert found.width == pytest.approx(np.log10(inside[-1] / inside[0]), rel=2e-3)


def test_pulse():
    """G_max ρ³ = 0.0736157 and its width 2.7008 τ*, from 0.4365 to 3.1373."""
    assert pulse_height(2 * u.kpc).to_value("1 / kpc3") * 8 == pytest.approx(0.0736157, rel=1e-5)
    first, last = pulse_limits()
    assert last - first == pytest.approx(2.7008, rel=1e-4)
    assert (first, last) == pytest.approx((0.4365, 3.1373), rel=2e-4)


def test_pulse_against_the_halo():
    """The solved Green's function peaks at τ* with that height, and has half of it at the two limits."""
    rho, E = 0.3 * u.kpc, 10 * u.TeV
    star = pulse_time(rho, E)
    kappa = Halo().kappa(10 * u.TV)
    tau = np.linspace(0.2, 4, 4001)
    G = green(rho, kappa * tau * star).to_value("1 / kpc3")
    assert G.max() == pytest.approx(pulse_height(rho).value, rel=1e-4)
    assert tau[G.argmax()] == pytest.approx(1, abs=2e-3)
    inside = tau[G.max() / 2 < G]
    assert (inside[0], inside[-1]) == pytest.approx(pulse_limits(), abs=2e-3)


@pytest.mark.parametrize(("energy", "count"), [(10, 1.57e5), (1e3, 9905), (1e4, 2488), (1e5, 625), (1e6, 157)])
def test_source_count(energy, count):
    assert source_count(energy * u.GeV) == pytest.approx(count, rel=2e-3)


def test_amplitude_from_the_number_of_sources():
    """0.2313 (h/ρ)³/N: the peak of the pulse over the mean."""
    rho, E = 0.2 * u.kpc, 20 * u.TeV
    tau = pulse_time(rho, E)
    got = single_source(E, distance=rho, age=tau)
    assert got == pytest.approx(0.2313 * (5 / 0.2) ** 3 / source_count(E), rel=1e-3)


def test_nothing_below_the_threshold_and_nothing_above_the_peak():
    E = np.array([1, 29.5, 29.6, 2999, 3001]) * u.TeV
    x = single_source(E, distance=0.1 * u.kpc, age=20 * u.kyr, scenario=LAW)
    assert np.all(x[[0, 1, 4]] == 0)
    assert np.all(x[[3]] > 0)
    assert np.all(single_source(E[3:], **NEAR) > 0)


def test_a_floor_makes_the_rest_a_burst():
    """Below E_b the source is a burst of age T - t_b."""
    law = EscapeLaw(floor=10 * u.TeV)
    E = np.geomspace(0.01, 10, 30) * u.TeV
    got = single_source(E, distance=0.5 * u.kpc, age=100 * u.kyr, scenario=law)
    np.testing.assert_allclose(got, single_source(E, distance=0.5 * u.kpc, age=100 * u.kyr - law.end), rtol=1e-9)
    assert np.all(single_source(E, distance=0.5 * u.kpc, age=0.9 * law.end, scenario=law)[:-1] == 0)


def test_a_high_floor_is_a_burst():
    law = EscapeLaw(floor=3 * u.PeV)
    E = np.geomspace(0.01, 1000, 30) * u.TeV
    got = single_source(E, distance=0.3 * u.kpc, age=20300 * u.yr, scenario=law)
    np.testing.assert_allclose(got, single_source(E, **NEAR), rtol=1e-9)


def test_threshold_before_and_after():
    law = EscapeLaw(floor=10 * u.TeV)
    ages = [100, 300, 53000, 54000] * u.yr
    assert np.isinf(threshold(ages, law)[0])
    assert threshold(ages, law)[1].to_value(u.PeV) == pytest.approx(3, rel=1e-12)
    assert threshold(ages, law)[2].to_value(u.TeV) == pytest.approx(10.12, rel=1e-3)
    assert threshold(ages, law)[3] == 0


@pytest.mark.parametrize(
    ("amplitude", "rates"),
    [
        (0.01, (14.5, 8.3, 4.48, 2.56, 1.39)),
        (0.1, (3.12, 1.78, 0.966, 0.552, 0.299)),
        (0.3, (1.50, 0.857, 0.464, 0.265, 0.144)),
    ],
)
def test_feature_rates(amplitude, rates):
    """dN/dlnE at 1, 3, 10, 30, 100 TeV from the reference page."""
    np.testing.assert_allclose(feature_rate([1, 3, 10, 30, 100] * u.TeV, amplitude), rates, rtol=0.005)


def test_feature_rate_by_counting():
    """Sources put at random into 0.8 kpc; those that peak within an e-fold about 10 TeV at more than a tenth."""
    rng = np.random.default_rng(20)
    n, radius, youngest, oldest = 3000, 0.8, 2.5e4, 1.1e5
    rho, T = radius * np.sqrt(rng.random(n)), rng.uniform(youngest, oldest, n)
    E = np.geomspace(4e3, 40e3, 1500)
    x = single_source(E * u.GeV, distance=rho[:, None] * u.kpc, age=T[:, None] * u.yr, scenario=LAW)
    at, top = E[x.argmax(axis=1)], x.max(axis=1)
    seen = (top > 0.1) & (at > 1e4 * np.exp(-0.5)) & (at < 1e4 * np.exp(0.5))
    weight = 26.498e-6 * np.pi * radius**2 * (oldest - youngest) / n
    assert seen.sum() > 300  # 6 % of statistical error
    assert seen.sum() * weight == pytest.approx(float(feature_rate(10 * u.TeV, 0.1)), rel=0.15)


@given(st.floats(0.05, 2), st.floats(3, 6), st.floats(1, 6))
def test_credit_is_the_burst_seen_later(rho, log_age, log_energy):
    """At any one energy CREDIT is a burst of a younger age: the reason why one-point statistics are the same."""
    E, T = 10**log_energy * u.GeV, 10**log_age * u.yr
    delay = LAW.escape_time(E)
    got = single_source(E, distance=rho * u.kpc, age=T, scenario=LAW)
    if delay >= T:
        assert got == 0
    else:
        assert got == pytest.approx(float(single_source(E, distance=rho * u.kpc, age=T - delay)), rel=1e-6)


@pytest.mark.parametrize(("energy", "nearest"), [(1, 0.05), (10, 0.20), (30, 0.40), (100, 0.81)])
def test_where_the_pulse_would_be_too_fast(energy, nearest):
    """τ* = ρ/c at ρ = 6κ/c."""
    rho = 6 * Halo().kappa(energy * u.TV) / const.c
    assert rho.to_value(u.kpc) == pytest.approx(nearest, abs=0.006)
    assert pulse_time(rho.to(u.kpc), energy * u.TeV).to_value(u.yr) == pytest.approx((rho / const.c).to_value(u.yr))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: single_source(0 * u.TeV, **NEAR), "energy must be positive"),
        (lambda: single_source(1 * u.TeV, distance=0 * u.kpc, age=1 * u.kyr), "distance must be positive"),
        (lambda: single_source(1 * u.TeV, distance=1 * u.kpc, age=-1 * u.kyr), "age must be positive"),
        (lambda: single_source(1 * u.TeV, rate=0 * RATE, **NEAR), "rate must be positive"),
        (lambda: single_source(1 * u.TeV, rate=[1, 2] * RATE, **NEAR), "rate must be one value"),
        (lambda: feature(distance=[1, 2] * u.kpc, age=1 * u.kyr), "distance must be one value"),
        (lambda: feature(distance=1 * u.kpc, age=200 * u.yr, scenario=LAW), "past the first escape"),
        (lambda: feature(distance=4 * u.kpc, age=1 * u.yr), "particles have arrived"),
        (lambda: feature_rate(1 * u.TeV, 0), "amplitude must be positive"),
        (
            lambda: feature_rate(1 * u.TeV, 0.1, scenario=EscapeLaw(floor=5 * u.TeV)),
            "leave before or after its neighbours",
        ),
        (lambda: feature_rate(4 * u.PeV, 0.1), "energy must be one that the scenario releases"),
        (lambda: pulse_height(0 * u.kpc), "distance must be positive"),
        (lambda: threshold(0 * u.yr, LAW), "age must be positive"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_bare_numbers_are_refused():
    with pytest.raises(u.UnitConversionError, match="energy must be"):
        single_source(10.0, **NEAR)
    with pytest.raises(u.UnitConversionError, match="distance must be"):
        single_source(10 * u.TeV, distance=0.3, age=1 * u.kyr)
