"""Kernels of the density of cosmic rays from discrete sources: interpolation in a table, young sources one by one.

Lengths are in kpc; the frame is that of the room's other kernels.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@cached
@numba.njit(nogil=True)
def _below(place: float, size: int) -> tuple[int, float]:
    """Node below a place counted in nodes, and the fraction of the way to the next; -1 outside."""
    if not -1e-9 <= place <= size - 1 + 1e-9:
        return -1, 0.0
    i = min(max(int(place), 0), size - 2)
    return i, min(max(place - i, 0.0), 1.0)


@cached
@numba.njit(nogil=True)
def _level(z: float, top: float, size: int) -> tuple[int, float]:
    """As `_below` for heights at top·(i/(size - 1))²."""
    if size == 1:
        return 0, 0.0
    if z > top:
        return -1, 0.0
    root = math.sqrt(z / top) * (size - 1)
    i = min(int(root), size - 2)
    return i, (root * root - i * i) / (2 * i + 1)


@cached
@numba.njit(nogil=True)
def interpolate(x: Float, y: Float, z: Float, edge: float, top: float, table: Float, out: Float) -> None:
    """Table of shape (nx, ny, nz, j) at n points, linear in x, y and abs(z): out (n, j), zero outside.

    x and y run from -edge to edge, z over `_level`'s heights; one level means no dependence on z within the halo.
    """
    nx, ny, nz, many = table.shape
    for p in range(x.size):
        h, w = _level(abs(z[p]), top, nz)
        i, u = _below((x[p] + edge) / (2 * edge) * (nx - 1), nx)
        j, v = _below((y[p] + edge) / (2 * edge) * (ny - 1), ny)
        if h < 0 or i < 0 or j < 0:
            continue
        for dh in range(2 if w > 0 else 1):
            weight = w if dh else 1.0 - w
            for di in range(2):
                for dj in range(2):
                    part = weight * (u if di else 1.0 - u) * (v if dj else 1.0 - v)
                    for e in range(many):
                        out[p, e] += part * table[i + di, j + dj, h + dh, e]


@cached
@numba.njit(nogil=True)
def reach(x: Float, y: Float, radius: Float, edge: float, cells: int) -> tuple[Int, Int]:
    """For each of cells² squares of the plane the circles that touch it: where its list begins, and the lists."""
    side = 2 * edge / cells
    start = np.zeros(cells * cells + 1, np.int64)
    listed = np.zeros(1, np.int64)
    for fill in range(2):
        for m in range(x.size):
            for i in range(
                max(0, int((x[m] - radius[m] + edge) / side)), min(cells - 1, int((x[m] + radius[m] + edge) / side)) + 1
            ):
                dx = max(i * side - edge - x[m], 0.0, x[m] - (i + 1) * side + edge)
                for j in range(
                    max(0, int((y[m] - radius[m] + edge) / side)),
                    min(cells - 1, int((y[m] + radius[m] + edge) / side)) + 1,
                ):
                    dy = max(j * side - edge - y[m], 0.0, y[m] - (j + 1) * side + edge)
                    if dx * dx + dy * dy > radius[m] ** 2:
                        continue
                    c = i * cells + j
                    if fill:
                        listed[start[c]] = m
                        start[c] += 1
                    else:
                        start[c + 1] += 1
        if not fill:
            start = np.cumsum(start)
            listed = np.zeros(max(1, start[-1]), np.int64)
    begin = np.zeros_like(start)
    begin[1:] = start[:-1]
    return begin, listed


@cached
@numba.njit(nogil=True)
def young(
    x: Float,
    y: Float,
    z: Float,
    place: Float,
    radius: Float,
    amplitude: Float,
    rate: Float,
    edge: float,
    start: Int,
    listed: Int,
    matrix: Float,
    out: Float,
) -> None:
    """Add Σ_k matrix_jk Σ_m amplitude_mk exp(-d² rate_mk) to out (n, j), for sources m within their radius.

    place (3, m); amplitude and rate (m, k); matrix (j, k); start and listed from `reach`.
    """
    cells = round(math.sqrt(start.size - 1))
    many = amplitude.shape[1]
    sums = np.zeros(many)
    for p in range(x.size):
        i, j = math.floor((x[p] + edge) / (2 * edge) * cells), math.floor((y[p] + edge) / (2 * edge) * cells)
        if i < 0 or j < 0 or i >= cells or j >= cells:
            continue
        c = i * cells + j
        touched = False
        for q in range(start[c], start[c + 1]):
            m = listed[q]
            d2 = (x[p] - place[0, m]) ** 2 + (y[p] - place[1, m]) ** 2 + (z[p] - place[2, m]) ** 2
            if d2 > radius[m] ** 2:
                continue
            if not touched:
                sums[:] = 0.0
                touched = True
            for k in range(many):
                if amplitude[m, k] > 0:
                    sums[k] += amplitude[m, k] * math.exp(-d2 * rate[m, k])
        if touched:
            for e in range(out.shape[1]):
                for k in range(many):
                    out[p, e] += matrix[e, k] * sums[k]
