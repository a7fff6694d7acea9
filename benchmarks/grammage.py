"""Monte Carlo of fragmenting nuclei: the compiled kernel against vectorised numpy, in one run.

A step is one free path and, unless the slab is crossed, the draw of what the nucleus turns into. All
versions use one core and the same tables. Run as ``python benchmarks/grammage.py``.
"""

import numpy as np
from _timing import best
from astropy import units as u

from crlab.grammage import _kernels
from crlab.grammage.chain import network
from crlab.grammage.montecarlo import alias_tables, channels

X = np.array([7.0])
START = {"12C": 0.45, "16O": 0.55}
NUMBER = 2_000_000
BATCH = 20_000


def numpy_fragment(rng, starts, X, length, threshold, alias):
    """What the kernel does, with all nuclei of a batch moving at once.

    Arguments and results as in `crlab.grammage._kernels.fragment`.
    """
    n = length.size
    counts = np.zeros((X.size, n), np.int64)
    steps = 0
    species = np.repeat(np.arange(n), starts)
    depth = np.zeros(species.size)
    while species.size:
        before = depth
        depth = before + length[species] * rng.standard_exponential(species.size)
        steps += species.size
        for k, x in enumerate(X):
            counts[k] += np.bincount(species[(before <= x) & (x < depth)], minlength=n)
        inside = depth <= X[-1]
        species, depth = species[inside], depth[inside]
        v = (n + 1) * rng.random(species.size)
        j = v.astype(np.int64)
        species = np.where(v - j < threshold[species, j], j, alias[species, j])
        known = species < n
        species, depth = species[known], depth[known]
    return counts, steps


def tables():
    """Length, threshold and alias for the default network, and the share of each species at the start."""
    chain = network()
    threshold, alias = alias_tables(channels(chain))
    return (1 / chain.total.to_value(u.cm**2 / u.g), threshold, alias), chain.vector(START)


def fragments(function, batch):
    """Steps taken by all nuclei, a batch at a time."""
    arguments, share = tables()
    rng = np.random.default_rng(1)

    def run():
        return sum(function(rng, rng.multinomial(batch, share), X, *arguments)[1] for _ in range(NUMBER // batch))

    return run


def main():
    functions = {
        "kernel": fragments(_kernels.fragment, NUMBER),
        "numpy, all nuclei at once": fragments(numpy_fragment, NUMBER),
        "numpy, batches that fit the cache": fragments(numpy_fragment, BATCH),
    }
    rates = {name: 1 / seconds for name, seconds in best(functions, steps=int).items()}
    kernel = rates.pop("kernel")
    print(f"{'fragmenting nuclei':<34}{'steps/s/core':>14}{'kernel is':>12}")
    print(f"{'kernel':<34}{kernel:>14.2g}")
    for name, plain in rates.items():
        print(f"{name:<34}{plain:>14.2g}{kernel / plain:>9.1f} x")


if __name__ == "__main__":
    main()
