"""Small waves in a magnetised gas: phase speeds and polarisations, computed from the linearised equations."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from crlab.units import Array, take

__all__ = ["NAMES", "Modes", "modes", "phase_speed"]

NAMES = ("slow", "alfven", "fast")
"""The three waves in the order of their speeds."""


@dataclass(frozen=True)
class Modes:
    """The three waves for each direction of the wave vector; made by `modes`.

    The coordinates have the mean field along z and the wave vector in the x-z plane, with a positive x component.

    Parameters
    ----------
    angle : Quantity
        Between wave vector and mean field, shape (...).
    speed : Quantity
        Phase speed ω/k in the order of `NAMES`, shape (..., 3).
    velocity, field : ndarray
        Velocity, and δB/B0 times the Alfvén speed, of a wave of unit energy norm, shape (..., 3, 3): wave, component.
    density : ndarray
        δρ/ρ0 times the sound speed of the same wave, shape (..., 3).
    """

    angle: u.Quantity
    speed: u.Quantity
    velocity: Array
    field: Array
    density: Array

    @property
    def polarisation(self) -> Array:
        """Unit vectors along δB, shape (..., 3, 3): wave, component; the sign makes the first non-zero one positive."""
        unit = self.field / np.linalg.norm(self.field, axis=-1, keepdims=True)
        first = np.where(np.abs(unit[..., :1]) > 1e-9, unit[..., :1], unit[..., 1:2])
        return np.asarray(unit * np.sign(first))


def modes(angle: u.Quantity, *, sound_speed: u.Quantity, alfven_speed: u.Quantity) -> Modes:
    r"""Waves of a uniform gas in a uniform field, as eigenvectors of the linearised equations of ideal MHD.

    With A = c_s δρ/ρ0, w = v_A δB/B0 and exp(i k·r - i ω t), continuity, momentum and induction become
    (ω/k) A = c_s k̂·V, (ω/k) V = c_s A k̂ - v_A (w k̂_z - k̂ w_z), (ω/k) w = -v_A (V k̂_z - ẑ k̂·V): a real symmetric
    matrix. The reflection of y parts it into a block of two, the Alfvén wave, and one of five, the slow and the fast
    wave with a solution of zero frequency that has a divergence. Shown in ``turbulence/making-turbulence``.

    Parameters
    ----------
    angle : Quantity
        Between wave vector and mean field, strictly between 0 and 90 degrees, where the three waves differ; any shape.
    sound_speed, alfven_speed : Quantity
        Of the undisturbed gas, scalars.

    Returns
    -------
    Modes

    Raises
    ------
    ValueError
        An angle that is not between 0 and 90 degrees, a speed that is not a positive scalar.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Alfvén 1942 found the first of them, Herlofson 1950 the other two. Ideal, non-relativistic, adiabatic.

    Examples
    --------
    >>> from astropy import units as u
    >>> wave = modes(60 * u.deg, sound_speed=5 * u.km / u.s, alfven_speed=10 * u.km / u.s)
    >>> print(np.round(wave.speed, 3))
    [ 2.284  5.    10.945] km / s
    """
    theta = take("angle", angle, u.rad)
    if np.any((theta <= 0) | (theta >= np.pi / 2)):
        raise ValueError(f"angle must lie between 0 and 90 degrees, ends excluded, got {angle}")
    a, s = _scalar("alfven_speed", alfven_speed), _scalar("sound_speed", sound_speed)
    x, z = np.sin(theta), np.cos(theta)
    zero = np.zeros_like(x)
    # Rows and columns: V_y, w_y; and A, V_x, V_z, w_x, w_z.
    odd = _matrix([[zero, -a * z], [-a * z, zero]])
    even = _matrix(
        [
            [zero, s * x, s * z, zero, zero],
            [s * x, zero, zero, -a * z, a * x],
            [s * z, zero, zero, zero, zero],
            [zero, -a * z, zero, zero, zero],
            [zero, a * x, zero, zero, zero],
        ]
    )
    speed_odd, vector_odd = np.linalg.eigh(odd)
    speed_even, vector_even = np.linalg.eigh(even)
    # Ascending: the last of two is the forward Alfvén wave, the last two of five are slow and fast forward.
    slow, fast, alfven = vector_even[..., 3], vector_even[..., 4], vector_odd[..., 1]
    speed = np.stack([speed_even[..., 3], speed_odd[..., 1], speed_even[..., 4]], axis=-1)
    velocity = [_vector(slow[..., 1], zero, slow[..., 2]), _vector(zero, alfven[..., 0], zero)]
    field = [_vector(slow[..., 3], zero, slow[..., 4]), _vector(zero, alfven[..., 1], zero)]
    velocity.append(_vector(fast[..., 1], zero, fast[..., 2]))
    field.append(_vector(fast[..., 3], zero, fast[..., 4]))
    return Modes(
        angle=theta * u.rad,
        speed=speed * u.km / u.s,
        velocity=np.stack(velocity, axis=-2),
        field=np.stack(field, axis=-2),
        density=np.stack([slow[..., 0], zero, fast[..., 0]], axis=-1),
    )


def phase_speed(angle: u.Quantity, *, sound_speed: u.Quantity, alfven_speed: u.Quantity) -> u.Quantity:
    r"""Phase speeds from the dispersion relation in closed form, to check the eigenvalues.

    Alfvén: v_A cos θ. Fast and slow: v² = [c_s² + v_A² ± sqrt((c_s² + v_A²)² - 4 c_s² v_A² cos² θ)] / 2.

    Parameters
    ----------
    angle : Quantity
        θ, from 0 to 90 degrees, any shape.
    sound_speed, alfven_speed : Quantity
        c_s and v_A, scalars.

    Returns
    -------
    Quantity
        In km / s, in the order of `NAMES`, shape (..., 3).

    Raises
    ------
    ValueError
        An angle out of range, a speed that is not a positive scalar.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(phase_speed(0 * u.deg, sound_speed=5 * u.km / u.s, alfven_speed=10 * u.km / u.s))
    [ 5. 10. 10.] km / s
    """
    theta = take("angle", angle, u.rad)
    if np.any((theta < 0) | (theta > np.pi / 2 * (1 + 1e-15))):
        raise ValueError(f"angle must lie from 0 to 90 degrees, got {angle}")
    a, s = _scalar("alfven_speed", alfven_speed), _scalar("sound_speed", sound_speed)
    total, mixed = s**2 + a**2, (2 * s * a * np.cos(theta)) ** 2
    fast = (total + np.sqrt(np.maximum(total**2 - mixed, 0))) / 2
    slow = mixed / 4 / fast  # the product of both, without the cancellation of the difference
    return np.stack([np.sqrt(slow), a * np.cos(theta), np.sqrt(fast)], axis=-1) * u.km / u.s


def _matrix(rows: list[list[Array | float]]) -> Array:
    """Stack entries of shape (...) to matrices of shape (..., n, n)."""
    return np.stack([np.stack(np.broadcast_arrays(*row), axis=-1) for row in rows], axis=-2)


def _vector(x: Array, y: Array, z: Array) -> Array:
    return np.stack([x, y, z], axis=-1)


def _scalar(name: str, value: u.Quantity) -> float:
    speed = take(name, value, u.km / u.s, positive=True)
    if speed.ndim:
        raise ValueError(f"{name} must be a scalar, got shape {speed.shape}")
    return float(speed)
