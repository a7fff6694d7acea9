"""Kernels and numba's cache: an edit is always noticed, and no cache, a full disc or a damaged one stops nothing.

What the cache cannot notice is an edit in another file. So whatever calls one another lies in one file.
"""

import ast
import os
import resource
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from conftest import ROOT

ALLOWED = {"math", "numba", "numpy", "numpy.typing", "crlab.caching"}
SOURCES = {path.relative_to(ROOT).with_suffix("").as_posix(): path for path in (ROOT / "crlab").rglob("*.py")}
TREES = {name.replace("/", "."): ast.parse(path.read_text()) for name, path in SOURCES.items()}
KERNELS = [name for name in TREES if name.rsplit(".", 1)[-1].endswith("_kernels")]


def imported(tree):
    """Modules that a file imports anywhere in it, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


# The rule.


def test_only_kernel_files_and_what_caches_them_know_numba():
    users = {name for name, tree in TREES.items() if any(m.split(".")[0] == "numba" for m in imported(tree))}
    assert users == {*KERNELS, "crlab.caching"}


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_import_nothing_of_the_package_but_their_cache(name):
    assert set(imported(TREES[name])) <= ALLOWED


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_is_cached_by_the_package(name):
    """And compiled by numba.njit with its options in sight, since those of another file would not be noticed either."""
    for function in (node for node in TREES[name].body if isinstance(node, ast.FunctionDef)):
        decorators = [ast.unparse(d) for d in function.decorator_list]
        inline = decorators and decorators[-1].startswith("numba.njit(inline='always'")
        assert len(decorators) == (1 if inline else 2), f"{function.name}: {decorators}"
        assert inline or decorators[0] == "cached", function.name
        assert decorators[-1].startswith("numba.njit("), function.name
        assert "cache=" not in decorators[-1], function.name


@pytest.mark.parametrize("name", KERNELS)
def test_the_import_rule_knows_every_kernel_file(name):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rule = next(c for c in contracts if c["name"].startswith("Kernels"))
    assert any(fnmatchcase(name, pattern) for pattern in rule["source_modules"])


# What it is for.

FIELD = """
import numpy as np
from crlab.turbulence import _kernels
modes = np.arange(1.0, 15.0).reshape(7, 2) / 7
none = np.zeros((3, 0), np.float32), np.zeros((0, 1, 1, 1, 3), np.float32), np.zeros((0, 4))
_kernels.evaluate((_kernels.FAST, 0.0, modes, *none), np.array([[0.1, 0.2, 0.3]]), b := np.zeros((1, 3)))
print(*b[0], sum(_kernels.evaluate.stats.cache_hits.values()))
"""
WALK = """
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    import numpy as np
    from crlab.anisotropy import _kernels
    edges, path = np.array([0.0, 1.0, 2.0]), np.zeros(2)
    _kernels._score(0.5, 2.0, 0.0, 1.0, edges, path, np.zeros(2))
    sums, _ = _kernels.displacement(np.random.default_rng(1), 5, np.array([1.0, 2.0]))
hits = [sum(kernel.stats.cache_hits.values()) for kernel in (_kernels._score, _kernels.displacement)]
print(*path, *sums, *hits)
print(*[f"{w.category.__name__}: {w.message}" for w in said], sep="\\n")
"""
NOBODY = "/dev/null/nobody"


@pytest.fixture
def package(tmp_path):
    """A copy of the package in which nothing is compiled."""
    shutil.copytree(ROOT / "crlab", tmp_path / "crlab", ignore=shutil.ignore_patterns("__pycache__", "stored"))
    return tmp_path


def run(code, package, limit=None, **environment):
    """What the code prints in a process of its own, line by line."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment = inherited | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_edit_of_a_called_kernel_is_noticed(package):
    """Halving what `fast` adds, with a warm cache, halves what its caller gives."""
    cache = {"NUMBA_CACHE_DIR": str(package / "cache")}
    first, warm = (run(FIELD, package, **cache)[0].split() for _ in range(2))
    assert (warm[:3], first[3], warm[3]) == (first[:3], "0", "1")
    file = package / "crlab" / "turbulence" / "_kernels.py"
    text = file.read_text()
    assert text.count("b[p, 0] -= bx") == 2  # in `fast` and in `mixed`
    file.write_text(text.replace("b[p, 0] -= bx", "b[p, 0] -= bx / 2", 1))
    edited = run(FIELD, package, **cache)[0].split()
    assert float(edited[0]) == pytest.approx(float(first[0]) / 2)
    assert (edited[1:3], edited[3]) == (first[1:3], "0")


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A warm cache, its package, and what is computed with it."""
    package = tmp_path_factory.mktemp("warm")
    shutil.copytree(ROOT / "crlab", package / "crlab", ignore=shutil.ignore_patterns("__pycache__", "stored"))
    numbers, said = run(WALK, package, NUMBA_CACHE_DIR=str(package / "cache"))
    assert (numbers.split()[-2:], said) == (["0", "0"], "")
    assert run(WALK, package, NUMBA_CACHE_DIR=str(package / "cache")) == [numbers[:-3] + "1 1", ""]
    return package, numbers.split()[:-2]


def said_once(printed, right):
    """The right numbers, computed without a cache, and one warning."""
    numbers, *said = printed
    assert numbers.split() == [*right, "0", "0"]
    assert len(said) == 1
    assert said[0].startswith("RuntimeWarning: compiled kernels cannot be kept")
    assert "NUMBA_CACHE_DIR" in said[0]


@pytest.mark.parametrize("folder", [{}, {"NUMBA_CACHE_DIR": NOBODY}], ids=["", "unwritable NUMBA_CACHE_DIR"])
def test_no_place_for_a_cache(package, warm, folder):
    """The package cannot be written, and there is no home; a file in the place of a folder stops root too."""
    for room in (package / "crlab").iterdir():
        if room.is_dir():
            (room / "__pycache__").touch()
    said_once(run(WALK, package, HOME=NOBODY, **folder), warm[1])


def test_a_full_disc(warm, tmp_path):
    said_once(run(WALK, warm[0], limit=0, NUMBA_CACHE_DIR=str(tmp_path)), warm[1])


@pytest.mark.parametrize("damage", ["cut short", "garbage"])
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_cache_is_told_once_and_mended(warm, tmp_path, suffix, damage):
    package, right = warm
    shutil.copytree(package / "cache", tmp_path / "cache")
    files = list(Path(tmp_path / "cache").rglob(f"*.{suffix}"))
    assert len(files) == 2
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if damage == "cut short" else bytes(range(256)) * 20)
    said_once(run(WALK, package, NUMBA_CACHE_DIR=str(tmp_path / "cache")), right)
    assert run(WALK, package, NUMBA_CACHE_DIR=str(tmp_path / "cache")) == [" ".join([*right, "1", "1"]), ""]
