"""What independent methods give in this part."""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.anisotropy import sky, walk
from crlab.validation import Validation

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


def _noise() -> tuple[float, float]:
    """Spread of a component over many isotropic skies of 10 000 events, in units of sqrt(3/N)."""
    flat = np.ones(12 * 4**2)
    found = [sky.fit_dipole(sky.sample_counts(10_000, flat, seed=s)).vector for s in range(300)]
    size = np.size(found)
    spread = float(np.sqrt(np.mean(np.square(found)) * 10_000 / 3))
    return spread, spread / np.sqrt(2 * size)


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
        id="anisotropy-noise",
        system="an isotropic sky of N events",
        quantity="error of a dipole component, in √(3/N)",
        chapter="anisotropy/how-isotropic-is-the-sky",
        methods={"analytic": lambda: 1.0, "Monte Carlo": _noise},
        tolerance=0.01,
    ),
]
