"""What the exercises of this part ask for."""

from functools import cache

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.optimize import brentq

from crlab.emission import cross_sections as cs
from crlab.emission import smooth
from crlab.emission.absorption import CMB, Absorption
from crlab.emission.density import spread
from crlab.emission.gas import Ferriere
from crlab.emission.line_of_sight import Axisymmetric, integrate
from crlab.emission.stochastic import beam_scale, column_share, exceedance
from crlab.galaxy import Halo
from crlab.ledger.answers import Answer
from crlab.sources.credit import source_count
from crlab.sources.release import Suppression

__all__ = ["ANSWERS"]

_LHAASO = 12.6 * u.TeV


@cache
def _density(height: float = 5.0) -> Axisymmetric:
    return smooth.relative_density(height=height * u.kpc)


def _intensity(region: str, field: Axisymmetric) -> float:
    return float(smooth.spectrum(region, [_LHAASO.value] * _LHAASO.unit, gas=Ferriere(), density=field)[0].value)


def _yield_ratio() -> float:
    hard, soft = (cs.power_law_yield(10 * u.TeV, index=index) for index in (2.0, 3.0))
    return float(hard / soft)


def _left_at_a_pev() -> float:
    W = cs.emissivity_matrix([1000] * u.TeV)[0]
    return float(W[cs.RIGIDITY < 3 * u.PV].sum() / W.sum())


def _darkest() -> u.Quantity:
    """Energy at which starlight takes most, of 15 between 10 TeV and 1 PeV."""
    E = np.geomspace(10, 1000, 15) * u.TeV
    without, lit = (
        smooth.spectrum("lhaaso-inner", E, gas=Ferriere(), density=_density(), absorption=Absorption(starlight=on))
        for on in (False, True)
    )
    return E[np.argmin(lit / without)]


def _by_gas_alone() -> float:
    flat = Axisymmetric([0, 40] * u.kpc, [0, 5] * u.kpc, np.ones((2, 2)))
    return _intensity("lhaaso-inner", flat) / _intensity("lhaaso-outer", flat)


def _outside_the_band() -> float:
    """Average beyond a degree from the plane over that of the whole region."""
    lon, lat, weight = smooth.REGIONS["lhaaso-inner"].grid(1 * u.deg)
    values = integrate(_density(), Ferriere(), lon, lat)[:, 0].value
    far = abs(lat) > 1 * u.deg
    return float(weight[far] @ values[far] / weight[far].sum() / (weight @ values))


def _age_of_a_hundredth() -> u.Quantity:
    return float(column_share(1 * u.kyr, 15 * u.kpc)) / 0.01 * u.kyr


def _brighter() -> float:
    """Line of sight of 15 kpc through a source of 1 kyr and 50 pc, with diffusion slower by 10, parents of 100 TV."""
    age, R = 1 * u.kyr, 100 * u.TV
    wide = spread(age, R, scenario=Suppression(factor=10.0))[0, 0] + (50 * u.pc) ** 2 / 2
    return float(1 + column_share(age, 15 * u.kpc) * (Halo().kappa(R) * age / wide).to_value(u.one))


def _blurred() -> u.Quantity:
    width = 8 * u.kpc * (0.5 * u.deg).to_value(u.rad)
    return width**2 / (4 * Halo().kappa(100 * u.TV))


def _suppression() -> float:
    """χ for which a tenth of all lines of sight of 15 kpc are doubled by a source."""

    def off(ln_chi: float) -> float:
        slow = Suppression(factor=float(np.exp(ln_chi)))
        return float(exceedance(1.0, 100 * u.TV, length=15 * u.kpc, scenario=slow)) - 0.1

    return float(np.exp(brentq(off, 0.0, np.log(100), xtol=1e-4)))


def _nearer() -> float:
    """Scale of the stable law along one mean free path at 2.2 PeV, over that along 15 kpc."""
    path = (1 / CMB.rate(2.2 * u.PeV)).to_value(u.kpc)
    n = source_count(20 * u.PeV)
    return float(beam_scale(n, path / 5) / beam_scale(n, 3.0))


ANSWERS: list[Answer] = [
    Answer(
        id="ingredients-1",
        exercise="ex-ingredients-grammage",
        wanted="the grammage for a column of 1e23 hydrogen nuclei per cm², with helium",
        kind="a grammage",
        unit="g / cm2",
        compute=lambda: 1e23 / u.cm**2 * 1.4 * const.m_p,
        tolerance=0.2,
        hint="one helium atom for ten of hydrogen adds two fifths to the mass.",
    ),
    Answer(
        id="ingredients-2",
        exercise="ex-ingredients-index",
        wanted="the yield for the index 2 over that for 3",
        kind="a pure number",
        compute=_yield_ratio,
        hint="power_law_yield takes the index.",
    ),
    Answer(
        id="ingredients-3",
        exercise="ex-ingredients-cutoff",
        wanted="the part that is left at 1 PeV",
        kind="a pure number",
        compute=_left_at_a_pev,
        tolerance=0.06,
        hint="sum a row of the matrix over the rigidities that are left.",
    ),
    Answer(
        id="smooth-1",
        exercise="ex-smooth-halo",
        wanted="the intensity with a halo of 2 kpc over that with 10 kpc",
        kind="a pure number",
        compute=lambda: _intensity("lhaaso-inner", _density(2.0)) / _intensity("lhaaso-inner", _density(10.0)),
        hint="relative_density takes the height.",
    ),
    Answer(
        id="smooth-2",
        exercise="ex-smooth-starlight",
        wanted="the energy at which starlight takes most",
        kind="an energy",
        unit="TeV",
        compute=_darkest,
        tolerance=0.3,
        hint="photons of dust have a hundredth of an eV.",
    ),
    Answer(
        id="smooth-3",
        exercise="ex-smooth-flat",
        wanted="the ratio of the inner to the outer region that is due to the gas",
        kind="a pure number",
        compute=_by_gas_alone,
        hint="Axisymmetric makes a field of a table of ones.",
    ),
    Answer(
        id="smooth-4",
        exercise="ex-smooth-mask",
        wanted="the average outside the band over that of the whole region",
        kind="a pure number",
        compute=_outside_the_band,
        tolerance=0.06,
        hint="weigh directions with the weights of the grid, and divide by their sum.",
    ),
    Answer(
        id="maps-1",
        exercise="ex-one-flops",
        wanted="the time that the multiplications take",
        kind="a time",
        unit="s",
        compute=lambda: 1000 * 401**2 * 11 / 2e10 * u.s,
        hint="each source is multiplied once for each node and each height.",
    ),
    Answer(
        id="maps-2",
        exercise="ex-one-age",
        wanted="the age at which a source adds a hundredth",
        kind="a time",
        unit="kyr",
        compute=_age_of_a_hundredth,
        hint="column_share falls as one over the age.",
    ),
    Answer(
        id="maps-3",
        exercise="ex-one-milder",
        wanted="the factor by which the line of sight is brighter",
        kind="a pure number",
        compute=_brighter,
        hint="the share grows by κτ/Λ, with Λ from spread and the source's own; do not forget the rest of the line.",
    ),
    Answer(
        id="planes-1",
        exercise="ex-many-pixel",
        wanted="the age below which the pixel blurs a source",
        kind="a time",
        unit="yr",
        compute=_blurred,
        hint="Halo().kappa(100 * u.TV), and half a degree in radians.",
    ),
    Answer(
        id="planes-2",
        exercise="ex-many-rate",
        wanted="the factor by which the fluctuations along a line of sight grow",
        kind="a pure number",
        compute=lambda: float(beam_scale(1.0, 3.0) / beam_scale(10.0, 3.0)),
        hint="N_src goes down by ten, and the scale goes as a power of it.",
    ),
    Answer(
        id="planes-4",
        exercise="ex-many-chi",
        wanted="the suppression for which the mean number is a tenth",
        kind="a pure number",
        compute=_suppression,
        tolerance=0.1,
        hint="between 10 and 100; interpolate in the logarithm.",
    ),
    Answer(
        id="planes-5",
        exercise="ex-many-galaxies-horizon",
        wanted="the scale along one mean free path over that along 15 kpc",
        kind="a pure number",
        compute=_nearer,
        hint="CMB.rate gives the path; the second argument of beam_scale is L over the height of the halo.",
    ),
]
