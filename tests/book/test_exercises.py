"""Exercises: each answer that can be checked belongs to one of them, and each has its solution."""

import re

import nbformat
import notebooks
import pytest

from crlab.ledger.answers import all_answers

PHYSICS = notebooks.physics()


def labels(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
    return re.findall(r"\{exercise\}\s*\n:label: (\S+)", text)


LABELS = {path: labels(path) for path in PHYSICS}


def test_every_answer_belongs_to_an_exercise_and_counts_as_it_does():
    place = {label: (path, i) for path, found in LABELS.items() for i, label in enumerate(found, 1)}
    chapter = {}
    for answer in all_answers().values():
        word, number = answer.id.rsplit("-", 1)
        path, i = place[answer.exercise]
        assert int(number) == i, f"{answer.exercise} is exercise {i} of its chapter, not {answer.id}"
        assert chapter.setdefault(word, path) == path, f"{word} stands for two chapters"


def test_labels_are_unique():
    every = [label for found in LABELS.values() for label in found]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("path", PHYSICS, ids=lambda p: p.stem)
def test_every_exercise_has_a_solution(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
    assert LABELS[path] == re.findall(r"\{solution(?:-start)?\} (\S+)", text)


def test_checks_in_the_text_ask_for_what_exists():
    for path in PHYSICS:
        text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
        for name in re.findall(r'\bcheck\("([\w-]+)"', text):
            assert name in all_answers(), f"{path.name} checks {name}"


@pytest.mark.parametrize("path", [p for p in PHYSICS if LABELS[p]], ids=lambda p: p.stem)
def test_a_chapter_with_exercises_has_a_number_to_check(path):
    text = "\n".join(cell.source for cell in nbformat.read(path, 4).cells)
    assert re.search(r"`crlab\.check\(\"[\w-]+\", \.\.\.\)`", text), f"{path.name} asks for no number"
