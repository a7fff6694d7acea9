"""The transport equation's solver: against plain matrices, exact solutions, its orders, its promises."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from crlab.diffusion import transport
from crlab.diffusion.transport import SCHEMES, Grid, Problem, solve, steady_state

AREA = u.kpc**2 / u.Myr
SPEED = u.kpc / u.Myr
RATE = 1 / (u.kpc**3 * u.Myr)
SECOND_ORDER = [scheme for scheme in SCHEMES if scheme != "euler"]


def grid_of(nx=41, m=1, length=1.0, top=10.0):
    return Grid(x=np.linspace(0, length, nx + 1) * u.kpc, p=np.geomspace(1, top, m + 1))


def shock(r, *, m=40, top=1e3, kappa=lambda x, p: np.where(x.value > -99, 1.0, 1.0) * AREA, n=120):
    """A planar shock of u1 = 1 kpc/Myr at x = 0, with particles injected there at the lowest momentum."""
    half = np.geomspace(0.05, 20, n)
    grid = Grid(x=np.concatenate([-half[::-1], half]) * u.kpc, p=np.geomspace(1, top, m + 1))
    source = np.zeros(grid.shape)
    source[n - 1, 0] = 1
    return Problem(
        grid=grid,
        kappa=kappa,
        velocity=np.where(grid.x < 0 * u.kpc, 1, 1 / r) * SPEED,
        source=source * RATE,
        right="outflow",
    ), n - 1


def slope(p, psi):
    return np.diff(np.log(psi)) / np.diff(np.log(p))


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


# --- against the plain version


def plain_matrix(problem, momentum_values=None):
    """-∂/∂x(…) - ∂/∂p(…) - 1/τ as a dense matrix, written cell by cell from the equation, upwind in p."""
    grid = problem.grid
    nx, m = grid.shape
    x, dx, dp = grid.x_centre.value, grid.dx.value, grid.dp.value
    A = np.zeros((nx, m, nx, m))
    speed, kappa = problem.velocity.value, problem.kappa.value
    points = np.r_[grid.x.value[0], x, grid.x.value[-1]]
    for j in range(m):
        for face in range(nx + 1):
            v, k, h = speed[face], kappa[face, j], points[face + 1] - points[face]
            # steady flux between two points: F = v (ψ0 e^z - ψ1) / (e^z - 1), z = v h / k
            z = v * h / k
            before, after = (v * np.exp(z) / np.expm1(z), v / np.expm1(z)) if z else (k / h, k / h)
            for cell, sign in ((face - 1, -1), (face, 1)):
                if 0 <= cell < nx:
                    if face > 0:
                        A[cell, j, face - 1, j] += sign * before / dx[cell]
                    if face < nx:
                        A[cell, j, face, j] -= sign * after / dx[cell]
    for i in range(nx):
        compression = -(speed[i + 1] - speed[i]) / dx[i]
        for face in range(m + 1):
            pdot = compression * grid.p.value[face] / 3
            if problem.losses is not None:
                pdot -= problem.losses.value[i, face]
            origin = face - 1 if pdot > 0 else face
            if not 0 <= origin < m:
                continue
            if face > 0:
                A[i, face - 1, i, origin] -= pdot / dp[face - 1]
            if face < m:
                A[i, face, i, origin] += pdot / dp[face]
        if problem.removal is not None:
            A[i, range(m), i, range(m)] -= problem.removal.value[i]
    return A.reshape(nx * m, nx * m)


def small(kind):
    """Problems that exercise every term; free escape on both sides."""
    rng = np.random.default_rng(5)
    grid = Grid(x=np.cumsum(rng.uniform(0.5, 1.5, 10)) * u.kpc, p=np.geomspace(1, 20, 7))
    x = grid.x.value
    flow = {"rest": 0 * x, "gain": -x, "lose": x, "mixed": np.sin(2 * x)}[kind]
    return Problem(
        grid=grid,
        kappa=lambda x, p: (1 + 0.3 * np.sin(x.value)) * p.value**0.5 * AREA,
        velocity=flow * SPEED,
        source=rng.uniform(size=grid.shape) * RATE,
        losses=None if kind == "gain" else lambda x, p: 0.2 * p**2 / u.Myr * (kind != "rest"),
        removal=rng.uniform(size=grid.shape) / u.Myr,
    )


@pytest.mark.parametrize("kind", ["rest", "gain", "lose", "mixed"])
def test_a_backward_euler_step_equals_the_dense_matrix_solve(kind):
    problem = small(kind)
    A, q = plain_matrix(problem), problem.source.value.ravel()
    start = np.random.default_rng(6).uniform(size=problem.grid.shape)
    dt = 0.7
    expected = start.ravel()
    for _ in range(3):
        expected = np.linalg.solve(np.eye(q.size) - dt * A, expected + dt * q)
    found = solve(
        problem,
        times=3 * dt * u.Myr,
        step=dt * u.Myr,
        initial=start / u.kpc**3,
        scheme="euler",
        momentum="upwind",
    )
    np.testing.assert_allclose(found.psi[0].value.ravel(), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["rest", "gain", "lose", "mixed"])
def test_steady_state_equals_the_dense_matrix_solve(kind):
    problem = small(kind)
    expected = np.linalg.solve(-plain_matrix(problem), problem.source.value.ravel())
    found = steady_state(problem, momentum="upwind")
    np.testing.assert_allclose(found.psi.value.ravel(), expected, rtol=1e-11)
    assert abs(found.imbalance) < 1e-12


@pytest.mark.parametrize("scheme", ["crank-nicolson", "tr-bdf2"])
def test_second_order_steps_equal_their_rational_functions_of_the_matrix(scheme):
    problem = small("mixed")
    A, q = plain_matrix(problem), problem.source.value.ravel()
    start = np.random.default_rng(7).uniform(size=problem.grid.shape)
    dt, one = 0.3, np.eye(q.size)
    steady = np.linalg.solve(-A, q)
    if scheme == "crank-nicolson":
        R = np.linalg.solve(one - dt / 2 * A, one + dt / 2 * A)
    else:  # Bank et al. 1985: trapezoid over γ dt, then BDF2, γ = 2 - √2
        g = 2 - np.sqrt(2)
        trapezoid = np.linalg.solve(one - g * dt / 2 * A, one + g * dt / 2 * A)
        R = np.linalg.solve(one - (1 - g) / (2 - g) * dt * A, (trapezoid - (1 - g) ** 2 * one) / (g * (2 - g)))
    found = solve(
        problem,
        times=dt * u.Myr,
        step=dt * u.Myr,
        initial=start / u.kpc**3,
        scheme=scheme,
        momentum="upwind",
    )
    expected = steady + R @ (start.ravel() - steady)
    np.testing.assert_allclose(found.psi[0].value.ravel(), expected, rtol=1e-11, atol=1e-13)


# --- orders of convergence


def manufactured(nx, m, *, stretched):
    """ψ = sin(πx) g(p) with u and κ that vary, and the source that makes it steady.

    g = p^-2.5 e^(-p/5) is no power law. The source is averaged over p by 4-point Gauss in each cell.
    """
    s = np.linspace(0, 1, nx + 1)
    grid = Grid(x=(s + 0.1 * np.sin(2 * np.pi * s) / np.pi if stretched else s) * u.kpc, p=np.geomspace(1, 10, m + 1))
    flow, dflow = (lambda x: 0.4 - 0.5 * x), -0.5
    kappa, dkappa = (lambda x: 1 + 0.5 * x**2), (lambda x: x)
    g = lambda p: p**-2.5 * np.exp(-p / 5)  # noqa: E731
    p_gp = lambda p: (-2.5 - p / 5) * g(p)  # noqa: E731
    x = grid.x_centre.value[:, None, None]
    nodes, weights = np.polynomial.legendre.leggauss(4)
    p = (grid.p.value[:-1, None] + grid.p.value[1:, None]) / 2 + grid.dp.value[:, None] / 2 * nodes
    sin, cos = np.sin(np.pi * x), np.pi * np.cos(np.pi * x)
    q = (dflow * sin + flow(x) * cos - dkappa(x) * p**0.3 * cos + kappa(x) * p**0.3 * np.pi**2 * sin) * g(p)
    q += -dflow / 3 * sin * (g(p) + p_gp(p))  # ∂/∂p(ṗ ψ), ṗ = -(p/3) ∂u/∂x
    truth = sin[..., 0] * (g(p) @ weights / 2)
    # What enters through the lowest momentum is given to the first cell.
    q = q @ weights / 2
    q[:, 0] += -dflow / 3 * sin[:, 0, 0] * g(1.0) / grid.dp.value[0]
    problem = Problem(
        grid=grid,
        kappa=lambda x, p: kappa(x.value) * p.value**0.3 * AREA,
        velocity=flow(grid.x.value) * SPEED,
        source=q * RATE,
    )
    return problem, truth


def manufactured_error(nx, m, *, momentum="fitted", stretched=False):
    problem, truth = manufactured(nx, m, stretched=stretched)
    cells = problem.grid.dx.value[:, None] * problem.grid.dp.value
    found = steady_state(problem, momentum=momentum).psi.value
    return (np.abs(found - truth) * cells).sum() / (truth * cells).sum()


@pytest.mark.parametrize("stretched", [False, True])
def test_order_in_space_and_momentum_together(stretched):
    errors = [manufactured_error(n, n, stretched=stretched) for n in (20, 40, 80, 160)]
    assert (orders(errors) > 1.9).all(), orders(errors)


def test_upwind_in_momentum_is_of_first_order():
    errors = [manufactured_error(160, m, momentum="upwind") for m in (20, 40, 80)]
    np.testing.assert_allclose(orders(errors), 1, atol=0.2)


def eigenmode_error(nx):
    """Free escape on both sides: sin(πx/L) decays as exp(-κ (π/L)² t), compared at the end of 0.1 Myr."""
    grid = grid_of(nx)
    x = grid.x.value
    start = -np.diff(np.cos(np.pi * x)) / np.pi / np.diff(x)
    problem = Problem(grid=grid, kappa=1 * AREA)
    found = solve(
        problem,
        times=0.1 * u.Myr,
        step=0.0005 * u.Myr,
        initial=start[:, None] / u.kpc**3,
    )
    return np.abs(found.psi[0, :, 0].value - start * np.exp(-(np.pi**2) * 0.1)).max()


def test_order_in_space_of_a_decaying_mode():
    errors = [eigenmode_error(nx) for nx in (10, 20, 40)]
    assert (orders(errors) > 1.9).all(), orders(errors)


def evolving(step, scheme, momentum):
    """Smooth initial spectrum that a converging flow compresses and a source refills; same grid throughout."""
    problem, truth = manufactured(24, 16, stretched=False)
    late = solve(
        problem,
        times=0.2 * u.Myr,
        step=step * u.Myr,
        initial=3 * truth / u.kpc**3,
        scheme=scheme,
        momentum=momentum,
    )
    return late.psi[0].value


@pytest.mark.parametrize("momentum", ["fitted", "upwind"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_order_in_time(scheme, momentum):
    exact = evolving(0.2 / 1024, "tr-bdf2", momentum)
    errors = [np.abs(evolving(0.2 / n, scheme, momentum) - exact).max() for n in (16, 32, 64)]
    if scheme == "euler":
        np.testing.assert_allclose(orders(errors), 1, atol=0.1)
    else:
        assert (orders(errors) > 1.9).all(), orders(errors)


def test_order_in_time_with_a_source_that_varies():
    grid = grid_of(20)
    shape = np.sin(np.pi * grid.x_centre.value)[:, None]
    problem = Problem(
        grid=grid,
        kappa=1 * AREA,
        source=lambda x, p, t: shape * (1 + np.sin(20 * t.to_value(u.Myr))) * RATE,
    )
    run = lambda n: solve(problem, times=0.5 * u.Myr, step=0.5 / n * u.Myr).psi.value  # noqa: E731
    exact = run(2048)
    errors = [np.abs(run(n) - exact).max() for n in (32, 64, 128)]
    assert (orders(errors) > 1.9).all(), orders(errors)


# --- promises: conservation, positivity, stability


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_closed_box_keeps_its_particles(scheme):
    grid = Grid(x=np.linspace(0, 1, 41) * u.kpc, p=np.geomspace(1, 1e6, 61))
    start = np.zeros(grid.shape)
    start[7, 30] = 1
    problem = Problem(
        grid=grid,
        kappa=lambda x, p: (0.02 + 0.01 * np.sin(9 * x.value)) * p.value**0.1 * AREA,
        velocity=0.5 * np.sin(2 * np.pi * grid.x.value) * SPEED,
        left="reflect",
        right="reflect",
    )
    run = solve(
        problem,
        times=np.linspace(0.1, 3, 5) * u.Myr,
        step=0.01 * u.Myr,
        initial=start / u.kpc**3,
        scheme=scheme,
    )
    assert np.abs(run.number / run.initial_number - 1).max() < 1e-12
    assert np.ptp(run.psi[-1].value @ grid.dp.value) > 0.1  # it moved


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("momentum", ["fitted", "upwind"])
@pytest.mark.parametrize("kind", ["rest", "gain", "lose", "mixed"])
def test_every_particle_is_accounted_for(kind, scheme, momentum):
    run = solve(
        small(kind),
        times=[0.5, 5, 50] * u.Myr,
        step=0.5 * u.Myr,
        scheme=scheme,
        momentum=momentum,
    )
    assert np.abs(run.imbalance).max() < 1e-12
    assert (run.removed > 0).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    step=st.floats(1e-3, 1e3),
    scheme=st.sampled_from(["positive", "euler"]),
    momentum=st.sampled_from(["fitted", "upwind"]),
)
def test_never_negative(seed, step, scheme, momentum):
    """Spikes, jumps of 8 decades in κ, any flow, removal, losses, steps of any length."""
    rng = np.random.default_rng(seed)
    grid = Grid(x=np.cumsum(rng.uniform(0.01, 1, 14)) * u.kpc, p=np.geomspace(1, 30, 8))
    start = np.zeros(grid.shape)
    start[rng.integers(13), rng.integers(7)] = 1
    problem = Problem(
        grid=grid,
        kappa=10 ** rng.uniform(-6, 2, (14, 7)) * AREA,
        velocity=rng.normal(size=14) * SPEED,
        source=rng.choice([0, 1e-12, 1], grid.shape) * RATE,
        losses=rng.uniform(0, 1, (13, 8)) * rng.integers(2) / u.Myr,
        removal=10 ** rng.uniform(-3, 3, grid.shape) * rng.integers(2) / u.Myr,
        left=["escape", "reflect"][rng.integers(2)],
    )
    run = solve(
        problem,
        times=np.array([1, 4]) * step * u.Myr,
        step=step * u.Myr,
        initial=start / u.kpc**3,
        scheme=scheme,
        momentum=momentum,
    )
    assert run.psi.value.min() >= 0
    assert np.isfinite(run.psi.value).all()
    assert np.abs(run.imbalance).max() < 1e-12


def stiff(scheme, steps):
    """A spike in one cell, and steps 50 times longer than its time of spreading to the neighbours."""
    grid = grid_of(51)
    start = np.zeros(grid.shape)
    start[25] = 51
    dt = 50 * grid.dx[0].value ** 2
    return solve(
        Problem(grid=grid, kappa=1 * AREA),
        times=steps * dt * u.Myr,
        step=dt * u.Myr,
        initial=start / u.kpc**3,
        scheme=scheme,
    ).psi.value.min()


def test_only_the_default_and_euler_bear_a_stiff_start_without_negative_density():
    assert stiff("positive", 1) >= 0
    assert stiff("euler", 1) >= 0
    assert stiff("tr-bdf2", 1) < 0
    assert stiff("crank-nicolson", 1) < 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_stiff_parts_die_out_in_the_stable_schemes(scheme):
    """A grid-scale pattern has to be gone after a step that is long for it; Crank-Nicolson flips it."""
    grid = grid_of(40)
    problem = Problem(grid=grid, kappa=1 * AREA)
    pattern = 1e-3 * (-1.0) ** np.arange(40)[:, None]
    ends = [
        solve(problem, times=10 * u.Myr, step=10 * u.Myr, initial=start / u.kpc**3, scheme=scheme).psi.value
        for start in (np.ones((40, 1)), 1 + pattern)
    ]
    left = np.abs(ends[1] - ends[0]).max() / 1e-3
    assert left > 0.9 if scheme == "crank-nicolson" else left < 1e-3


# --- exact solutions


@pytest.mark.parametrize("r", [2, 3, 4])
@pytest.mark.parametrize("power", [0.0, 0.3])
def test_shock_index(r, power):
    problem, at = shock(r, kappa=lambda x, p: 0.1 * p.value**power * np.ones_like(x.value) * AREA)
    psi = steady_state(problem).psi[at].value
    index = 2 - slope(problem.grid.p_centre.value, psi)  # f = ψ / 4πp²
    np.testing.assert_allclose(index[1:], 3 * r / (r - 1), atol=1e-3)


def test_shock_index_with_steps_in_time():
    problem, at = shock(4, m=20, top=10)
    run = solve(problem, times=400 * u.Myr, step=1 * u.Myr)
    index = 2 - slope(problem.grid.p_centre.value, run.psi[0, at].value)
    np.testing.assert_allclose(index[1:], 4, atol=0.02)


def test_precursor_and_uniform_downstream():
    problem, at = shock(4)
    psi, x = steady_state(problem).psi[:, 5].value, problem.grid.x_centre.value
    np.testing.assert_allclose(psi[:at] / psi[at], np.exp(x[:at] - x[at]), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(psi[at:], psi[at], rtol=1e-12)


def test_time_of_acceleration():
    """∫ (1 - ψ(t)/ψ(∞)) dt = 3/(u1 - u2) (κ1/u1 + κ2/u2) ln(p/p0) for κ that does not depend on p."""
    problem, at = shock(4, m=30, top=10, n=80)
    t = np.linspace(0.5, 400, 800)
    run = solve(problem, times=t * u.Myr, step=0.5 * u.Myr)
    rise = run.psi[:, at].value / steady_state(problem).psi[at].value
    late = 0.5 * (1 - rise).sum(axis=0) + 0.25
    p = problem.grid.p_centre.value
    expected = 3 / (1 - 0.25) * (1 + 4) * np.log(p[25] / p[5])
    assert late[25] - late[5] == pytest.approx(expected, rel=0.02)


def halo(n=101, delta=0.6, H=4.0, **options):
    grid = Grid(x=np.linspace(-H, H, n + 1) * u.kpc, p=np.geomspace(1, 1e4, 41) * u.GV)
    source = np.zeros(grid.shape) * u.one
    source[n // 2] = (grid.p_centre / u.GV) ** -2.2 * u.kpc / grid.dx[n // 2]
    return Problem(
        grid=grid,
        kappa=lambda x, p: 0.03 * (p / u.GV) ** delta * AREA,
        source=source * RATE / u.GV,
        **options,
    )


def test_halo_amplitude_and_index():
    problem = halo()
    middle = steady_state(problem).psi[50]
    R = problem.grid.p_centre
    expected = (R / u.GV) ** -2.2 / (u.kpc**2 * u.Myr * u.GV) * 4 * u.kpc / (2 * problem.kappa[0])
    np.testing.assert_allclose((middle / expected).to_value(u.one), 1, rtol=1e-3)
    np.testing.assert_allclose((middle / expected).to_value(u.one), 1, rtol=1e-12)
    np.testing.assert_allclose(slope(R.value, middle.value), -2.8, rtol=1e-10)


def test_half_a_halo_with_a_mirror_is_the_whole_halo():
    whole = halo(n=101)
    x = whole.grid.x[50:].copy()
    x[0] = 0 * u.kpc
    grid = Grid(x=x, p=whole.grid.p)
    half = Problem(grid=grid, kappa=whole.kappa[50:], source=whole.source[50:], left="reflect")
    np.testing.assert_allclose(steady_state(half).psi[1:], steady_state(whole).psi[51:], rtol=1e-12)


def test_the_way_to_the_steady_halo():
    problem = halo()
    kappa = problem.kappa[0, 0].value
    t = np.array([50, 100, 200, 400.0])
    run = solve(problem, times=t * u.Myr, step=1 * u.Myr)
    found = run.psi[:, 50, 0] / steady_state(problem).psi[50, 0]
    odd = 2 * np.arange(200) + 1
    decay = np.exp(-np.outer(t, (odd * np.pi / 8) ** 2 * kappa))
    np.testing.assert_allclose(found, 1 - 8 / np.pi**2 * (decay / odd**2).sum(axis=1), atol=1e-3)


def test_removal_alone_gives_source_times_lifetime():
    grid = grid_of(5, 3)
    tau = np.array([1.0, 2.0, 3.0])
    box = Problem(
        grid=grid,
        kappa=1 * AREA,
        source=np.ones(grid.shape) * RATE,
        removal=1 / tau / u.Myr,
        left="reflect",
        right="reflect",
    )
    np.testing.assert_allclose(steady_state(box).psi.value, np.tile(tau, (5, 1)), rtol=1e-13)


def test_losses_alone_steepen_the_spectrum_by_one():
    """B = b0 p²: ψ = ∫_p^∞ q dp' / b(p); for q = p^-2 between the grid's ends."""
    grid = grid_of(3, 90, top=1e3)
    p, top = grid.p.value, 1e3
    q = -np.diff(1 / p) / grid.dp.value  # mean of p^-2 in each cell
    box = Problem(
        grid=grid,
        kappa=1 * AREA,
        source=q * np.ones((3, 1)) * RATE,
        losses=lambda x, p: 0.5 * p**2 / u.Myr,
        left="reflect",
        right="reflect",
    )
    psi = steady_state(box).psi[1].value
    edges = (1 / p - 1 / top) / (0.5 * p**2)
    mean = np.sqrt(edges[1:-1] * edges[:-2])
    np.testing.assert_allclose(psi[:40], mean[:40], rtol=5e-3)


def test_profile_of_an_inflow_against_diffusion():
    """Between fixed densities 1 and 0: ψ = (e^z - e^(ux/κ)) / (e^z - 1), z = uL/κ, exactly at the centres."""
    grid = grid_of(17)
    slab = Problem(grid=grid, kappa=0.2 * AREA, velocity=1 * SPEED, left=1 / u.kpc**3)
    x = grid.x_centre.value
    expected = (np.exp(5) - np.exp(5 * x)) / np.expm1(5)
    state = steady_state(slab)
    np.testing.assert_allclose(state.psi[:, 0].value, expected, rtol=1e-12)
    np.testing.assert_allclose(state.flux[:, 0].value, np.exp(5) / np.expm1(5), rtol=1e-12)


def test_pure_advection_is_upwind():
    grid = grid_of(30)
    flow = Problem(grid=grid, kappa=0 * AREA, velocity=1 * SPEED, left=2 / u.kpc**3, right="outflow")
    np.testing.assert_allclose(steady_state(flow).psi.value, 2, rtol=1e-14)


# --- the equation's sign


def mean_momentum(run):
    p, dp = run.grid.p_centre.value, run.grid.dp.value
    weight = run.psi.value[:, run.grid.shape[0] // 2] * dp
    return np.exp((weight * np.log(p)).sum(axis=1) / weight.sum(axis=1))


@pytest.mark.parametrize("divergence", [-0.3, 0.3])
def test_momentum_grows_where_the_flow_converges(divergence):
    """In u = a x every momentum follows p ∝ exp(-a t / 3)."""
    grid = Grid(x=np.linspace(-1, 1, 42) * u.kpc, p=np.geomspace(1, 1e4, 161))
    start = np.exp(-(np.log(grid.p_centre.value / 100) ** 2) / 0.5) * np.ones((41, 1))
    box = Problem(
        grid=grid,
        kappa=1e-3 * AREA,
        velocity=divergence * grid.x.value * SPEED,
        left="outflow" if divergence > 0 else 1e-30 / u.kpc**3,
        right="outflow" if divergence > 0 else 1e-30 / u.kpc**3,
    )
    run = solve(
        box,
        times=[0.01, 2] * u.Myr,
        step=0.01 * u.Myr,
        initial=start / u.kpc**3,
    )
    early, late = np.log(mean_momentum(run))
    assert late - early == pytest.approx(-divergence / 3 * 1.99, rel=2e-3)


# --- threads and bad input


def test_threads_do_not_change_a_bit():
    problem = small("mixed")
    run = lambda _: solve(problem, times=5 * u.Myr, step=0.5 * u.Myr).psi.value.tobytes()  # noqa: E731
    alone = run(0)
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(run, range(4))) == {alone}


X, P = np.linspace(0, 1, 5) * u.kpc, np.geomspace(1, 10, 4) * u.GV


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x": X.value, "p": P}, u.UnitConversionError, "x must be a quantity"),
        ({"x": X, "p": P.value * u.kpc}, u.UnitConversionError, "p must be"),
        ({"x": X[::-1], "p": P}, ValueError, "x must grow"),
        ({"x": X[[0, 2, 1, 3]], "p": P}, ValueError, "x must grow"),
        ({"x": X[:1], "p": P}, ValueError, "at least two faces"),
        ({"x": X, "p": P - 1 * u.GV}, ValueError, "p must be positive"),
        ({"x": X, "p": P[::-1]}, ValueError, "p must grow"),
        ({"x": X, "p": [1, 2, 3] * u.GV}, ValueError, "one factor"),
    ],
)
def test_bad_grids(arguments, error, words):
    with pytest.raises(error, match=words):
        Grid(**arguments)


def test_momentum_units():
    assert Grid(x=X, p=P).p.unit == u.GV
    assert Grid(x=X, p=P.value * u.TeV / u.Unit("299792458 m / s")).p[0].value == pytest.approx(1e3)
    assert Grid(x=X, p=P.value).p.unit == u.one


Q = np.ones((4, 3)) * RATE / u.GV


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"kappa": -1 * AREA}, ValueError, "kappa must be zero or positive"),
        ({"kappa": 1.0}, u.UnitConversionError, "kappa must be a quantity"),
        ({"kappa": 1 * u.kpc}, u.UnitConversionError, "kappa must be in units"),
        ({"kappa": np.ones(7) * AREA}, ValueError, "kappa must broadcast"),
        ({"kappa": lambda x, p: -p / u.GV * AREA}, ValueError, "kappa must be zero or positive"),
        ({"kappa": np.nan * AREA}, ValueError, "kappa must be finite"),
        ({"velocity": 3}, u.UnitConversionError, "velocity must be a quantity"),
        ({"velocity": np.ones(4) * SPEED}, ValueError, "velocity must broadcast"),
        ({"source": -Q}, ValueError, "source must be zero or positive"),
        ({"source": Q[:, :2]}, ValueError, "source must broadcast"),
        ({"losses": -1 * u.GV / u.Myr}, ValueError, "losses must be zero or positive"),
        ({"losses": 1 / u.Myr}, u.UnitConversionError, "losses must be in units"),
        ({"removal": -1 / u.Myr}, ValueError, "removal must be zero or positive"),
        ({"left": "mirror"}, ValueError, "left must be one of"),
        ({"right": "outflow"}, ValueError, "right cannot be 'outflow'"),
        ({"left": -1 / u.kpc**3}, ValueError, "left must be zero or positive"),
        ({"grid": X}, ValueError, "grid must be a Grid"),
    ],
)
def test_bad_problems(arguments, error, words):
    with pytest.raises(error, match=words):
        Problem(**({"grid": Grid(x=X, p=P), "kappa": 1 * AREA, "source": Q} | arguments))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"step": 0 * u.Myr}, ValueError, "step must be positive"),
        ({"step": -1 * u.Myr}, ValueError, "step must be positive"),
        ({"step": 1}, u.UnitConversionError, "step must be a quantity"),
        ({"times": [2, 1] * u.Myr}, ValueError, "times must grow"),
        ({"times": 0 * u.Myr}, ValueError, "times must be positive"),
        ({"initial": -Q * u.Myr}, ValueError, "initial must be zero or positive"),
        ({"initial": Q}, u.UnitConversionError, "initial must be in units"),
        ({"initial": Q[:2] * u.Myr}, ValueError, "initial must broadcast"),
        ({"scheme": "explicit"}, ValueError, "scheme must be one of"),
        ({"momentum": "downwind"}, ValueError, "momentum must be one of"),
    ],
)
def test_bad_runs(arguments, error, words):
    problem = Problem(grid=Grid(x=X, p=P), kappa=1 * AREA, source=Q)
    with pytest.raises(error, match=words):
        solve(problem, **({"times": 1 * u.Myr, "step": 1 * u.Myr} | arguments))


def test_nothing_to_follow():
    grid = Grid(x=X, p=P)
    with pytest.raises(ValueError, match="nothing to follow"):
        solve(Problem(grid=grid, kappa=1 * AREA), times=1 * u.Myr, step=1 * u.Myr)
    with pytest.raises(ValueError, match="all zero"):
        solve(Problem(grid=grid, kappa=1 * AREA, source=0 * Q), times=1 * u.Myr, step=1 * u.Myr)
    for source in (None, 0 * Q):
        with pytest.raises(ValueError, match="without particles"):
            steady_state(Problem(grid=grid, kappa=1 * AREA, source=source))


def test_no_steady_state_where_particles_cannot_leave():
    box = Problem(grid=Grid(x=X, p=P), kappa=1 * AREA, source=Q, left="reflect", right="reflect")
    with pytest.raises(ValueError, match="cannot leave"):
        steady_state(box)


def test_no_steady_state_of_a_source_that_varies():
    problem = Problem(grid=Grid(x=X, p=P), kappa=1 * AREA, source=lambda x, p, t: Q)
    with pytest.raises(ValueError, match="must not depend on time"):
        steady_state(problem)
    with pytest.raises(ValueError, match="zero or positive"):
        solve(
            Problem(grid=Grid(x=X, p=P), kappa=1 * AREA, source=lambda x, p, t: Q * (1 - t / u.Myr)),
            times=3 * u.Myr,
            step=1 * u.Myr,
        )


def test_what_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(transport, "_MAX_SWEEPS", 2)
    with pytest.raises(RuntimeError, match="sweeps up and down"):
        steady_state(small("mixed"), momentum="upwind")
    monkeypatch.setattr(transport, "_MAX_ITERATIONS", 2)
    with pytest.raises(RuntimeError, match="slopes in momentum"):
        steady_state(small("lose"))
