"""Most of what is owed is paid by bank transfer with a voucher, and the payee confirms that it arrived: fees and bonds."""

import random
from decimal import Decimal

from core import clock
from core.clock import shanghai
from core.identity import Identity
from payments import queries, services
from payments.queries import PayableRow
from payments.rules import PayableKind, PayableState
from payments.services import InvoiceDraft, VoucherDraft
from portal.demo import papers, words
from portal.demo.market import DemoMarket, Job
from portal.demo.people import Buyer, Player
from portal.demo.plays import online
from portal.demo.stage import Process

BONDS = (PayableKind.BID_BOND, PayableKind.PERFORMANCE_BOND, PayableKind.BOND_RETURN)


async def is_paid(market: DemoMarket, job: Job, payable_id: int) -> Process:
    """Most pay within ten working days; now and then a transfer does not arrive at first."""
    stream, diary = market.chance("payment", job.number, payable_id), market.diary
    if online.pays_online(market, await queries.payable(payable_id, job.buyer.identity)):
        async for moment in online.fee_is_paid(market, job, payable_id):
            yield moment
        known = await queries.payable(payable_id, job.player.identity)
        if known.state is PayableState.CONFIRMED:
            await _invoice(job.player.identity, payable_id, stream)
        return
    late = stream.random() < 0.12
    days = stream.randint(11, 25) if late else stream.randint(1, 9)
    yield (now := market.turn(job.buyer.identity, diary.later(clock.now(), days, stream)))
    while (await queries.payable(payable_id, job.buyer.identity)).on_hold:
        yield (now := diary.later(now, 2, stream))
    await _pay(job.buyer.identity, payable_id, f"{job.title}{job.item.name_zh}", f"{job.number:05d}", stream)
    yield (now := market.turn(job.player.identity, diary.later(now, stream.randint(1, 4), stream)))
    if stream.random() < 0.02:
        await services.contest(actor=job.player.identity, payable_id=payable_id, reason=words.CONTEST)
        yield (now := diary.later(now, 2, stream))
        await _pay(job.buyer.identity, payable_id, f"{job.title}{job.item.name_zh}", f"{job.number:05d}", stream)
        yield (now := diary.later(now, 2, stream))
    await services.confirm_receipt(actor=job.player.identity, payable_id=payable_id)
    if stream.random() < 0.8:
        yield diary.later(now, 1, stream)
        await _invoice(job.player.identity, payable_id, stream)


async def bonds_are_paid(market: DemoMarket) -> None:
    """Whoever was asked for a bond, or owes one back, begins to think of it; called every night."""
    for row in await queries.payables_after(market.last_payable, BONDS):
        market.last_payable = row.id
        market.enter(_bond_is_paid(market, row), clock.now())


async def _bond_is_paid(market: DemoMarket, row: PayableRow) -> Process:
    """A bond is paid within a few days; it may be cancelled meanwhile, because it is no longer needed."""
    payer, payee = _actor(market, row.payer_id), _actor(market, row.payee_id)
    if payer is None or payee is None:
        return
    stream, diary = market.chance("bond", row.number), market.diary
    yield (now := market.turn(payer, diary.later(clock.now(), stream.randint(1, 3), stream)))
    known = await queries.payable(row.id, payer)
    if not known.payer_turn:
        return
    if online.pays_online(market, row):
        await online.bond_is_paid(market, row, payer)
        yield (now := market.turn(payer, diary.later(now, online.HOLD_DAYS, stream)))
        if not (await queries.payable(row.id, payer)).payer_turn:
            return  # otherwise the hold has run out: now by bank
    await _pay(payer, row.id, row.title, f"{row.id:06d}", stream)
    yield market.turn(payee, diary.later(now, stream.randint(1, 2), stream))
    await services.confirm_receipt(actor=payee, payable_id=row.id)


async def some_are_held(market: DemoMarket) -> Process:
    """The supervisor stops a payment now and then to look into it, and lets most of them go again."""
    stream = market.chance("holds")
    moment = market.diary.later(clock.now(), 1, stream)
    while True:
        yield moment
        rows = await queries.payables_after(0, [PayableKind.MILESTONE])
        waiting = [row for row in rows if row.state is PayableState.DUE and not row.on_hold]
        if waiting:
            chosen = stream.choice(waiting)
            await services.place_hold(actor=market.people.supervisor, payable_id=chosen.id, reason=words.HOLD)
            yield (moment := market.diary.later(moment, stream.randint(3, 6), stream))
            await services.lift_hold(actor=market.people.supervisor, payable_id=chosen.id, reason=words.LET_GO)
        moment = market.diary.later(moment, stream.randint(15, 40), stream)


async def one_stays_held(market: DemoMarket) -> Process:
    """When the curtain falls the supervisor is still looking into one payment."""
    rows = await queries.payables_after(0, [PayableKind.MILESTONE])
    waiting = [row for row in rows if row.state is PayableState.DUE and not row.on_hold]
    if waiting:
        chosen = market.chance("last-hold").choice(waiting)
        await services.place_hold(actor=market.people.supervisor, payable_id=chosen.id, reason=words.HOLD)
    yield market.ends_at


def _actor(market: DemoMarket, organization_id: int) -> Identity | None:
    people: list[Buyer | Player] = [*market.people.buyers.values(), *market.people.players.values()]
    return next((one.identity for one in people if one.identity.organization_id == organization_id), None)


async def _pay(payer: Identity, payable_id: int, purpose: str, number: str, stream: random.Random) -> None:
    row = await queries.payable(payable_id, payer)
    today = shanghai(clock.now()).date()
    reference = f"YS{today:%Y%m%d}{number}{stream.randint(100, 999)}"
    lines = [
        f"付款人：{row.payer_zh}",
        f"收款人：{row.payee_zh}",
        f"用途：{purpose}",
        f"交易日期：{today.isoformat()}　流水号：{reference}",
        "本回单为演示市场生成，没有发生真实付款。",
    ]
    draft = VoucherDraft(reference, today, papers.scan("银行电子回单", lines))
    await services.submit_voucher(actor=payer, payable_id=payable_id, draft=draft)


async def _invoice(payee: Identity, payable_id: int, stream: random.Random) -> None:
    row = await queries.payable(payable_id, payee)
    today = shanghai(clock.now()).date()
    number = f"{today:%y}37{payable_id:06d}{stream.randrange(10**10):010d}"
    lines = [
        f"销售方：{row.payee_zh}",
        f"购买方：{row.payer_zh}",
        f"价税合计：{row.amount:,.2f} 元　发票号码：{number}",
        "本发票为演示市场生成，不是税务发票。",
    ]
    draft = InvoiceDraft(number, today, Decimal(row.amount), papers.scan("数电发票", lines))
    await services.record_invoice(actor=payee, payable_id=payable_id, draft=draft)
