"""One way to be parallel: the same bits whoever does the work, and failures that are heard."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from crlab.parallel import Block, blocks, map_blocks, one_thread, threads


class Serial(Executor):
    """Does the work at once, in the thread that asks."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def walk(block: Block, scale: float = 1.0) -> np.ndarray:
    return scale * block.generator().normal(size=(block.size, 3)).cumsum(axis=1)


WORK = blocks(1000, size=130, seed=5)


# blocks


@settings(deadline=None)
@given(n=st.integers(1, 3000), size=st.integers(1, 500), seed=st.integers(0, 2**70))
def test_blocks_cover_every_item_once(n, size, seed) -> None:
    work = blocks(n, size=size, seed=seed)
    assert [item for block in work for item in range(block.start, block.stop)] == list(range(n))
    assert [block.index for block in work] == list(range(len(work)))
    assert all(block.size == size for block in work[:-1])
    assert 1 <= work[-1].size <= size
    assert {block.seed for block in work} == {seed}


def test_blocks_take_numpy_integers_and_give_plain_ones() -> None:
    work = blocks(np.int32(10), size=np.int64(4), seed=np.uint8(3))
    assert work == blocks(10, size=4, seed=3)
    assert all(type(value) is int for block in work for value in (block.start, block.stop, block.seed))


@pytest.mark.parametrize("value", [-1, 1.0, True, "1", None, np.nan])
@pytest.mark.parametrize(("name", "least"), [("n", 1), ("size", 1), ("seed", 0)])
def test_blocks_refuse(name, least, value) -> None:
    arguments = {"n": 10, "size": 2, "seed": 1} | {name: value}
    with pytest.raises(ValueError, match=rf"^{name} must be an integer of at least {least}, got "):
        blocks(**arguments)


@pytest.mark.parametrize("name", ["n", "size"])
def test_blocks_refuse_zero_items(name) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be an integer of at least 1, got 0$"):
        blocks(**({"n": 10, "size": 2, "seed": 1} | {name: 0}))


# random streams


def test_a_block_starts_its_stream_anew_each_time() -> None:
    assert np.array_equal(walk(WORK[2]), walk(WORK[2]))


def test_the_stream_is_the_spawned_child_of_the_seed() -> None:
    children = np.random.SeedSequence(5).spawn(3)
    expected = np.random.default_rng(children[2]).normal(size=4)
    assert np.array_equal(WORK[2].generator().normal(size=4), expected)


def test_streams_of_blocks_and_of_seeds_are_independent() -> None:
    # 8 streams of one seed and 8 of the next: no pair of them correlates by more than chance allows.
    n = 20_000
    streams = [Block(index, 0, n, seed).generator().normal(size=n) for seed in (5, 6) for index in range(8)]
    correlation = np.corrcoef(streams)[np.triu_indices(16, k=1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(n)  # 5 sigma for 120 pairs
    assert np.std(correlation) == pytest.approx(1 / np.sqrt(n), rel=0.3)


def test_the_block_size_is_part_of_the_problem() -> None:
    def numbers(size: int) -> np.ndarray:
        return np.concatenate(map_blocks(walk, blocks(1000, size=size, seed=5), executor=Serial()))

    assert np.array_equal(numbers(130)[:130], numbers(500)[:130])  # the first stream is the same
    assert not np.any(numbers(130)[130:] == numbers(500)[130:])


# map_blocks


def run(executor: Executor) -> np.ndarray:
    with executor:
        return np.concatenate(map_blocks(partial(walk, scale=2.0), WORK, executor=executor))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_threads_give_the_same_bits_as_serial_work(count) -> None:
    assert np.array_equal(run(ThreadPoolExecutor(count)), run(Serial()))


def test_processes_give_the_same_bits_as_serial_work() -> None:
    assert np.array_equal(run(ProcessPoolExecutor(2, mp_context=get_context("spawn"))), run(Serial()))


@pytest.mark.parametrize("count", ["1", "2", "4"])
def test_the_default_executor_gives_the_same_bits(monkeypatch, count) -> None:
    monkeypatch.setenv("CRLAB_THREADS", count)
    assert np.array_equal(np.concatenate(map_blocks(walk, WORK)) * 2.0, run(Serial()))


def test_results_come_in_the_order_of_the_blocks() -> None:
    last_is_done = threading.Event()

    def first_finishes_last(block: Block) -> int:
        if block.index == 0:
            assert last_is_done.wait(30)
        if block.index == 3:
            last_is_done.set()
        return block.index

    with ThreadPoolExecutor(2) as pool:
        work = blocks(4, size=1, seed=0)
        assert map_blocks(first_finishes_last, work, executor=pool) == [0, 1, 2, 3]


def test_the_default_uses_as_many_threads_as_wanted(monkeypatch) -> None:
    monkeypatch.setenv("CRLAB_THREADS", "3")
    together = threading.Barrier(3, timeout=30)  # passes only with three threads at once
    map_blocks(lambda block: together.wait(), blocks(3, size=1, seed=0))


def test_a_failure_is_raised_and_what_waits_is_cancelled() -> None:
    begun = []
    raised = threading.Event()

    def fails(block: Block) -> None:
        begun.append(block.index)
        if block.index == 0:
            raise ZeroDivisionError("block 0 is broken")
        raised.wait(30)  # the only other thread stays busy until the failure has been heard

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(ZeroDivisionError, match=r"^block 0 is broken$"):
            map_blocks(fails, blocks(50, size=1, seed=0), executor=pool)
        raised.set()
    # Block 0's thread may have begun one more block before the failure was heard.
    assert len(begun) <= 3


def test_a_failure_is_raised_from_the_default_executor_too(monkeypatch) -> None:
    monkeypatch.setenv("CRLAB_THREADS", "2")
    with pytest.raises(ZeroDivisionError):
        map_blocks(lambda block: 1 // (block.index - 3), WORK)


def test_no_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^work must hold at least one block, got none$"):
        map_blocks(walk, ())


# threads


def test_threads_reads_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("CRLAB_THREADS", "7")
    assert threads() == 7
    monkeypatch.delenv("CRLAB_THREADS")
    assert threads() >= 1


@pytest.mark.parametrize("value", ["0", "-1", "two", "", "1.5", " 2"])
def test_threads_refuses(monkeypatch, value) -> None:
    monkeypatch.setenv("CRLAB_THREADS", value)
    with pytest.raises(ValueError, match=rf"^CRLAB_THREADS must be a positive integer, got '{value}'$"):
        map_blocks(walk, WORK)


# one thread for the libraries


def library_threads(block: Block | None = None) -> dict[str, set[int]]:
    """What numpy's and scipy's BLAS and scikit-learn's OpenMP would use in this thread."""
    import scipy.linalg  # noqa: F401
    import sklearn.utils._openmp_helpers  # noqa: F401

    found = threadpool_info()
    return {api: {pool["num_threads"] for pool in found if pool["user_api"] == api} for api in ("blas", "openmp")}


ONE, TWO = {"blas": {1}, "openmp": {1}}, {"blas": {2}, "openmp": {2}}


@pytest.fixture
def two():
    """Two threads for each library before, and after."""
    library_threads()
    with threadpool_limits(2):
        assert library_threads() == TWO
        yield
        assert library_threads() == TWO


@pytest.mark.usefixtures("two")
def test_libraries_have_one_thread_until_the_last_has_left() -> None:
    with one_thread():
        with one_thread():
            assert library_threads() == ONE
        assert library_threads() == ONE


@pytest.mark.usefixtures("two")
def test_the_limits_are_lifted_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError


@pytest.mark.usefixtures("two")
def test_the_limit_on_blas_holds_for_those_who_are_still_inside() -> None:
    """Another thread enters first and leaves first."""
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with one_thread():
            entered.set()
            assert leave.wait(30)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(first)
        assert entered.wait(30)
        with one_thread():
            leave.set()
            done.result()
            assert library_threads() == ONE


@pytest.mark.usefixtures("two")
def test_one_thread_around_a_function_and_in_many_threads() -> None:
    function = one_thread()(library_threads)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(function, [None] * 200)) == [ONE] * 200


@pytest.mark.usefixtures("two")
def test_libraries_have_one_thread_in_blocks_also_in_nested_ones() -> None:
    def nested(block: Block) -> list[dict[str, set[int]]]:
        return [*map_blocks(library_threads, WORK[:2]), library_threads()]

    assert map_blocks(nested, WORK) == [[ONE] * 3] * len(WORK)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("where", ["outside", "inside"])
def test_a_process_forked_while_another_thread_holds_the_lock(where) -> None:
    code = """
import contextlib, os, signal, sys, threading, warnings
import numpy
from crlab import parallel
from threadpoolctl import threadpool_info
warnings.simplefilter("ignore")
def found():
    return max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
def hold():
    with parallel.one_thread(), parallel._LIMITS._lock:
        held.set()
        leave.wait(30)
held, leave = threading.Event(), threading.Event()
inside = parallel.one_thread() if sys.argv[1] == "inside" else contextlib.nullcontext()
with inside:
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child:
        leave.set()
        thread.join()
if not child:
    signal.alarm(20)
    for _ in range(2):
        with parallel.one_thread():
            assert found() == 1
        assert found() == 2
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or found() - 2)
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code, where], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_library_that_comes_later_is_limited_from_the_next_use_on() -> None:
    code = """
from threadpoolctl import threadpool_info
from crlab.parallel import one_thread
def scipys():
    return [pool["num_threads"] for pool in threadpool_info() if "libscipy_openblas-" in pool["filepath"]]
with one_thread():
    print(scipys(), end=" ")
    import scipy.linalg
    with one_thread():
        print(scipys(), end=" ")
print(scipys())
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[] [1] [2]\n"


@pytest.mark.parametrize("kind", ["processes", "dask"])
def test_libraries_have_one_thread_in_blocks_elsewhere(kind, monkeypatch) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    with contextlib.ExitStack() as stack:
        if kind == "processes":
            executor = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
        else:
            distributed = pytest.importorskip("distributed")
            logging.getLogger("distributed").setLevel(logging.ERROR)
            cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None)
            client = stack.enter_context(distributed.Client(stack.enter_context(cluster)))
            executor = client.get_executor()
        assert executor.submit(library_threads).result() == TWO  # which loads the libraries there
        assert map_blocks(library_threads, WORK, executor=executor, progress=False) == [ONE] * len(WORK)
        assert executor.submit(library_threads).result() == TWO


# the progress bar


@pytest.mark.parametrize(
    ("environment", "progress", "shown"),
    [(None, None, True), ("0", None, False), ("1", None, True), ("0", True, True), (None, False, False)],
)
def test_the_progress_bar_is_shown_when_asked_for(monkeypatch, capsys, environment, progress, shown) -> None:
    monkeypatch.delenv("CRLAB_PROGRESS", raising=False)
    if environment is not None:
        monkeypatch.setenv("CRLAB_PROGRESS", environment)
    with ThreadPoolExecutor(1) as pool:
        map_blocks(
            lambda block: time.sleep(0.6),
            blocks(2, size=1, seed=0),
            executor=pool,
            progress=progress,
            label="walk",
        )
    out, err = capsys.readouterr()
    assert out == ""
    assert ("walk" in err and "2/2" in err) is shown
    assert bool(err) is shown


def test_short_work_shows_no_bar(monkeypatch, capsys) -> None:
    monkeypatch.delenv("CRLAB_PROGRESS", raising=False)
    map_blocks(walk, WORK, executor=Serial())
    assert capsys.readouterr().err == ""
