"""Diffusion measured: running coefficients, their plateaus and local exponents, with errors over realisations.

The particles of one realisation of the field share its accidents, so they are averaged first, and errors are the
scatter between realisations. All functions take mean squares with one row a realisation, in reduced units (see
`crlab.turbulence`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from crlab.turbulence.spectrum import take_number
from crlab.units import Array, take

__all__ = ["Measured", "local_exponents", "mean", "plateau", "running"]


@dataclass(frozen=True)
class Measured:
    """Values with standard errors over realisations; made by `mean`, `plateau` and their like.

    Parameters
    ----------
    t : ndarray
        Times, or lengths along a field line, shape (k,).
    value, error : ndarray
        Shape (k,). Neighbouring values belong to the same particles and are correlated.
    """

    t: Array
    value: Array
    error: Array


def mean(t: Any, values: Any) -> Measured:
    """Average over realisations.

    Parameters
    ----------
    t : array_like
        Ascending, shape (k,).
    values : array_like
        One row a realisation, at least 2, shape (n, k).

    Returns
    -------
    Measured

    Raises
    ------
    ValueError
        Shapes that do not fit, fewer than 2 realisations.

    Examples
    --------
    >>> found = mean([1, 2], [[1, 2], [3, 4]])
    >>> print(found.value, found.error)
    [2. 3.] [1. 1.]
    """
    x, y = _rows("values", t, values)
    return Measured(x, y.mean(axis=0), _error(y))


def running(t: Any, squares: Any, *, axes: int = 1) -> Measured:
    r"""Running diffusion coefficient, d(t) = (1/2) d⟨Δx²⟩/dt, by differences between the given times.

    Parameters
    ----------
    t : array_like
        Ascending times, or lengths, shape (k,), k ≥ 2.
    squares : array_like
        Mean squared displacements, one row a realisation, shape (n, k).
    axes : int
        How many axes `squares` holds: 1 for ⟨Δz²⟩; 2 for ⟨Δx² + Δy²⟩, so that the result is that of one axis.

    Returns
    -------
    Measured
        At the geometric middle of the intervals, shape (k - 1,).

    Raises
    ------
    ValueError
        Shapes that do not fit, fewer than 2 realisations or times, another number of axes.

    Examples
    --------
    >>> found = running([1, 4, 9], [[2, 8, 18], [2, 8, 18]])
    >>> print(found.t, found.value)
    [2. 6.] [1. 1.]
    """
    x, y = _rows("squares", t, squares, least=2)
    slopes = np.diff(y, axis=1) / np.diff(x) / (2 * _axes(axes))
    middle = np.sqrt(x[1:] * x[:-1]) if x[0] > 0 else (x[1:] + x[:-1]) / 2
    return Measured(middle, slopes.mean(axis=0), _error(slopes))


def plateau(t: Any, squares: Any, *, start: float, axes: int = 1) -> tuple[float, float]:
    """Diffusion coefficient from the late growth of the mean square: the slope of a straight line, over 2.

    Parameters
    ----------
    t, squares, axes
        As in `running`.
    start : float
        Only later times are used; at least 3 must be left. That the running coefficient is flat from there on has to
        be looked at.

    Returns
    -------
    value, error : float
        Least-squares slope of each realisation: mean and standard error.

    Raises
    ------
    ValueError
        As in `running`, or too few times after `start`.

    Examples
    --------
    >>> t = np.arange(1, 6)
    >>> value, error = plateau(t, np.outer([2, 6], t), start=2)
    >>> print(f"{value:.1f} +- {error:.1f}")
    2.0 +- 1.0
    """
    x, y = _rows("squares", t, squares, least=3)
    late = x >= take_number("start", start)
    if late.sum() < 3:
        raise ValueError(f"start must leave at least 3 times, got {late.sum()} after {start:g}")
    centred = x[late] - x[late].mean()
    slopes = y[:, late] @ centred / (centred @ centred) / (2 * _axes(axes))
    return float(slopes.mean()), float(_error(slopes[:, None])[0])


def local_exponents(x: Any, value: Any, error: Any) -> tuple[Array, Array]:
    """Exponents of y ∝ x^a between neighbouring points, with errors.

    Parameters
    ----------
    x, value, error : array_like
        Positive, ascending in x, shape (k,); errors of independent values.

    Returns
    -------
    exponent, error : ndarray
        Shape (k - 1,).

    Raises
    ------
    ValueError
        Shapes that do not fit, a value that is not positive, x that does not ascend.

    Examples
    --------
    >>> print(local_exponents([1, 10], [1, 100], [0.0, 0.0])[0])
    [2.]
    """
    a, y, e = (take(name, given, "") for name, given in (("x", x), ("value", value), ("error", error)))
    if a.ndim != 1 or a.size < 2 or y.shape != a.shape or e.shape != a.shape:
        raise ValueError(f"x, value and error must share one shape (k,), got {a.shape}, {y.shape}, {e.shape}")
    if np.any(np.diff(a) <= 0) or a[0] <= 0 or np.any(y <= 0) or np.any(e < 0):
        raise ValueError("x must ascend from a positive value, value must be positive, error zero or positive")
    width = np.diff(np.log(a))
    return np.diff(np.log(y)) / width, np.hypot(e[1:] / y[1:], e[:-1] / y[:-1]) / width


def _rows(name: str, t: Any, values: Any, least: int = 1) -> tuple[Array, Array]:
    """Times and rows, checked."""
    x, y = take("t", t, ""), take(name, values, "")
    if x.ndim != 1 or x.size < least or np.any(np.diff(x) <= 0):
        raise ValueError(f"t must be at least {least} ascending times, got shape {x.shape}")
    if y.ndim != 2 or y.shape[1] != x.size or y.shape[0] < 2:
        raise ValueError(f"{name} must have one row for each of at least 2 realisations, got shape {y.shape}")
    return x, y


def _error(rows: Array) -> Array:
    """Standard error of the mean over rows."""
    return np.asarray(rows.std(axis=0, ddof=1) / np.sqrt(rows.shape[0]))


def _axes(axes: int) -> int:
    if axes not in (1, 2, 3):
        raise ValueError(f"axes must be 1, 2 or 3, got {axes!r}")
    return axes
