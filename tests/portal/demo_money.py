"""What the demo market must hold of money: all ways to pay, and books that agree with the double's to the cent."""

from core import db
from core.db import ENGINE
from payments import queries
from payments.queries import stripe as known
from payments.services import stripe
from payments.services.stripe.reconciling import provider_balance
from payments.stripe_double.stage import on_stage


async def check_money(owner_url: str) -> None:
    """It pays by bank and online, through the double that its server mounts: audit and comparison are clean."""
    kinds = {row["kind"] for row in await db.rows("select distinct kind from payments_stripe_line")}
    assert kinds >= {"charge", "refund", "transfer", "transfer_refund", "adjustment"}
    ways = {
        row["way"] for row in await db.rows("select distinct way from payments_stripe_attempt where state = 'paid'")
    }
    assert ways == {"card", "alipay", "wechat_pay"}
    acts = {row["act"] for row in await db.rows("select distinct act from core_trail_entry where act like 'payable.%'")}
    assert acts >= {"payable.authorised", "payable.hold-ended", "payable.dispute-won", "payable.dispute-lost"}
    assert [one.open for one in await known.disputes()].count(True) == 1, "one case waits for an answer"
    assert (
        await db.value("select count(*) from payments_stripe_event where state <> 'applied' and state <> 'ignored'")
        == 0
    )

    audited = await queries.audit()
    assert audited.sound, audited.findings
    async with on_stage(ENGINE.config["dsn"], owner_url) as there, there.double.store.read() as book:
        assert await provider_balance("hkd") == (await book.balance(""))["hkd"] != 0
        compared = await stripe.reconcile()
    assert (compared.clean, compared.differences) == (True, []), compared
    assert compared.matched == compared.lines > 0
