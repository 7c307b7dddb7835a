"""Worked examples for the rules pages, computed by the very functions that decide real notices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from core.i18n import _
from market.rules.draw import Checkpoint, DrawInputs, Envelope, Ground, commit_to, list_digest
from market.rules.editions import Edition
from market.rules.notices import SelectionMethod
from market.rules.panel import Assessment, Criteria, Mark, Question, default_minimum
from market.rules.selection import Entrant, Selection, SelectionFacts, lots_of, picked, select
from market.rules.selection.price import counted_prices

SECRET = "11" * 32
PRICES = ("80000", "90000", "95000", "98000", "100000", "120000")
SCORES = ("92.40", "88.15", "81.00", None, "74.60", "58.30")
PANEL = (("24.00", "27.00", "25.50"), ("30.00", "29.00", "28.00"), ("9.00", "10.00", "8.00"))


@dataclass(frozen=True)
class Example:
    """The entrants of an example, and what the method made of them."""

    entrants: tuple[Entrant, ...]
    selection: Selection
    lots: dict[str, int]
    counted: tuple[Decimal, ...] = ()
    assessment: Assessment | None = None


def example(method: SelectionMethod, law: Edition) -> Example:
    """The worked example of a method under an edition; the same figures every time."""
    match method:
        case SelectionMethod.DIRECT:
            entrants = _entrants(("48000",))
        case SelectionMethod.RANDOM_DRAW:
            entrants = _entrants(("36000",) * 4)
        case SelectionMethod.CREDIT_PREFERRED:
            entrants = _entrants(("60000",) * len(SCORES), SCORES)
        case SelectionMethod.LOWEST_PRICE:
            entrants = _entrants(("52000", "46000", "46000", "49500"))
        case SelectionMethod.PROPOSAL_PREFERRED:
            entrants = _entrants(("90000", "96000", "82000"))
        case _:
            entrants = _entrants(PRICES)
    assessment = _assessment(entrants, law) if method is SelectionMethod.PROPOSAL_PREFERRED else None
    facts = SelectionFacts(
        method, entrants, 1, _inputs(entrants, law), law.average, law.credit, law.proposal, assessment=assessment
    )
    counted: tuple[Decimal, ...] = ()
    if method is SelectionMethod.AVERAGE_PRICE:
        counted = tuple(counted_prices([one.amount for one in entrants], law.average))
    return Example(entrants, select(facts), lots_of(facts), counted, assessment)


def after_pick(shown: Example) -> Sequence[str]:
    """Credit-preferred: the credit codes once the owner has picked the second drawn."""
    second = shown.selection.ranking[1].entrant.bid_id
    return [one.entrant.uscc for one in picked(shown.selection.ranking, second, by_owner=True)]


def _entrants(prices: Sequence[str], scores: Sequence[str | None] | None = None) -> tuple[Entrant, ...]:
    grades = scores or ("80.00",) * len(prices)
    return tuple(
        Entrant(
            number,
            number,
            f"E{number}",
            Decimal(price).quantize(Decimal("0.01")),
            10,
            datetime(2026, 3, 2, tzinfo=UTC),
            "N" if score is None else "B",
            None if score is None else Decimal(score),
        )
        for number, (price, score) in enumerate(zip(prices, grades, strict=True), start=1)
    )


def _inputs(entrants: Sequence[Entrant], law: Edition) -> DrawInputs:
    envelopes = tuple(
        sorted(
            (Envelope(list_digest([f"envelope {one.uscc}"]), list_digest([f"own {one.uscc}"])) for one in entrants),
            key=lambda each: each.digest,
        )
    )
    ground = Ground(envelopes, Checkpoint(1200, "22" * 32), factors=tuple(str(each) for each in law.average.factors))
    digest = list_digest([each.digest for each in envelopes])
    return DrawInputs("XT-GG-2026-000000", SECRET, commit_to(SECRET), digest, ground)


def _assessment(entrants: Sequence[Entrant], law: Edition) -> Assessment:
    rule = law.proposal
    questions = (
        Question("q1", _("技术路线"), 40, default_minimum(40, rule)),
        Question("q2", _("人员安排"), 30, default_minimum(30, rule)),
    )
    marks = tuple(
        Mark(seat, one.bid_id, question.code, (Decimal(given) * (1 if question.code == "q1" else Decimal("0.9"))))
        for one, points in zip(entrants, PANEL, strict=True)
        for seat, given in enumerate(points, start=1)
        for question in questions
    )
    return Assessment(Criteria(questions, 30), marks)
