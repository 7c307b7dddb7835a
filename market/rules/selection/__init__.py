"""The selection methods: pure functions over the same frozen facts, one table of them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from market.rules.notices import SelectionMethod
from market.rules.reasons import Reason
from market.rules.selection.credit import credit_lots, credit_preferred, picked
from market.rules.selection.facts import Awaits, Entrant, Ranked, Selection, SelectionFacts, graded_lots, one_lot_each
from market.rules.selection.luck import direct, random_draw
from market.rules.selection.price import average_price, lowest_price
from market.rules.selection.proposal import proposal_preferred

Method = Callable[[SelectionFacts], Selection]


def select(facts: SelectionFacts) -> Selection:
    """Apply the notice's method. Too few qualified entrants fail before any method runs."""
    count = len(facts.entrants)
    needed = needed_entrants(facts)
    if count < needed:
        return Selection((), failure=Reason("too-few", {"count": count, "needed": needed}))
    return METHODS[facts.method](facts)


def needed_entrants(facts: SelectionFacts) -> int:
    """The edition's minimum for the money, or the method's own if that is more; never less than one."""
    own = {
        SelectionMethod.CREDIT_PREFERRED: facts.credit.minimum_entrants,
        SelectionMethod.PROPOSAL_PREFERRED: facts.proposal.minimum_entrants,
    }
    return max(1, facts.minimum_entrants, own.get(facts.method, 1))


def lots_of(facts: SelectionFacts) -> dict[str, int]:
    """The lots that the opening freezes: by score for credit-preferred, by grade for the random draw, else one each."""
    if facts.method is SelectionMethod.CREDIT_PREFERRED:
        return credit_lots(facts.entrants, facts.credit)
    if facts.method is SelectionMethod.RANDOM_DRAW:
        return graded_lots(facts)
    return one_lot_each(facts)


METHODS: Mapping[SelectionMethod, Method] = MappingProxyType(
    {
        SelectionMethod.DIRECT: direct,
        SelectionMethod.LOWEST_PRICE: lowest_price,
        SelectionMethod.RANDOM_DRAW: random_draw,
        SelectionMethod.AVERAGE_PRICE: average_price,
        SelectionMethod.CREDIT_PREFERRED: credit_preferred,
        SelectionMethod.PROPOSAL_PREFERRED: proposal_preferred,
    }
)

__all__ = [
    "METHODS",
    "Awaits",
    "Entrant",
    "Method",
    "Ranked",
    "Selection",
    "SelectionFacts",
    "lots_of",
    "needed_entrants",
    "picked",
    "select",
]
