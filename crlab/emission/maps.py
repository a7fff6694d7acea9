"""Maps of the sky in HEALPix form: resolutions, regions, averages, and FITS files with units and pedigree.

Maps are in RING order and Galactic coordinates. Used in the chapter "The smooth sky".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import healpy
import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.units import Array, take

__all__ = ["Region", "SkyMap", "check_nside", "directions", "read", "write"]

_WHERE = {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "G"}


def check_nside(nside: Any) -> int:
    """Return nside if it is a resolution of HEALPix with nested order: a power of two.

    Parameters
    ----------
    nside : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        Anything else than 1, 2, 4, ... 8192.

    Examples
    --------
    >>> check_nside(100)
    Traceback (most recent call last):
    ...
    ValueError: nside must be a power of two from 1 to 8192, got 100
    """
    whole = isinstance(nside, int | np.integer) and not isinstance(nside, bool)
    if not whole or not 1 <= nside <= 8192 or nside & (nside - 1):
        raise ValueError(f"nside must be a power of two from 1 to 8192, got {nside!r}")
    return int(nside)


def directions(nside: int) -> tuple[u.Quantity, u.Quantity]:
    """Galactic longitude and latitude of the pixels' centres.

    Parameters
    ----------
    nside : int
        A power of two.

    Returns
    -------
    lon, lat : Quantity, shape (12 nside²,)
        In degrees.

    Raises
    ------
    ValueError
        As `check_nside`.

    Examples
    --------
    >>> lon, lat = directions(1)
    >>> print(lon[:2], lat[:2])
    [ 45. 135.] deg [41.8103149 41.8103149] deg
    """
    n = check_nside(nside)
    lon, lat = healpy.pix2ang(n, np.arange(12 * n * n), lonlat=True)
    return lon * u.deg, lat * u.deg


@dataclass(frozen=True)
class Region:
    """A rectangle in Galactic coordinates, low < l < high (through 0° where low > high) and abs(b) < lat.

    Parameters
    ----------
    name : str
    low, high : Quantity
        Longitudes.
    lat : Quantity
        Half the width in latitude.

    Raises
    ------
    ValueError
        A width in latitude outside (0°, 90°].
    UnitConversionError
        An angle without a unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> inner = Region("inner", 15 * u.deg, 125 * u.deg, 5 * u.deg)
    >>> print(f"{inner.solid_angle:.4f}")
    0.3347 sr
    """

    name: str
    low: u.Quantity
    high: u.Quantity
    lat: u.Quantity

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            take(name, value, u.deg)
        if not 0 < float(take("lat", self.lat, u.deg)) <= 90:
            raise ValueError(f"lat must be above 0° and at most 90°, got {self.lat}")

    @property
    def width(self) -> u.Quantity:
        """Extent in longitude; 360° where both ends are the same direction."""
        return (float((self.high - self.low).to_value(u.deg)) % 360 or 360.0) * u.deg

    @property
    def solid_angle(self) -> u.Quantity:
        """Exact solid angle."""
        return 2 * np.sin(self.lat) * self.width.to_value(u.rad) * u.sr

    def contains(self, lon: u.Quantity, lat: u.Quantity) -> NDArray[np.bool_]:
        """Whether directions lie inside.

        Parameters
        ----------
        lon, lat : Quantity
            Of one shape.

        Returns
        -------
        ndarray of bool
        """
        offset = (take("lon", lon, u.deg) - float(self.low.to_value(u.deg))) % 360
        return (offset < self.width.value) & (np.abs(take("lat", lat, u.deg)) < float(self.lat.to_value(u.deg)))

    def grid(self, step: u.Quantity) -> tuple[u.Quantity, u.Quantity, Array]:
        """Midpoints and weights for an average over the region, finer in latitude towards the plane.

        Parameters
        ----------
        step : Quantity
            Spacing in longitude. The latitudes follow b = lat t³, with at least 24 of them and a mean spacing of at
            most half a step: narrower layers of gas than a degree are common.

        Returns
        -------
        lon, lat : Quantity, shape (n,)
        weight : ndarray, shape (n,)
            Fractions of the solid angle; they sum to one.
        """
        fine = float(take("step", step, u.deg, positive=True))
        n = max(2, round(float(self.width.value) / fine))
        m = max(24, 4 * round(float(self.lat.to_value(u.deg)) / fine))
        node, weight = np.polynomial.legendre.leggauss(m)
        b = self.lat.to_value(u.rad) * node**3
        per = np.cos(b) * node**2 * weight
        longitude = self.low.to_value(u.deg) + (np.arange(n) + 0.5) * self.width.value / n
        lon, lat = (a.ravel() for a in np.meshgrid(longitude, np.degrees(b)))
        return lon * u.deg, lat * u.deg, np.repeat(per / per.sum() / n, n)


@dataclass(frozen=True, eq=False)
class SkyMap:
    """One or more maps of the sky with a unit, energies and a pedigree.

    Parameters
    ----------
    values : Quantity, shape (k, 12 nside²)
        In RING order and Galactic coordinates.
    energy : Quantity, shape (k,)
        Of each map.
    meta : mapping of str to str
        Where the maps come from: keys of at most 8 letters, as FITS has them.

    Raises
    ------
    ValueError
        Another shape, values that are not finite, unfit keys.
    UnitConversionError
        Values or energies without a unit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> sky = SkyMap(np.ones((1, 12)) / (u.GeV * u.cm**2 * u.s * u.sr), [10] * u.TeV, {"MODEL": "flat"})
    >>> print(f"{sky.total()[0]:.2f}")
    12.57 1 / (GeV s cm2)
    """

    values: u.Quantity
    energy: u.Quantity
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.values, u.Quantity):
            raise u.UnitConversionError(f"values must be a quantity, got the bare {type(self.values).__name__}")
        energy = take("energy", self.energy, u.GeV, positive=True)
        if self.values.ndim != 2 or energy.shape != (len(self.values),):
            raise ValueError(f"values must have one map an energy, got shapes {self.values.shape} and {energy.shape}")
        if not healpy.isnpixok(self.values.shape[1]):
            raise ValueError(f"values must have 12 nside² pixels a map, got {self.values.shape[1]}")
        check_nside(self.nside)
        take("values", self.values, self.values.unit)
        for key in self.meta:
            if not key.isascii() or not key.isupper() or len(key) > 8:
                raise ValueError(f"keys of meta must be at most 8 capital letters, got {key!r}")

    @property
    def nside(self) -> int:
        """Resolution of the maps."""
        return healpy.npix2nside(self.values.shape[1])

    def total(self) -> u.Quantity:
        """Integral over the sky, shape (k,)."""
        return self.values.mean(axis=1) * 4 * np.pi * u.sr

    def average(self, region: Region) -> u.Quantity:
        """Mean over the pixels whose centres lie in a region.

        Parameters
        ----------
        region : Region

        Returns
        -------
        Quantity, shape (k,)

        Raises
        ------
        ValueError
            No pixel has its centre inside.
        """
        inside = region.contains(*directions(self.nside))
        if not inside.any():
            raise ValueError(f"no pixel of nside {self.nside} has its centre in region {region.name!r}")
        return self.values[:, inside].mean(axis=1)


def write(path: str | Path, sky: SkyMap, *, overwrite: bool = False) -> None:
    """Write maps as a FITS file that healpy, astropy and other HEALPix tools read.

    A column for each map, with its unit as ``TUNIT`` and its energy as ``ENERGY1``, ... in GeV; the pedigree as
    further keywords.

    Parameters
    ----------
    path : str or Path
    sky : SkyMap
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    OSError
        The file exists, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> sky = SkyMap(np.ones((1, 12)) / (u.GeV * u.cm**2 * u.s * u.sr), [10] * u.TeV, {"MODEL": "flat"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/sky.fits", sky)
    ...     print(healpy.read_map(f"{folder}/sky.fits").shape)
    (12,)
    """
    names = [f"ENERGY_{i + 1}" for i in range(len(sky.energy))]
    header: list[tuple[Any, ...]] = [
        (f"ENERGY{i + 1}", float(e), "[GeV] of column " + names[i]) for i, e in enumerate(sky.energy.to_value(u.GeV))
    ]
    header += [("CREATOR", f"crlab {version('crlab')}")] + [(key, str(value)) for key, value in sky.meta.items()]
    healpy.write_map(
        str(path),
        sky.values.value,
        coord="G",
        column_names=names,
        column_units=sky.values.unit.to_string("fits"),
        extra_header=header,
        dtype=np.float64,
        overwrite=overwrite,
    )


def read(path: str | Path) -> SkyMap:
    """Read maps that `write` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    SkyMap
        With all keywords of the file that are not HEALPix's own as its pedigree.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        No HEALPix table in RING order and Galactic coordinates, or one without units and energies.

    Examples
    --------
    >>> import tempfile
    >>> sky = SkyMap(np.ones((1, 12)) / (u.GeV * u.cm**2 * u.s * u.sr), [10] * u.TeV, {"MODEL": "flat"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/sky.fits", sky)
    ...     again = read(f"{folder}/sky.fits")
    >>> print(again.nside, again.energy.to(u.TeV), again.meta["MODEL"])
    1 [10.] TeV flat
    """
    from astropy.io import fits

    with fits.open(Path(path)) as file:
        if len(file) < 2 or any(file[1].header.get(key) != value for key, value in _WHERE.items()):
            raise ValueError(f"{path} holds no HEALPix table in RING order and Galactic coordinates")
        header, data = file[1].header, file[1].data
        names = file[1].columns.names
        try:
            unit = u.Unit(header["TUNIT1"], format="fits")
            energy = np.array([header[f"ENERGY{i + 1}"] for i in range(len(names))]) * u.GeV
        except KeyError as error:
            raise ValueError(f"{path} lacks in its header: {error.args[0]}") from None
        values = np.array([np.asarray(data[name], dtype=np.float64).ravel() for name in names])
        own = ("TTYPE", "TFORM", "TUNIT", "NAXIS", "ENERGY", "EXTNAME")
        standard = {*_WHERE, "XTENSION", "BITPIX", "PCOUNT", "GCOUNT", "TFIELDS", "NSIDE", "FIRSTPIX", "LASTPIX"}
        standard |= {"INDXSCHM", "CREATOR", "OBJECT", "BAD_DATA", "POLCCONV", "COMMENT", "HISTORY"}
        meta = {k: str(v) for k, v in header.items() if k and k not in standard and not k.startswith(own)}
    return SkyMap(values * unit, energy, meta)
