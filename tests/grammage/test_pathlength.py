"""Path-length distributions: normalisation, the resolvent against quadrature and closed forms, bad input."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given, settings
from hypothesis import strategies as st

from crlab.grammage.chain import Network, network, propagate
from crlab.grammage.pathlength import exponential_paths, leaky_box, weighted_slab

GRAM = u.g / u.cm**2
CHAIN = network()
START = {"12C": 0.8, "14N": 0.1, "16O": 1.0}


def two_species(lambda_1, lambda_2, branching):
    """Return a network of one parent and one daughter."""
    return Network(
        species=("12C", "11B"),
        total=np.array([1 / lambda_1, 1 / lambda_2]) / GRAM,
        production=np.array([[0, 0], [branching / lambda_1, 0]]) / GRAM,
        half_life=[np.inf, np.inf] * u.Myr,
        decays_to=(-1, -1),
    )


@pytest.mark.parametrize(("mean", "shortest"), [(5, 0), (2, 3), (0.1, 0.7)])
def test_density_is_normalised_with_the_mean_it_claims(mean, shortest):
    # Simpson's rule from the jump at the shortest path on.
    X = np.linspace(shortest, shortest + 40 * mean, 40001)
    G = exponential_paths(X * GRAM, mean=mean * GRAM, shortest=shortest * GRAM).value
    weight = np.r_[1, np.tile([4, 2], 20000)[:-1], 1] * (X[1] - X[0]) / 3
    assert weight @ G == pytest.approx(1, rel=1e-9)
    assert weight @ (X * G) == pytest.approx(shortest + mean, rel=1e-9)


def test_no_path_is_shorter_than_the_shortest():
    G = exponential_paths([0, 0.99, 1, 2] * GRAM, mean=1 * GRAM, shortest=1 * GRAM)
    np.testing.assert_allclose(G.value, [0, 0, 1, np.exp(-1)])


@settings(max_examples=20, deadline=None)
@given(mean=st.floats(0.01, 50), shortest=st.sampled_from([0.0, 0.3, 5.0]))
def test_resolvent_agrees_with_quadrature(mean, shortest):
    closed = leaky_box(mean * GRAM, START, CHAIN, shortest=shortest * GRAM)
    integral = weighted_slab(
        lambda X: exponential_paths(X, mean=mean * GRAM, shortest=shortest * GRAM),
        START,
        CHAIN,
        breaks=[shortest * GRAM] if shortest else [],
    )
    np.testing.assert_allclose(integral, closed, rtol=1e-7, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(X=st.floats(0.01, 30), lambda_1=st.floats(3, 20), lambda_2=st.floats(3, 20), branching=st.floats(0.1, 1))
def test_two_species_have_the_leaky_box_ratio(X, lambda_1, lambda_2, branching):
    # N1 = q / (1 + X/λ1) and N2 = X (BR/λ1) N1 / (1 + X/λ2), whatever the sizes.
    N = leaky_box(X * GRAM, {"12C": 1.0}, two_species(lambda_1, lambda_2, branching))
    assert N[0] == pytest.approx(1 / (1 + X / lambda_1), rel=1e-12)
    assert N[1] / N[0] == pytest.approx(branching / lambda_1 * X / (1 + X / lambda_2), rel=1e-12)


def test_uniform_paths_have_their_closed_form():
    longest, mean_free_path = 12.0, 7.0
    N = weighted_slab(
        lambda X: (X.value < longest) / longest / GRAM,
        {"12C": 1.0},
        two_species(mean_free_path, 10, 0.3),
        breaks=[longest * GRAM],
    )
    assert N[0] == pytest.approx(mean_free_path / longest * (1 - np.exp(-longest / mean_free_path)), rel=1e-8)


def test_a_narrow_distribution_is_a_slab():
    width = 1e-3

    def narrow(X):
        return np.exp(-(((X.value - 6) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi)) / GRAM

    N = weighted_slab(narrow, START, CHAIN, breaks=[value * GRAM for value in (5.99, 6, 6.01)])
    np.testing.assert_allclose(N, propagate(6 * GRAM, START, CHAIN), rtol=1e-5)


def test_leaky_box_broadcasts_and_begins_at_the_source():
    X = np.array([[0, 1, 2], [3, 4, 5]]) * GRAM
    N = leaky_box(X, START, CHAIN)
    assert N.shape == (2, 3, len(CHAIN.species))
    np.testing.assert_array_equal(N[0, 0], propagate(0 * GRAM, START, CHAIN))
    np.testing.assert_array_equal(N[1, 2], leaky_box(5 * GRAM, START, CHAIN))


def test_spread_of_paths_lowers_secondaries_but_keeps_more_primaries():
    # exp(-X/λ) is convex, so by Jensen's inequality a spread of paths saves primaries.
    slab, box = propagate(7 * GRAM, {"12C": 1.0}, CHAIN), leaky_box(7 * GRAM, {"12C": 1.0}, CHAIN)
    carbon = CHAIN.index("12C")
    assert box[carbon] > slab[carbon]
    assert CHAIN.element("B", box) < CHAIN.element("B", slab)


@pytest.mark.parametrize("bad", [-1 * GRAM, np.nan * GRAM, np.inf * GRAM, [] * GRAM])
def test_bad_grammage_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="X_esc"):
        leaky_box(bad, START, CHAIN)
    with pytest.raises(ValueError, match="X must"):
        exponential_paths(bad, mean=1 * GRAM)


@pytest.mark.parametrize("bad", [5, 5 * u.cm, [5.0]])
def test_grammage_needs_its_unit(bad):
    with pytest.raises(u.UnitConversionError, match="g / cm2"):
        leaky_box(bad, START, CHAIN)
    with pytest.raises(u.UnitConversionError, match="mean"):
        exponential_paths(1 * GRAM, mean=bad)


@pytest.mark.parametrize("value", [0 * GRAM, -2 * GRAM, [1, 2] * GRAM])
def test_mean_must_be_one_positive_value(value):
    with pytest.raises(ValueError, match="mean"):
        exponential_paths(1 * GRAM, mean=value)


def test_other_bad_arguments():
    with pytest.raises(ValueError, match="shortest"):
        leaky_box(1 * GRAM, START, CHAIN, shortest=[1, 2] * GRAM)
    with pytest.raises(ValueError, match="56Fe"):
        leaky_box(1 * GRAM, {"56Fe": 1.0}, CHAIN)
    with pytest.raises(ValueError, match=r"density\(X\)"):
        weighted_slab(lambda X: -1 / GRAM, START, CHAIN)
    with pytest.raises(u.UnitConversionError, match=r"density\(X\)"):
        weighted_slab(lambda X: X, START, CHAIN)
    with pytest.raises(ValueError, match="breaks"):
        weighted_slab(lambda X: 1 / GRAM, START, CHAIN, breaks=[-1 * GRAM])


def test_a_wild_density_is_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="smooth"):
        weighted_slab(lambda X: rng.random() / GRAM, START, CHAIN)
