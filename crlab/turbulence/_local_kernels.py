"""Boris steps with the slow waves expanded about a point near the particle instead of summed at every step.

Waves are sorted by falling wavenumber. The first `direct` of them are summed afresh; the others form levels. In a level
cos(φ + θ) with θ = k·d is a polynomial in θ, so that the level's field is a polynomial in the displacement d from a
reference point, with coefficients that each particle keeps until it leaves the ball in which the polynomial holds.
Only this file and `_fast_kernels` may reorder sums (fastmath).
"""

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.turbulence._fast_kernels import P0, P1, P2, P3, P4, fast
from crlab.turbulence._kernels import drift, rotate

Float = NDArray[np.float64]
Int = NDArray[np.int64]

TILE = 512


@numba.njit(cache=True, nogil=True, fastmath=True)
def quarter_sine(t: float) -> float:
    """Return cos(2πt) for t in turns."""
    r = abs(t - np.rint(t)) - 0.25
    s = r * r
    return -r * (P0 + s * (P1 + s * (P2 + s * (P3 + s * P4))))


@numba.njit(cache=True, nogil=True, fastmath=True)
def dots(row: Float, ux: Float, uy: Float, uz: Float):  # type: ignore[no-untyped-def]
    """Return the sums of row × u for the three arrays u, all of shape (n,)."""
    cx = cy = cz = 0.0
    for n in range(row.size):
        cx += row[n] * ux[n]
        cy += row[n] * uy[n]
        cz += row[n] * uz[n]
    return cx, cy, cz


@numba.njit(cache=True, nogil=True, fastmath=True)
def phases(kx: Float, ky: Float, kz: Float, beta: Float, x: Float, cosine: Float, sine: Float) -> None:
    """Fill the last two arrays, shape (n,), with cosine and sine of the waves' phases at x."""
    x0, x1, x2 = x[0], x[1], x[2]
    for n in range(kx.size):
        t = kx[n] * x0 + ky[n] * x1 + kz[n] * x2 + beta[n]
        cosine[n] = quarter_sine(t)
        sine[n] = quarter_sine(t - 0.25)


@numba.njit(cache=True, nogil=True, fastmath=True)
def weigh(amplitude: Float, wave: Float, out: Float) -> None:
    """Fill out with the product of the first two; all of shape (n,). Short loops alone vectorise."""
    for n in range(amplitude.size):
        out[n] = amplitude[n] * wave[n]


@numba.njit(cache=True, nogil=True)
def expand(modes: Float, table: Float, odd: Int, n0: int, n1: int, x: Float, work: Float, out: Float) -> None:
    """Fill out, shape (Q, 3), with the coefficients of a level's field about x, shape (3,).

    Parameters
    ----------
    modes : array, shape (7, N)
    table : array, shape (Q, N)
        Coefficient of each monomial for each wave, without its cosine or sine.
    odd : array of int, shape (Q,)
        1 for monomials of odd degree, which go with the sine.
    n0, n1 : int
        The level's waves.
    x : array, shape (3,)
    work : array, shape (8, TILE)
    out : array, shape (Q, 3)
    """
    out[:] = 0.0
    for m0 in range(n0, n1, TILE):
        m1 = min(m0 + TILE, n1)
        size = m1 - m0
        cosine, sine = work[6][:size], work[7][:size]
        phases(modes[0][m0:m1], modes[1][m0:m1], modes[2][m0:m1], modes[3][m0:m1], x, cosine, sine)
        for a in range(3):
            weigh(modes[4 + a][m0:m1], cosine, work[a][:size])
            weigh(modes[4 + a][m0:m1], sine, work[3 + a][:size])
        for q in range(table.shape[0]):
            first = 3 * odd[q]
            cx, cy, cz = dots(
                table[q][m0:m1], work[first][:size], work[first + 1][:size], work[first + 2][:size]
            )  # fmt: skip
            out[q, 0] += cx
            out[q, 1] += cy
            out[q, 2] += cz


@numba.njit(cache=True, nogil=True)
def monomials(x: float, y: float, z: float, order: int, powers: Float, out: Float) -> None:
    """Fill out, shape (Q,), with x^a y^b z^c for a + b + c up to `order`, a running slowest and c fastest.

    `powers`, shape (order + 1,), is working space.
    """
    powers[0] = 1.0
    for c in range(order):
        powers[c + 1] = powers[c] * z
    q = 0
    xa = 1.0
    for a in range(order + 1):
        xy = xa
        for b in range(order + 1 - a):
            for c in range(order + 1 - a - b):
                out[q] = xy * powers[c]  # not term by term, which would wait for each product
                q += 1
            xy *= y
        xa *= x


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
def push(
    mean: float, modes: Float, direct: int, edges: Int, radius: Float, table: Float, powers: Int,
    x: Float, v: Float, om: float, h: float, exact: bool, save: Int, out_x: Float, out_v: Float,
) -> int:  # fmt: skip
    """Move a batch of particles as `crlab.turbulence._kernels.push` does, with expanded slow waves.

    Parameters
    ----------
    mean : float
        B0.
    modes : array, shape (7, N)
        By falling wavenumber.
    direct : int
        Waves that are summed at each step.
    edges : array of int, shape (L + 1,)
        Ends of the levels among the waves; the first is `direct`.
    radius : array, shape (L,)
        Of the ball around the reference point in which a level's polynomial is used.
    table : array, shape (Q, N)
        As in `expand`.
    powers : array of int, shape (Q, 3)
        Exponents of the monomials.
    x, v, om, h, exact, save, out_x, out_v
        As in `crlab.turbulence._kernels.push`.

    Returns
    -------
    int
        Waves expanded, summed over all refreshments.
    """
    count, levels, terms = x.shape[0], radius.size, powers.shape[0]
    order = int(np.max(powers))
    odd = powers.sum(axis=1) % 2
    summed = np.ascontiguousarray(modes[:, :direct])
    centre = np.full((levels, count, 3), np.inf)
    c = np.zeros((levels, count, 3, terms))
    fresh, work, mono = np.empty((terms, 3)), np.empty((8, TILE)), np.empty(terms)
    powers_z = np.empty(order + 1)
    b, last = np.empty_like(x), np.zeros_like(x)
    expanded = 0
    step = 0
    for i in range(save.size):
        while step < save[i]:
            drift(x, v, 0.5 * h)
            b[:] = 0.0
            fast(summed, x, b)
            for level in range(levels):
                per = 1 / radius[level]
                for p in range(count):
                    at = centre[level, p]
                    dx, dy, dz = (x[p, 0] - at[0]) * per, (x[p, 1] - at[1]) * per, (x[p, 2] - at[2]) * per
                    if not dx * dx + dy * dy + dz * dz <= 1:
                        reference(x[p], v[p], last[p], om, radius[level], at)
                        expand(modes, table, odd, edges[level], edges[level + 1], at, work, fresh)
                        for q in range(terms):
                            for a in range(3):
                                c[level, p, a, q] = fresh[q, a]
                        expanded += edges[level + 1] - edges[level]
                        dx, dy, dz = (x[p, 0] - at[0]) * per, (x[p, 1] - at[1]) * per, (x[p, 2] - at[2]) * per
                    monomials(dx, dy, dz, order, powers_z, mono)
                    mine = c[level, p]
                    bx, by, bz = dots(mono, mine[0], mine[1], mine[2])
                    b[p, 0] += bx
                    b[p, 1] += by
                    b[p, 2] += bz
            b[:, 2] += mean
            last[:] = b
            rotate(v, b, om, h, exact)
            drift(x, v, 0.5 * h)
            step += 1
        out_x[:, i] = x
        out_v[:, i] = v
    return expanded
