"""How far a supernova remnant accelerates: acceleration time, Bohm diffusion, and the energy reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray
from scipy.integrate import cumulative_simpson

from crlab.acceleration.shock import take_compression, take_speed
from crlab.units import take

__all__ = [
    "BlastWave",
    "acceleration_time",
    "bohm_diffusion",
    "energy_history",
    "field_needed",
    "gyroradius",
    "hillas_energy",
    "maximum_energy",
]

Array = NDArray[np.float64]

SEDOV = 2.026
"""ξ₀⁵ of R⁵ = ξ₀⁵ E t²/ρ for a gas with adiabatic index 5/3 (Sedov 1959)."""

_E = const.e.si
_STEPS_PER_DECADE = 400


def acceleration_time(
    u1: u.Quantity, kappa_1: u.Quantity, *, kappa_2: Any = None, compression: float = 4.0, limit: float = 4.0
) -> u.Quantity:
    """Time p/(dp/dt) in which particles at a shock gain as much momentum as they have.

    t_acc = 3/(u1 - u2) (κ1/u1 + κ2/u2). Chapter "How far does a remnant get?".

    Parameters
    ----------
    u1 : Quantity
        Speed of the shock, in units like km/s; any shape.
    kappa_1 : Quantity
        Diffusion coefficient upstream, in units like cm2/s; broadcasts against `u1`.
    kappa_2 : Quantity, optional
        The same downstream. By default κ1/r, so that κ/u is equal on both sides; then for r = 4 the time is 8 κ1/u1².
    compression : float
        r.
    limit : float
        Largest compression that is allowed.

    Returns
    -------
    Quantity
        In yr.

    Raises
    ------
    ValueError
        A speed that is not between 0 and c, κ ≤ 0, r ≤ 1 or above `limit`.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Drury 1983; Lagage & Cesarsky 1983. A mean; single particles differ widely.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{acceleration_time(1e4 * u.km / u.s, 1e26 * u.cm**2 / u.s):.3g}")
    25.4 yr
    """
    r = take_compression(compression, limit)
    speed = take_speed("u1", u1) * const.c
    k1 = take("kappa_1", kappa_1, u.cm**2 / u.s, positive=True) * u.cm**2 / u.s
    k2 = k1 / r if kappa_2 is None else take("kappa_2", kappa_2, u.cm**2 / u.s, positive=True) * u.cm**2 / u.s
    return (3 / (speed * (1 - 1 / r)) * (k1 + r * k2) / speed).to(u.yr)


def gyroradius(energy: u.Quantity, field: u.Quantity, *, charge: int = 1) -> u.Quantity:
    """Radius of the circle of a particle with E = pc across a field, r_g = E/(qB) in Gaussian units.

    Parameters
    ----------
    energy : Quantity
        E, in units like TeV; any shape.
    field : Quantity
        B, in units like µG; broadcasts.
    charge : int
        Z of q = Ze.

    Returns
    -------
    Quantity
        In pc.

    Raises
    ------
    ValueError
        An energy or a field that is not positive, Z < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{gyroradius(1 * u.PeV, 1 * u.uG):.3f}")
    1.081 pc
    """
    E = take("energy", energy, u.J, positive=True) * u.J
    return (E / (_charge(charge) * const.c * _field(field))).to(u.pc)


def bohm_diffusion(energy: u.Quantity, field: u.Quantity, *, charge: int = 1, factor: float = 1.0) -> u.Quantity:
    """Diffusion with a mean free path of one gyroradius, κ = η c r_g/3.

    Parameters
    ----------
    energy, field, charge
        As in `gyroradius`.
    factor : float
        η ≥ 1: mean free path in gyroradii.

    Returns
    -------
    Quantity
        In cm2/s.

    Raises
    ------
    ValueError
        As `gyroradius`; η < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{bohm_diffusion(1 * u.TeV, 1 * u.uG):.3g}")
    3.33e+25 cm2 / s
    """
    eta = _bohm_factor(factor)
    return (eta * const.c * gyroradius(energy, field, charge=charge) / 3).to(u.cm**2 / u.s)


def maximum_energy(
    speed: u.Quantity, field: u.Quantity, age: u.Quantity, *, charge: int = 1, factor: float = 1.0
) -> u.Quantity:
    """Energy whose acceleration time is the age of a strong shock, E = (3/8) (U²/c) q B t / η.

    From t = 8κ/U² with κ = η c E/(3 q B).

    Parameters
    ----------
    speed : Quantity
        U, in units like km/s; any shape.
    field : Quantity
        B upstream, in units like µG; broadcasts.
    age : Quantity
        t, in units like yr; broadcasts.
    charge : int
        Z.
    factor : float
        η as in `bohm_diffusion`.

    Returns
    -------
    Quantity
        In TeV.

    Raises
    ------
    ValueError
        A speed that is not between 0 and c, field or age ≤ 0, Z < 1, η < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Lagage & Cesarsky 1983. κ/u is taken as equal on both sides, so r = 4 and a field that grows with the density.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{maximum_energy(1e4 * u.km / u.s, 1 * u.uG, 1000 * u.yr):.1f}")
    118.3 TeV
    """
    U = take_speed("speed", speed) * const.c
    t = take("age", age, u.s, positive=True) * u.s
    return (3 / 8 * U**2 * _charge(charge) * _field(field) * t / _bohm_factor(factor)).to(u.TeV)


def hillas_energy(speed: u.Quantity, field: u.Quantity, radius: u.Quantity, *, charge: int = 1) -> u.Quantity:
    """Bound on the energy that an accelerator of a given size can reach, E = q B R U/c.

    Parameters
    ----------
    speed : Quantity
        U, in units like km/s; any shape.
    field : Quantity
        B, in units like µG; broadcasts.
    radius : Quantity
        R, in units like pc; broadcasts.
    charge : int
        Z.

    Returns
    -------
    Quantity
        In TeV.

    Raises
    ------
    ValueError
        A speed that is not between 0 and c, field or radius ≤ 0, Z < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Hillas 1984. The work of the electric field U × B along R; necessary, not sufficient.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{hillas_energy(1e4 * u.km / u.s, 1 * u.uG, 10 * u.pc):.0f}")
    309 TeV
    """
    U = take_speed("speed", speed) * const.c
    R = take("radius", radius, u.m, positive=True) * u.m
    return (U * R * _charge(charge) * _field(field)).to(u.TeV)


@dataclass(frozen=True)
class BlastWave:
    """Outer shock of a supernova remnant: free expansion joined to the Sedov–Taylor law.

    Until R0 the shock moves at v = (2E/M)^(1/2). From then on R^(5/2) = R0^(5/2) + (ξ₀⁵E/ρ)^(1/2) (t - t0), the
    similarity solution with a shifted time. R0 = (0.08 ξ₀⁵ M/ρ)^(1/3) is where the speed has no jump.

    Parameters
    ----------
    energy : Quantity
        E of the explosion, in units like erg.
    ejecta_mass : Quantity
        M, in units like solar masses.
    density : Quantity
        Mass density ρ of the gas around, in units like g/cm3.

    Raises
    ------
    ValueError
        Values that are not positive, or an ejecta speed of c or more.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Truelove & McKee 1999 join the phases in this way for several profiles of the ejecta; here all ejecta have one
    speed, while the outermost of real ones are faster. No radiative phase, so valid to a few 10⁴ yr.

    Examples
    --------
    >>> from astropy import units as u
    >>> wave = BlastWave()
    >>> print(f"{wave.ejecta_speed:.3g}, {wave.swept_radius:.2f}, {wave.swept_time:.0f}")
    1e+04 km / s, 1.90 pc, 186 yr
    """

    energy: u.Quantity = 1e51 * u.erg
    ejecta_mass: u.Quantity = 1 * u.Msun
    density: u.Quantity = 1.4 * 1.67e-24 * u.g / u.cm**3

    def __post_init__(self) -> None:
        for name, unit in (("energy", u.erg), ("ejecta_mass", u.g), ("density", u.g / u.cm**3)):
            value = take(name, getattr(self, name), unit, positive=True)
            if value.ndim:
                raise ValueError(f"{name} must be one value, got an array of shape {value.shape}")
        take_speed("the ejecta's speed", np.sqrt(2 * self.energy / self.ejecta_mass))

    @property
    def ejecta_speed(self) -> u.Quantity:
        """Speed v = (2E/M)^(1/2) in km/s."""
        return np.sqrt(2 * self.energy / self.ejecta_mass).to(u.km / u.s)

    @property
    def swept_radius(self) -> u.Quantity:
        """Radius (3M/(4πρ))^(1/3) in pc at which the gas swept up weighs as much as the ejecta."""
        return np.cbrt(3 * self.ejecta_mass / (4 * np.pi * self.density)).to(u.pc)

    @property
    def swept_time(self) -> u.Quantity:
        """Time in yr to reach `swept_radius` at `ejecta_speed`."""
        return (self.swept_radius / self.ejecta_speed).to(u.yr)

    @property
    def free_radius(self) -> u.Quantity:
        """R0 in pc, at which free expansion ends."""
        return np.cbrt(0.08 * SEDOV * self.ejecta_mass / self.density).to(u.pc)

    @property
    def free_time(self) -> u.Quantity:
        """t0 = R0/v in yr."""
        return (self.free_radius / self.ejecta_speed).to(u.yr)

    def radius(self, t: u.Quantity) -> u.Quantity:
        """Radius of the shock.

        Parameters
        ----------
        t : Quantity
            Age > 0, any shape.

        Returns
        -------
        Quantity
            In pc.

        Raises
        ------
        ValueError
            An age that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{BlastWave().radius(1e4 * u.yr):.1f}")
        12.5 pc
        """
        x = take("t", t, u.yr, positive=True) / self.free_time.value
        return np.where(x < 1, x, _late(x)) * self.free_radius

    def speed(self, t: u.Quantity) -> u.Quantity:
        """Speed of the shock.

        Parameters
        ----------
        t : Quantity
            Age > 0, any shape.

        Returns
        -------
        Quantity
            In km/s.

        Raises
        ------
        ValueError
            An age that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{BlastWave().speed(1e4 * u.yr):.0f}")
        493 km / s
        """
        x = take("t", t, u.yr, positive=True) / self.free_time.value
        return np.where(x < 1, 1, _late(x) ** -1.5) * self.ejecta_speed


def energy_history(
    wave: BlastWave,
    t: u.Quantity,
    field: u.Quantity | Callable[[u.Quantity], u.Quantity],
    *,
    charge: int = 1,
    factor: float = 1.0,
) -> u.Quantity:
    """Energy of a particle that a remnant has accelerated since the explosion, without losses or escape.

    dE/dt = E/t_acc = (3/8) (U²/c) q B / η with Bohm diffusion and r = 4, integrated along U(t).

    Parameters
    ----------
    wave : BlastWave
    t : Quantity
        Ages, shape () or ascending (k,).
    field : Quantity or callable (speed)
        B upstream in units like µG: a constant, or a function of the shock's speed.
    charge : int
        Z.
    factor : float
        η as in `bohm_diffusion`.

    Returns
    -------
    Quantity
        In TeV, of the shape of `t`.

    Raises
    ------
    ValueError
        Ages that are not positive or do not ascend, field ≤ 0, Z < 1, η < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Lagage & Cesarsky 1983.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{energy_history(BlastWave(), 1000 * u.yr, 1 * u.uG):.1f}")
    35.3 TeV
    """
    ages = take("t", t, u.yr, positive=True)
    if ages.ndim > 1 or np.any(np.diff(np.atleast_1d(ages)) <= 0):
        raise ValueError("t must be one age or a list of ascending ones")
    t0 = wave.free_time.value
    # Nodes from the end of the free expansion on, before which U is constant; then in the logarithm of t.
    last = max(float(ages.max()), 1.001 * t0)
    nodes = np.geomspace(t0, last, max(int(_STEPS_PER_DECADE * np.log10(last / t0)), 20) + 1)
    speed = wave.speed(nodes * u.yr)
    B = _field(field(speed) if callable(field) else field) * np.ones(nodes.size)
    rate = (3 / 8 * speed**2 * _charge(charge) * B / _bohm_factor(factor)).to_value(u.TeV / u.yr)
    grown = rate[0] * t0 + cumulative_simpson(rate * nodes, x=np.log(nodes), initial=0)
    return np.where(ages < t0, rate[0] * ages, np.interp(ages, nodes, grown)) * u.TeV


def field_needed(
    energy: u.Quantity, wave: BlastWave, age: u.Quantity, *, charge: int = 1, factor: float = 1.0
) -> u.Quantity:
    """Constant field with which `energy_history` reaches an energy at an age.

    Parameters
    ----------
    energy : Quantity
        In units like PeV; any shape.
    wave : BlastWave
    age : Quantity
        Shape ().
    charge : int
        Z.
    factor : float
        η as in `bohm_diffusion`.

    Returns
    -------
    Quantity
        In µG, of the shape of `energy`.

    Raises
    ------
    ValueError
        An energy or an age that is not positive, Z < 1, η < 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{field_needed(3 * u.PeV, BlastWave(), 1000 * u.yr):.0f}")
    85 uG
    """
    E = take("energy", energy, u.TeV, positive=True) * u.TeV
    per_field = energy_history(wave, age, 1 * u.uG, charge=charge, factor=factor) / u.uG
    return (E / per_field).to(u.uG)


def _late(x: Array) -> Array:
    """R/R0 for t/t0 = x ≥ 1: since v = (2/5) (ξ₀⁵E/ρ)^(1/2) R0^(-3/2), (ξ₀⁵E/ρ)^(1/2) t0 = (5/2) R0^(5/2)."""
    return np.asarray((1 + 2.5 * (np.maximum(x, 1) - 1)) ** 0.4)


def _charge(charge: int) -> u.Quantity:
    if isinstance(charge, bool) or not isinstance(charge, int | np.integer) or charge < 1:
        raise ValueError(f"charge must be an integer of at least 1, got {charge!r}")
    return int(charge) * _E


def _field(field: Any) -> u.Quantity:
    return take("field", field, u.T, positive=True) * u.T


def _bohm_factor(factor: float) -> float:
    eta = float(take("factor", factor, u.dimensionless_unscaled))
    if eta < 1:
        raise ValueError(f"factor must be at least 1, one gyroradius, got {eta:g}")
    return eta
