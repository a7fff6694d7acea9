r"""The Galaxy that all rooms share: the frame, the Sun's place in it, and the halo in which particles diffuse.

The frame is right-handed. The Galactic centre is the origin, the Sun is at (0, R☉, 0), +x is the direction l = 90° as
seen from the Sun, and +z points to the north Galactic pole. At a distance s from the Sun in the direction (l, b)

    x = s cos b sin l,    y = R☉ - s cos b cos l,    z = s sin b.

R☉ is `SUN` where nothing else is said; a population of sources may have a `sun` of its own, and what is computed from
it then has the Sun there. Models of the gas keep the distance that they were fitted with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from astropy import units as u

from crlab.units import Array, Nucleus, kinematics, take

__all__ = ["SUN", "Break", "Halo"]

SUN = 8.5 * u.kpc
"""R☉, distance of the Sun from the Galactic centre: what most profiles of sources were fitted with."""

_KAPPA = u.kpc**2 / u.Myr
_DIFFUSION = u.cm**2 / u.s
_PER_SECOND = float(_DIFFUSION.to(_KAPPA))
_REFERENCE = 10.0  # GV, where κ is κ0


@dataclass(frozen=True)
class Break:
    r"""A smooth bend of κ(R): its index falls by Δ around a rigidity R_b.

    It multiplies κ with [1 + (R/R_b)^(1/w)]^(-w Δ), normalised to 1 at 10 GV.

    Parameters
    ----------
    rigidity : Quantity
        R_b, in units like GV.
    change : float
        Δ, positive where κ flattens, negative where it steepens.
    width : float
        w > 0 in e-folds of rigidity, whatever Δ is; small is sharp.

    Raises
    ------
    ValueError
        A rigidity or width that is not positive, or a value that is not a single one.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> hardening = Break(312 * u.GV, change=0.2)
    >>> ratio = Halo(breaks=hardening).kappa([10, 1e5] * u.GV) / Halo().kappa([10, 1e5] * u.GV)
    >>> print(ratio.round(3))
    [1.    0.315]
    """

    rigidity: u.Quantity
    change: float
    width: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "rigidity", _one("rigidity", self.rigidity, u.GV) * u.GV)
        object.__setattr__(self, "change", _one("change", self.change, "", positive=False))
        object.__setattr__(self, "width", _one("width", self.width, ""))

    def _factor(self, R: Array) -> Array:
        """What it multiplies κ with at rigidities in GV."""
        above, above_reference = (np.log(r / self.rigidity.value) for r in (R, np.array(_REFERENCE)))
        return np.asarray(np.exp(-self.change * (self._bend(above) - self._bend(above_reference))))

    def _bend(self, above: Array) -> Array:
        """W ln(1 + exp(above/w)), written so that nothing overflows for sharp breaks."""
        return np.asarray(np.maximum(above, 0.0) + self.width * np.log1p(np.exp(-np.abs(above) / self.width)))


@dataclass(frozen=True)
class Halo:
    r"""Half-height of the halo and its diffusion coefficient: a power law with any number of breaks, or your own law.

    κ(R) = κ0 (R/10 GV)^δ Π [(1 + (R/R_b)^(1/w))/(1 + (10 GV/R_b)^(1/w))]^(-w Δ), so that κ(10 GV) = κ0 with any breaks.
    `dataclasses.replace` makes a changed copy.

    Parameters
    ----------
    height : Quantity
        h, free escape at ±h. In units like kpc.
    kappa0 : Quantity
        κ0, the diffusion coefficient at 10 GV for v = c, in units like cm2/s.
    delta : float
        δ, between -1 and 2: the index of κ below all breaks.
    breaks : Break or sequence of Break
        None by default.
    law : callable, optional
        κ(R) in place of the power law: of a quantity in GV of any shape, a quantity in units like cm2/s of the same
        shape. It takes the place of `kappa0`, `delta` and `breaks`, which must then be left out.

    Raises
    ------
    ValueError
        A height or κ0 that is not positive, a value that is not a single one, δ out of range, a `law` that cannot be
        called or comes with what it replaces.
    UnitConversionError
        A bare number or a wrong unit.

    Notes
    -----
    Diffusion needs a mean free path 3κ/c well below h: R below about 1 PV by default. Two halos with equal values are
    equal; one with a law pickles if its law does.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> halo = Halo()
    >>> print(f"{halo.kappa(10 * u.GV):.4f}, {halo.escape_time(10 * u.GV):.2f}")
    0.1657 kpc2 / Myr, 75.43 Myr
    >>> bent = Halo(breaks=[Break(312 * u.GV, change=0.2), Break(10 * u.TV, change=-0.1)])
    >>> print(f"{bent.kappa(10 * u.GV):.4f}, {bent.kappa(10 * u.TV):.3f}")
    0.1657 kpc2 / Myr, 5.411 kpc2 / Myr
    >>> levelling = Halo(law=lambda R: 5e28 * u.cm**2 / u.s * (1 + np.sqrt(R / (10 * u.GV))))
    >>> print(f"{levelling.kappa(10 * u.GV):.4f}")
    0.3314 kpc2 / Myr
    """

    height: u.Quantity = field(default_factory=lambda: 5 * u.kpc)
    kappa0: u.Quantity = field(default_factory=lambda: 5e28 * u.cm**2 / u.s)
    delta: float = 0.6
    breaks: Break | Sequence[Break] = ()
    law: Callable[[u.Quantity], u.Quantity] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "height", _one("height", self.height, u.kpc) * u.kpc)
        object.__setattr__(self, "kappa0", _one("kappa0", self.kappa0, _DIFFUSION) * _DIFFUSION)
        object.__setattr__(self, "delta", _one("delta", self.delta, "", positive=False))
        if not -1 <= self.delta <= 2:
            raise ValueError(f"delta must lie between -1 and 2, got {self.delta:g}")
        object.__setattr__(self, "breaks", _listed(self.breaks))
        if self.law is not None:
            self._check_law()

    def _check_law(self) -> None:
        if not callable(self.law):
            raise ValueError(f"law must be a function of the rigidity, got {self.law!r}")
        usual = Halo(height=self.height)
        given = [name for name in ("kappa0", "delta", "breaks") if getattr(self, name) != getattr(usual, name)]
        if given:
            raise ValueError(f"law takes the place of {', '.join(given)}: leave out one or the other")

    def __repr__(self) -> str:
        left_out = ("law",) if self.law is None else ("kappa0", "delta", "breaks")
        shown = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.name not in left_out]
        return f"Halo({', '.join(shown)})"

    def kappa(self, rigidity: u.Quantity, *, species: str | Nucleus | None = None) -> u.Quantity:
        """Diffusion coefficient.

        Parameters
        ----------
        rigidity : Quantity
            R, any shape.
        species : str or Nucleus, optional
            Whose β multiplies it, as in `crlab.units.nucleus`; by default particles have v = c.

        Returns
        -------
        Quantity
            κ in kpc2/Myr, of the shape of `rigidity`.

        Raises
        ------
        ValueError
            A rigidity ≤ 0, an unknown species; a `law` that returns another shape or values that are not positive.
        UnitConversionError
            A bare number or a wrong unit, given or returned by a `law`.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Halo().kappa(10 * u.TV):.3f}")
        10.456 kpc2 / Myr
        >>> print(f"{Halo().kappa(1 * u.GV, species='10Be') / Halo().kappa(1 * u.GV):.3f}")
        0.395
        """
        R = take("rigidity", rigidity, u.GV, positive=True)
        kappa = self._power_law(R) if self.law is None else _by_law(self.law, R)
        if species is not None:
            kappa = kappa * kinematics(species, rigidity=R * u.GV).beta.value
        return kappa * _KAPPA

    def _power_law(self, R: Array) -> Array:
        kappa = float(self.kappa0.value) * _PER_SECOND * (R / _REFERENCE) ** self.delta
        for each in _listed(self.breaks):
            kappa = kappa * each._factor(R)
        return kappa

    def escape_time(self, rigidity: u.Quantity) -> u.Quantity:
        """Mean time in the halo of particles born in the plane, h²/2κ.

        Parameters
        ----------
        rigidity : Quantity
            R, any shape.

        Returns
        -------
        Quantity
            In Myr.

        Raises
        ------
        ValueError, UnitConversionError
            As `kappa`.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Halo().escape_time(1 * u.TV):.3f}")
        4.759 Myr
        """
        return (self.height**2 / (2 * self.kappa(rigidity))).to(u.Myr)


def one_halo(halo: Halo | None) -> Halo:
    """The halo given, `Halo()` for None; anything else is refused. For use within the package."""
    if halo is None:
        return Halo()
    if not isinstance(halo, Halo):
        what = f"the class {halo.__name__}" if isinstance(halo, type) else f"a {type(halo).__name__}"
        remedy = "give its .halo" if isinstance(getattr(halo, "halo", None), Halo) else "such as Halo(height=4 * u.kpc)"
        raise ValueError(f"halo must be a crlab.galaxy.Halo, got {what}: {remedy}")
    return halo


def solar_radius(sun: u.Quantity) -> float:
    """R☉ in kpc, checked; for use within the package."""
    return _one("sun", sun, u.kpc)


def _by_law(law: Callable[[u.Quantity], u.Quantity], R: Array) -> Array:
    kappa = take("what law returns", law(R * u.GV), _KAPPA, positive=True)
    if kappa.shape != R.shape:
        raise ValueError(f"what law returns must have the shape of its rigidities, {R.shape}, got {kappa.shape}")
    return kappa


def _listed(breaks: Break | Sequence[Break]) -> tuple[Break, ...]:
    listed = (breaks,) if isinstance(breaks, Break) else breaks
    if not isinstance(listed, Sequence) or not all(isinstance(each, Break) for each in listed):
        raise ValueError(f"breaks must be a Break or a list of them, got {breaks!r}")
    return tuple(listed)


def _one(name: str, value: object, unit: u.UnitBase | str, positive: bool = True) -> float:
    array = take(name, value, unit, positive=positive)
    if array.ndim:
        raise ValueError(f"{name} must be a single value, got {value!r}")
    return float(array)
