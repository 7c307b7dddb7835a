"""Both sides say what they think, without having seen the other's words; many never do."""

from contracts import services
from contracts.rules.evaluations import Stars, narrative_required
from core import clock
from portal.demo import words, world
from portal.demo.market import DemoMarket, Job
from portal.demo.stage import Process


async def asked_for_words(market: DemoMarket, job: Job) -> Process:
    """The client answers as readily as it usually does, the agency more often than not."""
    stream, diary = market.chance("evaluation", job.number), market.diary
    client, agency = job.buyer.identity, job.player.identity
    acts = []
    if stream.random() < job.buyer.answers:
        acts.append((market.turn(client, diary.later(clock.now(), stream.randint(1, 13), stream)), _evaluates))
    if stream.random() < 0.7:
        acts.append((market.turn(agency, diary.later(clock.now(), stream.randint(1, 10), stream)), _states))
    for moment, act in sorted(acts, key=lambda one: one[0]):
        yield moment
        await act(market, job)


async def _evaluates(market: DemoMarket, job: Job) -> None:
    stream = market.chance("stars", job.number)
    given = world.stars(job.mark, job.on_time, job.buyer.mood, stream)
    low, high = min(given), max(given)
    words_of = words.EVALUATION_BAD if low <= 2 else words.EVALUATION_GOOD if high == 5 else words.EVALUATION_PLAIN
    narrative = words_of if narrative_required(given) or stream.random() < 0.3 else ""
    stars = Stars(*given, again=sum(given) >= 13, narrative=narrative)
    await services.file_evaluation(actor=job.buyer.identity, contract_id=job.contract_id, stars=stars)


async def _states(market: DemoMarket, job: Job) -> None:
    text = market.chance("statement", job.number).choice(words.STATEMENTS)
    await services.file_statement(actor=job.player.identity, contract_id=job.contract_id, text=text)
