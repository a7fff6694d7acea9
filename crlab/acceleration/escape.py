r"""Escape: the falling E_max(t) of a remnant, when particles of an energy leave, and the spectrum of those that left.

E_max(t) = max[E_M (t/t_Sed)^-a, E_b] for t > t_Sed, so that t_esc(E) = t_Sed (max(E, E_b)/E_M)^(-1/a). From
B ∝ U^(3/2), U ∝ t^(-3/5) and E_max ∝ U² B t follows a = 11/10. Derived in the chapter "Escape".
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy import units as u

from crlab.galaxy import Halo
from crlab.units import Array, take

__all__ = ["EscapeLaw", "sedov_slope"]


def sedov_slope(*, amplified: Any = 1.5, expansion: Any = 0.4) -> Array:
    """Slope a of E_max ∝ t^-a while R ∝ t^m and B ∝ U^b: a = (2 + b)(1 - m) - 1.

    E_max ∝ U² B t with U ∝ t^(m-1); the form U B R of Hillas (1984) gives the same, since R = U t/m.

    Parameters
    ----------
    amplified : array_like
        b: 3/2 at the saturation of Bell's instability, 0 for a field that stays as it was.
    expansion : array_like
        m: 2/5 in the Sedov–Taylor phase, 1 for free expansion; between 0 and 1.

    Returns
    -------
    ndarray
        a, of the broadcast shape; negative where E_max grows.

    Raises
    ------
    ValueError
        A negative b, m outside (0, 1].

    Examples
    --------
    >>> print(f"{sedov_slope():.2f}, without amplification {sedov_slope(amplified=0):.2f}")
    1.10, without amplification 0.20
    """
    b = take("amplified", amplified, "", non_negative=True)
    m = take("expansion", expansion, "", positive=True)
    if np.any(m > 1):
        raise ValueError(f"expansion must be at most 1, got {m.max():g}")
    return np.asarray((2 + b) * (1 - m) - 1)


@dataclass(frozen=True)
class EscapeLaw:
    """When a remnant lets its particles go. For nuclei put the energy of a proton of the same rigidity.

    A scenario for `sources` and `emission`: it has the two methods of `crlab.sources.release.Release`.

    Parameters
    ----------
    peak : Quantity
        E_M, the highest energy, reached at the start of the Sedov–Taylor phase. Default 3 PeV, the knee.
    start : Quantity
        t_Sed, age at that moment. Default 300 yr, this book's choice for an ejecta mass near 1.4 Msun.
    slope : float
        a > 0 of E_max ∝ t^-a.
    floor : Quantity, optional
        E_b, the energy that a remnant without amplification holds: when E_max(t) has come down to it, everything
        below is let go at once. At or above the peak all leave at t_Sed, a burst. Without it E_max falls for ever.

    Raises
    ------
    ValueError
        A value that is not positive, or not a single one.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> law = EscapeLaw()
    >>> print(f"{law.escape_time(10 * u.TeV):.4g}, {law.escape_time(100 * u.TeV):.4g}")
    5.359e+04 yr, 6606 yr
    """

    peak: u.Quantity = field(default_factory=lambda: 3 * u.PeV)
    start: u.Quantity = field(default_factory=lambda: 300 * u.yr)
    slope: float = 1.1
    floor: u.Quantity | None = None

    def __post_init__(self) -> None:
        for name, value, unit in (("peak", self.peak, u.GeV), ("start", self.start, u.yr), ("slope", self.slope, "")):
            _one(name, value, unit)
        if self.floor is not None:
            _one("floor", self.floor, u.GeV)

    @property
    def _numbers(self) -> tuple[float, float, float, float]:
        """E_M and E_b ≤ E_M in GeV, t_Sed in yr, a."""
        peak = _one("peak", self.peak, u.GeV)
        floor = 0.0 if self.floor is None else min(peak, _one("floor", self.floor, u.GeV))
        return peak, floor, _one("start", self.start, u.yr), _one("slope", self.slope, "")

    def max_energy(self, time: u.Quantity) -> u.Quantity:
        """Highest energy that the remnant holds, E_max(t).

        Parameters
        ----------
        time : Quantity
            Age, any shape.

        Returns
        -------
        Quantity
            In GeV; E_M before t_Sed, and not below E_b (which is empty once `end` has passed).

        Raises
        ------
        ValueError
            An age that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> print(f"{EscapeLaw().max_energy(3000 * u.yr).to(u.TeV):.0f}")
        238 TeV
        """
        peak, floor, start, a = self._numbers
        t = take("time", time, u.yr, positive=True)
        return np.maximum(peak * np.maximum(t / start, 1.0) ** -a, floor) * u.GeV

    def escape_time(self, energy: u.Quantity) -> u.Quantity:
        """Age at which particles of an energy leave, t_esc(E) = t_Sed (max(E, E_b)/E_M)^(-1/a).

        Parameters
        ----------
        energy : Quantity
            E, any shape.

        Returns
        -------
        Quantity
            In yr; infinite above the peak, where the remnant has no particles that could leave.

        Raises
        ------
        ValueError
            An energy that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> law = EscapeLaw(floor=10 * u.TeV)
        >>> print(f"{law.escape_time(1 * u.TeV):.4g}")
        5.359e+04 yr
        """
        peak, floor, start, a = self._numbers
        E = take("energy", energy, u.GeV, positive=True)
        held = peak * (1 + 1e-12) >= E  # an energy given in another unit is rounded
        return np.where(held, start * (np.maximum(E, floor) / peak) ** (-1 / a), np.inf) * u.yr

    def spread(self, since: u.Quantity, rigidity: u.Quantity, halo: Halo) -> u.Quantity:
        """Λ = κ(R) τ: once they have left, particles diffuse as everywhere in the halo.

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
            In kpc2.

        Raises
        ------
        ValueError
            A negative time, a rigidity that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> from crlab.galaxy import Halo
        >>> print(f"{EscapeLaw().spread(10 * u.kyr, 10 * u.TV, Halo()):.3f}")
        0.105 kpc2
        """
        return (halo.kappa(rigidity) * take("since", since, u.Myr, non_negative=True) * u.Myr).to(u.kpc**2)

    @property
    def end(self) -> u.Quantity:
        """Age t_b at which E_max has come down to E_b and all that is left escapes, yr; infinite without a floor."""
        peak, floor, start, a = self._numbers
        return np.inf * u.yr if floor == 0 else start * (floor / peak) ** (-1 / a) * u.yr

    def released(self, energy: u.Quantity, time: u.Quantity) -> Any:
        """Whether particles of an energy have left by an age.

        Parameters
        ----------
        energy : Quantity
            E, any shape; none above the peak ever existed, so that none has left.
        time : Quantity
            Age; broadcast.

        Returns
        -------
        ndarray of bool

        Raises
        ------
        ValueError
            A value that is not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> [bool(x) for x in EscapeLaw().released([10, 100] * u.TeV, 1e4 * u.yr)]
        [False, True]
        """
        return self.escape_time(energy).to_value(u.yr) <= take("time", time, u.yr, positive=True)

    def spectrum(self, energy: u.Quantity, *, efficiency: Any, explosion: u.Quantity, constant: float) -> u.Quantity:
        r"""Spectrum of what escaped where a share ξ_esc of the energy flux ρU³/2 of a Sedov shock leaves at E_max(t).

        E N(E) dE = ξ_esc (ρ U³/2) 4πR² dt. In the Sedov–Taylor phase R = ξ₀ (E_SN t²/ρ)^(1/5), so the power is
        ξ_esc (16π/125) ξ₀⁵ E_SN/t: equal energy leaves in each e-fold of time and so of energy, and
        N(E) = (16π/125) ξ₀⁵ (ξ_esc E_SN/a) E^-2, whatever a and ρ are.

        Parameters
        ----------
        energy : Quantity
            E ≤ E_M, any shape.
        efficiency : array_like
            ξ_esc, in (0, 1].
        explosion : Quantity
            E_SN.
        constant : float
            ξ₀, from `crlab.acceleration.remnant.sedov_constant`.

        Returns
        -------
        Quantity
            N(E), 1/GeV; between E_b and E_M. It is 0 below E_b, whose particles are let go at `end` with
            the spectrum that the shock made.

        Raises
        ------
        ValueError
            A value that is not positive, an efficiency above 1, an energy above the peak.
        UnitConversionError
            A bare number or a wrong unit.

        Notes
        -----
        Caprioli, Amato & Blasi (2010) and Bell et al. (2013) discuss escape at the upper end.

        Examples
        --------
        >>> from astropy import units as u
        >>> N = EscapeLaw().spectrum([1, 10] * u.TeV, efficiency=0.1, explosion=1e51 * u.erg, constant=1.15167)
        >>> print(f"{N[0] / N[1]:.0f}")
        100
        """
        peak, floor, _, a = self._numbers
        E = take("energy", energy, u.GeV, positive=True)
        if np.any(peak * (1 + 1e-12) < E):
            raise ValueError(f"energy must be at most the peak {peak:g} GeV, got {E.max():g} GeV")
        xi = take("efficiency", efficiency, "", positive=True)
        if np.any(xi > 1):
            raise ValueError(f"efficiency must be at most 1, got {xi.max():g}")
        total = take("explosion", explosion, u.GeV, positive=True)
        x0 = _one("constant", constant, "")
        density = 16 * np.pi / 125 * x0**5 * xi * total / a / E**2
        return np.where(floor <= E, density, 0.0) / u.GeV


def _one(name: str, value: Any, unit: u.UnitBase | str) -> float:
    array = take(name, value, unit, positive=True)
    if array.size != 1:
        raise ValueError(f"{name} must be one value, got shape {array.shape}")
    return float(array.reshape(()))
