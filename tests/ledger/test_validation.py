"""The validation matrix: entries that can fail, and every entry of the rooms held to its tolerance."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy import units as u

from crlab.ledger import validation
from crlab.ledger.validation import Validation, all_validations, table


def entry(**changes):
    given = {"methods": {"analytic": lambda: 2.0, "finite volume": lambda: 2.01}, "tolerance": 0.01, "unit": ""}
    texts = {"id": "demo", "system": "a box", "quantity": "its size", "chapter": "grammage/composition-and-grammage"}
    return Validation(**(texts | given | changes))


@pytest.mark.parametrize(
    ("a", "b", "agrees"),
    [
        (2.0, 2.01, True),
        (2.0, 2.03, False),
        (-2.0, 2.0, False),
        (0.0, 0.0, True),
        ((2.0, 0.1), 2.31, True),  # 3 σ, and 1 % of 2.31
        ((2.0, 0.1), 2.35, False),
        ((2.0, 0.1), (2.4, 0.1), True),
        ((2.0, 0.1), (2.5, 0.1), False),
        (2000 * u.m, 2.001 * u.km, True),
        ((2 * u.km, 100 * u.m), 2.29 * u.km, True),
    ],
)
def test_methods_agree_within_tolerance_and_three_errors(a, b, agrees):
    unit = "km" if isinstance(b, u.Quantity) else ""
    assert entry(methods={"analytic": lambda: a, "Monte Carlo": lambda: b}, unit=unit).compare().agrees is agrees


def test_every_pair_counts():
    methods = {"analytic": lambda: 1.0, "finite volume": lambda: 1.009, "numerical": lambda: 0.991}
    result = entry(methods=methods).compare()
    assert not result.agrees
    assert result.difference == pytest.approx(0.018 / 1.009)
    assert result.deviation == 0


@pytest.mark.parametrize(("found", "agrees"), [(1e-9, True), (-1e-9, True), (3e-9, False)])
def test_an_entry_that_expects_nothing_has_a_scale(found, agrees):
    result = entry(methods={"analytic": lambda: 0.0, "numerical": lambda: found}, scale=2e-7).compare()
    assert result.agrees is agrees
    assert result.difference == pytest.approx(abs(found) / 2e-7, abs=1e-12)


@pytest.mark.parametrize(("sigmas", "agrees"), [(0.0, False), (2.0, False), (3.0, True)])
def test_an_entry_says_how_many_errors_it_allows(sigmas, agrees):
    methods = {"analytic": lambda: 1.0, "Monte Carlo": lambda: (1.26, 0.1)}
    assert entry(methods=methods, sigmas=sigmas).compare().agrees is agrees


def test_the_deviation_is_in_joint_errors():
    methods = {"Monte Carlo": lambda: (1.0, 0.3), "stochastic equations": lambda: (2.0, 0.4)}
    assert entry(methods=methods).compare().deviation == pytest.approx(2)


@pytest.mark.parametrize("bad", [np.nan, [1.0, 2.0], (1.0, np.inf)])
def test_what_is_not_one_finite_number_is_refused(bad):
    with pytest.raises(ValueError, match=r"^analytic of validation 'demo' must give one finite number"):
        entry(methods={"analytic": lambda: bad, "numerical": lambda: 1.0}).compare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tolerance": 0}, r"^tolerance of validation 'demo' must be positive, got 0$"),
        ({"methods": {"analytic": lambda: 1}}, r"^methods of validation 'demo' must be at least two"),
        ({"methods": {"analytic": lambda: 1, "guess": lambda: 1}}, r"got analytic, guess$"),
    ],
)
def test_a_bad_entry_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        entry(**changes)


def test_the_table_has_a_column_for_each_method(monkeypatch):
    demo = entry(methods={"analytic": lambda: 2 * u.km, "Monte Carlo": lambda: (2.1 * u.km, 60 * u.m)}, unit="km")
    monkeypatch.setattr(validation, "all_validations", lambda: {"demo": demo})
    head, _, row = (line.strip("| ").split(" | ") for line in table().splitlines())
    cells = dict(zip([cell.strip() for cell in head], row, strict=True))
    assert cells["System and number"] == "a box: its size [km]"
    assert cells["analytic"].strip() == "2"
    assert cells["Monte Carlo"] == "2.100 ± 0.060"
    assert cells["Largest difference"] == "4.8%, 1.7 σ"
    assert "](../grammage/composition-and-grammage.ipynb)" in cells["Chapter and remark"]
    assert table({"demo": demo.compare()}) == table()


def test_each_chapter_has_a_row():
    """No chapter is excepted: each simulates, or fits, something that a second method can check."""
    contents = yaml.safe_load((Path(__file__).parents[2] / "_toc.yml").read_text())
    parts = [part["chapters"] for part in contents["parts"] if part.get("numbered")]
    chapters = {entry["file"].removeprefix("book/") for part in parts for entry in part}
    rows = {entry.chapter for entry in all_validations().values()}
    assert len(chapters) > 20
    assert chapters - rows == set()
    assert rows - chapters == set()


def test_no_row_names_a_source_without_its_method_or_the_reverse():
    """What is taken from others says from whom."""
    for entry in all_validations().values():
        for method, word in (("published", "Published: "), ("other code", "Other code: ")):
            assert (method in entry.methods) == (word in entry.remark), entry.id


@pytest.mark.parametrize("name", all_validations())
def test_the_methods_of_each_system_agree(name):
    result = all_validations()[name].compare()
    assert result.agrees, result
