"""Slides from the chapters: headings, questions, equations and figures, for a browser without a network.

A section of a chapter becomes a slide with its heading, its equations and the questions it asks; each figure becomes a
slide with its caption, under the heading of its section if that has no slide of its own. What the talk states and what
is computed is shown as the chapter prints it. The tag ``slide`` on a code cell adds its code and what it printed;
``no-slide`` leaves a cell out. The text of the chapter stands in the notes.
"""

import html
import re
import shutil
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import chapters
import notebooks
from markdown_it import MarkdownIt
from pybtex.database import parse_file

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "_build" / "slides"
MATHJAX = "tex-svg-full.js"
FENCE = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\}([^\n]*)\n(.*?)^\1[ ]*$", re.M | re.S)
STYLE = """
html { scroll-snap-type: y mandatory; font: 1.5rem/1.4 system-ui, sans-serif; color: #1b1b1b; background: #fff; }
body { margin: 0; }
section { min-height: 100vh; box-sizing: border-box; padding: 4vh 6vw; scroll-snap-align: start; display: flex;
  flex-direction: column; justify-content: center; gap: 1.5vh; overflow-x: auto; }
h1 { font-size: 3rem; margin: 0; } h2 { font-size: 2.2rem; margin: 0; color: #0a4d8c; }
img { max-width: 100%; width: auto; height: 66vh; object-fit: contain; }
figure { margin: 0; text-align: center; } figcaption { font-size: 1.1rem; }
h2 + figure img { height: 50vh; }
.talk { font-size: 1.05rem; line-height: 1.3; margin: 0; }
mjx-container[display="true"] svg { max-width: 100%; height: auto; }
pre { font-size: 1.05rem; white-space: pre-wrap; background: #f4f4f4; padding: 0.6em; margin: 0; }
.question { font-style: italic; } .from { font-size: 1rem; color: #555; }
details { font-size: 1rem; } details:not([open]) { color: #555; }
@media print { section { min-height: 0; height: 98vh; break-after: page; } details { display: none; } }
"""
SCRIPT = """
const slides = [...document.querySelectorAll("section")];
function here() { return slides.findIndex(s => s.getBoundingClientRect().bottom > innerHeight / 2); }
function go(i) { slides[Math.max(0, Math.min(slides.length - 1, i))].scrollIntoView(); }
document.addEventListener("keydown", event => {
  if (event.target.closest("summary, button, input, a")) return;
  if (["ArrowRight", "ArrowDown", "PageDown", " "].includes(event.key)) go(here() + 1);
  else if (["ArrowLeft", "ArrowUp", "PageUp"].includes(event.key)) go(here() - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(slides.length - 1);
  else if (event.key === "n") {
    const open = !document.querySelector("details[open]");
    document.querySelectorAll("details").forEach(d => { d.open = open; });
  } else return;
  event.preventDefault();
});
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
<script>MathJax = {{tex: {{inlineMath: [["\\\\(", "\\\\)"]], displayMath: [["\\\\[", "\\\\]"]]}}}};</script>
<script defer src="{up}{mathjax}"></script>
</head>
<body>
<main>
{slides}
</main>
<script>{script}</script>
</body>
</html>
"""


@lru_cache
def bibliography():
    return parse_file(str(ROOT / "book" / "references.bib")).entries


def cited(key):
    """Authors and year of a reference, as a text names them."""
    entry = bibliography()[key.strip()]
    names = [str(person.rich_last_names[0]) for person in entry.persons["author"]]
    who = " & ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who} ({entry.fields['year']})"


def plain(text):
    """Text with the markup of MyST reduced to what Markdown knows; equations are kept apart from Markdown."""
    text = re.sub(r"^\([\w-]+\)=\n", "", text, flags=re.M)
    text = re.sub(r"\{cite:t\}`([^`]*)`", lambda m: ", ".join(map(cited, m[1].split(","))), text)
    text = re.sub(r"\{numref\}`[^`]*`", "the figure", re.sub(r"\{eq\}`[^`]*`", "the equation", text))
    text = re.sub(r"\s*\{cite:?\w*\}`[^`]*`", "", text)
    return re.sub(r"\{[\w:]+\}`([^`<]*?)\s*(?:<[^`]*>)?`", lambda m: m[1].rsplit("/", 1)[-1].replace("-", " "), text)


def rendered(text):
    """HTML of a piece of text with inline equations."""
    pieces = re.split(r"(\$\$.+?\$\$|\$[^$\n]+?\$)", plain(text), flags=re.S)
    equations = []
    for i in range(1, len(pieces), 2):
        body = pieces[i].strip("$")
        equations.append(f"\\[{body}\\]" if pieces[i].startswith("$$") else f"\\({body}\\)")
        pieces[i] = f"EQUATION{len(equations) - 1}END"
    shown = MarkdownIt().enable("table").render("".join(pieces))
    return re.sub(r"EQUATION(\d+)END", lambda m: html.escape(equations[int(m[1])], quote=False), shown)


def sections(text):
    """The pieces of a cell that begin with a heading: level, heading and text of each."""
    pieces = re.split(r"^(#{1,3}) (.+)$", text, flags=re.M)
    begin = [(0, "", pieces[0])] if pieces[0].strip() else []
    return begin + [(len(a), b, c) for a, b, c in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True)]


# Sections for readers, not for an audience.
NO_SLIDE = ("What you need", "Further reading", "Exercises")


def text_slide(level, heading, text):
    """A slide with the heading, the questions and the equations of a section; "" if it has none of these."""
    equations = [body for _, kind, _, body in FENCE.findall(text) if kind == "math"]
    equations = [re.sub(r"^:\w+:.*\n", "", body, flags=re.M).strip() for body in equations]
    prose = FENCE.sub("", text).strip()
    questions = [s for s in re.split(r"(?<=[.!?])\s+|\n\n+", prose) if s.endswith("?")]
    if level == 1:
        parts = [f"<h1>{rendered(heading)[3:-5]}</h1>", rendered(prose.split("\n\n")[0])]
        return slide(parts, prose)
    if heading.startswith("Summary"):
        return slide([f"<h2>{heading}</h2>", rendered(prose)], "")
    if heading.startswith("What you will"):
        return slide([f"<h2>{heading}</h2>", rendered(prose)], "")
    if heading.startswith(NO_SLIDE) or not (equations or questions):
        return ""
    parts = [f"<h2>{rendered(heading)[3:-5]}</h2>"] if heading else []
    parts += [f'<div class="question">{rendered(q)}</div>' for q in questions]
    parts += [f"<div>\\[{html.escape(e, quote=False)}\\]</div>" for e in equations]
    return slide(parts, prose)


def slide(parts, notes):
    if notes:
        parts = [*parts, f"<details><summary>Notes</summary>{rendered(notes)}</details>"]
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def figure_slides(cell, heading=""):
    """A slide for each figure of a code cell, for what it says of the talk, and for code and text if it is tagged."""
    title = [f"<h2>{rendered(heading)[3:-5]}</h2>"] if heading else []
    markup = cell.metadata.get("mystnb", {})
    caption, alt = markup.get("figure", {}).get("caption", ""), markup.get("image", {}).get("alt", "")
    result, printed = [], ""
    for output in cell.outputs:
        data = output.get("data", {})
        printed += output.get("text", "")
        if "image/png" in data:
            source = data["image/png"].replace("\n", "")
            image = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'
            words = rendered(caption).strip()
            result.append(slide([*title, f"<figure>{image}<figcaption>{words}</figcaption></figure>"], ""))
        elif "text/html" in data:
            result.append(slide([*title, data["text/html"]], ""))
    if "claims.report(" in cell.source:
        result.append(talk_slide(printed))
    if "slide" in cell.metadata.get("tags", []):
        shown = [f'<pre tabindex="0">{html.escape(text)}</pre>' for text in (cell.source, printed) if text.strip()]
        result.insert(0, slide(shown, ""))
    return result


def talk_slide(report):
    """What a chapter prints of its claims: one line for each, and the remarks in the notes."""
    remark = re.compile(r"^ {4,}.*\n?", re.M)
    verdicts = re.sub(r"\n {2}(?=\S)", " ", remark.sub("", report)).strip().splitlines()
    shown = "".join(f"<li>{html.escape(line)}</li>" for line in verdicts)
    notes = f'<details><summary>Notes</summary><pre tabindex="0">{html.escape(report)}</pre></details>'
    return slide(["<h2>What the talk says</h2>", f'<ul class="talk">{shown}</ul>', notes], "")


def slides(notebook):
    """The slides of a chapter."""
    result, waiting = [], ""  # a heading that has no slide yet
    for cell in notebook.cells:
        if "no-slide" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "code":
            made = figure_slides(cell, waiting)
            waiting = "" if made else waiting
            result += made
            continue
        for level, heading, text in sections(cell.source):
            made = text_slide(level, heading or waiting, text)
            result += [made] if made else []
            if heading or made:
                waiting = "" if made or heading.startswith(NO_SLIDE) else heading
    return result


def page(title, body, up=""):
    return PAGE.format(
        title=html.escape(title), style=STYLE, script=SCRIPT, slides="\n".join(body), up=up, mathjax=MATHJAX
    )


def bundle():
    """Where the one file of MathJax is."""
    return Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax" / MATHJAX


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(bundle(), TARGET / MATHJAX)
    links = []
    for path in notebooks.chapters():
        if "reference" in path.parts:
            continue
        notebook = chapters.with_outputs(path)
        title = re.search(r"^# (.+)$", notebook.cells[0].source, re.M)[1]
        target = TARGET / path.relative_to(ROOT / "book").with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(title, slides(notebook), up="../"), encoding="utf-8")
        links.append(f'<li><a href="{target.relative_to(TARGET).as_posix()}">{html.escape(title)}</a></li>')
    keys = "<p>Arrow keys and space turn the slides, <kbd>n</kbd> shows the notes; print them for paper.</p>"
    index = slide(["<h1>Slides</h1>", keys, "<ol>" + "\n".join(links) + "</ol>"], "")
    (TARGET / "index.html").write_text(page("Slides", [index]), encoding="utf-8")
    print(f"Slides are in {TARGET.relative_to(ROOT)}: open index.html in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
