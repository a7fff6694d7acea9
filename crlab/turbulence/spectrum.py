"""Spectra of turbulence and what follows from them alone: correlation length, moments, the spectrum along a line.

E(k) is normalised, ∫E dk = 1. Wavenumbers are angular, k = 2π/wavelength, in the inverse of any unit of length.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from astropy import units as u
from numpy.typing import NDArray
from scipy import integrate, special

from crlab.units import take

__all__ = ["BendOver", "PowerLaw", "Spectrum", "kolmogorov", "line_spectrum"]

Array = NDArray[np.float64]


class Spectrum(Protocol):
    """What a field needs to know of a spectrum; `PowerLaw` and `BendOver` are two."""

    @property
    def k_min(self) -> float:
        """Smallest wavenumber."""

    @property
    def k_max(self) -> float:
        """Largest wavenumber."""

    def __call__(self, k: Any) -> Array:
        """E(k), zero outside the band."""

    def mean(self, power: float) -> float:
        """Mean of k^power over the spectrum."""

    @property
    def correlation_length(self) -> float:
        """Two-sided correlation length π⟨1/k⟩ of a field with this spectrum and directions at random."""


def take_number(name: str, value: Any, *, positive: bool = False, non_negative: bool = False) -> float:
    """One pure number, checked as by `crlab.units.take`.

    Parameters
    ----------
    name : str
    value : float
    positive, non_negative : bool

    Returns
    -------
    float

    Raises
    ------
    ValueError
        An array, or a number that is not allowed.
    UnitConversionError
        A quantity with a dimension.

    Examples
    --------
    >>> take_number("eta", 0.5)
    0.5
    """
    array = take(name, value, u.dimensionless_unscaled, positive=positive, non_negative=non_negative)
    if array.ndim:
        raise ValueError(f"{name} must be one number, got an array of shape {array.shape}")
    return float(array)


def _check_band(k_min: Any, k_max: Any) -> None:
    low = take_number("k_min", k_min, positive=True)
    high = take_number("k_max", k_max, positive=True)
    if not low < high:
        raise ValueError(f"k_max must be above k_min = {low:g}, got {high:g}")


@dataclass(frozen=True)
class PowerLaw:
    """E(k) ∝ k^-s between k_min and k_max.

    Parameters
    ----------
    k_min, k_max : float
        Ends of the band.
    index : float
        s; 5/3 is Kolmogorov's.

    Raises
    ------
    ValueError
        k not positive, or k_min not below k_max.

    Examples
    --------
    >>> spectrum = PowerLaw(2 * np.pi, 200 * np.pi)
    >>> print(f"{spectrum.correlation_length:.5f}")
    0.20964
    """

    k_min: float
    k_max: float
    index: float = 5 / 3

    def __post_init__(self) -> None:
        _check_band(self.k_min, self.k_max)
        take_number("index", self.index)

    def __call__(self, k: Any) -> Array:
        """E(k); see the class."""
        k = take("k", k, u.dimensionless_unscaled, positive=True)
        inside = (k >= self.k_min * (1 - 1e-12)) & (k <= self.k_max * (1 + 1e-12))
        return np.asarray(np.where(inside, k**-self.index, 0) / self._moment(0))

    def _moment(self, power: float) -> float:
        n = power - self.index + 1
        ratio = self.k_max / self.k_min
        return self.k_min**n * float(np.log(ratio) if abs(n) < 1e-12 else (ratio**n - 1) / n)

    def mean(self, power: float) -> float:
        """Mean of k^power over the spectrum, in closed form."""
        return self._moment(power) / self._moment(0)

    @property
    def correlation_length(self) -> float:
        """π⟨1/k⟩, two-sided: (L_max/2) ((s-1)/s) (1 - x^s)/(1 - x^(s-1)) with x = k_min/k_max, L_max = 2π/k_min."""
        return np.pi * self.mean(-1)


@dataclass(frozen=True)
class BendOver:
    """E(k) ∝ (kl)^q / (1 + (kl)²)^((s + q)/2): rises as k^q to the scale l, falls as k^-s beyond it.

    Parameters
    ----------
    scale : float
        l.
    k_min, k_max : float
        Ends of the band; default 1e-3/l and 1e3/l.
    rise, index : float
        q and s. q = 0 is the flat spectrum that slab turbulence is often given.

    Raises
    ------
    ValueError
        A length or wavenumber that is not positive, k_min not below k_max, or q < 0.

    Examples
    --------
    >>> print(f"{BendOver(1.0, rise=4).unlimited_correlation_length:.4f}")
    0.9958
    """

    scale: float
    k_min: Any = None
    k_max: Any = None
    rise: float = 0.0
    index: float = 5 / 3

    def __post_init__(self) -> None:
        scale = take_number("scale", self.scale, positive=True)
        for name, default in (("k_min", 1e-3 / scale), ("k_max", 1e3 / scale)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        _check_band(self.k_min, self.k_max)
        take_number("rise", self.rise, non_negative=True)
        take_number("index", self.index)
        object.__setattr__(self, "_norm", self._moment(0))

    def _shape(self, k: Any) -> Any:
        x = k * self.scale
        return x**self.rise / (1 + x * x) ** (0.5 * (self.index + self.rise))

    def _moment(self, power: float) -> float:
        def integrand(y: float) -> float:
            k = float(np.exp(y))
            return float(self._shape(k) * k ** (power + 1))

        ends = np.log([self.k_min, 1 / self.scale, self.k_max])
        ends[1] = np.clip(ends[1], ends[0], ends[2])
        return sum(
            integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-10, limit=200)[0] if b > a else 0.0
            for a, b in pairwise(ends)
        )

    def __call__(self, k: Any) -> Array:
        """E(k); see the class."""
        k = take("k", k, u.dimensionless_unscaled, positive=True)
        inside = (k >= self.k_min * (1 - 1e-12)) & (k <= self.k_max * (1 + 1e-12))
        return np.asarray(np.where(inside, self._shape(k), 0) / self._norm)  # type: ignore[attr-defined]

    def mean(self, power: float) -> float:
        """Mean of k^power over the spectrum, by quadrature."""
        return self._moment(power) / self._moment(0)

    @property
    def correlation_length(self) -> float:
        """π⟨1/k⟩, two-sided, within the band."""
        return np.pi * self.mean(-1)

    @property
    def unlimited_correlation_length(self) -> float:
        """π l Γ(q/2) Γ(s/2) / (Γ((q + 1)/2) Γ((s - 1)/2)), that of a band without ends; infinite for q = 0."""
        q, s = self.rise, self.index
        if q == 0:
            return np.inf
        gamma = special.gamma
        return float(np.pi * self.scale * gamma(q / 2) * gamma(s / 2) / (gamma((q + 1) / 2) * gamma((s - 1) / 2)))


def kolmogorov(ratio: float = 100.0, *, index: float = 5 / 3) -> PowerLaw:
    """A power law whose two-sided correlation length is the unit of length.

    Parameters
    ----------
    ratio : float
        L_max/L_min = k_max/k_min, above 1.
    index : float
        s of E ∝ k^-s.

    Returns
    -------
    PowerLaw

    Raises
    ------
    ValueError
        A ratio of 1 or less.

    Examples
    --------
    >>> spectrum = kolmogorov()
    >>> print(f"L_c = {spectrum.correlation_length:.3f}, L_max = {2 * np.pi / spectrum.k_min:.3f} L_c")
    L_c = 1.000, L_max = 4.770 L_c
    """
    ratio = take_number("ratio", ratio)
    if ratio <= 1:
        raise ValueError(f"ratio must be above 1, got {ratio:g}")
    length = PowerLaw(1.0, ratio, index).correlation_length
    return PowerLaw(length, ratio * length, index)


def line_spectrum(spectrum: Spectrum, k: Any) -> Array:
    """The spectrum that a line through an isotropic field shows, ∫_k^k_max E(k')/k' dk'.

    Normalised so that its integral from 0 is 1. For a power law it is k^-s (1 - (k/k_max)^s) above k_min, so that a
    straight fit is biased towards steeper slopes.

    Parameters
    ----------
    spectrum : Spectrum
    k : array_like
        Wavenumbers along the line.

    Returns
    -------
    ndarray
        Of the shape of k.

    Raises
    ------
    ValueError
        k not positive.

    Examples
    --------
    >>> s = PowerLaw(1.0, 100.0)
    >>> ratio = line_spectrum(s, 10.0) / line_spectrum(s, 20.0)
    >>> print(f"{np.log2(ratio):.3f}")
    1.737
    """
    k = take("k", k, u.dimensionless_unscaled, positive=True)
    # Gauss-Legendre in ln k', in which the integrand E is smooth.
    node, weight = np.polynomial.legendre.leggauss(64)
    low = np.clip(k, spectrum.k_min, spectrum.k_max)[..., None]
    span = np.log(spectrum.k_max / low)
    at = low * np.exp(0.5 * span * (node + 1))
    return np.asarray(0.5 * span[..., 0] * np.sum(weight * spectrum(at), axis=-1))
