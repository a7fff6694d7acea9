"""Descriptions of parameters: full precision, whatever numpy prints; what cannot be told apart is refused."""

import dataclasses
import functools
import json
import locale
import re
import types
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.powerlaws import PowerLaw1D
from astropy.time import Time, TimeDelta
from sklearn.linear_model import LinearRegression

from crlab.acceleration.escape import EscapeLaw
from crlab.emission.gas import Cube, Ferriere
from crlab.fingerprint import describe, difference, kernels
from crlab.sources.population import ARMS, Arms, Population
from crlab.sources.spectra import Galaxy

LARGE = np.linspace(0, 1, 2000)


def said(value):
    """A test's name, the same in every process."""
    return re.sub(r" at 0x\w+", "", repr(value))[:40]


@dataclasses.dataclass(frozen=True)
class Law:
    slope: float
    start: u.Quantity

    def escape_time(self, energy):
        return self.start * energy.value**-self.slope


class Named:
    def __init__(self, numbers):
        self.numbers = numbers

    def __repr__(self):
        return f"Named({self.numbers!r})"


def law(energy):
    return 1 / energy


def factory(slope):
    def inner(energy):
        return energy**-slope

    return inner


@dataclasses.dataclass
class Table(Mapping):
    numbers: dict
    slope: float

    def __getitem__(self, key):
        return self.numbers[key]

    def __iter__(self):
        return iter(self.numbers)

    def __len__(self):
        return len(self.numbers)


@dataclasses.dataclass
class Labelled(list):
    label: str

    def __init__(self, label, *items):
        super().__init__(items)
        self.label = label


class Steep(dict):
    pass


class Flat(dict):
    pass


class Row(list):
    pass


class Pair(NamedTuple):
    low: float
    high: float


class Span(NamedTuple):
    start: float
    length: float


# Pairs of values that differ by little.
PAIRS = [
    (Table({"a": 1}, 1.0), Table({"a": 1}, 2.0)),
    (Table({"a": 1}, 1.0), Table({"a": 2}, 1.0)),
    (Labelled("a", 1, 2), Labelled("b", 1, 2)),
    (Labelled("a", 1, 2), Labelled("a", 1, 3)),
    (Steep(a=1), Flat(a=1)),
    (Steep(a=1), {"a": 1}),
    (Steep(a=1), Steep(a=2)),
    (Row([1]), [1]),
    (Pair(1, 2), Span(1, 2)),
    (Pair(1, 2), (1, 2)),
    (Pair(1, 2), Pair(1, 3)),
    (np.zeros((0, 3)), np.zeros((0, 4))),
    (np.zeros((0, 3)), []),
    (np.zeros((0, 3)) * u.pc, np.zeros((0, 3)) * u.kpc),
    (np.zeros((2, 0, 3)), np.zeros((2, 0))),
    (0.04 * u.kpc, 0.2 * u.kpc),
    (0.1, np.nextafter(0.1, 1) + 1e-12),
    (1, True),
    (1, "1"),
    (None, "None"),
    (2**53, 2**53 + 1),
    (float("inf"), "inf"),
    (1.0, 1.0 + 0j),
    (1 * u.kpc, 1 * u.pc),
    (1 * u.kpc, 1 * u.GV),
    (1 * u.kpc, 1.0),
    (1 * u.Unit(1.2345678901234 * u.kpc), 1 * u.Unit(1.2345678912345 * u.kpc)),
    (LARGE, np.where(np.arange(2000) == 1000, 0.25, LARGE)),
    (LARGE * u.kpc, LARGE * u.pc),
    (LARGE, LARGE.reshape(2, 1000)),
    (np.ma.array([1.0, 2.0], mask=[False, True]), np.ma.array([1.0, 2.0], mask=[False, False])),
    ([1, [2, 3]], [[1, 2], 3]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1: "a"}, {"1": "a"}),
    ({"value": 1.0, "unit": "kpc"}, 1 * u.kpc),
    (EscapeLaw(), EscapeLaw(start=(300 + 1e-8) * u.yr)),
    (EscapeLaw().escape_time, EscapeLaw().max_energy),
    (EscapeLaw(slope=1.0).escape_time, EscapeLaw().escape_time),
    (Law(1.0, 1 * u.yr), Law(1.0 + 1e-9, 1 * u.yr)),
    (Named(LARGE), Named(np.where(np.arange(2000) == 1000, 0.25, LARGE))),
    (Named(np.array([1 / 3])), Named(np.array([1 / 3 + 1e-10]))),
    (factory(1.0), factory(2.0)),
    (functools.partial(law, 1), functools.partial(law, 2)),
    (np.exp, np.log),
    (Galaxy(rate=Population("Lorimer 2006").ring_density), Galaxy(rate=Population("Green 2015").ring_density)),
    (Arms(), Arms(arms=dict(reversed(ARMS.items())))),  # which sources are drawn depends on the order
    (Ferriere(), Ferriere("HI")),
    (u.kpc, u.pc),
    ({1, 2}, {1, 3}),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: said(pair[0]))
@pytest.mark.parametrize("options", [{}, {"precision": 0}, {"precision": 3, "threshold": 5, "suppress": True}])
def test_what_differs_is_told_apart_whatever_numpy_prints(pair, options):
    with np.printoptions(**options):
        first, second = (describe({"it": value}) for value in pair)
    plain = [describe({"it": value}) for value in pair]
    assert [first, second] == plain
    assert difference(first, second)
    for one in plain:
        assert difference(one, json.loads(json.dumps(one, allow_nan=False))) is None


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (40 * u.pc, 0.04 * u.kpc),
        ([1, 2] * u.kpc, [1000, 2000] * u.pc),
        (np.geomspace(1, 1e6, 50), np.nextafter(np.geomspace(1, 1e6, 50), 0)),
        (1, 1.0),
        ((1, 2), [1, 2]),
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (np.bool(True), True),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (LARGE.astype(">f8"), LARGE),
        (np.asfortranarray(np.ones((50, 40))), np.ones((50, 40))),
        (float("nan"), float("nan")),
        (Law(1.0, 1 * u.yr), Law(1.0, 365.25 * u.day)),
        (factory(1.0), factory(1.0)),
    ],
    ids=lambda value: said(value),
)
def test_what_is_the_same_is_known_again(one, same):
    assert difference(describe(one), describe(same)) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (lambda energy: energy, "it.law is a lambda, which cannot be told from another: give a frozen dataclass"),
        (object(), "it.law is a object"),
        (ThreadPoolExecutor, None),
        (ThreadPoolExecutor(1), "it.law is a ThreadPoolExecutor"),
        (np.random.default_rng(1).normal, "it.law is a Generator"),
        (functools.partial(lambda a, b: a, 1), "it.law is a lambda"),
        (np.zeros(2, dtype=[("a", float)]), "give its fields as arrays"),
        (types.SimpleNamespace(a=[object()]), "it.law is a SimpleNamespace"),
        (Named("a, ..., z"), "cut short"),
        (PowerLaw1D(amplitude=1 / 3), "it.law is a PowerLaw1D, whose __repr__ does not tell all: give a frozen"),
        (PowerLaw1D(1) + PowerLaw1D(2), "it.law is a CompoundModel, whose __repr__ does not tell all"),
        (Time(2451545.123456789, format="jd"), "it.law is a Time, whose __repr__ does not tell all"),
        (TimeDelta(1.23456789 * u.s), "it.law is a TimeDelta, whose __repr__ does not tell all"),
        (LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), "it.law is a LinearRegression, whose __repr__ does not"),
    ],
    ids=lambda value: said(value),
)
def test_what_cannot_be_told_apart_is_refused(value, words):
    if words is None:
        assert describe(value)
        return
    with pytest.raises(ValueError, match=words):
        describe({"law": value}, "it")


def test_a_table_is_refused_since_it_rounds_what_it_shows():
    from astropy.table import Table

    with pytest.raises(ValueError, match="give its numbers as arrays"):
        describe(Table({"a": [1 / 3]}))


BODY = """
import dataclasses

SLOPE = 1

def law(energy):
    return {0}

@dataclasses.dataclass
class Law:
    slope: float = 1.0

    def escape_time(self, energy):
        return {0}
"""


@pytest.mark.parametrize("what", ["law", "Law"])
def test_code_of_your_own_counts(what, tmp_path, monkeypatch):
    """Two functions or classes of one name are told apart by their source, those of the package by their name."""
    found = []
    for number, body in enumerate(("1 / energy", "2 / energy", "1 / energy")):
        module = types.ModuleType("mine")
        file = tmp_path / f"mine{number}.py"
        file.write_text(BODY.format(body))
        module.__file__ = str(file)
        monkeypatch.setitem(__import__("sys").modules, "mine", module)
        exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
        found.append(describe(module.law if what == "law" else module.Law()))
    assert difference(found[0], found[2]) is None
    where, *_ = difference(found[0], found[1])
    assert where == "source"
    assert difference(found[0], found[1], source=False) is None
    assert set(describe(EscapeLaw())) == {"class", "peak", "start", "slope", "floor"}


NAMED = """
import functools
import numpy as np
SLOPE = {0}
TABLE = np.array([1.0, {1}])
CACHE = {{}}.get

def _deep(x):
    return x * {2} + (law(x - 1) if x > 5 else 0)

@functools.cache
def _power(x):
    return _deep(x) ** SLOPE

steep = lambda x: {3} * x

class Unnamed:
    def rise(self):
        return {4}

HIDDEN = [_deep, Unnamed(), lambda x: x]
UNNAMED = Unnamed()

def _pair():
    def one(x):
        return two(x - 1) if x else {5}
    def two(x):
        return one(x - 1) if x else {5}
    return one

turns = _pair()

def law(energy):
    return [_power(energy) + CACHE("a", 0) for _ in range(3)][0] + np.interp(energy, TABLE, TABLE) + steep(
        HIDDEN[0](1) + UNNAMED.rise() + turns(1)
    )

class Law:
    def __repr__(self):
        return "Law()"

    def escape_time(self, energy):
        return law(energy) + (LAW is self)

LAW = Law()
"""


@pytest.mark.parametrize("what", ["law", "Law", "LAW"])
def test_globals_of_your_own_count(what, tmp_path, monkeypatch):
    """Constants and functions that a function or a method names, and what these name; cycles do no harm."""

    def described(*numbers):
        module = types.ModuleType("mine")
        file = tmp_path / f"mine{'_'.join(numbers)}.py"
        file.write_text(NAMED.format(*numbers))
        module.__file__ = str(file)
        monkeypatch.setitem(__import__("sys").modules, "mine", module)
        exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
        return describe(getattr(module, what))

    first = described(*"123456")
    assert difference(first, described(*"123456")) is None
    for place in range(6):
        other = described(*"123456".replace(str(place + 1), "9"))
        assert difference(first, other) is not None, place
        assert difference(first, other, source=False) is None, place


def test_a_place_is_named():
    def galaxy(floor):
        return describe({"scenarios": {"CREDIT": EscapeLaw(floor=floor * u.TeV)}, "seed": 1})

    assert difference(galaxy(1), galaxy(10)) == ("scenarios.CREDIT.floor", "1.0 TeV", "10.0 TeV")
    assert difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ("a[1].b", "2", "3")
    assert difference({"a": 1}, {"a": 1, "b": "x"}) == ("b", None, "'x'")
    assert difference({"a": 1, "b": 2}, {"b": 2, "a": 1}, ordered=False) is None
    cubes = [Cube(v / u.cm**3, first=[0] * 3 * u.kpc, step=[1] * 3 * u.kpc) for v in (LARGE.reshape(20, 10, 10),) * 2]
    assert difference(describe(cubes[0]), describe(cubes[1])) is None


def test_the_locale_does_not_matter():
    before = locale.setlocale(locale.LC_ALL)
    wanted = describe({"size": 0.5 * u.kpc, "numbers": Named(np.array([0.5]))})
    try:
        for name in ("de_DE.UTF-8", "C.UTF-8", "C"):
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:
                continue
            assert describe({"size": 0.5 * u.kpc, "numbers": Named(np.array([0.5]))}) == wanted
    finally:
        locale.setlocale(locale.LC_ALL, before)


def test_kernels_are_source_with_all_ends_of_lines_alike(tmp_path):
    found = []
    for ends in ("\n", "\r\n", "\n\n"):
        file = tmp_path / f"{len(found)}.py"
        file.write_bytes(f"one = 1{ends}two = 2{ends}".encode())
        module = types.ModuleType("kernel")
        module.__file__ = str(file)
        found.append(kernels([module]))
    assert found[0] == found[1] != found[2]
    assert set(kernels([law, Law])) == {f"{__name__}.law", f"{__name__}.Law"}
    with pytest.raises(ValueError, match="source of no cannot be found"):
        kernels([types.ModuleType("no")])
    with pytest.raises(ValueError, match="must be modules, classes or functions, got 3"):
        kernels([3])
