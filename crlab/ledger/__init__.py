"""What the book holds itself to: the talk's claims, answers to the exercises, and what independent methods give.

One folder for each room; no room imports any of it.
"""

import importlib
from typing import Any

__all__ = ["answers", "claims", "validation"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    # At first use: a chapter that prints its claims depends on nothing else of the ledger.
    if name in __all__:
        return importlib.import_module(f"crlab.ledger.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
