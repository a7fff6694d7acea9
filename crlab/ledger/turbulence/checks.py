"""The rows of the validation matrix that simulations of turbulence must meet, measured anew at two sizes.

``python -m crlab.turbulence checks`` runs them at full size, and what it found is stored; the tests run them reduced.
Reduced units (see `crlab.turbulence`).
"""

import sys
import time
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from astropy.table import Table

from crlab.ledger.turbulence.checks_fields import FIELD_ROWS, LINE_ROWS, WAVE_ROWS
from crlab.ledger.turbulence.checks_particles import PARTICLE_ROWS, STORED_ROWS
from crlab.ledger.turbulence.sampled import Sampled, load
from crlab.ledger.validation import Validation

__all__ = ["CHECKS", "at_size", "load", "measured", "report", "run"]

CHECKS: tuple[Validation, ...] = (*FIELD_ROWS, *LINE_ROWS, *PARTICLE_ROWS, *STORED_ROWS, *WAVE_ROWS)
"""All of them. Those of a coefficient κ read the stored table of `crlab.turbulence.results`, whatever the size."""


def measured(entry: Validation) -> tuple[str, Sampled]:
    """Return the method of an entry that measures at any size.

    Parameters
    ----------
    entry : Validation
        One of `CHECKS`.

    Returns
    -------
    method : str
    sampled : Sampled

    Examples
    --------
    >>> measured(CHECKS[0])[1].sample
    '5 fields'
    """
    return next((name, method) for name, method in entry.methods.items() if isinstance(method, Sampled))


def at_size(entry: Validation, size: int) -> Validation:
    """Return an entry that measures anew at a size, instead of reading what is stored.

    Parameters
    ----------
    entry : Validation
        One of `CHECKS`.
    size : int
        As in `run`.

    Returns
    -------
    Validation

    Examples
    --------
    >>> at_size(CHECKS[0], 1).compare().agrees
    True
    """
    name, sampled = measured(entry)
    return replace(entry, methods={**entry.methods, name: partial(sampled.measure, sampled.scaled(size))})


def run(size: int = 10, *, only: Collection[str] | None = None) -> Table:
    """Run all checks, or some.

    Parameters
    ----------
    size : int
        Multiplies the realisations; 10 is full size, 1 that of the tests.
    only : collection of str, optional
        Ids of the checks to run.

    Returns
    -------
    Table
        A row for each check: id, value, error, expected, tolerance (with the errors that it allows), verdict, sample,
        and seconds of processor time. Numbers that share one simulation have its time at the first.

    Raises
    ------
    ValueError
        An unknown id.

    Examples
    --------
    >>> table = run()  # doctest: +SKIP
    """
    known = {entry.id: entry for entry in CHECKS}
    if unknown := sorted(set(only or ()) - set(known)):
        raise ValueError(f"only must name checks, got {', '.join(unknown)}; there are {', '.join(known)}")
    rows = []
    for entry in known.values() if only is None else (known[name] for name in known if name in only):
        begin = time.process_time()
        found = at_size(entry, size).compare()
        name, sampled = measured(entry)
        other = next(method for method in entry.methods if method != name)
        value, error, expected = found.values[name], found.errors[name], found.values[other]
        allowed = entry.tolerance * (entry.scale or max(abs(value), abs(expected)))
        allowed += entry.sigmas * float(np.hypot(error, found.errors[other]))
        numbers = {"value": value, "error": error, "expected": expected, "tolerance": allowed}
        row: dict[str, Any] = {"id": entry.id} | {key: float(f"{number:.4g}") for key, number in numbers.items()}
        row |= {"passed": found.agrees, "sample": sampled.sampled(size)}
        rows.append(row | {"seconds": round(time.process_time() - begin, 1)})
        print(_line(rows[-1]), file=sys.stderr, flush=True)
    table = Table(rows)
    table.meta["comments"] = [f"Written by python -m crlab.turbulence checks --size {size}; processor seconds."]
    return table


def report(table: Table) -> tuple[str, bool]:
    """Say what came out.

    Parameters
    ----------
    table : Table
        From `run` or `load`.

    Returns
    -------
    text : str
        A line for each check.
    passed : bool
        Whether all agree.

    Examples
    --------
    >>> text, passed = report(load())
    """
    return "\n".join(_line(row) for row in table), bool(np.all(table["passed"]))


def _line(row: Any) -> str:
    error = f" +- {row['error']:7.2g}" if row["error"] else " " * 11
    text = f"{row['id']:38} {row['value']:9.3g}{error}"
    return f"{text}  {row['expected']:9.4g} +- {row['tolerance']:7.2g} {'ok' if row['passed'] else 'FAILED'}"
