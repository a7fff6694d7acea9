"""Lines of sight: the compiled kernels against vectorised numpy and scipy's interpolator, on one core.

The task is a map of the sky, with the gas of Nakanishi & Sofue and a density of cosmic rays from a table, at four
energies with absorption. Both versions take the same points. Run as ``python benchmarks/emission.py``.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from _timing import best
from astropy import units as u
from scipy.interpolate import RegularGridInterpolator

from crlab.emission.absorption import Absorption
from crlab.emission.gas import NakanishiSofue
from crlab.emission.line_of_sight import BLOCK, integrate, steps
from crlab.emission.maps import directions
from crlab.emission.smooth import relative_density
from crlab.galaxy import SUN

NSIDE = 32
ENERGY = [1, 100, 500, 2000] * u.TeV
BAR = 1.5
REPEATS = 3


def gas_density(r, z):
    h = 1.06e-3 * (116.3 + 19.3 * r + 4.1 * r**2 - 0.05 * r**3)
    hi = 0.94 * (0.6 * np.exp(-r / 2.4) + 0.24 * np.exp(-(((r - 9.5) / 4.8) ** 2))) * 2 ** -((z / h) ** 2)
    h = 1.06e-3 * (10.8 * np.exp(0.28 * r) + 42.78)
    h2 = 0.94 * (11.2 * np.exp(-(r**2) / 0.874) + 0.83 * np.exp(-(((r - 4) / 3.2) ** 2))) * 2 ** -((z / h) ** 2)
    return hi + 2 * h2


def with_numpy(lon, lat, cells, table, absorption):
    """The same sums with arrays for a block of directions at a time."""
    s, width = (cells[1:] + cells[:-1]) / 2, np.diff(cells)
    seen = np.exp(-s[:, None] * absorption.uniform_rate(ENERGY)) * width[:, None]
    result = []
    for start in range(0, lon.size, BLOCK):
        l, b = lon[start : start + BLOCK, None], lat[start : start + BLOCK, None]  # noqa: E741
        used = max(1, int(np.searchsorted(cells * np.abs(np.sin(b)).min(), 5.0)))
        flat, z = s[:used] * np.cos(b), np.abs(s[:used] * np.sin(b))
        r = np.hypot(flat * np.sin(l), SUN.value - flat * np.cos(l))
        psi = table(np.stack([r, z], axis=-1))
        result.append((gas_density(r, z) * psi) @ seen[:used])
    return np.concatenate(result)


def main():
    lon, lat = directions(NSIDE)
    cells, absorption, field = steps(), Absorption(), relative_density()
    nodes = field.radius.to_value(u.kpc), field.height.to_value(u.kpc)
    table = RegularGridInterpolator(nodes, np.asarray(field.table), bounds_error=False, fill_value=0.0)
    plain = lon.to_value(u.rad), lat.to_value(u.rad), cells.to_value(u.kpc), table, absorption

    def with_kernels():
        with ThreadPoolExecutor(1) as pool:
            return integrate(
                field, NakanishiSofue(), lon, lat, energy=ENERGY, absorption=absorption, executor=pool, progress=False
            )

    ours, theirs = with_kernels().value, with_numpy(*plain) * u.kpc.to(u.cm)
    assert np.allclose(ours, theirs, rtol=1e-10)
    found = best({"crlab": with_kernels, "numpy": lambda: with_numpy(*plain)}, REPEATS, time.process_time)
    ratio = found["numpy"] / found["crlab"]
    print("Sky of 12288 directions at 4 energies, seconds on one core: crlab, numpy, ratio")
    print(f"{found['crlab']:.2f} {found['numpy']:.2f} {ratio:.1f}")
    print(f"bar: ratio of at least {BAR:g}: {'MISSED' if ratio < BAR else 'met'}")
    return int(ratio < BAR)


if __name__ == "__main__":
    sys.exit(main())
