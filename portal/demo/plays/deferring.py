"""容缺: now and then a paper is missing at the filing, is promised for later, and comes in time or not at all."""

from datetime import date, timedelta

from contracts import services
from contracts.rules.supervision import DeferralNotAllowed
from contracts.services import DeferralDraft
from core import clock, db
from grading import services as grading
from portal.demo import papers
from portal.demo.market import DemoMarket, Job
from portal.demo.stage import Process

SHARE, FORGOTTEN = 0.08, 3
"""How many contracts lack a paper, and that every third promise is forgotten."""
WORKDAYS = 6
PAPERS = (
    ("仪器检定证书", "检定机构尚未出具，已附送检单。"),
    ("社会保险缴费证明", "社保系统升级，缴费证明下周才能打印。"),
    ("项目负责人续期后的资格证书", "续期已受理，新证在寄送途中。"),
)
EXCUSE = "检定机构搬迁，证书迟到，已于期满次日取得。"
REASONS = "约定日期已过，期满前没有申请延期，也没有补交；予以认定。"


async def promised_for_later(market: DemoMarket, job: Job) -> None:
    """A promise beside the filing of a contract, where the grade allows one; what becomes of it follows."""
    stream = market.chance("deferred", job.number)
    if stream.random() > SHARE:
        return
    name, reason = stream.choice(PAPERS)
    due: date = market.diary.calendar.add(clock.today(), WORKDAYS)
    try:
        receipt = await services.promise_document(
            actor=job.player.identity, contract_id=job.contract_id, draft=DeferralDraft(name, reason, due)
        )
    except DeferralNotAllowed:
        return
    so_far = await db.value("select count(*) from contracts_deferred_document")
    after = lapses if so_far % FORGOTTEN == 2 else is_handed_in
    market.enter(after(market, job, receipt.deferred_id, name), clock.now())


async def is_handed_in(market: DemoMarket, job: Job, deferred_id: int, name: str) -> Process:
    """The paper comes before its day."""
    stream = market.chance("handed-in", job.number)
    yield market.turn(job.player.identity, market.diary.later(clock.now(), stream.randint(2, WORKDAYS - 1), stream))
    paper = papers.scan(name, [f"{job.title}：{name}"])
    await services.supply_document(actor=job.player.identity, deferred_id=deferred_id, upload=paper)


async def lapses(market: DemoMarket, job: Job, deferred_id: int, name: str) -> Process:
    """The day passes; the clock proposes points, the agency explains itself, an officer decides."""
    stream, diary = market.chance("lapsed", job.number), market.diary
    due = await db.value("select due_at from contracts_deferred_document where id = $1", deferred_id)
    yield (now := diary.later(due + timedelta(hours=9), 2, stream))
    finding = await db.value(
        "select max(id) from grading_conduct where agency = $1 and code = 'CP-0505' and state = 'proposed'",
        job.player.agency_id,
    )
    if finding is None:
        return
    await grading.reply_conduct(actor=job.player.identity, finding_id=finding, text=f"{name}：{EXCUSE}")
    yield diary.later(now, 5, stream)
    await grading.decide_conduct(actor=market.people.officer, finding_id=finding, upheld=True, reasons=REASONS)
