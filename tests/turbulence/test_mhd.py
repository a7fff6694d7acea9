"""Waves of the linearised equations: dispersion relation, polarisation, equipartition, bad input."""

import numpy as np
import pytest
from astropy import units as u

from crlab.turbulence import mhd

KM_S = u.km / u.s
ANGLES = np.linspace(3, 87, 15) * u.deg


@pytest.fixture(params=[(2.0, 10.0), (10.0, 10.5), (10.0, 3.0)], ids=["cold", "equal", "hot"], scope="module")
def gas(request):
    sound, alfven = request.param
    return {"sound_speed": sound * KM_S, "alfven_speed": alfven * KM_S}


def test_eigenvalues_are_the_dispersion_relation(gas):
    speed = mhd.modes(ANGLES, **gas).speed
    closed = mhd.phase_speed(ANGLES, **gas)
    np.testing.assert_allclose(speed.value, closed.value, rtol=1e-10, atol=1e-12)
    assert np.all(np.diff(speed.value, axis=-1) > 0)


def test_field_is_perpendicular_to_the_wave_vector(gas):
    k = np.stack([np.sin(ANGLES), 0 * ANGLES.value, np.cos(ANGLES)], axis=-1)
    along = np.einsum("...mi,...i->...m", mhd.modes(ANGLES, **gas).polarisation, k)
    assert np.abs(along).max() < 1e-12


def test_polarisations_are_those_of_the_harmonic_fields(gas):
    """Alfvén: along y, across k and B0. Slow and fast: in the k-B0 plane, hence along (cos θ, 0, -sin θ)."""
    unit = mhd.modes(ANGLES, **gas).polarisation
    plane = np.stack([np.cos(ANGLES), 0 * ANGLES.value, -np.sin(ANGLES)], axis=-1)
    np.testing.assert_allclose(unit[:, 1], np.broadcast_to([0, 1, 0], (15, 3)), atol=1e-12)
    for wave in (0, 2):
        np.testing.assert_allclose(unit[:, wave], plane, atol=1e-9)


def test_alfven_wave_is_incompressible_and_the_others_are_not(gas):
    waves = mhd.modes(ANGLES, **gas)
    assert np.all(waves.density[:, 1] == 0)
    assert np.all(np.abs(waves.density[:, [0, 2]]) > 1e-3)


def test_energy_is_half_kinetic(gas):
    """Equipartition of every wave: kinetic energy equals magnetic plus thermal energy."""
    waves = mhd.modes(ANGLES, **gas)
    kinetic = np.sum(waves.velocity**2, axis=-1)
    other = np.sum(waves.field**2, axis=-1) + waves.density**2
    np.testing.assert_allclose(kinetic, 0.5, atol=1e-12)
    np.testing.assert_allclose(other, 0.5, atol=1e-12)


def test_pressures_oppose_in_the_slow_wave_and_add_in_the_fast(gas):
    waves = mhd.modes(ANGLES, **gas)
    product = waves.density * waves.field[..., 2]
    assert np.all(product[:, 0] < 0)
    assert np.all(product[:, 2] > 0)


def test_limits_along_and_across():
    gas = {"sound_speed": 3 * KM_S, "alfven_speed": 4 * KM_S}
    np.testing.assert_allclose(mhd.phase_speed(0 * u.deg, **gas).value, [3, 4, 4])
    np.testing.assert_allclose(mhd.phase_speed(90 * u.deg, **gas).value, [0, 0, 5], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"angle": 0 * u.deg}, "angle must lie between"),
        ({"angle": 90 * u.deg}, "angle must lie between"),
        ({"sound_speed": 0 * KM_S}, "sound_speed must be positive"),
        ({"alfven_speed": [1, 2] * KM_S}, "alfven_speed must be a scalar"),
        ({"alfven_speed": 10}, "alfven_speed must be a quantity"),
    ],
)
def test_bad_input(change, message):
    good = {"angle": 30 * u.deg, "sound_speed": 1 * KM_S, "alfven_speed": 2 * KM_S}
    with pytest.raises((ValueError, u.UnitConversionError), match=message):
        mhd.modes(**{**good, **change})


def test_bad_angle_of_the_closed_form():
    with pytest.raises(ValueError, match="angle must lie from"):
        mhd.phase_speed(91 * u.deg, sound_speed=1 * KM_S, alfven_speed=1 * KM_S)
