"""What the exercises of this part ask for."""

import healpy
import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.integrate import quad
from scipy.optimize import brentq

from crlab.grammage.halo import HaloModel
from crlab.ledger.answers import Answer
from crlab.turbulence import numbers, particles, quasilinear, results
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


def _cubic_divergence() -> float:
    """Power of Δ in the error of a gradient at a node, which cubic interpolation takes from the two neighbours."""
    errors = [1 - np.sin(K) / K for K in (0.2, 0.1)]
    return float(np.log2(errors[0] / errors[1]))


def _half_alfven() -> float:
    """K_perp/(b² L_c) at η = 0.1 if half of the waves are Alfvénic and half magnetosonic, which do nothing."""
    eta = 0.1
    parts = sum(quasilinear.field_line_wandering(kind, eta=eta) / 2 for kind in ("ALF", "MAG"))
    return float(parts / quasilinear.field_ratio(eta) ** 2)


def _tilted() -> float:
    """Share across z of the polarisation vector k × (-sin φ, cos φ, 0) of a wave 10° above the x-y plane, at φ = 0."""
    angle = np.radians(10.0)
    across = np.cross([np.cos(angle), 0.0, np.sin(angle)], [0.0, 1.0, 0.0])[:2]
    return float(across @ across)


def _flight_ratio() -> float:
    """⟨Δx² + Δy²⟩ over ⟨Δz²⟩ of straight flight in all directions."""
    mu, weight = np.polynomial.legendre.leggauss(8)
    return float((weight @ (1 - mu**2)) / (weight @ mu**2))


def _coarsest() -> float:
    """Steps in a turn at twice the advised step, for r_g = 0.1 and waves over two decades."""
    r_g = 0.1
    return 2 * np.pi * r_g / (2 * particles.advised_step(2 * np.pi / kolmogorov().k_max, r_g))


def _ratio_slope() -> float:
    along, across = quasilinear.high_rigidity(r_g=[100.0, 200.0], eta=0.5)
    return float(np.log2(across[1] / along[1] / (across[0] / along[0])))


def _fine_step() -> float:
    case = next(case for case in results.FULL if (case.polarisation, case.eta, case.r_g) == ("MAG", 0.5, 0.003))
    return case.step


def _linear_diffusion() -> float:
    """Exponent of the grammage, and so of B/C, at high rigidity for κ ∝ R."""
    X = [HaloModel().changed(delta=1.0).grammage(R).to_value(u.g / u.cm**2) for R in (1 * u.TV, 2 * u.TV)]
    return float(np.log2(X[1] / X[0]))


def _resolution() -> float:
    """By how much 0.1 L_c is to be raised for a phase T/r_g at T = 10 L_c that is one radian behind."""
    return float(brentq(lambda part: 10 / 0.1 - 10 / (0.1 * (1 + part)) - 1, 0, 1))


def _many_fields() -> float:
    """Relative error with 250 fields of 4 particles."""
    a, c = numbers.BETWEEN["particles"], numbers.ALONE
    return float(np.sqrt((a**2 + c**2 / 4) / 250))


def _core_time() -> u.Quantity:
    plan = numbers.recommend(kolmogorov(5000), eta=0.1, r_g=1e-3, error=0.05)
    return plan.evaluations * 5e-10 * u.s


def _few_waves() -> float:
    """Stored κ along for η = 1 and r_g = 10 with 256 waves, over the limit of high rigidity."""
    return results.stored("ISO", 1.0, 10.0, "par")[0] / float(quasilinear.high_rigidity(r_g=10.0, eta=1.0)[0])


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
        id="making-4",
        exercise="ex-making-divergence",
        wanted="the power of the size of a cell with which the divergence of the cubic kind falls",
        kind="a pure number",
        compute=_cubic_divergence,
        tolerance=0.06,
        hint="halve the cells where a wavelength has ten or more.",
    ),
    Answer(
        id="lines-2",
        exercise="ex-lines-mixture",
        wanted="K_perp over b² L_c for equal shares, in quasilinear theory",
        kind="a pure number",
        compute=_half_alfven,
        tolerance=0.15,
        hint="which of the two kinds bends lines for good?",
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
        id="particles-1",
        exercise="ex-particles-twice",
        wanted="the slide's d_perp over d_par at early times",
        kind="a pure number",
        compute=_flight_ratio,
        tolerance=0.03,
        hint="at first all particles fly straight, in all directions.",
    ),
    Answer(
        id="particles-2",
        exercise="ex-particles-nofield",
        wanted="κ, in units of the correlation length times the speed",
        kind="a pure number",
        compute=lambda: results.stored("ISO", 1.0, 0.1, "par")[0],
        tolerance=0.12,
        hint="the mean over three axes has the smallest error.",
    ),
    Answer(
        id="particles-3",
        exercise="ex-particles-step",
        wanted="the steps in a turn at the limit of the warning",
        kind="a pure number",
        compute=_coarsest,
        tolerance=0.05,
        hint="it comes at twice what advised_step says; the shortest wave counts, too.",
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
        id="across-2",
        exercise="ex-across-ratio",
        wanted="the power of r_g with which the ratio falls far above L_c",
        kind="a pure number",
        compute=_ratio_slope,
        tolerance=0.05,
        hint="one of the two no longer grows there.",
    ),
    Answer(
        id="across-3",
        exercise="ex-across-lower",
        wanted="the step for r_g = 0.003, in units of the correlation length",
        kind="a pure number",
        compute=_fine_step,
        tolerance=0.1,
        hint="a gyration has a length of 2π r_g, and is advised to have fifty steps.",
    ),
    Answer(
        id="across-4",
        exercise="ex-across-galaxy",
        wanted="the power of R with which B/C falls",
        kind="a pure number",
        compute=_linear_diffusion,
        tolerance=0.02,
        hint="the grammage goes as the time of escape.",
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
        id="sky-3",
        exercise="ex-sky-rigidity",
        wanted="the part by which a gyroradius of 0.1 may differ for phases that part by a radian until T = 10",
        kind="a pure number",
        compute=_resolution,
        tolerance=0.06,
        hint="the phase is T over r_g.",
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
