"""The two commands on machines that are not as they should be: one clear line, nothing broken."""

import os
import shutil
import subprocess
import sys

import make
import pytest
from conftest import ROOT


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout with only what the set-up reads."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "make.py", tmp_path / "tools")
    for name in ("PY", "FRESH", "MAKEFLAGS", "MAKELEVEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def gmake(folder, *arguments, **environment):
    done = subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_help_lists_the_goals(checkout):
    status, said = gmake(checkout, "help")
    assert status == 0
    for goal in (*make.GOALS, "clean"):
        assert f"make {goal} " in said


def test_wrong_python(checkout):
    status, said = gmake(checkout, "book", PY="python2")
    assert status != 0
    assert "PY=python2 is not Python 3.11 or newer." in said
    assert "Traceback" not in said
    assert not (checkout / ".venv").exists()


def test_only_an_old_python_on_the_machine(monkeypatch):
    monkeypatch.delenv("PY", raising=False)
    monkeypatch.setattr(make, "is_suitable", lambda python: False)
    with pytest.raises(make.Stop, match=r"Python 3\.11 or newer is needed"):
        make.find_python()


def test_no_network(checkout):
    proxies = dict.fromkeys(
        ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
    )
    status, said = gmake(checkout, "book", PY=sys.executable, PIP_RETRIES="0", UV_NO_CACHE="1", NO_PROXY="", **proxies)
    assert status != 0
    assert "Is there a network?" in said
    assert "Traceback" not in said
    # What was begun is known to be unfinished, so the next run does not trust it.
    assert "unfinished" in (checkout / ".venv" / ".ready").read_text()


def test_a_half_made_environment_is_made_again(checkout, monkeypatch):
    steps = []
    monkeypatch.setattr(make, "ROOT", checkout)
    monkeypatch.setattr(make, "VENV", checkout / ".venv")
    monkeypatch.setattr(make, "BIN", checkout / ".venv" / "bin")
    monkeypatch.setattr(make, "READY", checkout / ".venv" / ".ready")

    def quietly(command, trouble):
        steps.append(command)
        (checkout / ".venv").mkdir(exist_ok=True)

    monkeypatch.setattr(make, "quietly", quietly)
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "rest").touch()
    make.set_up()
    assert not (checkout / ".venv" / "rest").exists()
    assert [step[1:3] for step in steps] == [
        ["-m", "venv"],
        ["-m", "pip"],
        ["pip", "sync"],
        ["pip", "install"],
    ]
    steps.clear()
    monkeypatch.setattr(make, "is_suitable", lambda python: True)
    make.set_up()
    assert steps == [], "a finished environment is left alone"
    (checkout / "requirements.lock").write_text("uv==0.0\n")
    make.set_up()
    assert [step[1:3] for step in steps] == [["-m", "pip"], ["pip", "sync"], ["pip", "install"]]


def test_a_second_run_waits_for_the_first(checkout):
    first = subprocess.Popen(
        [sys.executable, "-c", "import make, sys; held = make.only_one(); print('held', flush=True); sys.stdin.read()"],
        cwd=checkout / "tools", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout.readline() == "held\n"
    second = subprocess.Popen(
        [sys.executable, "-c", "import make; held = make.only_one(); print('mine')"],
        cwd=checkout / "tools", stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert "Another make" in second.stdout.readline()
    assert second.poll() is None
    first.communicate("")
    assert second.communicate()[0] == "mine\n"
