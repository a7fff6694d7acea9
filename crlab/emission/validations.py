"""What independent methods give in this part."""

import numpy as np
from astropy import constants as const
from astropy import units as u
from scipy.special import zeta

from crlab.emission import cross_sections as cs
from crlab.emission import smooth
from crlab.emission.absorption import CMB, Absorption
from crlab.emission.gas import NakanishiSofue, mass
from crlab.emission.line_of_sight import Grid, integrate
from crlab.sources.population import Population
from crlab.units import Array
from crlab.validation import Validation

__all__ = ["VALIDATIONS"]

_INGREDIENTS = "emission/the-ingredients"
_SMOOTH = "emission/the-smooth-sky"
_TOTEM = ((8 * u.TeV) ** 2 / (2 * const.m_p * const.c**2)).to(u.GeV)


class _Uniform:
    """One nucleus per cm³, everywhere."""

    def nuclei(self, x: Array, y: Array, z: Array) -> Array:
        return np.ones(x.shape)


def _photons() -> u.Quantity:
    """Of a black body, 16π ζ(3) (kT/hc)³."""
    return 16 * np.pi * zeta(3) * (const.k_B * CMB.temperature / (const.h * const.c)) ** 3


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


def _shadow_by_hand() -> float:
    tau = float((CMB.rate(2200 * u.TeV) * 30 * u.kpc).to_value(u.one))
    return -np.expm1(-tau) / tau


def _drawn_mass() -> tuple[u.Quantity, u.Quantity]:
    """HI within 20 kpc, from random points of a cylinder; heights are drawn more often near the plane."""
    rng, n, top = np.random.default_rng(1), 400_000, 5.0
    r, phi, t = 20 * np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n), rng.uniform(-1, 1, n)
    gas = NakanishiSofue("HI").nuclei(r * np.sin(phi), r * np.cos(phi), top * t**3)
    value, error = _mean(gas * 3 * t**2)
    unit = (np.pi * 20**2 * 2 * top * u.kpc**3 / u.cm**3 * 1.00784 * u.u).to(u.Msun)
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
    x, y, z = -s * cos_b * np.sin(lon), 8.5 - s * cos_b * np.cos(lon), s * sin_b
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
    for place in (4.0, 8.5):
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
        id="emission-photons",
        system="the microwave background",
        quantity="photons",
        chapter=_INGREDIENTS,
        methods={"analytic": _photons, "numerical": lambda: CMB.number_density},
        unit="1/cm3",
        tolerance=1e-4,
        remark="Numerical: the table that absorption is computed from.",
    ),
    Validation(
        id="emission-absorption",
        system="30 kpc of uniform gas at 2.2 PeV",
        quantity="part of its light that arrives",
        chapter=_INGREDIENTS,
        methods={"analytic": _shadow_by_hand, "numerical": _shadow},
        tolerance=1e-3,
        remark="Analytic: (1 - e^-τ)/τ. Numerical: the line of sight in steps.",
    ),
    Validation(
        id="emission-gas",
        system="HI within 20 kpc after Nakanishi and Sofue",
        quantity="mass",
        chapter=_INGREDIENTS,
        methods={"numerical": lambda: mass(NakanishiSofue("HI")), "Monte Carlo": _drawn_mass},
        unit="1e9 Msun",
        tolerance=0.005,
        remark="Numerical: quadrature. Monte Carlo: random points.",
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
        remark="Numerical: lines of sight. Monte Carlo: random directions and distances.",
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
]
