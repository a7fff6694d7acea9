"""Bell's instability: dispersion relation, simulation, saturation."""

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u

from crlab.acceleration import _fluid_kernels
from crlab.acceleration.instability import (
    amplify,
    escape_current,
    escape_energy,
    fastest_growth,
    frequency,
    growth_rate,
    saturated_field,
    simulate,
)

PLASMA = {"current": 1e-14 * u.A / u.m**2, "field": 3 * u.uG, "density": 1.67e-24 * u.g / u.cm**3}
HYDROGEN = const.m_p / u.cm**3


@pytest.fixture(scope="module")
def waves():
    return simulate(**PLASMA)


def test_growth_in_gaussian_units():
    """γ = (j/c)(π/ρ)^(1/2) and k_c = 4π j/(c B₀), by hand in esu, cm, g, s: 1e-14 A/m2 is 2.99792e-9 statA/cm2."""
    j, B, rho, c = 2.99792458e-9, 3e-6, 1.67e-24, 2.99792458e10
    best = fastest_growth(**PLASMA)
    assert best.rate.to_value("1/s") == pytest.approx(j / c * np.sqrt(np.pi / rho), rel=1e-6, abs=0)
    assert best.cutoff.to_value("1/cm") == pytest.approx(4 * np.pi * j / (c * B), rel=1e-6, abs=0)
    assert best.wavenumber == best.cutoff / 2


def test_fastest_is_the_maximum():
    best = fastest_growth(**PLASMA)
    k = np.linspace(0.01, 1.2, 2001) * best.cutoff
    rate = growth_rate(k, **PLASMA)
    assert k[rate.argmax()].value == pytest.approx(best.wavenumber.value, rel=1e-3)
    assert rate.max().value == pytest.approx(best.rate.value, rel=1e-6)


def test_without_a_current_waves_are_alfven_waves():
    k = 1 / u.pc
    quiet = {**PLASMA, "current": 1e-30 * u.A / u.m**2}
    speed = (3 * u.uG / np.sqrt(const.mu0 * PLASMA["density"])).to("pc/yr")
    assert frequency(k, **quiet).value == pytest.approx((k * speed).value, rel=1e-6)
    assert growth_rate(k, **quiet) == 0


def test_other_hand_never_grows():
    k = -np.geomspace(1e-3, 1e3, 50) * fastest_growth(**PLASMA).cutoff
    assert np.all(growth_rate(k, **PLASMA) == 0)
    assert np.all(frequency(k, **PLASMA) > 0)


def test_simulation_recovers_growth_rates(waves):
    """Within 1 % for every unstable wave (it is far better)."""
    exact = growth_rate(waves.wavenumber, **PLASMA).value
    unstable = (exact > 0) & (waves.wavenumber.value < fastest_growth(**PLASMA).cutoff.value * 0.999)
    assert unstable.sum() == 15
    np.testing.assert_allclose(waves.growth_rate.value[unstable], exact[unstable], rtol=1e-4)
    assert np.all(waves.frequency.value[unstable] == 0)


def test_simulation_recovers_frequencies(waves):
    """Beyond the cut-off, and for the other hand."""
    exact = frequency(waves.wavenumber, **PLASMA).value
    stable = np.abs(waves.wavenumber / fastest_growth(**PLASMA).cutoff - 0.5) > 0.51
    assert stable.sum() == 80
    np.testing.assert_allclose(waves.frequency.value[stable], exact[stable], rtol=1e-3)
    assert np.all(waves.growth_rate.value[stable] == 0)


def test_field_grows_by_as_many_folds_as_asked():
    short, long = (simulate(**PLASMA, folds=f) for f in (8, 12))
    size = [np.sqrt(np.mean(np.abs(w.field[-1]) ** 2)) for w in (short, long)]
    assert np.log(size[1] / size[0]) == pytest.approx(4, rel=0.05)
    assert (long.times[-1] * fastest_growth(**PLASMA).rate).to_value("") == pytest.approx(12, rel=0.03)


def test_waves_do_not_depend_on_the_noise():
    a, b = (simulate(**PLASMA, seed=s).growth_rate.value for s in (1, 2))
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * a.max())


def test_alfven_wave_keeps_energy_without_current():
    """Fourth order in time: a circular wave with no drive comes back after a period."""
    n = 64
    z = 2 * np.pi * np.arange(n) / n
    errors = []
    for steps in (100, 200):
        b, v = np.exp(1j * z), -np.exp(1j * z)
        _fluid_kernels.waves(b, v, z[1], 0.0, 2 * np.pi / steps, steps, steps)
        speed = (45 * np.sin(z[1]) - 9 * np.sin(2 * z[1]) + np.sin(3 * z[1])) / (30 * z[1])
        errors.append(np.abs(b - np.exp(1j * (z - 2 * np.pi * speed))).max())
    assert errors[1] < 1e-6
    assert np.log2(errors[0] / errors[1]) > 3.9


def test_kernel_is_the_plain_version():
    rng = np.random.default_rng(3)
    b, v = rng.normal(size=(2, 40)) + 1j * rng.normal(size=(2, 40))
    b2, v2 = b.copy(), v.copy()
    stored = _fluid_kernels.waves(b, v, 0.3, 1.0, 0.05, 7, 7)

    def rates(b, v):
        def d(f):
            return sum(w * (np.roll(f, -s) - np.roll(f, s)) for s, w in ((1, 45), (2, -9), (3, 1))) / (60 * 0.3)

        return np.array([d(v), d(b) - 1j * b])

    y = np.array([b2, v2])
    for _ in range(7):
        k1 = rates(*y)
        k2 = rates(*(y + 0.025 * k1))
        k3 = rates(*(y + 0.025 * k2))
        k4 = rates(*(y + 0.05 * k3))
        y = y + 0.05 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    np.testing.assert_allclose(b, y[0], rtol=1e-12)
    np.testing.assert_allclose(v, y[1], rtol=1e-12)
    np.testing.assert_array_equal(stored[-1], b)


def test_saturated_field_of_the_reference_shocks():
    U = [3e3, 5e3, 1e4, 2e4] * u.km / u.s
    field = saturated_field(U, density=HYDROGEN).to_value("uG")
    np.testing.assert_allclose(field, [43.5, 93.6, 264.8, 748.9], rtol=2e-3)
    assert np.polyfit(np.log(U.value), np.log(field), 1)[0] == pytest.approx(1.5, abs=1e-12)


def test_saturation_is_the_share_of_the_talk():
    """B²/8π = (1/2)(U/c) ξρU²."""
    U = 7e3 * u.km / u.s
    energy = saturated_field(U, density=HYDROGEN, efficiency=0.05) ** 2 / (2 * const.mu0)
    assert (energy / (0.5 * U / const.c * 0.05 * HYDROGEN * U**2)).to_value("") == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("energy", [10, 100, 1000] * u.TeV)
def test_field_stops_growing_at_saturation_whatever_the_energy(energy):
    U = [5e3, 1e4, 2e4] * u.km / u.s
    final = []
    for speed in U:
        j = escape_current(speed, density=HYDROGEN, energy=energy)
        growth = amplify(current=j, field=3 * u.uG, density=HYDROGEN, energy=energy)
        assert np.all(np.diff(growth.field.value) >= 0)
        final.append(growth.field[-1].to_value("uG"))
    np.testing.assert_allclose(final, saturated_field(U, density=HYDROGEN).value, rtol=0.03)
    assert np.polyfit(np.log(U.value), np.log(final), 1)[0] == pytest.approx(1.5, abs=0.02)


def test_band_closes():
    shock = {"density": HYDROGEN, "energy": 100 * u.TeV}
    growth = amplify(current=escape_current(1e4 * u.km / u.s, **shock), field=3 * u.uG, **shock)
    assert growth.longest[0] > 1000 * growth.shortest[0]
    assert growth.longest[-1] < 1.05 * growth.shortest[-1]


def test_growth_condition():
    """At the energy returned the current that passes R makes five e-folds."""
    U, R = 8e3 * u.km / u.s, 2 * u.pc
    E = escape_energy(U, radius=R, density=HYDROGEN)
    r = (np.arange(2000) + 0.5) / 2000 * R
    j = escape_current(U, density=HYDROGEN, energy=E) * (r / R) ** 2
    rate = fastest_growth(current=j, field=3 * u.uG, density=HYDROGEN).rate
    assert (rate.sum() * (R / 2000) / U).to_value("") == pytest.approx(5, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: growth_rate(1 / u.pc, **{**PLASMA, "field": 0 * u.uG}), "field must be positive"),
        (lambda: growth_rate(1 / u.pc, **{**PLASMA, "current": -1 * u.A / u.m**2}), "current must be positive"),
        (lambda: saturated_field(3e5 * u.km / u.s, density=HYDROGEN), "below that of light"),
        (lambda: saturated_field(1e4 * u.km / u.s, density=HYDROGEN, efficiency=1.2), "efficiency must be at most 1"),
        (lambda: simulate(**PLASMA, cells=100), "cells must be at least"),
        (lambda: simulate(**PLASMA, folds=1), "folds must lie"),
        (lambda: simulate(**{**PLASMA, "field": [1, 2] * u.uG}), "field must be one value"),
        (lambda: amplify(**PLASMA, energy=1 * u.GeV), "current must be above"),
        (lambda: amplify(**PLASMA, energy=1 * u.PeV, level=2), "level must lie"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_bare_numbers_are_refused():
    with pytest.raises(u.UnitConversionError, match="speed must be"):
        saturated_field(1e4, density=HYDROGEN)
