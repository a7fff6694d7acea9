"""Stored libraries are what their recipes give; files that were altered or made otherwise are refused."""

import dataclasses
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy import units as u
from conftest import ROOT
from scipy.stats import ks_2samp, spearmanr

from crlab.sources import library
from crlab.sources.bins import proton_bins
from crlab.sources.library import RECIPES, load, main, make
from crlab.sources.release import Burst, EscapeLaw
from crlab.sources.spectra import Galaxy, prepare

STEP = 2e-5


@pytest.mark.parametrize("name", RECIPES)
def test_a_sample_of_each_library_recomputed(name):
    """The same steps, but for one where another processor rounds the other way."""
    stored = load(name)
    numbers = [0, 1, 777, RECIPES[name].realisations - 1]
    again = RECIPES[name].compute(numbers)
    assert np.abs(again - np.rint(stored.log_ratio[numbers] / STEP)).max() <= 1
    assert stored.log_ratio.shape[1:] == (len(RECIPES[name].scenarios), 47)


def test_binned_spectra_are_those_of_the_engine():
    """Average of x over DAMPE's bin of 10 to 16 TeV by a plain sum over its own fine grid."""
    R = np.geomspace(20, 1.2e5, 606) * u.GV
    laws = {"burst": Burst(), **{str(f): EscapeLaw(floor=f * u.TeV) for f in (1, 3, 10, 30, 100)}}
    simulator = prepare(Galaxy(), R, scenarios=laws)
    x = simulator.realisation(3, seed=RECIPES["reference"].seed)
    E = np.linspace(10000, 15849, 4001)
    mean = [np.average(np.interp(np.log(E), np.log(R.value), row), weights=E**-2.7) for row in x]
    k = int(np.flatnonzero(np.isclose(proton_bins().low.value, 10000))[0])
    np.testing.assert_allclose(np.exp(load().log_ratio[3, :, k]), mean, rtol=3e-4)


def test_one_point_statistics_are_the_same_in_both_scenarios():
    """KS test at single energies above the floor and below, between different Galaxies: p > 0.01."""
    R = np.geomspace(2e3, 2e5, 81) * u.GV
    simulator = prepare(Galaxy(), R, scenarios={"burst": Burst(), "CREDIT": EscapeLaw(floor=5 * u.TeV)})
    x = simulator.realisations(4000, seed=11, progress=False)
    for energy in (2e3, 10e3, 100e3):
        k = int(np.argmin(np.abs(R.value - energy)))
        assert ks_2samp(x[:2000, 0, k], x[2000:, 1, k]).pvalue > 0.01, energy


def test_a_bin_wider_than_the_features_averages_them():
    """An average is less skewed: above the floor the median of DAMPE's wide bins is nearer to the mean."""
    reference = load()
    shift = np.median(reference.of("CREDIT 10 TeV"), axis=0) - np.median(reference.of("burst"), axis=0)
    assert np.all(shift[42:44] > 0.008)
    np.testing.assert_allclose(shift[:41], 0, atol=0.003)


def test_correlations_differ():
    """Between 5 and 50 TeV: high for a burst, lower for CREDIT with a floor below both."""
    rank = {scenario: spearmanr(load().of(scenario)[:, [40, 45]]).statistic for scenario in ("burst", "CREDIT 1 TeV")}
    assert rank["burst"] > rank["CREDIT 1 TeV"] + 0.2


def test_scenarios_of_one_galaxy_have_the_same_sources():
    """At 30 GeV a delay of 6600 yr changes little: most of the sources that are felt are far older."""
    low = load().log_ratio[:, :, 0]
    assert spearmanr(low[:, 0], low[:, 5]).statistic > 0.95
    assert abs(spearmanr(low[1:, 0], low[:-1, 5]).statistic) < 0.05


@pytest.fixture
def small(monkeypatch):
    """A recipe of 120 Galaxies in place of a stored one."""
    recipes = {"late-sedov": dataclasses.replace(RECIPES["late-sedov"], realisations=120)}
    monkeypatch.setattr(library, "RECIPES", recipes)
    return recipes["late-sedov"]


def test_make_and_load(small, tmp_path):
    make("late-sedov", tmp_path, executor=ThreadPoolExecutor(1), progress=False)
    first = (tmp_path / "late-sedov.npz").read_bytes()
    made = load("late-sedov", folder=tmp_path)
    assert made.log_ratio.shape == (120, 2, 47)
    np.testing.assert_array_equal(made.log_ratio[100], small.compute([100])[0] * STEP)
    make("late-sedov", tmp_path, executor=ThreadPoolExecutor(2), progress=False)
    assert (tmp_path / "late-sedov.npz").read_bytes() == first


def test_an_altered_library_is_refused(small, tmp_path):
    make("late-sedov", tmp_path, progress=False)
    file = tmp_path / "late-sedov.npz"
    codes = small.compute(range(120))
    codes[5, 1, 7] += 1
    file.write_bytes(library._pack(codes))
    with pytest.raises(ValueError, match="was altered"):
        load("late-sedov", folder=tmp_path)
    file.write_bytes(b"PK\x03\x04 not a library")
    with pytest.raises(ValueError, match="was altered"):
        load("late-sedov", folder=tmp_path)
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="was altered"):
        load("late-sedov", folder=tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"3",
        b'"parameters"',
        b'{"parameters": {}}',
        b"\xff\xfe",
        b'{"sha256": 1, "parameters": {}}',
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path, capsys, content):
    (tmp_path / "late-sedov.json").write_bytes(content)
    words = "the manifest of the library 'late-sedov' was altered: make it again with `python -m"
    with pytest.raises(ValueError, match=words):
        load("late-sedov", folder=tmp_path)
    assert main(["renew", "late-sedov", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_manifest_cut_short_is_refused(tmp_path):
    whole = (library._FOLDER / "late-sedov.json").read_bytes()
    for keep in range(0, len(whole) - 2, 97):
        (tmp_path / "late-sedov.json").write_bytes(whole[:keep])
        with pytest.raises(ValueError, match="'late-sedov' was altered: make it again"):
            load("late-sedov", folder=tmp_path)


def test_any_byte_of_an_archive_may_be_flipped():
    """It gives the same numbers or is known as no library; whichever reader it meets."""
    codes = np.arange(2 * 47, dtype=np.int32).reshape(1, 2, 47) % 7
    packed = library._pack(codes)
    for place in range(len(packed)):
        for bit in (1, 8, 128):
            flipped = bytearray(packed)
            flipped[place] ^= bit
            found = library._unpack(bytes(flipped), codes.shape)
            assert found is None or found.shape == codes.shape


def test_a_library_of_other_parameters_is_refused(small, tmp_path):
    make("late-sedov", tmp_path, progress=False)
    file = tmp_path / "late-sedov.json"
    manifest = json.loads(file.read_text())
    manifest["parameters"]["scenarios"]["CREDIT 10 TeV"]["start"]["value"] = 300.0
    file.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"CREDIT 10 TeV.start: 300.0 yr, now 1000.0 yr.*library make late-sedov"):
        load("late-sedov", folder=tmp_path)


def test_a_rate_of_the_same_five_digits_is_another(small, tmp_path, monkeypatch):
    make("late-sedov", tmp_path, progress=False)
    near = dataclasses.replace(small, galaxy=lambda: Galaxy(rate=(1 + 1e-9) * Galaxy().rate))
    monkeypatch.setattr(library, "RECIPES", {"late-sedov": near})
    with pytest.raises(ValueError, match=r"other parameters than the package has now \(galaxy.rate: "):
        load("late-sedov", folder=tmp_path)


def test_a_killed_make_goes_on_where_it_stopped(small, tmp_path, monkeypatch):
    """The second of three batches fails; the next call computes what is missing and leaves the same file."""
    make("late-sedov", tmp_path, progress=False)
    whole = {name: (tmp_path / name).read_bytes() for name in ("late-sedov.npz", "late-sedov.json")}
    assert {file.name for file in tmp_path.iterdir()} == set(whole)
    block = library._block

    def dying(one, **tools):
        if one.index == 1:
            raise MemoryError
        return block(one, **tools)

    begun = tmp_path / "begun"
    begun.mkdir()
    monkeypatch.setattr(library, "_block", dying)
    with ThreadPoolExecutor(1) as one, pytest.raises(MemoryError):
        make("late-sedov", begun, executor=one, progress=False)
    assert {file.name for file in begun.iterdir()} == {"late-sedov.zarr"}
    computed = []
    monkeypatch.setattr(library, "_block", lambda one, **tools: computed.append(one.index) or block(one, **tools))
    make("late-sedov", begun, progress=False)
    assert 0 not in computed
    assert {file.name: file.read_bytes() for file in begun.iterdir()} == whole


def test_a_make_killed_while_it_removes_its_store_goes_on(small, tmp_path):
    code = f"""
import dataclasses, os, pathlib, shutil, sys
from crlab.sources import library
library.RECIPES = {{"late-sedov": dataclasses.replace(library.RECIPES["late-sedov"], realisations=2)}}
def dying(folder, **options):
    if list(pathlib.Path(folder).glob("zarr.json")):
        (pathlib.Path(folder) / "zarr.json").unlink()
        os._exit(9)
whole = shutil.rmtree
shutil.rmtree = dying if sys.argv[1] == "kill" else whole
library.make("late-sedov", pathlib.Path({str(tmp_path)!r}), progress=False)
"""
    codes = [
        subprocess.run([sys.executable, "-c", code, how], cwd=ROOT, capture_output=True).returncode
        for how in ("kill", "again")
    ]
    assert codes == [9, 0]
    assert {file.name for file in tmp_path.iterdir()} == {"late-sedov.npz", "late-sedov.json"}


@pytest.mark.parametrize("letters", ["ascii", "latin-1", "utf-8"])
def test_the_list_on_a_terminal_of_few_letters(letters):
    done = subprocess.run(
        [sys.executable, "-m", "crlab.sources.library", "list"],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": letters},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"a break of {'κ' if letters == 'utf-8' else '?'} at 312 GV" in done.stdout.decode(letters)


def test_a_manifest_is_renewed_where_the_numbers_are_the_same(small, tmp_path, monkeypatch, capsys):
    make("late-sedov", tmp_path, progress=False)
    file = tmp_path / "late-sedov.json"
    new = file.read_bytes()
    file.write_text(json.dumps({"parameters": "as they were written once", "sha256": json.loads(new)["sha256"]}))
    assert main(["renew", "--folder", str(tmp_path)]) == 0
    assert file.read_bytes() == new
    other = dataclasses.replace(small, escape={"start": 900 * u.yr})
    monkeypatch.setattr(library, "RECIPES", {"late-sedov": other})
    assert main(["renew", "late-sedov", "--folder", str(tmp_path)]) == 1
    assert "other numbers than the package gives now" in capsys.readouterr().err
    assert file.read_bytes() == new


def test_packing_keeps_every_number():
    codes = np.random.default_rng(2).integers(-200000, 400000, (7, 3, 47)).astype(np.int32)
    np.testing.assert_array_equal(library._unpack(library._pack(codes), codes.shape), codes)


def test_command(small, tmp_path, capsys, monkeypatch):
    assert main(["list"]) == 0
    assert "late-sedov" in capsys.readouterr().out
    assert main(["make", "no-such"]) == 1
    assert "no library 'no-such'" in capsys.readouterr().err
    monkeypatch.setattr(library, "prepare", None)
    (tmp_path / "file").write_text("mine")
    for arguments, words in (
        (["make", "late-sedov", "--folder", str(tmp_path / "nowhere")], "does not exist: make this folder first"),
        (["make", "late-sedov", "--folder", str(tmp_path / "file")], "is a file: choose a folder"),
        (["make", "late-sedov", "no-such"], "no library 'no-such'"),
    ):
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1


def test_bad_names():
    with pytest.raises(ValueError, match="did you mean late-sedov"):
        load("late")
    with pytest.raises(ValueError, match="scenario must be one of burst, CREDIT 10 TeV"):
        load("late-sedov").of("CREDIT 3 TeV")
    with pytest.raises(FileNotFoundError):
        load("late-sedov", folder="/nowhere")
