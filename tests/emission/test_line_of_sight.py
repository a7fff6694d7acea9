"""Lines of sight: where things appear on the sky, and what their sums are."""

import warnings

import healpy
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from crlab.emission import _kernels
from crlab.emission.absorption import Absorption
from crlab.emission.gas import Ferriere, NakanishiSofue
from crlab.emission.line_of_sight import Axisymmetric, Grid, integrate, positions, sky_map, steps
from crlab.emission.maps import Region, SkyMap, check_nside, directions, read, write
from crlab.galaxy import SUN

FLAT = Grid([-60, 60] * u.kpc, [-60, 60] * u.kpc, [0] * u.kpc, np.ones((2, 2, 1)))
KPC = u.kpc.to(u.cm)


class Ball:
    """Gas of density 1/cm³ in a Gaussian ball around a point."""

    def __init__(self, centre, width):
        self.centre, self.width = centre, width

    def nuclei(self, x, y, z):
        square = sum((a - c) ** 2 for a, c in zip((x, y, z), self.centre, strict=True))
        return np.exp(-square / (2 * self.width**2))


class Everywhere:
    def nuclei(self, x, y, z):
        return np.ones(x.size)


@pytest.mark.parametrize(("lon", "lat"), [(0, 0), (90, 0), (180, 5), (270, -20), (30, 4), (133, -2), (10, 80)])
def test_a_source_appears_where_it_is(lon, lat):
    """A ball placed at (l, b) is brightest in the pixel of that direction, with its column there."""
    x, y, z = (float(c.to_value(u.kpc)) for c in positions(lon * u.deg, lat * u.deg, 3 * u.kpc))
    nside = 32
    cells = np.linspace(1.5, 4.5, 61) * u.kpc
    sky = sky_map(FLAT, Ball((x, y, z), 0.15), [1] * u.TeV, nside=nside, edges=cells)
    brightest = sky.values[0].argmax()
    found = healpy.pix2vec(nside, brightest)
    aim = healpy.ang2vec(lon, lat, lonlat=True)
    assert np.degrees(np.arccos(np.clip(np.dot(found, aim), -1, 1))) < 1.3  # half a pixel's diagonal
    here = integrate(FLAT, Ball((x, y, z), 0.15), [lon] * u.deg, [lat] * u.deg, edges=cells).value[0, 0]
    assert here == pytest.approx(np.sqrt(2 * np.pi) * 0.15 * KPC, rel=1e-4)


def test_positions_by_hand():
    x, y, z = positions([0, 90, 180, 270] * u.deg, 0 * u.deg, 2 * u.kpc)
    assert np.allclose(x.value, [0, 2, 0, -2])
    assert np.allclose(y.value, [6.5, 8.5, 10.5, 8.5])
    assert np.allclose(z.value, 0)
    assert positions(0 * u.deg, 30 * u.deg, 2 * u.kpc)[2].value == pytest.approx(1)


class Ramp:
    """A field that is y, made for a Sun at 7 kpc or for none."""

    unit = u.one

    def __init__(self, **sun):
        vars(self).update(sun)

    def values(self, x, y, z):
        return y[:, None]


def test_lines_of_sight_begin_at_the_sun():
    """∫ (R☉ - s) ds towards the centre: from the argument, else the field, else the book's Sun."""
    cells = np.linspace(0, 4, 401) * u.kpc
    for field, options, R in (
        (Ramp(), {}, SUN.value),
        (Ramp(sun=7 * u.kpc), {}, 7),
        (Ramp(sun=7 * u.kpc), {"sun": 9 * u.kpc}, 9),
        (Axisymmetric([0, 20] * u.kpc, [0, 9] * u.kpc, [[0, 0], [20, 20]], sun=7 * u.kpc), {}, 7),
    ):
        found = integrate(field, Everywhere(), [0] * u.deg, [0] * u.deg, edges=cells, **options).value[0, 0]
        assert found == pytest.approx((4 * R - 8) * KPC, rel=1e-9)
    x, y, z = positions(0 * u.deg, 0 * u.deg, 2 * u.kpc, sun=7 * u.kpc)
    assert (x.value, y.value, z.value) == (0, 5, 0)


def test_cells_are_fine_where_the_centre_is():
    for R in (7.0, 8.5):
        edges = steps(sun=R * u.kpc).value
        at = np.searchsorted(edges, R)
        assert np.diff(edges)[at - 5 : at + 5].max() < 0.041
        assert len(edges) > len(steps(centre=1 * u.kpc))


def test_a_map_says_where_it_was_seen_from():
    sky = sky_map(Ramp(sun=7 * u.kpc), Everywhere(), [1] * u.TeV, nside=1)
    assert sky.meta["SUN"] == "7 kpc"
    assert "SUN" not in sky_map(FLAT, Everywhere(), [1] * u.TeV, nside=1).meta


def test_starlight_is_that_of_the_suns_place():
    """A ball at the centre, seen from elsewhere, is dimmed as `survival` says."""
    E, light, sun = [0.1, 0.3] * u.PeV, Absorption(starlight=True), 7 * u.kpc
    cells = np.linspace(0, 7.5, 7501) * u.kpc
    options = {"edges": cells, "sun": sun}
    dimmed, clear = (
        integrate(FLAT, Ball((0, 0, 0), 0.05), [0] * u.deg, [0] * u.deg, energy=E, absorption=a, **options)
        for a in (light, None)
    )
    assert np.allclose(dimmed / clear, light.survival(E, sun, sun=sun), rtol=2e-3)
    assert light.profile(np.zeros(1), np.full(1, 7.0), np.zeros(1), sun=sun) == pytest.approx(1)


def test_the_kernel_of_rays_is_positions():
    rng = np.random.default_rng(3)
    lon, lat, s = rng.uniform(0, 2 * np.pi, 5), rng.uniform(-1.5, 1.5, 5), rng.uniform(0, 20, 7)
    plain = positions(lon[:, None] * u.rad, lat[:, None] * u.rad, s * u.kpc)
    for a, b in zip(_kernels.rays(lon, lat, s, 8.5), plain, strict=True):
        assert np.allclose(a, b.value, rtol=0, atol=1e-12)


def test_uniform_gas_gives_its_length():
    found = integrate(FLAT, Everywhere(), [10, 200] * u.deg, [0, 30] * u.deg, height=5 * u.kpc)
    assert found.value[0, 0] == pytest.approx(30 * KPC)
    assert found.value[1, 0] == pytest.approx(10 * KPC, rel=0.02)  # the last cell is cut at its middle


def test_absorption_in_uniform_gas():
    """(1 - exp(-k s))/k for each energy."""
    E = [0.5, 2.2, 10] * u.PeV
    k = Absorption().uniform_rate(E)
    cells = np.linspace(0, 20, 2001) * u.kpc
    found = integrate(FLAT, Everywhere(), [0] * u.deg, [0] * u.deg, energy=E, absorption=Absorption(), edges=cells)
    assert np.allclose(found.value[0], (1 - np.exp(-k * 20)) / k * KPC, rtol=1e-4)


def test_absorption_by_starlight_is_that_of_survival():
    """A thin ball at the centre, seen through starlight and background."""
    E, absorption = [0.1, 0.3, 2] * u.PeV, Absorption(starlight=True)
    ball = Ball((0, 0, 0), 0.05)
    cells = np.linspace(0, 9, 9001) * u.kpc
    dimmed = integrate(FLAT, ball, [0] * u.deg, [0] * u.deg, energy=E, absorption=absorption, edges=cells)
    clear = integrate(FLAT, ball, [0] * u.deg, [0] * u.deg, edges=cells)
    assert np.allclose(dimmed / clear, absorption.survival(E, 8.5 * u.kpc), rtol=2e-3)


def test_kernels_against_numpy():
    rng = np.random.default_rng(5)
    gas, width, seen = rng.random((3, 40)), rng.random(40), rng.random((40, 4))
    dust, rate = rng.random((3, 40)), rng.random(4)
    for k in (1, 4):
        field = rng.random((3, 40, k))
        plain = np.einsum("pm,pme,m,me->pe", gas, np.broadcast_to(field, (3, 40, 4)), width, seen)
        assert np.allclose(_kernels.sum_rays(gas, field, width, seen), plain, rtol=1e-13)
        through = np.cumsum(dust * width, axis=1) - dust * width / 2
        dim = seen * np.exp(-rate * through[..., None])
        plain = np.einsum("pm,pme,m,pme->pe", gas, np.broadcast_to(field, (3, 40, 4)), width, dim)
        assert np.allclose(_kernels.dim_rays(gas, field, width, seen, dust, rate), plain, rtol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_interpolation_is_exact_for_what_is_linear_in_each_coordinate(seed):
    rng = np.random.default_rng(seed)
    c = rng.normal(size=8)

    def f(x, y, z):
        return c[0] + c[1] * x + c[2] * y + c[3] * z + c[4] * x * y + c[5] * y * z + c[6] * x * z + c[7] * x * y * z

    axes = np.linspace(-2, 3, 6), np.linspace(-1, 1, 5), np.linspace(-1, 2, 4)
    table = f(*np.meshgrid(*axes, indexing="ij"))
    grid = Grid(*(a * u.kpc for a in axes), np.stack([table, 2 * table], axis=-1))
    p = rng.uniform(-2, 3, 20), rng.uniform(-1, 1, 20), rng.uniform(-1, 2, 20)
    assert np.allclose(grid.values(*p), f(*p)[:, None] * [1, 2], atol=1e-9)


def test_fields_end_at_their_tables():
    grid = Grid([-1, 1] * u.kpc, [-1, 1] * u.kpc, [0, 1] * u.kpc, np.ones((2, 2, 2)))
    points = np.array([[0, 1.01, 0, 0, 1], [0, 0, -1.01, 0, 1], [-0.9, 0, 0, -1.01, 1]])
    assert grid.values(*points)[:, 0].tolist() == [1, 0, 0, 0, 1]
    around = Axisymmetric([0, 2] * u.kpc, [0, 1] * u.kpc, np.ones((2, 2)))
    points = np.array([[2, 1.5, 0.0], [0, 1.5, 0], [0, 0, -1.01]])
    assert around.values(*points)[:, 0].tolist() == [1, 0, 0]


def test_an_axisymmetric_field_is_the_same_as_a_grid_of_it():
    halo = Axisymmetric(
        np.linspace(0, 30, 301) * u.kpc, [0, 5] * u.kpc, np.exp(-np.linspace(0, 3, 301))[:, None] * [1, 0]
    )
    x = np.linspace(-15, 15, 601)
    values = halo.values(*(a.ravel() for a in np.meshgrid(x, x, [0.0, 5.0], indexing="ij"))).reshape(601, 601, 2)
    grid = Grid(x * u.kpc, x * u.kpc, [0, 5] * u.kpc, values)
    where = [20, 100, 250] * u.deg, [1, -3, 0] * u.deg
    short = {"edges": np.linspace(0, 6, 301) * u.kpc}
    a, b = (integrate(f, NakanishiSofue(), *where, **short).value for f in (halo, grid))
    assert np.allclose(a, b, rtol=1e-3)


def test_sums_over_the_values_of_a_field():
    """Interpolation is linear, so that sums may be taken before or after."""
    rng = np.random.default_rng(3)
    field = Axisymmetric([0, 5, 10] * u.kpc, [0, 2] * u.kpc, rng.random((3, 2, 4)) / u.s)
    points, matrix = (rng.uniform(-5, 5, 50), rng.uniform(-5, 5, 50), rng.uniform(-2, 2, 50)), rng.random((2, 4))
    found = field.combined(matrix)
    assert found.unit == field.unit
    assert np.allclose(found.values(*points), field.values(*points) @ matrix.T, rtol=1e-12)
    with pytest.raises(ValueError, match="4 columns"):
        field.combined(np.eye(3))


def test_a_field_of_your_own():
    class Mine:
        unit = u.GeV**-1 / u.s / u.sr

        def values(self, x, y, z):
            return np.stack([np.ones(x.size), np.hypot(x, y)], axis=1)

    found = integrate(Mine(), Everywhere(), [180] * u.deg, [0] * u.deg, edges=np.linspace(0, 2, 201) * u.kpc)
    assert found.unit.is_equivalent(1 / (u.GeV * u.s * u.sr * u.cm**2))
    assert np.allclose(found.value[0] / KPC, [2, 2 * 9.5], rtol=1e-6)


def test_threads_do_not_change_a_bit(monkeypatch):
    lon, lat = directions(16)
    maps = []
    for threads in ("1", "2"):
        monkeypatch.setenv("CRLAB_THREADS", threads)
        maps.append(integrate(FLAT, Ferriere(), lon, lat, energy=[1] * u.PeV, absorption=Absorption()).value)
    assert np.array_equal(maps[0], maps[1])


def test_refining_steps_converges():
    """Second order in smooth gas; the default is within 0.1 per cent."""
    lon, lat, weight = Region("inner", 15 * u.deg, 125 * u.deg, 5 * u.deg).grid(5 * u.deg)
    gas, results = NakanishiSofue(), []
    for scale in (4, 2, 1, 1 / 8):
        cells = steps(
            finest=0.04 * scale * u.kpc, growth=0.06 * scale, coarsest=0.2 * scale * u.kpc, centre=0.2 * scale * u.kpc
        )
        results.append(float((weight * integrate(FLAT, gas, lon, lat, edges=cells).value[:, 0]).sum()))
    errors = np.abs(np.array(results[:3]) / results[3] - 1)
    assert errors[2] < errors[0] / 6
    default = float((weight * integrate(FLAT, gas, lon, lat).value[:, 0]).sum())
    assert default == pytest.approx(results[3], rel=1e-3)


class Softened:
    """A smooth field whose factor s²/(s² + a²) takes the singularity at the Sun out of the integral over the volume."""

    unit = u.one

    def values(self, x, y, z):
        square = x**2 + (y - 8.5) ** 2 + z**2
        halo = np.exp(-np.hypot(x, y) / 6) * np.clip(1 - np.abs(z) / 5, 0, 1)
        return (square / (square + 0.25) * halo * (square < 900))[:, None]


def volume_integral(gas, field, n=40, m=200, k=40):
    """∫ n f/s² dV in galactocentric cylindrical coordinates, Gauss–Legendre in R and z, midpoints in azimuth."""
    node, weight = np.polynomial.legendre.leggauss(n)
    t, dt = (a / 2 for a in np.polynomial.legendre.leggauss(k))
    z, dz = 5 * (t + 0.5) ** 3, 15 * (t + 0.5) ** 2 * dt
    phi, total = (np.arange(m) + 0.5) * np.pi / m, 0.0
    for low, high in ((0, 8.5), (8.5, 21.5), (21.5, 38.5)):
        for r, dr in zip(low + (high - low) * (node + 1) / 2, (high - low) / 2 * weight, strict=True):
            x, y = r * np.sin(phi)[:, None], r * np.cos(phi)[:, None]
            p = [a.ravel() for a in np.broadcast_arrays(x, y, z)]
            square = p[0] ** 2 + (p[1] - 8.5) ** 2 + p[2] ** 2
            value = gas.nuclei(*p) * field.values(*p)[:, 0] / square
            total += 4 * float((value.reshape(m, k) * dz).sum()) * r * dr * np.pi / m
    return total


def test_the_whole_sky_holds_what_the_galaxy_sends():
    """∫ I dΩ = ∫ n f/s² dV: the map's integral against an independent quadrature over the volume, to 0.5 per cent."""
    sky = sky_map(Softened(), NakanishiSofue(), [1] * u.TeV, nside=64)
    volume = volume_integral(NakanishiSofue(), Softened())
    assert float(sky.total()[0].value) / KPC == pytest.approx(volume, rel=0.005)


def test_maps_are_read_as_they_were_written(tmp_path):
    values = np.random.default_rng(8).random((2, 192)) / (u.TeV * u.cm**2 * u.s * u.sr)
    sky = SkyMap(values, [10, 100] * u.TeV, {"MODEL": "Ferriere", "SOURCE": "crlab"})
    write(tmp_path / "sky.fits", sky)
    back = read(tmp_path / "sky.fits")
    assert np.array_equal(back.values.value, values.value)
    assert back.values.unit == values.unit
    assert np.allclose(back.energy.to_value(u.TeV), [10, 100], rtol=1e-12)
    assert back.meta == sky.meta


def test_other_tools_read_the_file(tmp_path):
    sky = sky_map(FLAT, NakanishiSofue(), [1, 2] * u.TeV, nside=8, factor=[1, 2], meta={"CRMODEL": "flat"})
    write(tmp_path / "sky.fits", sky)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = healpy.read_map(tmp_path / "sky.fits", field=(0, 1), dtype=np.float64)
    assert np.array_equal(first, sky.values.value[0])
    assert np.array_equal(second, 2 * first)
    with fits.open(tmp_path / "sky.fits") as file:
        header = file[1].header
        assert header["ORDERING"] == "RING"
        assert header["COORDSYS"] == "G"
        assert u.Unit(header["TUNIT2"]) == u.cm**-2
        assert header["ENERGY2"] == 2000.0
        assert header["GAS"] == "NakanishiSofue(component='all')"
        assert header["CREATOR"].startswith("crlab ")
        assert header["ABSORB"] == "none"
        assert header["CRMODEL"] == "flat"
    with pytest.raises(OSError, match="exists"):
        write(tmp_path / "sky.fits", sky)
    write(tmp_path / "sky.fits", sky, overwrite=True)


def test_files_of_another_kind_are_refused(tmp_path):
    fits.PrimaryHDU(np.ones((2, 2))).writeto(tmp_path / "image.fits")
    with pytest.raises(ValueError, match="no HEALPix table"):
        read(tmp_path / "image.fits")
    healpy.write_map(tmp_path / "bare.fits", np.ones(12), coord="G", dtype=np.float64)
    with pytest.raises(ValueError, match="lacks in its header"):
        read(tmp_path / "bare.fits")


@pytest.mark.parametrize("nside", [0, 3, 100, -4, 2.0, True, 16384])
def test_nside_must_be_a_power_of_two(nside):
    with pytest.raises(ValueError, match="nside must be a power of two"):
        check_nside(nside)
    with pytest.raises(ValueError, match="nside must be a power of two"):
        sky_map(FLAT, NakanishiSofue(), [1] * u.TeV, nside=nside)


def test_regions():
    inner = Region("inner", 15 * u.deg, 125 * u.deg, 5 * u.deg)
    assert inner.solid_angle.to_value(u.sr) == pytest.approx(np.radians(110) * 2 * np.sin(np.radians(5)))
    assert inner.contains([14, 16, 124, 126, 20] * u.deg, [0, 0, 4.9, 0, 5.1] * u.deg).tolist() == [0, 1, 1, 0, 0]
    through = Region("centre", -30 * u.deg, 30 * u.deg, 8 * u.deg)
    assert through.contains([350, 10, 40, 300] * u.deg, [0] * 4 * u.deg).tolist() == [1, 1, 0, 0]
    assert Region("all", 0 * u.deg, 360 * u.deg, 90 * u.deg).solid_angle.to_value(u.sr) == pytest.approx(4 * np.pi)
    lon, lat, weight = through.grid(2 * u.deg)
    assert weight.sum() == pytest.approx(1)
    assert through.contains(lon, lat).all()
    assert (weight * np.sin(lat.to_value(u.rad)) ** 2).sum() == pytest.approx(np.sin(np.radians(8)) ** 2 / 3, rel=1e-6)
    with pytest.raises(ValueError, match="lat must be"):
        Region("no", 0 * u.deg, 1 * u.deg, 91 * u.deg)
    with pytest.raises(u.UnitConversionError, match="low"):
        Region("no", 0, 1 * u.deg, 9 * u.deg)


def test_the_average_of_a_map_is_that_of_its_region():
    sky = sky_map(FLAT, NakanishiSofue(), [1] * u.TeV, nside=64)
    region = Region("inner", 15 * u.deg, 125 * u.deg, 5 * u.deg)
    lon, lat, weight = region.grid(1 * u.deg)
    fine = (weight * integrate(FLAT, NakanishiSofue(), lon, lat)[:, 0]).sum()
    assert (sky.average(region)[0] / fine).to_value("") == pytest.approx(1, rel=0.03)
    with pytest.raises(ValueError, match="no pixel of nside 64"):
        sky.average(Region("dot", 0 * u.deg, 0.01 * u.deg, 0.01 * u.deg))


def test_bad_input_is_refused():
    ns, here = NakanishiSofue(), ([0] * u.deg, [0] * u.deg)
    with pytest.raises(ValueError, match="give energy"):
        integrate(FLAT, ns, *here, absorption=Absorption())
    with pytest.raises(ValueError, match="lists of one length"):
        integrate(FLAT, ns, [0, 1] * u.deg, [0] * u.deg)
    with pytest.raises(u.UnitConversionError, match="lon"):
        integrate(FLAT, ns, [0.0], [0] * u.deg)
    with pytest.raises(ValueError, match=r"gas must have a method nuclei.*str 'Ferriere'"):
        integrate(FLAT, "Ferriere", *here)
    with pytest.raises(ValueError, match="field must have a method values"):
        integrate(1.0, ns, *here)
    with pytest.raises(ValueError, match="absorption must be an Absorption"):
        integrate(FLAT, ns, *here, energy=[1] * u.TeV, absorption=True)
    with pytest.raises(ValueError, match="edges must be a list"):
        integrate(FLAT, ns, *here, edges=[1, 1] * u.kpc)
    two = Grid([-60, 60] * u.kpc, [-60, 60] * u.kpc, [0] * u.kpc, np.ones((2, 2, 1, 2)))
    with pytest.raises(ValueError, match="field has 2 values"):
        integrate(two, ns, *here, energy=[1, 2, 3] * u.TeV)
    with pytest.raises(ValueError, match="growth must be positive"):
        steps(growth=0)
    with pytest.raises(ValueError, match="equal steps"):
        Axisymmetric([0, 1, 3] * u.kpc, [0, 5] * u.kpc, np.ones((3, 2)))
    with pytest.raises(ValueError, match="begin at 0"):
        Axisymmetric([0, 1] * u.kpc, [1, 5] * u.kpc, np.ones((2, 2)))
    with pytest.raises(ValueError, match="table must have shape"):
        Grid([0, 1] * u.kpc, [0, 1] * u.kpc, [0] * u.kpc, np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match="table must be finite"):
        Grid([0, 1] * u.kpc, [0, 1] * u.kpc, [0] * u.kpc, np.full((2, 2, 1), np.nan))
    with pytest.raises(ValueError, match="at least 2 nodes"):
        Grid([0] * u.kpc, [0, 1] * u.kpc, [0] * u.kpc, np.ones((1, 2, 1)))
    with pytest.raises(u.UnitConversionError, match="values must be a quantity"):
        SkyMap(np.ones((1, 12)), [1] * u.TeV)
    with pytest.raises(ValueError, match="one map an energy"):
        SkyMap(np.ones((1, 12)) * u.m, [1, 2] * u.TeV)
    with pytest.raises(ValueError, match="12 nside²"):
        SkyMap(np.ones((1, 13)) * u.m, [1] * u.TeV)
    with pytest.raises(ValueError, match="values must be finite"):
        SkyMap(np.full((1, 12), np.nan) * u.m, [1] * u.TeV)
    with pytest.raises(ValueError, match="capital letters"):
        SkyMap(np.ones((1, 12)) * u.m, [1] * u.TeV, {"lower": "x"})
