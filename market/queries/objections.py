"""Reads of objections. Who may see the objector's name and the evidence is decided here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock, db
from core.desk import DeskItem
from core.errors import NotFound
from core.i18n import _, language
from core.identity import Identity, Permission, Role
from core.web.pages import url_for
from core.workdays import calendar
from market import content
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.queries.progress import NowBox
from market.rules.objections import (
    ACTS,
    AGAINST_THE_OBJECTOR,
    FOR_THE_OBJECTOR,
    OPEN,
    Against,
    ObjectionAct,
    ObjectionClock,
    ObjectionGone,
    ObjectionState,
    objectable,
)

OBJECTION_SQL = """
select j.id, j.number, j.notice as notice_id, j.against, j.target, j.agency as agency_id, j.state, j.facts, j.wish,
       j.provision, j.provision_words, j.evidence_words, j.lodged_at, j.since_at, j.due_at, j.moves_at, j.closed_at,
       a.organization as objector_id, a.name_zh as objector_name_zh, a.name_en as objector_name_en,
       n.client as client_id, o.name_zh as client_name_zh, o.name_en as client_name_en, n.number as notice_no,
       n.project as project_id, p.title as project_title, i.name_zh as item_name_zh, i.name_en as item_name_en
  from market_objection j
  join market_notice n on n.id = j.notice
  join market_project p on p.id = n.project
  join market_service_item i on i.id = n.item
  join core_organization o on o.id = n.client
  join agencies_agency a on a.id = j.agency
"""


@dataclass(frozen=True)
class ObjectionRow:
    """An objection as the services and the parties see it; pages ask `names` before showing the objector."""

    id: int
    number: str
    notice_id: int
    against: Against
    target: int
    agency_id: int
    state: ObjectionState
    facts: str
    wish: str
    provision: str
    provision_words: str
    evidence_words: str
    lodged_at: datetime
    since_at: datetime
    due_at: datetime | None
    moves_at: datetime | None
    closed_at: datetime | None
    objector_id: int
    objector_name_zh: str
    objector_name_en: str
    client_id: int
    client_name_zh: str
    client_name_en: str
    notice_no: str
    project_id: int
    project_title: str
    item_name_zh: str
    item_name_en: str

    @property
    def clock(self) -> ObjectionClock:
        """What the clock needs to know."""
        return ObjectionClock(self.state, self.due_at, self.moves_at)

    @property
    def open(self) -> bool:
        """Whether it still waits for somebody."""
        return self.state in OPEN

    @property
    def late(self) -> bool:
        """Whether the present holder is over its time."""
        return self.open and self.due_at is not None and clock.now() >= self.due_at

    @property
    def subject(self) -> str:
        """Its name on the trail."""
        return f"objection:{self.id}"

    @property
    def title(self) -> str:
        """Number and commission, in the reader's language."""
        if language() == "en":
            return f"{self.project_title}: {self.item_name_en}"
        return f"{self.project_title}：{self.item_name_zh}"

    @property
    def provision_name(self) -> str:
        """The provision chosen, in the reader's language; empty when none was."""
        column = "en" if language() == "en" else "zh"
        return next((each[column] for each in content.provisions() if each["code"] == self.provision), "")

    def party(self, identity: Identity | None) -> bool:
        """Objector, client or supervisor: they see the evidence."""
        if identity is None:
            return False
        return identity.may(Permission.DECIDE_OBJECTION) or identity.organization_id in {
            self.objector_id,
            self.client_id,
        }

    def names(self, identity: Identity | None) -> bool:
        """Who lodged an objection to a notice is never public: it would name a likely bidder."""
        return self.against is Against.RESULT or self.party(identity)


def objection_row(record: Any) -> ObjectionRow:
    """From a record of `OBJECTION_SQL`."""
    columns = dict(record)
    return ObjectionRow(**columns | {"against": Against(columns["against"]), "state": ObjectionState(columns["state"])})


async def objection(objection_id: int) -> ObjectionRow:
    """An objection; `ObjectionGone` when there is none. That it exists is public."""
    record = await db.row(OBJECTION_SQL + " where j.id = $1", objection_id)
    if record is None:
        raise ObjectionGone
    return objection_row(record)


async def objections_of(notice_id: int) -> list[ObjectionRow]:
    """All objections of a notice, oldest first."""
    return [
        objection_row(one) for one in await db.rows(OBJECTION_SQL + " where j.notice = $1 order by j.id", notice_id)
    ]


async def objection_list(*, limit: int, before: int | None = None, only_open: bool = False) -> list[ObjectionRow]:
    """Newest first; one more than `limit` tells that more follow. With `only_open`, what still waits."""
    found = await db.rows(
        OBJECTION_SQL
        + " where ($1::bigint is null or j.id < $1) and (not $2 or j.closed_at is null) order by j.id desc limit $3",
        before,
        only_open,
        limit + 1,
    )
    return [objection_row(record) for record in found]


@dataclass(frozen=True)
class Outcomes:
    """What became of all objections. `share` in percent of those judged, None while none was."""

    total: int
    waiting: int
    late: int
    upheld: int
    refused: int
    other: int

    @property
    def share(self) -> int | None:
        """Upheld in percent of those judged on their merits."""
        judged = self.upheld + self.refused
        return round(100 * self.upheld / judged) if judged else None


async def outcomes() -> Outcomes:
    """Counts over all objections ever lodged."""
    row = await db.row(
        """select count(*) as total, count(*) filter (where closed_at is null) as waiting,
                  count(*) filter (where closed_at is null and due_at <= $1) as late,
                  count(*) filter (where state = any($2)) as upheld, count(*) filter (where state = any($3)) as refused
             from market_objection""",
        clock.now(),
        [state.value for state in FOR_THE_OBJECTOR],
        [state.value for state in AGAINST_THE_OBJECTOR],
    )
    counts = dict(row)
    rest = counts["total"] - counts["waiting"] - counts["upheld"] - counts["refused"]
    return Outcomes(**counts, other=rest)


@dataclass(frozen=True)
class StepRow:
    """One act on an objection, as everybody may see it."""

    act: ObjectionAct
    title: str
    at: datetime
    words: str
    detail: Mapping[str, Any] | None
    account_id: int
    organization_id: int
    organization_zh: str
    organization_en: str


async def steps_of(objection_id: int) -> list[StepRow]:
    """Everything done with an objection, oldest first."""
    found = await db.rows(
        """select s.act, s.at, s.words, s.detail, s.account as account_id, s.organization as organization_id,
                  o.name_zh as organization_zh, o.name_en as organization_en
             from market_objection_step s join core_organization o on o.id = s.organization
            where s.objection = $1 order by s.id""",
        objection_id,
    )
    return [
        StepRow(**dict(one) | {"act": ObjectionAct(one["act"]), "title": ACTS[ObjectionAct(one["act"])]})
        for one in found
    ]


@dataclass(frozen=True)
class EvidenceRow:
    """A file filed as evidence."""

    file_id: int
    name: str
    size: int
    sha256: str


async def evidence_of(row: ObjectionRow, identity: Identity | None) -> list[EvidenceRow]:
    """The evidence, for the parties and the supervisor; nothing for anybody else."""
    if not row.party(identity):
        return []
    found = await db.rows(
        """select f.id as file_id, f.name, f.size, f.sha256 from market_objection_evidence e
             join core_stored_file f on f.id = e.file where e.objection = $1 order by e.id""",
        row.id,
    )
    return [EvidenceRow(**dict(one)) for one in found]


async def evidence_file(objection_id: int, file_id: int, identity: Identity) -> EvidenceRow:
    """One file of the evidence; `NotFound` for everybody but the parties and the supervisor."""
    row = await objection(objection_id)
    for one in await evidence_of(row, identity):
        if one.file_id == file_id:
            return one
    raise NotFound


async def now_box(row: ObjectionRow) -> NowBox | None:
    """Who holds it now, on which working day of how many; None once it is closed."""
    if not row.open or row.due_at is None:
        return None
    english = language() == "en"
    client = row.client_name_en if english and row.client_name_en else row.client_name_zh
    titles = {
        ObjectionState.LODGED: (_("业主答复"), client),
        ObjectionState.REJECTED: (_("异议人可上报"), _("异议人")),
        ObjectionState.ESCALATED: (_("受理上报"), _("监督部门")),
        ObjectionState.ACCEPTED: (_("作出决定"), _("监督部门")),
    }
    title, holder = titles[row.state]
    days = await calendar()
    first = clock.shanghai(row.since_at).date()
    of = max(1, days.count(first, clock.shanghai(row.due_at - datetime.resolution).date()))
    n = max(1, days.count(first, clock.today()))
    return NowBox(title, holder, max(n, of + 1) if row.late else min(n, of), of, row.due_at)


async def boxed_objections(notice_id: int) -> list[tuple[ObjectionRow, NowBox | None]]:
    """The objections of a notice, each with who holds it now."""
    return [(row, await now_box(row)) for row in await objections_of(notice_id)]


async def may_object(row: NoticeRow, identity: Identity | None) -> bool:
    """Whether the page offers the form; the act itself decides for good."""
    if identity is None or not identity.may(Permission.LODGE_OBJECTION) or not identity.may(Permission.SUBMIT_BID):
        return False
    against = objectable(row.clock, clock.now())
    if against is None:
        return False
    if against is Against.NOTICE or row.direct_agency_id is not None:
        return True
    return bool(
        await db.value(
            "select exists (select 1 from market_bid b join agencies_agency a on a.id = b.agency"
            " where b.notice = $1 and a.organization = $2)",
            row.id,
            identity.organization_id,
        )
    )


async def waiting_objections(identity: Identity) -> list[DeskItem]:
    """Objections on somebody's desk: to answer, to escalate, to take up, to decide; or at others."""
    if identity.role is Role.MARKET_SUPERVISOR:
        where, me = (
            "j.state in ('lodged', 'escalated', 'accepted')",
            {ObjectionState.ESCALATED, ObjectionState.ACCEPTED},
        )
    elif identity.role is Role.CLIENT:
        where, me = "n.client = $1", {ObjectionState.LODGED}
    elif identity.role is Role.AGENCY:
        where, me = "a.organization = $1", {ObjectionState.REJECTED}
    else:
        return []
    found = await db.rows(
        OBJECTION_SQL
        + f" where j.closed_at is null and {where} and $1::bigint is not null order by j.due_at limit 200",
        identity.organization_id,
    )
    rows = [objection_row(record) for record in found]
    return [
        _desk_item(row, me, identity)
        for row in rows
        if row.late or identity.role is not Role.MARKET_SUPERVISOR or row.state in me
    ]


def _desk_item(row: ObjectionRow, me: set[ObjectionState], identity: Identity) -> DeskItem:
    notes = {
        ObjectionState.LODGED: (_("有异议，等业主答复"), _("答复")),
        ObjectionState.REJECTED: (_("业主不支持这件异议，可上报"), _("看答复")),
        ObjectionState.ESCALATED: (_("异议已上报，等受理"), _("受理")),
        ObjectionState.ACCEPTED: (_("异议等待决定"), _("作决定")),
    }
    note, button = notes[row.state]
    mine = row.state in me
    if row.late and row.state is ObjectionState.LODGED and identity.role is Role.AGENCY:
        note, button, mine = _("业主逾期没有答复，可以上报"), _("上报"), True
    return DeskItem(
        kind=_("异议"),
        title=f"{row.number}　{row.title}",
        note=note,
        href=url_for("market:objection-detail", objection_id=row.id),
        due_at=row.due_at,
        since=row.since_at,
        allowed_wd=None,
        button=button if mine else _("看异议"),
        mine=mine,
    )


async def open_results(notice_id: int) -> int:
    """How many objections of a notice still wait, of either kind."""
    found: int = await db.value(
        "select count(*) from market_objection where notice = $1 and closed_at is null", notice_id
    )
    return found


async def notice_of(row: ObjectionRow) -> NoticeRow:
    """The notice objected to."""
    return notice_row(await db.row(NOTICE_SQL + " where n.id = $1", row.notice_id))
