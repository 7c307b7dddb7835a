"""Successors: all for the officers, its own for an agency once it was told; what is in force for everybody."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of
from core import clock, db
from core.identity import Identity, Permission
from grading.rules.inheritance import Edge, EdgeKind, InheritanceGone, InheritanceState

_PAIR = """
select i.*, p.name_zh as before_zh, p.name_en as before_en, p.uscc as before_uscc, s.name_zh as after_zh,
  s.name_en as after_en, s.uscc as after_uscc, s.organization
from grading_inheritance i join agencies_agency p on p.id = i.predecessor join agencies_agency s on s.id = i.successor
"""


@dataclass(frozen=True)
class InheritanceView:
    """A pair with its ties and how far the question has come."""

    inheritance_id: int
    number: str
    predecessor: int
    before_zh: str
    before_en: str
    successor: int
    after_zh: str
    after_en: str
    organization_id: int
    edges: tuple[Edge, ...]
    state: InheritanceState
    suggested_at: datetime
    proposed_by: int | None
    proposed_at: datetime | None
    facts: str
    reply_until: datetime | None
    reply: str
    replied_at: datetime | None
    decided_on: date | None
    reasons: str
    cleared_on: date | None
    clearing_reasons: str

    def may_propose(self, reader: Identity) -> bool:
        """Whether this officer may put it to the agency."""
        open_to = {InheritanceState.SUGGESTED, InheritanceState.NOT_CONFIRMED, InheritanceState.CLEARED}
        return self.state in open_to and reader.may(Permission.RECORD_CONDUCT)

    def may_drop(self, reader: Identity) -> bool:
        """Whether this officer may lay a suggestion aside."""
        return self.state is InheritanceState.SUGGESTED and reader.may(Permission.DECIDE_CONDUCT)

    def may_reply(self, reader: Identity, now: datetime) -> bool:
        """Whether the successor may reply now."""
        own = reader.organization_id == self.organization_id and reader.may(Permission.COMMENT_GRADE)
        in_time = self.reply_until is not None and now < self.reply_until
        return self.state is InheritanceState.PROPOSED and own and in_time

    def may_decide(self, reader: Identity, now: datetime) -> bool:
        """Whether this officer may decide now."""
        ready = bool(self.reply) or (self.reply_until is not None and now >= self.reply_until)
        other = reader.account_id != self.proposed_by
        return self.state is InheritanceState.PROPOSED and ready and other and reader.may(Permission.DECIDE_CONDUCT)

    def may_clear(self, reader: Identity) -> bool:
        """Whether this officer may end it."""
        return self.state is InheritanceState.IN_FORCE and reader.may(Permission.DECIDE_CONDUCT)


def _view(row: Any) -> InheritanceView:
    facts = dict(row) | {
        "inheritance_id": row["id"],
        "organization_id": row["organization"],
        "before_en": row["before_en"] or row["before_zh"],
        "after_en": row["after_en"] or row["after_zh"],
        "edges": tuple(Edge(EdgeKind(kind), value) for kind, value in row["edges"]),
        "state": InheritanceState(row["state"]),
    }
    return InheritanceView(**{name: facts[name] for name in InheritanceView.__dataclass_fields__})


async def inheritances(reader: Identity, *, before: int | None = None, limit: int = 50) -> list[InheritanceView]:
    """All for the officers; for an agency those it was told about. The latest first."""
    agency_id = None
    if not reader.may(Permission.RECORD_CONDUCT):
        agency = await agency_of(reader.organization_id)
        if agency is None:
            return []
        agency_id = agency.agency_id
    found = await db.rows(
        _PAIR + "where ($1::bigint is null or (i.successor = $1 and i.proposed_at is not null))"
        " and ($2::bigint is null or i.id < $2) order by i.id desc limit $3",
        agency_id,
        before,
        limit,
    )
    return [_view(row) for row in found]


async def inheritance(reader: Identity | None, inheritance_id: int) -> InheritanceView:
    """One pair: officers always, the successor once told, everybody while it is in force. `InheritanceGone`."""
    row = await db.row(_PAIR + "where i.id = $1", inheritance_id)
    if row is None:
        raise InheritanceGone
    view = _view(row)
    if view.state is InheritanceState.IN_FORCE or (reader and reader.may(Permission.RECORD_CONDUCT)):
        return view
    own = reader is not None and reader.organization_id == view.organization_id
    if own and reader is not None and reader.may(Permission.COMMENT_GRADE) and view.proposed_at is not None:
        return view
    raise InheritanceGone


async def in_force(agency_id: int) -> list[InheritanceView]:
    """What an agency carries on today, for everybody."""
    found = await db.rows(
        _PAIR + "where i.successor = $1 and i.state = 'in-force' and i.decided_on <= $2 order by i.id",
        agency_id,
        clock.today(),
    )
    return [_view(row) for row in found]
