"""Pages and sheets from the templates beside this file: HTML that needs no network, and Markdown.

Text comes as the chapters have it, in MyST; what Markdown does not know is reduced to words.
"""

import re
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from notebooks import ROOT
from pybtex.database import parse_file

MATHJAX = "tex-svg-full.js"
MARKDOWN = MarkdownIt().enable("table").use(dollarmath_plugin, double_inline=True)


def delimited(before, after):
    """A rule that leaves an equation to MathJax."""
    return lambda renderer, tokens, i, options, env: f"{before}{escape(tokens[i].content, quote=False)}{after}"


MARKDOWN.add_render_rule("math_inline", delimited(r"\(", r"\)"))
for rule in ("math_inline_double", "math_block"):
    MARKDOWN.add_render_rule(rule, delimited(r"\[", r"\]"))


@cache
def bibliography():
    return parse_file(str(ROOT / "book" / "references.bib")).entries


def cited(key):
    """Authors and year of a reference, as a text names them."""
    entry = bibliography()[key.strip()]
    names = [str(person.rich_last_names[0]) for person in entry.persons["author"]]
    who = " & ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who} ({entry.fields['year']})"


def plain(text):
    """Text with the markup of MyST reduced to what Markdown knows."""
    text = re.sub(r"^\([\w-]+\)=\n", "", text, flags=re.M)
    text = re.sub(r"\{cite:t\}`([^`]*)`", lambda m: ", ".join(map(cited, m[1].split(","))), text)
    text = re.sub(r"\{numref\}`[^`]*`", "the figure", re.sub(r"\{eq\}`[^`]*`", "the equation", text))
    text = re.sub(r"\s*\{cite:?\w*\}`[^`]*`", "", text)
    return re.sub(r"\{[\w:]+\}`([^`<]*?)\s*(?:<[^`]*>)?`", lambda m: m[1].rsplit("/", 1)[-1].replace("-", " "), text)


def markdown(text):
    """HTML of a text with equations."""
    return Markup(MARKDOWN.render(plain(text)))


def inline(text):
    """The same for a heading, which is no paragraph."""
    return Markup(MARKDOWN.renderInline(plain(text)))


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters |= {"markdown": markdown, "inline": inline}
TEMPLATES.globals["mathjax"] = MATHJAX


def render(template, **values):
    """A template filled with values."""
    return Markup(TEMPLATES.get_template(template).render(values))


def bundle():
    """Where the one file of MathJax is."""
    return Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax" / MATHJAX
