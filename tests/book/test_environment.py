"""One source of versions: the lock, environment.yml, Binder's builder, the workflows and the citation file."""

import re
import shutil
import subprocess
import tomllib

import lock
import pytest
import yaml
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def tool(*command):
    done = subprocess.run([*command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_requirement_is_pinned():
    pinned = {line.split("==")[0] for line in LOCK.splitlines()}
    extras = PROJECT["optional-dependencies"].values()
    wanted = {lock.bare_name(r) for r in PROJECT["dependencies"] + [r for extra in extras for r in extra]}
    assert wanted <= pinned


def test_the_lock_names_no_address():
    assert "://" not in LOCK
    assert "@" not in LOCK


def test_the_lock_is_current(tmp_path):
    copy = tmp_path / "requirements.lock"
    copy.write_text(LOCK)
    done = lock.compile_lock(copy)
    if done.returncode and re.search("(?i)connect|fetch|network|dns|offline", done.stderr):
        pytest.skip("the lock can be resolved anew only with a network")
    assert done.returncode == 0, done.stderr
    assert copy.read_text() == LOCK, "run `make lock`"


def test_environment_is_made_from_the_lock():
    text = (ROOT / "environment.yml").read_text()
    assert text == lock.environment(PROJECT, LOCK), "run `make lock`"
    assert f"python={lock.PYTHON}" in yaml.safe_load(text)["dependencies"]
    assert PROJECT["requires-python"] == f">={lock.PYTHON}"


def test_binder_accepts_the_repository(tmp_path):
    for name in ("environment.yml", "postBuild", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shown = tool("jupyter-repo2docker", "--no-build", "--debug", str(tmp_path))
    assert "Building conda environment for python=3.11" in shown
    assert "env update" in shown
    assert "./postBuild" in shown


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda p: p.name)
def test_workflows_are_valid_and_only_call_make(path):
    tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(path))
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            assert re.fullmatch(r"make [a-z]+( FRESH=1)?", step.get("run", "make book").strip())


def test_citation_file():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)
    newest, date = re.search(r"^## (\S+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(), re.M).groups()
    assert newest == citation["version"]
    # A version has a date once it is released: the same in both files.
    assert citation.get("date-released", "unreleased") == date
