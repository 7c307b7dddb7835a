"""A fee paid on Stripe's page, an agency suspended meanwhile and paid out afterwards, a bond held and released, money given
back, and a disputed payment: as the people concerned do it, with our double in Stripe's place."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from agencies import services as agencies
from core import db
from core.identity import Role
from payments.rules import PayableState
from payments.services import stripe
from tests.conftest import Browse
from tests.factories import agencies as make_agencies
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import SITE, World, world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        yield found


async def time_passes(there: World) -> None:
    """Events arrive and the worker does what waits."""
    for _ in range(2):
        await there.deliver()
        await stripe.sweep()


async def pays(there: World, browse: Browse, made: MadePayable, button: str, *, hold: bool = False) -> str:
    """The payer presses the button, pays on the page that follows, and comes back; what that page says."""
    payer = await browse(made.payer)
    begun = await payer.submit(f"/payments/{made.payable_id}/stripe", {"hold": "on"} if hold else {})
    assert begun.status_code == 303, begun.text
    going = await payer.get(begun.headers["location"])
    done = await there.press(going.headers["refresh"].partition("url=")[2], button)
    back = await payer.get(done.headers["location"].removeprefix(SITE))
    text: str = back.text
    return text


async def test_money_moves_through_stripe(there: World, browse: Browse) -> None:
    agency = await make_agencies.make_agency()
    client, supervisor = await make.member(Role.CLIENT), await make.member(Role.MARKET_SUPERVISOR)
    fee = await make_payable(payer=client, payee=agency.member, kind="review-cost", title="青云路扩建工程 技术审查费用")

    # the agency opens an account at Stripe and is suspended before the money comes
    member = await browse(agency.member)
    begun = await member.submit("/my/payout-account", {"country": "HK"})
    going = await member.get(begun.headers["location"])
    await there.people.post(going.headers["refresh"].partition("url=")[2], data={"complete": "yes"})
    await agencies.suspend_agency(actor=supervisor, agency_id=agency.agency_id, reason="涉嫌出具虚假报告")
    assert "已收到 24,600.00 元" in await pays(there, browse, fee, "pm_alipay")
    await time_passes(there)
    assert await acts.state(fee) is PayableState.CAPTURED, "nothing goes to a suspended agency"
    await agencies.resume_agency(actor=supervisor, agency_id=agency.agency_id, reason="查无此事")
    await time_passes(there)
    assert await acts.state(fee) is PayableState.PAID_OUT
    confirmed = await member.submit(f"/payments/{fee.payable_id}/confirm", {})
    assert confirmed.status_code == 303, confirmed.text
    assert await acts.state(fee) is PayableState.CONFIRMED

    # a bond only held, and released by whoever holds it
    bond = await make_payable(
        payer=agency.member, payee=client, kind="bid-bond", key="990001", amount="2000.00", base="100000.00"
    )
    assert "已在银行卡上冻结" in await pays(there, browse, bond, "pm_card_visa", hold=True)
    owner = await browse(client)
    released = await owner.submit(f"/payments/{bond.payable_id}/release", {"reason": "已定标，予以退还"})
    assert released.status_code == 303, released.text
    await time_passes(there)
    assert await acts.state(bond) is PayableState.RELEASED

    # a part of another fee goes back; a third one is disputed and won
    back = await make_payable(payer=client, payee=await make.member(Role.AGENCY), kind="review-cost", amount="8800.00")
    await pays(there, browse, back, "pm_wechat_pay")
    payee = await browse(back.payee)
    ordered = await payee.submit(
        f"/payments/{back.payable_id}/refund", {"back_amount": "800.00", "back_reason": "少测一个地块，双方同意"}
    )
    assert ordered.status_code == 303, ordered.text
    disputed = await make_payable(payer=client, payee=back.payee, kind="review-cost", amount="1200.00")
    await pays(there, browse, disputed, "pm_card_createDispute")
    await time_passes(there)
    assert (await acts.payable(back)).refunded == 800
    assert await acts.state(disputed) is PayableState.DISPUTED
    dispute_id = await db.value("select id from payments_stripe_dispute")
    answered = await payee.submit(
        f"/payments/{disputed.payable_id}/disputes/{dispute_id}", {f"case{dispute_id}_reason": "winning_evidence"}
    )
    assert answered.status_code == 303, answered.text
    await time_passes(there)
    assert await acts.state(disputed) is PayableState.CAPTURED

    # whoever watches payments compares the books: every line, and the balance to the cent
    watcher = await browse(supervisor)
    compared = await watcher.submit("/payments/stripe/reconcile", {})
    assert compared.status_code == 303
    report = await stripe.reconcile()
    assert report.clean, report.differences
    assert report.lines == report.matched == 7
    await acts.everything_fits(there)
