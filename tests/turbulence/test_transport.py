"""Measured diffusion: Brownian motion and flights of known outcome, errors that are right, bad input."""

import numpy as np
import pytest

from crlab.turbulence import transport

T = np.geomspace(0.5, 60, 25)
KAPPA = 0.7


def brownian(rows, particles, seed=3):
    """Mean squares of exact Brownian motion, one row a realisation."""
    rng = np.random.default_rng(seed)
    width = np.sqrt(2 * KAPPA * np.diff(T, prepend=0))
    steps = rng.normal(size=(rows, particles, T.size)) * width
    return np.mean(np.cumsum(steps, axis=2) ** 2, axis=1)


def test_brownian_motion():
    squares = brownian(400, 16)
    value, error = transport.plateau(T, squares, start=5)
    assert abs(value - KAPPA) < 3 * error
    assert error < 0.06 * KAPPA
    run = transport.running(T, squares)
    assert np.mean(((run.value - KAPPA) / run.error) ** 2) < 2
    assert np.all(np.abs(run.value - KAPPA) < 4 * run.error)


def test_errors_are_those_of_repetition():
    """The scatter of repeated measurements is the error that each of them states."""
    found = [transport.plateau(T, brownian(60, 4, seed), start=5) for seed in range(60)]
    values, errors = (np.array([pair[i] for pair in found]) for i in (0, 1))
    assert values.std(ddof=1) == pytest.approx(errors.mean(), rel=0.3)


def test_realisations_that_differ_set_the_error():
    """With κ different in every realisation, more particles do not help."""
    scale = np.random.default_rng(1).exponential(size=(50, 1))
    for particles in (10, 1000):
        _, error = transport.plateau(T, brownian(50, particles) * scale, start=5)
        assert error / KAPPA > 0.8 * scale.std() / np.sqrt(50)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_axes(axes):
    """The mean square over several axes gives the coefficient of one."""
    squares = np.outer([1, 1], 2 * axes * KAPPA * T)
    value, error = transport.plateau(T, squares, start=1, axes=axes)
    assert value == pytest.approx(KAPPA)
    assert error == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(transport.running(T, squares, axes=axes).value, KAPPA)


def test_flight_and_subdiffusion_run():
    """d = v² t for a flight, ∝ t^-1/2 for compound motion; the geometric middle makes both nearly exact."""
    flight = transport.running(T, np.outer([1, 1], T**2))
    np.testing.assert_allclose(flight.value, flight.t, rtol=0.03)
    compound = transport.running(T, np.outer([1, 1], 4 * T**0.5))
    np.testing.assert_allclose(compound.value, flight.t**-0.5, rtol=0.01)


def test_local_exponents():
    x = np.array([0.1, 1, 10])
    exponent, error = transport.local_exponents(x, x**0.5, 0.1 * x**0.5)
    np.testing.assert_allclose(exponent, 0.5)
    np.testing.assert_allclose(error, 0.1 * np.sqrt(2) / np.log(10))


GOOD = np.outer([1, 2], np.arange(1.0, 6))
TIMES = np.arange(1, 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transport.running(TIMES[::-1], GOOD), "t must be at least 2 ascending"),
        (lambda: transport.running(TIMES[:4], GOOD), "one row for each"),
        (lambda: transport.running(TIMES, GOOD[:1]), "at least 2 realisations"),
        (lambda: transport.running(TIMES, GOOD, axes=4), "axes must be 1, 2 or 3"),
        (lambda: transport.running(TIMES, GOOD * np.nan), "squares must be finite"),
        (lambda: transport.plateau(TIMES, GOOD, start=4), "start must leave at least 3"),
        (lambda: transport.plateau(TIMES, GOOD, start=np.nan), "start must be finite"),
        (lambda: transport.mean(TIMES, GOOD[0]), "one row for each"),
        (lambda: transport.local_exponents([1, 2], [1, 2], [0.1]), "must share one shape"),
        (lambda: transport.local_exponents([2, 1], [1, 2], [0.1, 0.1]), "x must ascend"),
        (lambda: transport.local_exponents([1, 2], [0, 2], [0.1, 0.1]), "value must be positive"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
