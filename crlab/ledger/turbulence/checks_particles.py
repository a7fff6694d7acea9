"""What simulations of this room must give: theory and reference values, measured anew at two sizes.

``python -m crlab.turbulence checks`` runs them at full size, and what it found is stored; the tests run them reduced.
Reduced units (see `crlab.turbulence`).
"""

import sys
import time
import warnings
from collections.abc import Collection
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np
from astropy.table import Table

from crlab.turbulence import particles, quasilinear, results, tracing, transport
from crlab.turbulence.checks_fields import FIELD_CHECKS, LINE_CHECKS, WAVE_CHECKS, Check
from crlab.turbulence.spectrum import BendOver, kolmogorov
from crlab.units import Array

__all__ = [
    "CHECKS",
    "REFERENCE",
    "compound",
    "flight",
    "high_rigidity",
    "line_start",
    "load",
    "pitch_angle",
    "report",
    "run",
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
        progress=False,
    )
    return transport.plateau(paths.t, np.mean(paths.position[..., 2] ** 2, axis=1), start=0)


def stored(polarisation: str, eta: float, r_g: float, axis: str) -> tuple[float, float]:
    """One value of the stored table, with the fewest waves; without a mean field the mean over all axes.

    Parameters
    ----------
    polarisation : str
    eta, r_g : float
    axis : {"par", "perp"}

    Returns
    -------
    value, error : float

    Raises
    ------
    ValueError
        As `crlab.turbulence.results.load`.

    Examples
    --------
    >>> print(f"{stored('ISO', 0.5, 1.0, 'par')[0]:.0f}")
    3
    """
    row = results.load(polarisation=polarisation, eta=eta, r_g=r_g)[0]
    if eta < 1:
        return float(row[f"kappa_{axis}"]), float(row[f"error_{axis}"])
    mean = (row["kappa_par"] + 2 * row["kappa_perp"]) / 3
    return float(mean), float(np.hypot(row["error_par"], 2 * row["error_perp"]) / 3)


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
    (first, first_error), (last, last_error) = (stored(polarisation, eta, r, "perp") for r in (low, high))
    exponent, error = transport.local_exponents([low, high], [first, last], [first_error, last_error])
    return float(exponent[0]), float(error[0])


def _checks() -> tuple[Check, ...]:
    made = [Check("3<dz2>/t2 at the start", 1.0, 0.03, flight, row=9, fields=10, sample="{} x 1000")]
    name = "<dx2>/(dBx tau)2 of lines at the start"
    made += [Check(name, 1.0, 0.03, line_start, row=9, fields=10, sample="{} x 100")]
    for mu in (0.3, 0.5, 0.7):
        name, measure = f"slab D_mumu over theory, mu = {mu}", partial(pitch_angle, mu=mu)
        made += [Check(name, 1.0, 0.07, measure, row=16, fields=100, sample="{} x 16")]
    for kind, value, tolerance in (("exponent", 0.50, 0.04), ("ratio", 0.96, 0.05)):
        name, measure = f"compound motion, {kind}", partial(_compound, kind=kind)
        made += [Check(name, value, tolerance, measure, row=17, fields=10, sample="{} x 8")]
    theory = float(quasilinear.high_rigidity(r_g=10.0, eta=0.5)[0])
    name, sample = "1024 waves at high rigidity, kappa_par", "{} x 16"
    made += [Check(name, theory, 0.1 * theory, high_rigidity, row=19, fields=12, sample=sample, more=2)]
    return (*FIELD_CHECKS, *LINE_CHECKS, *made, *WAVE_CHECKS, *_stored_checks())


def _sample(*key: Any) -> str:
    """Fields and particles behind a stored value, by polarisation, η and r_g."""
    case = min(
        (case for case in results.CASES if (case.polarisation, case.eta, case.r_g) == key), key=lambda case: case.modes
    )
    return f"stored, {case.realisations} x {case.particles}"


def _stored_checks() -> tuple[Check, ...]:
    made = []
    for (kind, eta, r_g), row in REFERENCE.items():
        share, number = (0.03, 18) if kind == "ISO" else (0.05, 21)
        for axis, value, error in (("par", *row[:2]), ("perp", *row[2:])):
            name = f"kappa_{axis} {kind}, eta = {eta:g}, r_g = {r_g:g}"
            measure = partial(_stored, key=(kind, eta, r_g, axis))
            made += [Check(name, value, share * value, measure, error, 2.5, row=number, sample=_sample(kind, eta, r_g))]
    parallel, perpendicular = quasilinear.high_rigidity(r_g=10.0, eta=0.5)
    for axis, theory in (("par", float(parallel)), ("perp", float(perpendicular))):
        measure = partial(_stored, key=("ISO", 0.5, 10.0, axis))
        made += [
            Check(
                f"high rigidity, kappa_{axis}", theory, 0.1 * theory, measure, row=19, sample=_sample("ISO", 0.5, 10.0)
            )
        ]
    for kind, value in (("ISO", 0.55), ("ALF", 0.14), ("MAG", 0.81)):
        measure = partial(_steepening, kind=kind)
        made += [Check(f"exponent of kappa_perp, {kind}", value, 0.12, measure, row=22, sample=_sample(kind, 0.1, 1.0))]
    return tuple(made)


@cache
def _compound_once(size: int) -> dict[str, tuple[float, float]]:
    return compound(10 * size, end=600.0 * size)


def _compound(size: int, *, kind: str) -> tuple[float, float]:
    return _compound_once(size)[kind]


def _stored(size: int, *, key: tuple[str, float, float, str]) -> tuple[float, float]:
    return stored(*key)


def _steepening(size: int, *, kind: str) -> tuple[float, float]:
    return steepening(kind)


CHECKS: tuple[Check, ...] = tuple(sorted(_checks(), key=lambda check: check.row))
"""All checks; those of the stored coefficients read their table, whatever the size."""


def run(size: int = 10, *, only: Collection[int] | None = None) -> Table:
    """Run all checks, or some.

    Parameters
    ----------
    size : int
        Multiplies the realisations; 10 is full size, 1 that of the tests.
    only : collection of int, optional
        Numbers of the checks to run.

    Returns
    -------
    Table
        A row for each check: number, name, value, error, expected, tolerance (with the errors that it allows),
        verdict, sample, and seconds of processor time. Numbers that share one simulation have its time at the first.

    Examples
    --------
    >>> table = run()  # doctest: +SKIP
    """
    rows = []
    for check in CHECKS:
        if only is not None and check.row not in only:
            continue
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", particles.ResolutionWarning)
            value, error = check.measure(check.scaled(size))
        allowed = check.tolerance + check.sigmas * float(np.hypot(error, check.spread))
        row = {"row": check.row, "name": check.name}
        row |= {
            key: float(f"{number:.4g}")
            for key, number in zip(_NUMBERS, (value, error, check.expected, allowed), strict=True)
        }
        row |= {"passed": check.passes(value, error), "sample": check.sampled(size)}
        rows.append(row | {"seconds": round(time.process_time() - begin, 1)})
        print(_line(rows[-1]), file=sys.stderr, flush=True)
    table = Table(rows)
    table.meta["comments"] = [f"Written by python -m crlab.turbulence checks --size {size}; processor seconds."]
    return table


_NUMBERS = ("value", "error", "expected", "tolerance")


def load() -> Table:
    """Return the stored table of the checks at full size.

    Returns
    -------
    Table
        As that of `run`.

    Examples
    --------
    >>> sorted(set(load()["row"])) == list(range(1, 25))
    True
    """
    with (files("crlab.turbulence") / "results" / "checks.ecsv").open() as stream:
        return Table.read(stream.read().splitlines(), format="ascii.ecsv")


def report(table: Table) -> tuple[str, bool]:
    """Say what came out.

    Parameters
    ----------
    table : Table
        From `run` or `load`.

    Returns
    -------
    text : str
        A line for each check.
    passed : bool
        Whether all agree.

    Examples
    --------
    >>> text, passed = report(load())
    """
    return "\n".join(_line(row) for row in table), bool(np.all(table["passed"]))


def _line(row: Any) -> str:
    error = f" +- {row['error']:7.2g}" if row["error"] else " " * 11
    text = f"{row['row']:2} {row['name']:38} {row['value']:9.3g}{error}"
    return f"{text}  {row['expected']:9.4g} +- {row['tolerance']:7.2g} {'ok' if row['passed'] else 'FAILED'}"
