"""The law of escape: published-in-the-issue values, inverses, limits, the spectrum's energy."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from crlab.acceleration.escape import EscapeLaw, sedov_slope
from crlab.acceleration.remnant import sedov_constant, sedov_radius, sedov_speed
from crlab.galaxy import Halo

LAW = EscapeLaw()


@pytest.mark.parametrize(
    ("energy", "years"),
    [(3e6, 300), (1e6, 814.5), (1e5, 6606), (1e4, 5.359e4), (5e3, 1.006e5), (1e3, 4.347e5)],
)
def test_escape_times_by_hand(energy, years):
    """300 yr (E/3 PeV)^(-10/11)."""
    assert LAW.escape_time(energy * u.GeV).to_value("yr") == pytest.approx(years, rel=3e-4)


@given(st.floats(0.3, 3), st.floats(0, 1))
def test_escape_time_is_the_inverse_of_max_energy(slope, x):
    law = EscapeLaw(slope=slope, floor=1 * u.TeV)
    E = 3e6 * (1e3 / 3e6) ** x * u.GeV
    assert law.max_energy(law.escape_time(E)).to_value("GeV") == pytest.approx(E.value, rel=1e-9)


def test_flat_before_the_sedov_phase():
    assert np.all(LAW.max_energy([1, 100, 300] * u.yr) == 3 * u.PeV)


def test_slope_after_it():
    t = np.geomspace(300, 1e5, 20) * u.yr
    assert np.polyfit(np.log(t.value), np.log(LAW.max_energy(t).value), 1)[0] == pytest.approx(-1.1, abs=1e-9)


def test_floor_lets_everything_below_go_at_once():
    law = EscapeLaw(floor=10 * u.TeV)
    assert np.all(law.escape_time([0.001, 1, 10] * u.TeV) == law.end)
    assert law.end.to_value("yr") == pytest.approx(5.359e4, rel=1e-4)
    assert law.max_energy(1e7 * u.yr) == 10 * u.TeV


@pytest.mark.parametrize("floor", [3 * u.PeV, 1 * u.EeV])
def test_burst_limit(floor):
    """A floor at the peak or above: all energies leave at the start of the Sedov phase."""
    law = EscapeLaw(floor=floor)
    assert np.all(law.escape_time([1, 3e3] * u.TeV) == 300 * u.yr)
    assert law.end == 300 * u.yr


def test_nothing_above_the_peak_ever_leaves():
    assert LAW.escape_time([3, 3.001] * u.PeV).value.tolist() == [300, np.inf]
    assert EscapeLaw(peak=30 * u.PeV).escape_time(10 * u.PeV) < np.inf


def test_particles_that_left_spread_as_in_the_halo():
    """κ τ, for any shapes that broadcast."""
    halo, since, R = Halo(delta=0.4), [[0], [1], [30]] * u.kyr, [1, 100] * u.TV
    expected = halo.kappa(R) * since
    np.testing.assert_allclose(LAW.spread(since, R, halo).to_value("kpc2"), expected.to_value("kpc2"), rtol=1e-14)
    with pytest.raises(ValueError, match="since must be zero or positive"):
        LAW.spread(-1 * u.kyr, 1 * u.TV, halo)
    with pytest.raises(u.UnitConversionError, match="since"):
        LAW.spread(1.0, 1 * u.TV, halo)


def test_no_end_without_a_floor():
    assert np.isinf(LAW.end)


def test_released():
    law = EscapeLaw(floor=10 * u.TeV)
    E = [1, 20, 100, 5000] * u.TeV
    assert law.released(E, 7000 * u.yr).tolist() == [False, False, True, False]
    assert law.released(E, 1e5 * u.yr).tolist() == [True, True, True, False]


def test_slopes():
    """11/10 with Bell's field, 1/5 with a steady one; E_max grows with t while the remnant expands freely."""
    assert sedov_slope() == pytest.approx(1.1)
    assert sedov_slope(amplified=0) == pytest.approx(0.2)
    assert sedov_slope(expansion=1) == pytest.approx(-1)


def test_slope_from_the_sedov_solution_in_both_forms():
    t = np.geomspace(300, 3e4, 30) * u.yr
    R, U = sedov_radius(t), sedov_speed(t)
    forms = (U**2 * U**1.5 * t).value, (U * U**1.5 * R).value
    for form in forms:
        assert np.polyfit(np.log(t.value), np.log(form), 1)[0] == pytest.approx(-sedov_slope(), abs=1e-9)
    assert np.ptp(forms[1] / forms[0]) < 1e-12 * (forms[1] / forms[0]).max()


@pytest.mark.parametrize("slope", [0.8, 1.1, 2.48])
def test_spectrum_carries_the_energy_that_the_shock_gave(slope):
    """∫ E N dE is ∫ ξ (ρU³/2) 4πR² dt between the escape times of the two ends."""
    law, rho = EscapeLaw(slope=slope), 2e-24 * u.g / u.cm**3
    low, high = 1e5, 3e6

    def power(ln_t):
        t = np.exp(ln_t) * u.yr
        R, U = sedov_radius(t, density=rho), sedov_speed(t, density=rho)
        return (0.1 * rho * U**3 / 2 * 4 * np.pi * R**2 * t).to_value("GeV")

    t = law.escape_time([high, low] * u.GeV).value
    given_off = quad(power, *np.log(t))[0]
    N = law.spectrum(1 * u.TeV, efficiency=0.1, explosion=1e51 * u.erg, constant=sedov_constant()).value * 1e6
    assert N * np.log(high / low) == pytest.approx(given_off, rel=1e-6)


def test_no_escape_spectrum_below_the_floor():
    law = EscapeLaw(floor=10 * u.TeV)
    N = law.spectrum([9, 11] * u.TeV, efficiency=0.1, explosion=1e51 * u.erg, constant=1.15)
    assert N[0] == 0 < N[1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: LAW.escape_time(0 * u.TeV), "energy must be positive"),
        (lambda: LAW.max_energy(0 * u.yr), "time must be positive"),
        (lambda: EscapeLaw(slope=0), "slope must be positive"),
        (lambda: EscapeLaw(floor=-1 * u.TeV), "floor must be positive"),
        (lambda: EscapeLaw(peak=[1, 2] * u.PeV), "peak must be one value"),
        (lambda: sedov_slope(expansion=1.5), "expansion must be at most 1"),
        (lambda: LAW.spectrum(4 * u.PeV, efficiency=0.1, explosion=1e51 * u.erg, constant=1), "at most the peak"),
        (lambda: LAW.spectrum(1 * u.PeV, efficiency=2, explosion=1e51 * u.erg, constant=1), "efficiency"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_bare_numbers_are_refused():
    with pytest.raises(u.UnitConversionError, match="energy must be"):
        LAW.escape_time(10.0)
    with pytest.raises(u.UnitConversionError, match="start must be"):
        EscapeLaw(start=300.0)
