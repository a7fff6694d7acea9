"""What the commands of the rooms share: who computes, threads, processes or a Dask cluster."""

import argparse
import contextlib
import importlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from crlab import parallel

__all__ = ["add_executor", "add_store", "executor"]


def add_executor(parser: argparse.ArgumentParser) -> None:
    """Add ``--executor``, ``--workers`` and ``--scheduler`` to a command.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_executor(parser)
    >>> parser.parse_args(["--workers", "2"])
    Namespace(executor='threads', workers=2, scheduler=None)
    """
    parser.add_argument("--executor", choices=["threads", "processes", "dask"], default="threads")
    parser.add_argument("--workers", type=int, help="threads or processes (default: the cores, or CRLAB_THREADS)")
    parser.add_argument("--scheduler", help="address of a Dask scheduler; without it a cluster on this machine")


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add ``--other-kernels`` to a command that fills a store of `crlab.ensemble`.

    Parameters
    ----------
    parser : argparse.ArgumentParser

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_store(parser)
    >>> parser.parse_args([])
    Namespace(other_kernels=False)
    """
    parser.add_argument(
        "--other-kernels", action="store_true", help="go on with a store that another state of the code began"
    )


@contextlib.contextmanager
def executor(options: argparse.Namespace) -> Iterator[Executor]:
    """Start what the options of `add_executor` ask for, and end it afterwards.

    Parameters
    ----------
    options : argparse.Namespace
        As parsed.

    Yields
    ------
    concurrent.futures.Executor
        For `crlab.parallel.map_blocks` and all that is built on it.

    Raises
    ------
    ValueError
        Fewer than one worker, or a scheduler for another executor than Dask's.
    ImportError
        Dask is asked for and not installed.

    Examples
    --------
    >>> with executor(argparse.Namespace(executor="threads", workers=2, scheduler=None)) as pool:
    ...     list(pool.map(abs, [-1, 2]))
    [1, 2]
    """
    number = parallel.threads() if options.workers is None else options.workers
    if number < 1:
        raise ValueError(f"--workers must be at least 1, got {number}")
    if options.scheduler and options.executor != "dask":
        raise ValueError(f"--scheduler needs --executor dask, got --executor {options.executor}")
    if options.executor == "threads":
        with ThreadPoolExecutor(number) as pool:
            yield pool
    elif options.executor == "processes":
        with ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn")) as processes:
            yield processes
    else:
        try:
            dask: Any = importlib.import_module("distributed")
        except ImportError:
            raise ImportError("--executor dask needs the extra crlab[cluster]") from None
        with contextlib.ExitStack() as stack:
            scheduler = options.scheduler or stack.enter_context(
                dask.LocalCluster(n_workers=number, threads_per_worker=1, dashboard_address=None)
            )
            yield stack.enter_context(dask.Client(scheduler)).get_executor()
