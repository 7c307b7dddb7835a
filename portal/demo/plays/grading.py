"""Once a month the officer grades everybody: drafts, comments, publication on the sixth working day."""

from collections.abc import Iterator
from datetime import date

from core import clock, db
from core.clock import shanghai
from grading import services
from grading.queries.improvement import Duty, duties
from grading.rules.improvement import ImprovementDraft
from portal.demo import words
from portal.demo.market import DemoMarket
from portal.demo.stage import Process

MONTHS_BEFORE_FIRST = 3
COMMENT_SHARE = 0.06
LAST_RUN_WORKDAYS = 3
"""Working days between the last run and the end of the market: its drafts wait for comments then."""
LATEST_DAY = 25
PLAN = ImprovementDraft(
    "成果出门前增加一道校核，由技术负责人签字；逐条对照近两次审查的扣分修订作业指导书，本月底前完成。",
    "全体技术人员参加审查标准培训，两周内完成，签到表存档。",
)
ANSWER = "已复核所述成果与记录，原计算无误；意见随等级一并公布。"


def run_days(market: DemoMarket) -> Iterator[date]:
    """One day a month, the same day of the month, the last one shortly before the market ends."""
    calendar = market.diary.calendar
    last, first = shanghai(market.ends_at).date(), shanghai(market.begins_at).date()
    while calendar.count(last, shanghai(market.ends_at).date()) < LAST_RUN_WORKDAYS or not calendar.is_workday(last):
        last = date.fromordinal(last.toordinal() - 1)
    day_of_month = min(last.day, LATEST_DAY)
    months = (last.year - first.year) * 12 + last.month - first.month
    for ahead in range(MONTHS_BEFORE_FIRST, months + 1):
        year, month = divmod(first.month - 1 + ahead, 12)
        day = date(first.year + year, month + 1, day_of_month)
        yield last if ahead == months else market.diary.workday(day)


async def graded(market: DemoMarket, day: date) -> Process:
    """One run from the draft to the signature."""
    stream, diary, officer = market.chance("grade-run", day), market.diary, market.people.officer
    await services.calibrate_if_due()
    run = await services.prepare_run(actor=officer, as_of=day)
    drafts = await db.rows("select id, agency from grading_report where run = $1 order by id", run.run_id)
    speaking = [one for one in drafts if stream.random() < COMMENT_SHARE]
    yield (now := diary.later(clock.now(), 2, stream))
    for one in speaking:
        actor = market.people.player_of(one["agency"]).identity
        await services.comment(actor=actor, report_id=one["id"], text=stream.choice(words.GRADE_COMMENTS))
    yield diary.later(now, 4, stream)
    receipt = await services.publish_run(actor=officer, run_id=run.run_id)
    for report_id in receipt.left:
        await services.publish(actor=officer, report_id=report_id, answer=ANSWER)
    for duty in await duties():
        if duty.owed:
            chance = market.chance("improvement", duty.agency_id, day)
            market.enter(promises_better(market, duty), diary.later(clock.now(), chance.randint(2, 9), chance))


async def promises_better(market: DemoMarket, duty: Duty) -> Process:
    """An agency whose grade has become C files its improvement plan, unless its grade moved on meanwhile."""
    yield market.diary.later(clock.now(), 0, market.chance("improvement", duty.agency_id, duty.report_id))
    actor = market.people.player_of(duty.agency_id).identity
    if any(one.owed for one in await duties(duty.agency_id, duty.profession)):
        await services.file_improvement(actor=actor, profession=duty.profession, draft=PLAN)
