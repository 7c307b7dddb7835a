"""What every act on an objection is made of: lock, move, record, tell. Also how open ones end with their notice."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from core import clock, db, jobs, mail, trail
from core.errors import Message
from core.identity import SYSTEM, Identity, Role
from core.keys import secret
from core.states import advance
from core.workdays import calendar
from market import content
from market.queries.objections import OBJECTION_SQL, ObjectionRow, objection_row
from market.rules.editions import Edition
from market.rules.objections import (
    ACTS,
    OPEN,
    RECORDED_AS,
    STATES,
    TRANSITIONS,
    Against,
    AlreadyDecided,
    ObjectionAct,
    ObjectionGone,
    after,
    due_events,
)


async def lock_objection(objection_id: int) -> ObjectionRow:
    """The objection, held until the transaction ends. Lock its notice first: every act takes that order."""
    record = await db.row(OBJECTION_SQL + " where j.id = $1 for update of j", objection_id)
    if record is None:
        raise ObjectionGone
    return objection_row(record)


async def notice_id_of(objection_id: int) -> int:
    """The notice that must be locked before the objection; `ObjectionGone`."""
    found: int | None = await db.value("select notice from market_objection where id = $1", objection_id)
    if found is None:
        raise ObjectionGone
    return found


async def step(
    actor: Identity,
    row: ObjectionRow,
    act: ObjectionAct,
    *,
    words: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Take an objection one step on: state, clock, the step with its reasons, the trail, the job.

    Raises `AlreadyDecided` when it is closed, `NotAllowedNow` when its life has no such step.
    """
    if not row.open:
        raise AlreadyDecided(state=_state_name(row))
    state = advance(TRANSITIONS, row.state, act)
    now = clock.now()
    law = await _law(row.notice_id)
    due = after(state, now, law.objection, await calendar())
    closed = None if state in OPEN else now
    await db.execute(
        "update market_objection set state = $2, since_at = $3, due_at = $4, moves_at = $5, closed_at = $6"
        " where id = $1",
        row.id,
        state.value,
        now,
        due.due_at,
        due.moves_at,
        closed,
    )
    await keep_step(actor, row.id, act, words=words, detail=detail)
    facts = {"number": row.number, "words": words, "detail": detail}
    await record_act(actor, row, act, {name: value for name, value in facts.items() if value})
    for moment, _due in due_events(due):
        await jobs.defer("market.objection_due", {"objection_id": row.id}, at=moment)


def _state_name(row: ObjectionRow) -> Message:
    return Message(STATES[row.state])


async def _law(notice_id: int) -> Edition:
    return content.edition(await db.value("select edition from market_notice where id = $1", notice_id))


async def keep_step(
    actor: Identity, objection_id: int, act: ObjectionAct, *, words: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Write the act with its reasons; never changed afterwards."""
    await db.execute(
        """insert into market_objection_step (objection, act, account, organization, words, detail, at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        objection_id,
        act.value,
        actor.account_id,
        actor.organization_id,
        words,
        dict(detail) if detail else None,
        clock.now(),
    )


async def record_act(actor: Identity, row: ObjectionRow, act: ObjectionAct, facts: Mapping[str, Any]) -> None:
    """The trail entry. Whoever objects to a notice stays behind a veil: it would name a likely bidder."""
    veiled = row.against is Against.NOTICE and actor.organization_id == row.objector_id
    threads = [f"notice:{row.notice_id}", f"project:{row.project_id}"]
    if row.against is Against.RESULT:
        threads.append(f"agency:{row.agency_id}")
    await trail.record(
        actor,
        RECORDED_AS[act],
        row.subject,
        after=facts,
        threads=threads,
        veil=_veil(row.id, act) if veiled else None,
    )


def _veil(objection_id: int, act: ObjectionAct) -> trail.Veil:
    salt = hmac.new(secret("seal"), f"veil|objection|{objection_id}|{act}".encode(), hashlib.sha256).digest()
    return trail.Veil(salt[:16])


async def tell(row: ObjectionRow, act: ObjectionAct, *, words: str = "", also: Iterable[int] = ()) -> None:
    """Inform both parties (and `also`: organisations concerned) of what happened, with the reasons."""
    context = {
        "objection_id": row.id,
        "number": row.number,
        "notice": row.notice_no,
        "project": row.project_title,
        "what": ACTS[act],
        "words": words,
    }
    for organization_id in sorted({row.objector_id, row.client_id, *also}):
        await mail.send(to_organization=organization_id, message="market/objection_moved", context=context)
    if act in {ObjectionAct.ESCALATE, ObjectionAct.REFER}:
        for one in await db.rows(
            "select distinct account from core_membership where role = $1 and ended_at is null",
            Role.MARKET_SUPERVISOR.value,
        ):
            await mail.send(to_account=one["account"], message="market/objection_moved", context=context)


async def moot_objections(notice_id: int, *, against: Against | None = None, besides: int = 0) -> int:
    """End every open objection of a notice that has ended (or of a result that was replaced); how many."""
    found = await db.rows(
        OBJECTION_SQL
        + """ where j.notice = $1 and j.closed_at is null and j.id <> $2
                and ($3::text is null or j.against = $3) order by j.id for update of j""",
        notice_id,
        besides,
        against.value if against else None,
    )
    for record in found:
        row = objection_row(record)
        await step(SYSTEM, row, ObjectionAct.MOOT)
        await tell(row, ObjectionAct.MOOT)
    return len(found)
