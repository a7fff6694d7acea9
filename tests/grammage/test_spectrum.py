"""The spectrum's tools against closed forms, and its fit against spectra whose breaks are known."""

import sys

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from crlab import data
from crlab.grammage import spectrum

J = 1 / (u.GeV * u.m**2 * u.s * u.sr)
PER_AREA = 1 / (u.m**2 * u.s * u.sr)
KNEE = {"indices": [2.7, 3.1], "breaks": [3e6] * u.GeV, "widths": 0.2}


def power_law(energy, index, height=1.0):
    return height * (energy / u.GeV).to_value("") ** -index * J


# --- the broken power law


@given(width=st.floats(0.01, 1), low=st.floats(1.5, 4), high=st.floats(1.5, 4))
def test_far_from_the_break_the_slopes_are_the_indices(width, low, high):
    shape = {"intensity": 2 * J, "pivot": 1 * u.GeV, "indices": [low, high], "breaks": [1] * u.GeV}
    for energy, index in ((np.exp(-40 * width), low), (np.exp(40 * width), high)):
        pair = spectrum.broken_power_law([energy, energy * 1.01] * u.GeV, widths=width, **shape).value
        assert -np.log(pair[1] / pair[0]) / np.log(1.01) == pytest.approx(index, abs=1e-8)


def test_intensity_at_the_pivot_is_the_one_given():
    got = spectrum.broken_power_law(7e6 * u.GeV, intensity=3 * J, pivot=7 * u.PeV, **KNEE)
    assert got.to_value(J) == pytest.approx(3)


def test_single_break_is_the_published_form():
    """LHAASO writes J = J0 (E/Eb)^γ1 [1 + (E/Eb)^s]^((γ2-γ1)/s) with negative indices (Cao et al. 2024)."""
    energy, s = np.geomspace(1e5, 1e8, 50), 5.0
    written = (energy / 3e6) ** -2.7 * (1 + (energy / 3e6) ** s) ** ((-3.1 + 2.7) / s)
    at_break = 2 ** ((-3.1 + 2.7) / s)
    got = spectrum.broken_power_law(energy * u.GeV, intensity=at_break * J, pivot=3e6 * u.GeV, **KNEE).to_value(J)
    assert got == pytest.approx(written, rel=1e-12)


def test_sharp_breaks_are_joined_power_laws():
    shape = {"indices": [2, 3, 2.5], "breaks": [10, 1000] * u.GeV, "widths": 1e-3}
    got = spectrum.broken_power_law([1, 10, 1000, 1e4] * u.GeV, intensity=1 * J, pivot=1 * u.GeV, **shape).to_value(J)
    assert got == pytest.approx([1, 1e-2, 1e-8, 10**-10.5], rel=1e-2)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"indices": [2.7]}, ValueError, "one more than breaks"),
        ({"widths": [0.1, 0.2]}, ValueError, "widths one or as many"),
        ({"widths": 0}, ValueError, "widths must be positive"),
        ({"indices": [2, 3, 4], "breaks": [2, 1] * u.GeV}, ValueError, "breaks must increase"),
        ({"breaks": [3e6]}, u.UnitConversionError, "breaks must be a quantity"),
        ({"pivot": -1 * u.GeV}, ValueError, "pivot must be positive"),
        ({"intensity": 1 / u.m**2}, u.UnitConversionError, "intensity must be in units"),
        ({"energy": [1, np.nan] * u.GeV}, ValueError, "energy must be finite"),
    ],
)
def test_broken_power_law_refuses(wrong, error, message):
    given = {"energy": 1 * u.GeV, "intensity": 1 * J, "pivot": 1 * u.GeV, **KNEE, **wrong}
    with pytest.raises(error, match=message):
        spectrum.broken_power_law(given.pop("energy"), **given)


# --- the fit


def measured(energy, *, name, noise=0.02, scale=0.0, syst=0.1, rng=None, **shape):
    """A table as an experiment would publish it, whose energies are too low by `scale` in ln E."""
    x = energy * u.GeV
    true = np.exp(scale) * spectrum.broken_power_law(x * np.exp(scale), **shape)
    value = true if rng is None else true * np.exp(noise * rng.normal(size=x.size))
    columns = {"x": x, "value": value, "stat": noise * value, "syst": syst * value}
    return QTable(columns, meta={"name": name})


TRUTH = {
    "intensity": 1e-12 * J,
    "pivot": 1.5e6 * u.GeV,
    "indices": [2.7, 3.1, 2.6],
    "breaks": [4e6, 5e9] * u.GeV,
    "widths": 0.1,
}
START = {"indices": [2.6, 3.0, 2.8], "breaks": [2e6, 8e9] * u.GeV, "widths": 0.1}
LOW, HIGH = np.geomspace(1e5, 1e8, 25), np.geomspace(3e7, 1e11, 30)


def test_fit_without_noise_returns_the_truth():
    tables = [measured(LOW, name="low", **TRUTH), measured(HIGH, name="high", **TRUTH)]
    fit = spectrum.fit_breaks(tables, systematic="none", floor=0, **START)
    assert fit.breaks.value == pytest.approx(TRUTH["breaks"].value, rel=1e-5)
    assert fit.indices == pytest.approx(TRUTH["indices"], abs=1e-6)
    assert fit(7 * u.PeV).value == pytest.approx(spectrum.broken_power_law(7 * u.PeV, **TRUTH).value, rel=1e-6)
    assert fit.chi2 == pytest.approx(0, abs=1e-6)
    assert fit.dof == 55 - 6


def test_fit_finds_a_relative_energy_scale():
    """Only the ratio of two scales can be seen; equal spreads share it."""
    tables = [measured(LOW, name="low", **TRUTH), measured(HIGH, name="high", scale=0.1, **TRUTH)]
    fit = spectrum.fit_breaks(tables, floor=0, **START)
    low, high = fit.scales["low"], fit.scales["high"]
    assert high.value - low.value == pytest.approx(0.1, abs=0.002)
    # σ = syst / (γ - 1), and the shift of each goes as its σ²
    assert low.value / high.value == pytest.approx(-((low.expected / high.expected) ** 2), rel=0.05)
    assert low.expected == pytest.approx(0.1 / 1.9, rel=0.1)
    assert fit.energies["high"][0].value == pytest.approx(3e7 * np.exp(high.value))


def test_errors_are_those_of_repeated_measurements():
    """Over many noisy copies the deviations in units of the quoted error have unit variance."""
    rng = np.random.default_rng(20261122)
    pulls, chi2 = [], []
    for _ in range(80):
        tables = [measured(x, name=str(x[0]), rng=rng, **TRUTH) for x in (LOW, HIGH)]
        fit = spectrum.fit_breaks(tables, systematic="none", floor=0, **START)
        of_breaks = np.log(fit.breaks / TRUTH["breaks"]) / (fit.breaks_error / fit.breaks)
        pulls.append(np.append(of_breaks.to_value(""), (fit.indices - TRUTH["indices"]) / fit.indices_error))
        chi2.append(fit.chi2)
    # 80 draws: the mean is known to 0.11, the variance to 0.16, at four sigma
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.45
    assert np.abs(np.var(pulls, axis=0) - 1).max() < 0.64
    assert np.mean(chi2) == pytest.approx(49, abs=4 * np.sqrt(2 * 49 / 80))


def test_independent_systematic_errors_make_chi2_small():
    tables = [data.table(name) for name in spectrum.ALL_PARTICLE[2:]]
    start = {"indices": [2.7, 3.0, 3.3, 2.6, 5], "breaks": [4e6, 1e8, 5e9, 4e10] * u.GeV, "widths": 0.2}
    chi2 = {
        how: spectrum.fit_breaks(tables, systematic=how, floor=0.02, **start).chi2
        for how in ("none", "scale", "independent")
    }
    assert chi2["independent"] < 0.5 * (79 - 10)
    assert chi2["none"] > chi2["scale"] > 3 * chi2["independent"]


def test_lhaaso_alone_has_its_published_knee_and_indices():
    """3.67 ± 0.05 ± 0.15 PeV, 2.7413 ± 0.005, 3.128 ± 0.027 (Cao et al. 2024), another treatment of errors."""
    start = {"indices": [2.7, 3.1], "breaks": [3] * u.PeV, "widths": 0.24}
    fit = spectrum.fit_breaks([data.table("lhaaso-all-2024")], floor=0, systematic="none", **start)
    assert fit.breaks[0].to_value("PeV") == pytest.approx(3.67, abs=0.16)
    assert fit.indices == pytest.approx([2.7413, 3.128], abs=0.027)


def test_auger_alone_has_its_published_features():
    """Steepening at 13 EeV, suppression near 50 EeV, indices 2.51, 3.05, 5.1 (Aab et al. 2020)."""
    start = {"indices": [3.0, 3.27, 2.5, 3, 5], "breaks": [0.16, 5, 13, 46] * u.EeV}
    fit = spectrum.fit_breaks(
        [data.table("auger-all-2021")], widths=[0.25, 0.05, 0.05, 0.05], floor=0, systematic="none", **start
    )
    assert fit.breaks.to_value("EeV")[1:] == pytest.approx([5.0, 13, 46], rel=0.08)
    assert fit.indices[2:] == pytest.approx([2.51, 3.05, 5.1], abs=0.35)


def test_above_leaves_points_out():
    tables = [measured(LOW, name="low", **TRUTH)]
    start = {"indices": [2.6, 3.0], "breaks": [3e6] * u.GeV}
    fit = spectrum.fit_breaks(tables, floor=0, above=1e6 * u.GeV, **start)
    assert fit.dof == np.count_nonzero(LOW >= 1e6) - 4
    assert fit.pulls["low"].size == fit.dof + 4


def bad_table(**changed):
    table = measured(LOW, name="low", **TRUTH)
    for name, column in changed.items():
        table[name] = column
    return table


@pytest.mark.parametrize(
    ("tables", "options", "error", "message"),
    [
        ([bad_table()], {"systematic": "guess"}, ValueError, "one of scale, independent, none"),
        ([bad_table()], {"floor": -0.1}, ValueError, "floor must be zero or positive"),
        ([bad_table()], {"above": 1e9 * u.GeV}, ValueError, "low must have at least two points"),
        ([bad_table()[:6]], {}, ValueError, "6 parameters need more than 6 points"),
        ([bad_table(x=LOW * u.GV)], {}, u.UnitConversionError, "x of low must be in units like GeV"),
        ([bad_table(stat=0 * LOW * J)], {"floor": 0}, ValueError, "points without an error"),
        ([bad_table(syst=0 * LOW * J)], {}, ValueError, "points without an error"),
        ([bad_table()], {}, RuntimeError, "start elsewhere or with fewer breaks"),
    ],
)
def test_fit_refuses(tables, options, error, message):
    with pytest.raises(error, match=message):
        spectrum.fit_breaks(tables, **{**START, **options})


# --- integrals


@given(index=st.floats(1.1, 5), start=st.floats(1, 900))
def test_integral_of_a_power_law_is_exact_on_any_grid(index, start):
    energy = np.array([1, 2, 30, 1000]) * u.GeV
    got = spectrum.integral_intensity(energy, power_law(energy, index), above=start * u.GeV)
    assert got.to_value(PER_AREA) == pytest.approx(start ** (1 - index) / (index - 1), rel=1e-9)


def test_integral_of_one_over_energy_is_a_logarithm():
    energy = np.geomspace(1, 1000, 7) * u.GeV
    got = spectrum.integral_intensity(energy, power_law(energy, 1), above=10 * u.GeV, tail=False)
    assert got.to_value(PER_AREA) == pytest.approx(np.log(100))


def test_integral_without_tail_is_a_difference_of_those_with():
    table = data.table("lhaaso-all-2024")
    above = [1e6, 3e6] * u.GeV
    with_tail = spectrum.integral_intensity(table["x"], table["value"], above=above)
    without = spectrum.integral_intensity(table["x"], table["value"], above=above, tail=False)
    assert with_tail.shape == (2,)
    assert (with_tail[0] - with_tail[1]).value == pytest.approx((without[0] - without[1]).value)
    assert np.all(with_tail > without)


@pytest.mark.parametrize(
    ("energy", "index", "above", "message"),
    [
        ([3, 2, 1], 3, 2, "energy must increase"),
        ([1], 3, 1, "at least two"),
        ([1, 2, 3], 3, 0.5, "above must be within 1 … 3 GeV, got 0.5"),
        ([1, 2, 3], 3, 3, "above must be within"),
        ([1, 2, 3], 0.9, 2, "fall faster than 1/E"),
    ],
)
def test_integral_refuses(energy, index, above, message):
    energy = np.array(energy, dtype=float) * u.GeV
    with pytest.raises(ValueError, match=message):
        spectrum.integral_intensity(energy, power_law(energy, index), above=above * u.GeV)


def test_energy_density_of_slow_particles_against_quadrature():
    energy = np.geomspace(1e-3, 1e4, 701)
    beta = np.sqrt(energy * (energy + 2 * 0.938)) / (energy + 0.938)
    flux = 1e4 / (1 + energy**2.7)
    got = spectrum.energy_density(energy * u.GeV, flux * J, beta=beta).to_value("eV / cm3")

    def integrand(ln_t):
        t = np.exp(ln_t)
        return t**2 * 1e4 / (1 + t**2.7) * (t + 0.938) / np.sqrt(t * (t + 2 * 0.938))

    by_quad = quad(integrand, np.log(1e-3), np.log(1e4), epsabs=0, epsrel=1e-9, limit=200)[0]
    # 4π/c, GeV to eV, m-2 to cm-2
    assert got == pytest.approx(4 * np.pi / 2.99792458e10 * 1e9 * 1e-4 * by_quad, rel=1e-4)


def test_energy_density_adds_over_species_and_bears_zeros():
    energy = np.geomspace(1, 1e5, 51) * u.GeV
    one = power_law(energy, 2.7)
    none = 0 * one
    pair = spectrum.energy_density(energy, u.Quantity([one, none]), beta=[[1.0], [0.5]])
    assert pair[0] == spectrum.energy_density(energy, one)
    assert pair[1] == 0
    cut = one.copy()
    cut[:10] = 0
    assert 0 < spectrum.energy_density(energy, cut) < pair[0]


@given(index=st.floats(2.1, 4))
def test_constant_grammage_gives_the_textbook_power(index):
    """P = c M u / X for fast particles, whatever the spectrum."""
    energy = np.geomspace(1, 1e6, 30) * u.GeV
    flux = power_law(energy, index, 1e4)
    mass, column = 4e9 * u.Msun, 7 * u.g / u.cm**2
    power = spectrum.source_power(energy, flux, grammage=column, gas_mass=mass)
    expected = 299792458 * u.m / u.s * mass * spectrum.energy_density(energy, flux) / column
    assert power.to_value("erg/s") == pytest.approx(expected.to_value("erg/s"), rel=1e-12)


def test_grammage_that_falls_with_energy_asks_for_more_power():
    energy = np.geomspace(1, 1e6, 30) * u.GeV
    flux = power_law(energy, 2.7)
    falling = 7 * (energy / u.GeV).value ** -0.5 * u.g / u.cm**2
    power = [
        spectrum.source_power(energy, flux, grammage=x, gas_mass=1e9 * u.Msun)
        for x in (falling, falling[0], falling[-1])
    ]
    assert power[1] < power[0] < power[2]


@pytest.mark.parametrize(
    ("function", "wrong", "error", "message"),
    [
        ("energy_density", {"beta": 1.1}, ValueError, "beta must be at most 1"),
        ("energy_density", {"beta": [0.5, 0.5]}, ValueError, "beta must fit intensity"),
        ("energy_density", {"energy": [1, 3, 2] * u.GeV}, ValueError, "increase"),
        ("energy_density", {"intensity": [1, 2] * J}, ValueError, "last axis of intensity"),
        ("energy_density", {"intensity": [1, -2, 1] * J}, ValueError, "zero or positive"),
        ("source_power", {"grammage": [1, 2] * u.g / u.cm**2}, ValueError, "grammage must fit"),
        ("source_power", {"grammage": 7.2}, u.UnitConversionError, "grammage must be a quantity"),
        ("source_power", {"gas_mass": 0 * u.g}, ValueError, "gas_mass must be positive"),
    ],
)
def test_densities_refuse(function, wrong, error, message):
    given = {"energy": [1, 2, 3] * u.GeV, "intensity": [3, 2, 1] * J}
    if function == "source_power":
        given |= {"grammage": 7 * u.g / u.cm**2, "gas_mass": 1e9 * u.Msun}
    given |= wrong
    with pytest.raises(error, match=message):
        getattr(spectrum, function)(given.pop("energy"), given.pop("intensity"), **given)


# --- changes of variable and the data-driven fit


def test_change_of_variable_conserves_particles():
    table = data.table("ams02-he-2021")
    energy, flux = spectrum.per_kinetic_energy(table, "4He")
    per_rigidity = np.trapezoid(table["value"].value, table["x"].value)
    assert np.trapezoid(flux.value, energy.value) == pytest.approx(per_rigidity, rel=0.01)
    with pytest.raises(u.UnitConversionError, match="value of the table"):
        spectrum.per_kinetic_energy(data.table("dampe-p-2019"), "p")


def test_spline_fit_is_the_sum_of_its_species():
    fit = spectrum.global_spline_fit([10, 1e3, 1e6, 1e10] * u.GeV)
    assert fit.intensity.sum(axis=0).value == pytest.approx(fit.total.value, rel=1e-6)
    assert set(fit.charge) == set(range(1, 29))
    assert np.all((fit.beta > 0) & (fit.beta <= 1))
    assert np.all(fit.total_error < 0.2 * fit.total)
    # β = pc / E with pc = Z R, so (Z R)² (1/β² - 1) is the rest energy squared, 0.94 GeV for each nucleon
    rest = (fit.charge[:, None] * fit.rigidity.value * np.sqrt(fit.beta**-2 - 1))[:, 0]
    assert rest[[0, 2]] == pytest.approx([0.938, 3.727], rel=2e-3)


def test_spline_fit_passes_through_measured_protons():
    energy, flux = spectrum.per_kinetic_energy(data.table("ams02-p-2021"), "p")
    high = energy > 20 * u.GeV
    fit = spectrum.global_spline_fit(energy[high])
    protons = fit.intensity[fit.charge == 1].sum(axis=0)
    assert protons.value == pytest.approx(flux[high].value, rel=0.08)


def test_solar_wind_takes_particles_away_only_at_low_energy():
    energy = np.geomspace(1, 1e5, 30) * u.GeV
    earth = spectrum.global_spline_fit(energy)
    outside = spectrum.global_spline_fit(energy, interstellar=True)
    ratio = (earth.total / outside.total).to_value("")
    assert np.all(np.diff(ratio) > -1e-9)
    assert ratio[0] < 0.5
    assert ratio[-1] == pytest.approx(1, abs=1e-3)


def test_spline_fit_refuses(monkeypatch):
    with pytest.raises(ValueError, match="kinetic_energy must have one axis"):
        spectrum.global_spline_fit(1 * u.GeV)
    with pytest.raises(ValueError, match="kinetic_energy must be positive"):
        spectrum.global_spline_fit([0.0, 1] * u.GeV)
    monkeypatch.setitem(sys.modules, "globalsplinefit", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'crflux\[gsf\]'"):
        spectrum.global_spline_fit([1.0] * u.GeV)
