"""Checking answers: right ones pass, slips are named, and the number itself is never shown."""

import re

import numpy as np
import pytest
from astropy import units as u

import crlab
from crlab.ledger import answers
from crlab.ledger.answers import Answer, check

ANSWERS = answers.all_answers()
every_answer = pytest.mark.parametrize("name", ANSWERS)

# Worked out by hand, or read off the text that derives them; None of these comes from crlab.
BY_HAND = {
    "spectrum-2": 1.14**2.3 * u.one,
    "slab-1": 0.3 / (0.35 / 6.7 - 0.3 / 10) * u.g / u.cm**2,
    "isotropy-1": 4 * np.sqrt(2) / np.pi * u.one,
    "isotropy-3": 7 * u.one,  # 4σ² and three times σ²
    "isotropy-2": 4.7 * 26 / 299792.458 * u.one,
    "diffusing-1": 3 * u.one,  # the mean cosine of a unit vector plus a random one is 2/3
    "diffusing-2": 8e-4 * u.one,
    "diffusing-3": (300 * u.pc) ** 2 / (5e29 * u.cm**2 / u.s),
    "diffusing-4": 2 * u.one,
    "one-4": ((50 * u.km / u.s * 4 * u.kpc) / (0.05 * u.kpc**2 / u.Myr)).to_value("") ** (1 / 0.6) * u.GV,
    "one-3": -3 * u.one,  # -Γ - (δ + 1)/2, as the talk's backup slide has it
    "bell-1": 3 * u.one,
    "bell-2": 7 / 3 * u.one,
    "bell-3": 1.5 * u.one,
    "reach-1": 2.5 * u.one,
    "reach-2": 26 * 118.3 * u.TeV,  # the talk's inputs give 118.3 TeV for protons
    "remnant-2": 0.2825 * u.one,  # Sedov's blast wave in a monatomic gas, 0.28 to two digits
    "shock-1": (7 + 4 * np.sqrt(6) / 3) * u.one,
    "shock-2": 1 / 3 * u.one,
    "shock-3": 1 * u.one,
    "growing-3": -0.2 * u.one,
    "escape-1": 300 * 300 ** (10 / 11) * u.yr,  # the floor of 10 TeV is 1/300 of 3 PeV
    "escape-2": -5 / 6 * u.one,
    "escape-3": -0.22 * u.one,
}


@pytest.fixture
def demo(monkeypatch):
    """An exercise whose answer is -0.042 kpc."""

    def prepare(**changes):
        entry = {"wanted": "a length to be found", "kind": "a length", "unit": "pc", "compute": lambda: -0.042 * u.kpc}
        entry = Answer(id="demo-1", exercise="ex-demo", **(entry | changes))
        monkeypatch.setattr(answers, "all_answers", lambda: {"demo-1": entry})
        return entry

    prepare()
    return prepare


def computed(name):
    return u.Quantity(ANSWERS[name].compute()).to(u.Unit(ANSWERS[name].unit))


@every_answer
def test_the_computed_answer_is_one_number_and_passes(name):
    value = computed(name)
    assert value.shape == ()
    assert np.isfinite(value.value)
    assert check(name, value)
    assert check(name, value * (1 + 0.9 * ANSWERS[name].tolerance))
    assert not check(name, value * (1 + 1.2 * ANSWERS[name].tolerance))


@pytest.mark.parametrize("name", BY_HAND)
def test_answers_by_hand_pass(name):
    assert check(name, BY_HAND[name]), check(name, BY_HAND[name])


@every_answer
def test_no_message_shows_the_answer(name):
    value = computed(name)
    wrong = [value * f for f in (1.3, 2, -1, 10, 1e-3, 4 * np.pi, 777)]
    said = [repr(ANSWERS[name]), repr(check(name, ...)), repr(check(name, 3 * u.mol))]
    said += [repr(check(name, w)) for w in wrong]
    for text in said:
        # The inputs that the exercise itself states may stand in a hint.
        for found in re.findall(r"(?<![\w.^-])\d+(?:\.\d+)?(?:e[-+]?\d+)?", text.replace(name, "")):
            if len(found.lstrip("0.")) > 1:
                assert abs(float(found) / abs(value.value) - 1) > 0.1, text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-42 * u.pc, r"^Right\.$"),
        (-42.8 * u.pc, r"^Right\.$"),
        (-0.042 * u.kpc, r"^Right\.$"),
        (42 * u.pc, "The size is right, but the sign is not"),
        (-42 * u.kpc, "off by a power of ten"),
        (-0.42 * u.pc, "off by a power of ten"),
        (4.2 * u.pc, "off by a power of ten.*the sign is the other one"),
        (-84 * u.pc, "a factor of 2[.]"),
        (-21 * u.pc, "a factor of 2[.]"),
        (-42 * 4 * np.pi * u.pc, "a factor of 4π"),
        (-42 / (4 * np.pi) * u.pc, "a factor of 4π"),
        (-44 * u.pc, "Not far off"),
        (-60 * u.pc, "order of magnitude is right"),
        (-1770 * u.pc, "order of magnitude is another"),
        (0 * u.pc, "It is not zero"),
        (-42, "a length, in units like pc, and not a number without a unit"),
        (-42 * u.yr, "a length, in units like pc, and not something in yr"),
        (..., "in place of the dots"),
    ],
)
def test_slips_are_named(demo, value, said):
    feedback = check("demo-1", value)
    assert re.search(said, repr(feedback)), feedback
    assert bool(feedback) == (said == r"^Right\.$")


def test_a_power_of_ten_is_told_from_four_pi_in_a_wide_tolerance(demo):
    demo(tolerance=0.4)
    assert "power of ten" in repr(check("demo-1", -420 * u.pc))
    assert "4π" in repr(check("demo-1", -42 * 12.5 * u.pc))


def test_a_hint_is_given_with_a_wrong_answer_only(demo):
    demo(hint="count again.")
    assert repr(check("demo-1", -50 * u.pc)).endswith("Hint: count again.")
    assert repr(check("demo-1", -42 * u.pc)) == "Right."


@pytest.mark.parametrize("value", [np.nan * u.pc, [1, 2] * u.pc, [] * u.pc])
def test_what_is_not_one_finite_number_is_refused(demo, value):
    with pytest.raises(ValueError, match=r"^value must"):
        check("demo-1", value)


def test_text_is_refused():
    with pytest.raises(ValueError, match=r"^value must be a real number"):
        check("bell-1", "three")


def test_an_unknown_exercise_gets_those_of_its_chapter():
    with pytest.raises(ValueError, match=r"no exercise 'bell-9'.* there are bell-1, bell-2, bell-3$"):
        check("bell-9", 3)


@pytest.mark.parametrize(
    ("changes", "message"), [({"tolerance": 0}, "tolerance of answer 'demo-1'"), ({"wanted": ""}, "wanted of answer")]
)
def test_a_bad_entry_is_refused(demo, changes, message):
    with pytest.raises(ValueError, match=message):
        demo(**changes)


def test_the_package_offers_it():
    assert crlab.check("bell-1", 3)
    assert not crlab.check("bell-1", 2)
