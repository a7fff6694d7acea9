"""The random walk against its closed form, diffusion, and its numpy version; the dipoles that it leaves."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from crlab.anisotropy import _kernels
from crlab.anisotropy.walk import (
    burst_dipole,
    burst_shells,
    diffusion_coefficient,
    gradient_dipole,
    mean_square,
    simulate,
    steady_dipole,
    steady_shells,
)

L = 1 * u.pc
FLIGHT = (L / const.c).to(u.yr)
MILNE = 0.7104


# The walk.


def test_the_mean_square_follows_the_closed_form_over_four_decades() -> None:
    """The bar: within 1 per cent with 1e5 particles, which is about four standard errors."""
    t = np.geomspace(0.03, 300, 25) * FLIGHT
    walk = simulate(t, mean_free_path=L, number=100_000, seed=1)
    ratio = (walk.mean_square / mean_square(t, mean_free_path=L)).to_value("")
    assert np.all(np.abs(ratio - 1) < 0.01)
    relative = (walk.error / walk.mean_square).to_value("")
    assert np.all(relative < 0.003)
    assert np.all(np.abs(ratio - 1) < 4 * relative + 1e-12)


def test_the_diffusion_coefficient_is_a_third_of_speed_times_free_path() -> None:
    v = 0.5 * const.c
    walk = simulate([3000] * L / v, mean_free_path=L, speed=v, number=20_000, seed=2)
    assert abs(walk.kappa - diffusion_coefficient(L, speed=v)) < 4 * walk.kappa_error
    assert walk.kappa_error / walk.kappa < 0.007
    assert walk.scatterings == pytest.approx(3001 * 20_000, rel=1e-3)


def test_limits_of_the_closed_form() -> None:
    short, long = 1e-6 * FLIGHT, 1e6 * FLIGHT
    assert np.isclose(mean_square(short, mean_free_path=L), (const.c * short) ** 2, rtol=1e-6)
    assert np.isclose(mean_square(long, mean_free_path=L), 6 * diffusion_coefficient(L) * long, rtol=2e-6)
    assert mean_square(0 * u.yr, mean_free_path=L) == 0


def test_the_closed_form_has_no_step_where_it_changes_its_expression() -> None:
    x = 1e-4 * np.array([1 - 1e-9, 1 + 1e-9])
    low, high = mean_square(x * FLIGHT, mean_free_path=L)
    assert np.isclose(low, high, rtol=1e-8)


@given(st.floats(1e-8, 1e8), st.floats(1e-3, 1e3), st.floats(0.01, 1))
def test_the_closed_form_grows_and_stays_below_flight_and_diffusion(flights, length, beta) -> None:
    mfp, v = length * u.pc, beta * const.c
    t = flights * mfp / v
    r2 = mean_square(t, mean_free_path=mfp, speed=v)
    assert 0 < r2 <= (v * t) ** 2 * (1 + 1e-9)
    assert r2 <= 6 * diffusion_coefficient(mfp, speed=v) * t * (1 + 1e-9)
    assert mean_square(1.01 * t, mean_free_path=mfp, speed=v) > r2


def test_a_free_path_has_the_stated_laws() -> None:
    """Mean length 1, variance 1, isotropic direction, independent of the length."""
    rng = np.random.default_rng(4)
    free_path = getattr(_kernels.free_path, "py_func", _kernels.free_path)
    s, x, y, z = np.array([free_path(rng) for _ in range(40_000)]).T
    n = np.stack([x, y, z]) / s
    assert np.allclose(np.sum(n**2, axis=0), 1)
    error = 1 / np.sqrt(s.size)
    assert abs(s.mean() - 1) < 4 * error
    assert abs(np.mean(s > 2) - np.exp(-2)) < 4 * np.sqrt(np.exp(-2)) * error
    assert np.all(np.abs(n.mean(axis=1)) < 4 * error / np.sqrt(3))
    assert np.all(np.abs(np.cov(n) - np.eye(3) / 3) < 4 * error * 0.3)
    for power in (1, 2):
        assert np.all(np.abs([np.corrcoef(s, component**power)[0, 1] for component in n]) < 4 * error)


def plain_walk(rng: np.random.Generator, number: int, t: float) -> np.ndarray:
    """Positions after a time, all particles at once, with other random variables than the kernel."""
    position, left = np.zeros((number, 3)), np.full(number, t)
    while left.any():
        step = np.minimum(rng.exponential(size=number), left)
        mu, phi = rng.uniform(-1, 1, number), rng.uniform(0, 2 * np.pi, number)
        rho = np.sqrt(1 - mu**2)
        position += step[:, None] * np.stack([rho * np.cos(phi), rho * np.sin(phi), mu], axis=1)
        left -= step
    return position


@pytest.mark.parametrize("t", [0.5, 5.0, 50.0])
def test_the_kernel_agrees_with_plain_numpy(t) -> None:
    n = 40_000
    r2 = np.sum(plain_walk(np.random.default_rng(5), n, t) ** 2, axis=1)
    sums, _ = _kernels.displacement(np.random.default_rng(6), n, np.array([t]))
    for found, plain in ((sums[0, 0], r2), (sums[0, 1], r2**2)):
        assert abs(found / n - plain.mean()) < 4 * np.sqrt(2 / n) * plain.std()


def test_the_compiled_kernel_is_its_source() -> None:
    t = np.array([0.1, 1.0, 10.0])
    compiled = _kernels.displacement(np.random.default_rng(7), 20, t)
    source = _kernels.displacement.py_func(np.random.default_rng(7), 20, t)
    assert np.allclose(compiled[0], source[0], rtol=1e-12)
    assert compiled[1] == source[1]


def test_threads_processes_and_their_number_do_not_matter() -> None:
    def run(executor):
        walk = simulate([1, 20] * FLIGHT, mean_free_path=L, number=5_000, seed=3, executor=executor)
        return walk.mean_square.value.tolist(), walk.scatterings

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two, ProcessPoolExecutor(1) as process:
        assert run(one) == run(two) == run(process)


def test_the_seed_matters() -> None:
    first, second = (simulate([5] * FLIGHT, mean_free_path=L, number=100, seed=seed).mean_square for seed in (1, 2))
    assert first != second


# Dipoles.


def test_steady_source_dipole_is_that_of_the_density_gradient() -> None:
    """The bar: within 3 standard errors of (3κ/v) |∇ψ|/ψ, for ψ ∝ 1/r - 1/R'."""
    edges = np.array([5, 7, 9, 12, 15, 18.0])
    shells = steady_shells(edges * u.pc, mean_free_path=L, boundary=30 * u.pc, number=40_000, seed=1)
    # The mean over a shell, of ψ r² and of its gradient.
    extrapolated = 30 + MILNE
    weight = np.diff(edges**2 / 2 - edges**3 / 3 / extrapolated)
    expected = np.diff(edges) / weight
    assert np.all(np.abs(shells.dipole - expected) < 3 * shells.error)
    assert np.all(shells.error < 0.02 * shells.dipole)
    volume = 4 * np.pi / 3 * np.diff(edges**3)
    density = 3 * weight / volume
    assert np.all(np.abs(shells.density.value - density) < 3 * shells.density_error.value)


def test_errors_of_steady_dipoles_are_honest() -> None:
    """The scatter over realisations is the error that each of them states."""
    runs = [
        steady_shells([5, 7] * u.pc, mean_free_path=L, boundary=10 * u.pc, number=400, seed=seed) for seed in range(100)
    ]
    spread = np.std([run.dipole[0] for run in runs], ddof=1)
    assert abs(spread / np.mean([run.error[0] for run in runs]) - 1) < 4 / np.sqrt(2 * 99)


def test_far_from_a_boundary_the_steady_dipole_is_free_path_over_distance() -> None:
    shells = steady_shells([3.9, 4.1] * u.pc, mean_free_path=L, boundary=100 * u.pc, number=4_000, seed=2)
    formula = steady_dipole(4 * u.pc, kappa=diffusion_coefficient(L)).value / (1 - 4 / (100 + MILNE))
    assert np.isclose(formula, 0.25 / (1 - 4 / 100.71), rtol=1e-4)
    assert abs(shells.dipole[0] - formula) < 3 * shells.error[0]
    assert shells.error[0] < 0.05 * formula


def test_every_particle_crosses_every_shell_once_in_all() -> None:
    """The flux through any sphere is the source rate: particles are conserved."""
    edges = np.array([0.0, 0.5, 2.0, 7.0])
    sums, _ = _kernels.steady(np.random.default_rng(1), 500, edges, 10.0)
    assert np.allclose(sums[:, 1], 500 * np.diff(edges), rtol=1e-10)


def test_without_a_scattering_the_dipole_is_3() -> None:
    """All particles of a source straight ahead: the mean cosine is 1."""
    shells = steady_shells([0.001, 0.002] * u.pc, mean_free_path=1 * u.kpc, boundary=0.002 * u.pc, number=100, seed=1)
    assert np.isclose(shells.dipole[0], 3, atol=1e-3)
    assert np.isclose(shells.edges[1], 0.002 * u.pc)


def test_burst_dipole_is_that_of_the_density_gradient() -> None:
    """The bar: within 3 standard errors of 3r/(2vt), once the next order ℓ/(vt) is small."""
    edges = np.array([6, 12, 18, 24, 30.0])
    flights = 200.0
    shells = burst_shells(edges * u.pc, flights * FLIGHT, mean_free_path=L, number=400_000, seed=1)
    r = np.linspace(edges[:-1], edges[1:], 201)
    weight = r**2 * np.exp(-(r**2) / (4 / 3 * flights))
    formula = np.sum(weight * 3 * r / (2 * flights), axis=0) / weight.sum(axis=0)
    assert np.all(np.abs(shells.dipole - formula) < 3 * shells.error)
    assert np.all(shells.error < 0.1 * formula)


def test_burst_density_is_a_gaussian() -> None:
    flights = 200.0
    edges = np.arange(4, 32, 4.0)
    shells = burst_shells(edges * u.pc, flights * FLIGHT, mean_free_path=L, number=100_000, seed=2)
    r = np.linspace(edges[:-1], edges[1:], 201)
    gauss = np.exp(-(r**2) / (4 / 3 * flights)) / (4 / 3 * np.pi * flights) ** 1.5
    expected = np.trapezoid(gauss * r**2, r, axis=0) / np.trapezoid(r**2, r, axis=0)
    # The next order in ℓ/(vt) is 0.5 per cent and of the size of the errors.
    assert np.all(np.abs(shells.density.value / expected - 1) < 0.02)


def test_before_the_first_scattering_a_burst_is_a_shell() -> None:
    shells = burst_shells([0.00999, 0.01001] * u.pc, 0.01 * FLIGHT, mean_free_path=L, number=1000, seed=1)
    assert shells.dipole[0] == pytest.approx(3, rel=1e-6)
    volume = 4 / 3 * np.pi * (0.01001**3 - 0.00999**3)
    assert np.isclose(shells.density[0].to_value(u.pc**-3) * volume, np.exp(-0.01), atol=0.01)


def test_dipoles_of_known_cases() -> None:
    assert burst_dipole(300 * u.pc, 1e5 * u.yr).value == pytest.approx(0.0147, abs=5e-5)
    kappa = 5e28 * u.cm**2 / u.s
    assert steady_dipole(1 * u.kpc, kappa=kappa).value == pytest.approx(3 * 5e28 / 2.998e10 / 3.086e21, rel=1e-3)
    # A burst's scale length is 2κt/r, and κ cancels.
    r, t = 300 * u.pc, 1e5 * u.yr
    assert np.isclose(gradient_dipole(2 * kappa * t / r, kappa=kappa), burst_dipole(r, t))


# Bad input.

BAD_LENGTHS = [0 * u.pc, -1 * u.pc, np.nan * u.pc, [1, 2] * u.pc]


@pytest.mark.parametrize("length", BAD_LENGTHS)
def test_a_mean_free_path_is_one_positive_length(length) -> None:
    with pytest.raises(ValueError, match=r"^mean_free_path must be "):
        simulate([1] * u.yr, mean_free_path=length, number=10, seed=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: simulate([1] * u.yr, mean_free_path=1.0, number=10, seed=1),
        lambda: simulate([1], mean_free_path=L, number=10, seed=1),
        lambda: simulate([1] * u.yr, mean_free_path=L, speed=1.0, number=10, seed=1),
        lambda: simulate([1] * u.pc, mean_free_path=L, number=10, seed=1),
        lambda: mean_square(1 * u.yr, mean_free_path=1 * u.yr),
        lambda: steady_dipole(1 * u.kpc, kappa=1 * u.kpc),
        lambda: burst_shells([1, 2], 1 * u.yr, mean_free_path=L, number=10, seed=1),
        lambda: steady_shells([1, 2] * u.pc, mean_free_path=L, boundary=3, number=10, seed=1),
    ],
)
def test_bare_numbers_and_wrong_units_are_refused(call) -> None:
    with pytest.raises(u.UnitConversionError, match=r"^\w+ must be "):
        call()


@pytest.mark.parametrize("times", [[], [2, 1], [1, 1], [-1, 1], [[1, 2]], 1])
def test_times_must_ascend(times) -> None:
    with pytest.raises(ValueError, match=r"^t must "):
        simulate(times * u.yr, mean_free_path=L, number=10, seed=1)


@pytest.mark.parametrize(("number", "seed"), [(0, 1), (1, 1), (2.5, 1), (True, 1), (10, -1)])
def test_bad_numbers_of_particles_and_seeds_are_refused(number, seed) -> None:
    with pytest.raises(ValueError, match=r"must be (an integer of )?at least"):
        simulate([1] * u.yr, mean_free_path=L, number=number, seed=seed)


def test_negative_diffusion_coefficients_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^kappa must be positive, got -1 cm2 / s$"):
        gradient_dipole(1 * u.kpc, kappa=-1 * u.cm**2 / u.s)


@pytest.mark.parametrize("edges", [[1], [2, 1], [-1, 1], [1, 1], [5, 11]])
def test_shells_need_ascending_radii_within_the_boundary(edges) -> None:
    with pytest.raises(ValueError, match=r"^edges must "):
        steady_shells(edges * u.pc, mean_free_path=L, boundary=10 * u.pc, number=10, seed=1)


def test_empty_shells_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^edges must leave no shell without particles: that from 50 to 60 mean free"):
        burst_shells([0, 50, 60] * u.pc, 40 * FLIGHT, mean_free_path=L, number=1000, seed=1)
    with pytest.raises(ValueError, match=r"^t must be one positive time"):
        burst_shells([0, 50] * u.pc, 0 * u.yr, mean_free_path=L, number=10, seed=1)
    with pytest.raises(ValueError, match=r"^number must be at least 2"):
        steady_shells([0, 5] * u.pc, mean_free_path=L, boundary=10 * u.pc, number=1, seed=1)


def test_a_burst_beyond_its_light_sphere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^distance must be at most speed times t"):
        burst_dipole(1 * u.kpc, 100 * u.yr)
