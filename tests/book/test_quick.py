"""Every chapter at quick size, as on Binder: another working directory, one core, two gigabytes."""

import os

import chapters
import nbformat
import notebooks
import numpy as np
import pytest

GIGABYTE = 1000  # in MB


@pytest.fixture
def one_core():
    """Kernels started meanwhile inherit it."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot bind a process to a core")
    cores = os.sched_getaffinity(0)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    os.sched_setaffinity(0, {sorted(cores)[worker % len(cores)]})
    yield
    os.sched_setaffinity(0, cores)


def test_memory_of_the_process_that_starts_a_chapter_is_not_counted(tmp_path):
    here = np.ones(GIGABYTE * 2**17)
    shortest = min(notebooks.chapters(), key=lambda path: nbformat.read(path, 4).metadata.crlab.seconds)
    ran = chapters.execute(shortest, folder=tmp_path, CRLAB_SIZE="quick", CRLAB_THREADS="1")
    assert ran.metadata.crlab.memory_mb < here.nbytes / 2**20


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.stem)
def test_a_chapter_runs_at_quick_size(tmp_path, one_core, path):
    ran = chapters.execute(path, folder=tmp_path, CRLAB_SIZE="quick", CRLAB_THREADS="1")
    assert ran.metadata.crlab.memory_mb < 2 * GIGABYTE
    assert not list(tmp_path.iterdir()), "it leaves files behind"
