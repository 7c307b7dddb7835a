"""Selection: the notice's method over the frozen entrants, in a transaction of its own.

Idempotent: woken too early, too late or twice, it does what is due or nothing. A credit-preferred notice stops
at its short list until the owner picks, a proposal-preferred one until its panel has signed.
"""

from collections.abc import Sequence
from dataclasses import replace

from core import clock, db, mail, trail
from core.db import transaction
from core.identity import SYSTEM, Identity
from core.workdays import calendar
from market.queries.notices import NoticeRow
from market.rules.notices import NoticeAct, SelectionMethod, is_due
from market.rules.panel import Assessment
from market.rules.reasons import Reason
from market.rules.selection import Awaits, Ranked, Selection, SelectionFacts, select
from market.services.asking_prices import hold
from market.services.awards import Chosen, announce
from market.services.cases import fail, letter, lock_notice, move, sentences, tell_others, told_bidders
from market.services.drawing import draw_inputs, entrants_of, frozen_lots, method_facts
from market.services.letters import tell_scores_due, tell_short_list


async def select_winner(notice_id: int) -> bool:
    """Apply the notice's method to the frozen entrants. False when there is nothing to select."""
    async with transaction():
        notice = await lock_notice(notice_id)
        if not is_due(notice.clock, NoticeAct.SELECT, clock.now()):
            return False
        await conclude(notice, select(await selection_facts(notice)))
    return True


async def selection_facts(notice: NoticeRow, assessment: Assessment | None = None) -> SelectionFacts:
    """All that the method may look at. The secret of the draw is read only when the method will draw now."""
    entrants = await entrants_of(notice.id)
    assesses = notice.method is SelectionMethod.PROPOSAL_PREFERRED and assessment is None
    draw = None if notice.method is SelectionMethod.DIRECT or assesses else await draw_inputs(notice)
    found = method_facts(notice, entrants, draw)
    return replace(found, lots=await frozen_lots(notice.id), assessment=assessment)


async def conclude(
    notice: NoticeRow, selection: Selection, *, act: NoticeAct = NoticeAct.SELECT, actor: Identity = SYSTEM
) -> None:
    """Carry out what the method said: announce, fail, or wait for the owner or the panel."""
    if selection.awaits is Awaits.ASSESSMENT:
        await _begin_assessment(notice)
        return
    await keep_places(selection.ranking, selection.others)
    await _keep_draw(notice, selection)
    if selection.awaits is Awaits.PICK:
        await _announce_short_list(notice, selection)
        return
    winner = selection.winner
    if winner is None:
        await fail(notice, selection.failure or Reason("nobody-left"))
        await _tell_failed(notice)
        return
    if await hold(notice, selection):
        return
    await announce(notice, Chosen.of(winner), act=act, actor=actor)
    await tell_others(notice, winner.entrant.agency_id)


async def _begin_assessment(notice: NoticeRow) -> None:
    until = (await calendar()).due_at(clock.now(), notice.law.proposal.assess_wd)
    await move(notice, NoticeAct.ASSESS, decide_by=until)
    await trail.record(SYSTEM, "assessment.begun", notice.subject, after={"decide_by": until}, threads=notice.threads)
    await tell_scores_due(notice, until)


async def _announce_short_list(notice: NoticeRow, selection: Selection) -> None:
    """The owner's moment is announced together with the list."""
    until = (await calendar()).due_at(clock.now(), notice.law.credit.pick_wd)
    await db.execute(
        "update market_bid set shortlisted = true where id = any($1)",
        [ranked.entrant.bid_id for ranked in selection.ranking],
    )
    await move(notice, NoticeAct.SHORTLIST, decide_by=until)
    public = {
        "short_list": [ranked.entrant.uscc for ranked in selection.ranking],
        "decide_by": until,
    }
    await trail.record(SYSTEM, "shortlist.drawn", notice.subject, after=public, threads=notice.threads)
    await tell_short_list(notice, count=len(selection.ranking), until=until)


async def keep_places(ranking: Sequence[Ranked], others: Sequence[Ranked] = ()) -> None:
    """Store everybody's place, points and reason; no place for who is out of the running."""
    await db.execute_many(
        "update market_bid set place = $2, reasons = $3, points = $4 where id = $1",
        [(one.entrant.bid_id, one.place or None, [one.reason.as_json()], one.points) for one in (*ranking, *others)],
    )


async def _keep_draw(notice: NoticeRow, selection: Selection) -> None:
    await db.execute(
        "update market_opening set draw = $2, draw_decided = $3 where notice = $1",
        notice.id,
        selection.draw.as_json() if selection.draw else None,
        selection.draw_decided,
    )


async def _tell_failed(notice: NoticeRow) -> None:
    for bid in await told_bidders(notice.id):
        await mail.send(
            to_organization=bid["organization"],
            message="market/selection_failed",
            context=letter(notice) | {"reasons": sentences(bid["reasons"])},
        )
