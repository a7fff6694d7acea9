"""Production of gamma rays and neutrinos: Kelner's formulas, the tables, and the emissivity built on them."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from crlab.emission import cross_sections as cs

MB = u.mbarn


def test_kelner_values():
    """Row 29 and the values beside it."""
    for name, expected in (("gamma", 5.5117), ("nu_e", 1.9360), ("nu_direct", 1.2312)):
        assert cs.kelner(name, 0.1, 100 * u.TeV) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("energy", "share"), [(1, 0.1660), (10, 0.1761), (100, 0.1851), (1000, 0.1859)])
def test_kelner_energy_fraction(energy, share):
    """Row 29: gamma rays carry a sixth of the proton's energy."""
    x = np.geomspace(1e-7, 1, 20_001)
    assert np.trapezoid(x**2 * cs.kelner("gamma", x, energy * u.TeV), np.log(x)) == pytest.approx(share, rel=1e-3)


def test_flavours_add_up_and_end_where_kinematics_says():
    x = np.array([0.01, 0.1, 0.3, 0.5, 0.9])
    direct, e, mu, both = (cs.kelner(n, x, 20 * u.TeV) for n in ("nu_direct", "nu_e", "nu_mu", "nu_all"))
    assert np.allclose(mu, direct + e)
    assert np.allclose(both, mu + e)
    assert np.all(direct[3:] == 0)
    assert cs.kelner("gamma", 1.0, 20 * u.TeV) == 0


@pytest.mark.parametrize(
    ("energy", "kafexhiu", "kelner"),
    [(0.1, 31.28, 31.30), (1, 34.90, 34.30), (100, 47.86, 48.26), (1000, 57.20, 59.22)],
)
def test_inelastic_cross_sections(energy, kafexhiu, kelner):
    assert cs.inelastic(energy * u.TeV).to_value(MB) == pytest.approx(kafexhiu, rel=1e-3)
    assert cs.inelastic(energy * u.TeV, model="kelner").to_value(MB) == pytest.approx(kelner, rel=1e-3)


def test_nothing_is_made_below_the_threshold():
    assert cs.inelastic(1.1 * u.GeV).value == 0
    assert cs.inelastic(1.2 * u.GeV, model="kelner").value == 0


def test_yields_of_a_power_law():
    """Row 30, and the table beside it."""
    E = [0.1, 1, 10, 100] * u.TeV
    kelner = cs.power_law_yield(E, model="kelner").to_value(MB)
    assert np.allclose(kelner, [1.076, 1.259, 1.526, 1.777], rtol=0.01)
    tables = cs.power_law_yield(E).to_value(MB)
    assert tables[2] == pytest.approx(1.20, rel=0.03)
    assert np.allclose(tables / kelner, [0.90, 0.83, 0.79, 0.79], atol=0.01)
    one = cs.power_law_yield([10, 1000] * u.TeV, model="kelner")[0].to_value(MB)
    assert one == pytest.approx(kelner[2])  # whatever else is asked for


def test_neutrinos_over_gamma_rays():
    """Row 31."""
    E = [0.1, 1, 10, 100] * u.TeV
    gamma, nu = (cs.power_law_yield(E, model="kelner", secondary=s) for s in ("gamma", "nu_all"))
    assert np.allclose((nu / gamma).value, [0.763, 0.792, 0.785, 0.784], rtol=0.01)
    tables = cs.power_law_yield(E, secondary="nu_all")
    assert np.allclose((tables / nu).value, [1.09, 1.00, 0.96, 0.98], atol=0.01)
    assert cs.power_law_yield(E[2], model="kelner", secondary="nu_all").shape == ()


def test_nuclear_factors_are_those_of_the_tables():
    base = cs.power_law_yield(10 * u.TeV)
    for pair, factor in cs.NUCLEAR_FACTORS.items():
        assert (cs.power_law_yield(10 * u.TeV, pair=pair) / base).value == pytest.approx(factor, rel=0.005)


def test_a_shape_once_by_hand():
    """dσ/dE of the formula is σ F(x)/E_p, and helium shares its energy among four nucleons."""
    sigma = cs.differential("gamma", "p-p", [100] * u.GeV, [1000] * u.GeV, model="kelner")[0, 0]
    expected = cs.inelastic(1 * u.TeV) * cs.kelner("gamma", 0.1, 1 * u.TeV) / (1 * u.TeV)
    assert (sigma / expected).to_value("") == pytest.approx(1)
    helium = cs.differential("gamma", "He-p", [100] * u.GeV, [4000] * u.GeV, model="kelner")[0, 0]
    assert (helium / sigma).value == pytest.approx(4.16)


def test_secondaries_never_carry_more_than_a_nucleon():
    for model in cs.MODELS:
        sigma = cs.differential("gamma", "He-p", [1100] * u.GeV, [4000] * u.GeV, model=model)
        assert sigma[0, 0].value == 0


@pytest.mark.parametrize(
    ("species", "energy", "expected", "error"),
    [
        ("p", 124.9, 2.389e-2, 0.05),  # DAMPE 2019, not among the tables that are joined
        ("p", 788.6 + 0.9, 1.60e-4, 0.08),
        ("p", 1.122e6, 6.782e-13, 1e-6),
        ("He", 2.818e6, 4.480e-14, 1e-6),
        ("He", 1.2545e3 + 3.0, 3.42e-5, 0.1),
    ],
)
def test_the_local_spectra_are_the_measured_ones(species, energy, expected, error):
    found = cs.local_intensity(species, energy * u.GeV).to_value(1 / (u.GeV * u.m**2 * u.s * u.sr))
    assert found == pytest.approx(expected, rel=error, abs=0)


def test_the_local_spectra_fall_everywhere():
    E = np.geomspace(50, 1e9, 500)
    for species in ("p", "He"):
        slope = np.diff(np.log(cs.local_intensity(species, E * u.GeV).value)) / np.diff(np.log(E))
        assert slope.max() < -2
        assert slope.min() > -5.2


def test_emissivity_of_the_local_gas():
    """Kelner's cross-sections give the reference's values; its tolerance is a quarter."""
    E = [1, 12.6, 100, 500] * u.TeV
    q = cs.emissivity(E, model="kelner").to_value(1 / (u.GeV * u.s * u.sr))
    assert np.allclose(q, [2.44e-35, 2.94e-38, 1.26e-40, 1.45e-42], rtol=0.25, atol=0)
    assert np.allclose((cs.emissivity(E) / cs.emissivity(E, model="kelner")).value, 0.8, rtol=0.1)
    protons = cs.emissivity(E, model="kelner", species=("p",), helium=0)
    enhancement = (cs.emissivity(E, model="kelner") / protons).value
    assert np.all((enhancement > 1.5) & (enhancement < 2.2))


def test_the_matrix_weighs_rigidities():
    """Its rows sum to the emissivity, do not depend on the grid, and vanish below the gamma ray's own rigidity."""
    E = [0.01, 1, 100] * u.TeV
    coarse, fine = (cs.emissivity_matrix(E, np.geomspace(4.5, 4e8, n) * u.GV) for n in (96, 700))
    assert np.allclose((coarse.sum(axis=1) / fine.sum(axis=1)).value, 1, atol=2e-3)
    W = cs.emissivity_matrix(E)
    assert np.allclose((W.sum(axis=1) / cs.emissivity(E)).to_value(u.one), 1)
    assert np.all(W[1, cs.RIGIDITY < 990 * u.GV].value == 0)
    share = W[1].cumsum() / W[1].sum()
    median = cs.RIGIDITY[np.searchsorted(share, 0.5)]
    assert 5 * u.TV < median < 20 * u.TV


def test_a_density_that_is_halved_at_high_rigidity():
    W = cs.emissivity_matrix([0.1, 1000] * u.TeV).value
    f = np.where(cs.RIGIDITY.value > 1e5, 0.5, 1.0)
    ratio = (W @ f) / W.sum(axis=1)
    assert ratio[0] > 0.99
    assert ratio[1] == pytest.approx(0.5)


@given(st.floats(1.01, 4.9), st.sampled_from(cs.MODELS))
def test_power_law_yields_fall_with_the_index(step, model):
    low, high = (cs.power_law_yield(1 * u.TeV, index=i, model=model).value for i in (step, step + 0.3))
    assert 0 < high < low


def test_energies_outside_the_tables_are_refused():
    with pytest.raises(ValueError, match="energy must lie between 1 GeV and 1e\\+07 GeV"):
        cs.emissivity([0.1, 1] * u.GeV)
    with pytest.raises(ValueError, match="cross-section tables"):
        cs.emissivity_matrix([1e5] * u.TeV)
    with pytest.raises(ValueError, match=r"primary of He-p must lie between 5 and 2.5e\+09 GeV"):
        cs.differential("gamma", "He-p", [1] * u.GeV, [2] * u.GeV)
    with pytest.raises(ValueError, match="range of model 'kelner'"):
        cs.differential("gamma", "p-p", [1] * u.GeV, [20] * u.GeV, model="kelner")
    with pytest.raises(ValueError, match="primary of p-p"):
        cs.emissivity_matrix([1] * u.TeV, np.geomspace(2, 1e6, 50) * u.GV)
    with pytest.raises(ValueError, match="at least 100 GeV"):
        cs.power_law_yield(10 * u.GeV)
    with pytest.raises(ValueError, match=r"between 0.1 TeV and 1e5 TeV"):
        cs.kelner("gamma", 0.1, 10 * u.GeV)
    with pytest.raises(ValueError, match="energy must be at least"):
        cs.local_intensity("p", 1 * u.GeV)


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="secondary must be one of"):
        cs.differential("el", "p-p", [1] * u.GeV, [20] * u.GeV)
    with pytest.raises(ValueError, match="pair must be one of"):
        cs.power_law_yield(1 * u.TeV, pair="Fe-p")
    with pytest.raises(ValueError, match="model must be one of"):
        cs.emissivity([1] * u.TeV, model="sibyll")
    with pytest.raises(ValueError, match="species must be one of"):
        cs.emissivity([1] * u.TeV, species=("C",))
    with pytest.raises(u.UnitConversionError, match="energy must be"):
        cs.emissivity([1.0])
    with pytest.raises(ValueError, match="x must be at most 1"):
        cs.kelner("gamma", 1.1, 1 * u.TeV)
    with pytest.raises(ValueError, match="index must be above 1"):
        cs.power_law_yield(1 * u.TeV, index=1)
    with pytest.raises(ValueError, match="list of at least two"):
        cs.emissivity_matrix([1] * u.TeV, [10, 5] * u.GV)
    with pytest.raises(ValueError, match="one value or a list"):
        cs.emissivity(np.ones((2, 2)) * u.TeV)
