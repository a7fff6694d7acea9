"""Ensembles in a store: killed and resumed, shared out among workers, refused, damaged; always the same bits."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr
from astropy import units as u

from crlab import ensemble
from crlab.acceleration.escape import EscapeLaw
from crlab.ensemble import check_store, fill, fill_all, missing, read, seconds
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
    """All files but the seconds that batches took."""
    found = {f.relative_to(path).as_posix(): f for f in sorted(path.rglob("*")) if f.is_file()}
    return {name: f.read_bytes() for name, f in found.items() if not name.startswith("seconds/c/")}


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
        assert np.array_equal(data["seconds"].values, seconds(tmp_path / "s"))
        assert data.sizes["batch"] == 6


def test_another_version_of_the_package_is_no_other_store(tmp_path, monkeypatch):
    fill(tmp_path / "s", walk, **TASK)
    monkeypatch.setattr(ensemble, "version", lambda name: "9.9")
    assert fill(tmp_path / "s", walk, **TASK) == 0


def test_coordinates_of_another_processor(tmp_path):
    """np.geomspace differs there in the last bit; a store begun so is gone on with, and a millionth is refused."""
    task = TASK | {"coords": {"step": np.geomspace(1, 3, 3)}}
    fill(tmp_path / "s", walk, **task)
    before = bits(tmp_path / "s")
    (tmp_path / "s" / "x" / "c" / "2" / "0").unlink()
    near = np.nextafter(task["coords"]["step"], 9)
    assert fill(tmp_path / "s", walk, **task | {"coords": {"step": near}, "parameters": TASK["parameters"]}) == 4
    assert bits(tmp_path / "s") == before
    with pytest.raises(ValueError, match="other values of step"):
        fill(tmp_path / "s", walk, **task | {"coords": {"step": near * (1 + 1e-6)}})


@pytest.mark.parametrize("whence", ["another batch", "another batch with its check", "another store", "nowhere"])
def test_a_batch_that_does_not_belong_is_noticed(tmp_path, whence):
    """By read, missing and fill; the files of the store stay as they are."""
    path, other = tmp_path / "s", tmp_path / "other"
    fill(path, walk, **TASK)
    fill(other, walk, **TASK | {"seed": 6})
    chunk = path / "x" / "c" / "2" / "0"
    good = bits(path)
    if whence == "another store":
        shutil.copy(other / "x" / "c" / "2" / "0", chunk)
        shutil.copy(other / "check" / "c" / "2", path / "check" / "c" / "2")
    elif whence == "nowhere":
        group = zarr.open_group(str(path), mode="r+")
        group["x"][9, 1] += 1e-9
    else:
        shutil.copy(path / "x" / "c" / "1" / "0", chunk)
        if whence.endswith("check"):
            shutil.copy(path / "check" / "c" / "1", path / "check" / "c" / "2")
    before = bits(path)
    for call in (lambda: fill(path, walk, **TASK), lambda: read(path), lambda: missing(path)):
        with pytest.raises(ValueError, match="c/2/0 does not fit its check"):
            call()
    assert bits(path) == before
    chunk.unlink()
    assert fill(path, walk, **TASK) == 4
    assert bits(path) == good


def test_two_chunks_that_changed_places_are_noticed(tmp_path):
    path = tmp_path / "s"
    fill(path, walk, **TASK)
    first, second = (path / "x" / "c" / str(i) for i in (0, 3))
    first.rename(tmp_path / "kept")
    second.rename(first)
    (tmp_path / "kept").rename(second)
    with pytest.raises(ValueError, match="c/0/0 does not fit its check"):
        read(path, 0, 4)
    assert np.array_equal(read(path, 4, 12), walk(Block(0, 4, 12, 5)))


def test_a_batch_without_its_check_is_computed_again(tmp_path):
    """What a kill between the two leaves."""
    path = tmp_path / "s"
    fill(path, walk, **TASK)
    before = bits(path)
    (path / "check" / "c" / "2").unlink()
    assert missing(path) == 4
    assert np.isnan(seconds(path)).sum() == 1
    with pytest.raises(ValueError, match="does not hold these"):
        read(path, 8, 9)
    assert fill(path, walk, **TASK) == 4
    assert bits(path) == before


def test_attributes_that_were_altered_are_noticed(tmp_path):
    path = tmp_path / "s"
    fill(path, walk, **TASK)
    description = path / "zarr.json"
    description.write_text(description.read_text().replace('"width": 0.5', '"width": 0.6'))
    with pytest.raises(ValueError, match="does not fit its check"):
        fill(path, walk, **TASK | {"parameters": {"model": "walk", "width": 0.6}})


def test_other_kernels_read_and_go_on_only_when_told(tmp_path, monkeypatch):
    path = tmp_path / "s"
    kernel = types.ModuleType("kernel")
    sources = iter(["one = 1\r\n", "one = 1\n", "one = 2\n", "one = 2\n", "one = 2\n", "one = 2\n"])
    monkeypatch.setattr("inspect.getsource", lambda module: next(sources))
    task = TASK | {"kernels": [kernel]}
    fill(path, walk, **task)
    assert fill(path, walk, **task) == 0  # ends of lines do not count
    assert fill(path, walk, **task) == 0  # other kernels, but there is nothing to compute
    (path / "x" / "c" / "2" / "0").unlink()
    with pytest.raises(ValueError, match=r"begun by other kernels \(kernel\).*other_kernels=True"):
        fill(path, walk, **task)
    assert np.array_equal(read(path, 0, 8), walk(Block(0, 0, 8, 5)))
    assert fill(path, walk, **task, other_kernels=True) == 4
    assert fill(path, walk, **task, other_kernels=True) == 0
    with xarray.open_zarr(path) as data:
        assert len(data.attrs["resumed_by_other_kernels"]) == 1
        assert np.array_equal(data["x"].values, walk(Block(0, 0, 22, 5)))


def test_a_law_that_was_edited_is_no_longer_that_of_a_complete_store(tmp_path, monkeypatch):
    def law(slope):
        file = tmp_path / f"mine{slope}.py"
        file.write_text(f"def law(energy):\n    return energy**{slope}\n")
        module = types.ModuleType("mine")
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, "mine", module)
        exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
        return module.law

    fill(tmp_path / "s", walk, **TASK | {"parameters": {"law": law(1)}})
    before = bits(tmp_path / "s")
    assert fill(tmp_path / "s", walk, **TASK | {"parameters": {"law": law(1)}}) == 0
    with pytest.raises(ValueError, match=r"other kernels \(law.source\).*other_kernels=True"):
        fill(tmp_path / "s", walk, **TASK | {"parameters": {"law": law(2)}})
    assert fill(tmp_path / "s", walk, **TASK | {"parameters": {"law": law(2)}}, other_kernels=True) == 0
    assert bits(tmp_path / "s") == before
    assert read(tmp_path / "s").shape == (22, 3)


def test_drafts_of_a_killed_start_are_cleaned(tmp_path):
    """Those of an ended process and old ones; not those of a live process, of other machines or of other stores."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here, hexes = ensemble._machine(), "0123456789abcdef" * 2
    dead = tmp_path / f".s.{here}-{ended.pid}-{hexes}.partial"
    live = tmp_path / f".s.{here}-{os.getpid()}-{hexes}.partial"
    far = tmp_path / f".s.00000000-{ended.pid}-{hexes}.partial"
    other = tmp_path / f".s.t.{here}-{ended.pid}-{hexes}.partial"
    old = tmp_path / f".s.00000000-1-{hexes}.partial"
    for draft in (dead, live, far, other, old):
        draft.mkdir()
        (draft / "zarr.json").write_text("{")
    os.utime(old, (0, 0))
    fill(tmp_path / "s", walk, **TASK)
    assert {path.name for path in tmp_path.iterdir()} == {"s", live.name, far.name, other.name}


def test_what_a_kill_leaves_of_zarr_and_of_the_probe_is_cleaned(tmp_path):
    fill(tmp_path / "s", walk, **TASK)
    before = bits(tmp_path / "s")
    hexes = "0123456789abcdef" * 2
    left = [tmp_path / "s" / name for name in ("zarr", "x/c/0/0", "check/c/0", "seconds/c/1", "step/c/0")]
    left = [one.with_name(f"{one.name}.{hexes}.partial") for one in left]
    for one in left:
        one.write_bytes(b"1")
        os.utime(one, (0, 0))
    recent = tmp_path / "s" / "check" / "c" / f"3.{hexes}.partial"
    recent.write_bytes(b"1")
    fill(tmp_path / "s", walk, **TASK)
    assert not any(one.exists() for one in left)
    recent.unlink()
    assert bits(tmp_path / "s") == before


def test_a_folder_that_is_no_store_is_not_cleaned(tmp_path):
    for name in ("film.partial", f"x.{'0123456789abcdef' * 2}.partial"):
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    with pytest.raises(ValueError, match="must be an ensemble"):
        fill(tmp_path, walk, **TASK)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_probe_whose_process_was_killed_is_cleaned(tmp_path):
    code = "import os, pathlib; from crlab import ensemble; pathlib.Path.rmdir = lambda path: os._exit(9); "
    code += f"ensemble.check_folder({str(tmp_path)!r})"
    assert subprocess.run([sys.executable, "-c", code], env=QUIET).returncode == 9
    assert len(list(tmp_path.iterdir())) == 1
    ensemble.check_folder(tmp_path)
    assert not list(tmp_path.iterdir())


ALTERED = {
    "x shorter": lambda group, arrays: arrays["x"].update(shape=[18, 3]),
    "x wider": lambda group, arrays: arrays["x"].update(shape=[22, 4]),
    "x flat": lambda group, arrays: arrays["x"].update(shape=[22]),
    "other chunks": lambda group, arrays: arrays["x"]["chunk_grid"]["configuration"].update(chunk_shape=[5, 3]),
    "no chunks": lambda group, arrays: arrays["x"]["chunk_grid"]["configuration"].update(chunk_shape=[0, 3]),
    "check shorter": lambda group, arrays: arrays["check"].update(shape=[5]),
    "check as numbers": lambda group, arrays: arrays["check"].update(data_type="float64", fill_value=0.0),
    "seconds shorter": lambda group, arrays: arrays["seconds"].update(shape=[5]),
    "axis longer": lambda group, arrays: arrays["step"].update(shape=[4]),
    "axis a group": lambda group, arrays: arrays.update(step={"node_type": "group", "zarr_format": 3}),
    "no axis": lambda group, arrays: arrays.pop("step"),
    "n": lambda group, arrays: group["attributes"].update(n=18),
    "n as text": lambda group, arrays: group["attributes"].update(n="22"),
    "batch": lambda group, arrays: group["attributes"].update(batch=0),
    "dimensions": lambda group, arrays: group["attributes"].update(dimensions="step"),
    "no dimensions": lambda group, arrays: group["attributes"].update(dimensions=[]),
    "no seed": lambda group, arrays: group["attributes"].pop("seed"),
    "parameters": lambda group, arrays: group["attributes"].update(parameters=[]),
    "kernels": lambda group, arrays: group["attributes"].update(kernels=None),
    "no attributes": lambda group, arrays: group.update(attributes=None),
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_metadata_that_do_not_agree_are_refused(tmp_path, change):
    path = tmp_path / "s"
    fill(path, walk, **TASK)
    group = json.loads((path / "zarr.json").read_text())
    change(group, group["consolidated_metadata"]["metadata"])
    (path / "zarr.json").write_text(json.dumps(group))
    for call in (
        lambda: fill(path, walk, **TASK),
        lambda: read(path),
        lambda: missing(path),
        lambda: seconds(path),
        lambda: check_store(path),
    ):
        with pytest.raises(ValueError, match="must be an ensemble made by crlab, or not exist"):
            call()


def test_a_place_for_no_store_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for place, words in (
        ("file", "file must be an ensemble made by crlab"),
        ("folder", "folder must be an ensemble made by crlab"),
        ("file/s", "file is a file: choose a folder"),
        ("/proc/s", "/proc cannot be written"),
    ):
        for call in (check_store, lambda path: fill(path, walk, **TASK)):
            with pytest.raises((OSError, ValueError), match=words):
                call(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


def test_several_stores_at_once(tmp_path):
    """All are looked at before any is computed."""
    tasks = [{"path": tmp_path / name, "function": walk, **TASK, "seed": i} for i, name in enumerate("ab")]
    with pytest.raises(ValueError, match="seed"):
        fill_all([*tasks, tasks[1] | {"path": tmp_path / "c", "seed": -1}])
    assert missing(tmp_path / "a") == 22
    assert fill_all(tasks) == 44
    assert np.array_equal(read(tmp_path / "b"), walk(Block(0, 0, 22, 1)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parameters": {"model": "walk", "width": 0.6}}, "width = 0.5, not 0.6"),
        ({"parameters": {"model": "walk"}}, "width = 0.5, not without width"),
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
        (lambda block: np.ones((block.size, 3), dtype=complex), {}, "real numbers, got an array of complex128"),
        (lambda block: np.full((block.size, 3), "1"), {}, "real numbers, got an array of <U1"),
        (lambda block: np.ones((block.size, 3)) * u.pc, {}, "bare numbers, got a Quantity in pc"),
        (walk, {"coords": {"batch": [1.0]}}, "name of its own"),
        (walk, {"n": 0}, "n must be an integer"),
        (walk, {"coords": {"x": [1.0]}}, "name of its own"),
        (walk, {"coords": {"step": [np.nan]}}, "list of numbers"),
        (walk, {"coords": {"step": [1.0, 2.0, 4.0] * u.kpc}}, r"coords\['step'\] must be a list of bare numbers"),
        (walk, {"coords": {"step": [1 * u.kpc] * 3}}, r"coords\['step'\] must be a list of numbers"),
        (walk, {"coords": {"step": ["1", "2", "4"]}}, r"coords\['step'\] must be a list of numbers"),
        (walk, {"coords": {"step": [1j, 2, 4]}}, r"coords\['step'\] must be a list of numbers"),
        (walk, {"coords": {"step": [[1], [2, 3]]}}, r"coords\['step'\] must be a list of numbers"),
        (walk, {"coords": {"step": np.ma.array([1, 2, 3], mask=[0, 1, 0])}}, r"coords\['step'\] must be a list of num"),
        *(
            (walk, {"coords": {name: [1.0, 2.0, 4.0]}}, "coords must have names of letters")
            for name in ("a/b", "..", ".", "", "zarr.json", "a\\b", "X", 1, " a", "a\n")
        ),
        (lambda block: np.ma.array(np.ones((block.size, 3)), mask=True), {}, "got a masked array"),
        (walk, {"parameters": {1: 2.0}}, "parameters must have names that are strings, got 1"),
        (walk, {"parameters": {"a": object()}}, "parameters.a is a object, which cannot be told"),
    ],
)
def test_bad_input(tmp_path, function, change, words):
    with pytest.raises(ValueError, match=words):
        fill(tmp_path / "s", function, **{**TASK, **change})


def test_names_of_parameters_that_are_marks_of_descriptions(tmp_path):
    """They are told from a quantity or a set of the same marks, in any order."""
    task = TASK | {"parameters": {"unit": "kpc", "value": 1.0}}
    fill(tmp_path / "s", walk, **task)
    assert fill(tmp_path / "s", walk, **task | {"parameters": {"value": 1.0, "unit": "kpc"}}) == 0
    for other in ({"unit": "pc", "value": 1000.0}, {"unit": "kpc", "value": 2.0}, {"value": 1.0}):
        with pytest.raises(ValueError, match="was made with"):
            fill(tmp_path / "s", walk, **task | {"parameters": other})


def test_one_store_in_two_tasks_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    for path in ("s", "folder/../s", "link/s"):
        with pytest.raises(ValueError, match=r"each store once, got .*s twice"):
            fill_all([{"path": one, "function": walk, **TASK} for one in (tmp_path / "s", str(tmp_path / path))])
    assert not (tmp_path / "s").exists()


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
        (["--highest", "1e8"], "never releases"),
    ):
        assert main(command(tmp_path / "s", *options)[3:]) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_the_command_looks_at_the_store_before_it_computes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("crlab.sources.__main__.prepare", None)
    (tmp_path / "file").write_text("mine")
    for place, words in (
        ("file", "must be an ensemble"),
        (".", "must be an ensemble"),
        ("file/s", "is a file"),
        ("/proc/s", "cannot be written"),
    ):
        assert main([str(tmp_path / place)]) == 1
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1


def test_the_command_knows_another_galaxy_again(tmp_path, capsys, monkeypatch):
    """Halo and law are in the parameters: a default that changes is no resumption."""
    few = [str(tmp_path / "s"), "--realisations", "2", "--lowest", "1e4", "--per-decade", "2", "--floors", "10"]
    assert main(few) == 0
    assert main([*few, "--profile", "Green 2015"]) == 1
    assert "made with galaxy.rate" in capsys.readouterr().err
    monkeypatch.setattr("crlab.sources.__main__.EscapeLaw", partial(EscapeLaw, slope=0.9))
    assert main(few) == 1
    assert "slope = 1.1, not 0.9" in capsys.readouterr().err
