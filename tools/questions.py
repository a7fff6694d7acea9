"""The question bank on paper: one version for students, one with answers and marking hints for teachers.

The questions stand in ``tools/question_bank``, one file for each part. Those with numbers name a function of its module
``variants``, which draws the inputs from the seed and computes the answer, so that no number of an answer is typed.
A question's numbers depend on the seed and on nothing else, whichever questions are chosen beside it.
"""

import argparse
import base64
import json
import os
import re
import shutil
import sys
import zlib
from pathlib import Path

import nbformat
import notebooks
import numpy as np
import typeset
import yaml
from astropy import units as u
from jsonschema import Draft202012Validator
from notebooks import ROOT
from question_bank import variants

BANK = ROOT / "tools" / "question_bank"
TARGET = ROOT / "_build" / "questions"
PAGE = ROOT / "book" / "reference" / "for-teachers.md"
KINDS = ("concept", "estimate", "calculation", "figure reading")
NEEDED = {"id", "unit", "kind", "level", "marks", "question", "answer", "marking"}


def syllabus():
    """Path of the chapter of each unit, from the teacher's page."""
    rows = re.findall(r"^\| (\d+) \| \{doc\}`/(book/[\w/-]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
    return {int(number): ROOT / f"{name}.ipynb" for number, name in rows}


def bank():
    """All questions, in the order of the units; each is held to the bank's schema."""
    schema = Draft202012Validator(json.loads((BANK / "schema.json").read_text(encoding="utf-8")))
    found = []
    for path in sorted(BANK.glob("*.yaml")):
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        for error in schema.iter_errors(entries):
            raise ValueError(f"{path.name}, {error.json_path}: {error.message}")
        found += entries
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
    rounded = float(f"{quantity.value:.3g}") * quantity.unit
    text = rounded.to_string(format="latex_inline", formatter=".5g").strip("$")
    return text.removesuffix(r" \; \mathrm{}").removeprefix(r"1 \times ")


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


def sheet(template, chosen, seed, answers):
    """The questions as Markdown or HTML, for teachers with what follows from each."""
    return typeset.render(
        template,
        title=f"Answers and marking, set {seed}" if answers else f"Questions, set {seed}",
        note="Numbers stand to three digits, to show a slip; two are enough in an answer.",
        hidden="Figure of the chapter",  # what stands for a picture tells what is to be read off it
        titles={unit: notebooks.title(nbformat.read(path, 4)) for unit, path in syllabus().items()},
        questions=[{"figure": "", "number": i} | entry for i, entry in enumerate(chosen, 1)],
        answers=answers,
        up="",
    )


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
    shutil.copyfile(typeset.bundle(), target / typeset.MATHJAX)
    chapter = syllabus()
    for entry in chosen:
        if "figure" in entry:
            picture, entry["alt"] = figure(chapter[entry["unit"]], entry["figure"])
            (target / "figures" / f"{entry['figure']}.png").write_bytes(picture)
    for name, answers in (("students", False), ("teachers", True)):
        for ending in ("md", "html"):
            text = sheet(f"questions.{ending}", chosen, seed, answers)
            (target / f"{name}.{ending}").write_text(text, encoding="utf-8")
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
