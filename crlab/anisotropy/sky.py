"""Skies of arrival directions: dipoles drawn and recovered, on the whole sky or in a band of declination.

A relative intensity with a dipole is 1 + a·n, where n is the unit vector towards the direction from which particles
arrive and a the dipole vector. Maps are in healpy's RING order, in the coordinates in which a is given.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import healpy
import numpy as np
from astropy import units as u
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.stats import chi2

from crlab.data import input_table
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import Array, take

__all__ = [
    "Dipole",
    "PowerSpectrum",
    "contrast",
    "declination_band",
    "dipole_map",
    "estimate_dipole",
    "events_needed",
    "fit_dipole",
    "isotropy_probability",
    "power_spectrum",
    "published_amplitudes",
    "sample_counts",
    "sample_directions",
]

BLOCK = 250_000
"""Events per block, hence per random stream."""

Mask = NDArray[np.bool_]


def published_amplitudes() -> QTable:
    """Dipole amplitudes against energy, as stated in the abstracts of the experiments' papers.

    Returns
    -------
    QTable
        Columns ``experiment``, ``energy`` (GeV), ``energy_is`` (``"median"`` or ``"threshold"``), ``amplitude``,
        ``low`` and ``high`` (its errors), ``projection`` (what was measured: ``"dipole"``, ``"equatorial"`` or
        ``"harmonic"``), ``events`` (0 where the abstract gives none), ``doi`` and ``key`` of the bibliography. The
        ``meta`` says what these mean.

    Examples
    --------
    >>> row = published_amplitudes()[0]
    >>> print(f"{row['experiment']}: {row['amplitude']:.1e} above {row['energy']:.0f}")
    Fermi-LAT protons: 3.9e-04 above 78 GeV
    """
    return input_table("dipole-amplitudes")


def contrast(intensity: Any) -> float:
    """Anisotropy from its definition, a = (I_max - I_min) / (I_max + I_min).

    For an intensity with a dipole alone this is the length of the dipole vector. For any other sky it is a number
    between 0 and 1 that depends on how finely one looks.

    Parameters
    ----------
    intensity : Quantity or array_like
        Intensities in any number of directions.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Negative intensities, or none at all.

    Examples
    --------
    >>> contrast([0.9, 1.0, 1.1])
    0.1...
    """
    values = intensity.value if isinstance(intensity, u.Quantity) else intensity
    phi = take("intensity", values, "", non_negative=True)
    if not phi.any():
        raise ValueError("intensity must be positive somewhere, got only zeros")
    return float((phi.max() - phi.min()) / (phi.max() + phi.min()))


def dipole_map(dipole: Any, *, nside: int) -> Array:
    """Map of the relative intensity 1 + a·n.

    Parameters
    ----------
    dipole : array_like, shape (3,)
        Vector a, with length at most 1.
    nside : int
        Resolution, a power of 2.

    Returns
    -------
    ndarray, shape (12 nside²,)

    Raises
    ------
    ValueError
        No vector of three components, a length above 1, or an unfit `nside`.

    Examples
    --------
    >>> print(f"{contrast(dipole_map([0, 0, 0.1], nside=64)):.3f}")
    0.100
    """
    return 1 + _vectors(_nside(nside)) @ _dipole_vector(dipole)


def sample_directions(number: int, dipole: Any, *, seed: int, executor: Executor | None = None) -> Array:
    """Draw arrival directions from an intensity with a dipole.

    The cosine μ to the dipole has the density (1 + a μ)/2, whose distribution function is inverted in closed form; the
    azimuth about it is uniform.

    Parameters
    ----------
    number : int
        Events.
    dipole : array_like, shape (3,)
        Vector a, with length at most 1; zero for an isotropic sky.
    seed : int
        Root seed. Numbers do not depend on threads or processes.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    ndarray, shape (number, 3)
        Unit vectors.

    Raises
    ------
    ValueError
        An unfit dipole, or a bad `number` or `seed`.

    Examples
    --------
    >>> n = sample_directions(40_000, [0.5, 0, 0], seed=1)
    >>> bool(abs(3 * n[:, 0].mean() - 0.5) < 0.05)
    True
    """
    a = _dipole_vector(dipole)
    work = blocks(number, size=BLOCK, seed=seed)
    return np.concatenate(map_blocks(partial(_directions, dipole=a), work, executor=executor, label="directions"))


def _directions(block: Block, *, dipole: Array) -> Array:
    rng = block.generator()
    a = float(np.linalg.norm(dipole))
    axis = dipole / a if a > 0 else np.array([0.0, 0.0, 1.0])
    # Solution of a μ² + 2 μ + 2 - a = 4 w, in the form that keeps its digits for small a.
    w = rng.random(block.size)
    mu = (4 * w - 2 + a) / (1 + np.sqrt((1 - a) ** 2 + 4 * a * w))
    azimuth = rng.uniform(0, 2 * np.pi, block.size)
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    rho = np.sqrt(1 - mu**2)
    result: Array = (
        mu[:, None] * axis
        + (rho * np.cos(azimuth))[:, None] * side
        + (rho * np.sin(azimuth))[:, None] * np.cross(axis, side)
    )
    return result


def sample_counts(number: int, intensity: Any, *, seed: int) -> NDArray[np.int64]:
    """Distribute events over the pixels of a sky: many events at no more cost than few.

    Parameters
    ----------
    number : int
        Events in the whole map.
    intensity : array_like, shape (12 nside²,)
        Relative intensity times exposure in each pixel; zero where the detector is blind.
    seed : int
        Seed of the generator.

    Returns
    -------
    ndarray of int, shape (12 nside²,)
        Counts, multinomial.

    Raises
    ------
    ValueError
        No HEALPix map, negative or no intensity, or a bad `number` or `seed`.

    Examples
    --------
    >>> int(sample_counts(10**9, dipole_map([1e-4, 0, 0], nside=8), seed=1).sum())
    1000000000
    """
    weight = _map("intensity", intensity)
    if np.any(weight < 0) or not weight.any():
        raise ValueError("intensity must be zero or positive, and positive somewhere")
    block = blocks(1, size=1, seed=seed)[0]
    blocks(number, size=1 << 62, seed=seed)  # the same words for a bad number as everywhere
    return block.generator().multinomial(number, weight / weight.sum())


@dataclass(frozen=True)
class Dipole:
    """An estimated dipole; made by `estimate_dipole` and `fit_dipole`.

    Parameters
    ----------
    vector : ndarray
        Components x, y, z, shape (3,), or x, y alone where declinations cannot be compared, shape (2,).
    covariance : ndarray
        Of the components.
    """

    vector: Array
    covariance: Array

    @property
    def amplitude(self) -> float:
        """Length of the vector. Without a dipole its mean is not zero but that of the noise."""
        return float(np.linalg.norm(self.vector))

    @property
    def errors(self) -> Array:
        """Standard errors of the components."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def probability(self) -> float:
        """Probability that an isotropic sky gives a dipole at least as significant.

        Under isotropy the quadratic form a C⁻¹ a follows a χ² law with as many degrees of freedom as components.
        """
        return float(chi2.sf(self.vector @ np.linalg.solve(self.covariance, self.vector), self.vector.size))

    @property
    def longitude(self) -> u.Quantity:
        """Longitude (right ascension, if the map is equatorial) of the maximum, from 0 to 360 degrees."""
        return u.Quantity(np.degrees(np.arctan2(self.vector[1], self.vector[0])) % 360, u.deg)


def estimate_dipole(directions: Any) -> Dipole:
    """Estimate a dipole from events of the whole sky with uniform exposure, â = 3 ⟨n⟩.

    Since the mean of n_i n_j over the sphere is δ_ij/3, the expectation of â is a: there is no bias. The error of each
    component is sqrt(3/N) for a ≪ 1.

    Parameters
    ----------
    directions : array_like, shape (N, 3)
        Unit vectors of at least four events.

    Returns
    -------
    Dipole

    Raises
    ------
    ValueError
        Another shape, fewer events, or vectors that have not length 1.

    Examples
    --------
    >>> dipole = estimate_dipole(sample_directions(30_000, [0.3, 0, 0], seed=1))
    >>> print([f"{error:.3f}" for error in dipole.errors])
    ['0.010', '0.010', '0.010']
    """
    n = take("directions", directions, "")
    if n.ndim != 2 or n.shape[1] != 3 or n.shape[0] < 4:
        raise ValueError(f"directions must have the shape (N, 3) with N of at least 4, got {n.shape}")
    if not np.allclose(np.einsum("ij,ij->i", n, n), 1, rtol=0, atol=1e-6):
        raise ValueError("directions must be unit vectors")
    return Dipole(3 * n.mean(axis=0), 9 * np.cov(n, rowvar=False) / n.shape[0])


def fit_dipole(counts: Any, *, mask: Any = None, bands: bool = False) -> Dipole:
    """Fit a dipole to a map of counts by least squares, on the whole sky or on part of it.

    In each group of pixels the model is m (1 + a·(n - n̄)), where m and n̄ are the group's mean count and mean
    direction. With one group of all visible pixels this needs a uniform exposure and gives three components. With
    ``bands=True`` each ring of one declination is a group of its own, as for an array on the ground, which knows its
    exposure in right ascension, where the Earth's rotation makes it uniform, but not from one declination to the next
    to the precision needed. Then only x and y can be recovered, and what is left is the projection of the dipole on
    the equator.

    Parameters
    ----------
    counts : array_like, shape (12 nside²,)
        Events in each pixel.
    mask : array_like of bool, optional
        Pixels to use; all by default.
    bands : bool
        Whether each declination has an exposure of its own.

    Returns
    -------
    Dipole
        With the covariance that follows from counting statistics for a ≪ 1.

    Raises
    ------
    ValueError
        No HEALPix map, negative counts, a mask of another shape, without pixels or events, or with too few
        directions to tell the components apart.

    Examples
    --------
    >>> counts = sample_counts(10**8, dipole_map([0.01, 0, 0.02], nside=16), seed=1)
    >>> [round(float(x), 3) for x in fit_dipole(counts).vector]
    [0.01, -0.0, 0.02]
    """
    n_events = _map("counts", counts)
    if np.any(n_events < 0):
        raise ValueError("counts must be zero or positive")
    visible = _mask(mask, n_events.size)
    if not n_events[visible].any():
        raise ValueError("counts must hold events in the pixels of the mask, got none")
    nside = healpy.npix2nside(n_events.size)
    pixel = np.flatnonzero(visible)
    n = _vectors(nside)[pixel, : 2 if bands else 3]
    group = healpy.pix2ring(nside, pixel) if bands else np.zeros(pixel.size, np.int64)
    population = np.maximum(np.bincount(group), 1)
    mean_count = (np.bincount(group, n_events[pixel]) / population)[group]
    mean_n = np.stack([(np.bincount(group, x) / population)[group] for x in n.T], axis=1)
    centred = n - mean_n
    information = centred.T @ (mean_count[:, None] * centred)
    if np.linalg.cond(information) > 1e8:
        raise ValueError("mask must leave directions that tell the components of a dipole apart")
    vector = np.linalg.solve(information, centred.T @ (n_events[pixel] - mean_count))
    if not bands:
        # The fit is relative to the mean of the visible sky; make it relative to the mean of the whole sky.
        vector = vector / (1 - vector @ mean_n[0])
    return Dipole(vector, np.linalg.inv(information))


def declination_band(nside: int, *, latitude: u.Quantity, zenith: u.Quantity) -> Mask:
    """Pixels of an equatorial map that a detector on the ground sees in the course of a day.

    These are the declinations from ``latitude - zenith`` to ``latitude + zenith``.

    Parameters
    ----------
    nside : int
        Resolution of the map.
    latitude : Quantity
        Of the detector, from -90 to 90 degrees.
    zenith : Quantity
        Largest zenith angle, above 0 and at most 90 degrees.

    Returns
    -------
    ndarray of bool, shape (12 nside²,)

    Raises
    ------
    ValueError
        Angles out of range, a band that holds no pixel, or an unfit `nside`.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> band = declination_band(32, latitude=-90 * u.deg, zenith=60 * u.deg)
    >>> print(f"{band.mean():.2f} of the sky")
    0.26 of the sky
    """
    lat = float(take("latitude", latitude, u.deg))
    reach = float(take("zenith", zenith, u.deg, positive=True))
    if abs(lat) > 90 or reach > 90:
        raise ValueError(f"latitude must be within ±90 deg and zenith at most 90 deg, got {latitude} and {zenith}")
    _, declination = healpy.pix2ang(_nside(nside), np.arange(12 * nside**2), lonlat=True)
    band: Mask = np.abs(declination - lat) <= reach
    if not band.any():
        raise ValueError(f"zenith must leave at least one pixel of nside {nside}, got {zenith}")
    return band


def isotropy_probability(amplitude: Any, number: Any, *, components: int = 3) -> Array:
    """Probability that N events of an isotropic sky give a dipole amplitude of at least a.

    Each component of â = 3 ⟨n⟩ is normal with the standard deviation σ = sqrt(3/N). The length of all three then has
    Maxwell's distribution, with mean σ sqrt(8/π) = 1.60 σ; the length of two of them has Rayleigh's.

    Parameters
    ----------
    amplitude : array_like
        a, zero or positive.
    number : array_like
        N, positive; shapes broadcast.
    components : {3, 2, 1}
        How many components were measured.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A negative amplitude, N that is not positive, another number of components.

    Examples
    --------
    >>> print(f"{isotropy_probability(1e-4, 3e8):.2f}")
    0.80
    """
    a = take("amplitude", amplitude, "", non_negative=True)
    events = take("number", number, "", positive=True)
    return np.asarray(chi2.sf(a**2 * events / 3, _components(components)))


def events_needed(amplitude: Any, *, probability: float = 2.7e-3, components: int = 3) -> Array:
    """Events for which a dipole of amplitude a has a given probability to be due to chance.

    Parameters
    ----------
    amplitude : array_like
        a, positive.
    probability : float
        Between 0 and 1; by default that of three standard deviations of a normal deviate.
    components : {3, 2, 1}
        How many components are measured.

    Returns
    -------
    ndarray
        N, from the inverse of `isotropy_probability`.

    Raises
    ------
    ValueError
        A value out of range.

    Examples
    --------
    >>> print(f"{events_needed(1e-4):.1e}")
    4.2e+09
    """
    a = take("amplitude", amplitude, "", positive=True)
    if not 0 < probability < 1:
        raise ValueError(f"probability must lie between 0 and 1, got {probability!r}")
    return np.asarray(3 * chi2.isf(probability, _components(components)) / a**2)


@dataclass(frozen=True)
class PowerSpectrum:
    """Angular power spectrum of a relative intensity; made by `power_spectrum`.

    Parameters
    ----------
    multipole : ndarray of int
        l from 1, shape (k,).
    power : ndarray
        C_l, the mean of the squared coefficients, noise included, shape (k,).
    noise : float
        Shot noise: the expectation of C_l for an isotropic sky.
    """

    multipole: NDArray[np.int64]
    power: Array
    noise: float

    @property
    def noise_error(self) -> Array:
        """Standard deviation of C_l for an isotropic sky, noise · sqrt(2/(2l+1)) on the whole sky, shape (k,)."""
        return self.noise * np.sqrt(2 / (2 * self.multipole + 1))


def power_spectrum(counts: Any, *, lmax: int, mask: Any = None) -> PowerSpectrum:
    """Angular power spectrum C_l of a map of counts, with its shot noise.

    With δ = counts / mean - 1 = Σ a_lm Y_lm, C_l is the mean over m of abs(a_lm)². N events on the whole sky contribute
    4π/N to every C_l, and a dipole a contributes 4π a²/9 to C_1. On a part f of the sky δ is set to zero elsewhere and
    C_l divided by f; multipoles then leak into each other over Δl ≈ 1/f and more, which is not corrected.

    Parameters
    ----------
    counts : array_like, shape (12 nside²,)
        Events in each pixel.
    lmax : int
        Largest multipole, from 1 to 2 nside.
    mask : array_like of bool, optional
        Pixels to use; all by default.

    Returns
    -------
    PowerSpectrum

    Raises
    ------
    ValueError
        No HEALPix map, negative counts, no events, a mask without pixels, an unfit `lmax`.

    Examples
    --------
    >>> counts = sample_counts(10**6, dipole_map([0.1, 0, 0], nside=16), seed=1)
    >>> spectrum = power_spectrum(counts, lmax=8)
    >>> print(f"{spectrum.power[0] / (4 * np.pi * 0.1**2 / 9):.1f}")
    1.0
    """
    n_events = _map("counts", counts)
    visible = _mask(mask, n_events.size)
    if np.any(n_events < 0) or not n_events[visible].any():
        raise ValueError("counts must be zero or positive, and positive somewhere in the mask")
    nside = healpy.npix2nside(n_events.size)
    if isinstance(lmax, bool) or not isinstance(lmax, int | np.integer) or not 1 <= lmax <= 2 * nside:
        raise ValueError(f"lmax must be an integer from 1 to 2 nside = {2 * nside}, got {lmax!r}")
    total, part = n_events[visible].sum(), visible.mean()
    delta = np.where(visible, n_events * (visible.sum() / total) - 1, 0.0)
    power = healpy.anafast(delta, lmax=int(lmax), pol=False) / part
    return PowerSpectrum(np.arange(1, lmax + 1), power[1:], float(4 * np.pi * part / total))


def _vectors(nside: int) -> Array:
    """Unit vectors to the centres of the pixels, shape (12 nside², 3)."""
    return np.stack(healpy.pix2vec(nside, np.arange(12 * nside**2)), axis=1)


def _nside(nside: int) -> int:
    if isinstance(nside, bool) or not isinstance(nside, int | np.integer) or not healpy.isnsideok(nside, nest=True):
        raise ValueError(f"nside must be a power of 2, got {nside!r}")
    return int(nside)


def _dipole_vector(dipole: Any) -> Array:
    a = take("dipole", dipole, "")
    if a.shape != (3,) or np.linalg.norm(a) > 1:
        raise ValueError(f"dipole must be a vector of three components with a length of at most 1, got {dipole!r}")
    return a


def _map(name: str, values: Any) -> Array:
    pixels = take(name, values, "")
    if pixels.ndim != 1 or not healpy.isnpixok(pixels.size):
        raise ValueError(f"{name} must be a map of 12 nside² pixels, got an array of shape {pixels.shape}")
    return pixels


def _mask(mask: Any, size: int) -> Mask:
    visible = np.ones(size, dtype=bool) if mask is None else np.asarray(mask)
    if visible.dtype != bool or visible.shape != (size,):
        raise ValueError(f"mask must be an array of {size} booleans, got {visible.dtype} of shape {visible.shape}")
    if not visible.any():
        raise ValueError("mask must hold at least one pixel, got none")
    return visible


def _components(components: int) -> int:
    if components not in (1, 2, 3):
        raise ValueError(f"components must be 1, 2 or 3, got {components!r}")
    return components
