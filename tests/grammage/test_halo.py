"""The thin-disc halo: published values, limits, conservation, and the diffusion equation solved on a grid."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_banded

from crlab.galaxy import Break, Halo
from crlab.grammage.chain import Network, cross_sections, network
from crlab.grammage.halo import HaloModel, halo_profile
from crlab.grammage.pathlength import leaky_box
from crlab.units import kinematics, nucleon

GRAM = u.g / u.cm**2
PER_NUCLEON = u.GeV / nucleon
MODEL = HaloModel()


def inert(*species, decay=None):
    """Return a network whose nuclei do not interact; `decay` = (parent, daughter, half-life)."""
    n = len(species)
    half_life, decays_to = np.full(n, np.inf), [-1] * n
    if decay:
        parent, daughter, time = decay
        half_life[species.index(parent)] = time.to_value(u.Myr)
        decays_to[species.index(parent)] = species.index(daughter)
    return Network(species, np.zeros(n) / GRAM, np.zeros((n, n)) / GRAM, half_life * u.Myr, tuple(decays_to))


def test_grammage_of_the_reference_halo():
    # 4.9 g/cm2 for h = 100 pc, n = 1 per cm3, m = 1.7e-24 g, H = 5 kpc, κ = 5e28 cm2/s, all rounded.
    model = HaloModel(Halo(kappa0=5e28 * u.cm**2 / u.s, height=5 * u.kpc))
    assert model.grammage(10 * u.GV).to_value(GRAM) == pytest.approx(4.9, abs=0.06)
    by_hand = 2 * 100 * u.pc * 1.7e-24 * u.g / u.cm**3 * const.c * 5 * u.kpc / (2 * 5e28 * u.cm**2 / u.s)
    assert model.grammage(10 * u.GV).to_value(GRAM) == pytest.approx(by_hand.to_value(GRAM), rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    R=st.floats(0.1, 1e6),
    delta=st.floats(0, 1),
    height=st.floats(0.5, 20),
    kappa=st.floats(1e27, 1e30),
    column=st.floats(1e-4, 1e-2),
)
def test_grammage_scales_as_its_formula(R, delta, height, kappa, column):
    halo = Halo(kappa0=kappa * u.cm**2 / u.s, delta=delta, height=height * u.kpc)
    model = HaloModel(halo, surface_density=column * GRAM)
    X0 = (column * GRAM * const.c * height * u.kpc / (2 * kappa * u.cm**2 / u.s)).to_value(GRAM)
    assert model.grammage(R * u.GV).value == pytest.approx(X0 * (R / 10) ** -delta, rel=1e-9)


def test_beta_is_in_the_diffusion_coefficient_but_not_in_the_grammage():
    R = [0.5, 10] * u.GV
    kappa = MODEL.halo.kappa(R, species="12C")
    v = kinematics("12C", rigidity=R).beta * const.c
    X = MODEL.surface_density * v * MODEL.halo.height / (2 * kappa)
    np.testing.assert_allclose(X.to_value(GRAM), MODEL.grammage(R).to_value(GRAM), rtol=1e-12)


@pytest.mark.parametrize("change", [0.2, -0.15])
def test_break_changes_the_index_and_nothing_at_10_gv(change):
    model = HaloModel(Halo(delta=0.5, breaks=Break(3e3 * u.GV, change)))
    ln_x = np.log(model.grammage([1, 1.01, 1e7, 1.01e7] * u.GV).value)
    slopes = -np.diff(ln_x)[[0, 2]] / np.log(1.01)
    np.testing.assert_allclose(slopes, [0.5, 0.5 - change], atol=1e-3)
    assert model.grammage(10 * u.GV) == HaloModel(Halo(delta=0.5)).grammage(10 * u.GV)


def test_stable_nuclei_of_one_charge_to_mass_ratio_are_a_leaky_box():
    table = cross_sections()
    names = ["16O", "14N", "12C", "10B", "6Li"]
    keep = [p in names and d in [*names, "total"] for p, d in table["parent", "daughter"]]
    chain = network(table=table[keep])
    sources = {"16O": 1.0, "12C": 0.8}
    model = HaloModel(chain=chain, sources=sources, source_grammage=0.4 * GRAM)
    T = 30 * PER_NUCLEON
    X = model.grammage(kinematics("12C", energy_per_nucleon=T).rigidity)
    expected = leaky_box(X, sources, chain, shortest=0.4 * GRAM)
    N = model.densities(T)
    np.testing.assert_allclose(N / N.sum(), expected / expected.sum(), rtol=1e-10)


def test_primaries_that_do_not_interact_keep_their_source_ratio_at_equal_rigidity():
    # n ∝ q / κ, J = v n and κ ∝ β: A/Z and β must drop out, also where nuclei are slow.
    model = HaloModel(chain=inert("12C", "11B", "1H"), sources={"12C": 1.0, "11B": 0.3, "1H": 5.0})
    R = [0.3, 1, 10, 1e3] * u.GV
    np.testing.assert_allclose(model.ratio("11B", "12C", rigidity=R), 0.3, rtol=1e-10)
    np.testing.assert_allclose(model.ratio("1H", "12C", rigidity=R), 5.0, rtol=1e-10)


def test_ratio_at_equal_energy_follows_from_the_spectrum_in_rigidity():
    model = HaloModel(chain=inert("12C", "11B"), sources={"12C": 1.0, "11B": 1.0}, source_index=2.2)
    # Ultrarelativistic: J(T) dT = J(R) dR with R = T A/Z, so the ratio is (A/Z / 2)^(1 - Γ - δ).
    ratio = model.ratio("11B", "12C", energy_per_nucleon=1e5 * PER_NUCLEON)
    assert ratio == pytest.approx((11 / 10) ** (1 - 2.2 - model.halo.delta), rel=1e-5)


def grid_solution(model, T, n=4000):
    """Solve the steady diffusion equation of 10Be and its daughter on 0 < z < H, source 1 of 10Be in the disc."""
    H = model.halo.height.to_value(u.cm)
    z, step = np.linspace(0, H, n + 1, retstep=True)
    states = {name: kinematics(name, energy_per_nucleon=T) for name in ("10Be", "10B")}
    kappa = {
        name: model.halo.kappa(state.rigidity, species=name).to_value(u.cm**2 / u.s) for name, state in states.items()
    }
    gamma = float(states["10Be"].total_energy / (states["10Be"].total_energy - states["10Be"].kinetic_energy))
    rate = np.log(2) / (1.39e6 * u.yr).to_value(u.s) / gamma
    profiles = {}
    for name, loss, halo_source, disc_source in (
        ("10Be", rate, None, 1.0),
        ("10B", 0.0, "10Be", 0.0),
    ):
        diagonal = np.full(n, 2 * kappa[name] / step**2 + loss)
        upper, lower = np.full(n, -kappa[name] / step**2), np.full(n, -kappa[name] / step**2)
        # Half a cell at the disc: its flux balance is half the source.
        diagonal[0] = kappa[name] / step**2 + loss / 2
        right = np.zeros(n) if halo_source is None else rate * profiles[halo_source][:n]
        right[0] = right[0] / 2 + disc_source / (2 * step)
        upper[0], lower[-1] = 0.0, 0.0
        bands = np.array([np.r_[0, np.full(n - 1, -kappa[name] / step**2)], diagonal, lower])
        profiles[name] = np.r_[solve_banded((1, 1), bands, right), 0.0]
    return z, profiles


@pytest.mark.parametrize("energy", [0.1, 1, 30])
@pytest.mark.parametrize("height", [1, 8])
def test_decay_agrees_with_the_diffusion_equation_on_a_grid(energy, height):
    chain = inert("10Be", "10B", decay=("10Be", "10B", 1.39 * u.Myr))
    model = HaloModel(Halo(height=height * u.kpc, delta=0.5), chain=chain, sources={"10Be": 1.0})
    T = energy * PER_NUCLEON
    z, numerical = grid_solution(model, T)
    N = model.densities(T)
    assert N[1] / N[0] == pytest.approx(numerical["10B"][0] / numerical["10Be"][0], rel=1e-4)
    length = model.decay_length("10Be", energy_per_nucleon=T)
    profile = halo_profile(z * u.cm, height=model.halo.height, decay_length=length)
    np.testing.assert_allclose(profile, numerical["10Be"] / numerical["10Be"][0], atol=1e-4)


def test_decay_only_moves_nuclei_along_the_chain():
    # With equal κ the sum of parent and daughter would be that without decay; 10B has 4/5 the A/Z of 10Be.
    species = ("10Be", "10B")
    decaying = inert(*species, decay=("10Be", "10B", 1.39 * u.Myr))
    T = [0.2, 5] * PER_NUCLEON
    N = HaloModel(chain=decaying, sources={"10Be": 1.0}).changed(delta=0.0).densities(T)
    stable = HaloModel(chain=inert(*species), sources={"10Be": 1.0}).changed(delta=0.0).densities(T)
    np.testing.assert_allclose(N.sum(axis=-1), stable[:, 0], rtol=1e-12)


def test_a_fast_clock_does_not_see_the_edge_and_a_slow_one_does_not_decay():
    def surviving(height, energy):
        ratio = HaloModel(Halo(height=height * u.kpc, delta=0.5)).ratio(
            "10Be", "9Be", energy_per_nucleon=energy * PER_NUCLEON
        )
        stable = HaloModel(Halo(height=height * u.kpc, delta=0.5), chain=replace(MODEL.chain, decays_to=(-1,) * 12))
        return ratio / stable.ratio("10Be", "9Be", energy_per_nucleon=energy * PER_NUCLEON)

    N = [
        HaloModel(
            Halo(height=height * u.kpc, delta=0.5),
            chain=inert("10Be", "10B", "9Be", decay=("10Be", "10B", 1.39 * u.Myr)),
            sources={"10Be": 1.0, "9Be": 1.0},
        ).densities(0.1 * PER_NUCLEON)
        for height in (4, 40)
    ]
    # N ∝ (1/X g)^-1 q with X/g = μ v l/(2κ): free of H, while the stable 9Be grows with H.
    assert N[1][0] == pytest.approx(N[0][0], rel=1e-6)
    assert N[1][2] == pytest.approx(10 * N[0][2], rel=1e-12)
    assert surviving(0.5, 1e5) == pytest.approx(1, abs=1e-3)
    assert surviving(5, 0.1) < 0.3


def test_profile_limits():
    z = np.linspace(-4, 4, 81) * u.kpc
    straight = halo_profile(z, height=4 * u.kpc)
    np.testing.assert_allclose(straight, 1 - np.abs(z.value) / 4)
    slow = halo_profile(z, height=4 * u.kpc, decay_length=1e4 * u.kpc)
    np.testing.assert_allclose(slow, straight, atol=1e-7)
    fast = halo_profile(z, height=4 * u.kpc, decay_length=0.01 * u.kpc)
    np.testing.assert_allclose(fast, np.exp(-np.abs(z.value) / 0.01), atol=1e-12)


def test_modulation_lowers_the_energy_and_keeps_phase_space_density():
    # Same A/Z: both lose the same energy, so the ratio is that of the interstellar energy.
    phi = 0.6 * u.GV
    outside = 1.0 + 0.6 / 2
    modulated = MODEL.ratio("10B", "12C", energy_per_nucleon=1.0 * PER_NUCLEON, modulation=phi)
    assert modulated == pytest.approx(
        float(MODEL.ratio("10B", "12C", energy_per_nucleon=outside * PER_NUCLEON)), rel=1e-12
    )


def test_modulated_intensity_has_its_closed_form():
    # J(T) / p² is that outside at T + φ Z/A, where J(T) ∝ R^-(Γ + δ) (A/Z) / β.
    model = HaloModel(chain=inert("12C", "7Be"), sources={"12C": 1.0, "7Be": 1.0}, source_index=2.4).changed(delta=0.4)
    per_p2 = {}
    for name, phi_per_nucleon in (("12C", 0.5 * 6 / 12), ("7Be", 0.5 * 4 / 7)):
        state = kinematics(name, energy_per_nucleon=(0.3 + phi_per_nucleon) * PER_NUCLEON)
        ratio = state.species.A / state.species.Z
        R, beta = state.rigidity.value, state.beta.value
        per_p2[name] = R**-2.8 * ratio / beta / (R / ratio) ** 2
    got = model.ratio("7Be", "12C", energy_per_nucleon=0.3 * PER_NUCLEON, modulation=0.5 * u.GV)
    assert got == pytest.approx(per_p2["7Be"] / per_p2["12C"], rel=1e-6)


def test_carbon_nitrogen_oxygen_are_those_measured():
    # Aguilar et al. (2021), with systematic errors of 2 to 3 per cent.
    R = [10.54, 20.28, 103.9, 309.9] * u.GV
    model = HaloModel(Halo(kappa0=3e28 * u.cm**2 / u.s, delta=0.5))
    np.testing.assert_allclose(model.ratio("C", "O", rigidity=R), [1.040, 0.997, 0.930, 0.903], rtol=0.05)
    np.testing.assert_allclose(model.ratio("N", "O", rigidity=R), [0.2681, 0.2392, 0.1627, 0.1405], rtol=0.05)


def test_boron_falls_as_the_grammage_where_that_is_small():
    R = [1e5, 1e6] * u.GV
    slope = np.diff(np.log(MODEL.ratio("B", "C", rigidity=R)))[0] / np.log(10)
    assert slope == pytest.approx(-MODEL.halo.delta, abs=5e-3)


def test_ratio_broadcasts():
    R = np.geomspace(10, 100, 6).reshape(2, 3) * u.GV
    grid = MODEL.ratio("Be", "B", rigidity=R)
    assert grid.shape == (2, 3)
    assert grid[1, 0] == pytest.approx(float(MODEL.ratio("Be", "B", rigidity=R[1, 0])), rel=1e-13)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("halo", 5 * u.kpc, ValueError),
        ("surface_density", 1e-3 * u.g, u.UnitConversionError),
        ("source_grammage", -1 * GRAM, ValueError),
        ("production", 0.0, ValueError),
        ("sources", {"12C": -1.0}, ValueError),
        ("sources", {"56Fe": 1.0}, ValueError),
        ("sources", {}, ValueError),
    ],
)
def test_bad_parameters_are_refused_by_name(name, value, error):
    with pytest.raises(error, match="56Fe" if "56Fe" in str(value) else name):
        HaloModel(**{name: value})


@pytest.mark.parametrize("bad", [0 * u.GV, -1 * u.GV, np.nan * u.GV, [] * u.GV])
def test_bad_rigidity_is_refused(bad):
    for call in (MODEL.grammage, lambda R: MODEL.ratio("B", "C", rigidity=R)):
        with pytest.raises(ValueError, match="rigidity"):
            call(bad)


def test_bad_requests_say_what_is_possible():
    energy = 1 * PER_NUCLEON
    with pytest.raises(ValueError, match="exactly one"):
        MODEL.ratio("B", "C")
    with pytest.raises(ValueError, match="exactly one"):
        MODEL.ratio("B", "C", rigidity=1 * u.GV, energy_per_nucleon=energy)
    with pytest.raises(ValueError, match=r"numerator .* 16O"):
        MODEL.ratio("Fe", "C", rigidity=1 * u.GV)
    with pytest.raises(ValueError, match="denominator"):
        MODEL.ratio("B", "", rigidity=1 * u.GV)
    with pytest.raises(ValueError, match="modulation"):
        MODEL.ratio("B", "C", rigidity=1 * u.GV, modulation=[1, 2] * u.GV)
    with pytest.raises(u.UnitConversionError, match="energy_per_nucleon"):
        MODEL.ratio("B", "C", energy_per_nucleon=1 * u.GeV)
    with pytest.raises(ValueError, match="9Be does not decay"):
        MODEL.decay_length("9Be", energy_per_nucleon=energy)
    with pytest.raises(ValueError, match="within the halo"):
        halo_profile(5 * u.kpc, height=4 * u.kpc)
    with pytest.raises(ValueError, match="single"):
        halo_profile(1 * u.kpc, height=[4, 5] * u.kpc)
