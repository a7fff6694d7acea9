"""crlab, an interstellar laboratory: the kernels behind the book on Galactic cosmic rays.

Each sub-package is one part of the book: `crlab.grammage` computes what `book/grammage` tells.
Importing `crlab` itself is light; import the room you need. `crlab.check` checks answers to the book's exercises.
"""

from importlib.metadata import version
from typing import Any

__version__ = version("crlab")


def check(exercise: str, value: Any) -> Any:
    """Compare your answer to an exercise with the one that crlab computes: see `crlab.ledger.answers.check`.

    Examples
    --------
    >>> import crlab
    >>> crlab.check("bell-1", ...)
    Put your answer in place of the dots: bell-1: the index s for r = 2.5 (a pure number).
    """
    from crlab.ledger import answers  # loads the rooms

    return answers.check(exercise, value)
