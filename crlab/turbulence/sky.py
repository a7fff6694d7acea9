"""The sky of one observer in one turbulent field, by following particles backwards.

By Liouville's theorem the intensity along a path is constant, so the sky shows, direction by direction, the
distribution at the place and in the direction where the particle was a time T ago. Reduced units (see
`crlab.turbulence`).
"""

from concurrent.futures import Executor
from functools import partial
from typing import Any

import healpy
import numpy as np
from astropy import units as u

from crlab.parallel import Block, blocks, map_blocks
from crlab.turbulence import particles
from crlab.turbulence.fields import Field, take_points
from crlab.turbulence.particles import Paths
from crlab.turbulence.spectrum import take_number
from crlab.units import Array, take

__all__ = ["backtrack", "neighbour_noise", "power_spectrum", "relative_intensity"]

BLOCK = 768
"""Pixels per block of work."""


def backtrack(
    field: Field,
    *,
    r_g: float,
    times: Any,
    nside: int,
    position: Any = (0.0, 0.0, 0.0),
    step: float | None = None,
    executor: Executor | None = None,
) -> Paths:
    """Follow particles back in time from an observer, one for each pixel of the sky.

    A particle that arrives from the direction n is started towards n with the opposite charge; its path is the past
    of the real one, and its direction the opposite of the real one.

    Parameters
    ----------
    field : Field
        One realisation.
    r_g : float
        Gyroradius.
    times : array_like, shape (T,)
        How far back, growing; 0 is the observer.
    nside : int
        Of the HEALPix map in RING order, a power of 2.
    position : array_like, shape (3,)
        Of the observer.
    step : float, optional
        As in `crlab.turbulence.particles.push`.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Paths
        Displacements from the observer and backward directions, shape (12 nside², T, 3).

    Raises
    ------
    ValueError
        An `nside` that is no power of 2, or as in `push`.

    Examples
    --------
    >>> from crlab.turbulence.fields import wave_field
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> field = wave_field(kolmogorov(), eta=0.5, modes=32, rng=np.random.default_rng(1))
    >>> backtrack(field, r_g=0.5, times=[0.0, 0.3], nside=1).position.shape
    (12, 2, 3)
    """
    if isinstance(nside, bool) or not isinstance(nside, int | np.integer) or not healpy.isnsideok(nside, nest=True):
        raise ValueError(f"nside must be a power of 2, got {nside!r}")
    place = take_points("position", position)
    if place.shape != (3,):
        raise ValueError(f"position must be one vector, got the shape {place.shape}")
    step = particles.take_step(step, field.shortest, take_number("r_g", r_g, positive=True))
    work = blocks(12 * nside**2, size=BLOCK, seed=0)  # nothing is drawn at random
    how = {"r_g": r_g, "times": times, "step": step, "charge": -1, "warn": False}  # said here
    found = map_blocks(partial(_past, field=field, nside=nside, place=place, how=how), work, executor=executor)
    directions = [part.direction for part in found if part.direction is not None]
    return Paths(found[0].t, np.concatenate([part.position for part in found]), np.concatenate(directions), step)


def relative_intensity(paths: Paths, *, gradient: Any = (0, 0, 0), dipole: Any = (0, 0, 0)) -> Array:
    """Sky that a simple distribution in the past makes, δI/I = G·Δr(-T) + a·w(-T).

    G is the gradient of ln f, a the dipole of the past distribution, towards the larger intensity, and w the backward
    direction. A diffusing population with the free path λ has a = λ G; then δI tends to a stationary pattern plus a
    growing share of uncorrelated pixels.

    Parameters
    ----------
    paths : Paths
        From `backtrack`.
    gradient, dipole : array_like, shape (3,)

    Returns
    -------
    ndarray
        Shape (T, pixels).

    Raises
    ------
    ValueError
        Vectors of another shape, paths without directions.

    Examples
    --------
    >>> from crlab.turbulence.fields import wave_field
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> field = wave_field(kolmogorov(), eta=0.5, modes=32, rng=np.random.default_rng(1))
    >>> paths = backtrack(field, r_g=0.5, times=[0.0, 0.3], nside=1)
    >>> print(f"{relative_intensity(paths, dipole=[0, 0, 1e-3])[0].max():.2g}")
    0.00067
    """
    if paths.direction is None:
        raise ValueError("paths must be those of particles, got field lines")
    G, a = take_points("gradient", gradient), take_points("dipole", dipole)
    if G.shape != (3,) or a.shape != (3,):
        raise ValueError(f"gradient and dipole must be vectors, got the shapes {G.shape} and {a.shape}")
    return np.asarray((paths.position @ G + paths.direction @ a).T)


def power_spectrum(sky: Any, *, lmax: int) -> Array:
    """Angular power spectrum C_l for l = 0 … lmax; Σ (2l + 1) C_l/4π is the mean square of the map.

    Parameters
    ----------
    sky : array_like, shape (12 nside²,)
    lmax : int
        At most 2 nside, beyond which the pixels do not resolve.

    Returns
    -------
    ndarray, shape (lmax + 1,)

    Raises
    ------
    ValueError
        No HEALPix map, an unfit `lmax`.

    Examples
    --------
    >>> import healpy
    >>> z = healpy.pix2vec(16, np.arange(12 * 16**2))[2]
    >>> print(f"{power_spectrum(z, lmax=2)[1] / (4 * np.pi / 9):.3f}")
    1.000
    """
    pixels = _map(sky)
    nside = healpy.npix2nside(pixels.size)
    if isinstance(lmax, bool) or not isinstance(lmax, int | np.integer) or not 0 <= lmax <= 2 * nside:
        raise ValueError(f"lmax must be an integer from 0 to 2 nside = {2 * nside}, got {lmax!r}")
    return np.asarray(healpy.anafast(pixels, lmax=int(lmax), pol=False))


def neighbour_noise(sky: Any) -> float:
    """White-noise level of C_l from the differences of neighbouring pixels, (4π/N) ⟨(δ_i - δ_j)²⟩/2.

    Where neighbours have lost each other on the way back the map holds noise of this level; where it still is smooth
    this is an upper bound.

    Parameters
    ----------
    sky : array_like, shape (12 nside²,)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        No HEALPix map.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=12 * 16**2)
    >>> print(f"{neighbour_noise(noise) / (4 * np.pi / noise.size):.1f}")
    1.0
    """
    pixels = _map(sky)
    near = healpy.get_all_neighbours(healpy.npix2nside(pixels.size), np.arange(pixels.size))
    pairs = near >= 0  # some pixels have seven neighbours
    difference = np.where(pairs, pixels[near] - pixels, 0.0)
    return float(4 * np.pi / pixels.size * np.sum(difference**2) / pairs.sum() / 2)


def _past(block: Block, *, field: Field, nside: int, place: Array, how: dict[str, Any]) -> Paths:
    n = np.stack(healpy.pix2vec(nside, np.arange(block.start, block.stop)), axis=-1)
    found = particles.push(field, np.broadcast_to(place, n.shape), n, **how)
    return Paths(found.t, found.position - place, found.direction, found.step)


def _map(values: Any) -> Array:
    pixels = take("sky", values, u.dimensionless_unscaled)
    if pixels.ndim != 1 or not healpy.isnpixok(pixels.size):
        raise ValueError(f"sky must be a map of 12 nside² pixels, got an array of shape {pixels.shape}")
    return pixels
