"""Set equations as SVG while the pages are built, so that none is late: MathJax, run by Playwright's node.

Sphinx writes TeX between the delimiters of its MathJax extension; here each is replaced by what MathJax would
make of it in a browser, MathML for screen readers included. Pages then need no MathJax and no other script.
"""

import html
import json
import re
import subprocess
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sphinx.errors import ExtensionError
from sphinx.util import logging

STYLE = "equations.css"
OPEN, CLOSE = "\x02", "\x03"  # what no text holds
INLINE, DISPLAY = [OPEN + "i", CLOSE], [OPEN + "d", CLOSE]
TEX = re.compile(f"{OPEN}([id])(.*?){CLOSE}", re.S)
GLYPH = re.compile(r'xlink:href="#(MJX-[^"]+)"')
logger = logging.getLogger(__name__)


def package(name):
    """The folder of an installed package, which need not be one that can be imported."""
    return Path(find_spec(name).origin).parent


def node():
    """The JavaScript engine inside Playwright."""
    driver = package("playwright") / "driver"
    return next(path for name in ("node", "node.exe") if (path := driver / name).is_file())


class Engine:
    """A running MathJax: TeX in, SVG out."""

    def __init__(self):
        mathjax = package("sphinx-mathjax-offline") / "static" / "mathjax"
        command = [str(node()), str(Path(__file__).with_suffix(".js")), str(mathjax)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.css = self._answer("")["css"]
        self.glyphs = {}

    def _answer(self, question):
        with suppress(BrokenPipeError):  # a process that has died gives no answer, either
            self.process.stdin.write(question)
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ExtensionError("MathJax ended while it set the equations")
        return json.loads(line)

    @cache  # noqa: B019
    def set(self, tex, display):
        """One equation as a piece of HTML."""
        answer = self._answer(json.dumps([tex, display]) + "\n")
        if "error" in answer:
            raise ValueError(answer["error"])
        self.glyphs.update(answer["glyphs"])
        # A displayed equation may be wider than the page: the keyboard must reach it to scroll.
        return answer["html"].replace('display="true"', 'display="true" tabindex="0"', 1)

    def close(self):
        """End it."""
        self.process.communicate()


def delimit(app, config):
    """Choose delimiters that can be told from all text."""
    config.mathjax_inline, config.mathjax_display = INLINE, DISPLAY


def start(app):
    """Start the engine and put its style sheet beside the pages."""
    if app.builder.format == "html":
        app.equations = Engine()
        folder = Path(app.outdir, "_static")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / STYLE).write_text(app.equations.css, encoding="utf-8")


def set_equations(engine, text, place):
    """A text with its equations set."""

    def one(found):
        tex = html.unescape(found[2])
        try:
            return engine.set(tex.strip(), found[1] == "d")
        except ValueError as error:
            logger.warning("%s in the equation %s", error, tex, location=place)
            return html.escape(tex)

    return TEX.sub(one, text)


def shapes(engine, text):
    """The glyphs that a text uses, once."""
    used = sorted(set(GLYPH.findall(text)))
    glyphs = "".join(engine.glyphs[name] for name in used)
    return f'<svg style="display: none" aria-hidden="true"><defs>{glyphs}</defs></svg>' if used else ""


def set_page(app, pagename, templatename, context, doctree):
    """Set the equations of a page's text and of its table of contents."""
    for part in ("body", "toc", "title"):
        if OPEN in context.get(part, ""):
            context[part] = set_equations(app.equations, context[part], pagename)
    if "body" in context:
        context["body"] = shapes(app.equations, context["body"] + context.get("toc", "")) + context["body"]
    # MathJax has done its work.
    scripts = [(s, f"{s} {getattr(s, 'attributes', {}).get('body')}") for s in context.get("script_files", [])]
    context["script_files"] = [script for script, words in scripts if "mathjax" not in words.lower()]


def finish(app, exception):
    """End the engine."""
    if hasattr(app, "equations"):
        app.equations.close()


def setup(app):
    """Sphinx calls this."""
    app.connect("config-inited", delimit)
    app.connect("builder-inited", start)
    app.connect("html-page-context", set_page, priority=800)
    app.connect("build-finished", finish)
    app.add_css_file(STYLE)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
