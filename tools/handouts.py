"""Notebooks to hand out: every chapter with its exercises and room for answers, and without the solutions."""

import re
import sys

import nbformat
import notebooks
from notebooks import ROOT

from crlab.ledger.answers import all_answers

TARGET = ROOT / "_build" / "handouts"
# ```{exercise} and ````{solution} blocks, whatever the number of backticks.
EXERCISE = re.compile(r"^(`{3,})\{exercise\}[^\n]*\n:label: (\S+)\n(?::[^\n]*\n)*(.*?)^\1[ ]*$", re.M | re.S)
SOLUTION = re.compile(r"^(`{3,})\{solution\} .*?^\1[ ]*$\n?", re.M | re.S)
BEGIN = re.compile(r"^(`{3,})\{solution-start\} .*?^\1[ ]*$\n?", re.M | re.S)
END = re.compile(r"^(`{3,})\{solution-end\}\s*?^\1[ ]*$\n?", re.M | re.S)


def without_solutions(cells):
    """Drop solutions within a cell, and all cells between the marks of one that spans several."""
    inside, kept = False, []
    for cell in cells:
        text = cell.source
        if cell.cell_type == "markdown":
            if inside and (end := END.search(text)):
                inside, text = False, text[end.end() :]
            elif inside:
                continue
            text = SOLUTION.sub("", text)
            if begin := BEGIN.search(text):
                inside, text = True, text[: begin.start()]
                if end := END.search(cell.source, begin.end()):
                    raise ValueError(f"a solution begins and ends in one cell: {end.group()}")
        elif inside:
            continue
        if text.strip():
            kept.append(nbformat.from_dict(cell | {"source": text.strip("\n")}))
    return kept


def with_room(cells):
    """Number the exercises, each in a cell of its own, and put an empty cell with its check, if any, after it."""
    checks = {}
    for answer in all_answers().values():
        checks.setdefault(answer.exercise, []).append(f'# crlab.check("{answer.id}", ...)')
    number, result = 0, []
    for cell in cells:
        begin = 0
        for found in EXERCISE.finditer(cell.source) if cell.cell_type == "markdown" else ():
            number += 1
            result += text_cell(cell.source[begin : found.start()])
            result += text_cell(f"**Exercise {number}.** {found[3].strip()}")
            result.append(nbformat.v4.new_code_cell("\n".join(["# Your work:", *checks.get(found[2], [])])))
            begin = found.end()
        result += text_cell(cell.source[begin:]) if begin else [cell]
    return result


def text_cell(text):
    return [nbformat.v4.new_markdown_cell(text.strip())] if text.strip() else []


def handout(notebook):
    """A chapter's notebook, ready to be handed out."""
    cells = with_room(without_solutions(notebook.cells))
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    metadata = {key: value for key, value in notebook.metadata.items() if key != "crlab"}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def main():
    for path in notebooks.physics():
        notebooks.write(handout(nbformat.read(path, 4)), TARGET / path.relative_to(ROOT / "book"))
    print(f"Notebooks without solutions are in {TARGET.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
