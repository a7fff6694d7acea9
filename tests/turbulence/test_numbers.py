"""Advice on numbers: the split of scatter against made-up data, limits, mode convergence, bad input."""

import numpy as np
import pytest

from crlab.turbulence import numbers, particles
from crlab.turbulence.numbers import recommend, scatter
from crlab.turbulence.spectrum import kolmogorov


def walks(between, realisations=4000, count=8):
    """Brownian displacements, with a coefficient that differs between realisations."""
    rng = np.random.default_rng(1)
    t = np.array([1.0, 2.0, 3.0, 4.0])
    kappa = np.maximum(1 + between * rng.normal(size=(realisations, 1, 1)), 0)
    x = np.cumsum(rng.normal(size=(realisations, count, 4)), axis=2) * np.sqrt(2 * kappa)
    return t, x**2


@pytest.mark.parametrize("between", [0.0, 0.3])
def test_the_scatter_between_realisations_is_found(between):
    found = scatter(*walks(between))
    assert found.value == pytest.approx(1, abs=4 * found.error)
    assert found.between == pytest.approx(between, abs=0.1)
    assert found.error / found.naive == pytest.approx(np.sqrt(1 + 8 * between**2 / found.alone**2), rel=0.1)


def test_the_error_asked_for_is_the_error_found():
    advice = recommend(kolmogorov(), eta=0.5, r_g=1.0, error=0.05)
    a, c = numbers.BETWEEN["particles"], numbers.ALONE
    assert np.sqrt((a**2 + c**2 / advice.particles) / advice.realisations) == pytest.approx(0.05, rel=0.01)


def test_half_the_error_costs_four_times_as_much():
    one, two = (recommend(kolmogorov(), eta=0.5, r_g=1.0, error=e).evaluations for e in (0.1, 0.05))
    assert two / one == pytest.approx(4, rel=0.02)


def test_a_field_without_mean_needs_many_more_waves():
    assert recommend(kolmogorov(), eta=0.5, r_g=10.0, error=0.1).modes == 256
    assert recommend(kolmogorov(), eta=1.0, r_g=10.0, error=0.1).modes == pytest.approx(1880, abs=1)
    assert recommend(kolmogorov(), eta=1.0, r_g=0.1, error=0.1).modes == 256
    assert recommend(kolmogorov(1000), eta=0.5, r_g=0.1, error=0.1).modes == 384


def test_lines_need_realisations_and_no_gyroradius():
    advice = recommend(kolmogorov(), eta=0.1, error=0.1)
    assert advice.particles == 4
    assert advice.step == pytest.approx(2 * np.pi / kolmogorov().k_max / 4)


def test_too_few_waves_without_a_mean_field():
    # An independent code: 338, 182 and 140 with 64, 256 and 1024 waves near t = 2000; the closed form is 4/3 × 100.
    # With few waves κ keeps growing, so the window counts.
    found = []
    for modes, realisations in ((64, 40), (256, 30), (1024, 20)):
        paths = particles.ensemble(
            kolmogorov(), eta=1.0, r_g=10.0, times=np.linspace(1800, 2400, 4), realisations=realisations, particles=12,
            seed=8, modes=modes, step=0.1, warn=False, precision="mixed", spacing="log", progress=False,
        )  # fmt: skip
        found.append(scatter(paths.t, np.mean(paths.position**2, axis=-1)))
    for one, expected in zip(found, (338, 182, 140), strict=True):
        assert one.value == pytest.approx(expected, abs=3 * one.error + 0.1 * expected)
    assert found[0].value > found[1].value + 3 * found[1].error
    assert found[1].value > 4 / 3 * 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": 0.0}, "eta must be above 0"),
        ({"eta": 1.2}, "eta must lie"),
        ({"error": 0.0}, "error must be positive"),
        ({"error": 1.0}, "error must be below 1"),
        ({"r_g": -1.0}, "r_g must be positive"),
        ({"mean_free_path": 0.0}, "mean_free_path must be positive"),
    ],
)
def test_bad_wishes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        recommend(kolmogorov(), **{"eta": 0.5, "error": 0.1, "r_g": 1.0} | change)


def test_bad_squares_are_refused():
    with pytest.raises(ValueError, match="shape"):
        scatter(np.arange(3.0), np.zeros((4, 1, 3)))
