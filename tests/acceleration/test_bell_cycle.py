"""Bell's cycle: gain, loss and index against theory, walks against fluxes, the same bits however it is run."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from crlab.acceleration import _kernels, bell_cycle, shock

c = const.c


@pytest.fixture(scope="module")
def runs():
    return {
        (v, r): bell_cycle.simulate(v * c, compression=r, number=200_000, seed=7)
        for v in (0.1, 0.01)
        for r in (2, 3, 4)
    }


def exact_gain(u1, u2):
    """γ² (1 + β⟨μ1⟩)(1 + β⟨μ2⟩) with the flux-weighted means (2 - u1)/3 and (2 + u2)/3."""
    beta = (u1 - u2) / (1 - u1 * u2)
    return (1 + beta * (2 - u1) / 3) * (1 + beta * (2 + u2) / 3) / (1 - beta**2)


def test_gain_is_that_of_the_lorentz_transforms(runs):
    for (v, r), run in runs.items():
        assert abs(run.gain - exact_gain(v, v / r)) < 4 * run.gain_error


def test_gain_to_first_order():
    for v in (1e-3, 1e-4):
        gain = bell_cycle.mean_gain(v * c) - 1
        assert gain == pytest.approx(v, rel=1e-9)
        assert exact_gain(v, v / 4) - 1 == pytest.approx(gain, rel=2 * v)


def test_escape(runs):
    for (v, r), run in runs.items():
        assert abs(run.escape - (1 - bell_cycle.return_probability(v / r * c))) < 4 * run.escape_error


@pytest.mark.parametrize("r", [2, 3, 4])
def test_index(runs, r):
    """Within 3 standard errors of the exact condition; for the slow shock within 0.02 and these of the limit too."""
    for v in (0.1, 0.01):
        s, error = runs[v, r].index(1.6)
        assert abs(s - bell_cycle.index(v * c, compression=r)) < 3 * error
    assert abs(s - shock.energy_index(r)) < max(0.02, 3 * error)


@pytest.mark.parametrize(("v", "s"), [(0.01, 2.005), (0.03, 2.015), (0.1, 2.049)])
def test_first_order_formula(v, s):
    assert bell_cycle.simple_index(v * c) == pytest.approx(s, abs=5e-4)


def test_both_indices_meet_for_slow_shocks():
    for r in (1.5, 2, 3, 4):
        v = 1e-5 * c
        assert bell_cycle.index(v, compression=r) == pytest.approx(float(shock.energy_index(r)), abs=1e-4)
        assert bell_cycle.simple_index(v, compression=r) == pytest.approx(float(shock.energy_index(r)), abs=2e-4)


@pytest.mark.parametrize("v", [0.05, 0.3])
def test_walks_return_as_the_flux_argument_says(v):
    run = bell_cycle.walk(v * c, number=100_000, seed=3)
    assert abs(run.returned - bell_cycle.return_probability(v * c)) < 4 * run.error + 1e-4
    mean, error = run.mu.mean(), run.mu.std() / np.sqrt(run.mu.size)
    assert abs(mean + (2 + v) / 3) < 4 * error
    assert run.mu.max() < -v


def test_slower_shock_takes_more_cycles(runs):
    assert runs[0.01, 4].returns.mean() > 5 * runs[0.1, 4].returns.mean()


@pytest.mark.parametrize("workers", [1, 2])
def test_same_bits_for_threads(workers):
    inputs = {"number": 50_001, "seed": 5}
    with ThreadPoolExecutor(workers) as pool:
        run = bell_cycle.simulate(0.1 * c, **inputs, executor=pool)
    reference = bell_cycle.simulate(0.1 * c, **inputs)
    np.testing.assert_array_equal(run.energy, reference.energy)
    assert run.gain == reference.gain
    assert np.any(run.energy != bell_cycle.simulate(0.1 * c, number=50_001, seed=6).energy)


def test_compiled_is_interpreted():
    results = []
    for function in (_kernels.cycles, _kernels.cycles.py_func):
        y, count, gain = np.empty(200), np.zeros(200, np.int64), np.zeros(2)
        function(np.random.default_rng(1), 200, 0.2, 0.05, y, count, gain)
        results.append((y, count, gain))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    mu = np.empty(100), np.empty(100)
    back = [
        f(np.random.default_rng(2), 100, 0.2, 20.0, m)
        for f, m in zip((_kernels.excursions, _kernels.excursions.py_func), mu, strict=True)
    ]
    assert back[0] == back[1]
    np.testing.assert_allclose(mu[0][: back[0]], mu[1][: back[0]], rtol=1e-12)


@given(st.floats(1e-3, 0.9), st.floats(1.01, 4))
def test_exact_index_solves_its_condition(v, r):
    """A sum over drawn cycles instead of the quadrature."""
    s = bell_cycle.index(v * c, compression=r)
    u1, u2 = v, v / r
    beta = (u1 - u2) / (1 - u1 * u2)
    x = (np.arange(20_000) + 0.5) / 20_000
    first = np.mean((1 + beta * ((1 + u1) * np.sqrt(x) - u1)) ** (s - 1))
    second = np.mean((1 + beta * ((1 - u2) * np.sqrt(x) + u2)) ** (s - 1))
    total = ((1 - u2) / (1 + u2)) ** 2 * (1 - beta**2) ** (1 - s) * first * second
    assert total == pytest.approx(1, abs=2e-4 * s)


@pytest.mark.parametrize(
    ("u1", "change", "error", "message"),
    [
        (3000.0, {}, u.UnitConversionError, "u1 must be a quantity"),
        (1.1 * c, {}, ValueError, "u1 must be below the speed of light"),
        (0 * c, {}, ValueError, "u1 must be positive"),
        (0.1 * c, {"compression": 1.0}, ValueError, "compression must be above 1"),
        (0.1 * c, {"compression": 5.0}, ValueError, "compression must be at most 4, got 5"),
        (0.1 * c, {"number": 0}, ValueError, "n must be an integer"),
        (0.1 * c, {"seed": -1}, ValueError, "seed must be an integer"),
    ],
)
def test_refuses(u1, change, error, message):
    with pytest.raises(error, match=message):
        bell_cycle.simulate(u1, **({"number": 10, "seed": 1} | change))


def test_more_compression_if_asked_for():
    run = bell_cycle.simulate(0.01 * c, compression=7, limit=7, number=50_000, seed=1)
    s, error = run.index()
    assert abs(s - bell_cycle.index(0.01 * c, compression=7, limit=7)) < 4 * error


def test_index_needs_particles(runs):
    with pytest.raises(ValueError, match="above must leave at least ten"):
        runs[0.1, 2].index(1e50)


def test_compression_of_gas():
    assert shock.compression_ratio(1e6) == pytest.approx(4, rel=1e-6)
    assert shock.compression_ratio(1e6, adiabatic_index=4 / 3) == pytest.approx(7, rel=1e-6)
    assert shock.compression_ratio(2.0) == pytest.approx(16 / 7, rel=1e-12)
    for bad in ({"mach": 1.0}, {"mach": 3.0, "adiabatic_index": 1.0}):
        with pytest.raises(ValueError, match="must be above 1"):
            shock.compression_ratio(**bad)
