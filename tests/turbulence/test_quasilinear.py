"""Quasilinear theory and its neighbours: closed forms against quadrature, scalings, reference values, bad input."""

import numpy as np
import pytest
from astropy import constants as const
from astropy import units as u
from scipy.integrate import quad

from crlab.turbulence import quasilinear as ql

PC = u.pc
BEND, SHARP = ql.SlabSpectrum(1 * PC), ql.SlabSpectrum(1 * PC, sharp=True)


def per_axis(kappa, length=1 * PC):
    return (kappa / (length * const.c)).to_value(u.one)


def eta_of(b):
    return b**2 / (1 + b**2)


@pytest.mark.parametrize("spectrum", [BEND, SHARP, ql.SlabSpectrum(3 * PC, 1.3)])
def test_spectrum_is_normalised(spectrum):
    """Integrated over ln k to where the rest of the power law is known."""
    top = 60.0
    inner = quad(lambda y: np.exp(y) * float(spectrum.shape(np.exp(y))), -60, 0)[0]
    outer = quad(lambda y: np.exp(y) * float(spectrum.shape(np.exp(y))), 1e-12, top, limit=200)[0]
    rest = float(spectrum.shape(np.exp(top))) * np.exp(top) / (spectrum.index - 1)
    assert inner + outer + rest == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    ("mu", "value"), [(0.1, 1.5442e-4), (0.3, 2.9505e-4), (0.5, 3.4138e-4), (0.7, 2.8994e-4), (0.9, 1.2738e-4)]
)
def test_scattering_of_a_bent_spectrum(mu, value):
    """Values of an independent implementation: b = 0.03, r_0 = 0.1 l, in v/l."""
    rate = ql.pitch_angle_scattering(
        mu, gyroradius=0.1 / np.hypot(1, 0.03) * PC, eta=eta_of(0.03), spectrum=BEND, speed=1 * PC / u.yr
    )
    assert rate.to_value(1 / u.yr) == pytest.approx(value, rel=1e-4)


def test_scattering_of_a_power_law():
    """(π/4)(s-1) b² Ω (1-μ²) |μ|^(s-1) (k_min r_0)^(s-1)."""
    mu, b, r0, s = np.array([-0.9, -0.2, 0.4, 0.99]), 0.1, 0.05, 5 / 3
    rate = ql.pitch_angle_scattering(
        mu, gyroradius=r0 / np.hypot(1, b) * PC, eta=eta_of(b), spectrum=SHARP, speed=1 * PC / u.yr
    )
    expected = np.pi / 4 * (s - 1) * b**2 / r0 * (1 - mu**2) * np.abs(mu * r0) ** (s - 1)
    np.testing.assert_allclose(rate.to_value(1 / u.yr), expected, rtol=1e-12)


def test_scattering_at_the_ends():
    rate = ql.pitch_angle_scattering([-1, 0, 1], gyroradius=0.1 * PC, eta=0.01, spectrum=BEND)
    assert np.all(rate.value == 0)


@pytest.mark.parametrize("index", [1.2, 5 / 3, 1.9])
def test_quadrature_gives_the_closed_form(index):
    spectrum = ql.SlabSpectrum(2 * PC, index, sharp=True)
    numeric = ql.parallel_diffusion(gyroradius=0.3 * PC, eta=0.02, spectrum=spectrum)
    closed = ql.power_law_parallel_diffusion(gyroradius=0.3 * PC, eta=0.02, smallest_wavenumber=0.5 / PC, index=index)
    assert (numeric / closed).to_value(u.one) == pytest.approx(1, rel=1e-8)


def test_closed_form_for_kolmogorov():
    """1.228 v r_0 b^-2 (k_min r_0)^(-2/3): the factor is 27/7 divided by π."""
    b, r0 = 0.1, 0.01
    kappa = ql.power_law_parallel_diffusion(
        gyroradius=r0 / np.hypot(1, b) * PC, eta=eta_of(b), smallest_wavenumber=1 / PC
    )
    assert per_axis(kappa) == pytest.approx(27 / 7 / np.pi * r0 ** (1 / 3) / b**2, rel=1e-10)


def test_isotropic_scattering_through_the_prefactor():
    """D = (ν/2)(1 - μ²) must give κ = v²/(3ν): this fixes the v²/8 that the slide leaves out."""
    nu = 0.7
    integral = quad(lambda mu: (1 - mu**2) ** 2 / (nu / 2 * (1 - mu**2)), -1, 1)[0]
    assert integral / 8 == pytest.approx(1 / (3 * nu))


def test_the_slide_s_exponents():
    """κ ∝ b^-2 and r_0^(2-s): scattering grows with the fluctuations, and κ with rigidity."""

    def kappa(b, r0):
        return per_axis(
            ql.power_law_parallel_diffusion(
                gyroradius=r0 / np.hypot(1, b) * PC, eta=eta_of(b), smallest_wavenumber=1 / PC
            )
        )

    assert np.log2(kappa(0.2, 0.01) / kappa(0.1, 0.01)) == pytest.approx(-2)
    assert np.log2(kappa(0.1, 0.02) / kappa(0.1, 0.01)) == pytest.approx(1 / 3)


def test_bent_spectrum_tends_to_its_power_law():
    """At small r_0 only the power law above the bend counts, W -> C k^-s with C = W(0)."""
    kappa = [per_axis(ql.parallel_diffusion(gyroradius=r * PC, eta=1e-4, spectrum=BEND)) for r in (1e-7, 8e-7)]
    assert kappa[1] / kappa[0] == pytest.approx(2, rel=1e-3)


def test_wandering():
    length = 2 * PC
    for model, value in (("ISO", 0.125), ("ALF", 0.25), ("MAG", 0.0)):
        assert ql.field_line_wandering(model, eta=0.5, correlation_length=length).to_value(PC) == 2 * value
    slab = ql.slab_wandering(eta=eta_of(0.3), spectrum=BEND)
    assert slab.to_value(PC) == pytest.approx(0.033608, rel=1e-4)


@pytest.mark.parametrize("model", ["ISO", "ALF", "MAG"])
def test_wandering_is_the_integral_of_the_correlation(model):
    """∫ R_xx(z) dz over z > 0 from waves of one k, all directions and polarisations: each adds (π/2) ⟨ξ_x² δ(k_z)⟩ δB².

    With k_z = k m, the delta function leaves m = 0 and a factor 1/k; L_c = π/k.
    """
    phi = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    across = {"ALF": np.sin(phi) ** 2, "MAG": 0 * phi}  # e_A = (-sin φ, cos φ, 0); e_M = z at m = 0
    across["ISO"] = (across["ALF"] + across["MAG"]) / 2
    k, b2 = 3.0, 0.5
    value = b2 * np.pi / 2 / k * across[model].mean()
    eta = b2 / (1 + b2)
    formula = ql.field_line_wandering(model, eta=eta, correlation_length=np.pi / k * PC).to_value(PC)
    assert formula == pytest.approx(value, abs=1e-12)


def test_corrsin_closures():
    """One wave number: RBD over DD is sqrt(π/2)."""
    values = [ql.corrsin_wandering(lambda n: (2 * PC) ** n, closure=c) for c in ("RBD", "DD")]
    assert (values[0] / values[1]).to_value(u.one) == pytest.approx(np.sqrt(np.pi / 2))
    assert values[1].to_value(PC) == pytest.approx(2 / np.sqrt(3))


def test_two_components_lie_between_the_sum_and_the_larger():
    slab, flat = np.array([1.0, 3, 0.2]) * PC, np.array([2.0, 0.5, 0.2]) * PC
    both = ql.two_component_wandering(slab, flat)
    assert np.all(both > np.maximum(slab, flat))
    assert np.all(both < slab + flat)
    np.testing.assert_allclose((both * (both - slab)).value, (flat**2).value)  # it solves K² - K_s K = K_2²


def test_high_rigidity():
    parallel, across = ql.high_rigidity(gyroradius=10 * PC, eta=[0.1, 0.5, 1], correlation_length=1 * PC)
    np.testing.assert_allclose(per_axis(parallel), [4000 / 3, 800 / 3, 400 / 3], rtol=1e-12)
    np.testing.assert_allclose(per_axis(across), [1 / 108, 1 / 12, 400 / 3], rtol=1e-3)


def test_high_rigidity_across_forgets_the_rigidity():
    across = [ql.high_rigidity(gyroradius=r * PC, eta=0.3, correlation_length=1 * PC)[1] for r in (30, 300)]
    assert (across[1] / across[0]).to_value(u.one) == pytest.approx(1, rel=1e-3)


def test_compound_motion():
    t = [1, 4, 9] * u.yr
    x2 = ql.compound_displacement(t, wandering=0.5 * PC, parallel=np.pi / 4 * PC**2 / u.yr)
    np.testing.assert_allclose(x2.to_value(PC**2), [1, 2, 3], rtol=1e-12)


SLAB = {"gyroradius": 0.1 * PC, "eta": 0.1, "spectrum": BEND}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ql.field_ratio(1), "eta must be below 1"),
        (lambda: ql.field_ratio(-0.1), "eta must be zero or positive"),
        (lambda: ql.SlabSpectrum(1 * PC, 2.5), "index must lie between"),
        (lambda: ql.SlabSpectrum([1, 2] * PC), "scale must be a scalar"),
        (lambda: BEND.density(-1 / PC), "k must be zero or positive"),
        (lambda: ql.pitch_angle_scattering(1.1, **SLAB), "mu must lie between"),
        (lambda: ql.pitch_angle_scattering(0, **{**SLAB, "gyroradius": 0 * PC}), "gyroradius must be positive"),
        (lambda: ql.parallel_diffusion(**{**SLAB, "eta": 0.0}), "eta must be positive"),
        (lambda: ql.parallel_diffusion(**{**SLAB, "eta": [0.1, 0.2]}), "must be scalars"),
        (lambda: ql.parallel_diffusion(gyroradius=2 * PC, eta=0.1, spectrum=SHARP), "gyroradius must be at most"),
        (
            lambda: ql.power_law_parallel_diffusion(gyroradius=2 * PC, eta=0.1, smallest_wavenumber=1 / PC),
            "gyroradius must be at most",
        ),
        (
            lambda: ql.power_law_parallel_diffusion(gyroradius=1 * PC, eta=0.0, smallest_wavenumber=1 / PC),
            "eta must be positive",
        ),
        (lambda: ql.field_line_wandering("slab", eta=0.1, correlation_length=1 * PC), "model must be one of"),
        (lambda: ql.corrsin_wandering(lambda n: PC**n * 1, closure="ODE"), "closure must be"),
        (lambda: ql.high_rigidity(gyroradius=1 * PC, eta=1.2, correlation_length=1 * PC), "eta must be at most 1"),
        (
            lambda: ql.classical_perpendicular(1 * PC * const.c, gyroradius=1 * PC, eta=1.2),
            "eta must be at most 1",
        ),
        (lambda: ql.compound_displacement(-1 * u.yr, wandering=1 * PC, parallel=1 * PC**2 / u.yr), "t must be zero"),
        (lambda: ql.compound_displacement(1 * u.yr, wandering=1, parallel=1 * PC**2 / u.yr), "wandering must be"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises((ValueError, u.UnitConversionError), match=message):
        call()
