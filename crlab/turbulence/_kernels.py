"""Kernels of the turbulence room: fields at points, field lines, particles, and slow waves expanded near a particle.

Reduced units (see `crlab.turbulence`): field in √(B0² + δB²), speed 1, om = 1/r_g with the charge's sign, h a path
length. A field is the tuple (kind, B0, modes, single, values, frame) that `evaluate` describes.

Phases are in turns. With t the phase and y = abs(t - rint(t)) - 1/4, cos(2πt) = -y P(y²), because the cosine is odd
about a quarter turn. P is the minimax polynomial of five terms, right to 1.2e-8. Only sums over waves, polynomials and
interpolation may be reordered (fastmath), and `accurate` is what they are tested against. Grids are interpolated in
single precision, that of their values.

Expanded waves are sorted by falling wavenumber. The first of them, `near`, are summed at every step, in single
precision, with phases relative to a reference point whose own phases are known in double precision. The others form
levels. In a level cos(φ + θ) with θ = k·d is a polynomial in θ, so that the level's field is a polynomial in the
displacement d from a reference point, with coefficients that each particle keeps until it leaves the ball in which the
polynomial holds.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]
Single = NDArray[np.float32]
Int = NDArray[np.int64]

ACCURATE, FAST, MIXED, LINEAR, CUBIC = 0, 1, 2, 3, 4
PARTICLE, LINE, LINE_TAU = 0, 1, 2

TILE = 512
"""Waves per pass: their tables stay in the first-level cache while all particles of a batch go by."""

P0 = 6.2831853018906845
P1 = -41.34169186433819
P2 = 81.60326572877663
P3 = -76.59820792015167
P4 = 39.8732317769393
"""Minimax coefficients of P(y²) on abs(y) <= 1/4, by Remez' exchange."""

S0, S1, S2, S3, S4 = np.float32(P0), np.float32(P1), np.float32(P2), np.float32(P3), np.float32(P4)
ZERO, QUARTER, HALF, ONE = np.float32(0), np.float32(0.25), np.float32(0.5), np.float32(1)

ORDER = 5
TERMS = 56
"""Monomials of three variables up to this order."""

EVEN, ROWS = 24, 60
"""Rows of a level's table for the 22 monomials of even order, and in all: each kind is filled up to whole fours."""

LANES = 16
"""Particles whose polynomials are evaluated together; a constant, so that the loop over them vectorises."""

ROW = 3 * LANES


@cached
@numba.njit(nogil=True)
def accurate(modes: Float, x: Float, b: Float) -> None:
    """Add to b, shape (P, 3), the field of the waves `modes`, shape (7, N), at x, shape (P, 3).

    As `fast`, with the cosine of the standard library: right to the rounding of the
    phase, which is 1e-16 of it.
    """
    for p in range(x.shape[0]):
        for n in range(modes.shape[1]):
            t = modes[0, n] * x[p, 0] + modes[1, n] * x[p, 1] + modes[2, n] * x[p, 2] + modes[3, n]
            c = math.cos(2 * math.pi * (t - np.rint(t)))
            b[p, 0] += modes[4, n] * c
            b[p, 1] += modes[5, n] * c
            b[p, 2] += modes[6, n] * c


@cached
@numba.njit(nogil=True, fastmath=True)
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


@cached
@numba.njit(nogil=True, fastmath=True)
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


@cached
@numba.njit(nogil=True)
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


@cached
@numba.njit(nogil=True)
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


@cached
@numba.njit(nogil=True)
def cell(g: float, n: int, per: float):  # type: ignore[no-untyped-def]
    """Return the cell of a periodic grid of n cells (per = 1/n) that holds the coordinate g in cells, and the rest."""
    g -= n * math.floor(g * per)
    i = min(max(int(g), 0), n - 1)
    return i, g - i


@cached
@numba.njit(nogil=True, fastmath=True)
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


@cached
@numba.njit(nogil=True)
def catmull_rom(f: float):  # type: ignore[no-untyped-def]
    """Return the weights of four points for a place the part f of the way from the second to the third."""
    return (
        np.float32(f * (-0.5 + f * (1 - 0.5 * f))),
        np.float32(1 + f * f * (-2.5 + 1.5 * f)),
        np.float32(f * (0.5 + f * (2 - 1.5 * f))),
        np.float32(f * f * (-0.5 + 0.5 * f)),
    )


@cached
@numba.njit(nogil=True)
def neighbours(i: int, n: int):  # type: ignore[no-untyped-def]
    """Return i - 1, i, i + 1 and i + 2 on a periodic grid of n cells."""
    after = i + 1 if i + 1 < n else 0
    return (i - 1 if i > 0 else n - 1), i, after, (after + 1 if after + 1 < n else 0)


@cached
@numba.njit(nogil=True)
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


@cached
@numba.njit(nogil=True)
def evaluate(field, x: Float, b: Float) -> None:  # type: ignore[no-untyped-def]
    """Fill b, shape (P, 3), with the field at x, shape (P, 3).

    Parameters
    ----------
    field : tuple
        ``(kind, B0, modes, single, values, frame)``: the kind (ACCURATE, FAST, MIXED for plane waves; LINEAR, CUBIC
        for grids), the mean field along z, and the arrays that `fast`, `mixed` and `linear` describe.
    x, b : array, shape (P, 3)
    """
    kind, mean, modes, single, values, frame = field
    for p in range(b.shape[0]):
        b[p, 0] = b[p, 1] = 0.0
        b[p, 2] = mean
    if kind == FAST:
        fast(modes, x, b)
    elif kind == MIXED:
        mixed(modes, single, x, b)
    elif kind == LINEAR:
        linear(values, frame, x, b)
    elif kind == CUBIC:
        cubic(values, frame, x, b)
    else:
        accurate(modes, x, b)


@cached
@numba.njit(nogil=True)
def rotate(v: Float, b: Float, om: float, h: float, exact: bool) -> None:
    """Turn the velocities v, shape (P, 3), about the fields b by Boris' rotation, which keeps their length.

    t = om h B/2; v' = v + v × t; v += 2/(1 + t²) v' × t. With `exact` the length of t is tan(om h B/2), so that
    the angle is om h B and not 2 atan(om h B/2).
    """
    for p in range(v.shape[0]):
        s = 0.5 * om * h
        if exact:
            size = math.sqrt(b[p, 0] ** 2 + b[p, 1] ** 2 + b[p, 2] ** 2)
            s = math.tan(s * size) / size if size > 0 else s
        tx, ty, tz = s * b[p, 0], s * b[p, 1], s * b[p, 2]
        vx, vy, vz = v[p, 0], v[p, 1], v[p, 2]
        wx, wy, wz = vx + (vy * tz - vz * ty), vy + (vz * tx - vx * tz), vz + (vx * ty - vy * tx)
        f = 2 / (1 + tx * tx + ty * ty + tz * tz)
        v[p, 0] = vx + f * (wy * tz - wz * ty)
        v[p, 1] = vy + f * (wz * tx - wx * tz)
        v[p, 2] = vz + f * (wx * ty - wy * tx)


@cached
@numba.njit(nogil=True)
def drift(x: Float, v: Float, length: float) -> None:
    """Add length × v to x, both of shape (P, 3)."""
    for p in range(x.shape[0]):
        for c in range(3):
            x[p, c] += length * v[p, c]


@cached
@numba.njit(nogil=True)
def push(  # type: ignore[no-untyped-def]
    field, x: Float, v: Float, om: float, h: float, exact: bool, save: Int, out_x: Float, out_v: Float
) -> None:
    """Move a batch of particles in lockstep: half a drift, a rotation, half a drift.

    Parameters
    ----------
    field : tuple
        As in `evaluate`.
    x, v : array, shape (P, 3)
        Changed in place; v are unit vectors.
    om, h : float
    exact : bool
        As in `rotate`.
    save : array of int, shape (T,)
        Growing numbers of the steps after which to save; 0 is the start.
    out_x, out_v : array, shape (P, T, 3)
    """
    b = np.empty_like(x)
    step = 0
    for i in range(save.size):
        while step < save[i]:
            drift(x, v, 0.5 * h)
            evaluate(field, x, b)
            rotate(v, b, om, h, exact)
            drift(x, v, 0.5 * h)
            step += 1
        out_x[:, i] = x
        out_v[:, i] = v


@cached
@numba.njit(nogil=True)
def slope(field, x: Float, tau: bool, b: Float) -> None:  # type: ignore[no-untyped-def]
    """Fill b with dr/dτ = B, or with dr/ds = B/abs(B), at x, both of shape (P, 3)."""
    evaluate(field, x, b)
    if not tau:
        for p in range(x.shape[0]):
            per = 1 / math.sqrt(b[p, 0] ** 2 + b[p, 1] ** 2 + b[p, 2] ** 2)
            b[p, 0] *= per
            b[p, 1] *= per
            b[p, 2] *= per


@cached
@numba.njit(nogil=True)
def trace(field, x: Float, h: float, tau: bool, save: Int, out: Float) -> None:  # type: ignore[no-untyped-def]
    """Follow a batch of field lines by the classical fourth-order Runge-Kutta method, in s or in τ.

    Parameters
    ----------
    field : tuple
        As in `evaluate`.
    x : array, shape (P, 3)
        Changed in place.
    h : float
    tau : bool
    save : array of int, shape (T,)
        As in `push`.
    out : array, shape (P, T, 3)
    """
    k1, k2, k3, k4 = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    step = 0
    for i in range(save.size):
        while step < save[i]:
            slope(field, x, tau, k1)
            slope(field, x + 0.5 * h * k1, tau, k2)
            slope(field, x + 0.5 * h * k2, tau, k3)
            slope(field, x + h * k3, tau, k4)
            x += h / 6 * (k1 + 2 * (k2 + k3) + k4)
            step += 1
        out[:, i] = x


@cached
@numba.njit(nogil=True)
def rates(field, what: int, y: Float, om: float, x: Float, b: Float, f: Float) -> None:  # type: ignore[no-untyped-def]
    """Fill f with dy/dt: for a particle y = (x, v), for a line y = x. x and b, shape (1, 3), are working space."""
    x[0] = y[:3]
    if what != PARTICLE:
        slope(field, x, what == LINE_TAU, b)
        f[:] = b[0]
        return
    evaluate(field, x, b)
    f[:3] = y[3:]
    f[3] = om * (y[4] * b[0, 2] - y[5] * b[0, 1])
    f[4] = om * (y[5] * b[0, 0] - y[3] * b[0, 2])
    f[5] = om * (y[3] * b[0, 1] - y[4] * b[0, 0])


@cached
@numba.njit(nogil=True)
def cash_karp(  # type: ignore[no-untyped-def]
    field, what: int, start: Float, om: float, h: float, tolerance: float, longest: float, times: Float, out: Float
) -> int:
    """Integrate particles or lines one by one with Cash and Karp's pair of orders 4 and 5.

    The step is changed so that the pair's difference stays near `tolerance`, in every component; velocities are
    made unit vectors again after each step.

    Parameters
    ----------
    field : tuple
        As in `evaluate`.
    what : int
        PARTICLE, LINE or LINE_TAU.
    start : array, shape (P, 6) or (P, 3)
    om, h, tolerance, longest : float
        1/r_g, the first step, the difference allowed, and the longest step.
    times : array, shape (T,)
    out : array, shape (P, T, 6) or (P, T, 3)

    Returns
    -------
    int
        Evaluations of the field.
    """
    a = (
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (1 / 5, 0.0, 0.0, 0.0, 0.0),
        (3 / 40, 9 / 40, 0.0, 0.0, 0.0),
        (3 / 10, -9 / 10, 6 / 5, 0.0, 0.0),
        (-11 / 54, 5 / 2, -70 / 27, 35 / 27, 0.0),
        (1631 / 55296, 175 / 512, 575 / 13824, 44275 / 110592, 253 / 4096),
    )
    fifth = (37 / 378, 0.0, 250 / 621, 125 / 594, 0.0, 512 / 1771)
    fourth = (2825 / 27648, 0.0, 18575 / 48384, 13525 / 55296, 277 / 14336, 1 / 4)
    x, b = np.empty((1, 3)), np.empty((1, 3))
    f = np.empty((6, start.shape[1]))
    trial, error = np.empty(start.shape[1]), np.empty(start.shape[1])
    count = 0
    for p in range(start.shape[0]):
        y, t, size = start[p].copy(), 0.0, h
        for i in range(times.size):
            while t < times[i]:
                size = min(size, longest)
                last = t + size >= times[i]
                used = times[i] - t if last else size
                for s in range(6):
                    trial[:] = y
                    for r in range(s):
                        trial += used * a[s][r] * f[r]
                    rates(field, what, trial, om, x, b, f[s])
                count += 6
                trial[:] = y
                error[:] = 0.0
                for s in range(6):
                    trial += used * fifth[s] * f[s]
                    error += used * (fifth[s] - fourth[s]) * f[s]
                ratio = np.max(np.abs(error)) / tolerance
                if ratio <= 1:
                    y[:] = trial
                    t = times[i] if last else t + used
                    if what == PARTICLE:
                        y[3:] /= math.sqrt(y[3] ** 2 + y[4] ** 2 + y[5] ** 2)
                grow = min(5.0, max(0.2, 0.9 * max(ratio, 1e-10) ** -0.2))
                # A step cut short by an output time says nothing against the step that was planned.
                size = max(size, used * grow) if last and ratio <= 1 else used * grow
            out[p, i] = y
    return count


@numba.njit(inline="always")
def line_3(c: Single, q: int, z: float) -> float:
    """Polynomial of order 3 in z by Horner's rule; coefficients from c[q] on, in steps of ROW."""
    return c[q] + z * (c[q + ROW] + z * (c[q + 2 * ROW] + z * c[q + 3 * ROW]))


@numba.njit(inline="always")
def plane_2(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 2 in y and z."""
    return c[q] + z * (c[q + ROW] + z * c[q + 2 * ROW]) + y * (c[q + 3 * ROW] + z * c[q + 4 * ROW] + y * c[q + 5 * ROW])


@numba.njit(inline="always")
def plane_3(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 3 in y and z."""
    return line_3(c, q, z) + y * plane_2(c, q + 4 * ROW, y, z)


@numba.njit(inline="always")
def plane_4(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 4 in y and z."""
    return c[q] + z * line_3(c, q + ROW, z) + y * plane_3(c, q + 5 * ROW, y, z)


@numba.njit(inline="always")
def plane_5(c: Single, q: int, y: float, z: float) -> float:
    """Polynomial of order 5 in y and z."""
    return c[q] + z * (c[q + ROW] + z * line_3(c, q + 2 * ROW, z)) + y * plane_4(c, q + 6 * ROW, y, z)


@numba.njit(inline="always")
def space(c: Single, q: int, x: float, y: float, z: float) -> float:
    """Polynomial of order 5 in x, y and z; powers of x grow slowest, those of z fastest."""
    rest = plane_2(c, q + 46 * ROW, y, z) + x * (
        c[q + 52 * ROW] + z * c[q + 53 * ROW] + y * c[q + 54 * ROW] + x * c[q + 55 * ROW]
    )
    return plane_5(c, q, y, z) + x * (plane_4(c, q + 21 * ROW, y, z) + x * (plane_3(c, q + 36 * ROW, y, z) + x * rest))


@cached
@numba.njit(nogil=True, fastmath=True)
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


@cached
@numba.njit(nogil=True, fastmath=True)
def phases(waves: Float, x: float, y: float, z: float, turns: Single) -> None:
    """Fill turns, shape (n,), with the phases of the waves, shape (4, n), at a point, from -1/2 to 1/2."""
    for n in range(waves.shape[1]):
        t = waves[0, n] * x + waves[1, n] * y + waves[2, n] * z + waves[3, n]
        turns[n] = t - np.rint(t)


@cached
@numba.njit(nogil=True, fastmath=True)
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


@cached
@numba.njit(nogil=True, fastmath=True)
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


@cached
@numba.njit(nogil=True)
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


@cached
@numba.njit(nogil=True)
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


@cached
@numba.njit(nogil=True)
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


@cached
@numba.njit(nogil=True)
def push_expanded(
    mean: float, near: Float, near_single: Single, near_radius: float,
    waves: Float, amplitude: Single, table: Single, place: Int, radius: Float,
    x: Float, v: Float, om: float, h: float, exact: bool, save: Int, out_x: Float, out_v: Float,
) -> int:  # fmt: skip
    """Move a batch of particles as `push` does, with expanded slow waves.

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
        As in `push`.

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
