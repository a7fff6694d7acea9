"""Charged particles in a static turbulent field, one by one or by realisations.

Reduced units (see `crlab.turbulence`): the speed is 1, times are path lengths, r_g = p/(q √(B0² + δB²)).
"""

import warnings
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.parallel import Block, blocks, map_blocks
from crlab.turbulence import _kernels
from crlab.turbulence.fields import Field, take_count, take_points, wave_field
from crlab.turbulence.spectrum import Spectrum, take_number
from crlab.units import take

__all__ = ["SCHEMES", "Paths", "ResolutionWarning", "advised_step", "ensemble", "isotropic", "push"]

Array = NDArray[np.float64]

SCHEMES = ("boris", "exact", "cash-karp")
"""Boris' rotation; the same with the exact angle; an adaptive Runge-Kutta pair of orders 4 and 5."""

BATCH = 64
"""Particles that step together. The waves' table is read once for all of them; paths do not depend on it."""


class ResolutionWarning(UserWarning):
    """A step is too long for the shortest wave or for the gyration; given by `push`, `ensemble` and their like."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Positions, and for particles directions, at chosen times; made by `push`, `ensemble` and their like.

    Parameters
    ----------
    t : ndarray, shape (T,)
        Path lengths (or τ, for field lines in this parameter).
    position : ndarray, shape (..., P, T, 3)
        In `ensemble`: displacements from the start, with the realisations first.
    direction : ndarray, shape (..., P, T, 3), or None
        Unit vectors of the velocity; None for field lines.
    step : float
        Step used; for an adaptive scheme the longest allowed.
    """

    t: Array
    position: Array
    direction: Array | None
    step: float


def advised_step(shortest: float, r_g: float | None = None) -> float:
    """A step that resolves the shortest wave and the gyration, min(L_min/4, 2π r_g/50).

    Parameters
    ----------
    shortest : float
        Shortest wavelength L_min.
    r_g : float, optional
        Gyroradius; none for field lines.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        A length that is not positive.

    Examples
    --------
    >>> print(f"{advised_step(0.0477, 0.01):.5f}")
    0.00126
    """
    step = take_number("shortest", shortest, positive=True) / 4
    return step if r_g is None else min(step, 2 * np.pi * take_number("r_g", r_g, positive=True) / 50)


def take_step(step: Any, shortest: float, r_g: float | None = None, *, warn: bool = True) -> float:
    """The step asked for, or the advised one; warns where it is more than twice as long as that."""
    advised = advised_step(shortest, r_g)
    if step is None:
        return advised
    step = take_number("step", step, positive=True)
    if warn and step > 2 * advised * (1 + 1e-12):
        reason = "the shortest wave" if r_g is None or advised < 2 * np.pi * r_g / 50 else "the gyration"
        warnings.warn(
            f"step = {step:.3g} does not resolve {reason}: {advised:.3g} or less does", ResolutionWarning, stacklevel=3
        )
    return step


def take_times(times: Any, step: float) -> tuple[NDArray[np.int64], Any]:
    """Numbers of the steps nearest to growing times, and the times that these steps end at."""
    wanted = np.atleast_1d(take("times", times, u.dimensionless_unscaled, non_negative=True))
    if wanted.ndim != 1 or np.any(np.diff(wanted) <= 0):
        raise ValueError("times must be growing numbers in one dimension")
    steps = np.rint(wanted / step).astype(np.int64)
    if np.any(np.diff(steps) < 1) or (wanted[-1] > 0 and steps[-1] < 1):
        raise ValueError(f"times must lie at least one step of {step:.3g} apart")
    return steps, steps * step


def isotropic(number: int, *, rng: np.random.Generator) -> Array:
    """Draw unit vectors at random.

    Parameters
    ----------
    number : int
    rng : Generator

    Returns
    -------
    ndarray, shape (number, 3)

    Raises
    ------
    ValueError
        A number below 1.

    Examples
    --------
    >>> np.linalg.norm(isotropic(3, rng=np.random.default_rng(1)), axis=1).round(12)
    array([1., 1., 1.])
    """
    number = take_count("number", number)
    mu, phi = rng.uniform(-1, 1, number), rng.uniform(0, 2 * np.pi, number)
    s = np.sqrt(1 - mu**2)
    return np.stack([s * np.cos(phi), s * np.sin(phi), mu], axis=-1)


def push(
    field: Field,
    position: Any,
    direction: Any,
    *,
    r_g: float,
    times: Any,
    step: float | None = None,
    charge: int = 1,
    scheme: str = "boris",
    precision: str = "fast",
    tolerance: float = 1e-8,
    batch: int = BATCH,
) -> Paths:
    """Follow particles through one field, dx/dt = v, dv/dt = ± v × B/r_g.

    Boris' scheme drifts for half a step, rotates the velocity by 2 atan(hB/2r_g) and drifts again: it keeps the
    speed exactly, is reversible, and gyrates too slowly by the part (hB/r_g)²/12.

    Parameters
    ----------
    field : Field
        From `crlab.turbulence.fields.wave_field` or `crlab.turbulence.grids`.
    position, direction : array_like, shape (P, 3) or (3,)
        Starts; directions are made unit vectors.
    r_g : float
        Gyroradius p/(q √(B0² + δB²)), in the field's unit of length.
    times : array_like, shape (T,)
        Growing path lengths at which to save; rounded to whole steps by the schemes with a fixed step.
    step : float, optional
        Path length per step, by default `advised_step`; for ``"cash-karp"`` the longest.
    charge : {1, -1}
        Its sign.
    scheme : {"boris", "exact", "cash-karp"}
        See `SCHEMES`.
    precision : {"fast", "mixed", "accurate"}
        See `crlab.turbulence.fields.PRECISIONS`.
    tolerance : float
        Error per step that ``"cash-karp"`` allows in each component of position and direction.
    batch : int
        Particles that step together; the paths do not depend on it.

    Returns
    -------
    Paths
        Positions and directions of shape (P, T, 3).

    Raises
    ------
    ValueError
        r_g, step or tolerance not positive, times that do not grow, a start that is not finite, a direction of zero
        length, an unknown scheme or precision.

    Warns
    -----
    ResolutionWarning
        A step of more than twice `advised_step`.

    Examples
    --------
    >>> from crlab.turbulence.fields import wave_field
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> calm = wave_field(kolmogorov(), eta=0.0, modes=8, rng=np.random.default_rng(1))
    >>> paths = push(calm, [0, 0, 0.0], [1.0, 0, 0], r_g=1.0, times=[np.pi], step=np.pi / 500, scheme="exact")
    >>> print(np.array_str(paths.position[0, -1], precision=4, suppress_small=True))
    [ 0. -2.  0.]
    """
    x = np.atleast_2d(take_points("position", position))
    v = np.atleast_2d(take_points("direction", direction))
    if x.shape != v.shape or x.ndim != 2:
        raise ValueError(f"position and direction must have the same shape (P, 3), got {x.shape} and {v.shape}")
    speed = np.linalg.norm(v, axis=1, keepdims=True)
    if np.any(speed == 0):
        raise ValueError("direction must hold no vector of zero length")
    v /= speed
    r_g = take_number("r_g", r_g, positive=True)
    if charge not in (1, -1):
        raise ValueError(f"charge must be 1 or -1, got {charge!r}")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    h = take_step(step, field.shortest, r_g)
    arguments = field.kernel(precision)
    size = take_count("batch", batch)
    if scheme == "cash-karp":
        return _cash_karp(arguments, x, v, charge / r_g, h, times, tolerance)
    save, t = take_times(times, h)
    out_x, out_v = np.empty((len(x), len(t), 3)), np.empty((len(x), len(t), 3))
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        _kernels.push(arguments, x[part], v[part], charge / r_g, h, scheme == "exact", save, out_x[part], out_v[part])
    return Paths(t, out_x, out_v, h)


def _cash_karp(
    arguments: tuple[Any, ...], x: Array, v: Array, om: float, h: float, times: Any, tolerance: float
) -> Paths:
    tolerance = take_number("tolerance", tolerance, positive=True)
    t = np.atleast_1d(take("times", times, u.dimensionless_unscaled, non_negative=True))
    if t.ndim != 1 or np.any(np.diff(t) <= 0):
        raise ValueError("times must be growing numbers in one dimension")
    out = np.empty((len(x), len(t), 6))
    _kernels.cash_karp(arguments, _kernels.PARTICLE, np.hstack([x, v]), om, h, tolerance, h, t, out)
    return Paths(t, out[..., :3], out[..., 3:], h)


def starts(spectrum: Spectrum, number: int, rng: np.random.Generator) -> Array:
    """Points at random in a cube of ten longest wavelengths: all statistically the same, and nearly independent."""
    edge = 20 * np.pi / spectrum.k_min
    return rng.uniform(-edge / 2, edge / 2, (number, 3))


def ensemble(
    spectrum: Spectrum,
    *,
    eta: float,
    r_g: float,
    times: Any,
    realisations: int,
    particles: int,
    seed: int,
    modes: int = 256,
    polarisation: str | Mapping[str, float] = "ISO",
    spacing: str = "stratified",
    mu: float | None = None,
    step: float | None = None,
    scheme: str = "boris",
    precision: str = "fast",
    warn: bool = True,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Paths:
    """Follow particles through many realisations of a turbulent field; each realisation is one block of the work.

    Parameters
    ----------
    spectrum : Spectrum
    eta : float
        δB²/(B0² + δB²).
    r_g : float
        Gyroradius in the spectrum's unit of length.
    times : array_like, shape (T,)
        As in `push`.
    realisations, particles : int
        Fields R, and particles P in each.
    seed : int
        Realisation i draws from stream i of this seed, whatever R is.
    modes, polarisation, spacing
        As in `crlab.turbulence.fields.wave_field`.
    mu : float, optional
        Pitch-angle cosine of all starts relative to z, from -1 to 1; by default directions are isotropic.
    step, scheme, precision
        As in `push`.
    warn : bool
        Whether to say that a step is too long.
    executor, progress
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Paths
        Displacements from the start and directions, of shape (R, P, T, 3).

    Raises
    ------
    ValueError
        As `push` and `wave_field`, or abs(mu) above 1.

    Warns
    -----
    ResolutionWarning
        A step of more than twice `advised_step`.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> paths = ensemble(kolmogorov(), eta=0.5, r_g=1.0, times=[0.5, 1.0], realisations=3, particles=4, seed=1)
    >>> paths.position.shape
    (3, 4, 2, 3)
    """
    count = take_count("particles", particles)
    if mu is not None and abs(take_number("mu", mu)) > 1:
        raise ValueError(f"mu must lie between -1 and 1, got {mu:g}")
    step = take_step(step, 2 * np.pi / spectrum.k_max, take_number("r_g", r_g, positive=True), warn=warn)
    function = partial(
        _realisation,
        spectrum=spectrum,
        count=count,
        mu=mu,
        field={"eta": eta, "modes": modes, "polarisation": polarisation, "spacing": spacing},
        how={"r_g": r_g, "times": times, "step": step, "scheme": scheme, "precision": precision},
    )
    work = blocks(realisations, size=1, seed=seed)
    found = map_blocks(function, work, executor=executor, progress=progress, label="realisations")
    direction = np.stack([one.direction for one in found if one.direction is not None])
    return Paths(found[0].t, np.stack([one.position for one in found]), direction, step)


def _realisation(
    block: Block, *, spectrum: Spectrum, count: int, mu: float | None, field: dict[str, Any], how: dict[str, Any]
) -> Paths:
    rng = block.generator()
    waves = wave_field(spectrum, rng=rng, **field)
    x = starts(spectrum, count, rng)
    v = isotropic(count, rng=rng)
    if mu is not None:
        across = np.sqrt((1 - mu**2) / (v[:, 0] ** 2 + v[:, 1] ** 2))
        v = np.stack([across * v[:, 0], across * v[:, 1], np.full(count, float(mu))], axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResolutionWarning)  # said once, by the caller
        paths = push(waves, x, v, **how)
    return Paths(paths.t, paths.position - x[:, None], paths.direction, paths.step)
