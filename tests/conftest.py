"""What all tests share: tools that are found, and examples drawn the same way on every machine."""

import os
import sys
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "book" / "_ext")]

settings.register_profile("crlab", deadline=None, derandomize=True)
settings.load_profile("crlab")
