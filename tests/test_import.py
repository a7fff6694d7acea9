"""Importing is light: what is heavy comes with the room that needs it. What is public shows how it is used."""

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import crlab
import crlab.ledger

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
        ("crlab.galaxy", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.parallel", {"astropy", "healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.ledger", {"healpy", "matplotlib", "numba", "numpy", "scipy"}),
        ("crlab.ledger.answers", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.ledger.claims", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.ledger.validation", {"healpy", "matplotlib", "numba", "scipy"}),
        ("crlab.show", {"healpy", "matplotlib.pyplot", "numba"}),
    ],
)
def test_a_common_module_loads_only_what_it_needs(module: str, unwanted: set[str]) -> None:
    names = loaded(f"import {module}")
    assert module in names
    assert not unwanted & names


def test_the_ledger_loads_what_is_asked_for() -> None:
    names = loaded("from crlab import ledger; ledger.claims.report('acceleration/bells-cycle'); dir(ledger)")
    of_the_ledger = {name.removeprefix("crlab.ledger") for name in names if name.startswith("crlab.ledger")}
    assert of_the_ledger == {"", ".claims", ".acceleration", ".acceleration.claims"}
    assert "crlab.turbulence" not in names
    with pytest.raises(AttributeError, match=r"^module 'crlab.ledger' has no attribute 'rooms_'$"):
        _ = crlab.ledger.rooms_


def test_the_check_can_fail() -> None:
    assert "numpy" in loaded("import numpy")


def public() -> list:
    """Every public function and class of the package; kernels are shown by the functions that call them."""
    found = []
    for module in pkgutil.walk_packages(crlab.__path__, "crlab."):
        if "kernels" in module.name or module.name.endswith("__main__"):
            continue
        loaded_module = importlib.import_module(module.name)
        for name in getattr(loaded_module, "__all__", []):
            value = getattr(loaded_module, name)
            if callable(value) and getattr(value, "__module__", None) == module.name:
                found.append(pytest.param(value, id=f"{module.name}.{name}"))
    return found


PUBLIC = public()
# Calculations of minutes or more, and files that they leave; their examples show the call alone.
LONG = {"collect", "compound", "high_rigidity", "pitch_angle", "run", "slab_wandering"}


def test_most_of_the_package_is_public() -> None:
    assert len(PUBLIC) > 300


@pytest.mark.parametrize("value", PUBLIC)
def test_a_function_has_an_example_that_runs_and_a_class_one_or_its_maker(value) -> None:
    doc = inspect.getdoc(value) or ""
    examples = doctest.DocTestParser().get_examples(doc)
    if inspect.isclass(value) and not examples:
        assert "`" in doc.split("Parameters")[0], "the first lines should name the function that makes it"
        return
    assert examples
    assert value.__name__ in LONG or not all(doctest.SKIP in example.options for example in examples)
