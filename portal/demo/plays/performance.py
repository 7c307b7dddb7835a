"""From award to acceptance: contract, result, corrections; what follows are processes of their own."""

from dataclasses import replace
from decimal import Decimal

from agencies.queries import barred_practitioners
from contracts import queries, services
from contracts.queries.contracts import MilestoneRow, possible_signers
from contracts.rules.filing import MilestoneTerms, Terms
from contracts.services import ContractReceipt, ResultDraft
from core import clock
from core.money import half_up
from portal.demo import papers, words, world
from portal.demo.market import DemoMarket, Job
from portal.demo.plays.deferring import promised_for_later
from portal.demo.plays.evaluation import asked_for_words
from portal.demo.plays.payment import is_paid
from portal.demo.plays.review import call_experts
from portal.demo.stage import Process

TWO_STEPS = (("初稿", Decimal(40), 0.6), ("报批稿", Decimal(60), 1.0))


async def performs(market: DemoMarket, job: Job) -> Process:
    """A contract is settled, signed and filed, and the work done, milestone by milestone."""
    diary, stream = market.diary, job.stream
    client, agency = job.buyer.identity, job.player.identity
    version = await _settle_terms(job)
    yield (now := market.turn(client, diary.later(clock.now(), 0, stream)))
    await services.confirm_contract(actor=job.buyer.identity, contract_id=job.contract_id, version=version)
    yield (now := market.turn(agency, diary.later(now, stream.randint(0, 3), stream)))
    await services.confirm_contract(actor=job.player.identity, contract_id=job.contract_id, version=version)
    signed_at = now
    yield (now := market.turn(agency, diary.later(now, _filing_delay(job), stream)))
    await promised_for_later(market, job)
    await services.file_contract(actor=job.player.identity, contract_id=job.contract_id)
    milestones = (await queries.contract(job.contract_id, job.player.identity)).milestones
    job.mark = world.true_mark(job.agency, job.item.code, stream)
    if stream.random() < 0.03:
        yield (now := diary.later(now, 1, stream))
        await services.suspend_work(actor=job.buyer.identity, contract_id=job.contract_id, reason=words.SUSPENSION)
        yield (now := diary.later(now, stream.randint(5, 20), stream))
        await services.resume_work(actor=job.buyer.identity, contract_id=job.contract_id)
    for milestone in milestones:
        taken = world.days_taken(job.agency, milestone.days, stream)
        job.on_time = job.on_time and taken <= milestone.days
        yield (now := market.turn(agency, max(diary.later(signed_at, taken, stream), diary.later(now, 0, stream))))
        await _file(job, milestone, 0)
        version = 1
        while _is_returned(job, version):
            yield (now := market.turn(client, diary.later(now, stream.randint(1, 6), stream)))
            await _return(job, milestone, version)
            yield (now := market.turn(agency, diary.later(now, _correction_days(job), stream)))
            await _file(job, milestone, version)
            version += 1
        yield (now := market.turn(client, diary.later(now, stream.randint(1, 8), stream)))
        await _accept(market, job, milestone, version)
    job.player.open_jobs -= 1
    market.enter(asked_for_words(market, job), now)


async def _settle_terms(job: Job) -> int:
    """Most contracts repeat the bid; some are split into two steps or are a little cheaper."""
    throw = job.stream.random()
    if throw > 0.25:
        return 1
    view = await queries.contract(job.contract_id, job.player.identity)
    terms = _two_steps(view.terms, view.row.item_name_zh) if throw < 0.15 else _cheaper(view.terms)
    receipt: ContractReceipt = await services.edit_contract(
        actor=job.player.identity, contract_id=job.contract_id, version=1, terms=terms
    )
    return receipt.version


def _two_steps(terms: Terms, name: str) -> Terms:
    steps = (
        MilestoneTerms(f"{name}{part}", percent, max(1, round(terms.days * share)))
        for part, percent, share in TWO_STEPS
    )
    return replace(terms, milestones=tuple(steps))


def _cheaper(terms: Terms) -> Terms:
    return replace(terms, amount=half_up(terms.amount * Decimal("0.98")))


def _filing_delay(job: Job) -> int:
    """Seven working days are allowed; careless agencies forget."""
    late = job.stream.random() < 0.02 + 0.3 * (1 - job.agency.quality) ** 2
    return job.stream.randint(8, 12) if late else job.stream.randint(0, 2)


def _correction_days(job: Job) -> int:
    late = job.stream.random() < 0.5 * (1 - job.agency.quality)
    return job.stream.randint(6, 9) if late else job.stream.randint(1, 4)


def _is_returned(job: Job, version: int) -> bool:
    chance = 0.03 + 0.3 * (1 - job.agency.quality)
    return version < 3 and job.stream.random() < chance / version


async def _file(job: Job, milestone: MilestoneRow, version: int) -> None:
    stream = job.stream
    title = f"{job.title}{milestone.name}"
    lines = [*words.report_lines(job.title, milestone.name, stream), f"第 {version + 1} 版"]
    staff = await _able_to_sign(job)
    signers = stream.sample(staff, min(2, len(staff)))
    await services.file_deliverable(
        actor=job.player.identity,
        contract_id=job.contract_id,
        milestone_id=milestone.id,
        version=version,
        result=ResultDraft(
            title=title[:200],
            note="已按退回意见逐条更正。" if version else "",
            signers=tuple(sorted(signers)),
            uploads=(papers.scan(milestone.name, lines),),
        ),
    )


async def _able_to_sign(job: Job) -> list[int]:
    """The people of the agency who may sign: nobody who is barred from the trade."""
    staff = [one.id for one in await possible_signers(job.player.identity)]
    barred = await barred_practitioners(staff, clock.today())
    return [one for one in staff if one not in barred]


async def _deliverable_id(job: Job, milestone: MilestoneRow) -> int:
    view = await queries.contract(job.contract_id, job.buyer.identity)
    return next(one.deliverable_id for one in view.milestones if one.id == milestone.id and one.deliverable_id)


async def _return(job: Job, milestone: MilestoneRow, version: int) -> None:
    await services.return_deliverable(
        actor=job.buyer.identity,
        deliverable_id=await _deliverable_id(job, milestone),
        version=version,
        reason=job.stream.choice(words.RETURN_REASONS),
    )


async def _accept(market: DemoMarket, job: Job, milestone: MilestoneRow, version: int) -> None:
    receipt = await services.accept_deliverable(
        actor=job.buyer.identity, deliverable_id=await _deliverable_id(job, milestone), version=version
    )
    await call_experts(market, job, receipt.review_id)
    market.enter(is_paid(market, job, receipt.payable_id), clock.now())
