"""What fields, kernels, single paths and field lines must give.

`crlab.ledger.turbulence.checks` measures it at any size. Reduced units (see `crlab.turbulence`).
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import numpy as np

from crlab.ledger.turbulence.sampled import row
from crlab.ledger.validation import Validation
from crlab.turbulence import _kernels, numbers, particles, quasilinear, tracing, transport
from crlab.turbulence.fields import POLARISATIONS, WaveField, directions, wave_field
from crlab.turbulence.spectrum import BendOver, PowerLaw, Spectrum, kolmogorov, line_spectrum
from crlab.units import Array

__all__ = ["FIELD_ROWS", "LINE_ROWS", "SHARES", "WAVE_ROWS", "slab_wandering", "wandering"]

SHARES = {"ISO": (1 / 3, 1 / 3, 1 / 3), "ALF": (1 / 2, 1 / 2, 0.0), "MAG": (1 / 6, 1 / 6, 2 / 3)}
"""Shares of the components x, y and z in the mean square of the fluctuations."""


_MAKING = "turbulence/making-turbulence"
_LINES = "turbulence/field-lines"
_PARTICLES = "turbulence/particles"
_CHOOSING = "turbulence/choosing-the-numbers"
_SEPARATE = "Other code: a separate program with the same spectrum and 256 waves."


def wandering(
    *, polarisation: str, eta: float, end: float, realisations: int, lines: int = 16, modes: int = 256,
    step: float | None = None, seed: int = 11,
) -> tuple[float, float]:  # fmt: skip
    """Plateau of the field-line coefficient K_perp, from the growth between a quarter of a length and all of it.

    Parameters
    ----------
    polarisation : str
    eta : float
    end : float
        Longest path length.
    realisations, lines, modes, step, seed
        As in `crlab.turbulence.tracing.ensemble`.

    Returns
    -------
    value, error : float
        In L_c, for one axis.

    Raises
    ------
    ValueError
        As `crlab.turbulence.tracing.ensemble`.

    Examples
    --------
    >>> value, error = wandering(polarisation="ISO", eta=0.5, end=8.0, realisations=4, lines=2, modes=16)
    >>> value > 0
    True
    """
    paths = tracing.ensemble(
        kolmogorov(),
        eta=eta,
        lengths=np.linspace(end / 4, end, 6),
        realisations=realisations,
        lines=lines,
        seed=seed,
        modes=modes,
        polarisation=polarisation,
        step=step,
        precision="mixed",
        progress=False,
    )
    squares = np.mean(np.sum(paths.position[..., :2] ** 2, axis=-1), axis=1)
    return transport.plateau(paths.t, squares, start=0, axes=2)


def slab_wandering(size: int, *, b: float = 0.3) -> tuple[float, float]:
    """Wandering of field lines in slab turbulence beyond 50 bend-over scales, over π W(0)/(4 B0²).

    Parameters
    ----------
    size : int
        In thousands of realisations of one line.
    b : float
        δB/B0.

    Returns
    -------
    value, error : float

    Raises
    ------
    ValueError
        As `crlab.turbulence.tracing.ensemble`.

    Examples
    --------
    >>> value, error = slab_wandering(1)  # doctest: +SKIP
    """
    # Without waves below k_min, K at the length z lacks the part 2 k_min z/π: 1 % here.
    spectrum, eta = BendOver(1.0, 2e-4, 30.0), b**2 / (1 + b**2)
    paths = tracing.ensemble(
        spectrum,
        eta=eta,
        lengths=np.linspace(60, 160, 6),
        realisations=1000 * size,
        lines=1,
        seed=4,
        modes=128,
        polarisation="slab",
        step=0.05,
        precision="mixed",
        parameter="tau",
        progress=False,
    )
    z, squares = paths.position[0, 0, :, 2], np.mean(np.sum(paths.position[..., :2] ** 2, axis=-1), axis=1)
    value, error = transport.plateau(z, squares, start=0, axes=2)
    unlimited = quasilinear.SlabSpectrum(1.0)
    theory = float(quasilinear.slab_wandering(eta=eta, spectrum=unlimited)) * float(spectrum(1.0) / unlimited(1.0))
    return value / theory, error / theory


def _field(i: int, *, spectrum: Spectrum | None = None, polarisation: str = "ISO", modes: int = 256) -> WaveField:
    rng = np.random.default_rng((5, i))
    return wave_field(spectrum or kolmogorov(), eta=1.0, polarisation=polarisation, modes=modes, rng=rng)


def _mean(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _sum_of_squares(size: int) -> tuple[float, float]:
    """Largest miss of ΣA²/2 over all polarisations."""
    fields = [_field(1, polarisation=kind) for kind in POLARISATIONS]
    return max(abs(float(np.sum(one.amplitudes**2)) / 2 - 1) for one in fields), 0.0


def _rms(size: int) -> tuple[float, float]:
    """Largest miss of the rms over 4e4 points, one realisation of each polarisation.

    Slab waves are parallel, and neighbours among them beat over some 50 L_max: the points span many such lengths.
    """
    x = np.random.default_rng(7).uniform(-20000, 20000, (40000, 3))
    b2 = [np.mean(np.sum(_field(0, polarisation=kind).evaluate(x) ** 2, axis=1)) for kind in POLARISATIONS]
    return float(np.max(np.abs(np.sqrt(b2) - 1))), 0.0


def _share(size: int, *, kind: str, axis: int) -> tuple[float, float]:
    return _mean(np.array([_field(i, polarisation=kind).variance[axis] for i in range(80 * size)]))


def _across(size: int) -> tuple[float, float]:
    """Largest product of direction and polarisation vector."""
    pairs = [directions(kind, 10000, np.random.default_rng(1)) for kind in POLARISATIONS]
    return float(max(np.abs(np.sum(k * xi, axis=1)).max() for k, xi in pairs)), 0.0


def _divergence(size: int) -> tuple[float, float]:
    """Largest central difference, in k_max δB, of all polarisations at 200 points."""
    x, k_max = np.random.default_rng(2).uniform(-5, 5, (200, 3)), kolmogorov().k_max
    h, worst = 1e-3 / k_max, 0.0
    for kind in POLARISATIONS:
        field, total = _field(1, polarisation=kind), np.zeros(len(x))
        for c in range(3):
            d = h * np.eye(3)[c]
            total += (field.evaluate(x + d) - field.evaluate(x - d))[:, c] / (2 * h)
        worst = max(worst, float(np.abs(total).max()) / k_max)
    return worst, 0.0


def _correlation(size: int) -> tuple[float, float]:
    """One-sided correlation length of the trace along x, in L_max."""
    r, lengths = np.arange(0, 3, 0.004), []
    for i in range(40 * size):
        field = _field(i, spectrum=PowerLaw(2 * np.pi, 200 * np.pi))
        waves = np.cos(2 * np.pi * r[:, None] * field.wavevectors[:, 0])
        lengths.append(np.trapezoid(waves @ np.sum(field.amplitudes**2, axis=1) / 2, r))
    return _mean(np.array(lengths))


_OCTAVES = (4.0, 8.0, 16.0, 100 / 3)
"""Edges of the bins of the spectrum along lines, in k_min."""


@cache
def _line_spectra(size: int) -> Array:
    """Measured over expected power in each bin, one row a realisation."""
    spectrum, n = kolmogorov(), 4096
    edge = 16 * 2 * np.pi / spectrum.k_min
    x, rows = np.zeros((n, 3)), []
    x[:, 0] = np.arange(n) * edge / n
    window = np.hanning(n)[:, None] * np.sqrt(8 / 3)
    k = 2 * np.pi * np.fft.rfftfreq(n, edge / n)
    bins = [(k >= a) & (k < b) for a, b in itertools.pairwise(np.array(_OCTAVES) * spectrum.k_min)]
    expected = [line_spectrum(spectrum, k[inside]).sum() * (k[1] - k[0]) / 2 for inside in bins]
    for i in range(60 * size):
        b = _field(i).evaluate(np.roll(x, i % 3, axis=1))
        power = np.sum(np.abs(np.fft.rfft((b - b.mean(axis=0)) * window, axis=0)) ** 2, axis=1) / n**2
        rows.append([power[inside].sum() for inside in bins])
    return np.array(rows) / expected


def _octave(size: int, *, number: int) -> tuple[float, float]:
    return _mean(_line_spectra(size)[:, number])


def _cosine(size: int, *, accurate: bool) -> tuple[float, float]:
    """Largest error of one wave's kernel against extended precision, at up to 1e5 turns."""
    turns = np.random.default_rng(6).uniform(-1e5, 1e5, 100000)
    modes = np.array([[1.0], [0], [0], [0], [1.0], [0], [0]])
    x, b = np.zeros((len(turns), 3)), np.zeros((len(turns), 3))
    x[:, 0] = turns
    (_kernels.accurate if accurate else _kernels.fast)(modes, x, b)
    long = turns.astype(np.longdouble)
    exact = np.cos(8 * np.arctan(np.longdouble(1)) * (long - np.rint(long)))
    return float(np.abs(b[:, 0] - exact).max()), 0.0


@cache
def _gyration() -> tuple[float, float]:
    """Miss of the speed's square, and frequency over Ω, of 1e6 steps of Boris' scheme, 40 a turn."""
    calm = wave_field(kolmogorov(), eta=0.0, modes=1, rng=np.random.default_rng(1))
    h, steps = 2 * np.pi / 40, 1_000_000
    times = np.array([1, steps - 1, steps]) * h
    v = particles.push(calm, [0.0, 0, 0], [1.0, 0, 0], r_g=1.0, times=times, step=h).direction
    assert v is not None
    angle = -np.arctan2(v[0, :, 1], v[0, :, 0])
    # One step tells the number of whole turns, the whole path the rest.
    rough = angle[0] * steps
    turn = rough + np.angle(np.exp(1j * (angle[2] - rough)))
    return float(np.abs(np.sum(v**2, axis=-1) - 1).max()), float(turn / (h * steps))


def _speed(size: int) -> tuple[float, float]:
    return _gyration()[0], 0.0


def _frequency(size: int) -> tuple[float, float]:
    boris = 2 * np.arctan(np.pi / 40) / (2 * np.pi / 40)  # 0.9979514
    return abs(_gyration()[1] / boris - 1), 0.0


@cache
def _returns() -> Array:
    """Distance from the start of particles whose velocity and charge are reversed at t = 20."""
    rng = np.random.default_rng(2)
    field = wave_field(kolmogorov(), eta=0.5, rng=np.random.default_rng(1))
    x, v = rng.uniform(-50, 50, (64, 3)), particles.isotropic(64, rng=rng)
    there = particles.push(field, x, v, r_g=1.0, times=[20.0], step=0.0125)
    assert there.direction is not None
    back = particles.push(
        field, there.position[:, 0], -there.direction[:, 0], r_g=1.0, times=[20.0], step=0.0125, charge=-1
    )
    return np.asarray(np.linalg.norm(back.position[:, 0] - x, axis=1))


def _reversal(size: int, *, how: Callable[[Array], float]) -> tuple[float, float]:
    return float(how(_returns())), 0.0


def _alfven_advance(size: int) -> tuple[float, float]:
    """Largest miss of Δz = B0 τ of Alfvénic field lines."""
    worst = 0.0
    for eta in (0.1, 0.5, 0.9):
        field = wave_field(kolmogorov(), eta=eta, polarisation="ALF", rng=np.random.default_rng(1))
        line = tracing.trace(field, np.zeros((2, 3)), lengths=[1.0, 5.0, 20.0], parameter="tau", step=0.01)
        worst = max(worst, float(np.abs(line.position[..., 2] - np.sqrt(1 - eta) * line.t).max()))
    return worst, 0.0


def _plateau(size: int, *, kind: str, eta: float, end: float) -> tuple[float, float]:
    return _plateau_once(15 * size, kind, eta, end)


@cache
def _plateau_once(realisations: int, kind: str, eta: float, end: float) -> tuple[float, float]:
    return wandering(polarisation=kind, eta=eta, end=end, realisations=realisations)


def _magnetosonic_ratio(size: int) -> tuple[float, float]:
    high, high_error = _plateau(size, kind="MAG", eta=0.5, end=200.0)
    low, low_error = _plateau(size, kind="MAG", eta=0.1, end=800.0)
    return high / low, high / low * float(np.hypot(high_error / high, low_error / low))


def _no_mean_field(size: int, *, modes: int) -> tuple[float, float]:
    """κ at η = 1, r_g = 10 L_c and 1800 < t < 2400, where few waves have no plateau."""
    paths = particles.ensemble(
        kolmogorov(),
        eta=1.0,
        r_g=10.0,
        times=np.linspace(1800, 2400, 4),
        realisations=20 * size,
        particles=12,
        seed=8,
        modes=modes,
        step=0.1,
        precision="mixed",
        spacing="log",
        warn=False,  # the short waves do not matter at this gyroradius
        progress=False,
    )
    found = numbers.scatter(paths.t, np.mean(paths.position**2, axis=-1))
    return found.value, found.error


def _normalised(size: int) -> tuple[float, float]:
    """Variance of 128 waves over a factor 150, which a left-rectangle rule makes 1.034."""
    rng = np.random.default_rng(1)
    field = wave_field(PowerLaw(1.0, 150.0), eta=1.0, modes=128, spacing="log", rng=rng)
    return float(field.variance.sum()), 0.0


_HUNDRED: dict[str, Any] = {"times": np.arange(1, 101) * 0.01, "step": 0.01}


def _threads(size: int) -> tuple[float, float]:
    """Largest difference between paths of one thread and of two over 100 steps."""
    runs = []
    for count in (1, 2):
        with ThreadPoolExecutor(count) as pool:
            runs.append(
                particles.ensemble(
                    kolmogorov(), eta=0.5, r_g=0.5, realisations=4, particles=5, seed=1, executor=pool, progress=False,
                    **_HUNDRED,
                )
            )  # fmt: skip
    return float(np.abs(runs[0].position - runs[1].position).max()), 0.0


def _batches(size: int) -> tuple[float, float]:
    """Largest difference between paths in batches of 1 and of 64 over 100 steps."""
    rng = np.random.default_rng(2)
    field = wave_field(kolmogorov(), eta=0.5, rng=np.random.default_rng(1))
    x, v = rng.uniform(-50, 50, (70, 3)), particles.isotropic(70, rng=rng)
    one, many = (particles.push(field, x, v, r_g=0.5, batch=batch, **_HUNDRED).position for batch in (1, 64))
    return float(np.abs(one - many).max()), 0.0


_NUMERICAL: dict[str, Any] = {"by": "numerical"}


def _field_rows() -> list[Validation]:
    system, making = "plane waves of any polarisation", _NUMERICAL | {"chapter": _MAKING}
    quantity = "|ΣA²/2 - 1| of δB = 1, the largest"
    made = [row("amplitudes", system, quantity, 0, _sum_of_squares, tolerance=1e-12, sample="5 fields", **making)]
    quantity, sample = "|rms over space - 1| of δB = 1, the largest", "5 x 4e4 points"
    made += [row("rms", system, quantity, 0, _rms, tolerance=0.006, sample=sample, by="Monte Carlo", chapter=_MAKING)]
    for kind, shares in SHARES.items():
        for axis, share in enumerate(shares):
            name, quantity = f"variance-{kind.lower()}-{'xyz'[axis]}", f"share of δB² along {'xyz'[axis]}"
            measure, share_of = partial(_share, kind=kind, axis=axis), f"plane waves in random directions, {kind}"
            how: dict[str, Any] = {"tolerance": 0.03 if share else 1e-15, "fields": 80, "sample": "{} fields"}
            made += [row(name, share_of, quantity, share, measure, chapter=_MAKING, **how)]
    quantity, sample = "direction times polarisation vector, the largest", "1e4 waves a kind"
    made += [row("transverse", system, quantity, 0, _across, tolerance=1e-14, sample=sample, **making)]
    quantity, sample = "div B/(k_max δB) by central differences, the largest", "200 points a kind"
    made += [row("divergence", system, quantity, 0, _divergence, tolerance=1e-6, sample=sample, **making)]
    system = "isotropic turbulence over two decades"
    line: dict[str, Any] = {"chapter": _MAKING, "tolerance": 0.05}
    quantity = "one-sided correlation length over L_max"
    length = PowerLaw(2 * np.pi, 200 * np.pi).correlation_length / 2
    counted: dict[str, Any] = {"fields": 40, "sample": "{} fields", "remark": "Analytic: π⟨1/k⟩/2."}
    made += [row("correlation-length", system, quantity, length, _correlation, **counted, **line)]
    counted = {"fields": 60, "sample": "{} lines", "remark": "Analytic: the spectrum of the waves, projected."}
    for i, (low, high) in enumerate(itertools.pairwise(_OCTAVES)):
        quantity = f"power along a line from {low:g} to {high:.3g} k_min, over theory"
        made += [row(f"line-spectrum-{low:g}", system, quantity, 1, partial(_octave, number=i), **counted, **line)]
    for name, accurate, limit in (("fast", False, 5e-8), ("accurate", True, 1e-11)):
        system, quantity = f"the {name} cosine of the kernels", "error, the largest"
        measure, remark = partial(_cosine, accurate=accurate), "Up to 10⁵ turns, against extended precision."
        how = {"tolerance": limit, "sample": "1e5 phases", "remark": remark, "chapter": _CHOOSING}
        made += [row(f"cosine-{name}", system, quantity, 0, measure, **_NUMERICAL, **how)]
    return made


def _path_rows() -> list[Validation]:
    system, how = "a million steps of Boris' scheme, 40 a turn", _NUMERICAL | {"sample": "1 particle"}
    made = [row("speed", system, "|v² - 1|", 0, _speed, tolerance=1e-11, chapter=_PARTICLES, **how)]
    quantity, remark = "frequency off the scheme's own", "Analytic: the scheme turns by 2 arctan(h/2r_g)."
    made += [row("turns", system, quantity, 0, _frequency, tolerance=1e-6, chapter=_CHOOSING, remark=remark, **how)]
    system = "particles whose velocity and charge are reversed after 20 L_c/v"
    for name, reduce, limit in (("median", np.median, 1e-9), ("largest", np.max, 1e-6)):
        quantity, measure = f"distance from the start in L_c, {name}", partial(_reversal, how=reduce)
        how = _NUMERICAL | {"tolerance": limit, "sample": "64 particles", "chapter": _PARTICLES}
        made += [row(f"reversal-{name}", system, quantity, 0, measure, **how)]
    return made


def _line_rows() -> list[Validation]:
    how: dict[str, Any] = {"chapter": _LINES, "fields": 15, "sample": "{} x 16"}
    limit = {"remark": "Analytic: quasilinear, to lowest order in b²."}
    low = {"remark": f"{limit['remark']} A part of b² = 0.11 is missing."}
    system, other = "field lines in turbulence", {"against": "other code"}
    two = {"remark": "Other code: the mean of CRPropa 3's and a separate program's."} | other
    fourth = {"remark": f"{_SEPARATE} It gives 0.0115 b⁴."}
    iso, alf = (float(quasilinear.field_line_wandering(kind, eta=0.1)) for kind in ("ISO", "ALF"))
    cases: tuple[tuple[str, float, float, float, float, dict[str, Any]], ...] = (
        ("ISO", 0.1, 200.0, iso, 0.12, limit),
        ("ALF", 0.1, 200.0, alf, 0.12, low | {"more": 4}),
        ("ALF", 0.01, 200.0, 0.01 / 0.99 / 4, 0.12, limit | {"sigmas": 2.5, "more": 2}),
        ("ALF", 0.03, 200.0, 0.03 / 0.97 / 4, 0.12, limit | {"sigmas": 2.5, "more": 2}),
        ("MAG", 0.5, 200.0, 0.0115, 0.12, fourth | other),
        ("MAG", 0.1, 800.0, 0.0115 / 81, 0.20, fourth | other),
        ("ISO", 0.5, 200.0, 0.0904, 0.03, two | {"spread": 0.0025, "sigmas": 3.0}),
        ("ISO", 0.9, 200.0, 0.220, 0.03, two | {"spread": 0.005, "sigmas": 3.0}),
    )
    made = []
    for kind, eta, end, value, share, rest in cases:
        measure, name = partial(_plateau, kind=kind, eta=eta, end=end), f"wandering-{kind.lower()}-{eta:g}"
        of, quantity = f"{system}, {kind}", f"K⊥/L_c at η = {eta:g}"
        made += [row(name, of, quantity, value, measure, tolerance=share, **how, **rest)]
    ratio = row(
        "wandering-mag-ratio", f"{system}, MAG", "K⊥ at η = 0.5 over 0.1", 80, _magnetosonic_ratio, tolerance=0.25,
        remark="Analytic: 81 by b⁴, rounded.", **how,
    )  # fmt: skip
    made.insert(6, ratio)
    slab = row(
        "wandering-slab", "field lines in slab turbulence, b = 0.3", "K⊥ over π W(0)/(4 B0²)", 1, slab_wandering,
        tolerance=0.04, chapter=_LINES, fields=1000, sample="{} x 1", more=4,
        remark="1.3 % is owed to the waves longer than the band.",
    )  # fmt: skip
    exact: dict[str, Any] = {"sample": "2 lines, 3 eta", "chapter": _LINES, "tolerance": 1e-10}
    quantity = "largest Δz - B0 τ in L_c"
    advance = row("advance", f"{system}, ALF", quantity, 0, _alfven_advance, **_NUMERICAL, **exact)
    return [advance, *made, slab]


def _wave_rows() -> list[Validation]:
    remark = "Other code: a separate program with as many waves, evenly spaced. They are too few while the value falls."
    return [
        row(
            f"waves-alone-{modes}",
            f"isotropic turbulence of {modes} waves without a mean field, r_g = 10 L_c",
            "κ/(L_c v)",
            value,
            partial(_no_mean_field, modes=modes),
            tolerance=0.1,
            against="other code",
            chapter=_CHOOSING,
            fields=20,
            sample="{} x 12",
            remark=remark,
        )
        for modes, value in ((64, 338.0), (256, 182.0), (1024, 140.0))
    ]


def _division_rows() -> list[Validation]:
    how = _NUMERICAL | {"chapter": _CHOOSING}
    remark = "A left-rectangle rule would make it 1.034."
    made = [
        row(
            "normalisation", "128 waves over a factor 150 in k", "variance over δB²", 1, _normalised, tolerance=0.002,
            sample="1 field", remark=remark, **_NUMERICAL, chapter=_MAKING,
        )
    ]  # fmt: skip
    system, quantity = "particles over 100 steps", "difference of the paths in L_c, one thread or two"
    made += [row("threads", system, quantity, 0, _threads, tolerance=1e-9, sample="4 x 5", **how)]
    quantity = "difference of the paths in L_c, batches of 1 or 64"
    made += [row("batches", system, quantity, 0, _batches, tolerance=1e-9, sample="70 particles", **how)]
    return made


FIELD_ROWS: tuple[Validation, ...] = (*_field_rows(), *_path_rows())
"""Sums, variances, spectra, cosines, and single paths."""

LINE_ROWS: tuple[Validation, ...] = tuple(_line_rows())
"""Field lines."""

WAVE_ROWS: tuple[Validation, ...] = (*_wave_rows(), *_division_rows())
"""How many waves, how they are normalised, and that the work's division does not matter."""
