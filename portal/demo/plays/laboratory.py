"""The officers try other rules: one change is approved and runs as a shadow, another one is still a draft."""

from collections.abc import Iterator, Mapping
from datetime import date

from core import clock, db
from core.clock import shanghai
from core.identity import Identity
from grading import queries, services
from grading.rules.laboratory import parse_changes
from portal.demo.market import DemoMarket
from portal.demo.stage import Process

APPROVED = {"half-life": "6", "half-life-least": "6", "half-life-most": "6", "points:CP-0201": "3"}
WHY = "业主更看重近一年的成果，半衰期固定为 6 个月。逾期备案屡见不鲜，记分由 2 分提高到 3 分。"
REASONS = "试算中变动的机构不多，排序没有变差，影子运行期间继续观察。同意公示。"
DRAFT = {"band-a": "85", "band-b": "75", "band-c": "65"}
DRAFT_WHY = "比较 85、75、65 分段：优秀线低一些，良好与一般高一些，看看谁会变动。"
BEFORE_END = (28, 4)
"""Working days before the end on which the change is drafted, and on which the second draft is."""


def chapters(market: DemoMarket) -> Iterator[tuple[Process, date]]:
    """The two proposals and their days."""
    last = shanghai(market.ends_at).date()
    for process, days in zip((approved(market), still_a_draft(market)), BEFORE_END, strict=True):
        day = last
        while market.diary.calendar.count(day, last) < days:
            day = date.fromordinal(day.toordinal() - 1)
        yield process, market.diary.workday(day)


async def approved(market: DemoMarket) -> Process:
    """Drafted, tried and submitted by one officer, approved by another some days later."""
    stream, diary, people = market.chance("laboratory"), market.diary, market.people
    if not await _published():
        return
    proposal_id = await _tried(people.officer, APPROVED, WHY)
    await services.submit_scheme(actor=people.officer, proposal_id=proposal_id)
    yield diary.later(clock.now(), 4, stream)
    await services.approve_scheme(actor=people.second_officer, proposal_id=proposal_id, reasons=REASONS)
    await services.run_queued_replays()


async def still_a_draft(market: DemoMarket) -> Process:
    """Another idea, tried and left there; and the shadow of what was approved follows the runs."""
    if not await _published():
        return
    await services.shadow_latest()
    await services.run_queued_replays()
    yield market.diary.later(clock.now(), 1, market.chance("laboratory-draft"))
    await _tried(market.people.second_officer, DRAFT, DRAFT_WHY)


async def _published() -> bool:
    return bool(await db.value("select 1 from grading_report where state = 'published' limit 1"))


async def _tried(officer: Identity, typed: Mapping[str, str], why: str) -> int:
    base_id, _code, source = await queries.newest_scheme()
    variant = services.Variant(base_id, why, parse_changes(source, typed))
    made = await services.draft_scheme(actor=officer, variant=variant)
    asked = await services.start_replay(actor=officer, proposal_id=made.proposal_id)
    await services.run_replay(replay_id=asked.replay_id)
    return made.proposal_id
