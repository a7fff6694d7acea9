"""Maps of the sky: the right way round, every pixel in its place, and as frames behind a slider."""

import base64
import io
import re

import astropy.coordinates as coord
import healpy
import matplotlib as mpl
import numpy as np
import pytest
from astropy import units as u
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose

from crlab.show import draw_sky, sky_slider, use_house_style

NSIDE = 32
NPIX = healpy.nside2npix(NSIDE)
PIXEL = 2 * healpy.max_pixrad(NSIDE)  # a pixel's diameter in radians


@pytest.fixture(autouse=True)
def house_style():
    with mpl.rc_context():
        use_house_style()
        yield
        plt.close("all")


def image(ax):
    """Longitudes, latitudes and values of what a sky map shows, from the left to the right."""
    mesh = ax.collections[0]
    x, y = mesh.get_coordinates()[..., 0], mesh.get_coordinates()[..., 1]
    values = mesh.get_array().filled(np.nan).reshape(x.shape[0] - 1, -1)
    return -np.degrees(x[0, 1:] + x[0, :-1]) / 2, np.degrees(y[1:, 0] + y[:-1, 0]) / 2, values


def brightest(ax) -> tuple[float, float]:
    longitude, latitude, values = image(ax)
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    return longitude[column], latitude[row]


def spot(longitude: float, latitude: float) -> np.ndarray:
    """A map that falls off with the distance from one direction."""
    centre = healpy.ang2vec(longitude, latitude, lonlat=True)
    return np.array(healpy.pix2vec(NSIDE, np.arange(NPIX))).T @ centre


@pytest.mark.parametrize(
    ("longitude", "latitude", "side"),
    [(0, 0, "centre"), (90, 0, "left"), (270, 0, "right"), (30, 60, "left"), (200, -45, "right")],
)
def test_a_spot_appears_where_it_is(longitude, latitude, side) -> None:
    _, ax = draw_sky(spot(longitude, latitude), label="Spot")
    assert healpy.rotator.angdist(brightest(ax), (longitude, latitude), lonlat=True) < PIXEL
    # Seen from inside, longitude grows to the left.
    column = np.nanargmax(np.nanmax(image(ax)[2], axis=0)) / image(ax)[2].shape[1]
    assert {"left": column < 0.49, "centre": 0.49 < column < 0.51, "right": column > 0.51}[side]


@pytest.mark.parametrize(
    ("letter", "frame"), [("C", coord.ICRS), ("E", coord.BarycentricMeanEcliptic), ("G", coord.Galactic)]
)
@pytest.mark.parametrize("latitude", [90, -20])
def test_maps_in_other_coordinates_are_turned(letter, frame, latitude) -> None:
    _, ax = draw_sky(spot(70, latitude), label="Spot", coord=letter)
    galactic = coord.SkyCoord(70 * u.deg, latitude * u.deg, frame=frame).galactic
    shown = coord.SkyCoord(*brightest(ax) * u.deg, frame="galactic")
    assert shown.separation(galactic).rad < PIXEL


def test_both_pixel_orders_give_one_picture() -> None:
    ring = spot(40, 10)
    _, first = draw_sky(ring, label="Spot")
    _, second = draw_sky(healpy.reorder(ring, r2n=True), label="Spot", nest=True)
    assert np.array_equal(image(first)[2], image(second)[2])


@pytest.mark.parametrize("nside", [1, 2, 8, 64])
def test_every_pixel_of_the_picture_shows_its_pixel_of_the_map(nside) -> None:
    _, ax = draw_sky(np.arange(healpy.nside2npix(nside)), label="Number")
    longitude, latitude, values = image(ax)
    expected = healpy.ang2pix(nside, *np.meshgrid(longitude, latitude), lonlat=True)
    assert np.mean(values == expected) > 0.999  # up to rounding on the pixels' borders


def test_values_are_shown_in_the_unit_asked_for() -> None:
    values = np.linspace(1, 2, NPIX) / u.cm**2
    figure, ax = draw_sky(values, label="Column", unit="1 / m2")
    assert_allclose(np.nanmax(image(ax)[2]), 2e4, rtol=1e-3)
    assert figure.axes[1].get_xlabel() == r"Column [$\mathrm{m^{-2}}$]"
    figure, _ = draw_sky(values.value, label="Ratio")
    assert figure.axes[1].get_xlabel() == "Ratio"


@pytest.mark.parametrize("hide", ["nan", "unseen", "mask"])
def test_hidden_pixels_are_grey_and_do_not_set_the_scale(hide) -> None:
    values = spot(0, 0) + 2
    band = np.abs(healpy.pix2ang(NSIDE, np.arange(NPIX), lonlat=True)[1]) < 20
    if hide == "mask":
        values = np.ma.array(values, mask=band)
    else:
        values[band] = np.nan if hide == "nan" else healpy.UNSEEN
    _, ax = draw_sky(values, label="Spot", scale="log")
    _, latitude, shown = image(ax)
    assert np.isnan(shown[np.abs(latitude) < 18]).all()
    assert np.isfinite(shown[np.abs(latitude) > 22]).all()
    mesh = ax.collections[0]
    assert_allclose((mesh.norm.vmin, mesh.norm.vmax), (values[~band].min(), values[~band].max()))
    red, green, blue, _ = mesh.cmap(np.nan)
    assert red == green == blue


def test_scales() -> None:
    values = spot(0, 0) + 0.5  # from -0.5 to 1.5
    norm = {
        scale: draw_sky(values + (1 if scale == "log" else 0), label="x", scale=scale)[1].collections[0].norm
        for scale in ("linear", "log", "diverging")
    }
    assert_allclose((norm["linear"].vmin, norm["linear"].vmax), (-0.5, 1.5), atol=1e-3)
    assert_allclose((norm["diverging"].vmin, norm["diverging"].vmax), (-1.5, 1.5), atol=1e-3)
    assert_allclose(norm["log"](np.sqrt(norm["log"].vmin * norm["log"].vmax)), 0.5)


@pytest.mark.parametrize(
    ("limits", "extend"),
    [((-2, 2), "neither"), ((0, 2), "min"), ((-2, 0), "max"), ((-0.5, 0.5), "both"), (None, "neither")],
)
def test_arrows_tell_where_the_map_leaves_the_colour_bar(limits, extend) -> None:
    _, ax = draw_sky(spot(0, 0), label="Spot", limits=limits)
    assert ax.collections[0].colorbar.extend == extend


def test_several_maps_share_a_figure() -> None:
    figure = plt.figure()
    axes = [figure.add_subplot(1, 2, i, projection="mollweide") for i in (1, 2)]
    for ax in axes:
        assert draw_sky(spot(0, 0), label="Spot", ax=ax) == (figure, ax)
    assert [len(ax.collections) for ax in axes] == [1, 1]
    assert plt.get_fignums() == [figure.number]


def test_the_map_given_is_left_alone_and_the_picture_is_always_the_same() -> None:
    values = spot(0, 0)
    values[:9] = healpy.UNSEEN
    kept = values.copy()
    pictures = []
    for _ in range(2):
        figure, _ = draw_sky(values, label="Spot")
        buffer = io.BytesIO()
        figure.savefig(buffer)
        pictures.append(buffer.getvalue())
    assert pictures[0] == pictures[1]
    assert np.array_equal(values, kept)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.ones(13), {}, "values must be one map of 12 nside² pixels, got an array of shape (13,)"),
        (np.ones((2, 12)), {}, "values must be one map of 12 nside² pixels, got an array of shape (2, 12)"),
        (1.0, {}, "values must be one map of 12 nside² pixels, got an array of shape ()"),
        (np.full(12, np.nan), {}, "values must hold at least one pixel to show, got only NaN or UNSEEN"),
        (np.full(12, healpy.UNSEEN), {}, "values must hold at least one pixel to show"),
        (np.full(12, np.inf), {}, "values must be finite, got inf"),
        (np.ones(12) * u.m, {"unit": "s"}, "values must be in units like s, got m"),
        (np.ones(12), {"unit": "m"}, "values must be a quantity in units like m, got the bare value"),
        (np.ones(12) * u.m, {}, "values must be a pure number, got m"),
        (
            np.arange(12) - 1,
            {"scale": "log"},
            "values must be positive for a logarithmic scale, got 2 pixels",
        ),
        (np.ones(12), {"scale": "lin"}, "scale must be one of linear, log, diverging, got 'lin'"),
        (np.ones(12), {"coord": "galactic"}, "coord must be one of G, C, E, got 'galactic'"),
        (np.ones(12), {"limits": (2, 1)}, "limits must be two growing numbers, got (2, 1)"),
        (np.ones(12), {"limits": (1, 1)}, "limits must be two growing numbers, got (1, 1)"),
        (np.ones(12), {"limits": (1, 2, 3)}, "limits must be two growing numbers, got (1, 2, 3)"),
        (np.ones(12), {"limits": (1, np.nan)}, "limits must be finite, got nan"),
        (np.ones(12), {"limits": (0, 1), "scale": "log"}, "limits must be positive for a logarithmic scale"),
        (np.ones(12), {"limits": (-1, 2), "scale": "diverging"}, "limits must be symmetric about zero"),
    ],
)
def test_draw_sky_refuses(values, options, message) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        draw_sky(values, label="x", **options)
    assert plt.get_fignums() == []


def test_draw_sky_refuses_other_axes() -> None:
    with pytest.raises(ValueError, match=r'^ax must have projection="mollweide", got \'rectilinear\'$'):
        draw_sky(np.ones(12), label="x", ax=plt.subplots()[1])


WORDS = {"label": "Intensity", "title": "Energy", "alt": "Numbers of pixels."}


def test_a_slider_shows_each_map_as_a_figure_of_its_own():
    """Frames differ where the maps do, and look as the figure that they are made from."""
    maps_shown = np.stack([np.arange(12.0), np.arange(12.0)[::-1]])
    made = sky_slider(maps_shown, [1, 1000] * u.TeV, **WORDS)
    coded = re.findall(r'alt="([^"]*)" data-label="([^"]*)" src="data:image/png;base64,([^"]*)"', made.html)
    assert [c[:2] for c in coded] == [
        ("Numbers of pixels. 1 TeV", "1 TeV"),
        ("Numbers of pixels. 1000 TeV", "1000 TeV"),
    ]
    frames = [plt.imread(io.BytesIO(base64.b64decode(c[2]))) for c in coded]
    figure, _ = draw_sky(maps_shown[1], label="Intensity")
    figure.set(size_inches=(5.6, 3.4), dpi=60)
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba()) / 255
    plt.close(figure)
    assert frames[1].shape == drawn.shape
    far, near = (np.abs(frame - drawn)[..., :3].mean() for frame in frames)
    assert near < 0.005 < far  # a frame has no more than 256 colours
    with pytest.raises(ValueError, match=r"^values must be one for each map, got shape \(1,\) for 2 maps$"):
        sky_slider(maps_shown, [1] * u.TeV, **WORDS)


def test_seven_fine_maps_weigh_little():
    """The bar: 150 kB for the sky at seven energies, at the resolution of the chapter."""
    lon, lat = healpy.pix2ang(64, np.arange(12 * 64**2), lonlat=True)
    skies = [np.exp(-np.abs(lat) / width) * (2 + np.cos(np.radians(lon))) for width in range(1, 8)]
    made = sky_slider(skies, np.geomspace(1, 1000, 7).round() * u.TeV, scale="log", **WORDS)
    assert len(made.html) < 150_000


def test_with_a_kernel_maps_follow_a_slider_that_stops_at_their_energies():
    pytest.importorskip("ipywidgets", exc_type=ImportError)
    made = sky_slider(np.eye(12)[:3], [1, 30, 1000] * u.TeV, **WORDS)
    control, picture = made.widget().children
    assert control.options == (("1 TeV", 1.0), ("30 TeV", 30.0), ("1000 TeV", 1000.0))
    stored = re.findall(r"base64,([^\"]*)", made.html)
    for i, (said, energy) in enumerate(control.options):
        control.value = energy
        assert re.findall(r"base64,([^\"]*)", picture.value) == [stored[i]]
        assert f'alt="Numbers of pixels. {said}"' in picture.value
