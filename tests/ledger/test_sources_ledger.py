"""What the exercises of this part ask for, against values by hand, and the validations, which must be able to fail."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u

from crlab.ledger.answers import check
from crlab.ledger.sources.answers import ANSWERS
from crlab.ledger.sources.validations import VALIDATIONS

# Worked out by hand, or read off the text that derives them; none of these comes from crlab.
BY_HAND = {
    "many-1": 1 / 8,
    "many-2": 3 / 8,
    "many-3": 1.8 * u.kpc,
    # Norma-Cygnus has 339 parts of 950, a Gaussian of 15° in azimuth, and no other arm is near there.
    "where-1": 27.8 * 339 / 950 * np.sqrt(2 * np.pi) / np.radians(15) / (u.kpc**2 * u.Myr),
    "where-3": np.sqrt(np.log(2) / (np.pi * 28 * 0.02)) * u.kpc,
    "where-4": 5**0.5,
    "green-2": 0.5,
    "green-3": 1.4 * u.kpc,
    "galaxies-1": (0.372 / 0.1) ** 4,
    "galaxies-3": -2 / 5,
    "galaxies-4": 2**0.25,
    "credit-1": 3000 * ((11 - 0.29**2 / 6 / 30.6e-3) / 0.3) ** -1.1 * u.TeV,  # κ(60 TV) = 30.6 kpc²/Myr
    "credit-2": 300 ** (1 / 0.8 - 1 / 1.1) * 1.1 / 0.8,
    "credit-3": 0.5 * 1.1,  # "about half"
    "tell-1": 1 / (1 + 0.5 / 0.005),  # odds of 1 to 1 become 1 to 100
    "tell-2": 0.5,  # "as by tossing a coin"
    "scale-1": 42,
}


def test_each_exercise_is_worked_out_by_hand():
    assert set(BY_HAND) == {answer.id for answer in ANSWERS}


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
