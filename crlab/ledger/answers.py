"""Checking the answers to exercises, offline and without giving them away.

Each room keeps its entries in its own module ``answers.py``. An entry holds no number but computes it, as the ledger
of claims does; `check` compares a reader's value with it and says what kind of slip a wrong one may be.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy import units as u

from crlab.units import take

__all__ = ["Answer", "Feedback", "all_answers", "check"]

# Factors that are lost or doubled most easily.
_FACTORS = {
    2.0: "a factor of 2",
    0.5: "a factor of 2",
    3.0: "a factor of 3",
    1 / 3: "a factor of 3",
    np.pi: "a factor of π",
    1 / np.pi: "a factor of π",
    2 * np.pi: "a factor of 2π",
    0.5 / np.pi: "a factor of 2π",
    4 * np.pi: "a factor of 4π",
    0.25 / np.pi: "a factor of 4π",
}
_POWER = "a power of ten: look at the prefixes and the exponents"


@dataclass(frozen=True)
class Answer:
    """The number that one exercise asks for.

    Parameters
    ----------
    id : str
        What a reader types: a word for the chapter and the number of the exercise, like ``"slab-2"``.
    exercise : str
        Label of the exercise in the book, like ``"ex-diffusion-two-species"``.
    wanted : str
        The quantity in a few words, such as ``"the grammage behind the leaky box"``.
    kind : str
        Its kind, such as ``"a time"`` or ``"a pure number"``, for who gives another one.
    compute : callable
        Takes nothing and returns one number or quantity.
    unit : str
        A unit that fits, empty for a pure number.
    tolerance : float
        Relative: what rounding, and another order of the same steps, may change.
    hint : str
        Where to look again.

    Raises
    ------
    ValueError
        A tolerance that is not between 0 and 1, or an empty text.

    Examples
    --------
    >>> demo = Answer(id="demo-1", exercise="ex-demo", wanted="six times seven", kind="a pure number",
    ...               compute=lambda: 6 * 7)
    >>> demo
    demo-1: six times seven (a pure number)
    """

    id: str
    exercise: str
    wanted: str
    kind: str
    compute: Callable[[], Any] = field(repr=False)
    unit: str = ""
    tolerance: float = 0.03
    hint: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance of answer {self.id!r} must be between 0 and 1, got {self.tolerance!r}")
        for name in ("id", "exercise", "wanted", "kind"):
            if not getattr(self, name):
                raise ValueError(f"{name} of answer {self.id!r} must say something")

    def __repr__(self) -> str:
        return f"{self.id}: {self.wanted} ({self._asked})"

    @property
    def _asked(self) -> str:
        return f"{self.kind}, in units like {self.unit}" if self.unit else self.kind


@dataclass(frozen=True, repr=False)
class Feedback:
    """What `check` has to say; true if the answer is right.

    Parameters
    ----------
    right : bool
    message : str
        Never holds the number that is asked for.
    """

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return self.message


def all_answers() -> dict[str, Answer]:
    """Return the entries of all rooms by id, in the order of the book.

    Returns
    -------
    dict of str to Answer

    Raises
    ------
    ValueError
        Two entries share an id.

    Examples
    --------
    >>> all_answers()["slab-1"]
    slab-1: the mean grammage of the leaky box (a grammage, in units like g / cm2)
    """
    from crlab.ledger.rooms import ROOMS

    found: dict[str, Answer] = {}
    for room in ROOMS:
        name = f"crlab.ledger.{room}.answers"
        try:
            entries = importlib.import_module(name).ANSWERS
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue  # a room whose exercises ask for no number
        for answer in entries:
            if answer.id in found:
                raise ValueError(f"two answers have the id {answer.id!r}")
            found[answer.id] = answer
    return found


def check(exercise: str, value: Any) -> Feedback:
    """Compare your answer to an exercise with the one that crlab computes, without being told the latter.

    Parameters
    ----------
    exercise : str
        As the exercise says, like ``"slab-1"``.
    value : float or Quantity
        Your number, with a unit where it has one. With ``...`` in its place you are told what is wanted.

    Returns
    -------
    Feedback
        True if the number is right. It shows as a sentence, which for a wrong number says whether the unit, the sign, a
        power of ten or a common factor is the matter, and gives a hint.

    Raises
    ------
    ValueError
        An exercise that has no such entry; a value that is not one finite number.

    Examples
    --------
    >>> from astropy import units as u
    >>> check("slab-1", 13 * u.g / u.cm**2)
    Not yet. Not far off, but outside what rounding explains. Hint: the second row of (1 - X M) N = N₀.
    >>> check("slab-1", 5 * u.Myr)
    Not yet. What is wanted is a grammage, in units like g / cm2, and not something in Myr.
    """
    answer = _find(exercise)
    if value is ...:
        return Feedback(False, f"Put your answer in place of the dots: {answer!r}.")
    unit = u.Unit(answer.unit)
    given = u.Unit(getattr(value, "unit", None) or "")
    if not given.is_equivalent(unit):
        got = f"something in {given}" if str(given) else "a number without a unit"
        return Feedback(False, f"Not yet. What is wanted is {answer._asked}, and not {got}.")
    number = take("value", value, unit)
    if number.size != 1:
        raise ValueError(f"value must be one number, got an array of shape {number.shape}")
    expected = float(u.Quantity(answer.compute()).to_value(unit))
    slip = _slip(float(number.reshape(())), expected, answer.tolerance)
    if not slip:
        return Feedback(True, "Right.")
    return Feedback(False, f"Not yet. {slip}" + (f" Hint: {answer.hint}" if answer.hint else ""))


def _find(exercise: str) -> Answer:
    answers = all_answers()
    if exercise not in answers:
        topic = str(exercise).rsplit("-", 1)[0]
        near = [known for known in answers if known.startswith(topic)] or list(answers)
        raise ValueError(f"no exercise {exercise!r} has a number to check; there are {', '.join(near)}")
    return answers[exercise]


def _slip(given: float, expected: float, tolerance: float) -> str:
    """What is wrong with a number, in a sentence; nothing if it is right."""
    if given == 0:
        return "It is not zero."
    sign = "" if given * expected > 0 else " Besides, the sign is the other one."
    ratio = abs(given / expected)
    power = round(np.log10(ratio))
    known = {1.0: "", **_FACTORS, **({10.0**power: _POWER} if power else {})}
    nearest = min(known, key=lambda factor: abs(np.log(ratio / factor)))
    if abs(ratio / nearest - 1) <= tolerance:
        if nearest != 1:
            return f"It is off by {known[nearest]}.{sign}"
        return "The size is right, but the sign is not." if sign else ""
    if abs(np.log(ratio)) < np.log1p(3 * tolerance):
        return f"Not far off, but outside what rounding explains.{sign}"
    size = "The order of magnitude is right." if abs(np.log10(ratio)) < 0.5 else "The order of magnitude is another."
    return size + sign
