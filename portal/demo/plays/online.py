"""Some pay through Stripe's double: fees by card, Alipay or WeChat Pay, bonds held on a card; and what may become of it."""

import random
from decimal import Decimal

from core import clock, db
from core.identity import Identity
from core.money import half_up
from payments import queries, services
from payments.queries import PayableRow
from payments.queries import stripe as known
from payments.rules import BONDS, PayableKind, PayableState
from payments.rules.ledger import fen
from payments.rules.stripe import MOST_FEN
from payments.services import stripe
from payments.services.stripe.payees import onboarding_page
from payments.stripe_double.stage import StripeStage
from portal.demo import words
from portal.demo.chances import weighted
from portal.demo.market import DemoMarket, Job
from portal.demo.people import Player
from portal.demo.stage import Process

SHARE_OF_FEES, SHARE_OF_BONDS = 0.12, 0.3
WAYS = (("pm_card_visa", 3.0), ("pm_card_authenticationRequired", 1.0), ("pm_alipay", 3.0), ("pm_wechat_pay", 3.0))
DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"
HOLD_DAYS = 8
STORIES = {3: "refund", 6: "won", 9: "lost", 12: "reversed"}
"""What becomes of the third, sixth … fee that is paid online; the others are simply passed on to the payee."""


def pays_online(market: DemoMarket, row: PayableRow) -> bool:
    """Whether this payer goes to Stripe's page: from a stream of its own, so that everybody else goes on as they would."""
    if market.stripe is None or fen(row.amount) > MOST_FEN or row.kind == PayableKind.BOND_RETURN:
        return False
    share = SHARE_OF_BONDS if row.kind in BONDS else SHARE_OF_FEES
    return market.chance("online", row.number).random() < share


async def fee_is_paid(market: DemoMarket, job: Job, payable_id: int) -> Process:
    """Paid on Stripe's page, kept by the platform, passed on to the agency's account, confirmed by the agency."""
    there, stream, diary = _stage(market), market.chance("online-fee", payable_id), market.diary
    payer, payee = job.buyer.identity, job.player.identity
    yield (now := market.turn(payer, diary.later(clock.now(), stream.randint(1, 6), stream)))
    while (await queries.payable(payable_id, payer)).on_hold:
        yield (now := diary.later(now, 2, stream))
    story = await _paid(market, job, payable_id, stream)
    if story in {"won", "lost"}:
        yield (now := diary.later(now, 3, stream))
        (dispute,) = await known.disputes(payable_id)
        evidence = f"{words.EVIDENCE}（{'winning' if story == 'won' else 'losing'}_evidence）"
        await stripe.answer_dispute(actor=payee, dispute_id=dispute.id, text=evidence)
        await there.settle()
    yield (now := market.turn(payee, diary.later(now, stream.randint(1, 3), stream)))
    await _account(market, job.player)
    await there.settle()
    paid_out = (await queries.payable(payable_id, payee)).state is PayableState.PAID_OUT
    if story == "reversed" and paid_out:
        await _sent_again(market, payable_id)
    if paid_out:
        yield market.turn(payee, diary.later(now, stream.randint(1, 4), stream))
        if (await queries.payable(payable_id, payee)).state is PayableState.PAID_OUT:  # not taken back meanwhile
            await services.confirm_receipt(actor=payee, payable_id=payable_id)


async def _paid(market: DemoMarket, job: Job, payable_id: int, stream: random.Random) -> str:
    """The moment on Stripe's page, and what is decided on the same day; what kind of story it is."""
    there, payer, payee = _stage(market), job.buyer.identity, job.player.identity
    market.paid_online += 1
    market.fees_online += 1
    story = STORIES.get(market.fees_online, "")
    begun = await stripe.start_payment(actor=payer, payable_id=payable_id)
    page = await stripe.page_for(begun.attempt_id)
    if stream.random() < 0.15:
        await there.press(page.url, DECLINED)
    method = "pm_card_createDispute" if story in {"won", "lost"} else weighted(stream, WAYS)
    await there.press(page.url, method)
    if method == "pm_card_authenticationRequired":
        await there.press(page.url, method, passed=True)
    await there.double.courier.deliver_all()
    if story == "refund":
        amount = half_up((await queries.payable(payable_id, payee)).amount / Decimal(10))
        await stripe.refund(actor=payee, payable_id=payable_id, amount=amount, reason=words.REFUND)
    await there.settle()
    return story


async def _account(market: DemoMarket, player: Player) -> None:
    """The agency opens an account to be paid on, the first time."""
    found = await known.payee_of(player.identity.organization_id)
    if found is None:
        await stripe.open_account(actor=player.identity, country="HK")
        await _stage(market).fill_in(await onboarding_page(actor=player.identity))


async def _sent_again(market: DemoMarket, payable_id: int) -> None:
    """A payout is taken back because a case is looked into, and sent again when nothing was found."""
    supervisor = market.people.supervisor
    await stripe.reverse_payout(actor=supervisor, payable_id=payable_id, reason=words.HOLD)
    await _stage(market).settle()
    await services.lift_hold(actor=supervisor, payable_id=payable_id, reason=words.LET_GO)
    await _stage(market).settle()


async def bond_is_paid(market: DemoMarket, row: PayableRow, payer: Identity) -> None:
    """A bid bond is held on a card, which lasts a week; a performance bond, which has to last, is paid."""
    begun = await stripe.start_payment(actor=payer, payable_id=row.id, hold=row.kind == PayableKind.BID_BOND)
    await _stage(market).press((await stripe.page_for(begun.attempt_id)).url, "pm_card_visa")
    await _stage(market).settle()
    market.paid_online += 1


async def one_stays_disputed(market: DemoMarket) -> Process:
    """When the curtain falls a payer's bank has just taken one payment back: payee and operator have to answer."""
    found = await db.row(
        "select a.charge from payments_stripe_attempt a join payments_payable p on p.id = a.payable"
        " where a.state = 'paid' and p.state in ('paid-out', 'confirmed') and p.refunded = 0 order by a.id desc limit 1"
    )
    if found is not None:
        await _stage(market).dispute(found["charge"], "product_not_received")
        await _stage(market).settle()
    yield market.ends_at


async def nightly(market: DemoMarket) -> None:
    """What the worker does all day: holds that run out, bonds released meanwhile."""
    if market.stripe is not None and market.paid_online and await stripe.sweep():
        await market.stripe.settle()


def _stage(market: DemoMarket) -> StripeStage:
    assert market.stripe is not None
    return market.stripe
