"""Kernels of the transport equation on a grid of nx positions times m momenta.

All arrays are float64, positions first and momenta contiguous, in kpc, Myr and the momentum's own unit.
The equation is written as transfers between neighbouring cells. With density ψ, the flux in x through
face i, between the cells i-1 and i, is

    F[i] = alpha[i] ψ[i-1] - beta[i] ψ[i],

and the flux in p through face j, between the cells j-1 and j, is G[j] = up[j] ψ[j-1] - down[j] ψ[j]. All
four are ≥ 0, so that the matrix of an implicit step is an M-matrix and its solution ≥ 0.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Array = NDArray[np.float64]

_FLOOR = 1e-300  # stands for an empty cell where a logarithm is taken


@cached
@numba.njit(nogil=True)
def _face(psi: Array, j: int, step: float, side: float) -> float:
    """ψ at a face over ψ's mean in cell j, for the power law that fits its neighbours.

    `step` is ln(p[j+1]/p[j]), `side` +1 for the upper and -1 for the lower face. The slope is van Albada's
    mean of the two one-sided slopes, which is their mean where they agree and the flatter one where not.
    """
    m = psi.size
    here = math.log(max(psi[j], _FLOOR))
    rise = 0.0
    if m > 1:
        a = here - math.log(max(psi[j - 1], _FLOOR)) if j > 0 else 0.0
        b = math.log(max(psi[j + 1], _FLOOR)) - here if j < m - 1 else a
        if j == 0:
            a = b
        soft = step * step
        rise = (a * (b * b + soft) + b * (a * a + soft)) / (a * a + b * b + 2.0 * soft)
    z = 0.5 * (step + rise)
    shape = z / math.sinh(z) if abs(z) > 1e-8 else 1.0
    return math.exp(0.5 * side * rise) * shape * math.sinh(0.5 * step) / (0.5 * step)


@cached
@numba.njit(nogil=True)
def momentum_rates(psi: Array, pdot: Array, step: float, fitted: bool, up: Array, down: Array) -> None:
    """Fill `up` and `down`, both (nx, m+1), from dp/dt at the momentum faces, `pdot` (nx, m+1).

    Upwind: the flux takes ψ of the cell it comes from; with `fitted`, that cell's power law at the face.
    Nothing enters through the lowest and highest face.
    """
    nx, m = psi.shape
    for i in range(nx):
        for j in range(m + 1):
            rate = pdot[i, j]
            up[i, j] = 0.0
            down[i, j] = 0.0
            if rate > 0.0 and j > 0:
                up[i, j] = rate * (_face(psi[i], j - 1, step, 1.0) if fitted else 1.0)
            elif rate < 0.0 and j < m:
                down[i, j] = -rate * (_face(psi[i], j, step, -1.0) if fitted else 1.0)


@cached
@numba.njit(nogil=True)
def factor(
    alpha: Array,
    beta: Array,
    up: Array,
    down: Array,
    nu: Array,
    dx: Array,
    dp: Array,
    mass: float,
    a: float,
    lower: Array,
    inverse: Array,
    upper: Array,
) -> bool:
    """LU factors, for every momentum, of mass ψ + a (what leaves - what comes along x) = right-hand side.

    The multipliers of the lower and the upper neighbour's ψ and the inverse pivots are written to `lower`,
    `upper` and `inverse`, (nx, m). Each pivot is a sum of positive terms, what goes on to cell i+1 and what
    is lost for good, so nothing cancels (Grassmann, Taksar & Heyman 1985). Returns False where a pivot is
    zero: nothing can leave.
    """
    nx, m = nu.shape
    lost = np.zeros(m)
    regular = True
    for i in range(nx):
        c = a / dx[i]
        for j in range(m):
            back = c * beta[i, j]
            stay = mass + a * ((up[i, j + 1] + down[i, j]) / dp[j] + nu[i, j])
            lost[j] = stay + back * (1.0 if i == 0 else lost[j] * inverse[i - 1, j])
            pivot = c * alpha[i + 1, j] + lost[j]
            inverse[i, j] = 1.0 / pivot if pivot > 0.0 else 0.0
        for j in range(m):
            regular = regular and inverse[i, j] > 0.0
            lower[i, j] = c * alpha[i, j] * inverse[i, j]
            upper[i, j] = c * beta[i + 1, j] * inverse[i, j]
    return regular


@cached
@numba.njit(nogil=True)
def solve_rows(rhs: Array, psi: Array, lower: Array, inverse: Array, upper: Array) -> None:
    """Solve for all momenta at once where no particle changes momentum. All arrays (nx, m)."""
    nx, m = rhs.shape
    for j in range(m):
        psi[0, j] = rhs[0, j] * inverse[0, j]
    for i in range(1, nx):
        for j in range(m):
            psi[i, j] = rhs[i, j] * inverse[i, j] + lower[i, j] * psi[i - 1, j]
    for i in range(nx - 2, -1, -1):
        for j in range(m):
            psi[i, j] += upper[i, j] * psi[i + 1, j]


@cached
@numba.njit(nogil=True)
def sweep(
    rhs: Array,
    psi: Array,
    dp: Array,
    a: float,
    rising: bool,
    rises: bool,
    falls: bool,
    lower: Array,
    inverse: Array,
    upper: Array,
    up: Array,
    down: Array,
) -> None:
    """Solve momentum after momentum, from the lowest (`rising`) or the highest, with ψ of both neighbours.

    Where all particles gain, or all lose, one sweep in that direction is the exact solution; else it is one
    iteration of block Gauss-Seidel. `rises` and `falls` say whether any do. `rhs` and `psi` are (nx, m); factors
    (m, nx), `up` and `down` (m+1, nx) are transposed, so that the recurrences run along memory.
    """
    nx, m = rhs.shape
    row = np.empty(nx)
    for count in range(m):
        j = count if rising else m - 1 - count
        c = a / dp[j]
        below = rises and j > 0
        above = falls and j < m - 1
        last = 0.0
        for i in range(nx):
            come = rhs[i, j]
            if below:
                come += c * up[j, i] * psi[i, j - 1]
            if above:
                come += c * down[j + 1, i] * psi[i, j + 1]
            last = come * inverse[j, i] + lower[j, i] * last
            row[i] = last
        psi[nx - 1, j] = last
        for i in range(nx - 2, -1, -1):
            last = row[i] + upper[j, i] * last
            psi[i, j] = last


@cached
@numba.njit(nogil=True)
def change(new: Array, old: Array, dp: Array) -> float:
    """Largest |new - old| at any momentum, over the largest |new| at that momentum.

    A momentum at which ψ dp is below 1e-20 of what it is elsewhere is as good as empty.
    """
    nx, m = new.shape
    top = np.zeros(m)
    difference = np.zeros(m)
    for i in range(nx):
        for j in range(m):
            top[j] = max(top[j], abs(new[i, j]))
            difference[j] = max(difference[j], abs(new[i, j] - old[i, j]))
    empty = 1e-20 * np.max(top * dp)
    worst = 0.0
    for j in range(m):
        if difference[j] > 0.0:
            worst = max(worst, difference[j] / max(top[j], empty / dp[j]))
    return worst


@cached
@numba.njit(nogil=True)
def add_scaled(total: Array, weight: float, term: Array) -> None:
    """Add weight times a term; both (nx, m)."""
    nx, m = total.shape
    for i in range(nx):
        for j in range(m):
            total[i, j] += weight * term[i, j]


@cached
@numba.njit(nogil=True)
def add_fluxes(
    psi: Array,
    alpha: Array,
    beta: Array,
    left: Array,
    right: Array,
    up: Array,
    down: Array,
    weight: float,
    coupled: bool,
    F: Array,
    G: Array,
) -> None:
    """Add weight times the fluxes of ψ to F (nx+1, m) and G (nx, m+1); `left`, `right` (m,) are ψ outside.

    G is left alone unless momenta are `coupled`.
    """
    nx, m = psi.shape
    for i in range(nx + 1):
        before = psi[i - 1] if i > 0 else left
        after = psi[i] if i < nx else right
        for j in range(m):
            F[i, j] += weight * (alpha[i, j] * before[j] - beta[i, j] * after[j])
    if not coupled:
        return
    for i in range(nx):
        G[i, 0] -= weight * down[i, 0] * psi[i, 0]
        G[i, m] += weight * up[i, m] * psi[i, m - 1]
        for j in range(1, m):
            G[i, j] += weight * (up[i, j] * psi[i, j - 1] - down[i, j] * psi[i, j])


@cached
@numba.njit(nogil=True)
def subtract_divergence(F: Array, G: Array, dx: Array, dp: Array, coupled: bool, psi: Array) -> None:
    """Subtract the divergence of the fluxes F (nx+1, m) and, where `coupled`, G (nx, m+1) from ψ."""
    nx, m = psi.shape
    for i in range(nx):
        c = 1.0 / dx[i]
        for j in range(m):
            psi[i, j] -= c * (F[i + 1, j] - F[i, j])
        if coupled:
            for j in range(m):
                psi[i, j] -= (G[i, j + 1] - G[i, j]) / dp[j]


@cached
@numba.njit(nogil=True)
def add_losses(
    psi: Array,
    alpha: Array,
    beta: Array,
    left: Array,
    right: Array,
    up: Array,
    down: Array,
    dx: Array,
    dp: Array,
    weight: float,
    losses: Array,
) -> None:
    """Add weight times the loss through the left, the right, the lowest and the highest face to `losses`, (4, m)."""
    nx, m = psi.shape
    for j in range(m):
        c = weight * dp[j]
        losses[0, j] += c * (beta[0, j] * psi[0, j] - alpha[0, j] * left[j])
        losses[1, j] += c * (alpha[nx, j] * psi[nx - 1, j] - beta[nx, j] * right[j])
    for i in range(nx):
        losses[2, 0] += weight * dx[i] * down[i, 0] * psi[i, 0]
        losses[3, m - 1] += weight * dx[i] * up[i, m] * psi[i, m - 1]


@cached
@numba.njit(nogil=True)
def blend(high: Array, low: Array, dp: Array, coupled: bool) -> Array:
    """Move `high` towards `low` ≥ 0, both (nx, m), until it is nowhere negative; returns the shares of high, (m,).

    The share is one number for each momentum, and the same for all where momenta are `coupled`: mixing two steps
    that conserve particles then conserves them too. Cells with less than 1e-20 of the particles do not count and are
    emptied where negative.
    """
    nx, m = high.shape
    largest = 0.0
    for i in range(nx):
        for j in range(m):
            largest = max(largest, low[i, j] * dp[j])
    share = np.ones(m)
    for i in range(nx):
        for j in range(m):
            if high[i, j] < -1e-20 * largest / dp[j]:
                share[j] = min(share[j], low[i, j] / (low[i, j] - high[i, j]))
    if coupled:
        share[:] = share.min()
    for i in range(nx):
        for j in range(m):
            high[i, j] = max(low[i, j] + share[j] * (high[i, j] - low[i, j]), 0.0)
    return share


# Green's function of the halo. Heights u and v of observer and source in units of the halo's half-height,
# s = ∫κ dτ over its square.

_CROSSOVER = 0.25  # s below which images need fewer terms than modes


@cached
@numba.njit(nogil=True)
def image_sum(s: float, u: float, v: float, terms: int) -> float:
    """Σ over abs(n) ≤ terms of (-1)^n exp(-(u - v_n)²/4s) / √(4πs), v_n = 2n + (-1)^n v."""
    total = 0.0
    for n in range(-terms, terms + 1):
        sign = 1.0 - 2.0 * (n % 2)
        distance = u - 2.0 * n - sign * v
        total += sign * math.exp(-distance * distance / (4.0 * s))
    return total / math.sqrt(4.0 * math.pi * s)


@cached
@numba.njit(nogil=True)
def mode_sum(s: float, u: float, v: float, terms: int) -> float:
    """Σ over 1 ≤ m ≤ terms of sin(mπ(u+1)/2) sin(mπ(v+1)/2) exp(-s (mπ/2)²)."""
    total = 0.0
    for m in range(1, terms + 1):
        q = 0.5 * math.pi * m
        total += math.sin(q * (u + 1.0)) * math.sin(q * (v + 1.0)) * math.exp(-s * q * q)
    return total


@cached
@numba.njit(nogil=True)
def theta(s: float, u: float, v: float) -> float:
    """Density of diffusion between absorbing walls at ±1, by whichever sum converges; 0 for s = 0."""
    if s <= 0.0:
        return 0.0
    if s < _CROSSOVER:
        return image_sum(s, u, v, 5)
    return mode_sum(s, u, v, 9)


@cached
@numba.njit(nogil=True)
def theta_array(s: Array, u: Array, v: Array, out: Array) -> None:
    """Fill `out` with `theta`; all arrays (n,)."""
    for i in range(s.size):
        out[i] = theta(s[i], u[i], v[i])


@cached
@numba.njit(nogil=True)
def sum_array(s: Array, u: Array, v: Array, terms: int, modes: bool, out: Array) -> None:
    """Fill `out` with `mode_sum` or `image_sum`; all arrays (n,)."""
    for i in range(s.size):
        out[i] = mode_sum(s[i], u[i], v[i], terms) if modes else image_sum(s[i], u[i], v[i], terms)


@cached
@numba.njit(nogil=True)
def green_array(rho: Array, spread: Array, z: Array, source: Array, height: Array, out: Array) -> None:
    """Fill `out` with exp(-rho²/4Λ)/(4πΛ) Θ(Λ/h²; z/h, z'/h)/h in kpc⁻³; Λ = `spread` in kpc², all arrays (n,)."""
    for i in range(rho.size):
        out[i] = 0.0
        if spread[i] > 0.0:
            h = height[i]
            along = math.exp(-rho[i] * rho[i] / (4.0 * spread[i])) / (4.0 * math.pi * spread[i])
            out[i] = along * theta(spread[i] / (h * h), z[i] / h, source[i] / h) / h
