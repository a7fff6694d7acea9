"""What the Makefile calls: set up .venv once, then build, test, run chapters or benchmarks.

Needs nothing but the standard library, and starts under any Python 3, so that an old one gets a clear
line instead of a syntax error. One run at a time works in a checkout; the others wait.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
READY = VENV / ".ready"
PAGES = ROOT / "_build" / "html"
OLDEST = (3, 11)
TRIED = ("python3.13", "python3.12", "python3.11", "python3", "python")
LINTED = ["crlab", "tests", "tools", "benchmarks", "book"]


class Stop(Exception):  # noqa: N818
    """Ends the run with one line for the user."""


def is_suitable(python):
    ask = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.call([python, "-c", ask], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def find_python():
    """The Python for .venv: the one asked for by PY, else the newest that was tried with the lock."""
    wanted = os.environ.get("PY")
    if wanted:
        if is_suitable(wanted):
            return wanted
        raise Stop(f"PY={wanted} is not Python 3.11 or newer.")
    for python in TRIED:
        if is_suitable(python):
            return python
    mine = ".".join(map(str, sys.version_info[:2]))
    raise Stop(f"Python 3.11 or newer is needed, only {mine} was found. Install one, or name it: make book PY=...")


def only_one():
    """Hold the checkout's lock until this process ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    lock = open(ROOT / ".make.lock", "a+")  # noqa: SIM115
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        print(
            f"Another make (process {lock.read().strip()}) is at work in this checkout; waiting for it.",
            flush=True,
        )
        fcntl.flock(lock, fcntl.LOCK_EX)
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def environment_key():
    """Changes whenever .venv has to be brought up to date."""
    h = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        h.update((ROOT / name).read_bytes())
    return h.hexdigest()


def set_up():
    """Make .venv what the lock says. A half-finished or moved one is made again, an old one updated."""
    key = environment_key()
    state = READY.read_text().splitlines() if READY.is_file() else []
    usable = state[:1] == [str(ROOT)] and is_suitable(str(BIN / "python"))
    if usable and state[1:] == [key]:
        return
    if not usable:
        if VENV.exists():
            print("The .venv found is unfinished or was moved; making it again.")
            shutil.rmtree(str(VENV))
        python = find_python()
        advice = f"{python} cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv."
        quietly([python, "-m", "venv", str(VENV)], advice)
    print("Setting up .venv (about half a minute) ...", flush=True)
    READY.write_text(f"{ROOT}\nunfinished\n")
    uv = re.search(r"^uv==\S+", (ROOT / "requirements.lock").read_text(), re.M).group()
    offline = "The packages could not be downloaded. Is there a network? Run the same command again when there is."
    quietly([str(BIN / "python"), "-m", "pip", "install", "--quiet", uv], offline)
    quietly([str(BIN / "uv"), "pip", "sync", "--quiet", "requirements.lock"], offline)
    quietly([str(BIN / "uv"), "pip", "install", "--quiet", "--no-deps", "--editable", "."], offline)
    READY.write_text(f"{ROOT}\n{key}\n")


def quietly(command, trouble):
    """Run a command of the set-up; where it fails, say why in one line."""
    done = subprocess.run(command, cwd=str(ROOT), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        lines = done.stdout.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Stop(f"{trouble} [{lines[-1].strip()[:160]}]")


def environment(**more):
    result = dict(os.environ, VIRTUAL_ENV=str(VENV), PYTHONUTF8="1", OPENBLAS_NUM_THREADS="1", **more)
    result["PATH"] = str(BIN) + os.pathsep + result.get("PATH", "")
    result.pop("PYTHONHOME", None)
    return result


def run(*command, stdout=None, **more):
    """Run a tool of .venv and return its exit status."""
    return subprocess.call([str(BIN / command[0]), *command[1:]], cwd=str(ROOT), env=environment(**more), stdout=stdout)


def build():
    command = ("jupyter-book", "build", ".", "-W", "-n", "--keep-going", "-q")
    return run(*command, stdout=subprocess.DEVNULL)


def book():
    begin = time.time()
    status = build()
    if status == 0:
        print(f"The book is in _build/html ({time.time() - begin:.0f} s). To read it:")
        print("    python3 -m http.server --directory _build/html 8000")
        print("and open http://localhost:8000 in a browser.")
    return status


def chromium():
    """See that the page tests have their browser; install Debian's where that is possible."""
    if shutil.which("chromium"):
        return
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing Chromium for the page tests ...", flush=True)
        for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.call(["apt-get", *step], env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"), **silent)
    if not shutil.which("chromium"):
        print("No Chromium here (Debian: apt install chromium): the pages go untested in a browser.")


def has_browser():
    """Only at home may the pages go untested in a browser."""
    return 1 if os.environ.get("CI") and not shutil.which("chromium") else 0


def validate():
    """Run every chapter and compare with its stored outputs.

    Those were computed with two threads; here each chapter has one, so both must agree.
    """
    options = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=600",
        "--nbval-sanitize-with=tests/nbval_sanitize.cfg",
    ]
    options += ["-q", "-o", "addopts=", "-n", "2", "--dist", "loadfile"]
    return run("pytest", *options, "book", CRLAB_PROGRESS="0", CRLAB_THREADS="1")


def test():
    """Every check; all run, and the failed ones are named at the end."""
    chromium()
    checks = [
        ("a browser", has_browser),
        ("lint", lambda: run("ruff", "check", "--quiet", *LINTED)),
        ("format", lambda: run("ruff", "format", "--quiet", "--check", *LINTED)),
        ("types", lambda: run("mypy")),
        ("spelling", lambda: run("codespell", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", *LINTED)),
        ("import rules", lambda: run("lint-imports")),
        ("book, strictly", build),
        ("tests", lambda: run("pytest", "-q", "-n", "2", "--dist", "worksteal")),
        ("chapters", validate),
    ]
    failed = []
    for name, check in checks:
        begin = time.time()
        print(f"\n--- {name}", flush=True)
        if check():
            failed.append(name)
        print(f"--- {name}: {'FAILED' if name in failed else 'passed'}, {time.time() - begin:.0f} s", flush=True)
    if failed:
        print("\nFailed: " + ", ".join(failed))
    print(f"\nchecks: {len(checks) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def chapters():
    fresh = ["--fresh"] if os.environ.get("FRESH") == "1" else []
    return run("python", "tools/colab.py") or run("python", "tools/chapters.py", *fresh)


def bench():
    return max([run("python", str(path)) for path in sorted((ROOT / "benchmarks").glob("[!_]*.py"))] or [0])


def lock():
    """Write requirements.lock and environment.yml; UPGRADE=1 takes the newest versions."""
    newest = ["--upgrade"] if os.environ.get("UPGRADE") == "1" else []
    return run("python", "tools/lock.py", *newest)


def newest():
    return run("python", "tools/newest.py")


def lab():
    return run("jupyter", "lab", "book")


def handouts():
    return run("python", "tools/handouts.py")


def slides():
    return run("python", "tools/slides.py")


def questions():
    """Which units, how many from each, and which numbers stand in UNITS, NUMBER and SEED."""
    return run("python", "tools/questions.py")


def pdf():
    chromium()
    return build() or run("python", "tools/pdf.py")


COMMANDS = (book, test, chapters, bench, lab, handouts, slides, questions, pdf, lock, newest)
GOALS = {goal.__name__: goal for goal in COMMANDS}


def main():
    parser = argparse.ArgumentParser(description="See `make help`.")
    parser.add_argument("goal", choices=sorted(GOALS))
    goal = parser.parse_args().goal
    try:
        held = only_one()
        set_up()
        status = GOALS[goal]()
        del held
        return status
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
