"""What independent methods give in this part."""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.anisotropy import sky, walk
from crlab.ledger.validation import Validation

__all__ = ["VALIDATIONS"]

_LENGTH = 1 * u.pc
_FLIGHT = (_LENGTH / const.c).to(u.yr)
_MILNE = 0.7104  # where a density extrapolates to zero beyond a boundary, in free paths


def _walked() -> tuple[float, float]:
    run = walk.simulate([50] * _FLIGHT, mean_free_path=_LENGTH, number=20_000, seed=1)
    return float(run.mean_square[0] / _LENGTH**2), float(run.error[0] / _LENGTH**2)


def _gradient() -> float:
    """Mean over the shell of ψ r² and of its gradient for ψ ∝ 1/r - 1/R'."""
    a, b, R = 9.0, 12.0, 30 + _MILNE
    return float((b - a) / ((b**2 - a**2) / 2 - (b**3 - a**3) / (3 * R)))


def _shell() -> tuple[float, float]:
    shells = walk.steady_shells([9, 12] * _LENGTH, mean_free_path=_LENGTH, boundary=30 * _LENGTH, number=20_000, seed=1)
    return float(shells.dipole[0]), float(shells.error[0])


def _hopf() -> float:
    """6/π² + (1/π) ∫ [3/x² - 1/(1 - x cot x)] dx from 0 to π/2; the bracket tends to 3/5 for small x."""
    node, weight = np.polynomial.legendre.leggauss(30)
    x = np.pi / 4 * (node + 1)
    return float(6 / np.pi**2 + weight @ (3 / x**2 - 1 / (1 - x / np.tan(x))) / 4)


def _beyond_the_edge() -> tuple[float, float]:
    """R' - R from the dipole between 6 and 8 ℓ in a ball of 10 ℓ, `_gradient` solved for R'."""
    a, b, R = 6.0, 8.0, 10.0
    shells = walk.steady_shells([a, b] * _LENGTH, mean_free_path=_LENGTH, boundary=R * _LENGTH, number=100_000, seed=1)
    dipole, error = float(shells.dipole[0]), float(shells.error[0])
    left = (b**2 - a**2) / 2 - (b - a) / dipole
    far = (b**3 - a**3) / 3 / left
    return far - R, far / left * (b - a) / dipole**2 * error


_SOUTH = sky.declination_band(16, latitude=-90 * u.deg, zenith=60 * u.deg)


def _band_noise() -> tuple[float, float]:
    """Spread of x and y over many isotropic skies of 10 000 events in the band, fitted ring by ring."""
    skies = (sky.sample_counts(10_000, 1.0 * _SOUTH, seed=seed) for seed in range(600))
    found = [sky.fit_dipole(counts, mask=_SOUTH, bands=True).vector for counts in skies]
    spread = float(np.sqrt(np.mean(np.square(found)) * 10_000 / 3))
    return spread, spread / np.sqrt(2 * np.size(found))


def _band_information() -> float:
    """√(2/3⟨cos²δ⟩) for δ below -30°."""
    low, high = -1.0, -0.5
    square = (high**3 - low**3) / 3 / (high - low)
    return float(np.sqrt(2 / (3 * (1 - square))))


VALIDATIONS: list[Validation] = [
    Validation(
        id="anisotropy-walk",
        system="isotropic scattering",
        quantity="⟨r²⟩ after 50 free flights, in ℓ²",
        chapter="anisotropy/from-flying-to-diffusing",
        methods={
            "analytic": lambda: walk.mean_square(50 * _FLIGHT, mean_free_path=_LENGTH) / _LENGTH**2,
            "Monte Carlo": _walked,
        },
        tolerance=1e-6,
    ),
    Validation(
        id="anisotropy-dipole",
        system="a steady source in a ball with free escape",
        quantity="dipole between 9 and 12 ℓ",
        chapter="anisotropy/from-flying-to-diffusing",
        methods={"analytic": _gradient, "Monte Carlo": _shell},
        tolerance=0.005,
        remark="Analytic: the gradient of the diffusive density, good to order (ℓ/r)².",
    ),
    Validation(
        id="anisotropy-edge",
        system="the same near the edge",
        quantity="distance beyond it where the density would vanish, in ℓ",
        chapter="anisotropy/from-flying-to-diffusing",
        methods={"numerical": _hopf, "Monte Carlo": _beyond_the_edge, "published": lambda: _MILNE},
        tolerance=0.005,
        remark=(
            "Milne's problem. Numerical: Hopf's integral. Monte Carlo: from the dipole 2 to 4 ℓ within the edge. "
            "Published: Placzek and Seidel (1947)."
        ),
    ),
    Validation(
        id="anisotropy-band",
        system="an isotropic sky of N events south of -30° declination",
        quantity="error of an equatorial component of its dipole, in √(3/N)",
        chapter="anisotropy/how-isotropic-is-the-sky",
        methods={"analytic": _band_information, "Monte Carlo": _band_noise},
        tolerance=0.01,
        remark=(
            "Analytic: the information in right ascension alone, √(2/3⟨cos²δ⟩). Monte Carlo: spread of the fits to "
            "simulated skies, each declination with an exposure of its own. The tolerance is for the pixels."
        ),
    ),
]
