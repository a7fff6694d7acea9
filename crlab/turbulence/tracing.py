"""Magnetic field lines, in path length s or in the parameter τ with dτ = ds/B.

Reduced units (see `crlab.turbulence`).
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
from astropy import units as u

from crlab.parallel import Block, blocks, map_blocks
from crlab.turbulence import _kernels
from crlab.turbulence.fields import Field, take_count, take_points, wave_field
from crlab.turbulence.particles import BATCH, Paths, starts, take_step, take_times
from crlab.turbulence.spectrum import Spectrum, take_number
from crlab.units import take

__all__ = ["PARAMETERS", "ensemble", "trace"]

PARAMETERS = ("s", "tau")
"""Path length, and τ with dr/dτ = B."""


def trace(
    field: Field,
    position: Any,
    *,
    lengths: Any,
    parameter: str = "s",
    step: float | None = None,
    tolerance: float | None = None,
    precision: str = "fast",
    batch: int = BATCH,
    warn: bool = True,
) -> Paths:
    """Follow field lines, dr/ds = B/B or dr/dτ = B, by the classical fourth-order Runge-Kutta method.

    Parameters
    ----------
    field : Field
    position : array_like, shape (P, 3) or (3,)
        Starts.
    lengths : array_like, shape (T,)
        Growing values of s or τ at which to save; rounded to whole steps where the step is fixed.
    parameter : {"s", "tau"}
    step : float, optional
        Step in s or τ, by default a quarter of the shortest wavelength; with `tolerance` the longest.
    tolerance : float, optional
        If given, the step adapts so that the error per step in each coordinate is about this (Cash & Karp 1990).
    precision : {"fast", "mixed", "accurate"}
    batch : int
        Lines that step together; the result does not depend on it.
    warn : bool
        Whether to say that a step is too long.

    Returns
    -------
    Paths
        Positions of shape (P, T, 3).

    Raises
    ------
    ValueError
        Lengths that do not grow, a start that is not finite, a step or tolerance that is not positive, an unknown
        parameter or precision.

    Warns
    -----
    ResolutionWarning
        A step of more than half of the shortest wavelength.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> waves = wave_field(kolmogorov(), eta=0.5, modes=32, polarisation="ALF", rng=np.random.default_rng(1))
    >>> line = trace(waves, [0.0, 0, 0], lengths=[1.2, 2.4], parameter="tau", step=0.012)
    >>> print(line.position[0, :, 2] / line.t)  # B_z is B0 everywhere
    [0.70710678 0.70710678]
    """
    x = np.atleast_2d(take_points("position", position))
    if x.ndim != 2:
        raise ValueError(f"position must have the shape (P, 3), got {x.shape}")
    if parameter not in PARAMETERS:
        raise ValueError(f"parameter must be one of {', '.join(PARAMETERS)}, got {parameter!r}")
    h = take_step(step, field.shortest, warn=warn)
    arguments = field.kernel(precision)
    size = take_count("batch", batch)
    if tolerance is not None:
        tolerance = take_number("tolerance", tolerance, positive=True)
        t = np.atleast_1d(take("lengths", lengths, u.dimensionless_unscaled, non_negative=True))
        if t.ndim != 1 or np.any(np.diff(t) <= 0):
            raise ValueError("lengths must be growing numbers in one dimension")
        what = _kernels.LINE_TAU if parameter == "tau" else _kernels.LINE
        out = np.empty((len(x), len(t), 3))
        _kernels.cash_karp(arguments, what, x, 0.0, h, tolerance, h, t, out)
        return Paths(t, out, None, h)
    save, t = take_times(lengths, h)
    out = np.empty((len(x), len(t), 3))
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        _kernels.trace(arguments, x[part], h, parameter == "tau", save, out[part])
    return Paths(t, out, None, h)


def ensemble(
    spectrum: Spectrum,
    *,
    eta: float,
    lengths: Any,
    realisations: int,
    lines: int,
    seed: int,
    parameter: str = "s",
    modes: int = 256,
    polarisation: str | Mapping[str, float] = "ISO",
    spacing: str = "stratified",
    step: float | None = None,
    precision: str = "fast",
    warn: bool = True,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Paths:
    """Follow field lines through many realisations of a turbulent field; each realisation is one block of the work.

    Parameters
    ----------
    spectrum : Spectrum
    eta : float
        δB²/(B0² + δB²).
    lengths : array_like, shape (T,)
        As in `trace`.
    realisations, lines : int
        Fields R, and lines P in each.
    seed : int
        Realisation i draws from stream i of this seed, whatever R is.
    parameter : {"s", "tau"}
    modes, polarisation, spacing
        As in `crlab.turbulence.fields.wave_field`.
    step, precision, warn
        As in `trace`.
    executor, progress
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Paths
        Displacements from the start, of shape (R, P, T, 3).

    Raises
    ------
    ValueError
        As `trace` and `wave_field`.

    Warns
    -----
    ResolutionWarning
        A step of more than half of the shortest wavelength.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> paths = ensemble(kolmogorov(), eta=0.1, lengths=[1.0, 2.0], realisations=3, lines=4, seed=1, modes=16)
    >>> paths.position.shape
    (3, 4, 2, 3)
    """
    count = take_count("lines", lines)
    step = take_step(step, 2 * np.pi / spectrum.k_max, warn=warn)
    function = partial(
        _realisation,
        spectrum=spectrum,
        count=count,
        field={"eta": eta, "modes": modes, "polarisation": polarisation, "spacing": spacing},
        how={"lengths": lengths, "parameter": parameter, "step": step, "precision": precision},
    )
    work = blocks(realisations, size=1, seed=seed)
    found = map_blocks(function, work, executor=executor, progress=progress, label="realisations")
    return Paths(found[0].t, np.stack([one.position for one in found]), None, step)


def _realisation(block: Block, *, spectrum: Spectrum, count: int, field: dict[str, Any], how: dict[str, Any]) -> Paths:
    rng = block.generator()
    waves = wave_field(spectrum, rng=rng, **field)
    x = starts(spectrum, count, rng)
    paths = trace(waves, x, **how, warn=False)  # said by the caller
    return Paths(paths.t, paths.position - x[:, None], None, paths.step)
