"""Proposal-preferred: the panel's points and the price points together (domain.md rule 32)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from market.rules.panel import Assessment, Question, price_points
from market.rules.reasons import Reason
from market.rules.selection.facts import Awaits, Entrant, Ranked, Selection, SelectionFacts, drawn, one_lot_each


def proposal_preferred(facts: SelectionFacts) -> Selection:
    """Most points win: the panel's on each question, and lowest price / price x weight.

    A proposal below a question's minimum is set aside and its price is not counted. Ties: lower price, then
    drawn order. Until the panel has signed there is nothing to rank.
    """
    assessment = facts.assessment
    if assessment is None:
        return Selection((), awaits=Awaits.ASSESSMENT)
    failed = {one.bid_id: _failed(one.bid_id, assessment) for one in facts.entrants}
    counted = [one for one in facts.entrants if failed[one.bid_id] is None]
    aside = tuple(
        Ranked(0, one, _below(question, assessment.points(one.bid_id, question)))
        for one in facts.entrants
        if (question := failed[one.bid_id]) is not None
    )
    if not counted:
        return Selection((), failure=Reason("no-proposal-good-enough"), others=aside)
    record, position = drawn(facts, one_lot_each(facts))
    lowest = min(one.amount for one in counted)
    totals = {one.bid_id: total_points(one, assessment, lowest) for one in counted}
    ordered = sorted(counted, key=lambda one: (-totals[one.bid_id], one.amount, position[one.uscc]))
    ranking = tuple(
        Ranked(place, one, _reason(place, totals[one.bid_id], totals[ordered[0].bid_id]), totals[one.bid_id])
        for place, one in enumerate(ordered, start=1)
    )
    best = ordered[0]
    alike = [one for one in ordered if (totals[one.bid_id], one.amount) == (totals[best.bid_id], best.amount)]
    return Selection(ranking, draw=record, draw_decided=len(alike) > 1, others=aside)


def total_points(entrant: Entrant, assessment: Assessment, lowest: Decimal) -> Decimal:
    """The panel's points and the price points."""
    price = price_points(entrant.amount, lowest, assessment.criteria.price_weight)
    return _quality(entrant.bid_id, assessment) + price


@dataclass(frozen=True)
class Sum:
    """How a total came about: `quality` + `price` = `total`, points out of 100."""

    quality: Decimal
    price: Decimal

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.quality + self.price


def sums(amounts: Mapping[int, Decimal], assessment: Assessment) -> dict[int, Sum]:
    """The sum of each assessed bid (`amounts` in yuan by bid id) that reached every minimum, as the ranking made it."""
    counted = {
        bid_id: amount
        for bid_id, amount in amounts.items()
        if any(mark.bid_id == bid_id for mark in assessment.marks) and _failed(bid_id, assessment) is None
    }
    lowest = min(counted.values(), default=Decimal(0))
    weight = assessment.criteria.price_weight
    return {
        bid_id: Sum(_quality(bid_id, assessment), price_points(amount, lowest, weight))
        for bid_id, amount in counted.items()
    }


def _quality(bid_id: int, assessment: Assessment) -> Decimal:
    return sum((assessment.points(bid_id, each) for each in assessment.criteria.questions), Decimal(0))


def _failed(bid_id: int, assessment: Assessment) -> Question | None:
    """The first question on which a proposal stays below the minimum."""
    questions = assessment.criteria.questions
    return next((each for each in questions if assessment.points(bid_id, each) < each.minimum), None)


def _below(question: Question, points: Decimal) -> Reason:
    facts = {"question": question.text, "points": str(points), "needed": str(question.minimum)}
    return Reason("below-question-minimum", facts)


def _reason(place: int, points: Decimal, best: Decimal) -> Reason:
    facts = {"points": str(points), "place": place, "best": str(best)}
    return Reason("chosen-best-proposal" if place == 1 else "not-best-proposal", facts)
