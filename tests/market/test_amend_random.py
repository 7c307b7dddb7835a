"""Random acts by random people: no undefined state, no lost envelope, nothing revealed before its time.

A seeded driver on the real database plays what a market day may bring, wrong roles and wrong moments included. Every
refusal must be one of ours; after every act the invariants hold.
"""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app import wire
from core import clock
from core import db as sql
from core.errors import DomainError
from core.identity import Identity, Role
from market import services
from market.queries.notices import notice
from market.rules.amendments import Amendment
from market.rules.bids import BidState, Offer
from market.rules.notices import NoticeState, SelectionMethod
from tests.factories import core as make
from tests.factories.agencies import MadeAgency
from tests.factories.market import make_notice, make_surveyors, notice_draft, soonest

pytestmark = pytest.mark.anyio
SEEDS, ACTS, RIGHT = range(8), 120, 0.85
MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)
ENDED = {NoticeState.FAILED, NoticeState.WITHDRAWN, NoticeState.CANCELLED}


@dataclass
class Play:
    """The people, the notices, and every fingerprint anybody was ever given."""

    chance: random.Random
    now: datetime
    client: Identity
    agencies: list[MadeAgency]
    others: list[Identity]
    project_id: int
    notices: list[int]
    receipts: set[str] = field(default_factory=set)
    done: int = 0

    def owner(self) -> Identity:
        """Mostly the client, sometimes somebody with no business here."""
        return self.client if self.chance.random() < RIGHT else self.anybody()

    def bidder(self) -> Identity:
        """Mostly one of the agencies, sometimes somebody with no business here."""
        return self.chance.choice(self.agencies).member if self.chance.random() < RIGHT else self.anybody()

    def anybody(self) -> Identity:
        """Whoever comes along."""
        return self.chance.choice([self.client, *[one.member for one in self.agencies], *self.others])

    def some_notice(self) -> int:
        """Mostly the newest."""
        return self.chance.choice([self.notices[-1]] * 3 + self.notices)

    def price(self) -> Decimal:
        """An offer, sometimes above the ceiling."""
        return Decimal(self.chance.randint(15_000, 31_000))


async def asks(play: Play) -> None:
    await services.ask_question(play.bidder(), notice_id=play.some_notice(), text=f"问题 {play.chance.random()}")


async def answers(play: Play) -> None:
    latest = await sql.value("select coalesce(max(id), 0) from market_question")
    question_id = play.chance.randint(max(1, latest - 5), max(1, latest))
    await services.answer_question(play.owner(), question_id=question_id, text="答复")


async def bids(play: Play) -> None:
    actor, service = play.bidder(), play.chance.choice([services.submit_bid, services.replace_bid])
    seen = play.chance.choice([None, None, 0, 1])
    offer = Offer(play.price(), play.chance.randint(5, 11), "方案")
    receipt = await service(actor, notice_id=play.some_notice(), offer=offer, amendment=seen)
    play.receipts.add(receipt.digest)


async def confirms(play: Play) -> None:
    await services.confirm_bid(play.bidder(), notice_id=play.some_notice())


async def withdraws_bid(play: Play) -> None:
    await services.withdraw_bid(play.bidder(), notice_id=play.some_notice())


async def amends(play: Play) -> None:
    notice_id = play.some_notice()
    row = await notice(notice_id, play.client)
    later = play.chance.choice([0, 3, 5])
    amendment = Amendment(
        scale=f"{play.chance.randint(1, 9)} 公顷",
        requirements=row.requirements,
        payment_terms=row.payment_terms,
        ceiling=row.ceiling,
        days_limit=row.days_limit,
        deadline=row.deadline + timedelta(days=later),
        bid_bond=row.bid_bond,
    )
    version = row.version - play.chance.choice([0, 0, 0, 1])
    await services.amend_notice(
        play.owner(), notice_id=notice_id, version=version, amendment=amendment, reason="改一处"
    )


async def withdraws_notice(play: Play) -> None:
    await services.withdraw_notice(play.owner(), notice_id=play.some_notice(), reason="不办了")


async def cancels(play: Play) -> None:
    await services.cancel_selection(play.owner(), notice_id=play.some_notice(), reason="不选了")


async def reposts(play: Play) -> None:
    actor, deadline = play.owner(), await soonest()
    again = await services.repost_notice(actor, notice_id=play.some_notice(), deadline=deadline)
    await services.publish_notice(actor, notice_id=again.notice_id, version=again.version)
    play.notices.append(again.notice_id)


async def posts(play: Play) -> None:
    method = play.chance.choice([SelectionMethod.LOWEST_PRICE, SelectionMethod.RANDOM_DRAW])
    draft = await notice_draft(method=method, bid_bond=Decimal("500.00"))
    actor = play.owner()
    written = await services.draft_notice(actor, project_id=play.project_id, draft=draft)
    await services.publish_notice(actor, notice_id=written.notice_id, version=1)
    play.notices.append(written.notice_id)


async def time_passes(play: Play) -> None:
    play.now += timedelta(hours=play.chance.choice([1, 6, 20, 30]))
    with clock.at(play.now):
        await services.sweep_notices()


async def opens_too_early(play: Play) -> None:
    notice_id = play.some_notice()
    await services.open_bids(notice_id)
    await services.select_winner(notice_id)
    await services.confirm_award(notice_id)


EVENTS: list[Callable[[Play], Awaitable[None]]] = [
    *[bids] * 8,
    *[amends] * 2,
    *[confirms] * 3,
    *[time_passes] * 4,
    asks,
    asks,
    answers,
    withdraws_bid,
    withdraws_notice,
    cancels,
    *[reposts] * 3,
    *[posts] * 2,
    opens_too_early,
]


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_the_market_stays_sound(db: None, seed: int) -> None:
    wire()
    with clock.at(MONDAY):
        play = await _begin(random.Random(seed))
    for _ in range(ACTS):
        with clock.at(play.now):
            try:
                await play.chance.choice(EVENTS)(play)
                play.done += 1
            except DomainError:
                pass
            await _is_sound(play)
    assert play.done > ACTS // 4, "the driver must get somewhere"
    for _ in range(4):
        play.now += timedelta(days=30)
        with clock.at(play.now):
            await services.sweep_notices()
            await _is_sound(play)
    await _is_settled(play)


async def _begin(chance: random.Random) -> Play:
    made = await make_notice(bid_bond=Decimal("600.00"))
    others = [await make.member(Role.CLIENT), await make.member(Role.REGISTRAR), await make.member(Role.AGENCY)]
    surveyors = await make_surveyors(3)
    return Play(chance, clock.now(), made.client, surveyors, others, made.project_id, [made.notice_id])


async def _is_sound(play: Play) -> None:
    await _states_are_known()
    await _no_envelope_is_lost(play)
    await _nothing_is_revealed()


async def _states_are_known() -> None:
    found = await sql.rows(
        """select n.id, n.state, n.opened_at, n.display_until, n.ended_at, n.awarded_at,
                  (select count(*) from market_award w
                    where w.notice = n.id and w.state in ('announced', 'confirmed')) as standing,
                  (select count(*) from market_notice_version v where v.notice = n.id) as versions, n.amendment
             from market_notice n"""
    )
    for row in found:
        state = NoticeState(row["state"])
        assert row["versions"] == row["amendment"]
        assert row["standing"] == (1 if state in {NoticeState.SELECTED, NoticeState.AWARDED} else 0)
        assert (row["ended_at"] is not None) == (state in ENDED)
        assert (row["awarded_at"] is not None) == (state is NoticeState.AWARDED)


async def _no_envelope_is_lost(play: Play) -> None:
    kept = await sql.rows(
        "select digest, encode(sha256(envelope), 'hex') as found from market_bid"
        " union all select digest, encode(sha256(envelope), 'hex') from market_superseded_envelope"
    )
    assert all(one["digest"] == one["found"] for one in kept)
    assert {one["digest"] for one in kept} == play.receipts
    assert len(kept) == len(play.receipts)


async def _nothing_is_revealed() -> None:
    found = await sql.rows(
        "select b.*, n.state as notice_state, n.amendment as wanted, n.opened_at from market_bid b"
        " join market_notice n on n.id = b.notice"
    )
    for bid in found:
        state = BidState(bid["state"])
        if bid["opened_at"] is None:
            assert state in {BidState.SEALED, BidState.WITHDRAWN}
        if state in {BidState.SEALED, BidState.WITHDRAWN}:
            content = [bid[name] for name in ("agency", "account", "amount", "days", "proposal", "grade", "place")]
            assert content == [None] * 7
        else:
            assert bid["amendment"] == bid["wanted"], "only confirmed bids are opened"


async def _is_settled(play: Play) -> None:
    """Long afterwards: no notice hangs, and a bond is owed only where an award stands."""
    hanging: list[Any] = await sql.rows(
        "select id from market_notice where state in ('published', 'opened', 'selected') and method <> 'direct'"
    )
    assert hanging == []
    owed = await sql.rows(
        "select w.state from market_bond b join market_award w on w.id = b.award where b.released_at is null"
    )
    assert {one["state"] for one in owed} <= {"confirmed"}
