"""Proposed rules and what they would do: all of it for the laboratory, announced ones for everybody.

An agency sees its own grade under announced rules, nobody else's; the laboratory sees all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from agencies.rules import CreditGrade, Profession
from core import db
from core.identity import Identity, Permission
from grading.rules.laboratory import knobs_of, values_of
from grading.rules.proposals import Change, ProposalAbsent, ProposalState, ReplayKind, ReplayState, changes_between

ANNOUNCED = (ProposalState.APPROVED.value, ProposalState.IN_FORCE.value)
_PROPOSAL = """
select p.*, s.code as base_code, s.source as base_source, v.code as scheme_code,
  c.name as created_name, e.name as edited_name, u.name as submitted_name, d.name as decided_name
from grading_proposal p
join grading_scheme s on s.id = p.base
join core_account c on c.id = p.created_by
join core_account e on e.id = p.edited_by
left join grading_scheme v on v.id = p.published
left join core_account u on u.id = p.submitted_by
left join core_account d on d.id = p.decided_by
"""
_PLAIN = (
    *("number", "purpose", "source", "digest", "version", "base_code", "base_source", "created_by", "created_at"),
    *("edited_by", "edited_at", "submitted_by", "submitted_at", "decided_by", "decided_at", "reasons"),
    *("created_name", "edited_name", "submitted_name", "decided_name"),
    *("notice_until", "shadow_until", "in_force_from", "scheme_code"),
)


@dataclass(frozen=True)
class ReplayView:
    """A replay with its progress, and its result when done."""

    replay_id: int
    kind: ReplayKind
    version: int
    state: ReplayState
    done: int
    total: int
    since: date
    asked_at: datetime
    finished_at: datetime | None
    problem: str
    result: Mapping[str, Any] | None
    inputs_digest: str

    @property
    def busy(self) -> bool:
        """Whether its page should look again."""
        return self.state in (ReplayState.QUEUED, ReplayState.RUNNING)


@dataclass(frozen=True)
class ProposalView:
    """A proposal with its changes in words; `replay` is the newest try-out, `shadow` the newest shadow.

    `scheme_code` is the version it has become (`XT-2026.2`), from approval on.
    """

    proposal_id: int
    state: ProposalState
    number: str
    purpose: str
    source: str
    digest: str
    version: int
    base_id: int
    base_code: str
    base_source: str
    changes: tuple[Change, ...]
    created_by: int
    created_name: str
    created_at: datetime
    edited_by: int
    edited_name: str
    edited_at: datetime
    submitted_by: int | None
    submitted_name: str | None
    submitted_at: datetime | None
    decided_by: int | None
    decided_name: str | None
    decided_at: datetime | None
    reasons: str
    notice_until: date | None
    shadow_until: date | None
    in_force_from: date | None
    scheme_code: str | None
    replay: ReplayView | None = None
    shadow: ReplayView | None = None

    @property
    def announced(self) -> bool:
        """Whether everybody may read it."""
        return self.state.value in ANNOUNCED

    @property
    def tried(self) -> bool:
        """Whether the text as it stands has been replayed to the end."""
        return bool(self.replay and self.replay.version == self.version and self.replay.state is ReplayState.DONE)

    def may_decide(self, account_id: int) -> bool:
        """Whether this person is a second pair of eyes."""
        waiting = self.state is ProposalState.SUBMITTED
        return waiting and account_id not in (self.created_by, self.edited_by, self.submitted_by)


@dataclass(frozen=True)
class MoverRow:
    """One agency in one profession: as published and under the variant."""

    row_id: int
    agency_id: int
    name_zh: str
    name_en: str
    profession: Profession
    report_id: int
    old: CreditGrade
    new: CreditGrade
    old_score: Decimal
    new_score: Decimal


@dataclass(frozen=True)
class ShadowGrade:
    """An agency's own grade as published and under announced rules."""

    number: str
    in_force_from: date
    profession: Profession
    agency_id: int
    as_of: date
    old: CreditGrade
    new: CreditGrade
    old_score: Decimal
    new_score: Decimal


def _view(row: Any, replay: ReplayView | None = None, shadow: ReplayView | None = None) -> ProposalView:
    changes = {name: Decimal(value) for name, value in row["changes"].items()}
    return ProposalView(
        proposal_id=row["id"],
        state=ProposalState(row["state"]),
        base_id=row["base"],
        changes=changes_between(row["base_source"], changes),
        replay=replay,
        shadow=shadow,
        **{name: row[name] for name in _PLAIN},
    )


async def newest_scheme() -> tuple[int, str, str]:
    """The scheme new drafts start from, in force or announced: id, code, text."""
    row = await db.row("select id, code, source from grading_scheme order by in_force_from desc, id desc limit 1")
    return row["id"], row["code"], row["source"]


async def proposals(*, before: int | None = None, limit: int = 24) -> list[ProposalView]:
    """All proposals, the newest first, without their replays."""
    found = await db.rows(
        _PROPOSAL + "where $1::bigint is null or p.id < $1 order by p.id desc limit $2", before, limit
    )
    return [_view(row) for row in found]


async def submitted_proposals() -> list[ProposalView]:
    """What waits for a decision, oldest first."""
    found = await db.rows(_PROPOSAL + "where p.state = 'submitted' order by p.submitted_at")
    return [_view(row) for row in found]


async def proposal(proposal_id: int) -> ProposalView:
    """One proposal for the laboratory; `ProposalAbsent`."""
    row = await db.row(_PROPOSAL + "where p.id = $1", proposal_id)
    if row is None:
        raise ProposalAbsent
    return await _with_replays(row)


async def announced_change(number: str) -> ProposalView:
    """One announced or applied change for everybody, by its number or its version; `ProposalAbsent` before approval."""
    row = await db.row(
        _PROPOSAL + "where (p.number = $1 or v.code = $1) and p.state = any($2)", number, list(ANNOUNCED)
    )
    if row is None:
        raise ProposalAbsent
    return await _with_replays(row)


async def announced_changes() -> list[ProposalView]:
    """Approved changes, announced or applied, the newest first."""
    found = await db.rows(_PROPOSAL + "where p.state = any($1) order by p.id desc", list(ANNOUNCED))
    return [_view(row) for row in found]


async def _with_replays(row: Any) -> ProposalView:
    found = await db.rows(
        "select distinct on (kind) * from grading_replay where proposal = $1 order by kind, id desc", row["id"]
    )
    by_kind = {one["kind"]: _replay(one) for one in found}
    return _view(row, by_kind.get(ReplayKind.TRY.value), by_kind.get(ReplayKind.SHADOW.value))


def _replay(row: Any) -> ReplayView:
    plain = ("version", "done", "total", "since", "asked_at", "finished_at", "problem", "inputs_digest")
    return ReplayView(
        result=_dated(row["result"]),
        replay_id=row["id"],
        kind=ReplayKind(row["kind"]),
        state=ReplayState(row["state"]),
        **{name: row[name] for name in plain},
    )


def _dated(result: dict[str, Any] | None) -> dict[str, Any] | None:
    """The stored figures with their day as a date."""
    if not result or not result["pairs"]:
        return result
    pairs = result["pairs"]
    return result | {"pairs": pairs | {"after": date.fromisoformat(pairs["after"])}}


async def movers(replay_id: int, *, after: int = 0, limit: int = 50, moved: bool = True) -> list[MoverRow]:
    """Who would have another grade (or all with `moved=False`), in stable order; `after` is the last row seen."""
    found = await db.rows(
        "select g.id as row_id, g.agency as agency_id, a.name_zh, a.name_en, g.profession, g.report as report_id,"
        " g.old, g.new, g.old_score, g.new_score from grading_replay_grade g"
        " join agencies_agency a on a.id = g.agency where g.replay = $1 and g.id > $2 and (not $3 or g.old <> g.new)"
        " order by g.id limit $4",
        *(replay_id, after, moved, limit),
    )
    plain = ("row_id", "agency_id", "name_zh", "name_en", "report_id", "old_score", "new_score")
    return [
        MoverRow(
            **{name: row[name] for name in plain},
            profession=Profession(row["profession"]),
            old=CreditGrade(row["old"]),
            new=CreditGrade(row["new"]),
        )
        for row in found
    ]


_SHADOW = """
select p.number, p.in_force_from, g.profession, g.agency as agency_id, r.as_of, g.old, g.new, g.old_score, g.new_score
from grading_proposal p
join lateral (select id from grading_replay x where x.proposal = p.id and x.kind = 'shadow' and x.state = 'done'
              order by x.id desc limit 1) x on true
join grading_replay_grade g on g.replay = x.id
join grading_report r on r.id = g.report
join agencies_agency a on a.id = g.agency
where p.state = 'approved' and ($1::bigint is null or a.organization = $1)
  and ($2::bigint is null or g.agency = $2) and ($3::text is null or g.profession = $3)
order by p.in_force_from, g.profession limit 50
"""


async def shadow_grades(
    reader: Identity | None, *, agency_id: int | None = None, profession: Profession | None = None
) -> list[ShadowGrade]:
    """The grades under announced rules that this reader may see: an agency's own, or of one agency for the laboratory."""
    if reader is None:
        return []
    officer = reader.may(Permission.READ_LABORATORY)
    if not (reader.may(Permission.COMMENT_GRADE) or (officer and agency_id)):
        return []
    found = await db.rows(
        _SHADOW,
        None if officer else reader.organization_id,
        agency_id,
        profession.value if profession else None,
    )
    plain = ("number", "in_force_from", "agency_id", "as_of", "old_score", "new_score")
    return [
        ShadowGrade(
            **{name: row[name] for name in plain},
            profession=Profession(row["profession"]),
            old=CreditGrade(row["old"]),
            new=CreditGrade(row["new"]),
        )
        for row in found
    ]


@dataclass(frozen=True)
class KnobField:
    """One number of the form: its knob, its value in the base scheme, and the one proposed."""

    name: str
    title: str
    title_en: str
    unit: str
    low: Decimal
    high: Decimal
    present: Decimal
    proposed: Decimal


def knob_fields(source: str, changes: Mapping[str, Decimal]) -> list[KnobField]:
    """The fields of the form, in its order."""
    present = values_of(source)
    return [
        KnobField(
            knob.name,
            knob.title,
            knob.title_en,
            knob.unit,
            knob.low,
            knob.high,
            present[knob.name],
            changes.get(knob.name, present[knob.name]),
        )
        for knob in knobs_of(source)
    ]
