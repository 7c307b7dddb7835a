"""Direct selection and the random draw."""

from market.rules.reasons import Reason
from market.rules.selection.facts import Ranked, Selection, SelectionFacts, drawn, graded_lots


def direct(facts: SelectionFacts) -> Selection:
    """The client's own choice, already accepted by the one agency."""
    (entrant,) = facts.entrants
    return Selection((Ranked(1, entrant, Reason("chosen-directly")),))


def random_draw(facts: SelectionFacts) -> Selection:
    """Fixed price and terms: the drawn order decides, and nothing else; a better grade holds more tickets."""
    record, position = drawn(facts, graded_lots(facts))
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
