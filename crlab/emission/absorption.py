"""Absorption of gamma rays on photons: pair creation on the microwave background, and a simple model of starlight.

γ + γ → e⁺ + e⁻ with the cross-section of Breit & Wheeler (1934), averaged over an isotropic field. Used in the chapter
"The ingredients".
"""

from dataclasses import dataclass

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.emission import _kernels
from crlab.galaxy import SUN, solar_radius
from crlab.units import Array, take

__all__ = ["CMB", "DUST", "STARS", "Absorption", "PhotonField", "breit_wheeler"]

_ELECTRON = float((const.m_e * const.c**2).to_value(u.eV))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def breit_wheeler(s: object) -> u.Quantity:
    """Total cross-section for pair creation by two photons.

    σ = (3/16) σ_T (1 - β²)[(3 - β⁴) ln((1 + β)/(1 - β)) - 2β(2 - β²)], β = √(1 - 1/s).

    Parameters
    ----------
    s : array_like
        Squared centre-of-mass energy over its threshold (2 m_e c²)².

    Returns
    -------
    Quantity
        In cm², zero below the threshold.

    Raises
    ------
    ValueError
        Not a positive number.

    Examples
    --------
    >>> from astropy import constants as const
    >>> print(f"{(breit_wheeler(1.97) / const.sigma_T).to(''):.4f}")
    0.2556
    """
    return _sigma(take("s", s, "", positive=True)) * const.sigma_T.to(u.cm**2)


def _sigma(s: Array) -> Array:
    """In units of the Thomson cross-section."""
    b = np.sqrt(np.clip(1 - 1 / s, 0, None))
    rest = 1 / np.maximum(s, 1.0)
    # (1 + b)/(1 - b) = (1 + b)²/(1 - b²), which keeps its digits at large s.
    return 3 / 16 * rest * ((3 - b**4) * np.log((1 + b) ** 2 / rest) - 2 * b * (2 - b**2))


def _averaged(S: Array) -> Array:
    """(2/S²) ∫₁^S s σ(s) ds in Thomson cross-sections: s = exp(t² ln S), so that the square root at s = 1 is smooth."""
    top = np.log(np.maximum(S, 1.0))[..., None]
    t = (_NODES + 1) / 2
    s = np.exp(top * t**2)
    integral = (_sigma(s) * s**2 * 2 * t * top * _WEIGHTS / 2).sum(-1)
    return 2 * integral / np.maximum(S, 1.0) ** 2


@dataclass(frozen=True)
class PhotonField:
    """An isotropic field of photons with the spectrum of a black body, thinned to a given energy density.

    Parameters
    ----------
    name : str
    temperature : Quantity
    energy_density : Quantity, optional
        Without it, that of the black body.

    Raises
    ------
    ValueError
        A temperature or density that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> print(f"{CMB.number_density:.1f}")
    410.7 1 / cm3
    """

    name: str
    temperature: u.Quantity
    energy_density: u.Quantity | None = None

    def __post_init__(self) -> None:
        take("temperature", self.temperature, u.K, positive=True)
        if self.energy_density is not None:
            take("energy_density", self.energy_density, u.eV / u.cm**3, positive=True)

    @property
    def number_density(self) -> u.Quantity:
        """Photons per cm³."""
        x, n = self._spectrum
        return np.trapezoid(n * x, np.log(x)) / u.cm**3

    @property
    def _spectrum(self) -> tuple[Array, Array]:
        """Energies in eV and photons per cm³ and eV."""
        kT = float((const.k_B * self.temperature).to_value(u.eV))
        x = np.geomspace(1e-4, 60, 600)
        hc = float((const.h * const.c).to_value(u.eV * u.cm))
        n = 8 * np.pi * kT**2 / hc**3 * x**2 / np.expm1(x)
        if self.energy_density is not None:
            wanted = float(self.energy_density.to_value(u.eV / u.cm**3))
            n *= wanted / np.trapezoid(n * x**2 * kT**2, np.log(x))
        return x * kT, n

    def rate(self, energy: u.Quantity) -> u.Quantity:
        """Absorptions per length, K(E) = ∫ n(ε) (2/S²) ∫₁^S s σ(s) ds dε with S = E ε/(m_e c²)².

        Parameters
        ----------
        energy : Quantity
            Of the gamma ray, any shape.

        Returns
        -------
        Quantity
            In 1/kpc; its inverse is the mean free path.

        Raises
        ------
        ValueError
            An energy that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> print(f"{1 / CMB.rate(2.24 * u.PeV):.2f}")
        7.07 kpc
        """
        E = take("energy", energy, u.eV, positive=True)
        eps, n = self._spectrum
        average = _averaged(E[..., None] * eps / _ELECTRON**2)
        per_cm = np.trapezoid(n * average * eps, np.log(eps), axis=-1) * const.sigma_T.to_value(u.cm**2)
        return (per_cm / u.cm).to(1 / u.kpc)


CMB = PhotonField("microwave background", 2.7255 * u.K)
"""The microwave background, the same everywhere."""

DUST = PhotonField("dust", 33 * u.K, 0.25 * u.eV / u.cm**3)
"""Infrared light of dust near the Sun. Grains of 20 K radiate like a thinned black body of about 33 K as far as the
mean energy of the photons goes. With the default profile of `Absorption` a source in the Galactic centre loses about
20 per cent near 150 TeV, the effect that Vernetto & Lipari 2016 state: this fixed the density and the profile."""

STARS = PhotonField("stars", 5000 * u.K, 0.6 * u.eV / u.cm**3)
"""Optical starlight near the Sun; it absorbs around a TeV, by less than a per cent."""


@dataclass(frozen=True)
class Absorption:
    """What dims gamma rays on their way: the microwave background, and starlight if wanted.

    Starlight here is a simple model and no map: isotropic photons of `DUST` and `STARS` with densities that follow
    exp(-(R - R_sun)/scale_radius - abs(z)/scale_height), in the centre 4.7 times that at the Sun. It shows where and
    roughly how much starlight matters; Vernetto & Lipari 2016 have a detailed model.

    Parameters
    ----------
    starlight : bool
    scale_radius, scale_height : Quantity
        Of the starlight.

    Raises
    ------
    ValueError
        A length that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{Absorption().survival(2.2 * u.PeV, 8.5 * u.kpc):.2f}")
    0.30
    """

    starlight: bool = False
    scale_radius: u.Quantity = 5.5 * u.kpc
    scale_height: u.Quantity = 1.0 * u.kpc

    def __post_init__(self) -> None:
        take("scale_radius", self.scale_radius, u.kpc, positive=True)
        take("scale_height", self.scale_height, u.kpc, positive=True)

    def uniform_rate(self, energy: u.Quantity) -> Array:
        """Rate of the microwave background in 1/kpc, a plain array of the shape of `energy`."""
        return CMB.rate(energy).to_value(1 / u.kpc)

    def starlight_rate(self, energy: u.Quantity) -> Array:
        """Rate of starlight at the Sun in 1/kpc, a plain array of the shape of `energy`; zero without starlight."""
        if not self.starlight:
            return np.zeros(np.shape(energy))
        return (DUST.rate(energy) + STARS.rate(energy)).to_value(1 / u.kpc)

    def profile(self, x: Array, y: Array, z: Array, *, sun: u.Quantity = SUN) -> Array:
        """Density of starlight relative to that at R☉ = `sun`, at points in kpc."""
        radius, height = self.scale_radius.to_value(u.kpc), self.scale_height.to_value(u.kpc)
        return np.exp((solar_radius(sun) - np.hypot(x, y)) / radius - np.abs(z) / height)

    def survival(
        self,
        energy: u.Quantity,
        distance: u.Quantity,
        *,
        lon: u.Quantity = 0 * u.deg,
        lat: u.Quantity = 0 * u.deg,
        sun: u.Quantity = SUN,
    ) -> Array:
        """Fraction of the gamma rays from a distance that arrive.

        Parameters
        ----------
        energy : Quantity
            Any shape.
        distance : Quantity
            One value.
        lon, lat : Quantity
            One Galactic direction; of consequence only with starlight.
        sun : Quantity
            R☉; likewise.

        Returns
        -------
        ndarray
            Of the shape of `energy`.

        Raises
        ------
        ValueError
            An energy that is not positive, a negative distance.
        UnitConversionError
            A bare number or a wrong unit.
        """
        far = float(take("distance", distance, u.kpc, non_negative=True))
        depth = self.uniform_rate(energy) * far
        if self.starlight:
            ends = [np.atleast_1d(take(name, v, u.rad)) for name, v in (("lon", lon), ("lat", lat))]
            s = far * (np.arange(400) + 0.5) / 400
            seen = self.profile(*_kernels.rays(ends[0], ends[1], s, solar_radius(sun)), sun=sun).mean() * far
            depth = depth + self.starlight_rate(energy) * seen
        return np.exp(-depth)
