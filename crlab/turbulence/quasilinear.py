"""Transport by small fluctuations: quasilinear scattering, field-line wandering, and what follows in known limits.

Conventions of the whole room: η = δB²/(B0² + δB²); the gyroradius belongs to the total field, r_g = p/(q B_tot) with
B_tot² = B0² + δB²; κ is half the growth rate of the mean square displacement along one axis; the correlation length is
the integral of the normalised correlation over both directions of a line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.integrate import quad
from scipy.special import gamma

from crlab.units import Array, take

__all__ = [
    "SlabSpectrum",
    "classical_perpendicular",
    "compound_displacement",
    "corrsin_wandering",
    "field_line_wandering",
    "field_ratio",
    "high_rigidity",
    "parallel_diffusion",
    "pitch_angle_scattering",
    "power_law_parallel_diffusion",
    "slab_wandering",
    "two_component_wandering",
]

_C = const.c
_LENGTH = u.pc
_WANDERING = {"ISO": 1 / 8, "ALF": 1 / 4, "MAG": 0.0}


def field_ratio(eta: Any) -> Array:
    """Strength of the fluctuations over the mean field, b = δB/B0 = sqrt(η/(1 - η)).

    Parameters
    ----------
    eta : array_like
        Turbulence level, 0 ≤ η < 1, any shape.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        η out of range.

    Examples
    --------
    >>> print(f"{field_ratio(0.5):.1f}")
    1.0
    """
    level = take("eta", eta, "", non_negative=True)
    if np.any(level >= 1):
        raise ValueError(f"eta must be below 1, where a mean field is left, got {level.max():g}")
    return np.asarray(np.sqrt(level / (1 - level)))


@dataclass(frozen=True)
class SlabSpectrum:
    """Spectrum of slab turbulence, W(k) ∝ (1 + (k l)²)^(-s/2) or, with `sharp`, ∝ k^-s above k = 1/l.

    W is normalised to one: ∫ W dk = 1 over all k > 0, and δB² W(k) holds both components across the field.

    Parameters
    ----------
    scale : Quantity
        l, the bend-over scale, or 1/k_min where `sharp`.
    index : float
        s, above 1 and below 2; 5/3 by default.
    sharp : bool
        A power law cut at k_min instead of a bend.

    Raises
    ------
    ValueError
        A scale that is not a positive scalar, an index out of range.
    UnitConversionError
        A scale that is no length.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{SlabSpectrum(1 * u.pc).density(0 / u.pc):.4f}")
    0.4754 pc
    """

    scale: u.Quantity
    index: float = 5 / 3
    sharp: bool = False

    def __post_init__(self) -> None:
        if take("scale", self.scale, _LENGTH, positive=True).ndim:
            raise ValueError(f"scale must be a scalar, got shape {self.scale.shape}")
        if not 1 < self.index < 2:
            raise ValueError(f"index must lie between 1 and 2, got {self.index!r}")

    def shape(self, x: Array) -> Array:
        """W/l at k = x/l, a pure number, of the shape of `x`."""
        s = self.index
        if self.sharp:
            return np.where(x >= 1, (s - 1) * np.maximum(x, 1.0) ** -s, 0.0)
        return np.asarray(2 * gamma(s / 2) / (np.sqrt(np.pi) * gamma((s - 1) / 2)) * (1 + x**2) ** (-s / 2))

    def density(self, k: u.Quantity) -> u.Quantity:
        """W(k), a length, of the shape of `k`.

        Parameters
        ----------
        k : Quantity
            Wave numbers, zero or positive.

        Returns
        -------
        Quantity

        Raises
        ------
        ValueError
            A negative wave number.
        UnitConversionError
            No wave number.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{SlabSpectrum(1 * u.pc, sharp=True).density(1 / u.pc):.4f}")
        0.6667 pc
        """
        x = take("k", k, 1 / self.scale.unit, non_negative=True) * self.scale.value
        return self.shape(x) * self.scale


def pitch_angle_scattering(
    mu: Any, *, gyroradius: u.Quantity, eta: float, spectrum: SlabSpectrum, speed: u.Quantity = _C
) -> u.Quantity:
    r"""Quasilinear pitch-angle diffusion in slab turbulence, D_μμ = (π/4) Ω (1 - μ²) b² k_r W(k_r).

    Only the wave with one wavelength per gyration scatters: k_r = 1/(r_0 \|μ\|), with Ω = v/r_0 and r_0 = p/(q B0).
    Derived in ``turbulence/small-fluctuations``.

    Parameters
    ----------
    mu : array_like
        Pitch-angle cosine, -1 to 1, any shape.
    gyroradius : Quantity
        r_g = p/(q B_tot), scalar; r_0 = r_g sqrt(1 + b²).
    eta : float
        Turbulence level, below 1.
    spectrum : SlabSpectrum
    speed : Quantity
        v.

    Returns
    -------
    Quantity
        In 1 / yr, shape of `mu`.

    Raises
    ------
    ValueError
        A value out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Jokipii 1966. Valid for b ≪ 1, and not near μ = 0, where the resonant wave is short and the particle stays long.

    Examples
    --------
    >>> from astropy import units as u
    >>> rate = pitch_angle_scattering(0.5, gyroradius=0.1 * u.pc, eta=9e-4, spectrum=SlabSpectrum(1 * u.pc))
    >>> print(f"{rate:.3g}")
    0.000105 1 / yr
    """
    cosine = take("mu", mu, "")
    if np.any(np.abs(cosine) > 1):
        raise ValueError(f"mu must lie between -1 and 1, got {cosine[np.abs(cosine) > 1].flat[0]:g}")
    radius, b2 = _mean_field_radius(gyroradius, eta)
    ratio = radius / take("scale", spectrum.scale, _LENGTH)
    frequency = take("speed", speed, _LENGTH / u.yr, positive=True) / radius
    return frequency * _scattering(cosine, float(ratio), spectrum) * b2 / u.yr


def parallel_diffusion(
    *, gyroradius: u.Quantity, eta: float, spectrum: SlabSpectrum, speed: u.Quantity = _C
) -> u.Quantity:
    """Quasilinear diffusion along the mean field, κ = (v²/8) ∫ (1 - μ²)²/D_μμ dμ over -1 ≤ μ ≤ 1.

    Parameters
    ----------
    gyroradius, eta, spectrum, speed
        As in `pitch_angle_scattering`; η must be positive.

    Returns
    -------
    Quantity
        In cm2 / s, scalar.

    Raises
    ------
    ValueError
        A value out of range, or a `sharp` spectrum that leaves some particles without a resonant wave
        (r_0 > scale).
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Earl 1974, Hasselmann & Wibberenz 1970. Valid for b ≪ 1.

    Examples
    --------
    >>> from astropy import units as u
    >>> slab = SlabSpectrum(1 * u.pc)
    >>> print(f"{parallel_diffusion(gyroradius=0.1 * u.pc, eta=0.01, spectrum=slab):.3g}")
    7.34e+30 cm2 / s
    """
    radius, b2 = _mean_field_radius(gyroradius, eta)
    if b2 == 0:
        raise ValueError("eta must be positive: without turbulence nothing scatters, got 0")
    ratio = float(radius / take("scale", spectrum.scale, _LENGTH))
    if spectrum.sharp and ratio > 1:
        raise ValueError(f"gyroradius must be at most the scale of a sharp spectrum, in the mean field it is {ratio:g}")

    def integrand(y: float) -> float:  # mu = y³ takes the singularity at mu = 0 away
        mu = np.asarray(y**3)
        return float(3 * y**2 * (1 - mu**2) ** 2 / _scattering(mu, ratio, spectrum))

    integral = 2 * quad(integrand, 0, 1, epsabs=0, epsrel=1e-9)[0]
    v = take("speed", speed, u.cm / u.s, positive=True)
    return v * (radius * _LENGTH).to(u.cm) / 8 * integral / b2 * u.cm / u.s


def power_law_parallel_diffusion(
    *, gyroradius: u.Quantity, eta: float, smallest_wavenumber: u.Quantity, index: float = 5 / 3, speed: u.Quantity = _C
) -> u.Quantity:
    """`parallel_diffusion` for a sharp power law in closed form, ∝ (δB/B0)^-2 r_0^(2-s).

    κ = (v r_0/8) · 4/(π (s - 1)) · b^-2 (k_min r_0)^(1-s) · 4/((2 - s)(4 - s)).

    Parameters
    ----------
    gyroradius, eta, speed
        As in `pitch_angle_scattering`.
    smallest_wavenumber : Quantity
        k_min, scalar.
    index : float
        s, between 1 and 2.

    Returns
    -------
    Quantity
        In cm2 / s.

    Raises
    ------
    ValueError
        A value out of range, or k_min r_0 > 1.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> kappa = power_law_parallel_diffusion(gyroradius=0.1 * u.pc, eta=0.01, smallest_wavenumber=1 / u.pc)
    >>> print(f"{kappa:.3g}")
    5.23e+30 cm2 / s
    """
    spectrum = SlabSpectrum(1 / u.Quantity(smallest_wavenumber), index, sharp=True)
    radius, b2 = _mean_field_radius(gyroradius, eta)
    if b2 == 0:
        raise ValueError("eta must be positive: without turbulence nothing scatters, got 0")
    ratio, s = float(radius / take("scale", spectrum.scale, _LENGTH)), index
    if ratio > 1:
        raise ValueError(f"gyroradius must be at most 1/k_min, in the mean field it is {ratio:g} of it")
    v = take("speed", speed, u.cm / u.s, positive=True)
    factor = 2 / (np.pi * (s - 1)) / b2 * ratio ** (1 - s) / ((2 - s) * (4 - s))
    return v * (radius * _LENGTH).to(u.cm) * factor * u.cm / u.s


def field_line_wandering(model: str, *, eta: Any, correlation_length: u.Quantity) -> u.Quantity:
    """Quasilinear wandering of field lines, K = (δB_x/B0)² times the integral of the correlation along the mean field.

    ISO b² L_c/8, ALF b² L_c/4, and zero for MAG: its waves with k across the mean field have no component across it.

    Parameters
    ----------
    model : {"ISO", "ALF", "MAG"}
    eta : array_like
        Turbulence level, below 1, any shape.
    correlation_length : Quantity
        L_c over both directions.

    Returns
    -------
    Quantity
        K, half the growth rate of ⟨x²⟩ with the distance along the field, a length.

    Raises
    ------
    ValueError
        An unknown model, a value out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Jokipii & Parker 1969 for the method. Valid for b ≪ 1. For MAG the first term that does not vanish is of fourth
    order in b (Bouchet et al. 2026).

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{field_line_wandering('ALF', eta=0.1, correlation_length=1 * u.pc):.4f}")
    0.0278 pc
    """
    if model not in _WANDERING:
        raise ValueError(f"model must be one of {', '.join(_WANDERING)}, got {model!r}")
    take("correlation_length", correlation_length, _LENGTH, positive=True)
    return _WANDERING[model] * field_ratio(eta) ** 2 * correlation_length


def slab_wandering(*, eta: Any, spectrum: SlabSpectrum) -> u.Quantity:
    """Wandering of field lines in slab turbulence, K = (π/4) b² W(0), exact for every b.

    The field depends on z alone, so a line is a sum of independent pieces at any amplitude (with z as the parameter).

    Parameters
    ----------
    eta : array_like
        Turbulence level, below 1, any shape.
    spectrum : SlabSpectrum

    Returns
    -------
    Quantity
        K per axis, a length.

    Raises
    ------
    ValueError
        η out of range.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{slab_wandering(eta=0.09 / 1.09, spectrum=SlabSpectrum(1 * u.pc)):.4f}")
    0.0336 pc
    """
    return np.pi / 4 * field_ratio(eta) ** 2 * spectrum.density(0 / spectrum.scale.unit)


def corrsin_wandering(mean: Callable[[int], u.Quantity], *, closure: str) -> u.Quantity:
    """Wandering of field lines without a mean field by Corrsin's hypothesis, over δB, with dτ = ds/B as the parameter.

    The correlation that a line sees is taken as the average of the field's own over a Gaussian cloud of displacements.
    ``"DD"`` lets the cloud diffuse from the start, K = δB sqrt(⟨k⁻²⟩/3); ``"RBD"`` lets it fly,
    K = δB sqrt(π/6) ⟨k⁻¹⟩.

    Parameters
    ----------
    mean : callable
        ``mean(n)`` is ⟨k^-n⟩ over the spectrum, for n = 1 and 2, a length to the power of n.
    closure : {"DD", "RBD"}

    Returns
    -------
    Quantity
        K/δB per axis, a length.

    Raises
    ------
    ValueError
        Another closure, a mean that is not positive.
    UnitConversionError
        A mean that is no length to the power of n.

    Notes
    -----
    Sonsrettee et al. 2015 compare these closures.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{corrsin_wandering(lambda n: (1 * u.pc / np.pi) ** n, closure='RBD'):.4f}")
    0.2303 pc
    """
    if closure == "DD":
        return np.sqrt(take("mean(2)", mean(2), _LENGTH**2, positive=True) / 3) * _LENGTH
    if closure == "RBD":
        return np.sqrt(np.pi / 6) * take("mean(1)", mean(1), _LENGTH, positive=True) * _LENGTH
    raise ValueError(f'closure must be "DD" or "RBD", got {closure!r}')


def two_component_wandering(slab: u.Quantity, two_dimensional: u.Quantity) -> u.Quantity:
    """Wandering in slab plus two-dimensional turbulence, K = K_s/2 + sqrt((K_s/2)² + K_2²).

    Parameters
    ----------
    slab, two_dimensional : Quantity
        K of each alone, lengths, shapes that broadcast; K_2 = δB_2 l_u/(sqrt(2) B0) with the ultrascale
        l_u² = ⟨k⁻²⟩.

    Returns
    -------
    Quantity

    Raises
    ------
    ValueError
        A negative value.
    UnitConversionError
        No length.

    Notes
    -----
    Matthaeus et al. 1995.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(two_component_wandering(0 * u.pc, 2 * u.pc), two_component_wandering(3 * u.pc, 0 * u.pc))
    2.0 pc 3.0 pc
    """
    half = take("slab", slab, _LENGTH, non_negative=True) / 2
    return (half + np.hypot(half, take("two_dimensional", two_dimensional, _LENGTH, non_negative=True))) * _LENGTH


def high_rigidity(
    *, gyroradius: u.Quantity, eta: Any, correlation_length: u.Quantity, speed: u.Quantity = _C
) -> tuple[u.Quantity, u.Quantity]:
    """Diffusion of particles that many independent patches of field deflect a little, r_g ≫ L_c.

    Along: κ = (4/3) v r_g²/(η L_c). Across: classical scattering, `classical_perpendicular`, which tends to
    (b²/12) v L_c, whatever the rigidity. Without a mean field, η = 1, both are the isotropic value.

    Parameters
    ----------
    gyroradius : Quantity
        r_g = p/(q B_tot), any shape.
    eta : array_like
        Turbulence level, above 0, at most 1.
    correlation_length : Quantity
        L_c over both directions.
    speed : Quantity
        v.

    Returns
    -------
    parallel, perpendicular : Quantity
        In cm2 / s.

    Raises
    ------
    ValueError
        A value out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Isotropic turbulence. Aloisio & Berezinsky 2004 for η = 1.

    Examples
    --------
    >>> from astropy import units as u
    >>> unit = 1 * u.pc * const.c
    >>> for kappa in high_rigidity(gyroradius=10 * u.pc, eta=0.5, correlation_length=1 * u.pc):
    ...     print(f"{(kappa / unit).to(u.one):.4g}")
    266.7
    0.08331
    """
    level = take("eta", eta, "", positive=True)
    if np.any(level > 1):
        raise ValueError(f"eta must be at most 1, got {level.max():g}")
    radius = take("gyroradius", gyroradius, u.cm, positive=True)
    length = take("correlation_length", correlation_length, u.cm, positive=True)
    kappa = 4 / 3 * take("speed", speed, u.cm / u.s, positive=True) * radius**2 / (level * length) * u.cm**2 / u.s
    return kappa, classical_perpendicular(kappa, gyroradius=gyroradius, eta=eta, speed=speed)


def classical_perpendicular(
    parallel: u.Quantity, *, gyroradius: u.Quantity, eta: Any, speed: u.Quantity = _C
) -> u.Quantity:
    """Diffusion across a straight mean field by scattering alone, κ_perp = κ_par / (1 + (λ_par/r_0)²).

    Here λ_par = 3 κ_par/v and r_0 = r_g/sqrt(1 - η), the gyroradius in the mean field.

    Parameters
    ----------
    parallel : Quantity
        κ_par, any shape.
    gyroradius, eta, speed
        As in `high_rigidity`.

    Returns
    -------
    Quantity
        In cm2 / s.

    Raises
    ------
    ValueError
        A value out of range.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> kappa = 1 * u.pc * const.c
    >>> print(f"{(classical_perpendicular(kappa, gyroradius=3 * u.pc, eta=0.0) / kappa).to(u.one):.2f}")
    0.50
    """
    level = take("eta", eta, "", non_negative=True)
    if np.any(level > 1):
        raise ValueError(f"eta must be at most 1, got {level.max():g}")
    kappa = take("parallel", parallel, u.cm**2 / u.s, positive=True)
    radius = take("gyroradius", gyroradius, u.cm, positive=True)
    v = take("speed", speed, u.cm / u.s, positive=True)
    return kappa / (1 + (1 - level) * (3 * kappa / v / radius) ** 2) * u.cm**2 / u.s


def compound_displacement(t: u.Quantity, *, wandering: u.Quantity, parallel: u.Quantity) -> u.Quantity:
    """Mean square displacement across, of particles that diffuse along lines and never leave them.

    ⟨x²⟩ = 2 K ⟨abs(z)⟩ with ⟨abs(z)⟩ = sqrt(4 κ_par t/π): subdiffusion, ∝ t^(1/2).

    Parameters
    ----------
    t : Quantity
        Times, zero or later, any shape.
    wandering : Quantity
        K, half the growth rate of ⟨x²⟩ with z.
    parallel : Quantity
        κ_par.

    Returns
    -------
    Quantity
        In the square of the unit of `wandering`.

    Raises
    ------
    ValueError
        A negative value.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Getmantsev 1963; Kóta & Jokipii 2000. Valid for t much longer than a scattering time.

    Examples
    --------
    >>> from astropy import units as u
    >>> x2 = compound_displacement([1, 4] * u.yr, wandering=1 * u.pc, parallel=np.pi * u.pc**2 / u.yr)
    >>> print(x2)
    [4. 8.] pc2
    """
    time, unit = take("t", t, u.yr, non_negative=True), u.Quantity(wandering).unit
    line = take("wandering", wandering, unit if unit.is_equivalent(u.m) else _LENGTH, non_negative=True)
    kappa = take("parallel", parallel, unit**2 / u.yr, non_negative=True)
    return 2 * line * np.sqrt(4 * kappa * time / np.pi) * unit**2


def _scattering(mu: Array, ratio: float, spectrum: SlabSpectrum) -> Array:
    """D_μμ/(Ω b²) for r_0 = ratio times the spectrum's scale; its limit at μ = 0 is zero."""
    size = np.maximum(np.abs(mu), 1e-100)
    x = 1 / (ratio * size)
    return np.asarray(np.where(mu == 0, 0.0, np.pi / 4 * (1 - mu**2) * x * spectrum.shape(x)))


def _mean_field_radius(gyroradius: u.Quantity, eta: float) -> tuple[Array, float]:
    """r_0 in pc and b², both scalars."""
    b = field_ratio(eta)
    radius = take("gyroradius", gyroradius, _LENGTH, positive=True)
    if b.ndim or radius.ndim:
        raise ValueError("eta and gyroradius must be scalars")
    return radius * np.hypot(1, b), float(b**2)
