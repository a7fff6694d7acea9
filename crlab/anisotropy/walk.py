"""The random walk of particles that scatter isotropically, from flight to diffusion, and the dipole it leaves."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.anisotropy import _kernels
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import Array, take

__all__ = [
    "Shells",
    "Walk",
    "burst_dipole",
    "burst_shells",
    "diffusion_coefficient",
    "gradient_dipole",
    "mean_square",
    "simulate",
    "steady_dipole",
    "steady_shells",
]

BLOCK = 2_000
"""Particles per block, hence per random stream."""

_C = const.c


def diffusion_coefficient(mean_free_path: u.Quantity, *, speed: u.Quantity = _C) -> u.Quantity:
    """Diffusion coefficient of isotropic scattering, κ = v ℓ / 3.

    Parameters
    ----------
    mean_free_path : Quantity
        ℓ, any shape.
    speed : Quantity
        v; by default that of light.

    Returns
    -------
    Quantity
        In cm2 / s.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{diffusion_coefficient(1 * u.pc):.3g}")
    3.08e+28 cm2 / s
    """
    length = take("mean_free_path", mean_free_path, u.cm, positive=True)
    return length * _speed(speed, u.cm / u.s) / 3 * u.cm**2 / u.s


def mean_square(t: u.Quantity, *, mean_free_path: u.Quantity, speed: u.Quantity = _C) -> u.Quantity:
    """Mean square distance from the start, ⟨(Δr)²⟩ = 2 ℓ² (v t/ℓ - 1 + exp(-v t/ℓ)).

    This is exact for isotropic scattering with exponentially distributed free paths. Its limits are (v t)² for
    t ≪ ℓ/v and 6 κ t with κ = v ℓ / 3 for t ≫ ℓ/v. Derived in ``anisotropy/from-flying-to-diffusing``.

    Parameters
    ----------
    t : Quantity
        Times, any shape.
    mean_free_path, speed : Quantity
        ℓ and v.

    Returns
    -------
    Quantity
        In the square of the unit of `mean_free_path`, shape of `t`.

    Raises
    ------
    ValueError
        A negative time, or a length or speed that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{mean_square(100 * u.yr, mean_free_path=1 * u.pc):.1f}")
    59.3 pc2
    """
    x, length = _scaled(t, mean_free_path, speed)
    # The difference loses its digits where x is small.
    short = x**2 / 2 * (1 - x / 3 + x**2 / 12)
    return 2 * length**2 * np.where(x < 1e-4, short, x + np.expm1(-x))


def gradient_dipole(scale: u.Quantity, *, kappa: u.Quantity, speed: u.Quantity = _C) -> u.Quantity:
    """Dipole amplitude of diffusing particles, a = (3 κ / v) / L, where L = ψ / abs(∇ψ).

    The intensity is largest from where the density rises. Valid where the density changes little over one mean free
    path, L ≫ ℓ = 3 κ / v, that is for a ≪ 1; larger values mean that diffusion does not apply.

    Parameters
    ----------
    scale : Quantity
        L, length over which the density falls by a factor e; any shape.
    kappa : Quantity
        Diffusion coefficient κ.
    speed : Quantity
        v.

    Returns
    -------
    Quantity
        A pure number, of the broadcast shape.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{gradient_dipole(5 * u.kpc, kappa=5e28 * u.cm**2 / u.s):.2g}")
    0.00032
    """
    length = take("scale", scale, u.cm, positive=True)
    k = take("kappa", kappa, u.cm**2 / u.s, positive=True)
    return u.Quantity(3 * k / _speed(speed, u.cm / u.s) / length)


def steady_dipole(distance: u.Quantity, *, kappa: u.Quantity, speed: u.Quantity = _C) -> u.Quantity:
    """Dipole amplitude due to one steady point source, a = 3 κ / (v r), since ψ ∝ 1/r.

    Valid in a medium without boundary (or with one much farther than r), for r ≫ ℓ. A boundary at which particles
    escape at R ≫ r makes it larger by 1 / (1 - r/R).

    Parameters
    ----------
    distance : Quantity
        r, any shape.
    kappa, speed : Quantity
        As in `gradient_dipole`.

    Returns
    -------
    Quantity
        A pure number.

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{steady_dipole(1 * u.kpc, kappa=5e28 * u.cm**2 / u.s):.2g}")
    0.0016
    """
    return gradient_dipole(
        take("distance", distance, u.cm, positive=True) * u.cm,  # the scale length of 1/r is r
        kappa=kappa,
        speed=speed,
    )


def burst_dipole(distance: u.Quantity, t: u.Quantity, *, speed: u.Quantity = _C) -> u.Quantity:
    """Dipole amplitude due to a burst at a point, a = 3 r / (2 v t), whatever the diffusion coefficient.

    Since ψ ∝ exp(-r² / (4 κ t)), the scale length is 2 κ t / r, and κ cancels. Valid for r ≪ v t and t ≫ ℓ/v; the
    next term is smaller by a factor ℓ / (v t).

    Parameters
    ----------
    distance, t : Quantity
        r and the time since the burst; shapes that broadcast.
    speed : Quantity
        v.

    Returns
    -------
    Quantity
        A pure number.

    Raises
    ------
    ValueError
        A value that is not positive, or a distance that particles of this speed have not reached.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{burst_dipole(300 * u.pc, 1e5 * u.yr):.4f}")
    0.0147
    """
    r = take("distance", distance, u.cm, positive=True)
    flown = _speed(speed, u.cm / u.s) * take("t", t, u.s, positive=True)
    if np.any(r > flown):
        raise ValueError("distance must be at most speed times t: no particle has come farther")
    return u.Quantity(1.5 * r / flown)


@dataclass(frozen=True)
class Walk:
    """Mean square distances of simulated particles; made by `simulate`.

    Parameters
    ----------
    t : Quantity
        Shape (k,).
    mean_square, error : Quantity
        ⟨(Δr)²⟩ and its standard error, shape (k,). Values at different times belong to the same particles and are
        correlated.
    number : int
        Particles.
    scatterings : int
        Free paths that were drawn.
    """

    t: u.Quantity
    mean_square: u.Quantity
    error: u.Quantity
    number: int
    scatterings: int

    @property
    def kappa(self) -> u.Quantity:
        """Running diffusion coefficient ⟨(Δr)²⟩ / (6 t) in cm2 / s, shape (k,); κ once t ≫ ℓ/v."""
        return (self.mean_square / (6 * self.t)).to(u.cm**2 / u.s)

    @property
    def kappa_error(self) -> u.Quantity:
        """Standard error of `kappa`, shape (k,)."""
        return (self.error / (6 * self.t)).to(u.cm**2 / u.s)


def simulate(
    t: u.Quantity,
    *,
    mean_free_path: u.Quantity,
    speed: u.Quantity = _C,
    number: int,
    seed: int,
    executor: Executor | None = None,
) -> Walk:
    """Let particles fly and scatter isotropically, and measure how far they get.

    Every particle starts at the origin in a random direction. Its free paths are exponentially distributed with mean
    ℓ; each scattering gives it a new direction, all being equally likely.

    Parameters
    ----------
    t : Quantity
        Times to look at, ascending, shape (k,).
    mean_free_path, speed : Quantity
        ℓ and v.
    number : int
        Particles, at least 2.
    seed : int
        Root seed. Numbers do not depend on threads or processes.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Walk

    Raises
    ------
    ValueError
        Times that are not positive or do not ascend, a length or speed that is not positive, a bad `number` or
        `seed`.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> walk = simulate([10, 1000] * u.yr, mean_free_path=1 * u.pc, number=1000, seed=1)
    >>> walk.mean_square.unit, walk.number
    (Unit("pc2"), 1000)
    """
    x, length = _scaled(t, mean_free_path, speed)
    times = _ascending("t", x, least=1)
    if number == 1:
        raise ValueError("number must be at least 2, to have an error, got 1")
    work = blocks(number, size=BLOCK, seed=seed)
    found = map_blocks(partial(_displacement, t=times), work, executor=executor, label="random walk")
    mean, square = np.sum([sums for sums, _ in found], axis=0).T / number
    return Walk(
        t=times * (length / _speed(speed, length.unit / u.yr)).value * u.yr,
        mean_square=mean * length**2,
        error=np.sqrt((square - mean**2) / (number - 1)) * length**2,
        number=number,
        scatterings=sum(scatterings for _, scatterings in found),
    )


@dataclass(frozen=True)
class Shells:
    """Dipole measured in shells about a source; made by `steady_shells` and `burst_shells`.

    Parameters
    ----------
    edges : Quantity
        Radii that bound the shells, shape (m + 1,).
    dipole, error : ndarray
        Relative amplitude towards the source and its standard error, shape (m,).
    density, density_error : Quantity
        Particles in unit volume, averaged over the shell, shape (m,): those of a burst of one particle, or of a source
        of one particle in a time of one mean free path over speed.
    """

    edges: u.Quantity
    dipole: Array
    error: Array
    density: u.Quantity
    density_error: u.Quantity

    @property
    def radius(self) -> u.Quantity:
        """Middle of the shells, shape (m,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2


def steady_shells(
    edges: u.Quantity,
    *,
    mean_free_path: u.Quantity,
    boundary: u.Quantity,
    number: int,
    seed: int,
    executor: Executor | None = None,
) -> Shells:
    """Measure density and dipole about a steady point source in a ball from which particles escape.

    Particles leave the origin one by one, scatter isotropically with exponentially distributed free paths of mean ℓ
    and are lost beyond the boundary R. With a steady source the density in a shell is proportional to the path length
    Σs spent there, and the mean cosine between velocity and radius is Σd/Σs, where d is the change of the radius along
    that path. Particles that move outward arrive from the source, so the dipole is a = 3 Σd/Σs.

    Theory to compare with: ψ ∝ 1/r - 1/R' with R' = R + 0.71 ℓ, as the density vanishes not at the boundary but beyond
    it (the Milne problem), and a = (3 κ/v) abs(∇ψ)/ψ = (ℓ/r) / (1 - r/R'), for r ≫ ℓ.

    Parameters
    ----------
    edges : Quantity
        Radii that bound the shells, ascending, shape (m + 1,).
    mean_free_path : Quantity
        ℓ. The speed does not matter.
    boundary : Quantity
        R, at least the last edge.
    number : int
        Particles, at least 2.
    seed, executor
        As in `simulate`.

    Returns
    -------
    Shells

    Raises
    ------
    ValueError
        Radii that are negative, do not ascend, or lie beyond the boundary; a shell that no particle crossed; a bad
        `number` or `seed`.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> shells = steady_shells([5, 10] * u.pc, mean_free_path=1 * u.pc, boundary=20 * u.pc, number=500, seed=1)
    >>> bool(0.1 < shells.dipole[0] < 0.3)
    True
    """
    length = _length(mean_free_path)
    radii = _radii(edges, length)
    limit = float(take("boundary", boundary, length.unit, positive=True) / length.value)
    if radii[-1] > limit:
        raise ValueError(f"edges must end within the boundary {boundary}, got {edges[-1]}")
    if number == 1:
        raise ValueError("number must be at least 2, to have an error, got 1")
    work = blocks(number, size=BLOCK, seed=seed)
    found = map_blocks(partial(_steady, edges=radii, boundary=limit), work, executor=executor, label="steady source")
    s, d, ss, sd, dd = np.sum([sums for sums, _ in found], axis=0).T / number
    _check_filled(s, radii)
    ratio = d / s
    # The error of a ratio of means, to first order.
    variance = (dd - 2 * ratio * sd + ratio**2 * ss) / s**2 / (number - 1)
    volume = 4 * np.pi / 3 * np.diff(radii**3) * length**3
    return Shells(
        edges=radii * length,
        dipole=3 * ratio,
        error=3 * np.sqrt(variance),
        density=s / volume,
        density_error=np.sqrt((ss - s**2) / (number - 1)) / volume,
    )


def burst_shells(
    edges: u.Quantity,
    t: u.Quantity,
    *,
    mean_free_path: u.Quantity,
    speed: u.Quantity = _C,
    number: int,
    seed: int,
    executor: Executor | None = None,
) -> Shells:
    """Measure density and dipole about a point at which all particles started at time 0.

    Theory to compare with: ψ = exp(-r²/(4κt)) / (4πκt)^(3/2) and a = 3 r/(2 v t), with relative corrections of order
    ℓ/(v t).

    Parameters
    ----------
    edges : Quantity
        Radii that bound the shells, ascending, shape (m + 1,).
    t : Quantity
        Time since the burst.
    mean_free_path, speed, number, seed, executor
        As in `simulate`.

    Returns
    -------
    Shells

    Raises
    ------
    ValueError
        Radii that are negative or do not ascend, a time that is not positive, a shell that holds less than two
        particles, a bad `number` or `seed`.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> shells = burst_shells([5, 15] * u.pc, 300 * u.yr, mean_free_path=1 * u.pc, number=2000, seed=1)
    >>> bool(0.05 < shells.dipole[0] < 0.3)
    True
    """
    x, length = _scaled(t, mean_free_path, speed)
    if x.shape != () or x <= 0:
        raise ValueError(f"t must be one positive time, got {t}")
    radii = _radii(edges, length)
    work = blocks(number, size=BLOCK, seed=seed)
    found = map_blocks(partial(_burst, t=float(x), edges=radii), work, executor=executor, label="burst")
    count, mu, square = np.sum(found, axis=0).T
    _check_filled(np.maximum(count - 1, 0), radii)
    mean = mu / count
    volume = 4 * np.pi / 3 * np.diff(radii**3) * length**3
    share = count / number
    return Shells(
        edges=radii * length,
        dipole=3 * mean,
        error=3 * np.sqrt((square / count - mean**2) / (count - 1)),
        density=share / volume,
        density_error=np.sqrt(share * (1 - share) / number) / volume,
    )


def _displacement(block: Block, *, t: Array) -> tuple[Array, int]:
    sums, scatterings = _kernels.displacement(block.generator(), block.size, t)
    return sums, int(scatterings)


def _steady(block: Block, *, edges: Array, boundary: float) -> tuple[Array, int]:
    sums, scatterings = _kernels.steady(block.generator(), block.size, edges, boundary)
    return sums, int(scatterings)


def _burst(block: Block, *, t: float, edges: Array) -> Array:
    return _kernels.burst(block.generator(), block.size, t, edges)


def _speed(speed: u.Quantity, unit: u.UnitBase) -> Array:
    return take("speed", speed, unit, positive=True)


def _length(mean_free_path: u.Quantity) -> u.Quantity:
    """ℓ as a scalar quantity in the caller's unit."""
    unit = mean_free_path.unit if isinstance(mean_free_path, u.Quantity) else u.pc
    take("mean_free_path", mean_free_path, u.pc, positive=True)
    value = take("mean_free_path", mean_free_path, unit)
    if value.shape != ():
        raise ValueError(f"mean_free_path must be one length, got {value.size}")
    return u.Quantity(float(value), unit)


def _scaled(t: u.Quantity, mean_free_path: u.Quantity, speed: u.Quantity) -> tuple[Array, u.Quantity]:
    """Times in units of ℓ/v, and ℓ."""
    length = _length(mean_free_path)
    v = _speed(speed, length.unit / u.yr)
    if v.shape != ():
        raise ValueError(f"speed must be one speed, got {v.size}")
    return take("t", t, u.yr, non_negative=True) * float(v / length.value), length


def _ascending(name: str, values: Array, *, least: int) -> Array:
    if values.ndim != 1 or values.size < least or np.any(np.diff(values) <= 0) or values[0] < 0:
        raise ValueError(f"{name} must be a list of ascending values, {least} or more, got shape {values.shape}")
    return values


def _radii(edges: u.Quantity, length: u.Quantity) -> Array:
    """Edges of shells in units of ℓ."""
    radii = take("edges", edges, length.unit, non_negative=True) / length.value
    return _ascending("edges", radii, least=2)


def _check_filled(content: Array, radii: Sequence[Any] | Array) -> None:
    empty = np.flatnonzero(np.asarray(content) <= 0)
    if empty.size:
        low, high = radii[empty[0]], radii[empty[0] + 1]
        raise ValueError(
            f"edges must leave no shell without particles: that from {low:.3g} to {high:.3g} mean free paths has too "
            "few; take wider shells or more particles"
        )
