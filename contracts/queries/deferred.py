"""Promised documents of a contract: for its parties and the officers; whether another may be promised."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from contracts.queries.contracts import ContractView
from contracts.queries.inquiries import LIVE_POINTS
from contracts.rules.filing import ContractState, Side
from contracts.rules.supervision import DeferredGone, DeferredState, may_defer, supervision_on
from core import clock, db
from core.identity import Identity, Permission
from core.workdays import calendar

_DEFERRED = """
select d.id, d.contract, d.deliverable, v.number as deliverable_no, d.name, d.reason, d.state, d.promised_at, d.due_at,
  d.stored_file, d.file_name, d.sha256, d.supplied_at, d.lapsed_at, c.title, c.agency_organization, c.client
from contracts_deferred_document d join contracts_contract c on c.id = d.contract
left join contracts_deliverable v on v.id = d.deliverable
"""


async def points_today(agency_id: int, profession: str) -> int:
    """Points alive today; while nobody answers that, those beside the grade on record, as of its publication."""
    alive = await LIVE_POINTS(agency_id, Profession(profession))
    if alive is not None:
        return alive
    card = await agencies.agency_card(agency_id)
    held = next((one for one in card.cards if one.profession == profession), None)
    return int((held.figures if held else {}).get("points") or 0)


async def open_promises(agency_id: int) -> int:
    """Promises of an agency that are not yet kept, the lapsed ones of no file included."""
    waiting: int = await db.value(
        "select count(*) from contracts_deferred_document d join contracts_contract c on c.id = d.contract"
        " where c.agency = $1 and d.state = 'promised'",
        agency_id,
    )
    return waiting


@dataclass(frozen=True)
class DeferredRow:
    """A promise with where it stands."""

    id: int
    contract: int
    deliverable: int | None
    deliverable_no: str | None
    name: str
    reason: str
    state: DeferredState
    promised_at: datetime
    due_at: datetime
    stored_file: int | None
    file_name: str
    sha256: str
    supplied_at: datetime | None
    lapsed_at: datetime | None
    title: str
    agency_organization: int
    client: int

    @property
    def waiting(self) -> bool:
        """Whether it may still be handed in."""
        return self.state is DeferredState.PROMISED and clock.now() < self.due_at


@dataclass(frozen=True)
class Deferral:
    """What a contract's page shows: promises, and for what another may be made now, until when at the latest."""

    rows: tuple[DeferredRow, ...]
    targets: tuple[tuple[str, str], ...]
    last_day: date | None
    mine: bool


def _row(row: Any) -> DeferredRow:
    return DeferredRow(**{**row, "state": DeferredState(row["state"])})


async def deferral(view: ContractView, reader: Identity) -> Deferral:
    """The promises of a contract that the reader may see already, and whether the agency may make another."""
    row = view.row
    found = tuple(_row(one) for one in await db.rows(_DEFERRED + "where d.contract = $1 order by d.id", row.id))
    mine = view.side is Side.AGENCY and reader.may(Permission.FILE_DELIVERABLE)
    targets = await _targets(view) if mine else ()
    if not targets:
        return Deferral(found, (), None, mine)
    law = supervision_on(clock.today())
    standing = await agencies.standing(row.agency_id, Profession(row.profession), clock.today())
    points = await points_today(row.agency_id, row.profession)
    waiting = await open_promises(row.agency_id)
    if not may_defer(standing.grade.value, points=points, open_promises=waiting, law=law):
        return Deferral(found, (), None, mine)
    return Deferral(found, targets, (await calendar()).add(clock.today(), law.deferred_workdays), mine)


async def _targets(view: ContractView) -> tuple[tuple[str, str], ...]:
    if view.row.state is ContractState.SIGNED:
        return (("contract", view.row.title),)
    found = await db.rows(
        "select id, number, title from contracts_deliverable where contract = $1 and state = 'filed' order by id",
        view.row.id,
    )
    return tuple((str(one["id"]), f"{one['number']}　{one['title']}") for one in found)


async def deferred(deferred_id: int, reader: Identity) -> DeferredRow:
    """One promise, for the parties and the officers; `DeferredGone` for others."""
    row = await db.row(_DEFERRED + "where d.id = $1", deferred_id)
    if row is None:
        raise DeferredGone
    party = reader.organization_id in (row["agency_organization"], row["client"])
    if not party and not reader.may(Permission.RECORD_CONDUCT):
        raise DeferredGone
    return _row(row)


async def waiting_promises(organization_id: int) -> list[DeferredRow]:
    """Promises an agency has still to keep, the nearest first."""
    found = await db.rows(
        _DEFERRED + "where c.agency_organization = $1 and d.state = 'promised' order by d.due_at limit 50",
        organization_id,
    )
    return [_row(row) for row in found]
