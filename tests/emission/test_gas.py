"""Gas: columns and masses against the published formulas, the frame, maps of a reader's own."""

import healpy
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from crlab.emission import _kernels
from crlab.emission.gas import Cube, Ferriere, NakanishiSofue, Shells, load, mass
from crlab.emission.line_of_sight import Grid, integrate

FLAT = Grid([-60, 60] * u.kpc, [-60, 60] * u.kpc, [0] * u.kpc, np.ones((2, 2, 1)))


def column(gas, lon, lat, **options):
    found = integrate(FLAT, gas, [lon] * u.deg, [lat] * u.deg, **options)
    return float(found.to_value(u.cm**-2)[0, 0])


def reach(distance):
    """Fine cells out to a distance."""
    return np.linspace(0, distance, 4001) * u.kpc


def test_nakanishi_masses():
    """Row 33: 5.18e9 and 1.40e9 solar masses within 20 kpc."""
    assert mass(NakanishiSofue("HI")).to_value(u.Msun) == pytest.approx(5.18e9, rel=0.01)
    assert mass(NakanishiSofue("H2")).to_value(u.Msun) == pytest.approx(1.40e9, rel=0.01)


def test_ferriere_masses():
    assert mass(Ferriere("HI")).to_value(u.Msun) == pytest.approx(6.09e9, rel=0.01)
    assert mass(Ferriere("H2")).to_value(u.Msun) == pytest.approx(1.85e9, rel=0.02)
    inner = [mass(Ferriere(c), radius=2.999 * u.kpc).to_value(u.Msun) for c in ("HI", "H2")]
    # Central zone and disc as Ferrière et al. 2007 sum them: HI (1.7 + 3.5)e6, H2 (1.9 + 3.4)e7.
    assert inner[0] == pytest.approx(5.2e6, rel=0.03)
    assert inner[1] == pytest.approx(5.3e7, rel=0.03)


def test_reading_the_molecular_density_as_molecules_doubles_it_outside_3_kpc():
    nuclei, molecules = Ferriere("H2"), Ferriere("H2", molecular="molecules")
    at = (0 * u.kpc, [0.4, 3.1, 8.5] * u.kpc, 0 * u.kpc)
    ratio = (molecules.density(*at) / nuclei.density(*at)).value
    assert ratio.tolist() == pytest.approx([1.0, 2.0, 2.0])


def test_the_mass_of_a_known_model():
    """n = exp(-R²/b² - z²/h²) within a wide cylinder: M = m_H π^1.5 b² h."""

    class Blob:
        def nuclei(self, x, y, z):
            return np.exp(-(x**2 + y**2) / 9 - z**2 / 0.04)

    expected = (1.00784 * u.u * np.pi**1.5 * 9 * 0.2 * u.kpc**3 / u.cm**3).to_value(u.Msun)
    assert mass(Blob()).to_value(u.Msun) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("gas", "expected"),
    [
        (Ferriere("HI"), 6.19e20),
        (Ferriere("H2"), 2.57e20),
        (NakanishiSofue("HI"), 8.83e20),
        (NakanishiSofue("H2"), 2.40e20),
    ],
)
def test_vertical_columns(gas, expected):
    both = column(gas, 0, 90, edges=reach(5)) + column(gas, 0, -90, edges=reach(5))
    assert both == pytest.approx(expected, rel=0.01)


def test_the_vertical_column_of_ionised_gas():
    """Within 3 kpc of the plane 1.40e20 of warm gas; the hot gas adds three per cent."""
    both = 2 * column(Ferriere("HII"), 0, 90, edges=reach(3))
    assert both == pytest.approx(1.40e20, rel=0.04)


@pytest.mark.parametrize(
    ("component", "lon", "expected"), [("HI", 90, 3.15e22), ("H2", 90, 6.3e21), ("HI", 180, 2.42e22)]
)
def test_columns_in_the_plane(component, lon, expected):
    """HI falls so slowly outwards that its column has no end: the reference stops at 35 kpc."""
    assert column(Ferriere(component), lon, 0, edges=reach(35)) == pytest.approx(expected, rel=0.01)


def test_local_densities():
    here = (0 * u.kpc, 8.5 * u.kpc, 0 * u.kpc)
    assert NakanishiSofue("HI").density(*here).value == pytest.approx(0.232, rel=0.005)
    assert NakanishiSofue("H2").density(*here).value == pytest.approx(2 * 0.108, rel=0.005)
    assert Ferriere("HI").density(*here).value == pytest.approx(0.340 + 0.226, rel=1e-6)
    assert Ferriere("H2").density(*here).value == pytest.approx(0.58, rel=1e-6)


def test_the_kernel_is_the_printed_formula():
    """Ferrière's HI outside 3 kpc and Nakanishi & Sofue's layers, in plain numpy."""
    rng = np.random.default_rng(4)
    x, y, z = rng.uniform(-14, 14, 400), rng.uniform(-14, 14, 400), rng.uniform(-1, 1, 400)
    r, pc = np.hypot(x, y), 1e3 * z
    a = np.maximum(1, r / 8.5)
    cold = 0.859 * np.exp(-((pc / 127 / a) ** 2)) + 0.047 * np.exp(-((pc / 318 / a) ** 2))
    cold = 0.34 / a**2 * (cold + 0.094 * np.exp(-abs(pc) / 403 / a))
    warm = (1.745 - 1.289 / a) * np.exp(-((pc / 127 / a) ** 2)) + (0.473 - 0.07 / a) * np.exp(-((pc / 318 / a) ** 2))
    warm = 0.226 / a * (warm + (0.283 - 0.142 / a) * np.exp(-abs(pc) / 403 / a))
    outside = r > 3
    assert np.allclose(Ferriere("HI").nuclei(x, y, z)[outside], (cold + warm)[outside], rtol=1e-12)
    h = 1.06e-3 * (116.3 + 19.3 * r + 4.1 * r**2 - 0.05 * r**3)
    hi = 0.94 * (0.6 * np.exp(-r / 2.4) + 0.24 * np.exp(-(((r - 9.5) / 4.8) ** 2))) * 2 ** -((z / h) ** 2)
    assert np.allclose(NakanishiSofue("HI").nuclei(x, y, z), hi, rtol=1e-12)


def rotated(*angles):
    """Unit vectors of a frame turned about the axes x, y and z in this order, as rows."""
    a, b, c = np.radians(angles)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), np.sin(a)], [0, -np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, -np.sin(b)], [0, 1, 0], [np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), np.sin(c), 0], [-np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def outer_terms(r, z):
    """The terms of Ferrière (1998) outside 3 kpc, R in kpc and z in pc, by component."""
    a, s = np.maximum(1, r / 8.5), r / 8.5
    narrow, wide, tail = np.exp(-((z / 127 / a) ** 2)), np.exp(-((z / 318 / a) ** 2)), np.exp(-abs(z) / 403 / a)
    ring = np.exp(-((r - 4.5) ** 2 - 4**2) / 2.9**2)
    hot = 4.8e-4 * s**-1.65 * np.exp(-abs(z) / (1500 * s**1.65))
    return {
        "HI": [
            *(0.34 / a**2 * part for part in (0.859 * narrow, 0.047 * wide, 0.094 * tail)),
            0.226 / a * (1.745 - 1.289 / a) * narrow,
            0.226 / a * (0.473 - 0.07 / a) * wide,
            0.226 / a * (0.283 - 0.142 / a) * tail,
        ],
        "H2": [0.58 * s**-0.58 * ring * np.exp(-((z / (81 * s**0.58)) ** 2))],
        "HII": [
            0.0237 * np.exp(-(r**2 - 8.5**2) / 37**2) * np.exp(-abs(z) / 1000),
            0.0013 * np.exp(-((r - 4) ** 2 - 4.5**2) / 2**2) * np.exp(-abs(z) / 150),
            hot * 0.12 * np.exp(-(r - 8.5) / 4.9),
            hot * 0.88 * ring,
        ],
    }


def inner_terms(x, y, z):
    """The terms of Ferrière et al. (2007) inside 3 kpc, in pc, x towards the Sun and y to positive longitudes."""
    shifted = np.stack([x + 50, y - 50, z])
    along, across, _ = np.einsum("ij,jn->in", rotated(0, 0, 70), shifted)
    zone = np.exp(-(((np.sqrt(along**2 + (2.5 * across) ** 2) - 125) / 137) ** 4))
    # The disc lies below the plane at l > 0.
    along, across, above = np.einsum("ij,jn->in", rotated(-13.5, 20, 48.5), np.stack([x, y, z]))
    disc = np.exp(-(((np.sqrt(along**2 + (3.1 * across) ** 2) - 1200) / 438) ** 4))
    r = np.hypot(x, y)
    _, eta, zeta = np.einsum("ij,jn->in", rotated(21, 0, 0), np.stack([x, y, z]))
    return {
        "HI": [8.8 * zone * np.exp(-((z / 54) ** 2)), 0.34 * disc * np.exp(-((above / 120) ** 2))],
        "H2": [2 * 150 * zone * np.exp(-((z / 18) ** 2)), 2 * 4.8 * disc * np.exp(-((above / 42) ** 2))],
        "HII": [
            8 * np.exp(-(x**2 + (y + 10) ** 2) / 145**2) * np.exp(-(((z + 20) / 26) ** 2)),
            8 * 0.009 * np.exp(-(((r - 3700) / 1850) ** 2)) / np.cosh(z / 140) ** 2,
            8 * 0.005 * np.cos(np.pi * r / 2 / 17000) / np.cosh(z / 950) ** 2,
            0.29 * np.exp(-((x**2 + eta**2) / 162**2 + (zeta / 90) ** 2)),
        ],
    }


@pytest.mark.parametrize("component", ["HI", "H2", "HII"])
@pytest.mark.parametrize("terms", [outer_terms, inner_terms])
def test_every_term_of_ferriere_is_the_printed_one(terms, component):
    """Constants and powers as the papers print them, at places where each is felt."""
    rng = np.random.default_rng(5)
    r, angle = rng.choice([0.15, 0.5, 1.5, 2.9], 3000) * np.sqrt(rng.random(3000)), rng.uniform(0, 2 * np.pi, 3000)
    if terms is outer_terms:
        r = 3 + 6 * r
    x, y, z = r * np.sin(angle), r * np.cos(angle), rng.laplace(scale=0.2, size=3000)
    at = (r, 1e3 * z) if terms is outer_terms else (1e3 * y, 1e3 * x, 1e3 * z)
    parts = np.array(terms(*at)[component])
    expected = parts.sum(axis=0)
    assert np.allclose(Ferriere(component).nuclei(x, y, z), expected, rtol=1e-10, atol=1e-24)
    assert np.all((parts / expected.clip(1e-20)).max(axis=1) > 0.005)


def test_the_central_zone_lies_at_positive_longitude():
    """Its centre is 50 pc towards l > 0, and its gas there is nearer to us than at l < 0."""
    rng = np.random.default_rng(1)
    x, y, z = rng.uniform(-0.4, 0.4, (2, 400_000))[0], rng.uniform(-0.4, 0.4, 400_000), np.zeros(400_000)
    n = Ferriere("H2").nuclei(x, y, z)
    near_centre = np.hypot(x, y) < 0.4
    mean_x = np.average(x[near_centre], weights=n[near_centre])
    assert 0.03 < mean_x < 0.07
    covariance = np.average((x * y)[near_centre], weights=n[near_centre])
    assert covariance - mean_x * np.average(y[near_centre], weights=n[near_centre]) > 0


def test_components_add_up():
    rng = np.random.default_rng(2)
    p = (*rng.uniform(-12, 12, (2, 200)), rng.uniform(-1, 1, 200))
    parts = sum(Ferriere(c).nuclei(*p) for c in ("HI", "H2", "HII"))
    assert np.allclose(parts, Ferriere().nuclei(*p), rtol=1e-12)


@given(st.floats(0.1, 25), st.floats(-3, 3), st.floats(0, 2 * np.pi))
def test_the_discs_are_axisymmetric_outside_3_kpc(r, z, phi):
    for gas in (Ferriere(), NakanishiSofue()):
        if r < 3 and isinstance(gas, Ferriere):
            continue
        here = gas.nuclei(np.array([r * np.sin(phi)]), np.array([r * np.cos(phi)]), np.array([z]))
        there = gas.nuclei(np.array([0.0]), np.array([r]), np.array([-z]))
        assert here[0] >= 0
        assert here[0] == pytest.approx(there[0], rel=1e-9, abs=1e-300)


def test_wrong_components_and_units_are_refused():
    with pytest.raises(ValueError, match="component must be 'all' or one of HI, H2, HII"):
        Ferriere("CO")
    with pytest.raises(ValueError, match="component"):
        NakanishiSofue("HII")
    with pytest.raises(ValueError, match="molecular must be"):
        Ferriere(molecular="both")
    with pytest.raises(u.UnitConversionError, match="x must be"):
        Ferriere().density(1, 2 * u.kpc, 3 * u.kpc)
    with pytest.raises(ValueError, match="nodes"):
        mass(Ferriere(), nodes=1)


def cube(values, **options):
    return Cube(values / u.cm**3, first=[-10, -10, -1] * u.kpc, step=[5, 5, 1] * u.kpc, **options)


def test_a_cube_interpolates_linearly():
    x, y, z = np.meshgrid(np.arange(5) * 5 - 10, np.arange(5) * 5 - 10, np.arange(3) - 1, indexing="ij")
    gas = cube(40 + x + 2 * y + z)
    assert gas.density(1 * u.kpc, 2 * u.kpc, 0.5 * u.kpc).value == pytest.approx(40 + 1 + 4 + 0.5)
    assert gas.density(11 * u.kpc, 2 * u.kpc, 0 * u.kpc).value == 0


@pytest.mark.parametrize(("sun", "ninety"), [((0, 8.5), (2, 0)), ((8.5, 0), (0, -2)), ((-8.5, 0), (0, 2))])
def test_a_cube_is_turned_so_that_its_sun_is_ours(sun, ninety):
    """A clump one node wide in the direction of longitude 90° from the centre, in three common frames."""
    values = np.zeros((9, 9, 3))
    values[4 + ninety[0], 4 + ninety[1], 1] = 1
    gas = Cube(values / u.cm**3, first=[-4, -4, -1] * u.kpc, step=[1, 1, 1] * u.kpc, sun=sun * u.kpc)
    assert gas.density(2 * u.kpc, 0 * u.kpc, 0 * u.kpc).value == pytest.approx(1)
    assert gas.density(-2 * u.kpc, 0 * u.kpc, 0 * u.kpc).value == 0


def test_a_map_without_a_unit_is_refused():
    at = {"first": [-10, -10, -1] * u.kpc, "step": [5, 5, 1] * u.kpc}
    for values, got in ((np.ones((5, 5, 3)), "bare numbers"), (np.ones((5, 5, 3)) * u.g / u.cm**3, "g / cm3")):
        with pytest.raises(u.UnitConversionError, match=f"values must be hydrogen nuclei.*{got}"):
            Cube(values, **at)
    with pytest.raises(u.UnitConversionError, match="bare numbers"):
        Shells(np.ones((1, 12)), edges=[0, 1] * u.kpc)


def test_a_map_with_holes_is_refused():
    holed = np.ones((5, 5, 3))
    holed[2, 2, 1] = np.nan
    with pytest.raises(ValueError, match="finite everywhere, but 1 of its 75 values are NaN"):
        cube(holed)
    with pytest.raises(ValueError, match="no negative"):
        cube(-np.ones((5, 5, 3)))
    shells = np.ones((2, 48))
    shells[0, 3] = np.inf
    with pytest.raises(ValueError, match="gas shells must be finite"):
        Shells(shells / u.cm**3, [0, 1, 2] * u.kpc)


def test_unfit_maps_are_refused():
    with pytest.raises(u.UnitConversionError, match="1 / cm3"):
        Cube(np.ones((2, 2, 2)) * u.kpc, [0, 0, 0] * u.kpc, [1, 1, 1] * u.kpc)
    with pytest.raises(ValueError, match="three axes"):
        Cube(np.ones((2, 2)) / u.cm**3, [0, 0, 0] * u.kpc, [1, 1, 1] * u.kpc)
    with pytest.raises(ValueError, match="first must hold a length for each"):
        Cube(np.ones((2, 2, 2)) / u.cm**3, [0, 0] * u.kpc, [1, 1, 1] * u.kpc)
    with pytest.raises(ValueError, match="step must be positive"):
        Cube(np.ones((2, 2, 2)) / u.cm**3, [0, 0, 0] * u.kpc, [1, 0, 1] * u.kpc)
    with pytest.raises(ValueError, match="away from the Galactic centre"):
        cube(np.ones((5, 5, 3)), sun=(0, 0) * u.kpc)
    with pytest.raises(ValueError, match="12 nside²"):
        Shells(np.ones((1, 50)) / u.cm**3, [0, 1] * u.kpc)
    with pytest.raises(ValueError, match="increasing edges"):
        Shells(np.ones((1, 48)) / u.cm**3, [1, 1] * u.kpc)
    with pytest.raises(u.UnitConversionError, match="1 / cm3"):
        Shells(np.ones((1, 48)) * u.m, [0, 1] * u.kpc)


def test_shells_sample_a_model_to_its_column():
    """Nakanishi & Sofue put on shells and integrated again, along two directions."""
    nside, edges = 64, np.linspace(0, 25, 126)
    middle, lon, lat = (edges[1:] + edges[:-1]) / 2, *healpy.pix2ang(nside, np.arange(12 * nside**2), lonlat=True)
    some = healpy.ang2pix(nside, [60, 200], [0, 20], lonlat=True)
    values = np.zeros((125, 12 * nside**2))
    x, y, z = _kernels.rays(np.radians(lon[some]), np.radians(lat[some]), middle, 8.5)
    values[:, some] = NakanishiSofue().nuclei(x.ravel(), y.ravel(), z.ravel()).reshape(2, -1).T
    gas = Shells(values / u.cm**3, edges * u.kpc)
    for i in some:
        cells = edges * u.kpc
        assert column(gas, lon[i], lat[i], edges=cells) == pytest.approx(
            column(NakanishiSofue(), lon[i], lat[i], edges=cells), rel=1e-9
        )


def test_shells_are_about_the_sun_that_saw_them():
    near = Shells(np.ones((1, 12)) / u.cm**3, [0, 1] * u.kpc, sun=7 * u.kpc)
    assert list(near.density(0 * u.kpc, [6.5, 7.5, 8.5] * u.kpc, 0 * u.kpc).value) == [1, 1, 0]
    with pytest.raises(ValueError, match="sun must be positive"):
        Shells(np.ones((1, 12)) / u.cm**3, [0, 1] * u.kpc, sun=-7 * u.kpc)


def cube_file(path, values, **cards):
    header = {"BUNIT": "cm-3"}
    for i, first in ((1, -10.0), (2, -10.0), (3, -1.0)):
        header |= {f"CRPIX{i}": 1.0, f"CRVAL{i}": first, f"CDELT{i}": 1.0 if i == 3 else 5.0, f"CUNIT{i}": "kpc"}
    hdu = fits.PrimaryHDU(values)
    for key, value in (header | cards).items():
        if value is not None:
            hdu.header[key] = value
    hdu.writeto(path)
    return path


def test_a_cube_from_a_file(tmp_path):
    values = np.zeros((3, 5, 5))  # z, y, x, as FITS stores them
    values[1, 2, 3] = 2.0
    gas = load(cube_file(tmp_path / "cube.fits", values))
    assert isinstance(gas, Cube)
    assert gas.density(5 * u.kpc, 0 * u.kpc, 0 * u.kpc).value == pytest.approx(2)
    metres = load(cube_file(tmp_path / "m.fits", values, BUNIT="m-3", CRPIX1=2.0))
    assert metres.density(0 * u.kpc, 0 * u.kpc, 0 * u.kpc).value == pytest.approx(2e-6)


def test_shells_from_a_file(tmp_path):
    values = np.arange(96.0).reshape(2, 48)
    hdu = fits.PrimaryHDU(values)
    hdu.header["BUNIT"] = "cm-3"
    hdu.writeto(tmp_path / "shells.fits")
    gas = load(tmp_path / "shells.fits", edges=[0, 1, 2] * u.kpc)
    assert isinstance(gas, Shells)
    pixel = healpy.vec2pix(2, 1.5, 0.3, 0.1)
    assert gas.density(0.3 * u.kpc, 7 * u.kpc, 0.1 * u.kpc).value == values[1, pixel]
    with pytest.raises(ValueError, match="give edges"):
        load(tmp_path / "shells.fits")


def test_a_file_that_will_not_do_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.fits")
    holed = np.ones((3, 5, 5))
    holed[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"holed\.fits: values of the gas cube must be finite everywhere"):
        load(cube_file(tmp_path / "holed.fits", holed))
    with pytest.raises(ValueError, match=r"lacks in its header: .*BUNIT"):
        load(cube_file(tmp_path / "unit.fits", np.ones((3, 5, 5)), BUNIT=None))
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(ValueError, match="no image"):
        load(tmp_path / "empty.fits")
