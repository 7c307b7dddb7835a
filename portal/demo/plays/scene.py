"""A notice whose course is written down: for what chance alone would rarely bring. Shared by the written plays.

Everything goes through the services; written is only who does what on which day, and for how much.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from core import clock
from market import services
from market.rules.bids import Offer
from market.rules.eligibility import NotEligible
from market.rules.notices import NoticeDraft, SelectionMethod
from market.services.projects import ProjectDraft
from portal.demo import words
from portal.demo.custodians import demo_key
from portal.demo.market import DemoMarket, Need
from portal.demo.people import Player
from portal.demo.plays.choosing import chooses
from portal.demo.plays.commission import on_display
from portal.demo.stage import Process

DIRECT = SelectionMethod.DIRECT
SETTLED = timedelta(days=45)
"""So long after its beginning a market has agencies on record for every play."""


@dataclass(frozen=True)
class Scene:
    """A notice to come: whose it is and what it asks. `agency` only for a direct selection."""

    client: str
    item: str
    what: str
    scale: str
    ceiling: str
    method: SelectionMethod = SelectionMethod.LOWEST_PRICE
    open_wd: int = 5
    hour: int = 15
    days: int = 20
    agency: str = ""


@dataclass(frozen=True)
class Posted:
    """A notice of a written play, published."""

    need: Need
    notice_id: int
    draft: NoticeDraft


def day_of(market: DemoMarket, days: int, *keys: str) -> date | None:
    """The working day about `days` before the end; None where the market is too young or somebody is missing."""
    last, first = clock.shanghai(market.ends_at).date(), clock.shanghai(market.begins_at).date()
    here = {one.key for one in market.roster.agencies} | {one.key for one in market.roster.clients}
    day = market.diary.workday(last - timedelta(days=days))
    return day if here.issuperset(keys) and day > first + SETTLED else None


async def posts(market: DemoMarket, scene: Scene) -> Posted:
    """Describe the project, write the notice, publish it."""
    market.scenes += 1
    buyer, item = market.people.buyers[scene.client], market.items[scene.item]
    stream = market.chance("scene", market.scenes)
    need = Need(-market.scenes, buyer, item, float(scene.ceiling), scene.days, scene.method, stream)
    title = f"{words.short_name(buyer.client.name_zh)}{scene.what}"
    project = await services.describe_project(
        buyer.identity, draft=ProjectDraft(title, "新泰市", title, Decimal(3_000_000), buyer.client.fund_source)
    )
    day = market.diary.calendar.add(clock.shanghai(clock.now()).date(), scene.open_wd)
    draft = NoticeDraft(
        item_code=scene.item,
        method=scene.method,
        fund_source=buyer.client.fund_source,
        scale=scene.scale,
        requirements=words.REQUIREMENTS[0],
        payment_terms=words.PAYMENT_TERMS[0],
        ceiling=Decimal(scene.ceiling),
        days_limit=scene.days,
        deadline=market.diary.at(day, scene.hour),
    )
    if scene.method is DIRECT:
        asked = market.people.players[scene.agency].agency_id
        draft = replace(draft, agency_id=asked, reason=words.DIRECT_REASONS[0], risk_acknowledged=True)
    receipt = await services.draft_notice(buyer.identity, project_id=project.project_id, draft=draft)
    await services.publish_notice(
        buyer.identity,
        notice_id=receipt.notice_id,
        version=receipt.version,
        explanations=services.Explanations(split=words.SPLIT_WORDS, conditions=words.CONDITION_WORDS),
    )
    return Posted(need, receipt.notice_id, draft)


async def hands_in(market: DemoMarket, posted: Posted, key: str, price: str, **more: Any) -> Player | None:
    """A bid at that price; None where the agency is not on record or may not bid."""
    player = market.people.players.get(key)
    if player is None or not player.agency_id:
        return None
    offer = Offer(Decimal(price), posted.draft.days_limit - 3, words.PROPOSALS[0], **more)
    try:
        await services.submit_bid(player.identity, notice_id=posted.notice_id, offer=offer)
    except NotEligible:
        return None
    return player


async def concludes(market: DemoMarket, posted: Posted, *, contract: bool = True) -> Process:
    """At the deadline: opened and selected, then on display; with `contract` the work follows as usual."""
    need, notice_id = posted.need, posted.notice_id
    if not await services.open_bids(notice_id):
        yield market.diary.later(clock.now(), 0, need.stream)
        key = demo_key(need.buyer.client.uscc).text
        await services.release_share(need.buyer.identity, notice_id=notice_id, key=key)
    await services.select_winner(notice_id)
    async for moment in chooses(market, need, notice_id):
        yield moment
    if contract:
        market.enter(on_display(market, need, notice_id, may_cancel=False), clock.now())
