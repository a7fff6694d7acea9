"""Waves, grids and Boris steps: the room's kernels against a plain compiled loop, in one run on one core.

The plain kernel is one loop over the waves with `math.cos` and fastmath. Times are of the thread, the best of some
rounds in which all kernels take their turn, since the machine's clock changes. A wave costs 12 operations of the
multiply-add units, so that the measured peak of these units bounds its time; the last column is the share reached.
Run as ``python benchmarks/turbulence.py``.
"""

import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numba
import numpy as np
from _timing import best

from crlab.turbulence import _kernels
from crlab.turbulence.expansion import PLACE, expand
from crlab.turbulence.fields import wave_field
from crlab.turbulence.particles import isotropic, push
from crlab.turbulence.spectrum import kolmogorov

ROUNDS = 9
OPERATIONS = 12
POINTS = 512
NO_GRID, NO_FRAME = np.zeros((0, 1, 1, 1, 3), np.float32), np.zeros((0, 4))


@numba.njit(nogil=True, fastmath=True)
def plain(modes, x, b):
    for p in range(x.shape[0]):
        for n in range(modes.shape[1]):
            t = modes[0, n] * x[p, 0] + modes[1, n] * x[p, 1] + modes[2, n] * x[p, 2] + modes[3, n]
            c = math.cos(2 * math.pi * t)
            b[p, 0] += modes[4, n] * c
            b[p, 1] += modes[5, n] * c
            b[p, 2] += modes[6, n] * c


@numba.njit(nogil=True, fastmath={"contract"})
def multiply_adds(number, a, b):
    """Independent multiply-adds that stay in registers, 64 a turn."""
    total = np.ones(64)
    for _ in range(number):
        for j in range(64):
            total[j] = total[j] * a + b
    return total


def waves(modes):
    return wave_field(kolmogorov(), eta=0.5, modes=modes, rng=np.random.default_rng(1))


def compare_fields(modes, peak):
    field = waves(modes)
    table, single = field._modes, field._single
    x = np.random.default_rng(2).uniform(-100, 100, (POINTS, 3))
    b = {name: np.zeros_like(x) for name in ("plain", "accurate", "fast", "mixed")}
    few = slice(0, min(POINTS, 64_000 // modes))  # the slow ones need fewer points
    functions = {
        "plain": lambda: plain(table, x[few], b["plain"][few]),
        "accurate": lambda: _kernels.accurate(table, x[few], b["accurate"][few]),
        "fast": lambda: _kernels.fast(table, x, b["fast"]),
        "mixed": lambda: _kernels.mixed(table, single, x, b["mixed"]),
    }
    found = best(functions, ROUNDS)
    exact = field.evaluate(x, precision="accurate") - [0, 0, field.B0]
    print(f"\n{modes} waves")
    for name in b:
        points = few.stop if name in ("plain", "accurate") else POINTS
        per_wave = found[name] / points / modes * 1e9
        ratio = found["plain"] / few.stop / (found[name] / points)
        error = 0.0
        if name in ("fast", "mixed"):
            computed = field.evaluate(x, precision=name) - [0, 0, field.B0]
            error = np.abs(computed - exact).max() / math.sqrt(0.5)
        share = OPERATIONS / per_wave / peak * 1e9  # of the peak in double precision, also for the mixed kernel
        note = f"{share:6.0%} of peak, largest error {error:.0e} of rms" if error else ""
        print(f"  {name:10s}{per_wave:7.2f} ns per wave, {ratio:5.1f} x plain  {note}")


def step_time(arguments, steps=400, particles=64):
    rng = np.random.default_rng(3)
    x, v = rng.uniform(-1, 1, (particles, 3)), isotropic(particles, rng=rng)
    out = np.empty((particles, 1, 3))
    save = np.array([steps])
    return lambda: _kernels.push(arguments, x.copy(), v.copy(), 1.0, 0.01, False, save, out, out), steps * particles


def compare_steps():
    grid = np.random.default_rng(4).normal(size=(1, 128, 128, 128, 3)).astype(np.float32)
    frame = np.array([[10.0, 0, 0, 0]])
    nothing = (np.zeros((7, 0)), np.zeros((3, 0), np.float32))
    cases = {f"{n} waves, {kind}": waves(n).kernel(kind) for n in (100, 300, 1000) for kind in ("fast", "mixed")}
    cases["trilinear 128³"] = (_kernels.LINEAR, 0.7, *nothing, grid, frame)
    cases["tricubic 128³"] = (_kernels.CUBIC, 0.7, *nothing, grid, frame)
    made = {name: step_time(case) for name, case in cases.items()}
    found = best({name: function for name, (function, _) in made.items()}, ROUNDS)
    print("\nBoris steps, as a ratio to interpolating a grid with eight points")
    step = {name: seconds / made[name][1] for name, seconds in found.items()}
    for name, seconds in step.items():
        print(f"  {name:20s}{seconds * 1e6:7.3f} µs, {seconds / step['trilinear 128³']:.1f} x")


@numba.njit(nogil=True)
def many_polynomials(number, c, d, b):
    for _ in range(number):
        _kernels.polynomials(c, d, b)


def parts(field):
    """Summing in single precision, expanding (both per wave) and evaluating a level, over summing a wave in double."""
    made = expand(field, step=0.00126)
    near, single, radius = made.near
    slow, amplitude, table = (part[0] for part in made.levels)
    x = np.random.default_rng(7).uniform(-0.01, 0.01, (64, 3))
    b, v, centre = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    turns = np.zeros((64, near.shape[1]), np.float32)
    work, out = np.zeros((7, slow.shape[1]), np.float32), np.zeros((_kernels.ROWS, 3), np.float32)
    c = np.zeros(_kernels.TERMS * _kernels.ROW, np.float32)
    d, part = np.zeros(_kernels.ROW, np.float32), np.zeros(_kernels.ROW, np.float32)
    functions = {
        "whole": lambda: _kernels.fast(field._modes, x, b),
        "sum": lambda: [_kernels.add_near(near, single, radius, x, v, centre, turns, b) for _ in range(5)],
        "expand": lambda: [_kernels.expand(slow, amplitude, table, x[0], work, out) for _ in range(50)],
        "evaluate": lambda: many_polynomials(500, c, d, part),
    }
    found = best(functions, 50)
    wave = found.pop("whole") / x.shape[0] / field.modes
    sizes = (5 * x.shape[0] * near.shape[1], 50 * slow.shape[1], 500 * _kernels.LANES)
    return [seconds / size / wave for seconds, size in zip(found.values(), sizes, strict=True)]


def compare_expansion():
    """Cost of a step with expanded slow waves, and what it is made of."""
    field = waves(1000)
    unit = parts(field)
    print("\nslow waves expanded to 1e-6, 1000 waves over two decades; summing a wave in double precision costs 1,")
    print("in single precision {:.2f}, expanding it {:.1f}, evaluating a level {:.0f}".format(*unit))
    rng = np.random.default_rng(6)
    x, v = rng.uniform(-5, 5, (64, 3)), isotropic(64, rng=rng)
    print("  r_g/L_c  step/L_min  summed  levels  over double  over mixed  summing  renewing  evaluating")
    for r_g in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003):
        step = min(2 * np.pi * r_g / 50, field.shortest / 4)
        options = {"r_g": r_g, "times": [500 * step]}
        made = expand(field, step=step)
        functions = {
            "whole": partial(push, field, x, v, step=step, **options),
            "mixed": partial(push, field, x, v, step=step, precision="mixed", **options),
            "expanded": partial(made.push, x, v, **options),
        }
        found = best(functions, 5)
        double, single = (found["expanded"] / found[name] for name in ("whole", "mixed"))
        out = np.empty((64, 1, 3))
        renewed = _kernels.push_expanded(
            field.B0, *made.near, *made.levels, PLACE, made.radius, x.copy(), v.copy(), 1 / r_g, step, False,
            np.array([500]), out, out.copy(),
        )  # fmt: skip
        number = (made.near[0].shape[1], renewed / 500 / 64, made.radius.size)
        shares = [cost * n / field.modes for cost, n in zip(unit, number, strict=True)]
        print(
            f"  {r_g:7g}{step / field.shortest:12.4f}{made.direct:8d}{made.radius.size:8d}{double:13.2f}{single:12.2f}"
            f"{shares[0]:9.2f}{shares[1]:10.2f}{shares[2]:12.2f}"
        )


def compare_threads():
    field = waves(1000)
    rng = np.random.default_rng(5)
    x, v = rng.uniform(-1, 1, (64, 3)), isotropic(64, rng=rng)

    def work(_):
        push(field, x, v, r_g=1.0, times=[6.0], step=0.012)

    def all_work(count):
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(work, range(8)))

    one, two = best({n: partial(all_work, n) for n in (1, 2)}, clock=time.perf_counter).values()
    print(f"\ntwo threads: {one / two:.2f} x one; at least 1.8 on a quiet machine (wall clock)")


def main():
    turns = 400_000
    peak = turns * 64 / best({"peak": lambda: multiply_adds(turns, 0.999, 0.001)}, 3 * ROUNDS)["peak"]
    print(f"multiply-adds in double precision at peak: {peak / 1e9:.1f} per ns")
    for modes in (100, 300, 1000):
        compare_fields(modes, peak)
    compare_steps()
    compare_expansion()
    compare_threads()


if __name__ == "__main__":
    sys.exit(main())
