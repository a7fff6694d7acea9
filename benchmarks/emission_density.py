"""Density of a Galaxy's cosmic rays on a grid: matrix products against a direct numpy sum, and against the machine.

One rigidity of 10 TV, all sources that it needs, 401 × 401 × 11 nodes. The direct sum is timed on a few nodes and
scaled to all. The share of the peak counts the multiplications and additions of the matrix products alone, over the
whole time that the density takes, with the peak that of a product of 2000 × 2000 matrices in the same run. The last
rows are the whole way to a sky at nside 128, from drawing the sources: wall time on all cores.
Run as ``python benchmarks/emission_density.py``.
"""

import resource
import sys
import time

import numpy as np
from _timing import best
from astropy import units as u

from crlab.diffusion.green import theta
from crlab.emission import density
from crlab.emission.absorption import Absorption
from crlab.emission.gas import Ferriere
from crlab.emission.line_of_sight import sky_map, steps
from crlab.emission.stochastic import weights
from crlab.galaxy import Halo
from crlab.sources.population import Population

R = [10] * u.TV
BAR = 100.0
POPULATION = Population("Ferriere")
NODES = 401**2 * 11


def operations(galaxy):
    """Multiplications and additions of all matrix products."""
    wide = density.spread(galaxy.age, R)[:, 0].value
    wide = wide[wide < density._OLDEST * 25] + 0.05**2 / 2
    unit = density._unit(POPULATION, R.value * 1e3, Halo())[0]
    cells = density._cascade(400)
    count = np.histogram(wide, np.r_[density._limits(unit, 0.1, len(cells)), np.inf])[0]
    return sum(2 * n * 11 * (c + 1) ** 2 for n, c in zip(count, cells, strict=True))


def direct(galaxy, places):
    """Σ G with arrays of sources, one place after the other, and Θ of each source at hand."""
    wide = density.spread(galaxy.age, R)[:, 0].value + 0.05**2 / 2
    x, y, _ = galaxy.position.value.T
    height = theta(wide / 25) / 5 / (4 * np.pi * wide)
    return np.array([(np.exp(-((x - a) ** 2 + (y - b) ** 2) / (4 * wide)) * height).sum() for a, b in places])


def sky(energy, rigidity):
    """Seconds for maps of one Galaxy at nside 128, and the number of its sources."""
    begin = time.perf_counter()
    galaxy = POPULATION.sample(density.window(rigidity), seed=3)
    field = density.density(galaxy, rigidity, population=POPULATION, progress=False)
    options = {"absorption": Absorption(), "edges": steps(coarsest=0.1 * u.kpc), "progress": False}
    sky_map(field.combined(weights(energy, rigidity)), Ferriere(), energy, nside=128, **options)
    return time.perf_counter() - begin, len(galaxy)


def main():
    galaxy = POPULATION.sample(density.window(R), seed=1)
    matrix = np.random.default_rng(1).random((2000, 2000))
    places = np.random.default_rng(2).uniform(-10, 10, (100, 2))
    functions = {
        "density": lambda: density.density(galaxy, R, population=POPULATION, progress=False),
        "product": lambda: matrix @ matrix,
        "direct": lambda: direct(galaxy, places),
    }
    ours, product, part = best(functions, 3, time.process_time).values()
    peak, theirs = 2 * 2000**3 / product, part / len(places) * NODES
    share = operations(galaxy) / ours / peak
    print(f"Density of {len(galaxy)} sources at {NODES} nodes, CPU seconds: crlab, numpy (scaled), ratio")
    print(f"{ours:.2f} {theirs:.0f} {theirs / ours:.0f}")
    print(
        f"matrix products: {operations(galaxy):.1e} operations, {share:.0%} of the peak of {peak:.1e} a core and second"
    )
    for energy, rigidity in (
        ([30] * u.TeV, np.array([20, 100, 500, 2000]) * u.TV),
        (np.geomspace(1, 100, 10) * u.TeV, np.geomspace(3, 3000, 7) * u.TV),
    ):
        seconds, n = sky(energy, rigidity)
        print(f"sky of {n} sources, nside 128, {len(energy)} energies: {seconds:.1f} s")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    print(f"bar: ratio of at least {BAR:g}: {'MISSED' if theirs < BAR * ours else 'met'}")
    return int(theirs < BAR * ours)


if __name__ == "__main__":
    sys.exit(main())
