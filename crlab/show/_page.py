"""Pages from the files beside this one: HTML and its script, with ``__words`` in place of what is put in."""

from importlib.resources import files
from string import Template
from typing import Any


class _Page(Template):
    delimiter = "__"  # a word with it is a name in JavaScript, which has its own use for the dollar


def fill(name: str, **words: Any) -> str:
    """HTML of ``name.html`` and ``name.js``; the words are put in as they are, so escape texts before."""
    page, script = (
        _Page((files(__package__) / f"{name}.{kind}").read_text(encoding="utf-8")) for kind in ("html", "js")
    )
    return page.substitute(words, script=script.substitute(words))
