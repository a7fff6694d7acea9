"""What the exercises of this part ask for, against values by hand, and the validations, which must be able to fail."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from scipy.integrate import quad
from scipy.optimize import brentq

from crlab.ledger.answers import check
from crlab.ledger.turbulence.answers import ANSWERS
from crlab.ledger.turbulence.validations import VALIDATIONS


def _half(d):
    """In a power law of waves κ ∝ ∫(1 - μ²)/(μ^(2/3) + d) dμ, which is 18/7 for d = 0; with μ = y³."""
    return quad(lambda y: 3 * y**2 * (1 - y**6) / (y**2 + d), 0, 1)[0] - 9 / 7


# Worked out by hand, or read off the text that derives them; none of these comes from crlab.
BY_HAND = {
    "small-1": 2 * np.pi * 0.5 * 10 / (299792458 * 3e-10 / 1e9) / 3.0857e16 * u.pc,  # p/q = 10 GV, r = p/qB
    "small-2": 1 / 2,
    "small-3": brentq(_half, 0, 1) / (0.75 * 0.5 ** (2 / 3)),
    "small-4": -1 / 2,
    "making-3": 50,
    "making-4": 2,  # "of k δB (kΔ)²"
    "lines-2": 1 / 8,  # half of ALF's quarter, and nothing of MAG
    "lines-4": np.sin(np.radians(10)) ** 2,
    "particles-1": 2,
    "particles-2": 0.086,  # by CRPropa 3, with the same spectrum and 256 waves
    "particles-3": 26,  # "a turn still has 26 steps"
    "across-1": 4 / 3,  # "about a third too large"
    "across-2": -2,
    "across-3": 4e-4,  # of the solution
    "across-4": -1,
    "sky-2": 4,
    "sky-3": 0.1 / 10,
    "choosing-1": 0.058,
    # 128 waves a decade, 242 fields of 6 particles, 30 L_c in steps of a fiftieth of a gyration.
    "choosing-4": 128 * np.log10(5000) * 242 * 6 * 30 / (2 * np.pi * 1e-3 / 50) * 5e-10 * u.s,
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
    scale = entry.scale or max(abs(value) for value in result.values.values())
    off = (result.values[first] + 3 * (entry.tolerance * scale + 3 * max(result.errors.values()))) * u.Unit(entry.unit)
    stored = {
        name: (value * u.Unit(entry.unit), result.errors[name] * u.Unit(entry.unit))
        for name, value in result.values.items()
    }
    frozen = {name: (lambda pair=pair: pair) for name, pair in stored.items()}
    assert replace(entry, methods=frozen).compare().agrees
    assert not replace(entry, methods=frozen | {first: lambda: off}).compare().agrees
