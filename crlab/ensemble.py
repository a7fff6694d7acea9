"""Long runs: realisations in a store on disc that survives a kill, whatever machine or cluster computes them.

The store is a Zarr group with an array ``x``, allocated in full at the start and filled with NaN. A batch of
realisations is one chunk and one file, written under another name and then renamed, so that it is there whole or not
at all. After it comes a check, a digest of what the store is, of the batch's number and of its bytes: a batch counts
only with the check that fits. A run computes the batches that are missing. Realisation i draws from a stream of its
own, so that a run on one worker, one on four and one that was killed and resumed leave the same bits.

What a store is: its parameters as `crlab.fingerprint.describe` writes them, seed, size, coordinates, and a digest of
the kernels that compute. They stand in its attributes, with the version of the package for information. The seconds
that each batch took are kept beside the numbers. `xarray.open_zarr` reads it all.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec

from crlab import fingerprint
from crlab.parallel import Block, blocks, map_blocks
from crlab.units import Array

__all__ = [
    "check_folder",
    "check_parameters",
    "check_store",
    "fill",
    "fill_all",
    "missing",
    "read",
    "remove",
    "seconds",
    "write_file",
]

_NAME, _CHECK, _SECONDS, _BATCH = "x", "check", "seconds", "batch"
_FORMAT = "crlab ensemble 2"
_DAY = 86400.0
_OTHER = "resumed_by_other_kernels"
_IDENTITY = ("format", "n", "batch", "seed", "dimensions", "parameters", "kernels")
_RESERVED = (_NAME, _CHECK, _SECONDS, _BATCH, "realisation")


def fill(
    path: str | os.PathLike[str],
    function: Callable[[Block], NDArray[Any]],
    *,
    n: int,
    batch: int,
    seed: int,
    coords: Mapping[str, ArrayLike],
    parameters: Mapping[str, Any],
    kernels: Iterable[ModuleType | type | Callable[..., Any]] = (),
    other_kernels: bool = False,
    executor: Executor | None = None,
    progress: bool | None = None,
) -> int:
    """Compute the realisations that a store lacks; make the store if it is not there.

    Parameters
    ----------
    path : path
        The store, a folder. Workers on other machines must see it under the same path.
    function : callable
        Takes a `Block` of realisations and returns an array of real numbers, shape (block.size, ...), as
        `Simulator.batch` of `crlab.sources.spectra` does. Its values for realisation i must depend on i and the seed
        alone. For processes and clusters it must pickle.
    n : int
        Number of realisations.
    batch : int
        Realisations in a chunk: what a worker computes at a time, and what a kill can lose.
    seed : int
    coords : mapping of str to array_like
        The other dimensions of the array in order, with their values as bare numbers.
    parameters : mapping
        What the realisations depend on: anything that `crlab.fingerprint.describe` takes. Stored, and compared on
        every later run, numbers to 1e-12, functions and classes of your own also by their source.
    kernels : iterable of module, class or function
        The code that decides the numbers, such as ``simulator.kernels``: a digest of its source is stored, and compared
        before anything is added.
    other_kernels : bool
        Go on with a store that other kernels, or other source of your own functions and classes in the parameters,
        began. If anything is added, its attributes then name both.
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
        A store of other parameters, seed or size, or of other source of functions and classes in the parameters; one
        that lacks batches and was begun by other kernels; a folder that is no store; a file in it that is cut short or
        belongs to another batch or store (which one, and what to do, is in the message; nothing is changed); results of
        another shape, complex, masked, with a unit, or that hold NaN; numbers out of range; coordinates with a unit or
        a name that no folder can have; parameters that cannot be told from others.
    OSError
        A place where nothing can be written.

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
    task = {
        "path": path,
        "function": function,
        "n": n,
        "batch": batch,
        "seed": seed,
        "coords": coords,
        "parameters": parameters,
        "kernels": kernels,
    }
    return fill_all([task], other_kernels=other_kernels, executor=executor, progress=progress, label=Path(path).name)


def fill_all(
    tasks: Sequence[Mapping[str, Any]],
    *,
    other_kernels: bool = False,
    executor: Executor | None = None,
    progress: bool | None = None,
    label: str = "batches",
) -> int:
    """Compute what several stores lack, their batches side by side: workers need not wait for the end of a store.

    Parameters
    ----------
    tasks : sequence of mapping
        For each store what `fill` takes: ``path``, ``function``, ``n``, ``batch``, ``seed``, ``coords``, ``parameters``
        and perhaps ``kernels``.
    other_kernels, executor, progress
        As in `fill`.
    label : str
        Text before the progress bar.

    Returns
    -------
    int
        How many realisations this call has computed.

    Raises
    ------
    ValueError, OSError
        As `fill`, or one store twice; all stores are looked at before anything is computed.

    Examples
    --------
    >>> import tempfile
    >>> common = dict(n=4, batch=2, seed=1, coords={"step": [1, 2]}, function=lambda block: np.ones((block.size, 2)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fill_all([{"path": f"{folder}/{name}", "parameters": {"name": name}, **common} for name in "ab"])
    8
    """
    places: set[Path] = set()
    for path in (Path(task["path"]) for task in tasks):
        if path.resolve() in places:
            raise ValueError(f"tasks must name each store once, got {path} twice")
        places.add(path.resolve())
    work = [batch for task in tasks for batch in _begin(other_kernels=other_kernels, **task)]
    if work:
        map_blocks(_compute, work, executor=executor, progress=progress, label=label)
    return sum(batch.size for batch in work)


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
        A folder that is no store, or a file in it that is cut short or belongs to another batch or store.

    Examples
    --------
    >>> import tempfile
    >>> task = dict(n=10, batch=4, seed=1, coords={"step": [1, 2, 3]}, parameters={})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fill(f"{folder}/ones", lambda block: np.ones((block.size, 3)), **task)
    ...     missing(f"{folder}/ones")
    0
    """
    store = _open(Path(path))
    return sum(store.size(i) for i in store.lacking())


def read(path: str | os.PathLike[str], start: int = 0, stop: int | None = None) -> Array:
    """Read realisations from a store, whatever kernels made it.

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
        A folder that is no store, realisations that it does not have or not yet, a file that is cut short or belongs to
        another batch or store.

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
    store = _open(Path(path))
    stop = store.n if stop is None else stop
    if not 0 <= start < stop <= store.n:
        raise ValueError(f"start and stop must lie in 0 to {store.n} and grow, got {start} and {stop}")
    parts = [store.values(i) for i in range(start // store.batch, (stop - 1) // store.batch + 1)]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        raise ValueError(f"{path} does not hold these realisations yet: call fill again to compute them")
    return np.concatenate(found)[start - start // store.batch * store.batch :][: stop - start]


def seconds(path: str | os.PathLike[str]) -> Array:
    """Processor time that each batch took, measured where it was computed.

    Parameters
    ----------
    path : path

    Returns
    -------
    ndarray, shape (batches,)
        NaN for a batch that is not there. The time of the one thread that computed it.

    Raises
    ------
    FileNotFoundError, ValueError
        As `missing`.

    Examples
    --------
    >>> import tempfile
    >>> task = dict(n=10, batch=4, seed=1, coords={"step": [1, 2, 3]}, parameters={})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fill(f"{folder}/ones", lambda block: np.ones((block.size, 3)), **task)
    ...     seconds(f"{folder}/ones").shape
    (3,)
    """
    store = _open(Path(path))
    lacking = store.lacking()
    return np.array([np.nan if i in lacking else float(store.piece(_SECONDS, i)[0]) for i in range(store.batches)])


def check_parameters(path: str | os.PathLike[str], parameters: Mapping[str, Any]) -> None:
    """Refuse a store that was made with other parameters.

    Parameters
    ----------
    path : path
    parameters : mapping
        As for `fill`.

    Raises
    ------
    FileNotFoundError
        No such folder.
    ValueError
        Other parameters, or a folder that is no store.

    Examples
    --------
    >>> import tempfile
    >>> task = dict(n=1, batch=1, seed=1, coords={"step": [1, 2]}, parameters={"width": 0.5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fill(f"{folder}/ones", lambda block: np.ones((block.size, 2)), **task)
    ...     check_parameters(f"{folder}/ones", {"width": 0.5})
    """
    store = _open(Path(path))
    _compare_parameters(store, _described(parameters))


def check_store(path: str | os.PathLike[str]) -> None:
    """Refuse a path where no store can be made or completed, before anything is computed.

    Parameters
    ----------
    path : path

    Raises
    ------
    ValueError
        Something else is there, or a store with a damaged file.
    OSError
        The folder that it would be in is a file, or nothing can be written there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_store(f"{folder}/new")
    ...     check_store(folder)
    Traceback (most recent call last):
    ...
    ValueError: ... must be an ensemble made by crlab, or not exist...
    """
    path = Path(path)
    if not path.exists():
        check_folder(path.parent, make=True)
    elif _open(path).lacking():
        check_folder(path)


def check_folder(path: str | os.PathLike[str], *, make: bool = False) -> None:
    """Refuse a folder where nothing can be written.

    Parameters
    ----------
    path : path
    make : bool
        Whether it will be made if it is not there.

    Raises
    ------
    OSError
        It does not exist, it or a folder that it would be in is a file, or nothing can be written there.

    Examples
    --------
    >>> check_folder("no-such-folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no-such-folder does not exist: make this folder first
    """
    found = Path(path)
    while make and not found.exists() and found != found.parent:
        found = found.parent
    if not found.exists():
        raise FileNotFoundError(f"{path} does not exist: make this folder first")
    if not found.is_dir():
        raise NotADirectoryError(f"{found} is a file: choose a folder")
    _clean(found / "probe")
    probe = _draft(found / "probe")
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise OSError(f"{found} cannot be written ({error.strerror}): choose another folder") from None


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file under another name and rename it, so that it is there whole or not at all.

    Parameters
    ----------
    path : path
    data : bytes

    Raises
    ------
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(f"{folder}/table", b"1 2 3")
    ...     (Path(folder) / "table").read_text()
    '1 2 3'
    """
    path = Path(path)
    _clean(path)
    draft = _draft(path)
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def remove(path: str | os.PathLike[str]) -> None:
    """Remove a store, after renaming it, so that a kill leaves no half of it under its name.

    Parameters
    ----------
    path : path

    Raises
    ------
    OSError
        No such folder, or one that cannot be removed.

    Examples
    --------
    >>> import tempfile
    >>> task = dict(n=1, batch=1, seed=1, coords={"step": [1, 2]}, parameters={})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fill(f"{folder}/ones", lambda block: np.ones((block.size, 2)), **task)
    ...     remove(f"{folder}/ones")
    ...     list(Path(folder).iterdir())
    []
    """
    draft = _draft(Path(path))
    Path(path).rename(draft)
    shutil.rmtree(draft)


@dataclass(frozen=True)
class _Batch(Block):
    """A block of realisations with its store and what computes it: all that a worker gets."""

    path: str
    identity: str
    function: Callable[[Block], Any]


@dataclass(frozen=True)
class _Store:
    """A store that is there."""

    path: Path
    group: zarr.Group

    @cached_property
    def attributes(self) -> dict[str, Any]:
        return dict(self.group.attrs)

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        return {}

    def array(self, name: str) -> Any:
        if name not in self._arrays:
            self._arrays[name] = self.group[name]
        return self._arrays[name]

    @property
    def n(self) -> int:
        return int(self.array(_NAME).shape[0])

    @property
    def batch(self) -> int:
        return int(self.array(_NAME).chunks[0])

    @property
    def batches(self) -> int:
        return -(-self.n // self.batch)

    def size(self, index: int) -> int:
        return min(self.batch, self.n - index * self.batch)

    def file(self, name: str, index: int) -> Path:
        array = self.array(name)
        return self.path / name / array.metadata.encode_chunk_key((index, *(0,) * (array.ndim - 1)))

    def piece(self, name: str, index: int) -> Any:
        """What an array holds of a batch."""
        array = self.array(name)
        length = array.chunks[0]
        try:
            return np.asarray(array[index * length : (index + 1) * length])
        except (OSError, RuntimeError, ValueError) as error:
            raise self._refused(name, index, f"is cut short or damaged ({error})") from None

    def values(self, index: int) -> Array | None:
        """The realisations of a batch; None if they or their check are not there."""
        values, check = self.piece(_NAME, index), int(self.piece(_CHECK, index)[0])
        if not check or np.isnan(values).any():
            return None
        if check != _check(self.identity, index, values):
            raise self._refused(_NAME, index, "does not fit its check, as if it were of another batch or store")
        return np.asarray(values)

    def lacking(self) -> list[int]:
        return [i for i in range(self.batches) if self.values(i) is None]

    @cached_property
    def identity(self) -> str:
        """Digest of what the store is."""
        what = json.dumps({key: self.attributes.get(key) for key in _IDENTITY}, sort_keys=True)
        digest = hashlib.sha256(what.encode())
        for name in self.attributes["dimensions"]:
            digest.update(self.axis(name).tobytes())
        return digest.hexdigest()

    def axis(self, name: str) -> Array:
        """Values of a coordinate."""
        try:
            return np.asarray(self.array(name), dtype="<f8")
        except (OSError, RuntimeError, ValueError) as error:
            raise ValueError(
                f"{self.path / name} is damaged ({error}), and with it all is lost: choose another path"
            ) from None

    def _refused(self, name: str, index: int, why: str) -> ValueError:
        return ValueError(
            f"{self.file(name, index)} {why}; the other batches are untouched. Remove this file and call fill again: "
            "it computes the same numbers anew"
        )


def _check(identity: str, index: int, values: Array) -> int:
    """Digest of a store, the number of a batch and its bytes; never 0, which stands for none."""
    digest = hashlib.sha256(f"{identity} {index} ".encode())
    digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return int.from_bytes(digest.digest()[:8], "little") | 1


def _begin(
    path: str | os.PathLike[str],
    function: Callable[[Block], Any],
    *,
    n: int,
    batch: int,
    seed: int,
    coords: Mapping[str, ArrayLike],
    parameters: Mapping[str, Any],
    kernels: Iterable[Any] = (),
    other_kernels: bool,
) -> list[_Batch]:
    """Make the store or compare it with what is wanted; return the batches that it lacks."""
    path = Path(path)
    axes = {name: _axis(name, values) for name, values in coords.items()}
    work = blocks(n, size=batch, seed=seed)
    wanted = {
        "format": _FORMAT,
        "version": version("crlab"),
        "n": int(n),
        "batch": int(batch),
        "seed": int(seed),
        "dimensions": list(axes),
        "parameters": _described(parameters),
        "kernels": fingerprint.kernels(kernels),
    }
    if not path.exists():
        check_folder(path.parent, make=True)
        _create(path, axes, wanted)
    _clean(path)
    store = _open(path)
    for draft in path.glob("**/*.partial"):  # of zarr, perhaps of a process that writes now
        if re.search(r"[.-][0-9a-f]{32}\.partial$", draft.name):
            _discard(draft)
    _compare(store, wanted, axes)
    todo = store.lacking()
    if todo:
        check_folder(path)
    _compare_kernels(store, wanted, other_kernels, adding=bool(todo))
    return [
        _Batch(b.index, b.start, b.stop, b.seed, str(path), store.identity, function) for b in (work[i] for i in todo)
    ]


def _axis(name: Any, values: ArrayLike) -> Array:
    """Values of a coordinate as given; its name becomes that of a folder."""
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w -]*", name) or name.lower() in _RESERVED:
        raise ValueError(
            "coords must have names of letters, digits, '_', '-' and spaces, each a name of its own that the store "
            f"does not use; got {name!r}"
        )
    if getattr(values, "unit", None) is not None:
        raise ValueError(f"coords[{name!r}] must be a list of bare numbers, got {values!r}: give its value in a unit")
    masked = isinstance(values, np.ma.MaskedArray) or hasattr(values, "unmasked")
    try:
        found = np.asarray(values)
        if found.dtype.kind in "biuf" and found.ndim == 1 and found.size and not np.isnan(found).any() and not masked:
            return found.astype(np.float64)
    except (TypeError, ValueError):  # such as lists of several lengths
        pass
    raise ValueError(f"coords[{name!r}] must be a list of numbers, got {values!r}")


def _described(parameters: Mapping[str, Any]) -> dict[str, Any]:
    for key in parameters:
        if not isinstance(key, str):
            raise ValueError(f"parameters must have names that are strings, got {key!r}")
    # Sorted, for their order is none of the store's; it matters only where a name is a mark of a description.
    plain = fingerprint.describe(dict(parameters), "parameters")
    found = (
        plain if set(plain) == set(parameters) else fingerprint.describe(dict(sorted(parameters.items())), "parameters")
    )
    return dict(found)


def _create(path: Path, axes: Mapping[str, Array], attributes: Mapping[str, Any]) -> None:
    """Make the store under another name and rename it, so that a kill leaves no half-made one."""
    draft = _draft(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        group = zarr.create_group(str(draft), attributes=dict(attributes))
        chunk = min(attributes["batch"], attributes["n"])
        group.create_array(
            _NAME,
            shape=(attributes["n"], *(axis.size for axis in axes.values())),
            chunks=(chunk, *(axis.size for axis in axes.values())),
            dtype="float64",
            fill_value=float("nan"),
            dimension_names=("realisation", *axes),
            compressors=(ZstdCodec(level=3), Crc32cCodec()),
        )
        for name, dtype, empty in ((_CHECK, "uint64", 0), (_SECONDS, "float64", float("nan"))):
            group.create_array(
                name,
                shape=(-(-attributes["n"] // chunk),),
                chunks=(1,),
                dtype=dtype,
                fill_value=empty,
                dimension_names=(_BATCH,),
                compressors=(Crc32cCodec(),),
            )
        for name, values in axes.items():
            array = group.create_array(
                name, shape=values.shape, chunks=values.shape, dtype="float64", dimension_names=(name,)
            )
            array[:] = values
        _consolidate(draft, [_NAME, _CHECK, _SECONDS, *axes])
        try:
            draft.rename(path)
        except OSError:  # another run was faster; whether its store is ours is checked by the caller
            if not path.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _consolidate(store: Path, names: Sequence[str]) -> None:
    """Copy the arrays' metadata into the group's, where xarray looks for them.

    `zarr.consolidate_metadata` does so with a warning, and a filter against it would hold for all threads.
    """
    arrays = {name: json.loads((store / name / "zarr.json").read_text(encoding="utf-8")) for name in names}
    group = json.loads((store / "zarr.json").read_text(encoding="utf-8"))
    group["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": arrays}
    (store / "zarr.json").write_text(json.dumps(group, indent=2), encoding="utf-8")


def _draft(path: Path) -> Path:
    """A name to write under, which tells by which process of which machine."""
    return path.with_name(f".{path.name}.{_machine()}-{os.getpid()}-{uuid.uuid4().hex}.partial")


@cache
def _machine() -> str:
    """Where numbers of processes mean the same: the machine, or the container on it."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _clean(path: Path) -> None:
    """Remove what a killed process has left of this store or file: drafts whose process has ended, and old ones."""
    pattern = re.compile(re.escape(f".{path.name}.") + r"(?:([0-9a-f]{8})-(\d+)-)?[0-9a-f]{32}\.partial")
    for draft in path.parent.glob(".*.partial"):
        if found := pattern.fullmatch(draft.name):
            _discard(draft, left=found[1] == _machine() and not _alive(int(found[2])))


def _discard(draft: Path, *, left: bool = False) -> None:
    """Remove a draft if it was left or is old."""
    with contextlib.suppress(OSError):  # gone, or not ours to remove
        if left or time.time() - draft.stat().st_mtime > _DAY:
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()


def _alive(process: int) -> bool:
    if os.name == "nt":  # where the question would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _open(path: Path, mode: str = "r") -> _Store:
    if not path.exists():
        raise FileNotFoundError(f"no ensemble at {path}")
    try:
        group = zarr.open_group(str(path), mode=mode)  # type: ignore[arg-type]
        store = _Store(path, group)
        if store.attributes["format"] == _FORMAT and _consistent(store):
            return store
    except (ArithmeticError, AttributeError, LookupError, NotImplementedError, OSError, TypeError, ValueError):
        pass  # no metadata, cut short or altered
    raise ValueError(
        f"{path} must be an ensemble made by crlab, or not exist; its zarr.json is missing, cut short or altered"
    )


def _consistent(store: _Store) -> bool:
    """Whether all attributes are there, and the arrays are as `_create` makes them for these."""
    n, batch, seed, names, *mappings = (store.attributes[key] for key in _IDENTITY[1:])
    whole = all(type(one) is int for one in (n, batch, seed)) and min(n, batch) > 0
    if not whole or not isinstance(names, list) or not all(isinstance(one, dict) for one in mappings):
        return False
    sizes = [store.array(name).size for name in names]
    batches = -(-n // min(n, batch))
    wanted = {
        _NAME: ((n, *sizes), (min(n, batch), *sizes), "float64"),
        _CHECK: ((batches,), (1,), "uint64"),
        _SECONDS: ((batches,), (1,), "float64"),
        **{name: ((size,), (size,), "float64") for name, size in zip(names, sizes, strict=True)},
    }
    found = {name: store.array(name) for name in wanted}
    return all((one.shape, one.chunks, one.dtype) == wanted[name] for name, one in found.items())


def _compare(store: _Store, wanted: Mapping[str, Any], axes: Mapping[str, Array]) -> None:
    _compare_parameters(store, wanted["parameters"])
    for key in ("n", "batch", "seed", "dimensions"):
        if store.attributes.get(key) != wanted[key]:
            raise ValueError(
                f"{store.path} was made with {key} = {store.attributes.get(key)!r}, not {wanted[key]!r}: "
                "choose another path"
            )
    for name, values in axes.items():
        # Equal to 1e-12: the last bit of numpy.geomspace differs between processors.
        old = store.axis(name)
        if old.shape != values.shape or not np.allclose(old, values, rtol=1e-12, atol=0):
            raise ValueError(f"{store.path} was made with other values of {name}: choose another path")


def _compare_parameters(store: _Store, parameters: Mapping[str, Any]) -> None:
    found = fingerprint.difference(store.attributes["parameters"], parameters, source=False, ordered=False)
    if found is not None:
        where, old, new = found
        what = f"without {where}" if old is None else f"with {where} = {old}"
        other = f"without {where}" if new is None else str(new) if old is not None else f"with {where} = {new}"
        raise ValueError(
            f"{store.path} was made {what}, not {other}: choose another path, or give the parameters that it was "
            "made with"
        )


def _compare_kernels(store: _Store, wanted: Mapping[str, Any], allowed: bool, *, adding: bool) -> None:
    """Refuse to add to a store what other code computes, unless it is allowed; then the store says so.

    Code of the reader's own in the parameters is a part of them: other code is refused also if nothing is added.
    """
    old, new = store.attributes.get("kernels", {}), wanted["kernels"]
    differ = [name for name in {**old, **new} if old.get(name) != new.get(name)] if adding else []
    found = fingerprint.difference(store.attributes["parameters"], wanted["parameters"], ordered=False)
    differ += [found[0]] if found else []
    if not differ:
        return
    if not allowed:
        raise ValueError(
            f"{store.path} was begun by other kernels ({', '.join(differ)}): read what it holds, choose another path, "
            "or let these go on with it by other_kernels=True (--other-kernels on the command line)"
        )
    if not adding:
        return
    entry = {key: wanted[key] for key in ("version", "kernels", "parameters")}
    known = store.attributes.get(_OTHER, [])
    if entry not in known:
        group = zarr.open_group(str(store.path), mode="r+")
        group.attrs[_OTHER] = [*known, entry]


def _compute(batch: Block) -> None:
    """Compute a batch where the worker is and write it; nothing but the news comes back."""
    assert isinstance(batch, _Batch)
    begin = time.thread_time()
    found = batch.function(Block(batch.index, batch.start, batch.stop, batch.seed))
    used = time.thread_time() - begin
    store = _open(Path(batch.path), mode="r+")
    shape = (batch.size, *store.array(_NAME).shape[1:])
    unit, values = getattr(found, "unit", None), np.asarray(found)
    if unit is not None:
        raise ValueError(f"function must return bare numbers, got a Quantity in {unit or 'no unit'}: return its value")
    if isinstance(found, np.ma.MaskedArray) or hasattr(found, "unmasked"):
        raise ValueError("function must return all numbers, got a masked array: fill in what is masked")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"function must return real numbers, got an array of {values.dtype}")
    if values.shape != shape:
        raise ValueError(f"function must return shape {shape}, got {values.shape}")
    values = values.astype(np.float64)
    if np.isnan(values).any():
        raise ValueError(f"function returned NaN for realisations {batch.start} to {batch.stop}")
    # A kill between any two of these lines leaves a batch without check, which the next run computes.
    store.file(_CHECK, batch.index).unlink(missing_ok=True)
    store.array(_SECONDS)[batch.index] = used
    store.array(_NAME)[batch.start : batch.stop] = values
    store.array(_CHECK)[batch.index] = _check(batch.identity, batch.index, values)
