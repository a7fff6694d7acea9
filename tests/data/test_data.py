"""The measured tables: their numbers are plausible, and a file that is not as it should be is refused."""

import builtins
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from hypothesis import given
from hypothesis import strategies as st

from crlab import data
from crlab.data.__main__ import main
from crlab.units import nucleon

META = dict.fromkeys(data._META, "something") | {"variable": "rigidity"}


def own_table(folder, *, meta=None, seal=True, **columns):
    """Write a reader's own table with astropy, as the manual shows."""
    columns = {"x": [1.0, 2, 3], "value": [9.0, 4, 1], "stat": [0.1] * 3, "syst": [0.2] * 3} | columns
    columns = {name: column for name, column in columns.items() if column is not None}
    table = Table(columns, meta=META if meta is None else meta)
    for name in table.colnames:
        if name.startswith("x") and table[name].unit is None:
            table[name].unit = u.GV
    path = folder / "own.ecsv"
    table.write(path, format="ascii.ecsv")
    if seal:
        data.seal(path)
    return path


@pytest.mark.parametrize("name", data.names())
def test_every_table_is_plausible(name):
    table = data.table(name)
    assert table.meta["name"] == name
    assert table.meta["doi"].startswith("10.")
    assert len(table.meta["bibcode"]) == 19
    assert table.meta["bibcode"][:4].isdigit()
    assert table.meta["bibcode"][:4] in table.meta["reference"]
    assert "upper" in table.meta["errors"]
    assert len(table) >= 11
    for column in table.colnames:
        assert isinstance(table[column], u.Quantity)
        assert table[column].info.description
    relative = (data.total_error(table) / table["value"]).to_value("")
    assert np.all(table["value"].value > 0)
    assert np.all(relative > 0.003)
    assert np.all(relative < 1.0)


@pytest.mark.parametrize("name", [name for name in data.names() if "-all-" in name or "-p-" in name])
def test_fluxes_fall_like_cosmic_rays(name):
    """Above 50 GV the index is between -2 and -4.5 from point to point, within the statistical errors."""
    table = data.table(name)
    table = table[table["x"].value > 50]
    assert table["value"].unit.is_equivalent(1 / (table["x"].unit * u.m**2 * u.s * u.sr))
    x, y = np.log(table["x"].value), np.log(table["value"].value)
    slopes = np.diff(y) / np.diff(x)
    noise = np.hypot(*((table["stat"] / table["value"]).to_value("")[i] for i in (slice(1, None), slice(-1))))
    error = 3 * noise / np.diff(x)
    assert np.all(slopes < -2 + error)
    assert np.all(slopes > -4.5 - error)


def test_sizes_are_those_published():
    sizes = {"ams02-bc-2021": 67, "ams02-p-2021": 72, "dampe-bc-2022": 13, "dampe-p-2019": 17}
    sizes |= {"dampe-p-2026": 18, "nucleon-all-2019": 11, "hawc-all-2022": 20, "lhaaso-all-2024": 20}
    assert {name: len(data.table(name)) for name in sizes} == sizes


def test_two_proton_spectra_agree_where_they_overlap():
    """AMS-02 in rigidity and DAMPE in kinetic energy: the same flux to 10 per cent, 100 to 1000 GeV."""
    ams, dampe = data.table("ams02-p-2021"), data.table("dampe-p-2019")
    inside = (dampe["x"] > 100 * u.GeV) & (dampe["x"] < 1000 * u.GeV)
    kinetic = np.hypot(ams["x"].value, 0.938) - 0.938
    beta = ams["x"].value / np.hypot(ams["x"].value, 0.938)
    per_energy = ams["value"].value / beta
    at = np.exp(np.interp(np.log(dampe["x"][inside].value), np.log(kinetic), np.log(per_energy)))
    assert dampe["value"][inside].value == pytest.approx(at, rel=0.1)


def test_all_particle_spectra_meet_within_their_systematic_errors():
    hawc, lhaaso = data.table("hawc-all-2022"), data.table("lhaaso-all-2024")
    at = np.exp(np.interp(np.log(5e5), np.log(hawc["x"].value), np.log(hawc["value"].value)))
    there = np.exp(np.interp(np.log(5e5), np.log(lhaaso["x"].value), np.log(lhaaso["value"].value)))
    assert at == pytest.approx(there, rel=0.15)


@pytest.mark.parametrize(("name", "index"), [("ams02-p-2021", 2.75), ("dampe-p-2019", 2.7)])
def test_points_are_where_the_mean_over_the_bin_is_taken(name, index):
    """Lafferty and Wyatt (1995): f(x) is the mean of f over the bin, here for f = E^-index."""
    table = data.table(name)
    low, high, x = (table[column].value for column in ("x_low", "x_high", "x"))
    assert np.all((low < x) & (x < high))
    assert low[1:] == pytest.approx(high[:-1], rel=1e-12)
    mean = (low ** (1 - index) - high ** (1 - index)) / (index - 1) / (high - low)
    assert x == pytest.approx(mean ** (-1 / index), rel=6e-4)


def test_energy_per_nucleon_is_not_energy():
    x = data.table("dampe-bc-2022")["x"]
    assert x.unit == u.GeV / nucleon
    with pytest.raises(u.UnitConversionError):
        x.to(u.GeV)


def test_total_error_adds_all_errors_in_quadrature():
    table = data.table("dampe-p-2026")
    parts = [table[name].value[3] for name in ("stat", "syst", "syst_model")]
    assert data.total_error(table)[3].value == pytest.approx(np.linalg.norm(parts))


def test_tables_are_fresh_copies():
    data.table("dampe-bc-2022")["value"][:] = 0
    assert data.table("dampe-bc-2022")["value"][0] > 0


def test_catalogue_lists_every_table():
    assert list(data.catalogue()["name"]) == data.names()


@pytest.mark.parametrize("name", ["ams02-bc-2020", "../data/measured/ams02-bc-2021", "", "AMS02"])
def test_unknown_name_lists_close_ones(name):
    with pytest.raises(ValueError, match=r"no table .*did you mean.*ams02-bc-2021"):
        data.table(name)


def test_loading_is_light():
    code = "import sys, crlab.data; crlab.data.table('ams02-bc-2021'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"healpy", "matplotlib", "scipy", "numba", "crdb"} & set(loaded.split())


@pytest.fixture
def packaged(tmp_path):
    """A copy of one of the package's files."""
    path = tmp_path / "copy.ecsv"
    path.write_bytes((data._FOLDER / "dampe-bc-2022.ecsv").read_bytes())
    return path


@given(position=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_any_altered_byte_is_refused(tmp_path_factory, position, change):
    content = bytearray((data._FOLDER / "dampe-bc-2022.ecsv").read_bytes())
    place = int(position * len(content))
    content[place] = (content[place] + change) % 256
    path = tmp_path_factory.getbasetemp() / "altered.ecsv"
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"altered\.ecsv"):
        data.load(path)


def test_altered_number_says_what_to_do(packaged):
    packaged.write_text(packaged.read_text().replace("0.1926", "0.1936"))
    with pytest.raises(ValueError, match=r"copy\.ecsv was altered.*Restore the file.*seal"):
        data.load(packaged)


def test_windows_line_ends_do_not_matter(packaged):
    packaged.write_bytes(packaged.read_bytes().replace(b"\n", b"\r\n"))
    assert len(data.load(packaged)) == 13


def test_own_table_by_the_manual(tmp_path):
    table = data.load(own_table(tmp_path))
    assert isinstance(table, QTable)
    assert table["x"].unit == u.GV
    assert data.total_error(table).value == pytest.approx(np.hypot(0.1, 0.2))


def test_own_table_per_nucleon(tmp_path):
    meta = META | {"variable": "energy_per_nucleon"}
    with u.add_enabled_units([nucleon]):
        path = own_table(tmp_path, meta=meta, x=[1.0, 2, 3] * u.GeV / nucleon)
    assert data.load(path)["x"].unit == u.GeV / nucleon


def test_sealing_twice_changes_nothing(tmp_path):
    path = own_table(tmp_path)
    before = path.read_bytes()
    data.seal(path)
    assert path.read_bytes() == before


def test_unsealed_table_is_refused(tmp_path):
    path = own_table(tmp_path, seal=False)
    with pytest.raises(ValueError, match=r"no checksum.*python -m crlab\.data seal"):
        data.load(path)


NAN = float("nan")
BAD = [
    ({"value": [9, NAN, 1.0]}, "value must hold a finite number"),
    ({"syst": [0.2, float("inf"), 0.2]}, "syst must hold a finite number"),
    ({"value": ["a", "b", "c"]}, "value must hold a finite number"),
    ({"value": np.ma.masked_equal([9.0, 4, 1], 4)}, "empty cells"),
    ({"x": [1.0, 3, 2]}, "x must be positive and increase"),
    ({"x": [1.0, 1, 2]}, "x must be positive and increase"),
    ({"x": [0.0, 1, 2]}, "x must be positive and increase"),
    ({"stat": [0.1, -0.1, 0.1]}, "stat must hold no negative error"),
    ({"syst_other": [0.1, -0.1, 0.1]}, "syst_other must hold no negative error"),
    ({"stat": None}, "must have the columns x, value, stat, syst"),
    ({"error": [0.1] * 3}, "must have the columns"),
    ({"x_low": [0.5, 1.5, 2.5]}, "may have both x_low and x_high"),
    ({"x_low": [0.5, 1.5, 2.5], "x_high": [1.5, 2.5, 2.9]}, "x must lie between"),
    ({"x_low": [0.5, 1.5, 2.5], "x_high": [1.7, 2.5, 3.5]}, "bins must not overlap"),
    ({"x": [1.0, 2, 3] * u.m}, "must be in units like GV, got m"),
    ({"stat": [0.1] * 3 * u.s}, "must be in units like a pure number, got s"),
    ({"meta": {**META, "variable": "speed"}}, "variable must be one of rigidity"),
    ({"meta": {**META, "doi": ""}}, "lacks in its header: doi"),
    ({"meta": {k: v for k, v in META.items() if k not in ("errors", "title")}}, "title, errors"),
]


@pytest.mark.parametrize(("wrong", "message"), BAD)
def test_bad_own_table_is_refused_and_not_sealed(tmp_path, wrong, message):
    path = own_table(tmp_path, seal=False, **wrong)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"own\.ecsv.*{message}"):
        data.seal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x,value\n1,2\n", "first line must begin with"),
        (b"\xff\xfe", "no text in UTF-8"),
        (b"# %ECSV 1.0\n# meta:\n#   a: [\n", "no readable ECSV"),
        (b"# %ECSV 1.0\n# ---\nx\n1\n", "no header '# meta:'"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    path = tmp_path / "odd.ecsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"odd\.ecsv.*{message}"):
        data.seal(path)
    assert path.read_bytes() == content


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.ecsv"):
        data.load(tmp_path / "nothing.ecsv")


def test_command_line_seals_all_or_none(tmp_path, capsys):
    good = own_table(tmp_path, seal=False)
    before = good.read_bytes()
    bad = tmp_path / "bad.ecsv"
    bad.write_text("nothing")
    assert main(["seal", str(good), str(bad)]) == 1
    assert "bad.ecsv" in capsys.readouterr().err
    assert good.read_bytes() == before
    assert main(["seal", str(good)]) == 0
    assert len(data.load(good)) == 3


def test_command_line_lists(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in data.names())


def database(name, *, factor=1.0, drop=0, bibcode=None, sub_exp="AMS02 (2011/05-2018/05)"):
    """Rows as `crdb.query` returns them, made from our own table."""
    ours = data.table(name)[drop:]
    types = [("sub_exp", "U100"), ("ads", "U32"), ("e", "f8"), ("value", "f8")]
    rows = np.recarray(len(ours), [*types, ("err_sta", "f8", (2,)), ("err_sys", "f8", (2,))])
    rows["sub_exp"], rows["ads"] = sub_exp, bibcode or ours.meta["bibcode"]
    rows["e"], rows["value"] = ours["x"].value, factor * ours["value"].value
    for field, column in (("err_sta", "stat"), ("err_sys", "syst")):
        rows[field][:, 0] = 0
        rows[field][:, 1] = ours[column].value
    return rows


def pretend(monkeypatch, answer):
    asked = {}

    def query(quantity, **options):
        asked.update(quantity=quantity, **options)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(sys.modules, "crdb", SimpleNamespace(query=query))
    return asked


def test_database_comparison_finds_a_difference(monkeypatch):
    asked = pretend(monkeypatch, database("ams02-bc-2021", factor=1.25, drop=2))
    result = data.compare_with_crdb("ams02-bc-2021")
    assert asked["quantity"] == "B/C"
    assert asked["energy_type"] == "R"
    assert len(result) == 65
    assert result["difference"].value == pytest.approx(-0.2)
    assert result.meta["unmatched"] == [2.032, 2.272]
    for error in ("stat", "syst"):
        assert np.all(result[f"crdb_{error}"] == result[error])


def test_database_comparison_keeps_to_one_interaction_model(monkeypatch):
    wrong = database("lhaaso-all-2024", factor=3, sub_exp="LHAASO QGSJET-II-04")
    right = database("lhaaso-all-2024", sub_exp="LHAASO EPOS-LHC")
    pretend(monkeypatch, np.concatenate([wrong, right]).view(np.recarray))
    assert np.all(data.compare_with_crdb("lhaaso-all-2024")["difference"] == 0)


def test_database_without_the_publication(monkeypatch):
    pretend(monkeypatch, database("ams02-bc-2021", bibcode="1900Natur...1....1X"))
    with pytest.raises(ValueError, match="no points of ams02-bc-2021"):
        data.compare_with_crdb("ams02-bc-2021")


def test_table_without_an_entry_in_the_database():
    with pytest.raises(ValueError, match="dampe-p-2026 names no entry"):
        data.compare_with_crdb("dampe-p-2026")


@pytest.mark.parametrize("error", [ConnectionError("no route"), TimeoutError("60 s")])
def test_no_network(monkeypatch, error):
    pretend(monkeypatch, error)
    with pytest.raises(ConnectionError, match="Cosmic-Ray Database did not answer"):
        data.compare_with_crdb("ams02-bc-2021")


def test_no_crdb_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "crdb", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'crlab\[crdb\]'"):
        data.compare_with_crdb("ams02-bc-2021")


def test_loading_reads_only_its_file(monkeypatch):
    """No network, no cache: every table loads while opening anything for writing is forbidden."""
    real = builtins.open

    def only_reading(file, mode="r", *args, **kwargs):
        assert not set(mode) & set("wax+"), f"{file} opened for writing"
        return real(file, mode, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", only_reading)
    for name in data.names():
        data.table(name)


def test_the_text_of_a_table_is_never_taken_for_a_file_name():
    """Loading opens files by their own names only, as an audit of the interpreter sees it."""
    code = (
        "import sys; seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event == 'open' else None)\n"
        "from crlab import data; data.table('ams02-bc-2021')\n"
        "print(*[name for name in seen if 'ECSV' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()
