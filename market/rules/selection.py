"""The selection methods: pure functions over the same frozen facts, one table of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from market.rules.draw import DrawInputs, DrawRecord, draw_order
from market.rules.notices import SelectionMethod
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
    """All that any method may look at."""

    method: SelectionMethod
    entrants: tuple[Entrant, ...]
    minimum_entrants: int
    draw: DrawInputs | None


@dataclass(frozen=True)
class Ranked:
    """An entrant with its place and the reason for it."""

    place: int
    entrant: Entrant
    reason: Reason


@dataclass(frozen=True)
class Selection:
    """The outcome. Without a winner `failure` says why; substitutes follow in `ranking` order."""

    ranking: tuple[Ranked, ...]
    failure: Reason | None = None
    draw: DrawRecord | None = None
    draw_decided: bool = False

    @property
    def winner(self) -> Ranked | None:
        """The first in rank."""
        return self.ranking[0] if self.ranking else None

    @property
    def substitutes(self) -> tuple[Ranked, ...]:
        """Who follows if the winner drops out; a fixed order, never a new draw."""
        return self.ranking[1:]


Method = Callable[[SelectionFacts], Selection]


def select(facts: SelectionFacts) -> Selection:
    """Apply the notice's method. Too few qualified entrants fail before any method runs."""
    count = len(facts.entrants)
    if count < max(1, facts.minimum_entrants):
        needed = max(1, facts.minimum_entrants)
        return Selection((), failure=Reason("too-few", {"count": count, "needed": needed}))
    return METHODS[facts.method](facts)


def direct(facts: SelectionFacts) -> Selection:
    """The client's own choice, already accepted by the one agency."""
    (entrant,) = facts.entrants
    return Selection((Ranked(1, entrant, Reason("chosen-directly")),))


def random_draw(facts: SelectionFacts) -> Selection:
    """Fixed price and terms: the drawn order decides."""
    record = _draw(facts)
    by_code = {entrant.uscc: entrant for entrant in facts.entrants}
    count = len(facts.entrants)
    ranking = tuple(
        Ranked(
            place,
            by_code[code],
            Reason("chosen-by-draw", {"count": count}) if place == 1 else Reason("not-drawn", {"place": place}),
        )
        for place, code in enumerate(record.order, start=1)
    )
    return Selection(ranking, draw=record, draw_decided=True)


def lowest_price(facts: SelectionFacts) -> Selection:
    """Lowest price wins; equal prices follow the drawn order (domain.md rule 29).

    Everybody is drawn, so that one record settles ties at any place.
    """
    record = _draw(facts)
    drawn = {code: position for position, code in enumerate(record.order)}
    ordered = sorted(facts.entrants, key=lambda one: (one.amount, drawn[one.uscc]))
    lowest = ordered[0].amount
    tied = sum(one.amount == lowest for one in ordered)
    ranking = tuple(
        Ranked(place, entrant, _price_reason(place, entrant, lowest, tied, len(ordered)))
        for place, entrant in enumerate(ordered, start=1)
    )
    return Selection(ranking, draw=record, draw_decided=tied > 1)


def _price_reason(place: int, entrant: Entrant, lowest: Decimal, tied: int, count: int) -> Reason:
    amount = str(entrant.amount)
    if place == 1 and tied == 1:
        return Reason("chosen-lowest", {"count": count, "amount": amount})
    if place == 1:
        return Reason("chosen-lowest-tie", {"others": tied - 1, "amount": amount})
    if entrant.amount == lowest:
        return Reason("tie-lost", {"amount": amount, "place": place})
    return Reason("not-lowest", {"amount": amount, "place": place, "lowest": str(lowest)})


def _draw(facts: SelectionFacts) -> DrawRecord:
    if facts.draw is None:
        raise ValueError("this method needs the draw committed at publication")
    return draw_order(facts.draw, [entrant.uscc for entrant in facts.entrants])


METHODS: Mapping[SelectionMethod, Method] = MappingProxyType(
    {
        SelectionMethod.DIRECT: direct,
        SelectionMethod.LOWEST_PRICE: lowest_price,
        SelectionMethod.RANDOM_DRAW: random_draw,
    }
)
