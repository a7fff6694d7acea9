"""Expanded slow waves: field error, divergence, speed, agreement with the whole sum, bad input."""

import numpy as np
import pytest

from crlab.turbulence import _local_kernels
from crlab.turbulence.expansion import expand
from crlab.turbulence.fields import wave_field
from crlab.turbulence.particles import isotropic, push
from crlab.turbulence.spectrum import kolmogorov

STEP = 1e-4


def waves(modes=300):
    return wave_field(kolmogorov(), eta=0.5, modes=modes, rng=np.random.default_rng(1))


def starts(count):
    rng = np.random.default_rng(2)
    return rng.uniform(-5, 5, (count, 3)), isotropic(count, rng=rng)


def polynomial_field(made, level, centre, d):
    """The field of one level at the displacements d (in radii), shape (n, 3), from its polynomial."""
    terms = len(made.powers)
    out = np.empty((terms, 3))
    odd = made.powers.sum(axis=1) % 2
    n0, n1 = made.edges[level], made.edges[level + 1]
    _local_kernels.expand(made.modes, made.table, odd, n0, n1, centre, np.empty((8, _local_kernels.TILE)), out)
    return np.prod(d[:, None, :] ** made.powers, axis=-1) @ out


def exact_field(made, level, x):
    n0, n1 = made.edges[level], made.edges[level + 1]
    m = made.modes[:, n0:n1]
    return np.cos(2 * np.pi * (x @ m[:3] + m[3])) @ m[4:].T


def in_ball(count):
    rng = np.random.default_rng(3)
    return isotropic(count, rng=rng) * rng.random((count, 1)) ** (1 / 3)


@pytest.mark.parametrize("error", [1e-6, 1e-4])
@pytest.mark.parametrize("order", [3, 5, 6])
def test_the_polynomial_keeps_its_error(error, order):
    made = expand(waves(), step=1e-6, error=error, order=order)
    assert made.direct == 0
    centre = np.array([1.0, -2.0, 0.5])
    d = in_ball(300)
    for level, radius in enumerate(made.radius):
        off = polynomial_field(made, level, centre, d) - exact_field(made, level, centre + radius * d)
        assert np.sqrt(np.mean(np.sum(off**2, axis=1))) < error * np.sqrt(0.5)


def test_the_polynomial_is_nearly_free_of_divergence():
    made = expand(waves(), step=1e-6)
    centre, h = np.array([1.0, -2.0, 0.5]), 1e-3
    d = 0.9 * in_ball(200)
    for level in range(len(made.radius)):
        total = np.zeros(len(d))
        for c in range(3):
            e = h * np.eye(3)[c]
            both = [polynomial_field(made, level, centre, d + s * e)[:, c] for s in (1, -1)]
            total += (both[0] - both[1]) / (2 * h)
        # In units of δB over the radius; differentiating a polynomial of order 5 costs at most its order squared.
        assert np.sqrt(np.mean(total**2)) < 25 * 1e-6


def test_paths_agree_with_the_whole_sum():
    field = waves()
    x, v = starts(12)
    made = expand(field, step=STEP)
    assert made.direct < field.modes
    options = {"r_g": 0.001, "times": np.array([100, 2000]) * STEP}
    near = made.push(x, v, **options)
    exact = push(field, x, v, step=STEP, precision="accurate", **options)
    # A field error of 1e-6 turns a path by 1e-6 per unit of length over r_g at most.
    assert np.abs(near.direction - exact.direction)[:, 0].max() < 1e-6 * 100 * STEP / 0.001
    assert np.abs(near.position - exact.position)[:, 1].max() < 1e-4
    assert np.linalg.norm(near.direction, axis=-1) == pytest.approx(1, abs=1e-12)


def test_batches_do_not_change_a_bit():
    made = expand(waves(), step=STEP)
    x, v = starts(5)
    options = {"r_g": 0.001, "times": [200 * STEP]}
    whole = made.push(x, v, **options).position
    assert np.array_equal(
        np.concatenate([made.push(x[i : i + 1], v[i : i + 1], **options).position for i in range(5)]), whole
    )


def test_long_steps_leave_nearly_the_whole_sum():
    assert expand(waves(), step=0.012).direct > 250
    assert expand(waves(), step=1e-6).direct == 0


@pytest.mark.parametrize(
    "change", [{"step": 0.0}, {"error": 1e-9}, {"error": 0.5}, {"order": 9}, {"order": 0}, {"ratio": 1.0}]
)
def test_bad_expansions_are_refused(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))}"):
        expand(waves(8), **{"step": STEP} | change)
