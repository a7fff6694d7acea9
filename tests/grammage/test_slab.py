"""The slab model in closed form, and what follows from a grammage."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from crlab.grammage.chain import network, propagate
from crlab.grammage.slab import crossing_grammage, grammage, pair, ratio, residence_time

G = u.g / u.cm**2
LENGTH = st.floats(1, 30)
SHARE = st.floats(0.01, 1)


def exact(X, lambda_1, lambda_2, branching):
    """The closed form in 60 digits."""
    with localcontext() as context:
        context.prec = 60
        X, a, b, share = (Decimal(v) for v in (X, lambda_1, lambda_2, branching))
        difference = 1 / b - 1 / a
        if difference == 0:
            return float(share * X / a)
        return float(share / a * (1 - (-X * difference).exp()) / difference)


@given(X=st.floats(0, 100), lambda_1=LENGTH, lambda_2=LENGTH, branching=SHARE)
def test_ratio_is_exact(X, lambda_1, lambda_2, branching):
    got = ratio(X * G, lambda_1=lambda_1 * G, lambda_2=lambda_2 * G, branching=branching)
    np.testing.assert_allclose(got, exact(X, lambda_1, lambda_2, branching), rtol=1e-12, atol=1e-50)


@pytest.mark.parametrize("offset", [0.0, 1e-15, 1e-12, 1e-9, 1e-6, -1e-9])
def test_no_cancellation_where_the_lengths_agree(offset):
    second = 7.0 * (1 + offset)
    got = ratio(8 * G, lambda_1=7 * G, lambda_2=second * G, branching=0.3)
    np.testing.assert_allclose(got, exact(8, 7.0, second, 0.3), rtol=1e-14)


def test_ratio_solves_the_equations():
    def slope(_, N):
        return [-N[0] / 6.7, -N[1] / 10 + 0.35 * N[0] / 6.7]

    N = solve_ivp(slope, (0, 7.2), [1, 0], rtol=1e-10, atol=1e-12).y[:, -1]
    got = ratio(7.2 * G, lambda_1=6.7 * G, lambda_2=10 * G, branching=0.35)
    np.testing.assert_allclose(got, N[1] / N[0], rtol=1e-8)


@pytest.mark.parametrize(("inputs", "X"), [((6.7, 10, 0.35), 5.06), ((6.7, 10, 0.28), 6.15), ((8.4, 10, 0.35), 6.75)])
def test_grammage_of_three_tenths(inputs, X):
    first, second, share = inputs
    got = grammage(0.3, lambda_1=first * G, lambda_2=second * G, branching=share)
    assert got.to_value(G) == pytest.approx(X, abs=0.005)


@given(X=st.floats(0, 40), lambda_1=LENGTH, lambda_2=LENGTH, branching=SHARE)
def test_grammage_inverts_ratio(X, lambda_1, lambda_2, branching):
    inputs = {"lambda_1": lambda_1 * G, "lambda_2": lambda_2 * G, "branching": branching}
    r = ratio(X * G, **inputs)
    difference = 1 / lambda_2 - 1 / lambda_1
    if r * lambda_1 * difference / branching > 0.999:  # saturated: the ratio has forgotten the grammage
        return
    np.testing.assert_allclose(grammage(r, **inputs).to_value(G), X, rtol=1e-9, atol=1e-12)


def test_saturated_ratio():
    """A short-lived secondary: BR λ2/(λ1 - λ2) at infinite grammage."""
    inputs = {"lambda_1": 10 * G, "lambda_2": 2 * G, "branching": 0.4}
    np.testing.assert_allclose(ratio(500 * G, **inputs), 0.1, rtol=1e-12)
    with pytest.raises(ValueError, match=r"ratio must stay below .* = 0.1, .* got 0.2"):
        grammage([0.05, 0.2], **inputs)


def test_broadcasting():
    got = grammage(np.array([0.1, 0.2, 0.3]), lambda_1=[[6.7], [8.4]] * G, lambda_2=10 * G, branching=0.35)
    assert got.shape == (2, 3)
    assert got.unit == G
    assert got[0, 2].value == pytest.approx(5.06, abs=0.005)
    assert np.all(np.diff(got.value, axis=1) > 0)


def test_other_units_are_converted():
    got = ratio(72 * u.kg / u.m**2, lambda_1=67 * u.kg / u.m**2, lambda_2=10 * G, branching=0.35)
    np.testing.assert_allclose(got, exact(7.2, 6.7, 10, 0.35), rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"lambda_1": 6.7}, u.UnitConversionError, "lambda_1 must be a quantity"),
        ({"lambda_2": 0 * G}, ValueError, "lambda_2 must be positive"),
        ({"branching": 1.1}, ValueError, "branching must be at most 1, got 1.1"),
        ({"branching": 0.0}, ValueError, "branching must be positive"),
        ({"lambda_1": np.nan * G}, ValueError, "lambda_1 must be finite"),
    ],
)
@pytest.mark.parametrize("function", [lambda **k: ratio(7 * G, **k), lambda **k: grammage(0.3, **k)])
def test_bad_inputs(function, change, error, message):
    inputs = {"lambda_1": 6.7 * G, "lambda_2": 10 * G, "branching": 0.35} | change
    with pytest.raises(error, match=message):
        function(**inputs)


def test_bad_ratio_and_grammage():
    inputs = {"lambda_1": 6.7 * G, "lambda_2": 10 * G, "branching": 0.35}
    with pytest.raises(ValueError, match="ratio must be zero or positive"):
        grammage(-0.1, **inputs)
    with pytest.raises(ValueError, match="X must be zero or positive"):
        ratio(-1 * G, **inputs)


def test_pair_is_the_chain_for_a_thin_slab():
    """Two species instead of all: exact to first order in X, and to some per cent at 5 g/cm2."""
    chain = network()
    for X, tolerance in ((1e-4, 1e-4), (5.0, 0.06)):
        N = propagate(X * G, {"12C": 1.0}, chain)
        whole = chain.element("B", N) / chain.element("C", N)
        assert ratio(X * G, **pair(chain, "12C", "B")) == pytest.approx(whole, rel=tolerance)


def test_pair_of_pure_hydrogen():
    """From the cross-sections: 252 mb, of which 57 + 15.4 make boron, which is lost with 238 or 223 mb."""
    inputs = pair(network(helium=0), "12C", "B")
    assert inputs["branching"] == pytest.approx(72.4 / 252)
    assert inputs["lambda_1"].to_value(G) == pytest.approx(1673.5 / 252, rel=1e-4)
    lost = (57 * 238 + 15.4 * 223) / 72.4
    assert inputs["lambda_2"].to_value(G) == pytest.approx(1673.5 / lost, rel=1e-4)


@pytest.mark.parametrize(("primary", "element"), [("12X", "B"), ("12C", "Fe"), ("7Li", "C")])
def test_pair_refuses(primary, element):
    with pytest.raises(ValueError, match="must be"):
        pair(network(), primary, element)


def test_crossing_and_residence():
    """With the Sun's neighbourhood in numbers of cgs: 100 pc = 3.0857e20 cm, a Julian year = 3.15576e7 s."""
    crossing = crossing_grammage(1 / u.cm**3, 100 * u.pc, mass=1.7e-24 * u.g)
    assert crossing.to_value(G) == pytest.approx(3.0857e20 * 1.7e-24, rel=1e-4)
    time = residence_time(7.2 * G, density=1 / u.cm**3, mass=1.7e-24 * u.g)
    assert time.to_value(u.yr) == pytest.approx(7.2 / 1.7e-24 / 2.99792e10 / 3.15576e7, rel=1e-4)
    slow = residence_time(7.2 * G, density=1 / u.cm**3, mass=1.7e-24 * u.g, beta=0.5)
    assert (slow / time).value == pytest.approx(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: crossing_grammage(1, 1 * u.pc, mass=1 * u.g), u.UnitConversionError, "density"),
        (lambda: crossing_grammage(1 / u.cm**3, 0 * u.pc, mass=1 * u.g), ValueError, "height"),
        (lambda: residence_time(1 * G, density=1 / u.cm**3, mass=0 * u.g), ValueError, "mass"),
        (
            lambda: residence_time(1 * G, density=1 / u.cm**3, mass=1 * u.g, beta=1.5),
            ValueError,
            "beta must be at most 1, got 1.5",
        ),
    ],
)
def test_geometry_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()
