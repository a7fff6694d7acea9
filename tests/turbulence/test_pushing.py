"""Particles: speed, frequency, reversal, early times, order, independence of batches and threads, bad input."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from crlab.turbulence import _kernels, particles
from crlab.turbulence.fields import wave_field
from crlab.turbulence.particles import ResolutionWarning, advised_step, ensemble, isotropic, push
from crlab.turbulence.spectrum import kolmogorov


def turbulent(eta=0.5, modes=256, seed=1, **options):
    return wave_field(kolmogorov(), eta=eta, modes=modes, rng=np.random.default_rng(seed), **options)


def calm():
    return turbulent(eta=0.0, modes=1)


def random_starts(count, seed=2):
    rng = np.random.default_rng(seed)
    return rng.uniform(-50, 50, (count, 3)), isotropic(count, rng=rng)


def numpy_boris(waves, x, v, om, h, steps):
    for _ in range(steps):
        x = x + 0.5 * h * v
        t = 0.5 * om * h * waves.evaluate(x, precision="accurate")
        prime = v + np.cross(v, t)
        v = v + 2 / (1 + np.sum(t**2, axis=-1, keepdims=True)) * np.cross(prime, t)
        x = x + 0.5 * h * v
    return x, v


def test_boris_agrees_with_plain_numpy():
    waves = turbulent(modes=32)
    x, v = random_starts(5)
    paths = push(waves, x, v, r_g=0.3, times=[0.5], step=0.01, precision="accurate")
    expected = numpy_boris(waves, x, v, 1 / 0.3, 0.01, 50)
    assert paths.position[:, 0] == pytest.approx(expected[0], abs=1e-11)
    assert paths.direction[:, 0] == pytest.approx(expected[1], abs=1e-11)


def test_the_speed_is_kept_over_a_million_steps():
    paths = push(turbulent(modes=4), *random_starts(1), r_g=1.0, times=[1e4], step=0.01)
    assert np.sum(paths.direction[0, 0] ** 2) == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize("scheme", ["boris", "exact"])
def test_the_gyration_has_the_frequency_of_the_scheme(scheme):
    # 40 steps a gyration for 1e6 steps; the angle's error adds up, so that the mean frequency is sharp.
    h = 2 * np.pi / 40
    steps = 1_000_000
    paths = push(calm(), [0.0, 0, 0], [1.0, 0, 0], r_g=1.0, times=[(steps - 1) * h, steps * h], step=h, scheme=scheme)
    ratio = 2 * np.arctan(h / 2) / h if scheme == "boris" else 1.0
    # The charge is positive and B along z, so that the rotation is clockwise.
    angle = np.arctan2(paths.direction[0, :, 1], paths.direction[0, :, 0])
    assert ratio == pytest.approx(0.9979514 if scheme == "boris" else 1, abs=1e-7)
    assert (angle[0] - angle[1]) % (2 * np.pi) == pytest.approx(h * ratio, rel=1e-6)
    whole = -angle[1] - h * ratio * steps
    assert abs((whole + np.pi) % (2 * np.pi) - np.pi) / (h * steps) < 1e-12
    assert np.sum(paths.direction**2, axis=-1) == pytest.approx(1, abs=1e-11)


def test_reversed_particles_return():
    waves = turbulent()
    x, v = random_starts(64)
    there = push(waves, x, v, r_g=1.0, times=[20.0], step=0.0125)
    back = push(waves, there.position[:, 0], -there.direction[:, 0], r_g=1.0, times=[20.0], step=0.0125, charge=-1)
    distance = np.linalg.norm(back.position[:, 0] - x, axis=1)
    assert np.median(distance) < 1e-9
    assert distance.max() < 1e-6


def test_without_a_charge_sign_they_do_not_return():
    waves = turbulent()
    x, v = random_starts(8)
    there = push(waves, x, v, r_g=1.0, times=[5.0], step=0.0125)
    back = push(waves, there.position[:, 0], -there.direction[:, 0], r_g=1.0, times=[5.0], step=0.0125)
    assert np.linalg.norm(back.position[:, 0] - x, axis=1).min() > 1e-2


def test_early_times_are_ballistic():
    paths = ensemble(
        kolmogorov(), eta=0.5, r_g=1.0, times=[0.01, 0.02], realisations=20, particles=500, seed=3, modes=16, step=0.01
    )
    squares = paths.position[..., 2] ** 2
    assert np.mean(squares, axis=(0, 1)) == pytest.approx(paths.t**2 / 3, rel=0.03)


def test_the_order_of_the_schemes():
    waves = turbulent(modes=64)
    x, v = random_starts(8)
    options = {"r_g": 1.0, "times": [0.48], "precision": "accurate"}
    exact = push(waves, x, v, scheme="cash-karp", tolerance=1e-12, **options).position
    for scheme in ("boris", "exact"):
        errors = [
            np.sqrt(np.mean((push(waves, x, v, scheme=scheme, step=h, **options).position - exact) ** 2))
            for h in (0.012, 0.006, 0.003)
        ]
        assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(2, abs=0.1)


def test_cash_karp_follows_a_circle():
    t = np.array([1.0, 2.0, 5.0])
    paths = push(calm(), [0.0, 0, 0], [1.0, 0, 0], r_g=1.0, times=t, scheme="cash-karp", tolerance=1e-10, step=0.2)
    expected = np.stack([np.sin(t), np.cos(t) - 1, 0 * t], axis=-1)
    assert paths.position[0] == pytest.approx(expected, abs=1e-8)
    assert np.linalg.norm(paths.direction, axis=-1) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("precision", ["fast", "mixed", "accurate"])
@pytest.mark.parametrize("modes", [100, 700])
def test_batches_do_not_change_a_bit(precision, modes):
    waves = turbulent(modes=modes)
    x, v = random_starts(70)
    options = {"r_g": 0.5, "times": np.arange(1, 101) * 0.01, "step": 0.01, "precision": precision}
    whole = push(waves, x, v, batch=64, **options)
    for batch in (1, 3, 70):
        part = push(waves, x, v, batch=batch, **options)
        assert np.array_equal(part.position, whole.position)
        assert np.array_equal(part.direction, whole.direction)


def test_threads_do_not_change_a_bit():
    options = {"eta": 0.5, "r_g": 0.5, "times": np.arange(1, 101) * 0.01, "step": 0.01, "realisations": 4}
    runs = []
    for count in (1, 2):
        with ThreadPoolExecutor(count) as pool:
            runs.append(ensemble(kolmogorov(), particles=5, seed=1, executor=pool, **options))
    assert np.array_equal(runs[0].position, runs[1].position)
    fewer = ensemble(kolmogorov(), particles=5, seed=1, **(options | {"realisations": 2}))
    assert np.array_equal(fewer.position, runs[0].position[:2])


def test_saving_more_often_does_not_change_a_path():
    waves = turbulent(modes=32)
    x, v = random_starts(3)
    often = push(waves, x, v, r_g=1.0, times=np.arange(0, 101) * 0.01, step=0.01)
    once = push(waves, x, v, r_g=1.0, times=[1.0], step=0.01)
    assert np.array_equal(often.position[:, -1], once.position[:, 0])
    assert np.array_equal(often.position[:, 0], x)


def test_the_pitch_angle_can_be_chosen():
    paths = ensemble(kolmogorov(), eta=0.0, r_g=1.0, times=[1.0], realisations=2, particles=9, seed=1, mu=0.3, modes=2)
    assert paths.direction is not None
    assert paths.direction[..., 2] == pytest.approx(0.3, abs=1e-12)
    assert paths.position[..., 2] == pytest.approx(0.3 * paths.t[0], rel=1e-12)


def test_rotation_without_a_field_changes_nothing():
    v = np.array([[0.0, 0.6, 0.8]])
    _kernels.rotate(v, np.zeros((1, 3)), 1.0, 0.1, True)
    assert np.array_equal(v, [[0.0, 0.6, 0.8]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r_g": 0.0}, "r_g must be positive"),
        ({"r_g": -1.0}, "r_g must be positive"),
        ({"position": [np.nan, 0, 0]}, "position must be finite"),
        ({"direction": [0.0, 0, 0]}, "zero length"),
        ({"direction": [[1.0, 0, 0], [1, 0, 0]]}, "same shape"),
        ({"times": [2.0, 1.0]}, "times must be growing"),
        ({"times": [1.0, 1.001]}, "at least one step"),
        ({"times": [-1.0]}, "times must be zero or positive"),
        ({"step": 0.0}, "step must be positive"),
        ({"charge": 2}, "charge must be 1 or -1"),
        ({"scheme": "euler"}, "scheme must be one of"),
        ({"batch": 0}, "batch must be an integer"),
        ({"scheme": "cash-karp", "tolerance": 0.0}, "tolerance must be positive"),
        ({"scheme": "cash-karp", "times": [2.0, 1.0]}, "times must be growing"),
    ],
)
def test_bad_particles_are_refused(change, message):
    options = {"position": [0.0, 0, 0], "direction": [1.0, 0, 0], "r_g": 1.0, "times": [1.0], "step": 0.01} | change
    with pytest.raises(ValueError, match=message):
        push(calm(), options.pop("position"), options.pop("direction"), **options)


def test_a_step_that_is_too_long_is_warned_of():
    waves = turbulent(modes=8)
    assert advised_step(waves.shortest, 1.0) == waves.shortest / 4
    with pytest.warns(ResolutionWarning, match=f"the shortest wave: {waves.shortest / 4:.3g} or less"):
        push(waves, [0.0, 0, 0], [1.0, 0, 0], r_g=1.0, times=[1.0], step=0.1)
    with pytest.warns(ResolutionWarning, match="the gyration: 0.00126 or less"):
        push(waves, [0.0, 0, 0], [1.0, 0, 0], r_g=0.01, times=[1.0], step=0.01)
    with pytest.warns(ResolutionWarning, match="the shortest wave"):
        ensemble(kolmogorov(), eta=0.5, r_g=1.0, times=[1.0], realisations=1, particles=1, seed=1, modes=2, step=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: isotropic(0, rng=np.random.default_rng(1)), "number must be"),
        (lambda: advised_step(-1.0), "shortest must be positive"),
        (
            lambda: ensemble(kolmogorov(), eta=0.5, r_g=1, times=[1.0], realisations=1, particles=1, seed=1, mu=1.2),
            "mu must lie",
        ),
        (
            lambda: ensemble(kolmogorov(), eta=2, r_g=1, times=[1.0], realisations=1, particles=1, seed=1),
            "eta must lie",
        ),
    ],
)
def test_bad_ensembles_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_directions_are_isotropic():
    v = isotropic(40000, rng=np.random.default_rng(1))
    assert v.mean(axis=0) == pytest.approx(0, abs=4 / np.sqrt(3 * 40000))
    assert (v.T @ v) / len(v) == pytest.approx(np.eye(3) / 3, abs=0.006)
    assert particles.SCHEMES[0] == "boris"
