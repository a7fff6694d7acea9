"""Pair creation: its cross-section, the mean free path on the microwave background, and starlight."""

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from scipy.integrate import quad

from crlab.emission.absorption import CMB, DUST, Absorption, PhotonField, breit_wheeler


def test_the_cross_section_peaks_at_a_quarter_of_thomson():
    s = np.linspace(1.01, 5, 2000)
    sigma = (breit_wheeler(s) / const.sigma_T).to_value("")
    assert sigma.max() == pytest.approx(0.2556, rel=1e-3)
    assert s[sigma.argmax()] == pytest.approx(1.97, abs=0.03)


def test_limits_of_the_cross_section():
    """σ → (3/8) σ_T β at the threshold and (3/8) σ_T (ln 4s - 1)/s far above it."""
    near = (breit_wheeler(1 + 1e-8) / const.sigma_T).to_value("")
    assert near == pytest.approx(3 / 8 * 1e-4, rel=1e-3)
    far = (breit_wheeler(1e6) / const.sigma_T).to_value("")
    assert far == pytest.approx(3 / 8 / 1e6 * (np.log(4e6) - 1), rel=1e-4)
    assert breit_wheeler(0.5).value == 0


def test_photons_of_the_microwave_background():
    assert CMB.number_density.to_value(u.cm**-3) == pytest.approx(410.7, rel=1e-3)


def test_a_thinned_field_keeps_its_energy_density():
    x, n = DUST._spectrum
    assert np.trapezoid(n * x**2, np.log(x)) == pytest.approx(0.25, rel=1e-9)
    black = PhotonField("as black", CMB.temperature, 4 * const.sigma_sb * CMB.temperature**4 / const.c)
    assert black.number_density.value == pytest.approx(CMB.number_density.value, rel=1e-4)


@pytest.mark.parametrize(("energy", "path"), [(0.3, 72), (0.5, 20.2), (2.24, 7.07), (5, 8.31), (10, 11.4)])
def test_mean_free_paths(energy, path):
    assert (1 / CMB.rate(energy * u.PeV)).to_value(u.kpc) == pytest.approx(path, rel=0.01)


def test_the_shortest_mean_free_path():
    """Row 32: 7.07 kpc at 2.24 PeV, a minimum so flat that its place is known to two per cent."""
    E = np.geomspace(1.5, 3.5, 60) * u.PeV
    path = (1 / CMB.rate(E)).to_value(u.kpc)
    assert path.min() == pytest.approx(7.07, rel=0.01)
    assert E[path.argmin()].to_value(u.PeV) == pytest.approx(2.24, rel=0.02)


def test_the_average_over_angles():
    """K for photons of one energy, by an integral over the angle instead of the squared energy."""
    from crlab.emission.absorption import _averaged

    S = 7.3

    def over_angle(mu):
        return (1 - mu) / 2 * (breit_wheeler(S * (1 - mu) / 2) / const.sigma_T).to_value("")

    direct, _ = quad(over_angle, -1, 1 - 2 / S)
    assert _averaged(np.array([S]))[0] == pytest.approx(direct, rel=1e-6)


@pytest.mark.parametrize(("energy", "expected"), [(0.3, 0.889), (0.5, 0.657), (2.2, 0.300), (10, 0.473)])
def test_survival_from_the_galactic_centre(energy, expected):
    assert Absorption().survival(energy * u.PeV, 8.5 * u.kpc) == pytest.approx(expected, rel=0.01)


def test_starlight_takes_a_fifth_of_the_centre_and_nothing_where_there_is_none():
    """A fifth from the centre near 150 TeV, up to 45 per cent for sources behind it (Vernetto & Lipari 2016)."""
    E = np.geomspace(50, 1000, 40) * u.TeV
    with_light, without = Absorption(starlight=True), Absorption()
    lost = 1 - with_light.survival(E, 8.5 * u.kpc) / without.survival(E, 8.5 * u.kpc)
    assert 0.15 < lost.max() < 0.25
    assert 100 < E[lost.argmax()].value < 300
    behind = 1 - with_light.survival(E, 17 * u.kpc) / without.survival(E, 17 * u.kpc)
    assert 0.3 < behind.max() < 0.45
    up = 1 - with_light.survival(E, 8.5 * u.kpc, lat=90 * u.deg) / without.survival(E, 8.5 * u.kpc)
    assert up.max() < 0.03


def test_no_distance_no_loss_and_the_further_the_fainter():
    E = [0.1, 1, 10] * u.PeV
    for absorption in (Absorption(), Absorption(starlight=True)):
        near, mid, far = (absorption.survival(E, d * u.kpc, lon=40 * u.deg) for d in (0, 5, 10))
        assert np.all(near == 1)
        assert np.all(far < mid)
    assert np.allclose(Absorption().survival(E, 10 * u.kpc), Absorption().survival(E, 5 * u.kpc) ** 2)


def test_bad_input_is_refused():
    with pytest.raises(u.UnitConversionError, match="energy"):
        CMB.rate(1.0)
    with pytest.raises(ValueError, match="temperature must be positive"):
        PhotonField("cold", 0 * u.K)
    with pytest.raises(ValueError, match="energy_density must be positive"):
        PhotonField("dark", 5 * u.K, 0 * u.eV / u.cm**3)
    with pytest.raises(ValueError, match="scale_radius"):
        Absorption(scale_radius=-1 * u.kpc)
    with pytest.raises(ValueError, match="distance"):
        Absorption().survival(1 * u.PeV, -1 * u.kpc)
