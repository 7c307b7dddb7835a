"""Reads of credit repair: its own for an agency, all for the officers; that something was repaired is public."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agencies.queries import agency_of
from core import clock, db
from core.files import StoredFile
from core.i18n import _, language
from core.identity import Identity, Permission
from grading.rules.ends import Record, end_of, finding_record, longest_d
from grading.rules.life_terms import RepairClass
from grading.rules.repair import OPEN, RepairAbsent, RepairState, earliest
from grading.rules.scheme import Scheme, load_scheme

_REPAIR = """
select p.*, a.name_zh, a.name_en, a.organization, f.number as finding_no, f.code as finding_code, f.points,
       d.document_no, d.code as ground_code, d.starts_on, f.decided_on as found_on, s.source,
       x.name as first_name, y.name as decider
from grading_repair p
join agencies_agency a on a.id = p.agency
left join grading_conduct f on f.id = p.finding
left join grading_direct_d d on d.id = p.direct_d
join grading_scheme s on s.id = coalesce(f.scheme, d.scheme)
left join core_account x on x.id = p.first_by
left join core_account y on y.id = p.decided_by
"""


@dataclass(frozen=True)
class RepairView:
    """An application with the record it is about."""

    repair_id: int
    number: str
    agency_id: int
    organization_id: int
    name_zh: str
    name_en: str
    finding_id: int | None
    direct_d_id: int | None
    record_no: str
    what_zh: str
    what_en: str
    points: int | None
    start: date
    grade_class: RepairClass
    state: RepairState
    corrected: str
    obligations: str
    confirmed_by: str
    applied_at: datetime
    due_at: datetime | None
    overdue_at: datetime | None
    accepted_at: datetime | None
    first_by: int | None
    first_name: str | None
    decider: str | None
    decided_at: datetime | None
    reasons: str
    forged: bool
    ends_on: date | None

    @property
    def open(self) -> bool:
        """Whether it still waits for an officer."""
        return self.state in OPEN

    @property
    def late(self) -> bool:
        """Whether the officers are over their time."""
        return self.open and self.due_at is not None and clock.now() >= self.due_at

    def may_decide(self, reader: Identity) -> bool:
        """Whether this reader may decide now; the second officer is another one than the first."""
        ready = self.state in (RepairState.ACCEPTED, RepairState.JOINT)
        return ready and reader.may(Permission.PUBLISH_GRADE) and reader.account_id != self.first_by


_PLAIN = (
    *("number", "name_zh", "name_en", "corrected", "obligations", "confirmed_by", "applied_at", "due_at", "overdue_at"),
    *("accepted_at", "first_by", "first_name", "decider", "decided_at", "reasons", "forged", "ends_on", "points"),
)


def _view(row: Any) -> RepairView:
    scheme = load_scheme(row["source"])
    code = row["finding_code"] or row["ground_code"]
    what = scheme.item(code) or scheme.trigger(code)
    return RepairView(
        repair_id=row["id"],
        agency_id=row["agency"],
        organization_id=row["organization"],
        finding_id=row["finding"],
        direct_d_id=row["direct_d"],
        record_no=row["finding_no"] or row["document_no"],
        what_zh=what.name_zh if what else code,
        what_en=what.name_en if what else code,
        start=row["found_on"] or row["starts_on"],
        grade_class=RepairClass(row["grade_class"]),
        state=RepairState(row["state"]),
        **{name: row[name] for name in _PLAIN},
    )


async def repair(reader: Identity, repair_id: int) -> RepairView:
    """One application; `RepairAbsent` for everybody but its agency and the officers."""
    row = await db.row(_REPAIR + "where p.id = $1", repair_id)
    officer = reader.may(Permission.DECIDE_CONDUCT)
    if row is None or not (officer or row["organization"] == reader.organization_id):
        raise RepairAbsent
    return _view(row)


async def repairs(reader: Identity, *, before: int | None = None, limit: int = 50) -> list[RepairView]:
    """Applications, the newest first: all for the officers, its own for an agency."""
    agency_id = await _scope(reader)
    found = await db.rows(
        _REPAIR + "where ($1::bigint is null or p.agency = $1) and ($2::bigint is null or p.id < $2)"
        " order by p.id desc limit $3",
        agency_id,
        before,
        limit,
    )
    return [_view(row) for row in found]


async def _scope(reader: Identity) -> int | None:
    """Whose applications a reader sees: None for all, 0 for none."""
    if reader.may(Permission.DECIDE_CONDUCT):
        return None
    agency = await agency_of(reader.organization_id) if reader.may(Permission.COMMENT_GRADE) else None
    return agency.agency_id if agency else 0


async def repair_files(repair_id: int) -> list[StoredFile]:
    """The proof handed in."""
    found = await db.rows(
        "select f.id, f.sha256, f.size, f.media_type, f.name from grading_repair_file e"
        " join core_stored_file f on f.id = e.file where e.repair = $1 order by e.id",
        repair_id,
    )
    return [StoredFile(**dict(row)) for row in found]


async def repair_file(reader: Identity, repair_id: int, file_id: int) -> StoredFile:
    """One file of the proof, for who may see the application."""
    await repair(reader, repair_id)
    found = [one for one in await repair_files(repair_id) if one.id == file_id]
    if not found:
        raise RepairAbsent
    return found[0]


@dataclass(frozen=True)
class Repairable:
    """A record of an agency that counts, its class, and from when it can be repaired."""

    key: str
    finding_id: int | None
    direct_d_id: int | None
    record_no: str
    what_zh: str
    what_en: str
    points: int | None
    grade_class: RepairClass
    start: date
    earliest: date
    ends: date
    open_number: str | None
    open_id: int | None

    @property
    def by_itself(self) -> bool:
        """Whether it is over before anybody could apply: twenty points lapse when their shortest display is over."""
        return self.earliest >= self.ends

    @property
    def ready(self) -> bool:
        """Whether it can be applied for today."""
        return self.open_id is None and clock.today() >= self.earliest

    @property
    def what(self) -> str:
        """What it is about, in the reader's language."""
        return self.what_en if language() == "en" else self.what_zh


async def repairable(agency_id: int) -> list[Repairable]:
    """What an agency could have repaired, with the earliest day of each."""
    findings = await db.rows(
        "select f.*, s.source, p.number as open_no, p.id as open_id from grading_conduct f"
        " join grading_scheme s on s.id = f.scheme left join grading_repair p on p.finding = f.id"
        " and p.state in ('applied', 'accepted', 'joint') where f.agency = $1 and f.state = 'upheld' order by f.id",
        agency_id,
    )
    grounds = await db.rows(
        "select d.*, s.source, p.number as open_no, p.id as open_id from grading_direct_d d"
        " join grading_scheme s on s.id = d.scheme left join grading_repair p on p.direct_d = d.id"
        " and p.state in ('applied', 'accepted', 'joint') where d.agency = $1 and d.ends_on > $2 and not d.as_decided"
        " and not exists (select 1 from grading_repair g where g.direct_d = d.id and g.state = 'granted')"
        " and not exists (select 1 from grading_way_back w where w.direct_d = d.id and w.state <> 'refused')"
        " order by d.id",
        agency_id,
        clock.today(),
    )
    live = [row for row in findings if clock.today() < end_of(_record(row)).on]
    return [_finding(row) for row in live] + [_ground(row) for row in grounds]


def _record(row: Any) -> Record:
    return finding_record(row["decided_on"], row["points"], row["ended_on"], load_scheme(row["source"]))


def _terms(row: Any, scheme: Scheme) -> Any:
    return scheme.repair.terms(scheme.repair.class_of(row["points"]))


def _finding(row: Any) -> Repairable:
    scheme = load_scheme(row["source"])
    item, terms = scheme.item(row["code"]), _terms(row, scheme)
    return Repairable(
        f"finding:{row['id']}",
        row["id"],
        None,
        row["number"],
        item.name_zh if item else row["code"],
        item.name_en if item else row["code"],
        row["points"],
        terms.grade_class,
        row["decided_on"],
        earliest(row["decided_on"], terms),
        end_of(_record(row)).on,
        row["open_no"],
        row["open_id"],
    )


def _ground(row: Any) -> Repairable:
    scheme = load_scheme(row["source"])
    trigger, terms = scheme.trigger(row["code"]), scheme.repair.terms(RepairClass.GRAVE)
    return Repairable(
        f"direct-d:{row['id']}",
        None,
        row["id"],
        row["document_no"],
        trigger.name_zh if trigger else row["code"],
        trigger.name_en if trigger else row["code"],
        None,
        terms.grade_class,
        row["starts_on"],
        earliest(row["starts_on"], terms),
        longest_d(row["starts_on"], row["ends_on"], scheme.terms),
        row["open_no"],
        row["open_id"],
    )


def record_line(one: Repairable) -> str:
    """A record as a choice in a form."""
    if one.points is None:
        return _("%(no)s　%(what)s（直接定为 D 级）") % {"no": one.record_no, "what": one.what}
    return _("%(no)s　%(what)s（%(n)s 分）") % {"no": one.record_no, "what": one.what, "n": one.points}
