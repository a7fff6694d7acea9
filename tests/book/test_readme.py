"""What the README promises exists and runs."""

import re
import tomllib

import lock
import make
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


def test_own_data_are_fitted_as_the_page_for_researchers_says(capsys):
    page = (ROOT / "book" / "reference" / "from-book-to-publication-size.md").read_text()
    (example,) = [code for code in re.findall(r"```python\n(.*?)```", page, re.S) if "mine" in code]
    exec("from astropy import units as u\n" + example, {})
    assert "kappa0 = " in capsys.readouterr().out
