"""What the talk says of discrete sources: their number, their time scales, their spectra."""

import numpy as np
from astropy import units as u

from crlab.claims import Claim
from crlab.diffusion.green import Halo, green, lepton_density, mean_density, survival
from crlab.sources.population import Population, number_of_sources
from crlab.timescales import lepton_losses

__all__ = ["CLAIMS"]

_NUMBER = "The number of sources contributing to CR flux decreases with energy"
_SMOOTH = "Source density is oftentimes considered smooth, while it really is discrete"
_SCALES = "Time scales"
_HOW_MANY = "sources/how-many-sources"
_GREEN = "sources/greens-function-of-the-halo"


def _residence() -> float:
    """Mean time in the halo in units of h²/κ, by integrating how many are left."""
    t, weight = np.polynomial.legendre.leggauss(100)
    return float((survival((2 * (t + 1)) ** 2) * 8 * (t + 1) * weight).sum())


def _distance(dimensions: float) -> float:
    """Root of the mean square of the way along `dimensions` axes within h²/2κ, in units of h."""
    return float(np.sqrt(2 * dimensions * _residence()))


def _number(rigidity: u.Quantity, profile: str, break_rigidity: u.Quantity | None) -> float:
    halo = Halo(break_rigidity=break_rigidity)
    uniform = 1 / (np.pi * (15.5 * u.kpc) ** 2)
    richer = Population(profile).sigma_eff() / uniform if profile != "infinite" else 1.0
    return float(number_of_sources(halo.escape_time(rigidity)) * richer)


def _slope(losses: str, energy: u.Quantity) -> float:
    """Exponent of the density in the plane for Γ = 2.2, δ = 0.6."""

    def rate(E: u.Quantity) -> u.Quantity:
        if losses == "none":
            return 1e-9 * E / u.Myr
        return lepton_losses(E, thomson=losses == "Thomson")

    E = energy.to(u.GeV) * np.array([1, 1.02])
    psi = lepton_density(E, halo=Halo(), losses=rate, index=2.2)
    return float(np.log(psi[1] / psi[0]) / np.log(1.02))


def _mean_over_smooth(z: u.Quantity) -> u.Quantity:
    """Sum over all places and ages of single bursts, over the steady solution for a smooth disc."""
    kappa = Halo().kappa(1 * u.TV)
    t, weight = np.polynomial.legendre.leggauss(100)
    spread = (10 * (t + 1)) ** 2  # Λ in kpc2
    y, y_weight = np.polynomial.laguerre.laggauss(16)
    rho = np.sqrt(4 * spread[:, None] * y) * u.kpc
    G = green(rho, spread[:, None] * u.kpc**2, z=z)
    ring = (4 * np.pi * spread[:, None] * u.kpc**2 * G * y_weight * np.exp(y)).sum(1)
    total = (ring * weight * 10 * 20 * (t + 1) * u.kpc**2 / kappa).sum()
    return (total / mean_density(kappa=kappa, z=z)).to(u.one)


CLAIMS: list[Claim] = [
    Claim(
        id="sources-residence",
        slide=_NUMBER,
        words="residence time in the halo, in units of z_max²/κ",
        chapter=_HOW_MANY,
        compute=_residence,
        stated=0.5,
        tolerance=1e-5,
        remark="Exact for particles born in the plane: the mean over all of them.",
    ),
    Claim(
        id="sources-distance",
        slide=_NUMBER,
        words="diffusion distance √(2κ t_esc), in units of z_max",
        chapter=_HOW_MANY,
        compute=_distance,
        inputs={"dimensions": 1},
        stated=1.0,
        tolerance=1e-5,
        remark="This is the way along one axis. Along the plane, two axes, it is {plane:.2f}; an estimate either way.",
        variants={"plane": {"dimensions": 2}},
    ),
    *(
        Claim(
            id=f"sources-number-{name}",
            slide=_NUMBER,
            words=f"number of sources at {name[:2]} {name[2:].upper()}",
            chapter=_HOW_MANY,
            compute=_number,
            inputs={"rigidity": R, "profile": "infinite", "break_rigidity": None},
            stated=stated,
            tolerance=0.25,
            remark=remark,
            variants=variants,
        )
        for name, R, stated, remark, variants in (
            (
                "10gv",
                10 * u.GV,
                2e5,
                "The slide gives one digit; rate and disc radius are ours (1 in 50 yr, 15.5 kpc), so that all three "
                "come out. Sources spread as in Case & Bhattacharya (1998) count as {profile:.2g}.",
                {"profile": {"profile": "Case & Bhattacharya 1998"}},
            ),
            (
                "10tv",
                10 * u.TV,
                2000.0,
                "One digit again. With a break of κ at 312 GV, by 0.2, it would be {broken:.2g}.",
                {"broken": {"break_rigidity": 312 * u.GV}},
            ),
            (
                "10pv",
                10 * u.PV,
                40.0,
                "Formal: the mean free path 3κ/c is longer there than the halo is high, so particles do not diffuse. "
                "At 1 PV it is {pev:.2g}.",
                {"pev": {"rigidity": 1 * u.PV}},
            ),
        )
    ),
    Claim(
        id="sources-slope-diffusion",
        slide=_SCALES,
        words="exponent where diffusion dominates, Γ = 2.2 and δ = 0.6",
        chapter=_HOW_MANY,
        compute=_slope,
        inputs={"losses": "none", "energy": 1 * u.TeV},
        stated=-2.8,
        tolerance=1e-4,
        remark="-Γ-δ.",
    ),
    Claim(
        id="sources-slope-cooling",
        slide=_SCALES,
        words="exponent where cooling dominates, Γ = 2.2 and δ = 0.6",
        chapter=_HOW_MANY,
        compute=_slope,
        inputs={"losses": "Thomson", "energy": 1 * u.TeV},
        stated=-3.0,
        tolerance=1e-3,
        remark=(
            "-Γ-(δ+1)/2, for t_cool ∝ 1/E. The Klein-Nishina cross-section of the same slide bends t_cool: with it the "
            "exponent is {kn100:.2f} at 100 GeV and {kn1:.2f} at 1 TeV."
        ),
        variants={
            "kn100": {"losses": "Klein-Nishina", "energy": 100 * u.GeV},
            "kn1": {"losses": "Klein-Nishina", "energy": 1 * u.TeV},
        },
    ),
    Claim(
        id="sources-mean",
        slide=_SMOOTH,
        words="mean of discrete sources over the solution for a smooth density",
        chapter=_GREEN,
        compute=_mean_over_smooth,
        inputs={"z": 0 * u.kpc},
        stated=1.0,
        tolerance=1e-4,
        remark="At every height; {high:.4f} at 3 kpc.",
        variants={"high": {"z": 3 * u.kpc}},
    ),
]
