r"""How sources let their particles go: all at once, the highest energies first, with slow diffusion, or your way.

A scenario answers two questions, and nothing else of it is looked at by `sources` and `emission`:

* ``escape_time(energy)``: how old is a source when its particles of an energy leave? Infinite where they never do.
* ``spread(since, rigidity, halo)``: how far have particles come that left some time ago, as Λ = ∫κ dτ?

`Burst`, `Suppression` and `EscapeLaw`, which is that of `crlab.acceleration.escape`, are scenarios. So is any object
with these two methods; a class that is derived from `Release` needs the first one only. Energies are those of protons,
with E ≈ R.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from astropy import units as u

from crlab.acceleration.escape import EscapeLaw
from crlab.diffusion.green import suppressed_spread
from crlab.galaxy import Halo
from crlab.units import Array, take

__all__ = ["Burst", "EscapeLaw", "Release", "Suppression"]

_ENERGIES = np.geomspace(1e-3, 1e12, 1501)  # GeV, 100 a decade: where the course of an escape time is looked for
_SINCE = np.geomspace(1e-9, 1e9, 721)  # Myr, 40 a decade
_PROBE = _SINCE[::15]
_SOON = 1e-9  # Myr, a day: sooner is at once
_BEND = 0.05  # change of d ln t/d ln E that counts
_SHARP = 0.05  # width in ln E below which a bend is a kink


class Release(Protocol):
    """What a scenario must be able to tell; derive your own from it.

    The methods get quantities of shapes that broadcast and answer with one value for each, or a single one for all.
    They may be asked for any positive energy. A frozen dataclass tells a store of `crlab.ensemble` what it is.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from crlab.sources.credit import single_source
    >>> @dataclass(frozen=True)
    ... class Twice(Release):
    ...     '''Particles above 1 PeV leave after 1000 yr, the others after 20 000.'''
    ...     def escape_time(self, energy):
    ...         return np.where(energy > 1 * u.PeV, 1, 20) * u.kyr
    >>> place = {"distance": 0.3 * u.kpc, "age": 21 * u.kyr}
    >>> print(single_source([0.1, 2] * u.PeV, **place, scenario=Twice()).round(4))
    [0.9674 0.0074]
    """

    @abstractmethod
    def escape_time(self, energy: u.Quantity) -> u.Quantity:
        """Age of the source at which particles of an energy leave.

        Parameters
        ----------
        energy : Quantity
            E > 0 of protons, any shape.

        Returns
        -------
        Quantity
            In units like yr, zero or positive; infinite where particles are never released.
        """

    def spread(self, since: u.Quantity, rigidity: u.Quantity, halo: Halo) -> u.Quantity:
        """Λ = ∫κ dτ of particles that left a time ago: κ(R) τ, unless a scenario has it otherwise.

        Parameters
        ----------
        since : Quantity
            τ ≥ 0 since they left, any shape.
        rigidity : Quantity
            R; broadcast.
        halo : Halo

        Returns
        -------
        Quantity
            In units like kpc2, not falling with `since`.

        Raises
        ------
        ValueError
            A negative time, a rigidity that is not positive.
        UnitConversionError
            A bare number or a wrong unit.
        """
        return (halo.kappa(rigidity) * take("since", since, u.Myr, non_negative=True) * u.Myr).to(u.kpc**2)


@dataclass(frozen=True)
class Burst(Release):
    """All particles leave at the explosion.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(Burst().escape_time([1, 10] * u.TeV))
    [0. 0.] yr
    """

    def escape_time(self, energy: u.Quantity) -> u.Quantity:
        """Age at which particles leave: zero, whatever their energy.

        Parameters
        ----------
        energy : Quantity
            E, any shape.

        Returns
        -------
        Quantity
            In yr.

        Raises
        ------
        ValueError
            An energy that is not positive.
        UnitConversionError
            A bare number or a wrong unit.
        """
        return np.zeros(take("energy", energy, u.GeV, positive=True).shape) * u.yr


@dataclass(frozen=True)
class Suppression(Release):
    """Slow diffusion of what has left at first, κ(τ) = κ [1/χ + (1 - 1/χ)(1 - exp(-τ/τ_r))].

    A simple model of time-dependent diffusion with this book's numbers: particles make the waves that hold them.

    Parameters
    ----------
    factor : float
        χ ≥ 1.
    recovery : Quantity
        τ_r.
    release : Release
        When particles leave their source, from which τ counts. By default at the explosion.

    Raises
    ------
    ValueError
        χ < 1, a time that is not positive, a release that is no scenario.
    UnitConversionError
        A time without unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> both = Suppression(factor=10, release=EscapeLaw(floor=10 * u.TeV))
    >>> print(f"{both.escape_time(100 * u.TeV):.0f}")
    6606 yr
    """

    factor: float = 100.0
    recovery: u.Quantity = field(default_factory=lambda: 50 * u.kyr)
    release: Release = field(default_factory=Burst)

    def __post_init__(self) -> None:
        factor, recovery = take("factor", self.factor, ""), take("recovery", self.recovery, u.Myr, positive=True)
        for name, value in (("factor", factor), ("recovery", recovery)):
            if value.size != 1:
                raise ValueError(f"{name} must be one value, got shape {value.shape}")
        if not factor >= 1:
            raise ValueError(f"factor must be at least 1, got {self.factor!r}")
        one(self.release, "release")

    def escape_time(self, energy: u.Quantity) -> u.Quantity:
        """Age at which particles leave: that of `release`.

        Parameters
        ----------
        energy : Quantity
            E, any shape.

        Returns
        -------
        Quantity

        Raises
        ------
        ValueError, UnitConversionError
            As `release`.
        """
        return self.release.escape_time(energy)

    def spread(self, since: u.Quantity, rigidity: u.Quantity, halo: Halo) -> u.Quantity:
        """Λ of `release` by a clock that is slow at first, τ/χ + (1 - 1/χ)[τ - τ_r (1 - exp(-τ/τ_r))].

        Parameters
        ----------
        since : Quantity
            τ ≥ 0 since they left, any shape.
        rigidity : Quantity
            R; broadcast.
        halo : Halo

        Returns
        -------
        Quantity

        Raises
        ------
        ValueError, UnitConversionError
            As `release`.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{Suppression().spread(1 * u.kyr, 10 * u.TV, Halo()):.2e}")
        2.07e-04 kpc2
        """
        unit = u.kpc**2 / u.Myr
        clock = suppressed_spread(since, kappa=1 * unit, suppression=self.factor, recovery=self.recovery) / unit
        return self.release.spread(clock, rigidity, halo)


def one(scenario: Any, name: str = "scenario") -> Release:
    """Return a scenario if it is one; for use within the package, which checks each argument by this."""
    lacking = [method for method in ("escape_time", "spread") if not callable(getattr(scenario, method, None))]
    if not lacking and not isinstance(scenario, type):
        return scenario
    if isinstance(scenario, type):
        got = f"the class {scenario.__name__} and not an object of it"
    elif scenario is None or isinstance(scenario, str):
        got = repr(scenario)
    else:
        got = f"a {type(scenario).__name__} without {' and '.join(lacking)}"
    raise ValueError(
        f"{name} must be a scenario with escape_time(energy) and spread(since, rigidity, halo): Burst(), EscapeLaw(), "
        f"Suppression(), or an object of your class derived from crlab.sources.release.Release; got {got}"
    )


def named(scenarios: Any) -> dict[str, Release]:
    """Return a mapping of names to scenarios if it is one, in its order; for use within the package."""
    if not isinstance(scenarios, Mapping) or not all(isinstance(name, str) for name in scenarios):
        raise ValueError(
            'scenarios must be a mapping of names to scenarios, such as {"burst": Burst(), "CREDIT": EscapeLaw()}, '
            f"got a {type(scenarios).__name__}{' with other keys' * isinstance(scenarios, Mapping)}"
        )
    if not scenarios:
        raise ValueError("scenarios must hold at least one, got none")
    return {name: one(scenario, f"scenarios[{name!r}]") for name, scenario in scenarios.items()}


def times(scenario: Release, energy: Array) -> Array:
    """Ages in Myr at which energies in GeV leave, infinite where never, checked; for use within the package."""
    found = scenario.escape_time(energy * u.GeV)
    never = np.asarray(getattr(found, "value", 0.0)) == np.inf
    if np.any(never):
        found = np.where(never, 0.0, found.value) * found.unit
    age = _answer(scenario, "escape_time", found, u.Myr, energy.shape)
    return np.where(never, np.inf, age)


def areas(scenario: Release, since: Array, rigidity: Array, halo: Halo) -> Array:
    """Λ in kpc2 for times in Myr and rigidities in GV that broadcast, checked; for use within the package."""
    _grows(scenario, _PROBE, np.unique([rigidity.min(), rigidity.max()]), halo)
    return _areas(scenario, since, rigidity, halo)


def _areas(scenario: Release, since: Array, rigidity: Array, halo: Halo) -> Array:
    found = scenario.spread(since * u.Myr, rigidity * u.GV, halo)
    return _answer(scenario, "spread", found, u.kpc**2, np.broadcast_shapes(since.shape, rigidity.shape))


def _grows(scenario: Release, since: Array, rigidity: Array, halo: Halo) -> Array:
    """Λ for each time and rigidity, shape (n, k), refused where it falls with time."""
    found = _areas(scenario, since[:, None], rigidity, halo)
    falls = np.diff(found, axis=0) < -1e-9 * found[1:]
    if np.any(falls):
        i, k = np.argwhere(falls)[0]
        raise ValueError(
            f"spread of {type(scenario).__name__} must not fall with the time since the release, got "
            f"{found[i, k]:g} kpc2 after {since[i]:g} Myr and {found[i + 1, k]:g} kpc2 after {since[i + 1]:g} Myr"
        )
    return found


def _answer(scenario: Release, method: str, value: Any, unit: u.UnitBase, shape: tuple[int, ...]) -> Array:
    """What a method returned, as an array of the shape asked for."""
    name = f"{method} of {type(scenario).__name__}"
    array = take(name, value, unit, non_negative=True)
    if array.shape not in ((), shape):
        raise ValueError(f"{name} must return one value for each it is asked for, shape {shape}, got {array.shape}")
    return np.broadcast_to(array, shape)


def table(scenario: Release, rigidity: Array, halo: Halo, area: float) -> tuple[Array, Array]:
    """Times in Myr until Λ is `area` in kpc2 at all rigidities, and Λ for each, shape (n, k); within the package."""
    found = _grows(scenario, _SINCE, rigidity, halo)
    enough = found >= area
    if not np.all(enough[-1]):
        least = int(found[-1].argmin())
        raise ValueError(
            f"spread of {type(scenario).__name__} must grow until particles have left the halo, {area:.3g} kpc2, got "
            f"{found[-1, least]:.3g} kpc2 after {_SINCE[-1]:g} Myr at {rigidity[least]:g} GV"
        )
    last = int(enough.argmax(axis=0).max()) + 1
    return _SINCE[:last], found[:last]


@dataclass(frozen=True)
class Course:
    """Marks in the course of an escape time, read off its values; made by `course`, for use within the package.

    Parameters
    ----------
    highest : float
        Energy in GeV beyond which nothing is released; infinite if there is none.
    first : float
        Age in Myr at which the first particles leave.
    bends : tuple of (float, float)
        Energies in GeV where the escape time bends or jumps, on their lower and upper side; the same for a bend.
    pauses : tuple of float
        Ages in Myr at which a range of energies leaves at once.
    """

    highest: float
    first: float
    bends: tuple[tuple[float, float], ...]
    pauses: tuple[float, ...]


def course(scenario: Release) -> Course:
    """Look along the escape time from 1 MeV to 1 ZeV."""
    t = times(scenario, _ENERGIES)
    out = np.isfinite(t)
    if not out.any():
        raise ValueError(f"escape_time of {type(scenario).__name__} must be finite for some energy, got none")
    top = int(np.flatnonzero(out)[-1])
    highest = np.inf
    if top < out.size - 1:
        highest = _between(lambda E: bool(np.isfinite(times(scenario, E))), _ENERGIES[top], _ENERGIES[top + 1])[0]
    first = float(min(t[out].min(), times(scenario, np.array(highest)) if np.isfinite(highest) else np.inf))

    def log_time(E: Array) -> Array:
        return np.log(np.maximum(times(scenario, E), _SOON))

    x, y = np.log(_ENERGIES), np.log(np.maximum(t, _SOON))
    with np.errstate(invalid="ignore"):
        slope = np.diff(y) / np.diff(x)
        change = np.abs(slope[2:] - slope[:-2])
    change[~np.isfinite(change)] = 0.0
    around = np.r_[0.0, change, 0.0]
    peaks = np.flatnonzero((change > _BEND) & (change >= around[:-2]) & (change >= around[2:]))
    found = sorted(filter(None, (_bend(log_time, x[i], x[i + 3]) for i in peaks)))
    bends = [bend for i, bend in enumerate(found) if i == 0 or bend[0] > found[i - 1][1] * 1.001]
    with np.errstate(invalid="ignore"):
        flat = (np.abs(np.diff(t)) <= 1e-12 * t[:-1]) & out[1:] & (t[1:] > _SOON)
    pauses = dict.fromkeys(t[:-1][flat].tolist())
    return Course(float(highest), first, tuple(bends), tuple(pauses))


def _bend(y: Callable[[Array], Array], low: float, high: float) -> tuple[float, float] | None:
    """Energies on both sides of an abrupt bend of y over ln E, by looking ever closer; None where y is smooth."""
    while True:
        x = np.linspace(low, high, 34)
        values = y(np.exp(x))
        if not np.all(np.isfinite(values)):
            return None
        slope = np.diff(values) / np.diff(x)
        change = np.abs(slope[2:] - slope[:-2])
        i = int(change.argmax())
        if change[i] < max(abs(slope[-1] - slope[0]) / 2, _BEND / 2):  # no longer in one place
            return None if high - low > _SHARP else (float(np.exp((low + high) / 2)),) * 2
        if high - low < 3e-5:
            break
        low, high = x[max(i - 1, 0)], x[min(i + 4, 33)]
    step = int(np.abs(np.diff(values)).argmax())
    if abs(values[step + 1] - values[step]) > 1e-3:
        middle = (values[step] + values[step + 1]) / 2
        sign = np.sign(values[step] - middle)
        return _between(lambda E: bool((y(E) - middle) * sign > 0), *np.exp(x[step : step + 2]))
    (left, right), n = np.array([values[6] - values[0], values[33] - values[27]]) / (x[6] - x[0]), 33
    at = x[0] + (values[n] - values[0] - right * (x[n] - x[0])) / (left - right)
    return (float(f"{np.exp(at):.11g}"),) * 2  # what rounding leaves of it must not depend on the processor


def _between(holds: Callable[[Array], bool], low: float, high: float) -> tuple[float, float]:
    """Neighbouring numbers, of which something holds for the lower only."""
    while True:
        middle = np.sqrt(low * high)
        if not low < middle < high:
            return float(low), float(high)
        low, high = (middle, high) if holds(np.array(middle)) else (low, middle)


def threshold(scenario: Release, age: Array) -> Array:
    """Lowest energy in GeV that has left at ages in Myr, infinite where none has; for use within the package."""
    marks = course(scenario)
    E = np.r_[_ENERGIES[marks.highest > _ENERGIES], marks.highest]
    E = E[np.isfinite(E)]
    left = times(scenario, E) <= age[..., None]
    i = left.argmax(axis=-1)
    low, high = np.log(E[np.maximum(i - 1, 0)]), np.log(E[i])
    for _ in range(60):
        middle = (low + high) / 2
        gone = times(scenario, np.exp(middle)) <= age
        low, high = np.where(gone, low, middle), np.where(gone, middle, high)
    found = np.where(i == 0, 0.0, np.exp(high))
    return np.where(left.any(axis=-1), found, np.inf)
