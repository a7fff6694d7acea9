"""The ledger of the talk's claims: what a slide states, what we compute, and whether the two agree.

Each room keeps its entries in its own module ``claims.py``; `all_claims` collects them. Chapters, tests
and the page "Does it reproduce the talk?" read the same entries.
"""

import importlib
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from astropy import units as u

__all__ = ["SLIDES", "Claim", "Slide", "Verdict", "all_claims", "get", "other_slides", "report", "table"]


class Slide(NamedTuple):
    """A slide of the talk, or several of one title.

    Parameters
    ----------
    title : str
        As `Claim.slide` gives it.
    shows : str
        What a slide shows that states nothing to compute; empty for one with entries in the ledger.
    chapter : str
        Where the book takes that up, as in `Claim.chapter`.

    Examples
    --------
    >>> SLIDES[0].title
    'The cosmic ray spectrum'
    """

    title: str
    shows: str = ""
    chapter: str = ""


SLIDES = (
    Slide("The cosmic ray spectrum"),
    Slide("Why are cosmic rays interesting?", "reasons to study them; no number", "grammage/cosmic-ray-spectrum"),
    Slide("Experiments", "names of experiments; the book uses measured tables of many", "grammage/cosmic-ray-spectrum"),
    Slide("Composition"),
    Slide("Secondaries from spallation"),
    Slide("Anisotropy (I)"),
    Slide("Anisotropy (II)"),
    Slide("Transport equation"),
    Slide("Diffusive escape"),
    Slide("Supernova remnants have long been considered the sources of cosmic rays"),
    Slide(
        "We do not know individual sources of local cosmic rays",
        "published dipoles and fits with single sources; the book asks how much one source can matter",
        "sources/one-galaxy-many-galaxies",
    ),
    Slide("Supernova remnant paradigm"),
    Slide("Galactic sources should accelerate to the knee, probably via shock acceleration"),
    Slide("Small energy gain ΔE, little particle loss ΔN per cycle"),
    Slide("We do not understand how supernova remnants accelerate to the knee"),
    Slide(
        "Combining standard ingredients, we predict novel spectral features", "the plan of the part", "sources/credit"
    ),
    Slide("The number of sources contributing to CR flux decreases with energy"),
    Slide("Source density is oftentimes considered smooth, while it really is discrete"),
    Slide("Stochastic nature of sources implies fluctuations in spectrum"),
    Slide("The Bell instability can amplify B-fields"),
    Slide("The highest CR energies can be achieved at start of Sedov-Taylor phase"),
    Slide("Time-dependence of B-field amplification determines CR escape"),
    Slide("The Green's function has narrow spectral features"),
    Slide(
        "CREDIT scenario predicts dramatic spectral features",
        "spectra of realisations, computed anew",
        "sources/credit",
    ),
    Slide(
        "Modern proton data offer unprecedented accuracy", "measured spectra; the book has the tables", "sources/credit"
    ),
    Slide("Statistical errors are much smaller than CREDIT features"),
    Slide("We can confidently discriminate between the different scenarios"),
    Slide(
        "The results are going to be interesting either way",
        "what each verdict would mean; no number",
        "sources/can-we-tell-them-apart",
    ),
    Slide("Local fluxes vs diffuse emission"),
    Slide("Stochastic diffuse emission", "maps source by source, computed anew", "emission/one-galaxy"),
    Slide(
        "Sources manifest as deviations from the smooth model",
        "maps of deviations, computed anew",
        "emission/one-galaxy",
    ),
    Slide("Deviations from the ensemble average can be sizeable"),
    Slide("Along the galactic plane, intensity can be enhanced by factors of a few"),
    Slide("Parallel transport"),
    Slide(
        "Perpendicular transport = particle transport along field line + transport of field line",
        "a sketch of three cases, each of them simulated",
        "turbulence/perpendicular-transport",
    ),
    Slide(
        "How to model particle diffusion",
        "three approaches with their merits, in words",
        "turbulence/making-turbulence",
    ),
    Slide("Test particle simulations"),
    Slide("Field line transport and particle transport in synthetic turbulence"),
    Slide("Field lines"),
    Slide("Field line diffusion"),
    Slide("Perpendicular particle transport"),
    Slide("Summary", "three sentences that the slides before it support", "turbulence/perpendicular-transport"),
    Slide("Time scales"),
)
"""The talk slide by slide, in its order; its outline, repeated between the parts, is left out."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of computing one claim; made by `Claim.check`.

    Parameters
    ----------
    claim : Claim
    computed : Quantity
        What `Claim.compute` returned for `Claim.inputs`, in the unit of the stated value.
    agrees : bool
        Whether it lies within the tolerance of the stated value, or in the stated range.
    """

    claim: "Claim"
    computed: u.Quantity
    agrees: bool

    def __str__(self) -> str:
        sign = "agrees" if self.agrees else "differs"
        return f"{self.claim.words}: {self.claim.source} {self.claim.stated_text}, here {_text(self.computed)} ({sign})"


@dataclass(frozen=True)
class Claim:
    """One number or scaling law of the talk.

    Parameters
    ----------
    id : str
        Unique, like ``"grammage-ratio"``.
    slide : str
        The slide's title.
    words : str
        The slide's statement in a few words of ours.
    chapter : str
        The chapter of the room's own part that computes it, relative to ``book/`` and without suffix.
    inputs : mapping
        Keyword arguments of `compute`.
    compute : callable
        Returns a scalar quantity or a pure number.
    stated : Quantity, float or pair of these
        The value on the slide, or the ends of the range that it gives.
    tolerance : float
        Relative. It is as wide as the slide's own rounding: 0.1 for "about 7.2", 0.5 for "of order".
    agrees : bool
        What an honest calculation is known to give. A claim that the talk rounds away from, or that
        lacks a factor, says False here and why in `remark`; a test fails when the computed verdict is
        not this one.
    remark : str
        What a reader should know; required where `agrees` is False. Numbers in it are computed: ``{name:.2g}`` stands
        for what the variant of that name gives.
    source : str
        Who states it: ``"talk"``, or ``"often quoted"`` for a number of the field that the slide leaves out.
    variants : mapping of str to mapping
        Inputs that replace some of `inputs`, by the name under which `remark` quotes the result.

    Raises
    ------
    ValueError
        A non-positive tolerance, a range whose ends are swapped, or a known disagreement without a remark.

    Examples
    --------
    >>> claim = Claim(id="demo", slide="A slide", words="two and two", chapter="index",
    ...               compute=lambda a, b: a + b, inputs={"a": 2, "b": 2}, stated=4.0, tolerance=0.01)
    >>> print(claim.check())
    two and two: talk 4, here 4 (agrees)
    """

    id: str
    slide: str
    words: str
    chapter: str
    compute: Callable[..., Any]
    stated: Any
    tolerance: float
    inputs: Mapping[str, Any] = field(default_factory=dict)
    agrees: bool = True
    remark: str = ""
    source: str = "talk"
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.tolerance > 0:
            raise ValueError(f"tolerance of claim {self.id!r} must be positive, got {self.tolerance!r}")
        low, high = self.stated_range
        if low > high:
            raise ValueError(f"the range of claim {self.id!r} must grow, got {self.stated}")
        if not self.agrees and not self.remark:
            raise ValueError(f"claim {self.id!r} is known to differ from the talk and needs a remark that says why")

    @property
    def stated_range(self) -> u.Quantity:
        """The lowest and the highest stated value, equal for a single one."""
        ends = self.stated if isinstance(self.stated, tuple) else (self.stated, self.stated)
        return u.Quantity([u.Quantity(end) for end in ends])

    @property
    def stated_text(self) -> str:
        """The stated value or range as text."""
        low, high = self.stated_range
        return _text(low) if low == high else f"{low.value:.3g} … {_text(high)}"

    @property
    def remark_text(self) -> str:
        """The remark with the variants' results put in."""
        results = {name: u.Quantity(self.compute(**{**self.inputs, **v})) for name, v in self.variants.items()}
        return re.sub(r"\{(\w+):([^}]*)\}", lambda m: _text(results[m[1]], m[2]), self.remark)

    def check(self) -> Verdict:
        """Compute the claim and compare.

        Returns
        -------
        Verdict

        Raises
        ------
        ValueError
            The calculation gave no finite scalar.
        """
        low, high = self.stated_range
        computed = u.Quantity(self.compute(**self.inputs)).to(low.unit)
        if computed.shape != () or not np.isfinite(computed.value):
            raise ValueError(f"claim {self.id!r} must compute one finite number, got {computed}")
        margin = self.tolerance * max(abs(low), abs(high))
        return Verdict(self, computed, bool(low - margin <= computed <= high + margin))


def _text(value: u.Quantity, spec: str = ".3g") -> str:
    """A number and its unit, as in 7.2 g cm⁻²."""
    return f"{value.value:{spec}} {value.unit.to_string('unicode', fraction=False)}".strip()


def all_claims() -> dict[str, Claim]:
    """Return the whole ledger by id, in the order of the talk.

    Returns
    -------
    dict of str to Claim

    Raises
    ------
    ValueError
        Two entries share an id.

    Examples
    --------
    >>> claim = all_claims()["acceleration-index"]
    >>> print(claim.stated_text, claim.chapter)
    2 acceleration/bells-cycle
    """
    # Imported here, so that a chapter that reads only its own entries does not depend on the list of rooms.
    from crlab.ledger.rooms import ROOMS

    ledger: dict[str, Claim] = {}
    for claim in (claim for room in ROOMS for claim in _of(room)):
        if claim.id in ledger:
            raise ValueError(f"two claims have the id {claim.id!r}")
        ledger[claim.id] = claim
    return ledger


def _of(room: str) -> list[Claim]:
    return list(importlib.import_module(f"crlab.ledger.{room}.claims").CLAIMS)


def get(claim_id: str) -> Claim:
    """Return one entry of the ledger.

    Parameters
    ----------
    claim_id : str

    Returns
    -------
    Claim

    Raises
    ------
    ValueError
        An unknown id; the message lists those of the same first word.

    Examples
    --------
    >>> print(get("acceleration-index").check())
    dN/dE ∝ E^-s, s: talk 2, here 2 (agrees)
    """
    from crlab.ledger.rooms import ROOMS

    # Room by room, so that a chapter does not depend on the rooms after its own.
    for claim in (claim for room in ROOMS for claim in _of(room)):
        if claim.id == claim_id:
            return claim
    ledger = all_claims()
    topic = claim_id.split("-")[0]
    near = [known for known in ledger if known.startswith(topic)] or list(ledger)
    raise ValueError(f"no claim {claim_id!r} in the ledger; it has {', '.join(near)}")


def report(chapter: str) -> str:
    """Return a line for each claim that a chapter computes, with the remark below it.

    Parameters
    ----------
    chapter : str
        As in `Claim.chapter`, like ``"grammage/composition-and-grammage"``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        The ledger has no entry for this chapter.

    Examples
    --------
    >>> print(report("anisotropy/how-isotropic-is-the-sky").splitlines()[-2])
    anisotropy of 40 Galactic sources without scattering: talk 1, here 1 (agrees)
    """
    try:
        entries = [claim for claim in _of(str(chapter).split("/")[0]) if claim.chapter == chapter]
    except ModuleNotFoundError as error:
        if not str(error.name).startswith("crlab."):
            raise
        entries = []
    if not entries:
        raise ValueError(f"no claim in the ledger belongs to the chapter {chapter!r}")
    lines = []
    for claim in entries:
        lines += textwrap.wrap(str(claim.check()), 88, subsequent_indent="  ")
        lines += textwrap.wrap(claim.remark_text, 88, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def table() -> str:
    """Return the whole ledger as a Markdown table, slide by slide, with links to the cells that compute it.

    Returns
    -------
    str
        Links are relative to a folder beside the parts' folders, as ``book/reference`` is. In the book they end at the
        cell that prints the chapter's `report`.

    Raises
    ------
    ValueError
        A claim of a slide that `SLIDES` does not have.

    Examples
    --------
    >>> from unittest.mock import patch
    >>> one = {"acceleration-index": get("acceleration-index")}
    >>> with patch("crlab.ledger.claims.all_claims", lambda: one):  # one entry; all of them take minutes
    ...     print(table().splitlines()[2])
    | Small energy gain ΔE, little particle loss ΔN per cycle | dN/dE ∝ E^-s, s | 2 | 2 | agrees | [bells cycle](...
    """
    rows = ["| Slide | Statement | Stated | Here | Verdict | Computed in, and remark |", "|:--|:--|--:|--:|:--|:--|"]
    order = {slide.title: i for i, slide in enumerate(SLIDES)}
    entries = all_claims().values()
    if unknown := {claim.slide for claim in entries} - set(order):
        raise ValueError(f"SLIDES has no slide of the title {', '.join(sorted(unknown))}")
    for claim in sorted(entries, key=lambda claim: order[claim.slide]):
        verdict = claim.check()
        cells = [
            claim.slide,
            claim.words,
            claim.stated_text + ("" if claim.source == "talk" else f" ({claim.source})"),
            _text(verdict.computed),
            "agrees" if verdict.agrees else "**differs**",
            f"{_link(claim.chapter, '#claims')}. {claim.remark_text}",
        ]
        rows.append(_row(cells))
    return "\n".join(rows)


def other_slides() -> str:
    """Return the slides without an entry, which state nothing to compute, as a Markdown table.

    Returns
    -------
    str
        With links as in `table`.

    Examples
    --------
    >>> print(other_slides().splitlines()[-1])
    | Summary | three sentences that the slides before it support | [perpendicular transport](...) |
    """
    rows = ["| Slide | What it shows | Where the book takes it up |", "|:--|:--|:--|"]
    stated = {claim.slide for claim in all_claims().values()}
    rows += [_row([slide.title, slide.shows, _link(slide.chapter)]) for slide in SLIDES if slide.title not in stated]
    return "\n".join(rows)


def _link(chapter: str, place: str = "") -> str:
    return f"[{chapter.split('/')[-1].replace('-', ' ')}](../{chapter}.ipynb{place})"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
