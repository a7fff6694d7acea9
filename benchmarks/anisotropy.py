"""The random walk: the compiled kernel against the drawing of its random numbers and against vectorised numpy.

The task is the chapter's: the mean square distance at 25 times over four decades. All versions use one core, and the
times of all are taken in turn. Run as ``python benchmarks/anisotropy.py``.
"""

import math
import sys
from functools import partial

import numba
import numpy as np
from _timing import best

from crlab.anisotropy import _kernels

T = np.geomspace(0.03, 300, 25)
PARTICLES = 2_000
BATCH = 16_000
REPEATS = 7


@numba.njit(nogil=True)
def draw(rng, size, t):
    """Draw the random numbers of `crlab.anisotropy._kernels.displacement`, in the same order, and do nothing else."""
    total, scatterings = 0.0, 0
    for _ in range(size):
        end = 0.0
        while end <= t[-1]:
            x, y = rng.standard_normal(), rng.standard_normal()
            total += rng.random()
            end += 0.5 * (x * x + y * y)
            scatterings += 1
    return total, scatterings


def by_angles(rng, n):
    """Free paths from an exponential deviate, a cosine and an azimuth, as textbooks have it."""
    s = rng.standard_exponential(n)
    mu, azimuth = rng.uniform(-1, 1, n), rng.uniform(0, 2 * math.pi, n)
    rho = s * np.sqrt(1 - mu * mu)
    return s, rho * np.cos(azimuth), rho * np.sin(azimuth), s * mu


def by_pairs(rng, n):
    """Free paths from the kernel's own random numbers."""
    x, y = rng.standard_normal((2, n))
    s, mu = 0.5 * (x * x + y * y), rng.uniform(-1, 1, n)
    rho = np.sqrt(0.5 * s * (1 - mu * mu))
    x *= rho
    y *= rho
    return s, x, y, s * mu


def by_rejection(rng, n):
    """Free paths with Marsaglia's (1972) directions: points in a disc, without sine and cosine."""
    s = rng.standard_exponential(n)
    x, y = rng.uniform(-1, 1, (2, int(1.3 * n) + 60))
    square = x * x + y * y
    inside = np.flatnonzero(square < 1)[:n]
    square = square[inside]
    rho = 2 * s * np.sqrt(1 - square)
    return s, rho * x[inside], rho * y[inside], s * (1 - 2 * square)


def vectorised(free_paths):
    """What the kernel does, with all particles of a batch moving at once."""

    def displacement(rng, size, t):
        times = np.append(t, np.inf)
        sums, scatterings = np.zeros((times.size, 2)), 0
        x, y, z, now = np.zeros((4, size))
        following = np.zeros(size, np.int64)  # index of the next time to look at
        while x.size:
            s, dx, dy, dz = free_paths(rng, x.size)
            scatterings += x.size
            end = now + s
            passed = look = np.flatnonzero(times[following] <= end)
            while look.size:
                i = following[look]
                part = (times[i] - now[look]) / s[look]
                r2 = (x[look] + part * dx[look]) ** 2 + (y[look] + part * dy[look]) ** 2
                r2 += (z[look] + part * dz[look]) ** 2
                sums[:, 0] += np.bincount(i, r2, times.size)
                sums[:, 1] += np.bincount(i, r2 * r2, times.size)
                following[look] += 1
                look = look[times[following[look]] <= end[look]]
            x += dx
            y += dy
            z += dz
            now = end
            if passed.size:
                on = following < t.size
                if not on.all():
                    x, y, z, now, following = x[on], y[on], z[on], now[on], following[on]
        return sums[:-1], scatterings

    return displacement


def check():
    """The drawing kernel leaves the generator where the walk leaves it; all walks give the same mean squares."""
    streams = [np.random.default_rng(1) for _ in range(2)]
    scatterings = [
        function(rng, 50, T)[1] for function, rng in zip((draw, _kernels.displacement), streams, strict=True)
    ]
    assert scatterings[0] == scatterings[1]
    assert streams[0].random() == streams[1].random()
    closed = 2 * (T + np.expm1(-T))
    for free_paths in (by_angles, by_pairs, by_rejection):
        sums, _ = vectorised(free_paths)(np.random.default_rng(2), 4_000, T)
        assert np.all(np.abs(sums[:, 0] / 4_000 / closed - 1) < 0.06), free_paths.__name__


def main():
    check()
    versions = {
        "kernel": (_kernels.displacement, PARTICLES),
        "drawing its random numbers": (draw, PARTICLES),
        "numpy, angles": (vectorised(by_angles), BATCH),
        "numpy, the kernel's formula": (vectorised(by_pairs), BATCH),
        "numpy, Marsaglia's rejection": (vectorised(by_rejection), BATCH),
    }
    functions = {
        name: partial(function, np.random.default_rng(1), size, T) for name, (function, size) in versions.items()
    }
    found = best(functions, REPEATS, steps=lambda result: result[1])
    cost = {name: 1e9 * seconds for name, seconds in found.items()}
    kernel = cost["kernel"]
    drawing = kernel / cost["drawing its random numbers"]
    gain = {name: cost[name] / kernel for name in versions if name.startswith("numpy")}
    print(f"{'random walk':<34}{'ns/scattering':>14}{'kernel is':>14}")
    print(f"{'kernel':<34}{kernel:>14.1f}")
    print(f"{'drawing its random numbers':<34}{kernel / drawing:>14.1f}{drawing:>10.2f} x as costly (bar: at most 2)")
    for name, bar in zip(gain, (" (bar: at least 2.5)", " (bar: at least 2.5)", ""), strict=True):
        print(f"{name:<34}{cost[name]:>14.1f}{gain[name]:>10.1f} x faster{bar}")
    return int(drawing > 2 or gain["numpy, angles"] < 2.5 or gain["numpy, the kernel's formula"] < 2.5)


if __name__ == "__main__":
    sys.exit(main())
