"""The ledger's entries of this part."""

import functools

import numpy as np

from crlab.ledger.claims import Claim
from crlab.ledger.turbulence.checks_particles import steepening
from crlab.turbulence import quasilinear, tracing, transport
from crlab.turbulence.fields import wave_field
from crlab.turbulence.spectrum import kolmogorov

__all__ = ["CLAIMS"]

_MAKING = "turbulence/making-turbulence"
_LINES = "turbulence/field-lines"
_SMALL = "turbulence/small-fluctuations"
_PARTICLES = "turbulence/particles"
_ACROSS = "turbulence/perpendicular-transport"


def _polarised(kind: str) -> float:
    """Share of the fluctuations' energy along the mean field, averaged over 200 realisations."""
    shares = [
        wave_field(kolmogorov(), eta=1.0, polarisation=kind, rng=np.random.default_rng((7, i))).variance[2]
        for i in range(200)
    ]
    return float(np.mean(shares))


def _overlap(kind: str) -> float:
    """Root mean square of the cosine between δB and the mean field's direction or, for waves, their own."""
    waves = wave_field(kolmogorov(), eta=1.0, polarisation=kind, modes=1000, rng=np.random.default_rng(7))
    size = np.linalg.norm(waves.amplitudes, axis=1) * np.linalg.norm(waves.wavevectors, axis=1)
    cosine = np.sum(waves.amplitudes * waves.wavevectors, axis=1) / size
    return float(np.round(np.sqrt(np.mean(cosine**2)), 12))


@functools.cache
def _wandering(kind: str, eta: float) -> float:
    """K_perp/L_c of field lines, a quick measurement with an error of some 5 to 8 %.

    Neighbouring lines part exponentially, so that each kind of processor has a sample of its own.
    """
    lengths = np.linspace(40, 160, 5) if kind == "MAG" else np.linspace(20, 80, 5)
    paths = tracing.ensemble(
        kolmogorov(), eta=eta, lengths=lengths, realisations=120, lines=8, seed=17, modes=128, step=0.02,
        polarisation=kind, precision="mixed", progress=False,
    )  # fmt: skip
    squares = np.mean(np.sum(paths.position[..., :2] ** 2, axis=-1), axis=(0, 1))
    return float(np.polyfit(paths.t, squares, 1)[0] / 4)


def _wandering_ratio(eta: float, decimals: int) -> float:
    """Rounded to what the sample allows."""
    return float(np.round(_wandering("MAG", eta) / _wandering("ALF", eta), decimals))


def _wandering_power(low: float, high: float) -> float:
    """Exponent of K_perp in δB/B0 for magnetosonic waves, to one digit, which is what the sample allows."""
    rise = np.log(_wandering("MAG", high) / _wandering("MAG", low))
    return float(np.round(rise / np.log(np.sqrt(high / (1 - high) / (low / (1 - low))))))


def _scattering_power(b: float, r_g: float, step_b: float, step_r: float, clock: str) -> float:
    """Exponent of the quasilinear D_μμ over Ω, or over v/L_c, in δB²/B0² or in r_g; small δB."""

    def rate(b: float, r_g: float) -> float:
        sharp = quasilinear.SlabSpectrum(1.0, sharp=True)
        eta = b**2 / (1 + b**2)
        D = quasilinear.pitch_angle_scattering(0.5, r_g=r_g / np.hypot(1, b), eta=eta, spectrum=sharp)
        return float(D * (r_g if clock == "gyration" else 1.0))

    rise = np.log(rate(b * step_b, r_g * step_r) / rate(b, r_g))
    return float(rise / np.log(step_b**2 * step_r))


def _kappa_prefactor(nu: float) -> float:
    """What must stand before ∫(1 - μ²)²/D_μμ dμ, in v², for D_μμ = ν(1 - μ²)/2 to give κ = v²/(3ν)."""
    return 1 / (3 * nu) / (2 / nu * 4 / 3)


def _kappa_power(r_g: float) -> float:
    kappa = [quasilinear.power_law_parallel_diffusion(r_g=r, eta=1e-4, k_min=1.0) for r in (r_g, 2 * r_g)]
    return float(np.log2(kappa[1] / kappa[0]))


def _half_for_both_axes(kappa: float) -> float:
    """(1/2) d⟨Δr_perp²⟩/dt over the coefficient of one axis, for exact diffusion across."""
    t = np.arange(1.0, 6)
    squares = np.outer([1, 1], 4 * kappa * t)  # Δx² + Δy²
    return transport.plateau(t, squares, start=0)[0] / transport.plateau(t, squares, start=0, axes=2)[0]


def _steepening(kind: str, low: float, high: float, eta: float) -> float:
    return steepening(kind, eta=eta, low=low, high=high)[0]


_TRANSPORT = "Parallel transport"
_RECIPE = "Test particle simulations"
_PANELS = "Perpendicular particle transport"
_SHORT_RANGE = {"low": 0.03, "high": 0.3, "eta": 0.1}

CLAIMS: list[Claim] = [
    Claim(
        id="turbulence-alfven-polarisation",
        slide="Field line transport and particle transport in synthetic turbulence",
        words="Alfvén modes: δB across the mean field; share of δB² along it",
        chapter=_MAKING,
        compute=_polarised,
        inputs={"kind": "ALF"},
        stated=0.0,
        tolerance=1e-12,
    ),
    Claim(
        id="turbulence-waves-across-k",
        slide="Field line transport and particle transport in synthetic turbulence",
        words="magnetosonic modes: δB across k; cosine between them",
        chapter=_MAKING,
        compute=_overlap,
        inputs={"kind": "MAG"},
        stated=0.0,
        tolerance=1e-12,
    ),
    Claim(
        id="turbulence-magnetosonic-polarisation",
        slide="Field line transport and particle transport in synthetic turbulence",
        words="magnetosonic modes have components along the mean field; share of δB²",
        chapter=_MAKING,
        compute=_polarised,
        inputs={"kind": "MAG"},
        stated=(0.1, 1.0),
        tolerance=1e-6,
        remark="The slide names no number; the average of sin² over directions is 2/3.",
    ),
    Claim(
        id="turbulence-isotropic-power",
        slide="Field line transport and particle transport in synthetic turbulence",
        words="isotropic modes: the same power in all directions; share of δB² along the mean field",
        chapter=_MAKING,
        compute=_polarised,
        inputs={"kind": "ISO"},
        stated=1 / 3,
        tolerance=0.05,
        remark="An equal mixture of Alfvén waves (none) and magnetosonic waves ({magnetosonic:.2g}) gives just that.",
        variants={"magnetosonic": {"kind": "MAG"}},
    ),
    Claim(
        id="turbulence-magnetosonic-lines",
        slide="Field lines",
        words="magnetosonic field lines wander much less than Alfvénic ones; ratio of K⊥ at η = 1/2",
        chapter=_LINES,
        compute=_wandering_ratio,
        inputs={"eta": 0.5, "decimals": 1},
        stated=(0.0, 0.2),
        tolerance=1e-6,
        remark="The slide shows lines and no number. Weaker turbulence has the larger contrast: {weak:.1g} at η = 0.1.",
        variants={"weak": {"eta": 0.1, "decimals": 2}},
    ),
    Claim(
        id="turbulence-magnetosonic-power",
        slide="Field line diffusion",
        words="magnetosonic field lines: K⊥ grows as the fourth power of δB/B0, from η = 0.1 to 0.5",
        chapter=_LINES,
        compute=_wandering_power,
        inputs={"low": 0.1, "high": 0.5},
        stated=4.0,
        tolerance=0.1,
        source="often quoted",
        remark="Bouchet et al. (2026), the paper that the slide announces, state it. To one digit.",
    ),
    Claim(
        id="turbulence-scattering-level",
        slide=_TRANSPORT,
        words="pitch-angle scattering ∝ (δB²/B0²)^a, a",
        chapter=_SMALL,
        compute=_scattering_power,
        inputs={"b": 1e-3, "r_g": 0.01, "step_b": 2.0, "step_r": 1.0, "clock": "gyration"},
        stated=-1.0,
        tolerance=0.01,
        agrees=False,
        remark="Stronger fluctuations scatter more. The slide's power is that of κ∥, the time between scatterings.",
    ),
    Claim(
        id="turbulence-scattering-rigidity",
        slide=_TRANSPORT,
        words="pitch-angle scattering over Ω ∝ (rg/Lc)^a with a = q - 2, for q = 5/3",
        chapter=_SMALL,
        compute=_scattering_power,
        inputs={"b": 1e-3, "r_g": 0.01, "step_b": 1.0, "step_r": 2.0, "clock": "gyration"},
        stated=-1 / 3,
        tolerance=0.01,
        agrees=False,
        remark="With Ω in front the exponent is q - 1. It is {flight:.2g} = q - 2 if the factor in front is v/Lc.",
        variants={"flight": {"clock": "flight"}},
    ),
    Claim(
        id="turbulence-kappa-prefactor",
        slide=_TRANSPORT,
        words="κ∥ over v²∫(1 - μ²)²/Dμμ dμ",
        chapter=_SMALL,
        compute=_kappa_prefactor,
        inputs={"nu": 1.0},
        stated=1.0,
        tolerance=0.01,
        agrees=False,
        remark="The slide leaves out v²/8: isotropic scattering at the rate ν must give κ = v²/(3ν).",
    ),
    Claim(
        id="turbulence-kappa-rigidity",
        slide=_TRANSPORT,
        words="κ∥ ∝ R^a for weak Kolmogorov turbulence, a",
        chapter=_SMALL,
        compute=_kappa_power,
        inputs={"r_g": 0.01},
        stated=1 / 3,
        tolerance=0.01,
        source="often quoted",
        remark="2 - q, in slab turbulence, for gyroradii well below the largest wavelength.",
    ),
    Claim(
        id="turbulence-two-axes",
        slide=_RECIPE,
        words="d⊥ = (1/2) d⟨Δr⊥²⟩/dt; over the coefficient of one axis",
        chapter=_PARTICLES,
        compute=_half_for_both_axes,
        inputs={"kappa": 1.0},
        stated=1.0,
        tolerance=0.01,
        agrees=False,
        remark="With r⊥ in two dimensions the factor is 1/4, as on the slides on field lines. Here d⊥ is per axis.",
    ),
    Claim(
        id="turbulence-transition-isotropic",
        slide=_PANELS,
        words="ISO: λ⊥ rises faster than (rg/Lc)^(1/3) in an extended transition; exponent",
        chapter=_ACROSS,
        compute=_steepening,
        inputs={"kind": "ISO", **_SHORT_RANGE},
        stated=(0.45, 1.0),
        tolerance=0.001,
        remark="Between rg/Lc = 0.03 and 0.3 at η = 0.1; {strong:.2g} at η = 0.5. The range is ours: well above 1/3.",
        variants={"strong": {"eta": 0.5}},
    ),
    Claim(
        id="turbulence-transition-alfven",
        slide=_PANELS,
        words="ALF: no extended transition; exponent of λ⊥",
        chapter=_ACROSS,
        compute=_steepening,
        inputs={"kind": "ALF", **_SHORT_RANGE},
        stated=(0.1, 0.4),
        tolerance=0.001,
        remark="Between rg/Lc = 0.03 and 0.3 at η = 0.1. The range is ours: not above 1/3 within the errors.",
    ),
    Claim(
        id="turbulence-transition-magnetosonic",
        slide=_PANELS,
        words="MAG: λ⊥ ∝ (rg/Lc)^a in the transition, a",
        chapter=_ACROSS,
        compute=_steepening,
        inputs={"kind": "MAG", **_SHORT_RANGE},
        stated=1.0,
        tolerance=0.15,
        remark="Between rg/Lc = 0.03 and 0.3 at η = 0.1; {late:.2g} between 0.1 and 1, where the curve bends over.",
        variants={"late": {"low": 0.1, "high": 1.0}},
    ),
]
