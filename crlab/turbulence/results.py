"""Diffusion coefficients that take too long for a chapter: the cases, how they are computed, and the stored table.

``python -m crlab.turbulence results FOLDER`` computes what is missing in FOLDER, which has a store of `crlab.ensemble`
for each case, so that it can be stopped and started again, and then writes the files of ``crlab/turbulence/results``.
With ``--full`` it goes on to gyroradii of 0.001 L_c, with ``--executor dask`` on a cluster.
Reduced units throughout (see `crlab.turbulence`): lengths in L_c, the speed is 1, κ in L_c v.
"""

import hashlib
import io
import json
import zlib
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from crlab import ensemble
from crlab.parallel import Block, Serial
from crlab.turbulence import _kernels, particles, transport
from crlab.turbulence.spectrum import kolmogorov
from crlab.units import Array

__all__ = ["CASES", "FULL", "Case", "collect", "compute", "curves", "load", "manifest", "missing", "run", "stored"]

PIECE = 20
"""Realisations in one piece of the work, a batch of the store."""

_STORED = files("crlab.turbulence") / "results"
_TABLE, _CURVES, _MANIFEST = "kappa.ecsv", "curves.npz", "manifest.json"
_ROWS = ("par", "perp", "memory")
# So many first entries of a path are the same on any processor, before chaos parts the paths.
_EARLY = 3


@dataclass(frozen=True)
class Case:
    """One row of the table: a field, a gyroradius, and how they are sampled.

    Parameters
    ----------
    polarisation : str
        As in `crlab.turbulence.fields.wave_field`.
    eta, r_g : float
        δB²/(B0² + δB²), and the gyroradius in L_c.
    end, step : float
        Longest time and step, as path lengths in L_c.
    ratio, modes : float, int
        k_max/k_min of the Kolmogorov spectrum, and the number of waves.
    realisations, particles : int
        Fields, a multiple of `PIECE`, and particles in each.

    Raises
    ------
    ValueError
        Realisations that are no multiple of `PIECE`.

    Examples
    --------
    >>> case = Case("ISO", 0.1, 1.0, end=100.0, step=0.02)
    >>> case.name, f"{case.evaluations:.2e}"  # 5000 steps of 60 × 16 particles
    ('ISO-0.1-1-256', '1.23e+09')
    """

    polarisation: str
    eta: float
    r_g: float
    end: float
    step: float
    ratio: float = 100.0
    modes: int = 256
    realisations: int = 60
    particles: int = 16

    def __post_init__(self) -> None:
        if self.realisations < 1 or self.realisations % PIECE:
            raise ValueError(f"realisations must be a multiple of {PIECE}, got {self.realisations}")

    @property
    def name(self) -> str:
        """Like ``"ISO-0.1-1-256"``."""
        return f"{self.polarisation}-{self.eta:g}-{self.r_g:g}-{self.modes}"

    @property
    def evaluations(self) -> float:
        """Waves summed in all: steps times particles times waves."""
        return self.end / self.step * self.realisations * self.particles * self.modes

    @property
    def times(self) -> Array:
        """Times at which the paths are looked at, whole steps, shape (k,)."""
        steps = np.unique(np.rint(np.geomspace(max(1.0, 0.1 * self.r_g / self.step), self.end / self.step, 56)))
        return np.asarray(steps * self.step)

    def seed(self, piece: int) -> int:
        """Root seed of one piece; it depends on nothing but the name."""
        return zlib.crc32(self.name.encode()) + piece


def _cases() -> tuple[Case, ...]:
    """Times are five free paths or more along the field (4.7 for ALF at the weakest and highest), mostly many more."""
    step = {0.1: 0.006, 0.3: 0.012, 1.0: 0.015, 3.0: 0.03, 10.0: 0.05}
    weak = {0.1: 1500, 0.3: 1500, 1.0: 4000, 3.0: 6000, 10.0: 60000}
    even = {0.1: 400, 0.3: 500, 1.0: 1000, 3.0: 2000, 10.0: 16000}
    strong = {0.1: 120, 0.3: 120, 1.0: 200, 3.0: 500, 10.0: 3000}
    kinds = ("ISO", "ALF", "MAG")
    long = step | {10.0: 0.1}  # the shortest waves do nothing there
    made = [Case(kind, 0.5, r, even[r], long[r]) for r in step for kind in kinds if (kind, r) != ("ISO", 10.0)]
    made += [Case("ISO", 0.5, 10.0, even[10.0], long[10.0], realisations=600)]  # held against a closed form
    made += [Case(kind, 0.1, r, weak[r], step[r]) for r in (0.1, 1.0, 0.3) for kind in kinds]
    made += [Case("ISO", 1.0, r, strong[r], step[r]) for r in step]
    fine: dict[str, Any] = {"ratio": 300.0, "modes": 320}
    made += [Case(kind, 0.5, 0.03, 250, 0.0037, **fine) for kind in kinds]
    made += [Case(kind, 0.1, 0.03, 1000, 0.0037, **fine) for kind in kinds]
    made += [Case(kind, 0.1, 3.0, weak[3.0], step[3.0]) for kind in kinds]
    made += [Case(kind, 0.1, 10.0, weak[10.0], long[10.0]) for kind in kinds]
    made += [Case("ISO", 1.0, 10.0, 2000, 0.05, modes=1024), Case("ISO", 1.0, 3.0, 500, 0.03, modes=1024)]
    finer: dict[str, Any] = {"ratio": 1000.0, "modes": 384, "particles": 8}
    made += [Case(kind, 0.5, 0.01, 250, 0.00124, **finer) for kind in kinds]
    made += [Case(kind, 0.9, r, strong[r], step[r]) for r in (0.1, 0.3, 1.0, 3.0) for kind in kinds]
    made += [Case(kind, 0.1, 0.01, 800, 0.00124, **finer) for kind in kinds]
    made += [_fine("ISO", 0.5, 0.003)]
    return tuple(made)


def _fine(kind: str, eta: float, r_g: float) -> Case:
    """A case at a small gyroradius, with waves down to r_g/2 or shorter and 128 of them for each decade."""
    ratio, modes = (3000.0, 448) if r_g > 0.002 else (10000.0, 512)
    return Case(kind, eta, r_g, 250 if eta > 0.3 else 800, 0.1253 * r_g, ratio=ratio, modes=modes, particles=8)


CASES: tuple[Case, ...] = _cases()
"""What the table holds, in the order in which it is computed."""

FULL: tuple[Case, ...] = tuple(
    case
    for r_g in (0.003, 0.001)
    for eta in (0.5, 0.1)
    for case in (_fine(kind, eta, r_g) for kind in ("ISO", "ALF", "MAG"))
    if case not in CASES
)
"""What full size has besides: all polarisations down to r_g = 0.001 L_c."""


def compute(case: Case, piece: int, *, executor: Executor | None = None) -> dict[str, Array]:
    """Compute one piece of a case.

    Parameters
    ----------
    case : Case
    piece : int
        From 0 to realisations/`PIECE` - 1.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    dict
        ``t``, shape (k,); ``par``, ``perp`` and ``memory``, that is ⟨Δz²⟩, ⟨Δx² + Δy²⟩ and ⟨v_z(0) v_z(t)⟩ of each
        realisation, shape (PIECE, k).

    Raises
    ------
    ValueError
        A piece that the case does not have.

    Examples
    --------
    >>> quick = Case("ISO", 0.5, 1.0, end=0.3, step=0.015, modes=16, realisations=20, particles=2)
    >>> compute(quick, 0)["par"].shape == (20, quick.times.size)
    True
    """
    if not 0 <= piece < case.realisations // PIECE:
        raise ValueError(f"piece must be from 0 to {case.realisations // PIECE - 1}, got {piece!r}")
    paths = particles.ensemble(
        kolmogorov(case.ratio),
        eta=case.eta,
        r_g=case.r_g,
        times=np.concatenate([[0.0], case.times]),
        realisations=PIECE,
        particles=case.particles,
        seed=case.seed(piece),
        modes=case.modes,
        polarisation=case.polarisation,
        step=case.step,
        precision="mixed",
        warn=False,  # where r_g is above L_c the shortest waves do not matter, and the step is chosen by the others
        executor=executor,
        progress=False,
    )
    assert paths.direction is not None
    x, v = paths.position[:, :, 1:], paths.direction
    return {
        "t": paths.t[1:],
        "par": np.mean(x[..., 2] ** 2, axis=1),
        "perp": np.mean(x[..., 0] ** 2 + x[..., 1] ** 2, axis=1),
        "memory": np.mean(v[:, :, 1:, 2] * v[:, :, :1, 2], axis=1),
    }


def missing(folder: Path, cases: Sequence[Case] | None = None) -> list[tuple[Case, int]]:
    """Return the cases that a folder lacks, and how many realisations of each.

    Parameters
    ----------
    folder : Path
    cases : sequence of Case, optional
        By default `CASES`.

    Returns
    -------
    list of (Case, int)
        In the order of the cases, without those that are complete.

    Raises
    ------
    ValueError
        A case of that name with other parameters, or a damaged store.

    Examples
    --------
    >>> missing(Path("no-such-folder"))[0] == (CASES[0], CASES[0].realisations)
    True
    """
    found = []
    for case in _chosen(cases):
        lacks, store = case.realisations, folder / case.name
        if store.exists():
            ensemble.check_parameters(store, _parameters(case))
            lacks = ensemble.missing(store)
        if lacks:
            found.append((case, lacks))
    return found


def run(
    folder: Path,
    cases: Sequence[Case] | None = None,
    *,
    other_kernels: bool = False,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> int:
    """Compute what a folder lacks; what is there is kept, so that a stopped run goes on.

    Parameters
    ----------
    folder : Path
        Made if it does not exist. Each case becomes a store of `crlab.ensemble` with its name: `PIECE` realisations are
        a batch; the axes are the realisations, ⟨Δz²⟩, ⟨Δx² + Δy²⟩ and ⟨v_z(0) v_z(t)⟩, and the times.
    cases : sequence of Case, optional
        By default `CASES`.
    other_kernels, executor, progress
        As in `crlab.ensemble.fill`.

    Returns
    -------
    int
        How many realisations this call has computed.

    Raises
    ------
    ValueError, OSError
        As `crlab.ensemble.fill`.

    Examples
    --------
    >>> run(Path("cases"))  # doctest: +SKIP
    """
    tasks = [
        {
            "path": folder / case.name,
            "function": partial(_batch, case=case),
            "n": case.realisations,
            "batch": PIECE,
            "seed": case.seed(0),
            "coords": {"quantity": range(len(_ROWS)), "time": case.times},
            "parameters": _parameters(case),
            "kernels": [_kernels],
        }
        for case in _chosen(cases)
    ]
    return ensemble.fill_all(
        tasks, other_kernels=other_kernels, executor=executor, progress=progress, label=folder.name
    )


def collect(folder: Path, target: Path, cases: Sequence[Case] | None = None) -> None:
    """Make the table, the running curves and their manifest from all complete cases of a folder.

    Parameters
    ----------
    folder : Path
        Filled by `run`.
    target : Path
        Where the three files go.
    cases : sequence of Case, optional
        By default `CASES`.

    Raises
    ------
    ValueError
        No case is complete, or one of these names has other parameters.
    OSError
        The files cannot be written.

    Examples
    --------
    >>> collect(Path("cases"), Path("crlab/turbulence/results"))  # doctest: +SKIP
    """
    lacking = {case.name for case, _ in missing(folder, cases)}
    done = [case for case in _chosen(cases) if case.name not in lacking]
    if not done:
        raise ValueError(f"folder must hold at least one complete case, got none in {folder}")
    rows, arrays, early = [], {}, {}
    for case in done:
        t, seconds = case.times, ensemble.seconds(folder / case.name).sum()
        x = ensemble.read(folder / case.name)
        rest = {key: np.ascontiguousarray(x[:, i]) for i, key in enumerate(_ROWS)}
        row = asdict(case) | {"name": case.name, "seconds": round(float(seconds))}
        for key, axes in (("par", 1), ("perp", 2)):
            value, error = transport.plateau(t, rest[key], start=case.end / 4, axes=axes)
            row |= {f"kappa_{key}": _round(value, error), f"error_{key}": _round(error, error)}
            found = transport.running(t, rest[key], axes=axes)
            arrays[f"{case.name}/{key}"] = _single(found.t, found.value, found.error)
        found = transport.mean(t, rest["memory"])
        arrays[f"{case.name}/memory"] = _single(found.t, found.value, found.error)
        early[case.name] = [float(f"{value:.9g}") for value in rest["par"][0, :_EARLY]]
        rows.append(row)
    first = ["name", "polarisation", "eta", "r_g", "kappa_par", "error_par", "kappa_perp", "error_perp"]
    table = Table(rows)[first + [key for key in rows[0] if key not in first]]
    table.meta["comments"] = ["Diffusion in synthetic turbulence, reduced units: lengths in L_c, kappa in L_c v."]
    text, packed = io.StringIO(), io.BytesIO()
    table.write(text, format="ascii.ecsv")
    np.savez_compressed(packed, **arrays)
    made = {_TABLE: text.getvalue().encode(), _CURVES: packed.getvalue()}
    record = {
        "what": "Running and late diffusion coefficients of particles in synthetic Kolmogorov turbulence",
        "command": "python -m crlab.turbulence results FOLDER",
        "cases": len(done),
        "processor_hours": round(sum(row["seconds"] for row in rows) / 3600, 2),
        "first_displacements": early,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in made.items()},
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, data in (made | {_MANIFEST: (json.dumps(record, indent=1) + "\n").encode()}).items():
        ensemble.write_file(target / name, data)


def load(**selection: Any) -> Table:
    """Return rows of the stored table.

    Parameters
    ----------
    **selection
        Columns and the value that they must have, such as ``polarisation="ISO", eta=0.1``.

    Returns
    -------
    Table
        By growing r_g, and number of waves; columns as in `Case`, with ``kappa_par``, ``error_par``, ``kappa_perp``,
        ``error_perp`` in L_c v, per axis, and ``seconds`` of processor time.

    Raises
    ------
    ValueError
        An unknown column, or nothing that fits.

    Examples
    --------
    >>> row = load(polarisation="ISO", eta=0.5, r_g=1.0)[0]
    >>> print(f"{row['kappa_par']:.0f}")
    3
    """
    with (_STORED / _TABLE).open() as stream:
        table = Table.read(stream.read().splitlines(), format="ascii.ecsv")
    for key, value in selection.items():
        if key not in table.colnames:
            raise ValueError(f"selection must use the columns {', '.join(table.colnames)}, got {key!r}")
        table = table[table[key] == value]
    if not len(table):
        raise ValueError(f"no stored case has {selection}")
    table.sort(["r_g", "modes"])
    return table


def stored(polarisation: str, eta: float, r_g: float, axis: str) -> tuple[float, float]:
    """One value of the stored table, with the fewest waves; without a mean field the mean over all axes.

    Parameters
    ----------
    polarisation : str
    eta, r_g : float
    axis : {"par", "perp"}

    Returns
    -------
    value, error : float

    Raises
    ------
    ValueError
        As `load`.

    Examples
    --------
    >>> print(f"{stored('ISO', 0.5, 1.0, 'par')[0]:.0f}")
    3
    """
    row = load(polarisation=polarisation, eta=eta, r_g=r_g)[0]
    if eta < 1:
        return float(row[f"kappa_{axis}"]), float(row[f"error_{axis}"])
    mean = (row["kappa_par"] + 2 * row["kappa_perp"]) / 3
    return float(mean), float(np.hypot(row["error_par"], 2 * row["error_perp"]) / 3)


def curves(name: str) -> dict[str, transport.Measured]:
    """Return the running coefficients of a stored case.

    Parameters
    ----------
    name : str
        As in the column ``name`` of `load`.

    Returns
    -------
    dict
        ``"par"`` and ``"perp"``: d(t) per axis; ``"memory"``: ⟨v_z(0) v_z(t)⟩; pure numbers in reduced units.

    Raises
    ------
    ValueError
        No such case.

    Examples
    --------
    >>> print(f"{curves('ISO-0.5-1-256')['memory'].value[0]:.1f}")
    0.3
    """
    with (_STORED / _CURVES).open("rb") as stream, np.load(stream) as stored:
        if f"{name}/par" not in stored:
            raise ValueError(f"no stored case is called {name!r}; see the names in load()")
        rows = {key: stored[f"{name}/{key}"].astype(float) for key in _ROWS}
    return {key: transport.Measured(t, value, error) for key, (t, value, error) in rows.items()}


def manifest() -> dict[str, Any]:
    """Return how the stored files were made: command, cost, checksums, first displacements to compare with.

    Returns
    -------
    dict

    Examples
    --------
    >>> manifest()["command"]
    'python -m crlab.turbulence results FOLDER'
    """
    return dict(json.loads((_STORED / _MANIFEST).read_text()))


def _chosen(cases: Sequence[Case] | None) -> Sequence[Case]:
    return CASES if cases is None else cases


def _parameters(case: Case) -> dict[str, Any]:
    means = "mean over the particles of a realisation; quantities 0, 1, 2: dz^2, dx^2 + dy^2, v_z(0) v_z(t)"
    return {"case": case, "spectrum": "Kolmogorov", "x": f"{means}; lengths and times in L_c"}


def _batch(block: Block, *, case: Case) -> Array:
    """A piece for the store, shape (PIECE, 3, k)."""
    found = compute(case, block.index, executor=Serial())
    return np.stack([found[key] for key in _ROWS], axis=1)


def _single(*columns: Array) -> Any:
    return np.stack(columns).astype(np.float32)


def _round(value: float, error: float) -> float:
    """A number to three digits of its error."""
    return round(value, 2 - int(np.floor(np.log10(error))))
