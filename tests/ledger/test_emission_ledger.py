"""What the exercises of this part ask for, against values by hand, and the validations, which must be able to fail."""

from dataclasses import replace

import pytest
from astropy import units as u

from crlab.emission import cross_sections as cs
from crlab.ledger.answers import check
from crlab.ledger.emission.answers import ANSWERS
from crlab.ledger.emission.validations import VALIDATIONS

# Worked out by hand, or read off the text that derives them; none of these comes from crlab.
BY_HAND = {
    "ingredients-1": 1e23 * 1.4 * 1.6726e-24 * u.g / u.cm**2,
    "smooth-2": 2.2 * u.PeV * 2.7255 / 33,  # absorption by a black body peaks at E ∝ 1/T
    "maps-1": 0.0884 * u.s,
    "maps-2": 8.0 * u.kyr,  # 8.0e-5/(τ/Myr) of a column of 15 kpc
    # Λ/κ = τ/χ + (1 - 1/χ)(τ - τ_r(1 - e^(-τ/τ_r))) = 0.1 + 0.9 (1 - 50 (1 - e^-0.02)) kyr, and (50 pc)²/2κ
    "maps-3": 1 + 0.0801 / (0.1 + 0.9 * 0.00993 + 0.00125 / 0.0416),
    "planes-1": 0.0698**2 / (4 * 41.6) * 1e6 * u.yr,  # kpc² over kpc²/Myr
    "planes-2": 10 ** (1 / 3),
    "planes-5": (15 / 7.07) ** (1 / 3),
}

# Between what the text, or a bound, allows, where no other route is exact.
BETWEEN = {
    "planes-4": (10, 100),  # the hint; the count grows by about χ from 0.01 without suppression
    "smooth-1": (1.0, 2.0),  # a lower halo is brighter; sources and gas fall by less than that
    "smooth-3": (1.0, 2.0),  # "below two"
    "smooth-4": (0.2, 0.8),  # four fifths of the region, which is less than the mean by far but not dark
}


def _value(name):
    return float(next(answer for answer in ANSWERS if answer.id == name).compute())


@pytest.mark.parametrize("name", BETWEEN)
def test_answers_lie_between_bounds(name):
    low, high = BETWEEN[name]
    assert low < _value(name) < high


def test_yields_fall_as_much_with_another_set_of_cross_sections():
    hard, soft = (cs.power_law_yield(10 * u.TeV, index=index, model="kelner") for index in (2.0, 3.0))
    assert _value("ingredients-2") == pytest.approx(float(hard / soft), rel=0.3)


def test_about_as_much_is_left_with_another_set_of_cross_sections():
    W = cs.emissivity_matrix([1000] * u.TeV, model="kelner")[0]
    left = float(W[cs.RIGIDITY < 3 * u.PV].sum() / W.sum())
    # Gamma rays with over a third of the proton's energy, where the sets differ most.
    assert _value("ingredients-3") == pytest.approx(left, rel=0.5)


def test_each_exercise_is_tested():
    assert {*BY_HAND, *BETWEEN, "ingredients-2", "ingredients-3"} == {answer.id for answer in ANSWERS}


@pytest.mark.parametrize("name", BY_HAND)
def test_answers_by_hand_pass(name):
    assert check(name, BY_HAND[name]), check(name, BY_HAND[name])


@pytest.mark.parametrize("entry", VALIDATIONS, ids=lambda entry: entry.id)
def test_a_validation_fails_if_one_method_is_off(entry):
    result = entry.compare()
    assert result.agrees, result
    first = next(iter(entry.methods))
    error = max(result.errors.values()) / abs(result.values[first])
    off = result.values[first] * (1 + 3 * (entry.tolerance + 3 * error)) * u.Unit(entry.unit)
    stored = {
        name: (value * u.Unit(entry.unit), result.errors[name] * u.Unit(entry.unit))
        for name, value in result.values.items()
    }
    frozen = {name: (lambda pair=pair: pair) for name, pair in stored.items()}
    assert replace(entry, methods=frozen).compare().agrees
    assert not replace(entry, methods=frozen | {first: lambda: off}).compare().agrees
