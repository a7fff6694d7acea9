"""The question bank: it covers the syllabus, its numbers are computed, and students get no answers."""

import inspect
import json
import re
import shutil

import astropy.units as u
import numpy as np
import pytest
import questions
import typeset
from bs4 import BeautifulSoup
from conftest import needs_browser
from question_bank import variants

BANK = questions.bank()
SEEDS = range(1, 6)
drawn = pytest.mark.parametrize("entry", [e for e in BANK if "variant" in e], ids=lambda e: e["id"])
each = pytest.mark.parametrize("entry", BANK, ids=lambda e: e["id"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    target = tmp_path_factory.mktemp("questions")
    chosen = questions.write(target, list(questions.syllabus()), 0, seed=2)
    return target, chosen


def test_each_unit_of_the_syllabus_has_three_to_five():
    units = [entry["unit"] for entry in BANK]
    assert set(units) == set(questions.syllabus())
    for unit in questions.syllabus():
        assert 3 <= units.count(unit) <= 5, unit
        assert len({entry["kind"] for entry in BANK if entry["unit"] == unit}) > 1, unit


def test_every_question_has_a_name_of_its_own():
    assert len({entry["id"] for entry in BANK}) == len(BANK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 4}, "one.yaml, $[0].level: 4 is not one of"),
        ({"marks": "many"}, "'many' is not of type 'integer'"),
        ({"kind": "riddle"}, "'riddle' is not one of"),
        ({"kind": "estimate"}, "'variant' is a required property"),
        ({"kind": "figure reading"}, "'figure' is a required property"),
        ({"figure": "fig-a"}, "does not allow 'fig-a'"),
        ({"colour": "red"}, "'colour' was unexpected"),
    ],
)
def test_what_is_no_question_is_refused(tmp_path, monkeypatch, change, message):
    plain = next(entry for entry in BANK if entry["kind"] == "concept")
    shutil.copy(questions.BANK / "schema.json", tmp_path)
    monkeypatch.setattr(questions, "BANK", tmp_path)
    (tmp_path / "one.yaml").write_text(json.dumps([plain]))
    assert questions.bank() == [plain]
    (tmp_path / "one.yaml").write_text(json.dumps([plain | change]))
    with pytest.raises(ValueError, match=re.escape(message)):
        questions.bank()


@each
def test_equations_are_whole(entry):
    made = questions.make(entry, 1)
    for text in (made["question"], made["answer"], made["marking"]):
        assert not re.search(r"\{\{\w", text), "a name without a value"
        for equation in text.split("$")[1::2]:
            depth = np.cumsum([(c == "{") - (c == "}") for c in re.sub(r"\\[{}]", "", equation)])
            assert depth.size, text
            assert depth.min() >= 0, equation
            assert depth[-1] == 0, equation
        assert not re.search(r"\\[a-zA-Z]", "".join(text.split("$")[::2])), "a command outside an equation"


@each
def test_marking_adds_up_to_the_marks(entry):
    """Hints name marks in whole numbers; "each" and "at most" are left to the reader."""
    words = entry["marking"]
    if not re.search(r"each|at most|one of them|within", words):
        parts = [int(n) for n in re.findall(r"(?:^|[,;.] )(\d) for ", words)]
        assert sum(parts) == entry["marks"]


@drawn
def test_numbers_are_finite_and_change_with_the_seed(entry):
    texts = set()
    for seed in SEEDS:
        inputs, results = questions.draw(entry, seed)
        numbers = [u.Quantity(x).value for x in (inputs | results).values() if not isinstance(x, str)]
        assert np.all(np.isfinite(numbers))
        assert np.isfinite(u.Quantity(results["answer"]).value)
        assert "{{answer}}" in entry["answer"] + entry["marking"], "the result is not shown"
        assert not set(inputs) & set(results)
        used = set(re.findall(r"\{\{(\w+)\}\}", entry["question"]))
        assert used == set(inputs), "the question states its inputs, all of them, and nothing else"
        made = questions.make(entry, seed)
        texts.add((made["question"], made["answer"]))
    assert len(texts) >= (2 if inputs else 1), "other seeds, the same numbers"


def test_every_function_belongs_to_a_question():
    found = {n for n, f in inspect.getmembers(variants, inspect.isfunction) if f.__module__ == variants.__name__}
    assert found == {entry["variant"] for entry in BANK if "variant" in entry}


def test_a_question_does_not_depend_on_what_is_chosen_beside_it():
    alone = questions.choose([7], 0, seed=3)
    among = [entry for entry in questions.choose([1, 7, 24], 0, seed=3) if entry["unit"] == 7]
    assert alone == among
    assert len(questions.choose([7, 24], 2, seed=3)) == 4


def test_students_get_no_answers(written):
    target, chosen = written
    for ending in ("md", "html"):
        student, teacher = ((target / f"{who}.{ending}").read_text() for who in ("students", "teachers"))
        assert "Answer." in teacher
        assert not re.search("Answer|Marking|, level ", student)
    student, teacher = ((target / f"{who}.md").read_text() for who in ("students", "teachers"))
    for entry in chosen:
        assert entry["question"] in student
        assert entry["question"] in teacher
        assert entry["answer"] in teacher
        assert entry["answer"] not in student
        assert entry["marking"] in teacher
        for sentence in re.split(r"(?<=[.;:]) ", entry["answer"]):
            assert len(sentence) < 30 or sentence not in student, entry["id"]


def test_figures_are_there_and_described_to_teachers(written):
    target, chosen = written
    for who in ("students", "teachers"):
        soup = BeautifulSoup((target / f"{who}.html").read_text(), "html.parser")
        images = soup.select("img")
        assert len(images) == sum("figure" in entry for entry in chosen)
        for image in images:
            assert (target / image["src"]).is_file()
            assert image["alt"]
        assert len(soup.select("section")) == len(chosen)


def test_the_teachers_page_shows_a_sample_and_no_answers():
    page = questions.PAGE.read_text()
    sample = dict(re.findall(r"^(\d+)\. (.+)$", page[page.index("A sample:") :], re.M))
    assert {int(unit) for unit in sample} == set(questions.syllabus())
    for unit, text in sample.items():
        source = [e for e in BANK if " ".join(e["question"].split()) == text]
        assert [e["unit"] for e in source] == [int(unit)], f"not a question of unit {unit}: {text}"
        assert "variant" not in source[0]
    for entry in BANK:
        assert " ".join(entry["answer"].split()) not in " ".join(page.split())


@pytest.mark.parametrize(
    "arguments", [["--units", "1-x"], ["--units", "31"], ["--units", "0"], ["--units", "1,9-7"], ["--seed", "-1"]]
)
def test_wrong_choices_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        questions.main(arguments)
    assert "units" in capsys.readouterr().err


def test_the_environment_chooses(tmp_path, monkeypatch, capsys):
    for name, value in (("UNITS", "24,6,6"), ("NUMBER", "2"), ("SEED", "9")):
        monkeypatch.setenv(name, value)
    assert questions.main(["--target", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("4 questions")
    text = (tmp_path / "teachers.md").read_text()
    assert re.findall(r"^## Unit (\d+)", text, re.M) == ["6", "24"]
    assert "set 9" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (1234.5, "1230"),
        (0.0123456, "0.0123"),
        (1e6, "10^{6}"),
        (2.5e-5, r"2.5 \times 10^{-5}"),
        (1400 * u.yr, r"1400 \; \mathrm{yr}"),
        (5e28 * u.cm**2 / u.s, r"5 \times 10^{28} \; \mathrm{cm^{2}\,s^{-1}}"),
        (9.09 * u.percent, r"9.09 \; \mathrm{\%}"),
        (11 * u.deg, r"11\mathrm{{}^{\circ}}"),
    ],
)
def test_numbers_are_set_as_equations(value, text):
    assert questions.shown(value) == text
    assert questions.filled("so {{x}}", {"x": value}) == f"so ${text}$"
    assert questions.filled("so $a^{{{x}}}$", {"x": value}) == f"so $a^{{{text}}}$"


def test_an_open_equation_is_found():
    with pytest.raises(ValueError, match="no end"):
        questions.filled("a $b", {})


@needs_browser
def test_equations_show_without_a_network(written, browser):
    target, _ = written
    assert (target / typeset.MATHJAX).is_file()
    page = browser.new_page()
    outside, errors = [], []
    page.on("request", lambda r: outside.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto((target / "teachers.html").as_uri(), wait_until="load")
    page.evaluate("MathJax.startup.promise")
    assert page.locator("mjx-container svg").count() > 500
    assert page.locator("[data-mml-node=merror]").count() == 0
    assert outside == []
    assert errors == []
    page.close()
