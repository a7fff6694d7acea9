r"""The remnant itself: Sedov and Taylor's similarity solution, and the spherical Euler equations solved in time.

∂ρ/∂t + r⁻² ∂(r² ρ v)/∂r = 0, ∂(ρv)/∂t + r⁻² ∂(r² ρ v²)/∂r + ∂p/∂r = 0, ∂e/∂t + r⁻² ∂(r² (e + p) v)/∂r = 0 with
e = p/(γ-1) + ρv²/2. Derived in the chapter "The remnant itself". Neither cooling nor the pressure of cosmic rays.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u
from scipy.integrate import simpson
from scipy.interpolate import CubicSpline

from crlab.acceleration import _fluid_kernels
from crlab.units import Array, take

__all__ = [
    "Flow",
    "Remnant",
    "Scales",
    "characteristic_scales",
    "explode",
    "sedov_constant",
    "sedov_profile",
    "sedov_radius",
    "sedov_speed",
]

# Internal units, in which a remnant's numbers are of order one.
_L = u.pc
_T = u.kyr
_RHO = u.def_unit("crlab_density", 1e-24 * u.g / u.cm**3)
_V = _L / _T
_P = _RHO * _V**2
_M = _RHO * _L**3
_E = _P * _L**3

_ERG = 1e51 * u.erg
_HEAT = 0.05
_GAS = 1.4 * 1.67e-24 * u.g / u.cm**3


class Flow(NamedTuple):
    """Density, velocity and pressure of a gas, quantities of one shape; made by `sedov_profile` and `explode`."""

    density: u.Quantity
    velocity: u.Quantity
    pressure: u.Quantity


class Scales(NamedTuple):
    """Where and when a remnant forgets its ejecta: radius (pc), speed (km/s), time (yr).

    Made by `characteristic_scales`.
    """

    radius: u.Quantity
    speed: u.Quantity
    time: u.Quantity


def characteristic_scales(*, energy: u.Quantity = _ERG, ejecta_mass: u.Quantity, density: u.Quantity = _GAS) -> Scales:
    """Radius at which the swept-up mass equals the ejecta, their mean speed, and the time from one to the other.

    R_ST = (3 M_ej/(4πρ))^(1/3), U = (2E/M_ej)^(1/2), t_ST = R_ST/U.

    Parameters
    ----------
    energy, ejecta_mass, density : Quantity
        E, M_ej and ρ, broadcast. The default gas has one hydrogen atom per cm3 and helium, 1.4 × 1.67e-24 g/cm3.

    Returns
    -------
    Scales

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    An order of magnitude for the change of phase, not a moment: Truelove & McKee (1999) give solutions through it.

    Examples
    --------
    >>> from astropy import units as u
    >>> scales = characteristic_scales(ejecta_mass=1 * u.Msun)
    >>> print(f"{scales.radius:.2f}, {scales.speed:.0f}, {scales.time:.0f}")
    1.90 pc, 10029 km / s, 186 yr
    """
    E, M, rho = _inputs(energy, density, ejecta_mass)
    R, U = np.cbrt(3 * M / (4 * np.pi * rho)), np.sqrt(2 * E / M)
    return Scales(R * _L, (U * _V).to(u.km / u.s), (R / U * _T).to(u.yr))


def sedov_constant(gamma: float = 5 / 3) -> float:
    """Return ξ₀ of R = ξ₀ (E t²/ρ)^(1/5), fixed by the energy of the similarity solution.

    Parameters
    ----------
    gamma : float
        Adiabatic index, between 1 and 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        An index outside (1, 2).

    Notes
    -----
    Sedov (1959); ξ₀ = 1.15167 for γ = 5/3.

    Examples
    --------
    >>> print(f"{sedov_constant():.5f}")
    1.15167
    """
    return _similarity(_index(gamma)).constant


def sedov_radius(
    time: u.Quantity, *, energy: u.Quantity = _ERG, density: u.Quantity = _GAS, gamma: float = 5 / 3
) -> u.Quantity:
    """Radius of the shock of a point explosion, R = ξ₀ (E t²/ρ)^(1/5).

    Parameters
    ----------
    time : Quantity
        Since the explosion, any shape.
    energy, density : Quantity
        E and ρ, broadcast.
    gamma : float
        As in `sedov_constant`.

    Returns
    -------
    Quantity
        In pc. Right after the ejecta are forgotten and before the gas cools (about 3e4 yr).

    Raises
    ------
    ValueError
        A value that is not positive, an index outside (1, 2).
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{sedov_radius(1000 * u.yr):.2f}")
    4.99 pc
    """
    E, rho = _inputs(energy, density)
    t = take("time", time, _T, positive=True)
    return sedov_constant(gamma) * (E * t**2 / rho) ** 0.2 * _L


def sedov_speed(
    time: u.Quantity, *, energy: u.Quantity = _ERG, density: u.Quantity = _GAS, gamma: float = 5 / 3
) -> u.Quantity:
    """Speed of the shock of a point explosion, U = (2/5) R/t, falling as t^(-3/5).

    Parameters and errors are those of `sedov_radius`.

    Returns
    -------
    Quantity
        In km/s.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{sedov_speed(1000 * u.yr):.0f}")
    1951 km / s
    """
    R = sedov_radius(time, energy=energy, density=density, gamma=gamma)
    return (0.4 * R / time).to(u.km / u.s)


def sedov_profile(
    radius: u.Quantity,
    time: u.Quantity,
    *,
    energy: u.Quantity = _ERG,
    density: u.Quantity = _GAS,
    gamma: float = 5 / 3,
) -> Flow:
    """Density, velocity and pressure of a point explosion: the exact solution, closed in a parameter.

    Parameters
    ----------
    radius : Quantity
        r ≥ 0, any shape.
    time : Quantity
        Scalar, or broadcast against r.
    energy, density, gamma
        As in `sedov_radius`.

    Returns
    -------
    Flow
        In g/cm3, km/s and erg/cm3. Outside the shock the gas is cold and at rest.

    Raises
    ------
    ValueError
        A negative radius, another value that is not positive, an index outside (1, 2).
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Sedov (1959), in the form of Landau & Lifshitz (1987, section 106).

    Examples
    --------
    >>> from astropy import units as u
    >>> flow = sedov_profile(4.98 * u.pc, 1000 * u.yr)
    >>> print(f"{flow.density:.2g}, {flow.velocity:.0f}")
    9.2e-24 g / cm3, 1459 km / s
    """
    r = take("radius", radius, _L, non_negative=True)
    t = take("time", time, _T, positive=True)
    R = sedov_radius(time, energy=energy, density=density, gamma=gamma).to_value(_L)
    _, rho = _inputs(energy, density)
    x = r / R
    G, f, h = _similarity(_index(gamma)).at(np.minimum(x, 1.0))
    inside = x <= 1
    speed = 0.4 * R / t
    return Flow(
        (np.where(inside, rho * G, rho) * _RHO).to(u.g / u.cm**3),
        (np.where(inside, speed * f, 0.0) * _V).to(u.km / u.s),
        (np.where(inside, rho * speed**2 * h, 0.0) * _P).to(u.erg / u.cm**3),
    )


class _Similarity:
    """The similarity solution in q = γV - 1, where the velocity is V times that of pure expansion, v = (2r/5t) V."""

    def __init__(self, gamma: float) -> None:
        g = gamma
        self.gamma = g
        self.exponents = (
            -(13 * g**2 - 7 * g + 12) / ((3 * g - 1) * (2 * g + 1)),
            5 * (g - 1) / (2 * g + 1),
            3 / (2 * g + 1),
            (13 * g**2 - 7 * g + 12) / ((3 * g - 1) * (2 * g + 1) * (2 - g)),
            -2 / (2 - g),
        )
        ln_q = np.linspace(-140.0, np.log((g - 1) / (g + 1)), 8001)
        ln_x, slope, G, f, h = self.parametric(np.exp(ln_q))
        self.first = ln_x[0]
        self.ln_q = CubicSpline(ln_x, ln_q)
        # E = 4π ∫ (ρv²/2 + p/(γ-1)) r² dr with R = ξ₀ (E t²/ρ)^(1/5) and U = 2R/5t.
        integral = simpson((G * f**2 / 2 + h / (g - 1)) * np.exp(3 * ln_x) * slope, x=ln_q)
        self.constant = float((16 * np.pi / 25 * integral) ** -0.2)

    def parametric(self, q: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return ln x, d ln x/d ln q, and ρ/ρ₀, v/U and p/(ρ₀U²) at x = r/R."""
        g = self.gamma
        n1, n2, n3, n4, n5 = self.exponents
        V = (1 + q) / g
        w = 5 - (3 * g - 1) * V
        near = np.log((g + 1) / (g - 1) * q)
        far = np.log((g + 1) / (7 - g) * w)
        ln_x = (-2 * np.log((g + 1) * V / 2) + n1 * far + n2 * near) / 5
        slope = (-2 * q / (g * V) - n1 * (3 * g - 1) * q / (g * w) + n2) / 5
        G = (g + 1) / (g - 1) * np.exp(n3 * near + n4 * far + n5 * np.log((g + 1) / (g - 1) * (1 - V)))
        x = np.exp(ln_x)
        return ln_x, slope, G, x * V, x**2 * G * (g - 1) * (1 - V) * V**2 / (2 * q)

    def at(self, x: Array) -> tuple[Array, Array, Array]:
        ln_x = np.log(np.maximum(x, np.exp(self.first)))
        _, _, G, f, h = self.parametric(np.exp(self.ln_q(ln_x)))
        return G, f, h


@lru_cache(maxsize=16)
def _similarity(gamma: float) -> _Similarity:
    return _Similarity(gamma)


def _index(gamma: Any) -> float:
    value = take("gamma", gamma, "")
    if value.shape != () or not 1 < value < 2:
        raise ValueError(f"gamma must be one number between 1 and 2, got {gamma!r}")
    return float(value)


def _inputs(energy: Any, density: Any, ejecta_mass: Any = None) -> tuple[Array, ...]:
    out = (take("energy", energy, _E, positive=True), take("density", density, _RHO, positive=True))
    if ejecta_mass is None:
        return out
    return out[0], take("ejecta_mass", ejecta_mass, _M, positive=True), out[1]


@dataclass(frozen=True)
class Remnant:
    """A computed explosion; made by `explode`.

    Parameters
    ----------
    times : Quantity, shape (m,)
        Since the explosion, yr.
    edges : Quantity, shape (n + 1,)
        Of the cells, pc.
    flow : Flow
        Means over the cells, shape (m, n), in g/cm3, km/s and erg/cm3.
    shock_radius : Quantity, shape (m,)
        Of the outermost shock, pc.
    ejecta_radius : Quantity, shape (m,)
        Radius that holds the mass of the ejecta, where they end; 0 for a point explosion.
    mass, energy : Quantity, shape (m,)
        All that is on the grid, in Msun and erg.
    steps : int
        Time steps done.
    """

    times: u.Quantity
    edges: u.Quantity
    flow: Flow
    shock_radius: u.Quantity
    ejecta_radius: u.Quantity
    mass: u.Quantity
    energy: u.Quantity
    steps: int

    @property
    def radius(self) -> u.Quantity:
        """Middles of the cells, shape (n,), pc."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def shock_speed(self) -> u.Quantity:
        """U = dR/dt from the slope of ln R against ln t, shape (m,), km/s; needs three times or more."""
        if self.times.size < 3:
            raise ValueError(f"a shock speed needs at least 3 times, got {self.times.size}")
        slope = np.gradient(np.log(self.shock_radius / u.pc), np.log(self.times / u.yr), edge_order=2)
        return (slope * self.shock_radius / self.times).to(u.km / u.s)


def explode(
    times: u.Quantity,
    *,
    energy: u.Quantity = _ERG,
    density: u.Quantity = _GAS,
    ejecta_mass: u.Quantity | None = None,
    radius: u.Quantity,
    cells: int = 1000,
    start_radius: u.Quantity | None = None,
    pressure: u.Quantity = 1e-12 * u.erg / u.cm**3,
    gamma: float = 5 / 3,
    cfl: float = 0.5,
) -> Remnant:
    """Follow a supernova's blast wave through a uniform gas, with the spherical Euler equations.

    Finite volumes on equal cells with exact areas and volumes; lines in each cell held by van Leer's MC limiter; HLLC
    fluxes; Heun's Runge-Kutta steps. Second order where the flow is smooth and first at shocks; mass and energy
    are conserved to rounding.

    Parameters
    ----------
    times : Quantity, shape (m,)
        Moments since the explosion at which the flow is kept, increasing.
    energy : Quantity
        E of the explosion: heat for a point explosion; for ejecta motion, but for 5 % of heat.
    density, pressure : Quantity
        Of the gas around. The default pressure is about that of warm interstellar gas.
    ejecta_mass : Quantity, optional
        M_ej of a ball of even density that expands with v ∝ r. Without it the energy is put in as heat:
        a point explosion.
    radius : Quantity
        End of the grid, which the shock must not reach.
    cells : int
        n, at least 16.
    start_radius : Quantity, optional
        Radius of the ball at the start, at least 4 cells: by default 4 cells for a point explosion, and a tenth of
        the radius in `characteristic_scales` for ejecta.
    gamma : float
        Adiabatic index, between 1 and 2.
    cfl : float
        Step over the time in which the fastest wave crosses its cell, in (0, 1].

    Returns
    -------
    Remnant

    Raises
    ------
    ValueError
        Times that do not increase or begin before the ball has its size, a shock that reaches the end of the grid, a
        start in fewer than 4 cells, cfl > 1, or another value out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Toro, Spruce & Speares (1994) for HLLC; van Leer (1979) for the lines and their limiter.

    Examples
    --------
    >>> from astropy import units as u
    >>> run = explode([1000] * u.yr, radius=6 * u.pc, cells=200)
    >>> print(f"{run.shock_radius[0]:.1f}")
    5.0 pc
    """
    t = np.atleast_1d(take("times", times, _T, positive=True))
    if t.ndim != 1 or np.any(np.diff(t) <= 0):
        raise ValueError(f"times must be one axis and increase, got {times}")
    n, g, c = _count(cells), _index(gamma), _courant(cfl)
    edges = np.linspace(0.0, float(_one("radius", radius, _L)), n + 1)
    E, rho = float(_one("energy", energy, _E)), float(_one("density", density, _RHO))
    p = float(_one("pressure", pressure, _P))
    M = 0.0 if ejecta_mass is None else float(_one("ejecta_mass", ejecta_mass, _M))
    volumes = 4 * np.pi / 3 * np.diff(edges**3)
    U = np.array([np.full(n, rho), np.zeros(n), np.full(n, p / (g - 1))])
    now = _ignite(U, edges, volumes, E, M, _ball(start_radius, edges, rho, M))
    if t[0] <= now:
        raise ValueError(f"times must begin after {now * 1e3:.3g} yr, when the ejecta have their first radius")

    W = np.empty((t.size, 3, n))
    front, mass, total = np.empty(t.size), np.empty(t.size), np.empty(t.size)
    floor, steps = 1e-6 * p, 0
    for i, end in enumerate(t):
        done = _fluid_kernels.euler(edges, U, now, end, g, c, floor)
        if done < 0:
            raise ValueError(
                f"the flow lost its energy in a cell before {end * 1e3:.3g} yr: take a smaller cfl, got {cfl}"
            )
        steps, now = steps + done, end
        _fluid_kernels.primitives(U, W[i], g, floor)
        front[i] = _front(W[i, 2], edges, p, end)
        mass[i], total[i] = (U[0] * volumes).sum(), (U[2] * volumes).sum()
    enclosed = np.concatenate([np.zeros((t.size, 1)), np.cumsum(W[:, 0] * volumes, axis=1)], axis=1)
    contact = [np.interp(M, row, edges) for row in enclosed]
    return Remnant(
        times=(t * _T).to(u.yr),
        edges=edges * _L,
        flow=Flow(
            (W[:, 0] * _RHO).to(u.g / u.cm**3), (W[:, 1] * _V).to(u.km / u.s), (W[:, 2] * _P).to(u.erg / u.cm**3)
        ),
        shock_radius=front * _L,
        ejecta_radius=np.array(contact) * _L,
        mass=(mass * _M).to(u.Msun),
        energy=(total * _E).to(u.erg),
        steps=steps,
    )


def _one(name: str, value: Any, unit: u.UnitBase) -> Array:
    array = take(name, value, unit, positive=True)
    if array.size != 1:
        raise ValueError(f"{name} must be one value, got shape {array.shape}")
    return array.reshape(())


def _count(cells: Any) -> int:
    if not isinstance(cells, int | np.integer) or cells < 16:
        raise ValueError(f"cells must be a whole number of at least 16, got {cells!r}")
    return int(cells)


def _courant(cfl: Any) -> float:
    value = float(_one("cfl", cfl, u.dimensionless_unscaled))
    if value > 1:
        raise ValueError(f"cfl must be at most 1, as no wave may cross more than one cell in a step, got {value:g}")
    return value


def _ball(start_radius: Any, edges: Array, rho: float, M: float) -> int:
    """Number of cells that hold the explosion at the start."""
    dr = edges[1]
    if start_radius is not None:
        start = float(_one("start_radius", start_radius, _L))
    else:
        start = 0.1 * float(np.cbrt(3 * M / (4 * np.pi * rho))) if M else 4 * dr
    inside = round(start / dr)
    if not 4 <= inside <= edges.size - 5:
        raise ValueError(
            f"start_radius must hold 4 to {edges.size - 5} cells of {dr:.3g} pc, got {start:.3g} pc: change cells or it"
        )
    return inside


def _ignite(U: Array, edges: Array, volumes: Array, E: float, M: float, inside: int) -> float:
    """Put the explosion into U and return its age."""
    ball = slice(0, inside)
    if not M:
        U[2, ball] += E / volumes[ball].sum()
        return 0.0
    # Means over the cells of a ball of even density with v ∝ r. The little heat keeps the
    # pressure of the innermost cells above the error of the difference e - ρv²/2: both fall as t^-5.
    U[0, ball] = M / volumes[ball].sum()
    outer = edges[inside]
    fastest = np.sqrt(10 * (1 - _HEAT) * E / (3 * M))
    moment = np.pi * np.diff(edges**4)[ball] / volumes[ball]
    square = 4 * np.pi / 5 * np.diff(edges**5)[ball] / volumes[ball]
    U[1, ball] = U[0, ball] * fastest / outer * moment
    U[2, ball] += _HEAT * E / volumes[ball].sum() + U[0, ball] / 2 * (fastest / outer) ** 2 * square
    return float(outer / fastest)


def _front(pressure: Array, edges: Array, ambient: float, time: float) -> float:
    """Where the pressure, coming from outside, has risen to half of its first peak."""
    hot = np.flatnonzero(pressure > 2 * ambient)
    if hot.size == 0:
        raise ValueError(f"the shock has died away by {time * 1e3:.3g} yr: take a lower pressure or earlier times")
    if hot[-1] > pressure.size - 4:
        raise ValueError(
            f"radius must be beyond the shock at all times, got {edges[-1]:.3g} pc for {time * 1e3:.3g} yr"
        )
    peak = int(hot[-1])
    while peak > 0 and pressure[peak - 1] > pressure[peak]:
        peak -= 1
    centres = (edges[1:] + edges[:-1]) / 2
    rise = slice(peak, hot[-1] + 2)
    return float(np.interp(-pressure[peak] / 2, -pressure[rise], centres[rise]))
