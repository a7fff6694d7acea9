"""Quasilinear theory and its neighbours: closed forms against quadrature, scalings, reference values, bad input."""

import numpy as np
import pytest
from astropy import units as u
from scipy.integrate import quad

from crlab.turbulence import quasilinear as ql
from crlab.turbulence.spectrum import PowerLaw, kolmogorov

BEND, SHARP = ql.SlabSpectrum(1.0), ql.SlabSpectrum(1.0, sharp=True)


def eta_of(b):
    return b**2 / (1 + b**2)


def power_law(b, r_0, **options):
    """Closed form for a gyroradius r_0 in the mean field."""
    return ql.power_law_parallel_diffusion(r_g=r_0 / np.hypot(1, b), eta=eta_of(b), k_min=1.0, **options)


@pytest.mark.parametrize("spectrum", [BEND, SHARP, ql.SlabSpectrum(3.0, 1.3)])
def test_spectrum_is_normalised(spectrum):
    """Integrated over ln k to where the rest of the power law is known."""
    edge, top = -np.log(spectrum.scale), 60.0

    def integrand(y):
        return np.exp(y) * float(spectrum(np.exp(y)))

    inner = quad(integrand, -60, edge)[0] + quad(integrand, edge + 1e-12, top, limit=200)[0]
    assert inner + integrand(top) / (spectrum.index - 1) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    ("mu", "value"), [(0.1, 1.5442e-4), (0.3, 2.9505e-4), (0.5, 3.4138e-4), (0.7, 2.8994e-4), (0.9, 1.2738e-4)]
)
def test_scattering_of_a_bent_spectrum(mu, value):
    """Values of an independent implementation: b = 0.03, r_0 = 0.1 l, in v/l."""
    rate = ql.pitch_angle_scattering(mu, r_g=0.1 / np.hypot(1, 0.03), eta=eta_of(0.03), spectrum=BEND)
    assert rate == pytest.approx(value, rel=1e-4)


def test_scattering_of_a_power_law():
    """(π/4)(s-1) b² Ω (1-μ²) |μ|^(s-1) (k_min r_0)^(s-1)."""
    mu, b, r_0, s = np.array([-0.9, -0.2, 0.4, 0.99]), 0.1, 0.05, 5 / 3
    rate = ql.pitch_angle_scattering(mu, r_g=r_0 / np.hypot(1, b), eta=eta_of(b), spectrum=SHARP)
    expected = np.pi / 4 * (s - 1) * b**2 / r_0 * (1 - mu**2) * np.abs(mu * r_0) ** (s - 1)
    np.testing.assert_allclose(rate, expected, rtol=1e-12)


def test_scattering_at_the_ends():
    assert np.all(ql.pitch_angle_scattering([-1, 0, 1], r_g=0.1, eta=0.01, spectrum=BEND) == 0)


@pytest.mark.parametrize("index", [1.2, 5 / 3, 1.9])
def test_quadrature_gives_the_closed_form(index):
    numeric = ql.parallel_diffusion(r_g=0.3, eta=0.02, spectrum=ql.SlabSpectrum(2.0, index, sharp=True))
    closed = ql.power_law_parallel_diffusion(r_g=0.3, eta=0.02, k_min=0.5, index=index)
    assert numeric == pytest.approx(closed, rel=1e-8)


def test_closed_form_for_kolmogorov():
    """1.228 r_0 b^-2 (k_min r_0)^(-2/3): the factor is 27/7 divided by π."""
    b, r_0 = 0.1, 0.01
    assert power_law(b, r_0) == pytest.approx(27 / 7 / np.pi * r_0 ** (1 / 3) / b**2, rel=1e-10)


def test_isotropic_scattering_through_the_prefactor():
    """D = (ν/2)(1 - μ²) must give κ = v²/(3ν): this fixes the v²/8 that the slide leaves out."""
    nu = 0.7
    integral = quad(lambda mu: (1 - mu**2) ** 2 / (nu / 2 * (1 - mu**2)), -1, 1)[0]
    assert integral / 8 == pytest.approx(1 / (3 * nu))


def test_the_exponents():
    """κ ∝ b^-2 and r_0^(2-s): scattering grows with the fluctuations, and κ with rigidity."""
    assert np.log2(power_law(0.2, 0.01) / power_law(0.1, 0.01)) == pytest.approx(-2)
    assert np.log2(power_law(0.1, 0.02) / power_law(0.1, 0.01)) == pytest.approx(1 / 3)


def test_bent_spectrum_tends_to_its_power_law():
    kappa = [ql.parallel_diffusion(r_g=r, eta=1e-4, spectrum=BEND) for r in (1e-7, 8e-7)]
    assert kappa[1] / kappa[0] == pytest.approx(2, rel=1e-3)


def test_bent_spectrum_at_a_reference_point():
    """An independent quadrature: b = 0.3, r_0 = 0.1 l."""
    kappa = ql.parallel_diffusion(r_g=0.1 / np.hypot(1, 0.3), eta=eta_of(0.3), spectrum=BEND)
    assert kappa == pytest.approx(8.8843, rel=1e-4)


def test_wandering():
    for kind, value in (("ISO", 0.125), ("ALF", 0.25), ("MAG", 0.0)):
        assert ql.field_line_wandering(kind, eta=0.5, correlation_length=2.0) == 2 * value
    assert ql.slab_wandering(eta=eta_of(0.3), spectrum=BEND) == pytest.approx(0.033608, rel=1e-4)


@pytest.mark.parametrize("kind", ["ISO", "ALF", "MAG"])
def test_wandering_is_the_integral_of_the_correlation(kind):
    """∫ R_xx(z) dz over z > 0 from waves of one k, all directions and polarisations: each adds (π/2) ⟨ξ_x² δ(k_z)⟩ δB².

    With k_z = k m, the delta function leaves m = 0 and a factor 1/k; L_c = π/k.
    """
    phi = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    across = {"ALF": np.sin(phi) ** 2, "MAG": 0 * phi}  # e_A = (-sin φ, cos φ, 0); e_M = z at m = 0
    across["ISO"] = (across["ALF"] + across["MAG"]) / 2
    k, b2 = 3.0, 0.5
    formula = ql.field_line_wandering(kind, eta=b2 / (1 + b2), correlation_length=np.pi / k)
    assert formula == pytest.approx(b2 * np.pi / 2 / k * across[kind].mean(), abs=1e-12)


def test_corrsin_closures():
    """A narrow band at k = 2: RBD over DD is √(π/2)."""
    band = PowerLaw(1.999, 2.001)
    rbd, dd = (ql.corrsin_wandering(band, closure=c) for c in ("RBD", "DD"))
    assert rbd / dd == pytest.approx(np.sqrt(np.pi / 2), rel=1e-5)
    assert dd == pytest.approx(0.5 / np.sqrt(3), rel=1e-5)
    assert ql.corrsin_wandering(kolmogorov(), closure="RBD") == pytest.approx(np.sqrt(np.pi / 6) / np.pi)


def test_two_components_lie_between_the_sum_and_the_larger():
    slab, flat = np.array([1.0, 3, 0.2]), np.array([2.0, 0.5, 0.2])
    both = ql.two_component_wandering(slab, flat)
    assert np.all(both > np.maximum(slab, flat))
    assert np.all(both < slab + flat)
    np.testing.assert_allclose(both * (both - slab), flat**2)  # it solves K² - K_s K = K_2²


def test_high_rigidity():
    parallel, across = ql.high_rigidity(r_g=10.0, eta=[0.1, 0.5, 1])
    np.testing.assert_allclose(parallel, [4000 / 3, 800 / 3, 400 / 3], rtol=1e-12)
    np.testing.assert_allclose(across, [1 / 108, 1 / 12, 400 / 3], rtol=1e-3)


def test_high_rigidity_across_forgets_the_rigidity():
    across = [ql.high_rigidity(r_g=r, eta=0.3)[1] for r in (30, 300)]
    assert across[1] / across[0] == pytest.approx(1, rel=1e-3)


def test_compound_motion():
    x2 = ql.compound_displacement([1, 4, 9], wandering=0.5, parallel=np.pi / 4)
    np.testing.assert_allclose(x2, [1, 2, 3], rtol=1e-12)


SLAB = {"r_g": 0.1, "eta": 0.1, "spectrum": BEND}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ql.field_ratio(1), "eta must be below 1"),
        (lambda: ql.field_ratio(-0.1), "eta must be zero or positive"),
        (lambda: ql.SlabSpectrum(1.0, 2.5), "index must lie between"),
        (lambda: ql.SlabSpectrum([1, 2]), "scale must be one number"),
        (lambda: BEND(-1), "k must be zero or positive"),
        (lambda: ql.pitch_angle_scattering(1.1, **SLAB), "mu must lie between"),
        (lambda: ql.pitch_angle_scattering(0, **{**SLAB, "r_g": 0}), "r_g must be positive"),
        (lambda: ql.pitch_angle_scattering(0, **{**SLAB, "r_g": 1 * u.pc}), "r_g must be a pure number"),
        (lambda: ql.parallel_diffusion(**{**SLAB, "eta": 0.0}), "eta must be positive"),
        (lambda: ql.parallel_diffusion(**{**SLAB, "eta": [0.1, 0.2]}), "eta must be one number"),
        (lambda: ql.parallel_diffusion(r_g=2, eta=0.1, spectrum=SHARP), "r_g must be at most"),
        (lambda: ql.power_law_parallel_diffusion(r_g=2, eta=0.1, k_min=1), "r_g must be at most"),
        (lambda: ql.power_law_parallel_diffusion(r_g=1, eta=0.0, k_min=1), "eta must be positive"),
        (lambda: ql.field_line_wandering("slab", eta=0.1), "polarisation must be one of"),
        (lambda: ql.corrsin_wandering(kolmogorov(), closure="ODE"), "closure must be"),
        (lambda: ql.two_component_wandering(-1, 1), "slab must be zero or positive"),
        (lambda: ql.high_rigidity(r_g=1, eta=1.2), "eta must be at most 1"),
        (lambda: ql.high_rigidity(r_g=1, eta=0), "eta must be positive"),
        (lambda: ql.classical_perpendicular(1, r_g=1, eta=1.2), "eta must be at most 1"),
        (lambda: ql.compound_displacement(-1, wandering=1, parallel=1), "t must be zero"),
        (lambda: ql.compound_displacement(1, wandering=-1, parallel=1), "wandering must be zero"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises((ValueError, u.UnitConversionError), match=message):
        call()
