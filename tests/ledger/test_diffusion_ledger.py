"""What the ledger of the transport equation rests on."""

import numpy as np
import pytest
from astropy import units as u

from crlab.diffusion.transport import Grid, Problem, solve
from crlab.ledger import claims
from crlab.ledger.diffusion.claims import CLAIMS, halo_index, momentum_rate, shock_index


@pytest.mark.parametrize("beta", [0.01, 0.5, 0.999])
def test_every_speed_gives_minus_a_third(beta):
    assert momentum_rate(beta) == pytest.approx(-1 / 3, rel=1e-4)


def test_the_solver_has_the_sign_of_the_lorentz_transformation():
    """A closed flow that converges at one place: the first step changes p there as the boosts say."""
    grid = Grid(x=np.linspace(-1, 1, 22) * u.kpc, p=np.geomspace(1, 100, 401))
    start = np.zeros(grid.shape)
    start[:, 200] = 1
    box = Problem(
        grid=grid,
        kappa=0 * u.kpc**2 / u.Myr,
        velocity=-np.sin(np.pi * grid.x.value) * u.kpc / u.Myr,
        left="reflect",
        right="reflect",
    )
    dt = 1e-4
    run = solve(box, times=dt * u.Myr, step=dt * u.Myr, initial=start / u.kpc**3, momentum="upwind")
    number = run.psi[0].value * grid.dp.value
    energy = number @ grid.p_centre.value  # momentum carried, p from cell to cell
    middle = energy[10] / number[10].sum() / grid.p_centre.value[200] - 1
    divergence = np.diff(box.velocity.value)[10] / grid.dx.value[10]
    assert divergence < 0 < middle
    assert middle / (divergence * dt) == pytest.approx(momentum_rate(), rel=0.02)


@pytest.mark.parametrize("r", [2.0, 3.0, 4.0])
def test_shock_index_is_the_theory_s(r):
    assert shock_index(r) == pytest.approx(-(r + 2) / (r - 1), abs=1e-6)


@pytest.mark.parametrize(("source", "kappa"), [(-2.2, 0.6), (-2.0, 0.33), (-2.4, 0.0)])
def test_halo_index_is_the_difference(source, kappa):
    assert halo_index(source, kappa) == pytest.approx(source - kappa, abs=1e-10)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_gives_the_verdict_it_is_known_for(claim):
    assert claim.check().agrees is claim.agrees
    assert claims.get(claim.id) is claim
