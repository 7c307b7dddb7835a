"""The way back: what of a direct D is over when, and the applications to leave it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import Profession
from core import clock, db
from core.identity import Identity, Permission
from grading.queries.records import GROUNDS, ground_of_row
from grading.queries.schemes import rulebook_on
from grading.rules.ends import end_of, longest_d
from grading.rules.scheme import Scheme, TermRules, load_scheme
from grading.rules.way_back import WAITING, WayBackGone, WayBackState, earliest


@dataclass(frozen=True)
class GroundRow:
    """A direct D with its clocks: `until` is the first day without it as things stand."""

    ground_id: int
    agency_id: int
    agency_zh: str
    agency_en: str
    organization_id: int
    profession: Profession | None
    code: str
    name_zh: str
    name_en: str
    document_no: str
    authority: str
    facts: str
    starts_on: date
    ends_on: date
    earliest_on: date
    longest_on: date
    until: date
    imposed_by: int
    way_back_id: int | None
    way_back_state: WayBackState | None
    repair_id: int | None

    @property
    def running(self) -> bool:
        """Whether it counts today."""
        return self.starts_on <= clock.today() < self.until

    @property
    def overdue(self) -> bool:
        """Whether its term is over while it still counts, because nothing was shown."""
        return self.running and clock.today() >= self.ends_on

    @property
    def may_apply(self) -> bool:
        """Whether the agency may apply to leave it now."""
        waiting = self.way_back_state in WAITING or self.way_back_state is WayBackState.GRANTED
        return self.running and clock.today() >= self.earliest_on and not waiting and self.repair_id is None


def _ground(row: Any, terms: TermRules) -> GroundRow:
    scheme: Scheme = load_scheme(row["source"])
    trigger = scheme.trigger(row["code"])
    return GroundRow(
        ground_id=row["id"],
        agency_id=row["agency"],
        agency_zh=row["name_zh"],
        agency_en=row["name_en"] or row["name_zh"],
        organization_id=row["organization"],
        profession=Profession(row["profession"]) if row["profession"] else None,
        name_zh=trigger.name_zh if trigger else row["code"],
        name_en=trigger.name_en if trigger else row["code"],
        earliest_on=earliest(row["ends_on"]),
        longest_on=longest_d(row["starts_on"], row["ends_on"], terms),
        until=end_of(ground_of_row(row, terms)).on,
        repair_id=row["repair"],
        way_back_id=row["way_back"],
        way_back_state=WayBackState(row["way_back_state"]) if row["way_back_state"] else None,
        **{
            name: row[name]
            for name in ("code", "document_no", "authority", "facts", "starts_on", "ends_on", "imposed_by")
        },
    )


async def grounds_of(agency_id: int) -> list[GroundRow]:
    """Every direct D of an agency, the latest first."""
    terms = (await rulebook_on(clock.today())).scheme.terms
    found = await db.rows(
        GROUNDS + "where d.agency = $2 order by d.starts_on desc, d.id desc", clock.today(), agency_id
    )
    return [_ground(row, terms) for row in found]


async def ground_of(reader: Identity, direct_d_id: int) -> GroundRow:
    """One direct D for its agency and the officers; `WayBackGone` for others."""
    terms = (await rulebook_on(clock.today())).scheme.terms
    row = await db.row(GROUNDS + "where d.id = $2", clock.today(), direct_d_id)
    if row is None or not (reader.may(Permission.RECORD_CONDUCT) or reader.organization_id == row["organization"]):
        raise WayBackGone
    return _ground(row, terms)


@dataclass(frozen=True)
class ProofRow:
    """A proof handed in with an application."""

    file_id: int
    stored_file: int
    name: str
    sha256: str


@dataclass(frozen=True)
class WayBackView:
    """An application with its decision and its direct D."""

    way_back_id: int
    number: str
    ground: GroundRow
    state: WayBackState
    corrected: str
    obligations: str
    confirmation: str
    filed_at: datetime
    check_due_at: datetime
    checked_by: int | None
    checked_at: datetime | None
    check_note: str
    decide_due_at: datetime | None
    decided_at: datetime | None
    reasons: str
    effective_on: date | None
    lifted: bool
    proofs: tuple[ProofRow, ...] = ()

    def may_check(self, reader: Identity) -> bool:
        """Whether this officer may do the formal check."""
        other = reader.account_id != self.ground.imposed_by
        return self.state is WayBackState.FILED and other and reader.may(Permission.DECIDE_CONDUCT)

    def may_decide(self, reader: Identity) -> bool:
        """Whether this officer may decide."""
        other = reader.account_id not in (self.ground.imposed_by, self.checked_by)
        return self.state is WayBackState.ACCEPTED and other and reader.may(Permission.DECIDE_CONDUCT)

    def may_complete(self, reader: Identity) -> bool:
        """Whether the agency may hand it in again."""
        return self.state is WayBackState.RETURNED and reader.organization_id == self.ground.organization_id


async def _view(row: Any, reader: Identity) -> WayBackView:
    names = (
        *("number", "corrected", "obligations", "confirmation", "filed_at", "check_due_at", "checked_by", "checked_at"),
        *("check_note", "decide_due_at", "decided_at", "reasons", "effective_on", "lifted"),
    )
    return WayBackView(
        way_back_id=row["id"],
        ground=await ground_of(reader, row["direct_d"]),
        state=WayBackState(row["state"]),
        **{name: row[name] for name in names},
    )


_WAY_BACK = """
select w.*, exists (select 1 from grading_run n where n.key = 'way-back:' || w.id) as lifted from grading_way_back w
"""


async def way_back(reader: Identity, way_back_id: int) -> WayBackView:
    """One application with its proofs, for its agency and the officers; `WayBackGone` for others."""
    row = await db.row(_WAY_BACK + "where w.id = $1", way_back_id)
    if row is None:
        raise WayBackGone
    view = await _view(row, reader)
    proofs = await db.rows(
        "select id, stored_file, name, sha256 from grading_way_back_file where way_back = $1 order by id", way_back_id
    )
    return WayBackView(**{**vars(view), "proofs": tuple(ProofRow(*one) for one in proofs)})


async def way_backs(reader: Identity) -> list[WayBackView]:
    """Applications that wait for somebody, or were granted and are not published yet; the agency's own for its members."""
    agency_id = None
    if not reader.may(Permission.DECIDE_CONDUCT):
        agency = await agency_of(reader.organization_id)
        if agency is None:
            return []
        agency_id = agency.agency_id
    found = await db.rows(
        _WAY_BACK + "where ($1::bigint is null or w.agency = $1) and (w.state in ('filed', 'returned', 'accepted')"
        " or (w.state = 'granted' and w.effective_on > $2::date - 40)) order by w.filed_at limit 100",
        agency_id,
        clock.today(),
    )
    return [await _view(row, reader) for row in found]
