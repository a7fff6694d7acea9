"""Green's function of the halo against tables in 30-digit arithmetic, its own symmetries, and the implicit solver."""

import subprocess
import sys

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from crlab.diffusion.green import (
    age_fraction,
    causal_green,
    causal_loss,
    disc_mean,
    green,
    juettner,
    lepton_density,
    locality,
    locality_radius,
    mean_density,
    suppressed_spread,
    survival,
    theta,
)
from crlab.diffusion.transport import Grid, Problem, steady_state
from crlab.galaxy import Halo

KAPPA = u.kpc**2 / u.Myr
C = const.c.to(u.kpc / u.Myr)

# rho, z, z', kappa tau, height, G: 30-digit arithmetic
TABLE = [
    (0.3, 0, 0, 0.05, 5, 1.28025853739675),
    (1, 0.02, 0.1, 0.5, 5, 0.0383877991780311),
    (2, 0, -0.2, 5, 5, 0.00161804782698266),
    (4, 1, 0.5, 12.5, 5, 0.000254129008436690),
    (8, 0, 0, 50, 5, 1.66233492035073e-06),
    (0.5, 3, 0.1, 2, 4, 0.00230602853233844),
]


@pytest.mark.parametrize("row", TABLE)
def test_the_table_of_greens_functions(row) -> None:
    rho, z, source, spread, height, expected = row
    got = green(rho * u.kpc, spread * u.kpc**2, height=height * u.kpc, z=z * u.kpc, source=source * u.kpc)
    assert got.to_value(u.kpc**-3) == pytest.approx(expected, rel=1e-10)


def test_one_call_takes_the_whole_table() -> None:
    rho, z, source, spread, height, expected = np.array(TABLE).T
    got = green(rho * u.kpc, spread * u.kpc**2, height=height * u.kpc, z=z * u.kpc, source=source * u.kpc)
    np.testing.assert_allclose(got.value, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("s", "expected", "images", "modes"),
    [
        (0.01, 2.82094791773878, 0, 31),
        (0.1, 0.891981058966825, 1, 9),
        (0.25, 0.543522725176011, 2, 5),
        (0.5, 0.291227995674831, 3, 3),
        (1, 0.0848049726979915, 5, 3),
        (2, 0.00719188335582637, 7, 1),
    ],
)
def test_theta_and_the_terms_each_sum_needs(s, expected, images, modes) -> None:
    assert theta(s) == pytest.approx(expected, rel=1e-12)
    assert theta(s, form="images", terms=images) == pytest.approx(expected, rel=2e-12)
    assert theta(s, form="modes", terms=modes) == pytest.approx(expected, rel=2e-12)
    if images:
        assert theta(s, form="images", terms=images - 1) != pytest.approx(expected, rel=2e-12)
    if modes > 1:
        assert theta(s, form="modes", terms=modes - 2) != pytest.approx(expected, rel=2e-12)


height_ratio = st.floats(-0.9, 0.9)


@given(st.floats(0.02, 2), height_ratio, height_ratio)
def test_images_are_modes(s, z, source) -> None:
    images = theta(s, z=z, source=source, form="images", terms=12)
    modes = theta(s, z=z, source=source, form="modes", terms=40)
    # Rounding of the sums' largest terms is what limits each of them where they cancel.
    room = 1e-15 * (1 + 1 / np.sqrt(s))
    assert images == pytest.approx(modes, rel=1e-10, abs=room)
    assert theta(s, z=z, source=source) == pytest.approx(modes if s > 0.25 else images, rel=1e-10, abs=room)


@given(st.floats(0.001, 3), height_ratio, height_ratio)
def test_observer_and_source_may_change_places(s, z, source) -> None:
    assert theta(s, z=z, source=source) == pytest.approx(theta(s, z=source, source=z), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("first", "second"), [(0.02, 0.1), (0.1, 0.3), (0.4, 0.8)])
def test_waiting_twice_is_waiting_once(first, second) -> None:
    w, weight = np.polynomial.legendre.leggauss(200)
    twice = (weight * theta(first, z=0.3, source=w) * theta(second, z=w, source=-0.5)).sum()
    assert twice == pytest.approx(theta(first + second, z=0.3, source=-0.5), rel=1e-10)


@pytest.mark.parametrize("s", [0.01, 0.2, 0.26, 2])
def test_nothing_is_left_at_the_walls(s) -> None:
    np.testing.assert_allclose(theta(s, z=[-1, 1, 0.3], source=[0.2, 0.9, 1]), 0, atol=1e-14)


def test_the_kernel_is_the_formula() -> None:
    s, z, source = 0.08, 0.4, -0.3
    n = np.arange(-20, 21)
    image = 2 * n + (-1.0) ** n * source
    plain = ((-1.0) ** n * np.exp(-((z - image) ** 2) / (4 * s))).sum() / np.sqrt(4 * np.pi * s)
    assert theta(s, z=z, source=source) == pytest.approx(plain, rel=1e-13)


def test_one_source_seen_from_many_heights_warns_of_nothing() -> None:
    """Kernels get arrays of their own; numba looks at the first of a kind, hence a process of its own."""
    code = "from crlab.diffusion.green import theta; print(theta([[0.1]], z=[0.1, 0.2]).shape)"
    done = subprocess.run([sys.executable, "-W", "error::FutureWarning", "-c", code], capture_output=True, text=True)
    assert done.stdout == "(1, 2)\n", done.stderr


def test_survival() -> None:
    np.testing.assert_allclose(survival([0.1, 0.5, 1]), [0.949305, 0.370777, 0.107977], rtol=1e-5)
    assert survival(0.0) == 1
    t, weight = np.polynomial.legendre.leggauss(400)
    t, weight = 2 * (t + 1), 2 * weight
    for source in (0.0, 0.6, -0.9):
        mean = (survival(t**2, source=source) * 2 * t * weight).sum()  # ∫ S ds, over 0 to 16
        assert mean == pytest.approx((1 - source**2) / 2, rel=1e-6)


@pytest.mark.parametrize("s", [0.249, 0.251])
def test_survival_is_what_theta_holds(s) -> None:
    z, weight = np.polynomial.legendre.leggauss(60)
    assert survival(s, source=0.4) == pytest.approx((weight * theta(s, z=z, source=0.4)).sum(), rel=1e-12)


@pytest.mark.parametrize(("z", "source"), [(0, 0), (2, 0), (-3, 0), (1, 2.5)])
def test_the_mean_of_an_infinite_disc(z, source) -> None:
    kappa, h = 0.3, 5.0
    # ∫ 2πρ dρ over t² = κτ, so that the root at τ = 0 is gone, and over ρ²/4κτ.
    t, weight = np.polynomial.legendre.leggauss(300)
    t, weight = 12 * (t + 1), 12 * weight
    y, y_weight = np.polynomial.laguerre.laggauss(20)
    rho = np.sqrt(4 * t[:, None] ** 2 * y)
    G = green(rho * u.kpc, t[:, None] ** 2 * u.kpc**2, height=h * u.kpc, z=z * u.kpc, source=source * u.kpc).value
    ring = (4 * np.pi * t[:, None] ** 2 * G * y_weight * np.exp(y)).sum(1)
    total = (ring * weight * 2 * t / kappa).sum()
    mean = mean_density(kappa=kappa * KAPPA, height=h * u.kpc, z=z * u.kpc, source=source * u.kpc)
    assert mean.to_value(u.Myr / u.kpc) == pytest.approx(total, rel=1e-4)
    if source == 0:
        assert mean.to_value(u.Myr / u.kpc) == pytest.approx((h - abs(z)) / (2 * kappa), rel=1e-12)


def test_locality() -> None:
    x = [0.1, 0.2, 1, 1.5, 2, 3, 4]
    np.testing.assert_allclose(locality(x), [0.0965, 0.1862, 0.6783, 0.8308, 0.9136, 0.9787, 0.9950], rtol=1e-3)
    assert locality_radius(0.9) == pytest.approx(1.893, rel=1e-3)
    assert locality(0.0) == 0
    n = np.arange(0, 4001)  # the plain alternating sum, the last two partial sums averaged
    for here in (0.3, 0.999, 1.001, 2.5):
        terms = np.where(n == 0, 1, 2) * (-1.0) ** n * (np.sqrt(here**2 + 4 * n**2) - 2 * n)
        sums = np.cumsum(terms)
        assert locality(here) == pytest.approx((sums[-1] + sums[-2]) / 2, rel=1e-7)


def test_ages() -> None:
    s = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2]
    table = [0.0356, 0.1128, 0.2523, 0.3568, 0.5622, 0.7639, 0.9312, 0.9941]
    np.testing.assert_allclose(age_fraction(s), table, atol=1e-4, rtol=0)
    np.testing.assert_allclose(age_fraction([0.1, 0.5]), [0.3568, 0.7639], rtol=1e-3)
    for here in (0.1, 0.24999, 0.3, 1.0):  # H is the integral of 2 Θ
        t, weight = np.polynomial.legendre.leggauss(200)
        t, weight = np.sqrt(here) * (t + 1) / 2, np.sqrt(here) * weight / 2
        assert age_fraction(here) == pytest.approx((2 * theta(t**2) * 2 * t * weight).sum(), rel=1e-10)


# causality


def test_the_cut_is_the_light_cone() -> None:
    age, kappa = 0.01 * u.Myr, 50 * KAPPA
    edge = C * age
    near, far = (causal_green(edge * f, age, kappa=kappa, form="cut").value for f in (0.999, 1.001))
    assert near == pytest.approx(green(edge * 0.999, kappa * age).value, rel=1e-12)
    assert far == 0
    assert causal_green(edge * 0.8, age, kappa=kappa, form="cut", source=0.7 * edge).value == 0


@pytest.mark.parametrize(("rigidity", "lost"), [(1e5, 0.054), (1e6, 0.215), (1e7, 0.70)])
def test_what_the_cut_loses(rigidity, lost) -> None:
    kappa = Halo().kappa(rigidity * u.GV)
    loss = float(causal_loss(kappa=kappa))
    assert loss == pytest.approx(lost, rel=0.015)  # two digits
    # 2 ∫ Θ exp(-c²τ/4κ) ds, by quadrature
    y2 = float((C * 5 * u.kpc / (2 * kappa)).to_value("")) ** 2
    t, weight = np.polynomial.legendre.leggauss(400)
    t, weight = 2 * (t + 1), 2 * weight
    assert loss == pytest.approx((2 * theta(t**2) * np.exp(-y2 * t**2) * 2 * t * weight).sum(), rel=1e-8)


@pytest.mark.parametrize("alpha", [0.1, 1, 30, 1000])
def test_the_juettner_propagator_keeps_the_particles(alpha) -> None:
    age = 1 * u.Myr
    kappa = (C**2 * age / (2 * alpha)).to(KAPPA)
    y = (np.arange(100_000) + 0.5) * np.pi / 2 / 100_000  # ξ = sin y
    xi = np.sin(y)
    P = juettner(xi * C * age, age, kappa=kappa).to_value(u.kpc**-3)
    shell = 4 * np.pi * (C * age).to_value(u.kpc) ** 3 * xi**2 * P * np.cos(y) * np.pi / 2 / 100_000
    assert shell.sum() == pytest.approx(1, rel=1e-6)
    if alpha == 1000:
        assert (shell * xi**2).sum() == pytest.approx(3 / alpha, rel=0.01)
    assert juettner(1.001 * C * age, age, kappa=kappa).value == 0


@pytest.mark.parametrize("s", [0.05, 0.5, 3])
def test_slow_particles_diffuse_as_ever(s) -> None:
    kappa = 0.2 * KAPPA  # α = c²τ/2κ ≥ 10⁶: the corrections are of order 1/α
    args = {"z": 1 * u.kpc, "source": -0.5 * u.kpc}
    age = s * 25 * u.kpc**2 / kappa
    both = causal_green(3 * u.kpc, age, kappa=kappa, **args) / green(3 * u.kpc, kappa * age, **args)
    assert both.value == pytest.approx(1, rel=3e-5)


def test_juettner_particles_stay_in_the_halo_as_long_at_100_tv() -> None:
    kappa = Halo().kappa(100 * u.TV)
    t, weight = np.polynomial.legendre.leggauss(80)
    t, weight = 1.05 * (t + 1), 1.05 * weight  # κτ/h² = t² up to 4.4
    y, y_weight = np.polynomial.legendre.leggauss(160)
    rho = 6 * t[:, None] * 5 * (y + 1)  # to 12 sqrt(κτ)
    age = (t**2 * 25 * u.kpc**2 / kappa).to(u.Myr)
    G = causal_green(rho * u.kpc, age[:, None], kappa=kappa).value
    ring = (2 * np.pi * rho * G * 30 * t[:, None] * y_weight).sum(1)
    mean = (ring * weight * 2 * t * 25 / kappa.value).sum() / mean_density(kappa=kappa).value
    assert mean == pytest.approx(1, abs=0.02)
    assert 1 - causal_loss(kappa=kappa) < 0.95


def test_slow_start() -> None:
    age = np.array([0, 0.003, 0.05, 10]) * u.Myr
    kappa = 7 * KAPPA
    np.testing.assert_allclose(suppressed_spread(age, kappa=kappa, suppression=1).value, 7 * age.value, rtol=1e-12)
    early, late = suppressed_spread([1e-6, 100] * u.Myr, kappa=kappa, suppression=50).value
    assert early == pytest.approx(7e-6 / 50, rel=1e-3)
    assert late == pytest.approx(7 * (100 - 0.98 * 0.05), rel=1e-12)


# discs and leptons


def test_a_disc_seen_from_its_centre_is_its_locality() -> None:
    for size in (2.0, 7.0, 15.0):
        mean = disc_mean(
            lambda r: np.ones(r.shape) / (u.kpc**2 * u.Myr), 0 * u.kpc, kappa=1 * KAPPA, outer=size * u.kpc
        )
        assert mean.value == pytest.approx(2.5 * locality(size / 5), rel=2e-4)


@pytest.mark.parametrize("z", [0, 1.5])
def test_a_disc_seen_from_anywhere_is_the_sum_of_its_bursts(z) -> None:
    """Against the integral over every place and age of a smooth disc, exp(-r²/20 kpc²)."""
    here, width2 = 4.0, 20.0
    mean = disc_mean(
        lambda r: np.exp(-(r.value**2) / width2) / (u.kpc**2 * u.Myr),
        here * u.kpc,
        kappa=1 * KAPPA,
        z=z * u.kpc,
        outer=40 * u.kpc,
    )
    # A Gaussian disc blurred by diffusion is a Gaussian, so only the age is left to integrate.
    t, weight = np.polynomial.legendre.leggauss(200)
    t, weight = 8 * (t + 1), 8 * weight
    wide = width2 + 4 * t**2
    blurred = width2 / wide * np.exp(-(here**2) / wide)
    direct = (blurred * theta(t**2 / 25, z=z / 5) / 5 * 2 * t * weight).sum()
    assert mean.value == pytest.approx(direct, rel=1e-5)


def test_leptons_without_much_loss_are_protons() -> None:
    got = lepton_density([10, 100] * u.GeV, halo=Halo(), losses=lambda E: 1e-9 * E / u.Myr, index=2.2)
    plain = mean_density(kappa=Halo().kappa([10, 100] * u.GV)).value * np.array([10, 100.0]) ** -2.2
    np.testing.assert_allclose(got.value, plain, rtol=1e-3)


def test_leptons_that_cool_fast_steepen_by_half_of_one_plus_delta() -> None:
    E = np.array([10, 20]) * u.TeV
    psi = lepton_density(E, halo=Halo(), losses=lambda E: 5.73e-3 / u.GeV / u.Myr * E**2, index=2.2).value
    assert np.log(psi[1] / psi[0]) / np.log(2) == pytest.approx(-2.2 - 1.6 / 2, abs=1e-4)


def test_leptons_by_the_implicit_solver() -> None:
    losses = 5.73e-3 / u.GV / u.Myr
    grid = Grid(x=np.linspace(-5, 5, 202) * u.kpc, p=np.geomspace(0.1, 1e5, 241) * u.GV)
    q = np.zeros(grid.shape)
    q[100] = grid.p_centre.value**-2.2 / grid.dx[100].value
    problem = Problem(
        grid=grid,
        kappa=lambda x, p: Halo().kappa(p),
        source=q / (u.kpc**3 * u.Myr * u.GV),
        losses=lambda x, p: losses * p**2,
    )
    solved = steady_state(problem).psi[100].value
    i = np.searchsorted(grid.p_centre.value, [0.5, 3, 30])
    E = grid.p_centre.value[i] * u.GeV
    exact = lepton_density(E, halo=Halo(), losses=lambda E: 5.73e-3 / u.GeV / u.Myr * E**2, index=2.2)
    np.testing.assert_allclose(solved[i], exact.value, rtol=0.02)


# bad input

kpc, area = u.kpc, u.kpc**2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: green(0 * kpc, 0 * area), "spread must be positive where the observer sits at the source"),
        (lambda: green(1 * kpc, -1 * area), "spread must be zero or positive, got -1"),
        (lambda: green(-1 * kpc, 1 * area), "rho must be zero or positive, got -1"),
        (lambda: green(1 * kpc, 1 * area, z=6 * kpc), "z must lie within the halo, between -5 and 5"),
        (lambda: green(1 * kpc, 1 * area, source=-6 * kpc), "source must lie within the halo"),
        (lambda: green(1 * kpc, 1 * area, height=0 * kpc), "height must be positive"),
        (lambda: causal_green(0 * kpc, 0 * u.Myr, kappa=1 * KAPPA), "age must be positive where the observer sits"),
        (lambda: causal_green(1 * kpc, -1 * u.Myr, kappa=1 * KAPPA), "age must be zero or positive, got -1"),
        (lambda: causal_green(1 * kpc, 1 * u.Myr, kappa=1 * KAPPA, form="soft"), "form must be 'cut' or 'juettner'"),
        (lambda: causal_green(1 * kpc, 1 * u.Gyr, kappa=1 * KAPPA), "age must keep kappa"),
        (lambda: theta(0), "s must be positive"),
        (lambda: theta(1, z=1.5), "z must lie within the halo"),
        (lambda: theta(1, terms=3), "form must be 'auto' .without terms., 'images' or 'modes'"),
        (lambda: theta(1, form="modes", terms=0), "terms must be an integer of at least 1, got 0"),
        (lambda: survival(-1), "s must be zero or positive"),
        (lambda: locality(-1), "x must be zero or positive"),
        (lambda: locality_radius(1.0), "fraction must be below 1"),
        (lambda: age_fraction(np.nan), "s must be finite"),
        (lambda: juettner(1 * kpc, 0 * u.Myr, kappa=1 * KAPPA), "age must be positive"),
        (lambda: suppressed_spread(1 * u.Myr, kappa=1 * KAPPA, suppression=0.5), "suppression must be at least 1"),
        (lambda: causal_loss(kappa=0 * KAPPA), "kappa must be positive"),
        (lambda: lepton_density(2 * u.EeV, halo=Halo(), losses=lambda E: E / u.Myr, index=2.2), "index must be above"),
        (lambda: lepton_density(1 * u.TeV, halo=Halo(), losses=lambda E: -E / u.Myr, index=2.2), "losses must be pos"),
    ],
)
def test_bad_values(call, message) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: green(1, 1 * area),
        lambda: green(1 * kpc, 1 * kpc),
        lambda: mean_density(kappa=1 * kpc),
        lambda: disc_mean(lambda r: np.ones(r.shape), 1 * u.Myr, kappa=1 * KAPPA),
    ],
)
def test_bad_units(call) -> None:
    with pytest.raises(u.UnitConversionError, match=r"must be a? ?(quantity )?in units like"):
        call()
