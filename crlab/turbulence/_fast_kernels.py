"""The field fast: sums over plane waves with a short polynomial for the cosine, and interpolation on grids.

Phases are in turns. With t the phase and y = abs(t - rint(t)) - 1/4, cos(2πt) = -y P(y²), because the cosine is odd
about a quarter turn. P is the minimax polynomial of five terms, right to 1.2e-8. Only this file may reorder sums
(fastmath); `crlab.turbulence._kernels.accurate` is what it is tested against. Grids are interpolated in single
precision, that of their values.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Single = NDArray[np.float32]

TILE = 512
"""Waves per pass: their tables stay in the first-level cache while all particles of a batch go by."""

P0 = 6.2831853018906845
P1 = -41.34169186433819
P2 = 81.60326572877663
P3 = -76.59820792015167
P4 = 39.8732317769393
"""Minimax coefficients of P(y²) on abs(y) <= 1/4, by Remez' exchange."""

S0, S1, S2, S3, S4 = np.float32(P0), np.float32(P1), np.float32(P2), np.float32(P3), np.float32(P4)
QUARTER = np.float32(0.25)
ZERO, ONE = np.float32(0), np.float32(1)


@numba.njit(cache=True, nogil=True, fastmath=True)
def wave_sum(  # type: ignore[no-untyped-def]
    kx: Float, ky: Float, kz: Float, beta: Float, ax: Float, ay: Float, az: Float, x: float, y: float, z: float
):
    """Return minus the three sums Σ a cos 2π(κ·x + β) over one tile of waves, all of shape (n,)."""
    bx = by = bz = 0.0
    for n in range(kx.size):
        t = kx[n] * x + ky[n] * y + kz[n] * z + beta[n]
        r = abs(t - np.rint(t)) - 0.25
        s = r * r
        q = s * s
        c = r * ((P0 + s * P1) + q * ((P2 + s * P3) + q * P4))
        bx += ax[n] * c
        by += ay[n] * c
        bz += az[n] * c
    return bx, by, bz


@numba.njit(cache=True, nogil=True, fastmath=True)
def wave_sum_mixed(  # type: ignore[no-untyped-def]
    kx: Float,
    ky: Float,
    kz: Float,
    beta: Float,
    ax: Single,
    ay: Single,
    az: Single,
    x: float,
    y: float,
    z: float,
    turns: Single,
):
    """`wave_sum` with the phase in double and the polynomial in single precision; `turns` is working space.

    Two loops, because one that changes precision halfway does not vectorise well.
    """
    for n in range(kx.size):
        t = kx[n] * x + ky[n] * y + kz[n] * z + beta[n]
        turns[n] = t - np.rint(t)
    bx = by = bz = ZERO
    for n in range(kx.size):
        r = abs(turns[n]) - QUARTER
        s = r * r
        c = r * (S0 + s * (S1 + s * (S2 + s * (S3 + s * S4))))
        bx += ax[n] * c
        by += ay[n] * c
        bz += az[n] * c
    return bx, by, bz


@numba.njit(cache=True, nogil=True)
def fast(modes: Float, x: Float, b: Float) -> None:
    """Add to b, shape (P, 3), the field of the waves at x, shape (P, 3).

    Parameters
    ----------
    modes : array, shape (7, N)
        Rows κx, κy, κz (turns per length), β (turns), Ax, Ay, Az.
    x, b : array, shape (P, 3)
    """
    number = modes.shape[1]
    for n0 in range(0, number, TILE):
        n1 = min(n0 + TILE, number)
        # Slices of rows: they are contiguous and start at zero, without which the loops do not vectorise.
        kx, ky, kz, beta = modes[0][n0:n1], modes[1][n0:n1], modes[2][n0:n1], modes[3][n0:n1]
        ax, ay, az = modes[4][n0:n1], modes[5][n0:n1], modes[6][n0:n1]
        for p in range(x.shape[0]):
            bx, by, bz = wave_sum(kx, ky, kz, beta, ax, ay, az, x[p, 0], x[p, 1], x[p, 2])
            b[p, 0] -= bx
            b[p, 1] -= by
            b[p, 2] -= bz


@numba.njit(cache=True, nogil=True)
def mixed(modes: Float, single: Single, x: Float, b: Float) -> None:
    """`fast` with amplitudes `single`, shape (3, N), and polynomial in single precision."""
    number = modes.shape[1]
    turns = np.empty(min(TILE, number), dtype=np.float32)
    for n0 in range(0, number, TILE):
        n1 = min(n0 + TILE, number)
        kx, ky, kz, beta = modes[0][n0:n1], modes[1][n0:n1], modes[2][n0:n1], modes[3][n0:n1]
        ax, ay, az = single[0][n0:n1], single[1][n0:n1], single[2][n0:n1]
        for p in range(x.shape[0]):
            bx, by, bz = wave_sum_mixed(kx, ky, kz, beta, ax, ay, az, x[p, 0], x[p, 1], x[p, 2], turns)
            b[p, 0] -= bx
            b[p, 1] -= by
            b[p, 2] -= bz


@numba.njit(cache=True, nogil=True)
def cell(g: float, n: int, per: float):  # type: ignore[no-untyped-def]
    """Return the cell of a periodic grid of n cells (per = 1/n) that holds the coordinate g in cells, and the rest."""
    g -= n * math.floor(g * per)
    i = min(max(int(g), 0), n - 1)
    return i, g - i


@numba.njit(cache=True, nogil=True, fastmath=True)
def linear(values: Single, frame: Float, x: Float, b: Float) -> None:
    """Add to b the trilinear interpolation of nested periodic grids.

    Parameters
    ----------
    values : array, shape (G, n, n, n, 3)
    frame : array, shape (G, 4)
        Cells per length, and the shift of the grid in cells.
    x, b : array, shape (P, 3)
    """
    n = values.shape[1]
    per = 1.0 / n
    for g in range(values.shape[0]):
        grid = values[g]
        for p in range(x.shape[0]):
            i, fx = cell(x[p, 0] * frame[g, 0] + frame[g, 1], n, per)
            j, fy = cell(x[p, 1] * frame[g, 0] + frame[g, 2], n, per)
            k, fz = cell(x[p, 2] * frame[g, 0] + frame[g, 3], n, per)
            i1, j1, k1 = (i + 1 if i + 1 < n else 0), (j + 1 if j + 1 < n else 0), (k + 1 if k + 1 < n else 0)
            ux, uy, uz = np.float32(fx), np.float32(fy), np.float32(fz)
            w00, w01, w10, w11 = (ONE - ux) * (ONE - uy), (ONE - ux) * uy, ux * (ONE - uy), ux * uy
            c00, c01, c10, c11 = grid[i, j], grid[i, j1], grid[i1, j], grid[i1, j1]
            for c in range(3):
                low = w00 * c00[k, c] + w01 * c01[k, c] + w10 * c10[k, c] + w11 * c11[k, c]
                high = w00 * c00[k1, c] + w01 * c01[k1, c] + w10 * c10[k1, c] + w11 * c11[k1, c]
                b[p, c] += low + uz * (high - low)


@numba.njit(cache=True, nogil=True)
def catmull_rom(f: float):  # type: ignore[no-untyped-def]
    """Return the weights of four points for a place the part f of the way from the second to the third."""
    return (
        np.float32(f * (-0.5 + f * (1 - 0.5 * f))),
        np.float32(1 + f * f * (-2.5 + 1.5 * f)),
        np.float32(f * (0.5 + f * (2 - 1.5 * f))),
        np.float32(f * f * (-0.5 + 0.5 * f)),
    )


@numba.njit(cache=True, nogil=True)
def neighbours(i: int, n: int):  # type: ignore[no-untyped-def]
    """Return i - 1, i, i + 1 and i + 2 on a periodic grid of n cells."""
    after = i + 1 if i + 1 < n else 0
    return (i - 1 if i > 0 else n - 1), i, after, (after + 1 if after + 1 < n else 0)


@numba.njit(cache=True, nogil=True)
def cubic(values: Single, frame: Float, x: Float, b: Float) -> None:
    """As `linear`, with Catmull and Rom's cubic in each direction: 64 points instead of 8."""
    n = values.shape[1]
    per = 1.0 / n
    wx, wy = np.empty(4, np.float32), np.empty(4, np.float32)
    ix, iy = np.empty(4, np.int64), np.empty(4, np.int64)
    for g in range(values.shape[0]):
        grid = values[g]
        for p in range(x.shape[0]):
            i, fx = cell(x[p, 0] * frame[g, 0] + frame[g, 1], n, per)
            j, fy = cell(x[p, 1] * frame[g, 0] + frame[g, 2], n, per)
            k, fz = cell(x[p, 2] * frame[g, 0] + frame[g, 3], n, per)
            wx[0], wx[1], wx[2], wx[3] = catmull_rom(fx)
            wy[0], wy[1], wy[2], wy[3] = catmull_rom(fy)
            w0, w1, w2, w3 = catmull_rom(fz)
            ix[0], ix[1], ix[2], ix[3] = neighbours(i, n)
            iy[0], iy[1], iy[2], iy[3] = neighbours(j, n)
            k0, k1, k2, k3 = neighbours(k, n)
            bx = by = bz = ZERO
            for u in range(4):
                for v in range(4):
                    at = grid[ix[u], iy[v]]
                    w = wx[u] * wy[v]
                    bx += w * (w0 * at[k0, 0] + w1 * at[k1, 0] + w2 * at[k2, 0] + w3 * at[k3, 0])
                    by += w * (w0 * at[k0, 1] + w1 * at[k1, 1] + w2 * at[k2, 1] + w3 * at[k3, 1])
                    bz += w * (w0 * at[k0, 2] + w1 * at[k1, 2] + w2 * at[k2, 2] + w3 * at[k3, 2])
            b[p, 0] += bx
            b[p, 1] += by
            b[p, 2] += bz
