"""After the opening: a short list is picked from, a panel scores proposals, a very low price is explained."""

from decimal import Decimal

from core import clock, db
from core.identity import Identity
from market import services
from market.queries.low_price import open_check
from market.queries.notices import NoticeRow, notice, opened_bids
from market.queries.panels import hidden_names, panel_view, seats_of
from market.rules.eligibility import NotEligible
from market.rules.notices import NoticeState
from market.rules.panel import Criteria, Question
from portal.demo import words
from portal.demo.market import DemoMarket, Need
from portal.demo.people import NEWCOMER
from portal.demo.stage import Process

CRITERIA = Criteria(
    (
        Question("Q1", "技术路线和质量控制是否切合本项目", 30, Decimal("12.00")),
        Question("Q2", "投入人员的资格和经验", 20, Decimal("8.00")),
        Question("Q3", "进度安排和配合承诺", 20, Decimal("8.00")),
    ),
    price_weight=30,
)
SEATS = 3


async def names_panel(market: DemoMarket, need: Need, notice_id: int) -> None:
    """Three experts of the list, drawn."""
    experts = [one for expert, one in market.people.reviewers.values() if expert.login != NEWCOMER.login]
    chosen = need.stream.sample(experts, SEATS)
    await services.name_panel(need.buyer.identity, notice_id=notice_id, accounts=[one.account_id for one in chosen])


async def chooses(market: DemoMarket, need: Need, notice_id: int) -> Process:
    """Whatever a person must still do before somebody is chosen."""
    while True:
        row = await notice(notice_id, need.buyer.identity)
        if row.held_until is not None and row.clock.held:
            yield market.diary.later(clock.now(), 0, need.stream)
            await _explains(market, need, row)
        elif row.state is NoticeState.SHORTLISTED:
            yield market.turn(need.buyer.identity, market.diary.later(clock.now(), 1, need.stream))
            await _picks(need, row)
        elif row.state is NoticeState.ASSESSING:
            yield market.diary.later(clock.now(), 2, need.stream)
            await _assesses(market, need, row)
        else:
            return


async def _explains(market: DemoMarket, need: Need, row: NoticeRow) -> None:
    """The agency says why its price can be so low; the client mostly believes it."""
    if clock.now() >= (row.held_until or row.deadline):
        await services.lapse_price(row.id)
        return
    check = await open_check(row.id)
    if check is None:
        return
    agency = market.people.player_of(check.agency_id).identity
    if check.justified_at is None:
        await services.justify_price(agency, notice_id=row.id, words=words.LOW_PRICE_WORDS)
    accept = need.stream.random() < 0.7
    said = words.LOW_PRICE_ACCEPTED if accept else words.LOW_PRICE_REJECTED
    await services.decide_price(need.buyer.identity, notice_id=row.id, accept=accept, words=said)


async def _picks(need: Need, row: NoticeRow) -> None:
    """The owner takes one of the short list, the first drawn rather than another."""
    if clock.now() >= (row.decide_by or row.deadline):
        await services.pick_overdue(row.id)
        return
    listed = [bid for bid in await opened_bids(row.id) if bid.shortlisted]
    chosen = listed[0] if need.stream.random() < 0.6 else need.stream.choice(listed)
    for bid in (chosen, *(one for one in listed if one is not chosen)):
        try:
            await services.pick_agency(
                need.buyer.identity,
                notice_id=row.id,
                agency_id=bid.agency_id,
                reason=words.PICK_REASON,
                risk_acknowledged=True,
            )
        except NotEligible:  # it has taken an incompatible service of the project since it bid
            continue
        return


async def _assesses(market: DemoMarket, need: Need, row: NoticeRow) -> None:
    """Every member declares, scores and submits; the chair records what they agree on, and signs."""
    by_account = {one.account_id: one for _, one in market.people.reviewers.values()}
    members = [by_account[seat.account_id] for seat in await seats_of(row.id)]
    for member in members:
        await services.declare_no_tie(member, notice_id=row.id)
        await _scores(need, row, member)
    chair = members[0]
    view = await panel_view(row, chair)
    for name, code in view.open_points:
        points = sorted(each for _, each in view.everybody[name, code])[len(members) // 2]
        await services.record_consensus(
            chair, notice_id=row.id, proposal=name, question=code, points=points, reason=words.CONSENSUS_REASON
        )
    await services.sign_assessment(chair, notice_id=row.id)


async def _scores(need: Need, row: NoticeRow, member: Identity) -> None:
    marks = {
        (name, question.code): Decimal(round(question.weight * need.stream.uniform(0.55, 0.95)))
        for name in await _in_order_of_bids(row.id)
        for question in row.questions.questions
    }
    await services.save_scores(member, notice_id=row.id, marks=marks, submit=True)


async def _in_order_of_bids(notice_id: int) -> list[str]:
    """The hidden names by bid: their own order hangs on this installation's key, and the play on its seed alone."""
    entered = await db.rows("select id from market_bid where notice = $1 and state = 'entered' order by id", notice_id)
    ids = [row["id"] for row in entered]
    names = hidden_names(notice_id, ids)
    return [names[one] for one in ids]
