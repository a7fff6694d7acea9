"""Libraries of simulated proton spectra in the experiments' bins, for training and testing a classifier.

One library is thousands of Galaxies, each seen burst-like and under CREDIT with the same sources. They come with the
package, and ``python -m crlab.sources.library make NAME...`` computes them again, bit for bit, in a store of
`crlab.ensemble` that survives a kill: each entry is ln x, rounded to steps of 2e-5, a fifteenth of the smallest error
in `crlab.sources.bins`. What decides the numbers stands in a manifest beside each, as `crlab.fingerprint` describes it.
"""

import argparse
import difflib
import hashlib
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import NDArray

from crlab import command, ensemble, fingerprint
from crlab.galaxy import Break, Halo
from crlab.parallel import Block
from crlab.sources.bins import bin_weights, proton_bins
from crlab.sources.credit import RATE
from crlab.sources.population import Arms, Population
from crlab.sources.release import Burst, EscapeLaw, Release
from crlab.sources.spectra import Galaxy, Simulator, prepare
from crlab.units import Array

__all__ = ["RECIPES", "Library", "Recipe", "load", "main", "make", "renew"]

Codes = NDArray[np.int32]

_STEP = 2e-5
_GRID = np.geomspace(20, 1.2e5, 606) * u.GV  # 160 a decade: features are 0.03 decades wide
_FOLDER = files("crlab.sources") / "stored"
_RATE = 1 / (u.kpc**2 * u.Myr)


@dataclass(frozen=True)
class Recipe:
    """How a library is made.

    Parameters
    ----------
    title : str
        What is special about it, in a few words.
    realisations : int
        Number of Galaxies.
    seed : int
        Their seed.
    floors : tuple of float
        E_b of the CREDIT scenarios in TeV; the burst-like scenario comes before them.
    galaxy : callable
        Returns the `Galaxy`.
    escape : mapping
        Other parameters of `EscapeLaw`.

    Examples
    --------
    >>> Recipe("three Galaxies", 3, 1, floors=(10.0,)).scenarios
    ('burst', 'CREDIT 10 TeV')
    """

    title: str
    realisations: int
    seed: int
    floors: tuple[float, ...]
    galaxy: Callable[[], Galaxy] = Galaxy
    escape: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names of the scenarios: ``"burst"``, ``"CREDIT 10 TeV"`` …"""
        return ("burst", *(f"CREDIT {floor:g} TeV" for floor in self.floors))

    def compute(self, numbers: Iterable[int]) -> Codes:
        """Compute some of the Galaxies, whatever else is computed.

        Parameters
        ----------
        numbers : iterable of int
            From 0 to `realisations` - 1.

        Returns
        -------
        ndarray of int32, shape (len(numbers), scenarios, bins)
            ln x of the bins in steps of 2e-5.
        """
        simulator, weights = self._tools()
        return np.stack([_binned(simulator.realisation(i, seed=self.seed), weights) for i in numbers])

    def _laws(self) -> dict[str, Release]:
        laws: list[Release] = [Burst(), *(EscapeLaw(floor=floor * u.TeV, **self.escape) for floor in self.floors)]
        return dict(zip(self.scenarios, laws, strict=True))

    def _tools(self) -> tuple[Simulator, Array]:
        bins = proton_bins()
        weights = bin_weights(_GRID.value * u.GeV, bins.low, bins.high)
        return prepare(self.galaxy(), _GRID, scenarios=self._laws()), weights

    @property
    def parameters(self) -> dict[str, Any]:
        """All that decides the numbers; as `crlab.fingerprint.describe` writes it, it stands in the manifest."""
        bins = proton_bins()
        return {
            "title": self.title,
            "realisations": self.realisations,
            "seed": self.seed,
            "galaxy": self.galaxy(),
            "scenarios": self._laws(),
            "rigidities": {"lowest": _GRID[0], "highest": _GRID[-1], "in all": len(_GRID)},
            "bins": {"low": bins.low, "high": bins.high},
            "step of ln x": _STEP,
        }


def _binned(x: Array, weights: Array) -> Codes:
    """Logarithm of x in the bins, in steps; x of shape (scenarios, energies)."""
    return np.rint(np.log(x @ weights.T) / _STEP).astype(np.int32)


def _block(block: Block, *, simulator: Simulator, weights: Array) -> Codes:
    return np.stack(
        [_binned(simulator.realisation(i, seed=block.seed), weights) for i in range(block.start, block.stop)]
    )


def _twice() -> Galaxy:
    return Galaxy(rate=2 * RATE)


def _broken() -> Galaxy:
    return Galaxy(halo=Halo(breaks=Break(312 * u.GV, change=0.2, width=0.5)))


def _arms() -> Galaxy:
    return Galaxy(rate=Population("Case & Bhattacharya 1998", arms=Arms()).ring_density)


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "reference": Recipe("all defaults", 6000, 20260311, (1.0, 3.0, 10.0, 30.0, 100.0)),
        "twice-the-rate": Recipe("twice as many explosions", 2000, 20260312, (10.0,), galaxy=_twice),
        "spiral-arms": Recipe("sources in spiral arms", 2000, 20260316, (10.0,), galaxy=_arms),
        "broken-diffusion": Recipe("a break of κ at 312 GV", 2000, 20260313, (10.0,), galaxy=_broken),
        "late-sedov": Recipe("t_Sed = 1000 yr", 2000, 20260314, (10.0,), escape={"start": 1000 * u.yr}),
        "slow-fall": Recipe("E_max falls as t^-0.8", 2000, 20260315, (10.0,), escape={"slope": 0.8}),
    }
)
"""The libraries that come with the package."""


@dataclass(frozen=True)
class Library:
    """Simulated spectra in the bins of `crlab.sources.bins.proton_bins`; made by `load`.

    Parameters
    ----------
    scenarios : tuple of str
        ``"burst"`` and the CREDIT scenarios, ``"CREDIT 10 TeV"`` …
    log_ratio : ndarray, shape (n, scenarios, bins)
        ln x. All scenarios of one row have the same sources.
    parameters : dict
        From the manifest.
    """

    scenarios: tuple[str, ...]
    log_ratio: Array
    parameters: dict[str, Any]

    def of(self, scenario: str) -> Array:
        """Logarithm of x for one scenario.

        Parameters
        ----------
        scenario : str
            One of `scenarios`.

        Returns
        -------
        ndarray, shape (n, bins)

        Raises
        ------
        ValueError
            Another scenario.
        """
        if scenario not in self.scenarios:
            raise ValueError(f"scenario must be one of {', '.join(self.scenarios)}, got {scenario!r}")
        return self.log_ratio[:, self.scenarios.index(scenario)]


def load(name: str = "reference", *, folder: Path | None = None) -> Library:
    """Read a library.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    folder : Path, optional
        Where `make` put it; by default that of the package.

    Returns
    -------
    Library

    Raises
    ------
    ValueError
        An unknown name, a file that was altered, or one that was made with other parameters.
    FileNotFoundError
        No such file.

    Examples
    --------
    >>> library = load("reference")
    >>> library.scenarios[:3], library.log_ratio.shape
    (('burst', 'CREDIT 1 TeV', 'CREDIT 3 TeV'), (6000, 6, 47))
    """
    recipe = _recipe(name)
    place = _FOLDER if folder is None else Path(folder)
    manifest = _manifest(name, place)
    if found := fingerprint.difference(manifest["parameters"], fingerprint.describe(recipe.parameters)):
        where, old, new = found
        raise ValueError(
            f"the library {name!r} was made with other parameters than the package has now ({where}: "
            f"{old or 'absent'}, now {new or 'absent'}): {_again(name)}"
        )
    codes = _codes(name, place, manifest)
    return Library(recipe.scenarios, np.asarray(codes * _STEP, dtype=np.float64), manifest["parameters"])


def make(
    name: str,
    folder: Path,
    *,
    other_kernels: bool = False,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> None:
    """Compute a library and write it with its manifest; a call that was killed goes on where it stopped.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    folder : Path
        Where ``NAME.npz`` and ``NAME.json`` go; it must exist. Until they are there, it holds ``NAME.zarr``, a store of
        `crlab.ensemble` with what is finished.
    other_kernels, executor, progress
        As in `crlab.ensemble.fill`; the executor does not change the numbers.

    Raises
    ------
    ValueError
        An unknown name, an unfinished store of other parameters or kernels.
    OSError
        No such folder, or files that cannot be written; seen before anything is computed.

    Examples
    --------
    >>> make("spiral-arms", Path("libraries"))  # doctest: +SKIP
    >>> make("arms", Path("libraries"))
    Traceback (most recent call last):
    ...
    ValueError: no library 'arms'; did you mean spiral-arms?
    """
    recipe, folder = _recipe(name), Path(folder)
    store = folder / f"{name}.zarr"
    ensemble.check_folder(folder)
    ensemble.check_store(store)
    simulator, weights = recipe._tools()
    ensemble.fill(
        store,
        partial(_block, simulator=simulator, weights=weights),
        n=recipe.realisations,
        batch=50,
        seed=recipe.seed,
        coords={"scenario": range(len(recipe.scenarios)), "bin": range(len(weights))},
        parameters=recipe.parameters,
        kernels=simulator.kernels,
        other_kernels=other_kernels,
        executor=executor,
        progress=progress,
    )
    codes = ensemble.read(store).astype(np.int32)
    ensemble.write_file(folder / f"{name}.npz", _pack(codes))
    _write_manifest(name, folder, codes)
    ensemble.remove(store)


def renew(name: str, folder: Path | None = None) -> None:
    """Write the manifest of a library anew, after a change of names that has left the numbers as they were.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    folder : Path, optional
        Where `make` put it; by default that of the package.

    Raises
    ------
    ValueError
        An unknown name, a file that was altered, or one of whose Galaxies another comes out today.
    OSError
        A file that is not there or cannot be written.

    Examples
    --------
    >>> renew("spiral-arms")  # doctest: +SKIP
    >>> renew("arms")
    Traceback (most recent call last):
    ...
    ValueError: no library 'arms'; did you mean spiral-arms?
    """
    recipe, place = _recipe(name), Path(str(_FOLDER)) if folder is None else Path(folder)
    codes = _codes(name, place, _manifest(name, place))
    numbers = np.unique(np.linspace(0, recipe.realisations - 1, 5).astype(int))
    # A step apart where another processor rounds the other way.
    if np.abs(recipe.compute(numbers) - codes[numbers]).max() > 1:
        raise ValueError(f"the library {name!r} has other numbers than the package gives now: {_again(name)}")
    _write_manifest(name, place, codes)


def _codes(name: str, folder: Any, manifest: Mapping[str, Any]) -> Codes:
    """What a file holds; refused if it is not what the manifest was written for."""
    recipe = _recipe(name)
    shape = (recipe.realisations, len(recipe.scenarios), proton_bins().size)
    codes = _unpack((folder / f"{name}.npz").read_bytes(), shape)
    if codes is None or _digest(codes) != manifest["sha256"]:
        raise ValueError(f"the library {name!r} was altered: {_again(name)}")
    return codes


def _manifest(name: str, folder: Any) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / f"{name}.json").read_bytes().decode())
        if "parameters" in manifest and isinstance(manifest["sha256"], str):
            return dict(manifest)
    except (KeyError, RecursionError, TypeError, ValueError):
        pass
    raise ValueError(f"the manifest of the library {name!r} was altered: {_again(name)}")


def _again(name: str) -> str:
    return f"make it again with `python -m crlab.sources.library make {name}`"


def _write_manifest(name: str, folder: Path, codes: Codes) -> None:
    manifest = {
        "made by": f"python -m crlab.sources.library make {name}",
        "parameters": fingerprint.describe(_recipe(name).parameters),
        "sha256": _digest(codes),
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    ensemble.write_file(folder / f"{name}.json", text.encode())


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        close = difflib.get_close_matches(str(name), RECIPES, cutoff=0.4) or RECIPES
        raise ValueError(f"no library {name!r}; did you mean {', '.join(close)}?")
    return RECIPES[name]


def _digest(codes: Codes) -> str:
    return hashlib.sha256(np.ascontiguousarray(codes, dtype="<i4").tobytes()).hexdigest()


def _pack(codes: Codes) -> bytes:
    """Differences between neighbouring bins, their four bytes in separate planes: these are small when compressed."""
    steps = np.diff(codes, axis=-1, prepend=0).astype("<i4")
    planes = np.ascontiguousarray(steps).view(np.uint8).reshape(-1, 4).T
    buffer = io.BytesIO()
    np.savez_compressed(buffer, planes=np.ascontiguousarray(planes))
    return buffer.getvalue()


def _unpack(packed: bytes, shape: tuple[int, ...]) -> Codes | None:
    """Inverse of `_pack`; None for a file of another form."""
    try:
        planes = np.load(io.BytesIO(packed))["planes"]
        steps = np.ascontiguousarray(planes.T).view("<i4").reshape(shape)
    except Exception:  # a byte that was altered in an archive raises almost anything
        return None
    return np.cumsum(steps, axis=-1, dtype=np.int32)


def main(arguments: list[str] | None = None) -> int:
    """Run one command: ``list``, ``make NAME... [--folder FOLDER]`` or ``renew [NAME...]`` for the manifests alone.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0, or 1 after an error, whose message goes to standard error.

    Examples
    --------
    >>> main(["list"])
    reference          6000 Galaxies, 6 scenarios: all defaults
    ...
    0
    """
    parser = argparse.ArgumentParser(
        prog="python -m crlab.sources.library", description="Libraries of simulated spectra."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the libraries")
    making = commands.add_parser("make", help="compute libraries")
    making.add_argument("name", nargs="+")
    renewing = commands.add_parser("renew", help="write manifests anew where the numbers have stayed as they were")
    renewing.add_argument("name", nargs="*", help="by default all")
    for one in (making, renewing):
        one.add_argument("--folder", type=Path, default=Path(str(_FOLDER)), help="by default that of the package")
    command.add_store(making)
    command.add_executor(making)
    options = parser.parse_args(arguments)
    if options.command == "list":
        for name, recipe in RECIPES.items():
            line = f"{name:<18} {recipe.realisations} Galaxies, {len(recipe.scenarios)} scenarios: {recipe.title}"
            letters = getattr(sys.stdout, "encoding", None) or "utf-8"
            print(line.encode(letters, "replace").decode(letters))
        return 0
    try:
        for name in options.name:
            _recipe(name)
        if options.command == "renew":
            for name in options.name or RECIPES:
                renew(name, options.folder)
            return 0
        with command.executor(options) as executor:
            for name in options.name:
                make(name, options.folder, other_kernels=options.other_kernels, executor=executor)
    except (ImportError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
