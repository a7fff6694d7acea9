"""A shock by stochastic equations: spectrum, times and profiles against theory, finite volumes and plain numpy."""

import runpy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crlab.acceleration import _kernels
from crlab.acceleration import stochastic as sde
from crlab.diffusion import transport

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "acceleration_stochastic.py"
KAPPA = 1e26 * u.cm**2 / u.s
SHOCK = sde.Shock(u1=5000 * u.km / u.s, kappa_1=KAPPA)
L, T = SHOCK.length, SHOCK.time
GOOD = {"step": 1e-4 * T, "width": 0.005 * L, "coarse": 0.01 * T}


def front(r=4.0, ratio=None):
    return sde.Shock(u1=SHOCK.u1, kappa_1=KAPPA, kappa_2=None if ratio is None else ratio * KAPPA, compression=r)


@pytest.fixture(scope="module")
def samples():
    return {
        r: sde.simulate(front(r), **GOOD, duration=400 * T, number=40_000, seed=17, levels=np.array([1, 4]) * low)
        for r, low in ((2, 1.1), (3, 1.3), (4, 1.5))
    }


@pytest.mark.parametrize("r", [2, 3, 4])
def test_index(samples, r):
    """q = 3r/(r - 1) within 3 standard errors, and 0.02 on top of one."""
    q, error = samples[r].index()
    assert abs(q - 3 * r / (r - 1)) < min(3 * error, 0.02 + 2 * error)


@pytest.mark.parametrize("r", [2, 3, 4])
def test_acceleration_time(samples, r):
    """t_acc = 3/(u1 - u2) (κ1/u1 + κ2/u2) within 3 % and 3 standard errors."""
    mean, error = samples[r].acceleration_time()
    theory = (3 / (SHOCK.u1 * (1 - 1 / r)) * 2 * KAPPA / SHOCK.u1).to(u.yr)
    assert abs(mean - theory) < 3 * error
    if r == 4:
        assert abs((mean / theory).to_value(u.one) - 1) < 0.03


def test_distribution_of_times(samples):
    sample = samples[4]
    test = stats.kstest(sample.travel_times.value, lambda t: sde.passage_distribution(SHOCK, t * u.yr, 4.0))
    assert test.pvalue > 1e-3


def test_kappa_equal_on_both_sides():
    """The other extreme, t_acc = 20 κ/u1², without a jump of κ."""
    shock = front(ratio=1.0)
    sample = sde.simulate(shock, **GOOD, duration=800 * T, number=8000, seed=5, levels=[1.5, 4])
    q, error = sample.index()
    mean, spread = sample.acceleration_time()
    assert abs(q - 4) < 3 * error
    assert abs(mean - 20 * T) < 3 * spread


def test_kappa_larger_behind():
    """A jump of κ upwards reflects on the other side."""
    shock = front(ratio=2.0)
    scale = {"step": 1e-4 * T, "width": 0.005 * L, "coarse": 0.02 * T}
    sample = sde.simulate(shock, **scale, duration=1500 * T, number=4000, seed=6, levels=[1.5, 3])
    q, error = sample.index()
    mean, spread = sample.acceleration_time()
    assert abs(q - 4) < 3 * error
    assert abs(mean - 36 * T) < 3 * spread


def test_passage_distribution_with_equal_times_on_both_sides():
    """κ1/u1² = κ2/u2²: one inverse Gaussian, λ/μ = 3(u1 + u2)/(2(u1 - u2)) ln(p/p0), 2μ²/λ = 4κ/u²."""
    shock = front(ratio=1 / 16)
    ratio = 5.0
    a = 1.5 * 1.25 / 0.75 * np.log(ratio)
    mean = 2 * a
    t = np.geomspace(0.3, 100, 50)
    exact = stats.invgauss.cdf(t, mean / (a * mean), scale=a * mean)
    np.testing.assert_allclose(sde.passage_distribution(shock, t * T, ratio), exact, atol=1e-7)


@given(st.floats(1.2, 4), st.floats(0.05, 3), st.floats(1.2, 50))
def test_passage_distribution_has_the_mean(r, ratio, factor):
    """∫ (1 - F) dt = t_acc ln(p/p0)."""
    shock = front(r, ratio)
    mean = (shock.acceleration_time * np.log(factor)).to_value(u.yr)
    t = np.geomspace(1e-4, 200, 4000) * mean
    share = sde.passage_distribution(shock, t * u.yr, factor)
    assert np.all(np.diff(share) > -1e-6)
    assert np.trapezoid(1 - share, t) == pytest.approx(mean, rel=0.02)


def test_precursor():
    """Momenta that had time to become steady lie ahead of the shock as exp(u1 x/κ1)."""
    sample = sde.simulate(SHOCK, **GOOD, duration=40 * T, number=40_000, seed=9, injection="steady")
    ahead = -(sample.x / L).to_value(u.one)[(sample.x < 0) & sample.inside & (sample.p < 2)]
    assert abs(ahead.mean() - 1) < 4 / np.sqrt(ahead.size)
    assert stats.kstest(ahead, stats.expon.cdf).pvalue > 1e-3


def test_agrees_with_finite_volumes():
    """The spectrum at the shock of a source that has been on for 8 κ1/u1²."""
    half = np.concatenate([[0.01], 0.01 + 0.02 * np.cumsum(1.1 ** np.arange(40))])
    grid = transport.Grid(x=np.concatenate([-half[::-1], half]) * L, p=np.geomspace(1, 20, 41))
    centre = half.size - 1
    source = np.zeros(grid.shape)
    source[centre, 0] = 1
    problem = transport.Problem(
        grid=grid,
        kappa=lambda x, p: np.where(x < 0 * u.pc, 1, 0.25) * KAPPA * np.ones(p.shape),
        velocity=lambda x: np.where(x < 0 * u.pc, 1, 0.25) * SHOCK.u1,
        source=source / (grid.dx[centre] * grid.dp[0] * T * u.cm**2),
        right="outflow",
    )
    psi = transport.solve(problem, times=8 * T, step=0.2 * T).psi[0, centre]
    final = 4 / SHOCK.u1 / (T * u.cm**2) / grid.p_centre**2
    levels = np.array([1.5, 3.0, 6.0, 12.0])
    volumes = np.exp(np.interp(np.log(levels), np.log(grid.p_centre), np.log((psi / final).to_value(u.one))))
    sample = sde.simulate(SHOCK, **GOOD, duration=9 * T, number=40_000, seed=4, levels=levels)
    share = (sample.passage <= 8 * T).mean(axis=0)
    error = np.sqrt(volumes / levels / sample.number)
    assert np.all(np.abs(share - volumes / levels) < 4 * error)


def test_skew_steps_keep_a_uniform_density_uniform():
    """No flow, κ2 = κ1/4: land() on normal steps, from points spread evenly around the jump."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-8, 8, 400_000)
    new = x + np.where(x < 0, 1.0, 0.5) * rng.standard_normal(x.size)
    crossed = np.flatnonzero((x < 0) != (new < 0))
    new[crossed] = [_kernels.land(rng, x[i], new[i], 0.5) for i in crossed]
    counts = np.histogram(new, bins=np.linspace(-2, 2, 21))[0]
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(("kind", "moments"), [(0, 5), (1, 5), (2, 3)])
def test_moments_of_the_increments(kind, moments):
    n = 400_000
    rng, xi = np.random.default_rng(2), np.empty(n)
    word = (rng.random(n) * 2.0**51).astype(np.int64)
    _kernels.increments(rng, kind, word, n, 3, xi)
    for k in range(1, moments + 1):
        expected = 0 if k % 2 else {2: 1, 4: 3}[k]
        assert abs(np.mean(xi**k) - expected) < 4 * max(np.std(xi**k), 1e-9) / np.sqrt(n) + 1e-12
    assert np.unique(np.abs(xi)).size == {0: n, 1: 2, 2: 1}[kind]


def test_four_points_are_exact_to_the_fifth_moment():
    values = np.array([_kernels.FAR, _kernels.NEAR])
    assert values**2 @ [0.25, 0.75] == pytest.approx(1, rel=1e-14)
    assert values**4 @ [0.25, 0.75] == pytest.approx(3, rel=1e-14)


def test_bias_of_the_increments():
    """With long steps four points cannot be told from normal deviates; two points can be in the mean of ln p."""
    rough = {"step": 0.01 * T, "width": 0.05 * L, "duration": 400 * T, "levels": [1.5, 6], "number": 60_000}
    q = {kind: sde.simulate(SHOCK, **rough, seed=8, increments=kind).index() for kind in sde.INCREMENTS}
    normal, error = q["gaussian"]
    assert abs(q["four-point"][0] - normal) < 3 * np.sqrt(2) * error
    assert 0.01 < q["two-point"][0] - normal < 0.06


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("kappa2", [1.0, 0.25])
def test_against_vectorised_numpy(kind, kappa2):
    """The benchmark's version, independent draws: the same distribution of x and of ln p."""
    bench = runpy.run_path(str(BENCHMARK))
    ends = []
    for seed, walk in ((1, bench["kernel_walk"]), (2, bench["numpy_walk"])):
        x, y = np.zeros(20_000), np.zeros(20_000)
        walk(np.random.default_rng(seed), kind, x, y, 509.5 * 0.01, 0.25, kappa2, 0.05, 0.01)
        ends.append((x, y))
    assert stats.ks_2samp(ends[0][0], ends[1][0]).pvalue > 1e-3
    assert stats.ks_2samp(ends[0][1], ends[1][1]).pvalue > 1e-3


@pytest.mark.parametrize("coarse", [0.01, 0.08])
def test_compiled_is_interpreted(coarse):
    results = []
    for function in (_kernels.walk, _kernels.walk.py_func):
        x, y, passage = np.zeros(20), np.zeros(20), np.full((20, 2), np.inf)
        end, levels = np.linspace(1, 3, 20), np.log([1.1, 2.0])
        steps = function(
            np.random.default_rng(1), 1, end, levels, 0.25, 0.25, 0.5, 0.05, 0.01, coarse, 10.0, x, y, passage
        )
        results.append((x, y, passage, np.array(steps)))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("workers", [1, 2])
def test_same_bits_for_threads(workers):
    inputs = {"step": 0.01 * T, "width": 0.05 * L, "duration": 5 * T, "number": 5001, "seed": 5, "levels": [1.2]}
    with ThreadPoolExecutor(workers) as pool:
        run = sde.simulate(SHOCK, **inputs, executor=pool)
    reference = sde.simulate(SHOCK, **inputs)
    np.testing.assert_array_equal(run.x.value, reference.x.value)
    np.testing.assert_array_equal(run.passage.value, reference.passage.value)
    other = sde.simulate(SHOCK, **(inputs | {"seed": 6}))
    assert np.any(run.x != other.x)


def test_bohm_diffusion_slows_down():
    """κ ∝ p: the mean time from p1 to p2 is t_acc(p0) (p2 - p1)/p0."""
    shock = sde.Shock(u1=SHOCK.u1, kappa_1=KAPPA, momentum_slope=1)
    sample = sde.simulate(shock, **GOOD, duration=800 * T, number=20_000, seed=11, levels=[1.5, 3])
    times = sample.travel_times
    assert abs(times.mean() - 8 * 1.5 * T) < 3.5 * times.std() / np.sqrt(times.size)
    q, error = sample.index()
    assert abs(q - 4) < 3 * error


def test_momenta_never_fall():
    sample = sde.simulate(SHOCK, **GOOD, duration=10 * T, number=2000, seed=1, levels=[1.1, 1.3, 1.6])
    assert np.all(sample.p >= 1)
    gaps = sample.passage.value[:, 1:] - np.where(
        np.isfinite(sample.passage.value[:, :-1]), sample.passage.value[:, :-1], 0
    )
    assert np.all(gaps >= 0)
    assert np.all(np.diff(sample.reached) <= 0)


BASE = {"step": 0.01 * T, "width": 0.05 * L, "duration": 5 * T, "number": 10, "seed": 1}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"step": 0.1 * T}, ValueError, "u1 dt must be below the width"),
        ({"step": 0.6 * T, "width": 0.9 * L}, ValueError, "must be below κ/u"),
        ({"width": 1.1 * L}, ValueError, "width must be below κ/u"),
        ({"step": 0.01}, u.UnitConversionError, "step must be a quantity"),
        ({"width": -1 * L}, ValueError, "width must be positive"),
        ({"coarse": 0.001 * T}, ValueError, "coarse must be at least the step"),
        ({"duration": 0.001 * T}, ValueError, "duration must be at least one step"),
        ({"levels": [2, 1.5]}, ValueError, "levels must ascend"),
        ({"levels": [0.5]}, ValueError, "levels must ascend and be above 1"),
        ({"injection": "slow"}, ValueError, "injection must be one of burst, steady"),
        ({"increments": "cauchy"}, ValueError, "increments must be one of four-point"),
        ({"number": 0}, ValueError, "n must be an integer"),
        ({"seed": -1}, ValueError, "seed must be an integer"),
    ],
)
def test_refuses(change, error, message):
    with pytest.raises(error, match=message):
        sde.simulate(SHOCK, **(BASE | change))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"compression": 1.0}, ValueError, "compression must be above 1"),
        ({"compression": 4.5}, ValueError, "compression must be at most 4"),
        ({"u1": 4e5 * u.km / u.s}, ValueError, "below the speed of light"),
        ({"kappa_1": 0 * KAPPA}, ValueError, "kappa_1 must be positive"),
        ({"kappa_2": 1.0}, u.UnitConversionError, "kappa_2 must be a quantity"),
        ({"momentum_slope": -1.0}, ValueError, "momentum_slope must be zero or positive"),
        ({"u1": [1, 2] * u.km / u.s}, ValueError, "u1 must be one value"),
    ],
)
def test_shock_refuses(change, error, message):
    with pytest.raises(error, match=message):
        sde.Shock(**({"u1": SHOCK.u1, "kappa_1": KAPPA} | change))


def test_other_errors():
    bohm = sde.Shock(u1=SHOCK.u1, kappa_1=KAPPA, momentum_slope=1)
    with pytest.raises(ValueError, match="κ independent of p"):
        sde.passage_distribution(bohm, T, 2.0)
    with pytest.raises(ValueError, match="ratio must be above 1"):
        sde.passage_distribution(SHOCK, T, 1.0)
    sample = sde.simulate(SHOCK, **BASE)
    for method in (sample.index, sample.acceleration_time):
        with pytest.raises(ValueError, match="levels must be at least two"):
            method()


def test_broken_conditions_if_asked_for():
    """A shock as wide as the precursor is a worse accelerator."""
    sample = sde.simulate(
        SHOCK, step=0.005 * T, width=1.5 * L, duration=400 * T, number=20_000, seed=2, levels=[1.5, 3], check=False
    )
    q, error = sample.index()
    assert q - 4 > 10 * error


@pytest.mark.parametrize(("size", "n"), [(8, 8), (16, 9), (64, 64), (64, 50)])
def test_positions_of_events(size, n):
    event = (np.random.default_rng(1).random(size) < 0.3).astype(np.uint8)
    where = np.empty(size, np.int64)
    found = _kernels.positions(event, n, where)
    np.testing.assert_array_equal(where[:found], np.flatnonzero(event[:n]))
