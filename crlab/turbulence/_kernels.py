"""Kernels of the turbulence room: fields at points, field lines and particles.

Reduced units (see `crlab.turbulence`): field in √(B0² + δB²), speed 1, om = 1/r_g with the charge's sign, h a path
length. A field is the tuple (kind, B0, modes, single, values, frame) that `evaluate` describes.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.turbulence._fast_kernels import cubic, fast, linear, mixed

Float = NDArray[np.float64]
Single = NDArray[np.float32]
Int = NDArray[np.int64]

ACCURATE, FAST, MIXED, LINEAR, CUBIC = 0, 1, 2, 3, 4
PARTICLE, LINE, LINE_TAU = 0, 1, 2


@numba.njit(cache=True, nogil=True)
def accurate(modes: Float, x: Float, b: Float) -> None:
    """Add to b, shape (P, 3), the field of the waves `modes`, shape (7, N), at x, shape (P, 3).

    As `crlab.turbulence._fast_kernels.fast`, with the cosine of the standard library: right to the rounding of the
    phase, which is 1e-16 of it.
    """
    for p in range(x.shape[0]):
        for n in range(modes.shape[1]):
            t = modes[0, n] * x[p, 0] + modes[1, n] * x[p, 1] + modes[2, n] * x[p, 2] + modes[3, n]
            c = math.cos(2 * math.pi * (t - np.rint(t)))
            b[p, 0] += modes[4, n] * c
            b[p, 1] += modes[5, n] * c
            b[p, 2] += modes[6, n] * c


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def drift(x: Float, v: Float, length: float) -> None:
    """Add length × v to x, both of shape (P, 3)."""
    for p in range(x.shape[0]):
        for c in range(3):
            x[p, c] += length * v[p, c]


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def slope(field, x: Float, tau: bool, b: Float) -> None:  # type: ignore[no-untyped-def]
    """Fill b with dr/dτ = B, or with dr/ds = B/abs(B), at x, both of shape (P, 3)."""
    evaluate(field, x, b)
    if not tau:
        for p in range(x.shape[0]):
            per = 1 / math.sqrt(b[p, 0] ** 2 + b[p, 1] ** 2 + b[p, 2] ** 2)
            b[p, 0] *= per
            b[p, 1] *= per
            b[p, 2] *= per


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
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
