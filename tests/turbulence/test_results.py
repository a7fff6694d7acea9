"""The stored diffusion coefficients: they are those of this code, they resume, and they are what others find."""

import dataclasses
import hashlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from crlab import ensemble
from crlab.ledger.turbulence import checks
from crlab.parallel import Block
from crlab.turbulence import __main__ as command
from crlab.turbulence import results

TINY = (
    results.Case("ALF", 0.5, 1.0, end=3.0, step=0.03, modes=16, realisations=40, particles=2),
    results.Case("ISO", 1.0, 1.0, end=3.0, step=0.03, modes=16, realisations=20, particles=2),
)
ROOT = Path(__file__).resolve().parents[2]
KINDS = ("ISO", "ALF")


@pytest.mark.parametrize("name", ["ISO-0.5-1-256", "MAG-0.1-0.3-256", "ALF-0.5-0.03-320"])
def test_stored_paths_are_those_of_this_code(name):
    """The first displacements of each case, before chaos, are recomputed."""
    (case,) = (c for c in results.CASES if c.name == name)
    stored = results.manifest()["first_displacements"][name]
    found = results.compute(_Cut(case, len(stored)), 0)["par"][0]
    np.testing.assert_allclose(found, stored, rtol=1e-6)


class _Cut:
    """A case that stops after its first few times."""

    def __init__(self, case, number):
        self._case, self.times = case, case.times[:number]

    def __getattr__(self, name):
        return getattr(self._case, name)


def test_files_are_those_of_the_manifest():
    made = results.manifest()
    for name, checksum in made["sha256"].items():
        assert hashlib.sha256((results._STORED / name).read_bytes()).hexdigest() == checksum
    assert made["cases"] == len(results.load()) == len(results.CASES)
    assert set(made["first_displacements"]) == {case.name for case in results.CASES}


def test_curves_settle_at_the_table():
    """The mean of the late running coefficient is the stored value."""
    for row in results.load(r_g=1.0):
        d = results.curves(row["name"])["par"]
        late = d.t > row["end"] / 4
        assert abs(d.value[late].mean() - row["kappa_par"]) < 4 * row["error_par"]


def test_a_run_resumes_and_collects(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "CASES", TINY)
    folder, table = tmp_path / "cases", tmp_path / "table"
    assert results.missing(folder) == [(TINY[0], 40), (TINY[1], 20)]
    with pytest.raises(ValueError, match="at least one complete case"):
        results.collect(folder, table)
    assert command.main(["results", str(folder), "--target", str(table)]) == 0
    assert results.missing(folder) == []
    first = (table / "kappa.ecsv").read_text()
    chunks = [folder / TINY[0].name / "x" / "c" / str(i) / "0" / "0" for i in range(2)]
    chunks[1].unlink()
    kept = chunks[0].stat().st_mtime_ns
    capsys.readouterr()
    assert command.main(["results", str(folder), "--target", str(table)]) == 0
    assert chunks[0].stat().st_mtime_ns == kept
    second = (table / "kappa.ecsv").read_text()
    assert [line.split()[:8] for line in first.splitlines()] == [line.split()[:8] for line in second.splitlines()]
    assert "computed 20 of the 60 realisations" in capsys.readouterr().out


def test_a_store_holds_what_compute_gives(tmp_path):
    """Bit for bit, with the seconds of processor time of each piece where it was computed, not of all threads."""
    begin = time.process_time()
    with ThreadPoolExecutor(2) as two:
        results.run(tmp_path, TINY, executor=two)
    spent = time.process_time() - begin
    for case in TINY:
        x = ensemble.read(tmp_path / case.name)
        for piece in range(case.realisations // results.PIECE):
            found = results.compute(case, piece)
            expected = np.stack([found[key] for key in ("par", "perp", "memory")], axis=1)
            np.testing.assert_array_equal(x[piece * results.PIECE :][: results.PIECE], expected)
    seconds = np.concatenate([ensemble.seconds(tmp_path / case.name) for case in TINY])
    assert seconds.shape == (3,)
    assert np.all(seconds > 0)
    assert seconds.sum() <= spent


WRITER = """
import sys
from pathlib import Path
from crlab.turbulence import results
case = results.Case(sys.argv[1], 0.5, 1.0, end=0.6, step=0.03, modes=8, realisations=100, particles=1)
for folder in sys.stdin:
    results.run(Path(folder.strip()), [case], progress=False)
    print("done", flush=True)
"""


def test_two_writers_of_different_cases_do_not_meddle(tmp_path):
    """Both start at once on one folder, ten times; every piece is that of its case."""
    cases = [results.Case(kind, 0.5, 1.0, end=0.6, step=0.03, modes=8, realisations=100, particles=1) for kind in KINDS]
    truth = {case: np.concatenate([results._batch(Block(i, 0, 20, 0), case=case) for i in range(5)]) for case in cases}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    both = [subprocess.Popen([sys.executable, "-c", WRITER, kind], **pipes) for kind in KINDS]
    for start in range(10):
        folder = tmp_path / str(start)
        for process in both:
            print(folder, file=process.stdin, flush=True)
        assert [process.stdout.readline() for process in both] == ["done\n", "done\n"]
        for case in cases:
            np.testing.assert_array_equal(ensemble.read(folder / case.name), truth[case])
    for process in both:
        process.communicate()
        assert process.returncode == 0


def test_a_case_of_other_parameters_is_refused_and_not_collected(tmp_path):
    results.run(tmp_path, TINY[1:])
    other = dataclasses.replace(TINY[1], end=6.0)
    for call in (results.run, results.missing, lambda folder, cases: results.collect(folder, folder / "table", cases)):
        with pytest.raises(ValueError, match=r"made with case.end = 3.0, not 6.0"):
            call(tmp_path, [other])


def test_what_cannot_be_written_is_said_before_anything_is_computed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "run", None)
    monkeypatch.setattr(checks, "run", None)
    (tmp_path / "file").write_text("mine")
    folder, file = str(tmp_path / "cases"), str(tmp_path / "file")
    for arguments, words in (
        (["results", folder, "--target", file], "file is a file: choose a folder"),
        (["results", file], "file is a file: choose a folder"),
        (["results", f"{file}/cases"], "file is a file: choose a folder"),
        (["results", "/proc/nowhere"], "/proc cannot be written"),
        (["results", folder, "--target", "/proc/nowhere"], "/proc cannot be written"),
        (["checks", "--target", str(tmp_path)], "--target must be a file"),
        (["checks", "--target", str(tmp_path / "no" / "table")], "does not exist: make this folder first"),
    ):
        assert command.main(arguments) == 1
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "cases").exists()


def test_full_size_runs_on_a_cluster(tmp_path, monkeypatch):
    """One case of full size, shortened, gives the same paths by threads and by workers of Dask."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(results, "CASES", TINY[:1])
    monkeypatch.setattr(results, "FULL", TINY[1:])
    for kind in ("threads", "dask"):
        folder = tmp_path / kind
        assert command.main(["results", str(folder), "--full", "--executor", kind, "--workers", "2"]) == 0
    tables = [np.load(tmp_path / kind / "table" / "curves.npz") for kind in ("threads", "dask")]
    assert set(tables[0]) == {f"{case.name}/{key}" for case in TINY for key in ("par", "perp", "memory")}
    for key in tables[0]:
        assert np.array_equal(tables[0][key], tables[1][key])


def test_full_size_goes_on_where_the_table_ends():
    smallest = min(case.r_g for case in results.FULL)
    assert smallest == 0.001 < min(case.r_g for case in results.CASES)
    for case in results.FULL:
        assert case not in results.CASES
        assert results.kolmogorov(case.ratio).k_max * case.r_g * 0.3 > 1
        assert case.step <= 2 * np.pi * case.r_g / 50


def test_workers_must_be_at_least_one(tmp_path, capsys):
    assert command.main(["results", str(tmp_path), "--workers", "0"]) == 1
    assert "--workers must be at least 1, got 0" in capsys.readouterr().err


def test_every_case_resolves_what_it_must():
    """Shortest waves scatter particles of μ = 0.3, the step resolves the gyration, runs last 4.5 free paths or more."""
    table = {row["name"]: row for row in results.load()}
    assert len({case.name for case in results.CASES}) == len(results.CASES)
    for case in results.CASES:
        k_max = results.kolmogorov(case.ratio).k_max
        assert k_max * case.r_g * 0.3 > 1
        assert case.step <= 2 * np.pi * case.r_g / 50 * 1.001
        assert case.end > 4.5 * 3 * table[case.name]["kappa_par"]
        assert case.realisations >= 60
        assert case.realisations % results.PIECE == 0


def test_bad_input():
    with pytest.raises(ValueError, match="piece must be from 0 to 2"):
        results.compute(results.CASES[0], 3)
    with pytest.raises(ValueError, match="realisations must be a multiple of 20, got 30"):
        dataclasses.replace(TINY[0], realisations=30)
    with pytest.raises(ValueError, match="selection must use the columns"):
        results.load(level=0.1)
    with pytest.raises(ValueError, match="no stored case has"):
        results.load(eta=0.3)
    with pytest.raises(ValueError, match="no stored case is called"):
        results.curves("ISO")
