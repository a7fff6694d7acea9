"""The chain of nuclear fragmentation in interstellar gas, and its solution by the matrix exponential.

A slab of grammage X changes the vector N of abundances by dN/dX = M N, where M collects the specific
cross-sections σ/m of every way to lose or to make a nucleus. Cross-sections are taken as constant above
about 2 GeV per nucleon, and fragments keep the energy per nucleon of their parent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import constants as const
from astropy import units as u
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from crlab.data import input_table
from crlab.units import nucleus, take

__all__ = ["Network", "composition", "cross_sections", "from_observed", "gas_mass", "network", "propagate"]

Array = NDArray[np.float64]

_HALF_LIFE = {"10Be": ("10B", 1.39)}  # parent: (daughter, Myr); Chmeleff et al. 2010
_PER_GRAMMAGE = u.cm**2 / u.g
_HELIUM = 4.002602 * const.u  # mass of a helium atom
_HYDROGEN = 1.007825 * const.u


@dataclass(frozen=True)
class Network:
    """A set of nuclei and the rates, per grammage, at which they turn into each other; made by `network`.

    Parameters
    ----------
    species : tuple of str
        Names like ``"12C"``, heaviest first.
    total : Quantity
        1/λ of each species, shape (n,), in cm2/g: every inelastic reaction.
    production : Quantity
        Shape (n, n), in cm2/g: ``production[j, i]`` is the rate at which species i makes species j.
    half_life : Quantity
        At rest, shape (n,), in Myr; infinite where stable.
    decays_to : tuple of int
        Index of what each species decays to; -1 where stable.
    """

    species: tuple[str, ...]
    total: u.Quantity
    production: u.Quantity
    half_life: u.Quantity
    decays_to: tuple[int, ...]

    @property
    def matrix(self) -> u.Quantity:
        """M of dN/dX = M N, shape (n, n), in cm2/g, without decay."""
        return self.production - np.diag(self.total)

    def index(self, name: str) -> int:
        """Position of a species.

        Parameters
        ----------
        name : str

        Returns
        -------
        int

        Raises
        ------
        ValueError
            The network lacks the species.
        """
        if name not in self.species:
            raise ValueError(f"species must be one of {', '.join(self.species)}, got {name!r}")
        return self.species.index(name)

    def vector(self, start: Mapping[str, float] | Any) -> Array:
        """Abundances as a vector in the order of `species`.

        Parameters
        ----------
        start : mapping of str to float, or array_like
            By name (others are 0), or already of shape (n,).

        Returns
        -------
        ndarray
            Shape (n,).

        Raises
        ------
        ValueError
            A negative abundance, an unknown species, a wrong shape.
        """
        vector = np.zeros(len(self.species))
        if isinstance(start, Mapping):
            for name, value in start.items():
                index = self.index(name)
                vector[index] = take(f"start[{name!r}]", value, u.dimensionless_unscaled, non_negative=True)
            return vector
        given = take("start", start, u.dimensionless_unscaled, non_negative=True)
        if given.shape != vector.shape:
            raise ValueError(f"start must have shape {vector.shape}, got {given.shape}")
        return given

    def element(self, symbol: str, abundances: Any) -> Array:
        """Sum of the abundances of an element's isotopes.

        Parameters
        ----------
        symbol : str
            Like ``"B"``.
        abundances : array_like
            Shape (..., n), as `propagate` returns.

        Returns
        -------
        ndarray
            Shape (...).

        Raises
        ------
        ValueError
            No isotope of the element in the network, or a last axis that is not n long.
        """
        of_element = [name.lstrip("0123456789") == symbol for name in self.species]
        if not any(of_element):
            raise ValueError(f"symbol must be an element of {', '.join(self.species)}, got {symbol!r}")
        array = np.asarray(abundances, dtype=np.float64)
        if array.shape[-1:] != (len(self.species),):
            raise ValueError(
                f"abundances must have {len(self.species)} values on the last axis, got shape {array.shape}"
            )
        return array[..., of_element].sum(axis=-1)


def composition() -> QTable:
    """Abundances of the elements H to Ni in cosmic rays at 2 GeV per nucleon and in the Solar System.

    Returns
    -------
    QTable
        Columns `Z`, `element`, `cosmic_rays` (oxygen is 1000) and `solar_system` (silicon is 1e6), by
        number. Sources (Dembinski et al. 2017, Lodders 2003) and errors stand in ``meta``.

    Examples
    --------
    >>> table = composition()
    >>> print(*table["element"][2:5])
    Li Be B
    """
    return input_table("abundances-2gev")


def cross_sections() -> QTable:
    """Cross-sections of Li to O on hydrogen near 5 GeV per nucleon.

    Returns
    -------
    QTable
        Columns `parent`, `daughter` (or ``"total"``), `sigma` and `sigma_err` in mbarn, `helium_ratio`
        (σ on helium over σ on hydrogen) and `basis`, which tells measured values from extrapolated
        ones. References stand in ``meta``. Change a copy and give it to `network` to see what follows.

    Examples
    --------
    >>> table = cross_sections()
    >>> row = table[(table["parent"] == "12C") & (table["daughter"] == "11B")]
    >>> print(row["sigma"][0])
    57.0 mbarn
    """
    return input_table("spallation-h")


def gas_mass(helium: float = 0.1) -> u.Quantity:
    """Mass of interstellar gas for each hydrogen atom, m_H + y m_He.

    Parameters
    ----------
    helium : float
        Helium atoms per hydrogen atom, y.

    Returns
    -------
    Quantity
        In g. What is heavier than helium, about 1 per cent, is left out.

    Raises
    ------
    ValueError
        A negative share.

    Examples
    --------
    >>> print(f"{gas_mass():.3g}")
    2.34e-24 g
    """
    y = float(take("helium", helium, u.dimensionless_unscaled, non_negative=True))
    return (_HYDROGEN + y * _HELIUM).to(u.g)


def network(*, table: QTable | None = None, helium: float = 0.1) -> Network:
    r"""Build the network from a table of cross-sections.

    Per gram of gas with y helium atoms for each hydrogen atom,
    1/λ = σ_H (1 + y σ_He/σ_H) / (m_H + y m_He).

    Parameters
    ----------
    table : QTable, optional
        As from `cross_sections`, which is the default.
    helium : float
        Helium atoms per hydrogen atom, y; 0 for pure hydrogen.

    Returns
    -------
    Network
        Of all species that the table gives a total for, in the table's order.

    Raises
    ------
    ValueError
        A negative `helium`, an unknown nucleus, a negative cross-section, a nucleus that makes more
        than it loses, or a daughter not lighter than its parent.

    Examples
    --------
    >>> chain = network()
    >>> carbon = chain.index("12C")
    >>> print(f"{1 / chain.total[carbon]:.2f}")
    7.84 g / cm2
    """
    table = cross_sections() if table is None else table
    y = float(take("helium", helium, u.dimensionless_unscaled, non_negative=True))
    sigma = take("table['sigma']", table["sigma"], u.mbarn, non_negative=True) * u.mbarn
    ratio = take("table['helium_ratio']", table["helium_ratio"], u.dimensionless_unscaled, non_negative=True)
    specific = (sigma * (1 + y * ratio) / gas_mass(y)).to_value(_PER_GRAMMAGE)

    parents, daughters = [str(x) for x in table["parent"]], [str(x) for x in table["daughter"]]
    species = tuple(p for p, d in zip(parents, daughters, strict=True) if d == "total")
    total = np.zeros(len(species))
    production = np.zeros((len(species), len(species)))
    for parent, daughter, value in zip(parents, daughters, specific, strict=True):
        if parent not in species:
            raise ValueError(f"table must give the total of every parent, but has none for {parent!r}")
        if daughter == "total":
            total[species.index(parent)] = value
        elif daughter not in species or nucleus(daughter).A >= nucleus(parent).A:
            raise ValueError(f"daughters must be lighter species of the table, got {parent} to {daughter}")
        else:
            production[species.index(daughter), species.index(parent)] += value
    for name, loss, gain in zip(species, total, production.sum(axis=0), strict=True):
        if gain > loss:
            raise ValueError(f"the partial cross-sections of {name} must not exceed its total")

    decays = [_HALF_LIFE.get(name, ("", np.inf)) for name in species]
    return Network(
        species=species,
        total=total * _PER_GRAMMAGE,
        production=production * _PER_GRAMMAGE,
        half_life=[half_life for _, half_life in decays] * u.Myr,
        decays_to=tuple(species.index(to) if to in species else -1 for to, _ in decays),
    )


def propagate(X: u.Quantity, start: Mapping[str, float] | Any, chain: Network) -> Array:
    """Abundances behind a slab, N(X) = exp(M X) N(0).

    The exponential is summed as Σ_k Poisson(k; q X) P^k N(0) with q the largest 1/λ and P = 1 + M/q. All terms
    are positive, so rare nuclei lose no digits. `scipy.linalg.expm` gives the same, but takes much longer for many
    grammages. The cost grows with X/λ.

    Decay in flight is left out: it needs the time spent, which a slab does not know. 10Be is therefore
    what it would be without decay.

    Parameters
    ----------
    X : Quantity
        Grammage, any shape, in units like g/cm2.
    start : mapping of str to float, or array_like
        Abundances at X = 0, as in `Network.vector`.
    chain : Network

    Returns
    -------
    ndarray
        Shape ``X.shape + (n,)``, in the units of `start`.

    Raises
    ------
    ValueError
        A negative grammage, or a bad start as in `Network.vector`.
    UnitConversionError
        X is a bare number or no grammage.

    Examples
    --------
    >>> from astropy import units as u
    >>> chain = network()
    >>> N = propagate([0, 7] * u.g / u.cm**2, {"12C": 1.0}, chain)
    >>> print(chain.element("B", N).round(3))
    [0.    0.108]
    """
    grammage = take("X", X, u.g / u.cm**2, non_negative=True)
    initial = chain.vector(start)
    q = float(chain.total.to_value(_PER_GRAMMAGE).max()) or 1.0
    step = np.eye(initial.size) + chain.matrix.to_value(_PER_GRAMMAGE) / q
    mean = q * grammage[..., None]
    k = np.arange(int(mean.max() + 12 * np.sqrt(mean.max())) + 40)  # beyond that, Poisson's weights are below 1e-30
    states = np.empty((k.size, initial.size))
    states[0] = initial
    for i in k[1:]:
        states[i] = step @ states[i - 1]
    return np.exp(xlogy(k, mean) - mean - gammaln(k + 1)) @ states


def from_observed(X: u.Quantity, observed: Mapping[str, float], chain: Network) -> Array:
    """Abundances behind a slab, from sources chosen such that what arrives of their elements is as observed.

    The sources hold the given nuclei only. For each grammage their abundances solve linear equations: the sum
    over all sources of what arrives of an element is its observed abundance.

    Parameters
    ----------
    X : Quantity
        Grammage, any shape, in units like g/cm2.
    observed : mapping of str to float
        By source nucleus, like ``"12C"``: the observed abundance of its element, all isotopes together.
    chain : Network

    Returns
    -------
    ndarray
        Shape ``X.shape + (n,)``, in the units of `observed`. Sources that would have to be negative, since so
        much of the element is made on the way, are not refused: look at the nucleus itself.

    Raises
    ------
    ValueError
        A negative grammage, an unknown species, an observed abundance that is not positive, no source, two
        sources of one element.
    UnitConversionError
        X is a bare number or no grammage.

    Examples
    --------
    >>> from astropy import units as u
    >>> chain = network()
    >>> N = from_observed(5 * u.g / u.cm**2, {"12C": 1.04, "14N": 0.29, "16O": 1.0}, chain)
    >>> print(f"B/C = {chain.element('B', N) / chain.element('C', N):.2f}")
    B/C = 0.28
    """
    elements = [name.lstrip("0123456789") for name in observed]
    if not elements or len(set(elements)) < len(elements):
        raise ValueError(f"observed must name one source nucleus of each element, got {', '.join(observed) or 'none'}")
    wanted = [
        float(take(f"observed[{name!r}]", value, u.dimensionless_unscaled, positive=True))
        for name, value in observed.items()
    ]
    parts = np.stack([propagate(X, {name: 1.0}, chain) for name in observed], axis=-2)
    arriving = np.stack([chain.element(symbol, parts) for symbol in elements], axis=-2)
    sources = np.linalg.solve(arriving, np.array(wanted)[:, None])
    return (sources * parts).sum(axis=-2)
