"""What independent methods give in this part."""

from functools import cache

import numpy as np
from astropy import constants as const
from astropy import units as u

from crlab.acceleration import bell_cycle, emax, instability, remnant, shock, stochastic
from crlab.acceleration.escape import EscapeLaw
from crlab.diffusion.transport import Grid, Problem, solve, steady_state
from crlab.ledger.diffusion.claims import shock_index
from crlab.ledger.validation import Validation

__all__ = ["VALIDATIONS"]

_SHOCK = stochastic.Shock(u1=5000 * u.km / u.s, kappa_1=1e26 * u.cm**2 / u.s)
_PLASMA = {"current": 1e-15 * u.A / u.m**2, "field": 3 * u.uG, "density": const.m_p / u.cm**3}


@cache
def _paths() -> stochastic.Sample:
    L, T = _SHOCK.length, _SHOCK.time
    steps = {"step": 1e-4 * T, "width": 0.005 * L, "coarse": 0.01 * T}
    return stochastic.simulate(_SHOCK, **steps, duration=400 * T, number=20_000, seed=1, levels=[1.5, 4.0])


def _index_of_paths() -> tuple[float, float]:
    q, error = _paths().index()
    return q - 2, error


def _index_of_cycles() -> tuple[float, float]:
    return bell_cycle.simulate(300 * u.km / u.s, number=20_000, seed=1).index(above=1.1)


def _arrival_times() -> u.Quantity:
    """Mean time between the arrival at 3 and at 60 p0, over the e-folds between: ∫ (1 - ψ/ψ_steady) dt at the shock."""
    kappa, half = _SHOCK.kappa_1, np.geomspace(0.02, 30, 90)
    x = np.concatenate([-half[::-1], [0], half]) * _SHOCK.length
    grid = Grid(x=x, p=np.geomspace(1, 200, 61))
    at = len(half) - 1  # the last cell ahead of the shock
    source = np.zeros(grid.shape)
    source[at, 0] = 1
    problem = Problem(
        grid=grid,
        kappa=lambda x, p: kappa * np.where(x > 0 * u.pc, 0.25, 1.0) * np.ones_like(p),
        velocity=np.where(grid.x <= 0 * u.pc, 1, 0.25) * _SHOCK.u1,
        source=source / (u.kpc**3 * u.Myr),
        right="outflow",
    )
    step = 0.2 * _SHOCK.acceleration_time
    run = solve(problem, times=np.arange(1, 101) * step, step=step)
    late = (step * (1 - run.psi[:, at] / steady_state(problem).psi[at])).sum(axis=0)
    j, k = np.searchsorted(grid.p_centre.value, (3, 60))
    return (late[k] - late[j]) / np.log(grid.p_centre[k] / grid.p_centre[j])


def _simulated_growth() -> u.Quantity:
    return instability.simulate(**_PLASMA, cells=512, seed=1).growth_rate.max()


def _simulated_radius() -> float:
    """Radius of the shock over (E t²/ρ)^(1/5), from the Euler equations, long after the ejecta are forgotten."""
    t, gas = 2000 * u.yr, 1.67e-24 * u.g / u.cm**3
    run = remnant.explode([2000.0] * u.yr, ejecta_mass=0.1 * u.Msun, density=gas, radius=9 * u.pc, cells=400)
    return float(run.shock_radius[0] / (1e51 * u.erg * t**2 / gas) ** 0.2)


def _gained() -> u.Quantity:
    """Energy by 1e5 yr in 1 µG: dE ∝ U² dt = U dR, with U² R³ constant after the free expansion."""
    wave = emax.BlastWave()
    first = emax.maximum_energy(wave.ejecta_speed, 1 * u.uG, wave.free_time)
    return first * (3 - 2 * np.sqrt(wave.free_radius / wave.radius(1e5 * u.yr)))


_FLOW = 3000 * u.km / u.s


def _walked_back() -> tuple[float, float]:
    walks = bell_cycle.walk(_FLOW, number=40_000, seed=1)
    return walks.returned, walks.error


def _released_law() -> float:
    """E² N(E) over the energy of the explosion, for an efficiency of one tenth."""
    law, energy, bang = EscapeLaw(), 100 * u.TeV, 1e51 * u.erg
    N = law.spectrum(energy, efficiency=0.1, explosion=bang, constant=remnant.sedov_constant())
    return float(energy**2 * N / bang)


def _released_by_a_simulated_remnant() -> float:
    """A tenth of the energy that its shock meets, ∫ (ρU³/2) 4πR² dt, over an interval of age that lets an e-fold go."""
    gas, bang = 1.67e-24 * u.g / u.cm**3, 1e51 * u.erg
    t = np.geomspace(1e4, 2e4, 31) * u.yr
    run = remnant.explode(t, ejecta_mass=0.1 * u.Msun, density=gas, radius=20 * u.pc, cells=1200)
    ln_t = np.log(t.value)
    expansion, ln_R = np.polyfit(ln_t - ln_t.mean(), np.log(run.shock_radius.to_value(u.pc)), 1)
    R = np.exp(ln_R + expansion * (ln_t - ln_t.mean())) * u.pc
    met = (gas / 2 * (expansion * R / t) ** 3 * 4 * np.pi * R**2 * t / bang).to_value(u.one)  # per e-fold of age
    return float(0.1 * np.trapezoid(met, ln_t) / np.log(EscapeLaw().max_energy(t[0]) / EscapeLaw().max_energy(t[-1])))


VALIDATIONS: list[Validation] = [
    Validation(
        id="acceleration-return",
        system="particles that crossed a shock downstream, into a flow of 3000 km/s",
        quantity="chance to come back",
        chapter="acceleration/bells-cycle",
        methods={"analytic": lambda: bell_cycle.return_probability(_FLOW), "Monte Carlo": _walked_back},
        tolerance=1e-4,
        remark="Analytic: for an isotropic population. Monte Carlo: free flights between scatterings.",
    ),
    Validation(
        id="acceleration-index",
        system="a strong shock, r = 4",
        quantity="index s of dN/dE ∝ E^-s",
        chapter="acceleration/the-shock-by-stochastic-equations",
        methods={
            "analytic": lambda: float(shock.energy_index(4.0)),
            "finite volume": lambda: -shock_index(4.0),
            "stochastic equations": _index_of_paths,
            "Monte Carlo": _index_of_cycles,
        },
        tolerance=0.005,
        remark="Monte Carlo: single particles that cross the shock at 300 km/s, with exact Lorentz transformations.",
    ),
    Validation(
        id="acceleration-time",
        system="the same with κ = 1e26 cm² s⁻¹ at 5000 km/s",
        quantity="time for an e-fold of momentum",
        chapter="acceleration/the-shock-by-stochastic-equations",
        methods={
            "analytic": lambda: _SHOCK.acceleration_time,
            "finite volume": _arrival_times,
            "stochastic equations": lambda: _paths().acceleration_time(),
        },
        unit="yr",
        tolerance=0.02,
        remark="κ/u equal on both sides.",
    ),
    Validation(
        id="acceleration-blast-wave",
        system="a point explosion in a gas with γ = 5/3",
        quantity="ξ₀ of R = ξ₀ (E t²/ρ)^(1/5)",
        chapter="acceleration/the-remnant-itself",
        methods={"numerical": remnant.sedov_constant, "finite volume": _simulated_radius, "published": lambda: 1.152},
        tolerance=0.01,
        remark=(
            "Numerical: the energy integral of the similarity solution. Finite volume: the Euler equations, with 0.1 "
            "solar masses of ejecta at first. Published: Sedov (1959)."
        ),
    ),
    Validation(
        id="acceleration-growth",
        system="a current of cosmic rays along the field",
        quantity="fastest growth of a wave",
        chapter="acceleration/growing-the-field",
        methods={
            "analytic": lambda: instability.fastest_growth(**_PLASMA).rate,
            "numerical": _simulated_growth,
        },
        unit="1/yr",
        tolerance=0.005,
        remark="Numerical: the linear MHD equations from noise, of which one wave lies close to the maximum.",
    ),
    Validation(
        id="acceleration-history",
        system="a remnant in 1 µG",
        quantity="energy gained by 1e5 yr",
        chapter="acceleration/how-far-does-a-remnant-get",
        methods={
            "analytic": _gained,
            "numerical": lambda: emax.energy_history(emax.BlastWave(), 1e5 * u.yr, 1 * u.uG),
        },
        unit="TeV",
        tolerance=0.001,
    ),
    Validation(
        id="acceleration-released",
        system="a remnant that lets a tenth of what its shock meets go at the highest energy",
        quantity="energy that leaves in an e-fold of energy, over that of the explosion",
        chapter="acceleration/escape",
        methods={"analytic": _released_law, "finite volume": _released_by_a_simulated_remnant},
        tolerance=0.02,
        remark=(
            "Finite volume: the shock of the Euler equations at 10 to 20 kyr, which has met a few thousand times its "
            "0.1 solar masses of ejecta. Before, it overshoots and lags by a few per cent in turn."
        ),
    ),
]
