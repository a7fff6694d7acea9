"""What the README promises exists and runs."""

import re
import tomllib

import lock
import make
import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_its_example_runs(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(example, {})
    assert capsys.readouterr().out.strip()


def test_its_commands_exist():
    for goal in re.findall(r"(?:`|^)make ([a-z]+)", README, re.M):
        assert goal in {*make.GOALS, "help"}


def test_its_files_exist():
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_dependency_earns_its_line():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for extra in project["optional-dependencies"].values() for r in extra]
    tables = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    for requirement in project["dependencies"] + extras:
        assert re.search(rf"\b{re.escape(lock.bare_name(requirement))}\b", tables), requirement


def test_what_the_page_for_researchers_says_runs(tmp_path, monkeypatch, capsys):
    """All its examples one after another, as on the page, but for the batch system and with workers in this process."""
    page = (ROOT / "book" / "reference" / "from-book-to-publication-size.md").read_text()
    examples = [code for code in re.findall(r"```python\n(.*?)```", page, re.S) if "SLURM" not in code]
    here = "LocalCluster(processes=False, dashboard_address=None, "
    code = "\n".join(examples).replace("1_000_000", "2000").replace("LocalCluster(", here)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    printed = capsys.readouterr().out
    assert printed.count("kappa0 = ") == 2
    assert "1 / cm2" in printed
    fluxes = re.findall(r"\d+\.\d*", printed.splitlines()[-1])
    assert len(fluxes) == 3
    assert (tmp_path / "mine-bc-2027.ecsv").is_file()


def test_its_batch_system_exists():
    """The page names a class and options that dask-jobqueue has."""
    jobqueue = pytest.importorskip("dask_jobqueue")
    script = jobqueue.SLURMCluster(
        cores=16, processes=16, memory="32GB", walltime="02:00:00", scheduler_options={"dashboard_address": None}
    )
    with script:
        assert "#SBATCH -t 02:00:00" in script.job_script()
