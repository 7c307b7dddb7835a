"""Direct selection: the chosen agency accepts the agreed terms, declines, or lets them lapse."""

from agencies import queries as agencies
from agencies.rules import Profession
from core import clock, db, trail
from core.db import transaction
from core.identity import Identity, Permission
from market.queries.awards import open_jobs
from market.queries.notices import NoticeRow
from market.queries.recusal import agency_client_ties
from market.rules.eligibility import NotEligible, eligibility
from market.rules.notices import (
    BidClosed,
    NoticeAct,
    NoticeGone,
    NoticeState,
    SelectionMethod,
    is_due,
)
from market.rules.reasons import Reason
from market.services.awards import Chosen, announce
from market.services.cases import fail, lock_notice
from market.services.notices import NoticeReceipt, deadline_passed
from market.services.outages import may_open


async def accept_offer(actor: Identity, *, notice_id: int) -> NoticeReceipt:
    """The chosen agency accepts price and days; the result goes on display.

    Its eligibility is checked again as it stands today. Raises `NoticeGone` for any other agency,
    `DeadlinePassed`, `NotEligible`.
    """
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await _offered_to(actor, notice_id)
        today = clock.today()
        agency_id = notice.direct_agency_id or 0
        standing = await agencies.standing(agency_id, Profession(notice.profession), today)
        jobs = await open_jobs([agency_id])
        count = jobs.get(agency_id, 0)
        ties = await agency_client_ties(notice, standing, today)
        faults = eligibility(standing, notice.call, on=today, open_jobs=count, edition=notice.law, ties=ties)
        if faults:
            raise NotEligible(faults)
        chosen = Chosen(
            agency_id,
            None,
            notice.ceiling,
            notice.days_limit,
            1,
            Reason("chosen-directly"),
            standing.grade.value,
            standing.score,
            standing.grade_record,
        )
        threads = (*notice.threads, f"agency:{agency_id}")
        after = {"amount": notice.ceiling, "days": notice.days_limit}
        await trail.record(actor, "offer.accepted", notice.subject, after=after, threads=threads)
        await announce(notice, chosen, act=NoticeAct.ACCEPT, actor=actor)
    return NoticeReceipt(notice_id, notice.number, notice.version + 1)


async def decline_offer(actor: Identity, *, notice_id: int, words: str) -> NoticeReceipt:
    """The chosen agency says no, with its reason; the client may post again."""
    actor.require(Permission.SUBMIT_BID)
    async with transaction():
        notice = await _offered_to(actor, notice_id)
        threads = (*notice.threads, f"agency:{notice.direct_agency_id}")
        await trail.record(actor, "offer.declined", notice.subject, after={"words": words}, threads=threads)
        await fail(notice, Reason("offer-declined", {"words": words}))
    return NoticeReceipt(notice_id, notice.number, notice.version + 1)


async def lapse_offer(notice_id: int) -> bool:
    """An offer that nobody answered in time fails. False when it is not (yet) due."""
    async with transaction():
        notice = await lock_notice(notice_id)
        if not is_due(notice.clock, NoticeAct.FAIL, clock.now()) or not await may_open(notice):
            return False
        await fail(notice, Reason("offer-lapsed"))
    return True


async def _offered_to(actor: Identity, notice_id: int) -> NoticeRow:
    notice = await lock_notice(notice_id)
    theirs = notice.direct_organization_id == actor.organization_id
    if not theirs or notice.state is NoticeState.DRAFT:
        raise NoticeGone
    if notice.method is not SelectionMethod.DIRECT or notice.state is not NoticeState.PUBLISHED:
        raise BidClosed
    late = deadline_passed(notice, clock.now())
    if clock.now() >= notice.deadline:
        raise late
    db.refuse_after(notice.deadline, late)
    return notice
