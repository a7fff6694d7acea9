"""Build the book with the newest Sphinx and extensions instead of the locked ones: an early warning.

Jupyter Book 1.x pins an older Sphinx. It writes the configuration; a second environment without pins builds with it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-newest"
EXTENSIONS = """
    sphinx myst-nb sphinx-book-theme sphinx-external-toc sphinx-exercise sphinxcontrib-bibtex sphinx-design
    sphinx-copybutton sphinx-togglebutton sphinx-multitoc-numbering sphinx-jupyterbook-latex sphinx-comments
    sphinx-thebe sphinx-mathjax-offline playwright linkify-it-py crflux[gsf] ipykernel jupyter-cache nbclient
""".split()  # noqa: SIM905


def main():
    configuration = ROOT / "conf.py"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "book" / "_ext"), str(ROOT / "tools")])}
    shutil.rmtree(VENV, ignore_errors=True)
    steps = [
        ["uv", "venv", "--quiet", "--python", sys.executable, str(VENV)],
        ["uv", "pip", "install", "--quiet", "--python", str(VENV), *EXTENSIONS, "--editable", "."],
        ["jupyter-book", "config", "sphinx", "."],
        [str(VENV / "bin" / "sphinx-build"), "-b", "html", "-n", "-W", "--keep-going", "-q", ".", "_build/newest"],
    ]
    try:
        for step in steps:
            status = subprocess.call(step, cwd=ROOT, env=environment)
            if status:
                return status
            if configuration.is_file():  # Jupyter Book wrote it, and must not be asked for
                configuration.write_text(configuration.read_text().replace("'jupyter_book', ", ""))
    finally:
        configuration.unlink(missing_ok=True)
    subprocess.call(["uv", "pip", "list", "--quiet", "--python", str(VENV)], cwd=ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
