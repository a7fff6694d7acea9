"""Write requirements.lock and environment.yml from pyproject.toml, the one source of versions.

The lock pins every extra for all Pythons that the project takes. environment.yml, for Binder and conda,
names the direct dependencies of package, cluster and book with their pins; pip takes the rest from the lock.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
PYTHON = "3.11"


def compile_lock(output, upgrade=False):
    """Resolve all extras; pins already in the output are kept unless they are to be upgraded."""
    command = [
        "uv",
        "pip",
        "compile",
        "pyproject.toml",
        "--universal",
        "--python-version",
        PYTHON,
        "--all-extras",
    ]
    command += ["--no-header", "--no-annotate", "--quiet", "--output-file", str(output)]
    return subprocess.run(command + ["--upgrade"] * upgrade, cwd=ROOT, check=False, stderr=subprocess.PIPE, text=True)


def bare_name(requirement):
    """The normalised name of the distribution that a requirement asks for."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement).group()).lower()


def environment(project, lock):
    """The text of environment.yml."""
    versions = dict(line.split(" ;")[0].split("==") for line in lock.splitlines() if "==" in line)
    extras = project["optional-dependencies"]
    direct = sorted(project["dependencies"] + extras["cluster"] + extras["book"], key=bare_name)
    named = [re.match(r"[\w.-]+(\[.*?\])?", requirement).group() for requirement in direct]
    pins = [f"{name}=={versions[bare_name(name)]}" for name in named]
    lines = ["# Made by `make lock` from pyproject.toml and requirements.lock: change those."]
    lines += [
        "name: crlab",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        f"  - python={PYTHON}",
        "  - pip",
    ]
    lines += ["  - pip:", "      - -c requirements.lock", "      - -e ."]
    return "\n".join(lines + [f"      - {pin}" for pin in pins]) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Renew requirements.lock and environment.yml.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    done = compile_lock(LOCK, parser.parse_args().upgrade)
    if done.returncode:
        print(f"The lock was not renewed: {done.stderr.strip()}", file=sys.stderr)
        return 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (ROOT / "environment.yml").write_text(environment(project, LOCK.read_text()))
    print("requirements.lock and environment.yml are those of pyproject.toml.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
