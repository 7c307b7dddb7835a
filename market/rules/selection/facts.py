"""What any method may look at, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from math import gcd

from market.rules.draw import FORMAT_1, DrawInputs, DrawRecord, draw_order
from market.rules.editions import AverageRule, CreditRule, ProposalRule
from market.rules.notices import SelectionMethod
from market.rules.panel import Assessment
from market.rules.reasons import Reason


@dataclass(frozen=True)
class Entrant:
    """A qualified entrant with its offer, and the grade as it stood when the bids were opened."""

    bid_id: int
    agency_id: int
    uscc: str
    amount: Decimal
    days: int
    received_at: datetime
    grade: str
    score: Decimal | None


@dataclass(frozen=True)
class SelectionFacts:
    """All that any method may look at.

    `lots` are those frozen at the opening; when empty they are counted from the entrants. `short_list` is what
    the notice says, else the edition's. `assessment` is the panel's work, None while it is not signed.
    `grade_lots` are the tickets of each grade in a random draw; empty: one each.
    """

    method: SelectionMethod
    entrants: tuple[Entrant, ...]
    minimum_entrants: int
    draw: DrawInputs | None
    average: AverageRule = field(default_factory=AverageRule)
    credit: CreditRule = field(default_factory=CreditRule)
    proposal: ProposalRule = field(default_factory=ProposalRule)
    short_list: int | None = None
    lots: Mapping[str, int] = field(default_factory=dict)
    assessment: Assessment | None = None
    grade_lots: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranked:
    """An entrant with its place (0: out of the running) and the reason for it. `points` of a panel."""

    place: int
    entrant: Entrant
    reason: Reason
    points: Decimal | None = None


class Awaits(StrEnum):
    """What a method needs before it can name a winner."""

    PICK = "pick"
    ASSESSMENT = "assessment"


@dataclass(frozen=True)
class Selection:
    """The outcome. Without a winner `failure` says why; substitutes follow in `ranking` order.

    `others` took part and are neither winner nor substitute. While it `awaits` somebody, `ranking` is the
    short list in drawn order (PICK), or empty (ASSESSMENT).
    """

    ranking: tuple[Ranked, ...]
    failure: Reason | None = None
    draw: DrawRecord | None = None
    draw_decided: bool = False
    others: tuple[Ranked, ...] = ()
    awaits: Awaits | None = None
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def winner(self) -> Ranked | None:
        """The first in rank; None while somebody still has to pick or to assess."""
        return self.ranking[0] if self.ranking and self.awaits is None else None

    @property
    def substitutes(self) -> tuple[Ranked, ...]:
        """Who follows if the winner drops out; a fixed order, never a new draw."""
        return self.ranking[1:]


def drawn(facts: SelectionFacts, lots: Mapping[str, int]) -> tuple[DrawRecord, dict[str, int]]:
    """The draw over the frozen lots, and the drawn position of everybody still in the running."""
    if facts.draw is None:
        raise ValueError("this method needs the draw committed at publication")
    record = draw_order(facts.draw, facts.lots or lots)
    present = {entrant.uscc for entrant in facts.entrants}
    return record, {code: position for position, code in enumerate(each for each in record.order if each in present)}


def graded_lots(facts: SelectionFacts) -> dict[str, int]:
    """Tickets in a random draw by grade (rule-set XT-2026.1, lot_factor), in lowest terms: equal grades hold one each.

    Source: weighted draw against weak firms chosen by luck; platform rule. One lot each under format 1.
    """
    held = {one.uscc: facts.grade_lots.get(one.grade, 1) for one in facts.entrants}
    plain = facts.draw is not None and facts.draw.format == FORMAT_1
    share = gcd(*held.values())
    if plain or share == 0:
        return one_lot_each(facts)
    return {code: count // share for code, count in held.items()}


def one_lot_each(facts: SelectionFacts) -> dict[str, int]:
    """Everybody has the same chance."""
    return {entrant.uscc: 1 for entrant in facts.entrants}
