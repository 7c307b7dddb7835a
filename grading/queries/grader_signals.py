"""Reads of signals about the graders: for those who watch, whom the callers' guards let in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import db
from core.desk import DeskItem
from core.i18n import _
from core.identity import Identity, Permission, Role
from core.web import url_for
from grading.rules.grader_signals import (
    DECIDE_WD,
    DEFINITIONS,
    SIDES,
    TIE_NAMES,
    WATCHERS,
    Definition,
    SignalAbsent,
    SignalResult,
    SignalState,
    sentence,
)

_SIGNAL = """
select s.*, x.name as assignee, y.name as decider,
       (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'name_zh', a.name_zh, 'name_en', a.name_en)
               order by a.id), '[]') from agencies_agency a where a.id = any(s.agencies)) as agency_names,
       (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'name_zh', o.name_zh, 'name_en', o.name_en)
               order by o.id), '[]') from core_organization o where o.id = any(s.clients)) as client_names,
       (select coalesce(jsonb_agg(jsonb_build_object('number', coalesce(c.number, ''), 'title', c.title) order by c.id),
               '[]') from contracts_contract c where c.id = any(s.contracts)) as contract_rows,
       (select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'number', r.number, 'title', d.title) order by r.id),
               '[]') from contracts_review r join contracts_deliverable d on d.id = r.deliverable
         where r.id = any(s.reviews)) as review_rows
from grading_signal s
left join core_account x on x.id = s.assigned_to
left join core_account y on y.id = s.decided_by
"""
_PLAIN = ("id", "code", "subject", "found", "first_found_at", "last_found_at", "assigned_to", "assignee", "assigned_at")
_MORE = ("due_at", "decider", "decided_at", "reasons", "reviewers")


@dataclass(frozen=True)
class SignalRow:
    """A signal with the records it rests on and how far it is."""

    id: int
    code: str
    subject: str
    params: Mapping[str, Any]
    found: bool
    first_found_at: datetime
    last_found_at: datetime
    state: SignalState
    assigned_to: int | None
    assignee: str | None
    assigned_at: datetime | None
    due_at: datetime | None
    decider: str | None
    decided_at: datetime | None
    result: SignalResult | None
    reasons: str
    reviewers: list[int]
    agencies: list[dict[str, Any]]
    clients: list[dict[str, Any]]
    contracts: list[dict[str, Any]]
    reviews: list[dict[str, Any]]

    @property
    def definition(self) -> Definition | None:
        """What it is; None when the definition was retired."""
        return DEFINITIONS.get(self.code)

    @property
    def title(self) -> str:
        """Its name, in the reader's language."""
        return _(self.definition.title) if self.definition else self.code

    @property
    def text(self) -> str:
        """What it says, in the reader's language."""
        said = dict(self.params)
        if "side" in said:
            side = SIDES[said["side"]]
            said["side"] = _(side)
        if "ties" in said:
            said["ties"] = _("、").join(_(TIE_NAMES[kind]) for kind in said["ties"])
        return sentence(self.code, said).render()


def _signal(row: Any) -> SignalRow:
    return SignalRow(
        **{name: row[name] for name in (*_PLAIN, *_MORE)},
        params=row["params"],
        state=SignalState(row["state"]),
        result=SignalResult(row["result"]) if row["result"] else None,
        agencies=row["agency_names"],
        clients=row["client_names"],
        contracts=row["contract_rows"],
        reviews=row["review_rows"],
    )


@dataclass(frozen=True)
class SignalFilter:
    """What a watcher wants to see; empty means everything. `assigned_to` 0 means anybody."""

    state: str = "new"
    code: str = ""
    found: bool = True
    assigned_to: int = 0


async def grader_signals(chosen: SignalFilter, *, limit: int = 30, before: int | None = None) -> list[SignalRow]:
    """Signals, newest first; one more than `limit` tells that more follow."""
    rows = await db.rows(
        _SIGNAL + " where ($1::text = '' or s.state = $1) and ($2::text = '' or s.code = $2)"
        " and (s.found or not $3 or s.state <> 'new') and ($4::bigint = 0 or s.assigned_to = $4)"
        " and ($5::bigint is null or s.id < $5) order by s.id desc limit $6",
        chosen.state if chosen.state in set(SignalState) else "",
        chosen.code,
        chosen.found,
        chosen.assigned_to,
        before,
        limit + 1,
    )
    return [_signal(row) for row in rows]


async def grader_signal(signal_id: int) -> SignalRow:
    """One signal; `SignalAbsent`."""
    row = await db.row(_SIGNAL + " where s.id = $1", signal_id)
    if row is None:
        raise SignalAbsent
    return _signal(row)


async def signal_counts() -> dict[tuple[str, str], int]:
    """How many signals by (code, state); new ones that are no longer found do not count."""
    rows = await db.rows(
        "select code, state, count(*) as number from grading_signal where found or state <> 'new' group by 1, 2"
    )
    return {(row["code"], row["state"]): row["number"] for row in rows}


async def watchers() -> list[tuple[int, str]]:
    """Accounts that a signal may be assigned to, with name and organisation."""
    rows = await db.rows(
        "select distinct a.id, a.name, o.name_zh from core_membership m join core_account a on a.id = m.account"
        " join core_organization o on o.id = m.organization where m.role = any($1) and m.ended_at is null order by a.id",
        WATCHERS,
    )
    return [(row["id"], f"{row['name']}　{row['name_zh']}") for row in rows]


async def waiting_signals(identity: Identity) -> list[DeskItem]:
    """What of these waits on a watcher's desk: its own ones by their time, unassigned ones as one line."""
    if not identity.may(Permission.WATCH_GRADING) or identity.role is Role.SYSTEM:
        return []
    mine = await grader_signals(SignalFilter("assigned", assigned_to=identity.account_id), limit=20)
    items = [
        DeskItem(
            _("评级线索"),
            one.title,
            one.text,
            url_for("grading:signal", signal_id=one.id),
            one.due_at,
            one.assigned_at or one.first_found_at,
            DECIDE_WD,
            _("决定"),
        )
        for one in mine
    ]
    row = await db.row(
        "select count(*) as number, min(first_found_at) as since from grading_signal where state = 'new' and found"
    )
    if row["number"]:
        note = _("%(n)s 条待分派") % {"n": row["number"]}
        items.append(
            DeskItem(
                _("评级线索"), _("评级线索"), note, url_for("grading:signals"), None, row["since"], None, _("分派")
            )
        )
    return items
