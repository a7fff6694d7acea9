"""Transport by small fluctuations: quasilinear scattering, field-line wandering, and what follows in known limits.

Reduced units (see `crlab.turbulence`): lengths in any one unit, the speed is 1, κ is a length times the speed. The
gyroradius belongs to the total field, r_g = p/(q √(B0² + δB²)); that in the mean field is r_0 = r_g √(1 + b²) with
b = δB/B0. κ is half the growth rate of the mean square displacement along one axis, and the correlation length is the
integral of the normalised correlation over both directions of a line.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from scipy.integrate import quad
from scipy.special import gamma

from crlab.turbulence.spectrum import Spectrum, take_number
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

_ONE = u.dimensionless_unscaled
_WANDERING = {"ISO": 1 / 8, "ALF": 1 / 4, "MAG": 0.0}


def field_ratio(eta: Any) -> Array:
    """Strength of the fluctuations over the mean field, b = δB/B0 = √(η/(1 - η)).

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
    level = take("eta", eta, _ONE, non_negative=True)
    if np.any(level >= 1):
        raise ValueError(f"eta must be below 1, where a mean field is left, got {level.max():g}")
    return np.asarray(np.sqrt(level / (1 - level)))


@dataclass(frozen=True)
class SlabSpectrum:
    """Spectrum of slab turbulence without upper end, W ∝ (1 + (k l)²)^(-s/2) or, if `sharp`, ∝ k^-s above k = 1/l.

    ∫ W dk = 1 over k > 0, so that δB² W holds both components across the mean field.

    Parameters
    ----------
    scale : float
        l, the bend-over scale, or 1/k_min if `sharp`.
    index : float
        s, between 1 and 2.
    sharp : bool
        A power law cut at k_min instead of a bend.

    Raises
    ------
    ValueError
        A scale that is not positive, an index out of range.

    Examples
    --------
    >>> print(f"{SlabSpectrum(1.0)(0.0):.4f}")
    0.4754
    """

    scale: float = 1.0
    index: float = 5 / 3
    sharp: bool = False

    def __post_init__(self) -> None:
        take_number("scale", self.scale, positive=True)
        if not 1 < self.index < 2:
            raise ValueError(f"index must lie between 1 and 2, got {self.index!r}")

    def __call__(self, k: Any) -> Array:
        """W(k), a length, of the shape of k ≥ 0."""
        s, x = self.index, take("k", k, _ONE, non_negative=True) * self.scale
        if self.sharp:
            return np.asarray(np.where(x >= 1, (s - 1) * np.maximum(x, 1.0) ** -s, 0.0) * self.scale)
        norm = 2 * gamma(s / 2) / (np.sqrt(np.pi) * gamma((s - 1) / 2))
        return np.asarray(norm * (1 + x**2) ** (-s / 2) * self.scale)


def pitch_angle_scattering(mu: Any, *, r_g: float, eta: float, spectrum: SlabSpectrum) -> Array:
    """Quasilinear pitch-angle diffusion in slab turbulence, D_μμ = (π/4) Ω (1 - μ²) b² k_r W(k_r).

    Only the wave with one wavelength per gyration scatters: k_r = 1/(r_0 abs(μ)), with Ω = 1/r_0. Derived in
    ``turbulence/small-fluctuations``.

    Parameters
    ----------
    mu : array_like
        Pitch-angle cosine, from -1 to 1, any shape.
    r_g : float
        p/(q √(B0² + δB²)).
    eta : float
        Turbulence level, below 1.
    spectrum : SlabSpectrum

    Returns
    -------
    ndarray
        Speed over length, shape of `mu`.

    Raises
    ------
    ValueError
        A value out of range.

    Notes
    -----
    Jokipii 1966. Valid for b ≪ 1, and not near μ = 0, where the resonant wave is short and the particle stays long.

    Examples
    --------
    >>> print(f"{pitch_angle_scattering(0.5, r_g=0.1, eta=9e-4, spectrum=SlabSpectrum(1.0)):.3g}")
    0.000342
    """
    cosine = take("mu", mu, _ONE)
    if np.any(np.abs(cosine) > 1):
        raise ValueError(f"mu must lie between -1 and 1, got {cosine[np.abs(cosine) > 1].flat[0]:g}")
    r_0, b = _mean_field(r_g, eta)
    return _scattering(cosine, r_0, spectrum) * b**2


def parallel_diffusion(*, r_g: float, eta: float, spectrum: SlabSpectrum) -> float:
    """Quasilinear diffusion along the mean field, κ = (1/8) ∫ (1 - μ²)²/D_μμ dμ over -1 ≤ μ ≤ 1.

    Parameters
    ----------
    r_g, eta, spectrum
        As in `pitch_angle_scattering`; η must be positive.

    Returns
    -------
    float
        A length times the speed.

    Raises
    ------
    ValueError
        A value out of range, or a `sharp` spectrum that leaves some particles without a resonant wave (r_0 > l).

    Notes
    -----
    Hasselmann & Wibberenz 1970. Valid for b ≪ 1.

    Examples
    --------
    >>> print(f"{parallel_diffusion(r_g=0.1, eta=0.01, spectrum=SlabSpectrum(1.0)):.1f}")
    79.3
    """
    r_0, b = _scattered(r_g, eta)
    if spectrum.sharp and r_0 > spectrum.scale:
        raise ValueError(f"r_g must be at most the scale of a sharp spectrum, in the mean field it is {r_0:g}")

    def integrand(y: float) -> float:  # mu = y³ takes the singularity at mu = 0 away
        mu = np.asarray(y**3)
        return float(3 * y**2 * (1 - mu**2) ** 2 / _scattering(mu, r_0, spectrum))

    return float(quad(integrand, 0, 1, epsabs=0, epsrel=1e-9)[0] / 4 / b**2)


def power_law_parallel_diffusion(*, r_g: float, eta: float, k_min: float, index: float = 5 / 3) -> float:
    """`parallel_diffusion` for a sharp power law in closed form, ∝ b^-2 r_0^(2-s).

    κ = (r_0/8) · 4/(π (s - 1)) · b^-2 (k_min r_0)^(1-s) · 4/((2 - s)(4 - s)).

    Parameters
    ----------
    r_g, eta
        As in `pitch_angle_scattering`.
    k_min : float
        Where the power law begins.
    index : float
        s, between 1 and 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        A value out of range, or k_min r_0 > 1.

    Examples
    --------
    >>> print(f"{power_law_parallel_diffusion(r_g=0.1, eta=0.01, k_min=1.0):.1f}")
    56.5
    """
    s = SlabSpectrum(1 / take_number("k_min", k_min, positive=True), index).index
    r_0, b = _scattered(r_g, eta)
    if k_min * r_0 > 1:
        raise ValueError(f"r_g must be at most 1/k_min, in the mean field it is {k_min * r_0:g} of it")
    return float(2 * r_0 / (np.pi * (s - 1)) / b**2 * (k_min * r_0) ** (1 - s) / ((2 - s) * (4 - s)))


def field_line_wandering(polarisation: str, *, eta: Any, correlation_length: float = 1.0) -> Array:
    """Quasilinear wandering of field lines, K = (δB_x/B0)² times the integral of the correlation along the mean field.

    ISO b² L_c/8, ALF b² L_c/4, and zero for MAG: its waves with k across the mean field have no component across it.

    Parameters
    ----------
    polarisation : {"ISO", "ALF", "MAG"}
    eta : array_like
        Turbulence level, below 1, any shape.
    correlation_length : float
        L_c over both directions.

    Returns
    -------
    ndarray
        K, half the growth rate of ⟨Δx²⟩ with the distance along the field, a length.

    Raises
    ------
    ValueError
        Another polarisation, a value out of range.

    Notes
    -----
    Jokipii & Parker 1969 for the method. Valid for b ≪ 1. For MAG the first term that does not vanish is of fourth
    order in b (Bouchet et al. 2026).

    Examples
    --------
    >>> print(f"{field_line_wandering('ALF', eta=0.1):.4f}")
    0.0278
    """
    if polarisation not in _WANDERING:
        raise ValueError(f"polarisation must be one of {', '.join(_WANDERING)}, got {polarisation!r}")
    length = take_number("correlation_length", correlation_length, positive=True)
    return np.asarray(_WANDERING[polarisation] * field_ratio(eta) ** 2 * length)


def slab_wandering(*, eta: Any, spectrum: SlabSpectrum) -> Array:
    """Wandering of field lines in slab turbulence per length along the mean field, K = (π/4) b² W(0), for every b.

    The field depends on z alone, so a line is a sum of independent pieces at any amplitude.

    Parameters
    ----------
    eta : array_like
        Turbulence level, below 1, any shape.
    spectrum : SlabSpectrum

    Returns
    -------
    ndarray
        K per axis, a length.

    Raises
    ------
    ValueError
        η out of range.

    Examples
    --------
    >>> print(f"{slab_wandering(eta=0.09 / 1.09, spectrum=SlabSpectrum(1.0)):.4f}")
    0.0336
    """
    return np.asarray(np.pi / 4 * field_ratio(eta) ** 2 * spectrum(0.0))


def corrsin_wandering(spectrum: Spectrum, *, closure: str) -> float:
    """Wandering of field lines without a mean field by Corrsin's hypothesis, with dτ = ds/B, in units of δB.

    The correlation that a line sees is taken as the average of the field's own over a Gaussian cloud of displacements.
    ``"DD"`` lets the cloud diffuse from the start, K = δB √(⟨k^-2⟩/3); ``"RBD"`` lets it fly, K = δB √(π/6) ⟨k^-1⟩.

    Parameters
    ----------
    spectrum : Spectrum
    closure : {"DD", "RBD"}

    Returns
    -------
    float
        K/δB per axis, a length.

    Raises
    ------
    ValueError
        Another closure.

    Notes
    -----
    Sonsrettee et al. 2015 compare these closures.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> print(f"{corrsin_wandering(kolmogorov(), closure='RBD'):.4f}")
    0.2303
    """
    if closure == "DD":
        return float(np.sqrt(spectrum.mean(-2) / 3))
    if closure == "RBD":
        return float(np.sqrt(np.pi / 6) * spectrum.mean(-1))
    raise ValueError(f'closure must be "DD" or "RBD", got {closure!r}')


def two_component_wandering(slab: Any, two_dimensional: Any) -> Array:
    """Wandering in slab plus two-dimensional turbulence, K = K_s/2 + √((K_s/2)² + K_2²).

    Parameters
    ----------
    slab, two_dimensional : array_like
        K of each alone, shapes that broadcast; K_2 = δB_2 l_u/(√2 B0) with the ultrascale l_u² = ⟨k^-2⟩.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A negative value.

    Notes
    -----
    Matthaeus et al. 1995.

    Examples
    --------
    >>> print(two_component_wandering([0.0, 3.0], [2.0, 0.0]))
    [2. 3.]
    """
    half = take("slab", slab, _ONE, non_negative=True) / 2
    return np.asarray(half + np.hypot(half, take("two_dimensional", two_dimensional, _ONE, non_negative=True)))


def high_rigidity(*, r_g: Any, eta: Any, correlation_length: float = 1.0) -> tuple[Array, Array]:
    """Diffusion of particles that many independent patches of field deflect a little, r_g ≫ L_c.

    Along: κ = (4/3) r_g²/(η L_c). Across: classical scattering, `classical_perpendicular`, which tends to (b²/12) L_c,
    whatever the rigidity. Without a mean field, η = 1, both are the isotropic value.

    Parameters
    ----------
    r_g : array_like
        p/(q √(B0² + δB²)), any shape.
    eta : array_like
        Turbulence level, above 0, at most 1.
    correlation_length : float
        L_c over both directions.

    Returns
    -------
    parallel, perpendicular : ndarray
        A length times the speed.

    Raises
    ------
    ValueError
        A value out of range.

    Notes
    -----
    Isotropic turbulence. Aloisio & Berezinsky 2004 for η = 1.

    Examples
    --------
    >>> parallel, perpendicular = high_rigidity(r_g=10.0, eta=0.5)
    >>> print(f"{parallel:.1f}, {perpendicular:.4f}")
    266.7, 0.0833
    """
    level = _level(eta)
    if np.any(level == 0):
        raise ValueError("eta must be positive: without turbulence nothing scatters, got 0")
    length = take_number("correlation_length", correlation_length, positive=True)
    kappa = 4 / 3 * take("r_g", r_g, _ONE, positive=True) ** 2 / (level * length)
    return kappa, classical_perpendicular(kappa, r_g=r_g, eta=eta)


def classical_perpendicular(parallel: Any, *, r_g: Any, eta: Any) -> Array:
    """Diffusion across a straight mean field by scattering alone, κ_perp = κ_par / (1 + (3 κ_par/r_0)²).

    Parameters
    ----------
    parallel : array_like
        κ_par, any shape.
    r_g, eta
        As in `high_rigidity`; η may be 0.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A value out of range.

    Examples
    --------
    >>> print(f"{classical_perpendicular(1.0, r_g=3.0, eta=0.0):.2f}")
    0.50
    """
    kappa = take("parallel", parallel, _ONE, positive=True)
    return np.asarray(kappa / (1 + (1 - _level(eta)) * (3 * kappa / take("r_g", r_g, _ONE, positive=True)) ** 2))


def compound_displacement(t: Any, *, wandering: float, parallel: float) -> Array:
    """Mean square displacement across, of particles that diffuse along lines and never leave them.

    ⟨Δx²⟩ = 2 K ⟨abs(Δz)⟩ with ⟨abs(Δz)⟩ = √(4 κ_par t/π): subdiffusion, ∝ t^(1/2).

    Parameters
    ----------
    t : array_like
        Times, zero or later, any shape.
    wandering : float
        K, half the growth rate of ⟨Δx²⟩ with z.
    parallel : float
        κ_par.

    Returns
    -------
    ndarray
        Of the shape of `t`.

    Raises
    ------
    ValueError
        A negative value.

    Notes
    -----
    Kóta & Jokipii 2000. Valid for t much longer than a scattering time.

    Examples
    --------
    >>> print(compound_displacement([1, 4], wandering=1.0, parallel=np.pi))
    [4. 8.]
    """
    times = take("t", t, _ONE, non_negative=True)
    line = take_number("wandering", wandering, non_negative=True)
    kappa = take_number("parallel", parallel, non_negative=True)
    return np.asarray(2 * line * np.sqrt(4 * kappa * times / np.pi))


def _scattering(mu: Array, r_0: float, spectrum: SlabSpectrum) -> Array:
    """D_μμ/b²; its limit at μ = 0 is zero."""
    k = 1 / (r_0 * np.maximum(np.abs(mu), 1e-100))
    return np.asarray(np.where(mu == 0, 0.0, np.pi / 4 / r_0 * (1 - mu**2) * k * spectrum(k)))


def _mean_field(r_g: float, eta: float) -> tuple[float, float]:
    """r_0 and b."""
    b = float(field_ratio(take_number("eta", eta)))
    return take_number("r_g", r_g, positive=True) * float(np.hypot(1, b)), b


def _scattered(r_g: float, eta: float) -> tuple[float, float]:
    r_0, b = _mean_field(r_g, eta)
    if b == 0:
        raise ValueError("eta must be positive: without turbulence nothing scatters, got 0")
    return r_0, b


def _level(eta: Any) -> Array:
    level = take("eta", eta, _ONE, non_negative=True)
    if np.any(level > 1):
        raise ValueError(f"eta must be at most 1, got {level.max():g}")
    return level
