"""The nuclear chain: its tables, the network built from them, and the matrix exponential."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from crlab.grammage import slab
from crlab.grammage.chain import (
    Network,
    composition,
    cross_sections,
    from_observed,
    gas_mass,
    network,
    propagate,
)

G = u.g / u.cm**2
PER_G = u.cm**2 / u.g


@pytest.fixture(scope="module")
def chain():
    return network()


def two_species(lambda_1, lambda_2, branching):
    """The slab model's primary and secondary as a network."""
    rate = branching / lambda_1
    return Network(
        species=("12C", "11B"),
        total=[1 / lambda_1, 1 / lambda_2] * PER_G,
        production=[[0, 0], [rate, 0]] * PER_G,
        half_life=[np.inf, np.inf] * u.Myr,
        decays_to=(-1, -1),
    )


def test_totals_are_the_published_formula():
    """Letaw, Silberberg and Tsao (1983) at high energy: 45 mb A^0.7 [1 + 0.016 sin(5.3 - 2.63 ln A)]."""
    table = cross_sections()
    total = table[table["daughter"] == "total"]
    A = np.array([int(name.strip("LiBeCNO")) for name in total["parent"]])
    formula = 45 * A**0.7 * (1 + 0.016 * np.sin(5.3 - 2.63 * np.log(A)))
    np.testing.assert_allclose(total["sigma"].to_value(u.mbarn), formula, atol=0.6)
    np.testing.assert_allclose(total["helium_ratio"], 2.10 * A**-0.055, atol=0.006)


@pytest.mark.parametrize(
    ("parent", "daughter", "measured"),
    [  # Webber, Kish and Schrier (1990) near 0.5 GeV per nucleon, unstable isobars added
        ("12C", "11B", 32.7 + 28.7),
        ("12C", "10B", 17.1 + 1.1),
        ("14N", "11B", 17.5 + 11.7),
        ("14N", "10B", 9.9 + 0.9),
        ("16O", "11B", 15.6 + 11.9),
        ("16O", "10B", 9.6 + 1.6),
        ("16O", "15N", 34.9 + 30.3),
        ("16O", "14N", 31.0 + 1.2 + 1.7),
        ("16O", "13C", 18.0 + 5.7),
        ("16O", "12C", 33.6 + 1.1 + 0.3),
    ],
)
def test_partial_cross_sections_lie_near_measurements(parent, daughter, measured):
    table = cross_sections()
    row = table[(table["parent"] == parent) & (table["daughter"] == daughter)]
    assert len(row) == 1
    assert row["sigma"][0].to_value(u.mbarn) == pytest.approx(measured, rel=0.16)


def test_network_units_and_gas():
    """For hydrogen, λ = m/σ; helium adds mass faster than cross-section."""
    hydrogen = network(helium=0)
    carbon = hydrogen.index("12C")
    assert (1 / hydrogen.total[carbon]).to_value(G) == pytest.approx(1.6735e-24 / 252e-27, rel=1e-4)
    mixed = network(helium=0.1)
    expected = 252e-27 * (1 + 0.1 * 1.83) / (1.6735e-24 + 0.1 * 6.6465e-24)
    assert mixed.total[carbon].to_value(PER_G) == pytest.approx(expected, rel=1e-4)
    assert gas_mass(0).to_value(u.g) == pytest.approx(1.6735e-24, rel=1e-4, abs=0)


def test_network_shape(chain):
    assert chain.species[0] == "16O"
    assert chain.species[-1] == "6Li"
    beryllium = chain.index("10Be")
    assert chain.half_life[beryllium] == 1.39 * u.Myr
    assert chain.species[chain.decays_to[beryllium]] == "10B"
    assert np.isinf(np.delete(chain.half_life.value, beryllium)).all()
    assert np.delete(chain.decays_to, beryllium).tolist() == [-1] * (len(chain.species) - 1)
    M = chain.matrix.to_value(PER_G)
    assert np.all(np.diag(M) < 0)
    assert np.all(M - np.diag(np.diag(M)) >= 0)
    assert np.all(M.sum(axis=0) < 0)


@given(
    X=st.floats(0, 50),
    lambda_1=st.floats(2, 20),
    lambda_2=st.floats(2, 20),
    branching=st.floats(0.01, 1),
)
def test_two_species_are_the_closed_form(X, lambda_1, lambda_2, branching):
    N = propagate(X * G, {"12C": 1.0}, two_species(lambda_1, lambda_2, branching))
    ratio = slab.ratio(X * G, lambda_1=lambda_1 * G, lambda_2=lambda_2 * G, branching=branching)
    np.testing.assert_allclose(N[0], np.exp(-X / lambda_1), rtol=1e-10)
    np.testing.assert_allclose(N[1] / N[0], ratio, rtol=1e-10, atol=1e-15)


def test_chain_against_ode_solver(chain):
    """An independent integration of dN/dX = M N."""
    start = chain.vector({"16O": 1.0, "12C": 0.8, "14N": 0.1})
    M = chain.matrix.to_value(PER_G)
    solution = solve_ivp(lambda _, N: M @ N, (0, 10), start, rtol=1e-10, atol=1e-13, method="DOP853")
    np.testing.assert_allclose(propagate(10 * G, start, chain), solution.y[:, -1], rtol=1e-8)


@pytest.mark.parametrize("X", [0.0, 1e-6, 0.3, 7.0, 60.0, 400.0])
def test_against_matrix_exponential_of_scipy(chain, X):
    reference = expm(X * chain.matrix.to_value(PER_G)) @ chain.vector({"16O": 1.0, "12C": 0.8})
    got = propagate(X * G, {"16O": 1.0, "12C": 0.8}, chain)
    np.testing.assert_allclose(got, reference, rtol=1e-10, atol=1e-16 * reference.max())


def test_nothing_happens_without_cross_sections():
    """A gas that breaks nothing."""
    idle = Network(("12C",), [0.0] * PER_G, [[0.0]] * PER_G, [np.inf] * u.Myr, (-1,))
    np.testing.assert_allclose(propagate([0, 5] * G, {"12C": 3.0}, idle), [[3.0], [3.0]], rtol=1e-14)


def test_primary_alone_is_exponential(chain):
    X = np.linspace(0, 30, 7) * G
    N = propagate(X, {"16O": 2.0}, chain)
    assert N.shape == (7, len(chain.species))
    oxygen = chain.index("16O")
    np.testing.assert_allclose(N[:, oxygen], 2 * np.exp(-(X * chain.total[oxygen]).value), rtol=1e-12)
    assert np.all(N >= 0)


def test_two_slabs_are_one(chain):
    middle = propagate(3 * G, {"16O": 1.0}, chain)
    np.testing.assert_allclose(propagate(4 * G, middle, chain), propagate(7 * G, {"16O": 1.0}, chain), rtol=1e-12)


def test_number_of_nuclei_falls_and_superposes(chain):
    X = np.linspace(0, 40, 9) * G
    carbon, oxygen = (propagate(X, {name: 1.0}, chain) for name in ("12C", "16O"))
    assert np.all(np.diff(oxygen.sum(axis=-1)) < 0)
    both = propagate(X, {"12C": 3.0, "16O": 0.5}, chain)
    np.testing.assert_allclose(both, 3 * carbon + 0.5 * oxygen, rtol=1e-12)


def test_light_nuclei_ratios_resemble_cosmic_rays(chain):
    """Observed: Be/B of 0.30 to 0.36 and Li/B of 0.65; decay of 10Be and heavier parents are missing."""
    N = propagate(5.5 * G, {"12C": 0.8, "16O": 1.0, "14N": 0.05}, chain)
    boron = chain.element("B", N)
    assert 0.3 < chain.element("Be", N) / boron < 0.45
    assert 0.45 < chain.element("Li", N) / boron < 0.75


def test_sources_from_what_arrives(chain):
    """What sources send is found again from the elements that arrive, at every depth."""
    X = np.array([[0.0, 2.0], [5.0, 12.0]]) * G
    N = propagate(X, {"12C": 0.7, "14N": 0.1, "16O": 1.0}, chain)
    for i in np.ndindex(X.shape):
        observed = {nucleus: float(chain.element(nucleus[2:], N[i])) for nucleus in ("16O", "12C", "14N")}
        np.testing.assert_allclose(from_observed(X[i], observed, chain), N[i], rtol=1e-10, atol=1e-15)
    fixed = from_observed(X, {"12C": 1.0, "16O": 1.1}, chain)
    assert fixed.shape == (2, 2, len(chain.species))
    np.testing.assert_allclose(chain.element("C", fixed), 1.0, rtol=1e-12)
    np.testing.assert_allclose(chain.element("O", fixed), 1.1, rtol=1e-12)


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        ({}, "got none"),
        ({"12C": 1.0, "13C": 0.1}, "one source nucleus of each element, got 12C, 13C"),
        ({"12C": 0.0}, "12C.* must be positive"),
        ({"20Ne": 1.0}, "got '20Ne'"),
    ],
)
def test_sources_refuse(chain, observed, message):
    with pytest.raises(ValueError, match=message):
        from_observed(1 * G, observed, chain)


def test_composition_table():
    table = composition()
    assert table["Z"].tolist() == list(range(1, 29))
    row = {str(e): i for i, e in enumerate(table["element"])}
    assert table["cosmic_rays"][row["O"]] == 1000
    assert table["solar_system"][row["Si"]] == 1e6
    enriched = (table["cosmic_rays"] / table["cosmic_rays"][row["Si"]]) / (
        table["solar_system"] / table["solar_system"][row["Si"]]
    )
    assert min(enriched[row[e]] for e in ("Li", "Be", "B")) > 1e4
    assert 0.2 < enriched[row["Fe"]] < 2


def changed(**change):
    """The table with one value of the row 12C to 11B changed."""
    table = QTable(cross_sections(), copy=True)
    row = (table["parent"] == "12C") & (table["daughter"] == "11B")
    for column, value in change.items():
        table[column][row] = value
    return table


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: network(helium=-0.1), "helium must be zero or positive"),
        (lambda: network(table=changed(sigma=-1 * u.mbarn)), "sigma"),
        (lambda: network(table=changed(sigma=240 * u.mbarn)), "12C must not exceed its total"),
        (lambda: network(table=changed(daughter="14N")), "12C to 14N"),
        (lambda: network(table=changed(daughter="8Be")), "12C to 8Be"),
        (lambda: network(table=changed(parent="17O")), "none for '17O'"),
    ],
)
def test_network_refuses(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize(
    ("X", "start", "error", "message"),
    [
        (7.0, {"12C": 1.0}, u.UnitConversionError, "X must be a quantity"),
        (7 * u.g, {"12C": 1.0}, u.UnitConversionError, "X must be in units"),
        (-1 * G, {"12C": 1.0}, ValueError, "X must be zero or positive"),
        (1 * G, {"20Ne": 1.0}, ValueError, "got '20Ne'"),
        (1 * G, {"12C": -1.0}, ValueError, "12C"),
        (1 * G, [1.0, 2.0], ValueError, "start must have shape"),
    ],
)
def test_propagate_refuses(chain, X, start, error, message):
    with pytest.raises(error, match=message):
        propagate(X, start, chain)


def test_element_refuses(chain):
    with pytest.raises(ValueError, match="symbol must be an element"):
        chain.element("Fe", np.ones(len(chain.species)))
    with pytest.raises(ValueError, match="last axis"):
        chain.element("B", np.ones(3))
