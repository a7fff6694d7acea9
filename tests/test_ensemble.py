"""Ensembles in a store: killed and resumed, shared out among workers, refused, damaged; always the same bits."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray

from crlab.ensemble import fill, missing, read
from crlab.parallel import Block
from crlab.sources.__main__ import main

TASK = {
    "n": 22,
    "batch": 4,
    "seed": 5,
    "coords": {"step": [1.0, 2.0, 4.0]},
    "parameters": {"model": "walk", "width": 0.5},
}
ROOT = Path(__file__).resolve().parents[1]


def walk(block, width=0.5):
    rows = [Block(i, i, i + 1, block.seed).generator().normal(size=3) for i in range(block.start, block.stop)]
    return width * np.cumsum(rows, axis=1)


def broken(block):
    if block.index == 3:
        raise RuntimeError("out of memory")
    return walk(block)


def bits(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def test_values_are_those_of_the_function(tmp_path):
    assert fill(tmp_path / "s", walk, **TASK) == 22
    assert np.array_equal(read(tmp_path / "s"), walk(Block(0, 0, 22, 5)))
    assert np.array_equal(read(tmp_path / "s", 3, 9), walk(Block(0, 3, 9, 5)))
    assert missing(tmp_path / "s") == 0


def test_workers_do_not_matter(tmp_path):
    for number in (1, 4):
        with ThreadPoolExecutor(number) as pool:
            fill(tmp_path / str(number), walk, executor=pool, **TASK)
    assert bits(tmp_path / "1") == bits(tmp_path / "4")


def test_a_failure_loses_nothing_and_is_made_good(tmp_path):
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="out of memory"):
        fill(tmp_path / "s", broken, executor=pool, **TASK)
    left = missing(tmp_path / "s")
    assert 4 <= left < 22
    with pytest.raises(ValueError, match="does not hold these"):
        read(tmp_path / "s")
    assert fill(tmp_path / "s", walk, **TASK) == left
    fill(tmp_path / "whole", walk, **TASK)
    assert bits(tmp_path / "s") == bits(tmp_path / "whole")


def test_xarray_reads_it(tmp_path):
    fill(tmp_path / "s", walk, **TASK)
    with xarray.open_zarr(tmp_path / "s") as data:
        assert data["x"].dims == ("realisation", "step")
        assert list(data["step"].values) == [1, 2, 4]
        assert np.array_equal(data["x"].values, read(tmp_path / "s"))
        assert data.attrs["parameters"] == TASK["parameters"]
        assert data.attrs["seed"] == 5
        assert data.attrs["version"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parameters": {"model": "walk", "width": 0.6}}, "width = 0.5, not 0.6"),
        ({"parameters": {"model": "walk"}}, "width = 0.5, not None"),
        ({"seed": 6}, "seed = 5, not 6"),
        ({"n": 23}, "n = 22, not 23"),
        ({"batch": 5}, "batch = 4, not 5"),
        ({"coords": {"step": [1.0, 2.0, 5.0]}}, "other values of step"),
        ({"coords": {"step": [1.0, 2.0]}}, "other values of step"),
        ({"coords": {"time": [1.0, 2.0, 4.0]}}, "dimensions"),
    ],
)
def test_other_parameters_are_refused_and_nothing_changes(tmp_path, change, words):
    fill(tmp_path / "s", walk, **TASK)
    before = bits(tmp_path / "s")
    with pytest.raises(ValueError, match=words):
        fill(tmp_path / "s", walk, **{**TASK, **change})
    assert bits(tmp_path / "s") == before


@pytest.mark.parametrize("keep", [0, 7, -3])
def test_a_chunk_cut_short_is_named_and_the_others_stay(tmp_path, keep):
    path = tmp_path / "s"
    fill(path, walk, **TASK)
    before = bits(path)
    chunk = path / "x" / "c" / "2" / "0"
    chunk.write_bytes(chunk.read_bytes()[:keep])
    for call in (lambda: fill(path, walk, **TASK), lambda: read(path), lambda: missing(path)):
        with pytest.raises(ValueError, match="c/2/0 is cut short or damaged"):
            call()
    assert np.array_equal(read(path, 0, 8), walk(Block(0, 0, 8, 5)))
    chunk.unlink()
    assert fill(path, walk, **TASK) == 4
    assert bits(path) == before


def test_a_store_without_its_description(tmp_path):
    fill(tmp_path / "s", walk, **TASK)
    description = tmp_path / "s" / "zarr.json"
    description.write_bytes(description.read_bytes()[:50])
    with pytest.raises(ValueError, match="must be an ensemble made by crlab"):
        fill(tmp_path / "s", walk, **TASK)
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="must be an ensemble made by crlab"):
        fill(tmp_path / "other", walk, **TASK)
    with pytest.raises(FileNotFoundError, match="no ensemble"):
        read(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("function", "change", "words"),
    [
        (lambda block: np.zeros((block.size, 2)), {}, "must return shape"),
        (lambda block: np.full((block.size, 3), np.nan), {}, "returned NaN"),
        (walk, {"n": 0}, "n must be an integer"),
        (walk, {"coords": {"x": [1.0]}}, "name of its own"),
        (walk, {"coords": {"step": [np.nan]}}, "list of numbers"),
        (walk, {"parameters": {"a": object()}}, "what JSON can hold"),
    ],
)
def test_bad_input(tmp_path, function, change, words):
    with pytest.raises(ValueError, match=words):
        fill(tmp_path / "s", function, **{**TASK, **change})


def test_a_range_that_is_not_there(tmp_path):
    fill(tmp_path / "s", walk, **TASK)
    with pytest.raises(ValueError, match="must lie in 0 to 22"):
        read(tmp_path / "s", 5, 30)


def test_parameters_may_be_bound(tmp_path):
    fill(tmp_path / "s", partial(walk, width=2.0), **TASK)
    assert np.array_equal(read(tmp_path / "s"), 4 * walk(Block(0, 0, 22, 5)))


def command(path, *options):
    arguments = ["--realisations", "60", "--batch", "2", "--floors", "10", "--lowest", "1000", "--per-decade", "20"]
    return [sys.executable, "-m", "crlab.sources", str(path), *arguments, *options]


def run(path, *options):
    done = subprocess.run(command(path, *options), cwd=ROOT, env=QUIET, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


QUIET = {**os.environ, "CRLAB_PROGRESS": "0", "PYTHONPATH": str(ROOT)}


def test_killed_in_the_middle_and_resumed(tmp_path):
    """SIGKILL as soon as some batches are there, resumed on four workers; the same files as of one undisturbed run."""
    run(tmp_path / "whole", "--workers", "1")
    path = tmp_path / "killed"
    process = subprocess.Popen(
        command(path, "--workers", "1"), cwd=ROOT, env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 120
    while len(list(path.glob("x/c/*/0/0"))) < 3 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    left = missing(path)
    assert 0 < left <= 56
    assert f"computed {left} of the 60" in run(path, "--workers", "4")
    files = {name: data for name, data in bits(path).items() if not name.endswith(".partial")}
    assert files == bits(tmp_path / "whole")


def test_processes_give_the_same_bits(tmp_path):
    run(tmp_path / "threads", "--workers", "1")
    run(tmp_path / "processes", "--executor", "processes", "--workers", "2")
    assert bits(tmp_path / "threads") == bits(tmp_path / "processes")


def test_dask_gives_the_same_bits(tmp_path):
    distributed = pytest.importorskip("distributed")
    fill(tmp_path / "threads", walk, **TASK)
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        fill(tmp_path / "dask", walk, executor=client.get_executor(), **TASK)
    assert bits(tmp_path / "threads") == bits(tmp_path / "dask")


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    for options, words in (
        (["--lowest", "-1"], "must make a grid"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--floors", "0"], "floor must be positive"),
        (["--highest", "1e8"], "at most the peak"),
    ):
        assert main(command(tmp_path / "s", *options)[3:]) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
