"""What independent methods give in this part."""

import numpy as np
from astropy import units as u

from crlab.data import table
from crlab.grammage import chain, montecarlo, pathlength, slab
from crlab.grammage.fit import fit_boron_to_carbon
from crlab.grammage.spectrum import fit_breaks
from crlab.ledger.validation import Validation

__all__ = ["VALIDATIONS"]

_GRAMMAGE = u.g / u.cm**2
_X = 5 * _GRAMMAGE
_START = {"12C": 1.0}


def _pair() -> chain.Network:
    """Carbon and one isotope of boron, for which the slab has a closed form."""
    return chain.Network(
        species=("12C", "11B"),
        total=[1 / 7.8, 1 / 8.4] / _GRAMMAGE,
        production=[[0, 0], [0.27 / 7.8, 0]] / _GRAMMAGE,
        half_life=[np.inf, np.inf] * u.Myr,
        decays_to=(-1, -1),
    )


def _closed_form() -> float:
    lengths = {"lambda_1": 7.8 * _GRAMMAGE, "lambda_2": 8.4 * _GRAMMAGE}
    return float(slab.ratio(_X, **lengths, branching=0.27))


def _exponential() -> float:
    N = chain.propagate(_X, _START, _pair())
    return float(N[1] / N[0])


def _sampled() -> tuple[float, float]:
    sample = montecarlo.simulate([5.0] * _GRAMMAGE, _START, _pair(), number=400_000, seed=1)
    N, error = sample.abundances[0], sample.errors[0]
    return float(N[1] / N[0]), float(N[1] / N[0] * np.hypot(*(error / N)))


def _boron(N: np.ndarray) -> float:
    return float(chain.network().element("B", N))


def _leaky_box_sampled() -> tuple[float, float]:
    """One slab for each of many exponentially distributed path lengths."""
    X = -_X * np.log(np.random.default_rng(1).random(4000))
    found = chain.network().element("B", chain.propagate(X, _START, chain.network()))
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(found.size))


def _delta() -> tuple[float, float]:
    fit = fit_boron_to_carbon(
        table("ams02-bc-2021"),
        correlation=0.3,
        free=("kappa0", "delta", "break_change", "production"),
        production_error=0.15,
    )
    return float(fit.values["delta"]), float(fit.errors["delta"])


def _knee() -> tuple[u.Quantity, u.Quantity]:
    fit = fit_breaks([table("lhaaso-all-2024")], indices=[2.7, 3.1], breaks=[3] * u.PeV, widths=0.2, floor=0.01)
    return fit.breaks[0], fit.breaks_error[0]


VALIDATIONS: list[Validation] = [
    Validation(
        id="spectrum-knee",
        system="all particles in the data of LHAASO",
        quantity="energy of the knee",
        chapter="grammage/cosmic-ray-spectrum",
        methods={"numerical": _knee, "published": lambda: (3.67 * u.PeV, np.hypot(0.05, 0.15) * u.PeV)},
        unit="PeV",
        tolerance=0.01,
        remark="Numerical: a smooth break, fitted here. Published: the collaboration's own fit (Cao et al. 2024).",
    ),
    Validation(
        id="grammage-slab",
        system="carbon that breaks up in a slab",
        quantity="B/C behind 5 g cm⁻²",
        chapter="grammage/composition-and-grammage",
        methods={"analytic": _closed_form, "numerical": _exponential, "Monte Carlo": _sampled},
        tolerance=1e-10,
        remark="Numerical: the matrix exponential. Monte Carlo: single nuclei.",
    ),
    Validation(
        id="grammage-leaky-box",
        system="the nuclear chain in a leaky box",
        quantity="boron from one carbon, mean path 5 g cm⁻²",
        chapter="grammage/from-slab-to-diffusion",
        methods={
            "analytic": lambda: _boron(pathlength.leaky_box(_X, _START, chain.network())),
            "numerical": lambda: _boron(
                pathlength.weighted_slab(lambda X: np.exp(-float(X / _X)) / _X, _START, chain.network())
            ),
            "Monte Carlo": _leaky_box_sampled,
        },
        tolerance=1e-6,
        remark="Analytic: the resolvent. Numerical: an integral over slabs. Monte Carlo: slabs of random depth.",
    ),
    Validation(
        id="grammage-delta",
        system="B/C of AMS-02 and diffusion in a halo",
        quantity="index δ of the diffusion coefficient",
        chapter="grammage/from-slab-to-diffusion",
        methods={"numerical": _delta, "published": lambda: (0.48, 0.05)},
        tolerance=0.01,
        remark="Published: 0.43 to 0.53 (Génolini et al. 2019), written here as its middle and half its width.",
    ),
]
