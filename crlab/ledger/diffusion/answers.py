"""What the exercises of this part ask for."""

from astropy import units as u
from scipy.optimize import brentq

from crlab.ledger.answers import Answer

__all__ = ["ANSWERS"]


def _kappa(rigidity: float) -> u.Quantity:
    """The chapter's halo, R in GV."""
    return 0.05 * rigidity**0.6 * u.kpc**2 / u.Myr


def _wind_rigidity() -> u.Quantity:
    """Where a wind of 50 km/s over 4 kpc is as fast as diffusion."""
    wind = 50 * u.km / u.s * 4 * u.kpc
    return brentq(lambda R: float(wind / _kappa(R)) - 1, 1e-3, 1e3) * u.GV


def _cooled_exponent() -> float:
    """Source R^-2.2 over losses R², times the time 1/(b₀R) over the distance √(κ/b₀R) that replaces H."""
    source, losses, kappa = -2.2, 2.0, 0.6
    time = 1 - losses
    return source + time - (kappa + time) / 2


ANSWERS: list[Answer] = [
    Answer(
        id="one-3",
        exercise="ex-one-electrons",
        wanted="the exponent of ψ(R) in the disc far above the break",
        kind="a pure number",
        compute=_cooled_exponent,
        tolerance=0.02,
        hint="what is made in one lifetime fills a layer as high as a particle diffuses in it.",
    ),
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
