"""Random magnetic fields: sums of polarised plane waves, and grids filled from the same spectra.

Reduced units (see `crlab.turbulence`): the mean field is √(1 - η) along z and the rms of the fluctuations √η.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.turbulence import _kernels
from crlab.turbulence.spectrum import Spectrum, take_number
from crlab.units import take

__all__ = ["POLARISATIONS", "PRECISIONS", "Field", "WaveField", "take_count", "take_points", "wave_field"]

Array = NDArray[np.float64]
Single = NDArray[np.float32]

POLARISATIONS = ("ISO", "ALF", "MAG", "slab", "2D")
"""Isotropic, Alfvénic and magnetosonic waves; waves along, and across, the mean field."""

PRECISIONS = ("fast", "mixed", "accurate")
"""Ways to sum the waves, by rms error relative to the rms field: 2e-8, 5e-7, and that of the phase's rounding."""

_KIND = {"accurate": _kernels.ACCURATE, "fast": _kernels.FAST, "mixed": _kernels.MIXED}
_NO_GRID = np.zeros((0, 1, 1, 1, 3), dtype=np.float32)
_NO_FRAME = np.zeros((0, 4))


class Field(Protocol):
    """What field lines and particles need of a field; `WaveField` and `crlab.turbulence.grids.GridField` are two."""

    @property
    def eta(self) -> float:
        """Share of the fluctuations in the energy of the field, δB²/(B0² + δB²)."""

    @property
    def shortest(self) -> float:
        """Shortest wavelength."""

    def kernel(self, precision: str) -> tuple[Any, ...]:
        """The tuple that `crlab.turbulence._kernels.evaluate` takes."""


def take_count(name: str, value: Any, least: int = 1) -> int:
    """An integer that is at least `least`.

    Parameters
    ----------
    name : str
    value : int
    least : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        No integer, or one that is too small.

    Examples
    --------
    >>> take_count("modes", 256)
    256
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def take_eta(eta: Any) -> float:
    """The turbulence level, a number from 0 to 1."""
    eta = take_number("eta", eta)
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must lie between 0 and 1, got {eta:g}")
    return float(eta)


def take_points(name: str, value: Any) -> Array:
    """Vectors of three finite numbers.

    Parameters
    ----------
    name : str
    value : array_like, shape (..., 3)

    Returns
    -------
    ndarray, shape (..., 3)
        A new array.

    Raises
    ------
    ValueError
        Another last dimension, NaN or infinity.

    Examples
    --------
    >>> take_points("position", [0.0, 0.0, 1.0])
    array([0., 0., 1.])
    """
    array = take(name, value, u.dimensionless_unscaled)
    if array.ndim == 0 or array.shape[-1] != 3:
        raise ValueError(f"{name} must have three components in its last dimension, got the shape {array.shape}")
    return np.ascontiguousarray(array)


@dataclass(frozen=True, eq=False)
class WaveField:
    """B(x) = B0 z + Σ A ξ cos 2π(κ·x + β), a sum of plane waves; made by `wave_field`.

    It is free of divergence, and exact at every point of an unlimited space.

    Parameters
    ----------
    wavevectors : ndarray, shape (N, 3)
        κ = k/2π, in turns per unit of length.
    amplitudes : ndarray, shape (N, 3)
        A ξ, perpendicular to κ.
    phases : ndarray, shape (N,)
        β in turns.
    eta : float
        δB²/(B0² + δB²).
    """

    wavevectors: Array
    amplitudes: Array
    phases: Array
    eta: float
    _modes: Array = field(init=False, repr=False)
    _single: Single = field(init=False, repr=False)

    def __post_init__(self) -> None:
        modes = np.ascontiguousarray(np.vstack([self.wavevectors.T, self.phases, self.amplitudes.T]))
        object.__setattr__(self, "_modes", modes)
        object.__setattr__(self, "_single", np.ascontiguousarray(modes[4:], dtype=np.float32))

    @property
    def B0(self) -> float:
        """Mean field, along z."""
        return float(np.sqrt(1 - self.eta))

    @property
    def modes(self) -> int:
        """Number of waves."""
        return self.phases.size

    @property
    def shortest(self) -> float:
        """Shortest wavelength."""
        return float(1 / np.max(np.linalg.norm(self.wavevectors, axis=1)))

    @property
    def variance(self) -> Array:
        """Mean squares of the three components of δB over all space, shape (3,)."""
        return np.asarray(np.sum(self.amplitudes**2, axis=0) / 2)

    @property
    def kurtosis(self) -> Array:
        """Kurtosis of the three components of δB over all space, 3 - (3/2) Σa⁴/(Σa²)²; 0 where a component is 0."""
        second = np.sum(self.amplitudes**2, axis=0)
        fourth = np.sum(self.amplitudes**4, axis=0)
        some = second > 0
        return np.where(some, 3 - 1.5 * fourth / np.where(some, second, 1) ** 2, 0)

    def kernel(self, precision: str = "fast") -> tuple[Any, ...]:
        """The tuple that the kernels take; see `Field`."""
        if precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
        return (_KIND[precision], self.B0, self._modes, self._single, _NO_GRID, _NO_FRAME)

    def evaluate(self, position: Any, *, precision: str = "fast") -> Array:
        """Return the field at given points.

        Parameters
        ----------
        position : array_like, shape (..., 3)
        precision : {"fast", "mixed", "accurate"}
            See `PRECISIONS`.

        Returns
        -------
        ndarray, shape (..., 3)
            In √(B0² + δB²).

        Raises
        ------
        ValueError
            Positions that are not finite or not of three components, an unknown precision.

        Examples
        --------
        >>> from crlab.turbulence.spectrum import kolmogorov
        >>> waves = wave_field(kolmogorov(), eta=0.0, modes=8, rng=np.random.default_rng(1))
        >>> waves.evaluate([0.0, 0.0, 0.0])
        array([0., 0., 1.])
        """
        x = take_points("position", position)
        b = np.empty_like(x)
        _kernels.evaluate(self.kernel(precision), x.reshape(-1, 3), b.reshape(-1, 3))
        return b


def wave_field(
    spectrum: Spectrum,
    *,
    eta: float,
    rng: np.random.Generator,
    modes: int = 256,
    polarisation: str | Mapping[str, float] = "ISO",
    spacing: str = "stratified",
) -> WaveField:
    """Draw one realisation of a turbulent field as a sum of plane waves.

    Amplitudes follow A²/2 = δB² E(k) Δk / Σ E(k) Δk. They are divided by the sum and not by the integral of the
    spectrum, so that each realisation has the mean square δB² exactly.

    Parameters
    ----------
    spectrum : Spectrum
        `PowerLaw` or `BendOver`; its unit of length is that of the field.
    eta : float
        δB²/(B0² + δB²), from 0 to 1.
    rng : Generator
        Source of directions, polarisations, phases and wavenumbers.
    modes : int
        Number of waves, at least 1; for a mixture, of each kind.
    polarisation : str or mapping
        One of `POLARISATIONS`, or shares of the energy by kind, such as ``{"slab": 0.2, "2D": 0.8}``.
    spacing : {"stratified", "log"}
        Wavenumbers at random, one in each of `modes` equal parts of ln k, or evenly in ln k with both ends.

    Returns
    -------
    WaveField

    Raises
    ------
    ValueError
        η outside [0, 1], no modes, an unknown polarisation or spacing, shares that are not positive.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> waves = wave_field(kolmogorov(), eta=0.5, modes=64, polarisation="ALF", rng=np.random.default_rng(1))
    >>> print(f"{waves.variance.sum():.12f}, {waves.variance[2]:.1f}")
    0.500000000000, 0.0
    """
    eta = take_eta(eta)
    number = take_count("modes", modes)
    if spacing not in ("stratified", "log"):
        raise ValueError(f"spacing must be 'stratified' or 'log', got {spacing!r}")
    shares = {polarisation: 1.0} if isinstance(polarisation, str) else dict(polarisation)
    for kind, share in shares.items():
        if kind not in POLARISATIONS:
            raise ValueError(f"polarisation must be one of {', '.join(POLARISATIONS)}, got {kind!r}")
        take_number(f"the share of {kind}", share, positive=True)
    if not shares:
        raise ValueError("polarisation must name at least one kind, got none")
    total = sum(shares.values())
    parts = [_waves(spectrum, kind, number, spacing, eta * share / total, rng) for kind, share in shares.items()]
    wavevectors, amplitudes, phases = (np.concatenate(column) for column in zip(*parts, strict=True))
    return WaveField(wavevectors, amplitudes, phases, eta)


def _waves(
    spectrum: Spectrum, kind: str, number: int, spacing: str, variance: float, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Wavevectors in turns, amplitude vectors and phases of one kind of waves."""
    if spacing == "log":
        place = np.linspace(0, 1, number) if number > 1 else np.array([0.5])
    else:
        place = (np.arange(number) + rng.random(number)) / number
    k = spectrum.k_min * (spectrum.k_max / spectrum.k_min) ** place
    weight = spectrum(k) * k
    size = np.sqrt(2 * variance * weight / weight.sum())
    direction, xi = directions(kind, number, rng)
    return k[:, None] / (2 * np.pi) * direction, size[:, None] * xi, rng.random(number)


def directions(kind: str, number: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw directions of waves and their polarisation vectors.

    With k = (s cos φ, s sin φ, μ): e_A = (-sin φ, cos φ, 0) is that of Alfvén waves and e_M = k × e_A, in the plane
    of k and the mean field, that of magnetosonic ones.

    Parameters
    ----------
    kind : str
        One of `POLARISATIONS`.
    number : int
    rng : Generator

    Returns
    -------
    direction, polarisation : ndarray, shape (number, 3)
        Unit vectors, perpendicular to each other.

    Raises
    ------
    KeyError
        An unknown kind.

    Examples
    --------
    >>> k, xi = directions("ALF", 5, np.random.default_rng(1))
    >>> print(np.abs(np.sum(k * xi, axis=1)).max() < 1e-15, np.all(xi[:, 2] == 0))
    True True
    """
    mu = rng.uniform(-1, 1, number)
    phi = rng.uniform(0, 2 * np.pi, number)
    angle = rng.uniform(0, 2 * np.pi, number)
    if kind == "slab":
        mu = np.sign(mu)
    elif kind == "2D":
        mu = np.zeros(number)
    s = np.sqrt(1 - mu**2)
    c, d = np.cos(phi), np.sin(phi)
    e_A = np.stack([-d, c, np.zeros(number)], axis=-1)
    e_M = np.stack([-mu * c, -mu * d, s], axis=-1)
    turn = {"ISO": angle, "ALF": 0 * angle, "MAG": 0 * angle + np.pi / 2, "slab": angle, "2D": 0 * angle}[kind]
    # cos(π/2) is not zero in floating point; the magnetosonic vector must be exact.
    along = np.where(turn == np.pi / 2, 0.0, np.cos(turn))
    xi = along[:, None] * e_A + np.sin(turn)[:, None] * e_M
    return np.stack([s * c, s * d, mu], axis=-1), xi
