"""Who carries on whom: edges between two agencies, when they suggest a successor, and how a person decides.

grading.md §5 and rule-set XT-2026.1 `direct_d.successor_inherits_if`: same controller, at least half the same staff,
or renamed; one strong edge or two weak ones suggest. A suggestion has no effect. Two persons and a right of reply of
5 working days stand between it and an inherited record; what is inherited ends when a person clears it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from agencies.rules import same_controller
from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from grading.rules.months import add_months

QUARTER = Decimal("0.25")
SOON_MONTHS = 12
"""A new registration within a year after the first bad record of the other is an edge of its own (weak)."""


class EdgeKind(StrEnum):
    """What ties two agencies together."""

    CONTROLLER = "same-controller"
    STAFF_HALF = "staff-half"
    DECLARED = "declared"
    REPRESENTATIVE = "same-representative"
    ADDRESS = "same-address"
    PHONE = "same-phone"
    STAFF_QUARTER = "staff-quarter"
    FLAGGED = "flagged-person"
    SOON = "registered-soon-after"


STRONG = frozenset({EdgeKind.CONTROLLER, EdgeKind.STAFF_HALF, EdgeKind.DECLARED})
EDGE_TITLES: dict[EdgeKind, str] = {
    EdgeKind.CONTROLLER: N_("同一实际控制人"),
    EdgeKind.STAFF_HALF: N_("半数以上从业人员相同"),
    EdgeKind.DECLARED: N_("申报受同一控制人控制"),
    EdgeKind.REPRESENTATIVE: N_("同一法定代表人"),
    EdgeKind.ADDRESS: N_("同一地址"),
    EdgeKind.PHONE: N_("同一联系电话"),
    EdgeKind.STAFF_QUARTER: N_("四分之一以上从业人员相同"),
    EdgeKind.FLAGGED: N_("带信用标记的人员转入"),
    EdgeKind.SOON: N_("在对方出现不良记录后一年内备案"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What the register knows of an agency, as far as edges go. Staff are certificate numbers."""

    agency_id: int
    uscc: str
    controller: str
    representative: str
    address: str
    phone: str
    recorded_on: date
    staff: frozenset[str]
    declared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Edge:
    """One tie; `value` is a share for staff, a count for persons, a day for the registration, else empty."""

    kind: EdgeKind
    value: str = ""

    @property
    def strong(self) -> bool:
        """Whether one of these suggests by itself."""
        return self.kind in STRONG


def edges(
    source: Profile, other: Profile, *, flagged: frozenset[str], stained_on: date | None, overlap: Decimal
) -> tuple[Edge, ...]:
    """The ties of `other` to `source`, strong ones first.

    `source.staff` is everybody who worked there in the last two years, `other.staff` who works there now; the share
    is taken of the successor's staff, so that a large firm is not marked for hiring one person. `flagged` are the
    certificates with a flag in force, `stained_on` the day of the source's first bad record that still counts.
    """
    found = _edges(source, other, flagged, stained_on, overlap)
    return tuple(sorted(found, key=lambda edge: (not edge.strong, edge.kind.value)))


def _edges(
    source: Profile, other: Profile, flagged: frozenset[str], stained_on: date | None, overlap: Decimal
) -> Iterator[Edge]:
    if same_controller(source.controller, other.controller):
        yield Edge(EdgeKind.CONTROLLER)
    if source.uscc in other.declared or other.uscc in source.declared:
        yield Edge(EdgeKind.DECLARED)
    if same_controller(source.representative, other.representative):
        yield Edge(EdgeKind.REPRESENTATIVE)
    if same_controller(source.address, other.address):
        yield Edge(EdgeKind.ADDRESS)
    if same_controller(source.phone, other.phone):
        yield Edge(EdgeKind.PHONE)
    common = source.staff & other.staff
    if common:
        share = Decimal(len(common)) / len(other.staff)
        if share >= min(overlap, QUARTER):
            kind = EdgeKind.STAFF_HALF if share >= overlap else EdgeKind.STAFF_QUARTER
            yield Edge(kind, f"{share * 100:.0f}%")
    if common & flagged:
        yield Edge(EdgeKind.FLAGGED, str(len(common & flagged)))
    if stained_on and stained_on <= other.recorded_on < add_months(stained_on, SOON_MONTHS):
        yield Edge(EdgeKind.SOON, other.recorded_on.isoformat())


def suggests(found: Sequence[Edge]) -> bool:
    """One strong edge or two weak ones; a registration soon after counts only beside another tie."""
    strong = sum(edge.strong for edge in found)
    return strong >= 1 or len(found) >= 2


class InheritanceState(StrEnum):
    """Where the question stands whether one agency carries on another."""

    SUGGESTED = "suggested"
    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    NOT_CONFIRMED = "not-confirmed"
    CLEARED = "cleared"


class InheritanceAct(StrEnum):
    """What happens to it."""

    SUGGEST = "suggest"
    PROPOSE = "propose"
    DROP = "drop"
    REPLY = "reply"
    CONFIRM = "confirm"
    DISMISS = "dismiss"
    CLEAR = "clear"


S, A = InheritanceState, InheritanceAct
INHERITANCE_TRANSITIONS: Mapping[tuple[InheritanceState, InheritanceAct], InheritanceState] = {
    (S.SUGGESTED, A.PROPOSE): S.PROPOSED,
    (S.SUGGESTED, A.DROP): S.NOT_CONFIRMED,
    (S.PROPOSED, A.REPLY): S.PROPOSED,
    (S.PROPOSED, A.CONFIRM): S.IN_FORCE,
    (S.PROPOSED, A.DISMISS): S.NOT_CONFIRMED,
    (S.IN_FORCE, A.CLEAR): S.CLEARED,
    (S.NOT_CONFIRMED, A.PROPOSE): S.PROPOSED,
    (S.CLEARED, A.PROPOSE): S.PROPOSED,
}
"""New facts may bring a closed question up again; a suggestion by the machine alone never does."""
INHERITANCE_STATES: dict[InheritanceState, str] = {
    S.SUGGESTED: N_("系统提示，未处理"),
    S.PROPOSED: N_("已告知机构，待决定"),
    S.IN_FORCE: N_("认定承继，生效中"),
    S.NOT_CONFIRMED: N_("不认定承继"),
    S.CLEARED: N_("已解除"),
}


class InheritanceGone(NotFound):
    """No such question, or not this reader's."""

    code: ClassVar[str] = "inheritance-not-found"
    text: ClassVar[str] = N_("没有找到这条承继关系，或者它不属于您所在的机构。请从列表重新进入。")


class SameAgency(Rejected):
    """Nobody carries on itself."""

    code: ClassVar[str] = "inheritance-same-agency"
    text: ClassVar[str] = N_("前后两家须是不同的机构。请重新选择。")


class NoEdges(Rejected):
    """Without one strong or two weak ties nothing may be put to an agency."""

    code: ClassVar[str] = "inheritance-no-edges"
    text: ClassVar[str] = N_("登记册中没有足够的关联：须有一项强关联或两项弱关联。请先核实机构档案。")


class SameDecider(Conflict):
    """Who put it forward does not decide."""

    code: ClassVar[str] = "inheritance-same-person"
    text: ClassVar[str] = N_("这条承继由您提出，须由另一位工作人员决定。请转交同事办理。")


TRAIL_TITLES: dict[str, str] = {
    "inheritance.suggested": N_("系统提示可能承继"),
    "inheritance.proposed": N_("拟认定承继，告知机构"),
    "inheritance.dropped": N_("承继提示不予采纳"),
    "inheritance.replied": N_("机构就承继申辩"),
    "inheritance.confirmed": N_("认定承继，行为记录与等级历史随转"),
    "inheritance.dismissed": N_("不认定承继"),
    "inheritance.cleared": N_("承继解除"),
}
OPEN_ACTS = ("inheritance.confirmed", "inheritance.cleared")
