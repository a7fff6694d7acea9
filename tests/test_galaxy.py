"""The halo that all rooms share: its formula against long arithmetic, its limits, laws of one's own, and the frame."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Galactic, Galactocentric, SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from crlab import data
from crlab.diffusion.green import green
from crlab.emission.density import density, direct, mean_field, spread, window
from crlab.emission.line_of_sight import positions
from crlab.galaxy import SUN, Break, Halo
from crlab.grammage.fit import fit_boron_to_carbon
from crlab.grammage.halo import HaloModel
from crlab.sources.credit import source_count
from crlab.sources.population import Catalogue, Population
from crlab.sources.spectra import Galaxy, prepare
from crlab.units import kinematics

KAPPA = u.kpc**2 / u.Myr
DIFFUSION = u.cm**2 / u.s
HARDENING = Break(312 * u.GV, change=0.2)
KNEE = Break(10 * u.TV, change=-0.1, width=0.25)


def slope(halo, rigidity):
    """Return the index of κ at a rigidity in GV."""
    R = np.array([rigidity, 1.001 * rigidity])
    return np.diff(np.log(halo.kappa(R * u.GV).value))[0] / np.log(1.001)


@pytest.mark.parametrize(
    ("rigidity", "halo", "expected"),
    [
        (10, Halo(), 0.1657192201771448),
        (1e5, Halo(), 41.62678606033186),
        (1000, Halo(kappa0=3e28 * DIFFUSION, delta=0.5, breaks=HARDENING), 0.7804864403710728),
        (312, Halo(breaks=HARDENING), 1.218448645010692),
        (2, Halo(kappa0=3e28 * DIFFUSION, delta=0.5, breaks=Break(4 * u.GV, -0.4, 0.1)), 0.0308232380657541),
        (1e6, Halo(breaks=[HARDENING, KNEE]), 52.26950498610127),
    ],
)
def test_kappa_is_that_of_long_arithmetic(rigidity, halo, expected) -> None:
    """40 digits from κ0 (R/10 GV)^δ Π [(1 + (R/R_b)^(1/w))/(1 + (10 GV/R_b)^(1/w))]^(-wΔ), in kpc2/Myr."""
    assert halo.kappa(rigidity * u.GV).to_value(KAPPA) == pytest.approx(expected, rel=1e-13)


def test_without_a_break_kappa_has_the_bits_of_one_expression() -> None:
    """Stored libraries of spectra rest on them."""
    R = np.geomspace(1, 1e7, 301)
    np.testing.assert_array_equal(Halo().kappa(R * u.GV).value, (5e28 * DIFFUSION).to_value(KAPPA) * (R / 10) ** 0.6)


def test_the_escape_time_of_the_talk() -> None:
    assert Halo().escape_time(10 * u.GV).to_value(u.Myr) == pytest.approx(75.43, rel=1e-3)
    times = Halo().escape_time([1, 10, 100, 1e3, 1e4, 1e5] * u.GV).to_value(u.Myr)
    np.testing.assert_allclose(times, [300.3, 75.43, 18.95, 4.759, 1.195, 0.3003], rtol=1e-3)


breaks = st.builds(
    lambda lg, change, width: Break(10**lg * u.GV, change, width),
    st.floats(0, 7),
    st.floats(-1, 1),
    st.floats(1e-6, 2),
)


@given(several=st.lists(breaks, max_size=3), kappa0=st.floats(1e27, 1e30), delta=st.floats(-1, 2))
def test_kappa0_is_kappa_at_10_gv_with_any_breaks(several, kappa0, delta) -> None:
    halo = Halo(kappa0=kappa0 * DIFFUSION, delta=delta, breaks=several)
    assert halo.kappa(10 * u.GV).to_value(DIFFUSION) == pytest.approx(kappa0, rel=1e-14)
    assert np.all(np.isfinite(halo.kappa(np.geomspace(0.1, 1e9, 50) * u.GV).value))


@given(several=st.lists(breaks, min_size=2, max_size=3))
def test_breaks_multiply(several) -> None:
    R = np.geomspace(0.1, 1e9, 50) * u.GV
    each = [Halo(breaks=one).kappa(R) / Halo().kappa(R) for one in several]
    together = Halo(breaks=several).kappa(R) / Halo().kappa(R)
    np.testing.assert_allclose(together, np.prod([e.value for e in each], axis=0), rtol=1e-12)


@given(bend=st.builds(lambda c, w: Break(1 * u.TV, c, w), st.floats(-1, 1), st.floats(0.01, 1)))
def test_the_index_falls_by_the_change_and_by_half_of_it_at_the_break(bend) -> None:
    halo, far = Halo(delta=0.5, breaks=bend), np.exp(12 * bend.width)
    expected = [0.5, 0.5 - bend.change / 2, 0.5 - bend.change]
    found = [slope(halo, R) for R in (1e3 / far, 1e3 / 1.0005, 1e3 * far)]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_width_is_in_e_folds_whatever_the_change() -> None:
    """One width above the break the index has made e/(1 + e) of its change."""
    for change in (0.05, 0.2, -0.4):
        for width in (0.1, 0.5):
            bent = Halo(delta=0.5, breaks=Break(1 * u.TV, change, width))
            made = (0.5 - slope(bent, 1e3 * np.exp(width) / 1.0005)) / change
            assert made == pytest.approx(np.e / (1 + np.e), abs=1e-4)


@pytest.mark.parametrize("width", [1e-3, 1e-12, 1e-300])
def test_sharp_breaks_do_not_overflow(width) -> None:
    sharp = Halo(breaks=Break(100 * u.GV, 0.2, width))
    R = np.array([0.01, 10, 50, 200, 1e9])
    expected = Halo().kappa(R * u.GV) * np.where(R > 100, (R / 100) ** -0.2, 1)
    np.testing.assert_allclose(sharp.kappa(R * u.GV).value, expected.value, rtol=1e-12)


def test_one_break_or_a_list_of_it() -> None:
    assert Halo(breaks=HARDENING) == Halo(breaks=[HARDENING]) == Halo(breaks=(HARDENING,))
    assert Halo(breaks=HARDENING).breaks == (HARDENING,)


def test_a_species_multiplies_by_its_beta() -> None:
    R = [0.5, 10] * u.GV
    for halo in (Halo(), Halo(law=steep)):
        beta = kinematics("12C", rigidity=R).beta
        np.testing.assert_allclose(halo.kappa(R, species="12C") / halo.kappa(R), beta, rtol=1e-14)


def steep(rigidity):
    """Return κ ∝ R, a law that pickles."""
    return 1e28 * DIFFUSION * (rigidity / (10 * u.GV)).to_value("")


def test_a_law_takes_the_place_of_the_power_law() -> None:
    halo = Halo(height=4 * u.kpc, law=steep)
    assert halo.kappa(1 * u.TV).to_value(DIFFUSION) == pytest.approx(1e30, rel=1e-13)
    assert halo.kappa(np.ones((2, 3)) * u.TV).shape == (2, 3)
    time = (4 * u.kpc) ** 2 / (2e30 * DIFFUSION)
    assert halo.escape_time(1 * u.TV).to_value(u.Myr) == pytest.approx(time.to_value(u.Myr), rel=1e-12)
    # The same numbers as the power law that it is, also in a calculation.
    usual = Halo(height=4 * u.kpc, kappa0=1e28 * DIFFUSION, delta=1)
    R = np.geomspace(1, 100, 5) * u.TV
    x = [prepare(Galaxy(halo=each), R).realisation(1, seed=1) for each in (halo, usual)]
    np.testing.assert_allclose(x[0], x[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("law", "error", "message"),
    [
        (lambda R: R.value * np.nan * KAPPA, ValueError, "what law returns must be finite"),
        (lambda R: -R.value * KAPPA, ValueError, "what law returns must be positive"),
        (lambda R: 0 * R.value * KAPPA, ValueError, "what law returns must be positive"),
        (lambda R: R, u.UnitConversionError, "what law returns must be in units like kpc2 / Myr, got GV"),
        (lambda R: R.value, u.UnitConversionError, "what law returns must be a quantity in units like kpc2 / Myr"),
        (lambda R: 1 * KAPPA, ValueError, r"what law returns must have the shape of its rigidities, \(3,\), got \(\)"),
        (lambda R: R.value[:2] * KAPPA, ValueError, r"must have the shape of its rigidities, \(3,\), got \(2,\)"),
    ],
)
def test_what_a_law_returns_is_checked(law, error, message) -> None:
    halo = Halo(law=law)
    for call in (halo.kappa, halo.escape_time):
        with pytest.raises(error, match=message):
            call([1, 2, 3] * u.GV)


def test_halos_are_equal_where_their_values_are() -> None:
    halo = Halo(breaks=[HARDENING, KNEE])
    assert halo == Halo(height=5000 * u.pc, breaks=(HARDENING, KNEE))
    assert hash(halo) == hash(Halo(height=5000 * u.pc, breaks=(HARDENING, KNEE)))
    assert Break(0.312 * u.TV, change=0.2) == HARDENING
    for other in (Halo(), replace(halo, delta=0.5), replace(halo, breaks=[KNEE]), Halo(law=steep)):
        assert halo != other
    assert Halo(law=steep) == Halo(law=steep)


@pytest.mark.parametrize("halo", [Halo(), Halo(breaks=[HARDENING, KNEE]), Halo(height=4 * u.kpc, law=steep)])
def test_halos_pickle(halo) -> None:
    assert pickle.loads(pickle.dumps(halo)) == halo


def test_a_halo_says_what_it_is() -> None:
    assert repr(Halo()) == "Halo(height=<Quantity 5. kpc>, kappa0=<Quantity 5.e+28 cm2 / s>, delta=0.6, breaks=())"
    assert "kappa0" not in repr(Halo(law=steep))
    assert "law=<function steep" in repr(Halo(law=steep))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Halo(height=-1 * u.kpc), "height must be positive"),
        (lambda: Halo(height=0 * u.kpc), "height must be positive"),
        (lambda: Halo(kappa0=-1 * KAPPA), "kappa0 must be positive"),
        (lambda: Halo(kappa0=[1, 2] * KAPPA), "kappa0 must be a single value"),
        (lambda: Halo(delta=np.nan), "delta must be finite"),
        (lambda: Halo(delta=3.0), "delta must lie between -1 and 2, got 3"),
        (lambda: Halo(breaks=[312 * u.GV]), "breaks must be a Break or a list of them"),
        (lambda: Halo(breaks=312 * u.GV), "breaks must be a Break or a list of them"),
        (lambda: Halo(law=5e28 * DIFFUSION), "law must be a function of the rigidity"),
        (lambda: Halo(law=steep, delta=0.5), "law takes the place of delta: leave out"),
        (lambda: Halo(law=steep, kappa0=1e28 * DIFFUSION, breaks=KNEE), "law takes the place of kappa0, breaks: leave"),
        (lambda: Halo().kappa(0 * u.GV), "rigidity must be positive, got 0"),
        (lambda: Halo().kappa([] * u.GV), "rigidity must hold at least one value"),
        (lambda: Halo().kappa(1 * u.GV, species="iron"), "nucleus must be one of"),
        (lambda: Break(0 * u.GV, 0.2), "rigidity must be positive"),
        (lambda: Break(np.inf * u.GV, 0.2), "rigidity must be finite"),
        (lambda: Break([1, 2] * u.GV, 0.2), "rigidity must be a single value"),
        (lambda: Break(1 * u.GV, np.nan), "change must be finite"),
        (lambda: Break(1 * u.GV, 0.2, 0.0), "width must be positive"),
    ],
)
def test_bad_values(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Halo(height=5), "height"),
        (lambda: Halo(height=5 * u.s), "height"),
        (lambda: Halo(kappa0=5e28), "kappa0"),
        (lambda: Halo().kappa(10), "rigidity"),
        (lambda: Break(312, 0.2), "rigidity"),
        (lambda: Break(312 * u.GeV, 0.2), "rigidity"),
        (lambda: Break(312 * u.GV, 0.2 * u.GV), "change"),
    ],
)
def test_bad_units(call, name) -> None:
    with pytest.raises(u.UnitConversionError, match=f"^{name} must be"):
        call()


def test_a_halo_fitted_to_boron_goes_to_sources_and_emission_as_it_is() -> None:
    fit = fit_boron_to_carbon(data.table("ams02-bc-2021"), free=("kappa0", "delta", "break_change"), correlation=0.1)
    halo = fit.model.halo
    R = [0.01, 1, 100] * u.TV
    kappa = halo.kappa(R)
    # The fit's own grammage, X = μ c H/2κ.
    X = (fit.model.surface_density * 299792.458 * u.km / u.s * halo.height / (2 * kappa)).to(u.g / u.cm**2)
    np.testing.assert_allclose(fit.model.grammage(R).value, X.value, rtol=1e-12)
    assert u.isclose(kappa[0], fit.values["kappa0"], rtol=1e-12)
    assert slope(halo, 1e6) == pytest.approx((fit.values["delta"] - fit.values["break_change"]).value, abs=1e-3)
    # Sources.
    galaxy, h = Galaxy(halo=halo), halo.height
    expected = (np.pi * galaxy.rate * h**4 / (2 * kappa)).to_value("")
    np.testing.assert_allclose(galaxy.number(R), expected, rtol=1e-9)
    np.testing.assert_allclose(source_count(R.value * u.TeV, halo=halo), expected, rtol=1e-9)
    simulator = prepare(galaxy, R[1:])
    np.testing.assert_allclose(simulator.kappa, (kappa[1:] / h**2).to_value(1 / u.Myr), rtol=1e-12)
    # Emission.
    age = [20] * u.kyr
    np.testing.assert_allclose(spread(age, R, halo=halo)[0].value, (kappa * age).to_value(u.kpc**2), rtol=1e-12)
    one, people = Catalogue([[0, 8.2, 0]] * u.kpc, age, SUN), Population("infinite")
    here = ([0.0] * u.kpc, [8.5] * u.kpc, [0.0] * u.kpc)
    G = green(0.3 * u.kpc, kappa[1:] * age, height=h)
    share = (2 * kappa[1:] * G / (people.rate * people.sigma_eff() * h)).to_value("")
    found = direct(one, R[1:], *here, population=people, halo=halo, size=0 * u.kpc)[0]
    np.testing.assert_allclose(found, share, rtol=1e-9)
    field = density(one, R[1:], population=people, halo=halo, size=0 * u.kpc, levels=2, progress=False)
    np.testing.assert_allclose(field.at(*here)[0], share, rtol=1e-3)
    assert u.isclose(window(R[:1], halo=halo), 6 * halo.escape_time(R[0]) + 0.5 * u.Myr, rtol=1e-12)
    mean = mean_field(R, population=Population("Ferriere"), halo=halo)
    np.testing.assert_allclose(mean.values(np.zeros(1), np.full(1, 8.5), np.zeros(1)), 1, atol=0.01)


def test_a_model_is_changed_by_the_names_of_a_fit() -> None:
    model = HaloModel().changed(kappa0=3e28 * DIFFUSION, height=4 * u.kpc, break_change=0.1, production=1.1)
    assert model.halo == Halo(4 * u.kpc, 3e28 * DIFFUSION, 0.5, Break(300 * u.GV, 0.1, 0.3))
    assert model.production == 1.1
    again = model.changed(break_rigidity=200 * u.GV, delta=0.4)
    assert again.halo == replace(model.halo, delta=0.4, breaks=Break(200 * u.GV, 0.1, 0.3))
    assert model.changed(halo=Halo(), delta=0.4).halo == Halo(delta=0.4)
    with pytest.raises(ValueError, match=r"parameters that change must be of break_change, .* got halo_height"):
        model.changed(halo_height=4 * u.kpc)
    with pytest.raises(ValueError, match="break_change is that of one break, but the halo has 2"):
        HaloModel(Halo(breaks=[HARDENING, KNEE])).changed(break_change=0.1)
    with pytest.raises(ValueError, match="law takes the place of kappa0"):
        HaloModel(Halo(law=steep)).changed(kappa0=1e28 * DIFFUSION)


@pytest.mark.parametrize(("lon", "lat"), [(0, 0), (90, 0), (217, 0), (33, 90), (140, -35)])
def test_the_frame_is_astropys_turned_by_a_right_angle(lon, lat) -> None:
    """Galactocentric has x from the Sun to the centre and y along l = 90°, ours has y from the centre to the Sun."""
    frame = Galactocentric(galcen_distance=SUN, z_sun=0 * u.pc, roll=0 * u.deg)
    place = SkyCoord(lon * u.deg, lat * u.deg, 3 * u.kpc, frame=Galactic()).transform_to(frame)
    x, y, z = positions(lon * u.deg, lat * u.deg, 3 * u.kpc)
    # To the angle between Sgr A* and l = b = 0 that astropy's frame allows for.
    np.testing.assert_allclose([x.value, y.value, z.value], [place.y.value, -place.x.value, place.z.value], atol=0.02)
