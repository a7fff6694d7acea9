"""The sky of discrete sources: seen in straight lines, through scattering, and in the limit of diffusion.

Positions are relative to the observer: x towards the Galactic centre, y towards longitude 90 degrees, z towards the
north Galactic pole; they are (R☉ - y, x, z) in the frame of `crlab.galaxy`. Maps are in Galactic coordinates, in
healpy's RING order.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import healpy
import numpy as np
from astropy import units as u

from crlab.anisotropy import _kernels
from crlab.anisotropy.sky import Dipole
from crlab.galaxy import SUN
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import Array, take

__all__ = ["Sky", "Sources", "arrival_sky", "ballistic_sky", "diffusive_dipole", "galactic_sources"]

BLOCK = 1024
"""Directions per block, hence per random stream."""

MILNE = 0.7104
"""Where the density of scattered particles extrapolates to zero beyond a boundary, in mean free paths."""


@dataclass(frozen=True)
class Sources:
    """Steady sources of particles.

    Parameters
    ----------
    position : Quantity
        Shape (n, 3), in kpc, relative to the observer.
    rate : ndarray
        Particles emitted per time, relative, shape (n,).

    Raises
    ------
    ValueError
        No sources, other shapes, rates that are not positive, or a source at the observer.
    UnitConversionError
        Positions that are no lengths.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> Sources([[1, 0, 0], [0, 2, 0]] * u.kpc, np.ones(2)).distance
    <Quantity [1., 2.] kpc>
    """

    position: u.Quantity
    rate: Array

    def __post_init__(self) -> None:
        position = take("position", self.position, u.kpc)
        rate = take("rate", self.rate, "", positive=True)
        if position.ndim != 2 or position.shape[1] != 3 or rate.shape != position.shape[:1]:
            raise ValueError(f"position and rate must have shapes (n, 3) and (n,), got {position.shape}, {rate.shape}")
        if not np.all(np.linalg.norm(position, axis=1) > 0):
            raise ValueError("position must be that of the observer for no source")
        object.__setattr__(self, "position", position * u.kpc)
        object.__setattr__(self, "rate", rate)

    @property
    def distance(self) -> u.Quantity:
        """Distances from the observer, shape (n,)."""
        return np.linalg.norm(self.position, axis=1)


def galactic_sources(number: int, *, seed: int, nearest: u.Quantity = 0.5 * u.kpc) -> Sources:
    """Draw sources of equal strength, distributed over the Galactic disc like supernova remnants.

    Surface density ∝ R^1.09 exp(-3.87 R/R☉) with R☉ of `crlab.galaxy` (Green 2015), heights above the plane exponential
    with 0.1 kpc. There are no spiral arms.

    Parameters
    ----------
    number : int
        Sources in the whole Galaxy.
    seed : int
        Seed.
    nearest : Quantity
        Sources closer to the Sun than this are drawn again.

    Returns
    -------
    Sources

    Raises
    ------
    ValueError
        A bad `number` or `seed`, a negative distance or one beyond 3 kpc.
    UnitConversionError
        A distance that is no length.

    Examples
    --------
    >>> sources = galactic_sources(40, seed=1)
    >>> bool(sources.distance.min().value >= 0.5), sources.rate.size
    (True, 40)
    """
    block = blocks(number, size=number, seed=seed)[0]
    limit = float(take("nearest", nearest, u.kpc, non_negative=True))
    if limit > 3:
        raise ValueError(f"nearest must be at most 3 kpc, got {nearest}")
    rng = block.generator()
    position = np.zeros((0, 3))
    while len(position) < number:
        radius = rng.gamma(1.09 + 2, SUN.value / 3.87, number)
        azimuth = rng.uniform(0, 2 * np.pi, number)
        height = rng.laplace(scale=0.1, size=number)
        drawn = np.stack([SUN.value - radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=1)
        position = np.concatenate([position, drawn[np.linalg.norm(drawn, axis=1) >= limit]])
    return Sources(position[:number] * u.kpc, np.ones(number))


def ballistic_sky(sources: Sources, *, nside: int) -> Array:
    """Flux that reaches the observer from each pixel if nothing scatters, Σ q / (4 π d²).

    Parameters
    ----------
    sources : Sources
    nside : int
        Resolution, a power of 2.

    Returns
    -------
    ndarray, shape (12 nside²,)
        In units of the rate per kpc².

    Raises
    ------
    ValueError
        An unfit `nside`.

    Examples
    --------
    >>> int(np.count_nonzero(ballistic_sky(galactic_sources(40, seed=1), nside=64)) > 30)
    1
    """
    _check_nside(nside)
    flux = sources.rate / (4 * np.pi * sources.distance.value**2)
    pixel = healpy.vec2pix(nside, *sources.position.value.T)
    return np.asarray(np.bincount(pixel, flux, 12 * nside**2), dtype=np.float64)


@dataclass(frozen=True)
class Sky:
    """Simulated intensity of scattered particles; made by `arrival_sky`.

    Parameters
    ----------
    intensity : ndarray
        Relative to its mean over the sky, shape (12 nside²,).
    dipole : Dipole
        â = 3 Σ I n / Σ I and its covariance, from all directions that were followed.
    density : float
        Particles per kpc³ at the observer times the speed, for sources with the given rates: ∫ I dΩ.
    density_error : float
        Its standard error.
    """

    intensity: Array
    dipole: Dipole
    density: float
    density_error: float


def arrival_sky(
    sources: Sources,
    *,
    mean_free_path: u.Quantity,
    height: u.Quantity = 5 * u.kpc,
    radius: u.Quantity = 0.3 * u.kpc,
    nside: int = 8,
    walks: int = 64,
    seed: int,
    executor: Executor | None = None,
) -> Sky:
    """Simulate the sky of steady sources in a slab in which particles scatter isotropically.

    The intensity from a direction is the mean, over random walks followed backwards from the observer in that
    direction, of the path length inside the sources times their emission per volume and solid angle. A walk ends where
    it leaves the slab -H < z < H.

    Parameters
    ----------
    sources : Sources
        The observer is at the origin, outside of all of them.
    mean_free_path : Quantity
        ℓ. The walks take about 3 (H/ℓ)²/2 scatterings.
    height : Quantity
        H.
    radius : Quantity
        Sources are balls of this radius.
    nside : int
        Resolution of the map, a power of 2.
    walks : int
        Walks for each pixel, a power of 4; they start at the centres of as many sub-pixels.
    seed : int
        Root seed. Numbers do not depend on threads or processes.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Sky

    Raises
    ------
    ValueError
        A length that is not positive, a source that holds the observer or lies outside the slab, an unfit `nside`,
        `walks` or `seed`, or no walk that met a source.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> sky = arrival_sky(galactic_sources(40, seed=1), mean_free_path=2 * u.kpc, walks=16, seed=1)
    >>> bool(0.1 < sky.dipole.amplitude < 1.5)
    True
    """
    _check_nside(nside)
    fine = nside * round(walks**0.5) if isinstance(walks, int | np.integer) and walks > 0 else 0
    if fine * fine != walks * nside**2 or not healpy.isnsideok(fine, nest=True):
        raise ValueError(f"walks must be a power of 4, got {walks!r}")
    slab = float(take("height", height, u.kpc, positive=True))
    ball = float(take("radius", radius, u.kpc, positive=True))
    run = partial(
        _arrivals,
        nside=fine,
        length=float(take("mean_free_path", mean_free_path, u.kpc, positive=True)),
        height=slab,
        centres=sources.position.value,
        radius=ball,
        rate=sources.rate / (4 / 3 * np.pi * ball**3 * 4 * np.pi),
    )
    if np.any(sources.distance.value <= ball):
        raise ValueError(f"radius must keep the observer out of every source, got {radius}")
    if np.any(np.abs(sources.position.value[:, 2]) + ball > slab):
        raise ValueError(f"height must hold every source, got {height}")
    score = np.concatenate(map_blocks(run, blocks(12 * fine**2, size=BLOCK, seed=seed), executor=executor, label="sky"))
    if not score.any():
        raise ValueError("walks must be so many that some meet a source, got none that did")
    n = np.stack(healpy.pix2vec(fine, np.arange(score.size), nest=True), axis=1)
    mean = score.mean()
    vector = 3 * (score @ n) / score.sum()
    spread = score[:, None] * (3 * n - vector)  # of a ratio of means, to first order
    return Sky(
        intensity=healpy.reorder(score.reshape(-1, walks).mean(axis=1), n2r=True) / mean,
        dipole=Dipole(vector, spread.T @ spread / score.sum() ** 2),
        density=float(4 * np.pi * mean),
        density_error=float(4 * np.pi * score.std(ddof=1) / np.sqrt(score.size)),
    )


def _arrivals(
    block: Block, *, nside: int, length: float, height: float, centres: Array, radius: float, rate: Array
) -> Array:
    directions = np.stack(healpy.pix2vec(nside, np.arange(block.start, block.stop), nest=True), axis=1)
    return _kernels.arrivals(block.generator(), directions, length, height, centres, radius, rate)


def diffusive_dipole(
    sources: Sources, *, mean_free_path: u.Quantity, height: u.Quantity = 5 * u.kpc, images: int = 2000
) -> tuple[Array, float]:
    """Dipole and density that diffusion gives for steady sources in a slab, a = ℓ ∇ψ/ψ.

    ψ = Σ q/(4πκ) Σ_k (-1)^k / r_k, over the images of each source at z_k = 2 k H' + (-1)^k z, so that ψ vanishes at
    H' = H + 0.71 ℓ. Valid where ℓ is small against H and against the distance of every source.

    Parameters
    ----------
    sources : Sources
    mean_free_path, height : Quantity
        ℓ and H.
    images : int
        Images on either side, at least 1.

    Returns
    -------
    dipole : ndarray, shape (3,)
        Towards larger density.
    density : float
        ψ at the observer times the speed, as in `Sky`.

    Raises
    ------
    ValueError
        A length that is not positive, or no image.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> near = Sources([[1, 0, 0]] * u.kpc, [1.0])
    >>> vector, _ = diffusive_dipole(near, mean_free_path=10 * u.pc, height=1 * u.Mpc)
    >>> print(f"{vector[0]:.4f}")
    0.0100
    """
    length = float(take("mean_free_path", mean_free_path, u.kpc, positive=True))
    top = float(take("height", height, u.kpc, positive=True)) + MILNE * length
    k = np.arange(-blocks(images, size=images, seed=0)[0].size, images + 1)
    x, y, z = sources.position.value.T[:, :, None]
    z = 2 * k * top + (-1.0) ** k * z
    # Half weight for the outermost pair makes the alternating sum converge faster.
    charge = sources.rate[:, None] * (-1.0) ** k * np.where(np.abs(k) == images, 0.5, 1.0)
    r = np.sqrt(x**2 + y**2 + z**2)
    psi = np.sum(charge / r)
    gradient = np.array([np.sum(charge * component / r**3) for component in (x, y, z)])
    return length * gradient / psi, float(3 / (4 * np.pi * length) * psi)


def _check_nside(nside: int) -> None:
    if isinstance(nside, bool) or not isinstance(nside, int | np.integer) or not healpy.isnsideok(nside, nest=True):
        raise ValueError(f"nside must be a power of 2, got {nside!r}")
