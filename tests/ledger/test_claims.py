"""The ledger: how an entry is judged, and whether every entry of the talk is honest."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy import units as u

import crlab
from crlab.ledger.claims import SLIDES, Claim, all_claims, get, other_slides, report, table
from crlab.ledger.rooms import ROOMS

BOOK = Path(__file__).resolve().parents[2] / "book"


def entry(**changes) -> Claim:
    """A claim that a remnant is 10 pc wide, stated as 10 pc, with changes."""
    made = {
        "id": "remnant-width",
        "slide": "Remnants",
        "words": "width of a remnant",
        "chapter": "acceleration/remnants",
        "compute": lambda radius: 2 * radius,
        "inputs": {"radius": 5 * u.pc},
        "stated": 10 * u.pc,
        "tolerance": 0.1,
    }
    return Claim(**(made | changes))


@pytest.fixture
def ledger(monkeypatch):
    """Puts entries in the place of those of the rooms."""

    def install(**rooms: list[Claim]) -> None:
        monkeypatch.setattr("crlab.ledger.rooms.ROOMS", tuple(rooms))
        for room, entries in rooms.items():
            module = ModuleType(f"crlab.ledger.{room}.claims")
            module.CLAIMS = entries
            monkeypatch.setitem(sys.modules, f"crlab.ledger.{room}", ModuleType(f"crlab.ledger.{room}"))
            monkeypatch.setitem(sys.modules, f"crlab.ledger.{room}.claims", module)

    return install


# verdicts


@pytest.mark.parametrize(
    ("radius", "agrees"),
    [(5.0, True), (5.49, True), (5.51, False), (4.51, True), (4.49, False), (-5.0, False)],
)
def test_a_value_agrees_within_the_tolerance(radius, agrees) -> None:
    verdict = entry(inputs={"radius": radius * u.pc}).check()
    assert verdict.agrees is agrees
    assert verdict.computed == 2 * radius * u.pc


@pytest.mark.parametrize(
    ("radius", "agrees"),
    [(5.0, True), (10.0, True), (7.0, True), (4.0, True), (3.9, False), (11.0, True), (11.1, False)],
)
def test_a_range_is_widened_by_the_tolerance_of_its_larger_end(radius, agrees) -> None:
    ranged = entry(inputs={"radius": radius * u.pc}, stated=(10 * u.pc, 20 * u.pc))
    assert ranged.check().agrees is agrees
    assert ranged.stated_text == "10 … 20 pc"


@pytest.mark.parametrize(("computed", "agrees"), [(-1.1, True), (-1.15, True), (-1.3, False), (1.1, False)])
def test_negative_values_such_as_exponents_can_be_stated(computed, agrees) -> None:
    claim = entry(compute=lambda: computed, inputs={}, stated=-11 / 10, tolerance=0.1)
    assert claim.check().agrees is agrees


def test_the_result_is_given_in_the_unit_of_the_stated_value() -> None:
    verdict = entry(inputs={"radius": 0.005 * u.kpc}).check()
    assert verdict.computed.unit == u.pc
    assert str(verdict) == "width of a remnant: talk 10 pc, here 10 pc (agrees)"
    assert str(entry(stated=30 * u.pc).check()).endswith("talk 30 pc, here 10 pc (differs)")


def test_a_pure_number_may_come_bare() -> None:
    claim = entry(compute=lambda: np.float64(0.3), inputs={}, stated=0.3)
    assert str(claim.check()) == "width of a remnant: talk 0.3, here 0.3 (agrees)"


@pytest.mark.parametrize("result", [np.nan * u.pc, np.inf * u.pc, [10, 10] * u.pc])
def test_a_calculation_must_give_one_finite_number(result) -> None:
    with pytest.raises(ValueError, match=r"^claim 'remnant-width' must compute one finite number, got "):
        entry(compute=lambda radius: result).check()


@pytest.mark.parametrize("result", [10, 10 * u.s])
def test_a_calculation_must_give_the_dimension_that_is_stated(result) -> None:
    with pytest.raises(u.UnitConversionError):
        entry(compute=lambda radius: result).check()


# what an entry must hold


@pytest.mark.parametrize("tolerance", [0, -0.1, np.nan])
def test_a_tolerance_must_be_positive(tolerance) -> None:
    with pytest.raises(ValueError, match=r"^tolerance of claim 'remnant-width' must be positive"):
        entry(tolerance=tolerance)


def test_a_known_disagreement_needs_a_remark() -> None:
    with pytest.raises(ValueError, match=r"^claim 'remnant-width' is known to differ .* needs a remark"):
        entry(agrees=False)
    assert entry(agrees=False, remark="the slide lacks a factor 2").remark


def test_a_range_must_grow() -> None:
    with pytest.raises(ValueError, match=r"^the range of claim 'remnant-width' must grow"):
        entry(stated=(20 * u.pc, 10 * u.pc))


# the ledger


def test_the_ledger_has_every_room_in_the_order_of_the_talk() -> None:
    order = ["grammage", "anisotropy", "diffusion", "acceleration", "sources", "emission", "turbulence"]
    present = {path.parent.name for path in Path(crlab.__file__).parent.glob("ledger/*/claims.py")}
    assert tuple(room for room in order if room in present) == ROOMS
    assert present <= set(order)


def test_two_entries_cannot_share_an_id(ledger) -> None:
    ledger(grammage=[entry()], sources=[entry()])
    with pytest.raises(ValueError, match=r"^two claims have the id 'remnant-width'$"):
        all_claims()


def test_get_finds_an_entry_or_says_what_there_is(ledger) -> None:
    ledger(grammage=[entry(id="grammage-ratio"), entry(id="remnant-width"), entry(id="remnant-age")])
    assert get("remnant-age").id == "remnant-age"
    with pytest.raises(ValueError, match=r"^no claim 'remnant-mass' .* has remnant-width, remnant-age$"):
        get("remnant-mass")
    with pytest.raises(ValueError, match=r"^no claim 'xyz' .* has grammage-ratio, remnant-width, "):
        get("xyz")


def test_the_report_of_a_chapter_holds_its_claims_and_their_remarks(ledger) -> None:
    ledger(
        acceleration=[
            entry(),
            entry(id="b", chapter="grammage/other"),
            entry(id="c", words="double", stated=20 * u.pc, agrees=False, remark="the slide doubles it"),
        ]
    )
    assert report("acceleration/remnants").splitlines() == [
        "width of a remnant: talk 10 pc, here 10 pc (agrees)",
        "double: talk 20 pc, here 10 pc (differs)",
        "    the slide doubles it",
    ]
    with pytest.raises(ValueError, match=r"^no claim in the ledger belongs to the chapter 'index'$"):
        report("index")


def test_the_table_goes_slide_by_slide_and_links_to_the_cell_that_computes(ledger) -> None:
    first, last = SLIDES[0].title, SLIDES[-1].title
    ledger(acceleration=[entry(id="b", slide=last), entry(id="a", slide=first, stated=30 * u.pc)])
    rows = table().splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| {first}", f"| {last}"]
    assert all("[remnants](../acceleration/remnants.ipynb#claims)" in row for row in rows)
    assert ["**differs**" in row for row in rows] == [True, False]
    assert first not in other_slides()
    assert SLIDES[1].shows in other_slides()


def test_a_claim_of_a_slide_that_the_talk_does_not_have_is_refused(ledger) -> None:
    ledger(acceleration=[entry(slide="Elsewhere")])
    with pytest.raises(ValueError, match=r"^SLIDES has no slide of the title Elsewhere$"):
        table()


# the talk


def test_every_slide_has_an_entry_or_a_reason_for_none() -> None:
    stated = {claim.slide for claim in all_claims().values()}
    titles = [slide.title for slide in SLIDES]
    assert len(titles) == len(set(titles))
    assert stated <= set(titles)
    for slide in SLIDES:
        assert slide.title in stated or slide.shows, f"nothing is computed of {slide.title!r}, and nothing says why"
        assert not slide.shows or (BOOK / f"{slide.chapter}.ipynb").is_file()


@pytest.mark.parametrize("claim", all_claims().values(), ids=lambda claim: claim.id)
class TestTheTalk:
    def test_the_computed_verdict_is_the_known_one(self, claim) -> None:
        verdict = claim.check()
        assert claim in importlib.import_module(f"crlab.ledger.{claim.chapter.split('/')[0]}.claims").CLAIMS
        assert verdict.agrees is claim.agrees, f"{verdict}; the ledger says agrees={claim.agrees}"

    def test_its_chapter_exists_and_reads_the_ledger(self, claim) -> None:
        chapter = BOOK / f"{claim.chapter}.ipynb"
        assert chapter.is_file(), f"{claim.id} belongs to {claim.chapter}, which the book does not have"
        assert "claims." in chapter.read_text(encoding="utf-8")
