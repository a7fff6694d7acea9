"""Tails, scales and profiles of many Galaxies, against the analytic numbers of stable laws."""

import contextlib
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from astropy import units as u

from crlab import ensemble as stored
from crlab.emission.__main__ import main
from crlab.emission.absorption import CMB, Absorption
from crlab.emission.cross_sections import RIGIDITY, emissivity_matrix
from crlab.emission.density import density, mean_field
from crlab.emission.gas import Cube, Ferriere
from crlab.emission.line_of_sight import integrate, positions, steps
from crlab.emission.stochastic import beam_scale, column_share, ensemble, exceedance, prepare, tail_scale, weights
from crlab.galaxy import Halo
from crlab.sources.credit import RATE, source_count
from crlab.sources.population import Catalogue, Population
from crlab.sources.release import Burst, EscapeLaw, Suppression

E = 10 * u.TV
ALWAYS = Suppression(factor=100.0, recovery=1e6 * u.Myr)


class Slab:
    """Gas of density 1/cm³ close to the plane."""

    def nuclei(self, x, y, z):
        return np.ones(x.size)


def test_the_tail_at_one_place():
    """N(> u) = 0.0298416 (σ̇/κ) g^(-4/3) and γ/ψ̄ = 0.27352 N_src^(-1/4)."""
    N = exceedance([0.5, 5.0], E)
    assert np.log(N[1] / N[0]) / np.log(10) == pytest.approx(-4 / 3, rel=1e-3)
    assert tail_scale(5.0, N[1], 4 / 3) == pytest.approx(0.27352 * source_count(10 * u.TeV) ** -0.25, rel=1e-3)


def test_the_tail_along_a_line_of_sight():
    """N(> u) = 0.15355 N_src^(-1/2) (h/L)^(1/2) u^(-3/2); γ = 0.52913 N_src^(-1/3) (h/L)^(1/3), 2.7 % at 10 TV."""
    n_src = source_count(10 * u.TeV)
    N = exceedance([1.0, 8.0], E, length=15 * u.kpc)
    assert np.log(N[1] / N[0]) / np.log(8) == pytest.approx(-1.5, rel=1e-3)
    assert N[0] == pytest.approx(0.15355 * n_src**-0.5 * 3**-0.5, rel=2e-3)
    assert tail_scale(1.0, N[0], 1.5) == pytest.approx(0.52913 * n_src ** (-1 / 3) * 3 ** (-1 / 3), rel=2e-3)
    assert beam_scale(n_src, 3) == pytest.approx(0.027, abs=5e-4)
    assert beam_scale(n_src, 3) == pytest.approx(0.52913 * n_src ** (-1 / 3) * 3 ** (-1 / 3), rel=1e-4)


def test_slow_diffusion_scales_the_tails():
    """χ = 100 at all ages: the local scale grows by 100^(3/4) = 31.6, that of a line of sight by 100^(2/3) = 21.5."""
    local = [tail_scale(5.0, exceedance(5.0, E, scenario=s), 4 / 3) for s in (Burst(), ALWAYS)]
    beam = [tail_scale(5.0, exceedance(5.0, E, scenario=s, length=15 * u.kpc), 1.5) for s in (Burst(), ALWAYS)]
    assert local[1] / local[0] == pytest.approx(31.6, rel=0.02)
    assert beam[1] / beam[0] == pytest.approx(21.5, rel=0.02)


def test_the_count_by_drawing_sources():
    """The number of sources beyond a level at one place is that of sources drawn about it."""
    level, kappa, rng = 0.2, Halo().kappa(E).value, np.random.default_rng(8)
    sigma, h, n = RATE.to_value(1 / (u.kpc**2 * u.Myr)), 5.0, 4_000_000
    mean = sigma * h / (2 * kappa)
    oldest = (level * mean) ** (-2 / 3) / (4 * np.pi * kappa)
    area = 6 * kappa * oldest / np.e  # of the widest moment
    tau, rho2 = oldest * rng.random(n), area * rng.random(n)
    g = np.exp(-rho2 / (4 * kappa * tau)) / (4 * np.pi * kappa * tau) ** 1.5
    count = (g > level * mean).mean()
    expected = count * sigma * np.pi * area * oldest
    assert exceedance(level, E) == pytest.approx(expected, rel=4 / np.sqrt(count * n))


def test_the_share_of_a_column():
    """8.0e-5/(τ/Myr) for 15 kpc, the same at all energies, found again by integrating the density of one source."""
    assert column_share(1 * u.kyr, 15 * u.kpc) == pytest.approx(0.080, rel=0.01)
    population = Population("uniform")
    one = Catalogue([[0.0, 5.5, 0.0]] * u.kpc, [20] * u.kyr, 8.5 * u.kpc)
    field = density(one, [10, 30] * u.TV, population=population, size=0 * u.kpc, levels=2)
    cells = np.linspace(0, 10, 1001) * u.kpc
    column = integrate(field, Slab(), [0] * u.deg, [0] * u.deg, edges=cells, progress=False).to_value(u.kpc / u.cm**3)
    # Relative to the density at the Sun, so over a path of one kpc; ν Σ_eff is the rate per area that makes it.
    rate = population.rate * population.sigma_eff()
    assert np.allclose(column[0], column_share(20 * u.kyr, 1 * u.kpc, rate=rate), rtol=0.01)


def test_weights_keep_smooth_densities():
    """Rows sum to one, and a density linear in ln R is summed as on the fine grid."""
    energy, R = [3, 30] * u.TeV, np.geomspace(4.5, 4e8, 25) * u.GV
    W = weights(energy, R)
    fine = emissivity_matrix(energy).value
    linear = np.log(RIGIDITY.to_value(u.GV))
    assert np.allclose(W.sum(1), 1)
    assert np.allclose(W @ np.log(R.value), fine @ linear / fine.sum(1), rtol=1e-9)


def test_profiles_of_the_ensemble():
    """Medians below the mean, as the skewed law has them; the same numbers for any number of threads."""
    options = {
        "scenarios": {"burst": Burst(), "slow": Suppression()},
        "energy": [30] * u.TeV,
        "rigidity": [0.1, 1] * u.PV,
        "lon": np.arange(0, 360, 30.0) * u.deg,
        "progress": False,
    }
    found = ensemble(8, seed=5, **options)
    assert found.plane.shape == (8, 2, 1, 12)
    assert found.local.shape == (8, 2, 1)
    median = np.median(found.plane[:, :, 0], axis=(0, 2))
    assert 0.85 < median[0] < 1
    assert 0.4 < median[1] < median[0]
    alone = ensemble(1, seed=5, **options)
    assert np.allclose(alone.plane[0], found.plane[0], rtol=1e-12)


FEW = {
    "scenarios": {"burst": Burst(), "CREDIT": EscapeLaw(floor=10 * u.TeV)},
    "energy": [100] * u.TeV,
    "rigidity": [0.3, 1] * u.PV,
    "lon": [30, 200] * u.deg,
    "absorption": Absorption(),
    "spacing": 0.4 * u.kpc,
}


@pytest.fixture(scope="module")
def on_one_thread():
    with ThreadPoolExecutor(1) as one:
        return ensemble(4, seed=3, **FEW, executor=one, progress=False)


@pytest.mark.parametrize("sun", [7.0, 8.178])
def test_the_sun_may_be_elsewhere(sun):
    """Emissivities and columns are over the mean at the population's Sun: 0.69 where some functions took another."""
    people = Population("Ferriere", sun=sun * u.kpc)
    options = {"energy": [10] * u.TeV, "rigidity": [0.01, 0.1] * u.PV, "lon": np.arange(-175, 180, 10) * u.deg}
    scenarios = {"CREDIT": EscapeLaw(floor=10 * u.TeV)}
    found = ensemble(12, seed=1, scenarios=scenarios, population=people, **options, progress=False)
    error = found.plane.mean(axis=(1, 2, 3)).std() / np.sqrt(12)
    assert error < 0.02
    assert found.plane.mean() == pytest.approx(1, abs=max(3 * error, 0.01))
    assert prepare(scenarios, population=people, **options).means[0, 0, -1] == pytest.approx(1, abs=0.015)


def test_any_executor_gives_the_same_bits(on_one_thread, monkeypatch):
    """Two threads, two processes, and Dask with two threads in this process, with batches of other sizes."""
    monkeypatch.setenv("CRLAB_PROGRESS", "0")
    distributed = pytest.importorskip("distributed")
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with contextlib.ExitStack() as stack:
        cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
        client = stack.enter_context(distributed.Client(stack.enter_context(cluster)))
        spawn = multiprocessing.get_context("spawn")
        for executor, batch in (
            (stack.enter_context(ThreadPoolExecutor(2)), 1),
            (stack.enter_context(ProcessPoolExecutor(2, mp_context=spawn)), 2),
            (client.get_executor(), 3),
        ):
            found = ensemble(4, seed=3, **FEW, executor=executor, batch=batch)
            assert np.array_equal(found.plane, on_one_thread.plane), executor
            assert np.array_equal(found.local, on_one_thread.local), executor


def test_a_store_is_resumed_and_refuses_what_differs(on_one_thread, tmp_path):
    """A batch that is lost is computed again with the same bits; other parameters are named."""
    store = tmp_path / "planes"
    first = ensemble(4, seed=3, **FEW, store=store, batch=2, progress=False)
    assert np.array_equal(first.plane, on_one_thread.plane)
    (store / "x" / "c" / "1" / "0" / "0" / "0").unlink()
    assert stored.missing(store) == 2
    again = ensemble(4, seed=3, **FEW, store=store, batch=2, progress=False)
    assert np.array_equal(again.plane, on_one_thread.plane)
    assert np.array_equal(again.local, on_one_thread.local)
    for change, words in (
        ({"absorption": None}, "absorption"),
        ({"scenarios": {"burst": Burst(), "CREDIT": EscapeLaw(floor=1 * u.TeV)}}, "scenarios"),
        ({"rigidity": [0.3, 2] * u.PV}, "rigidity"),
        ({"lon": [30, 201] * u.deg}, "lon"),
    ):
        with pytest.raises(ValueError, match=f"made with.*{words}"):
            ensemble(4, seed=3, **{**FEW, **change}, store=store, batch=2, progress=False)


def test_a_store_is_refused_for_another_map_of_gas_that_looks_the_same(tmp_path):
    """Both maps print alike, since numpy leaves out the middle of large arrays."""
    values = np.ones((11, 11, 11))
    other = values.copy()
    other[5, 5, 5] = 2
    maps = [Cube(v / u.cm**3, first=[-15] * 3 * u.kpc, step=[3] * 3 * u.kpc) for v in (values, other)]
    assert repr(maps[0]) == repr(maps[1])
    few = FEW | {"scenarios": {"burst": Burst()}, "store": tmp_path / "planes", "progress": False}
    ensemble(1, seed=3, **few, gas=maps[0])
    with pytest.raises(ValueError, match=r"made with gas.values = \[11, 11, 11\] numbers .*, not \[11, 11, 11\] num"):
        ensemble(1, seed=3, **few, gas=maps[1])
    assert stored.missing(tmp_path / "planes") == 0

    class Nameless:
        def nuclei(self, x, y, z):
            return np.ones_like(x)

    with pytest.raises(
        ValueError, match="gas is a Nameless, which cannot be told from another: give a frozen dataclass"
    ):
        ensemble(1, seed=3, **few, gas=Nameless())


def test_a_store_does_not_depend_on_how_numpy_prints(tmp_path):
    """With no digits printed a store of 0.04 kpc is not taken for one of 0.2 kpc; with three it is known again."""
    few = FEW | {"scenarios": {"burst": Burst()}, "store": tmp_path / "planes", "progress": False}
    with np.printoptions(precision=0):
        first = ensemble(1, seed=3, **few, size=0.0412345 * u.kpc)
        with pytest.raises(ValueError, match=r"made with size = 0.0412345 kpc, not 0.2 kpc"):
            ensemble(1, seed=3, **few, size=0.2 * u.kpc)
    with np.printoptions(precision=3):
        again = ensemble(1, seed=3, **few, size=41.2345 * u.pc)
    assert np.array_equal(first.plane, again.plane)


def test_a_store_knows_the_order_of_its_scenarios(tmp_path):
    """They are an axis without names: in another order the numbers would be taken for each other."""
    few = FEW | {"store": tmp_path / "planes", "progress": False}
    ensemble(1, seed=3, **few)
    turned = dict(reversed(FEW["scenarios"].items()))
    with pytest.raises(ValueError, match="made with scenarios ="):
        ensemble(1, seed=3, **(few | {"scenarios": turned}))


def test_the_command_makes_the_same_store(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CRLAB_PROGRESS", "0")
    task = ["--galaxies", "2", "--energies", "10", "--rigidities", "300", "1000", "--step", "90", "--batch", "1"]
    assert main([str(tmp_path / "planes"), *task]) == 0
    assert "computed 2 of the 2 Galaxies" in capsys.readouterr().out
    options = {
        "scenarios": {"burst": Burst(), "CREDIT": EscapeLaw(floor=10 * u.TeV), "slow": Suppression()},
        "energy": [10] * u.TeV,
        "rigidity": [300, 1000] * u.TV,
        "lon": np.arange(-135, 180, 90) * u.deg,
        "absorption": Absorption(),
    }
    found = ensemble(2, seed=1, **options, progress=False)
    assert np.array_equal(stored.read(tmp_path / "planes")[..., :-1], found.plane)
    assert main([str(tmp_path / "planes"), *task, "--transparent"]) == 1
    assert "absorption" in capsys.readouterr().err
    assert main([str(tmp_path / "other"), "--energies", "1e6"]) == 1
    assert "energy" in capsys.readouterr().err


def test_a_place_for_no_store_is_refused_before_anything_is_computed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("crlab.emission.__main__.prepare", None)
    monkeypatch.setattr("crlab.emission.stochastic.prepare", None)
    (tmp_path / "file").write_text("mine")
    for place, words in (
        (tmp_path / "file", "must be an ensemble"),
        (tmp_path, "must be an ensemble"),
        (tmp_path / "file" / "planes", "file is a file"),
    ):
        assert main([str(place)]) == 1
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
        with pytest.raises((OSError, ValueError), match=words):
            ensemble(1, seed=3, **FEW, store=place)


def test_absorption_hides_the_far_side():
    """At 2 PeV the mean is dimmed as the same integral by hand, the Sun's place not at all, and ratios change."""
    simulator = prepare({"burst": Burst()}, energy=[2] * u.PeV, rigidity=[1] * u.PV, lon=[30] * u.deg)
    dark = prepare(
        {"burst": Burst()}, energy=[2] * u.PeV, rigidity=[1] * u.PV, lon=[30] * u.deg, absorption=Absorption()
    )
    assert dark.means[0, 0, -1] == simulator.means[0, 0, -1]
    field = mean_field([1] * u.PV, population=simulator.population)
    edges = steps(coarsest=0.1 * u.kpc)
    # The same integral by hand, cell by cell.
    s = ((edges[1:] + edges[:-1]) / 2).to_value(u.kpc)
    x, y, z = positions(30 * u.deg, 0 * u.deg, s * u.kpc)
    path = Ferriere().density(x, y, z) * field.values(x.value, y.value, z.value)[:, 0] * np.diff(edges)
    left = np.exp(-s * CMB.rate(2 * u.PeV).to_value(1 / u.kpc))
    expected = float((path @ left / path.sum()).to_value(u.one))
    assert expected < 0.6
    assert dark.means[0, 0, 0] / simulator.means[0, 0, 0] == pytest.approx(expected, rel=1e-6)
    one, other = (sim.realisation(2, seed=1) * sim.means for sim in (simulator, dark))
    assert one[0, 0, -1] == other[0, 0, -1]
    assert other[0, 0, 0] / one[0, 0, 0] == pytest.approx(expected, rel=0.3)


def test_the_mean_of_slow_diffusion_exceeds_that_of_a_burst():
    """Particles that linger near the plane add to it, the more the slower."""
    at = np.zeros(1), np.full(1, 8.5), np.zeros(1)
    means = [
        mean_field([100] * u.TV, population=Population("Ferriere"), scenario=s).values(*at)[0, 0]
        for s in (Burst(), Suppression(factor=10), Suppression())
    ]
    assert means[0] < means[1] < means[2]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="increases"):
        weights([1] * u.TeV, [2, 1] * u.TV)
    with pytest.raises(ValueError, match="index must lie"):
        tail_scale(1.0, 1.0, 2.0)
    with pytest.raises(ValueError, match="scenarios"):
        ensemble(1, seed=1, scenarios={}, energy=[1] * u.TeV, rigidity=[1] * u.PV, lon=[1] * u.deg)
    with pytest.raises(ValueError, match="level must be positive"):
        exceedance(0.0, E)
    with pytest.raises(u.UnitConversionError, match="age"):
        column_share(1.0, 15 * u.kpc)
