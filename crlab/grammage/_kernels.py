"""Kernels of the grammage room. All grammages in g/cm2."""

import numba
import numpy as np
from numpy.typing import NDArray

from crlab.caching import cached

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@cached
@numba.njit(nogil=True)
def fragment(
    rng: np.random.Generator, starts: Int, X: Float, length: Float, threshold: Float, alias: Int
) -> tuple[Int, int]:
    """Follow single nuclei through a slab: free path, fragment, free path, until it is crossed.

    A free path is λ_s times an exponential deviate. What a nucleus turns into is drawn by Walker's alias
    method: with v uniform in [0, n + 1) and j its integer part, outcome j if v - j < threshold[s, j], else
    alias[s, j]. Outcome n means that nothing of the network is left.

    Nuclei move in batches that fit the cache: all fly, then all that have not crossed interact. Who goes
    on is written to the front of the batch without a branch, since the processor could only guess it.

    Parameters
    ----------
    rng : Generator
    starts : array, shape (n,)
        Nuclei of each species that start.
    X : array, shape (k,)
        Depths at which to look, ascending.
    length : array, shape (n,)
        λ of each species.
    threshold, alias : arrays, shape (n, n + 1)

    Returns
    -------
    counts : array, shape (k, n)
        Nuclei that are of each species at each depth.
    steps : int
        Free paths drawn.
    """
    n, batch, end = length.size, 1024, X[-1]
    species, depth = np.empty(batch, np.int64), np.empty(batch)
    counts = np.zeros((X.size, n), np.int64)
    steps = 0
    for first in range(n):
        for begin in range(0, starts[first], batch):
            flying = min(batch, starts[first] - begin)
            species[:flying] = first
            depth[:flying] = 0.0
            while flying > 0:
                steps += flying
                inside = 0
                for i in range(flying):
                    s, before = species[i], depth[i]
                    after = before + length[s] * rng.standard_exponential()
                    for k in range(X.size):
                        counts[k, s] += (before <= X[k]) & (X[k] < after)
                    species[inside], depth[inside] = s, after
                    inside += after <= end
                flying = 0
                for i in range(inside):
                    v = (n + 1) * rng.random()
                    j = int(v)
                    s = j if v - j < threshold[species[i], j] else alias[species[i], j]
                    species[flying], depth[flying] = s, depth[i]
                    flying += s < n
    return counts, steps
