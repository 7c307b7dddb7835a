"""Conduct findings: live ones for everybody, all of an agency's for itself, all for the officers."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import Profession
from core import clock, db
from core.identity import Identity, Permission
from grading.queries.records import GROUNDS, ground_of_row
from grading.queries.schemes import rulebook_of, rulebook_on
from grading.queries.supervision import predecessors
from grading.rules.conduct import live_points
from grading.rules.ends import Record, counts, end_of, finding_record
from grading.rules.errors import FindingAbsent
from grading.rules.evidence import Finding
from grading.rules.lifecycle import ConductPhase, ConductState, conduct_phase
from grading.rules.scheme import Scheme, load_scheme

RECORD_KEY = re.compile(r"[a-z-]+(:[a-z0-9-]+)+")
_FINDING = """
select f.*, a.name_zh, a.name_en, a.organization, s.source as rules
from grading_conduct f
join agencies_agency a on a.id = f.agency
join grading_scheme s on s.id = f.scheme
"""


@dataclass(frozen=True)
class FindingView:
    """A finding with its item of the scheme and how it stands today."""

    finding_id: int
    number: str
    agency_id: int
    organization_id: int
    agency_zh: str
    agency_en: str
    profession: Profession | None
    code: str
    name_zh: str
    name_en: str
    basis: str
    points: int
    event: str
    found_on: date
    facts: str
    source: str
    state: ConductState
    phase: ConductPhase
    proposed_by: int
    proposed_at: datetime
    reply: str
    replied_at: datetime | None
    reply_until: datetime
    decided_on: date | None
    reasons: str
    complaint: bool
    lapses_on: date | None

    @property
    def matter(self) -> str:
        """What people named as the matter it belongs to; empty for the keys under which the record takes an event once."""
        return "" if RECORD_KEY.fullmatch(self.event) else self.event

    @property
    def days_left(self) -> int:
        """Days until the points lapse; zero when they no longer count."""
        return max(0, (self.lapses_on - clock.today()).days) if self.lapses_on else 0

    def may_decide(self, reader: Identity, now: datetime) -> bool:
        """Whether this reader may decide it now."""
        ready = bool(self.reply) or now >= self.reply_until
        other = reader.account_id != self.proposed_by
        return self.state is ConductState.PROPOSED and ready and other and reader.may(Permission.DECIDE_CONDUCT)

    def may_reply(self, now: datetime) -> bool:
        """Whether the agency may still reply."""
        return self.state is ConductState.PROPOSED and now < self.reply_until


def _finding(row: Any) -> FindingView:
    scheme = load_scheme(row["rules"])
    item = scheme.item(row["code"])
    state = ConductState(row["state"])
    record = _record(row, scheme) if row["decided_on"] else None
    phase = conduct_phase(state, record, clock.today())
    plain = (
        *("number", "code", "points", "event", "found_on", "facts", "source", "proposed_by", "proposed_at"),
        *("reply", "replied_at", "reply_until", "decided_on", "reasons", "complaint"),
    )
    return FindingView(
        finding_id=row["id"],
        agency_id=row["agency"],
        organization_id=row["organization"],
        agency_zh=row["name_zh"],
        agency_en=row["name_en"] or row["name_zh"],
        profession=Profession(row["profession"]) if row["profession"] else None,
        name_zh=item.name_zh if item else row["code"],
        name_en=item.name_en if item else row["code"],
        basis=item.basis if item else "",
        state=state,
        phase=phase,
        lapses_on=end_of(record).on if record and state is ConductState.UPHELD else None,
        **{name: row[name] for name in plain},
    )


def _record(row: Any, scheme: Scheme) -> Record:
    return finding_record(row["decided_on"], row["points"], row["ended_on"], scheme)


async def live_findings(agency_id: int, profession: Profession | None = None) -> list[FindingView]:
    """What the public may see: upheld findings that still count, of the agency or one profession."""
    found = await db.rows(
        _FINDING + "where f.agency = $1 and f.state = 'upheld'"
        " and ($2::text is null or f.profession is null or f.profession = $2) order by f.decided_on desc, f.id",
        agency_id,
        profession.value if profession else None,
    )
    views = [_finding(row) for row in found]
    return [view for view in views if view.phase is ConductPhase.LIVE]


async def points_today(agency_id: int, profession: Profession) -> int:
    """Points alive today as the grade would count them: of several items for one event the gravest, inherited ones too."""
    today = clock.today()
    rules = (await rulebook_on(today)).scheme.conduct
    carried = (agency_id, *(await predecessors([agency_id], today)).get(agency_id, ()))
    shown = [view for one in carried for view in await live_findings(one, profession)]
    return live_points((_counted(view) for view in shown), today, rules)


def _counted(view: FindingView) -> Finding:
    assert view.decided_on is not None
    return Finding(view.finding_id, view.code, view.points, view.event, view.decided_on, view.number, view.lapses_on)


async def findings(reader: Identity, *, before: int | None = None, limit: int = 50) -> list[FindingView]:
    """All findings for officers, the agency's own for its members; latest first."""
    agency_id = None
    if not reader.may(Permission.RECORD_CONDUCT):
        agency = await agency_of(reader.organization_id)
        if agency is None:
            return []
        agency_id = agency.agency_id
    found = await db.rows(
        _FINDING + "where ($1::bigint is null or f.agency = $1) and ($2::bigint is null or f.id < $2)"
        " order by f.id desc limit $3",
        agency_id,
        before,
        limit,
    )
    return [_finding(row) for row in found]


async def finding(reader: Identity | None, finding_id: int) -> FindingView:
    """One finding: officers and its agency always, everybody while it counts. `FindingAbsent`."""
    row = await db.row(_FINDING + "where f.id = $1", finding_id)
    if row is None:
        raise FindingAbsent
    view = _finding(row)
    if view.phase is ConductPhase.LIVE or (reader and _is_party(reader, view)):
        return view
    raise FindingAbsent


def _is_party(reader: Identity, view: FindingView) -> bool:
    own = reader.organization_id == view.organization_id and reader.may(Permission.COMMENT_GRADE)
    return own or reader.may(Permission.RECORD_CONDUCT)


@dataclass(frozen=True)
class FindingFile:
    """A file behind a finding: `side` is evidence or reply."""

    id: int
    side: str
    sha256: str
    size: int
    media_type: str
    name: str


async def finding_files(reader: Identity | None, view: FindingView) -> list[FindingFile]:
    """The files of both sides, for the agency and the officers only; nothing for everybody else."""
    if reader is None or not _is_party(reader, view):
        return []
    found = await db.rows(
        "select f.id, e.side, f.sha256, f.size, f.media_type, f.name from grading_conduct_file e"
        " join core_stored_file f on f.id = e.file where e.conduct = $1 order by e.id",
        view.finding_id,
    )
    return [FindingFile(**dict(row)) for row in found]


async def finding_file(reader: Identity, finding_id: int, file_id: int) -> FindingFile:
    """One file, for who may see the files. `FindingAbsent`."""
    view = await finding(reader, finding_id)
    for one in await finding_files(reader, view):
        if one.id == file_id:
            return one
    raise FindingAbsent


@dataclass(frozen=True)
class GroundView:
    """A direct D as everybody may read it while it runs."""

    code: str
    name_zh: str
    name_en: str
    document_no: str
    authority: str
    starts_on: date
    ends_on: date
    until: date


async def running_grounds(agency_id: int, profession: Profession) -> list[GroundView]:
    """Direct D decisions that count today for the agency in that profession; `ends_on` is the end of the term,
    `until` the first day without it as things stand (decision 0016)."""
    today = await rulebook_on(clock.today())
    found = await db.rows(
        GROUNDS + "where d.agency = $2 and (d.profession is null or d.profession = $3) and d.starts_on <= $1"
        " order by d.starts_on, d.id",
        clock.today(),
        agency_id,
        profession.value,
    )
    records = [(row, ground_of_row(row, today.scheme.terms)) for row in found]
    return [
        _ground(row, record, (await rulebook_of(row["scheme"], today.calibration_id)).scheme)
        for row, record in records
        if counts(record, clock.today())
    ]


def _ground(row: Any, record: Record, scheme: Scheme) -> GroundView:
    trigger = scheme.trigger(row["code"])
    return GroundView(
        code=row["code"],
        name_zh=trigger.name_zh if trigger else row["code"],
        name_en=trigger.name_en if trigger else row["code"],
        document_no=row["document_no"],
        authority=row["authority"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        until=end_of(record).on,
    )
