"""Fluid kernels of the acceleration room: the spherical Euler equations, and transverse MHD waves with a current.

The units are free: any that fit together. Areas are r² and volumes r³/3, without their common factor 4π.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

# Divisions are dear, so that those by lengths and volumes are done once. With numpy's rules for them (no exception at
# 0/0) the loops below have no branch and use the processor's vector units.


@cached
@numba.njit(nogil=True)
def geometry(edges: Float) -> tuple[Float, Float, Float]:
    """Areas r² (n + 1), inverse volumes 3/Δr³ (n), and the lengths that `reconstruct` needs, shape (5, n).

    These are the distances from a cell's centre of volume to its lower and upper face, their inverses, and the
    inverse distance between the neighbours' centres; that of the first cell's lower neighbour is its mirror image's.
    """
    n = edges.size - 1
    area, volume = edges**2, (edges[1:] ** 3 - edges[:-1] ** 3) / 3.0
    centres = (edges[1:] ** 4 - edges[:-1] ** 4) / (4.0 * volume)
    shape = np.zeros((5, n))
    shape[0], shape[1] = centres - edges[:-1], edges[1:] - centres
    shape[2], shape[3] = 1.0 / shape[0], 1.0 / shape[1]
    shape[4, 1:-1] = 1.0 / (centres[2:] - centres[:-2])
    shape[4, 0] = 1.0 / (centres[1] + centres[0])
    return area, 1.0 / volume, shape


@cached
@numba.njit(nogil=True, error_model="numpy")
def primitives(U: Float, W: Float, gamma: float, floor: float) -> None:
    """Density, velocity and pressure W from density, momentum density and energy density U; shapes (3, n).

    The pressure is at least `floor`, since in cold fast gas it is a small difference of large numbers. U is left
    as it is, so that nothing is created.
    """
    for i in range(U.shape[1]):
        v = U[1, i] / U[0, i]
        W[0, i] = U[0, i]
        W[1, i] = v
        W[2, i] = max((gamma - 1.0) * (U[2, i] - 0.5 * U[1, i] * v), floor)


@cached
@numba.njit(nogil=True, error_model="numpy")
def longest_step(per_length: Float, W: Float, speed: Float, gamma: float) -> float:
    """Time in which the fastest wave crosses its cell, min Δr / (|v| + c). `speed` (n) is room to work."""
    for i in range(W.shape[1]):
        speed[i] = (abs(W[1, i]) + math.sqrt(gamma * W[2, i] / W[0, i])) * per_length[i]
    fastest = 0.0
    for i in range(speed.size):
        fastest = max(fastest, speed[i])
    return 1.0 / fastest


@cached
@numba.njit(nogil=True, error_model="numpy")
def reconstruct(shape: Float, W: Float, left: Float, right: Float, floor: float) -> None:
    """Values on both sides of each face, from a line through each cell's mean at its centre of volume.

    The slope is the central one, made smaller where a face value would leave the range of the cell and its
    neighbour (van Leer's MC limiter, for unequal distances); it is 0 at extrema, and
    where the pressure is at its floor, since only even cells keep an energy of motion from outrunning the total. At
    r = 0 the flow is mirrored, at the outer end it goes on unchanged. `shape` is from `geometry`; `left` and `right`
    have shape (3, n + 1).
    """
    n = W.shape[1]
    lower, upper, per_lower, per_upper, per_span = shape[0], shape[1], shape[2], shape[3], shape[4]
    for q in range(3):
        for i in range(1, n - 1):
            below, above = W[q, i] - W[q, i - 1], W[q, i + 1] - W[q, i]
            slope = (W[q, i + 1] - W[q, i - 1]) * per_span[i]
            size = min(abs(slope), min(abs(below) * per_lower[i], abs(above) * per_upper[i]))
            slope = math.copysign(size, slope) if (below * above > 0.0) & (W[2, i] > floor) else 0.0
            right[q, i] = W[q, i] - slope * lower[i]
            left[q, i + 1] = W[q, i] + slope * upper[i]
        right[q, 0] = left[q, 1] = W[q, 0]
        left[q, 0] = -W[q, 0] if q == 1 else W[q, 0]
        right[q, n - 1] = left[q, n] = right[q, n] = W[q, n - 1]
    # The mirror image of the first cell moves the other way: the line of v goes on through the centre.
    slope = (W[1, 1] + W[1, 0]) * per_span[0]
    above = W[1, 1] - W[1, 0]
    if slope * above > 0.0 and W[2, 0] > floor:
        left[1, 1] = W[1, 0] + math.copysign(min(abs(slope) * upper[0], abs(above)), slope)


@cached
@numba.njit(nogil=True, error_model="numpy")
def hllc(left: Float, right: Float, F: Float, gamma: float) -> None:
    """Fluxes of mass, momentum and energy between two states, by the HLLC approximate Riemann solver.

    With the contact speed s* and the outer speeds s_L, s_R, the flux is F_k + s_k (U*_k - U_k) on the side k on which
    the face lies; s_L is cut at 0 from above and s_R from below, which covers supersonic flow. The pressure stands
    in the momentum flux.
    """
    heat = 1.0 / (gamma - 1.0)
    for i in range(F.shape[1]):
        rho_l, v_l, p_l = left[0, i], left[1, i], left[2, i]
        rho_r, v_r, p_r = right[0, i], right[1, i], right[2, i]
        per_l, per_r = 1.0 / rho_l, 1.0 / rho_r
        c_l, c_r = math.sqrt(gamma * p_l * per_l), math.sqrt(gamma * p_r * per_r)
        s_l, s_r = min(v_l - c_l, v_r - c_r), max(v_l + c_l, v_r + c_r)
        m_l, m_r = rho_l * (s_l - v_l), rho_r * (s_r - v_r)
        s = (p_r - p_l + m_l * v_l - m_r * v_r) / (m_l - m_r)
        at_left = s >= 0.0
        rho = rho_l if at_left else rho_r
        v = v_l if at_left else v_r
        p = p_l if at_left else p_r
        outer = s_l if at_left else s_r
        m = m_l if at_left else m_r
        cut = min(s_l, 0.0) if at_left else max(s_r, 0.0)
        energy = p * heat + 0.5 * rho * v * v
        star = m / (outer - s)
        star_energy = star * (energy * (per_l if at_left else per_r) + (s - v) * (s + p / m))
        F[0, i] = rho * v + cut * (star - rho)
        F[1, i] = rho * v * v + p + cut * (star * s - rho * v)
        F[2, i] = (energy + p) * v + cut * (star_energy - energy)


@cached
@numba.njit(nogil=True, error_model="numpy")
def advance(U: Float, W: Float, F: Float, area: Float, per_volume: Float, dt: float) -> None:
    """One Euler step of U: what flows through the walls, and the push of the side walls in spherical geometry."""
    n = U.shape[1]
    for q in range(3):
        for i in range(n):
            U[q, i] -= dt * per_volume[i] * (area[i + 1] * F[q, i + 1] - area[i] * F[q, i])
    for i in range(n):
        U[1, i] += dt * per_volume[i] * (area[i + 1] - area[i]) * W[2, i]


@cached
@numba.njit(nogil=True, error_model="numpy")
def euler(edges: Float, U: Float, t: float, end: float, gamma: float, cfl: float, floor: float) -> int:
    """Bring U from time t to `end`: finite volumes in radius, MUSCL, HLLC, Heun's strong-stability-preserving steps.

    Parameters
    ----------
    edges : array, shape (n + 1,)
        Increasing, first 0.
    U : array, shape (3, n)
        Density, momentum density, energy density; changed in place.
    t, end : float
    gamma : float
        Adiabatic index.
    cfl : float
        Step over the time in which the fastest wave crosses its cell.
    floor : float
        Lowest pressure.

    Returns
    -------
    steps : int
        Negative if a density or energy lost its sign or a number is not finite, after that many steps.
    """
    n = U.shape[1]
    area, per_volume, shape = geometry(edges)
    per_length, speed = 1.0 / (edges[1:] - edges[:-1]), np.empty(n)
    W, F, V = np.empty((3, n)), np.empty((3, n + 1)), np.empty((3, n))
    left, right = np.empty((3, n + 1)), np.empty((3, n + 1))
    steps = 0
    while t < end:
        primitives(U, W, gamma, floor)
        dt = cfl * longest_step(per_length, W, speed, gamma)
        if not (0.0 < dt < math.inf):
            return -steps - 1
        last = t + dt >= end
        dt = end - t if last else dt
        V[:] = U
        for stage in range(2):
            if stage == 1:
                primitives(V, W, gamma, floor)
            reconstruct(shape, W, left, right, floor)
            hllc(left, right, F, gamma)
            advance(V, W, F, area, per_volume, dt)
        for q in range(3):
            for i in range(n):
                U[q, i] = 0.5 * (U[q, i] + V[q, i])
        t = end if last else t + dt
        steps += 1
        for i in range(n):
            if not (U[0, i] > 0.0 and U[2, i] > 0.0):
                return -steps
    return steps


@cached
@numba.njit(nogil=True)
def slopes(b: Complex, v: Complex, db: Complex, dv: Complex, scale: float, drive: float) -> None:
    """Rates of the transverse field and velocity: ∂b/∂t = ∂v/∂z, ∂v/∂t = ∂b/∂z - i J b.

    Differences of sixth order on a periodic grid; `scale` is 1/(60 Δz).
    """
    n = b.size
    for i in range(n):
        l1, l2, l3 = i - 1, i - 2, i - 3  # negative indices wrap around by themselves
        r1, r2, r3 = (i + 1) % n, (i + 2) % n, (i + 3) % n
        db[i] = scale * (45.0 * (v[r1] - v[l1]) - 9.0 * (v[r2] - v[l2]) + (v[r3] - v[l3]))
        dv[i] = scale * (45.0 * (b[r1] - b[l1]) - 9.0 * (b[r2] - b[l2]) + (b[r3] - b[l3])) - 1j * drive * b[i]


@cached
@numba.njit(nogil=True)
def waves(b: Complex, v: Complex, dz: float, drive: float, dt: float, steps: int, every: int) -> Complex:
    """Transverse MHD in one dimension with a current along the mean field, by Runge-Kutta steps of fourth order.

    With b = (B_x + i B_y)/B_0, v = (v_x + i v_y)/v_A, z in units of a length L, t in L/v_A:
    ∂b/∂t = ∂v/∂z and ∂v/∂t = ∂b/∂z - i J b, where J = 4π j L/(c B_0).

    Parameters
    ----------
    b, v : arrays, shape (n,)
        At the start; changed in place.
    dz, drive, dt : float
        Cell, J, time step.
    steps, every : int
        Steps to do, and how many lie between two stored states.

    Returns
    -------
    array, shape (steps // every + 1, n)
        b at the start and after each `every` steps.
    """
    n, scale = b.size, 1.0 / (60.0 * dz)
    stored = np.empty((steps // every + 1, n), np.complex128)
    stored[0] = b
    db, dv = np.empty(n, np.complex128), np.empty(n, np.complex128)
    weight, shift = (dt / 6.0, dt / 3.0, dt / 3.0, dt / 6.0), (dt / 2.0, dt / 2.0, dt, 0.0)
    b_at, v_at = b.copy(), v.copy()
    b_sum, v_sum = np.empty(n, np.complex128), np.empty(n, np.complex128)
    for step in range(1, steps + 1):
        b_sum[:], v_sum[:] = b, v
        for stage in range(4):
            slopes(b_at, v_at, db, dv, scale, drive)
            for i in range(n):
                b_sum[i] += weight[stage] * db[i]
                v_sum[i] += weight[stage] * dv[i]
                b_at[i] = b[i] + shift[stage] * db[i]
                v_at[i] = v[i] + shift[stage] * dv[i]
        b[:], v[:] = b_sum, v_sum
        b_at[:], v_at[:] = b_sum, v_sum
        if step % every == 0:
            stored[step // every] = b
    return stored
