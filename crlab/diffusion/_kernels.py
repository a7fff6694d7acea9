"""Kernels of the transport equation on a grid of nx positions times m momenta.

All arrays are float64, positions first and momenta contiguous, in kpc, Myr and the momentum's own unit.
The equation is written as transfers between neighbouring cells. With density ψ, the flux in x through
face i, between the cells i-1 and i, is

    F[i] = alpha[i] ψ[i-1] - beta[i] ψ[i],

and the flux in p through face j, between the cells j-1 and j, is G[j] = up[j] ψ[j-1] - down[j] ψ[j]. All
four are ≥ 0, so that the matrix of an implicit step is an M-matrix and its solution ≥ 0.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FLOOR = 1e-300  # stands for an empty cell where a logarithm is taken


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def momentum_rates(
    psi: Array, pdot: Array, step: float, fitted: bool, up: Array, down: Array
) -> None:
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


@njit(cache=True, nogil=True)
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

    ψ[i] lower neighbour's and upper neighbour's multipliers and inverse pivots are written to `lower`,
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


@njit(cache=True, nogil=True)
def solve_rows(rhs: Array, lower: Array, inverse: Array, upper: Array, psi: Array) -> None:
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


@njit(cache=True, nogil=True)
def sweep(
    rhs: Array,
    lower: Array,
    inverse: Array,
    upper: Array,
    up: Array,
    down: Array,
    dp: Array,
    a: float,
    rising: bool,
    psi: Array,
) -> None:
    """Solve momentum after momentum, from the lowest (`rising`) or the highest, with ψ of both neighbours.

    Where all particles gain, or all lose, one sweep in that direction is the exact solution; else it is one
    iteration of block Gauss-Seidel.
    """
    nx, m = rhs.shape
    for count in range(m):
        j = count if rising else m - 1 - count
        c = a / dp[j]
        before = 0.0
        for i in range(nx):
            come = rhs[i, j]
            if j > 0:
                come += c * up[i, j] * psi[i, j - 1]
            if j < m - 1:
                come += c * down[i, j + 1] * psi[i, j + 1]
            before = come * inverse[i, j] + (lower[i, j] * before if i > 0 else 0.0)
            psi[i, j] = before
        for i in range(nx - 2, -1, -1):
            before = psi[i, j] + upper[i, j] * before
            psi[i, j] = before


@njit(cache=True, nogil=True)
def change(new: Array, old: Array) -> float:
    """Largest |new - old| at any momentum, over the largest |new| at that momentum."""
    nx, m = new.shape
    worst = 0.0
    for j in range(m):
        top = 0.0
        difference = 0.0
        for i in range(nx):
            top = max(top, abs(new[i, j]))
            difference = max(difference, abs(new[i, j] - old[i, j]))
        if difference > worst * top:
            worst = difference / top if top > 0.0 else math.inf
    return worst


@njit(cache=True, nogil=True)
def fluxes(
    psi: Array,
    alpha: Array,
    beta: Array,
    left: Array,
    right: Array,
    up: Array,
    down: Array,
    F: Array,
    G: Array,
) -> None:
    """Fill F (nx+1, m) and G (nx, m+1) with the fluxes of ψ; `left` and `right` (m,) are ψ outside."""
    nx, m = psi.shape
    for i in range(nx + 1):
        before = psi[i - 1] if i > 0 else left
        after = psi[i] if i < nx else right
        for j in range(m):
            F[i, j] = alpha[i, j] * before[j] - beta[i, j] * after[j]
    for i in range(nx):
        G[i, 0] = -down[i, 0] * psi[i, 0]
        G[i, m] = up[i, m] * psi[i, m - 1]
        for j in range(1, m):
            G[i, j] = up[i, j] * psi[i, j - 1] - down[i, j] * psi[i, j]


@njit(cache=True, nogil=True)
def limit(psi: Array, F: Array, G: Array, S: Array, dx: Array, dp: Array) -> None:
    """Scale the corrections F, G (through faces) and S (in cells) so that adding them leaves ψ ≥ 0.

    Every cell gives at most what it holds: what leaves cell (i, j) is scaled by
    min(1, ψ[i, j] / its sum). F (nx+1, m) and G (nx, m+1) are time-integrated fluxes, S (nx, m) is a change of
    ψ. This is the limiter of flux-corrected transport (Zalesak 1979) with zero as the only bound.
    """
    nx, m = psi.shape
    share = np.empty((nx, m))
    for i in range(nx):
        for j in range(m):
            out = max(F[i + 1, j], 0.0) - min(F[i, j], 0.0)
            out = out / dx[i] + (max(G[i, j + 1], 0.0) - min(G[i, j], 0.0)) / dp[j] - min(S[i, j], 0.0)
            # A hair less than all, so that rounding cannot take more.
            share[i, j] = min(1.0, (1.0 - 1e-12) * psi[i, j] / out) if out > 0.0 else 1.0
    for i in range(nx):
        for j in range(m):
            if S[i, j] < 0.0:
                S[i, j] *= share[i, j]
    for i in range(nx + 1):
        for j in range(m):
            if F[i, j] > 0.0 and i > 0:
                F[i, j] *= share[i - 1, j]
            elif F[i, j] < 0.0 and i < nx:
                F[i, j] *= share[i, j]
    for i in range(nx):
        for j in range(m + 1):
            if G[i, j] > 0.0 and j > 0:
                G[i, j] *= share[i, j - 1]
            elif G[i, j] < 0.0 and j < m:
                G[i, j] *= share[i, j]
