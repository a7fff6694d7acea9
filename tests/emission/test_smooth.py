"""The smooth sky against the reference's numbers, and the measurements it is compared with."""

import numpy as np
import pytest
from astropy import units as u

from crlab.emission import smooth
from crlab.emission.absorption import Absorption
from crlab.emission.cross_sections import emissivity
from crlab.emission.gas import Ferriere, NakanishiSofue
from crlab.emission.maps import Region
from crlab.galaxy import SUN
from crlab.sources.population import Arms, Population

DENSITY = smooth.relative_density()
FLUX = u.TeV**-1 / u.cm**2 / u.s / u.sr


def at(R, z=0.0):
    R = np.atleast_1d(np.asarray(R, dtype=float))
    return DENSITY.values(R, 0 * R, np.full(R.size, z))[:, 0]


def test_the_gradient():
    """Row 34 and the table of the reference."""
    assert at(4)[0] == pytest.approx(2.17, rel=0.01)
    assert at(12)[0] == pytest.approx(0.393, rel=0.01)
    R, expected = [0, 2, 4, 6, 8.5, 10, 12, 15], [1.92, 2.12, 2.17, 1.67, 1, 0.686, 0.393, 0.161]
    assert np.allclose(at(R), expected, rtol=0.01)
    assert np.allclose(at([2, 8.5, 12], 1.0) / at([2, 8.5, 12]), 0.8, rtol=0.1)
    assert np.allclose(at(R, 5.0), 0, atol=1e-12)


def test_the_table_is_the_mean_density_of_the_population():
    """All radii at once against one radius at a time, whose quadrature is another."""
    population, D = Population("Case & Bhattacharya 1998"), 1 * u.kpc**2 / u.Myr
    field = smooth.relative_density(population, height=4 * u.kpc, radius=np.linspace(0, 20, 21) * u.kpc, levels=9)
    R = np.array([0.0, 3, 8, 14, 19])
    here = population.mean_density(8.5 * u.kpc, kappa=D, height=4 * u.kpc)
    for z in (0.0, 1.5, 3.5):
        expected = (population.mean_density(R * u.kpc, kappa=D, height=4 * u.kpc, z=z * u.kpc) / here).value
        assert np.allclose(field.values(R, 0 * R, np.full(5, z))[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("sun", [7.0, 8.178, 8.123456789123, 12.3])
def test_the_density_is_relative_to_that_at_the_sun_of_the_population(sun):
    """Exactly one there, as the table has a node at it; elsewhere as `Population.mean_density` has it."""
    population, D = Population("Case & Bhattacharya 1998", sun=sun * u.kpc), 1 * u.kpc**2 / u.Myr
    field = smooth.relative_density(population)
    assert field.sun == sun * u.kpc
    assert field.values(np.zeros(1), np.full(1, sun), np.zeros(1))[0, 0] == pytest.approx(1, abs=1e-12)
    there = population.mean_density([4, sun] * u.kpc, kappa=D)
    at_four = field.values(np.zeros(1), np.full(1, 4.0), np.zeros(1))[0, 0]
    assert at_four == pytest.approx((there[0] / there[1]).value, rel=2e-3)  # linear between nodes


def test_a_spectrum_is_seen_from_the_sun_of_the_population():
    far = smooth.relative_density(Population("Ferriere", sun=14 * u.kpc))
    options = {"gas": NakanishiSofue(), "density": far, "step": 10 * u.deg}
    seen, same, not_from_here = (
        smooth.spectrum("lhaaso-outer", [100] * u.TeV, **options, **sun).value[0]
        for sun in ({}, {"sun": 14 * u.kpc}, {"sun": SUN})
    )
    assert seen == same
    assert seen < 0.5 * not_from_here  # little gas is left out there


@pytest.mark.parametrize(
    ("region", "gas", "expected"),
    [
        ("lhaaso-inner", Ferriere(), (6.97e-13, 2.98e-15, 2.79e-17)),
        ("lhaaso-inner", NakanishiSofue(), (3.98e-13, 1.70e-15, 1.55e-17)),
        ("lhaaso-outer", Ferriere(), (1.55e-13, 6.6e-16, 7.0e-18)),
        ("lhaaso-outer", NakanishiSofue(), (7.9e-14, 3.4e-16, 3.6e-18)),
    ],
)
def test_intensities_of_the_reference(region, gas, expected):
    """Row 35 is the second case at 12.6 TeV, to 15 per cent."""
    found = smooth.spectrum(region, [12.6, 100, 500] * u.TeV, gas=gas, density=DENSITY, model="kelner")
    assert np.allclose(found.to_value(FLUX), expected, rtol=0.15, atol=0)
    tables = smooth.spectrum(region, [12.6, 100, 500] * u.TeV, gas=gas, density=DENSITY)
    assert np.allclose((tables / found).to_value(""), 0.8, rtol=0.1)


def test_the_fit_to_the_inner_region():
    """Row 36."""
    fit = smooth.power_law_fit(smooth.measurements("lhaaso-inner"), pivot=50 * u.TeV)
    assert fit.index == pytest.approx(3.00, rel=0.01)
    assert fit.index_error == pytest.approx(0.06, abs=0.005)
    assert fit.normalisation.to_value(FLUX) == pytest.approx(0.99e-14, rel=0.01, abs=0)
    assert fit.chi2 == pytest.approx(22.5, rel=0.01)


def test_a_fit_recovers_an_exact_power_law():
    data = smooth.measurements("lhaaso-inner")
    data["flux"] = 3e-14 * (data["energy"] / (20 * u.TeV)).value ** -2.6 * data["flux"].unit
    fit = smooth.power_law_fit(data, pivot=20 * u.TeV)
    assert fit.index == pytest.approx(2.6)
    assert fit.normalisation.to_value(FLUX) == pytest.approx(3e-14, rel=1e-6, abs=0)
    assert fit.chi2 == pytest.approx(0, abs=1e-9)


def test_neutrinos_are_not_absorbed():
    """What the ratio of neutrinos to gamma rays exceeds that of their production by is the absorption on the way."""
    E = [10, 2000] * u.TeV
    options = {"gas": NakanishiSofue(), "density": DENSITY, "step": 5 * u.deg}
    gamma = smooth.spectrum("icecube-inner", E, **options)
    nu = smooth.spectrum("icecube-inner", E, secondary="nu_all", **options)
    born = emissivity(E, secondary="nu_all") / emissivity(E)
    through = (gamma / nu * born).to_value("")
    assert through[0] == pytest.approx(1, abs=1e-3)
    assert 0.3 < through[1] < 0.6  # 0.30 is that of the Galactic centre


def test_starlight_dims_by_less_than_a_tenth():
    E = [15, 150] * u.TeV
    options = {"gas": Ferriere(), "density": DENSITY, "step": 5 * u.deg}
    clear, dim = (smooth.spectrum("lhaaso-inner", E, absorption=Absorption(s), **options) for s in (False, True))
    lost = 1 - (dim / clear).to_value("")
    assert lost[0] < 0.01
    assert 0.03 < lost[1] < 0.1


def test_the_band_holds_all_its_models():
    E = [10, 100] * u.TeV
    band = smooth.band("lhaaso-inner", E, density=DENSITY, step=5 * u.deg)
    assert set(band.models) == {f"{g}, {m}" for g in ("Ferriere", "NakanishiSofue") for m in ("aafrag", "kelner")}
    direct = smooth.spectrum("lhaaso-inner", E, density=DENSITY, step=5 * u.deg, gas=NakanishiSofue(), model="kelner")
    assert np.allclose(band.models["NakanishiSofue, kelner"] / direct, 1)
    for model in band.models.values():
        assert np.all((band.low <= model) & (model <= band.high))
    assert np.all((band.high / band.low > 1.9) & (band.high / band.low < 2.8))


def test_every_measurement_belongs_to_a_region_and_has_a_pedigree():
    seen = 0
    for name, region in smooth.REGIONS.items():
        data = smooth.measurements(name)
        assert region.name == name
        assert set(data["pedigree"]) <= {"table", "abstract", "quoted"}
        assert np.all(data["low"] > 0)
        assert np.all(data["low"] < data["flux"])
        seen += len(data)
    assert seen == 24


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="region must be one of lhaaso-inner"):
        smooth.measurements("outer")
    with pytest.raises(ValueError, match="three points"):
        smooth.power_law_fit(smooth.measurements("whole-sky"), pivot=1 * u.TeV)
    with pytest.raises(ValueError, match="axisymmetric"):
        smooth.relative_density(Population("Ferriere", arms=Arms()))
    with pytest.raises(ValueError, match="levels"):
        smooth.relative_density(levels=1)
    own = Region("own", 0 * u.deg, 10 * u.deg, 2 * u.deg)
    with pytest.raises(ValueError, match="energy must lie between"):
        smooth.spectrum(own, [100] * u.PeV, gas=Ferriere(), density=DENSITY)


@pytest.mark.parametrize("gas", [Ferriere(), NakanishiSofue()], ids=["Ferriere", "Nakanishi"])
@pytest.mark.parametrize("region", ["lhaaso-inner", "icecube-inner"])
def test_regions_are_averaged_to_a_thousandth(region, gas):
    """The default step against a quarter of it: within 0.1 per cent, where the plane is brightest and thinnest."""
    options = {"gas": gas, "density": DENSITY, "progress": False}
    default, fine = (
        smooth.spectrum(region, [10] * u.TeV, **options, **step)[0].value for step in ({}, {"step": 0.25 * u.deg})
    )
    assert default / fine == pytest.approx(1, abs=1e-3)
