"""Importing is light: what is heavy comes with the room that needs it."""

import subprocess
import sys

import pytest

HEAVY = {"astropy", "healpy", "matplotlib", "numba", "numpy", "scipy"}


def loaded(statement: str) -> set[str]:
    """Names of all modules in a fresh interpreter after the statement."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_itself_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded("import crlab")


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("crlab.units", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.parallel", {"astropy", "healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.answers", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.claims", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.validation", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.style", {"healpy", "matplotlib.pyplot", "numba"}),
    ],
)
def test_a_common_module_loads_only_what_it_needs(module: str, unwanted: set[str]) -> None:
    names = loaded(f"import {module}")
    assert module in names
    assert not unwanted & names


def test_the_check_can_fail() -> None:
    assert "numpy" in loaded("import numpy")
