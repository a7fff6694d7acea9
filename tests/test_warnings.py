"""Filters on warnings belong to the process: threads that change and restore them leave wrong ones behind."""

import ast
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray
from conftest import ROOT

from crlab.ensemble import fill
from crlab.parallel import Serial, blocks, map_blocks
from crlab.turbulence import particles, results, sky, tracing
from crlab.turbulence.fields import wave_field
from crlab.turbulence.particles import ResolutionWarning
from crlab.turbulence.spectrum import kolmogorov

FILTERING = {"catch_warnings", "filterwarnings", "resetwarnings", "simplefilter"}
MANY = {"realisations": 8, "seed": 6, "modes": 4, "progress": False}
CASE = results.Case("ISO", 0.5, 1.0, end=0.3, step=0.1, modes=4, realisations=20, particles=2)
CALLS = {
    "lines": lambda pool: tracing.ensemble(
        kolmogorov(100), eta=0.3, lengths=[1.0, 2.0], lines=2, executor=pool, **MANY
    ),
    "particles": lambda pool: particles.ensemble(
        kolmogorov(100), eta=0.3, r_g=1.0, times=[1.0, 2.0], particles=2, executor=pool, **MANY
    ),
    "stored results": lambda pool: results.compute(CASE, 0, executor=pool),
}


def test_no_module_filters_warnings_where_blocks_run():
    found = set()
    for path in (ROOT / "crlab").rglob("*.py"):
        names = {getattr(node, "attr", getattr(node, "id", None)) for node in ast.walk(ast.parse(path.read_text()))}
        if names & FILTERING:
            found.add(path.relative_to(ROOT / "crlab").as_posix())
    assert not found


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_filters_are_left_alone(call):
    before, interval = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(20):
                call(pool)
                assert list(warnings.filters) == before
    finally:
        sys.setswitchinterval(interval)


def test_stores_made_in_blocks_leave_the_filters_alone(tmp_path):
    task = {"n": 1, "batch": 1, "seed": 1, "coords": {"step": [1.0]}, "parameters": {}, "progress": False}
    before, interval = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            done = map_blocks(
                lambda block: fill(tmp_path / str(block.index), lambda one: np.ones((1, 1)), executor=Serial(), **task),
                blocks(24, size=1, seed=1),
                executor=pool,
                progress=False,
            )
    finally:
        sys.setswitchinterval(interval)
    assert done == [1] * 24
    assert list(warnings.filters) == before
    with xarray.open_zarr(tmp_path / "0", consolidated=True) as data:
        assert set(data.variables) == {"x", "check", "seconds", "step"}


def test_a_coarse_step_is_said_once_by_the_caller():
    """Also where the default would show the warning of every realisation, and not at all where it is not wanted."""
    waves = wave_field(kolmogorov(), eta=0.5, modes=4, rng=np.random.default_rng(1))
    how = {"eta": 0.5, "realisations": 4, "seed": 1, "modes": 4, "step": 0.2, "progress": False}
    for call in (
        lambda **also: particles.push(waves, [0.0, 0, 0], [1.0, 0, 0], r_g=1.0, times=[1.0], step=0.2, **also),
        lambda **also: tracing.trace(waves, [0.0, 0, 0], lengths=[1.0], step=0.2, **also),
        lambda **also: particles.ensemble(kolmogorov(), r_g=1.0, times=[1.0], particles=2, **how, **also),
        lambda **also: tracing.ensemble(kolmogorov(), lengths=[1.0], lines=2, **how, **also),
    ):
        with pytest.warns(ResolutionWarning) as said:
            call()
        assert len(said) == 1
        assert said[0].filename == __file__
        call(warn=False)  # pytest makes a warning an error
    with pytest.warns(ResolutionWarning) as said:
        sky.backtrack(waves, r_g=1.0, times=[1.0], nside=4, step=0.2)
    assert len(said) == 1


def test_the_cross_sections_leave_the_filters_alone():
    """Importing aafragpy adds three; here many threads are the first to need it."""
    code = """
import warnings
from concurrent.futures import ThreadPoolExecutor
from astropy import units as u
from crlab.emission.cross_sections import differential
before = list(warnings.filters)
def one(energy):
    return differential("gamma", "p-p", [energy] * u.GeV, [1000] * u.GeV)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(one, range(1, 17)))
assert warnings.filters == before, warnings.filters
import aafragpy
print("aafragpy" in aafragpy.__file__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
