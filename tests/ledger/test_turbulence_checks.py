"""The rows of turbulence that are measured at any size: reduced here, and stored at full size."""

from dataclasses import replace

import numpy as np
import pytest

from crlab.ledger.turbulence import checks
from crlab.ledger.turbulence.checks_particles import REFERENCE, STORED_ROWS
from crlab.ledger.turbulence.sampled import Sampled, row
from crlab.ledger.turbulence.validations import VALIDATIONS
from crlab.turbulence import __main__ as command
from crlab.turbulence import quasilinear

LONG = [entry for entry in checks.CHECKS if entry.id.startswith("turbulence-wandering")]  # reduced in test_field_lines
READ = [entry for entry in STORED_ROWS if entry.id != "turbulence-waves"]  # of the stored coefficients
SHORT = [entry for entry in checks.CHECKS if entry not in LONG and entry not in READ]


def test_every_check_is_a_row_of_the_matrix():
    assert [entry.id for entry in VALIDATIONS if entry in checks.CHECKS] == [entry.id for entry in checks.CHECKS]
    assert len({entry.id for entry in VALIDATIONS}) == len(VALIDATIONS)


def test_all_that_others_found_is_compared():
    compared = {entry.id for entry in READ if entry.id.startswith("turbulence-kappa")}
    assert len(compared) == sum(2 if eta < 1 else 1 for _, eta, _ in REFERENCE)


@pytest.mark.parametrize("entry", SHORT, ids=lambda entry: entry.id)
def test_reduced_runs(entry):
    """The same measurements as the command's, with fewer fields; errors must be small enough to mean something."""
    name, _ = checks.measured(entry)
    result = replace(checks.at_size(entry, 1), sigmas=max(entry.sigmas, 2.5)).compare()
    expected = next(value for method, value in result.values.items() if method != name)
    assert result.errors[name] <= 0.25 * expected
    assert result.agrees, result


def test_the_stored_checks_are_those_of_this_code():
    """Ids and expected values are the same, verdicts follow from the numbers, the stored coefficients are in it."""
    table = checks.load()
    assert list(table["id"]) == [entry.id for entry in checks.CHECKS]
    assert table["passed"].all()
    for line, entry in zip(table, checks.CHECKS, strict=True):
        name, sampled = checks.measured(entry)
        result = entry.compare()
        other = next(method for method in entry.methods if method != name)
        assert line["expected"] == pytest.approx(result.values[other], rel=1e-3)
        assert line["passed"] == result.agrees
        assert line["sample"] == sampled.sampled(10)
        off = abs(line["value"] - line["expected"])
        assert line["passed"] == (off <= line["tolerance"])
        if entry in READ:
            assert sampled.measure(10) == pytest.approx((line["value"], line["error"]), rel=1e-3)


@pytest.mark.parametrize("kind", ["ISO", "ALF"])
def test_weak_lines_are_held_to_quasilinear_theory(kind):
    """K = b²/8 and b²/4, typed at η = 0.01 and 0.03, and computed at 0.1."""
    for eta in (0.1, 0.03, 0.01) if kind == "ALF" else (0.1,):
        (entry,) = (entry for entry in LONG if entry.id == f"turbulence-wandering-{kind.lower()}-{eta:g}")
        b2 = eta / (1 - eta)
        assert entry.methods["analytic"]() == (pytest.approx(b2 / (4 if kind == "ALF" else 8), rel=1e-9), 0.0)
        assert float(quasilinear.field_line_wandering(kind, eta=eta)) == pytest.approx(
            entry.methods["analytic"]()[0], rel=1e-6
        )


def test_what_is_sampled_is_read_and_says_so():
    for entry in checks.CHECKS:
        name, sampled = checks.measured(entry)
        if sampled.fields and entry.id != "turbulence-waves":
            assert f"{name}: stored by the command, {sampled.sampled(10)}." in entry.remark


def test_full_size_samples_more_where_the_tolerance_asks_for_it():
    sampled = Sampled("one", lambda size: (1.0, 0.0), fields=5, sample="{} x 2", more=4)
    assert [sampled.scaled(size) for size in (1, 10)] == [1, 40]
    assert sampled.sampled(10) == "200 x 2"


def made(name, expected, measure, **options):
    return row(name, "a system", "a number", expected, measure, chapter="index", **{"tolerance": 0.1} | options)


def test_errors_of_both_add_in_squares():
    for value, agrees in ((2.09, True), (2.11, False)):
        entry = made("one", 1.0, lambda size, value=value: (value, 0.4), spread=0.3, sigmas=2)
        assert entry.compare().agrees is agrees


def test_report_says_what_failed(monkeypatch, capsys, tmp_path):
    good = made("right", 1.0, lambda size: (1.02, 0.01))
    bad = made("wrong", 1.0, lambda size: (2.0, 0.01))
    nothing = made("nothing", 0.0, lambda size: (0.09, 0.0))
    monkeypatch.setattr(checks, "CHECKS", (good, bad, nothing))
    table = checks.run(1)
    assert list(table["tolerance"]) == [0.1, 0.1, 0.1]
    text, passed = checks.report(table)
    assert not passed
    assert [line.split()[-1] for line in text.splitlines()] == ["ok", "FAILED", "ok"]
    assert command.main(["checks", "--size", "1", "--target", str(tmp_path / "checks.ecsv")]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert "wrong" in (tmp_path / "checks.ecsv").read_text()


def test_some_checks_alone(monkeypatch, capsys):
    assert command.main(["checks", "--size", "1", "--rows", "turbulence-amplitudes", "turbulence-advance"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["turbulence-amplitudes", "turbulence-advance"]
    with pytest.raises(ValueError, match="only must name checks, got 9; there are turbulence-amplitudes, "):
        checks.run(1, only=["9"])


def test_at_full_size_the_command_stores_what_the_matrix_reads():
    """A cheap row, measured anew as the command does."""
    (entry,) = (entry for entry in checks.CHECKS if entry.id == "turbulence-flight")
    name, sampled = checks.measured(entry)
    value, error = sampled.measure(sampled.scaled(10))
    assert entry.compare().values[name] == pytest.approx(value, rel=1e-3)
    assert entry.compare().errors[name] == pytest.approx(error, rel=1e-3)
    assert np.isfinite(error)
