"""Scenarios of release: one protocol for every function of both rooms, and nothing else looked at."""

import dataclasses
import pickle

import numpy as np
import pytest
from astropy import units as u

from crlab.acceleration import escape
from crlab.diffusion.green import green, suppressed_spread, theta
from crlab.emission import density as field
from crlab.emission import stochastic as planes
from crlab.galaxy import Halo
from crlab.grammage.halo import HaloModel
from crlab.sources import credit, release, spectra
from crlab.sources.credit import RATE, feature, feature_rate, single_source, source_count, threshold
from crlab.sources.population import Population
from crlab.sources.release import Burst, EscapeLaw, Release, Suppression
from crlab.sources.spectra import Galaxy, prepare, single_spectra, sum_of_sources

LAW = EscapeLaw(floor=10 * u.TeV)
GALAXY = Galaxy()
GRID = np.geomspace(1e3, 1e6, 31) * u.GV
NEAR = {"distance": 0.3 * u.kpc, "age": 60 * u.kyr}
PLACES = {"distance": [0.2, 0.5, 3] * u.kpc, "age": [20, 80, 900] * u.kyr}
HERE = [0, 2] * u.kpc, [8.5, 4] * u.kpc, [0, 0.1] * u.kpc
R = [30, 300] * u.TV
PEOPLE = Population("Ferriere")
FEW = PEOPLE.sample(0.05 * u.Myr, seed=1)
RAYS = {"energy": [100] * u.TeV, "rigidity": [0.3, 1] * u.PV, "lon": [30, 200] * u.deg, "spacing": 0.8 * u.kpc}


class Own:
    """The law with a floor of 10 TeV, written by a reader who derives it from nothing."""

    def escape_time(self, energy):
        E = energy.to_value(u.TeV)
        return np.where(E > 3000 * (1 + 1e-12), np.inf, 0.3 * (np.maximum(E, 10) / 3000) ** (-1 / 1.1)) * u.kyr

    def spread(self, since, rigidity, halo):
        return halo.kappa(rigidity) * since


class Half:
    """Half of the protocol."""

    def escape_time(self, energy):
        return 300 * u.yr


class Derived(Release):
    """A law that needs to say no more than when."""

    def escape_time(self, energy):
        return 300 * u.yr * (energy / (3 * u.PeV)).to_value("") ** (-1 / 2.48)


class Answers(Release):
    """Whatever it is told to answer."""

    def __init__(self, time=0 * u.yr, area=None):
        self.time, self.area = time, area

    def escape_time(self, energy):
        return self.time(energy) if callable(self.time) else self.time

    def spread(self, since, rigidity, halo):
        return super().spread(since, rigidity, halo) if self.area is None else self.area(since, rigidity, halo)


def ensemble(scenarios):
    found = planes.ensemble(2, seed=1, scenarios=scenarios, **RAYS, progress=False)
    return np.concatenate([found.plane.ravel(), found.local.ravel()])


ONE = {
    "threshold": lambda s: threshold([1, 20, 100] * u.kyr, s).value,
    "single_source": lambda s: single_source([1, 30, 300] * u.TeV, **NEAR, scenario=s),
    "feature": lambda s: np.array([(f := feature(**NEAR, scenario=s)).energy.value, f.amplitude, f.width]),
    "feature_rate": lambda s: feature_rate([20, 100] * u.TeV, 0.1, scenario=s),
    "single_spectra": lambda s: single_spectra(GALAXY, GRID, **PLACES, scenario=s),
    "spread": lambda s: field.spread([10, 60] * u.kyr, R, scenario=s).value,
    "window": lambda s: field.window(R, scenario=s).value,
    "density": lambda s: field.density(
        FEW, R, population=PEOPLE, scenario=s, spacing=0.8 * u.kpc, levels=1, size=300 * u.pc, progress=False
    ).at(*HERE),
    "direct": lambda s: field.direct(FEW, R, *HERE, population=PEOPLE, scenario=s),
    "mean_field": lambda s: np.asarray(field.mean_field(R, population=PEOPLE, scenario=s).table),
    "exceedance": lambda s: planes.exceedance([0.1, 1], 100 * u.TV, scenario=s),
}
MANY = {
    "sum_of_sources": lambda s: sum_of_sources(GALAXY, GRID, **PLACES, scenarios=s),
    "prepare": lambda s: prepare(GALAXY, GRID, scenarios=s).realisations(3, seed=1, progress=False),
    "planes.prepare": lambda s: planes.prepare(s, **RAYS).means,
    "planes.ensemble": ensemble,
}
EVERY = ONE | {name: lambda s, call=call: call({"mine": s}) for name, call in MANY.items()}


@pytest.mark.parametrize("name", EVERY)
def test_a_law_of_ones_own_is_the_built_in_one(name):
    """An object with the two methods and nothing else; what a search on values adds is in the ninth digit."""
    np.testing.assert_allclose(EVERY[name](Own()), EVERY[name](LAW), rtol=2e-8, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_slow_diffusion_by_a_factor_of_one_is_the_release_alone(name):
    np.testing.assert_allclose(EVERY[name](Suppression(factor=1, release=LAW)), EVERY[name](LAW), rtol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_escape_and_slow_diffusion_together(name):
    found = EVERY[name](Suppression(release=LAW))
    assert np.all(np.isfinite(found[found != np.inf]))
    if name not in ("threshold", "feature_rate", "window"):
        assert not np.allclose(found, EVERY[name](LAW), rtol=1e-3)


BAD = {
    "None": (None, "got None"),
    "a string": ("CREDIT", "got 'CREDIT'"),
    "a class": (EscapeLaw, "got the class EscapeLaw and not an object of it"),
    "half of it": (Half(), "got a Half without spread"),
    "a list": ([Burst()], "got a list without escape_time and spread"),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("bad", BAD)
def test_anything_else_is_refused_by_all_in_the_same_words(name, bad):
    value, got = BAD[bad]
    with pytest.raises(ValueError, match="must be a scenario with escape_time") as error:
        EVERY[name](value)
    words = str(error.value)
    assert words.startswith("scenario must" if name in ONE else "scenarios['mine'] must")
    assert got in words
    assert "crlab.sources.release.Release" in words


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("bad", [None, "CREDIT", Burst(), [Burst()], (Burst(), LAW), {1: Burst()}])
def test_many_scenarios_are_a_mapping(name, bad):
    with pytest.raises(ValueError, match="scenarios must be a mapping of names to scenarios"):
        MANY[name](bad)
    with pytest.raises(ValueError, match="scenarios must hold at least one"):
        MANY[name]({})


def test_results_have_the_order_of_the_mapping():
    one, two = MANY["sum_of_sources"]({"b": Burst(), "a": LAW}), MANY["sum_of_sources"]({"a": LAW, "b": Burst()})
    assert np.array_equal(one, two[::-1])


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (Answers(1.0), r"escape_time of Answers must be a quantity in units like Myr"),
        (Answers(1 * u.kpc), r"escape_time of Answers must be in units like Myr, got kpc"),
        (Answers(-1 * u.yr), r"escape_time of Answers must be zero or positive"),
        (Answers(np.nan * u.yr), r"escape_time of Answers must be finite"),
        (Answers([1, 2, 3] * u.yr), r"escape_time of Answers must return one value for each"),
        (Answers(area=lambda t, R, halo: 1.0), r"spread of Answers must be a quantity in units like kpc2"),
        (Answers(area=lambda t, R, halo: t), r"spread of Answers must be in units like kpc2"),
        (Answers(area=lambda t, R, halo: -t * halo.kappa(R)), r"spread of Answers must be zero or positive"),
        (Answers(area=lambda t, R, halo: t * halo.kappa(R) * np.nan), r"spread of Answers must be finite"),
        (Answers(area=lambda t, R, halo: (t * halo.kappa(R))[0]), r"one value for each"),
        (Answers(area=lambda t, R, halo: halo.kappa(R) * u.Myr**2 / (t + 1 * u.yr)), r"must not fall with the time"),
    ],
)
@pytest.mark.parametrize("name", ["single_spectra", "spread", "mean_field", "prepare"])
def test_answers_are_checked_at_the_border(name, law, words):
    with pytest.raises((ValueError, u.UnitConversionError), match=words):
        EVERY[name](law)


def test_the_line_of_a_derived_law_is_its_own():
    """A slope of 2.48 that is hidden in `escape_time` counts, not the class's default; 0.024 by πρ²σ̇ t/a."""
    hidden = feature_rate(10 * u.TeV, 0.1, scenario=Derived())
    assert hidden == pytest.approx(float(feature_rate(10 * u.TeV, 0.1, scenario=EscapeLaw(slope=2.48))), rel=1e-7)
    assert hidden == pytest.approx(0.024, abs=5e-4)

    class Sub(EscapeLaw):
        escape_time = Derived.escape_time

    assert feature_rate(10 * u.TeV, 0.1, scenario=Sub()) == pytest.approx(float(hidden), rel=1e-12)
    with pytest.raises(ValueError, match="leave before or after its neighbours"):
        feature_rate(10 * u.TeV, 0.1, scenario=Burst())


def test_above_3_pev_with_a_law_that_reaches_there():
    high = EscapeLaw(peak=30 * u.PeV)
    assert single_source(10 * u.PeV, distance=1 * u.kpc, age=1 * u.kyr, scenario=high) > 0
    assert feature(distance=2 * u.kpc, age=400 * u.yr, scenario=high).energy > 10 * u.PeV
    assert single_spectra(GALAXY, [1, 20] * u.PV, **PLACES, scenario=high)[0].min() > 0


LOW = EscapeLaw(peak=2 * u.PeV)
BEYOND = {
    "single_spectra": lambda R: single_spectra(GALAXY, R, **PLACES, scenario=LOW),
    "sum_of_sources": lambda R: sum_of_sources(GALAXY, R, **PLACES, scenarios={"mine": LOW}),
    "prepare": lambda R: prepare(GALAXY, R, scenarios={"mine": LOW}),
    "planes.prepare": lambda R: planes.prepare({"mine": LOW}, **(RAYS | {"rigidity": R})),
}


@pytest.mark.parametrize("name", BEYOND)
def test_what_is_never_released_is_refused_by_name(name):
    with pytest.raises(ValueError, match=r"got 4e\+06 GV, which (the scenario|scenarios\['mine'\]) never releases"):
        BEYOND[name]([1, 4] * u.PV)


def test_what_is_never_released_is_not_there():
    """Nothing at a place, in a Galaxy, in the mean, in a count."""
    law, at = EscapeLaw(peak=100 * u.TeV), [30, 300] * u.TV
    assert single_source([30, 300] * u.TeV, **NEAR, scenario=law)[1] == 0
    assert np.all(field.spread([1] * u.Myr, at, scenario=law).value[0] * [0, 1] == 0)
    assert np.all(field.direct(FEW, at, *HERE, population=PEOPLE, scenario=law)[:, 1] == 0)
    mean = np.asarray(field.mean_field(at, population=PEOPLE, scenario=law).table)
    assert np.all(mean[..., 1] == 0)
    assert mean[..., 0].max() > 1
    assert np.all(planes.exceedance([0.1, 1], 300 * u.TV, scenario=law) == 0)


# --- The members


def test_members():
    assert EscapeLaw is escape.EscapeLaw
    assert np.array_equal(Burst().escape_time([[1, 2]] * u.TeV), [[0, 0]] * u.yr)
    for law in (Burst(), LAW, Suppression(release=LAW), Suppression(release=Own())):
        assert release.one(law) is law
    assert repr(pickle.loads(pickle.dumps(Suppression(release=LAW)))) == repr(Suppression(release=LAW))
    with pytest.raises(TypeError, match="escape_time"):
        type("Without", (Release,), {})()


def test_slow_diffusion_after_any_release():
    """Λ of the Green's function's own formula, whatever the release; the clock of a release that is slow itself."""
    since, halo = [0, 1e-3, 0.05, 3] * u.Myr, Halo()
    slow = Suppression(factor=30, recovery=20 * u.kyr, release=LAW)
    expected = suppressed_spread(since, kappa=halo.kappa(10 * u.TV), suppression=30, recovery=20 * u.kyr)
    np.testing.assert_allclose(slow.spread(since, 10 * u.TV, halo).value, expected.value, rtol=1e-13)
    assert np.array_equal(slow.escape_time([1, 100] * u.TeV), LAW.escape_time([1, 100] * u.TeV))
    twice = Suppression(factor=2, recovery=1e9 * u.Myr, release=Suppression(factor=3, recovery=1e9 * u.Myr))
    share = twice.spread(1 * u.Myr, 1 * u.TV, halo) / (halo.kappa(1 * u.TV) * u.Myr)
    assert share.to_value("") == pytest.approx(1 / 6, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"factor": 0.5}, ValueError, "factor must be at least 1"),
        ({"factor": [1, 2]}, ValueError, "factor must be one value"),
        ({"recovery": [1, 2] * u.kyr}, ValueError, "recovery must be one value"),
        ({"recovery": 50}, u.UnitConversionError, "recovery"),
        ({"release": None}, ValueError, "release must be a scenario.*got None"),
    ],
)
def test_bad_suppression(arguments, error, words):
    with pytest.raises(error, match=words):
        Suppression(**arguments)


# --- Marks in the course of an escape time


def test_bends_are_found_to_rounding():
    assert release.course(EscapeLaw(floor=12.3 * u.TeV)).bends == ((12300.0, 12300.0),)
    assert release.course(EscapeLaw()).bends == release.course(Burst()).bends == ()
    marks = release.course(LAW)
    assert marks.pauses == (pytest.approx(LAW.end.to_value(u.Myr), rel=1e-14),)
    assert (marks.highest, marks.first) == pytest.approx((3e6, 300e-6), rel=1e-11)
    assert release.course(EscapeLaw(floor=5 * u.PeV)).pauses == (pytest.approx(300e-6),)


def test_jumps_kinks_and_smooth_bends():
    jump = Answers(lambda E: np.where((E / u.TeV).to_value("") < 1.234, 100, 1) * u.kyr)
    ((low, high),) = release.course(jump).bends
    assert (low, high) == pytest.approx((1234, 1234), rel=1e-14)
    assert release.times(jump, np.array([low, high])).tolist() == [0.1, 0.001]
    smooth = Answers(lambda E: np.exp(-np.arctan(np.log((E / u.TeV).to_value("")))) * u.kyr)
    assert release.course(smooth).bends == ()
    narrow = Answers(lambda E: np.exp(-np.arctan(np.log((E / u.TeV).to_value("")) / 1e-3)) * u.kyr)
    assert release.course(narrow).bends[0] == pytest.approx((1000, 1000), rel=0.02)
    curved = Answers(
        lambda E: np.exp(-(np.maximum(np.log(E / (7 * u.TeV)), 0) ** 2) - np.abs(np.log(E / u.TeV))) * u.kyr
    )
    assert release.course(curved).bends[0] == pytest.approx((1000, 1000), rel=1e-6)


def test_threshold_of_any_order():
    """The lowest energy that has left, where the highest leave first, last, or in the middle."""
    last = Answers(lambda E: (E / u.TeV).to_value("") * u.kyr)
    assert np.all(threshold([1, 20] * u.kyr, last) == 0)
    middle = Answers(lambda E: np.exp(np.log(E / u.TeV) ** 2) * u.kyr)
    assert threshold(20 * u.kyr, middle).to_value(u.TeV) == pytest.approx(np.exp(-np.sqrt(np.log(20))), rel=1e-9)
    assert threshold(0.5 * u.kyr, middle) == np.inf
    assert threshold(1 * u.yr, Burst()) == 0


# --- Spectra of any law


SMOOTH = {
    "slow": Suppression(),
    "slow after escape": Suppression(factor=10, recovery=1 * u.Myr, release=LAW),
    "a power of time": Answers(area=lambda t, R, halo: halo.kappa(R) * 1 * u.Myr * (t / u.Myr).to_value("") ** 1.5),
    "the lowest first": Answers(lambda E: (E / u.GeV).to_value("") ** 0.3 * u.kyr),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_spectra_are_direct_sums_of_greens_functions(name):
    """Ages from 1 kyr, all rigidities: 1e-6 of each source where it adds anything."""
    law, rng = SMOOTH[name], np.random.default_rng(0)
    rho, T = rng.uniform(0.05, 10, 200) * u.kpc, 10 ** rng.uniform(-3, 2, 200) * u.Myr
    since = np.maximum(T[:, None] - law.escape_time(GRID.value * u.GeV), 0 * u.yr)
    wide = np.where(since > 0, law.spread(since, GRID, GALAXY.halo).to_value(u.kpc**2), 0) * u.kpc**2
    mean = RATE * 5 * u.kpc / (2 * GALAXY.halo.kappa(GRID))
    expected = (green(rho[:, None], wide) / mean).to_value("")
    found = single_spectra(GALAXY, GRID, distance=rho, age=T, scenario=law)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    both = sum_of_sources(GALAXY, GRID, distance=rho, age=T, scenarios={"burst": Burst(), "mine": law})
    np.testing.assert_allclose(both[1], expected.sum(axis=0), rtol=1e-6)


def exact_mean(law, k):
    """2κ/h ∫ Θ(Λ/h²)/h dτ by panels that begin early."""
    node, weight = np.polynomial.legendre.leggauss(12)
    edges = np.r_[0, np.geomspace(1e-14, 1e4, 360)]
    half = np.diff(edges)[:, None] / 2
    tau, dtau = (edges[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()
    s = law.spread(tau * u.Myr, GRID[k], GALAXY.halo).to_value(u.kpc**2) / 25
    return float(
        (dtau * np.where(s < 30, theta(np.clip(s, 1e-30, 30)), 0)).sum() * 2 * GALAXY.halo.kappa(GRID[k]).value / 25
    )


@pytest.mark.parametrize("name", ["slow", "slow after escape", "the lowest first"])
def test_the_mean_of_any_law_is_kept(name):
    """Rest plus what is drawn, ∫ Θ/h [1 - exp(-r²/4Λ)] dτ within each distance: 5e-4 of the mean by quadrature."""
    law, scenarios = SMOOTH[name], {"burst": Burst(), "mine": SMOOTH[name]}
    simulator = prepare(GALAXY, GRID, scenarios=scenarios)
    near2 = np.interp(simulator.inside, simulator.within, simulator.distance2)
    node, weight = np.polynomial.legendre.leggauss(20)
    for i in range(0, 31, 10):
        delay, drawn = simulator.delay[1, i], 0.0
        for a, b, r2 in zip(simulator.edges, simulator.edges[1:], near2, strict=False):
            if r2 == 0 or b <= delay:
                continue
            low, high = max(a - delay, 0), b - delay
            edges = np.r_[low, np.geomspace(max(low, 1e-12 * high), high, 60)]
            half = np.diff(edges)[:, None] / 2
            tau, dtau = (edges[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()
            wide = np.maximum(law.spread(tau * u.Myr, GRID[i], GALAXY.halo).to_value(u.kpc**2), 1e-25)
            drawn += (dtau * theta(wide / 25) / 5 * -np.expm1(-np.minimum(r2 / (4 * wide), 700))).sum()
        mean = simulator.rest[1, i] + drawn * 2 * simulator.kappa[i] * 25 / 5
        assert mean == pytest.approx(exact_mean(law, i), rel=5e-4)
    if name.startswith("slow"):
        assert exact_mean(law, 20) > 1.3
    alone = prepare(GALAXY, GRID, scenarios={"burst": Burst()})
    assert np.median(alone.realisations(400, seed=2, progress=False)[:, 0]) == pytest.approx(
        np.median(simulator.realisations(400, seed=3, progress=False)[:, 0]), rel=0.02
    )


def test_quantiles_are_those_of_brute_force():
    """Quantiles of 1500 Galaxies with slow diffusion are those of 500 in which each source is added."""
    law, high = SMOOTH["slow"], [100, 300] * u.TV
    x = prepare(GALAXY, high, scenarios={"mine": law}).realisations(1500, seed=4, progress=False)[:, 0]
    oldest, farthest, n = 2.0, 15.0, 500
    rng = np.random.default_rng(4)
    mean = RATE.to_value(1 / (u.kpc**2 * u.Myr)) * np.pi * farthest**2 * oldest
    brute = np.empty((n, 2))
    for i in range(n):
        keep = rng.poisson(mean)
        rho, T = farthest * np.sqrt(rng.random(keep)) * u.kpc, oldest * rng.random(keep) * u.Myr
        brute[i] = sum_of_sources(GALAXY, high, distance=rho, age=T, scenarios={"mine": law})[0]
    for p in (0.16, 0.5, 0.84):
        off = 4 * np.sqrt(p * (1 - p) / n)
        for k in range(2):
            low, top = np.quantile(brute[:, k], [max(p - off, 0), p + off])
            assert low - 0.005 < np.quantile(x[:, k], p) < top + 0.005


@pytest.mark.parametrize("name", ["the lowest first", "a jump", "slow after escape"])
def test_the_rest_of_any_law_has_campbells_variance(name):
    """Interpolated modes against the integral done afresh at each rigidity, next to the jump as well."""
    law = (SMOOTH | {"a jump": Answers(lambda E: np.where((E / u.TeV).to_value("") < 12.34, 100, 1) * u.kyr)})[name]
    simulator = prepare(GALAXY, GRID, scenarios={"mine": law})
    laws = {"mine": law}
    _, tables = spectra._tables(GALAXY, GRID, laws)
    edges = spectra._ages(tables.kappa, spectra._latest(GALAXY, GRID.value, laws, tables.delay), [release.course(law)])
    near = np.zeros(edges.size - 1)
    near[: simulator.inside.size] = np.sqrt(np.interp(simulator.inside, simulator.within, simulator.distance2)) / 5
    quadrature = spectra._quadrature(GALAXY, edges, near)
    values, _ = spectra._campbell(quadrature, tables.of(0), 0.0)
    variance = np.einsum("q,qe->e", quadrature[2], values**2)
    assert (simulator.modes**2).sum(axis=0) == pytest.approx(variance, rel=2e-3)


def test_particles_that_never_leave_the_halo_are_refused():
    stuck = Answers(area=lambda t, R, halo: halo.kappa(R) * np.minimum(t, 1 * u.kyr))
    for call in (lambda: prepare(GALAXY, GRID, scenarios={"stuck": stuck}), lambda: EVERY["mean_field"](stuck)):
        with pytest.raises(ValueError, match="must grow until particles have left the halo"):
            call()


def test_any_workers_give_the_same_bits_for_slow_diffusion():
    simulator = prepare(GALAXY, GRID, scenarios={"burst": Burst(), "slow": Suppression()})
    again = pickle.loads(pickle.dumps(simulator))
    assert np.array_equal(simulator.realisation(3, seed=1), again.realisation(3, seed=1))


# --- Emission


def test_a_delay_changes_no_mean_and_no_count():
    mean, count = (lambda s: EVERY["mean_field"](s)), (lambda s: EVERY["exceedance"](s))
    assert np.array_equal(mean(LAW), mean(Burst()))
    assert np.array_equal(count(LAW), count(Burst()))
    np.testing.assert_allclose(mean(Suppression(release=LAW)), mean(Suppression()), rtol=1e-12)


@pytest.mark.parametrize("law", [Suppression(), Suppression(factor=10, recovery=1e6 * u.Myr)])
def test_the_mean_field_is_converged(law, monkeypatch):
    """Twice as many panels and nodes: 1e-5 of the mean. Slow for ever, by ten, it is ten times that of a burst."""
    at = np.zeros(2), np.array([8.5, 4.0]), np.array([0.0, 0.5])
    mean = field.mean_field(R, population=PEOPLE, scenario=law).values(*at)
    monkeypatch.setattr(field, "_PANELS", 2 * field._PANELS)
    monkeypatch.setattr(field, "_NODES", 2 * field._NODES)
    np.testing.assert_allclose(field.mean_field(R, population=PEOPLE, scenario=law).values(*at), mean, rtol=1e-5)
    if law.factor == 10:
        burst = field.mean_field(R, population=PEOPLE, size=0 * u.pc).values(*at)
        points = field.mean_field(R, population=PEOPLE, scenario=law, size=0 * u.pc).values(*at)
        np.testing.assert_allclose(points, 10 * burst, rtol=3e-4)


def test_the_window_is_long_enough_for_late_and_slow_laws():
    late, slow = EscapeLaw(slope=0.6), Suppression(recovery=2 * u.Myr)
    burst = field.window(R)
    assert burst == field.window(R, scenario=Suppression()) == field.window(R, scenario=LAW)
    for law in (late, slow):
        span = field.window(R, scenario=law)
        assert span > burst
        assert np.all(field.spread(span.reshape(1), R, scenario=law) >= 3 * (5 * u.kpc) ** 2)
    simulator = planes.prepare({"burst": Burst(), "slow": slow}, **RAYS)
    assert simulator.span == field.window(RAYS["rigidity"], scenario=slow)


def test_credit_reads_no_attribute():
    """Nothing of a law is looked at but the two methods."""

    class Bare:
        __slots__ = ()
        escape_time = Own.escape_time
        spread = Own.spread

        def __getattr__(self, name):
            raise AssertionError(f"{name} was looked at")

    for call in EVERY.values():
        call(Bare())
    assert credit.source_count(10 * u.TeV) > 0


@dataclasses.dataclass(frozen=True)
class Wavy(Release):
    """Leaves earlier and later three times in each e-fold of two."""

    def escape_time(self, energy):
        return (40 + 30 * np.sin(3 * np.log(energy.to_value(u.TeV)))) * u.kyr


@pytest.mark.parametrize(("distance", "age"), [(0.3, 40), (0.1, 20)])
def test_the_highest_of_many_features_is_found(distance, age):
    """A scan of the whole range in steps of 1e-5 finds no higher value, and the line that was found is one line."""
    place = {"distance": distance * u.kpc, "age": age * u.kyr, "scenario": Wavy()}
    found = feature(**place)
    energy = np.exp(np.linspace(np.log(10), np.log(3e6), 1_300_000)) * u.GeV
    x = single_source(energy, **place)
    assert 1 - 1e-9 < found.amplitude / x.max() < 1.001
    i = int(x.argmax())
    low = i - int(np.argmax(x[i::-1] < x[i] / 2))
    high = i + int(np.argmax(x[i:] < x[i] / 2))
    assert found.low.value == pytest.approx(energy[low].value, rel=1e-4)
    assert found.high.value == pytest.approx(energy[high].value, rel=1e-4)


@pytest.mark.parametrize(
    ("law", "lowest"),
    [(EscapeLaw(slope=0.5), 3e3), (EscapeLaw(slope=0.2), 3e3), (EscapeLaw(slope=0.3), 1e4)],
    ids=lambda value: getattr(value, "slope", ""),
)
def test_a_release_after_the_residence_time_is_refused(law, lowest):
    """Bins in age do not resolve it: realisations came out as 0, 2.6 or below zero where 1 is right."""
    with pytest.raises(ValueError, match=r"rigidity must be released within .* scenarios\['late'\] releases after"):
        prepare(Galaxy(), np.geomspace(lowest, 10 * lowest, 20) * u.GV, scenarios={"late": law})


@pytest.mark.parametrize("wrong", [HaloModel(), Halo, 5 * u.kpc, "tall"], ids=["model", "class", "height", "word"])
@pytest.mark.parametrize(
    "call",
    [
        lambda halo: single_source(1 * u.TeV, distance=1 * u.kpc, age=1 * u.Myr, halo=halo),
        lambda halo: source_count(1 * u.TeV, halo=halo),
        lambda halo: Galaxy(halo=halo),
        lambda halo: field.spread(1 * u.Myr, 1 * u.TV, halo=halo),
        lambda halo: field.window(1 * u.TV, halo=halo),
        lambda halo: field.missing(1 * u.Myr, 1 * u.TV, halo=halo),
        lambda halo: field.mean_field([1] * u.TV, population=Population("Ferriere"), halo=halo),
        lambda halo: planes.exceedance(1.0, 1 * u.TV, halo=halo),
    ],
    ids=["single_source", "source_count", "Galaxy", "spread", "window", "missing", "mean_field", "exceedance"],
)
def test_what_is_no_halo_is_refused(call, wrong):
    with pytest.raises(ValueError, match=r"halo must be a crlab\.galaxy\.Halo, got"):
        call(wrong)


def test_a_complex_time_is_refused():
    class Odd(Release):
        def escape_time(self, energy):
            return 1j * np.ones(energy.shape) * u.yr

    with pytest.raises(ValueError, match="escape_time of Odd must be a real number"):
        single_source([1, 2] * u.TeV, distance=1 * u.kpc, age=1 * u.Myr, scenario=Odd())
