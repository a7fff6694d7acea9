"""What the exercises of this part ask for."""

from functools import cache

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.answers import Answer
from crlab.emission import cross_sections as cs
from crlab.emission import smooth
from crlab.emission.absorption import Absorption
from crlab.emission.gas import Ferriere
from crlab.emission.line_of_sight import Axisymmetric, integrate

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
]
