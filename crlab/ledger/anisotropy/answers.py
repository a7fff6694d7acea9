"""What the exercises of this part ask for."""

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.anisotropy.walk import diffusion_coefficient, steady_dipole
from crlab.ledger.answers import Answer

__all__ = ["ANSWERS"]

_LENGTH = 1.6 * u.pc
_KMS = u.km / u.s


def _moving_observer(speed: u.Quantity) -> u.Quantity:
    """Compton and Getting's dipole for an intensity ∝ E^-2.7."""
    return ((2.7 + 2) * speed / const.c).to(u.one)


def _harmonic_error() -> float:
    """√2 over the mean cosine of the declination on the whole sky."""
    sin, weight = np.polynomial.legendre.leggauss(200)
    return float(np.sqrt(2) / (weight @ np.sqrt(1 - sin**2) / 2))


def _biased_square() -> float:
    """Mean square of three normal deviates with the standard deviation 1, one of them about 2."""
    node, weight = np.polynomial.hermite_e.hermegauss(8)
    weight = weight / weight.sum()
    return float(weight @ (2 + node) ** 2 + 2 * (weight @ node**2))


def _two_sources() -> float:
    """Dipole between steady sources at 1 and 2 kpc: each alone weighted with its density 1/r."""
    distance = np.array([1.0, 2.0]) * u.kpc
    alone = steady_dipole(distance, kappa=diffusion_coefficient(_LENGTH)).to_value(u.one)
    density = 1 / distance.value
    return float((alone * density) @ [1, -1] / density.sum())


def _best_time() -> u.Quantity:
    """Maximum over t of density times dipole of a burst, t^(-5/2) exp(-r²/4κt), on a fine grid."""
    r, kappa = 300 * u.pc, 5e28 * u.cm**2 / u.s
    t = np.geomspace(1e3, 1e7, 40_001) * u.yr
    product = -2.5 * np.log(t.value) - (r**2 / (4 * kappa * t)).to_value(u.one)
    return t[np.argmax(product)]


def _transport_length() -> float:
    """1/(1 - g) for a new direction along old + random: g is the mean cosine, by quadrature."""
    mu, weight = np.polynomial.legendre.leggauss(400)
    g = weight @ ((1 + mu) / np.sqrt(2 + 2 * mu)) / 2
    return float(1 / (1 - g))


def _outward_dipole() -> float:
    """Three times the mean cosine of an intensity ∝ cos θ over the outward half."""
    node, weight = np.polynomial.legendre.leggauss(8)
    mu = (1 + node) / 2
    return float(3 * (weight @ mu**2) / (weight @ mu))


ANSWERS: list[Answer] = [
    Answer(
        id="isotropy-1",
        exercise="ex-isotropy-harmonic",
        wanted="the error of an equatorial component on the whole sky, times the root of N",
        kind="a pure number",
        compute=_harmonic_error,
        tolerance=0.02,
        hint="the error of A is that of the component times the mean cosine of the declination.",
    ),
    Answer(
        id="isotropy-2",
        exercise="ex-isotropy-motion",
        wanted="the dipole from 26 km/s through the local gas",
        kind="a pure number",
        compute=lambda: _moving_observer(26 * _KMS),
        hint="J/p² is the same for all observers.",
    ),
    Answer(
        id="isotropy-3",
        exercise="ex-isotropy-noise-bias",
        wanted="the mean square of the amplitude for a dipole of 2σ, in units of σ²",
        kind="a pure number",
        compute=_biased_square,
        tolerance=0.03,
        hint="σ² = 3/N.",
    ),
    Answer(
        id="diffusing-1",
        exercise="ex-diffusing-memory",
        wanted="what replaces ℓ, in units of ℓ, for the scattering of the exercise",
        kind="a pure number",
        compute=_transport_length,
        hint="1/(1 - g) with the mean cosine g of one scattering.",
    ),
    Answer(
        id="diffusing-2",
        exercise="ex-diffusing-two",
        wanted="the dipole of the two sources together",
        kind="a pure number",
        compute=_two_sources,
        hint="densities add as numbers, gradients as vectors.",
    ),
    Answer(
        id="diffusing-3",
        exercise="ex-diffusing-burst",
        wanted="the time at which density times dipole is largest",
        kind="a time",
        unit="yr",
        compute=_best_time,
        hint="the product goes as t^(-5/2) exp(-r²/4κt).",
    ),
    Answer(
        id="diffusing-4",
        exercise="ex-diffusing-edge",
        wanted="a for an intensity proportional to cos θ over the outward half",
        kind="a pure number",
        compute=_outward_dipole,
        hint="a is three times the mean cosine.",
    ),
]
