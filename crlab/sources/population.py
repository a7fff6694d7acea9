r"""Where and when sources go off: radial profiles, spiral arms, heights above the plane, rates.

Places are in the frame of `crlab.galaxy`. Chapter "Where the sources are".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType

import numpy as np
from astropy import units as u

from crlab.diffusion.green import disc_mean, locality
from crlab.galaxy import SUN
from crlab.units import Array, take

__all__ = [
    "ARMS",
    "HEIGHTS",
    "PROFILES",
    "Arm",
    "Arms",
    "Catalogue",
    "Population",
    "Profile",
    "ferriere_rate",
    "number_of_sources",
]

_SURFACE = u.kpc**-2
_RATE = u.kpc**-2 / u.Myr
_NODES = np.polynomial.legendre.leggauss(32)
_FINE = 4000  # steps of the tables from which radii are drawn


@dataclass(frozen=True)
class Profile:
    """A surface density of sources as a function of Galactocentric radius, up to its norm.

    Parameters
    ----------
    shape : callable
        Of the radius and of R☉ in kpc, arrays to arrays.
    source : str
        Author and year.
    breaks : tuple of float
        Radii in kpc where it jumps or bends.

    Examples
    --------
    >>> PROFILES["uniform"].shape(np.array([1.0, 9.0]), 8.5)
    array([1., 1.])
    """

    shape: Callable[[Array, float], Array]
    source: str
    breaks: tuple[float, ...] = ()


def _power(alpha: float, beta: float, *, offset: float = 0.0) -> Callable[[Array, float], Array]:
    """((r+o)/(R+o))^α exp(-β (r-R)/(R+o))."""

    def shape(r: Array, sun: float) -> Array:
        x = (r + offset) / (sun + offset)
        return np.asarray(x**alpha * np.exp(-beta * (x - 1)))

    return shape


def _type_two(r: Array, sun: float) -> Array:
    """Per kpc2 and Myr; the two branches do not quite meet at 3.7 kpc."""
    outer = np.exp(-(r**2 - sun**2) / 6.8**2)
    return 27 * np.where(r > 3.7, outer, 3.55 * np.exp(-(((r - 3.7) / 2.1) ** 2)))


def _type_one(r: Array, sun: float) -> Array:
    return 4.8 * np.exp(-(r - sun) / 4.5)


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "uniform": Profile(lambda r, sun: np.ones_like(r), "a disc with an edge"),
        "Case & Bhattacharya 1996": Profile(_power(1.69, 3.33), "Case & Bhattacharya 1996"),
        "Case & Bhattacharya 1998": Profile(_power(2.0, 3.53), "Case & Bhattacharya 1998"),
        "Lorimer 2006": Profile(_power(1.9, 5.0), "Lorimer et al. 2006, model C"),
        "Yusifov & Kucuk 2004": Profile(_power(1.64, 4.01, offset=0.55), "Yusifov & Küçük 2004"),
        "Green 2015": Profile(_power(1.09, 3.87), "Green 2015"),
        "Ferriere II": Profile(_type_two, "Ferrière 2001, core-collapse supernovae", (3.7,)),
        "Ferriere I": Profile(_type_one, "Ferrière 2001, thermonuclear supernovae"),
        "Ferriere": Profile(lambda r, sun: _type_one(r, sun) + _type_two(r, sun), "Ferrière 2001, both", (3.7,)),
        "Steiman-Cameron 2010": Profile(
            lambda r, sun: np.exp(-np.abs(r - 2.9) / np.where(r < 2.9, 0.7, 3.1)), "Steiman-Cameron et al. 2010", (2.9,)
        ),
    }
)
"""Radial profiles by name, fitted with R☉ = 8.5 kpc."""

# Terms (weight, scale in kpc, power) of Σ w exp(-abs(z/scale)^power).
HEIGHTS: Mapping[str, tuple[tuple[float, float, float], ...]] = MappingProxyType(
    {
        "plane": ((1.0, 0.0, 2.0),),
        "Ferriere I": ((1.0, 0.325, 1.0),),
        "Ferriere II": ((0.79, 0.212, 2.0), (0.21, 0.636, 2.0)),
        "arms": ((1.0, 0.07 * np.sqrt(2), 2.0),),
    }
)
"""Distributions in height by name: all at z = 0; those of Ferrière (2001); a Gaussian of 70 pc, as for the arms."""


@dataclass(frozen=True)
class Arm:
    """A logarithmic spiral r = a exp(β φ), φ counter-clockwise from +x.

    Parameters
    ----------
    start : float
        a in kpc.
    pitch : float
        β per radian: the tangent of the pitch angle.
    weight : float
        Relative number of sources.

    Examples
    --------
    >>> from astropy import units as u
    >>> one = Arms({"alone": Arm(start=0.5, pitch=0.25, weight=1)}, width=15 * u.deg)
    >>> print(f"{one.contrast(*one.ridge('alone', 8 * u.kpc)):.2f}")  # sqrt(2π) over the width
    9.57
    """

    start: float
    pitch: float
    weight: float


ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        "Sagittarius-Carina": Arm(0.246, 0.242, 169),
        "Scutum-Crux": Arm(0.608, 0.279, 266),
        "Norma-Cygnus": Arm(0.449, 0.249, 339),
        "Perseus": Arm(0.378, 0.240, 176),
    }
)
"""The four arms of Steiman-Cameron et al. (2010), fitted to far-infrared lines of C⁺ and N⁺."""


@dataclass(frozen=True)
class Arms:
    """Spiral arms: sources spread about them in azimuth as a Gaussian.

    Parameters
    ----------
    arms : mapping of str to Arm
    width : Quantity
        Standard deviation in azimuth.
    inner : Quantity
        Inside this radius the azimuth is uniform.

    Raises
    ------
    ValueError
        No arms, a width ≤ 0 or beyond 90 degrees, a radius ≤ 0.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> [f"{l:.1f}" for l in Arms().tangents("Sagittarius-Carina", sun=8.5 * u.kpc)]
    ['50.5 deg', '284.3 deg']
    """

    arms: Mapping[str, Arm] = field(default_factory=lambda: ARMS)
    width: u.Quantity = field(default_factory=lambda: 15 * u.deg)
    inner: u.Quantity = field(default_factory=lambda: 3 * u.kpc)

    def __post_init__(self) -> None:
        if not self.arms:
            raise ValueError("arms must hold at least one arm, got none")
        if _one("width", self.width, u.deg) > 90:
            raise ValueError(f"width must be at most 90 deg, got {self.width}")
        _one("inner", self.inner, u.kpc)

    def contrast(self, x: u.Quantity, y: u.Quantity) -> Array:
        """Density over its mean on the circle about the Galactic centre.

        Parameters
        ----------
        x, y : Quantity
            Place in the Galaxy's frame, broadcast.

        Returns
        -------
        ndarray

        Raises
        ------
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Arms().contrast(0 * u.kpc, 8.5 * u.kpc):.2f}")
        0.27
        """
        return self._contrast(take("x", x, u.kpc), take("y", y, u.kpc))

    def _contrast(self, x: Array, y: Array) -> Array:
        r, phi = np.hypot(x, y), np.arctan2(y, x)
        width, inner = self._numbers
        total = sum(arm.weight for arm in self.arms.values())
        density = np.zeros(r.shape)
        for arm in self.arms.values():
            ridge = np.log(np.maximum(r, 1e-3) / arm.start) / arm.pitch
            away = np.remainder(phi - ridge + np.pi, 2 * np.pi) - np.pi
            for turn in (-1, 0, 1):  # the tails beyond half a turn
                density += arm.weight / total * np.exp(-(((away + 2 * np.pi * turn) / width) ** 2) / 2)
        density *= np.sqrt(2 * np.pi) / width
        return np.where(r < inner, 1.0, density)

    @cached_property
    def _numbers(self) -> tuple[float, float]:
        """Width in rad, inner radius in kpc."""
        return _one("width", self.width, u.rad), _one("inner", self.inner, u.kpc)

    def ridge(self, name: str, radius: u.Quantity) -> tuple[u.Quantity, u.Quantity]:
        """Middle of an arm.

        Parameters
        ----------
        name : str
            Of the arm.
        radius : Quantity
            Galactocentric radii, any shape.

        Returns
        -------
        x, y : Quantity
            In kpc.

        Raises
        ------
        ValueError
            An unknown arm, a radius ≤ 0.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> x, y = Arms().ridge("Perseus", 11.2 * u.kpc)
        >>> print(f"{x:.1f}, {y:.1f}")
        0.2 kpc, 11.2 kpc
        """
        arm = self._arm(name)
        r = take("radius", radius, u.kpc, positive=True)
        phi = np.log(r / arm.start) / arm.pitch
        return r * np.cos(phi) * u.kpc, r * np.sin(phi) * u.kpc

    def tangents(self, name: str, *, sun: u.Quantity = SUN) -> u.Quantity:
        """Galactic longitudes at which the line of sight first grazes an arm, one on either side of the centre.

        Parameters
        ----------
        name : str
            Of the arm.
        sun : Quantity
            R☉.

        Returns
        -------
        Quantity
            Of shape (2,) in degrees: in the first and in the fourth quadrant.

        Raises
        ------
        ValueError
            An unknown arm, or one with no tangent point inside R☉ on either side.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Arms().tangents('Scutum-Crux')[0]:.1f}")
        29.7 deg
        """
        R = _one("sun", sun, u.kpc)
        x, y = (v.value for v in self.ridge(name, np.geomspace(1.0, R, 40_001) * u.kpc))
        longitude = np.degrees(np.unwrap(np.arctan2(x, R - y)))
        turning = np.flatnonzero(np.diff(np.sign(np.diff(longitude)))) + 1
        angles = longitude[turning] % 360
        found = [angles[angles < 180], angles[angles > 180]]
        if not all(side.size for side in found):
            raise ValueError(f"name must be that of an arm with tangents on both sides of the centre, got {name!r}")
        return np.array([found[0].max(), found[1].min()]) * u.deg  # the outermost turn is the one seen

    def _arm(self, name: str) -> Arm:
        if name not in self.arms:
            raise ValueError(f"name must be one of {', '.join(self.arms)}, got {name!r}")
        return self.arms[name]

    def _azimuth(self, r: Array, rng: np.random.Generator) -> Array:
        """Azimuths drawn for the radii `r`."""
        arms = list(self.arms.values())
        weight = np.array([arm.weight for arm in arms])
        which = rng.choice(len(arms), size=r.size, p=weight / weight.sum())
        start, pitch = (np.array([getattr(arm, name) for arm in arms])[which] for name in ("start", "pitch"))
        width, inner = self._numbers
        blur = rng.normal(scale=width, size=r.size)
        even = rng.uniform(0, 2 * np.pi, r.size)
        return np.where(r < inner, even, np.log(np.maximum(r, 1e-3) / start) / pitch + blur)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Sources that went off: where and how long ago; made by `Population.sample`.

    Parameters
    ----------
    position : Quantity
        x, y, z in the Galaxy's frame, shape (n, 3).
    age : Quantity
        Time since each went off, shape (n,).
    sun : Quantity
        R☉, for the distances.
    """

    position: u.Quantity
    age: u.Quantity
    sun: u.Quantity

    def __len__(self) -> int:
        return int(self.age.size)

    @property
    def rho(self) -> u.Quantity:
        """Distance from the Sun along the plane, shape (n,)."""
        return np.hypot(self.position[:, 0], self.position[:, 1] - self.sun)


@dataclass(frozen=True)
class Population:
    """Sources of equal strength that go off at random, at a steady mean rate.

    Parameters
    ----------
    profile : str
        One of `PROFILES`, or ``"infinite"``: the uniform disc without its edge, for which formulae are exact.
    rate : Quantity
        Sources per time in the whole Galaxy; of ``"infinite"``, those inside `radius`. Default 1 in 50 yr.
    radius : Quantity
        Where the disc ends. The default, 15.5 kpc for the uniform discs and else 20 kpc, is this book's choice.
    arms : Arms, optional
        Without them the disc is axisymmetric.
    heights : str or Quantity
        One of `HEIGHTS`, or the scale height of an exponential. ``"Ferriere"``: that of the type drawn, for the
        profile ``"Ferriere"``.
    sun : Quantity
        R☉, also for all that is made of the population. The profiles were fitted with `crlab.galaxy.SUN`.

    Raises
    ------
    ValueError
        An unknown name, a value that is not positive, arms in a uniform disc, the Sun outside the disc.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> snr = Population("Case & Bhattacharya 1998")
    >>> print(f"{snr.surface_density(8.5 * u.kpc):.3g}, {snr.sigma_eff():.3g}")
    0.00173 1 / kpc2, 0.00148 1 / kpc2
    >>> nearby = snr.sample(0.1 * u.Myr, seed=1)
    >>> nearby.position.shape[1], bool(nearby.age.max() < 0.1 * u.Myr)
    (3, True)
    """

    profile: str = "uniform"
    rate: u.Quantity = field(default_factory=lambda: 0.02 / u.yr)
    radius: u.Quantity | None = None
    arms: Arms | None = None
    heights: str | u.Quantity = "plane"
    sun: u.Quantity = SUN

    def __post_init__(self) -> None:
        if self.profile != "infinite" and self.profile not in PROFILES:
            raise ValueError(f"profile must be 'infinite' or one of {', '.join(PROFILES)}, got {self.profile!r}")
        uniform = self.profile in ("uniform", "infinite")
        if self.radius is None:
            object.__setattr__(self, "radius", (15.5 if uniform else 20.0) * u.kpc)
        if uniform and self.arms is not None:
            raise ValueError("arms must be None for a uniform disc")
        _one("rate", self.rate, 1 / u.Myr)
        if _one("sun", self.sun, u.kpc) >= _one("radius", self.radius, u.kpc):
            raise ValueError(f"radius must be beyond the Sun at {self.sun}, got {self.radius}")
        if not isinstance(self.heights, str):
            _one("heights", self.heights, u.kpc)
        elif self.heights not in HEIGHTS and (self.heights, self.profile) != ("Ferriere", "Ferriere"):
            known = ", ".join([*HEIGHTS, "Ferriere (for that profile)"])
            raise ValueError(f"heights must be a length or one of {known}, got {self.heights!r}")

    @cached_property
    def _numbers(self) -> tuple[float, float, float]:
        """Rate per Myr, edge and R☉ in kpc."""
        return _one("rate", self.rate, 1 / u.Myr), _one("radius", self.radius, u.kpc), _one("sun", self.sun, u.kpc)

    def _breaks(self) -> list[float]:
        _, edge, _ = self._numbers
        inner = [] if self.arms is None else [self.arms._numbers[1]]
        bends = () if self.profile == "infinite" else PROFILES[self.profile].breaks
        return [b for b in [*bends, *inner] if b < edge]

    def _surface(self, r: Array) -> Array:
        """Surface density normalised to one source, in 1/kpc2."""
        _, edge, sun = self._numbers
        if self.profile == "infinite":
            return np.full(np.shape(r), 1 / (np.pi * edge**2))
        shape = PROFILES[self.profile].shape
        return np.where(r <= edge, shape(np.asarray(r), sun) / self._norm(), 0.0)

    def _norm(self) -> float:
        _, edge, sun = self._numbers
        return _norm(self.profile, edge, sun)

    def surface_density(self, radius: u.Quantity) -> u.Quantity:
        """Sources per area at a Galactocentric radius, averaged over azimuth, normalised to one source.

        Parameters
        ----------
        radius : Quantity
            Any shape.

        Returns
        -------
        Quantity
            In 1/kpc2; times `rate` it is the rate per area.

        Raises
        ------
        ValueError
            A negative radius.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Population().surface_density(3 * u.kpc):.4g}")
        0.001325 1 / kpc2
        """
        return self._surface(take("radius", radius, u.kpc, non_negative=True)) * _SURFACE

    def ring_density(self, rho: u.Quantity) -> u.Quantity:
        """Rate of sources per area at a distance from the Sun along the plane, averaged over direction.

        An observer in the plane of a halo with one κ for all places needs no more than this.

        Parameters
        ----------
        rho : Quantity
            Any shape.

        Returns
        -------
        Quantity
            In 1/(kpc2 Myr).

        Raises
        ------
        ValueError
            A negative distance.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Population('infinite').ring_density(1 * u.kpc):.3f}")
        26.498 1 / (Myr kpc2)
        """
        distance = take("rho", rho, u.kpc, non_negative=True)
        rate, edge, sun = self._numbers
        if self.profile == "infinite":
            return self._surface(distance) * rate * _RATE
        circles = [*self._breaks(), edge]
        mean = np.array([self._ring(d, sun, circles) for d in distance.reshape(-1)])
        return mean.reshape(distance.shape) * rate * _RATE

    def _ring(self, distance: float, sun: float, circles: list[float]) -> float:
        """Mean of the surface density on a ring about the Sun, cut where it crosses the `circles`."""
        if distance == 0:
            return float(self._density(np.zeros(1), np.array([sun]))[0])
        cosine = (np.array(circles) ** 2 - sun**2 - distance**2) / (2 * sun * distance)
        angle = np.arccos(cosine[np.abs(cosine) < 1])
        cuts = np.unique(np.r_[angle, 2 * np.pi - angle, np.linspace(0, 2 * np.pi, 9)])
        node, weight = _NODES
        half = np.diff(cuts)[:, None] / 2
        alpha = cuts[:-1, None] + half * (1 + node)  # from the outward direction, +y
        value = self._density(-distance * np.sin(alpha), sun + distance * np.cos(alpha))
        return float((value * half * weight).sum() / (2 * np.pi))

    def _density(self, x: Array, y: Array) -> Array:
        surface = self._surface(np.hypot(x, y))
        return surface if self.arms is None else surface * self.arms._contrast(x, y)

    def density(self, x: u.Quantity, y: u.Quantity) -> u.Quantity:
        """Rate of sources per area at a place.

        Parameters
        ----------
        x, y : Quantity
            In the Galaxy's frame, broadcast.

        Returns
        -------
        Quantity
            In 1/(kpc2 Myr).

        Raises
        ------
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> snr = Population("Green 2015", arms=Arms())
        >>> print(f"{snr.density(0 * u.kpc, 8.5 * u.kpc) / snr.density(0 * u.kpc, 7.5 * u.kpc):.2f}")
        0.12
        """
        X, Y = np.broadcast_arrays(take("x", x, u.kpc), take("y", y, u.kpc))
        return self._density(X, Y) * self._numbers[0] * _RATE

    @cached_property
    def _rings(self) -> tuple[Array, Array, Array]:
        """Radii about the Sun, weights of a quadrature over them, and the share of the rate per area on each ring."""
        rate, edge, sun = self._numbers
        kinks = [k for c in [*self._breaks(), edge] for k in (abs(sun - c), sun + c)]
        points = np.unique([0.0, *kinks, *np.arange(0.25, sun + edge, 0.25)])
        node, weight = np.polynomial.legendre.leggauss(6)
        half = np.diff(points)[:, None] / 2
        rho = points[:-1, None] + half * (1 + node)
        return rho, half * weight, self.ring_density(rho * u.kpc).value / rate

    def sigma_eff(self, *, height: u.Quantity = 5 * u.kpc) -> u.Quantity:
        """Surface density of the uniform infinite disc, per source, that gives the Sun the same mean flux.

        It is the ring density, weighted with how much each distance counts (`crlab.diffusion.green.locality`), for
        sources in the plane.

        Parameters
        ----------
        height : Quantity
            Half-height of the halo.

        Returns
        -------
        Quantity
            In 1/kpc2; in place of 1/(π radius²) in every formula of the local mean flux.

        Raises
        ------
        ValueError
            A height ≤ 0.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Population().sigma_eff(height=4 * u.kpc):.4g}")
        0.001273 1 / kpc2
        """
        h = _one("height", height, u.kpc)
        if self.profile == "infinite":
            return self._surface(np.array(0.0)) * _SURFACE
        rho, weight, ring = self._rings
        step = 1e-4 * h
        slope = (locality((rho + step) / h) - locality(np.maximum(rho - step, 0) / h)) / (
            rho + step - np.maximum(rho - step, 0)
        )
        return float((ring * slope * weight).sum()) * _SURFACE

    def mean_density(
        self,
        radius: u.Quantity,
        *,
        kappa: u.Quantity,
        height: u.Quantity = 5 * u.kpc,
        z: u.Quantity = 0 * u.kpc,
    ) -> u.Quantity:
        """Mean density of particles over their number per source, at a place in the Galaxy, without arms.

        Parameters
        ----------
        radius : Quantity
            Galactocentric, any shape.
        kappa, height, z : Quantity
            As in `crlab.diffusion.green.disc_mean`.

        Returns
        -------
        Quantity
            In 1/kpc3.

        Raises
        ------
        ValueError
            A population with arms or without an edge; as `crlab.diffusion.green.disc_mean`.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> snr = Population("Ferriere")
        >>> mean = snr.mean_density([4, 8.5] * u.kpc, kappa=1 * u.kpc**2 / u.Myr)
        >>> print(f"{mean[0] / mean[1]:.1f}")
        2.2
        """
        if self.arms is not None or self.profile == "infinite":
            raise ValueError("mean_density needs an axisymmetric disc with an edge: no arms, and not 'infinite'")
        rate, edge, _ = self._numbers
        return disc_mean(
            lambda r: self._surface(r.to_value(u.kpc)) * rate * _RATE,
            radius,
            kappa=kappa,
            height=height,
            z=z,
            outer=edge * u.kpc,
            breaks=[b * u.kpc for b in self._breaks()],
        )

    def sample(
        self,
        window: u.Quantity,
        *,
        seed: int | np.random.Generator,
        oldest: u.Quantity = 0 * u.Myr,
        within: u.Quantity | None = None,
    ) -> Catalogue:
        """Draw the sources of one Galaxy: a Poisson number, each at its place and time.

        Parameters
        ----------
        window : Quantity
            Length of the time span in which they went off.
        seed : int or Generator
            The same seed gives the same Galaxy.
        oldest : Quantity
            The span ends this long ago: ages lie between `oldest` and `oldest` + `window`. Zero by default.
        within : Quantity, optional
            Only sources this close to the Sun along the plane; needed for ``"infinite"``.

        Returns
        -------
        Catalogue
            It may be empty where the expected number is small.

        Raises
        ------
        ValueError
            A window or distance ≤ 0, a negative age, an infinite disc without `within`, a bad seed.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> len(Population("Green 2015").sample(1e-9 * u.Myr, seed=1))
        0
        """
        span, start = _one("window", window, u.Myr), _one("oldest", oldest, u.Myr, positive=False)
        reach = None if within is None else _one("within", within, u.kpc)
        if start < 0:
            raise ValueError(f"oldest must be zero or positive, got {start:g} Myr")
        rate, edge, sun = self._numbers
        rng = _generator(seed)
        if self.profile == "infinite":
            if reach is None:
                raise ValueError("within must be given for the infinite disc, got None")
            number = rng.poisson(rate / edge**2 * reach**2 * span)
            distance, direction = reach * np.sqrt(rng.uniform(size=number)), rng.uniform(0, 2 * np.pi, number)
            x, y = distance * np.cos(direction), sun + distance * np.sin(direction)
        else:
            number = rng.poisson(rate * span)
            r = self._radii(number, rng)
            phi = rng.uniform(0, 2 * np.pi, number) if self.arms is None else self.arms._azimuth(r, rng)
            x, y = r * np.cos(phi), r * np.sin(phi)
        z = self._levels(np.hypot(x, y), rng)
        age = rng.uniform(start, start + span, number)
        if reach is not None:
            keep = np.hypot(x, y - sun) <= reach
            x, y, z, age = x[keep], y[keep], z[keep], age[keep]
        return Catalogue(np.stack([x, y, z], axis=1) * u.kpc, age * u.Myr, sun * u.kpc)

    def _radii(self, number: int, rng: np.random.Generator) -> Array:
        """Radii drawn by inverting the cumulative number inside r, exact between the points of a fine table."""
        _, edge, sun = self._numbers
        points = np.unique(np.r_[np.linspace(0, edge, _FINE), self._breaks()])
        middle = (points[1:] + points[:-1]) / 2
        inside = np.r_[0.0, np.cumsum(PROFILES[self.profile].shape(middle, sun) * np.diff(points**2))]
        # Within a step the density is constant, so r² is uniform.
        return np.sqrt(np.interp(rng.uniform(0, inside[-1], number), inside, points**2))

    def _levels(self, r: Array, rng: np.random.Generator) -> Array:
        """Heights drawn for sources at radii `r`."""
        if not isinstance(self.heights, str):
            return rng.laplace(scale=_one("heights", self.heights, u.kpc), size=r.size)
        if self.heights != "Ferriere":
            return _height(HEIGHTS[self.heights], r.size, rng)
        _, _, sun = self._numbers
        share = _type_one(r, sun) / PROFILES["Ferriere"].shape(r, sun)
        one, two = (_height(HEIGHTS[f"Ferriere {kind}"], r.size, rng) for kind in ("I", "II"))
        return np.where(rng.uniform(size=r.size) < share, one, two)


@cache
def _norm(profile: str, edge: float, sun: float) -> float:
    """∫ 2πr shape dr up to the edge, in kpc2 times the shape's unit."""
    points = np.unique([0.0, *(b for b in PROFILES[profile].breaks if b < edge), edge, *np.arange(1.0, edge)])
    node, weight = np.polynomial.legendre.leggauss(16)
    half = np.diff(points)[:, None] / 2
    r = points[:-1, None] + half * (1 + node)
    return float((2 * np.pi * r * PROFILES[profile].shape(r, sun) * half * weight).sum())


def _height(terms: tuple[tuple[float, float, float], ...], number: int, rng: np.random.Generator) -> Array:
    """Draw from Σ w exp(-abs(z/scale)^power), power 1 or 2; the weights are heights of the terms, not areas."""
    area = np.array([w * (s or 1.0) * (2 if p == 1 else np.sqrt(np.pi)) for w, s, p in terms])
    which = rng.choice(len(terms), size=number, p=area / area.sum())
    scale, power = (np.array([term[i] for term in terms])[which] for i in (1, 2))
    return np.where(power == 1, rng.laplace(size=number), rng.normal(size=number) / np.sqrt(2)) * scale


def ferriere_rate(kind: str = "both", *, radius: u.Quantity = 100 * u.kpc) -> u.Quantity:
    """Supernovae of the Galaxy per year, from the local rates per area and the profiles of Ferrière (2001).

    Parameters
    ----------
    kind : str
        ``"I"``, ``"II"`` or ``"both"``.
    radius : Quantity
        Where the disc ends; by default nowhere near.

    Returns
    -------
    Quantity
        In 1/yr.

    Raises
    ------
    ValueError
        An unknown kind, a radius inside R☉.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> print(f"{1 / ferriere_rate('II'):.0f}, {1 / ferriere_rate('I'):.0f}")
    60 yr, 248 yr
    """
    names = {"I": "Ferriere I", "II": "Ferriere II", "both": "Ferriere"}
    if kind not in names:
        raise ValueError(f"kind must be 'I', 'II' or 'both', got {kind!r}")
    return (Population(names[kind], radius=radius)._norm() / u.Myr).to(1 / u.yr)


def number_of_sources(
    escape_time: u.Quantity,
    *,
    rate: u.Quantity = 0.02 / u.yr,
    height: u.Quantity = 5 * u.kpc,
    radius: u.Quantity = 15.5 * u.kpc,
) -> Array:
    """Sources that matter: younger than the residence time and closer than z_max, ν t_res z_max²/R_disc².

    Parameters
    ----------
    escape_time : Quantity
        t_res = z_max²/2κ, any shape; all arguments broadcast.
    rate : Quantity
        ν, of a uniform disc.
    height, radius : Quantity
        h and R_disc.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from crlab.galaxy import Halo
    >>> print(f"{number_of_sources(Halo().escape_time(10 * u.TV)):.0f}")
    2488
    """
    t, nu = take("escape_time", escape_time, u.Myr, positive=True), take("rate", rate, 1 / u.Myr, positive=True)
    h, R = take("height", height, u.kpc, positive=True), take("radius", radius, u.kpc, positive=True)
    return np.asarray(nu * t * (h / R) ** 2)


def _one(name: str, value: object, unit: u.UnitBase, positive: bool = True) -> float:
    array = take(name, value, unit, positive=positive)
    if array.ndim:
        raise ValueError(f"{name} must be a single value, got {value!r}")
    return float(array)


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be an integer of at least 0 or a Generator, got {seed!r}")
    return np.random.default_rng(seed)
