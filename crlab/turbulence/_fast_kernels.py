"""The sum over plane waves, fast: a short polynomial for the cosine, loops that the compiler turns into vectors.

Phases are in turns. With t the phase and y = abs(t - rint(t)) - 1/4, cos(2πt) = -y P(y²), because the cosine is odd
about a quarter turn. P is the minimax polynomial of five terms, right to 1.2e-8. Only this file may reorder sums
(fastmath); `crlab.turbulence._kernels.accurate` is what it is tested against.
"""

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
ZERO = np.float32(0)


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
