"""An agency under suspicion: a client has paid online, the supervisor suspends the agency on its page, the money stays with
the platform and everybody reads why; the suspicion proves unfounded, and the money goes on by itself."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from core import db
from core.identity import Role
from payments.rules import PayableState
from payments.services import stripe
from tests.conftest import Browse
from tests.factories import agencies as make_agencies
from tests.factories import core as make
from tests.factories.payments import make_payable
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World, world

pytestmark = pytest.mark.anyio
REASON = "涉嫌出具虚假测绘报告，正在核查"


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        yield found


async def time_passes(there: World) -> None:
    """Events arrive and the worker does what waits."""
    for _ in range(2):
        await there.deliver()
        await stripe.sweep()


async def test_a_suspended_agency_is_paid_only_once_it_may_work_again(there: World, browse: Browse) -> None:
    agency, client = await make_agencies.make_agency(), await make.member(Role.CLIENT)
    fee = await make_payable(payer=client, payee=agency.member, kind="review-cost", title="青云路扩建工程 技术审查费用")
    await acts.ready_payee(there, fee)
    supervisor = await browse(Role.MARKET_SUPERVISOR)
    page = f"/agencies/{agency.agency_id}"

    # the client has paid on Stripe's page when the supervisor suspends the agency; the transfer was still to come
    await acts.pay(there, fee, "pm_alipay")
    stopped = await supervisor.submit(f"{page}/suspend", {"reason": REASON})
    assert stopped.status_code == 303, stopped.text
    await time_passes(there)
    assert await acts.state(fee) is PayableState.CAPTURED, "nothing goes to a suspended agency"

    # both parties read on the payable where the money is and why; the public reads it on the agency's page and in the list
    for party in (client, agency.member):
        shown = await (await browse(party)).get(f"/payments/{fee.payable_id}")
        assert REASON in shown.text
        assert "款项留在托管中" in shown.text
    visitor = await browse()
    assert REASON in (await visitor.get(page)).text
    assert "暂停业务中" in (await visitor.get("/agencies?profession=surveying")).text
    desk = await (await browse(agency.member)).get("/desk")
    assert "看原因和申诉途径" in desk.text

    # nothing was found: the supervisor lifts it, and the money goes on by itself
    lifted = await supervisor.submit(f"{page}/resume", {"reason": "核查完毕，没有发现虚假报告"})
    assert lifted.status_code == 303, lifted.text
    await time_passes(there)
    assert await acts.state(fee) is PayableState.PAID_OUT
    told = await db.rows("select distinct message from core_mail where message like 'agencies/%' order by 1")
    assert [row["message"] for row in told if "filing" not in row["message"]] == [
        "agencies/resumed",
        "agencies/suspended",
    ]
    await acts.everything_fits(there)
