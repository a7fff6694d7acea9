r"""The thin-disc halo: diffusion between a gas disc and free escape at ±H, with spallation and decay.

Sources and gas sit in a disc of surface density μ, much thinner than the halo. In steady state, at one
energy per nucleon, nucleus j obeys

    (g_j / X_j) N_j - Σ_i M_ji N_i - (what decay returns to the disc) = q_j,    X_j = μ v H / (2 κ_j),

with M from `crlab.grammage.chain` and g_j = 1 for stable nuclei, g_j = (H/l) coth(H/l), l = sqrt(κ_j γ τ), for
unstable ones. The derivation is in the chapter "From slab to diffusion".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from numpy.typing import NDArray
from scipy.linalg import expm

from crlab.galaxy import Break, Halo
from crlab.grammage.chain import Network, network
from crlab.units import nucleon, nucleus, take

__all__ = ["HaloModel", "halo_profile"]

Array = NDArray[np.float64]

_GRAMMAGE = u.g / u.cm**2
_PER_NUCLEON = u.GeV / nucleon
_ONE = u.dimensionless_unscaled
_MASS = nucleus("12C").mass / 12  # GeV per nucleon, in step with crlab.units
_C = float(const.c.to_value(u.kpc / u.Myr))
_NO_BREAK = Break(300 * u.GV, change=0.0, width=0.3)

# Relative numbers at equal rigidity that leave the sources, rounded. With them and the network's
# cross-sections C/O and N/O come out within 5 per cent of those of Aguilar et al. (2021) from 10 to 300 GV.
_SOURCES = MappingProxyType({"12C": 0.81, "14N": 0.075, "16O": 1.0})
_DISC = (2 * 100 * u.pc * 1.7e-24 * u.g / u.cm**3).to(_GRAMMAGE)

_OF_HALO = {"kappa0", "delta", "height"}
_OF_BREAK = {f"break_{each.name}" for each in fields(Break)}


@cache
def _default_chain() -> Network:
    return network()


@dataclass(frozen=True, eq=False)
class HaloModel:
    r"""A `Halo` with sources and gas in a thin disc.

    `dataclasses.replace` and `changed` make a changed copy.

    Parameters
    ----------
    halo : Halo
        Height H and diffusion coefficient of particles with v = c; nuclei have β κ(R).
    surface_density : Quantity
        μ = 2 h ρ, gas of the whole disc, in units like g/cm2. By default 2 × 100 pc × 1 cm⁻³ × 1.7e-24 g.
    source_grammage : Quantity
        X_s, crossed near the source before the halo, at all rigidities alike.
    sources : mapping of str to float
        Relative numbers injected at equal rigidity, by nucleus.
    source_index : float
        Γ of the source spectrum R^-Γ. It only matters where nuclei of different A/Z are compared.
    production : float
        Factor on all cross-sections for making a nucleus, with the total ones unchanged.
    chain : Network
        From `crlab.grammage.chain.network`, the default.

    Raises
    ------
    ValueError
        A value that is not positive where it must be, not finite or not scalar; an unknown nucleus.
    UnitConversionError
        A bare number where a unit is meant, or a wrong unit.

    Notes
    -----
    Valid where energy losses, convection and reacceleration may be left out and cross-sections are constant:
    above about 10 GV, and only as a sketch below.

    Examples
    --------
    >>> from astropy import units as u
    >>> model = HaloModel(Halo(kappa0=5e28 * u.cm**2 / u.s, delta=0.5))
    >>> print(f"{model.grammage(10 * u.GV):.2f}")
    4.85 g / cm2
    >>> print(round(float(model.ratio("B", "C", rigidity=10 * u.GV)), 3))
    0.213
    """

    halo: Halo = field(default_factory=lambda: Halo(delta=0.5))
    surface_density: u.Quantity = _DISC
    source_grammage: u.Quantity = 0 * _GRAMMAGE
    sources: Mapping[str, float] = field(default_factory=lambda: _SOURCES)
    source_index: float = 2.3
    production: float = 1.0
    chain: Network = field(default_factory=_default_chain, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.halo, Halo):
            raise ValueError(f"halo must be a crlab.galaxy.Halo, got {self.halo!r:.60}")
        for name, unit, sign in (
            ("surface_density", _GRAMMAGE, "positive"),
            ("source_grammage", _GRAMMAGE, "non_negative"),
            ("source_index", _ONE, ""),
            ("production", _ONE, "positive"),
        ):
            if take(name, getattr(self, name), unit, **({sign: True} if sign else {})).ndim:
                raise ValueError(f"{name} must be a single value, got {getattr(self, name)!r}")
        for name, amount in self.sources.items():
            self.chain.index(name)
            take(f"sources[{name!r}]", amount, _ONE, non_negative=True)
        if not any(self.sources.values()):
            raise ValueError(f"sources must inject at least one nucleus, got {dict(self.sources)!r}")

    def changed(self, **values: Any) -> "HaloModel":
        """Return a copy with other values of some parameters, by the names that `crlab.grammage.fit.fit_ratios` has.

        Parameters
        ----------
        **values
            ``kappa0``, ``delta``, ``height`` of the halo; ``break_rigidity``, ``break_change``, ``break_width`` of its
            break, which is made (at 300 GV, 0.3 wide) where there is none; fields of this class.

        Returns
        -------
        HaloModel

        Raises
        ------
        ValueError
            Another name, a break where the halo has several or a law, and as `HaloModel` and `Halo`.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> HaloModel().changed(height=4 * u.kpc, break_change=0.2).halo.breaks
        (Break(rigidity=<Quantity 300. GV>, change=0.2, width=0.3),)
        """
        own = {each.name for each in fields(self)}
        unknown = [name for name in values if name not in own | _OF_HALO | _OF_BREAK]
        if unknown:
            known = ", ".join(sorted(own | _OF_HALO | _OF_BREAK))
            raise ValueError(f"parameters that change must be of {known}, got {', '.join(unknown)}")
        changes = {name: value for name, value in values.items() if name in own}
        of_halo = {name: value for name, value in values.items() if name in _OF_HALO}
        of_break = {name.removeprefix("break_"): value for name, value in values.items() if name in _OF_BREAK}
        halo = changes.pop("halo", self.halo)
        if of_break:
            breaks = halo.breaks or (_NO_BREAK,)
            if len(breaks) > 1:
                raise ValueError(f"break_{next(iter(of_break))} is that of one break, but the halo has {len(breaks)}")
            of_halo["breaks"] = replace(breaks[0], **of_break)
        return replace(self, halo=replace(halo, **of_halo), **changes)

    def grammage(self, rigidity: u.Quantity) -> u.Quantity:
        """Return X = μ v H / (2 κ), the mean of the exponential path lengths; β drops out.

        Parameters
        ----------
        rigidity : Quantity
            Any shape, in units like GV, positive.

        Returns
        -------
        Quantity
            Of the shape of `rigidity`, in g/cm2; without `source_grammage`.

        Raises
        ------
        ValueError
            A rigidity ≤ 0, NaN, an empty array.
        UnitConversionError
            A bare number or no rigidity.
        """
        return self._grammage(take("rigidity", rigidity, u.GV, positive=True)) * _GRAMMAGE

    def decay_length(self, name: str, *, energy_per_nucleon: u.Quantity) -> u.Quantity:
        """Return how far an unstable nucleus diffuses before it decays, sqrt(κ γ τ).

        Parameters
        ----------
        name : str
            An unstable nucleus of the network, like ``"10Be"``.
        energy_per_nucleon : Quantity
            Any shape, in units like GeV / nucleon, positive.

        Returns
        -------
        Quantity
            Of the shape of the energy, in kpc.

        Raises
        ------
        ValueError
            A stable or unknown nucleus, an energy ≤ 0, NaN, an empty array.
        UnitConversionError
            A bare number or a wrong unit.
        """
        index = self.chain.index(name)
        if self.chain.decays_to[index] < 0:
            raise ValueError(f"name must be an unstable nucleus, but {name} does not decay")
        T = take("energy_per_nucleon", energy_per_nucleon, _PER_NUCLEON, positive=True)
        R = _momentum(T) * self._numbers.mass_to_charge[index]
        return self._decay_length(T, R, index) * u.kpc

    def densities(self, energy_per_nucleon: u.Quantity) -> Array:
        """Relative densities in the disc of all nuclei of the network, per energy per nucleon.

        Parameters
        ----------
        energy_per_nucleon : Quantity
            Any shape, in units like GeV / nucleon, positive; interstellar, not modulated.

        Returns
        -------
        ndarray
            Shape ``energy_per_nucleon.shape + (n,)``; only ratios have a meaning.

        Raises
        ------
        ValueError
            An energy ≤ 0, NaN, an empty array.
        UnitConversionError
            A bare number or a wrong unit.
        """
        return self._solve(take("energy_per_nucleon", energy_per_nucleon, _PER_NUCLEON, positive=True))

    def ratio(
        self,
        numerator: str,
        denominator: str,
        *,
        rigidity: u.Quantity | None = None,
        energy_per_nucleon: u.Quantity | None = None,
        modulation: u.Quantity = 0 * u.GV,
    ) -> Array:
        r"""Ratio of two intensities, at equal rigidity or at equal energy per nucleon.

        Parameters
        ----------
        numerator, denominator : str
            An element like ``"B"`` (all its isotopes in the network) or a nucleus like ``"10Be"``.
        rigidity, energy_per_nucleon : Quantity
            Exactly one of them, any shape, in units like GV or GeV / nucleon, positive; as measured.
        modulation : Quantity
            Force-field potential φ of the solar wind (Gleeson & Axford 1968), scalar, in units like GV.

        Returns
        -------
        ndarray
            Of the shape of the argument.

        Raises
        ------
        ValueError
            Not exactly one argument; an unknown nucleus or element; values that are not positive.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> from astropy import units as u
        >>> from crlab.units import nucleon
        >>> model = HaloModel().changed(height=4 * u.kpc)
        >>> print(model.ratio("10Be", "9Be", energy_per_nucleon=[0.3, 10] * u.GeV / nucleon).round(3))
        [0.092 0.358]
        """
        given = {"rigidity": rigidity, "energy_per_nucleon": energy_per_nucleon}
        named = [name for name, value in given.items() if value is not None]
        if len(named) != 1:
            raise ValueError(f"give exactly one of {', '.join(given)}; got {', '.join(named) or 'none'}")
        by_rigidity = named == ["rigidity"]
        x = take(named[0], given[named[0]], u.GV if by_rigidity else _PER_NUCLEON, positive=True)
        phi = take("modulation", modulation, u.GV, non_negative=True)
        if phi.ndim:
            raise ValueError(f"modulation must be a single value, got shape {phi.shape}")
        above, below = (
            self._intensity(kind, name, x, by_rigidity, float(phi))
            for kind, name in (("numerator", numerator), ("denominator", denominator))
        )
        return np.asarray(above / below)

    @cached_property
    def _numbers(self) -> "_Numbers":
        chain = self.chain
        production = self.production * chain.production.to_value(1 / _GRAMMAGE)
        matrix = production - np.diag(chain.total.to_value(1 / _GRAMMAGE))
        nuclei = [nucleus(name) for name in chain.species]
        return _Numbers(
            matrix=matrix,
            cocoon=expm(matrix * self.source_grammage.to_value(_GRAMMAGE)),
            injected=np.array([float(self.sources.get(name, 0)) for name in chain.species]),
            mass_to_charge=np.array([nuc.A / nuc.Z for nuc in nuclei]),
            height=float(self.halo.height.to_value(u.kpc)),
            surface_density=float(self.surface_density.to_value(_GRAMMAGE)),
            lifetime=chain.half_life.to_value(u.Myr) / np.log(2),
        )

    def _kappa(self, R: Array) -> Array:
        """In kpc2/Myr for v = c, at rigidities in GV."""
        return np.asarray(self.halo.kappa(R * u.GV).value)

    def _grammage(self, R: Array) -> Array:
        n = self._numbers
        return n.surface_density * _C * n.height / (2 * self._kappa(R))

    def _decay_length(self, T: Array, R: Array, index: int) -> Array:
        """In kpc."""
        gamma = 1 + T / _MASS
        kappa = _momentum(T) / (T + _MASS) * self._kappa(R)
        return np.asarray(np.sqrt(kappa * gamma * self._numbers.lifetime[index]))

    def _solve(self, T: Array) -> Array:
        """Densities at energies per nucleon in GeV, shape T.shape + (n,)."""
        n = self._numbers
        R = _momentum(T)[..., None] * n.mass_to_charge
        escape = 1 / self._grammage(R)
        diagonal = np.arange(n.mass_to_charge.size)
        system = np.broadcast_to(-n.matrix, (*R.shape, diagonal.size)).copy()
        system[..., diagonal, diagonal] += escape
        for parent, daughter in enumerate(self.chain.decays_to):
            if daughter >= 0:
                depth = n.height / self._decay_length(T, R[..., parent], parent)
                decayed = (depth / np.tanh(depth) - 1) * escape[..., parent]
                system[..., parent, parent] += decayed
                system[..., daughter, parent] -= decayed
        # The source q_j per rigidity, times dR/dT = A/(Z β), over μ v; the constants drop out of all ratios.
        beta = _momentum(T) / (T + _MASS)
        injected = n.injected * R**-self.source_index * n.mass_to_charge / beta[..., None] ** 2
        return np.asarray(np.linalg.solve(system, (injected @ n.cocoon.T)[..., None])[..., 0])

    def _intensity(self, kind: str, name: str, x: Array, by_rigidity: bool, phi: float) -> Array:
        """Relative intensity of an element or a nucleus, per rigidity or per energy per nucleon."""
        isotopes = [i for i, s in enumerate(self.chain.species) if name in (s, s.lstrip("0123456789"))]
        if not isotopes:
            raise ValueError(f"{kind} must be a nucleus or an element of {', '.join(self.chain.species)}, got {name!r}")
        ratio = self._numbers.mass_to_charge[isotopes].reshape(-1, *[1] * x.ndim)
        T = np.hypot(x / ratio, _MASS) - _MASS if by_rigidity else np.broadcast_to(x, (len(isotopes), *x.shape))
        outside = T + phi / ratio
        beta, beta_outside = (_momentum(t) / (t + _MASS) for t in (T, outside))
        modulated = (_momentum(T) / _momentum(outside)) ** 2
        jacobian = beta / ratio if by_rigidity else 1.0
        densities = np.stack([N[..., i] for N, i in zip(self._solve(outside), isotopes, strict=True)])
        return np.asarray(np.sum(beta_outside * densities * modulated * jacobian, axis=0))


@dataclass(frozen=True)
class _Numbers:
    """The model's parameters in kpc, Myr and g/cm2."""

    matrix: Array
    cocoon: Array
    injected: Array
    mass_to_charge: Array
    height: float
    surface_density: float
    lifetime: Array


def _momentum(T: Array) -> Array:
    """Momentum times c per nucleon in GeV, from the kinetic energy per nucleon."""
    return np.sqrt(T * (T + 2 * _MASS))


def halo_profile(z: u.Quantity, *, height: u.Quantity, decay_length: u.Quantity | None = None) -> Array:
    r"""Density above a thin disc that makes the particles, relative to the disc.

    sinh((H - \|z\|)/l) / sinh(H/l), which is 1 - \|z\|/H without decay; derived in the chapter "From slab to
    diffusion".

    Parameters
    ----------
    z : Quantity
        Height, any shape, in units like kpc, at most H in size.
    height : Quantity
        H, scalar.
    decay_length : Quantity, optional
        l, scalar; none for stable particles.

    Returns
    -------
    ndarray
        Of the shape of z.

    Raises
    ------
    ValueError
        A height beyond the halo; H or l not positive or not scalar.
    UnitConversionError
        A bare number or no length.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(halo_profile([0, 1, 4] * u.kpc, height=4 * u.kpc, decay_length=1 * u.kpc).round(3))
    [1.    0.367 0.   ]
    """
    level = np.abs(take("z", z, u.kpc))
    H = take("height", height, u.kpc, positive=True)
    length = np.array(np.inf) if decay_length is None else take("decay_length", decay_length, u.kpc, positive=True)
    if H.ndim or length.ndim:
        raise ValueError("height and decay_length must be single values, got arrays")
    if np.any(level > H):
        raise ValueError(f"z must lie within the halo, ±{H:g} kpc, got {level.max():g} kpc")
    if decay_length is None:
        return 1 - level / H
    # sinh(a)/sinh(b) written with falling exponentials, which cannot overflow.
    above, whole = (H - level) / length, H / length
    return np.exp(above - whole) * np.expm1(-2 * above) / np.expm1(-2 * whole)
