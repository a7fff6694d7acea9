"""crlab, an interstellar laboratory: the kernels behind the book on Galactic cosmic rays.

Each sub-package is one part of the book: `crlab.grammage` computes what `book/grammage` tells.
Importing `crlab` itself is light; import the room you need.
"""

from importlib.metadata import version

__version__ = version("crlab")
