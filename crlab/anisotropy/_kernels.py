"""Kernels of the anisotropy room: random walks of particles that scatter isotropically.

Free paths are exponentially distributed. Lengths are in mean free paths and times in mean free paths over speed, but
for `arrivals`, which says its own.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@cached
@numba.njit(nogil=True, inline="always")
def free_path(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Length of one free path, with mean 1, and its vector, with an isotropic direction.

    Of two normal deviates g1, g2, half the sum of squares is an exponential deviate s, and their ratio is the tangent
    of a uniform azimuth, independent of s. With μ uniform in [-1, 1) the vector is (ρ g1, ρ g2, s μ) for
    ρ² = s (1 - μ²) / 2: no logarithm, sine, cosine or division.
    """
    x = rng.standard_normal()
    y = rng.standard_normal()
    mu = 2.0 * rng.random() - 1.0
    s = 0.5 * (x * x + y * y)
    rho = math.sqrt(0.5 * s * (1.0 - mu * mu))
    return s, rho * x, rho * y, s * mu


@cached
@numba.njit(nogil=True)
def displacement(rng: np.random.Generator, size: int, t: Float) -> tuple[Float, int]:
    """Squared distances from the start of particles that all start at the origin.

    Parameters
    ----------
    rng : Generator
    size : int
        Number of particles.
    t : array, shape (k,)
        Times, ascending.

    Returns
    -------
    sums : array, shape (k, 2)
        Sums over the particles of r² and r⁴ at each time.
    scatterings : int
        Free paths drawn.
    """
    sums = np.zeros((t.size, 2))
    scatterings = 0
    for _ in range(size):
        x = y = z = s = dx = dy = dz = end = 0.0
        for i in range(t.size):
            while end <= t[i]:
                x += dx
                y += dy
                z += dz
                s, dx, dy, dz = free_path(rng)
                end += s
                scatterings += 1
            part = 1.0 - (end - t[i]) / s
            r2 = (x + part * dx) ** 2 + (y + part * dy) ** 2 + (z + part * dz) ** 2
            sums[i, 0] += r2
            sums[i, 1] += r2 * r2
    return sums, scatterings


@cached
@numba.njit(nogil=True)
def burst(rng: np.random.Generator, size: int, t: float, edges: Float) -> Float:
    """Outward motion at one time of particles that all start at the origin at time 0.

    Parameters
    ----------
    rng : Generator
    size : int
        Number of particles.
    t : float
        Time, positive.
    edges : array, shape (m + 1,)
        Radii that bound the shells, ascending.

    Returns
    -------
    sums : array, shape (m, 3)
        Number of particles in each shell, and the sums of μ and μ², where μ is the cosine of the angle between the
        velocity and the radius.
    """
    sums = np.zeros((edges.size - 1, 3))
    for _ in range(size):
        x = y = z = s = dx = dy = dz = end = 0.0
        while end <= t:
            x += dx
            y += dy
            z += dz
            s, dx, dy, dz = free_path(rng)
            end += s
        part = 1.0 - (end - t) / s
        x += part * dx
        y += part * dy
        z += part * dz
        r = math.sqrt(x * x + y * y + z * z)
        j = np.searchsorted(edges, r, side="right") - 1
        if 0 <= j < edges.size - 1:
            mu = (x * dx + y * dy + z * dz) / (r * s)
            sums[j, 0] += 1.0
            sums[j, 1] += mu
            sums[j, 2] += mu * mu
    return sums


@cached
@numba.njit(nogil=True)
def _score(low: float, high: float, p2: float, sign: float, edges: Float, path: Float, climb: Float) -> None:
    """Add the part of a straight line between two radii to the shells it crosses.

    On a line that passes the origin at distance p, the length between radii a < b on one side of the closest
    approach is sqrt(b² - p²) - sqrt(a² - p²).
    """
    for j in range(edges.size - 1):
        a = max(low, edges[j])
        b = min(high, edges[j + 1])
        if a < b:
            path[j] += math.sqrt(max(b * b - p2, 0.0)) - math.sqrt(max(a * a - p2, 0.0))
            climb[j] += sign * (b - a)


@cached
@numba.njit(nogil=True)
def steady(rng: np.random.Generator, size: int, edges: Float, boundary: float) -> tuple[Float, int]:
    """Path lengths and radial flights in shells about a source at the origin, until the particles escape.

    Parameters
    ----------
    rng : Generator
    size : int
        Number of particles.
    edges : array, shape (m + 1,)
        Radii that bound the shells, ascending, at most `boundary`.
    boundary : float
        Radius beyond which a particle is lost.

    Returns
    -------
    sums : array, shape (m, 5)
        Sums over the particles of s, d, s², s d and d², where s is the path length of one particle in the shell and d
        the change of its radius on that path.
    scatterings : int
        Free paths drawn.
    """
    m = edges.size - 1
    sums = np.zeros((m, 5))
    scatterings = 0
    for _ in range(size):
        path, climb = np.zeros(m), np.zeros(m)
        x = y = z = r = 0.0
        while r <= boundary:
            s, dx, dy, dz = free_path(rng)
            scatterings += 1
            b = (x * dx + y * dy + z * dz) / s  # along the path, from the closest approach
            p2 = max(r * r - b * b, 0.0)
            x += dx
            y += dy
            z += dz
            after = math.sqrt(x * x + y * y + z * z)
            if b >= 0.0:
                _score(r, after, p2, 1.0, edges, path, climb)
            elif b + s <= 0.0:
                _score(after, r, p2, -1.0, edges, path, climb)
            else:
                _score(math.sqrt(p2), r, p2, -1.0, edges, path, climb)
                _score(math.sqrt(p2), after, p2, 1.0, edges, path, climb)
            r = after
        for j in range(m):
            sums[j, 0] += path[j]
            sums[j, 1] += climb[j]
            sums[j, 2] += path[j] * path[j]
            sums[j, 3] += path[j] * climb[j]
            sums[j, 4] += climb[j] * climb[j]
    return sums, scatterings


@cached
@numba.njit(nogil=True)
def arrivals(
    rng: np.random.Generator,
    directions: Float,
    length: float,
    height: float,
    centres: Float,
    radius: float,
    rate: Float,
) -> Float:
    """Follow particles back from the observer at the origin until they leave a slab, through sources of finite size.

    The expectation of the result is the intensity from each direction, up to a common factor. All lengths are in one
    unit.

    Parameters
    ----------
    rng : Generator
    directions : array, shape (k, 3)
        Unit vectors from which particles arrive.
    length : float
        Mean free path.
    height : float
        The slab is ``-height < z < height``.
    centres : array, shape (n, 3)
        Centres of the sources, which are balls within the slab: a line meets none after it has left.
    radius : float
        Radius of the balls.
    rate : array, shape (n,)
        Emission of each source.

    Returns
    -------
    scores : array, shape (k,)
        Sum over the sources of rate times path length within the ball.
    """
    scores = np.zeros(directions.shape[0])
    for k in range(directions.shape[0]):
        x = y = z = total = 0.0
        s = length * rng.standard_exponential()
        dx, dy, dz = s * directions[k, 0], s * directions[k, 1], s * directions[k, 2]
        while True:
            for i in range(rate.size):
                cx, cy, cz = centres[i, 0] - x, centres[i, 1] - y, centres[i, 2] - z
                b = (cx * dx + cy * dy + cz * dz) / s
                half2 = radius * radius - (cx * cx + cy * cy + cz * cz) + b * b
                if half2 > 0.0:
                    half = math.sqrt(half2)
                    total += rate[i] * max(0.0, min(s, b + half) - max(0.0, b - half))
            if abs(z + dz) > height:
                break
            x += dx
            y += dy
            z += dz
            s, dx, dy, dz = free_path(rng)
            s, dx, dy, dz = length * s, length * dx, length * dy, length * dz
        scores[k] = total
    return scores
