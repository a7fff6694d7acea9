"""Kernels of the emission room: gas models, interpolation, rays and their sums.

Lengths are in kpc, densities in 1/cm³. The frame is that of `crlab.galaxy`.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]

LN2 = math.log(2.0)
SUN = 8.5  # kpc, the distance with which the gas models were fitted, wherever the Sun is put


@cached
@numba.njit(nogil=True)
def _power(base: float, exponent: float) -> float:
    return math.exp(exponent * math.log(base))


@cached
@numba.njit(nogil=True)
def _sech2(x: float) -> float:
    e = math.exp(-2.0 * abs(x))
    return 4.0 * e / (1.0 + e) ** 2


@cached
@numba.njit(nogil=True)
def _ferriere_centre(x: float, y: float, z: float) -> tuple[float, float, float]:
    """HI, H2 (molecules) and H+ in 1/cm³ inside R = 3 kpc, Ferrière et al. 2007.

    x points to the Sun and y to positive longitudes, all in pc. Central molecular zone and tilted disc share one
    shape for HI and H2: exp(-((A - A0) / w)⁴) exp(-(z / h)²) with elliptical radii A.
    """
    cosine, sine = math.cos(math.radians(70.0)), math.sin(math.radians(70.0))
    along = (x + 50.0) * cosine + (y - 50.0) * sine
    across = -(x + 50.0) * sine + (y - 50.0) * cosine
    ring = math.exp(-(((math.hypot(along, 2.5 * across) - 125.0) / 137.0) ** 4))
    hi = 8.8 * ring * math.exp(-((z / 54.0) ** 2))
    h2 = 150.0 * ring * math.exp(-((z / 18.0) ** 2))

    sa, ca = math.sin(math.radians(13.5)), math.cos(math.radians(13.5))
    sb, cb = math.sin(math.radians(20.0)), math.cos(math.radians(20.0))
    st, ct = math.sin(math.radians(48.5)), math.cos(math.radians(48.5))
    along = x * cb * ct - y * (sa * sb * ct - ca * st) - z * (ca * sb * ct + sa * st)
    across = -x * cb * st + y * (sa * sb * st + ca * ct) + z * (ca * sb * st - sa * ct)
    above = x * sb + y * sa * cb + z * ca * cb
    ring = math.exp(-(((math.hypot(along, 3.1 * across) - 1200.0) / 438.0) ** 4))
    hi += 0.34 * ring * math.exp(-((above / 120.0) ** 2))
    h2 += 4.8 * ring * math.exp(-((above / 42.0) ** 2))

    radius = math.hypot(x, y)
    ionised = math.exp(-(x**2 + (y + 10.0) ** 2) / 145.0**2) * math.exp(-(((z + 20.0) / 26.0) ** 2))
    ionised += 0.009 * math.exp(-(((radius - 3700.0) / 1850.0) ** 2)) * _sech2(z / 140.0)
    ionised += 0.005 * math.cos(math.pi * radius / 34000.0) * _sech2(z / 950.0)
    ca, sa = math.cos(math.radians(21.0)), math.sin(math.radians(21.0))
    along, above = y * ca + z * sa, -y * sa + z * ca
    hot = 0.29 * math.exp(-((x**2 + along**2) / 162.0**2 + (above / 90.0) ** 2))
    return hi, h2, 8.0 * ionised + hot


@cached
@numba.njit(nogil=True)
def _ferriere_disc(r: float, z: float) -> tuple[float, float, float]:
    """HI, molecular hydrogen as Ferrière 1998 prints it, and H+ in 1/cm³, outside R = 3 kpc; r in kpc, z in pc."""
    a = max(1.0, r / SUN)
    thin, thick, tail = (
        math.exp(-((z / (127.0 * a)) ** 2)),
        math.exp(-((z / (318.0 * a)) ** 2)),
        math.exp(-abs(z) / (403.0 * a)),
    )
    hi = 0.340 / a**2 * (0.859 * thin + 0.047 * thick + 0.094 * tail)
    hi += 0.226 / a * ((1.745 - 1.289 / a) * thin + (0.473 - 0.070 / a) * thick + (0.283 - 0.142 / a) * tail)
    ring = math.exp(-((r - 4.5) ** 2 - (SUN - 4.5) ** 2) / 2.9**2)
    flare = _power(r / SUN, 0.58)
    layer = (z / (81.0 * flare)) ** 2
    h2 = 0.58 / flare * ring * math.exp(-layer) if layer < 60.0 else 0.0
    ionised = 0.0237 * math.exp(-(r**2 - SUN**2) / 37.0**2 - abs(z) / 1000.0)
    ionised += 0.0013 * math.exp(-((r - 4.0) ** 2 - (SUN - 4.0) ** 2) / 2.0**2 - abs(z) / 150.0)
    flare = _power(r / SUN, 1.65)
    ionised += 4.8e-4 * (0.12 * math.exp(-(r - SUN) / 4.9) + 0.88 * ring) / flare * math.exp(-abs(z) / (1500.0 * flare))
    return hi, h2, ionised


@cached
@numba.njit(nogil=True)
def ferriere(x: Float, y: Float, z: Float, outer: float, parts: Float) -> Float:
    """Hydrogen nuclei in 1/cm³ at n points; `outer` nuclei for each of the 0.58, `parts` weighs HI, H2 and H+."""
    out = np.empty(x.size)
    for i in range(x.size):
        r = math.sqrt(x[i] * x[i] + y[i] * y[i])
        if r < 3.0:
            hi, h2, ionised = _ferriere_centre(1e3 * y[i], 1e3 * x[i], 1e3 * z[i])
            h2 *= 2.0
        else:
            hi, h2, ionised = _ferriere_disc(r, 1e3 * z[i])
            h2 *= outer
        out[i] = parts[0] * hi + parts[1] * h2 + parts[2] * ionised
    return out


@cached
@numba.njit(nogil=True)
def nakanishi(x: Float, y: Float, z: Float, parts: Float) -> Float:
    """Hydrogen nuclei in 1/cm³ at n points; `parts` weighs HI and H2 (two nuclei a molecule)."""
    out = np.zeros(x.size)
    for i in range(x.size):
        r = math.sqrt(x[i] * x[i] + y[i] * y[i])
        half = 1.06e-3 * (116.3 + r * (19.3 + r * (4.1 - 0.05 * r)))  # the polynomial turns down beyond 57 kpc
        layer = LN2 * (z[i] / half) ** 2
        if layer < 60.0:  # beyond, less than 1e-26 of the density in the plane
            hi = 0.6 * math.exp(-r / 2.4 - layer) + 0.24 * math.exp(-(((r - 9.5) / 4.8) ** 2) - layer)
            out[i] = 0.94 * parts[0] * hi
        half = 1.06e-3 * (10.8 * math.exp(0.28 * r) + 42.78)
        layer = LN2 * (z[i] / half) ** 2
        if layer < 60.0:
            h2 = 0.83 * math.exp(-(((r - 4.0) / 3.2) ** 2) - layer)
            if r < 6.0:  # the central part has fallen to 1e-17 there
                h2 += 11.2 * math.exp(-(r**2) / 0.874 - layer)
            out[i] += 2.0 * 0.94 * parts[1] * h2
    return out


@cached
@numba.njit(nogil=True)
def rays(lon: Float, lat: Float, s: Float, sun: float) -> tuple[Float, Float, Float]:
    """Points of p rays at m distances s in kpc: x, y and z of shape (p, m)."""
    shape = (lon.size, s.size)
    x, y, z = np.empty(shape), np.empty(shape), np.empty(shape)
    for i in range(lon.size):
        towards_x, towards_y = math.cos(lat[i]) * math.sin(lon[i]), math.cos(lat[i]) * math.cos(lon[i])
        towards_z = math.sin(lat[i])
        for j in range(s.size):
            x[i, j] = s[j] * towards_x
            y[i, j] = sun - s[j] * towards_y
            z[i, j] = s[j] * towards_z
    return x, y, z


@cached
@numba.njit(nogil=True)
def _cell(value: float, first: float, step: float, size: int) -> tuple[int, float]:
    """Index of the cell below a value on a regular axis and the fraction of the way to the next node, -1 outside."""
    if size == 1:
        return 0, 0.0
    place = (value - first) / step
    if not -1e-9 <= place <= size - 1 + 1e-9:
        return -1, 0.0
    i = min(max(int(place), 0), size - 2)
    return i, min(max(place - i, 0.0), 1.0)


@cached
@numba.njit(nogil=True)
def _square(a: float, b: float, c: float, d: float, v: float, w: float) -> float:
    """Between a and b by w, between c and d by w, and between both by v."""
    return (1.0 - v) * ((1.0 - w) * a + w * b) + v * ((1.0 - w) * c + w * d)


@cached
@numba.njit(nogil=True)
def trilinear(x: Float, y: Float, z: Float, first: Float, step: Float, grid: Float) -> Float:
    """Interpolate grid, shape (nx, ny, nz, k), at n points: (n, k). Zero outside; an axis of one node is constant."""
    nx, ny, nz, k = grid.shape
    out = np.zeros((x.size, k))
    for p in range(x.size):
        i, u = _cell(x[p], first[0], step[0], nx)
        j, v = _cell(y[p], first[1], step[1], ny)
        h, w = _cell(z[p], first[2], step[2], nz)
        if i < 0 or j < 0 or h < 0:
            continue
        a, b, c = min(1, nx - 1), min(1, ny - 1), min(1, nz - 1)
        for e in range(k):
            front = _square(
                grid[i, j, h, e], grid[i, j, h + c, e], grid[i, j + b, h, e], grid[i, j + b, h + c, e], v, w
            )
            i2, j2, h2 = i + a, j + b, h + c
            back = _square(grid[i2, j, h, e], grid[i2, j, h2, e], grid[i2, j2, h, e], grid[i2, j2, h2, e], v, w)
            out[p, e] = (1.0 - u) * front + u * back
    return out


@cached
@numba.njit(nogil=True)
def bilinear(x: Float, y: Float, z: Float, first: Float, step: Float, table: Float) -> Float:
    """Interpolate an axisymmetric table, shape (nr, nz, k) over R and abs(z), at n points: (n, k). Zero outside."""
    nr, nz, k = table.shape
    out = np.zeros((x.size, k))
    for p in range(x.size):
        i, u = _cell(math.sqrt(x[p] * x[p] + y[p] * y[p]), first[0], step[0], nr)
        h, w = _cell(abs(z[p]), first[1], step[1], nz)
        if i < 0 or h < 0:
            continue
        for e in range(k):
            lower = (1.0 - w) * table[i, h, e] + w * table[i, h + 1, e]
            upper = (1.0 - w) * table[i + 1, h, e] + w * table[i + 1, h + 1, e]
            out[p, e] = (1.0 - u) * lower + u * upper
    return out


@cached
@numba.njit(nogil=True)
def sum_rays(gas: Float, field: Float, width: Float, seen: Float) -> Float:
    """Σ_j gas_ij field_ije width_j seen_je, of shape (p, e).

    gas (p, m), field (p, m, k) with k = 1 or e, seen (m, e).
    """
    p, m, k = field.shape
    energies = seen.shape[1]
    out = np.zeros((p, energies))
    for i in range(p):
        for j in range(m):
            weight = gas[i, j] * width[j]
            if weight == 0.0:
                continue
            for e in range(energies):
                out[i, e] += weight * field[i, j, e if k > 1 else 0] * seen[j, e]
    return out


@cached
@numba.njit(nogil=True)
def dim_rays(gas: Float, field: Float, width: Float, seen: Float, dust: Float, rate: Float) -> Float:
    """As `sum_rays`, dimmed also by photons of density dust (p, m), at `rate` (e,) per kpc where dust = 1."""
    p, m, k = field.shape
    energies = seen.shape[1]
    out = np.zeros((p, energies))
    for i in range(p):
        passed = 0.0
        for j in range(m):
            passed += 0.5 * dust[i, j] * width[j]
            weight = gas[i, j] * width[j]
            for e in range(energies):
                through = seen[j, e] * math.exp(-rate[e] * passed)
                out[i, e] += weight * field[i, j, e if k > 1 else 0] * through
            passed += 0.5 * dust[i, j] * width[j]
    return out
