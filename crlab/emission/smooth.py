"""The smooth sky: the mean density of cosmic rays times the gas, and the regions in which the plane was measured.

With a diffusion coefficient that is the same everywhere, the mean density of cosmic rays relative to the Sun's place is
the same at all energies, so that I(E) = q(E) ∫ n_H (ψ/ψ_sun) exp(-τ) ds with the emissivity q of the gas at the Sun.
Derived in the chapter "The smooth sky".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable
from scipy.optimize import least_squares
from scipy.special import ive, kve

from crlab.data import input_table
from crlab.emission import cross_sections
from crlab.emission.absorption import Absorption
from crlab.emission.gas import Ferriere, Gas, NakanishiSofue
from crlab.emission.line_of_sight import Axisymmetric, Field, integrate
from crlab.emission.maps import Region
from crlab.galaxy import solar_radius
from crlab.sources.population import Population
from crlab.units import Array, take

__all__ = ["REGIONS", "Band", "PowerLaw", "band", "measurements", "power_law_fit", "relative_density", "spectrum"]

REGIONS: Mapping[str, Region] = MappingProxyType(
    {
        "lhaaso-inner": Region("lhaaso-inner", 15 * u.deg, 125 * u.deg, 5 * u.deg),
        "lhaaso-outer": Region("lhaaso-outer", 125 * u.deg, 235 * u.deg, 5 * u.deg),
        "tibet-inner": Region("tibet-inner", 25 * u.deg, 100 * u.deg, 5 * u.deg),
        "tibet-outer": Region("tibet-outer", 50 * u.deg, 200 * u.deg, 5 * u.deg),
        "icecube-inner": Region("icecube-inner", -30 * u.deg, 30 * u.deg, 8 * u.deg),
        "icecube-outer": Region("icecube-outer", 60 * u.deg, 300 * u.deg, 8 * u.deg),
        "whole-sky": Region("whole-sky", 0 * u.deg, 360 * u.deg, 90 * u.deg),
    }
)
"""Regions of measurements: LHAASO (Cao et al. 2023), Tibet ASγ (Amenomori et al. 2021), IceCube (2023 and 2025)."""


def measurements(region: str) -> QTable:
    """What was measured in a region.

    Parameters
    ----------
    region : str
        One of `REGIONS`.

    Returns
    -------
    QTable
        Columns ``experiment``, ``messenger`` (gamma, or nu for one flavour), ``energy`` (TeV), ``flux``, ``low``,
        ``high`` and ``syst`` (1 / (TeV cm2 s sr)), ``pedigree``, ``doi``, ``key``; the ``meta`` says what they mean.

    Raises
    ------
    ValueError
        An unknown region.

    Examples
    --------
    >>> row = measurements("lhaaso-inner")[0]
    >>> print(f"{row['experiment']}: {row['flux']:.2e} at {row['energy']:.1f}")
    LHAASO-KM2A: 6.61e-13 1 / (TeV s sr cm2) at 12.6 TeV
    """
    _region(region)
    rows = input_table("diffuse-emission")
    return rows[rows["region"] == region]


def _region(name: str) -> Region:
    if name not in REGIONS:
        raise ValueError(f"region must be one of {', '.join(REGIONS)}, got {name!r}")
    return REGIONS[name]


@dataclass(frozen=True)
class PowerLaw:
    """A fitted F = N (E/pivot)^-Γ; made by `power_law_fit`."""

    normalisation: u.Quantity
    index: float
    normalisation_error: u.Quantity
    index_error: float
    chi2: float


def power_law_fit(data: QTable, *, pivot: u.Quantity) -> PowerLaw:
    """Fit a power law by least squares, weighted with the statistical errors.

    Where χ² exceeds the degrees of freedom, the errors are scaled up by the square root of their ratio. Of unequal
    errors the mean is taken.

    Parameters
    ----------
    data : QTable
        From `measurements`, at least three rows.
    pivot : Quantity
        Energy at which the normalisation N is given.

    Returns
    -------
    PowerLaw

    Raises
    ------
    ValueError
        Fewer than three points.
    UnitConversionError
        A pivot without unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> fit = power_law_fit(measurements("lhaaso-inner"), pivot=50 * u.TeV)
    >>> print(f"{fit.index:.2f} ± {fit.index_error:.2f}")
    3.00 ± 0.06
    """
    if len(data) < 3:
        raise ValueError(f"data must hold at least three points, got {len(data)}")
    ratio = data["energy"].to_value(u.TeV) / take("pivot", pivot, u.TeV, positive=True)
    flux, unit = data["flux"].value, data["flux"].unit
    sigma = (data["low"] + data["high"]).to_value(unit) / 2
    start = np.polyfit(np.log(ratio), np.log(flux), 1)
    fit = least_squares(lambda p: (flux - np.exp(p[1]) * ratio ** p[0]) / sigma, start, x_scale="jac")
    chi2, free = 2 * float(fit.cost), len(data) - 2
    error = np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)) * max(1.0, chi2 / free))
    N = np.exp(fit.x[1]) * unit
    return PowerLaw(N, -float(fit.x[0]), N * error[1], float(error[0]), chi2)


def relative_density(
    population: Population | None = None,
    *,
    height: u.Quantity = 5 * u.kpc,
    radius: u.Quantity | None = None,
    levels: int = 21,
) -> Axisymmetric:
    """Mean density of cosmic rays relative to the Sun's place, as a field for `integrate`.

    ψ(R, z)/ψ(R_sun, 0) of a stationary population in a halo with free escape at abs(z) = height, for a diffusion
    coefficient that is the same everywhere and cancels. It is the sum over modes of `crlab.diffusion.green.disc_mean`
    with the integrals over radius accumulated from node to node, which gives the whole table at the price of one
    radius.

    Parameters
    ----------
    population : Population, optional
        An axisymmetric one, which also says where the Sun is; by default the supernovae of Ferrière 2001.
    height : Quantity
        Of the halo.
    radius : Quantity, shape (nr,), optional
        Radii of the table, in equal steps from 0; by default to 30 kpc in steps of about 0.25 kpc that meet the Sun.
    levels : int
        Heights of the table, from 0 to `height`.

    Returns
    -------
    Axisymmetric
        A pure number.

    Raises
    ------
    ValueError
        A population with arms, fewer than two levels, radii in unequal steps.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> import numpy as np
    >>> density = relative_density()
    >>> density.values(np.array([0.0, 4.0]), np.array([8.5, 0.0]), np.zeros(2)).round(1)
    array([[1. ],
           [2.2]])
    """
    sources = Population("Ferriere") if population is None else population
    if sources.arms is not None:
        raise ValueError("population must be axisymmetric, got one with arms")
    if levels < 2:
        raise ValueError(f"levels must be at least 2, got {levels}")
    h = float(take("height", height, u.kpc, positive=True))
    sun = solar_radius(sources.sun)
    R = _radii(sun) if radius is None else take("radius", radius, u.kpc, non_negative=True)
    edge = float(take("radius of the population", sources.radius, u.kpc, positive=True))
    fine = np.unique(np.concatenate([np.arange(0, edge, 0.1), [edge, sun], R]).round(9))
    fine[0] = 1e-9  # K0 is infinite at 0, where its factor is zero
    z = np.linspace(0, h, levels)
    table = _stationary(sources, fine, edge, h, z)
    here = table[np.searchsorted(fine, round(sun, 9)), 0]
    values = table[np.searchsorted(fine, np.maximum(R.round(9), 1e-9))] / here
    return Axisymmetric(R * u.kpc, z * u.kpc, values, sun=sun * u.kpc)


def _radii(sun: float) -> Array:
    """Radii to 30 kpc in steps of about 0.25 kpc, one of them that of the Sun."""
    step = sun / max(1, round(sun / 0.25))
    return np.asarray(step * np.arange(int(30.1 / step) + 1), dtype=np.float64)


def _stationary(sources: Population, nodes: Array, edge: float, h: float, z: Array) -> Array:
    """κ ψ per rate and Q at radii and heights: Σ cos(q z) [K0(qR) ∫₀ᴿ r f I0 dr + I0(qR) ∫ᴿ r f K0 dr] / h.

    The part f(R)(h - z)/2 of a uniform disc is summed exactly. The Bessel functions are scaled by exp(∓q r).
    """
    q = (2 * np.arange(96)[:, None] + 1) * np.pi / (2 * h)
    point, weight = np.polynomial.legendre.leggauss(12)
    width = np.diff(nodes)
    r = nodes[:-1, None] + width[:, None] * (1 + point) / 2
    f = (
        np.where(r < edge, sources.surface_density(r * u.kpc).to_value(u.kpc**-2), 0.0)
        * r
        * weight
        * width[:, None]
        / 2
    )
    inner, outer = np.zeros((2, q.size, nodes.size))
    for j, cell in enumerate(r):
        up = (ive(0, q * cell) * np.exp(-q * (nodes[j + 1] - cell)) * f[j]).sum(axis=1)
        inner[:, j + 1] = inner[:, j] * np.exp(-q[:, 0] * width[j]) + up
    for j in range(len(r) - 1, -1, -1):
        down = (kve(0, q * r[j]) * np.exp(-q * (r[j] - nodes[j])) * f[j]).sum(axis=1)
        outer[:, j] = outer[:, j + 1] * np.exp(-q[:, 0] * width[j]) + down
    here = np.where(nodes < edge, sources.surface_density(nodes * u.kpc).to_value(u.kpc**-2), 0.0)
    term = kve(0, q * nodes) * inner + ive(0, q * nodes) * outer - here / q**2
    return here[:, None] * (h - z) / 2 + term.T @ np.cos(q * z) / h


def spectrum(
    region: Region | str,
    energy: u.Quantity,
    *,
    gas: Gas,
    density: Field,
    secondary: str = "gamma",
    model: str = "aafrag",
    absorption: Absorption | None = None,
    step: u.Quantity = 1 * u.deg,
    **options: Any,
) -> u.Quantity:
    """Intensity of the smooth model, averaged over a region.

    Parameters
    ----------
    region : Region or str
        A name of `REGIONS`, or your own.
    energy : Quantity, shape (e,)
    gas : Gas
    density : Field
        Density of cosmic rays relative to the Sun, as from `relative_density`; its Sun is where we look from.
    secondary, model : str
        As in `crlab.emission.cross_sections.emissivity_matrix`. Neutrinos are not absorbed; ``"nu_all"`` counts three
        flavours.
    absorption : Absorption, optional
        For gamma rays; by default the microwave background.
    step : Quantity
        Between lines of sight, as in `Region.grid`. With the default the average is right to 0.1 per cent for all
        `REGIONS` and both gas models.
    **options
        For `integrate`.

    Returns
    -------
    Quantity, shape (e,)
        1 / (TeV cm2 s sr).

    Raises
    ------
    ValueError, UnitConversionError
        As in `integrate` and `emissivity_matrix`.

    Examples
    --------
    >>> from astropy import units as u
    >>> sky = spectrum("lhaaso-inner", [12.6] * u.TeV, gas=NakanishiSofue(), density=relative_density())
    >>> print(f"{sky[0]:.0e}")
    3e-13 1 / (TeV s sr cm2)
    """
    where = _region(region) if isinstance(region, str) else region
    lon, lat, weight = where.grid(step)
    q = cross_sections.emissivity(energy, secondary=secondary, model=model)
    if secondary == "gamma":
        options["absorption"] = Absorption() if absorption is None else absorption
    column = integrate(density, gas, lon, lat, energy=energy, **options)
    return (q * (weight[:, None] * column).sum(axis=0)).to(1 / (u.TeV * u.cm**2 * u.s * u.sr))


@dataclass(frozen=True)
class Band:
    """A smooth prediction with its two largest uncertainties; made by `band`.

    Parameters
    ----------
    energy : Quantity, shape (e,)
    low, high : Quantity, shape (e,)
        Smallest and largest of all combinations of gas model and cross-sections.
    models : mapping of str to Quantity
        Each combination by name, such as ``"Ferriere, aafrag"``.
    """

    energy: u.Quantity
    low: u.Quantity
    high: u.Quantity
    models: Mapping[str, u.Quantity]


def band(
    region: Region | str,
    energy: u.Quantity,
    *,
    density: Field,
    gases: Sequence[Gas] = (Ferriere(), NakanishiSofue()),
    models: Sequence[str] = cross_sections.MODELS,
    **options: Any,
) -> Band:
    """Smooth prediction for each gas model and each set of cross-sections.

    Two gas models differ by a factor of two within 5° of the plane, two cross-sections by 20 to 30 per cent: the band
    is the spread of what is in use, not a confidence interval.

    Parameters
    ----------
    region, energy, density, **options
        As in `spectrum`.
    gases : sequence of Gas
    models : sequence of str

    Returns
    -------
    Band

    Raises
    ------
    ValueError, UnitConversionError
        As in `spectrum`.

    Examples
    --------
    >>> from astropy import units as u
    >>> b = band("lhaaso-inner", [12.6] * u.TeV, density=relative_density(), step=5 * u.deg)
    >>> print(f"{(b.high / b.low)[0]:.0f}")
    2
    """
    found: dict[str, u.Quantity] = {}
    secondary = options.get("secondary", "gamma")
    ratios: dict[str, Array] = {}
    base = cross_sections.emissivity(energy, secondary=secondary, model=models[0])
    for model in models:
        q = cross_sections.emissivity(energy, secondary=secondary, model=model)
        ratios[model] = (q / base).to_value(u.one)
    for gas in gases:
        first = spectrum(region, energy, density=density, gas=gas, model=models[0], **options)
        for model in models:
            found[f"{type(gas).__name__}, {model}"] = first * ratios[model]
    stack = u.Quantity(list(found.values()))
    return Band(energy, stack.min(axis=0), stack.max(axis=0), found)
