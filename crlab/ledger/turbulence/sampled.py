"""Rows of the validation matrix whose sample can be of any size, and the table of what they gave at full size."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from astropy.table import Table

from crlab.ledger.validation import Validation

__all__ = ["FULL", "Sampled", "load", "row"]

FULL = 10
"""Size from which on the command's table is at full size."""


@dataclass(frozen=True)
class Sampled:
    """A method of a `crlab.ledger.validation.Validation` that measures at any size.

    Called without a size, as the matrix does, it reads what ``python -m crlab.turbulence checks`` stored at full size;
    a number that does not depend on the size is measured anew.

    Parameters
    ----------
    id : str
        That of the entry.
    measure : callable
        ``measure(size)`` gives value and standard error, 0 for what is not sampled.
    fields : int
        Realisations per unit of size; 0 where the number does not depend on it.
    sample : str
        What is sampled, fields times particles or lines, with ``{}`` for the number of realisations.
    more : int
        How many times as many realisations full size has, where the tolerance asks for a smaller error.

    Examples
    --------
    >>> half = Sampled("demo", lambda size: (0.5, 0.1 / size), fields=20, sample="{} fields", more=2)
    >>> half.scaled(1), half.scaled(10), half.sampled(10)
    (1, 20, '400 fields')
    """

    id: str
    measure: Callable[[int], tuple[float, float]]
    fields: int = 0
    sample: str = ""
    more: int = 1

    def scaled(self, size: int) -> int:
        """What `measure` is called with at a size."""
        return size * self.more if size >= FULL else size

    def sampled(self, size: int) -> str:
        """What is sampled at a size, in words."""
        return self.sample.format(self.fields * self.scaled(size))

    def __call__(self) -> tuple[float, float]:
        """Value and standard error, stored or measured anew."""
        return _stored()[self.id] if self.fields else self.measure(1)


def row(
    name: str, system: str, quantity: str, expected: float, measure: Callable[[int], tuple[float, float]], *,
    chapter: str, tolerance: float, against: str = "analytic", by: str = "Monte Carlo", spread: float = 0.0,
    sigmas: float = 0.0, remark: str = "", **sample: Any,
) -> Validation:  # fmt: skip
    """Make an entry of the validation matrix in which something that is measured at any size stands beside one number.

    Parameters
    ----------
    name : str
        The id, without the room.
    system, quantity, chapter, remark
        As in `crlab.ledger.validation.Validation`.
    expected, spread : float
        The number, and its standard error if it has one.
    measure, **sample
        As in `Sampled`.
    tolerance : float
        Relative to `expected`, or absolute if that is 0.
    against, by : str
        Methods that gave the expected and the measured number.
    sigmas : float
        How many standard errors are allowed at full size; none where the tolerance is wider than they are.

    Returns
    -------
    Validation

    Examples
    --------
    >>> half = row("half", "a coin", "share of heads", 0.5, lambda size: (0.505, 0.0), chapter="index", tolerance=0.02)
    >>> half.id, half.compare().agrees
    ('turbulence-half', True)
    """
    sampled = Sampled(f"turbulence-{name}", measure, **sample)
    words = [f"{by}: stored by the command, {sampled.sampled(FULL)}." if sampled.fields else "", remark]
    return Validation(
        id=sampled.id,
        system=system,
        quantity=quantity,
        chapter=chapter,
        methods={against: lambda: (expected, spread), by: sampled},
        tolerance=tolerance,
        remark=" ".join(word for word in words if word),
        scale=abs(expected) or 1.0,
        sigmas=sigmas,
    )


def load() -> Table:
    """Return the stored table of the checks at full size.

    Returns
    -------
    Table
        As that of `crlab.ledger.turbulence.checks.run`.

    Examples
    --------
    >>> table = load()
    >>> print(table["sample"][table["id"] == "turbulence-waves"][0])
    240 x 16
    """
    with (files("crlab.ledger.turbulence") / "checks.ecsv").open() as stream:
        return Table.read(stream.read().splitlines(), format="ascii.ecsv")


@cache
def _stored() -> dict[str, tuple[float, float]]:
    return {str(line["id"]): (float(line["value"]), float(line["error"])) for line in load()}
