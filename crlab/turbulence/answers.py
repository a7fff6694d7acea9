"""What the exercises of this part ask for."""

import healpy
import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.integrate import quad
from scipy.optimize import brentq

from crlab.answers import Answer
from crlab.turbulence import checks, numbers, quasilinear
from crlab.turbulence.spectrum import kolmogorov

__all__ = ["ANSWERS"]


def _scattering_wave() -> u.Quantity:
    """2π r_0 μ for 10 GV, μ = 0.5 and 3 µG."""
    r_0 = 10 * u.GV / const.c / (3 * u.uG)
    return (2 * np.pi * r_0 * 0.5).to(u.pc)


def _kraichnan() -> float:
    kappa = [quasilinear.power_law_parallel_diffusion(r_g=r, eta=1e-4, k_min=1.0, index=1.5) for r in (0.01, 0.02)]
    return float(np.log2(kappa[1] / kappa[0]))


def _filled_gap() -> float:
    """D_0 over D_μμ(0.5), for the chapter's field: b = 0.03 and a tenth of the bend-over scale."""
    spectrum, b = quasilinear.SlabSpectrum(1.0), 0.03
    field = {"r_g": 0.1 / np.hypot(1, b), "eta": b**2 / (1 + b**2), "spectrum": spectrum}
    level = float(quasilinear.pitch_angle_scattering(0.5, **field))

    def kappa(share: float) -> float:
        def integrand(y: float) -> float:  # mu = y³ takes the singularity at mu = 0 away
            D = float(quasilinear.pitch_angle_scattering(y**3, **field)) + share * level * (1 - y**6)
            return float(3 * y**2 * (1 - y**6) ** 2 / D)

        return float(quad(integrand, 1e-6, 1)[0])

    return float(brentq(lambda share: kappa(share) / kappa(0.0) - 0.5, 0, 10))


def _pendulum() -> float:
    """Exponent of the period in b, from the frequencies of ψ'' = -b ψ."""
    periods = [1 / np.linalg.eigvals([[0.0, 1.0], [-b, 0.0]]).imag.max() for b in (0.01, 0.04)]
    return float(np.log(periods[1] / periods[0]) / np.log(4))


def _waves_for_kurtosis() -> float:
    """Number of waves over two decades for a deficit of 0.1, which is inversely proportional to it."""
    k = np.geomspace(1, 100, 1000)
    energy = k * kolmogorov()(k * kolmogorov().k_min)
    direction = (1 / 5) / (1 / 3) ** 2  # <c⁴>/<c²>² of one component of a random unit vector
    deficit = 1.5 * direction * (energy**2).sum() / energy.sum() ** 2
    return float(1000 * deficit / 0.1)


def _tilted() -> float:
    """Share across z of the polarisation vector k × (-sin φ, cos φ, 0) of a wave 10° above the x-y plane, at φ = 0."""
    angle = np.radians(10.0)
    across = np.cross([np.cos(angle), 0.0, np.sin(angle)], [0.0, 1.0, 0.0])[:2]
    return float(across @ across)


def _many_fields() -> float:
    """Relative error with 250 fields of 4 particles."""
    a, c = numbers.BETWEEN["particles"], numbers.ALONE
    return float(np.sqrt((a**2 + c**2 / 4) / 250))


def _core_time() -> u.Quantity:
    plan = numbers.recommend(kolmogorov(5000), eta=0.1, r_g=1e-3, error=0.05)
    return plan.evaluations * 5e-10 * u.s


def _few_waves() -> float:
    """Stored κ along for η = 1 and r_g = 10 with 256 waves, over the limit of high rigidity."""
    return checks.stored("ISO", 1.0, 10.0, "par")[0] / float(quasilinear.high_rigidity(r_g=10.0, eta=1.0)[0])


ANSWERS: list[Answer] = [
    Answer(
        id="small-1",
        exercise="ex-small-rigidity",
        wanted="the wavelength for the proton of 10 GV",
        kind="a length",
        unit="pc",
        compute=_scattering_wave,
        hint="the wave turns once while the particle gyrates once.",
    ),
    Answer(
        id="small-2",
        exercise="ex-small-kraichnan",
        wanted="the power of rigidity for the flatter of the two spectra",
        kind="a pure number",
        compute=_kraichnan,
        hint="the resonant wave and its energy decide.",
    ),
    Answer(
        id="small-3",
        exercise="ex-small-isotropic",
        wanted="the constant over the value at half",
        kind="a pure number",
        compute=_filled_gap,
        tolerance=0.06,
        hint="substitute mu = y³ before integrating, as the chapter does.",
    ),
    Answer(
        id="small-4",
        exercise="ex-small-trapping",
        wanted="the exponent of b in the period",
        kind="a pure number",
        compute=_pendulum,
        tolerance=0.1,
        hint="b takes the place of gravity.",
    ),
    Answer(
        id="making-3",
        exercise="ex-making-modes",
        wanted="the number of waves over two decades",
        kind="a pure number",
        compute=_waves_for_kurtosis,
        tolerance=0.15,
        hint="what is missing is inversely proportional to the number.",
    ),
    Answer(
        id="lines-4",
        exercise="ex-lines-ends",
        wanted="the largest share of a wave's energy that is across the mean field",
        kind="a pure number",
        compute=_tilted,
        tolerance=0.06,
        hint="the polarisation vector is as far from the mean field as the wave vector is from the plane.",
    ),
    Answer(
        id="particles-2",
        exercise="ex-particles-nofield",
        wanted="κ, in units of the correlation length times the speed",
        kind="a pure number",
        compute=lambda: checks.stored("ISO", 1.0, 0.1, "par")[0],
        tolerance=0.12,
        hint="the mean over three axes has the smallest error.",
    ),
    Answer(
        id="across-1",
        exercise="ex-across-modes",
        wanted="κ along with the fewer waves, over the limit of high rigidity",
        kind="a pure number",
        compute=_few_waves,
        tolerance=0.06,
        hint="the limit goes as the square of the gyroradius.",
    ),
    Answer(
        id="sky-2",
        exercise="ex-sky-pixels",
        wanted="by which factor the floor falls when NSIDE doubles",
        kind="a pure number",
        compute=lambda: healpy.nside2npix(32) / healpy.nside2npix(16),
        hint="noise that differs from pixel to pixel averages out with their number.",
    ),
    Answer(
        id="choosing-1",
        exercise="ex-choosing-budget",
        wanted="the relative error with the larger number of fields",
        kind="a pure number",
        compute=_many_fields,
        hint="a² + c²/P, over the number of fields, is the square of it.",
    ),
    Answer(
        id="choosing-4",
        exercise="ex-choosing-small",
        wanted="the time on one core",
        kind="a time",
        unit="s",
        compute=_core_time,
        hint="recommend counts the evaluations; the spectrum must reach down to the gyroradius.",
    ),
]
