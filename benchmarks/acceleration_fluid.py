"""The spherical Euler solver: the compiled kernel against the same scheme in vectorised numpy, in one run.

1000 cells, one core, a point explosion well under way. A step is a whole Heun step with its two stages. A third row
times the divisions and square roots of the kernel alone, which is what bounds it: everything it touches fits the
caches. Run as ``python benchmarks/acceleration_fluid.py``.
"""

import numba
import numpy as np
from _timing import best

from crlab.acceleration import _fluid_kernels

CELLS, GAMMA, CFL, FLOOR = 1000, 5 / 3, 0.5, 1e-12


def start(cells=CELLS):
    """Edges and state of a point explosion in a tenth of the radius; E = ρ = 1 up to 4π."""
    edges = np.linspace(0, 1, cells + 1)
    inside = cells // 10
    U = np.array([np.ones(cells), np.zeros(cells), np.full(cells, 1e-6)])
    U[2, :inside] += 3 / edges[inside] ** 3
    return edges, U


def numpy_primitives(U, gamma, floor):
    v = U[1] / U[0]
    return np.array([U[0], v, np.maximum((gamma - 1) * (U[2] - 0.5 * U[1] * v), floor)])


def numpy_reconstruct(W, floor, lower, upper, per_lower, per_upper, per_span, first, mirror):
    difference = W[:, 1:] - W[:, :-1]
    below, above = difference[:, :-1], difference[:, 1:]
    central = (W[:, 2:] - W[:, :-2]) * per_span
    size = np.minimum(np.abs(central), np.minimum(np.abs(below) * per_lower, np.abs(above) * per_upper))
    slope = np.where((below * above > 0) & (W[2, 1:-1] > floor), np.copysign(size, central), 0)
    left, right = np.empty((3, W.shape[1] + 1)), np.empty((3, W.shape[1] + 1))
    right[:, 1:-2] = W[:, 1:-1] - slope * lower
    left[:, 2:-1] = W[:, 1:-1] + slope * upper
    right[:, 0] = left[:, 1] = W[:, 0]
    left[:, 0] = W[:, 0] * [1, -1, 1]
    slope, above = (W[1, 1] + W[1, 0]) * mirror, W[1, 1] - W[1, 0]
    if slope * above > 0 and W[2, 0] > floor:
        left[1, 1] = W[1, 0] + np.copysign(min(abs(slope) * first, abs(above)), slope)
    right[:, -2] = left[:, -1] = right[:, -1] = W[:, -1]
    return left, right


def numpy_hllc(left, right, gamma):
    (rho_l, v_l, p_l), (rho_r, v_r, p_r) = left, right
    per_l, per_r = 1 / rho_l, 1 / rho_r
    c_l, c_r = np.sqrt(gamma * p_l * per_l), np.sqrt(gamma * p_r * per_r)
    s_l, s_r = np.minimum(v_l - c_l, v_r - c_r), np.maximum(v_l + c_l, v_r + c_r)
    m_l, m_r = rho_l * (s_l - v_l), rho_r * (s_r - v_r)
    s = (p_r - p_l + m_l * v_l - m_r * v_r) / (m_l - m_r)
    at_left = s >= 0
    rho, v, p = np.where(at_left, left, right)
    outer, m = np.where(at_left, s_l, s_r), np.where(at_left, m_l, m_r)
    cut = np.where(at_left, np.minimum(s_l, 0), np.maximum(s_r, 0))
    momentum = rho * v
    energy = p * (1 / (gamma - 1)) + 0.5 * momentum * v
    star = m / (outer - s)
    F = np.empty_like(left)
    F[0] = momentum + cut * (star - rho)
    F[1] = momentum * v + p + cut * (star * s - momentum)
    F[2] = (energy + p) * v + cut * (star * (energy * np.where(at_left, per_l, per_r) + (s - v) * (s + p / m)) - energy)
    return F


def numpy_euler(edges, U, t, end, gamma, cfl, floor):
    """What the kernel does; arguments and result as in `crlab.acceleration._fluid_kernels.euler`."""
    area, volume = edges**2, np.diff(edges**3) / 3
    centres = np.diff(edges**4) / (4 * volume)
    lower, upper = (centres - edges[:-1])[1:-1], (edges[1:] - centres)[1:-1]
    spans = 1 / (centres[2:] - centres[:-2])
    lengths = lower, upper, 1 / lower, 1 / upper, spans, edges[1] - centres[0], 1 / (centres[0] + centres[1])
    per_volume, width, push = 1 / volume, np.diff(edges), np.diff(area)
    steps = 0
    while t < end:
        W = numpy_primitives(U, gamma, floor)
        dt = cfl / np.max((np.abs(W[1]) + np.sqrt(gamma * W[2] / W[0])) / width)
        last = t + dt >= end
        dt = end - t if last else dt
        V = U
        for stage in range(2):
            if stage == 1:
                W = numpy_primitives(V, gamma, floor)
            flow = area * numpy_hllc(*numpy_reconstruct(W, floor, *lengths), gamma)
            V = V - dt * per_volume * (flow[:, 1:] - flow[:, :-1])
            V[1] += dt * per_volume * push * W[2]
        U[:] = 0.5 * (U + V)
        t = end if last else t + dt
        steps += 1
    return steps


@numba.njit(error_model="numpy")
def costly_operations(left, right, out, gamma):
    """One stage's six divisions and two square roots at each cell, in an order that leaves nothing to wait for."""
    for i in range(out.size):
        a, b = left[2, i] / left[0, i], right[2, i] / right[0, i]
        c = np.sqrt(gamma * a) - np.sqrt(gamma * b)
        s = (a - b) / (2.0 + c)
        out[i] = s + a / (3.0 + s) + b / (4.0 + c) + c / (5.0 + b)


def run(function, end):
    """Time steps of the point explosion, one for each cell."""
    return function(*start(), 0.0, end, GAMMA, CFL, FLOOR) * CELLS


def divide(number=2000):
    """The operations of as many Heun steps, each of two stages."""
    left, right, out = np.ones((3, CELLS)), np.full((3, CELLS), 2.0), np.empty(CELLS)
    for _ in range(2 * number):
        costly_operations(left, right, out, GAMMA)
    return number * CELLS


def main():
    functions = {
        "kernel": lambda: run(_fluid_kernels.euler, 0.05),
        "numpy": lambda: run(numpy_euler, 0.02),
        "operations": divide,
    }
    kernel, plain, operations = (1e9 * seconds for seconds in best(functions, steps=int).values())
    print(f"{'spherical Euler equations':<42}{'ns/cell/step':>14}{'kernel is':>12}")
    print(f"{'kernel':<42}{kernel:>14.1f}")
    print(f"{'numpy, the same scheme':<42}{plain:>14.1f}{plain / kernel:>9.1f} x")
    print(f"{'divisions and square roots alone':<42}{operations:>14.1f}{operations / kernel:>9.0%} of it")


if __name__ == "__main__":
    main()
