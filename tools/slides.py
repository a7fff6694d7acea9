"""Slides from the chapters: headings, questions, equations and figures, for a browser without a network.

A section of a chapter becomes a slide with its heading, its equations and the questions it asks; each figure becomes a
slide with its caption, under the heading of its section if that has no slide of its own. What the talk states and what
is computed is shown as the chapter prints it. The tag ``slide`` on a code cell adds its code and what it printed;
``no-slide`` leaves a cell out. The text of the chapter stands in the notes.
"""

import re
import shutil
import sys

import chapters
import notebooks
import typeset

TARGET = notebooks.ROOT / "_build" / "slides"
FENCE = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\}([^\n]*)\n(.*?)^\1[ ]*$", re.M | re.S)


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
        return slide(heading, level=1, text=prose.split("\n\n")[0], notes=prose)
    if heading.startswith(("Summary", "What you will")):
        return slide(heading, text=prose)
    if heading.startswith(NO_SLIDE) or not (equations or questions):
        return ""
    return slide(heading, questions=questions, equations=equations, notes=prose)


def slide(heading="", level=2, **parts):
    """A slide with a heading, if any, and some of the parts that its template knows."""
    return typeset.render("slide.html", heading=heading, level=level, **parts)


def figure_slides(cell, heading=""):
    """A slide for each figure of a code cell, for what it says of the talk, and for code and text if it is tagged."""
    markup = cell.metadata.get("mystnb", {})
    words = {"caption": markup.get("figure", {}).get("caption", ""), "alt": markup.get("image", {}).get("alt", "")}
    result, printed = [], ""
    for output in cell.outputs:
        data = output.get("data", {})
        printed += output.get("text", "")
        if "image/png" in data:
            result.append(slide(heading, picture=data["image/png"].replace("\n", ""), **words))
        elif "text/html" in data:
            result.append(slide(heading, html=data["text/html"]))
    if "claims.report(" in cell.source:
        result.append(slide("What the talk says", verdicts=verdicts(printed), report=printed))
    if "slide" in cell.metadata.get("tags", []):
        result.insert(0, slide(listings=[text for text in (cell.source, printed) if text.strip()]))
    return result


def verdicts(report):
    """What a chapter prints of its claims, without the remarks: one line for each."""
    remark = re.compile(r"^ {4,}.*\n?", re.M)
    return re.sub(r"\n {2}(?=\S)", " ", remark.sub("", report)).strip().splitlines()


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
    """The slides as one page."""
    return typeset.render("slides.html", title=title, slides=body, up=up)


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(typeset.bundle(), TARGET / typeset.MATHJAX)
    talks = []
    for path in notebooks.physics():
        notebook = chapters.with_outputs(path)
        title = notebooks.title(notebook)
        target = TARGET / path.relative_to(notebooks.ROOT / "book").with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(title, slides(notebook), up="../"), encoding="utf-8")
        talks.append((target.relative_to(TARGET).as_posix(), title))
    index = typeset.render("slides-index.html", title="Slides", talks=talks, up="")
    (TARGET / "index.html").write_text(index, encoding="utf-8")
    print(f"Slides are in {TARGET.relative_to(notebooks.ROOT)}: open index.html in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
