"""Credit-preferred: score limit, long list, lots by score, short list by lot, and the owner's pick (domain.md rule 31)."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from market.rules.editions import CreditRule
from market.rules.reasons import Reason
from market.rules.selection.facts import Awaits, Entrant, Ranked, Selection, SelectionFacts, drawn


def counted_score(entrant: Entrant, rule: CreditRule) -> Decimal:
    """The score an entrant is taken at: its own at the opening, the edition's for one not yet rated (N)."""
    return rule.unrated_score if entrant.score is None else entrant.score


def long_list(entrants: Sequence[Entrant], rule: CreditRule) -> list[Entrant]:
    """Those at or above the minimum score, best first, cut at `long_list`; equal scores at the cut all stay."""
    able = [one for one in entrants if counted_score(one, rule) >= rule.minimum_score]
    able.sort(key=lambda one: (-counted_score(one, rule), one.uscc))
    if not 0 < rule.long_list < len(able):
        return able
    last = counted_score(able[rule.long_list - 1], rule)
    return [one for one in able if counted_score(one, rule) >= last]


def credit_lots(entrants: Sequence[Entrant], rule: CreditRule) -> dict[str, int]:
    """Lots by credit code: the whole points of the score (rounded down, at least 1), 0 for who is not on the long list."""
    listed = {one.uscc for one in long_list(entrants, rule)}
    return {
        one.uscc: max(1, int(counted_score(one, rule))) if one.uscc in listed else 0
        for one in sorted(entrants, key=lambda each: each.uscc)
    }


def credit_preferred(facts: SelectionFacts) -> Selection:
    """The short list in drawn order, for the owner to pick from. Price plays no part.

    Fewer than `minimum_entrants` on the long list: failed.
    """
    rule = facts.credit
    listed = long_list(facts.entrants, rule)
    if len(listed) < rule.minimum_entrants:
        reason = Reason("too-few-on-long-list", {"count": len(listed), "needed": rule.minimum_entrants})
        return Selection((), failure=reason)
    lots = credit_lots(facts.entrants, rule)
    record, position = drawn(facts, lots)
    ordered = sorted((one for one in facts.entrants if one.uscc in position), key=lambda one: position[one.uscc])
    size = facts.short_list or rule.short_list
    held = facts.lots or lots
    ranking = tuple(
        Ranked(place, one, Reason("short-listed", {"place": place, "lots": held[one.uscc]}))
        for place, one in enumerate(ordered[:size], start=1)
    )
    missed = [Ranked(0, one, Reason("not-short-listed", {"lots": held[one.uscc]})) for one in ordered[size:]]
    cut = [Ranked(0, one, _cut(one, rule)) for one in facts.entrants if one.uscc not in position]
    return Selection(ranking, draw=record, draw_decided=True, others=(*missed, *cut), awaits=Awaits.PICK)


def _cut(entrant: Entrant, rule: CreditRule) -> Reason:
    score = counted_score(entrant, rule)
    if score < rule.minimum_score:
        return Reason("below-minimum-score", {"score": str(score), "needed": str(rule.minimum_score)})
    return Reason("not-long-listed", {"score": str(score), "size": rule.long_list})


def picked(short_list: Sequence[Ranked], bid_id: int, *, by_owner: bool) -> tuple[Ranked, ...]:
    """The short list with the picked one first; the others follow as substitutes in drawn order.

    KeyError when `bid_id` is not on the list.
    """
    by_id = {one.entrant.bid_id: one for one in short_list}
    first = by_id[bid_id]
    rest = [one for one in sorted(short_list, key=lambda each: each.place) if one is not first]
    named = "chosen-from-short-list" if by_owner else "chosen-first-drawn"
    reason = Reason(named, {"place": first.place, "count": len(short_list)})
    follow = [
        replace(one, place=place, reason=Reason("substitute-short-list", {"drawn": one.place, "place": place}))
        for place, one in enumerate(rest, start=2)
    ]
    return (replace(first, place=1, reason=reason), *follow)
