"""The stored diffusion coefficients: they are those of this code, they resume, and they are what others find."""

import hashlib

import numpy as np
import pytest

from crlab.turbulence import __main__ as command
from crlab.turbulence import results

TINY = (
    results.Case("ALF", 0.5, 1.0, end=3.0, step=0.03, modes=16, realisations=40, particles=2),
    results.Case("ISO", 1.0, 1.0, end=3.0, step=0.03, modes=16, realisations=20, particles=2),
)


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
    assert len(results.missing(tmp_path / "pieces")) == 3
    with pytest.raises(ValueError, match="at least one complete case"):
        results.collect(tmp_path / "pieces", tmp_path / "table")
    assert command.main(["results", str(tmp_path / "pieces"), "--target", str(tmp_path / "table")]) == 0
    assert results.missing(tmp_path / "pieces") == []
    first = (tmp_path / "table" / "kappa.ecsv").read_text()
    results._piece(tmp_path / "pieces", TINY[0], 1).unlink()
    kept = results._piece(tmp_path / "pieces", TINY[0], 0).stat().st_mtime_ns
    command.main(["results", str(tmp_path / "pieces"), "--target", str(tmp_path / "table")])
    assert results._piece(tmp_path / "pieces", TINY[0], 0).stat().st_mtime_ns == kept
    second = (tmp_path / "table" / "kappa.ecsv").read_text()
    assert [line.split()[:8] for line in first.splitlines()] == [line.split()[:8] for line in second.splitlines()]
    assert "1 of 1" in capsys.readouterr().out


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


def test_workers_must_be_at_least_one(tmp_path):
    with pytest.raises(ValueError, match="--workers must be at least 1, got 0"):
        command.main(["results", str(tmp_path), "--workers", "0"])


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
    with pytest.raises(ValueError, match="selection must use the columns"):
        results.load(level=0.1)
    with pytest.raises(ValueError, match="no stored case has"):
        results.load(eta=0.3)
    with pytest.raises(ValueError, match="no stored case is called"):
        results.curves("ISO")
