r"""Diffuse emission of many Galaxies: how far the intensity strays from its mean, by direction, energy and scenario.

A source adds Q exp(-ρ²/4Λ)/4πΛ to the column of cosmic rays along a line of sight that passes at a distance ρ. In a
thin disc the number of sources beyond a level falls as its power -3/2, and at one place, where a source adds
Q exp(-ρ²/4Λ)/(4πΛ)^(3/2), as -4/3: sums of many follow stable laws. Derived in the chapter "Many Galaxies".
"""

import os
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from astropy import units as u
from scipy.special import gamma as gamma_function

from crlab.emission import _density_kernels, _kernels
from crlab.emission.absorption import Absorption
from crlab.emission.cross_sections import RIGIDITY, emissivity_matrix
from crlab.emission.density import Density, density, mean_field, window
from crlab.emission.gas import Ferriere, Gas
from crlab.emission.line_of_sight import Axisymmetric, integrate, steps
from crlab.ensemble import check_store, fill, read
from crlab.fingerprint import describe
from crlab.galaxy import Halo, one_halo, solar_radius
from crlab.parallel import Block, Serial, blocks, map_blocks, one_thread
from crlab.sources import release
from crlab.sources.credit import RATE
from crlab.sources.population import Population
from crlab.sources.release import Burst, Release
from crlab.units import Array, take

__all__ = [
    "Ensemble",
    "Simulator",
    "beam_scale",
    "column_share",
    "ensemble",
    "exceedance",
    "prepare",
    "tail_scale",
    "weights",
]

_RATE = 1 / (u.kpc**2 * u.Myr)
_BURST = Burst()


def weights(energy: u.Quantity, rigidity: u.Quantity, **options: Any) -> Array:
    """How much the cosmic rays of each rigidity count at energies of secondaries: rows that sum to one.

    The emissivity's split over 192 rigidities (`emissivity_matrix`), gathered at the given ones so that it is exact
    for densities that are linear in ln R between them and constant beyond them.

    Parameters
    ----------
    energy : Quantity, shape (j,)
    rigidity : Quantity, shape (k,)
        Increasing.
    **options
        For `emissivity_matrix`.

    Returns
    -------
    ndarray, shape (j, k)

    Raises
    ------
    ValueError
        Rigidities that do not increase, energies outside the tables.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> W = weights([10] * u.TeV, [0.01, 0.1, 1] * u.PV)
    >>> print(W.round(1), W.sum().round(6))
    [[0.1 0.6 0.2]] 1.0
    """
    R = np.atleast_1d(take("rigidity", rigidity, u.GV, positive=True))
    if R.ndim != 1 or np.any(np.diff(R) <= 0):
        raise ValueError(f"rigidity must be a list that increases, got {rigidity}")
    fine = emissivity_matrix(energy, **options).value
    place = np.interp(np.log(RIGIDITY.to_value(u.GV)), np.log(R), np.arange(R.size))
    hat = np.maximum(1 - np.abs(place[:, None] - np.arange(R.size)), 0)
    coarse = fine @ hat
    return np.asarray(coarse / coarse.sum(axis=1, keepdims=True))


def column_share(
    age: u.Quantity, length: u.Quantity, *, rate: u.Quantity = RATE, height: u.Quantity = 5 * u.kpc
) -> Array:
    """Column of one source over the smooth column of a line of sight through it, 1/(2π σ̇ τ z_max L), at all E.

    Parameters
    ----------
    age : Quantity
        τ since its particles left; all arguments broadcast.
    length : Quantity
        L of the line of sight in the disc.
    rate : Quantity
        σ̇, sources per area and time.
    height : Quantity
        z_max of the halo.

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
    >>> from astropy import units as u
    >>> print(f"{column_share(1 * u.kyr, 15 * u.kpc):.3f}")
    0.080
    """
    tau, L = take("age", age, u.Myr, positive=True), take("length", length, u.kpc, positive=True)
    sigma, h = take("rate", rate, _RATE, positive=True), take("height", height, u.kpc, positive=True)
    return np.asarray(1 / (2 * np.pi * sigma * tau * h * L))


def exceedance(
    level: Any,
    rigidity: u.Quantity,
    *,
    length: u.Quantity | None = None,
    halo: Halo | None = None,
    scenario: Release = _BURST,
    rate: u.Quantity = RATE,
) -> Array:
    """Mean number of sources that add more than a level of the smooth mean, ∫ dτ of the area where they do.

    At one place the area is 4πΛ ln(g₀/g) with g₀ = (4πΛ)^(-3/2); along a thin line of sight in the plane it is
    2L √(4Λ ln(c₀/c)) with c₀ = 1/4πΛ. For constant κ the first falls as level^(-4/3), the second as level^(-3/2). τ
    counts from the release: a delay changes no number.

    Parameters
    ----------
    level : array_like
        Over the mean density, or the mean column, of constant κ and an infinite uniform disc.
    rigidity : Quantity
        One value.
    length : Quantity, optional
        L; without it the sources of one place are counted.
    halo : Halo, optional
    scenario : Release
        By default a burst; none of a rigidity that is never released.
    rate : Quantity
        σ̇.

    Returns
    -------
    ndarray
        Of the shape of `level`. Good for levels that young sources make, Λ ≪ z_max².

    Raises
    ------
    ValueError
        A value that is not positive, no scenario.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{exceedance(1.0, 10 * u.TV):.4f}")
    0.0065
    """
    where, law = one_halo(halo), release.one(scenario)
    wanted = take("level", level, "", positive=True)
    kappa = float(where.kappa(rigidity).value)
    sigma, h = float(take("rate", rate, _RATE, positive=True)), float(where.height.to_value(u.kpc))
    mean = sigma * h / (2 * kappa)
    R = take("rigidity", rigidity, u.GV, positive=True).reshape(1)
    if not np.all(np.isfinite(release.times(law, R))):
        return np.zeros(wanted.shape)
    last = max(100 * h**2 / kappa, release.table(law, R, where, h**2)[0][-1])
    ln_tau = np.linspace(np.log(1e-9), np.log(last), 40_001)
    tau = np.exp(ln_tau)
    wide = 4 * np.pi * release.areas(law, tau, R, where)
    safe = np.where(wide > 0, wide, 1.0)
    out = np.empty(wanted.size)
    for i, value in enumerate(wanted.reshape(-1)):
        if length is None:
            ratio = safe**-1.5 / (value * mean)
            area = safe * np.log(np.maximum(ratio, 1.0))
        else:
            L = float(take("length", length, u.kpc, positive=True))
            ratio = 1 / safe / (value * mean * L)
            area = 2 * L * np.sqrt(safe / np.pi * np.log(np.maximum(ratio, 1.0)))
        out[i] = sigma * np.trapezoid(np.where(wide > 0, area, 0.0) * tau, ln_tau)
    return out.reshape(wanted.shape)


def tail_scale(level: float, number: Any, index: float) -> Array:
    """Scale of the stable law whose tail holds a number of events beyond a level, γ = level [N/(2 c_α)]^(1/α).

    c_α = sin(πα/2) Γ(α)/π; the tail of a stable law with β = 1 is 2 c_α (γ/x)^α (Nolan 2020).

    Parameters
    ----------
    level : float
    number : array_like
        N(> level).
    index : float
        α, between 1 and 2.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        An index outside, a value that is not positive.

    Examples
    --------
    >>> from astropy import units as u
    >>> print(f"{tail_scale(1.0, exceedance(1.0, 10 * u.TV), 4 / 3):.4f}")
    0.0387
    """
    if not 1 < index < 2:
        raise ValueError(f"index must lie between 1 and 2, got {index!r}")
    N = take("number", number, "", positive=True)
    tail = np.sin(np.pi * index / 2) * gamma_function(index) / np.pi
    return np.asarray(float(take("level", level, "", positive=True)) * (N / (2 * tail)) ** (1 / index))


def beam_scale(number: Any, length: Any) -> Array:
    """Scale of the stable law with α = 3/2 along a thin line of sight, γ/⟨I⟩ = 0.529 N_src^(-1/3) (z_max/L)^(1/3).

    Parameters
    ----------
    number : array_like
        N_src of the parent cosmic rays (`crlab.sources.credit.source_count`).
    length : array_like
        L/z_max.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A value that is not positive.

    Examples
    --------
    >>> print(f"{beam_scale(2488, 3):.4f}")
    0.0271
    """
    N, x = take("number", number, "", positive=True), take("length", length, "", positive=True)
    # N(> u) = 4 Γ(3/2)/(3/2)^(3/2) (4π)^(-3/2) (σ̇L/κ) x^(-3/2) with x = u L σ̇ h/2κ and κ/(σ̇h⁴) = π/2N_src.
    count = 4 * gamma_function(1.5) / 1.5**1.5 * (4 * np.pi) ** -1.5 * 2**1.5 * np.sqrt(np.pi / (2 * N * x))
    return tail_scale(1.0, count, 1.5)


@dataclass(frozen=True)
class Ensemble:
    """Intensities of many Galaxies along the plane; made by `ensemble`.

    Parameters
    ----------
    lon : Quantity, shape (l,)
    energy : Quantity, shape (j,)
    scenarios : tuple of str
    plane : ndarray, shape (n, scenarios, j, l)
        Intensity over that of the scenario's own mean.
    local : ndarray, shape (n, scenarios, j)
        Emissivity at the Sun over its mean: the local flux of the parents.
    """

    lon: u.Quantity
    energy: u.Quantity
    scenarios: tuple[str, ...]
    plane: Array
    local: Array


@dataclass(frozen=True, eq=False)
class Simulator:
    """Planes of one Galaxy after another; made by `prepare`. It pickles, so that any worker can use it.

    Parameters
    ----------
    lon : Quantity, shape (l,)
    energy : Quantity, shape (j,)
    rigidity : Quantity, shape (k,)
    scenarios : mapping of str to Release
    population : Population
    halo : Halo
    gas : Gas
    absorption : Absorption or None
    spacing, size : Quantity
    span : Quantity
        Ages up to which sources are drawn, the longest `window` of the scenarios.
    matrix : ndarray, shape (j, k)
        From `weights`.
    means : ndarray, shape (scenarios, j, l + 1)
        Column along each direction, and the emissivity at the Sun as the last, of the mean of a scenario.
    """

    lon: u.Quantity
    energy: u.Quantity
    rigidity: u.Quantity
    scenarios: Mapping[str, Release]
    population: Population
    halo: Halo
    gas: Gas
    absorption: Absorption | None
    spacing: u.Quantity
    size: u.Quantity
    span: u.Quantity
    matrix: Array
    means: Array

    @property
    def coords(self) -> dict[str, Array]:
        """Dimensions of a realisation for `crlab.ensemble.fill`: TeV, degrees, and infinity for the Sun's place."""
        return {
            "scenario": np.arange(float(len(self.scenarios))),
            "energy": self.energy.to_value(u.TeV),
            "lon": np.append(self.lon.to_value(u.deg), np.inf),
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """All that decides the numbers besides `coords`."""
        named = ("scenarios", "rigidity", "population", "halo", "gas", "absorption", "spacing", "size")
        return {
            "x": "over the mean: intensity at b = 0 for each lon in deg, emissivity at the Sun where lon is infinite",
            **{name: getattr(self, name) for name in named},
        }

    @property
    def kernels(self) -> tuple[ModuleType, ...]:
        """The code that decides the numbers, for `crlab.ensemble.fill`."""
        return (_kernels, _density_kernels)

    @one_thread()
    def realisation(self, number: int, *, seed: int) -> Array:
        """One Galaxy over the mean of each scenario.

        Parameters
        ----------
        number : int
            Which one: the same number and seed give the same Galaxy, whatever else is computed.
        seed : int

        Returns
        -------
        ndarray, shape (scenarios, j, l + 1)
            Intensities, and the emissivity at the Sun as the last.

        Examples
        --------
        >>> from astropy import units as u
        >>> simulator = prepare({"burst": Burst()}, energy=[10] * u.TeV, rigidity=[0.1] * u.PV, lon=[30, 60] * u.deg)
        >>> simulator.realisation(7, seed=1).shape
        (1, 1, 3)
        """
        rng = Block(number, number, number + 1, seed).generator()
        sources = self.population.sample(self.span, seed=rng)
        options = {"population": self.population, "halo": self.halo, "spacing": self.spacing, "size": self.size}
        found = []
        with Serial() as own:  # the time of this thread is that of the batch
            for scenario in self.scenarios.values():
                field = density(
                    sources, self.rigidity, scenario=scenario, levels=1, executor=own, progress=False, **options
                ).combined(self.matrix)
                found.append(_seen(field, self.gas, self.lon, self.energy, self.absorption, own))
        return np.array(found) / self.means

    def batch(self, block: Block) -> Array:
        """Galaxies of one block, shape (block.size, scenarios, j, l + 1): what `crlab.ensemble` maps over blocks."""
        return np.stack([self.realisation(i, seed=block.seed) for i in range(block.start, block.stop)])


def _seen(
    field: Density | Axisymmetric,
    gas: Gas,
    lon: u.Quantity,
    energy: u.Quantity,
    absorption: Absorption | None,
    executor: Executor,
) -> Array:
    """Column of gas times field for each energy and direction in the plane, and the field at the Sun as the last."""
    options: dict[str, Any] = {"executor": executor, "progress": False}
    edges = steps(coarsest=0.1 * u.kpc, sun=field.sun)
    column = integrate(field, gas, lon, 0 * lon, energy=energy, absorption=absorption, edges=edges, **options)
    here = field.values(np.zeros(1), np.full(1, solar_radius(field.sun)), np.zeros(1))
    return np.concatenate([column.value, here]).T


@one_thread()
def prepare(
    scenarios: Mapping[str, Release],
    *,
    energy: u.Quantity,
    rigidity: u.Quantity,
    lon: u.Quantity,
    population: Population | None = None,
    halo: Halo | None = None,
    gas: Gas | None = None,
    absorption: Absorption | None = None,
    spacing: u.Quantity = 0.2 * u.kpc,
    size: u.Quantity = 50 * u.pc,
) -> Simulator:
    """Compute what all Galaxies share: the weights of the rigidities and the mean of each scenario.

    Parameters
    ----------
    scenarios, energy, rigidity, lon, population, halo, gas, absorption, spacing, size
        As in `ensemble`.

    Returns
    -------
    Simulator

    Raises
    ------
    ValueError, UnitConversionError
        As `ensemble`.

    Examples
    --------
    >>> from astropy import units as u
    >>> simulator = prepare({"burst": Burst()}, energy=[10] * u.TeV, rigidity=[0.1] * u.PV, lon=[30, 60] * u.deg)
    >>> simulator.means.shape
    (1, 1, 3)
    """
    laws = release.named(scenarios)
    if take("lon", lon, u.deg).ndim != 1:
        raise ValueError(f"lon must be a list of longitudes, got shape {np.shape(lon)}")
    people, where, matter = population or Population("Ferriere"), one_halo(halo), gas or Ferriere()
    matrix = weights(energy, rigidity)
    R = np.atleast_1d(take("rigidity", rigidity, u.GV, positive=True))
    for name, law in laws.items():
        never = ~np.isfinite(release.times(law, R))
        if np.any(never):
            raise ValueError(
                f"rigidity must be released in every scenario, got {R[never][0]:g} GV, which scenarios[{name!r}] never "
                "releases: leave it out, or give a law that reaches it"
            )
    means = []
    with ThreadPoolExecutor(1) as own:
        for scenario in laws.values():
            field = mean_field(rigidity, population=people, halo=where, scenario=scenario, size=size)
            means.append(_seen(field.combined(matrix), matter, lon, np.atleast_1d(energy), absorption, own))
    return Simulator(
        lon=lon,
        energy=np.atleast_1d(energy),
        rigidity=np.atleast_1d(rigidity),
        scenarios=laws,
        population=people,
        halo=where,
        gas=matter,
        absorption=absorption,
        spacing=spacing,
        size=size,
        span=max(window(rigidity, halo=where, scenario=law) for law in laws.values()),
        matrix=matrix,
        means=np.array(means),
    )


def ensemble(
    n: int,
    *,
    seed: int,
    scenarios: Mapping[str, Release],
    energy: u.Quantity,
    rigidity: u.Quantity,
    lon: u.Quantity,
    population: Population | None = None,
    halo: Halo | None = None,
    gas: Gas | None = None,
    absorption: Absorption | None = None,
    spacing: u.Quantity = 0.2 * u.kpc,
    size: u.Quantity = 50 * u.pc,
    store: str | os.PathLike[str] | None = None,
    other_kernels: bool = False,
    batch: int = 1,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> Ensemble:
    """Profiles along b = 0 of many Galaxies, the same sources for each scenario.

    Parameters
    ----------
    n : int
        Galaxies.
    seed : int
        Galaxy i depends on i and the seed alone, whatever machine computes it and in whatever batch.
    scenarios : mapping of str to Release
        The results have their order.
    energy : Quantity, shape (j,)
        Of gamma rays.
    rigidity : Quantity, shape (k,)
        Where densities are computed.
    lon : Quantity, shape (l,)
    population : Population, optional
        An axisymmetric one in the plane, which also says where the Sun is; by default that of Ferrière 2001 with 1 in
        50 yr.
    halo : Halo, optional
    gas : Gas, optional
        By default `Ferriere`.
    absorption : Absorption, optional
        Of the Galaxy and of the mean alike, so that it nearly cancels in the ratio up to 100 TeV. Beyond, it hides the
        far sources and leaves fewer to average over. Without it nothing is absorbed.
    spacing, size : Quantity
        As in `crlab.emission.density.density`.
    store : path, optional
        Of `crlab.ensemble`, where Galaxies go as they are finished. A call that was killed goes on where it stopped.
    other_kernels : bool
        As in `crlab.ensemble.fill`.
    batch : int
        Galaxies in one task, and in one file of the store.
    executor, progress
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        No scenario, a rigidity that one never releases, energies outside the tables, numbers out of range, a store
        that holds something else, and as `density`.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> two = ensemble(2, seed=1, scenarios={"burst": Burst()}, energy=[10] * u.TeV, rigidity=[0.1] * u.PV,
    ...                lon=[30, 60] * u.deg, progress=False)
    >>> two.plane.shape, two.local.shape
    ((2, 1, 1, 2), (2, 1, 1))
    """
    if store is not None:
        check_store(store)
        describe({"scenarios": scenarios, "population": population, "halo": halo, "gas": gas}, "parameters")
    simulator = prepare(
        scenarios,
        energy=energy,
        rigidity=rigidity,
        lon=lon,
        population=population,
        halo=halo,
        gas=gas,
        absorption=absorption,
        spacing=spacing,
        size=size,
    )
    if store is None:
        work = blocks(n, size=batch, seed=seed)
        x = np.concatenate(map_blocks(simulator.batch, work, executor=executor, progress=progress, label="Galaxies"))
    else:
        fill(
            store,
            simulator.batch,
            n=n,
            batch=batch,
            seed=seed,
            coords=simulator.coords,
            parameters=simulator.parameters,
            kernels=simulator.kernels,
            other_kernels=other_kernels,
            executor=executor,
            progress=progress,
        )
        x = read(store)
    return Ensemble(simulator.lon, simulator.energy, tuple(scenarios), x[..., :-1], x[..., -1])
