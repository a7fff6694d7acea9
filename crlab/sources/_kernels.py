"""Kernels of the sources: sums of Green's functions over discrete bursts, and the part of a spectrum drawn as Gaussian.

Lengths in z_max, times in Myr, κ in z_max²/Myr. Observer and sources lie in the mid-plane of the halo.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]

LOG2_E = 1.4426950408889634
LN_2 = 0.6931471805599453
SHIFT = 6755399441055744.0
"""1.5 · 2^52: adding it rounds to a whole number, which then stands in the lowest bits."""

NEGLIGIBLE = 45.0
"""Exponent beyond which a source has not arrived, or its particles have left: e^-45 = 3e-20."""


@numba.njit(inline="always", error_model="numpy")
def _exp(x: float) -> float:
    """e^x for -708 < x <= 0, relative error below 1e-11; unlike `math.exp` it lets the loop around it be vectorised.

    x = n ln 2 + r with abs(r) < 0.35; a polynomial of degree 9 gives e^r, and n goes into the exponent's bits.
    """
    t = x * LOG2_E + SHIFT
    r = x - (t - SHIFT) * LN_2
    r2 = r * r
    low = (1.0 + r) + r2 * (0.5 + r * (1 / 6))
    high = (1 / 24 + r * (1 / 120)) + r2 * ((1 / 720 + r * (1 / 5040)) + r2 * (1 / 40320 + r * (1 / 362880)))
    power = np.int64((np.float64(t).view(np.int64) + 1023) << 52).view(np.float64)
    return (low + r2 * r2 * high) * power


@cached
@numba.njit(nogil=True, error_model="numpy")
def add_source(rho2: float, age: float, kappa: Float, delay: Float, weight: Float, out: Float) -> None:
    """Add one burst to a spectrum: weight · Θ(s)/s · exp(-ρ²/(4s)), s = κ(E) (T - t_esc(E)).

    Θ is the halo's theta function at the mid-plane: three images below s = 0.3, three modes above. Relative
    error below 1e-10. There is no branch in the loop, so that it runs on vector registers.

    Parameters
    ----------
    rho2 : float
        Squared distance in the plane, z_max².
    age : float
        T, Myr.
    kappa, delay, weight : array, shape (n,)
        κ in z_max²/Myr, t_esc < T in Myr, and a factor, by energy.
    out : array, shape (n,)
        Added to.
    """
    for i in range(out.size):
        per_s = 1.0 / (max(age - delay[i], 1e-12) * kappa[i])
        young = per_s > 1 / 0.3
        y = per_s if young else (math.pi**2 / 4) / per_s
        q = _exp(max(-y, -700.0))
        q3 = q * q * q
        q8 = q3 * q3 * q * q
        images = math.sqrt(per_s * (1 / (4 * math.pi))) * (1.0 - 2.0 * q * (1.0 - q3))
        modes = q * (1.0 + q8 * (1.0 + q8 * q8))
        theta = images if young else modes
        out[i] += weight[i] * per_s * theta * _exp(max(-0.25 * rho2 * per_s, -700.0))


@cached
@numba.njit(nogil=True, error_model="numpy")
def reach(rho2: float, age: float, kappa: Float, delay: Float, light: float) -> tuple[int, int]:
    """Energies first <= i < last at which a burst is felt: it has left, arrived, and not yet escaped from the halo.

    κ grows with i and the delay does not, so that both s and τ grow and bisection finds the ends.

    Parameters
    ----------
    rho2, age, kappa, delay
        As in `add_source`.
    light : float
        Time that light needs for one z_max, Myr; 0 for no causal cut.

    Returns
    -------
    first, last : int
    """
    least = max(rho2 / (4 * NEGLIGIBLE), 1e-300)
    most = NEGLIGIBLE * 4 / math.pi**2
    earliest = light * math.sqrt(rho2)
    first, end = 0, kappa.size
    while first < end:
        middle = (first + end) // 2
        tau = age - delay[middle]
        if tau > 0 and tau >= earliest and tau * kappa[middle] >= least:
            end = middle
        else:
            first = middle + 1
    last, end = first, kappa.size
    while last < end:
        middle = (last + end) // 2
        if (age - delay[middle]) * kappa[middle] <= most:
            last = middle + 1
        else:
            end = middle
    return first, last


@cached
@numba.njit(nogil=True, error_model="numpy")
def spreads(rho2: float, age: float, delay: Float, slow: Float, clock: Float, light: float, out: Float) -> None:
    """Spread s = ∫κ dτ of one burst where κ is not constant, by energy, and 0 where the burst is not felt.

    Parameters
    ----------
    rho2, age, delay, light
        As in `reach`, but the delay may do what it likes.
    slow : array, shape (n, m, 2)
        ln s, and what it grows by in a step of ln τ, at equal steps of ln τ, for each energy: monotonic cubics between
        them, straight lines beyond.
    clock : array, shape (2,)
        The first ln τ and the step.
    out : array, shape (n,)
    """
    least = max(rho2 / (4 * NEGLIGIBLE), 1e-300)
    most = NEGLIGIBLE * 4 / math.pi**2
    earliest = light * math.sqrt(rho2)
    for i in range(out.size):
        out[i] = 0.0
        tau = age - delay[i]
        if tau <= 0 or tau < earliest:
            continue
        at = (math.log(tau) - clock[0]) / clock[1]
        j = min(max(int(at), 0), slow.shape[1] - 2)
        x = at - j
        y0, d0, y1, d1 = slow[i, j, 0], slow[i, j, 1], slow[i, j + 1, 0], slow[i, j + 1, 1]
        if x < 0:
            y = y0 + x * d0
        elif x > 1:
            y = y1 + (x - 1) * d1
        else:
            rise = y1 - y0
            y = y0 + x * (d0 + x * (3 * rise - 2 * d0 - d1 + x * (d0 + d1 - 2 * rise)))
        s = math.exp(min(y, 700.0))
        if least <= s <= most:
            out[i] = s


@cached
@numba.njit(nogil=True, error_model="numpy")
def add(
    rho2: float,
    age: float,
    kappa: Float,
    delay: Float,
    weight: Float,
    slow: Float,
    clock: Float,
    light: float,
    scratch: Float,
    out: Float,
) -> int:
    """Add one burst to a spectrum where it is felt, and return the number of terms computed.

    Parameters
    ----------
    rho2, age, kappa, delay, weight, light, out
        As in `add_source` and `reach`.
    slow : array, shape (n, m, 2) or (0, 0, 2)
        As in `spreads`; without entries s = κ τ, and neither the delay nor 1/κ may grow with i.
    clock : array, shape (2,)
    scratch : array, shape (2, n)
        The second row holds zeros.
    """
    if slow.shape[0] == 0:
        first, last = reach(rho2, age, kappa, delay, light)
        if first < last:
            add_source(rho2, age, kappa[first:last], delay[first:last], weight[first:last], out[first:last])
        return max(last - first, 0)
    s, zero = scratch
    spreads(rho2, age, delay, slow, clock, light, s)
    terms, last = 0, 0
    while last < out.size:
        first = last
        while last < out.size and s[last] > 0:
            last += 1
        if first < last:  # s = s · (1 - 0)
            add_source(rho2, 1.0, s[first:last], zero[first:last], weight[first:last], out[first:last])
            terms += last - first
        else:
            last += 1
    return terms


@cached
@numba.njit(nogil=True, error_model="numpy")
def total(
    rho2: Float,
    age: Float,
    kappa: Float,
    delay: Float,
    weight: Float,
    slow: Float,
    clock: Float,
    light: float,
    out: Float,
) -> int:
    """Add all bursts to one spectrum.

    Parameters
    ----------
    rho2, age : array, shape (sources,)
    kappa, delay, weight, slow, clock, light, out
        As in `add`.

    Returns
    -------
    int
        Number of terms computed.
    """
    scratch, terms = np.zeros((2, out.size)), 0
    for j in range(age.size):
        terms += add(rho2[j], age[j], kappa, delay, weight, slow, clock, light, scratch, out)
    return terms


@cached
@numba.njit(nogil=True, error_model="numpy")
def each(
    rho2: Float,
    age: Float,
    kappa: Float,
    delay: Float,
    weight: Float,
    slow: Float,
    clock: Float,
    light: float,
    out: Float,
) -> None:
    """Add each burst to a spectrum of its own; as `total`, but out of shape (sources, energies)."""
    scratch = np.zeros((2, out.shape[1]))
    for j in range(age.size):
        add(rho2[j], age[j], kappa, delay, weight, slow, clock, light, scratch, out[j])


@cached
@numba.njit(nogil=True, error_model="numpy")
def largest(
    rho2: float,
    age: Float,
    kappa: Float,
    delay: Float,
    weight: Float,
    slow: Float,
    clock: Float,
    light: float,
    scratch: Float,
    row: Float,
) -> float:
    """Largest value of any of these ages and energies at one distance; scratch as in `add`, row of shape (n,)."""
    best = 0.0
    for j in range(age.size):
        row[:] = 0.0
        if add(rho2, age[j], kappa, delay, weight, slow, clock, light, scratch, row):
            best = max(best, row.max())
    return best


@cached
@numba.njit(nogil=True)
def gram(values: Float, weight: Float, out: Float) -> None:
    """Add Σ_q w_q v_q v_qᵀ to a matrix: Campbell's covariance as a quadrature.

    Written out rather than left to a library, so that the bits do not depend on the number of its threads.

    Parameters
    ----------
    values : array, shape (q, n)
    weight : array, shape (q,)
    out : array, shape (n, n)
    """
    n = values.shape[1]
    for q in range(values.shape[0]):
        for i in range(n):
            factor = weight[q] * values[q, i]
            if factor != 0.0:
                for j in range(n):
                    out[i, j] += factor * values[q, j]


@cached
@numba.njit(nogil=True)
def factor(matrix: Float, tolerance: float) -> Float:
    """Cholesky factor with pivoting of a covariance that may be singular: rows L with Σ_r L_r L_rᵀ = matrix.

    Parameters
    ----------
    matrix : array, shape (n, n)
    tolerance : float
        The largest variance that may be left out, as a share of the largest one.

    Returns
    -------
    array, shape (rank, n)
    """
    n = matrix.shape[0]
    left = np.diag(matrix).copy()
    stop = tolerance * left.max()
    rows = np.zeros((n, n))
    rank = 0
    while rank < n:
        pivot = int(np.argmax(left))
        if left[pivot] <= stop:
            break
        row = rows[rank]
        row[:] = matrix[pivot]
        for r in range(rank):
            c = rows[r, pivot]
            for i in range(n):
                row[i] -= c * rows[r, i]
        scale = 1 / math.sqrt(left[pivot])
        for i in range(n):
            row[i] *= scale
            left[i] -= row[i] * row[i]
        left[pivot] = 0.0
        rank += 1
    return rows[:rank].copy()


@cached
@numba.njit(nogil=True)
def combine(normal: Float, rows: Float, out: Float) -> None:
    """Add Σ_r n_r L_r; normal of shape (rank,), rows of shape (rank, n), out of shape (n,)."""
    for r in range(normal.size):
        c = normal[r]
        for i in range(out.size):
            out[i] += c * rows[r, i]
