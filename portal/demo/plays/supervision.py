"""Classified supervision on stage: a plan of inspections each quarter, a flagged person, suggestions at the end."""

from collections.abc import Iterator
from datetime import date, timedelta

from agencies.queries import staff_of
from agencies.rules.persons import Flag
from agencies.services import flag_person
from core import clock, db
from core.clock import shanghai
from grading import services
from grading.rules.inspections import NothingToInspect, Outcome, quarter_of
from grading.rules.months import add_months
from grading.services import InspectionDraft
from portal.demo.market import DemoMarket
from portal.demo.stage import Process

SOURCE = "中国福利彩票双色球公告后首期开奖号码（演示）"
WHERE = "中国福彩网开奖公告（演示数值）"
FLAGGED = "AG-EV-10"
FLAG_DAYS = 100
SEEN = {
    Outcome.CLEAN: "核对档案、人员社保、公示内容和两件成果的原始记录，未发现问题。",
    Outcome.CORRECTED: "收费依据公示不全，检查当日已补齐。",
}


def inspections(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """A plan in the second week of every quarter the market has, and the decision against a person."""
    last, first = shanghai(market.ends_at).date(), shanghai(market.begins_at).date() + timedelta(days=90)
    start = date(last.year, 1, 1)
    for quarter in range(4):
        day = add_months(start, 3 * quarter) + timedelta(days=12)
        if first <= day <= last - timedelta(days=20):
            yield is_inspected(market), market.diary.workday(day)
    flagged = last - timedelta(days=FLAG_DAYS)
    if FLAGGED in {one.key for one in market.roster.agencies} and flagged >= first:
        yield is_flagged(market), market.diary.workday(flagged)


async def is_inspected(market: DemoMarket) -> Process:
    """Announced, drawn three days later, visited one after the other; of this quarter some are still to come."""
    officer, diary = market.people.officer, market.diary
    stream = market.chance("inspections", quarter_of(shanghai(clock.now()).date()))
    if await db.value("select 1 from agencies_profession limit 1") is None:
        return
    try:
        plan = await services.announce_plan(actor=officer, outside_source=SOURCE)
    except NothingToInspect:  # in a small market a year's share may be drawn before its last quarter
        return
    yield diary.later(clock.now(), 3, stream)
    numbers = sorted(stream.sample(range(1, 34), 6))
    value = " ".join(f"{one:02d}" for one in numbers) + f" + {stream.randint(1, 16):02d}"
    await services.draw_plan(actor=officer, plan_id=plan.plan_id, value=value, where=WHERE)
    ordered = await db.rows("select id from grading_inspection where plan = $1 order by place", plan.plan_id)
    for row in ordered:
        yield diary.later(clock.now(), 6, stream)
        outcome = Outcome.CORRECTED if stream.random() < 0.2 else Outcome.CLEAN
        draft = InspectionDraft(clock.today(), "执法证 37090012、37090047", SEEN[outcome], outcome)
        await services.record_inspection(actor=market.people.registrar, inspection_id=row["id"], draft=draft)


async def is_flagged(market: DemoMarket) -> Process:
    """The person who answered for a falsified report is barred; the flag follows the certificate."""
    player = market.people.players[FLAGGED]
    if not player.agency_id:
        return
    yield market.diary.later(clock.now(), 0, market.chance("flag", FLAGGED))
    person = (await staff_of(player.agency_id))[0]
    today = clock.today()
    flag = Flag(
        person.certificate_no,
        f"泰环罚演〔{today.year}〕7-1号",
        "泰安市生态环境局（演示）",
        "对弄虚作假的监测报告负直接责任。",
        True,
        today,
        add_months(today, 60),
    )
    await flag_person(actor=market.people.officer, flag=flag)
