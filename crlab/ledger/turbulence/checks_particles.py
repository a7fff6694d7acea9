"""What particles must give, and what others found for the stored coefficients.

`crlab.ledger.turbulence.checks` measures it at any size. Reduced units (see `crlab.turbulence`).
"""

from functools import cache, partial
from typing import Any

import numpy as np

from crlab.ledger.turbulence.sampled import Sampled, row
from crlab.ledger.validation import Validation
from crlab.turbulence import particles, quasilinear, results, tracing, transport
from crlab.turbulence.spectrum import BendOver, kolmogorov
from crlab.units import Array

__all__ = [
    "PARTICLE_ROWS",
    "REFERENCE",
    "STORED_ROWS",
    "compound",
    "flight",
    "high_rigidity",
    "line_start",
    "pitch_angle",
    "steepening",
]

SLAB = BendOver(1.0, k_min=0.02, k_max=100.0)
"""Flat below k = 1/l and k^(-5/3) above; dense around the waves that scatter."""

LONG_SLAB = BendOver(1.0, k_min=2e-4, k_max=100.0)
"""The same with waves longer than any way that a particle goes, which is what lets field lines wander for good."""

_UNLIMITED = quasilinear.SlabSpectrum(1.0)


def _band(spectrum: BendOver) -> float:
    """How much the ends of the band raise what lies between them."""
    return float(spectrum(1.0) / _UNLIMITED(1.0))


# κ_par, its error, κ_perp, its error in L_c v. First part: CRPropa 3 with 256 plane waves over two decades, two sets of
# seeds; second part: an independent program, same spectrum, 24 realisations of 40 particles. At η = 1 both are the
# mean over all axes; at r_g = 10 L_c it depends on the number of waves.
REFERENCE = {
    ("ISO", 1.0, 0.1): (0.0860, 0.0024, 0.0860, 0.0024),
    ("ISO", 1.0, 1.0): (1.404, 0.034, 1.404, 0.034),
    ("ISO", 1.0, 10.0): (176.6, 3.2, 176.6, 3.2),
    ("ISO", 0.5, 0.1): (0.521, 0.021, 0.0236, 0.0010),
    ("ISO", 0.5, 1.0): (3.15, 0.15, 0.0917, 0.0051),
    ("ISO", 0.5, 10.0): (268.9, 10.6, 0.0829, 0.0032),
    ("ISO", 0.1, 0.1): (4.35, 0.22, 0.00412, 0.00030),
    ("ISO", 0.1, 1.0): (17.4, 1.0, 0.0140, 0.0018),
    ("ISO", 0.1, 10.0): (1411, 86, 0.0086, 0.0006),
    ("ALF", 0.1, 0.1): (9.6, 0.8, 0.0063, 0.0004),
    ("ALF", 0.1, 1.0): (51.0, 2.8, 0.0087, 0.0006),
    ("ALF", 0.5, 0.1): (0.54, 0.04, 0.0298, 0.0019),
    ("ALF", 0.5, 1.0): (3.96, 0.35, 0.0728, 0.0043),
    ("MAG", 0.1, 0.1): (3.91, 0.30, 0.0028, 0.0002),
    ("MAG", 0.1, 1.0): (18.8, 1.5, 0.0181, 0.0008),
    ("MAG", 0.5, 1.0): (3.72, 0.30, 0.0882, 0.0060),
}
"""Diffusion coefficients that others found, by polarisation, η and r_g."""


def pitch_angle(size: int, *, mu: float, b: float = 0.03, r_0: float = 0.1) -> tuple[float, float]:
    """Pitch-angle diffusion in slab turbulence, from the growth of ⟨Δμ²⟩ between 10 and 30 gyroperiods.

    Parameters
    ----------
    size : int
        In hundreds of realisations of 16 particles.
    mu, b, r_0 : float
        Cosine at the start, δB/B0, gyroradius in the mean field over the bend-over scale.

    Returns
    -------
    value, error : float
        Over the quasilinear value.

    Raises
    ------
    ValueError
        As `crlab.turbulence.particles.ensemble`.

    Examples
    --------
    >>> value, error = pitch_angle(1, mu=0.5)  # doctest: +SKIP
    """
    eta, r_g, period = b**2 / (1 + b**2), r_0 / np.hypot(1, b), 2 * np.pi * r_0
    paths = particles.ensemble(
        SLAB,
        eta=eta,
        r_g=r_g,
        times=np.arange(10, 31, 2.0) * period,
        realisations=100 * size,
        particles=16,
        polarisation="slab",
        mu=mu,
        seed=16,
        precision="mixed",
        progress=False,
    )
    assert paths.direction is not None
    squares = np.mean((paths.direction[..., 2] - mu) ** 2, axis=1)
    value, error = transport.plateau(paths.t, squares, start=0)
    theory = _band(SLAB) * float(quasilinear.pitch_angle_scattering(mu, r_g=r_g, eta=eta, spectrum=_UNLIMITED))
    return value / theory, error / theory


def compound(realisations: int, *, end: float, b: float = 0.3, r_0: float = 0.1) -> dict[str, tuple[float, float]]:
    """Compound motion in slab turbulence: particles that never leave their field line.

    Parameters
    ----------
    realisations : int
        Fields, with 8 particles each.
    end : float
        Last time; the measurement begins at a tenth of it.
    b, r_0 : float
        As in `pitch_angle`.

    Returns
    -------
    dict
        ``"exponent"`` of ⟨Δx²⟩ ∝ t^a, and ``"ratio"``, ⟨Δx²⟩/(2 K ⟨abs(Δz)⟩), value and error of each.

    Raises
    ------
    ValueError
        As `crlab.turbulence.particles.ensemble`.

    Examples
    --------
    >>> compound(10, end=600.0)["exponent"]  # doctest: +SKIP
    """
    eta = b**2 / (1 + b**2)
    paths = particles.ensemble(
        LONG_SLAB,
        modes=320,
        eta=eta,
        r_g=r_0 / np.hypot(1, b),
        times=np.geomspace(end / 10, end, 12),
        realisations=realisations,
        particles=8,
        polarisation="slab",
        seed=17,
        precision="mixed",
        progress=False,
    )
    x2 = np.mean(paths.position[..., 0] ** 2 + paths.position[..., 1] ** 2, axis=1) / 2
    z = np.mean(np.abs(paths.position[..., 2]), axis=1)
    K = _band(LONG_SLAB) * float(quasilinear.slab_wandering(eta=eta, spectrum=_UNLIMITED))
    log_t = np.log(paths.t) - np.log(paths.t).mean()

    def found(x2: Array, z: Array) -> tuple[float, float]:
        return float(np.log(x2) @ log_t / (log_t @ log_t)), float(np.mean(x2 / (2 * K * z)))

    # Both are not linear in the means, so the errors are those of a jackknife over realisations.
    n = len(x2)
    left = np.array([found((x2.sum(0) - x2[i]) / (n - 1), (z.sum(0) - z[i]) / (n - 1)) for i in range(n)])
    error = np.sqrt((n - 1) / n * np.sum((left - left.mean(0)) ** 2, axis=0))
    exponent, ratio = found(x2.mean(0), z.mean(0))
    return {"exponent": (exponent, float(error[0])), "ratio": (ratio, float(error[1]))}


def flight(size: int, *, r_g: float = 1.0, eta: float = 0.5) -> tuple[float, float]:
    """Early motion of particles with isotropic starts, 3⟨Δz²⟩/t² at t = 0.02 r_g, which must be 1.

    Parameters
    ----------
    size : int
        In tens of realisations of 1000 particles.
    r_g, eta : float

    Returns
    -------
    value, error : float

    Raises
    ------
    ValueError
        As `crlab.turbulence.particles.ensemble`.

    Examples
    --------
    >>> value, error = flight(1)
    >>> print(f"{value:.1f}")
    1.0
    """
    t = 0.02 * r_g
    paths = particles.ensemble(
        kolmogorov(),
        eta=eta,
        r_g=r_g,
        times=[t],
        realisations=10 * size,
        particles=1000,
        seed=9,
        step=t,
        progress=False,
    )
    rows = 3 * np.mean(paths.position[..., 0, 2] ** 2, axis=1) / t**2
    return float(rows.mean()), float(rows.std(ddof=1) / np.sqrt(rows.size))


def line_start(size: int, *, eta: float = 0.5) -> tuple[float, float]:
    """Early wandering of field lines in τ, ⟨Δx²⟩/(δB_x τ)² with δB_x² = η/3 at τ = L_min/100, which must be 1.

    Parameters
    ----------
    size : int
        In tens of realisations of 100 lines.
    eta : float

    Returns
    -------
    value, error : float

    Raises
    ------
    ValueError
        As `crlab.turbulence.tracing.ensemble`.

    Examples
    --------
    >>> value, error = line_start(1)
    >>> print(f"{value:.1f}")
    1.0
    """
    spectrum = kolmogorov()
    tau = 2 * np.pi / spectrum.k_max / 100
    paths = tracing.ensemble(
        spectrum,
        eta=eta,
        lengths=[tau],
        realisations=10 * size,
        lines=100,
        seed=9,
        step=tau,
        parameter="tau",
        progress=False,
    )
    rows = np.mean(np.sum(paths.position[..., 0, :2] ** 2, axis=-1), axis=1) / 2 / tau**2 / (eta / 3)
    return float(rows.mean()), float(rows.std(ddof=1) / np.sqrt(rows.size))


def high_rigidity(size: int, *, modes: int = 1024, eta: float = 0.5, r_g: float = 10.0) -> tuple[float, float]:
    """κ along the mean field far above the correlation length, with four times the waves of the stored table.

    Parameters
    ----------
    size : int
        In dozens of realisations of 16 particles.
    modes : int
    eta, r_g : float

    Returns
    -------
    value, error : float
        In L_c v.

    Raises
    ------
    ValueError
        As `crlab.turbulence.particles.ensemble`.

    Examples
    --------
    >>> value, error = high_rigidity(1, modes=8)  # doctest: +SKIP
    """
    paths = particles.ensemble(
        kolmogorov(),
        eta=eta,
        r_g=r_g,
        times=np.linspace(2000, 8000, 7),
        realisations=12 * size,
        particles=16,
        seed=19,
        modes=modes,
        step=0.1,
        precision="mixed",
        warn=False,  # the short waves do not matter at this gyroradius
        progress=False,
    )
    return transport.plateau(paths.t, np.mean(paths.position[..., 2] ** 2, axis=1), start=0)


def steepening(polarisation: str, *, eta: float = 0.1, low: float = 0.1, high: float = 1.0) -> tuple[float, float]:
    """Exponent of the stored κ_perp between two gyroradii.

    Parameters
    ----------
    polarisation : str
    eta, low, high : float

    Returns
    -------
    value, error : float

    Raises
    ------
    ValueError
        As `crlab.turbulence.results.load`.

    Examples
    --------
    >>> steepening("MAG")[0] > steepening("ALF")[0]
    True
    """
    (first, first_error), (last, last_error) = (results.stored(polarisation, eta, r, "perp") for r in (low, high))
    exponent, error = transport.local_exponents([low, high], [first, last], [first_error, last_error])
    return float(exponent[0]), float(error[0])


_SMALL = "turbulence/small-fluctuations"
_LINES = "turbulence/field-lines"
_PARTICLES = "turbulence/particles"
_ACROSS = "turbulence/perpendicular-transport"
_CHOOSING = "turbulence/choosing-the-numbers"
_STORED = "Monte Carlo: the stored runs of `crlab.turbulence.results`."
_CRPROPA = "Other code: CRPropa 3 (Alves Batista et al. 2022), run with the same spectrum and 256 waves."
_SEPARATE = "Other code: a separate program with the same spectrum, as CRPropa knows no polarisations."


def _particle_rows() -> list[Validation]:
    ten: dict[str, Any] = {"tolerance": 0.03, "fields": 10}
    system, sample = "particles with isotropic directions at t = 0.02 r_g/v", "{} x 1000"
    made = [row("flight", system, "3⟨Δz²⟩/(vt)²", 1, flight, chapter=_PARTICLES, sample=sample, **ten)]
    system, quantity, sample = "field lines over a hundredth of L_min", "⟨Δx²⟩/(δB_x τ)²", "{} x 100"
    made += [row("line-start", system, quantity, 1, line_start, chapter=_LINES, sample=sample, **ten)]
    hundred: dict[str, Any] = {"tolerance": 0.07, "fields": 100, "sample": "{} x 16"}
    for mu in (0.3, 0.5, 0.7):
        system, measure = f"particles with μ = {mu} in weak slab waves", partial(pitch_angle, mu=mu)
        words = system, "D_μμ over the quasilinear value"
        made += [row(f"scattering-{mu}", *words, 1, measure, chapter=_SMALL, remark="b = 0.03.", **hundred)]
    system = "particles in slab turbulence, b = 0.3 and r_g = 0.1 l"
    bound: dict[str, Any] = {"chapter": _PARTICLES, "fields": 10, "sample": "{} x 8"}
    remark = "Analytic: particles that diffuse along a line and never leave it."
    quantity, measure = "exponent of ⟨Δx²⟩ in time", partial(_compound, kind="exponent")
    made += [row("compound-exponent", system, quantity, 0.5, measure, tolerance=0.08, remark=remark, **bound)]
    remark = "Other code: a separate program over the same times; 1 for endless ways."
    quantity, measure = "⟨Δx²⟩/(2K⟨|Δz|⟩)", partial(_compound, kind="ratio")
    how: dict[str, Any] = {"tolerance": 0.05 / 0.96, "against": "other code", "remark": remark}
    made += [row("compound-ratio", system, quantity, 0.96, measure, **how, **bound)]
    return made


def _coefficient(axis: str, polarisation: str, eta: float, r_g: float, name: str) -> Sampled:
    case = min(
        (case for case in results.CASES if (case.polarisation, case.eta, case.r_g) == (polarisation, eta, r_g)),
        key=lambda case: case.modes,
    )
    sample = f"stored, {case.realisations} x {case.particles}"
    return Sampled(name, lambda size: results.stored(polarisation, eta, r_g, axis), sample=sample)


def _by_others(kind: str, eta: float, r_g: float, axis: str) -> tuple[float, float]:
    found = REFERENCE[kind, eta, r_g]
    return found[:2] if axis == "par" else found[2:]


def _coefficients_of_others() -> list[Validation]:
    """Stored coefficients against the numbers of `REFERENCE`; without a mean field one for all axes."""
    made = []
    for kind, eta, r_g in REFERENCE:
        for axis in ("par", "perp") if eta < 1 else ("par",):
            words = {"par": "κ∥", "perp": "κ⊥"}[axis] if eta < 1 else "κ"
            name = f"turbulence-kappa-{f'{axis}-' if eta < 1 else ''}{kind.lower()}-{eta:g}-{r_g:g}"
            made.append(
                Validation(
                    id=name,
                    system=f"particles in turbulence, {kind}, η = {eta:g}, r_g = {r_g:g} L_c",
                    quantity=f"{words}/(L_c v)",
                    chapter=_PARTICLES if axis == "par" else _ACROSS,
                    methods={
                        "Monte Carlo": _coefficient(axis, kind, eta, r_g, name),
                        "other code": partial(_by_others, kind, eta, r_g, axis),
                    },
                    tolerance=0.03 if kind == "ISO" else 0.05,
                    remark=f"{_STORED} {_CRPROPA if kind == 'ISO' else _SEPARATE}",
                    sigmas=2.5,
                )
            )
    return made


def _high_rigidity_rows() -> list[Validation]:
    parallel, perpendicular = (float(value) for value in quasilinear.high_rigidity(r_g=10.0, eta=0.5))
    ids = "turbulence-waves", "turbulence-high-parallel", "turbulence-high-perpendicular"
    waves = Sampled(ids[0], high_rigidity, fields=12, sample="{} x 16", more=2)
    return [
        Validation(
            id=ids[0],
            system="isotropic turbulence of 1024 waves, r_g = 10 L_c and η = 0.5",
            quantity="κ∥/(L_c v)",
            chapter=_CHOOSING,
            methods={"analytic": lambda: parallel, "Monte Carlo": waves},
            tolerance=0.02,
            remark=(
                "Analytic: deflections by independent patches. Monte Carlo: the stored table of checks. Four times the "
                "waves of the row with 256; the tolerance is a quarter of its excess."
            ),
        ),
        Validation(
            id=ids[1],
            system="isotropic turbulence, r_g = 10 L_c and η = 0.5",
            quantity="κ∥/(L_c v)",
            chapter=_ACROSS,
            methods={
                "analytic": lambda: parallel,
                "Monte Carlo": _coefficient("par", "ISO", 0.5, 10.0, ids[1]),
                "other code": partial(_by_others, "ISO", 0.5, 10.0, "par"),
            },
            tolerance=0.1,
            remark=f"Analytic: deflections by independent patches. {_STORED} {_CRPROPA}",
            sigmas=0.0,
        ),
        Validation(
            id=ids[2],
            system="the same",
            quantity="κ⊥/(L_c v)",
            chapter=_ACROSS,
            methods={
                "analytic": lambda: perpendicular,
                "Monte Carlo": _coefficient("perp", "ISO", 0.5, 10.0, ids[2]),
                "other code": partial(_by_others, "ISO", 0.5, 10.0, "perp"),
            },
            tolerance=0.1,
            remark=f"Analytic: classical scattering. {_STORED} {_CRPROPA}",
            sigmas=0.0,
        ),
    ]


def _steepening_rows() -> list[Validation]:
    return [
        row(
            f"steepening-{kind.lower()}",
            f"particles in turbulence, {kind}, η = 0.1",
            "exponent of κ⊥ from r_g = 0.1 L_c to L_c",
            value,
            partial(_steepening, kind=kind),
            chapter=_ACROSS,
            tolerance=0.12 / value,
            against="other code",
            sample="stored, 60 x 16",
            remark=f"{_STORED} Other code: exponents of a separate program, typed in; they may differ by 0.12.",
        )
        for kind, value in (("ISO", 0.55), ("ALF", 0.14), ("MAG", 0.81))
    ]


@cache
def _compound_once(size: int) -> dict[str, tuple[float, float]]:
    return compound(10 * size, end=600.0 * size)


def _compound(size: int, *, kind: str) -> tuple[float, float]:
    return _compound_once(size)[kind]


def _steepening(size: int, *, kind: str) -> tuple[float, float]:
    return steepening(kind)


PARTICLE_ROWS: tuple[Validation, ...] = tuple(_particle_rows())
"""Particles and field lines at the start, scattering, and particles that never leave their line."""

STORED_ROWS: tuple[Validation, ...] = (*_coefficients_of_others(), *_high_rigidity_rows(), *_steepening_rows())
"""Stored coefficients beside what others found, typed in above, and beside the limit of high rigidity."""
