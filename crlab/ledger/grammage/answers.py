"""What the exercises of this part ask for."""

from dataclasses import replace

import numpy as np
from astropy import units as u

from crlab.data import table
from crlab.grammage import chain, slab, spectrum
from crlab.grammage.fit import RatioData, fit_boron_to_carbon, fit_ratios
from crlab.grammage.pathlength import leaky_box
from crlab.ledger.answers import Answer
from crlab.units import nucleon

__all__ = ["ANSWERS"]

_GRAMMAGE = u.g / u.cm**2


def _iron_detector() -> u.Quantity:
    grid = np.geomspace(1e3, 1e8, 200) * u.GeV
    fit = spectrum.global_spline_fit(grid)
    iron = fit.intensity[fit.charge == 26].sum(axis=0)
    return 10 / (spectrum.integral_intensity(grid, iron, above=100 * u.TeV) * u.sr * 30 * u.day)


def _missing_density() -> u.Quantity:
    T = np.geomspace(0.1, 1e7, 401) * u.GeV
    fit = spectrum.global_spline_fit(T, interstellar=True)
    measured = fit.intensity[0]
    filled = measured.copy()
    filled[: np.argmax(measured)] = measured.max()
    return spectrum.energy_density(T, filled - measured, beta=fit.beta[0])


def _thin_error() -> float:
    inputs = slab.pair(chain.network(), "12C", "B")
    thin = 0.3 * inputs["lambda_1"] / inputs["branching"]
    return float(thin / slab.grammage(0.3, **inputs)) - 1


def _boron_from_oxygen() -> float:
    """Relative change of X for B/C = 0.3 if a tenth more of the oxygen becomes boron 11."""
    rays, X = chain.composition(), np.linspace(0, 15, 301) * _GRAMMAGE
    by_element = {row["element"]: float(row["cosmic_rays"]) for row in rays}
    arriving = {"12C": by_element["C"], "14N": by_element["N"], "16O": by_element["O"]}

    def grammage(nuclei: chain.Network) -> float:
        N = chain.from_observed(X, arriving, nuclei)
        return float(np.interp(0.3, nuclei.element("B", N) / nuclei.element("C", N), X.value))

    more = chain.cross_sections()
    more["sigma"][(more["parent"] == "16O") & (more["daughter"] == "11B")] *= 1.1
    return grammage(chain.network(table=more)) / grammage(chain.network()) - 1


def _mixed_ratio() -> float:
    nuclei = chain.network()
    N = chain.propagate([1, 9.6] * _GRAMMAGE, {"12C": 1.0}, nuclei).sum(axis=0)
    return float(nuclei.element("B", N) / nuclei.element("C", N))


def _two_species() -> chain.Network:
    """The two species of the exercise: interaction grammages of 6.7 and 10 g/cm2, a share of 0.35."""
    return chain.Network(
        species=("12C", "11B"),
        total=[1 / 6.7, 1 / 10] / _GRAMMAGE,
        production=[[0, 0], [0.35 / 6.7, 0]] / _GRAMMAGE,
        half_life=[np.inf, np.inf] * u.Myr,
        decays_to=(-1, -1),
    )


def _leaky_grammage() -> u.Quantity:
    """The ratio of one secondary to its primary is X/(a + b X): two values of it fix a and b."""
    two = _two_species()
    X = np.array([5.0, 20.0])
    N1, N2 = leaky_box(X * _GRAMMAGE, {"12C": 1.0}, two).T
    a, b = np.linalg.solve(np.stack([1 / X, np.ones(2)], axis=1), N1 / N2)
    return a / (1 / 0.3 - b) * _GRAMMAGE


def _dampe_slope() -> u.Quantity:
    return fit_boron_to_carbon(table("dampe-bc-2022"), correlation=0.3).values["delta"]


def _height_ratio() -> u.Quantity:
    """Height of the halo with a hole of 80 pc around the Sun over that without one."""
    ams = table("ams02-bc-2021")
    boron = RatioData.from_table(ams, "B", "C", x_min=10 * u.GV, correlation=0.3)
    model = fit_boron_to_carbon(ams, correlation=0.3, free=("kappa0", "delta", "break_change")).model
    clock = RatioData(
        "10Be", "9Be", [0.1] * u.GeV / nucleon, [0.12], [0.03], [0.0], modulation=0.45 * u.GV
    )  # what ACE saw
    length = model.decay_length("10Be", energy_per_nucleon=0.3 * u.GeV / nucleon)
    undimmed = replace(clock, value=clock.value * float(np.exp(80 * u.pc / length)))
    free = ("kappa0", "delta", "height")
    heights = [fit_ratios([boron, data], free=free, start=model).values["height"] for data in (undimmed, clock)]
    return (heights[0] / heights[1]).to(u.one)


def _residence_time() -> u.Quantity:
    fit = fit_boron_to_carbon(table("ams02-bc-2021"), correlation=0.3, free=("kappa0", "delta", "break_change"))
    H = 2 * u.kpc
    kappa = fit.model.halo.kappa(10 * u.GV, species="p") * float(H / fit.model.halo.height)
    return (H**2 / (2 * kappa)).to(u.Myr)


ANSWERS: list[Answer] = [
    Answer(
        id="spectrum-1",
        exercise="ex-spectrum-detector",
        wanted="the area that catches ten iron nuclei",
        kind="an area",
        unit="m2",
        compute=_iron_detector,
        tolerance=0.1,
        hint="10 = J(>E) × area × solid angle × time, with the row of the spline fit for Z = 26.",
    ),
    Answer(
        id="spectrum-2",
        exercise="ex-spectrum-scale",
        wanted="J below the ankle after the change of scale over J before",
        kind="a pure number",
        compute=lambda: 1.14 ** (3.3 - 1),
        tolerance=0.01,
        hint="J dE counts particles, so dE stretches too.",
    ),
    Answer(
        id="spectrum-4",
        exercise="ex-spectrum-missing",
        wanted="the energy density of the protons that were left out",
        kind="an energy density",
        unit="eV / cm3",
        compute=_missing_density,
        tolerance=0.2,
        hint="continue the intensity, not the density; fit.beta[0] is the speed of the protons.",
    ),
    Answer(
        id="composition-1",
        exercise="ex-composition-thin",
        wanted="the relative error of X from the thin formula, positive if X is too high",
        kind="a pure number",
        compute=_thin_error,
        tolerance=0.15,
        hint="compare with slab.grammage for the same inputs.",
    ),
    Answer(
        id="composition-2",
        exercise="ex-composition-oxygen",
        wanted="the relative change of X for a tenth more of oxygen to boron",
        kind="a pure number",
        compute=_boron_from_oxygen,
        tolerance=0.2,
        hint="more boron for each oxygen means that less matter explains the same B/C.",
    ),
    Answer(
        id="composition-3",
        exercise="ex-composition-spread",
        wanted="B/C of the mixture",
        kind="a pure number",
        compute=_mixed_ratio,
        hint="add the nuclei of both halves first, and divide then.",
    ),
    Answer(
        id="slab-1",
        exercise="ex-diffusion-two-species",
        wanted="the mean grammage of the leaky box",
        kind="a grammage",
        unit="g / cm2",
        compute=_leaky_grammage,
        tolerance=0.02,
        hint="the second row of (1 - X M) N = N₀.",
    ),
    Answer(
        id="slab-2",
        exercise="ex-diffusion-dampe-alone",
        wanted="δ from DAMPE alone, without a break",
        kind="a pure number",
        compute=_dampe_slope,
        hint="fit_boron_to_carbon with the table dampe-bc-2022 and correlation=0.3.",
    ),
    Answer(
        id="slab-3",
        exercise="ex-diffusion-bubble",
        wanted="the height of the halo with the hole over that without",
        kind="a pure number",
        compute=_height_ratio,
        tolerance=0.15,
        hint="without the hole the Sun would see more beryllium, by exp(r/l).",
    ),
    Answer(
        id="slab-4",
        exercise="ex-diffusion-residence",
        wanted="the time in a halo of 2 kpc at 10 GV",
        kind="a time",
        unit="Myr",
        compute=_residence_time,
        tolerance=0.1,
        hint="κ at 10 GV, scaled with H so that κ/H stays the fitted one.",
    ),
]
