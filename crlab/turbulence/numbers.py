"""How many waves, realisations and particles, how long a step and a path: advice for a wanted error.

Reduced units (see `crlab.turbulence`). The constants are measurements of ``turbulence/choosing-the-numbers``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crlab.turbulence.fields import take_eta
from crlab.turbulence.particles import advised_step
from crlab.turbulence.spectrum import Spectrum, take_number

__all__ = ["Advice", "Scatter", "recommend", "scatter"]

Array = NDArray[np.float64]

PER_DECADE = 128
"""Waves per decade where a mean field turns the orbits: coefficients do not depend on more within 5 %."""

EXCESS = 47.0
"""Relative excess of κ without a mean field at r_g = 10 L_c, times the waves per decade."""

ALONE = 1.7
"""Relative scatter of the squared displacement's growth of one particle or line."""

BETWEEN = {"particles": 0.35, "lines": 0.8}
"""Relative scatter between realisations that more particles, or lines, in each do not remove."""


@dataclass(frozen=True)
class Advice:
    """Numbers for a simulation; made by `recommend`.

    Parameters
    ----------
    modes : int
        Waves per realisation.
    realisations, particles : int
        Fields, and particles or lines in each.
    step : float
    path : float
        Length to follow each of them; measure from the last two thirds.
    evaluations : float
        Evaluations of one wave in all: the cost of a Boris or, for lines, a Runge-Kutta run.
    """

    modes: int
    realisations: int
    particles: int
    step: float
    path: float
    evaluations: float


@dataclass(frozen=True)
class Scatter:
    """Where the scatter of a diffusion coefficient comes from; made by `scatter`.

    Parameters
    ----------
    value, error : float
        Mean, and its standard error from the realisations' means.
    naive : float
        The error that one would quote if all particles were independent.
    alone : float
        Relative scatter of single particles within a realisation.
    between : float
        Relative scatter between realisations beyond that of their particles; 0 if none is seen.
    """

    value: float
    error: float
    naive: float
    alone: float
    between: float


def scatter(t: Array, squares: Array) -> Scatter:
    """Split the scatter of a diffusion coefficient into that of particles and that of realisations.

    For each particle the slope of its squared displacement, over 2, is one (noisy) value. Variance within
    realisations is σ², that of the realisations' means is τ² + σ²/P.

    Parameters
    ----------
    t : array_like, shape (T,)
        Growing times in the diffusive regime, at least 2.
    squares : array_like, shape (R, P, T)
        Squared displacements per axis, of P ≥ 2 particles in R ≥ 2 realisations.

    Returns
    -------
    Scatter

    Raises
    ------
    ValueError
        Other shapes.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=(400, 10, 1)) * np.sqrt([1.0, 2.0])
    >>> found = scatter(np.array([1.0, 2.0]), x**2)
    >>> print(f"{found.value:.1f}, alone {found.alone:.1f}, between {found.between:.1f}")
    0.5, alone 1.4, between 0.0
    """
    t, squares = np.asarray(t, dtype=float), np.asarray(squares, dtype=float)
    if squares.ndim != 3 or t.shape != squares.shape[2:] or min(squares.shape) < 2 or np.any(np.diff(t) <= 0):
        raise ValueError(f"squares must have the shape (R, P, T), each 2 or more, with growing t, got {squares.shape}")
    centred = t - t.mean()
    slopes = squares @ centred / (centred @ centred) / 2
    realisations, particles = slopes.shape
    mean = float(slopes.mean())
    within = float(slopes.var(axis=1, ddof=1).mean())
    total = float(slopes.mean(axis=1).var(ddof=1))
    between = np.sqrt(max(total - within / particles, 0.0))
    return Scatter(
        value=mean,
        error=float(np.sqrt(total / realisations)),
        naive=float(np.sqrt(slopes.var(ddof=1) / slopes.size)),
        alone=float(np.sqrt(within)) / mean,
        between=float(between) / mean,
    )


def recommend(
    spectrum: Spectrum, *, eta: float, error: float, r_g: float | None = None, mean_free_path: float | None = None
) -> Advice:
    """Advise on the size of a simulation that measures a diffusion coefficient to a relative error.

    Realisations R and particles P follow from error² = (a² + c²/P)/R with the scatter a between realisations and c
    of one particle; P = c²/4a², rounded, costs a quarter more than the cheapest choice and keeps R bearable. Waves:
    128 per decade with a mean field. Without one, κ comes out too large by about (r_g/10 L_c) × 47/n with n waves per
    decade, since a nearly straight orbit meets few waves in resonance; n is chosen to keep this below half of `error`.

    Parameters
    ----------
    spectrum : Spectrum
    eta : float
        δB²/(B0² + δB²), from 0 to 1, above 0.
    error : float
        Wanted relative standard error, between 0 and 1.
    r_g : float, optional
        Gyroradius; none for field lines.
    mean_free_path : float, optional
        A guess of λ_parallel; by default 4 r_g²/(η L_c) + r_g^(1/3) L_c^(2/3)/η, the sum of the limits at high and at
        low rigidity, to a factor 2.

    Returns
    -------
    Advice

    Raises
    ------
    ValueError
        η or `error` out of range, r_g or `mean_free_path` not positive.

    Examples
    --------
    >>> from crlab.turbulence.spectrum import kolmogorov
    >>> advice = recommend(kolmogorov(), eta=0.5, r_g=0.1, error=0.1)
    >>> print(advice.modes, advice.realisations, advice.particles, f"{advice.step:.4f}")
    256 61 6 0.0119
    """
    eta = take_eta(eta)
    error = take_number("error", error, positive=True)
    if eta == 0:
        raise ValueError("eta must be above 0: without fluctuations nothing diffuses")
    if error >= 1:
        raise ValueError(f"error must be below 1, got {error:g}")
    length = spectrum.correlation_length
    decades = max(np.log10(spectrum.k_max / spectrum.k_min), 0.5)
    between = BETWEEN["lines" if r_g is None else "particles"]
    particles = max(4, round(ALONE**2 / (4 * between**2)))
    realisations = int(np.ceil((between**2 + ALONE**2 / particles) / error**2))
    step = advised_step(2 * np.pi / spectrum.k_max, r_g)
    density = float(PER_DECADE)
    if r_g is None:
        path = 100 * length
    else:
        # A mean field that turns the orbit within a few correlation lengths of scattering averages over waves.
        if eta > 0.9:
            density = max(density, EXCESS * r_g / (10 * length) / (0.5 * error))
        guess = 4 * r_g**2 / (eta * length) + np.cbrt(r_g * length**2) / eta
        path = 10 * (guess if mean_free_path is None else take_number("mean_free_path", mean_free_path, positive=True))
        path = max(path, 30 * length)
    modes = int(np.ceil(density * decades))
    per_step = 4 if r_g is None else 1
    evaluations = float(modes * realisations * particles * per_step * path / step)
    return Advice(modes, realisations, particles, step, float(path), evaluations)
