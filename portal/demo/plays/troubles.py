"""What does not go smoothly: a notice that had to be amended, results that were objected to, an outage at a deadline."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from core import clock, db, heartbeat
from market import services
from market.queries.notices import notice
from market.rules.amendments import Amendment
from market.rules.bids import Offer
from market.rules.objections import Decision, ObjectionDraft, Remedy
from portal.demo import words
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.plays.scene import Posted, Scene, concludes, day_of, hands_in, posts
from portal.demo.stage import Process

SURVEYORS = ("AG-SV-01", "AG-SV-03", "AG-SV-05")
PRICES = ("21300.00", "22400.00", "23900.00")
SITE = Scene("CL-06", "XT-SV-01", "堆场地形图测绘", "堆场地形图", "26000.00", open_wd=6)
YARD = Scene("CL-07", "XT-SV-01", "货场地形图测绘", "1:500 地形图，约 5 公顷", "26000.00")
DEPOT = Scene("CL-04", "XT-SV-01", "站区竣工地形图", "1:500 地形图，约 8 公顷", "27000.00", hour=10)
AMENDED_DAYS, OUTAGE_DAYS = 66, 38
OBJECTED = ((95, True), (17, False))
"""How many days before the end a disputed notice is published, and whether the dispute is decided by then."""
DOWN_FROM, DOWN_UNTIL = timedelta(minutes=-75), timedelta(minutes=-38)
"""The outage, seen from the deadline."""


def troubles(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """All of them, with their days."""
    day = day_of(market, AMENDED_DAYS, SITE.client, *SURVEYORS)
    if day is not None:
        yield _is_amended(market), day
    for days, decided in OBJECTED:
        day = day_of(market, days, YARD.client, *SURVEYORS)
        if day is not None:
            yield _is_objected_to(market, decided=decided), day
    day = day_of(market, OUTAGE_DAYS, DEPOT.client, *SURVEYORS)
    if day is not None:
        yield _goes_down(market), day


async def _all_bid(market: DemoMarket, posted: Posted) -> list[Player]:
    found = [await hands_in(market, posted, key, price) for key, price in zip(SURVEYORS, PRICES, strict=True)]
    return [one for one in found if one]


# ---- amended
async def _is_amended(market: DemoMarket) -> Process:
    """The client forgot to say how large the site is: asked, answered, amended; one bid stays behind."""
    posted = await posts(market, SITE)
    stream, diary, client = posted.need.stream, market.diary, posted.need.buyer.identity
    yield diary.later(clock.now(), 1, stream)
    bidders = await _all_bid(market, posted)
    asked = await services.ask_question(bidders[-1].identity, notice_id=posted.notice_id, text=words.QUESTION)
    yield diary.later(clock.now(), 1, stream)
    await services.answer_question(client, question_id=asked.question_id, text=words.ANSWER)
    yield diary.later(clock.now(), 1, stream)
    await _amends(market, posted)
    yield diary.later(clock.now(), 1, stream)
    await services.confirm_bid(bidders[0].identity, notice_id=posted.notice_id)
    if len(bidders) > 2:
        better = Offer(Decimal("23500.00"), 17, words.PROPOSALS[1])
        await services.replace_bid(bidders[1].identity, notice_id=posted.notice_id, offer=better, amendment=1)
    yield (await notice(posted.notice_id)).deadline
    async for moment in concludes(market, posted):
        yield moment


async def _amends(market: DemoMarket, posted: Posted) -> None:
    row = await notice(posted.notice_id)
    day = market.diary.calendar.add(clock.shanghai(row.deadline).date(), 2)
    amendment = Amendment(
        scale="1:500 地形图，六公顷，含断面",
        requirements=row.requirements,
        payment_terms=row.payment_terms,
        ceiling=Decimal("28000.00"),
        days_limit=row.days_limit,
        deadline=market.diary.at(day, SITE.hour),
    )
    await services.amend_notice(
        posted.need.buyer.identity,
        notice_id=row.id,
        version=row.version,
        amendment=amendment,
        reason=words.AMENDMENT_REASON,
    )


# ---- objected to
async def _is_objected_to(market: DemoMarket, *, decided: bool) -> Process:
    """The second bidder doubts the winner; the client does not agree; it goes to the supervisors."""
    posted = await posts(market, YARD)
    stream, diary = posted.need.stream, market.diary
    yield posted.draft.deadline - timedelta(hours=3)
    bidders = await _all_bid(market, posted)
    yield posted.draft.deadline
    async for moment in concludes(market, posted):
        yield moment
    yield diary.later(clock.now(), 1, stream)
    objector = bidders[1].identity
    draft = ObjectionDraft(words.OBJECTION, words.OBJECTION_WISH, "eligibility", "", words.OBJECTION_EVIDENCE)
    lodged = await services.lodge_objection(objector, notice_id=posted.notice_id, draft=draft)
    yield diary.later(clock.now(), 2, stream)
    await services.answer_objection(
        posted.need.buyer.identity, objection_id=lodged.objection_id, remedy=Remedy.REJECT, words=words.OBJECTION_ANSWER
    )
    yield diary.later(clock.now(), 1, stream)
    await services.escalate_objection(objector, objection_id=lodged.objection_id, words=words.ESCALATION)
    if not decided:
        return
    yield diary.later(clock.now(), 2, stream)
    await services.accept_objection(market.people.supervisor, objection_id=lodged.objection_id)
    yield diary.later(clock.now(), 5, stream)
    await services.decide_objection(
        market.people.second_supervisor,
        objection_id=lodged.objection_id,
        decision=Decision.CONFIRM,
        words=words.OBJECTION_DECISION,
    )


# ---- an outage
async def _goes_down(market: DemoMarket) -> Process:
    """For a good half hour before a deadline nothing could be handed in: the deadline moves, and a late bid counts.

    Heartbeats of that one day are written as the web process would have written them; afterwards none are left,
    since the play is over long before a server beats.
    """
    posted = await posts(market, DEPOT)
    deadline = posted.draft.deadline
    since, until = deadline + DOWN_FROM, deadline + DOWN_UNTIL
    yield deadline - timedelta(hours=20)
    for key, price in zip(SURVEYORS[:2], PRICES, strict=False):
        await hands_in(market, posted, key, price)
    yield until
    await _served(deadline - timedelta(hours=9), since)
    await _served(until, deadline + timedelta(hours=14))
    await services.log_outages()
    yield until + timedelta(minutes=50)
    await hands_in(market, posted, SURVEYORS[2], "20900.00")
    yield (await notice(posted.notice_id)).deadline
    async for moment in concludes(market, posted):
        yield moment
    yield deadline + timedelta(hours=13)
    await db.execute("delete from core_heartbeat")


async def _served(since: datetime, until: datetime) -> None:
    await db.execute(
        "insert into core_heartbeat (process, since_at, until_at) values ($1, $2, $3)", heartbeat.WEB, since, until
    )
