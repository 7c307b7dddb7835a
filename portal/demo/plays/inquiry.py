"""A case that a supervisor opened from signals: the facts, what those named said, the decision of a second officer.

Late in the market on purpose: the points it proposes still wait for the grading officer when the visitor arrives.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core import clock
from market.queries.signals import SignalFilter, SignalRow, signals
from market.rules.signal_cases import CaseResult
from market.rules.signals import Family
from market.services.signal_cases import CaseDecision, decide_case, open_case, reply_case
from market.services.signals import compute_notice_signals
from portal.demo import words
from portal.demo.market import DemoMarket
from portal.demo.people import Player
from portal.demo.stage import Process

OPENED_DAYS = 24
ONE_ACCOUNT = "same-account"
CONCEALED = "CP-1001"
MOST_SIGNALS = 20


def inquiry_at(market: DemoMarket) -> datetime:
    """When the supervisor gets to it: before the people of the sign-ins went away."""
    day = market.diary.workday(clock.shanghai(market.ends_at).date() - timedelta(days=OPENED_DAYS))
    return market.diary.on(day, market.chance("inquiry"))


async def is_looked_into(market: DemoMarket, notice_id: int, lender: Player, borrower: Player) -> Process:
    """Two agencies shared one account: both are asked and reply; the second officer finds that the one whose bid was
    handed in by the other's person did not declare the tie."""
    await compute_notice_signals(notice_id)
    chosen = SignalFilter(family=Family.COLLUSION.value, notice=notice_id)
    found = sorted(await signals(chosen, limit=MOST_SIGNALS), key=lambda one: one.code)
    parties = (lender, borrower)
    stream, diary = market.chance("inquiry", notice_id), market.diary
    named = [one.identity.organization_id for one in parties]
    if not _is_known(found, parties):
        return
    opened = await open_case(
        market.people.supervisor, signal_ids=[one.id for one in found], parties=named, question=words.INQUIRY
    )
    for player, said in zip(parties, words.INQUIRY_REPLIES, strict=False):
        yield diary.later(clock.now(), 1, stream)
        await reply_case(player.identity, case_id=opened.case_id, text=said)
    yield max(diary.later(clock.now(), 2, stream), opened.reply_until)
    decision = CaseDecision(CaseResult.BREACH, words.INQUIRY_DECISION, (borrower.identity.organization_id,), CONCEALED)
    await decide_case(market.people.second_supervisor, case_id=opened.case_id, decision=decision)


def _is_known(found: Sequence[SignalRow], players: Sequence[Player]) -> bool:
    """Whether the signal of the shared account names these two, and nobody else."""
    shared = next((one.agencies for one in found if one.code == ONE_ACCOUNT), [])
    return {one["id"] for one in shared} == {one.agency_id for one in players}
