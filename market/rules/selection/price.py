"""Lowest price and reference-average price."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from market.rules.editions import AverageRule
from market.rules.reasons import Reason
from market.rules.selection.facts import Entrant, Ranked, Selection, SelectionFacts, drawn, one_lot_each

CENT = Decimal("0.01")


def lowest_price(facts: SelectionFacts) -> Selection:
    """Lowest price wins; equal prices follow the drawn order (domain.md rule 29).

    Everybody is drawn, so that one record settles ties at any place.
    """
    record, position = drawn(facts, one_lot_each(facts))
    ordered = sorted(facts.entrants, key=lambda one: (one.amount, position[one.uscc]))
    lowest = ordered[0].amount
    tied = sum(one.amount == lowest for one in ordered)
    ranking = tuple(
        Ranked(place, entrant, _lowest_reason(place, entrant, lowest, tied, len(ordered)))
        for place, entrant in enumerate(ordered, start=1)
    )
    return Selection(ranking, draw=record, draw_decided=tied > 1)


def _lowest_reason(place: int, entrant: Entrant, lowest: Decimal, tied: int, count: int) -> Reason:
    amount = str(entrant.amount)
    if place == 1 and tied == 1:
        return Reason("chosen-lowest", {"count": count, "amount": amount})
    if place == 1:
        return Reason("chosen-lowest-tie", {"others": tied - 1, "amount": amount})
    if entrant.amount == lowest:
        return Reason("tie-lost", {"amount": amount, "place": place})
    return Reason("not-lowest", {"amount": amount, "place": place, "lowest": str(lowest)})


def average_price(facts: SelectionFacts) -> Selection:
    """Nearest to the reference price wins (domain.md rule 30).

    From `trim_from` bids on one highest and one lowest are left out of the mean (they may still win); the mean
    times the drawn factor, to the cent and half up, is the reference. Ties: lower price, then drawn order.
    """
    record, position = drawn(facts, one_lot_each(facts))
    factor = Decimal(record.factor.candidate) if record.factor else Decimal(1)
    counted = counted_prices([one.amount for one in facts.entrants], facts.average)
    reference = reference_price(counted, factor)
    ordered = sorted(facts.entrants, key=lambda one: (abs(one.amount - reference), one.amount, position[one.uscc]))
    best = ordered[0]
    tied = sum(one.amount == best.amount for one in ordered) > 1
    ranking = tuple(
        Ranked(place, entrant, _average_reason(place, entrant, reference, len(ordered)))
        for place, entrant in enumerate(ordered, start=1)
    )
    figures = {
        "counted": str(len(counted)),
        "mean": str(mean_price(counted)),
        "factor": str(factor),
        "reference": str(reference),
    }
    return Selection(ranking, draw=record, draw_decided=record.factor is not None or tied, figures=figures)


def counted_prices(amounts: Sequence[Decimal], rule: AverageRule) -> list[Decimal]:
    """The prices that enter the mean, ascending: without one highest and one lowest from `trim_from` bids on."""
    ordered = sorted(amounts)
    return ordered[1:-1] if len(ordered) >= max(3, rule.trim_from) else ordered


def mean_price(amounts: Sequence[Decimal]) -> Decimal:
    """The mean to the cent, half up; for showing, the reference is not computed from it."""
    return (sum(amounts, Decimal(0)) / len(amounts)).quantize(CENT, ROUND_HALF_UP)


def reference_price(counted: Sequence[Decimal], factor: Decimal) -> Decimal:
    """Mean times factor, rounded once: to the cent, half up."""
    return (sum(counted, Decimal(0)) * factor / len(counted)).quantize(CENT, ROUND_HALF_UP)


def _average_reason(place: int, entrant: Entrant, reference: Decimal, count: int) -> Reason:
    facts = {
        "amount": str(entrant.amount),
        "reference": str(reference),
        "apart": str(abs(entrant.amount - reference)),
        "count": count,
        "place": place,
    }
    return Reason("chosen-nearest" if place == 1 else "not-nearest", facts)
