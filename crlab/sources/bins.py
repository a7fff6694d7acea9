r"""The bins in which AMS-02 and DAMPE count protons, and how well they count.

What an experiment reports for a bin is the flux averaged over it, so that a feature narrower than the bin is diluted.
For x(E), the flux over that of a smooth Galaxy, the average is ∫ x w dE / ∫ w dE with w = E^-2.7. E is the total
energy of a proton: the rigidity in GV (to 0.05 % at 30 GV), or DAMPE's kinetic energy (to 0.1 % at 1 TeV).
"""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab.data import table
from crlab.units import Array, take

__all__ = ["AMS_EXPOSURE", "Bins", "bin_weights", "poisson_error", "proton_bins"]

AMS_EXPOSURE = 3.36e6 * u.m**2 * u.sr * u.s
"""Exposure of AMS-02 to protons above 30 GV over its first seven years, from counting statistics: the printed errors
of Aguilar et al. (2021) are (Φ ΔR X)^(-1/2) with this X, within their rounding."""

_INDEX = -2.7
_FINE = 65  # points per bin between which the average is summed
_LOWEST = 28.8  # GV; below, the Sun's modulation and energy losses matter
_HIGHEST = 1e5  # GeV


@dataclass(frozen=True)
class Bins:
    """Bins of one or several experiments with their relative errors; made by `proton_bins`.

    Parameters
    ----------
    low, high : Quantity, shape (n,)
        Edges in GeV.
    flux : Quantity, shape (n,)
        Measured proton flux, 1/(GeV m2 s sr).
    stat, syst : ndarray, shape (n,)
        Relative one-sigma errors, statistical and systematic.
    experiment : tuple of str, length n
        Who measured the bin.
    """

    low: u.Quantity
    high: u.Quantity
    flux: u.Quantity
    stat: Array
    syst: Array
    experiment: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.experiment)

    @property
    def centre(self) -> u.Quantity:
        """Geometric middle of each bin, GeV."""
        return np.sqrt(self.low * self.high)

    def of(self, experiment: str) -> NDArray[np.bool_]:
        """Which bins belong to an experiment.

        Parameters
        ----------
        experiment : str
            As in `experiment`.

        Returns
        -------
        ndarray of bool, shape (n,)

        Raises
        ------
        ValueError
            An experiment that has no bin here.
        """
        if experiment not in self.experiment:
            raise ValueError(
                f"experiment must be one of {', '.join(dict.fromkeys(self.experiment))}, got {experiment!r}"
            )
        return np.array([name == experiment for name in self.experiment])

    def average(self, energy: u.Quantity, ratio: Array) -> Array:
        """Average x(E) over each bin.

        Parameters
        ----------
        energy : Quantity, shape (m,)
            Growing energies that enclose all bins.
        ratio : array_like, shape (..., m)
            x at these energies, taken as linear in ln E between them.

        Returns
        -------
        ndarray, shape (..., n)

        Raises
        ------
        ValueError
            Energies that do not grow or do not enclose the bins, shapes that do not fit.
        UnitConversionError
            A bare number or a wrong unit.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> E = np.geomspace(10, 1e6, 401) * u.GeV
        >>> x = proton_bins().average(E, np.ones(401))
        >>> print(x.shape, f"{x.min():.3f}")
        (47,) 1.000
        """
        values = take("ratio", ratio, "")
        weights = bin_weights(energy, self.low, self.high)
        if values.shape[-1:] != weights.shape[1:]:
            raise ValueError(f"ratio must have {weights.shape[1]} values along its last axis, got shape {values.shape}")
        return np.asarray(values @ weights.T)


def bin_weights(energy: u.Quantity, low: u.Quantity, high: u.Quantity) -> Array:
    """Matrix that averages values on a grid of energies over bins, with weight E^-2.7 dE.

    Parameters
    ----------
    energy : Quantity, shape (m,)
        Growing.
    low, high : Quantity, shape (n,)
        Edges, within the range of `energy`.

    Returns
    -------
    ndarray, shape (n, m)
        Rows sum to 1; values between the grid's energies are linear in ln E.

    Raises
    ------
    ValueError
        Energies that do not grow, edges outside them, or bins of no width.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> bin_weights([1, 10, 100] * u.GeV, [10] * u.GeV, [100] * u.GeV).round(3)
    array([[0.   , 0.765, 0.235]])
    """
    E = np.log(take("energy", energy, u.GeV, positive=True))
    a, b = (np.log(take(n, v, u.GeV, positive=True)) for n, v in (("low", low), ("high", high)))
    if E.ndim != 1 or np.any(np.diff(E) <= 0):
        raise ValueError("energy must be one growing series")
    if a.shape != b.shape or a.ndim != 1 or np.any(b <= a):
        raise ValueError("low and high must be two series of equal length with low < high")
    if a.min() < E[0] - 1e-9 or b.max() > E[-1] + 1e-9:
        raise ValueError(
            f"energy must enclose the bins from {np.exp(a.min()):g} to {np.exp(b.max()):g} GeV, "
            f"got {np.exp(E[0]):g} to {np.exp(E[-1]):g} GeV"
        )
    weights = np.zeros((a.size, E.size))
    for i in range(a.size):
        # Grid points inside the bin are nodes, so that the sum sees every corner of the interpolated curve.
        nodes = np.unique(np.concatenate([np.linspace(a[i], b[i], _FINE), E[(a[i] < E) & (b[i] > E)]]))
        middle, width = (nodes[1:] + nodes[:-1]) / 2, np.diff(nodes)
        w = np.exp((_INDEX + 1) * (middle - a[i])) * width
        j = np.clip(np.searchsorted(E, middle, side="right") - 1, 0, E.size - 2)
        part = (middle - E[j]) / (E[j + 1] - E[j])
        np.add.at(weights[i], j, w * (1 - part))
        np.add.at(weights[i], j + 1, w * part)
    return weights / weights.sum(axis=1, keepdims=True)


def poisson_error(flux: u.Quantity, width: u.Quantity, exposure: u.Quantity) -> Array:
    """Relative error of a flux from counting, (Φ ΔE X)^(-1/2).

    Parameters
    ----------
    flux : Quantity
        Φ, like 1/(GeV m2 s sr).
    width : Quantity
        ΔE, broadcast.
    exposure : Quantity
        X, area times solid angle times time, like m2 sr s; broadcast.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        A value that is not positive.
    UnitConversionError
        A bare number or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> error = poisson_error(3.26e-5 / (u.GV * u.m**2 * u.s * u.sr), 670 * u.GV, AMS_EXPOSURE)
    >>> print(f"{100 * error:.3f} %")
    0.369 %
    """
    per = u.GV if isinstance(width, u.Quantity) and width.unit.is_equivalent(u.GV) else u.GeV
    rate = take("flux", flux, 1 / (per * u.m**2 * u.s * u.sr), positive=True)
    counts = (
        rate * take("width", width, per, positive=True) * take("exposure", exposure, u.m**2 * u.sr * u.s, positive=True)
    )
    return np.asarray(counts**-0.5)


def proton_bins(*experiments: str) -> Bins:
    """Bins of AMS-02 above 28.8 GV and of DAMPE from 1 to 100 TeV.

    Statistical errors are from counting for AMS-02 (its printed ones are rounded to a digit), and the printed ones
    for DAMPE. Systematic errors of DAMPE are those of the analysis and of the hadronic model in quadrature.

    Parameters
    ----------
    *experiments : {"AMS-02", "DAMPE"}
        By default both, AMS-02 first: 37 and 10 bins.

    Returns
    -------
    Bins

    Raises
    ------
    ValueError
        Another experiment.

    Notes
    -----
    Data of Aguilar et al. (2021) and DAMPE Collaboration (2026). DAMPE's systematic errors are common to
    neighbouring bins for the most part.

    Examples
    --------
    >>> bins = proton_bins()
    >>> print(bins.size, f"{100 * bins.stat.min():.3f} % to {100 * bins.stat.max():.2f} %")
    47 0.031 % to 4.64 %
    """
    makers = {"AMS-02": _ams, "DAMPE": _dampe}
    chosen = experiments or tuple(makers)
    unknown = [name for name in chosen if name not in makers]
    if unknown:
        raise ValueError(f"experiment must be one of {', '.join(makers)}, got {unknown[0]!r}")
    parts = [makers[name]() for name in chosen]
    low, high, flux, stat, syst = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    names = tuple(name for name, part in zip(chosen, parts, strict=True) for _ in part[0])
    per = u.GeV**-1 * u.m**-2 * u.s**-1 * u.sr**-1
    return Bins(low=low * u.GeV, high=high * u.GeV, flux=flux * per, stat=stat, syst=syst, experiment=names)


def _ams() -> tuple[Array, ...]:
    """Edges [GeV], flux, relative errors."""
    rows = table("ams02-p-2021")
    rows = rows[rows["x_low"].value >= _LOWEST - 1e-6]
    stat = poisson_error(rows["value"], rows["x_high"] - rows["x_low"], AMS_EXPOSURE)
    syst = (rows["syst"] / rows["value"]).to_value("")
    return rows["x_low"].value, rows["x_high"].value, rows["value"].value, stat, syst


def _dampe() -> tuple[Array, ...]:
    rows = table("dampe-p-2026")
    inside = (rows["x_low"].value >= 999) & (rows["x_high"].value <= _HIGHEST * 1.001)
    rows = rows[inside]
    stat = (rows["stat"] / rows["value"]).to_value("")
    syst = (np.hypot(rows["syst"], rows["syst_model"]) / rows["value"]).to_value("")
    return rows["x_low"].value, rows["x_high"].value, rows["value"].value, stat, syst
