"""Handouts: no solution is left, nothing else is lost, and each exercise has room for an answer."""

import re

import handouts
import nbformat
import notebooks
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PHYSICS = notebooks.physics()

ENDING = """## Exercises

```{exercise}
:label: ex-bell-first-order
How much is *one* and one?
```

````{solution} ex-bell-first-order
:class: dropdown
```python
print(1 + 1)
```
SECRET
````

```{exercise}
:label: ex-b
Why?
```

```{solution-start} ex-b
:class: dropdown
```"""


def demo():
    cells = [new_markdown_cell("# Title"), new_code_cell("x = 1"), new_markdown_cell(ENDING)]
    cells += [new_code_cell("SECRET = 2"), new_markdown_cell("```{solution-end}\n```\n\n## Further reading")]
    return new_notebook(cells=cells, metadata={"crlab": {"fingerprint": "0"}})


def test_solutions_go_and_the_rest_stays():
    found = handouts.handout(demo())
    assert [cell.source for cell in found.cells] == [
        "# Title",
        "x = 1",
        "## Exercises",
        "**Exercise 1.** How much is *one* and one?",
        '# Your work:\n# crlab.check("bell-1", ...)',
        "**Exercise 2.** Why?",
        "# Your work:",
        "## Further reading",
    ]
    assert "crlab" not in found.metadata


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_no_chapter_gives_a_solution_away(path):
    notebook = nbformat.read(path, 4)
    found = handouts.handout(notebook)
    nbformat.validate(found)
    before = "\n".join(cell.source for cell in notebook.cells)
    after = "\n".join(cell.source for cell in found.cells)
    assert "{solution" not in after
    assert "{exercise}" not in after
    exercises = before.count("{exercise}")
    assert len(re.findall(r"^\*\*Exercise \d+\.\*\*", after, re.M)) == exercises
    for solution in re.findall(r"^````\{solution\}.*?^````$", before, re.M | re.S):
        for line in solution.splitlines()[2:-1]:
            assert not line.strip() or after.count(line) < before.count(line), line
    inside = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    kept = [cell.source for cell in found.cells if cell.cell_type == "code"]
    assert kept[: len(inside) - 1] == inside[:-1] or kept[: len(inside)] == inside
