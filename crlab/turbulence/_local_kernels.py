"""Boris steps with the field of slow waves expanded about points near the particle instead of summed at every step.

Waves are sorted by falling wavenumber. The first of them, `near`, are summed at every step, in single precision, with
phases relative to a reference point whose own phases are known in double precision. The others form levels. In a level
cos(φ + θ) with θ = k·d is a polynomial in θ, so that the level's field is a polynomial in the displacement d from a
reference point, with coefficients that each particle keeps until it leaves the ball in which the polynomial holds.
Only this file and `_fast_kernels` may reorder sums (fastmath).
"""

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.turbulence._fast_kernels import QUARTER, S0, S1, S2, S3, S4, ZERO
from crlab.turbulence._kernels import drift, rotate

Float = NDArray[np.float64]
Single = NDArray[np.float32]
Int = NDArray[np.int64]

ORDER = 5
TERMS = 56
"""Monomials of three variables up to this order."""

EVEN, ROWS = 24, 60
"""Rows of a level's table for the 22 monomials of even order, and in all: each kind is filled up to whole fours."""

LANES = 16
"""Particles whose polynomials are evaluated together; a constant, so that the loop over them vectorises."""

ROW = 3 * LANES
HALF = np.float32(0.5)


@numba.njit(inline="always")
def cubic(c: Single, q: int, z: float) -> float:
    """Polynomial of order 3 in z by Horner's rule; coefficients from c[q] on, in steps of ROW."""
    return c[q] + z * (c[q + ROW] + z * (c[q + 2 * ROW] + z * c[q + 3 * ROW]))


@numba.njit(inline="always")
def plane_2(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 2 in y and z."""
    return c[q] + z * (c[q + ROW] + z * c[q + 2 * ROW]) + y * (c[q + 3 * ROW] + z * c[q + 4 * ROW] + y * c[q + 5 * ROW])


@numba.njit(inline="always")
def plane_3(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 3 in y and z."""
    return cubic(c, q, z) + y * plane_2(c, q + 4 * ROW, y, z)


@numba.njit(inline="always")
def plane_4(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 4 in y and z."""
    return c[q] + z * cubic(c, q + ROW, z) + y * plane_3(c, q + 5 * ROW, y, z)


@numba.njit(inline="always")
def plane_5(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 5 in y and z."""
    return c[q] + z * (c[q + ROW] + z * cubic(c, q + 2 * ROW, z)) + y * plane_4(c, q + 6 * ROW, y, z)


@numba.njit(inline="always")
def space(c: Single, q: int, x: float, y: float, z: float) -> float:
    """Polynomial of order 5 in x, y and z; powers of x grow slowest, those of z fastest."""
    rest = plane_2(c, q + 46 * ROW, y, z) + x * (
        c[q + 52 * ROW] + z * c[q + 53 * ROW] + y * c[q + 54 * ROW] + x * c[q + 55 * ROW]
    )
    return plane_5(c, q, y, z) + x * (plane_4(c, q + 21 * ROW, y, z) + x * (plane_3(c, q + 36 * ROW, y, z) + x * rest))


@numba.njit(cache=True, nogil=True, fastmath=True)
def polynomials(c: Single, d: Single, b: Single) -> None:
    """Fill b with the polynomials of `LANES` particles.

    Parameters
    ----------
    c : array, shape (TERMS * 3 * LANES,)
        Coefficients by monomial, component and particle.
    d, b : array, shape (3 * LANES,)
        Displacements in radii of the ball and field, by component and particle.
    """
    for p in range(LANES):
        x, y, z = d[p], d[LANES + p], d[2 * LANES + p]
        b[p] = space(c, p, x, y, z)
        b[LANES + p] = space(c, LANES + p, x, y, z)
        b[2 * LANES + p] = space(c, 2 * LANES + p, x, y, z)


@numba.njit(cache=True, nogil=True, fastmath=True)
def phases(waves: Float, x: float, y: float, z: float, turns: Single) -> None:
    """Fill turns, shape (n,), with the phases of the waves, shape (4, n), at a point, from -1/2 to 1/2."""
    for n in range(waves.shape[1]):
        t = waves[0, n] * x + waves[1, n] * y + waves[2, n] * z + waves[3, n]
        turns[n] = t - np.rint(t)


@numba.njit(cache=True, nogil=True, fastmath=True)
def near_sum(waves: Single, turns: Single, x: float, y: float, z: float):  # type: ignore[no-untyped-def]
    """Return the field of the waves, rows κx, κy, κz, Ax, Ay, Az, at a displacement from where `turns` holds."""
    dx, dy, dz = np.float32(x), np.float32(y), np.float32(z)
    bx = by = bz = ZERO
    for n in range(turns.size):
        t = waves[0, n] * dx + waves[1, n] * dy + waves[2, n] * dz + turns[n]
        r = abs(t - np.rint(t)) - QUARTER
        s = r * r
        c = r * (S0 + s * (S1 + s * (S2 + s * (S3 + s * S4))))
        bx += waves[3, n] * c
        by += waves[4, n] * c
        bz += waves[5, n] * c
    return -bx, -by, -bz


@numba.njit(cache=True, nogil=True, fastmath=True)
def expand(waves: Float, amplitude: Single, table: Single, at: Float, work: Single, out: Single) -> None:
    """Fill out, shape (ROWS, 3), with the coefficients of a level's field about a point.

    Parameters
    ----------
    waves : array, shape (4, n)
        Rows κx, κy, κz, β.
    amplitude : array, shape (3, n)
    table : array, shape (ROWS, n)
        Coefficient of each monomial for each wave, without its cosine or sine; the first EVEN of even order.
    at : array, shape (3,)
    work : array, shape (7, n)
    out : array, shape (ROWS, 3)
    """
    size = waves.shape[1]
    x, y, z = at[0], at[1], at[2]
    for n in range(size):
        t = waves[0, n] * x + waves[1, n] * y + waves[2, n] * z + waves[3, n]
        work[6, n] = t - np.rint(t)
    for n in range(size):
        t = work[6, n]
        r = abs(t) - QUARTER
        s = r * r
        cosine = -r * (S0 + s * (S1 + s * (S2 + s * (S3 + s * S4))))
        r = QUARTER - abs(abs(t + QUARTER) - HALF)
        s = r * r
        sine = r * (S0 + s * (S1 + s * (S2 + s * (S3 + s * S4))))
        work[0, n] = amplitude[0, n] * cosine
        work[1, n] = amplitude[1, n] * cosine
        work[2, n] = amplitude[2, n] * cosine
        work[3, n] = amplitude[0, n] * sine
        work[4, n] = amplitude[1, n] * sine
        work[5, n] = amplitude[2, n] * sine
    for q in range(0, ROWS, 4):
        # Twelve sums at a time stay in registers, so that the units that multiply and add set the pace.
        first = 0 if q < EVEN else 3
        x0 = x1 = x2 = x3 = y0 = y1 = y2 = y3 = z0 = z1 = z2 = z3 = ZERO
        for n in range(size):
            u, v, w = work[first, n], work[first + 1, n], work[first + 2, n]
            t0, t1, t2, t3 = table[q, n], table[q + 1, n], table[q + 2, n], table[q + 3, n]
            x0, x1, x2, x3 = x0 + t0 * u, x1 + t1 * u, x2 + t2 * u, x3 + t3 * u
            y0, y1, y2, y3 = y0 + t0 * v, y1 + t1 * v, y2 + t2 * v, y3 + t3 * v
            z0, z1, z2, z3 = z0 + t0 * w, z1 + t1 * w, z2 + t2 * w, z3 + t3 * w
        out[q, 0], out[q + 1, 0], out[q + 2, 0], out[q + 3, 0] = x0, x1, x2, x3
        out[q, 1], out[q + 1, 1], out[q + 2, 1], out[q + 3, 1] = y0, y1, y2, y3
        out[q, 2], out[q + 1, 2], out[q + 2, 2], out[q + 3, 2] = z0, z1, z2, z3


@numba.njit(cache=True, nogil=True)
def reference(x: Float, v: Float, b: Float, om: float, radius: float, out: Float) -> None:
    """Fill out, shape (3,), with a point such that the particle at x stays long in the ball around it.

    A particle that gyrates well inside the ball moves along b: the point lies ahead of its guiding centre,
    x + v × b/(om b²). Others fly nearly straight: the point lies ahead of the particle.
    """
    bb = b[0] * b[0] + b[1] * b[1] + b[2] * b[2]
    per = 1 / (om * bb) if bb > 0 else np.inf
    gx = (v[1] * b[2] - v[2] * b[1]) * per
    gy = (v[2] * b[0] - v[0] * b[2]) * per
    gz = (v[0] * b[1] - v[1] * b[0]) * per
    g2 = gx * gx + gy * gy + gz * gz
    if g2 < (0.7 * radius) ** 2:
        ahead = 0.9 * np.sqrt((radius * radius - g2) / bb)
        if v[0] * b[0] + v[1] * b[1] + v[2] * b[2] < 0:
            ahead = -ahead
        out[0] = x[0] + gx + ahead * b[0]
        out[1] = x[1] + gy + ahead * b[1]
        out[2] = x[2] + gz + ahead * b[2]
    else:
        for c in range(3):
            out[c] = x[c] + 0.9 * radius * v[c]


@numba.njit(cache=True, nogil=True)
def add_near(
    waves: Float, single: Single, radius: float, x: Float, v: Float, centre: Float, turns: Single, b: Float
) -> None:
    """Add to b, shape (P, 3), the field of the waves that are summed at every step."""
    for p in range(x.shape[0]):
        dx, dy, dz = x[p, 0] - centre[p, 0], x[p, 1] - centre[p, 1], x[p, 2] - centre[p, 2]
        if not dx * dx + dy * dy + dz * dz <= radius * radius:  # also at the start, where the point is at infinity
            dx, dy, dz = -0.9 * radius * v[p, 0], -0.9 * radius * v[p, 1], -0.9 * radius * v[p, 2]
            centre[p, 0], centre[p, 1], centre[p, 2] = x[p, 0] - dx, x[p, 1] - dy, x[p, 2] - dz
            phases(waves, centre[p, 0], centre[p, 1], centre[p, 2], turns[p])
        bx, by, bz = near_sum(single, turns[p], dx, dy, dz)
        b[p, 0] += bx
        b[p, 1] += by
        b[p, 2] += bz


@numba.njit(cache=True, nogil=True)
def displace(x: Float, first: int, centre: Float, radius: float, d: Single, left: Int) -> int:
    """Fill d with displacements of up to LANES particles from their points, in radii; return how many left the ball.

    Parameters
    ----------
    x, centre : array, shape (P, 3)
    first : int
        First of these particles.
    radius : float
    d : array, shape (3 * LANES,)
        By component and particle.
    left : array of int, shape (LANES,)
        Filled with those that left, counted from the first.
    """
    per = 1 / radius
    gone = 0
    for lane in range(min(LANES, x.shape[0] - first)):
        p = first + lane
        dx, dy, dz = (x[p, 0] - centre[p, 0]) * per, (x[p, 1] - centre[p, 1]) * per, (x[p, 2] - centre[p, 2]) * per
        d[lane], d[LANES + lane], d[2 * LANES + lane] = dx, dy, dz
        if not dx * dx + dy * dy + dz * dz <= 1:  # also at the start, where the point is at infinity
            left[gone] = lane
            gone += 1
    return gone


@numba.njit(cache=True, nogil=True)
def push(
    mean: float, near: Float, near_single: Single, near_radius: float,
    waves: Float, amplitude: Single, table: Single, place: Int, radius: Float,
    x: Float, v: Float, om: float, h: float, exact: bool, save: Int, out_x: Float, out_v: Float,
) -> int:  # fmt: skip
    """Move a batch of particles as `crlab.turbulence._kernels.push` does, with expanded slow waves.

    Parameters
    ----------
    mean : float
        B0.
    near : array, shape (4, M)
        Rows κx, κy, κz, β of the waves that are summed at every step.
    near_single : array, shape (6, M)
        Rows κx, κy, κz, Ax, Ay, Az.
    near_radius : float
        How far from a reference point their phases are used.
    waves, amplitude, table : array, shape (L, 4, n), (L, 3, n), (L, ROWS, n)
        As in `expand`, for each level.
    place : array of int, shape (TERMS,)
        Rows of the table of the monomials as `space` takes them.
    radius : array, shape (L,)
        Of the ball around the reference point in which a level's polynomial is used.
    x, v, om, h, exact, save, out_x, out_v
        As in `crlab.turbulence._kernels.push`.

    Returns
    -------
    int
        Waves expanded, summed over renewals, with those that fill a level up.
    """
    count, levels = x.shape[0], radius.size
    groups = (count + LANES - 1) // LANES
    centre = np.full((levels + 1, count, 3), np.inf)
    turns = np.zeros((count, near.shape[1]), np.float32)
    c = np.zeros((levels, groups, TERMS * ROW), np.float32)
    d, part = np.zeros(ROW, np.float32), np.zeros(ROW, np.float32)
    fresh, work = np.zeros((ROWS, 3), np.float32), np.zeros((7, waves.shape[2]), np.float32)
    b, last, left = np.empty_like(x), np.zeros_like(x), np.zeros(LANES, np.int64)
    expanded = 0
    step = 0
    for i in range(save.size):
        while step < save[i]:
            drift(x, v, 0.5 * h)
            b[:] = 0.0
            add_near(near, near_single, near_radius, x, v, centre[levels], turns, b)
            for level in range(levels):
                points = centre[level]
                for g in range(groups):
                    mine, first = c[level, g], g * LANES
                    gone = displace(x, first, points, radius[level], d, left)
                    for j in range(gone):
                        lane = left[j]
                        p = first + lane
                        reference(x[p], v[p], last[p], om, radius[level], points[p])
                        expand(waves[level], amplitude[level], table[level], points[p], work, fresh)
                        for q in range(TERMS):
                            for a in range(3):
                                mine[q * ROW + a * LANES + lane] = fresh[place[q], a]
                    if gone:
                        expanded += gone * waves.shape[2]
                        displace(x, first, points, radius[level], d, left)
                    polynomials(mine, d, part)
                    for lane in range(min(LANES, count - first)):
                        for a in range(3):
                            b[first + lane, a] += part[a * LANES + lane]
            b[:, 2] += mean
            last[:] = b
            rotate(v, b, om, h, exact)
            drift(x, v, 0.5 * h)
            step += 1
        out_x[:, i] = x
        out_v[:, i] = v
    return expanded
