"""The slab model nucleus by nucleus: a Monte Carlo of free paths and fragments."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.grammage import _kernels
from crlab.grammage.chain import Network
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import take

__all__ = ["Sample", "alias_tables", "channels", "simulate"]

Array = NDArray[np.float64]
Int = NDArray[np.int64]

BLOCK = 100_000
"""Nuclei per block, hence per random stream."""


@dataclass(frozen=True)
class Sample:
    """What is left of a number of nuclei; made by `simulate`.

    Parameters
    ----------
    species : tuple of str
        As in the network.
    X : Quantity
        Grammages, shape (k,), ascending.
    counts : ndarray of int
        Shape (k, n).
    number : int
        Nuclei that started.
    steps : int
        Free paths that were drawn.
    norm : float
        Sum of the abundances at the start.
    """

    species: tuple[str, ...]
    X: u.Quantity
    counts: Int
    number: int
    steps: int
    norm: float

    @property
    def abundances(self) -> Array:
        """Estimate of what `crlab.grammage.chain.propagate` computes, shape (k, n)."""
        return self.norm * self.counts / self.number

    @property
    def errors(self) -> Array:
        """Binomial error of `abundances`, shape (k, n); where nothing was found, that of one count."""
        found = np.maximum(self.counts, 1)
        return self.norm / self.number * np.sqrt(found * (1 - self.counts / self.number))


def alias_tables(probability: Array) -> tuple[Array, Int]:
    """Tables of Walker's alias method: one uniform deviate draws from any discrete distribution.

    Parameters
    ----------
    probability : array, shape (r, k)
        Each row a distribution over k outcomes, with sum 1.

    Returns
    -------
    threshold : array, shape (r, k)
    alias : array of int, shape (r, k)
        Outcome j with probability ``threshold[i, j]``, else ``alias[i, j]``, where j is uniform.

    Raises
    ------
    ValueError
        A negative probability or a row whose sum is not 1.

    Examples
    --------
    >>> alias_tables(np.array([[0.25, 0.75]]))
    (array([[0.5, 1. ]]), array([[1, 1]]))
    """
    rows = take("probability", probability, u.dimensionless_unscaled, non_negative=True)
    if rows.ndim != 2 or not np.allclose(rows.sum(axis=1), 1, rtol=0, atol=1e-12):
        raise ValueError("probability must be rows that each have the sum 1")
    threshold = np.ones_like(rows)
    alias = np.tile(np.arange(rows.shape[1]), (rows.shape[0], 1))
    for i, row in enumerate(rows * rows.shape[1]):
        poor = [j for j, weight in enumerate(row) if weight < 1]
        rich = [j for j, weight in enumerate(row) if weight >= 1]
        while poor and rich:
            low, high = poor.pop(), rich[-1]
            threshold[i, low], alias[i, low] = row[low], high
            row[high] -= 1 - row[low]
            if row[high] < 1:
                poor.append(rich.pop())
    return threshold, alias


def simulate(
    X: u.Quantity,
    start: Mapping[str, float],
    chain: Network,
    *,
    number: int,
    seed: int,
    executor: Executor | None = None,
) -> Sample:
    """Send nuclei through a slab one by one and count what comes out.

    Each draws an exponential free path of mean λ, turns into a fragment of the network or is lost, and so
    on until the slab is crossed. The mean is N(X) = exp(M X) N(0) without decay, as in
    `crlab.grammage.chain.propagate`.

    Parameters
    ----------
    X : Quantity
        Grammage or ascending grammages at which to count, shape () or (k,). Counts at different depths
        belong to the same nuclei and are correlated.
    start : mapping of str to float
        Abundances by name at X = 0.
    chain : Network
    number : int
        Nuclei to follow.
    seed : int
        Root seed. Numbers do not depend on threads or processes.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        Grammages that are negative or do not ascend, no abundance at the start, an unknown species, a bad
        `number` or `seed`.
    UnitConversionError
        X is a bare number or no grammage.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.grammage.chain import network
    >>> sample = simulate(7 * u.g / u.cm**2, {"12C": 1.0}, network(), number=10_000, seed=1)
    >>> print(sample.counts.sum() < sample.number)
    True
    """
    grammage = np.atleast_1d(take("X", X, u.g / u.cm**2, non_negative=True))
    if grammage.ndim != 1 or np.any(np.diff(grammage) <= 0):
        raise ValueError("X must be one grammage or a list of ascending ones")
    source = chain.vector(start)
    if not source.any():
        raise ValueError("start must hold at least one nucleus, got none")
    threshold, alias = alias_tables(channels(chain))
    run = partial(
        _run,
        share=source / source.sum(),
        X=grammage,
        length=1 / chain.total.to_value(u.cm**2 / u.g),
        threshold=threshold,
        alias=alias,
    )
    results = map_blocks(run, blocks(number, size=BLOCK, seed=seed), executor=executor, label="nuclei")
    return Sample(
        species=chain.species,
        X=grammage * u.g / u.cm**2,
        counts=np.sum([counts for counts, _ in results], axis=0),
        number=number,
        steps=sum(steps for _, steps in results),
        norm=float(source.sum()),
    )


def channels(chain: Network) -> Array:
    """Probability of what a nucleus becomes when it interacts, (σ_{i→j}/m) / (σ_i/m).

    Parameters
    ----------
    chain : Network

    Returns
    -------
    ndarray
        Shape (n, n + 1), rows of sum 1: a row for each parent, a column for each daughter, and a last one for
        what the network does not hold.

    Examples
    --------
    >>> from crlab.grammage.chain import network
    >>> chain = network()
    >>> p = channels(chain)
    >>> print(f"{p[chain.index('12C'), chain.index('11B')]:.3f}")
    0.215
    """
    made = (chain.production / chain.total).to_value(u.dimensionless_unscaled).T
    return np.column_stack([made, 1 - made.sum(axis=1)])


def _run(block: Block, *, share: Array, X: Array, length: Array, threshold: Array, alias: Int) -> tuple[Int, int]:
    rng = block.generator()
    starts = rng.multinomial(block.size, share)
    counts, steps = _kernels.fragment(rng, starts, X, length, threshold, alias)
    return counts, int(steps)
