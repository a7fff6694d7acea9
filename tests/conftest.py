"""What all tests share: importable tools, and examples drawn the same way on every machine."""

import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]

settings.register_profile("crlab", deadline=None, derandomize=True)
settings.load_profile("crlab")
