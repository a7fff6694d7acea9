"""A shock by stochastic equations: a step of the kernel against its random deviate and against numpy, in one run.

Ratios are of processor time on one core; particles start at the shock and are followed for the same number of
steps by all. Run as ``python benchmarks/acceleration_stochastic.py``.
"""

import numba
import numpy as np
from _timing import best

from crlab.acceleration import _kernels

NUMBER = 2000
STEPS = 1700
U2, KAPPA2, WIDTH, DT = 0.25, 1.0, 0.05, 0.01
REPEATS = 9


@numba.njit(nogil=True)
def deviates(rng, xi, rounds):
    """Fill an array with normal deviates again and again."""
    for _ in range(rounds):
        for m in range(xi.size):
            xi[m] = rng.standard_normal()


def numpy_increments(rng, kind, n):
    """ξ as `crlab.acceleration._kernels.increments` draws it."""
    if kind == 0:
        return rng.standard_normal(n)
    far, near = _kernels.FAR, _kernels.NEAR
    points = np.array([-far, far, -near, near, -near, near, -near, near])
    return points[rng.integers(0, 8, n, dtype=np.uint8)]


def numpy_walk(rng, kind, x, y, end, u2, kappa2, width, dt):
    """What the kernel does with constant κ in p and equal steps, all particles moving at once.

    Returns
    -------
    int
        Steps taken.
    """
    gain = np.log1p((1 - u2) * dt / (3 * width))
    ratio = np.sqrt(kappa2)
    s1 = np.sqrt(2 * dt)
    s2 = s1 * ratio
    for _ in range(round(end / dt)):
        u = np.clip(0.5 * (1 + u2) - (1 - u2) / width * x, u2, 1.0)
        new = x + u * dt + np.where(x < 0, s1, s2) * numpy_increments(rng, kind, x.size)
        if ratio != 1:
            crossed = np.flatnonzero((x < 0) != (new < 0))
            onwards = np.where(x[crossed] < 0, ratio, 1 / ratio)
            passes = rng.random(crossed.size) < onwards
            new[crossed] = np.where(passes, new[crossed] * onwards, -new[crossed])
        y[np.abs(new) < width / 2] += gain
        x[:] = new
    return round(end / dt) * x.size


def kernel_walk(rng, kind, x, y, end, u2, kappa2, width, dt):
    """The kernel, with the arguments of `numpy_walk` and no loss downstream."""
    ends, levels, passage = np.full(x.size, end), np.array([np.inf]), np.full((x.size, 1), np.inf)
    return _kernels.walk(rng, kind, ends, levels, u2, kappa2, 0.0, width, dt, dt, 1e9, x, y, passage)


def walker(walk, kind, kappa2):
    def run():
        x, y = np.zeros(NUMBER), np.zeros(NUMBER)
        return walk(np.random.default_rng(1), kind, x, y, (STEPS - 0.5) * DT, U2, kappa2, WIDTH, DT)

    return run


def normal():
    deviates(np.random.default_rng(1), np.empty(NUMBER), STEPS)
    return NUMBER * STEPS


def main():
    print(f"{'a step of the shock':<34}{'ns/step':>9}{'ratio':>24}")
    for kappa2, text in ((1.0, "κ equal on both sides"), (0.25, "κ/u equal on both sides")):
        walks = {(walk, kind): walker(walk, kind, kappa2) for walk in (kernel_walk, numpy_walk) for kind in (0, 1)}
        found = best({"normal": normal} | walks, REPEATS, steps=int)
        deviate, gauss, weak, plain, plain_weak = (1e9 * seconds for seconds in found.values())
        print(text)
        print(f"{'  normal deviate alone':<34}{deviate:>9.2f}")
        print(f"{'  kernel, normal deviates':<34}{gauss:>9.2f}{gauss / deviate:>8.2f} x the deviate")
        print(f"{'  kernel, four-point':<34}{weak:>9.2f}")
        print(f"{'  numpy, normal deviates':<34}{plain:>9.2f}{plain / weak:>8.1f} x kernel, four-point")
        print(f"{'  numpy, four-point':<34}{plain_weak:>9.2f}{plain_weak / weak:>8.1f} x kernel, four-point")


if __name__ == "__main__":
    main()
