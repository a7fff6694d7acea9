"""What a calculation depends on, as JSON: equal where the values are equal, different where they differ.

`describe` writes any parameter at full precision, whatever numpy's print options say. `difference` compares two
descriptions, numbers to 1e-12, since the last bit of `numpy.geomspace` differs between processors. `kernels` is a
digest of the source that computes. `crlab.ensemble` keeps all three with the numbers.
"""

import contextlib
import dis
import functools
import hashlib
import inspect
import json
import math
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from astropy import units as u

__all__ = ["describe", "difference", "kernels"]

_LARGE = 1000
"""Numbers in an array beyond which its digest stands for it."""

_CLOSE = 1e-12
_EXACT: dict[str, Any] = {  # numpy's print options, for a repr that holds arrays
    "precision": 17,
    "threshold": sys.maxsize,
    "edgeitems": 3,
    "linewidth": 100,
    "suppress": False,
    "nanstr": "nan",
    "infstr": "inf",
    "sign": "-",
    "formatter": None,
    "floatmode": "unique",
    "legacy": False,
}
_SOURCE = "source sha256"
_MARKS = {
    *("class", "function", "mapping", "method", "module", "number", "partial", "set", "sha256", "type", "unit"),
    _SOURCE,
}
_ROUNDED = {"astropy.Model", "astropy.TimeBase", "sklearn.BaseEstimator"}
"""Classes whose ``repr`` rounds numbers or leaves out what was fitted."""

_REMEDY = (
    "give a frozen dataclass whose fields tell everything, an object with a __repr__ that does, a function with a name,"
    " or functools.partial of one"
)


def describe(value: Any, name: str = "value") -> Any:
    """Describe a value by what JSON can hold, so that two values have one description only if they are the same.

    Parameters
    ----------
    value : object
        * None, bool, int, float, str, and lists, tuples and sets of what can be described.
        * Quantity: number and unit as astropy's `JsonCustomEncoder` writes them. Arrays of up to 1000 numbers in full,
          larger ones by shape, unit and the SHA-256 of their bytes, which knows no tolerance.
        * Mapping: its items in order, for the order of scenarios or spiral arms decides numbers. A class of your own
          for a mapping, list or tuple: also the class.
        * Dataclass: its class and all fields.
        * Function: its name; one of your own also by its source, its defaults and what it encloses. A method of an
          object: its name and the object. A `functools.partial`: function and arguments.
        * Any other object: its class and its ``repr``, with arrays in it printed in full.

        Classes outside `crlab` and the installed packages, such as a scenario of your own, are also told by the source
        of their methods. With the source of such a function or method counts what it names among its module's globals:
        your own functions and classes, and theirs in turn, and constants that can be described. What it reaches as an
        attribute of another module of yours, by import inside its body, from a file or in a global that cannot be
        described does not count: make that a field or an argument. A global that changes, such as a cache in a dict,
        counts as it is at the moment.
    name : str
        What messages call the value.

    Returns
    -------
    object
        None, bool, int, float, str, list or dict, whatever numpy's print options are.

    Raises
    ------
    ValueError
        What cannot be told from another: a lambda, an object whose ``repr`` is an address in memory or cut short with
        "...", a model or time of astropy or an estimator of scikit-learn, whose ``repr`` does not tell all. The message
        names it and says what to give instead.

    Examples
    --------
    >>> from astropy import units as u
    >>> from crlab.acceleration.escape import EscapeLaw
    >>> describe({"size": 0.04 * u.kpc, "law": EscapeLaw(slope=0.8).max_energy})["size"]
    {'value': 0.04, 'unit': 'kpc'}
    >>> describe(EscapeLaw(slope=0.8))["slope"], describe(float("inf"))
    (0.8, {'number': 'inf'})
    >>> describe({"law": lambda energy: 1 / energy})
    Traceback (most recent call last):
    ...
    ValueError: value.law is a lambda, which cannot be told from another: give a frozen dataclass ...
    """
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | np.bool):
        return None if value is None else bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, u.Quantity | np.ndarray):
        return _array(value, name)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else {"number": str(float(value))}
    if isinstance(value, complex | np.complexfloating):
        return {"number": [describe(value.real, name), describe(value.imag, name)]}
    if isinstance(value, u.UnitBase | u.FunctionUnitBase):
        return {"unit": value.to_string()}
    if isinstance(value, type):
        return {"type": _label(value), **_written(value)}
    if is_dataclass(value):
        return _dataclass(value, name)
    if isinstance(value, Mapping | Set | Sequence) and not isinstance(value, bytes | bytearray | range | memoryview):
        found = _items_of(value, name)
        own = not _installed(_module(type(value)))
        return {"class": _label(type(value)), **_written(type(value)), "items": found} if own else found
    if isinstance(value, functools.partial):
        parts = {"arguments": value.args, "keywords": value.keywords}
        return {"partial": describe(value.func, name)} | {k: describe(v, f"{name}.{k}") for k, v in parts.items() if v}
    if isinstance(value, MethodType):
        return {"method": value.__name__, "of": describe(value.__self__, name)}
    value = getattr(value, "py_func", value)  # of numba
    if isinstance(value, FunctionType):
        return _function(value, name)
    if isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, ModuleType | None):
        return {"method": value.__name__, "of": describe(value.__self__, name)}
    if isinstance(value, BuiltinFunctionType | np.ufunc):
        return {"function": f"{getattr(value, '__module__', None) or 'numpy'}.{value.__name__}"}
    if isinstance(value, ModuleType):
        return {"module": value.__name__}
    return _object(value, name)


def difference(
    old: Any, new: Any, *, source: bool = True, ordered: bool = True
) -> tuple[str, str | None, str | None] | None:
    """Find the first place where two descriptions differ.

    Parameters
    ----------
    old, new : object
        From `describe`, or what JSON made of it. Numbers are compared to 1e-12 of their value, quantities in any unit.
    source : bool
        Whether other source of your own functions and classes is a difference.
    ordered : bool
        Whether the order of the items of the outermost mapping is.

    Returns
    -------
    tuple of str, or None
        Where, and what is there in either, None where there is nothing. None if nothing differs.

    Examples
    --------
    >>> from astropy import units as u
    >>> old = describe({"size": 0.04 * u.kpc, "seed": 3})
    >>> difference(old, describe({"size": 40 * u.pc, "seed": 3}))
    >>> difference(old, describe({"size": 0.2 * u.kpc, "seed": 3}))
    ('size', '0.04 kpc', '0.2 kpc')
    """
    if isinstance(old, dict) and isinstance(new, dict):
        if _is_quantity(old) and _is_quantity(new):
            return None if _equal_quantities(old, new) else ("", _words(old), _words(new))
        digests = "sha256" in old or "sha256" in new
        if digests or old.get("class") != new.get("class") or (ordered and not _same_order(old, new)):
            return None if digests and old == new else ("", _words(old), _words(new))
        for key in {**old, **new}:
            if key == _SOURCE:
                if source and old.get(key) != new.get(key):
                    return "source", f"sha256 {str(old.get(key))[:8]}", f"sha256 {str(new.get(key))[:8]}"
            elif key not in old or key not in new:
                here, there = (_words(side[key]) if key in side else None for side in (old, new))
                return key, here, there
            elif found := difference(old[key], new[key], source=source):
                return _joined(key, found[0]), found[1], found[2]
        return None
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (first, second) in enumerate(zip(old, new, strict=True)):
            if found := difference(first, second, source=source):
                return _joined(f"[{i}]", found[0]), found[1], found[2]
        return None
    return None if _equal(old, new) else ("", _words(old), _words(new))


def kernels(modules: Iterable[ModuleType | type | Callable[..., Any]]) -> dict[str, str]:
    """Digest of the source of modules, or of single functions or classes, with all line endings alike.

    Parameters
    ----------
    modules : iterable of module, class or function

    Returns
    -------
    dict of str to str
        Name and SHA-256 of each.

    Raises
    ------
    ValueError
        Source that cannot be found, or something that has none.

    Examples
    --------
    >>> from crlab.sources import _kernels
    >>> [(name, len(digest)) for name, digest in kernels([_kernels]).items()]
    [('crlab.sources._kernels', 64)]
    """
    found = {}
    for module in modules:
        one = getattr(module, "py_func", module)
        if not isinstance(one, ModuleType | type | FunctionType):
            raise ValueError(f"kernels must be modules, classes or functions, got {module!r}")
        label = one.__name__ if isinstance(one, ModuleType) else _full(one)
        try:
            found[label] = _digest(_text(one) if isinstance(one, FunctionType) else inspect.getsource(one))
        except (OSError, TypeError):
            raise ValueError(
                f"the source of {label} cannot be found: put it into a file, and give its module"
            ) from None
    return found


def _dataclass(value: Any, name: str) -> dict[str, Any]:
    inside = {item.name: describe(getattr(value, item.name, None), f"{name}.{item.name}") for item in fields(value)}
    held = {"items": _items_of(value, name)} if isinstance(value, dict | list | set | frozenset | tuple) else {}
    return {"class": _label(type(value)), **_written(type(value)), **held, **inside}


def _items_of(value: Any, name: str) -> Any:
    """What a mapping, set or sequence holds, whatever its class."""
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value) and not _MARKS & set(value):
            return {key: describe(item, f"{name}.{key}") for key, item in value.items()}
        pairs = [[describe(key, name), describe(item, f"{name}[{key!r}]")] for key, item in value.items()]
        return {"mapping": pairs}
    if isinstance(value, Set):
        return {"set": sorted((describe(item, name) for item in value), key=json.dumps)}
    return [describe(item, f"{name}[{i}]") for i, item in enumerate(value)]


def _array(value: Any, name: str) -> Any:
    if isinstance(value, np.ma.MaskedArray) or hasattr(value, "unmasked"):
        bare = value.unmasked if hasattr(value, "unmasked") else value.data
        mask = np.broadcast_to(value.mask, bare.shape)
        return {"class": "masked", "data": describe(bare, name), "mask": describe(mask, name)}
    unit = getattr(value, "unit", None)
    numbers = np.asarray(value)
    if unit is not None:
        text, numbers = _unit(unit, numbers)
        return _numbers(numbers, name, {"unit": text})
    return _numbers(numbers, name, {})


def _numbers(numbers: Any, name: str, unit: dict[str, str]) -> Any:
    kind = numbers.dtype.kind
    if kind == "O" and (numbers.size or numbers.ndim == 1):
        return describe(numbers.tolist(), name)
    if kind not in "biufcUS":
        raise ValueError(f"{name} is an array of {numbers.dtype}: give its fields as arrays of numbers or text")
    if numbers.size > _LARGE or (numbers.size == 0 and numbers.ndim > 1):  # a list tells not how wide nothing is
        wide = {"f": "<f8", "i": "<i8", "u": "<u8", "c": "<c16"}.get(kind, numbers.dtype.newbyteorder("<"))
        data = np.ascontiguousarray(numbers, dtype=wide)
        head = {"shape": list(numbers.shape), **unit, "dtype": np.dtype(wide).str}
        return head | {"sha256": hashlib.sha256(data.tobytes()).hexdigest()}
    if kind == "S":
        numbers = np.char.decode(numbers, "latin-1")
    plain = describe(numbers.tolist(), name)
    return {"value": plain, **unit} if unit else plain


def _unit(unit: Any, numbers: Any) -> tuple[str, Any]:
    """A unit by name, and the numbers in it: a factor in the unit goes into the numbers, where it keeps its digits."""
    scale = getattr(unit, "scale", 1.0)
    if scale != 1.0 and isinstance(unit, u.CompositeUnit) and not isinstance(scale, complex):
        unit, numbers = u.CompositeUnit(1, unit.bases, unit.powers), numbers * scale
    text = unit.to_string()
    if u.Unit(text, parse_strict="silent") != unit:  # a unit of the reader's own
        basic = (1 * unit).decompose()
        numbers, text = numbers * basic.value, basic.unit.to_string()
    return text, numbers


def _function(value: FunctionType, name: str) -> dict[str, Any]:
    if value.__name__ == "<lambda>":
        raise ValueError(f"{name} is a lambda, which cannot be told from another: {_REMEDY}")
    held = _inside(value)
    found: dict[str, Any] = {"function": _full(value), **_written(value)}
    return found | ({"holds": describe(held, name)} if held else {})


def _inside(function: FunctionType) -> list[Any]:
    """Defaults of a function, and what it encloses."""
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return held + [cell.cell_contents for cell in function.__closure__ or () if cell.cell_contents is not function]


def _object(value: Any, name: str) -> dict[str, Any]:
    if hasattr(value, "__array__"):
        raise ValueError(f"{name} is a {type(value).__name__}, whose __repr__ rounds: give its numbers as arrays")
    kinds = {f"{_module(kind).split('.')[0]}.{kind.__name__}" for kind in type(value).__mro__}
    if kinds & _ROUNDED:
        raise ValueError(f"{name} is a {type(value).__name__}, whose __repr__ does not tell all: {_REMEDY}")
    with np.printoptions(**_EXACT):
        words = repr(value)
    if words == object.__repr__(value) or " at 0x" in words:
        raise ValueError(f"{name} is a {type(value).__name__}, which cannot be told from another: {_REMEDY}")
    if "..." in words:
        raise ValueError(f"{name} is a {type(value).__name__}, whose __repr__ is cut short with '...': {_REMEDY}")
    return {"class": _label(type(value)), **_written(type(value)), "repr": words}


def _label(kind: type) -> str:
    """Name of a class: of this package without its module, so that files may be moved."""
    short = _module(kind).split(".")[0] in ("crlab", "builtins")
    return kind.__qualname__ if short else _full(kind)


def _full(thing: Any) -> str:
    return f"{_module(thing)}.{thing.__qualname__}"


def _module(thing: Any) -> str:
    return getattr(thing, "__module__", None) or "__main__"


@functools.cache
def _installed(module: str) -> bool:
    """Whether a module belongs to this package, to Python or to an installed package: their versions tell them."""
    if module.split(".")[0] in ("crlab", *sys.builtin_module_names):
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return False
    parents = Path(file).resolve().parents
    standard = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    return bool(standard & set(parents)) or any(one.name in ("site-packages", "dist-packages") for one in parents)


def _written(thing: Any) -> dict[str, str]:
    """Digest of the source of a reader's own function or class with its bases; nothing for what is installed."""
    with _visit() as seen:
        if isinstance(thing, FunctionType):
            return {} if _installed(_module(thing)) else {_SOURCE: _digest("\n".join(_whole(thing, seen)))}
        parts = _class(thing, seen)
        return {_SOURCE: _digest("\n".join(parts))} if parts else {}


_SEEN: ContextVar[set[int] | None] = ContextVar("seen", default=None)


@contextlib.contextmanager
def _visit() -> Iterator[set[int]]:
    """The code and constants that a digest holds already, for that of one function, class and all that they name."""
    seen = _SEEN.get()
    if seen is not None:
        yield seen
        return
    seen = set()
    token = _SEEN.set(seen)
    try:
        yield seen
    finally:
        _SEEN.reset(token)


def _class(kind: type, seen: set[int]) -> list[str]:
    """Source of a class with its own bases."""
    parts = []
    for one in kind.__mro__:
        if not _installed(_module(one)) and id(one) not in seen:
            seen.add(id(one))
            for key, member in sorted(vars(one).items()):
                parts += [f"{key}: {text}" for text in _member(key, member, seen)]
    return parts


def _whole(function: FunctionType, seen: set[int]) -> list[str]:
    """Source of a function, and of what it names among its module's globals."""
    if id(function) in seen:
        return []
    seen.add(id(function))
    parts = [_text(function)]
    for name in sorted(_named(function.__code__) & set(function.__globals__)):
        parts += [f"{name}: {text}" for text in _global(function.__globals__[name], seen)]
    return parts


def _named(code: CodeType) -> set[str]:
    inner = [_named(one) for one in code.co_consts if isinstance(one, CodeType)]
    here = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return here.union(*inner)


def _global(value: Any, seen: set[int]) -> list[str]:
    """What a function that names this value depends on; nothing for what is installed or cannot be described."""
    value = getattr(value, "py_func", value)
    if callable(value) and not isinstance(value, FunctionType | type):  # of functools.cache
        value = inspect.unwrap(value)
    if isinstance(value, ModuleType):
        return []
    if isinstance(value, FunctionType):
        if _installed(_module(value)) or id(value) in seen:
            return []
        return _whole(value, seen) + [text for one in _inside(value) for text in _global(one, seen)]
    if isinstance(value, type):
        return [] if _installed(_module(value)) else _class(value, seen)
    return _constant(value, seen)


def _constant(value: Any, seen: set[int]) -> list[str]:
    plain = value is None or isinstance(value, bool | int | float | complex | str)
    if not plain and id(value) in seen:
        return []
    seen.add(id(value))
    before = set(seen)
    try:
        return [json.dumps(describe(value))]
    except (RecursionError, ValueError):  # its class at least
        seen.intersection_update(before)
        return [] if _installed(_module(type(value))) else _class(type(value), seen)


def _member(name: str, member: Any, seen: set[int]) -> list[str]:
    inside = [getattr(member, part, None) for part in ("fget", "__func__", "func", "py_func")]
    found = [one for one in [member, *inside] if isinstance(one, FunctionType)]
    if found:  # those that dataclasses write have no source
        return [text for one in found if one.__code__.co_filename != "<string>" for text in _whole(one, seen)]
    constant = isinstance(member, int | float | str | tuple | u.Quantity) and not name.startswith("__")
    return [json.dumps(describe(member))] if constant else []


def _text(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # typed into an interpreter
        return _code(function.__code__)


def _code(code: CodeType) -> str:
    held = [_code(one) if isinstance(one, CodeType) else _fixed(one) for one in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {held}"


def _fixed(constant: Any) -> str:
    return repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


def _digest(text: str) -> str:
    return hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()


def _same_order(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return [key for key in old if key in new] == [key for key in new if key in old]


def _is_quantity(value: Mapping[str, Any]) -> bool:
    return set(value) == {"value", "unit"}


def _equal_quantities(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if old["unit"] == new["unit"]:
        return difference(old["value"], new["value"]) is None
    try:
        factor = u.Unit(new["unit"]).to(u.Unit(old["unit"]))
        return _equal_lists(old["value"], new["value"], factor)
    except (TypeError, ValueError):  # units of other kinds
        return False


def _equal_lists(old: Any, new: Any, factor: float) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_equal_lists(a, b, factor) for a, b in zip(old, new, strict=True))
    if isinstance(old, dict) or isinstance(new, dict):
        return bool(old == new)
    return _equal(float(old), float(new) * factor)


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, bool) or isinstance(new, bool) or not isinstance(old, int | float):
        return type(old) is type(new) and bool(old == new)
    if not isinstance(new, int | float):
        return False
    if isinstance(old, int) and isinstance(new, int):
        return old == new
    return math.isclose(old, new, rel_tol=_CLOSE)


def _joined(first: str, rest: str) -> str:
    return first + rest if rest.startswith("[") or not rest else f"{first}.{rest}"


def _words(value: Any) -> str:
    """A description as a message shows it."""
    text = _said(value)
    return text if len(text) <= 200 else f"{text[:150]}… ({_digest(text)[:8]})"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_said(item) for item in value)}]"
    if not isinstance(value, dict):
        return repr(value)
    if "repr" in value:
        return str(value["repr"])
    if "class" in value:
        return f"{value['class']}({_items(value)})"
    if _is_quantity(value):
        return f"{_said(value['value'])} {value['unit']}".rstrip()
    if "sha256" in value:
        unit = f" {value['unit']}" if "unit" in value else ""
        return f"{value['shape']} numbers{unit} with sha256 {value['sha256'][:8]}"
    if set(value) == {"number"}:
        return str(value["number"])
    return f"{{{_items(value)}}}"


def _items(value: dict[str, Any]) -> str:
    return ", ".join(f"{key}={_said(item)}" for key, item in value.items() if key not in ("class", _SOURCE))
