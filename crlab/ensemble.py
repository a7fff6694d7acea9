"""Long ensembles: realisations in a store on disc that survives a kill, whatever machine or cluster computes them.

The store is a Zarr group with one array, allocated in full at the start and filled with NaN. A batch of realisations
is one chunk and one file, written under another name and then renamed, so that it is there whole or not at all. A run
computes the batches that are missing. Realisation i draws from a stream of its own, so that a run on one worker, one
on four and one that was killed and resumed leave the same bits. The attributes hold parameters, seed and version, and
`xarray.open_zarr` reads the store with its coordinates.
"""

import json
import os
import shutil
import uuid
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from crlab.parallel import Block, blocks, map_blocks
from crlab.units import Array

__all__ = ["fill", "missing", "read"]

_NAME = "x"
_FORMAT = "crlab ensemble 1"


def fill(
    path: str | os.PathLike[str],
    function: Callable[[Block], NDArray[Any]],
    *,
    n: int,
    batch: int,
    seed: int,
    coords: Mapping[str, ArrayLike],
    parameters: Mapping[str, Any],
    executor: Executor | None = None,
    progress: bool | None = None,
) -> int:
    """Compute the realisations that a store lacks; make the store if it is not there.

    Parameters
    ----------
    path : path
        The store, a folder. Workers on other machines must see it under the same path.
    function : callable
        Takes a `Block` of realisations and returns an array of shape (block.size, ...), as
        `Simulator.batch` of `crlab.sources.spectra` does. Its values for realisation i must depend on i and the seed
        alone. For processes and clusters it must pickle.
    n : int
        Number of realisations.
    batch : int
        Realisations in a chunk: what a worker computes at a time, and what a kill can lose.
    seed : int
    coords : mapping of str to array_like
        The other dimensions of the array in order, with their values as numbers.
    parameters : mapping
        What the realisations depend on, in a form that JSON can hold. Stored, and compared on every later run.
    executor : Executor, optional
        As in `crlab.parallel.map_blocks`: threads by default, or processes, or Dask's ``client.get_executor()``.
    progress : bool, optional
        As in `crlab.parallel.map_blocks`.

    Returns
    -------
    int
        How many realisations this call has computed.

    Raises
    ------
    ValueError
        A store of other parameters, seed, size or version of the package; a folder that is no store; a file in it that
        is cut short (which one, and what to do, is in the message; nothing is changed); results of another shape or
        that hold NaN; numbers out of range.

    Notes
    -----
    Survives the death of the process at any moment, not the loss of power: files are not forced to the disc.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> def walk(block):
    ...     return np.stack([Block(i, i, i + 1, block.seed).generator().normal(size=3).cumsum()
    ...                      for i in range(block.start, block.stop)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     task = dict(n=10, batch=4, seed=1, coords={"step": [1, 2, 3]}, parameters={"model": "walk"})
    ...     fill(f"{folder}/walks", walk, **task), fill(f"{folder}/walks", walk, **task), read(f"{folder}/walks").shape
    (10, 0, (10, 3))
    """
    path = Path(path)
    axes = {name: np.asarray(values, dtype=np.float64) for name, values in coords.items()}
    for name, values in axes.items():
        if name in (_NAME, "realisation") or values.ndim != 1 or values.size == 0 or np.isnan(values).any():
            raise ValueError(f"coords[{name!r}] must be a list of numbers with a name of its own, got {coords[name]!r}")
    work = blocks(n, size=batch, seed=seed)
    wanted = {
        "format": _FORMAT,
        "version": version("crlab"),
        "n": int(n),
        "batch": int(batch),
        "seed": int(seed),
        "dimensions": list(axes),
        "parameters": _plain(parameters),
    }
    if not path.exists():
        _create(path, axes, wanted)
    _compare(path, dict(_open(path).attrs), wanted, axes)
    todo = [work[i] for i in _missing(path)]
    if todo:
        map_blocks(partial(_store, str(path), function), todo, executor=executor, progress=progress, label=path.name)
    return sum(block.size for block in todo)


def missing(path: str | os.PathLike[str]) -> int:
    """Count the realisations that a store still lacks.

    Parameters
    ----------
    path : path

    Returns
    -------
    int

    Raises
    ------
    FileNotFoundError
        No such folder.
    ValueError
        A folder that is no store, or a file in it that is cut short.

    Examples
    --------
    >>> import tempfile
    >>> task = dict(n=10, batch=4, seed=1, coords={"step": [1, 2, 3]}, parameters={})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fill(f"{folder}/ones", lambda block: np.ones((block.size, 3)), **task)
    ...     missing(f"{folder}/ones")
    0
    """
    path = Path(path)
    array = _array(_open(path))
    n, batch = array.shape[0], array.chunks[0]
    return int(sum(min(batch, n - i * batch) for i in _missing(path)))


def read(path: str | os.PathLike[str], start: int = 0, stop: int | None = None) -> Array:
    """Read realisations from a store.

    Parameters
    ----------
    path : path
    start, stop : int
        Which ones; all by default.

    Returns
    -------
    ndarray, shape (stop - start, ...)

    Raises
    ------
    FileNotFoundError
        No such folder.
    ValueError
        A folder that is no store, realisations that it does not have or not yet, a file that is cut short.

    Examples
    --------
    >>> import tempfile
    >>> task = dict(n=10, batch=4, seed=1, coords={"step": [1, 2, 3]}, parameters={})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fill(f"{folder}/ones", lambda block: np.ones((block.size, 3)), **task)
    ...     read(f"{folder}/ones", 3, 5)
    array([[1., 1., 1.],
           [1., 1., 1.]])
    """
    path = Path(path)
    array = _array(_open(path))
    stop = array.shape[0] if stop is None else stop
    if not 0 <= start < stop <= array.shape[0]:
        raise ValueError(f"start and stop must lie in 0 to {array.shape[0]} and grow, got {start} and {stop}")
    batch = array.chunks[0]
    parts = [_chunk(path, array, i) for i in range(start // batch, (stop - 1) // batch + 1)]
    values = np.concatenate(parts)[start - start // batch * batch :][: stop - start]
    if np.isnan(values).any():
        raise ValueError(f"{path} does not hold these realisations yet: call fill again to compute them")
    return values


def _plain(parameters: Mapping[str, Any]) -> Any:
    """The parameters as JSON gives them back, so that they compare equal with what is stored."""
    try:
        return json.loads(json.dumps(dict(parameters), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"parameters must be what JSON can hold: {error}") from None


def _create(path: Path, axes: Mapping[str, Array], attributes: Mapping[str, Any]) -> None:
    """Make the store under another name and rename it, so that a kill leaves no half-made one."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        group = zarr.create_group(str(draft), attributes=dict(attributes))
        group.create_array(
            _NAME,
            shape=(attributes["n"], *(axis.size for axis in axes.values())),
            chunks=(min(attributes["batch"], attributes["n"]), *(axis.size for axis in axes.values())),
            dtype="float64",
            fill_value=float("nan"),
            dimension_names=("realisation", *axes),
            compressors=(ZstdCodec(level=3), Crc32cCodec()),
        )
        for name, values in axes.items():
            array = group.create_array(
                name, shape=values.shape, chunks=values.shape, dtype="float64", dimension_names=(name,)
            )
            array[:] = values
        with warnings.catch_warnings():  # version 3 of the format does not standardise what xarray looks for
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(str(draft))
        try:
            draft.rename(path)
        except OSError:  # another run was faster; whether its store is ours is checked by the caller
            if not path.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open(path: Path, mode: str = "r") -> zarr.Group:
    if not path.exists():
        raise FileNotFoundError(f"no ensemble at {path}")
    try:
        group = zarr.open_group(str(path), mode=mode)  # type: ignore[arg-type]
        if group.attrs.get("format") == _FORMAT and _NAME in group:
            return group
    except (FileNotFoundError, KeyError, TypeError, ValueError):  # no metadata, or cut short
        pass
    raise ValueError(f"{path} must be an ensemble made by crlab, or not exist; its zarr.json is missing or cut short")


def _array(group: zarr.Group, name: str = _NAME) -> Any:
    return group[name]


def _compare(path: Path, found: dict[str, Any], wanted: dict[str, Any], axes: Mapping[str, Array]) -> None:
    if found != wanted:
        for key in wanted:
            old, new = found.get(key), wanted[key]
            if key == "parameters" and isinstance(old, dict):
                for name in sorted(set(old) | set(new)):
                    if old.get(name) != new.get(name):
                        raise ValueError(
                            f"{path} was made with {name} = {old.get(name)!r}, not {new.get(name)!r}: "
                            "choose another path, or give the parameters that it was made with"
                        )
            elif old != new:
                raise ValueError(f"{path} was made with {key} = {old!r}, not {new!r}: choose another path")
    group = _open(path)
    for name, values in axes.items():
        if name not in group or not np.array_equal(np.asarray(_array(group, name)), values):
            raise ValueError(f"{path} was made with other values of {name}: choose another path")


def _chunk(path: Path, array: Any, index: int) -> Array:
    batch = array.chunks[0]
    try:
        return np.asarray(array[index * batch : (index + 1) * batch])
    except (OSError, RuntimeError, ValueError) as error:
        file = path / _NAME / array.metadata.encode_chunk_key((index, *(0,) * (array.ndim - 1)))
        raise ValueError(
            f"{file} is cut short or damaged ({error}); the other batches are untouched. Remove this file "
            "and call fill again: it computes the same numbers anew"
        ) from None


def _missing(path: Path) -> list[int]:
    array = _array(_open(path))
    number = -(-array.shape[0] // array.chunks[0])
    return [i for i in range(number) if np.isnan(_chunk(path, array, i)).any()]


def _store(path: str, function: Callable[[Block], NDArray[Any]], block: Block) -> None:
    """Compute a batch where the worker is and write it; nothing but the news comes back."""
    array = _array(_open(Path(path), mode="r+"))
    values = np.asarray(function(block), dtype=np.float64)
    if values.shape != (block.size, *array.shape[1:]):
        raise ValueError(f"function must return shape {(block.size, *array.shape[1:])}, got {values.shape}")
    if np.isnan(values).any():
        raise ValueError(f"function returned NaN for realisations {block.start} to {block.stop}")
    array[block.start : block.stop] = values
