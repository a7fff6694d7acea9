"""Nuclei one by one: against the matrix exponential, and the same bits however the work is spread."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crlab.grammage.chain import network, propagate
from crlab.grammage.montecarlo import alias_tables, channels, simulate

G = u.g / u.cm**2
START = {"16O": 1.0, "12C": 0.8, "14N": 0.05}
DEPTHS = [0.0, 1.0, 4.0, 10.0] * G


@pytest.fixture(scope="module")
def chain():
    return network()


@pytest.fixture(scope="module")
def sample(chain):
    return simulate(DEPTHS, START, chain, number=1_000_000, seed=20261)


def test_agrees_with_matrix_exponential(chain, sample):
    """All species at all depths within three standard errors, counts of a few tens and more."""
    expected = propagate(DEPTHS, START, chain)
    spread = np.sqrt(sample.norm * expected / sample.number)
    deviation = np.abs(sample.abundances - expected)
    populated = expected * sample.number / sample.norm > 30
    assert populated[1:].all()
    assert np.all(deviation[populated] < 3 * spread[populated])
    assert np.all(sample.counts[expected == 0] == 0)


def test_errors_are_those_of_repetition(chain):
    """The scatter of 200 repeated runs is the error that each run states."""
    runs = [simulate(5 * G, {"12C": 1.0}, chain, number=2000, seed=seed) for seed in range(200)]
    boron = chain.index("11B")
    values = np.array([run.abundances[0, boron] for run in runs])
    stated = np.mean([run.errors[0, boron] for run in runs])
    assert values.std(ddof=1) == pytest.approx(stated, rel=4 / np.sqrt(2 * 199))
    assert np.all(runs[0].errors > 0)


def test_deep_and_shallow(chain, sample):
    assert sample.counts[0].sum() == sample.number
    assert np.all(np.diff(sample.counts.sum(axis=1)) < 0)
    assert simulate(1000 * G, START, chain, number=1000, seed=1).counts.sum() == 0


def test_steps_are_free_paths(chain):
    """The mean number of free paths is 1 + ∫ Σ_j Σ_i (rate i to j) N_i dX."""
    X = np.linspace(0, 7, 701) * G
    run = simulate(X[-1], {"12C": 1.0}, chain, number=400_000, seed=3)
    made = chain.production.sum(axis=0)
    births = np.trapezoid((propagate(X, {"12C": 1.0}, chain) @ made.value), X.value)
    assert run.steps / run.number == pytest.approx(1 + births, abs=4 * np.sqrt(births / run.number))


@pytest.mark.parametrize("workers", [1, 2])
def test_same_bits_for_threads(chain, workers):
    inputs = {"number": 250_001, "seed": 5}
    with ThreadPoolExecutor(workers) as pool:
        run = simulate(DEPTHS, START, chain, **inputs, executor=pool)
    reference = simulate(DEPTHS, START, chain, **inputs)
    np.testing.assert_array_equal(run.counts, reference.counts)
    assert run.steps == reference.steps


def test_same_bits_for_processes(chain):
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        run = simulate(DEPTHS, START, chain, number=250_001, seed=5, executor=pool)
    reference = simulate(DEPTHS, START, chain, number=250_001, seed=5)
    np.testing.assert_array_equal(run.counts, reference.counts)


def test_seeds_differ(chain):
    first, second = (simulate(7 * G, START, chain, number=10_000, seed=seed).counts for seed in (1, 2))
    assert np.any(first != second)


@given(arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 9)), elements=st.floats(0, 1)))
def test_alias_tables_hold_the_distribution(weights):
    weights[:, 0] += 0.01
    probability = weights / weights.sum(axis=1, keepdims=True)
    threshold, alias = alias_tables(probability)
    outcomes = probability.shape[1]
    drawn = threshold.copy()
    for i, row in enumerate(alias):
        np.add.at(drawn[i], row, 1 - threshold[i])
    assert np.all((threshold >= 0) & (threshold <= 1))
    np.testing.assert_allclose(drawn / outcomes, probability, atol=1e-12)


def test_channels(chain):
    p = channels(chain)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert np.all(p >= 0)
    lightest = chain.index("6Li")
    assert p[lightest, -1] == 1


@pytest.mark.parametrize("bad", [[[0.5, 0.6]], [[-0.5, 1.5]], [1.0]])
def test_alias_tables_refuse(bad):
    with pytest.raises(ValueError, match="probability must be"):
        alias_tables(np.array(bad))


@pytest.mark.parametrize(
    ("X", "start", "change", "error", "message"),
    [
        (7.0, START, {}, u.UnitConversionError, "X must be a quantity"),
        ([3, 2] * G, START, {}, ValueError, "X must be one grammage or a list of ascending"),
        ([[1.0]] * G, START, {}, ValueError, "X must be one grammage"),
        (-1 * G, START, {}, ValueError, "X must be zero or positive"),
        (1 * G, {}, {}, ValueError, "start must hold at least one nucleus"),
        (1 * G, {"12X": 1.0}, {}, ValueError, "got '12X'"),
        (1 * G, START, {"number": 0}, ValueError, "n must be an integer"),
        (1 * G, START, {"seed": -1}, ValueError, "seed must be an integer"),
    ],
)
def test_simulate_refuses(chain, X, start, change, error, message):
    with pytest.raises(error, match=message):
        simulate(X, start, chain, **({"number": 10, "seed": 1} | change))
