"""The Monte Carlo kernel against plain versions of itself."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from scipy.stats import chi2_contingency

from crlab.grammage import _kernels
from crlab.grammage.chain import network
from crlab.grammage.montecarlo import alias_tables, channels

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "grammage.py"
X = np.array([0.5, 3.0, 7.0])


@pytest.fixture(scope="module")
def tables():
    chain = network()
    return (1 / chain.total.to_value(u.cm**2 / u.g), *alias_tables(channels(chain)))


@pytest.fixture
def starts():
    counts = np.zeros(12, np.int64)
    counts[[0, 4, 9]] = 2000, 1500, 7
    return counts


def test_compiled_is_interpreted(tables, starts):
    """The same Python code without compilation draws the same numbers and counts the same nuclei."""
    compiled = _kernels.fragment(np.random.default_rng(4), starts, X, *tables)
    interpreted = _kernels.fragment.py_func(np.random.default_rng(4), starts, X, *tables)
    np.testing.assert_array_equal(compiled[0], interpreted[0])
    assert compiled[1] == interpreted[1]


def test_against_vectorised_numpy(tables, starts):
    """The benchmark's version, independent draws: the same distribution over what comes out."""
    numpy_fragment = runpy.run_path(str(BENCHMARK))["numpy_fragment"]
    number = 50 * starts
    kernel, _ = _kernels.fragment(np.random.default_rng(1), number, X, *tables)
    plain, _ = numpy_fragment(np.random.default_rng(2), number, X, *tables)
    for a, b in zip(kernel, plain, strict=True):
        lost = number.sum() - np.array([a.sum(), b.sum()])
        table = np.column_stack([np.array([a, b]), lost])
        assert chi2_contingency(table[:, table.sum(axis=0) > 10]).pvalue > 1e-3


def test_one_species_without_daughters_decays_exponentially():
    """λ = 2 g/cm2, everything lost: survivors are binomial with p = exp(-X/2)."""
    number = 200_000
    tables = np.array([2.0]), np.ones((1, 2)), np.array([[1, 1]])
    tables[1][0, 0] = 0.0
    counts, steps = _kernels.fragment(np.random.default_rng(8), np.array([number]), X, *tables)
    p = np.exp(-X / 2)
    assert steps == number
    assert np.all(np.abs(counts[:, 0] - number * p) < 4 * np.sqrt(number * p * (1 - p)))


def test_nucleus_that_survives_every_interaction():
    """One species that turns into itself: nothing is lost and the steps are 1 + a Poisson number."""
    number = 50_000
    tables = np.array([2.0]), np.array([[1.0, 0.0]]), np.array([[0, 0]])
    counts, steps = _kernels.fragment(np.random.default_rng(9), np.array([number]), X, *tables)
    assert np.all(counts == number)
    mean = X[-1] / 2
    assert abs(steps / number - 1 - mean) < 4 * np.sqrt(mean / number)


@pytest.mark.parametrize("number", [0, 1, 1023, 1024, 1025, 5000])
def test_every_nucleus_of_every_batch_starts(tables, number):
    starts = np.full(12, number, np.int64)
    counts, _ = _kernels.fragment(np.random.default_rng(1), starts, np.array([0.0]), *tables)
    np.testing.assert_array_equal(counts[0], starts)
