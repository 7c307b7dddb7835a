"""What becomes of money that the platform keeps: a winner does not sign and loses its bond; a refund comes back from the
bank; an agency without an account at Stripe is paid by bank, and gives the money back when the payer's bank takes it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from core import clock
from core.identity import Role
from payments.queries import stripe as known
from payments.rules import PayableState
from payments.services import stripe
from payments.stripe_double import charging
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.payments import make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World, world

pytestmark = pytest.mark.anyio
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
WHY = "中选后无正当理由不签合同"


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        async for _ in acts.unattached():
            yield found


async def time_passes(there: World) -> None:
    for _ in range(3):
        await there.deliver()
        await stripe.sweep()


def slip(number: str, **more: str) -> dict[str, str]:
    return {"reference": number, "paid_on": clock.today().isoformat(), **more}


def paper() -> dict[str, Any]:
    return {"voucher": ("回单.pdf", PDF, "application/pdf")}


async def test_money_that_is_kept(there: World, browse: Browse) -> None:
    client, agency = await make.member(Role.CLIENT), await make.member(Role.AGENCY)
    owner, winner = await browse(client), await browse(agency)
    officer, operator = await browse(Role.MARKET_SUPERVISOR), await browse(Role.ADMINISTRATOR)

    # the winner does not sign: a part of the bond on its card is taken, and it reads why
    facts = {"kind": "bid-bond", "amount": "2000.00", "base": "100000.00", "title": "小区测绘 投标保证金"}
    bond = await make_payable(payer=agency, payee=client, **facts)
    await acts.pay(there, bond, hold=True)
    await there.deliver()
    here = f"/payments/{bond.payable_id}"
    taken = await owner.submit(f"{here}/capture", {"take_amount": "1500", "take_reason": WHY})
    assert taken.status_code == 303, taken.text
    await time_passes(there)
    assert WHY in (await winner.get(here)).text
    refused = await owner.submit(f"{here}/release", {"reason": "还是退还给他们"})
    assert "不能再解除" in refused.text
    assert await acts.state(bond) is PayableState.CAPTURED

    # after three working days it goes out; the client has no account at Stripe, so the operator pays by bank
    early = await operator.submit(f"{here}/bank-payout", slip("B1", amount="1500.00"), paper())
    assert (early.status_code, "监管部门" in early.text) == (409, True)
    with clock.at(clock.now() + timedelta(days=10)):
        later, holder = await browse(Role.ADMINISTRATOR), await browse(client)
        paid = await later.submit(f"{here}/bank-payout", slip("B1", amount="1500.00"), paper())
        assert paid.status_code == 303, paid.text
        assert (await holder.submit(f"{here}/confirm", {})).status_code == 303
    assert await acts.state(bond) is PayableState.CONFIRMED

    # a part of a fee is refunded, comes back, and is refunded again
    fee = await make_payable(payer=client, payee=agency, title="第二节点：成果提交")
    await acts.pay(there, fee)
    await there.deliver()
    here = f"/payments/{fee.payable_id}"
    await winner.submit(f"{here}/refund", {"back_amount": "600", "back_reason": "少做一个台班"})
    await time_passes(there)
    async with there.double.store.write() as book:
        (refund,) = await book.look("refund", "", {})
        await charging.fail_refund(book, refund, "expired_or_canceled_card")
    await time_passes(there)
    assert "退款被银行退回" in (await officer.get("/payments/desk")).text
    assert "收款卡已过期或注销" in (await owner.get(here)).text
    blocked = await operator.submit(f"{here}/bank-payout", slip("B2"), paper())
    assert "须先重新退给付款方" in blocked.text
    (failure,) = await known.refund_failures(fee.payable_id)
    assert (await officer.submit(f"{here}/refunds/{failure.id}", {})).status_code == 303
    await time_passes(there)

    # the rest goes out by bank; then the payer's bank takes it, and the agency gives it back
    paid = await operator.submit(f"{here}/bank-payout", slip("B2", amount="24000.00"), paper())
    assert paid.status_code == 303, paid.text
    (attempt,) = await known.attempts(fee.payable_id)
    async with there.double.store.write() as book:
        dispute = await charging.dispute(book, await book.find("charge", attempt.charge or ""), "product_not_received")
        await charging.decide(book, dispute, won=False)
    await time_passes(there)
    assert "拒付成立，钱还在收款方" in (await officer.get("/payments/desk")).text
    back = await operator.submit(f"{here}/bank-return", slip("B3", amount="24000"), paper())
    assert back.status_code == 303, back.text
    assert "没有需要处理的款项" in (await officer.get("/payments/desk")).text
    await acts.everything_fits(there)
