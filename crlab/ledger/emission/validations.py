"""What independent methods give in this part."""

from functools import cache
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.special import gamma, zeta
from scipy.stats import levy_stable

from crlab.diffusion.green import theta
from crlab.emission import cross_sections as cs
from crlab.emission import smooth
from crlab.emission.absorption import CMB, Absorption, breit_wheeler
from crlab.emission.density import density, direct, mean_field, window
from crlab.emission.gas import Ferriere, NakanishiSofue, mass
from crlab.emission.line_of_sight import Grid, integrate
from crlab.emission.stochastic import beam_scale, column_share, exceedance
from crlab.galaxy import SUN
from crlab.ledger.validation import Validation
from crlab.sources.credit import source_count
from crlab.sources.population import Catalogue, Population
from crlab.units import Array

__all__ = ["VALIDATIONS"]

_INGREDIENTS = "emission/the-ingredients"
_SMOOTH = "emission/the-smooth-sky"
_ONE = "emission/one-galaxy"
_MANY = "emission/many-galaxies"
_TOTEM = ((8 * u.TeV) ** 2 / (2 * const.m_p * const.c**2)).to(u.GeV)


class _Uniform:
    """One nucleus per cm³, everywhere."""

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        return np.ones(x.shape)


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / np.sqrt(values.size))


def _shadow() -> float:
    """Part of the light of 30 kpc of uniform gas that is left, at 2.2 PeV."""
    flat = Grid([-60, 60] * u.kpc, [-60, 60] * u.kpc, [0] * u.kpc, np.ones((2, 2, 1)))
    energy, at = [2200] * u.TeV, ([0] * u.deg, [0] * u.deg)
    edges = np.linspace(0, 30, 1501) * u.kpc
    dim, bright = (
        integrate(flat, _Uniform(), *at, energy=energy, absorption=absorption, edges=edges)[0, 0]
        for absorption in (Absorption(), None)
    )
    return float(dim / bright)


@cache
def _absorbed() -> tuple[float, float]:
    """Rate of pair creation per kpc at 2.2 PeV, from photons of a black body that meet the gamma ray at random."""
    rng, n, kT = np.random.default_rng(1), 400_000, const.k_B * CMB.temperature
    x = rng.gamma(3.0, size=n) / rng.zipf(3, n)  # x²/(e^x - 1) = Σ x² e^(-kx)
    mu = rng.uniform(-1, 1, n)
    s = (2200 * u.TeV * kT / (const.m_e * const.c**2) ** 2).to_value(u.one) * x * (1 - mu) / 2
    value, error = _mean((1 - mu) * breit_wheeler(s).to_value(u.cm**2))
    photons = 16 * np.pi * zeta(3) * (kT / (const.h * const.c)) ** 3
    unit = float((photons * u.cm**2).to_value(1 / u.kpc))
    return value * unit, error * unit


def _drawn_path() -> tuple[u.Quantity, u.Quantity]:
    rate, error = _absorbed()
    return 1 / rate * u.kpc, error / rate**2 * u.kpc


def _drawn_shadow() -> tuple[float, float]:
    """(1 - e^-τ)/τ."""
    tau, error = 30 * np.array(_absorbed())
    left = -np.expm1(-tau) / tau
    return float(left), float((left - np.exp(-tau)) / tau * error)


def _drawn_mass() -> tuple[u.Quantity, u.Quantity]:
    """H2 within 3 kpc, from random points of a cylinder, more of them near the centre and near the plane."""
    rng, n, edge, top = np.random.default_rng(1), 400_000, 2.999, 2.0
    q, phi, t = rng.random(n), 2 * np.pi * rng.random(n), rng.uniform(-1, 1, n)
    r, z = edge * q**2, top * t**3
    gas = Ferriere("H2").nuclei(r * np.sin(phi), r * np.cos(phi), z)
    value, error = _mean(gas * 2 * np.pi * r * 2 * edge * q * 3 * top * t**2 * 2)
    unit = (u.kpc**3 / u.cm**3 * 1.00784 * u.u).to(u.Msun)
    return value * unit, error * unit


def _inner_sky() -> float:
    """Mean column of gas times cosmic rays in LHAASO's inner region, 1e22/cm²."""
    lon, lat, weight = smooth.REGIONS["lhaaso-inner"].grid(0.5 * u.deg)
    columns = integrate(smooth.relative_density(), NakanishiSofue(), lon, lat)[:, 0]
    return float(weight @ columns.to_value(1e22 / u.cm**2))


def _drawn_sky() -> tuple[float, float]:
    """The same from random directions in the region and random distances up to 30 kpc."""
    region, rng, n, far = smooth.REGIONS["lhaaso-inner"], np.random.default_rng(1), 400_000, 30.0
    lon = np.radians(region.low.to_value(u.deg) + region.width.to_value(u.deg) * rng.random(n))
    t = rng.uniform(-1, 1, n)  # sin b = sin(lat) t³, where most of the gas is
    sin_b = np.sin(region.lat.to_value(u.rad)) * t**3
    s = far * rng.random(n)
    cos_b = np.sqrt(1 - sin_b**2)
    x, y, z = s * cos_b * np.sin(lon), SUN.value - s * cos_b * np.cos(lon), s * sin_b
    value = NakanishiSofue().nuclei(x, y, z) * smooth.relative_density().values(x, y, z)[:, 0]
    mean, error = _mean(value * 3 * t**2)
    unit = float((far * u.kpc / u.cm**3).to_value(1e22 / u.cm**2))
    return mean * unit, error * unit


def _gradient() -> float:
    """ψ(4 kpc)/ψ(8.5 kpc) in the plane, from image sources of every place in the disc."""
    sources, h = Population("Ferriere"), 5.0
    edge = float(u.Quantity(sources.radius).to_value(u.kpc))
    n = np.arange(1, 201)[:, None, None]
    sign = np.where(n % 2, -1.0, 1.0) * np.where(n == 200, 0.5, 1.0)  # the last term by half: an alternating sum
    phi = 2 * np.pi * (np.arange(360) + 0.5) / 360
    psi = []
    for place in (4.0, SUN.value):
        node, weight = np.polynomial.legendre.leggauss(400)
        far = place + edge
        rho, d_rho = far * (1 + node[:, None]) / 2, far / 2 * weight
        r = np.hypot(place + rho * np.cos(phi), rho * np.sin(phi))
        density = sources.surface_density(r * u.kpc).value.mean(axis=1)
        images = 1 + 2 * (sign * rho / np.hypot(rho, 2 * n * h)).sum(axis=0)[:, 0]
        psi.append(d_rho @ (density * images))
    return float(psi[0] / psi[1])


def _fitted() -> tuple[float, float]:
    fit = smooth.power_law_fit(smooth.measurements("lhaaso-inner"), pivot=50 * u.TeV)
    return fit.index, fit.index_error


_PEOPLE = Population("Ferriere")
_HIGH = [300] * u.TV


@cache
def _galaxy() -> tuple[Catalogue, Any]:
    """One Galaxy, and 20 places in its plane."""
    rng = np.random.default_rng(4)
    r, phi = 14 * np.sqrt(rng.random(20)), 2 * np.pi * rng.random(20)
    return _PEOPLE.sample(window(_HIGH), seed=11), (r * np.sin(phi), r * np.cos(phi), 0 * r) * u.kpc


def _on_a_grid() -> float:
    galaxy, places = _galaxy()
    return float(density(galaxy, _HIGH, population=_PEOPLE, levels=1, progress=False).at(*places).mean())


def _one_by_one() -> float:
    galaxy, places = _galaxy()
    return float(direct(galaxy, _HIGH, *places, population=_PEOPLE).mean())


def _ring() -> Any:
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    return SUN.value * np.sin(angle), SUN.value * np.cos(angle), np.full(180, 0.8)


def _ring_of_galaxies() -> tuple[float, float]:
    """Mean over a ring 0.8 kpc above the plane, where no source weighs much, over 6 Galaxies."""
    R, found = [1] * u.PV, []
    for seed in range(6):
        galaxy = _PEOPLE.sample(window(R), seed=seed)
        field = density(galaxy, R, population=_PEOPLE, spacing=0.8 * u.kpc, levels=6, progress=False)
        found.append(field.values(*_ring()).mean())
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(6))


def _share_along_a_line() -> float:
    """Column of a source of 20 kyr on a line of sight, over a kpc of the mean that the same disc makes."""
    one = Catalogue([[0.0, 5.5, 0.0]] * u.kpc, [20] * u.kyr, SUN)
    field = density(one, [10] * u.TV, population=_PEOPLE, size=0 * u.kpc, levels=2, progress=False)
    cells = np.linspace(0, 10, 1001) * u.kpc
    column = integrate(field, _Uniform(), [0] * u.deg, [0] * u.deg, edges=cells, progress=False)
    return float(column[0, 0].to_value(u.kpc / u.cm**3))


_LINE = 3.0
"""Length of a line of sight in the disc over the halo's height."""


def _far_tail() -> float:
    """Sources that add over a hundredth, from the tail 2 c (γ/x)^(3/2) of the stable law."""
    c = np.sin(0.75 * np.pi) * gamma(1.5) / np.pi
    return float(2 * c * (beam_scale(source_count(100 * u.TeV), _LINE) / 0.01) ** 1.5)


def _bright_ones() -> tuple[float, float]:
    """The same from random ages s h²/κ and distances y h to the line."""
    rng, n, number = np.random.default_rng(1), 400_000, float(source_count(100 * u.TeV)) * _LINE
    oldest = 1 / (4 * number * 0.01)  # on the line a source adds 1/(4 N_src s L/h)
    wide = np.sqrt(4 * oldest / np.e)
    s, y = oldest * rng.random(n), wide * rng.uniform(-1, 1, n)
    found = np.count_nonzero(np.exp(-(y**2) / (4 * s)) / (4 * number * s) > 0.01)
    each = 2 * number / np.pi * oldest * 2 * wide / n
    return found * each, float(np.sqrt(found)) * each


def _stable_band() -> float:
    """From 16 to 84 per cent."""
    low, high = levy_stable.ppf([0.16, 0.84], 1.5, 1, scale=beam_scale(source_count(1 * u.PeV), _LINE))
    return float(high - low)


def _drawn_band() -> tuple[float, float]:
    """The same for 3000 lines of sight past random sources younger than h²/κ, walls of the halo included."""
    rng, n, number = np.random.default_rng(1), 3000, float(source_count(1 * u.PeV)) * _LINE
    grid = np.linspace(1e-3, 1, 200)
    walls = theta(grid) * np.sqrt(4 * np.pi * grid)
    x = np.empty(n)
    for i in range(n):
        count = rng.poisson(16 / np.pi * number)  # 2/π N_src L/h ∫ 12 √s ds
        s, t = rng.random(count) ** (2 / 3), 3 * rng.uniform(-1, 1, count)  # distance² = 4 s t²
        x[i] = np.sum(np.exp(-(t**2)) * np.interp(s, grid, walls) / (4 * number * s))
    off = np.sqrt(0.16 * 0.84 / n)
    low, high = (np.quantile(x, [p - off, p, p + off]) for p in (0.16, 0.84))
    return float(high[1] - low[1]), float(np.hypot(high[2] - high[0], low[2] - low[0]) / 2)


VALIDATIONS: list[Validation] = [
    Validation(
        id="emission-inelastic",
        system="collisions of protons at the LHC, √s = 8 TeV",
        quantity="inelastic cross-section",
        chapter=_INGREDIENTS,
        methods={"analytic": lambda: cs.inelastic(_TOTEM), "published": lambda: (74.7 * u.mbarn, 1.7 * u.mbarn)},
        unit="mbarn",
        tolerance=0.01,
        remark="Analytic: the formula of Kafexhiu et al. (2014). Published: TOTEM, Antchev et al. (2013).",
    ),
    Validation(
        id="emission-path",
        system="gamma rays of 2.2 PeV in the microwave background",
        quantity="mean free path",
        chapter=_INGREDIENTS,
        methods={"numerical": lambda: 1 / CMB.rate(2200 * u.TeV), "Monte Carlo": _drawn_path},
        unit="kpc",
        tolerance=1e-3,
        remark=(
            "Numerical: the table that absorption is computed from. Monte Carlo: random photons of a black body with "
            "random directions. Both have the cross-section of Breit and Wheeler (1934)."
        ),
    ),
    Validation(
        id="emission-absorption",
        system="30 kpc of uniform gas at 2.2 PeV",
        quantity="part of its light that arrives",
        chapter=_INGREDIENTS,
        methods={"numerical": _shadow, "Monte Carlo": _drawn_shadow},
        tolerance=1e-3,
        remark="Numerical: the line of sight in steps. Monte Carlo: (1 - e^-τ)/τ with the path of the row above.",
    ),
    Validation(
        id="emission-gas",
        system="molecular hydrogen of the inner 3 kpc",
        quantity="mass",
        chapter=_INGREDIENTS,
        methods={
            "numerical": lambda: mass(Ferriere("H2"), radius=2.999 * u.kpc),
            "Monte Carlo": _drawn_mass,
            "published": lambda: 5.3e7 * u.Msun,
        },
        unit="1e7 Msun",
        tolerance=0.02,
        remark=(
            "Numerical: quadrature. Monte Carlo: random points. Published: 1.9 in the central zone and 3.4 in the disc "
            "about it, as Ferrière et al. (2007) sum them; the tolerance is for their digits."
        ),
    ),
    Validation(
        id="emission-gradient",
        system="cosmic rays of the supernovae of Ferrière (2001)",
        quantity="ψ(4 kpc)/ψ(8.5 kpc)",
        chapter=_SMOOTH,
        methods={
            "analytic": lambda: float(
                smooth.relative_density().values(np.array([4.0]), np.zeros(1), np.zeros(1))[0, 0]
            ),
            "numerical": _gradient,
        },
        tolerance=0.005,
        remark="Analytic: a series of modes. Numerical: images of every place in the disc, summed.",
    ),
    Validation(
        id="emission-region",
        system="LHAASO's inner region",
        quantity="mean column of gas, weighted with cosmic rays, in 10²² cm⁻²",
        chapter=_SMOOTH,
        methods={"numerical": _inner_sky, "Monte Carlo": _drawn_sky},
        tolerance=0.01,
        remark=(
            "Tests the integration alone: gas and cosmic rays are the same. Numerical: lines of sight. Monte Carlo: "
            "random directions and distances."
        ),
    ),
    Validation(
        id="emission-index",
        system="the diffuse intensity of LHAASO's inner region",
        quantity="index of a power law",
        chapter=_SMOOTH,
        methods={"numerical": _fitted, "published": lambda: (2.99, 0.04)},
        tolerance=0.005,
        remark="Numerical: our fit to the points. Published: Cao et al. (2023), statistical error.",
    ),
    Validation(
        id="emission-sources",
        system="the sources of one Galaxy at 300 TV",
        quantity="ψ over its mean at the Sun, average of 20 places",
        chapter=_ONE,
        methods={"analytic": _one_by_one, "numerical": _on_a_grid},
        tolerance=2e-3,
        remark=(
            "Analytic: Green's functions, added one by one. Numerical: products of matrices on nested grids, which may "
            "miss a source by a thousandth of the mean at the Sun."
        ),
    ),
    Validation(
        id="emission-ring",
        system="the sources of many Galaxies at 1 PV",
        quantity="ψ over its mean at the Sun, 0.8 kpc above the Sun's circle",
        chapter=_ONE,
        methods={
            "analytic": lambda: float(mean_field([1] * u.PV, population=_PEOPLE).values(*_ring()).mean()),
            "Monte Carlo": _ring_of_galaxies,
        },
        tolerance=0.002,
        remark="Analytic: a series of modes. Monte Carlo: 6 Galaxies of random sources on nested grids.",
    ),
    Validation(
        id="emission-share",
        system="one source of 20 kyr on a line of sight",
        quantity="its share of the smooth column of 1 kpc",
        chapter=_ONE,
        methods={
            "analytic": lambda: float(column_share(20 * u.kyr, 1 * u.kpc, rate=_PEOPLE.rate * _PEOPLE.sigma_eff())),
            "numerical": _share_along_a_line,
        },
        tolerance=0.005,
        remark="Numerical: the line of sight through the density on a grid, at 10 TV; a far line meets the walls.",
    ),
    Validation(
        id="emission-bright",
        system="single bright sources on a line of sight of 15 kpc at 100 TV",
        quantity="how many add over 1 % of its mean",
        chapter=_MANY,
        methods={
            "analytic": _far_tail,
            "numerical": lambda: float(exceedance(0.01, 100 * u.TV, length=5 * _LINE * u.kpc)),
            "Monte Carlo": _bright_ones,
        },
        tolerance=0.002,
        remark="Analytic: the tail of the stable law of index 3/2. Monte Carlo: random ages and distances.",
    ),
    Validation(
        id="emission-band",
        system="the column of 15 kpc of the plane at 1 PV, from random sources",
        quantity="width of its band from 16 % to 84 %, over the mean",
        chapter=_MANY,
        methods={"analytic": _stable_band, "Monte Carlo": _drawn_band},
        tolerance=0.03,
        remark=(
            "Analytic: the stable law of index 3/2, exact for infinitely many sources only. Monte Carlo: 3000 Galaxies "
            "of sources younger than h²/κ between the walls of the halo."
        ),
    ),
]
