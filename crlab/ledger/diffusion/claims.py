"""What the talk says of the transport equation, its shock and its halo."""

import numpy as np
from astropy import units as u

from crlab.diffusion.transport import Grid, Problem, steady_state
from crlab.ledger.claims import Claim

__all__ = ["CLAIMS", "halo_index", "momentum_rate", "shock_index"]

_AREA, _SPEED, _RATE = u.kpc**2 / u.Myr, u.kpc / u.Myr, 1 / (u.kpc**3 * u.Myr)


def momentum_rate(beta: float = 0.5) -> float:
    """(dp/dt) / (p ∂u/∂x) of isotropic particles in a flow u(x), from the Lorentz transformation.

    A particle that flies dx = v μ dt finds the fluid faster by du = (∂u/∂x) dx; its momentum in the fluid's frame
    is then that of a frame boosted by du. Averaged over directions, to first order in du.

    Parameters
    ----------
    beta : float
        Speed of the particle over c; the result does not depend on it.

    Returns
    -------
    float

    Examples
    --------
    >>> print(f"{momentum_rate(0.9):.5f}")
    -0.33333
    """
    mu, weights = np.polynomial.legendre.leggauss(8)
    energy, p, gradient_dt = 1.0, beta, 1e-6  # E in units of E, p in E/c, ∂u/∂x dt in c per length v μ dt
    boost = gradient_dt * beta * mu
    along = (p * mu - boost * energy) / np.sqrt(1 - boost**2)
    new = np.hypot(along, p * np.sqrt(1 - mu**2))
    return float((weights * (new / p - 1)).sum() / weights.sum() / gradient_dt)


def shock_index(r: float) -> float:
    """Exponent of the steady spectrum ψ(p) at a planar shock of compression r, by the solver.

    Parameters
    ----------
    r : float
        Compression ratio u1/u2 > 1.

    Returns
    -------
    float
        d ln ψ / d ln p; theory has -(r+2)/(r-1) (Krymskii 1977; Bell 1978).

    Examples
    --------
    >>> print(f"{shock_index(4):.4f}")
    -2.0000
    """
    half = np.geomspace(0.05, 20, 80)
    grid = Grid(x=np.concatenate([-half[::-1], half]) * u.kpc, p=np.geomspace(1, 100, 21))
    source = np.zeros(grid.shape)
    source[79, 0] = 1
    problem = Problem(
        grid=grid,
        kappa=1 * _AREA,
        velocity=np.where(grid.x < 0 * u.kpc, 1, 1 / r) * _SPEED,
        source=source * _RATE,
        right="outflow",
    )
    psi = steady_state(problem).psi[79].value
    return float(np.log(psi[15] / psi[5]) / np.log(grid.p_centre[15] / grid.p_centre[5]))


def halo_index(source: float, kappa: float) -> float:
    """Exponent of ψ(R) in the disc of a halo with free escape, by the solver.

    Parameters
    ----------
    source, kappa : float
        Exponents of q(R) in the thin disc and of κ(R).

    Returns
    -------
    float
        d ln ψ / d ln R.

    Examples
    --------
    >>> print(f"{halo_index(-2.4, 0.4):.4f}")
    -2.8000
    """
    grid = Grid(x=np.linspace(-5, 5, 102) * u.kpc, p=np.geomspace(1, 1000, 31) * u.GV)
    R = grid.p_centre.value
    q = np.zeros(grid.shape)
    q[50] = R**source
    problem = Problem(grid=grid, kappa=lambda x, p: 0.03 * p.value**kappa * _AREA, source=q * _RATE)
    psi = steady_state(problem).psi[50].value
    return float(np.log(psi[-1] / psi[0]) / np.log(R[-1] / R[0]))


_SLIDE = "Transport equation"
_CHAPTER = "diffusion/one-equation"

CLAIMS: list[Claim] = [
    Claim(
        id="transport-sign",
        slide=_SLIDE,
        words="sign of the adiabatic term, as (dp/dt) / (p ∇·u)",
        chapter=_CHAPTER,
        compute=momentum_rate,
        stated=1 / 3,
        tolerance=0.01,
        agrees=False,
        remark=(
            "The slide has +∂/∂p((p/3)(∇·u) ψ), by which particles lose momentum where the flow converges. It must be "
            "-∂/∂p((p/3)(∇·u) ψ): only so does a shock accelerate and give the E^-2 of the talk's own later slide."
        ),
    ),
    Claim(
        id="transport-shock",
        slide=_SLIDE,
        words="exponent of the spectrum at a strong shock, r = 4",
        chapter=_CHAPTER,
        compute=shock_index,
        inputs={"r": 4.0},
        stated=-2.0,
        tolerance=0.005,
        remark="dN/dE ∝ E^-2, here from the transport equation itself: ψ ∝ p^-(r+2)/(r-1), f ∝ p^-4.",
    ),
    Claim(
        id="transport-source",
        slide=_SLIDE,
        words="exponent of the source spectrum in rigidity, from a strong shock, r = 4",
        chapter=_CHAPTER,
        compute=shock_index,
        inputs={"r": 4.0},
        stated=(-2.4, -1.9),
        tolerance=0.001,
        remark=(
            "The soft end of the slide's range is that of r = 22/7, with {soft:.3g}: a shock whose Mach number has the "
            "square 11 in a gas with γ = 5/3. Its hard end needs r = 13/3, with {hard:.3g}: above all shocks there."
        ),
        variants={"soft": {"r": 22 / 7}, "hard": {"r": 13 / 3}},
    ),
    Claim(
        id="transport-halo",
        slide=_SLIDE,
        words="exponent of ψ ∝ q/κ in the Galactic disc, for q ∝ R^-2.2 and κ ∝ R^0.6",
        chapter=_CHAPTER,
        compute=halo_index,
        inputs={"source": -2.2, "kappa": 0.6},
        stated=-2.8,
        tolerance=0.002,
        remark="Exact for a thin disc without losses, at every height in the halo.",
    ),
]
