"""The energy that a remnant reaches: published numbers, closed forms, limits, bad input."""

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from crlab.acceleration import emax
from crlab.acceleration.emax import BlastWave

kms = u.km / u.s
U, B, AGE = 1e4 * kms, 1 * u.uG, 1000 * u.yr


def test_talk():
    assert emax.maximum_energy(U, B, AGE).to_value(u.TeV) == pytest.approx(118.3, rel=1e-3)
    assert emax.hillas_energy(U, B, U * AGE).to_value(u.TeV) == pytest.approx(315.6, rel=1e-3)


def test_chain_of_the_talk():
    """t_acc = 8κ/U² with Bohm diffusion at E_max is the age."""
    E = emax.maximum_energy(U, B, AGE)
    assert emax.acceleration_time(U, emax.bohm_diffusion(E, B)).to_value(u.yr) == pytest.approx(1000, rel=1e-9)


@pytest.mark.parametrize(("r", "ratio", "factor"), [(4, 0.25, 8), (4, 1, 20), (3, 1 / 3, 9), (2, 0.5, 12)])
def test_acceleration_time(r, ratio, factor):
    kappa = 1e26 * u.cm**2 / u.s
    t = emax.acceleration_time(U, kappa, kappa_2=ratio * kappa, compression=r)
    assert (t * U**2 / kappa).to_value(u.one) == pytest.approx(factor, rel=1e-12)


def test_gyroradius_in_gaussian_units():
    """r_g = E/(qB) with q in esu, B in G and E in erg."""
    E, field = 1e15 * 1.602176634e-12, 1e-6
    expected = E / (4.803204713e-10 * field) / const.pc.cgs.value
    assert emax.gyroradius(1 * u.PeV, B).to_value(u.pc) == pytest.approx(expected, rel=1e-9)
    assert emax.gyroradius(1 * u.PeV, B, charge=2) == 0.5 * emax.gyroradius(1 * u.PeV, B)


def test_scales_of_the_remnant():
    """1e51 erg and one solar mass in 1.4 × 1.67e-24 g/cm3: 1.9 pc, 1.0e4 km/s, 186 yr."""
    wave = BlastWave()
    assert wave.swept_radius.to_value(u.pc) == pytest.approx(1.9, rel=0.01)
    assert wave.ejecta_speed.to_value(kms) == pytest.approx(1.0e4, rel=0.01)
    assert wave.swept_time.to_value(u.yr) == pytest.approx(186, rel=0.01)


@given(st.floats(0.1, 10), st.floats(0.3, 20), st.floats(0.01, 100))
def test_blast_wave(energy, mass, density):
    """No jump of R or U, U = dR/dt, the Sedov–Taylor law at the end."""
    wave = BlastWave(energy * 1e51 * u.erg, mass * u.Msun, density * 1.67e-24 * u.g / u.cm**3)
    t0 = wave.free_time
    for each in (wave.radius, wave.speed):
        before, after = each(t0 * np.array([1 - 1e-9, 1 + 1e-9]))
        assert (after / before).to_value(u.one) == pytest.approx(1, rel=1e-7)
    t = t0 * np.array([0.3, 2.0, 20.0, 3000.0])
    slope = (wave.radius(t * (1 + 1e-5)) - wave.radius(t * (1 - 1e-5))) / (2e-5 * t)
    np.testing.assert_allclose((slope / wave.speed(t)).to_value(u.one), 1, rtol=1e-6)
    late = 1e6 * t0
    sedov = (2.026 * wave.energy * late**2 / wave.density) ** 0.2
    assert (wave.radius(late) / sedov).to_value(u.one) == pytest.approx(1, rel=1e-5)


def test_history_against_closed_form():
    wave = BlastWave()
    t = np.geomspace(1, 1e6, 200) * u.yr
    first = emax.maximum_energy(wave.ejecta_speed, B, wave.free_time)
    early = (t / wave.free_time).to_value(u.one)
    late = 3 - 2 * np.sqrt((wave.free_radius / wave.radius(t)).to_value(u.one))
    expected = first * np.where(early < 1, early, late)
    np.testing.assert_allclose((emax.energy_history(wave, t, B) / expected).to_value(u.one), 1, rtol=2e-5)
    assert emax.energy_history(wave, t[-1], B) < 3 * first


def test_history_with_a_field_that_follows_the_shock():
    """B ∝ U^(3/2) against adaptive quadrature."""
    wave = BlastWave()

    def field(speed):
        return 265 * u.uG * (speed / U).to_value(u.one) ** 1.5

    def rate(t):
        speed = wave.speed(t * u.yr)
        return emax.maximum_energy(speed, field(speed), 1 * u.yr).to_value(u.TeV)

    t0 = wave.free_time.value
    expected = quad(rate, 0, t0)[0] + quad(rate, t0, 1000)[0]
    assert emax.energy_history(wave, AGE, field).to_value(u.TeV) == pytest.approx(expected, rel=1e-4)


def test_constant_speed_is_the_simple_formula():
    """As long as the ejecta have swept up nothing."""
    wave = BlastWave(density=1e-30 * u.g / u.cm**3)
    assert wave.free_time > AGE
    expected = emax.maximum_energy(wave.ejecta_speed, B, AGE)
    assert (emax.energy_history(wave, AGE, B) / expected).to_value(u.one) == pytest.approx(1, rel=1e-12)


def test_field_for_the_knee():
    field = emax.field_needed(3 * u.PeV, BlastWave(), AGE)
    assert 70 < field.to_value(u.uG) < 130
    assert emax.energy_history(BlastWave(), AGE, field).to_value(u.PeV) == pytest.approx(3, rel=1e-12)


def test_age_does_not_help():
    """(U²/c) q B t falls as t^(-1/5) late in the Sedov–Taylor phase."""
    wave, t = BlastWave(), np.array([1e5, 1e6]) * u.yr
    E = emax.maximum_energy(wave.speed(t), B, t)
    assert np.log10((E[1] / E[0]).to_value(u.one)) == pytest.approx(-0.2, abs=0.005)


@given(st.floats(1, 100), st.integers(1, 26))
def test_charge_and_bohm_factor(factor, charge):
    E = emax.maximum_energy(U, B, AGE, charge=charge, factor=factor)
    expected = emax.maximum_energy(U, B, AGE) * charge / factor
    assert (E / expected).to_value(u.one) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: emax.maximum_energy(4e5 * kms, B, AGE), ValueError, "speed must be below the speed of light"),
        (lambda: emax.maximum_energy(U, 0 * u.uG, AGE), ValueError, "field must be positive"),
        (lambda: emax.maximum_energy(U, 1.0, AGE), u.UnitConversionError, "field must be a quantity"),
        (lambda: emax.maximum_energy(U, B, -AGE), ValueError, "age must be positive"),
        (lambda: emax.maximum_energy(U, B, AGE, charge=0), ValueError, "charge must be an integer"),
        (lambda: emax.maximum_energy(U, B, AGE, factor=0.5), ValueError, "factor must be at least 1"),
        (lambda: emax.bohm_diffusion(1 * u.pc, B), u.UnitConversionError, "energy must be in units like J"),
        (lambda: emax.acceleration_time(U, 0 * u.cm**2 / u.s), ValueError, "kappa_1 must be positive"),
        (lambda: emax.acceleration_time(U, 1 * u.cm**2 / u.s, compression=1), ValueError, "compression must be above"),
        (lambda: emax.acceleration_time(U, 1 * u.cm**2 / u.s, compression=4.1), ValueError, "give limit="),
        (lambda: emax.energy_history(BlastWave(), [2, 1] * u.yr, B), ValueError, "t must be one age or a list"),
        (lambda: emax.energy_history(BlastWave(), AGE, lambda U: 0 * u.uG), ValueError, "field must be positive"),
        (lambda: BlastWave(energy=-1 * u.erg), ValueError, "energy must be positive"),
        (lambda: BlastWave(ejecta_mass=1 * u.g), ValueError, "below the speed of light"),
        (lambda: BlastWave(density=[1, 2] * u.g / u.cm**3), ValueError, "density must be one value"),
        (lambda: BlastWave().radius(0 * u.yr), ValueError, "t must be positive"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
