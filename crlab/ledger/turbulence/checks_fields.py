"""What fields, kernels, single paths and field lines must give; `crlab.turbulence.checks` runs and shows it.

Reduced units (see `crlab.turbulence`).
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from crlab.turbulence import _fast_kernels, _kernels, numbers, particles, quasilinear, tracing, transport
from crlab.turbulence.fields import POLARISATIONS, WaveField, directions, wave_field
from crlab.turbulence.spectrum import BendOver, PowerLaw, Spectrum, kolmogorov, line_spectrum
from crlab.units import Array

__all__ = ["FIELD_CHECKS", "LINE_CHECKS", "SHARES", "WAVE_CHECKS", "Check", "slab_wandering", "wandering"]

SHARES = {"ISO": (1 / 3, 1 / 3, 1 / 3), "ALF": (1 / 2, 1 / 2, 0.0), "MAG": (1 / 6, 1 / 6, 2 / 3)}
"""Shares of the components x, y and z in the mean square of the fluctuations."""


FULL = 10
"""Size from which on the command's table is at full size."""


@dataclass(frozen=True)
class Check:
    """One number that this room must give; an entry of `crlab.turbulence.checks.CHECKS`.

    Parameters
    ----------
    name : str
    expected, tolerance : float
        The value, and how far from it the measurement may lie; absolute.
    measure : callable
        ``measure(size)`` gives value and standard error, 0 for what is not sampled.
    spread, sigmas : float
        Standard error of the expected value, and how many errors of both, added in squares, are allowed on top of
        the tolerance.
    row : int
        Checks of one kind share a number.
    fields : int
        Realisations per unit of size; 0 where the number does not depend on it.
    sample : str
        What is sampled, with ``{}`` for the number of realisations.
    more : int
        How many times as many realisations full size has, where the tolerance asks for a smaller error.

    Examples
    --------
    >>> half = Check("a half", expected=0.5, tolerance=0.01, measure=lambda size: (0.505, 0.0))
    >>> half.passes(*half.measure(1))
    True
    """

    name: str
    expected: float
    tolerance: float
    measure: Callable[[int], tuple[float, float]]
    spread: float = 0.0
    sigmas: float = 0.0
    row: int = 0
    fields: int = 0
    sample: str = ""
    more: int = 1

    def scaled(self, size: int) -> int:
        """What `measure` is called with at a size."""
        return size * self.more if size >= FULL else size

    def sampled(self, size: int) -> str:
        """What is sampled at a size, in words."""
        return self.sample.format(self.fields * self.scaled(size))

    def passes(self, value: float, error: float, *, slack: float = 0.0) -> bool:
        """Whether a measurement agrees; `slack` times its error is allowed besides, for reduced runs."""
        allowed = self.tolerance + self.sigmas * np.hypot(error, self.spread) + slack * error
        return bool(abs(value - self.expected) <= allowed)


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
    (_kernels.accurate if accurate else _fast_kernels.fast)(modes, x, b)
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


def _field_checks() -> tuple[Check, ...]:
    made = [Check("abs(sum A2/2 - 1), all kinds", 0, 1e-12, _sum_of_squares, row=1, sample="5 fields")]
    made += [Check("abs(rms over space - 1), largest", 0, 0.006, _rms, row=1, sample="5 x 4e4 points")]
    for kind, shares in SHARES.items():
        for axis, share in enumerate(shares):
            measure, name = partial(_share, kind=kind, axis=axis), f"variance {kind}, {'xyz'[axis]}"
            made += [Check(name, share, 0.03 * share, measure, row=2, fields=80, sample="{} fields")]
    made += [Check("k.xi, largest", 0, 1e-14, _across, row=3, sample="1e4 waves a kind")]
    made += [Check("div B / (k_max dB), largest", 0, 1e-6, _divergence, row=3, sample="200 points a kind")]
    length = 0.1048  # π⟨1/k⟩/2 of k^(-5/3) over two decades
    made += [
        Check("correlation length / L_max", length, 0.05 * length, _correlation, row=4, fields=40, sample="{} fields")
    ]
    for i, (low, high) in enumerate(itertools.pairwise(_OCTAVES)):
        name, measure = f"line spectrum, {low:g}-{high:.3g} k_min", partial(_octave, number=i)
        made += [Check(name, 1, 0.05, measure, row=5, fields=60, sample="{} lines")]
    for name, accurate, limit in (("fast", False, 5e-8), ("accurate", True, 1e-11)):
        measure = partial(_cosine, accurate=accurate)
        made += [Check(f"error of the {name} cosine", 0, limit, measure, row=6, sample="1e5 phases")]
    return tuple(made)


def _path_checks() -> tuple[Check, ...]:
    made = [Check("abs(v2 - 1) in 1e6 steps", 0, 1e-11, _speed, row=7, sample="1 particle")]
    made += [Check("frequency off the scheme's, 40 a turn", 0, 1e-6, _frequency, row=7, sample="1 particle")]
    for name, how, limit in (("median", np.median, 1e-9), ("largest", np.max, 1e-6)):
        measure = partial(_reversal, how=how)
        made += [Check(f"distance after reversal, {name}", 0, limit, measure, row=8, sample="64 particles")]
    return tuple(made)


def _line_checks() -> tuple[Check, ...]:
    made = [Check("dz - B0 tau of ALF lines", 0, 1e-10, _alfven_advance, row=10, sample="2 lines, 3 eta")]
    lines: dict[str, Any] = {"fields": 15, "sample": "{} x 16"}
    quasilinear_iso, quasilinear_alf, magnetosonic = 1 / 72, 1 / 36, 0.0115
    cases = (
        (11, "ISO", 0.1, 200.0, quasilinear_iso, 0.12),
        (12, "ALF", 0.1, 200.0, quasilinear_alf, 0.12),
        (13, "MAG", 0.5, 200.0, magnetosonic, 0.12),
        (13, "MAG", 0.1, 800.0, magnetosonic / 81, 0.20),
    )
    for row, kind, eta, end, value, share in cases:
        measure, name = partial(_plateau, kind=kind, eta=eta, end=end), f"K_perp {kind}, eta = {eta:g}"
        made += [Check(name, value, share * value, measure, row=row, more=4 if row == 12 else 1, **lines)]
    for eta in (0.01, 0.03):  # the quasilinear value is the limit of weak fluctuations
        value, name = eta / (1 - eta) / 4, f"K_perp ALF, eta = {eta:g}"
        measure = partial(_plateau, kind="ALF", eta=eta, end=200.0)
        made += [Check(name, value, 0.12 * value, measure, 0.0, 2.5, row=12, more=2, **lines)]
    made += [Check("ratio of the two", 80, 20, _magnetosonic_ratio, row=13, **lines)]
    for eta, value, spread in ((0.5, 0.0904, 0.0025), (0.9, 0.220, 0.005)):
        measure = partial(_plateau, kind="ISO", eta=eta, end=200.0)
        name = f"K_perp ISO, eta = {eta:g}"
        made += [Check(name, value, 0.03 * value, measure, spread, 3, row=14, **lines)]
    made += [Check("slab K_perp over theory", 1, 0.04, slab_wandering, row=15, fields=1000, sample="{} x 1", more=4)]
    return tuple(made)


def _wave_checks() -> tuple[Check, ...]:
    made = [
        Check(
            f"kappa, eta = 1, r_g = 10, {modes} waves",
            value,
            0.1 * value,
            partial(_no_mean_field, modes=modes),
            row=20,
            fields=20,
            sample="{} x 12",
        )
        for modes, value in ((64, 338.0), (256, 182.0), (1024, 140.0))
    ]
    made += [Check("variance of 128 waves over 150", 1, 0.002, _normalised, row=23, sample="1 field")]
    made += [Check("1 and 2 threads, paths differ by", 0, 1e-9, _threads, row=24, sample="4 x 5")]
    made += [Check("batches of 1 and 64, paths differ by", 0, 1e-9, _batches, row=24, sample="70 particles")]
    return tuple(made)


FIELD_CHECKS: tuple[Check, ...] = _field_checks() + _path_checks()
"""Sums, variances, spectra, cosines, and single paths."""

LINE_CHECKS: tuple[Check, ...] = _line_checks()
"""Field lines."""

WAVE_CHECKS: tuple[Check, ...] = _wave_checks()
"""How many waves, how they are normalised, and that the work's division does not matter."""
