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
