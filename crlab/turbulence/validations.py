"""What independent methods give in this part. Reduced units (see `crlab.turbulence`)."""

from collections.abc import Callable
from functools import partial

import numpy as np

from crlab.turbulence import checks, quasilinear, tracing, transport
from crlab.turbulence.fields import WaveField, wave_field
from crlab.turbulence.spectrum import kolmogorov
from crlab.units import Array
from crlab.validation import Validation

__all__ = ["VALIDATIONS"]

_MAKING = "turbulence/making-turbulence"
_SMALL = "turbulence/small-fluctuations"
_LINES = "turbulence/field-lines"
_PARTICLES = "turbulence/particles"
_ACROSS = "turbulence/perpendicular-transport"
_SHARP = quasilinear.SlabSpectrum(1.0, sharp=True)
_STORED = "Monte Carlo: the stored runs of `crlab.turbulence.results`."


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


def _stored(eta: float, r_g: float, axis: str) -> tuple[float, float]:
    return checks.stored("ISO", eta, r_g, axis)


def _limit(eta: float, axis: int) -> float:
    return float(quasilinear.high_rigidity(r_g=10.0, eta=eta)[axis])


VALIDATIONS: list[Validation] = [
    Validation(
        id="turbulence-scattering",
        system="particles with μ = 0.5 in weak slab waves",
        quantity="D_μμ over the quasilinear value",
        chapter=_SMALL,
        methods={"analytic": lambda: 1.0, "Monte Carlo": partial(checks.pitch_angle, 1, mu=0.5)},
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
    *(
        Validation(
            id=f"turbulence-lines-{kind.lower()}",
            system=f"field lines in weak turbulence, {kind}",
            quantity="K⊥/L_c at η = 0.05",
            chapter=_LINES,
            methods={
                "analytic": partial(_quasilinear, kind, 0.05),
                "Monte Carlo": partial(_wandering, kind, 0.05),
            },
            tolerance=0.1,
            remark="Analytic: quasilinear, to lowest order in b².",
        )
        for kind in ("ISO", "ALF")
    ),
    Validation(
        id="turbulence-flight",
        system="particles with isotropic directions at early times",
        quantity="3⟨Δz²⟩/t²",
        chapter=_PARTICLES,
        methods={"analytic": lambda: 1.0, "Monte Carlo": partial(checks.flight, 1)},
        tolerance=0.01,
    ),
    Validation(
        id="turbulence-high-parallel",
        system="isotropic turbulence, r_g = 10 L_c and η = 0.5",
        quantity="κ∥/(L_c v)",
        chapter=_ACROSS,
        methods={"analytic": partial(_limit, 0.5, 0), "Monte Carlo": partial(_stored, 0.5, 10.0, "par")},
        tolerance=0.1,
        remark=f"Analytic: deflections by independent patches. {_STORED}",
    ),
    Validation(
        id="turbulence-high-perpendicular",
        system="the same",
        quantity="κ⊥/(L_c v)",
        chapter=_ACROSS,
        methods={"analytic": partial(_limit, 0.5, 1), "Monte Carlo": partial(_stored, 0.5, 10.0, "perp")},
        tolerance=0.1,
        remark=f"Analytic: classical scattering. {_STORED}",
    ),
]
