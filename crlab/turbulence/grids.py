"""Random fields on periodic grids filled by a Fourier transform, alone or nested, and what interpolation does to them.

Reduced units (see `crlab.turbulence`). A grid costs the same per step however many waves it holds; it repeats after
its edge, its interpolation is not free of divergence, and it damps the waves near its cells' size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.turbulence import _kernels
from crlab.turbulence.fields import take_count, take_eta, take_points
from crlab.turbulence.spectrum import Spectrum, take_number
from crlab.units import take

__all__ = ["INTERPOLATIONS", "Band", "GridField", "bands", "grid_field", "transfer"]

Array = NDArray[np.float64]
Single = NDArray[np.float32]

INTERPOLATIONS = ("linear", "cubic")
"""Trilinear, from 8 points, and Catmull and Rom's cubic, from 64."""

_KIND = {"linear": _kernels.LINEAR, "cubic": _kernels.CUBIC}
_NO_MODES = np.zeros((7, 0))
_NO_SINGLE = np.zeros((3, 0), dtype=np.float32)


def transfer(cells: Any, *, interpolation: str = "linear") -> Array:
    """Factor by which interpolation along one axis changes the mean square of a wave.

    For the linear kind (2 + cos K)/3 with K = 2π/cells; for the cubic one the sum over the four weights w_i(f) of
    their products' means, Σ_ij ⟨w_i w_j⟩ cos((i - j)K).

    Parameters
    ----------
    cells : array_like
        Cells per wavelength along the axis, at least 2.
    interpolation : {"linear", "cubic"}

    Returns
    -------
    ndarray
        Of the shape of `cells`; for a wave oblique to the grid the factors of the three axes multiply.

    Raises
    ------
    ValueError
        Fewer than 2 cells, or an unknown kind.

    Examples
    --------
    >>> print(transfer([2, 4, 8, 16]).round(3), transfer([2, 4, 8, 16], interpolation="cubic").round(3))
    [0.333 0.667 0.902 0.975] [0.486 0.886 0.991 0.999]
    """
    cells = take("cells", cells, u.dimensionless_unscaled)
    if np.any(cells < 2):
        raise ValueError(f"cells must be at least 2, got {cells.min():g}")
    return np.asarray(_transfer(2 * np.pi / cells, interpolation))


def _transfer(K: Array, interpolation: str) -> Array:
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
    if interpolation == "linear":
        return (2 + np.cos(K)) / 3
    f, weight = np.polynomial.legendre.leggauss(8)
    f = 0.5 * (f + 1)
    w = np.array(
        [
            f * (-0.5 + f * (1 - 0.5 * f)),
            1 + f * f * (-2.5 + 1.5 * f),
            f * (0.5 + f * (2 - 1.5 * f)),
            f * f * (-0.5 + 0.5 * f),
        ]
    )
    mean = 0.5 * (w * weight) @ w.T
    return sum(mean[i, j] * np.cos((i - j) * K) for i in range(4) for j in range(4))


@dataclass(frozen=True)
class Band:
    """One grid of a nest: its edge and the wavenumbers it holds.

    Parameters
    ----------
    edge : float
    k_min, k_max : float

    Examples
    --------
    >>> Band(edge=10.0, k_min=2.0, k_max=20.0).edge
    10.0
    """

    edge: float
    k_min: float
    k_max: float


def bands(spectrum: Spectrum, *, n: int, periods: float = 4.0, cells: float = 8.0) -> tuple[Band, ...]:
    """Share a spectrum out among nested grids.

    A grid of edge L holds the waves from L/`periods` down to `cells` cells, a range of n/(periods × cells).

    Parameters
    ----------
    spectrum : Spectrum
    n : int
        Points along an edge.
    periods : float
        Longest waves per edge.
    cells : float
        Cells per shortest wave.

    Returns
    -------
    tuple of Band
        From the largest grid to the smallest.

    Raises
    ------
    ValueError
        Numbers that leave a grid no range: n must be above periods × cells.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> [round(band.edge, 2) for band in bands(kolmogorov(100), n=128)]
    [19.08, 4.77, 1.19, 0.3]
    """
    n = take_count("n", n, 4)
    periods = take_number("periods", periods, positive=True)
    cells = take_number("cells", cells, positive=True)
    if periods < 1 or cells < 2:
        raise ValueError(f"periods must be at least 1 and cells at least 2, got {periods:g} and {cells:g}")
    ratio = n / (periods * cells)
    if ratio <= 1:
        raise ValueError(f"n must be above periods × cells = {periods * cells:g}, got {n}")
    found, low = [], spectrum.k_min
    while low < spectrum.k_max * (1 - 1e-9):
        high = min(low * ratio, spectrum.k_max)
        found.append(Band(2 * np.pi * periods / low, low, high))
        low = high
    return tuple(found)


@dataclass(frozen=True, eq=False)
class GridField:
    """A mean field along z and fluctuations on nested periodic grids; made by `grid_field`.

    Parameters
    ----------
    values : ndarray of float32, shape (G, n, n, n, 3)
    frame : ndarray, shape (G, 4)
        Cells per length and the random shift in cells, of each grid.
    eta : float
        δB²/(B0² + δB²).
    shortest : float
        Shortest wavelength.
    interpolation : {"linear", "cubic"}
    """

    values: Single
    frame: Array
    eta: float
    shortest: float
    interpolation: str

    @property
    def B0(self) -> float:
        """Mean field, along z."""
        return float(np.sqrt(1 - self.eta))

    def kernel(self, precision: str = "fast") -> tuple[Any, ...]:
        """The tuple that the kernels take; grids have one precision, and the argument is not used."""
        return (_KIND[self.interpolation], self.B0, _NO_MODES, _NO_SINGLE, self.values, self.frame)

    def evaluate(self, position: Any) -> Array:
        """Return the interpolated field at given points.

        Parameters
        ----------
        position : array_like, shape (..., 3)

        Returns
        -------
        ndarray, shape (..., 3)
            In √(B0² + δB²).

        Raises
        ------
        ValueError
            Positions that are not finite or not of three components.

        Examples
        --------
        >>> from crlab.turbulence.spectrum import PowerLaw
        >>> calm = grid_field(PowerLaw(8 * np.pi, 16 * np.pi), eta=0.0, n=64, rng=np.random.default_rng(1))
        >>> calm.evaluate([0.0, 0.0, 0.0])
        array([0., 0., 1.])
        """
        x = take_points("position", position)
        b = np.empty_like(x)
        _kernels.evaluate(self.kernel(), x.reshape(-1, 3), b.reshape(-1, 3))
        return b


def grid_field(
    spectrum: Spectrum,
    *,
    eta: float,
    n: int,
    rng: np.random.Generator,
    polarisation: str = "ISO",
    periods: float = 4.0,
    cells: float = 8.0,
    interpolation: str = "linear",
    compensate: bool = True,
    nest: Sequence[Band] | None = None,
) -> GridField:
    """Draw one realisation of a turbulent field on one or more nested grids.

    Each point of the Fourier grid inside a band gets a complex Gaussian amplitude with the mean square that the
    spectrum asks for; the sum of these mean squares, not the realised one, is what is normalised. Grids are shifted
    at random against each other.

    Parameters
    ----------
    spectrum : Spectrum
    eta : float
        δB²/(B0² + δB²), from 0 to 1.
    n : int
        Points along an edge; a grid takes 12 n³ bytes.
    rng : Generator
    polarisation : {"ISO", "ALF", "MAG"}
    periods, cells
        As in `bands`.
    interpolation : {"linear", "cubic"}
    compensate : bool
        Divide amplitudes by the square root of the `transfer` of their three axes, so that the spectrum survives
        interpolation.
    nest : sequence of Band, optional
        The grids, by default `bands`.

    Returns
    -------
    GridField

    Raises
    ------
    ValueError
        As `bands`, η outside [0, 1], an unknown polarisation or interpolation, or a band without waves.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import PowerLaw
    >>> spectrum = PowerLaw(8 * np.pi, 16 * np.pi)
    >>> field = grid_field(spectrum, eta=0.5, n=64, rng=np.random.default_rng(1))
    >>> field.values.shape
    (1, 64, 64, 64, 3)
    """
    eta = take_eta(eta)
    if polarisation not in ("ISO", "ALF", "MAG"):
        raise ValueError(f"polarisation on a grid must be one of ISO, ALF, MAG, got {polarisation!r}")
    _transfer(np.zeros(1), interpolation)
    nest = bands(spectrum, n=n, periods=periods, cells=cells) if nest is None else tuple(nest)
    shares = np.array([_share(spectrum, band) for band in nest])
    values = np.empty((len(nest), n, n, n, 3), dtype=np.float32)
    frame = np.empty((len(nest), 4))
    for g, band in enumerate(nest):
        variance = eta * shares[g] / shares.sum()
        _fill(values[g], spectrum, band, variance, polarisation, interpolation if compensate else "", rng)
        frame[g] = [n / band.edge, *rng.uniform(0, n, 3)]
    return GridField(values, frame, eta, 2 * np.pi / nest[-1].k_max, interpolation)


def _share(spectrum: Spectrum, band: Band) -> float:
    """∫E dk over the band, by Gauss and Legendre in ln k."""
    node, weight = np.polynomial.legendre.leggauss(64)
    span = np.log(band.k_max / band.k_min)
    k = band.k_min * np.exp(0.5 * span * (node + 1))
    return float(0.5 * span * np.sum(weight * spectrum(k) * k))


def _fill(
    out: Single,
    spectrum: Spectrum,
    band: Band,
    variance: float,
    polarisation: str,
    compensated: str,
    rng: np.random.Generator,
) -> None:
    """Fill one grid, shape (n, n, n, 3), with a real field of the given expected mean square."""
    n = out.shape[0]
    whole = np.fft.fftfreq(n, 1 / n)
    half = np.fft.rfftfreq(n, 1 / n)
    kx, ky, kz = np.meshgrid(whole, whole, half, indexing="ij")
    # The Nyquist planes have no partner of opposite sign, so they stay empty.
    k = 2 * np.pi / band.edge * np.sqrt(kx**2 + ky**2 + kz**2)
    inside = (k >= band.k_min * (1 - 1e-12)) & (k <= band.k_max * (1 + 1e-12))
    inside &= (abs(kx) < n / 2) & (abs(ky) < n / 2) & (kz < n / 2)
    if not inside.any():
        raise ValueError(f"the band from k = {band.k_min:g} to {band.k_max:g} holds no wave of a grid with n = {n}")
    kx, ky, kz, k = kx[inside], ky[inside], kz[inside], k[inside]
    pairs = np.where(kz == 0, 1.0, 2.0)  # waves with kz > 0 stand for their partners too
    power = spectrum(k) / k**2
    power *= variance / np.sum(pairs * power)
    if compensated:
        for component in (kx, ky, kz):
            power /= _transfer(2 * np.pi * component / n, compensated)
    across = np.hypot(kx, ky)
    length = np.hypot(across, kz)
    safe = np.where(across > 0, across, 1)
    c, s = np.where(across > 0, kx / safe, 1.0), np.where(across > 0, ky / safe, 0.0)
    e_A = np.stack([-s, c, np.zeros_like(c)])
    e_M = np.stack([-kz / length * c, -kz / length * s, across / length])
    shares = {"ISO": (0.5, 0.5), "ALF": (1.0, 0.0), "MAG": (0.0, 1.0)}[polarisation]
    amplitude = np.zeros((3, k.size), dtype=complex)
    for share, e in zip(shares, (e_A, e_M), strict=True):
        if share:
            draw = rng.normal(size=k.size) + 1j * rng.normal(size=k.size)
            amplitude += np.sqrt(share * power / 2) * draw * e
    for i in range(3):
        spectral = np.zeros(inside.shape, dtype=complex)
        spectral[inside] = amplitude[i]
        _pair(spectral)
        out[..., i] = np.fft.irfftn(spectral, s=(n, n, n), axes=(0, 1, 2)) * n**3


def _pair(spectral: NDArray[np.complex128]) -> None:
    """Make the plane kz = 0 that of a real field, B(-k) = B*(k), keeping the mean squares."""
    plane = spectral[:, :, 0]
    mirror = np.conj(np.roll(plane[::-1, ::-1], 1, axis=(0, 1)))
    spectral[:, :, 0] = (plane + mirror) / np.sqrt(2)
