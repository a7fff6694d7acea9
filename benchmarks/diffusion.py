"""Steps of the transport solver against scipy.linalg.solve_banded called for each momentum.

Both sides do the same backward Euler step, on one core, warm; scipy has its bands ready and does not check
its input. Times are CPU times of this thread, the best of five. Exits with 1 where the ratio is below 5.
"""

import sys
from functools import partial

import numpy as np
from _timing import best
from astropy import units as u
from scipy.linalg import solve_banded

from crlab.diffusion.transport import Grid, Problem, solve

BAR = 5.0
DT = 0.1
AREA, SPEED, RATE = u.kpc**2 / u.Myr, u.kpc / u.Myr, 1 / (u.kpc**3 * u.Myr)


def problem_of(kind, nx, m):
    """A halo, where momenta are independent, or a shock, where each row feeds the next."""
    grid = Grid(x=np.linspace(-4, 4, nx + 1) * u.kpc, p=np.geomspace(1, 1e3, m + 1))
    flow = np.where(grid.x < 0 * u.kpc, 1.0, 0.25) * (kind == "shock")
    source = np.zeros(grid.shape)
    source[nx // 2] = 1
    return Problem(grid=grid, kappa=lambda x, p: 0.03 * p**0.6 * AREA, velocity=flow * SPEED, source=source * RATE)


def bands_of(problem):
    """1 - Δt (transport) as (m, 3, nx), and the rates of gain at the upper faces, (nx, m)."""
    grid, speed, kappa = problem.grid, problem.velocity.value[:, None], problem.kappa.value
    x, dx = grid.x.value, grid.dx.value[:, None]
    h = np.diff(np.r_[x[0], (x[1:] + x[:-1]) / 2, x[-1]])[:, None]
    z = speed * h / kappa
    beta = kappa / h * np.divide(z, np.expm1(z), out=np.ones_like(z), where=z != 0)
    alpha = beta + speed
    gain = np.maximum(-np.diff(speed, axis=0) / dx, 0) * grid.p.value[1:] / 3
    bands = np.zeros((grid.shape[1], 3, grid.shape[0]))
    bands[:, 0, 1:] = -(DT * beta[1:-1] / dx[:-1]).T
    bands[:, 1] = (1 + DT * ((alpha[1:] + beta[:-1]) / dx + gain / grid.dp.value)).T
    bands[:, 2, :-1] = -(DT * alpha[1:-1] / dx[1:]).T
    return bands, gain


def step_with_scipy(problem, bands, gain, psi):
    """One step for every momentum; arrays are (m, nx), so that each row is contiguous."""
    dp, q = problem.grid.dp.value, problem.source.value.T
    new = np.empty_like(psi)
    coupled = gain.any()
    for j in range(psi.shape[0]):
        rhs = psi[j] + DT * q[j]
        if coupled and j > 0:
            rhs += DT / dp[j] * gain[:, j - 1] * new[j - 1]
        new[j] = solve_banded((1, 1), bands[j], rhs, overwrite_b=True, check_finite=False)
    return new


def main():
    print("Backward Euler step, microseconds: crlab, scipy per row, ratio; crlab's default scheme over backward Euler")
    failed = False
    for kind, nx, m in (("halo", 201, 100), ("shock", 201, 100), ("halo", 801, 100), ("shock", 801, 100)):
        problem = problem_of(kind, nx, m)
        bands, gain = bands_of(problem)
        n = 40

        def run(scheme, problem=problem, n=n):
            return solve(problem, times=n * DT * u.Myr, step=DT * u.Myr, scheme=scheme, momentum="upwind")

        def plain(problem=problem, bands=bands, gain=gain, n=n):
            psi = np.zeros(bands.shape[::2])
            for _ in range(n):
                psi = step_with_scipy(problem, bands, gain, psi)
            return psi

        found, expected = run("euler").psi[0].value, plain().T
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-12 * expected.max())
        functions = {"euler": partial(run, "euler"), "plain": plain, "positive": partial(run, "positive")}
        ours, theirs, positive = (seconds / n for seconds in best(functions).values())
        failed |= theirs < BAR * ours
        print(
            f"  {kind:5} {nx:4} x {m}: {ours * 1e6:7.0f} {theirs * 1e6:7.0f}   {theirs / ours:5.1f}   "
            f"{positive / ours:4.1f}"
        )
    print(f"bar: ratio of at least {BAR:g}: {'MISSED' if failed else 'met'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
