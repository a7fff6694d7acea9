r"""Growing the field: Bell's instability, its simulation, and where it stops.

Cosmic rays that run ahead of a shock carry a current j along the mean field B₀. The gas carries the return current
and is pushed by -j × δB/c. A circular wave of wavenumber k has ω² = k² v_A² - k j B₀/(ρ c), v_A = B₀/(4πρ)^(1/2)
(Bell 2004): it grows for 0 < k < k_c = 4π j/(c B₀), fastest at k_c/2 with γ = (j/c) (π/ρ)^(1/2). The other
handedness, k < 0, is stable. Derived in the chapter "Growing the field", in Gaussian units.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray

from crlab.acceleration import _fluid_kernels
from crlab.units import Array, take

__all__ = [
    "Amplification",
    "Fastest",
    "Waves",
    "amplify",
    "escape_current",
    "escape_energy",
    "fastest_growth",
    "frequency",
    "growth_rate",
    "saturated_field",
    "simulate",
]

# SI inside: 4π/c of the Gaussian formulas becomes μ₀ with j in A/m2 and B in T.
_J = u.A / u.m**2
_RHO = u.kg / u.m**3
_K = 1 / u.m
_MU0 = float(const.mu0.si.value)
_C = float(const.c.si.value)
_Q = float(const.e.si.value)


class Fastest(NamedTuple):
    """The wave that grows fastest: its wavenumber (1/pc) and rate (1/yr), and where growth ends (1/pc).

    Made by `fastest_growth`.
    """

    wavenumber: u.Quantity
    rate: u.Quantity
    cutoff: u.Quantity


def growth_rate(wavenumber: u.Quantity, *, current: u.Quantity, field: u.Quantity, density: u.Quantity) -> u.Quantity:
    """Growth rate γ = (k j B₀/(ρ c) - k² v_A²)^(1/2) of a circular wave on the current, 0 where it is stable.

    Parameters
    ----------
    wavenumber : Quantity
        k, any shape; its sign is the handedness, positive for the waves that can grow.
    current : Quantity
        j of the cosmic rays, like A/m2; 1 statA/cm2 is 3.336e-6 A/m2.
    field : Quantity
        B₀.
    density : Quantity
        ρ of the gas.

    Returns
    -------
    Quantity
        In 1/yr, of the broadcast shape.

    Raises
    ------
    ValueError
        A current, field or density that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Bell (2004). Cold gas, no damping, waves shorter than the gyroradius of the particles that carry the current.

    Examples
    --------
    >>> from astropy import units as u
    >>> plasma = dict(current=1e-14 * u.A / u.m**2, field=3 * u.uG, density=1.67e-24 * u.g / u.cm**3)
    >>> print(f"{growth_rate(fastest_growth(**plasma).wavenumber, **plasma):.3f}")
    4.328 1 / yr
    """
    w = _omega_squared(wavenumber, current, field, density)
    return (np.sqrt(np.maximum(-w, 0.0)) / u.s).to(1 / u.yr)


def frequency(wavenumber: u.Quantity, *, current: u.Quantity, field: u.Quantity, density: u.Quantity) -> u.Quantity:
    """Angular frequency ω = (k² v_A² - k j B₀/(ρ c))^(1/2) of a circular wave, 0 where it grows instead.

    Parameters and errors are those of `growth_rate`.

    Returns
    -------
    Quantity
        In 1/yr (radians).

    Examples
    --------
    >>> from astropy import units as u
    >>> plasma = dict(current=1e-14 * u.A / u.m**2, field=3 * u.uG, density=1.67e-24 * u.g / u.cm**3)
    >>> print(f"{frequency(2 * fastest_growth(**plasma).cutoff, **plasma):.2f}")
    12.24 1 / yr
    """
    w = _omega_squared(wavenumber, current, field, density)
    return (np.sqrt(np.maximum(w, 0.0)) / u.s).to(1 / u.yr)


def fastest_growth(*, current: u.Quantity, field: u.Quantity, density: u.Quantity) -> Fastest:
    """Find the wave that grows fastest, k = k_c/2 = 2π j/(c B₀), with γ = (j/c) (π/ρ)^(1/2).

    Parameters and errors are those of `growth_rate`.

    Returns
    -------
    Fastest

    Examples
    --------
    >>> from astropy import units as u
    >>> best = fastest_growth(current=1e-14 * u.A / u.m**2, field=3 * u.uG, density=1.67e-24 * u.g / u.cm**3)
    >>> print(f"{(2 * 3.1416 / best.wavenumber).to(u.au):.0f}")
    2 AU
    """
    j, B, rho = _plasma(current, field, density)
    cutoff = _MU0 * j / B * _K
    rate = j / 2 * np.sqrt(_MU0 / rho) / u.s
    return Fastest((cutoff / 2).to(1 / u.pc), rate.to(1 / u.yr), cutoff.to(1 / u.pc))


def escape_current(speed: u.Quantity, *, density: u.Quantity, energy: u.Quantity, efficiency: Any = 0.1) -> u.Quantity:
    """Current of the cosmic rays ahead of a shock, j = q n U with n = ξ_CR ρ U²/E: few if their energy is high.

    Parameters
    ----------
    speed : Quantity
        U of the shock.
    density : Quantity
        ρ ahead of it.
    energy : Quantity
        E of the protons that carry the current.
    efficiency : array_like
        ξ_CR, share of ρU² in these particles, in (0, 1].

    Returns
    -------
    Quantity
        In A/m2.

    Raises
    ------
    ValueError
        A value that is not positive, a speed of light or more, an efficiency above 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> shock = dict(density=1.67e-24 * u.g / u.cm**3, energy=100 * u.TeV)
    >>> print(f"{escape_current(1e4 * u.km / u.s, **shock):.1e}")
    1.7e-15 A / m2
    """
    U, rho, xi = _shock(speed, density, efficiency)
    E = take("energy", energy, u.J, positive=True)
    return _Q * xi * rho * U**3 / E * _J


def saturated_field(speed: u.Quantity, *, density: u.Quantity, efficiency: Any = 0.1) -> u.Quantity:
    """Field at which the instability stops, B = (4π ξ_CR ρ U³/c)^(1/2), so that B ∝ U^(3/2).

    There the longest wave that can grow, k_c = 4π j/(c B), has reached the gyroradius, k r_g = 1, of the particles that
    carry the current; this is B²/8π = (1/2) (U/c) ε_CR with ε_CR = ξ_CR ρ U², whatever their energy.

    Parameters
    ----------
    speed, density, efficiency
        As in `escape_current`.

    Returns
    -------
    Quantity
        In µG.

    Raises
    ------
    ValueError
        A value that is not positive, a speed of light or more, an efficiency above 1.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Bell (2004); the factor of order one is a matter of convention.

    Examples
    --------
    >>> from astropy import constants as const
    >>> from astropy import units as u
    >>> print(f"{saturated_field(1e4 * u.km / u.s, density=const.m_p / u.cm**3):.0f}")
    265 uG
    """
    U, rho, xi = _shock(speed, density, efficiency)
    return (np.sqrt(_MU0 * xi * rho * U**3 / _C) * u.T).to(u.uG)


def escape_energy(
    speed: u.Quantity,
    *,
    radius: u.Quantity,
    density: u.Quantity,
    efficiency: Any = 0.1,
    folds: Any = 5.0,
) -> u.Quantity:
    """Energy up to which a shock's field has had time to grow: ∫ γ dt = 5 at the radius that the shock has reached.

    The particles that escape pass the radius R with the current j (r/R)² of a shock at r < R. With a steady speed,
    ∫ γ dt = (q ξ_CR U² R/(3 c E)) (πρ)^(1/2), and the energy for which it is 5 is E = q ξ_CR U² R (πρ)^(1/2)/(15 c).

    Parameters
    ----------
    speed, density, efficiency
        As in `escape_current`.
    radius : Quantity
        R.
    folds : array_like
        The number of e-folds asked for.

    Returns
    -------
    Quantity
        In TeV. Particles of higher energy are too few to hold themselves back.

    Raises
    ------
    ValueError
        A value that is not positive, a speed of light or more, an efficiency above 1.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    The condition is that of Bell et al. (2013); they let the energy of the escaping particles change along the way,
    so that their factor differs.

    Examples
    --------
    >>> from astropy import units as u
    >>> E = escape_energy(1e4 * u.km / u.s, radius=1 * u.pc, density=1.67e-24 * u.g / u.cm**3, efficiency=0.03)
    >>> print(f"{E:.0f}")
    141 TeV
    """
    U, rho, xi = _shock(speed, density, efficiency)
    R = take("radius", radius, u.m, positive=True)
    n = take("folds", folds, "", positive=True)
    return (_Q * xi * U**2 * R * np.sqrt(_MU0 * rho) / (6 * n) * u.J).to(u.TeV)


@dataclass(frozen=True)
class Waves:
    """A simulated field; made by `simulate`.

    Parameters
    ----------
    times : Quantity, shape (m,)
        In yr.
    position : Quantity, shape (n,)
        Along B₀, pc.
    field : ndarray of complex, shape (m, n)
        (B_x + i B_y)/B₀.
    wavenumber : Quantity, shape (w,)
        Of the waves that were present at the start, both hands, 1/pc.
    growth_rate, frequency : Quantity, shape (w,)
        Measured from the field's Fourier modes, 1/yr; one of the two is 0.
    """

    times: u.Quantity
    position: u.Quantity
    field: NDArray[np.complex128]
    wavenumber: u.Quantity
    growth_rate: u.Quantity
    frequency: u.Quantity


def simulate(
    *,
    current: u.Quantity,
    field: u.Quantity,
    density: u.Quantity,
    unstable: int = 15,
    cells: int = 1024,
    folds: float = 10.0,
    seed: int = 1,
) -> Waves:
    """Solve the transverse MHD equations with a current, from noise, and measure how each wave grows or swings.

    ρ ∂v/∂t = (B₀/4π) ∂B/∂z - j × B/c and ∂B/∂t = B₀ ∂v/∂z on a periodic line along B₀: differences of sixth order and
    Runge-Kutta steps of fourth. Noise of equal size in all waves up to three times the cut-off, gas at rest.

    Parameters
    ----------
    current, field, density
        As in `growth_rate`.
    unstable : int
        Number of waves that grow; sets the length of the line, (unstable + 1) waves of length 2π/k_c.
    cells : int
        At least 24 (unstable + 1), eight for the shortest wave.
    folds : float
        Duration, in e-folds of the fastest wave.
    seed : int
        Of the noise.

    Returns
    -------
    Waves

    Raises
    ------
    ValueError
        Too few cells, a duration outside 2 to 100 e-folds, a value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    The equations are linear, and exact at any amplitude for a single circular wave in an even gas. What they
    leave out, plasma that is pushed along the field and particles that are bent by the waves, is what stops the growth.

    Examples
    --------
    >>> from astropy import units as u
    >>> plasma = dict(current=1e-14 * u.A / u.m**2, field=3 * u.uG, density=1.67e-24 * u.g / u.cm**3)
    >>> waves = simulate(**plasma)
    >>> print(f"{waves.growth_rate.max():.3f}")
    4.328 1 / yr
    """
    j, B, rho = (float(_scalar(name, x)) for name, x in zip(_NAMES, _plasma(current, field, density), strict=True))
    if unstable < 1 or cells < 24 * (unstable + 1):
        raise ValueError(f"cells must be at least 24 (unstable + 1), got {cells} for unstable = {unstable}")
    if not 2 <= folds <= 100:
        raise ValueError(f"folds must lie between 2 and 100, got {folds}")
    # Lengths in 1/k_c and times in 1/(k_c v_A): the drive is 1 and the fastest rate 1/2.
    cutoff = _MU0 * j / B
    rate = cutoff * B / np.sqrt(_MU0 * rho)
    dz = 2 * np.pi * (unstable + 1) / cells
    dt, every = dz / 2, 5
    steps = every * int(np.ceil(2 * folds / (every * dt)))
    order = np.array([m for m in range(-3 * (unstable + 1), 3 * (unstable + 1) + 1) if m])
    spectrum = np.zeros(cells, np.complex128)
    noise = np.random.default_rng(seed).normal(size=(2, order.size))
    spectrum[order] = noise[0] + 1j * noise[1]
    b = np.fft.ifft(spectrum)
    b *= 1e-3 / np.sqrt(np.mean(np.abs(b) ** 2))
    stored = _fluid_kernels.waves(b, np.zeros(cells, np.complex128), dz, 1.0, dt, steps, every)
    w = _measure(np.fft.fft(stored, axis=1)[:, order], every * dt) * rate**2
    return Waves(
        times=(np.arange(stored.shape[0]) * every * dt / rate * u.s).to(u.yr),
        position=(np.arange(cells) * dz / cutoff * u.m).to(u.pc),
        field=stored,
        wavenumber=(order * cutoff / (unstable + 1) * _K).to(1 / u.pc),
        growth_rate=(np.sqrt(np.maximum(-w, 0)) / u.s).to(1 / u.yr),
        frequency=(np.sqrt(np.maximum(w, 0)) / u.s).to(1 / u.yr),
    )


def _measure(modes: NDArray[np.complex128], interval: float) -> Array:
    """ω² of each mode from three states in a row: a(t + τ) + a(t - τ) = 2 cos(ωτ) a(t), also for growth and decay."""
    middle = modes[1:-1]
    x = np.sum((np.conj(middle) * (modes[2:] + modes[:-2])).real, axis=0) / (2 * np.sum(np.abs(middle) ** 2, axis=0))
    swing = np.arccos(np.clip(x, -1, 1)) ** 2
    growth = np.arccosh(np.maximum(x, 1)) ** 2
    return np.asarray((swing - growth) / interval**2)


@dataclass(frozen=True)
class Amplification:
    """Growth of the field until it stops; made by `amplify`.

    Parameters
    ----------
    times : Quantity, shape (m,)
        In yr.
    field : Quantity, shape (m,)
        Root mean square of the whole field, µG.
    longest, shortest : Quantity, shape (m,)
        The band of wavelengths that grow, pc; empty once longest < shortest.
    """

    times: u.Quantity
    field: u.Quantity
    longest: u.Quantity
    shortest: u.Quantity


def amplify(
    *,
    current: u.Quantity,
    field: u.Quantity,
    density: u.Quantity,
    energy: u.Quantity,
    level: float = 0.01,
    waves: int = 400,
) -> Amplification:
    """Let the field grow until no wave fits between what tension allows and what the gyroradius allows.

    A simple model: each wave grows with Bell's rate in the field present, B in place of B₀, as long as it is
    shorter than the particles can follow, k r_g(B) > 1. With B growing,
    k_c = 4π j/(c B) falls and 1/r_g = q B/E rises until they meet.

    Parameters
    ----------
    current, field, density
        As in `growth_rate`; the field is that at the start.
    energy : Quantity
        E of the protons that carry the current, which sets r_g = E/(q B).
    level : float
        Noise at the start: root mean square of all waves over B₀, in (0, 1].
    waves : int
        Number of wavenumbers, at least 50.

    Returns
    -------
    Amplification

    Raises
    ------
    ValueError
        No wave can grow at the start, as the current is too small; a value out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    A linear rate used at large amplitude is an estimate. Simulations of the nonlinear stage (Bell 2004) show the same
    march to longer waves.

    Examples
    --------
    >>> from astropy import units as u
    >>> shock = dict(density=1.67e-24 * u.g / u.cm**3, energy=100 * u.TeV)
    >>> j = escape_current(1e4 * u.km / u.s, **shock)
    >>> print(f"{amplify(current=j, field=3 * u.uG, **shock).field[-1]:.0f}")
    262 uG
    """
    j, B0, rho = (float(_scalar(name, x)) for name, x in zip(_NAMES, _plasma(current, field, density), strict=True))
    E = float(_scalar("energy", take("energy", energy, u.J, positive=True)))
    if not 0 < level <= 1 or waves < 50:
        raise ValueError(f"level must lie in (0, 1] and waves be at least 50, got {level} and {waves}")
    curvature = _Q * _C / E  # 1/(r_g B)
    if curvature * B0 >= _MU0 * j / B0:
        raise ValueError(
            f"current must be above {curvature * B0**2 / _MU0:.3g} A / m2 for a wave to grow, got {j:.3g} A / m2"
        )
    k = np.geomspace(curvature * B0, _MU0 * j / B0, waves)
    power = np.full(waves, (level * B0) ** 2 / waves)
    t, B = 0.0, float(np.sqrt(B0**2 + power.sum()))
    history = [(t, B)]
    while True:
        squared = np.where(k > curvature * B, k * B / rho * (j - k * B / _MU0), 0.0)
        rate = np.sqrt(np.maximum(squared, 0.0))
        if not rate.any():
            break
        dt = 0.02 / rate.max()
        power *= np.exp(2 * rate * dt)
        t, B = t + dt, float(np.sqrt(B0**2 + power.sum()))
        history.append((t, B))
    times, total = np.array(history).T
    return Amplification(
        times=(times * u.s).to(u.yr),
        field=(total * u.T).to(u.uG),
        longest=(2 * np.pi / (curvature * total) * u.m).to(u.pc),
        shortest=(2 * np.pi * total / (_MU0 * j) * u.m).to(u.pc),
    )


_NAMES = ("current", "field", "density")


def _plasma(current: Any, field: Any, density: Any) -> tuple[Array, Array, Array]:
    return (
        take("current", current, _J, positive=True),
        take("field", field, u.T, positive=True),
        take("density", density, _RHO, positive=True),
    )


def _omega_squared(wavenumber: Any, current: Any, field: Any, density: Any) -> Array:
    k = take("wavenumber", wavenumber, _K)
    j, B, rho = _plasma(current, field, density)
    return np.asarray(k * B / rho * (k * B / _MU0 - j))


def _shock(speed: Any, density: Any, efficiency: Any) -> tuple[Array, Array, Array]:
    U = take("speed", speed, u.m / u.s, positive=True)
    if np.any(U >= _C):
        raise ValueError(f"speed must be below that of light, got {U.max():.4g} m / s")
    xi = take("efficiency", efficiency, "", positive=True)
    if np.any(xi > 1):
        raise ValueError(f"efficiency must be at most 1, got {xi.max():g}")
    return U, take("density", density, _RHO, positive=True), xi


def _scalar(name: str, array: Array) -> Array:
    if array.size != 1:
        raise ValueError(f"{name} must be one value, got shape {array.shape}")
    return array.reshape(())
