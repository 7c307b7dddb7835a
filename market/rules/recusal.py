"""Who must keep away: ties to the client, ties among entrants, duties that do not go together.

Sources: Business-Environment Regulation art. 43 and domain.md §1.3 (ties to the client); Bidding Law regulation
art. 34 by analogy (holding and management relations among entrants: every bid concerned is invalid);
Government Procurement regulation art. 9 by analogy (earlier employment); the matrix in
`content/incompatible_duties.csv`. Pure: facts come in, reasons go out, names of persons are never in a reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations

from agencies.rules import RelationKind, plain_name, same_controller
from market.rules.editions import RecusalRule
from market.rules.reasons import Reason

BINDING = frozenset({RelationKind.AFFILIATE, RelationKind.SHAREHOLDING, RelationKind.SHARED_CONTROLLER})
"""Declared kinds that set two entrants aside; kinship and former separations do not (art. 34 para. 2)."""

RECUSAL_CODES = frozenset(
    {
        "related-to-client",
        "related-to-department",
        "same-controller-as-client",
        "staff-of-client",
        "former-employer",
        "still-employed",
        "duty-incompatible",
    }
)
"""Reasons for which an agency is listed as recused on the page of a notice."""


@dataclass(frozen=True)
class Duty:
    """Two items that do not go together on one project, and why. `verified` as in the catalogue."""

    first: str
    second: str
    reason_zh: str
    reason_en: str
    basis: str
    verified: str

    def against(self, item: str) -> str | None:
        """The item that excludes `item`, if this pair is about it."""
        return {self.first: self.second, self.second: self.first}.get(item)


@dataclass(frozen=True)
class HeldDuty:
    """A commission on the same project, and which agency (this one or a related one) holds it."""

    item_code: str
    item_zh: str
    holder_zh: str
    item_en: str = ""
    holder_en: str = ""


@dataclass(frozen=True)
class ClientTies:
    """What binds one agency to the client and to the project of a notice; `duties` is the matrix in force."""

    same_controller: bool = False
    shared_staff: bool = False
    left_client_on: date | None = None
    employed_by_client: bool = False
    held: tuple[HeldDuty, ...] = ()
    duties: tuple[Duty, ...] = ()


NO_TIES = ClientTies()


def client_reasons(ties: ClientTies, *, item_code: str, on: date, rule: RecusalRule) -> Iterator[Reason]:
    """Why an agency must keep away from this client's notice, beyond declared affiliation."""
    if ties.same_controller:
        yield Reason("same-controller-as-client")
    if ties.shared_staff:
        yield Reason("staff-of-client")
    if ties.employed_by_client:
        yield Reason("still-employed")
    left = ties.left_client_on
    if left is not None and on < years_after(left, rule.former_years):
        yield Reason("former-employer", {"left": left.isoformat(), "years": rule.former_years})
    excluded = {duty.against(item_code) for duty in ties.duties} - {None}
    for held in ties.held:
        if held.item_code in excluded:
            names = {"holder": held.holder_zh, "item": f"{held.item_code} {held.item_zh}"}
            english = {"holder_en": held.holder_en, "item_en": held.item_en and f"{held.item_code} {held.item_en}"}
            yield Reason("duty-incompatible", names | _given(english))


def years_after(day: date, years: int) -> date:
    """The same day some years later; 29 February becomes 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


@dataclass(frozen=True)
class EntrantTies:
    """What binds one entrant to others: `related` are credit codes of declared binding relations."""

    agency_id: int
    uscc: str
    name_zh: str
    controller: str = ""
    staff: frozenset[str] = field(default_factory=frozenset)
    related: frozenset[str] = field(default_factory=frozenset)
    name_en: str = ""


def entrant_reasons(entrants: Iterable[EntrantTies]) -> Mapping[int, tuple[Reason, ...]]:
    """Which entrants of one notice exclude each other, by agency; both sides of every pair are set aside.

    Of several bonds between two, the first of relation, controller, staff is named; the reasons of an agency come in
    the order of the others. Looked up by what binds, never pair by pair: as long as the list plus the pairs found.
    """
    everybody = list(entrants)
    bonds: dict[tuple[int, int], str] = {}
    for code, groups in (
        ("related-to-entrant", _related(everybody)),
        ("same-controller-as-entrant", _by_controller(everybody)),
        ("staff-of-entrant", _by_staff(everybody)),
    ):
        for group in groups:
            for pair in combinations(sorted(set(group)), 2):
                bonds.setdefault(pair, code)
    found: dict[int, list[Reason]] = {}
    for first, second in sorted(bonds):
        one, other, code = everybody[first], everybody[second], bonds[first, second]
        found.setdefault(one.agency_id, []).append(_named(code, other))
        found.setdefault(other.agency_id, []).append(_named(code, one))
    return {agency_id: tuple(reasons) for agency_id, reasons in found.items()}


Groups = Iterable[list[int]]
"""Places in the list of entrants that are bound to each other, everybody to everybody."""


def _related(everybody: Sequence[EntrantTies]) -> Groups:
    places: dict[str, list[int]] = {}
    for place, one in enumerate(everybody):
        places.setdefault(one.uscc, []).append(place)
    for place, one in enumerate(everybody):
        for uscc in one.related:
            for other in places.get(uscc, ()):
                yield [place, other]


def _by_controller(everybody: Sequence[EntrantTies]) -> Groups:
    places: dict[str, list[int]] = {}
    for place, one in enumerate(everybody):
        if same_controller(one.controller, one.controller):
            places.setdefault(plain_name(one.controller), []).append(place)
    return places.values()


def _by_staff(everybody: Sequence[EntrantTies]) -> Groups:
    places: dict[str, list[int]] = {}
    for place, one in enumerate(everybody):
        for person in one.staff:
            places.setdefault(person, []).append(place)
    return places.values()


def _named(code: str, other: EntrantTies) -> Reason:
    return Reason(code, {"other": other.name_zh} | _given({"other_en": other.name_en}))


def _given(names: Mapping[str, str]) -> dict[str, str]:
    """The English names that there are."""
    return {key: name for key, name in names.items() if name}
