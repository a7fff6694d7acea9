"""Measured tables with pedigree, and the loader that checks them.

A table is one ECSV file (astropy's self-describing text format) with the columns ``x``, ``value``, ``stat``
and ``syst``, perhaps ``x_low`` and ``x_high`` for the edges of bins and further systematic errors
``syst_...``. Its header says what was measured, by whom, what the errors mean, where it was published and
when it was entered, and carries a checksum of everything else in the file.
"""

import contextlib
import difflib
import hashlib
import importlib
import io
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable, Table

from crlab.units import nucleon

__all__ = ["catalogue", "compare_with_crdb", "input_table", "load", "names", "seal", "table", "total_error"]

_FOLDER = files(__name__) / "measured"
_INPUTS = files(__name__) / "inputs"
_SUFFIX = ".ecsv"
_VARIABLES = {
    "rigidity": u.GV,
    "kinetic_energy": u.GeV,
    "total_energy": u.GeV,
    "energy_per_nucleon": u.GeV / nucleon,
}
_META = ["name", "title", "experiment", "quantity", "variable", "errors", "selection", "reference", "doi"]
_META += ["bibcode", "entered"]
_COLUMNS = ["x", "value", "stat", "syst"]
_CHECKSUM = re.compile(r"^# (?:  |- \{)sha256: ['\"]?(\w+)['\"]?\}?\n", re.MULTILINE)


def names() -> list[str]:
    """Return the names of the tables that come with the package.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> names()[:2]
    ['ams02-bc-2021', 'ams02-beb-2018']
    """
    return sorted(item.name.removesuffix(_SUFFIX) for item in _FOLDER.iterdir() if item.name.endswith(_SUFFIX))


def table(name: str) -> QTable:
    """Return one of the package's tables.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    QTable
        Columns ``x`` (rigidity, kinetic energy, total energy or kinetic energy per nucleon, as
        ``meta["variable"]`` says), ``value``, and the one-sigma errors ``stat`` and ``syst``, all of them
        quantities of shape (n,), ``x`` increasing. Some tables have ``x_low``, ``x_high``, ``syst_model``.
        The ``meta`` holds the pedigree; ``meta["errors"]`` says what the errors mean.

    Raises
    ------
    ValueError
        An unknown name (the message lists close ones), or a file that was altered.

    Examples
    --------
    >>> bc = table("ams02-bc-2021")
    >>> print(bc.meta["reference"])
    Aguilar M. et al. (AMS Collaboration), 2021, Physics Reports 894, 1
    >>> print(f"B/C = {bc['value'][30]:.3f} at {bc['x'][30]:.3g}")
    B/C = 0.209 at 29.9 GV
    """
    known = names()
    if name not in known:
        close = difflib.get_close_matches(str(name), known, cutoff=0.4) or known
        raise ValueError(f"no table {name!r}; did you mean {', '.join(close)}?")
    file = _FOLDER / f"{name}{_SUFFIX}"
    return _parse(_text(file.read_bytes(), str(file)), str(file))


def input_table(name: str) -> QTable:
    """Return a table of another form that calculations use as input, such as cross-sections.

    Parameters
    ----------
    name : str
        A file of ``crlab/data/inputs`` without its ending.

    Returns
    -------
    QTable
        As the file says in its header.

    Raises
    ------
    ValueError
        An unknown name, or a file that was altered.

    Examples
    --------
    >>> input_table("spallation-h").colnames[:3]
    ['parent', 'daughter', 'sigma']
    """
    known = sorted(item.name.removesuffix(_SUFFIX) for item in _INPUTS.iterdir())
    if name not in known:
        raise ValueError(f"no input table {name!r}; there are {', '.join(known)}")
    file = _INPUTS / f"{name}{_SUFFIX}"
    return _verified(_text(file.read_bytes(), str(file)), str(file))


def load(path: str | Path) -> QTable:
    """Read a table of your own, with the checks that the package's own tables pass.

    Parameters
    ----------
    path : str or Path
        An ECSV file with the columns and the header of the package's tables; `seal` writes its checksum.

    Returns
    -------
    QTable
        As from `table`.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        A file that is no ECSV, has no checksum or another one than its content, lacks an entry of the header
        or a column, or holds NaN, unsorted x, negative errors, or units that do not fit. The message names
        the file and what to do.

    Examples
    --------
    >>> mine = load(str(_FOLDER / "ams02-bc-2021.ecsv"))  # your file
    >>> print(len(mine), mine["x"].unit)
    67 GV
    """
    path = Path(path)
    return _parse(_text(path.read_bytes(), str(path)), str(path))


def seal(*paths: str | Path) -> None:
    """Write the checksum into the header of new tables; ``python -m crlab.data seal FILE...`` does the same.

    Everything else in the files stays, but line ends become line feeds.

    Parameters
    ----------
    *paths : str or Path
        ECSV files. An old checksum is replaced. Those in a folder ``inputs`` may have any columns.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        A file that would not load for another reason than its checksum. Then no file is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mine = Path(folder, "mine.ecsv")
    ...     _ = mine.write_bytes((_FOLDER / "ams02-bc-2021.ecsv").read_bytes().replace(b"2.032 ", b"2.033 "))
    ...     seal(mine)
    ...     print(load(mine)["x"][0])
    2.033 GV
    """
    sealed = {}
    for path in map(Path, paths):
        text = _sealed(_text(path.read_bytes(), str(path)), str(path))
        check = _verified if path.parent.name == "inputs" else _parse
        check(text, str(path))
        sealed[path] = text
    for path, text in sealed.items():
        path.write_text(text, encoding="utf-8", newline="\n")


def total_error(table: QTable) -> u.Quantity:
    """Return the statistical and all systematic errors of a table, added in quadrature.

    The sum treats the errors of different points as independent. Systematic errors are not: they mostly move
    all points of an experiment together, and a fit that uses this sum gives a χ² that is too small.

    Parameters
    ----------
    table : QTable
        From `table` or `load`.

    Returns
    -------
    Quantity
        Shape (n,), in the unit of ``table["value"]``.

    Examples
    --------
    >>> bc = table("ams02-bc-2021")
    >>> print(f"{100 * (total_error(bc) / bc['value'])[30]:.1f} per cent")
    2.2 per cent
    """
    parts = [table[name] for name in table.colnames if name.startswith("s")]
    return np.sqrt(sum(part**2 for part in parts))


def catalogue() -> Table:
    """Return a listing of the package's tables.

    Returns
    -------
    Table
        A row per table: name, experiment, quantity, range of x, number of points, DOI.

    Examples
    --------
    >>> print(catalogue()["name", "range", "points"][0])
         name             range        points
    ------------- ------------------- ------
    ams02-bc-2021 2.03 to 2.07e+03 GV     67
    """
    rows = []
    for name in names():
        t = table(name)
        x = t["x"]
        span = f"{x[0].value:.3g} to {x[-1].value:.3g} {x.unit}"
        rows.append((name, t.meta["experiment"], t.meta["quantity"], span, len(t), t.meta["doi"]))
    return Table(rows=rows, names=["name", "experiment", "quantity", "range", "points", "doi"])


def compare_with_crdb(name: str, *, timeout: int = 60) -> QTable:
    """Compare one of the package's tables with the Cosmic-Ray Database (Maurin et al. 2023).

    This needs the network and the optional package crdb. Rows are matched by the bibcode of the publication
    and by x, to 0.5 per cent.

    Parameters
    ----------
    name : str
        One of `names`.
    timeout : int
        Seconds to wait for the server.

    Returns
    -------
    QTable
        A row per matched point: ``x``; ``value``, ``stat``, ``syst`` as stored here; ``crdb_value``,
        ``crdb_stat``, ``crdb_syst`` (upper errors) from the database; ``difference``, the relative one of the
        values. ``meta["unmatched"]`` lists the x, in the table's unit, that the database does not have.

    Raises
    ------
    ModuleNotFoundError
        The optional package crdb is not installed.
    ConnectionError
        The database did not answer.
    ValueError
        An unknown name, or a publication that the database does not hold.

    Examples
    --------
    >>> compare_with_crdb("ams02-p-2021")["difference"].max()  # doctest: +SKIP
    >>> compare_with_crdb("dampe-p-2026")
    Traceback (most recent call last):
    ...
    ValueError: dampe-p-2026 names no entry of the Cosmic-Ray Database to compare with
    """
    ours = table(name)
    if "crdb" not in ours.meta:
        raise ValueError(f"{name} names no entry of the Cosmic-Ray Database to compare with")
    rows = _query(ours.meta["crdb"], timeout)
    rows = rows[rows["ads"] == ours.meta["bibcode"]]
    rows = rows[np.char.find(rows["sub_exp"].astype(str), ours.meta["crdb"].get("sub_exp", "")) >= 0]
    pairs = []
    for i, x in enumerate(ours["x"].value):
        off = np.abs(rows["e"] / x - 1)
        if off.size and off.min() < 0.005:
            pairs.append((i, int(np.argmin(off))))
    if not pairs:
        raise ValueError(f"the Cosmic-Ray Database has no points of {name} under the bibcode {ours.meta['bibcode']}")
    mine, theirs = (np.array(index) for index in zip(*pairs, strict=True))
    result = ours["x", "value", "stat", "syst"][mine]
    unit = ours["value"].unit
    result["crdb_value"] = rows["value"][theirs] * unit
    result["crdb_stat"] = rows["err_sta"][theirs, 1] * unit
    result["crdb_syst"] = rows["err_sys"][theirs, 1] * unit
    result["difference"] = (result["value"] / result["crdb_value"] - 1).to(u.dimensionless_unscaled)
    result.meta = {"name": name, "unmatched": np.delete(ours["x"].value, mine).tolist()}
    return result


def _query(entry: dict[str, str], timeout: int) -> Any:
    """Ask the database for native data only: no combined ratios, no converted energies."""
    try:
        crdb = importlib.import_module("crdb")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "comparing with the Cosmic-Ray Database needs the package crdb: pip install 'crlab[crdb]'"
        ) from error
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # crdb prints a traceback of its own
            return crdb.query(
                entry["quantity"],
                energy_type=entry["energy_type"],
                combo_level=0,
                energy_convert_level=0,
                timeout=timeout,
            )
    except OSError as error:
        raise ConnectionError(
            f"the Cosmic-Ray Database did not answer ({error}); only this comparison needs the network"
        ) from error


def _text(content: bytes, label: str) -> str:
    """Decode a file, with line feeds as line ends, so that a checkout on Windows has the same checksum."""
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValueError(f"{label} is no text in UTF-8, so no table") from None
    if not text.startswith("# %ECSV"):
        raise ValueError(f"{label} is no ECSV table: its first line must begin with '# %ECSV'")
    return text


def _digest(text: str) -> str:
    """SHA-256 of the file without its checksum line."""
    return hashlib.sha256(_CHECKSUM.sub("", text, count=1).encode()).hexdigest()


def _sealed(text: str, label: str) -> str:
    """Put the checksum line under ``# meta:``, in the style in which the header is written."""
    text = _CHECKSUM.sub("", text, count=1)
    head = re.search(r"^# meta:( !!omap)?\n", text, re.MULTILINE)
    if head is None:
        raise ValueError(f"{label} has no header '# meta:' with an entry a line below it")
    line = "# - {sha256: '%s'}\n" if head[1] else "#   sha256: '%s'\n"
    return text[: head.end()] + line % _digest(text) + text[head.end() :]


def _verified(text: str, label: str) -> QTable:
    """Read a file's text whose checksum is right."""
    found = _CHECKSUM.search(text)
    advice = f"run: python -m crlab.data seal {label}"
    if found is None:
        raise ValueError(f"{label} has no checksum; once you are sure of its numbers, {advice}")
    if found[1] != _digest(text):
        raise ValueError(
            f"{label} was altered after its checksum was written. Restore the file (git checkout, or install "
            f"the package again); if the change is meant, {advice}"
        )
    try:
        with u.add_enabled_units([nucleon]):
            return QTable.read(text.splitlines(), format="ascii.ecsv")
    except Exception as error:
        raise ValueError(f"{label} is no readable ECSV table: {error}") from error


def _parse(text: str, label: str) -> QTable:
    """Check a measured table's text and turn it into a table."""
    raw = _verified(text, label)
    missing = [key for key in _META if not str(raw.meta.get(key) or "").strip()]
    if missing:
        raise ValueError(f"{label} lacks in its header: {', '.join(missing)}")
    return _checked(raw, label)


def _checked(raw: QTable, label: str) -> QTable:
    """Return the table with every column a quantity, once the numbers make sense."""
    edges = [name for name in ("x_low", "x_high") if name in raw.colnames]
    errors = [name for name in raw.colnames if name in ("stat", "syst") or name.startswith("syst_")]
    missing = [name for name in _COLUMNS if name not in raw.colnames]
    unknown = [name for name in raw.colnames if name not in [*_COLUMNS, *edges, *errors]]
    if missing or unknown or len(edges) == 1:
        raise ValueError(
            f"{label} must have the columns {', '.join(_COLUMNS)}, and may have both x_low and x_high, and "
            f"syst_...; it has {', '.join(raw.colnames)}"
        )
    variable = raw.meta["variable"]
    if variable not in _VARIABLES:
        raise ValueError(f"{label}: variable must be one of {', '.join(_VARIABLES)}, got {variable!r}")
    result = QTable(meta=dict(raw.meta))
    for name in raw.colnames:
        like = _VARIABLES[variable] if name.startswith("x") else raw["value"].unit
        result[name] = _quantity(raw[name], like, f"{label}: column {name}")
        result[name].info.description = raw[name].info.description
    x = result["x"]
    if np.any(x.value <= 0) or np.any(np.diff(x.value) <= 0):
        raise ValueError(f"{label}: x must be positive and increase from row to row")
    for name in errors:
        if np.any(result[name].value < 0):
            raise ValueError(f"{label}: column {name} must hold no negative error")
    if edges:
        low, high = result["x_low"], result["x_high"]
        if np.any(low >= x) or np.any(x >= high) or np.any(high[:-1] > low[1:] * (1 + 1e-9)):
            raise ValueError(f"{label}: x must lie between x_low and x_high, and bins must not overlap")
    return result


def _quantity(column: Any, like: Any, label: str) -> u.Quantity:
    """A column of finite numbers as a quantity, in a unit that converts to the one given."""
    if getattr(column, "mask", None) is not None and np.any(column.mask):
        raise ValueError(f"{label} has empty cells")
    unit = u.Unit(column.unit or "")
    like = u.Unit(like or "")
    if not unit.is_equivalent(like):
        raise ValueError(f"{label} must be in units like {str(like) or 'a pure number'}, got {str(unit) or 'none'}")
    values = np.asarray(column.value if isinstance(column, u.Quantity) else column)
    if values.ndim != 1 or values.dtype.kind not in "fiu" or not np.all(np.isfinite(values)):
        raise ValueError(f"{label} must hold a finite number in every row")
    return values.astype(np.float64) * unit
