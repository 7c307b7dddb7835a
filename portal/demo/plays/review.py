"""A result is reviewed: the experts drawn by lot mark it, the agency comments, the result becomes final."""

from contracts import services
from contracts.queries import assignment, review
from contracts.rules.reviews import AssignmentState, ReviewState
from contracts.services import SheetFilled
from core import clock
from portal.demo import words, world
from portal.demo.chances import clamp
from portal.demo.market import DemoMarket, Job
from portal.demo.stage import Process

NOISE = 2.5
"""Points by which the same expert would mark the same work differently another day."""


async def call_experts(market: DemoMarket, job: Job, review_id: int) -> None:
    """Everybody who was drawn and not called yet gets to work, also a third expert drawn later."""
    view = await review(review_id, market.people.officer)
    for one in view.findings:
        if one.state is AssignmentState.ASSIGNED and one.id not in market.called:
            market.called.add(one.id)
            market.enter(marks(market, job, review_id, one.id, one.code), clock.now())


async def marks(market: DemoMarket, job: Job, review_id: int, assignment_id: int, code: str) -> Process:
    """One expert opens the result, sometimes keeps a half-filled sheet, and hands it in; some are late."""
    stream, diary = market.chance("marks", assignment_id), market.diary
    expert, identity = market.people.reviewers[code]
    late = stream.random() < expert.slow
    days = stream.randint(6, 9) if late else stream.randint(2, 5)
    yield (now := market.turn(identity, diary.later(clock.now(), days, stream)))
    row = await assignment(assignment_id, identity)
    kindness = world.FAVOUR if expert.favours == job.player.agency.key else 0.0
    target = clamp(job.mark - expert.severity + kindness + stream.gauss(0, NOISE), 25, 100)
    levels = world.filled_sheet(row.sheet, target, stream)
    version = row.version
    if stream.random() < 0.15:
        half = SheetFilled(dict(list(levels.items())[: len(levels) // 2]), [])
        kept = await services.save_marks(actor=identity, assignment_id=row.id, version=version, sheet=half)
        version = kept.version
        yield diary.later(now, 1, stream)
    void = market.chance("veto", job.number).random() < world.chance_of_veto(job.agency.quality)
    vetoes = world.found_veto(row.sheet, stream) if void else []
    sheet = SheetFilled(levels, vetoes, words.summary(target, void))
    receipt = await services.submit_review(actor=identity, assignment_id=row.id, version=version, sheet=sheet)
    if receipt.state is ReviewState.COMMENT:
        market.enter(is_commented(market, job, review_id), clock.now())
    else:
        await call_experts(market, job, review_id)


async def is_commented(market: DemoMarket, job: Job, review_id: int) -> Process:
    """The agency has nothing to add, or comments and is answered, or lets the five working days pass."""
    stream, diary, actor = job.stream, market.diary, job.player.identity
    throw = stream.random()
    if throw < 0.3:
        return
    yield (now := market.turn(actor, diary.later(clock.now(), stream.randint(1, 4), stream)))
    if throw < 0.8:
        await services.waive_comment(actor=actor, review_id=review_id)
        return
    await services.comment_on_review(actor=actor, review_id=review_id, comment=stream.choice(words.REVIEW_COMMENTS))
    yield market.turn(market.people.officer, diary.later(now, stream.randint(1, 2), stream))
    answer = stream.choice(words.REVIEW_ANSWERS)
    await services.close_review(actor=market.people.officer, review_id=review_id, answer=answer)
