"""Fits of the halo: truth recovered from synthetic data, honest errors, correlated systematics, real data."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from scipy.stats import binom

from crlab import data
from crlab.galaxy import Halo
from crlab.grammage.fit import HaloFit, RatioData, fit_boron_to_carbon, fit_ratios
from crlab.grammage.halo import HaloModel
from crlab.units import nucleon

PER_NUCLEON = u.GeV / nucleon
TABLE = data.table("ams02-bc-2021")
DATA = RatioData.from_table(TABLE, "B", "C", x_min=10 * u.GV)
TRUTH = HaloModel().changed(kappa0=3.3e28 * u.cm**2 / u.s, delta=0.45, break_change=0.2)
FREE = ("kappa0", "delta", "break_change")


def value_of(model, name):
    """Return a parameter of a model by the name that it has in a fit."""
    if name.startswith("break_"):
        return u.Quantity(getattr(model.halo.breaks[0], name.removeprefix("break_")))
    return u.Quantity(getattr(model.halo if name in ("kappa0", "delta", "height") else model, name))


def exact(halo, like=DATA):
    """Return data without noise."""
    return replace(like, value=like.model(halo))


@pytest.mark.parametrize(
    ("free", "change"),
    [
        (("kappa0", "delta"), {}),
        (FREE, {"break_change": 0.25}),
        (("kappa0", "delta", "source_grammage"), {"source_grammage": 0.5 * u.g / u.cm**2}),
        ((*FREE, "break_rigidity"), {"break_change": 0.25, "break_rigidity": 200 * u.GV}),
    ],
)
def test_noiseless_data_give_back_the_truth(free, change):
    truth = TRUTH.changed(break_change=0.0).changed(**change)
    fit = fit_ratios(exact(truth), free=free)
    assert fit.chi2 < 1e-6
    for name in free:
        assert u.isclose(fit.values[name], value_of(truth, name), rtol=1e-3)


@pytest.fixture(scope="module")
def mocks():
    """Forty fits of synthetic data with correlated errors, with the right covariance."""
    rng = np.random.default_rng(2021)
    like = replace(DATA, correlation=0.3)
    return [fit_ratios(like.mock(TRUTH, rng), free=FREE) for _ in range(40)]


@pytest.mark.parametrize("name", FREE)
def test_truth_lies_within_two_sigma_as_often_as_it_should(mocks, name):
    truth = value_of(TRUTH, name)
    pulls = np.array([float((fit.values[name] - truth) / fit.errors[name]) for fit in mocks])
    # Bounds that a correct method violates once in a thousand.
    inside = np.count_nonzero(np.abs(pulls) < 2)
    assert binom.ppf(5e-4, 40, 0.954) <= inside
    assert abs(pulls.mean()) < 3.5 / np.sqrt(40)
    assert 0.6 < pulls.std() < 1.4


def test_chi2_of_mocks_is_distributed_as_chi2(mocks):
    chi2 = np.array([fit.chi2 for fit in mocks])
    dof = mocks[0].dof
    assert dof == DATA.value.size - 3
    assert abs(chi2.mean() - dof) < 3.5 * np.sqrt(2 * dof / 40)


def test_covariance_is_the_scatter_of_fits(mocks):
    logs = np.array([[np.log(fit.values["kappa0"].value), fit.values["delta"].value] for fit in mocks])
    scatter = np.corrcoef(logs.T)[0, 1]
    claimed = np.mean([fit.correlation[0, 1] for fit in mocks])
    # Fisher's z of a correlation coefficient has the error 1/sqrt(n - 3).
    assert abs(np.arctanh(scatter) - np.arctanh(claimed)) < 3.5 / np.sqrt(37)


def test_errors_taken_as_independent_are_too_small_when_they_are_not():
    rng = np.random.default_rng(7)
    like = replace(DATA, correlation=0.3)
    pulls = []
    for _ in range(40):
        fit = fit_ratios(replace(like.mock(TRUTH, rng), correlation=0.0), free=FREE)
        pulls.append(float((fit.values["delta"].value - TRUTH.halo.delta) / fit.errors["delta"].value))
    assert np.std(pulls) > 1.6


def test_covariance_of_the_data():
    few = RatioData("B", "C", [10, 100, 1000] * u.GV, [0.3, 0.2, 0.1], [0.01] * 3, [0.02, 0.03, 0.04])
    np.testing.assert_allclose(few.covariance, np.diag([5e-4, 1e-3, 1.7e-3]))
    one_decade = replace(few, correlation=1.0).covariance
    assert one_decade[0, 1] == pytest.approx(0.02 * 0.03 * np.exp(-0.5))
    assert one_decade[0, 2] == pytest.approx(0.02 * 0.04 * np.exp(-2))
    scale = replace(few, correlation=np.inf).covariance
    np.testing.assert_allclose(scale - np.diag([1e-4] * 3), np.outer([2, 3, 4], [2, 3, 4]) * 1e-4)


def test_residuals_are_whitened():
    like = replace(DATA, correlation=0.2)
    off = like.value - like.model(TRUTH)
    chi2 = off @ np.linalg.solve(like.covariance, off)
    assert np.sum(like.residuals(TRUTH) ** 2) == pytest.approx(chi2, rel=1e-8)


def test_boron_to_carbon_alone_fixes_only_kappa_over_height():
    narrow, tall = (fit_ratios(DATA, start=HaloModel(Halo(height=H * u.kpc, delta=0.5))) for H in (2, 8))
    ratio = (tall.values["kappa0"] / 8) / (narrow.values["kappa0"] / 2)
    assert float(ratio) == pytest.approx(1, abs=0.06)  # the rest is boron from decayed 10Be
    assert fit_ratios(DATA, free=["kappa0", "height"]).correlation[0, 1] > 0.99


def test_without_decay_height_and_kappa_cannot_be_told_apart():
    chain = replace(HaloModel().chain, decays_to=(-1,) * 12)
    with pytest.raises(ValueError, match="kappa0, height apart"):
        fit_ratios(DATA, free=["kappa0", "height"], start=HaloModel(chain=chain))


def test_beryllium_breaks_the_degeneracy():
    truth = HaloModel(Halo(kappa0=2e28 * u.cm**2 / u.s, height=3 * u.kpc, delta=0.5))
    T = [0.1, 0.5, 2] * PER_NUCLEON
    clock = RatioData("10Be", "9Be", T, [0, 0, 0], [0.01] * 3, [0.0] * 3, modulation=0.5 * u.GV)
    fit = fit_ratios([exact(truth), exact(truth, clock)], free=["kappa0", "delta", "height"])
    assert fit.values["height"].value == pytest.approx(3, rel=1e-3)
    assert fit.errors["height"].value < 1


def test_prior_on_cross_sections_widens_kappa():
    # Where nuclei are scarcely destroyed B/C only knows production / κ0.
    like = RatioData.from_table(TABLE, "B", "C", x_min=200 * u.GV)
    data_there = replace(exact(HaloModel(), like), stat=like.value * 1e-3, syst=like.value * 0)
    tight = fit_ratios(data_there)
    wide = fit_ratios(data_there, free=["kappa0", "delta", "production"], production_error=0.1)
    relative = (wide.errors["kappa0"] / wide.values["kappa0"]).value
    assert relative == pytest.approx(0.1, rel=0.25)
    assert relative > 5 * (tight.errors["kappa0"] / tight.values["kappa0"]).value
    assert wide.dof == tight.dof


def test_predicted_error_is_that_of_drawn_parameters():
    fit = fit_ratios(DATA)
    dampe = RatioData.from_table(data.table("dampe-bc-2022"), "B", "C")
    value, error = fit.predict(dampe)
    rng = np.random.default_rng(5)
    centre = [fit.values[name].value for name in fit.free]
    drawn = rng.multivariate_normal(centre, fit.covariance, size=300)
    models = [fit.model.changed(kappa0=k * u.cm**2 / u.s, delta=d) for k, d in drawn]
    scatter = np.std([dampe.model(model) for model in models], axis=0)
    np.testing.assert_allclose(value, dampe.model(fit.model), rtol=1e-12)
    np.testing.assert_allclose(error, scatter, rtol=0.2)


def test_measured_slope_is_that_of_the_literature():
    # Génolini et al. (2019): between 0.43 and 0.53 with a break of about 0.2.
    fit = fit_boron_to_carbon(TABLE, free=FREE, correlation=0.1)
    assert 0.43 < fit.values["delta"].value < 0.53
    assert fit.values["break_change"].value == pytest.approx(0.2, abs=0.15)
    assert fit.errors["delta"].value < 0.03
    assert fit.p_value > 0.01


def test_dampe_wants_a_break():
    dampe = data.table("dampe-bc-2022")
    straight, bent = (fit_boron_to_carbon(dampe, free=free) for free in (FREE[:2], FREE))
    assert straight.chi2 - bent.chi2 > 9


def test_result_prints_its_parameters():
    text = str(fit_ratios(DATA, free=[*FREE, "production"], production_error=0.15))
    assert [line.split(" ")[0] for line in text.splitlines()] == [*FREE, "production", "chi2/dof"]
    assert "± " in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"free": ["kappa"]}, "kappa0, delta"),
        ({"free": []}, "got none"),
        ({"free": ["delta", "delta"]}, "different"),
        ({"free": ["kappa0", "production"]}, "prior"),
        ({"production_error": 0.1}, "prior"),
        ({"free": ["kappa0", "production"], "production_error": -0.1}, "production_error"),
    ],
)
def test_bad_fits_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit_ratios(DATA, **options)


def test_bad_ranges_are_refused():
    with pytest.raises(ValueError, match=r"at least one of the points from 2\.032 GV to 2071 GV"):
        fit_boron_to_carbon(TABLE, x_min=5000 * u.GV)
    with pytest.raises(ValueError, match="more points than the 2"):
        fit_boron_to_carbon(TABLE, x_min=1000 * u.GV, x_max=3000 * u.GV)
    with pytest.raises(u.UnitConversionError, match="x_min"):
        fit_boron_to_carbon(TABLE, x_min=10 * PER_NUCLEON)
    with pytest.raises(ValueError, match="lacks syst"):
        fit_boron_to_carbon(TABLE["x", "value", "stat"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": [0.1]}, "one value for each x"),
        ({"value": np.full(50, np.nan)}, "finite"),
        ({"stat": np.full(50, -1.0)}, "stat"),
        ({"stat": np.zeros(50), "syst": np.zeros(50)}, "without error"),
        ({"correlation": -0.1}, "correlation"),
        ({"correlation": np.nan}, "correlation"),
        ({"x": np.zeros(50) * u.GV}, "positive"),
    ],
)
def test_bad_data_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(DATA, **change)


def test_data_need_a_rigidity_or_an_energy_per_nucleon():
    with pytest.raises(u.UnitConversionError, match="x must"):
        replace(DATA, x=DATA.x.value * u.GeV)
    with pytest.raises(u.UnitConversionError, match="x must"):
        replace(DATA, x=DATA.x.value)


def test_your_own_table_will_do():
    table = QTable({"x": [10, 20, 40] * PER_NUCLEON, "value": [0.2, 0.15, 0.11], "stat": [0.01] * 3})
    table["syst"] = 0.0
    assert isinstance(fit_boron_to_carbon(table), HaloFit)
