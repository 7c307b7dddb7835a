"""Direct selection and the random draw."""

from market.rules.reasons import Reason
from market.rules.selection.facts import Ranked, Selection, SelectionFacts, drawn, one_lot_each


def direct(facts: SelectionFacts) -> Selection:
    """The client's own choice, already accepted by the one agency."""
    (entrant,) = facts.entrants
    return Selection((Ranked(1, entrant, Reason("chosen-directly")),))


def random_draw(facts: SelectionFacts) -> Selection:
    """Fixed price and terms: the drawn order decides, and nothing else."""
    record, position = drawn(facts, one_lot_each(facts))
    ordered = sorted(facts.entrants, key=lambda one: position[one.uscc])
    count = len(ordered)
    ranking = tuple(
        Ranked(
            place,
            entrant,
            Reason("chosen-by-draw", {"count": count}) if place == 1 else Reason("not-drawn", {"place": place}),
        )
        for place, entrant in enumerate(ordered, start=1)
    )
    return Selection(ranking, draw=record, draw_decided=True)
