"""The question bank on paper: one version for students, one with answers and marking hints for teachers.

The questions stand in ``tools/question_bank``, one file for each part. Those with numbers name a function of its module
``variants``, which draws the inputs from the seed and computes the answer, so that no number of an answer is typed.
A question's numbers depend on the seed and on nothing else, whichever questions are chosen beside it.
"""

import argparse
import base64
import html
import os
import re
import shutil
import sys
import zlib
from pathlib import Path

import nbformat
import numpy as np
import slides
import yaml
from astropy import units as u
from question_bank import variants

ROOT = Path(__file__).resolve().parents[1]
BANK = ROOT / "tools" / "question_bank"
TARGET = ROOT / "_build" / "questions"
PAGE = ROOT / "book" / "reference" / "for-teachers.md"
KINDS = ("concept", "estimate", "calculation", "figure reading")
NEEDED = {"id", "unit", "kind", "level", "marks", "question", "answer", "marking"}
EQUATION = re.compile(r"\$[^$]+\$")
STYLE = """
body { font: 1.05rem/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 46rem; margin: 2rem auto;
  padding: 0 1rem; }
h2 { margin-top: 2rem; border-bottom: 1px solid #999; } section { break-inside: avoid; margin: 1.2rem 0; }
h3 { font-size: 1rem; margin: 0; } p { margin: 0.3rem 0; } img { max-width: 26rem; width: 100%; }
.answer { border-left: 3px solid #0a4d8c; padding-left: 0.8rem; } .note { color: #555; font-size: 0.9rem; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } h2 { break-after: avoid; } }
"""


def syllabus():
    """Path of the chapter of each unit, from the teacher's page."""
    rows = re.findall(r"^\| (\d+) \| \{doc\}`/(book/[\w/-]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    return {int(number): ROOT / f"{name}.ipynb" for number, name in rows}


def bank():
    """All questions, in the order of the units."""
    found = []
    for path in sorted(BANK.glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            keys = set(entry)
            if not NEEDED <= keys <= NEEDED | {"variant", "figure"}:
                raise ValueError(f"{path.name}, {entry.get('id')}: missing or unknown {keys ^ NEEDED}")
            found.append(entry)
    return sorted(found, key=lambda entry: entry["unit"])


def generator(seed, word):
    return np.random.default_rng([seed, zlib.crc32(word.encode())])


def draw(entry, seed):
    """Inputs and results of a question for a seed; both empty for one without numbers."""
    if "variant" not in entry:
        return {}, {}
    rng = generator(seed, entry["id"])
    return getattr(variants, entry["variant"])(lambda *values: values[rng.integers(len(values))])


def shown(value):
    """A number with its unit as TeX, to three digits."""
    if isinstance(value, str):
        return value
    quantity = u.Quantity(value)
    digits = f"{quantity.value:.3g}"
    if ("e" in digits and abs(quantity.value) >= 1e5) or (abs(quantity.value) < 1e-3 and quantity.value):
        mantissa, power = f"{quantity.value:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        power = f"10^{{{int(power)}}}"
        digits = power if mantissa == "1" else rf"{mantissa}\times {power}"
    else:
        digits = f"{float(digits):g}"
    if quantity.unit == u.dimensionless_unscaled:
        return digits
    if quantity.unit in (u.percent, u.deg):
        return digits + {u.percent: r"\,\%", u.deg: r"^\circ"}[quantity.unit]
    return rf"{digits}\ {quantity.unit.to_string('latex_inline').strip('$')}"


def filled(text, numbers):
    """Put numbers into ``{{name}}``, as equations where the text is not inside one already."""

    def replace(piece, inside):
        def one(match):
            value = numbers[match[1]]
            return shown(value) if inside or isinstance(value, str) else f"${shown(value)}$"

        return re.sub(r"\{\{(\w+)\}\}", one, piece)

    pieces = text.strip().split("$")
    if len(pieces) % 2 == 0:
        raise ValueError(f"an equation has no end: {text}")
    return "$".join(replace(piece, bool(i % 2)) for i, piece in enumerate(pieces))


def make(entry, seed):
    """A question with its numbers: text of the question, of the answer and of the marking hint."""
    inputs, results = draw(entry, seed)
    return entry | {
        "question": filled(entry["question"], inputs),
        "answer": filled(entry["answer"], inputs | results),
        "marking": filled(entry["marking"], inputs | results),
    }


def choose(units, number, seed):
    """Questions of some units, at most a number from each, drawn by the seed."""
    chosen, entries = [], bank()
    for unit in units:
        of_unit = [entry for entry in entries if entry["unit"] == unit]
        if number and number < len(of_unit):
            kept = generator(seed, f"unit {unit}").choice(len(of_unit), number, replace=False)
            of_unit = [of_unit[i] for i in sorted(kept)]
        chosen += [make(entry, seed) for entry in of_unit]
    return chosen


def figure(path, name):
    """Picture and alternative text of a figure that a chapter holds."""
    for cell in nbformat.read(path, 4).cells:
        markup = cell.metadata.get("mystnb", {})
        if markup.get("figure", {}).get("name") == name:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output["data"]["image/png"]), markup.get("image", {}).get("alt", "")
    raise ValueError(f"{path.stem} has no picture {name}")


def title(path):
    return re.search(r"^# (.+)$", nbformat.read(path, 4).cells[0].source, re.M)[1]


def sheet(chosen, seed, answers):
    """The questions as Markdown: for each a heading, its text, and for teachers what follows from it."""
    units, marks = syllabus(), sum(entry["marks"] for entry in chosen)
    head = f"Answers and marking, set {seed}" if answers else f"Questions, set {seed}"
    lines = [f"# {head}", f"{len(chosen)} questions, {marks} marks."]
    if answers:
        lines.append("Numbers stand to three digits, to show a slip; two are enough in an answer.")
    unit = None
    for i, entry in enumerate(chosen, 1):
        if entry["unit"] != unit:
            unit = entry["unit"]
            lines.append(f"## Unit {unit}: {title(units[unit])}")
        many = "mark" if entry["marks"] == 1 else "marks"
        lines.append(f"### {i}. ({entry['marks']} {many})")
        lines.append(entry["question"])
        if "figure" in entry:
            # The text that replaces the picture tells what is to be read off it, so only teachers get it.
            alt = figure(units[unit], entry["figure"])[1] if answers else "Figure of the chapter"
            lines.append(f"![{alt}](figures/{entry['figure']}.png)")
        if answers:
            lines.append(f"**Answer.** {entry['answer']}")
            lines.append(f"**Marking.** {entry['marking']}")
            lines.append(f"*{entry['id']}: {entry['kind']}, level {entry['level']}*")
    return "\n\n".join(lines) + "\n"


def page(text):
    """A sheet as a page that prints well and needs no network."""
    body = []
    for block in re.split(r"\n\n(?=#{2,3} )", text.strip()):
        shown = slides.rendered(block)
        shown = shown.replace("<p><strong>Answer.", '<p class="answer"><strong>Answer.')
        shown = shown.replace("<p><strong>Marking.", '<p class="answer"><strong>Marking.')
        shown = re.sub(r"<p><em>([\w-]+: )", r'<p class="note"><em>\1', shown)
        body.append(f"<section>\n{shown}</section>" if block.startswith("### ") else shown)
    heading = re.match(r"# (.+)", text)[1]
    made = slides.PAGE.replace("<script>{script}</script>\n", "")
    return made.format(title=html.escape(heading), style=STYLE, slides="\n".join(body), up="", mathjax=slides.MATHJAX)


def numbers(text):
    """``1-3,7`` as a list of numbers in order."""
    found = []
    for piece in text.split(","):
        low, _, high = piece.strip().partition("-")
        if not (units := range(int(low), int(high or low) + 1)):
            raise ValueError(f"{piece} has no units")
        found += units
    return sorted(set(found))


def write(target, units, number, seed):
    chosen = choose(units, number, seed)
    (target / "figures").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(slides.bundle(), target / slides.MATHJAX)
    chapter = syllabus()
    for entry in chosen:
        if "figure" in entry:
            picture, _ = figure(chapter[entry["unit"]], entry["figure"])
            (target / "figures" / f"{entry['figure']}.png").write_bytes(picture)
    for name, answers in (("students", False), ("teachers", True)):
        text = sheet(chosen, seed, answers)
        (target / f"{name}.md").write_text(text, encoding="utf-8")
        (target / f"{name}.html").write_text(page(text), encoding="utf-8")
    return chosen


def main(arguments=None):
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", default=env.get("UNITS"), help="like 1-3,7 (default: all)")
    parser.add_argument("--number", type=int, default=env.get("NUMBER") or 0, help="from each unit (default: all)")
    parser.add_argument("--seed", type=int, default=env.get("SEED") or 1, help="which numbers (default: 1)")
    parser.add_argument("--target", type=Path, default=TARGET, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        units = numbers(given.units) if given.units else sorted(syllabus())
    except ValueError:
        parser.error(f"units must be like 1-3,7, got {given.units}")
    if not set(units) <= set(syllabus()) or given.seed < 0 or given.number < 0:
        parser.error(f"units are those of the syllabus, 1 to {max(syllabus())}; seed and number are not negative")
    chosen = write(given.target, units, given.number, given.seed)
    where = given.target.relative_to(ROOT) if given.target.is_relative_to(ROOT) else given.target
    print(f"{len(chosen)} questions are in {where}: students and teachers, as HTML to print and Markdown to edit.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
