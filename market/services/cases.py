"""What every act on a notice starts and ends with: lock it, move it on."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import clock, db, jobs, mail, trail
from core.errors import NotAllowedNow, StaleForm
from core.identity import SYSTEM, Identity
from core.states import advance
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.rules.notices import (
    REPOSTABLE,
    TRANSITIONS,
    NoticeAct,
    NoticeClock,
    NoticeGone,
    due_events,
)
from market.rules.reasons import Reason, from_json
from market.services.objection_steps import moot_objections
from market.tables import Notice

JOBS = {
    NoticeAct.OPEN: "market.open_bids",
    NoticeAct.FAIL: "market.lapse_offer",
    NoticeAct.SELECT: "market.select_winner",
    NoticeAct.CONFIRM: "market.confirm_award",
    NoticeAct.PICK: "market.pick_overdue",
    NoticeAct.LAPSE: "market.lapse_price",
}


async def lock_notice(notice_id: int) -> NoticeRow:
    """The notice, held against every other act until the transaction ends; `NoticeGone`."""
    return await _locked(" where n.id = $1 for update of n", notice_id)


async def share_notice(notice_id: int) -> NoticeRow:
    """The published notice, held open against opening and withdrawal while many bid at once."""
    return await _locked(" where n.id = $1 and n.state <> 'draft' for share of n", notice_id)


async def lock_own_notice(notice_id: int, actor: Identity) -> NoticeRow:
    """The same, of the actor's own organisation; anybody else's is `NoticeGone`."""
    return await _locked(" where n.id = $1 and n.client = $2 for update of n", notice_id, actor.organization_id)


async def _locked(where: str, *args: Any) -> NoticeRow:
    record = await db.row(NOTICE_SQL + where, *args)
    if record is None:
        raise NoticeGone
    return notice_row(record)


def same_version(notice: NoticeRow, version: int) -> None:
    """Raise `StaleForm` when the reader saw an older version."""
    if notice.version != version:
        raise StaleForm


def not_held(notice: NoticeRow) -> None:
    """Raise `NotAllowedNow` while an abnormally low price of this notice waits for its justification."""
    if notice.clock.held:
        raise NotAllowedNow(state=notice.phase.value, act="choose")


async def move(notice: NoticeRow, act: NoticeAct, **columns: Any) -> NoticeClock:
    """Take a notice one step on: the only place where its stored state changes.

    `columns` are the dated facts of the step. Enqueues the next act the clock will owe.
    Raises `NotAllowedNow` when the life-cycle has no such step.
    """
    state = advance(TRANSITIONS, notice.state, act)
    columns |= {"state": state.value, "version": notice.version + 1}
    await Notice.update(**columns).where(Notice.id == notice.id)
    after = NoticeClock(
        state,
        notice.method,
        columns.get("deadline", notice.deadline),
        columns.get("display_until", notice.display_until),
        columns.get("paused_at", notice.paused_at),
        columns.get("decide_by", notice.decide_by),
        notice.clock.awaits_outside,
        columns.get("held_until", notice.held_until),
    )
    await _remind(notice.id, after)
    if state in REPOSTABLE:
        await moot_objections(notice.id)
    if act in {NoticeAct.OPEN, NoticeAct.SELECT}:
        await jobs.defer("market.notice_signals", {"notice_id": notice.id})
    return after


async def _remind(notice_id: int, notice: NoticeClock) -> None:
    for moment, act in due_events(notice, clock.now()):
        await jobs.defer(JOBS[act], {"notice_id": notice_id}, at=moment)


async def fail(notice: NoticeRow, reason: Reason) -> None:
    """End a notice without an award, with the reason on the trail; its client is told."""
    await move(notice, NoticeAct.FAIL, ended_at=clock.now(), end_reason=reason.as_json())
    await trail.record(
        SYSTEM,
        "notice.failed",
        notice.subject,
        before={"state": notice.state.value},
        after=reason.as_json(),
        threads=notice.threads,
    )
    await mail.send(
        to_organization=notice.client_id,
        message="market/selection_failed",
        context=letter(notice) | {"reasons": [reason.as_letter()]},
    )


async def tell_others(notice: NoticeRow, winner_id: int) -> None:
    """Losers and set-aside bidders learn why, in the same words as the result page."""
    for bid in await told_bidders(notice.id):
        if bid["agency"] != winner_id:
            await tell_why(notice, bid["organization"], bid["reasons"])


async def tell_why(notice: NoticeRow, organization_id: int, reasons: Sequence[Mapping[str, Any]]) -> None:
    """Why one bidder was not chosen; `reasons` as stored with its bid."""
    told = letter(notice) | {"reasons": sentences(reasons)}
    await mail.send(to_organization=organization_id, message="market/not_selected", context=told)


async def told_bidders(notice_id: int) -> Sequence[Any]:
    """Whoever bid, known since the opening, with the reasons of its bid."""
    return await db.rows(
        """select b.agency, a.organization, b.reasons from market_bid b
             join agencies_agency a on a.id = b.agency where b.notice = $1 order by b.id""",
        notice_id,
    )


def sentences(stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stored reasons as a letter takes them."""
    return [from_json(each).as_letter() for each in stored]


def letter(notice: NoticeRow) -> dict[str, Any]:
    """What every letter about a notice begins with."""
    return {
        "notice_id": notice.id,
        "number": notice.number or "",
        "project": notice.project_title,
        "item_zh": notice.item_name_zh,
        "item_en": notice.item_name_en,
    }
