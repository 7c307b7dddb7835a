"""From selection to award: announce, confirm after the notice period, replace who dropped out."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agencies import queries as agencies
from agencies.rules import Profession
from core import clock, db, mail, trail
from core.db import transaction
from core.handover import Handover
from core.identity import SYSTEM, Identity, Permission
from core.workdays import calendar
from market.queries.awards import AwardRow, award_of, open_jobs
from market.queries.notices import NoticeRow
from market.queries.objections import open_results
from market.queries.recusal import client_ties
from market.rules.bonds import Release
from market.rules.eligibility import eligibility
from market.rules.methods import NoAwardToDecline
from market.rules.notices import NoticeAct, NoticeState, is_due
from market.rules.reasons import Reason
from market.rules.selection import Ranked
from market.services.asking_prices import hold_bid
from market.services.bonds import ask_bid_bond, ask_performance_bond, release_bonds
from market.services.cases import fail, letter, lock_notice, move

AWARDED: Handover[[int]] = Handover("market.awarded")
"""Called with the award's id when it is confirmed, in the same transaction."""


@dataclass(frozen=True)
class Chosen:
    """Whom an award goes to, and why."""

    agency_id: int
    bid_id: int | None
    amount: Decimal
    days: int
    place: int
    reason: Reason
    grade: str
    score: Decimal | None
    grade_record: int | None = None

    @classmethod
    def of(cls, ranked: Ranked) -> "Chosen":
        """From a place in the ranking."""
        one = ranked.entrant
        return cls(
            one.agency_id,
            one.bid_id,
            one.amount,
            one.days,
            ranked.place,
            ranked.reason,
            one.grade,
            one.score,
        )


async def announce(
    notice: NoticeRow,
    chosen: Chosen,
    *,
    act: NoticeAct = NoticeAct.SELECT,
    actor: Identity = SYSTEM,
) -> int:
    """Put the result on display for the notice period; the award's id. Inside the caller's act."""
    now = clock.now()
    until = (await calendar()).due_at(now, notice.law.display_wd)
    award_id: int = await db.value(
        """insert into market_award (notice, bid, agency, state, amount, days, place, reason,
               grade_at_selection, score_at_selection, announced_at, display_until, grade_record)
           values ($1, $2, $3, 'announced', $4, $5, $6, $7, $8, $9, $10, $11,
               coalesce($12::bigint, (select grade_record from market_bid where id = $2)))
           on conflict (notice, agency) do update set bid = excluded.bid, state = 'announced', ended_at = null,
               place = excluded.place, reason = excluded.reason, announced_at = excluded.announced_at,
               display_until = excluded.display_until, grade_at_selection = excluded.grade_at_selection,
               score_at_selection = excluded.score_at_selection, grade_record = excluded.grade_record returning id""",
        notice.id,
        chosen.bid_id,
        chosen.agency_id,
        chosen.amount,
        chosen.days,
        chosen.place,
        chosen.reason.as_json(),
        chosen.grade,
        chosen.score,
        now,
        until,
        chosen.grade_record,
    )
    await move(notice, act, selected_at=now, display_until=until, paused_at=None)
    public = {
        "award": award_id,
        "agency": chosen.agency_id,
        "amount": chosen.amount,
        "days": chosen.days,
        "place": chosen.place,
        "reason": chosen.reason.as_json(),
        "grade": chosen.grade,
        "score": chosen.score,
        "display_until": until,
    }
    threads = (*notice.threads, f"agency:{chosen.agency_id}")
    await trail.record(actor, "award.announced", notice.subject, after=public, threads=threads)
    await _tell_winner(notice, chosen)
    await ask_bid_bond(notice, award_id)
    return award_id


async def _tell_winner(notice: NoticeRow, chosen: Chosen) -> None:
    agency = await agencies.agency_row(chosen.agency_id)
    told = letter(notice) | {
        "agency_zh": agency.name_zh,
        "agency_en": agency.name_en,
        "amount": str(chosen.amount),
        "days": chosen.days,
        "reasons": [chosen.reason.as_letter()],
    }
    await mail.send(to_organization=agency.organization_id, message="market/award_won", context=told)
    await mail.send(to_organization=notice.client_id, message="market/result_announced", context=told)


async def confirm_award(notice_id: int) -> bool:
    """Confirm the award when its notice period is over. False when it is not (yet) due.

    The winner must still be eligible on that day; if not, the next in the fixed order takes its
    place and a new notice period begins; with nobody left the selection fails.
    """
    async with transaction():
        notice = await lock_notice(notice_id)
        if not is_due(notice.clock, NoticeAct.CONFIRM, clock.now()):
            return False
        award = await award_of(notice_id)
        if award is None or await hold_for_objections(notice):
            return False
        faults = await agency_faults(notice, award.agency_id, own=1, award_id=award.award_id)
        if faults:
            await _replace(notice, award, faults)
        else:
            await _confirm(notice, award)
    return True


async def hold_for_objections(notice: NoticeRow) -> bool:
    """Nothing is confirmed while an objection (also one to the notice) is open: the confirmation waits."""
    if not await open_results(notice.id):
        return False
    now = clock.now()
    await move(notice, NoticeAct.PAUSE, paused_at=now)
    await trail.record(SYSTEM, "notice.paused", notice.subject, after={"paused_at": now}, threads=notice.threads)
    return True


async def _confirm(notice: NoticeRow, award: AwardRow) -> None:
    now = clock.now()
    await db.execute(
        "update market_award set state = 'confirmed', confirmed_at = $2 where id = $1",
        award.award_id,
        now,
    )
    await move(notice, NoticeAct.CONFIRM, awarded_at=now)
    await trail.record(
        SYSTEM,
        "award.confirmed",
        notice.subject,
        after={"award": award.award_id, "agency": award.agency_id},
        threads=(*notice.threads, f"agency:{award.agency_id}"),
    )
    await ask_performance_bond(notice, award.award_id)
    await AWARDED(award.award_id)


async def agency_faults(
    notice: NoticeRow, agency_id: int, *, own: int = 0, award_id: int | None = None
) -> tuple[Reason, ...]:
    """Why an agency may not take part today; `own` of its open jobs are this very award (`award_id`)."""
    today = clock.today()
    standing = await agencies.standing(agency_id, Profession(notice.profession), today)
    count = (await open_jobs([agency_id])).get(agency_id, 0) - own
    ties = (await client_ties(notice, [standing], today, award_id=award_id))[agency_id]
    return eligibility(standing, notice.call, on=today, open_jobs=count, edition=notice.law, ties=ties)


async def decline_award(actor: Identity, *, notice_id: int, words: str) -> int:
    """The winner itself gives up before its award is confirmed, with its reason on the trail.

    The next in the fixed order takes its place and a new notice period begins; with nobody left the selection
    fails. Returns the notice's id. Raises `NoAwardToDecline` for any other agency.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await lock_notice(notice_id)
        award = await award_of(notice_id)
        theirs = award is not None and award.agency_organization_id == actor.organization_id
        if award is None or not theirs or notice.state is not NoticeState.SELECTED:
            raise NoAwardToDecline
        await _succeed(actor, notice, award, "award.declined", {"words": words}, state="declined")
    return notice_id


async def _replace(notice: NoticeRow, award: AwardRow, faults: tuple[Reason, ...]) -> None:
    facts = {"reasons": [fault.as_json() for fault in faults]}
    await _succeed(SYSTEM, notice, award, "award.replaced", facts, state="replaced")


async def _succeed(
    actor: Identity, notice: NoticeRow, award: AwardRow, named: str, facts: dict[str, Any], *, state: str
) -> None:
    """End an award and hand it to the next in line, whose price may have to be justified first."""
    await db.execute(
        "update market_award set state = $3, ended_at = $2 where id = $1", award.award_id, clock.now(), state
    )
    await trail.record(
        actor,
        named,
        notice.subject,
        before={"award": award.award_id, "agency": award.agency_id},
        after=facts,
        threads=(*notice.threads, f"agency:{award.agency_id}"),
    )
    await release_bonds(award.award_id, Release.REPLACED)
    successor = await _next_in_line(notice, award.place)
    if successor is None or successor.bid_id is None:
        await fail(notice, Reason("nobody-left"))
    elif not await hold_bid(notice, bid_id=successor.bid_id, reason=successor.reason):
        await announce(notice, successor, act=NoticeAct.SUBSTITUTE)


async def _next_in_line(notice: NoticeRow, after_place: int) -> Chosen | None:
    found = await db.rows(
        """select id, agency, amount, days, place, grade, score from market_bid
            where notice = $1 and state = 'entered' and place > $2 order by place""",
        notice.id,
        after_place,
    )
    for bid in found:
        if not await agency_faults(notice, bid["agency"]):
            return _substitute(bid)
    return None


def _substitute(bid: Any) -> Chosen:
    reason = Reason("chosen-as-substitute", {"place": bid["place"]})
    return Chosen(
        bid["agency"],
        bid["id"],
        bid["amount"],
        bid["days"],
        bid["place"],
        reason,
        bid["grade"],
        bid["score"],
    )


async def complete_commission(award_id: int) -> None:
    """Record that the commission of an award is finished (called by the floor of contracts).

    From then on it no longer counts among the open jobs of its agency. Idempotent.
    """
    async with transaction():
        row = await db.row(
            """update market_award w set completed_at = $2 from market_notice n
                where w.id = $1 and w.completed_at is null and n.id = w.notice
                returning w.notice, w.agency, n.project""",
            award_id,
            clock.now(),
        )
        if row is not None:
            await trail.record(
                SYSTEM,
                "award.completed",
                f"notice:{row['notice']}",
                after={"award": award_id},
                threads=(f"project:{row['project']}", f"agency:{row['agency']}"),
            )
            await release_bonds(award_id, Release.COMPLETED)
