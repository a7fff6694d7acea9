"""What independent methods give in this part."""

import numpy as np
from astropy import units as u

from crlab.diffusion.transport import Grid, Problem, solve, steady_state
from crlab.ledger.diffusion.claims import halo_index, momentum_rate
from crlab.ledger.validation import Validation

__all__ = ["VALIDATIONS"]

_KAPPA = 1 * u.kpc**2 / u.Myr
_DENSITY = 1 / u.kpc**3


def _decayed() -> float:
    """A sine between walls where ψ = 0, after 0.1 L²/κ."""
    x = np.linspace(0, 1, 65)
    mode = -np.diff(np.cos(np.pi * x)) / np.pi / np.diff(x)
    problem = Problem(grid=Grid(x=x * u.kpc, p=[1, 10] * u.GV), kappa=_KAPPA)
    end = 0.1 * u.Myr
    run = solve(problem, times=end, step=end / 100, initial=mode[:, None] * _DENSITY)
    return float(run.psi[0, 32, 0] / _DENSITY / mode[32])


def _walked() -> tuple[float, float]:
    """The same mode from random walkers: the share that is left of cos(πx) weights, walls being images."""
    rng, number, steps = np.random.default_rng(1), 20_000, 200
    x = np.arccos(rng.uniform(-1, 1, number)) / np.pi  # drawn from the mode itself
    alive = np.ones(number, dtype=bool)
    dt = 0.1 / steps
    for _ in range(steps):
        new = x + np.sqrt(2 * dt) * rng.normal(size=number)
        # A path that ends inside has met a wall at d with the chance exp(-d d'/dt) of a Brownian bridge.
        met = np.exp(-x * new / dt) + np.exp(-(1 - x) * (1 - new) / dt)
        alive &= (new > 0) & (new < 1) & (rng.random(number) > met)
        x = np.clip(new, 0, 1)
    share = alive.mean()
    return float(share), float(np.sqrt(share * (1 - share) / number))


def _halo() -> float:
    """ψ(0) over Q H / 2κ for a thin disc in a halo with free escape."""
    grid = Grid(x=np.linspace(-4, 4, 102) * u.kpc, p=[1, 10] * u.GV)
    source = np.zeros(grid.shape)
    source[50] = 1
    psi = steady_state(Problem(grid=grid, kappa=_KAPPA, source=source * _DENSITY / u.Myr)).psi[50, 0]
    rate = (grid.dx[50] * _DENSITY / u.Myr).to(1 / (u.kpc**2 * u.Myr))
    return float(psi / (rate * 4 * u.kpc / (2 * _KAPPA)))


VALIDATIONS: list[Validation] = [
    Validation(
        id="diffusion-decay",
        system="diffusion between absorbing walls",
        quantity="share of the lowest mode left after 0.1 L²/κ",
        chapter="diffusion/one-equation",
        methods={"analytic": lambda: np.exp(-0.1 * np.pi**2), "finite volume": _decayed, "Monte Carlo": _walked},
        tolerance=0.002,
        remark="Monte Carlo: Brownian walkers that are taken out at the walls.",
    ),
    Validation(
        id="diffusion-halo",
        system="a thin disc in a halo with free escape",
        quantity="ψ(0) in QH/2κ",
        chapter="diffusion/one-equation",
        methods={"analytic": lambda: 1.0, "finite volume": _halo},
        tolerance=1e-9,
    ),
    Validation(
        id="diffusion-halo-index",
        system="the same with κ ∝ R^0.6 and a source ∝ R^-2.2",
        quantity="exponent of ψ(R)",
        chapter="diffusion/one-equation",
        methods={"analytic": lambda: -2.2 - 0.6, "finite volume": lambda: halo_index(-2.2, 0.6)},
        tolerance=1e-4,
    ),
    Validation(
        id="diffusion-momentum",
        system="particles in a flow u(x)",
        quantity="(dp/dt)/(p ∂u/∂x)",
        chapter="diffusion/one-equation",
        methods={"analytic": lambda: -1 / 3, "numerical": momentum_rate},
        tolerance=1e-4,
        remark="Numerical: Lorentz transformations from one layer of the gas to the next.",
    ),
]
