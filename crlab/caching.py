"""Kernels compiled once: numba's cache on disc, which here never stops a calculation.

numba raises where it finds no folder to write, where the disc is full and where a file of its cache is damaged. A
kernel that is `cached` is then compiled as if there were no cache, and one warning says so.
"""

# The one file of the package that kernels import. A decorator was chosen over patching numba, which is not ours alone,
# and over choosing a folder when crlab is imported, which would load numba and help against no damaged file. A kernel's
# cache does not notice an edit here, so nothing here may touch a number: what numba is asked for, such as fastmath,
# stands with the kernel.

import contextlib
import warnings
from typing import Any, TypeVar

from numba.core.caching import FunctionCache, NullCache

__all__ = ["cached"]

Kernel = TypeVar("Kernel")


class _Cache(NullCache):
    """numba's cache of one function, made at the first call, so that importing a room touches no file."""

    said = False

    def __init__(self, function: Any) -> None:
        self._function = function
        self._files: Any = None

    @property
    def cache_path(self) -> str | None:
        return None if self._files is None else str(self._files.cache_path)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            self._files = self._files or FunctionCache(self._function)  # type: ignore[no-untyped-call]
            return self._files.load_overload(sig, target_context)
        except Exception as error:
            self._warn(error)
            with contextlib.suppress(Exception):  # an emptied index, so that the next start finds nothing damaged
                self._files.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if self._files is not None:
            try:
                self._files.save_overload(sig, data)
            except Exception as error:
                self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not _Cache.said:  # numba holds its lock on the compiler here
            _Cache.said = True
            warnings.warn(
                f"compiled kernels cannot be kept ({type(error).__name__}: {error}): they are compiled anew, which can "
                "take a minute. If this comes again, set NUMBA_CACHE_DIR to a folder that can be written",
                RuntimeWarning,
                stacklevel=2,
            )


def cached(kernel: Kernel) -> Kernel:
    """Keep what numba compiles on disc, as ``numba.njit(cache=True)`` does, but never fail for it.

    Parameters
    ----------
    kernel : dispatcher
        What ``numba.njit`` returns.

    Returns
    -------
    dispatcher
        The same one.

    Warns
    -----
    RuntimeWarning
        Once in a process, at the first call of a kernel that cannot be kept; it names ``NUMBA_CACHE_DIR``.

    Examples
    --------
    >>> import numba
    >>> @cached
    ... @numba.njit(nogil=True)
    ... def twice(x):
    ...     return 2 * x
    >>> twice.py_func(2)
    4
    """
    function = getattr(kernel, "py_func", None)  # NUMBA_DISABLE_JIT leaves a plain function
    if function is not None:
        kernel._cache = _Cache(function)  # type: ignore[attr-defined]
    return kernel
