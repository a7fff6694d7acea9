"""The package aafragpy, without the filters on warnings that it sets for the whole process when it is imported.

Taking away what was added is safe in any thread; `warnings.catch_warnings` would put back what others have changed.
"""

import warnings

_before = list(warnings.filters)

import aafragpy  # noqa: E402

for _filter in [one for one in warnings.filters if one not in _before]:
    warnings.filters.remove(_filter)  # type: ignore[attr-defined]

__all__ = ["aafragpy"]
