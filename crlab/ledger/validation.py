"""The validation matrix: what independent methods give for the same number of a simulated system.

Each room keeps its entries in its own module ``validations.py``; a method is a function that computes the number anew.
The page "Which methods agree?" prints them all, and a test holds each entry to its tolerance.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from astropy import units as u

__all__ = ["METHODS", "Comparison", "Validation", "all_validations", "table"]

METHODS = ("analytic", "numerical", "finite volume", "stochastic equations", "Monte Carlo", "other code", "published")
"""What a method may be: a closed form; a quadrature, a root or a solver of ordinary equations; one of the three kinds
of simulation; what a program of others gave; a value in the literature."""


@dataclass(frozen=True)
class Comparison:
    """What the methods of one entry gave; made by `Validation.compare`.

    Parameters
    ----------
    values, errors : dict of str to float
        By method, in the entry's unit; the error is 0 for what is not sampled.
    difference : float
        Largest relative difference of two methods.
    deviation : float
        Largest difference of two methods in units of their joint error, over pairs that have one; else 0.
    agrees : bool
        Whether each pair lies within the tolerance and the standard errors that the entry allows, three as a rule.
    """

    values: dict[str, float]
    errors: dict[str, float]
    difference: float
    deviation: float
    agrees: bool


@dataclass(frozen=True)
class Validation:
    """One number that independent methods compute.

    Parameters
    ----------
    id : str
        Unique, like ``"shock-index"``.
    system : str
        What is simulated.
    quantity : str
        The number, in words or symbols.
    chapter : str
        Where it is derived, relative to ``book/`` and without suffix.
    methods : mapping of str to callable
        At least two of `METHODS`. Each takes nothing and returns a number or a quantity, or a pair of it and its
        standard error if it is sampled or measured.
    tolerance : float
        Relative: what steps, cells and finite sizes may change, beyond the standard errors.
    unit : str
        Unit of the numbers in the table.
    remark : str
        What differs between the methods, or the source of a published value.
    scale : float, optional
        What tolerance and difference are relative to, in `unit`; by default the larger of two values, which says
        nothing where 0 is expected.
    sigmas : float
        How many joint standard errors two methods may differ by on top of the tolerance.

    Raises
    ------
    ValueError
        A tolerance that is not positive, fewer than two methods, or an unknown one.

    Examples
    --------
    >>> demo = Validation(id="demo", system="two and two", quantity="sum", chapter="index", tolerance=0.01,
    ...                   methods={"analytic": lambda: 4, "Monte Carlo": lambda: (4.1, 0.1)})
    >>> demo.compare().agrees
    True
    """

    id: str
    system: str
    quantity: str
    chapter: str
    methods: Mapping[str, Callable[[], Any]]
    tolerance: float
    unit: str = ""
    remark: str = ""
    scale: float | None = None
    sigmas: float = 3.0

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise ValueError(f"tolerance of validation {self.id!r} must be positive, got {self.tolerance!r}")
        unknown = [name for name in self.methods if name not in METHODS]
        if unknown or len(self.methods) < 2:
            raise ValueError(
                f"methods of validation {self.id!r} must be at least two of {', '.join(METHODS)}, "
                f"got {', '.join(self.methods) or 'none'}"
            )

    def compare(self) -> Comparison:
        """Compute the number by each method and compare all pairs.

        Returns
        -------
        Comparison

        Raises
        ------
        ValueError
            A method gave no finite scalar.
        """
        values, errors = {}, {}
        for name, function in self.methods.items():
            found = function()
            pair = found if isinstance(found, tuple) else (found, 0 * abs(u.Quantity(found)))
            value, error = (u.Quantity(x).to_value(u.Unit(self.unit)) for x in pair)
            if np.shape(value) != () or not np.isfinite(value) or not np.isfinite(error):
                raise ValueError(f"{name} of validation {self.id!r} must give one finite number, got {found}")
            values[name], errors[name] = float(value), float(error)
        differences, deviations, fits = [], [0.0], []
        for a, b in combinations(values, 2):
            off, size = abs(values[a] - values[b]), self.scale or max(abs(values[a]), abs(values[b]))
            error = np.hypot(errors[a], errors[b])
            differences.append(off / size if size else 0.0)
            deviations.append(off / error if error else 0.0)
            fits.append(off <= self.tolerance * size + self.sigmas * error)
        return Comparison(values, errors, float(max(differences)), float(max(deviations)), all(fits))


def all_validations() -> dict[str, Validation]:
    """Return the entries of all rooms by id, in the order of the book.

    Returns
    -------
    dict of str to Validation

    Raises
    ------
    ValueError
        Two entries share an id.

    Examples
    --------
    >>> list(all_validations()["anisotropy-walk"].methods)
    ['analytic', 'Monte Carlo']
    """
    from crlab.ledger.rooms import ROOMS

    found: dict[str, Validation] = {}
    for room in ROOMS:
        name = f"crlab.ledger.{room}.validations"
        try:
            entries = importlib.import_module(name).VALIDATIONS
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        for entry in entries:
            if entry.id in found:
                raise ValueError(f"two validations have the id {entry.id!r}")
            found[entry.id] = entry
    return found


def table(results: Mapping[str, Comparison] | None = None) -> str:
    """Return the matrix as a Markdown table, one row for each number and one column for each method.

    Parameters
    ----------
    results : mapping of str to Comparison, optional
        By id; by default all of them are computed here.

    Returns
    -------
    str
        Links are relative to a folder beside the parts' folders, as ``book/reference`` is.

    Examples
    --------
    >>> same = Comparison({"analytic": 1.0}, {}, 0.0, 0.0, True)
    >>> print(table({entry: same for entry in all_validations()}).splitlines()[0])
    | System and number | analytic | numerical | ... | Largest difference | Verdict | Chapter and remark |
    """
    heads = ["System and number", *METHODS, "Largest difference", "Verdict", "Chapter and remark"]
    rows = ["| " + " | ".join(heads) + " |", "|:--|" + "--:|" * (len(METHODS) + 1) + ":--|:--|"]
    for entry in all_validations().values():
        result = entry.compare() if results is None else results[entry.id]
        unit = u.Unit(entry.unit).to_string("unicode", fraction=False)
        link = f"[{entry.chapter.split('/')[-1].replace('-', ' ')}](../{entry.chapter}.ipynb)"
        cells = [f"{entry.system}: {entry.quantity}" + (f" [{unit}]" if unit else "")]
        cells += [_number(result.values.get(name), result.errors.get(name, 0.0)) for name in METHODS]
        size = f"{result.difference:.1%}" if result.difference > 1e-3 else "< 0.1%"
        cells += [size + (f", {result.deviation:.1f} σ" if result.deviation else "")]
        cells += ["agree" if result.agrees else "**differ**", f"{link}. {entry.remark}".strip()]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _number(value: float | None, error: float) -> str:
    if value is None:
        return ""
    if not error:
        return f"{value:.4g}"
    digits = max(0, 1 - int(np.floor(np.log10(error))))  # two of the error
    return f"{value:.{digits}f} ± {error:.{digits}f}"
