"""One way to be parallel: blocks fixed by the problem, a random stream for each, any executor.

Work is cut into blocks that depend on the problem alone. Block i draws from the generator spawned as
number i from the seed, so one thread, two threads and a cluster give the same bits. Libraries do their share of a
block on one thread, wherever it is computed.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

__all__ = ["Block", "Serial", "blocks", "map_blocks", "one_thread", "threads"]

Result = TypeVar("Result")


@dataclass(frozen=True)
class Block:
    """A slice of the work with its own random stream; made by `blocks`.

    Parameters
    ----------
    index : int
        Number of the block, which is also its spawn key.
    start, stop : int
        The items of the block, ``start <= item < stop``.
    seed : int
        Root seed that all blocks of one calculation share.

    Examples
    --------
    >>> first, second = blocks(5, size=3, seed=1)
    >>> second.start, second.size
    (3, 2)
    """

    index: int
    start: int
    stop: int
    seed: int

    @property
    def size(self) -> int:
        """Number of items."""
        return self.stop - self.start

    def generator(self) -> np.random.Generator:
        """Return the block's generator, from its beginning."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.index,)))


def blocks(n: int, *, size: int, seed: int) -> tuple[Block, ...]:
    """Cut n items into blocks of at most `size` items.

    Parameters
    ----------
    n : int
        Number of items, such as particles or realisations; at least 1.
    size : int
        Items per block. It is part of the problem: other sizes give other random numbers.
    seed : int
        Root seed, at least 0.

    Returns
    -------
    tuple of Block

    Raises
    ------
    ValueError
        A number that is no integer, n or size < 1, seed < 0.

    Examples
    --------
    >>> [block.size for block in blocks(10, size=4, seed=1)]
    [4, 4, 2]
    """
    for name, value, least in (("n", n, 1), ("size", size, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return tuple(
        Block(i, start, min(start + int(size), int(n)), int(seed))
        for i, start in enumerate(range(0, int(n), int(size)))
    )


def threads() -> int:
    """Return the number of threads used by default: ``CRLAB_THREADS``, else the cores this process may use.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        ``CRLAB_THREADS`` is no positive integer.

    Examples
    --------
    >>> threads() >= 1
    True
    """
    wanted = os.environ.get("CRLAB_THREADS")
    if wanted is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"CRLAB_THREADS must be a positive integer, got {wanted!r}")
    return int(wanted)


class _Limits:
    """The limits of all threads that are inside `one_thread`.

    One on BLAS holds for the process, so that it may go only when the last thread has left. One on OpenMP holds for the
    thread that sets it, and for a BLAS that is built on OpenMP.
    """

    def __init__(self) -> None:
        self._modules = 0
        self._blas: list[Any] = []
        self.forget()

    def forget(self) -> None:
        """Nobody is inside: at the start, and in a forked process, where threads are gone, perhaps with the lock."""
        self._lock = threading.Lock()
        self._inside = 0

    def enter(self) -> Any:
        """Limit BLAS and OpenMP, and return the limit of this thread."""
        from threadpoolctl import OpenBLASController, ThreadpoolController

        with self._lock:
            found = len(sys.modules) != self._modules  # a module may have brought a library
            if found:
                self._modules, self._libraries = len(sys.modules), ThreadpoolController()
            if found or not self._inside:
                OpenBLASController.clear_controlling_thread(force=True)  # else the first thread alone may set it
                self._blas.append(self._libraries.select(user_api="blas").limit(limits=1))
            self._inside += 1
            return self._libraries.select(user_api="openmp").limit(limits=1)

    def leave(self, openmp: Any) -> None:
        """Lift the limit of this thread, and if it is the last one that on BLAS."""
        from threadpoolctl import OpenBLASController

        openmp.restore_original_limits()
        with self._lock:
            self._inside = max(self._inside - 1, 0)  # a forked process may leave what it has not entered
            if not self._inside:
                OpenBLASController.clear_controlling_thread(force=True)
                while self._blas:
                    self._blas.pop().restore_original_limits()
                OpenBLASController.clear_controlling_thread(force=True)


_LIMITS = _Limits()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_LIMITS.forget)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread; for use with ``with`` or, as ``@one_thread()``, around a function.

    `map_blocks` does so for each block. Use it around other products of matrices, factorisations or models of
    scikit-learn whose last bits are to be the same on every machine. It may be nested, and entered by many threads.

    Notes
    -----
    How sums are cut among threads decides their last bits; and threads of BLAS and OpenMP that wait burn the cores on
    which other blocks are computed. A library that is first loaded inside is limited from the next use on.

    Examples
    --------
    >>> with one_thread():
    ...     np.ones((2, 2)) @ np.ones(2)
    array([2., 2.])
    """
    limit = _LIMITS.enter()
    try:
        yield
    finally:
        _LIMITS.leave(limit)


def _on_one_thread(function: Callable[[Block], Result], block: Block) -> Result:
    with one_thread():
        return function(block)


def map_blocks(
    function: Callable[[Block], Result],
    work: Sequence[Block],
    *,
    executor: Executor | None = None,
    progress: bool | None = None,
    label: str = "",
) -> list[Result]:
    """Apply a function to each block, in parallel, and return the results in the blocks' order.

    While a block is computed, BLAS and OpenMP have one thread (`one_thread`), also in another process.

    Parameters
    ----------
    function : callable
        Takes a `Block`. Bind further arguments with `functools.partial`; for processes and clusters it
        must be importable by name.
    work : sequence of Block
        From `blocks`.
    executor : Executor, optional
        Any `concurrent.futures.Executor`, also Dask's ``client.get_executor()``. By default `threads()`
        threads, which suits kernels that release the GIL.
    progress : bool, optional
        Show a progress bar on standard error once the work takes more than a second. By default yes,
        unless the environment variable ``CRLAB_PROGRESS`` is ``0``.
    label : str
        Text before the bar.

    Returns
    -------
    list
        One result a block, whatever the order in which they were finished.

    Raises
    ------
    ValueError
        No blocks.
    Exception
        The first exception that a block raised; blocks not yet begun are cancelled.

    Examples
    --------
    >>> def mean(block):
    ...     return block.generator().normal(size=block.size).mean()
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> work = blocks(1000, size=100, seed=7)
    >>> map_blocks(mean, work, executor=ThreadPoolExecutor(1)) == map_blocks(mean, work)
    True
    """
    if not work:
        raise ValueError("work must hold at least one block, got none")
    if executor is None:
        with ThreadPoolExecutor(min(threads(), len(work))) as pool:
            return map_blocks(function, work, executor=pool, progress=progress, label=label)
    if progress is None:
        progress = os.environ.get("CRLAB_PROGRESS") != "0"
    futures = [executor.submit(_on_one_thread, function, block) for block in work]
    try:
        done = as_completed(futures)
        for future in tqdm(done, total=len(futures), desc=label, delay=1, disable=not progress, file=sys.stderr):
            future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return [future.result() for future in futures]


class Serial(Executor):
    """Run each task at once in the thread that hands it in: for `map_blocks` inside a block of a larger calculation.

    Then the time of that thread is the time of its block.

    Examples
    --------
    >>> map_blocks(lambda block: block.start, blocks(4, size=2, seed=1), executor=Serial())
    [0, 2]
    """

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call the function; the future that comes back is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future
