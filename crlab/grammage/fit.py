"""Fits of the thin-disc halo to measured ratios, with correlated systematic errors and a prior on cross-sections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import numpy as np
from astropy import units as u
from astropy.table import QTable
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import least_squares
from scipy.stats import chi2 as chi2_distribution

from crlab.galaxy import Break
from crlab.grammage.halo import HaloModel
from crlab.units import nucleon, take

__all__ = ["HaloFit", "RatioData", "fit_boron_to_carbon", "fit_ratios"]

Array = NDArray[np.float64]

_PER_NUCLEON = u.GeV / nucleon
_ONE = u.dimensionless_unscaled


@dataclass(frozen=True, eq=False)
class RatioData:
    """Measured ratios of two intensities, with a model of how their errors are correlated.

    Parameters
    ----------
    numerator, denominator : str
        As in `HaloModel.ratio`.
    x : Quantity
        Shape (k,), rigidity or kinetic energy per nucleon, positive.
    value, stat, syst : array_like
        Shape (k,): ratios, their statistical and systematic errors.
    correlation : float
        Correlation length of the systematic errors in decades of x: the covariance of points i and j is
        syst_i syst_j exp(-(log10 x_i/x_j)² / (2 correlation²)), as in Derome et al. (2019). 0 for independent
        errors, infinite for one common scale.
    modulation : Quantity
        Force-field potential to use for these data, in units like GV.

    Raises
    ------
    ValueError
        Shapes that differ, negative errors, points without any error, NaN, a negative correlation.
    UnitConversionError
        An x that is neither a rigidity nor an energy per nucleon.

    Examples
    --------
    >>> RatioData("B", "C", [10, 30, 100] * u.GV, [0.28, 0.21, 0.14], [0.01] * 3, [0.01] * 3).x.shape
    (3,)
    """

    numerator: str
    denominator: str
    x: u.Quantity
    value: Any
    stat: Any
    syst: Any
    correlation: float = 0.0
    modulation: u.Quantity = 0 * u.GV

    def __post_init__(self) -> None:
        shape = take("x", self.x, u.GV if self._by_rigidity else _PER_NUCLEON, positive=True).shape
        take("modulation", self.modulation, u.GV, non_negative=True)
        for name in ("value", "stat", "syst"):
            array = take(name, getattr(self, name), _ONE, non_negative=name != "value")
            if array.shape != shape or len(shape) != 1:
                raise ValueError(f"{name} must have one value for each x, shape {shape}, got {array.shape}")
            object.__setattr__(self, name, array)
        if np.any(np.hypot(self.stat, self.syst) == 0):
            raise ValueError("stat and syst must not both be zero, got a point without error")
        if not self.correlation >= 0:
            raise ValueError(f"correlation must be zero or positive, got {self.correlation!r}")

    @classmethod
    def from_table(
        cls,
        table: QTable,
        numerator: str,
        denominator: str,
        *,
        x_min: u.Quantity | None = None,
        x_max: u.Quantity | None = None,
        correlation: float = 0.0,
        modulation: u.Quantity = 0 * u.GV,
    ) -> "RatioData":
        """Take the points of a table with x_min ≤ x ≤ x_max.

        Parameters
        ----------
        table : QTable
            With the columns x, value, stat, syst, as from `crlab.data.table`.
        numerator, denominator : str
            What the table holds the ratio of, as in `HaloModel.ratio`.
        x_min, x_max : Quantity, optional
            In units like those of x.
        correlation, modulation
            As in the class.

        Returns
        -------
        RatioData

        Raises
        ------
        ValueError
            A missing column, or no point within the limits.
        UnitConversionError
            Limits in other units than x.

        Examples
        --------
        >>> from astropy import units as u
        >>> from crlab import data
        >>> bc = RatioData.from_table(data.table("ams02-bc-2021"), "B", "C", x_min=10 * u.GV)
        >>> bc.x.size
        50
        """
        missing = [name for name in ("x", "value", "stat", "syst") if name not in table.colnames]
        if missing:
            raise ValueError(f"table must have the columns x, value, stat and syst; it lacks {', '.join(missing)}")
        x = table["x"]
        keep = np.ones(len(x), dtype=bool)
        if x_min is not None:
            keep &= x.value >= take("x_min", x_min, x.unit)
        if x_max is not None:
            keep &= x.value <= take("x_max", x_max, x.unit)
        if not keep.any():
            raise ValueError(
                f"x_min and x_max must leave at least one of the points from {x.min():.4g} to {x.max():.4g}"
            )
        return cls(
            numerator,
            denominator,
            x[keep],
            table["value"][keep],
            table["stat"][keep],
            table["syst"][keep],
            correlation,
            modulation,
        )

    @property
    def covariance(self) -> Array:
        """Covariance of the values, shape (k, k)."""
        decades = np.log10(self.x.value)
        if self.correlation == 0:
            common = np.eye(decades.size)
        else:
            common = np.exp(-((np.subtract.outer(decades, decades) / self.correlation) ** 2) / 2)
        return np.asarray(np.diag(self.stat**2) + np.outer(self.syst, self.syst) * common)

    def model(self, halo: HaloModel) -> Array:
        """Return what a model predicts for these points.

        Parameters
        ----------
        halo : HaloModel

        Returns
        -------
        ndarray
            Shape (k,).

        Raises
        ------
        ValueError
            A numerator or denominator that the model's network lacks.
        """
        kind = "rigidity" if self._by_rigidity else "energy_per_nucleon"
        return halo.ratio(self.numerator, self.denominator, **{kind: self.x}, modulation=self.modulation)

    def residuals(self, halo: HaloModel) -> Array:
        """Return L⁻¹ (value - model), where L Lᵀ is the covariance; the sum of the squares is χ².

        Parameters
        ----------
        halo : HaloModel

        Returns
        -------
        ndarray
            Shape (k,): independent standard normal numbers if model and covariance are right.

        Raises
        ------
        ValueError
            A numerator or denominator that the model's network lacks.
        """
        return np.asarray(solve_triangular(self._factor, self.value - self.model(halo), lower=True))

    def mock(self, halo: HaloModel, generator: np.random.Generator) -> "RatioData":
        """Return synthetic data: a model's ratios with errors drawn from the covariance.

        Parameters
        ----------
        halo : HaloModel
        generator : numpy.random.Generator

        Returns
        -------
        RatioData
            With the same x, errors and correlation.

        Raises
        ------
        ValueError
            A numerator or denominator that the model's network lacks.
        """
        return replace(self, value=self.model(halo) + self._factor @ generator.standard_normal(self.value.size))

    @property
    def _by_rigidity(self) -> bool:
        return isinstance(self.x, u.Quantity) and self.x.unit.is_equivalent(u.GV)

    @cached_property
    def _factor(self) -> Array:
        return np.asarray(cholesky(self.covariance, lower=True))


class _Parameter(NamedTuple):
    """How a parameter is reported and fitted: unit, range, first guess, and whether by its logarithm."""

    unit: u.UnitBase
    low: float
    high: float
    guess: float
    by_logarithm: bool


_PARAMETERS: Mapping[str, _Parameter] = MappingProxyType(
    {
        "kappa0": _Parameter(u.cm**2 / u.s, 1e25, 1e32, 3e28, True),
        "delta": _Parameter(_ONE, -1, 2, 0.5, False),
        "height": _Parameter(u.kpc, 0.1, 200, 5, True),
        "break_change": _Parameter(_ONE, -2, 2, 0.1, False),
        "break_rigidity": _Parameter(u.GV, 1, 1e5, 300, True),
        "source_grammage": _Parameter(u.g / u.cm**2, 0, 50, 0.1, False),
        "production": _Parameter(_ONE, 0.1, 10, 1, True),
    }
)


@dataclass(frozen=True, eq=False)
class HaloFit:
    """The outcome of `fit_ratios`; printing it shows the parameters and χ².

    Parameters
    ----------
    model : HaloModel
        With the best parameters. Its `halo` goes to `crlab.sources` and `crlab.emission` as it is.
    free : tuple of str
        The fitted parameters.
    covariance : ndarray
        Shape (p, p), of `free`, in the units of `values`.
    chi2 : float
        Of the data, and of the prior on `production` if there is one.
    dof : int
        Points and priors less fitted parameters.
    """

    model: HaloModel
    free: tuple[str, ...]
    covariance: Array
    chi2: float
    dof: int

    @property
    def values(self) -> dict[str, u.Quantity]:
        """Best values, in cm2/s, kpc, GV and g/cm2."""
        return {name: _value(self.model, name).to(_PARAMETERS[name].unit) for name in self.free}

    @property
    def errors(self) -> dict[str, u.Quantity]:
        """One-sigma errors, from the curvature of χ² at its minimum, in the units of `values`.

        They mean nothing for a parameter that ended on the edge of its range, such as no source grammage.
        """
        sigmas = np.sqrt(np.diag(self.covariance))
        return {name: s * _PARAMETERS[name].unit for name, s in zip(self.free, sigmas, strict=True)}

    @property
    def correlation(self) -> Array:
        """Correlation matrix of the parameters, shape (p, p)."""
        sigmas = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / np.outer(sigmas, sigmas))

    @property
    def p_value(self) -> float:
        """Probability of a larger χ² if the model and the covariance of the data are right."""
        return float(chi2_distribution.sf(self.chi2, self.dof))

    def predict(self, data: RatioData) -> tuple[Array, Array]:
        """Return what the best model predicts for some data, and the error that the fit leaves.

        The error is of first order in the parameters and has no share of the data given here.

        Parameters
        ----------
        data : RatioData
            Only its x, nuclei and modulation are used.

        Returns
        -------
        ndarray, ndarray
            Shape (k,) each.

        Raises
        ------
        ValueError
            A numerator or denominator that the model's network lacks.
        """
        theta = _to_theta(self.model, self.free)
        best = data.model(self.model)
        # One-sided steps inwards: away from the edge that a parameter may have ended on.
        steps = 1e-4 * np.sqrt(np.diag(self.covariance)) / _stretch(self.model, self.free)
        slopes = [
            (data.model(_model(self.model, self.free, theta + step)) - best) / step.max() for step in np.diag(steps)
        ]
        jacobian = np.array(slopes) / _stretch(self.model, self.free)[:, None]
        return best, np.sqrt(np.einsum("ik,ij,jk->k", jacobian, self.covariance, jacobian))

    def __str__(self) -> str:
        lines = []
        for name in self.free:
            value, error, unit = self.values[name].value, self.errors[name].value, _PARAMETERS[name].unit
            if name == "kappa0":
                text = f"({value / 1e28:.2f} ± {error / 1e28:.2f})e28"
            else:
                digits = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 3
                text = f"{value:.{digits}f} ± {error:.{digits}f}"
            lines.append(f"{name} = {text} {unit}".strip())
        return "\n".join([*lines, f"chi2/dof = {self.chi2:.1f}/{self.dof}, p = {self.p_value:.2g}"])


def fit_ratios(
    data: RatioData | Sequence[RatioData],
    *,
    free: Sequence[str] = ("kappa0", "delta"),
    start: HaloModel | None = None,
    production_error: float | None = None,
) -> HaloFit:
    """Fit a halo to ratios by least squares, with the whole covariance of the data.

    Parameters
    ----------
    data : RatioData or sequence of RatioData
        Sets are taken as independent of each other.
    free : sequence of str
        Of kappa0, delta and height of the halo, break_change and break_rigidity of its break, source_grammage,
        production. Each begins at a usual value.
    start : HaloModel, optional
        The values of what is not free. A break that is free but missing is that of `HaloModel.changed`.
    production_error : float, optional
        Width of a Gaussian prior on `production` about 1; needed if that is free.

    Returns
    -------
    HaloFit

    Raises
    ------
    ValueError
        An unknown parameter or one named twice, fewer points than parameters, `production` free without a
        prior or a prior without it, parameters that the data cannot tell apart, a free break where the halo has
        several, a free κ where it has a law.
    RuntimeError
        No minimum was found.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab import data
    >>> bc = RatioData.from_table(data.table("ams02-bc-2021"), "B", "C", x_min=10 * u.GV)
    >>> fit = fit_ratios(bc, free=["kappa0", "delta", "break_change"])
    >>> print(f"delta = {fit.values['delta']:.2f} +- {fit.errors['delta']:.2f}")
    delta = 0.51 +- 0.01
    """
    sets = [data] if isinstance(data, RatioData) else list(data)
    names = _checked_names(free, production_error)
    if sum(part.value.size for part in sets) + ("production" in names) <= len(names):
        raise ValueError(f"data must hold more points than the {len(names)} free parameters")
    base = HaloModel() if start is None else start
    parameters = [_PARAMETERS[name] for name in names]

    def residuals(theta: Array) -> Array:
        halo = _model(base, names, theta)
        prior = [] if production_error is None else [(halo.production - 1) / production_error]
        return np.concatenate([*(part.residuals(halo) for part in sets), prior])

    result = least_squares(
        residuals,
        [_theta(p, p.guess) for p in parameters],
        bounds=([_theta(p, p.low) for p in parameters], [_theta(p, p.high) for p in parameters]),
        jac="2-point",
        x_scale="jac",
    )
    if not result.success:
        raise RuntimeError(f"no minimum of chi2 was found: {result.message}")
    best = _model(base, names, result.x)
    covariance = _inverse(result.jac.T @ result.jac, names) * np.outer(_stretch(best, names), _stretch(best, names))
    return HaloFit(best, names, covariance, float(2 * result.cost), result.fun.size - len(names))


def fit_boron_to_carbon(
    table: QTable,
    *,
    x_min: u.Quantity | None = None,
    x_max: u.Quantity | None = None,
    correlation: float = 0.0,
    free: Sequence[str] = ("kappa0", "delta"),
    start: HaloModel | None = None,
    production_error: float | None = None,
) -> HaloFit:
    """Fit a halo to a table of B/C: `RatioData.from_table` and `fit_ratios` in one call.

    Parameters
    ----------
    table : QTable
        Like ``crlab.data.table("ams02-bc-2021")``, over rigidity or energy per nucleon.
    x_min, x_max : Quantity, optional
        Range of the fit. By default from 10 GV or 5 GeV / nucleon, above which the sun, energy losses and the
        change of cross-sections with energy matter little, to the end of the table.
    correlation, free, start, production_error
        As in `RatioData` and `fit_ratios`.

    Returns
    -------
    HaloFit

    Raises
    ------
    ValueError
        As in `RatioData.from_table` and `fit_ratios`.
    UnitConversionError
        Limits in other units than the table's x.

    Examples
    --------
    >>> from crlab import data
    >>> print(fit_boron_to_carbon(data.table("ams02-bc-2021"), correlation=0.1))
    kappa0 = (3.0... ± 0.08)e28 cm2 / s
    delta = 0.47... ± 0.012
    chi2/dof = 4.../48, p = 0.6...
    """
    if x_min is None and "x" in table.colnames:
        x_min = 10 * u.GV if table["x"].unit.is_equivalent(u.GV) else 5 * _PER_NUCLEON
    data = RatioData.from_table(table, "B", "C", x_min=x_min, x_max=x_max, correlation=correlation)
    return fit_ratios(data, free=free, start=start, production_error=production_error)


def _checked_names(free: Sequence[str], production_error: float | None) -> tuple[str, ...]:
    names = (free,) if isinstance(free, str) else tuple(free)
    if not names or len(set(names)) < len(names) or any(name not in _PARAMETERS for name in names):
        raise ValueError(
            f"free must name different parameters of {', '.join(_PARAMETERS)}; "
            f"got {', '.join(map(str, names)) or 'none'}"
        )
    if ("production" in names) != (production_error is not None):
        raise ValueError(
            "production may only be free with a prior, and the prior needs it free: "
            f"got free = {', '.join(names)} and production_error = {production_error!r}"
        )
    if production_error is not None and not 0 < production_error < np.inf:
        raise ValueError(f"production_error must be positive and finite, got {production_error!r}")
    return names


def _theta(parameter: _Parameter, value: float) -> float:
    """What is varied in the fit: a value or its logarithm."""
    return float(np.log(value)) if parameter.by_logarithm else value


def _value(model: HaloModel, name: str) -> u.Quantity:
    if name.startswith("break_"):
        (only,) = cast("tuple[Break, ...]", model.halo.breaks)
        return u.Quantity(getattr(only, name.removeprefix("break_")))
    return u.Quantity(getattr(model if hasattr(model, name) else model.halo, name))


def _plain(model: HaloModel, name: str) -> float:
    return float(_value(model, name).to_value(_PARAMETERS[name].unit))


def _to_theta(model: HaloModel, names: Sequence[str]) -> Array:
    return np.array([_theta(_PARAMETERS[name], _plain(model, name)) for name in names])


def _stretch(model: HaloModel, names: Sequence[str]) -> Array:
    """d(value)/d(theta)."""
    return np.array([_plain(model, name) if _PARAMETERS[name].by_logarithm else 1.0 for name in names])


def _model(base: HaloModel, names: Sequence[str], theta: Array) -> HaloModel:
    changes: dict[str, Any] = {}
    for name, value in zip(names, theta, strict=True):
        parameter = _PARAMETERS[name]
        number = float(np.exp(value)) if parameter.by_logarithm else float(value)
        changes[name] = number if parameter.unit == _ONE else number * parameter.unit
    return base.changed(**changes)


def _inverse(normal: Array, names: Sequence[str]) -> Array:
    """Inverse of JᵀJ, scaled so that units do not matter for its condition."""
    scale = np.sqrt(np.diag(normal))
    if np.any(scale == 0) or np.linalg.cond(normal / np.outer(scale, scale)) > 1e8:
        raise ValueError(f"these data cannot tell {', '.join(names)} apart: fix one of them")
    return np.asarray(np.linalg.inv(normal / np.outer(scale, scale)) / np.outer(scale, scale))
