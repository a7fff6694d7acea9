"""What independent methods give in this part. Reduced units (see `crlab.turbulence`)."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from crlab.ledger.turbulence import checks
from crlab.ledger.turbulence.checks_particles import pitch_angle
from crlab.ledger.validation import Validation
from crlab.turbulence import particles, quasilinear, sky, tracing, transport
from crlab.turbulence.fields import WaveField, wave_field
from crlab.turbulence.spectrum import kolmogorov
from crlab.units import Array

__all__ = ["VALIDATIONS"]

_MAKING = "turbulence/making-turbulence"
_SMALL = "turbulence/small-fluctuations"
_LINES = "turbulence/field-lines"
_PARTICLES = "turbulence/particles"
_SKY = "turbulence/one-turbulent-sky"
_CHOOSING = "turbulence/choosing-the-numbers"
_SHARP = quasilinear.SlabSpectrum(1.0, sharp=True)


def _drawn(kind: str, measure: Callable[[WaveField], float]) -> tuple[float, float]:
    """Mean and standard error over 200 fields."""
    fields = (
        wave_field(kolmogorov(), eta=1.0, polarisation=kind, rng=np.random.default_rng((1, i))) for i in range(200)
    )
    return _mean(np.array([measure(field) for field in fields]))


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))


def _along(field: WaveField) -> float:
    return float(field.variance[2])


def _length(field: WaveField) -> float:
    """Integral of the normalised correlation along x over both directions, as far as it matters."""
    lag = np.linspace(-8, 8, 1601)
    correlation = np.cos(2 * np.pi * lag[:, None] * field.wavevectors[:, 0]) @ np.sum(field.amplitudes**2, axis=1) / 2
    return float(np.trapezoid(correlation, lag))


def _length_of_spectrum() -> float:
    """π∫E/k dk over ∫E dk on a grid of k."""
    spectrum = kolmogorov()
    k = np.geomspace(spectrum.k_min, spectrum.k_max, 20_001)
    E = k ** (-5 / 3)
    return float(np.pi * np.trapezoid(E / k, k) / np.trapezoid(E, k))


def _wandering(kind: str, eta: float) -> tuple[float, float]:
    """K across the mean field from lines between 20 and 80 L_c."""
    run = tracing.ensemble(
        kolmogorov(),
        eta=eta,
        lengths=np.linspace(20, 80, 5),
        realisations=60,
        lines=8,
        seed=1,
        modes=128,
        step=0.02,
        polarisation=kind,
        precision="mixed",
        progress=False,
    )
    return transport.plateau(run.t, np.mean(np.sum(run.position[..., :2] ** 2, axis=-1), axis=1), start=0, axes=2)


def _quasilinear(kind: str, eta: float) -> float:
    return float(quasilinear.field_line_wandering(kind, eta=eta))


def _turned() -> tuple[float, float]:
    """⟨(Δv)²⟩ r_g²/t² after a short time."""
    r_g, t = 0.1, 0.002
    run = particles.ensemble(
        kolmogorov(), eta=0.5, r_g=r_g, times=[0.0, t], realisations=60, particles=400, seed=9, step=t, progress=False
    )
    assert run.direction is not None
    change = run.direction[..., 1, :] - run.direction[..., 0, :]
    return _mean(np.mean(np.sum(change**2, axis=-1), axis=1) * (r_g / t) ** 2)


@cache
def _skies() -> tuple[Array, Array]:
    """Component along the mean field of the directions now and a time 1 ago, shape (fields, pixels), in 400 fields."""
    found = []
    for i in range(400):
        field = wave_field(kolmogorov(), eta=0.5, rng=np.random.default_rng((2, i)))
        past = sky.backtrack(field, r_g=0.1, times=[0.0, 1.0], nside=2)
        assert past.direction is not None
        found.append(past.direction[..., 2])
    now, before = np.moveaxis(np.array(found), -1, 0)
    return now, before


def _mean_square_of_skies() -> tuple[float, float]:
    return _mean(np.mean(_skies()[1] ** 2, axis=1))


def _dipole_of_skies() -> tuple[float, float]:
    now, before = _skies()
    return _mean(3 * np.mean(now * before, axis=1))


def _dipole_of_particles() -> tuple[float, float]:
    """3⟨μ(0) μ(T)⟩ of particles that start anywhere in any direction and are followed forwards."""
    run = particles.ensemble(
        kolmogorov(), eta=0.5, r_g=0.1, times=[0.0, 1.0], realisations=200, particles=50, seed=3, progress=False
    )
    assert run.direction is not None
    return _mean(3 * np.mean(run.direction[..., 0, 2] * run.direction[..., 1, 2], axis=1))


def _frequency() -> float:
    """Angle by which one step turns the velocity, over that of a gyration, at 60 steps a turn."""
    h = 2 * np.pi / 60
    calm = wave_field(kolmogorov(), eta=0.0, modes=1, rng=np.random.default_rng(1))
    v = particles.push(calm, [0, 0, 0], [1.0, 0, 0], r_g=1.0, times=[h], step=h).direction
    assert v is not None
    return float(-np.arctan2(v[0, 0, 1], v[0, 0, 0]) / h)


def _order() -> float:
    """Exponent with which the error of the position falls between two halvings of the step."""
    rng = np.random.default_rng(1)
    field = wave_field(kolmogorov(), eta=0.5, modes=64, rng=rng)
    x, v = rng.uniform(-20, 20, (16, 3)), particles.isotropic(16, rng=rng)
    how: dict[str, Any] = {"r_g": 0.1, "times": [0.48], "precision": "accurate"}
    ends = [particles.push(field, x, v, step=0.0025 / n, **how).position for n in (1, 2, 16)]
    first, second = (float(np.sqrt(np.mean((end - ends[2]) ** 2))) for end in ends[:2])
    return float(np.log2(first / second))


VALIDATIONS: list[Validation] = [
    Validation(
        id="turbulence-scattering",
        system="particles with μ = 0.5 in weak slab waves",
        quantity="D_μμ over the quasilinear value",
        chapter=_SMALL,
        methods={"analytic": lambda: 1.0, "Monte Carlo": partial(pitch_angle, 1, mu=0.5)},
        tolerance=0.05,
        remark="b = 0.03; Monte Carlo: full orbits.",
    ),
    Validation(
        id="turbulence-parallel",
        system="scattering by a power law of slab waves",
        quantity="quasilinear κ∥ at r_g = 0.1 and η = 0.01",
        chapter=_SMALL,
        methods={
            "analytic": lambda: quasilinear.power_law_parallel_diffusion(r_g=0.1, eta=0.01, k_min=1.0),
            "numerical": lambda: quasilinear.parallel_diffusion(r_g=0.1, eta=0.01, spectrum=_SHARP),
        },
        tolerance=1e-6,
        remark="Lengths in the longest wave over 2π.",
    ),
    Validation(
        id="turbulence-length",
        system="isotropic turbulence over two decades",
        quantity="correlation length",
        chapter=_MAKING,
        methods={
            "analytic": lambda: kolmogorov().correlation_length,
            "numerical": _length_of_spectrum,
            "Monte Carlo": partial(_drawn, "ISO", _length),
        },
        tolerance=0.01,
        remark="Monte Carlo: fields drawn at random.",
    ),
    Validation(
        id="turbulence-polarisation",
        system="magnetosonic waves in random directions",
        quantity="share of δB² along the mean field",
        chapter=_MAKING,
        methods={"analytic": lambda: 2 / 3, "Monte Carlo": partial(_drawn, "MAG", _along)},
        tolerance=1e-3,
    ),
    Validation(
        id="turbulence-lines-iso",
        system="field lines in weak turbulence, ISO",
        quantity="K⊥/L_c at η = 0.1",
        chapter=_LINES,
        methods={
            "analytic": partial(_quasilinear, "ISO", 0.1),
            "Monte Carlo": partial(_wandering, "ISO", 0.1),
            "other code": lambda: (0.0148, 0.0009),
        },
        tolerance=0.1,
        remark="Analytic: quasilinear, to lowest order in b². Other code: lines in fields of CRPropa 3.",
    ),
    Validation(
        id="turbulence-lines-alf",
        system="field lines in weak turbulence, ALF",
        quantity="K⊥/L_c at η = 0.05",
        chapter=_LINES,
        methods={"analytic": partial(_quasilinear, "ALF", 0.05), "Monte Carlo": partial(_wandering, "ALF", 0.05)},
        tolerance=0.1,
        remark="Analytic: quasilinear, to lowest order in b².",
    ),
    Validation(
        id="turbulence-turn",
        system="particles with isotropic directions at early times",
        quantity="⟨(Δv)²⟩ r_g²/(vt)²",
        chapter=_PARTICLES,
        methods={"analytic": lambda: 2 / 3, "Monte Carlo": _turned},
        tolerance=0.005,
        remark=(
            "Analytic: the mean sin² of the angle to the field, whose rms is 1 with its mean. Terms of order (t/r_g)² "
            "and the change of the field on the way take less than the tolerance."
        ),
    ),
    Validation(
        id="turbulence-sky-square",
        system="skies of 400 observers, η = 0.5 and r_g = 0.1 L_c",
        quantity="mean square of a past dipole along the mean field, in its square",
        chapter=_SKY,
        methods={"analytic": lambda: 1 / 3, "Monte Carlo": _mean_square_of_skies},
        tolerance=1e-3,
        remark="After T = L_c/v. Analytic: Liouville's theorem, for the mean over observers everywhere.",
    ),
    Validation(
        id="turbulence-sky-dipole",
        system="the same",
        quantity="share of the dipole along the mean field that is left",
        chapter=_SKY,
        methods={"numerical": _dipole_of_skies, "Monte Carlo": _dipole_of_particles},
        tolerance=1e-3,
        remark=(
            "Numerical: the directions of a map, followed backwards from the observer. Monte Carlo: particles with "
            "random places and directions, followed forwards in other fields."
        ),
    ),
    Validation(
        id="turbulence-frequency",
        system="gyration in 60 steps of Boris' scheme",
        quantity="frequency in v/r_g",
        chapter=_CHOOSING,
        methods={"analytic": lambda: 60 / np.pi * np.arctan(np.pi / 60), "numerical": _frequency},
        tolerance=1e-9,
        remark="Analytic: the scheme turns by 2 arctan(h/2r_g). Numerical: one step. The tolerance is rounding.",
    ),
    Validation(
        id="turbulence-order",
        system="the same scheme in a turbulent field",
        quantity="order in the step",
        chapter=_CHOOSING,
        methods={"analytic": lambda: np.log2((1 - 1 / 16**2) / (1 / 4 - 1 / 16**2)), "numerical": _order},
        tolerance=0.02,
        remark=(
            "Halving of a step against one of a sixteenth, η = 0.5 and r_g = 0.1 L_c. Analytic: 2, with the error of "
            "the shortest step. The tolerance is for terms of fourth order."
        ),
    ),
    *checks.CHECKS,
]
