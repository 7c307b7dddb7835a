"""From need to award: a project, a notice, sealed bids, the opening, the result on display."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from agencies import queries as register
from agencies.rules import CreditGrade, Profession
from contracts import services as contracts
from core import clock
from market import content, services
from market.queries.awards import award_of
from market.queries.notices import notice
from market.rules.bids import Offer
from market.rules.bonds import BondKind, most
from market.rules.eligibility import NotEligible
from market.rules.notices import NoticeDraft, SelectionMethod
from market.rules.panel import Criteria
from market.services.flags import Explanations
from market.services.projects import ProjectDraft
from portal.demo import words, world
from portal.demo.chances import weighted
from portal.demo.custodians import demo_key
from portal.demo.market import DemoMarket, Job, Need
from portal.demo.people import Player
from portal.demo.plays.choosing import CRITERIA, chooses, names_panel
from portal.demo.plays.performance import performs
from portal.demo.roster import SETTLED_CLIENT
from portal.demo.stage import Process

DIRECT, LOWEST, DRAW = SelectionMethod.DIRECT, SelectionMethod.LOWEST_PRICE, SelectionMethod.RANDOM_DRAW
AVERAGE, CREDIT = SelectionMethod.AVERAGE_PRICE, SelectionMethod.CREDIT_PREFERRED
PROPOSAL = SelectionMethod.PROPOSAL_PREFERRED
OWN_METHODS = ((DIRECT, 0.26), (LOWEST, 0.26), (DRAW, 0.16), (AVERAGE, 0.12), (CREDIT, 0.12), (PROPOSAL, 0.08))
PUBLIC_METHODS = ((DIRECT, 0.08), (LOWEST, 0.3), (DRAW, 0.28), (AVERAGE, 0.14), (CREDIT, 0.1), (PROPOSAL, 0.1))
DIRECT_PUBLIC_CAP = Decimal(50_000)
WORKDAYS_A_MONTH = 20.8
BUSY_WEEKS = timedelta(weeks=11)
WARM_UP_WORKDAYS = 11
"""Working days before the first commission: the first agencies must be on record."""


async def arrivals(market: DemoMarket) -> Process:
    """Every working day some clients find that they need something."""
    moment = market.diary.at(market.diary.calendar.add(clock.today(), WARM_UP_WORKDAYS), 8)
    yield moment
    while True:
        day = clock.shanghai(moment).date()
        stream = market.chance("arrivals", day)
        for _ in range(_how_many(_a_day(market, moment), stream)):
            market.commissions += 1
            market.enter(commissions(market, market.commissions), market.diary.on(day, stream))
        moment = market.diary.at(market.diary.calendar.add(day, 1), 8)
        yield moment


def _a_day(market: DemoMarket, moment: datetime) -> float:
    """Commissions a working day; the last weeks are busy, so that every stage is seen at the end."""
    busy = market.ends_at - moment < BUSY_WEEKS
    return market.scale.commissions_a_month / WORKDAYS_A_MONTH * (2.0 if busy else 1.0)


def _how_many(mean: float, stream: random.Random) -> int:
    """How many come in a day: exponential gaps with that mean."""
    count, passed = 0, stream.expovariate(mean)
    while passed < 1:
        count += 1
        passed += stream.expovariate(mean)
    return count


async def commissions(market: DemoMarket, number: int) -> Process:
    """A client describes its project, writes a notice and publishes it."""
    need = _need(market, number)
    if need is None:
        return
    actor, stream = need.buyer.identity, need.stream
    project_id = await _project(market, need)
    yield (now := market.diary.later(clock.now(), 0, stream))
    draft = await _draft(market, need, now)
    if draft is None:
        return
    receipt = await services.draft_notice(actor, project_id=project_id, draft=draft)
    if stream.random() < 0.7:
        yield market.diary.later(now, 0, stream)
    if need.method is PROPOSAL:
        await names_panel(market, need, receipt.notice_id)
    explained = Explanations(split=words.SPLIT_WORDS, conditions=words.CONDITION_WORDS)
    try:
        await services.publish_notice(
            actor, notice_id=receipt.notice_id, version=receipt.version, explanations=explained
        )
    except NotEligible:
        return
    chapter = (
        answers(market, need, receipt.notice_id, draft)
        if draft.agency_id
        else collects(market, need, receipt.notice_id, draft)
    )
    market.enter(chapter, clock.now())


async def answers(market: DemoMarket, need: Need, notice_id: int, draft: NoticeDraft) -> Process:
    """The agency that was asked accepts a direct offer, or declines it."""
    player = market.people.player_of(draft.agency_id or 0)
    yield market.turn(player.identity, market.diary.later(clock.now(), need.stream.randint(1, 2), need.stream))
    try:
        if need.stream.random() < 0.05:
            raise NotEligible(())
        await services.accept_offer(player.identity, notice_id=notice_id)
    except NotEligible:
        await services.decline_offer(player.identity, notice_id=notice_id, words=words.DECLINE)
        return
    market.enter(on_display(market, need, notice_id), clock.now())


async def collects(market: DemoMarket, need: Need, notice_id: int, draft: NoticeDraft) -> Process:
    """Sealed bids come in until the deadline; then they are opened and somebody is selected."""
    stream, span = need.stream, draft.deadline - clock.now()
    bidders = _bidders(market, need)
    moments = sorted(clock.now() + span * stream.uniform(0.08, 0.98) for _ in bidders)
    withdrawn = stream.random() < 0.015
    for moment, player in zip(moments, bidders, strict=True):
        yield moment
        await _bid(market, need, notice_id, draft, player)
    if withdrawn:
        await services.withdraw_notice(need.buyer.identity, notice_id=notice_id, reason=words.WITHDRAWAL)
        return
    yield draft.deadline
    while (deadline := (await notice(notice_id)).deadline) > clock.now():  # an outage has moved it
        yield deadline
    if not await services.open_bids(notice_id):
        yield market.turn(need.buyer.identity, market.diary.later(clock.now(), 0, stream))
        key = demo_key(need.buyer.client.uscc).text
        await services.release_share(need.buyer.identity, notice_id=notice_id, key=key)
    await services.select_winner(notice_id)
    async for moment in chooses(market, need, notice_id):
        yield moment
    market.enter(on_display(market, need, notice_id), clock.now())


async def on_display(market: DemoMarket, need: Need, notice_id: int, *, may_cancel: bool = True) -> Process:
    """The result stands for three working days, then the award is confirmed and the contract drafted.

    An objection holds it up: who waits looks again an hour later.
    """
    award = await award_of(notice_id)
    if award is None:
        return
    if need.stream.random() < 0.01 and may_cancel:
        yield market.diary.later(clock.now(), 1, need.stream)
        await services.cancel_selection(need.buyer.identity, notice_id=notice_id, reason=words.CANCELLATION)
        return
    while award is not None and award.state == "announced":
        yield max(award.display_until, clock.now() + timedelta(hours=1))
        await services.confirm_award(notice_id)
        award = await award_of(notice_id)
    if award is not None:
        contract_id = await contracts.draft_from_award(award.award_id)
        player = market.people.player_of(award.agency_id)
        player.open_jobs += 1
        job = Job(need.number, need.item, award.project_title, need.buyer, player, contract_id, award.days, need.stream)
        market.enter(performs(market, job), market.diary.later(clock.now(), 1, need.stream))


# ---- the need
def _need(market: DemoMarket, number: int) -> Need | None:
    stream = market.chance("commission", number)
    buyer = stream.choice([one for key, one in market.people.buyers.items() if not key.startswith(SETTLED_CLIENT)])
    offered = {code for one in market.people.players.values() for code in one.agency.items}
    weights = world.fitting_items(buyer.client.sector_zh, sorted(offered))
    if not weights:
        return None
    item = market.items[world.pick(weights, 1, stream)[0]]
    value = world.worth(item.fee_min, item.fee_max, world.size_of_work(stream))
    public = buyer.client.fund_source.public_money
    method = SelectionMethod(weighted(stream, PUBLIC_METHODS if public else OWN_METHODS))
    if public and method is DIRECT and value > float(DIRECT_PUBLIC_CAP):
        method = LOWEST
    if method.value not in content.edition_in_force(clock.today()).methods(public=public):
        method = LOWEST
    days = item.promised_days + stream.randint(8, 20)
    return Need(number, buyer, item, value, days, method, stream)


async def _project(market: DemoMarket, need: Need) -> int:
    """A project the client has under way, or a new one."""
    client, stream = need.buyer.client, need.stream
    known = market.projects.setdefault(client.key, [])
    if known and stream.random() < 0.45:
        return known[-1]
    title = words.project_title(client.name_zh, client.sector_zh, stream)
    draft = ProjectDraft(
        title=title,
        location=f"新泰市{stream.choice(words.PLACES)}",
        description=f"{title}，建设内容和规模以项目备案或批复为准。",
        investment=Decimal(stream.randint(300, 9000) * 10_000),
        fund_source=client.fund_source,
    )
    receipt = await services.describe_project(need.buyer.identity, draft=draft)
    known.append(receipt.project_id)
    return receipt.project_id


# ---- the notice
async def _draft(market: DemoMarket, need: Need, now: datetime) -> NoticeDraft | None:
    stream, client = need.stream, need.buyer.client
    draft = NoticeDraft(
        item_code=need.item.code,
        method=need.method,
        fund_source=client.fund_source,
        scale=f"用地面积约 {stream.randint(2, 90)} 千平方米",
        requirements=stream.choice(words.REQUIREMENTS),
        payment_terms=stream.choice(words.PAYMENT_TERMS),
        ceiling=world.ceiling(need.value, stream),
        days_limit=need.days,
        deadline=_deadline(market, need, now),
        criteria=CRITERIA if need.method is PROPOSAL else Criteria(),
    )
    if need.method is not DIRECT:
        bid_bond, performance_bond = _bonds(market, need, draft.ceiling)
        return replace(draft, bid_bond=bid_bond, performance_bond=performance_bond)
    player = await _chosen(market, need)
    if player is None:
        return None
    agreed = world.price(player.agency.on(clock.today()), need.value, 0.5, stream).quantize(Decimal("0.01"))
    public = client.fund_source.public_money
    return replace(
        draft,
        ceiling=min(agreed, DIRECT_PUBLIC_CAP) if public else agreed,
        agency_id=player.agency_id,
        reason=stream.choice(words.DIRECT_REASONS),
        risk_acknowledged=True,
    )


def _bonds(market: DemoMarket, need: Need, ceiling: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Some notices ask for bonds, in whole hundreds of yuan within the caps of the edition in force."""
    stream, law = market.chance("bonds", need.number), content.edition_in_force(clock.today())
    share = Decimal(stream.choice(("0.05", "0.08")))
    bid = most(BondKind.BID, ceiling, law) if stream.random() < 0.2 else Decimal(0)
    performance = most(BondKind.PERFORMANCE, ceiling, law) if stream.random() < 0.2 else Decimal(0)
    return bid // 100 * 100 or None, min(performance, ceiling * share) // 100 * 100 or None


def _deadline(market: DemoMarket, need: Need, now: datetime) -> datetime:
    least = 3 if need.method is DIRECT else 6 if need.buyer.client.fund_source.public_money else 4
    day = market.diary.calendar.add(clock.shanghai(now).date(), least + need.stream.randint(0, 3))
    return market.diary.at(day, need.stream.choice((10, 15, 17)))


def _candidates(market: DemoMarket, need: Need) -> list[Player]:
    """Who offers the item and is on record today."""
    trade = need.item.profession
    return [one for one in market.people.recorded(trade) if need.item.code in one.agency.items]


async def _chosen(market: DemoMarket, need: Need) -> Player | None:
    """Whom a client turns to: by the published grade, and not to somebody overworked."""
    found = {one.agency.key: one for one in _candidates(market, need)}
    numbers = [one.agency_id for one in found.values()]
    known = await register.standings(numbers, Profession(need.item.profession), clock.today())
    weights = {
        key: world.attraction(known[one.agency_id].grade) * _leisure(one)
        for key, one in found.items()
        if _may_be_asked(need, known[one.agency_id].grade)
    }
    picked = world.pick(weights, 1, need.stream)
    return found[picked[0]] if picked else None


def _may_be_asked(need: Need, grade: CreditGrade) -> bool:
    public = need.buyer.client.fund_source.public_money
    return grade is not CreditGrade.D and not (public and grade is CreditGrade.C)


def _leisure(player: Player) -> float:
    return max(0.05, 1 - player.open_jobs / world.capacity(player.agency))


# ---- the bids
def _bidders(market: DemoMarket, need: Need) -> list[Player]:
    """Who is interested: some of those who offer the item, rather neighbours, rather those with idle hands."""
    found = {one.agency.key: one for one in _candidates(market, need)}
    weights = {key: _leisure(one) * _nearness(one, need) * _eagerness(key, need) for key, one in found.items()}
    public = need.buyer.client.fund_source.public_money
    count = need.stream.randint(4, 6) if public else need.stream.randint(2, 5)
    picked = world.pick(weights, count, need.stream)
    return [found[key] for key in picked if key != world.HOPEFUL or len(picked) > 2]


def _eagerness(key: str, need: Need) -> float:
    """One agency tries wherever price decides and others come, and nowhere else."""
    if key != world.HOPEFUL:
        return 1.0
    return 40.0 if need.method in {LOWEST, AVERAGE} else 0.0


def _nearness(player: Player, need: Need) -> float:
    here, there = need.buyer.client.region_code, player.agency.region_code
    return 1.0 if here == there else 0.9 if here[:4] == there[:4] else 0.7 if here[:2] == there[:2] else 0.5


async def _bid(market: DemoMarket, need: Need, notice_id: int, draft: NoticeDraft, player: Player) -> None:
    """One bid; an agency that finds that it may not bid leaves it at that."""
    stream = market.chance("bid", need.number, player.agency.key)
    offer = _offer(need, draft, player, stream)
    try:
        await services.submit_bid(player.identity, notice_id=notice_id, offer=offer)
        if stream.random() < 0.04:
            better = replace(offer, days=max(1, offer.days - 1))
            await services.replace_bid(player.identity, notice_id=notice_id, offer=better)
        elif stream.random() < 0.02:
            await services.withdraw_bid(player.identity, notice_id=notice_id)
    except NotEligible:
        return


def _offer(need: Need, draft: NoticeDraft, player: Player, stream: random.Random) -> Offer:
    busy = player.open_jobs / world.capacity(player.agency)
    amount = min(draft.ceiling, world.price(player.agency.on(clock.today()), need.value, busy, stream))
    days = max(1, draft.days_limit - stream.randint(0, 4))
    if player.agency.key == world.HOPEFUL:
        dear = Decimal(round(need.value * stream.uniform(1.03, 1.09)))
        amount = min(draft.ceiling, dear) if draft.method is LOWEST else draft.ceiling
    fixed = draft.method is DRAW
    return Offer(draft.ceiling if fixed else amount, days, stream.choice(words.PROPOSALS))
