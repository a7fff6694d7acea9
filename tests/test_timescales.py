"""Time scales against published formulae integrated another way, limits and a table worked out by hand."""

import numpy as np
import pytest
from astropy import units as u
from scipy.integrate import quad

from crlab.timescales import (
    FIELDS,
    RadiationField,
    compton_suppression,
    cooling_time,
    diffusion_time,
    ionisation_losses,
    ionisation_time,
    klein_nishina,
    lepton_losses,
)


def test_diffusion_time() -> None:
    assert diffusion_time(5e28 * u.cm**2 / u.s).to_value(u.Myr) == pytest.approx(75.43, rel=1e-3)
    assert diffusion_time(1 * u.kpc**2 / u.Myr, height=[1, 2] * u.kpc).value == pytest.approx([0.5, 2])


def test_suppression_at_one_photon_energy() -> None:
    np.testing.assert_allclose(
        compton_suppression([0.1, 1, 10, 100]), [0.86199, 0.36215, 0.03697, 0.0012277], rtol=2e-4
    )
    assert compton_suppression(0) == 1
    below, above = compton_suppression([0.02 * (1 - 1e-9), 0.02 * (1 + 1e-9)])
    assert below == pytest.approx(above, rel=1e-7)


def jones(b: float) -> float:
    """Energy lost over its Thomson limit, by integrating the spectrum of Jones (1968)."""

    def kernel(q: float) -> float:
        # 2q ln q + (1+2q)(1-q) + (bq)²(1-q)/2(1+bq), with E = bq/(1+bq) of γ m c²
        value = 2 * q * np.log(q) + (1 + 2 * q) * (1 - q) + (b * q) ** 2 * (1 - q) / (2 * (1 + b * q))
        return b * q / (1 + b * q) * value * b / (1 + b * q) ** 2

    total = quad(kernel, 0, 1, epsabs=0, epsrel=1e-10)[0]
    return 9 * total / b**2  # the Thomson limit of the integral is b²/9


@pytest.mark.parametrize("b", [0.005, 0.3, 4.0, 300.0])
def test_suppression_is_the_integral_of_the_compton_spectrum(b) -> None:
    assert compton_suppression(b) == pytest.approx(jones(b), rel=1e-6)


@pytest.mark.parametrize("temperature", [2.725, 20, 5000, 20_000])
def test_black_body_average(temperature) -> None:
    b = 4 * 1e12 / 510998.95 * 8.617333e-5 * temperature / 510998.95
    integral = quad(lambda x: x**3 / np.expm1(x) * float(compton_suppression(b * x)), 0, 60, epsrel=1e-9)[0]
    assert klein_nishina(1 * u.TeV, temperature * u.K) == pytest.approx(integral * 15 / np.pi**4, rel=1e-5)


def test_the_fields_of_the_talk() -> None:
    share = [float(klein_nishina(1 * u.TeV, each.temperature)) for each in FIELDS]
    np.testing.assert_allclose(share, [0.979, 0.865, 0.018, 0.0025], rtol=0.02)
    E = [1, 10, 100, 1000] * u.GeV
    np.testing.assert_allclose(cooling_time(E).to_value(u.Myr), [178.1, 20.0, 2.581, 0.3087], rtol=3e-3)
    np.testing.assert_allclose(cooling_time(E, thomson=True).to_value(u.Myr), [174.5, 17.45, 1.745, 0.1745], rtol=1e-3)


def test_cooling_at_one_tev() -> None:
    assert cooling_time(1 * u.TeV).to_value(u.Myr) == pytest.approx(0.309, rel=0.01)


def test_synchrotron_alone() -> None:
    """(4/3) σ_T c γ² B²/8π by hand: 0.2235 eV/cm3 at 3 μG."""
    rate = lepton_losses(10 * u.GeV, radiation=())
    by_hand = 4 / 3 * 6.6524587e-25 * 2.99792458e10 * (10 / 0.51099895e-3) ** 2 * 0.2235 * 1e-9  # GeV/s
    assert rate.to_value(u.GeV / u.s) == pytest.approx(by_hand, rel=1e-3, abs=0)
    double = lepton_losses(10 * u.GeV, radiation=(), field=6 * u.uG)
    assert (double / rate).value == pytest.approx(4, rel=1e-12)


def test_ionisation() -> None:
    T = [1, 10, 100, 1000] * u.MeV
    np.testing.assert_allclose(ionisation_time(T).to_value(u.Myr), [0.0404, 0.854, 19.3, 321], rtol=5e-3)
    wide = ionisation_time(T[:3], disc=100 * u.pc)
    np.testing.assert_allclose(wide.to_value(u.Myr), [4.0, 85, 1926], rtol=0.015)
    assert (ionisation_losses(T, density=2 * u.cm**-3) / ionisation_losses(T)).value == pytest.approx([4] * 4)


def test_minimum_ionisation_in_hydrogen() -> None:
    """4.103 MeV cm2/g for hydrogen gas (Particle Data Group, atomic and nuclear properties of materials)."""
    T = np.linspace(1.5, 4, 60) * u.GeV
    per_second = ionisation_losses(T, density=1 * u.cm**-3, potential=19.2 * u.eV).to_value(u.MeV / u.s)
    beta = np.sqrt(1 - (0.938272 / (0.938272 + T.value)) ** 2)
    assert (per_second / (beta * 2.99792458e10 * 1.6735e-24)).min() == pytest.approx(4.103, rel=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: diffusion_time(0 * u.cm**2 / u.s), "kappa must be positive"),
        (lambda: compton_suppression(-1), "b must be zero or positive"),
        (lambda: klein_nishina(0 * u.GeV, 3 * u.K), "energy must be positive"),
        (lambda: lepton_losses(-1 * u.GeV), "energy must be positive"),
        (lambda: lepton_losses(1 * u.GeV, field=-1 * u.uG), "field must be zero or positive"),
        (lambda: cooling_time(1 * u.GeV, field=0 * u.uG, radiation=()), "field must be positive where there is no"),
        (lambda: ionisation_losses(0.1 * u.MeV), "kinetic_energy must be at least 0.5 MeV, got 0.1 MeV"),
        (lambda: ionisation_time(1 * u.MeV, disc=20 * u.kpc), "disc must be at most twice the height"),
        (lambda: RadiationField("x", -1 * u.eV / u.cm**3, 3 * u.K), "energy_density must be positive"),
        (lambda: RadiationField("x", 1 * u.eV / u.cm**3, [3, 4] * u.K), "temperature must be a single value"),
    ],
)
def test_bad_values(call, message) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: diffusion_time(1),
        lambda: lepton_losses(1 * u.kpc),
        lambda: cooling_time(1 * u.GeV, field=1 * u.GeV),
        lambda: ionisation_losses(5),
    ],
)
def test_bad_units(call) -> None:
    with pytest.raises(u.UnitConversionError, match="must be"):
        call()
