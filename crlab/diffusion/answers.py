"""What the exercises of this part ask for."""

from astropy import units as u
from scipy.optimize import brentq

from crlab.answers import Answer

__all__ = ["ANSWERS"]


def _kappa(rigidity: float) -> u.Quantity:
    """The chapter's halo, R in GV."""
    return 0.05 * rigidity**0.6 * u.kpc**2 / u.Myr


def _wind_rigidity() -> u.Quantity:
    """Where a wind of 50 km/s over 4 kpc is as fast as diffusion."""
    wind = 50 * u.km / u.s * 4 * u.kpc
    return brentq(lambda R: float(wind / _kappa(R)) - 1, 1e-3, 1e3) * u.GV


ANSWERS: list[Answer] = [
    Answer(
        id="one-4",
        exercise="ex-one-wind",
        wanted="the rigidity at which uH equals κ",
        kind="a rigidity",
        unit="GV",
        compute=_wind_rigidity,
        tolerance=0.05,
        hint="the halo is 4 kpc high on each side, and κ grows as R^0.6.",
    ),
]
