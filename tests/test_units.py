"""Units at the border: every refusal names the argument, and kinematics is right in every variable."""

import re

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.constants import physical_constants

from crlab.units import (
    Nucleus,
    density,
    intensity,
    kinematics,
    nucleon,
    nucleus,
    species_equivalencies,
    take,
)

SPECIES = ["p", "pbar", "4He", "12C", "56Fe", "e-", "e+"]
VARIABLES = ["rigidity", "momentum", "kinetic_energy", "energy_per_nucleon", "total_energy"]
# Twelve decades of rigidity in GV, from far below the rest energy of any nucleus to beyond the knee.
rigidities = st.floats(-3, 9).map(lambda exponent: 10.0**exponent)
species = st.sampled_from(SPECIES)


# take


@pytest.mark.parametrize(
    ("value", "unit", "options", "message"),
    [
        (1.0, "cm", {}, "length must be a quantity in units like cm, got the bare value 1.0"),
        ([1, 2], u.cm, {}, "length must be a quantity in units like cm, got the bare value [1, 2]"),
        ("1 cm", "cm", {}, "length must be a quantity in units like cm, got the bare value '1 cm'"),
        (None, "cm", {}, "length must be a quantity in units like cm, got the bare value None"),
        (1 * u.s, "cm", {}, "length must be in units like cm, got s"),
        (1 * u.s, "", {}, "length must be a pure number, got s"),
        (1 * u.GV, "GeV", {}, "length must be in units like GeV, got GV"),
        (1 * u.GeV, u.GeV / nucleon, {}, "length must be in units like GeV / nucleon, got GeV"),
    ],
)
def test_take_refuses_other_dimensions(value, unit, options, message) -> None:
    with pytest.raises(u.UnitConversionError, match=f"^{re.escape(message)}$"):
        take("length", value, unit, **options)


@pytest.mark.parametrize(
    ("value", "unit", "options", "message"),
    [
        ("1", "", {}, "x must be a real number or an array of them, got '1'"),
        (None, "", {}, "x must be a real number or an array of them, got None"),
        (True, "", {}, "x must be a real number or an array of them, got True"),
        (1j, "", {}, "x must be a real number or an array of them, got 1j"),
        (1j * u.cm, "cm", {}, "x must be a real number or an array of them, got <Quantity 0.+1.j cm>"),
        ([[1, 2], [3]], "", {}, "x must be a real number or an array of them, got [[1, 2], [3]]"),
        ([1 * u.cm], "", {}, "x must be a real number or an array of them, got [<Quantity 1. cm>]"),
        ({}, "", {}, "x must be a real number or an array of them, got {}"),
        ([], "", {}, "x must hold at least one value, got an empty array"),
        ([] * u.cm, "cm", {}, "x must hold at least one value, got an empty array"),
        (np.nan, "", {}, "x must be finite, got nan"),
        ([1, np.nan] * u.cm, "cm", {}, "x must be finite, got nan cm"),
        ([1, -np.inf] * u.cm, "cm", {}, "x must be finite, got -inf cm"),
        ([3, 0] * u.m, "cm", {"positive": True}, "x must be positive, got 0 cm"),
        ([3, -2] * u.m, "cm", {"non_negative": True}, "x must be zero or positive, got -200 cm"),
        (-2, "", {"positive": True}, "x must be positive, got -2"),
    ],
)
def test_take_refuses_bad_values(value, unit, options, message) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as caught:
        take("x", value, unit, **options)
    assert not isinstance(caught.value, u.UnitsError)


def test_take_refuses_masked_values() -> None:
    with pytest.raises(ValueError, match=r"^x must hold no masked values"):
        take("x", np.ma.array([1.0, 2.0], mask=[False, True]), "")


def test_take_accepts_what_is_allowed() -> None:
    assert take("x", 0 * u.cm, "cm", non_negative=True) == 0
    assert take("x", -1 * u.cm, "cm") == -1
    assert take("x", 5 * u.percent, "") == 0.05
    assert take("x", np.float32(2) * u.m, "cm").dtype == np.float64
    assert take("x", [1, 2], "").dtype == np.float64
    assert take("x", np.ones((2, 3)) * u.cm, "m").shape == (2, 3)
    assert take("x", np.ma.array([1.0, 2.0]), "").tolist() == [1, 2]


@pytest.mark.parametrize("value", [np.arange(3.0), np.arange(3.0) * u.cm])
def test_take_returns_a_copy(value) -> None:
    unit = getattr(value, "unit", "")
    kept = value.copy()
    taken = take("x", value, unit)
    taken += 1
    assert np.all(value == kept)


# nucleus


@pytest.mark.parametrize("name", ["", "proton", "C12", "12c", "12Xx", "12H", "5C", "0H", "-1H", None, 12, ["p"]])
def test_nucleus_refuses_unknown_names(name) -> None:
    with pytest.raises(ValueError, match=r"^nucleus must be one of p, .*got "):
        nucleus(name)


def test_masses_are_those_of_codata() -> None:
    def codata(particle: str) -> float:
        return physical_constants[f"{particle} mass energy equivalent in MeV"][0] / 1000

    assert_allclose(nucleus("p").mass, codata("proton"), rtol=1e-9)
    assert nucleus("1H").mass == nucleus("pbar").mass == nucleus("p").mass
    assert_allclose(nucleus("e-").mass, codata("electron"), rtol=1e-9)
    assert_allclose(nucleus("2H").mass, codata("deuteron"), rtol=7e-3)
    assert_allclose(nucleus("3He").mass, codata("helion"), rtol=7e-3)
    assert_allclose(nucleus("4He").mass, codata("alpha particle"), rtol=3e-3)


def test_nucleus_knows_charge_and_mass_number() -> None:
    assert (nucleus("56Fe").Z, nucleus("56Fe").A) == (26, 56)
    assert (nucleus("e-").Z, nucleus("e-").A) == (-1, 0)
    own = Nucleus("strangelet", 5, 20, 18.0)
    assert nucleus(own) is own


# kinematics


@settings(deadline=None)
@given(species, rigidities, st.sampled_from(VARIABLES))
def test_round_trip_through_every_variable(name, value, variable) -> None:
    state = kinematics(name, rigidity=value * u.GV)
    given_value = getattr(state, variable)
    if given_value is None:
        assert state.species.A == 0
        return
    back = kinematics(name, **{variable: given_value})
    # The total energy of a slow particle is nearly all rest energy: dp/p = (E/p)² dE/E.
    loss = float(state.beta) ** -2 if variable == "total_energy" else 1
    for other in ("rigidity", "momentum", "beta"):
        assert_allclose(getattr(back, other), getattr(state, other), rtol=1e-14 * loss + 1e-13)
    assert_allclose(back.kinetic_energy, state.kinetic_energy, rtol=1e-14 * loss + 1e-13)


@settings(deadline=None)
@given(species, rigidities)
def test_energies_momentum_and_speed_belong_together(name, value) -> None:
    state = kinematics(name, rigidity=value * u.GV)
    mass = state.species.mass * u.GeV
    pc = (state.momentum * const.c).to(u.GeV)
    assert_allclose(pc.value, abs(state.species.Z) * value, rtol=1e-14)
    assert_allclose((state.total_energy**2).value, (pc**2 + mass**2).value, rtol=1e-14)
    assert_allclose((state.kinetic_energy + mass).value, state.total_energy.value, rtol=1e-14)
    assert_allclose(state.beta.value, (pc / state.total_energy).value, rtol=1e-14)
    assert 0 < state.beta <= 1
    if state.species.A:
        per_nucleon = state.energy_per_nucleon.to_value(u.GeV / nucleon)
        assert_allclose(per_nucleon, state.kinetic_energy.value / state.species.A, rtol=1e-14)


@pytest.mark.parametrize("name", SPECIES)
def test_slow_and_fast_limits(name) -> None:
    mass = nucleus(name).mass
    slow = kinematics(name, momentum=1e-6 * mass * u.GeV / const.c)
    assert_allclose(slow.kinetic_energy.value, 0.5e-12 * mass, rtol=1e-11)  # p²/2m
    assert_allclose(slow.beta.value, 1e-6, rtol=1e-11)
    fast = kinematics(name, momentum=1e6 * mass * u.GeV / const.c)
    assert_allclose(fast.kinetic_energy.value, (1e6 - 1) * mass, rtol=1e-11)
    assert_allclose(1 - fast.beta.value, 0.5e-12, rtol=1e-3)  # m²/2p²


@settings(deadline=None)
@given(species, st.floats(-3, 6).map(lambda exponent: 10.0**exponent))
def test_slope_of_rigidity_against_energy(name, energy) -> None:
    step = 1e-4 * energy

    def rigidity(kinetic: float) -> float:
        return kinematics(name, kinetic_energy=kinetic * u.GeV).rigidity.to_value(u.GV)

    slope = (rigidity(energy + step) - rigidity(energy - step)) / (2 * step)
    state = kinematics(name, kinetic_energy=energy * u.GeV)
    assert_allclose(state.rigidity_per_energy.to_value(u.GV / u.GeV), slope, rtol=1e-7)


def test_a_particle_at_rest() -> None:
    for variable in ("rigidity", "momentum", "kinetic_energy"):
        unit = {"rigidity": u.GV, "momentum": u.GeV / const.c, "kinetic_energy": u.GeV}[variable]
        assert kinematics("p", **{variable: 0 * unit}).beta == 0
    rounded = np.nextafter(nucleus("p").mass, [0, 1]) * u.GeV  # the last bit down and up
    assert np.all(kinematics("p", total_energy=rounded).beta < 1e-7)


def test_kinematics_keeps_shapes_and_takes_other_units() -> None:
    state = kinematics("12C", rigidity=np.full((2, 3), 1.0) * u.TV)
    assert state.total_energy.shape == (2, 3)
    assert_allclose(state.momentum.to_value(u.TeV / const.c), 6)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("p", {}, "give exactly one of rigidity, .* got none"),
        ("p", {"rigidity": 1 * u.GV, "momentum": 1 * u.GeV / const.c}, "got rigidity, momentum"),
        ("p", {"rigidity": 1.0}, "^rigidity must be a quantity in units like GV"),
        ("p", {"rigidity": 1 * u.GeV}, "^rigidity must be in units like GV, got GeV"),
        ("p", {"rigidity": -1 * u.GV}, "^rigidity must be zero or positive"),
        ("p", {"momentum": np.nan * u.GeV / const.c}, "^momentum must be finite"),
        ("p", {"kinetic_energy": [] * u.GeV}, "^kinetic_energy must hold at least one"),
        ("p", {"energy_per_nucleon": 1 * u.GeV}, "^energy_per_nucleon must be in units like GeV / nucleon"),
        ("e-", {"energy_per_nucleon": 1 * u.GeV / nucleon}, "^energy_per_nucleon has no meaning for e-"),
        ("p", {"total_energy": [2.0, 0.9] * u.GeV}, "^total_energy must be at least .* 0.9383 GeV, got 0.9"),
        ("X", {"rigidity": 1 * u.GV}, "^nucleus must be"),
    ],
)
def test_kinematics_refuses(name, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        kinematics(name, **arguments)


# equivalencies


@pytest.mark.parametrize("name", ["p", "4He", "12C", "e-"])
@settings(deadline=None)
@given(value=rigidities)
def test_equivalencies_agree_with_kinematics_both_ways(name, value) -> None:
    state = kinematics(name, rigidity=value * u.GV)
    forms = [state.rigidity, state.momentum, state.kinetic_energy]
    if state.species.A:
        forms.append(state.energy_per_nucleon)
    for source in forms:
        for target in forms:
            found = source.to(target.unit, equivalencies=species_equivalencies(name))
            assert_allclose(found.value, target.value, rtol=1e-12)


def test_equivalencies_take_prefixes_and_arrays() -> None:
    energies = [1, 10] * u.TeV / nucleon
    found = energies.to(u.TV, equivalencies=species_equivalencies("4He"))
    assert_allclose(found, kinematics("4He", energy_per_nucleon=energies).rigidity.to(u.TV), rtol=1e-12)
    kinetic = take("energy", energies, u.TeV, equivalencies=species_equivalencies("4He"))
    assert_allclose(kinetic, [4, 40], rtol=1e-12)


def test_equivalencies_do_not_invent_nucleons() -> None:
    with pytest.raises(u.UnitConversionError):
        (1 * u.GV).to(u.GeV / nucleon, equivalencies=species_equivalencies("e-"))
    with pytest.raises(ValueError, match=r"^nucleus must be"):
        species_equivalencies("X")


# intensity and density


@pytest.mark.parametrize("per", [u.GeV, u.GV, u.GeV / nucleon])
@settings(deadline=None)
@given(value=st.floats(1e-20, 1e10), beta=st.floats(1e-4, 1))
def test_intensity_and_density_are_inverse(per, value, beta) -> None:
    start = value / (u.m**2 * u.s * u.sr * per)
    n = density(start, beta=beta)
    assert n.unit == 1 / (u.cm**3 * per)
    back = intensity(n, beta=beta)
    assert back.unit == start.unit
    assert_allclose(back.value, value, rtol=1e-13)


def test_density_by_hand() -> None:
    found = density([1.0, 1.0] / (u.m**2 * u.s * u.sr * u.GeV), beta=[1.0, 0.5])
    by_hand = 4 * np.pi / 299792458 * 1e-6  # per m² and s, over c in m/s, from m³ to cm³
    assert_allclose(found.to_value(1 / (u.cm**3 * u.GeV)), [by_hand, 2 * by_hand], rtol=1e-14)


@pytest.mark.parametrize(
    ("function", "argument", "unit"),
    [
        (density, "intensity", 1 / (u.m**2 * u.s * u.sr * u.GeV)),
        (intensity, "density", 1 / (u.cm**3 * u.GeV)),
    ],
)
@pytest.mark.parametrize(
    ("make", "beta", "message"),
    [
        (lambda unit: 1.0, 1, "{argument} must be a quantity"),
        (lambda unit: 1 * unit * u.s, 1, "{argument} must be in units like"),
        (lambda unit: np.nan * unit, 1, "{argument} must be finite"),
        (lambda unit: 1 * unit, 0, "beta must be positive"),
        (lambda unit: 1 * unit, [0.5, 1.5], "beta must be at most 1, got 1.5"),
        (lambda unit: 1 * unit, 1 * u.km / u.s, "beta must be a pure number, got km / s"),
    ],
)
def test_intensity_and_density_refuse(function, argument, unit, make, beta, message) -> None:
    with pytest.raises(ValueError, match=f"^{message.format(argument=argument)}"):
        function(make(unit), beta=beta)
