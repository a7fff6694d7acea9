"""What all tests share: tools that are found, and examples drawn the same way on every machine."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]

settings.register_profile("crlab", deadline=None, derandomize=True)
settings.load_profile("crlab")

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt install chromium)"
)


@pytest.fixture(scope="session")
def browser():
    """Chromium; one for all tests of a process, since Playwright allows no second one in a thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
