"""A client keeps the bond of the agency it chose; the agency says on the page why that is wrong; a supervisor stops the
payout and gives the bond back."""

from datetime import timedelta

import pytest

from core import clock
from core.identity import Role
from payments.rules import PayableState
from tests.conftest import Browse
from tests.factories import core as make
from tests.factories.payments import make_bond
from tests.payments import stripe_acts as acts
from tests.payments.conftest import there
from tests.payments.stripe_world import World

__all__ = ["there"]
pytestmark = pytest.mark.anyio


async def test_an_agency_gets_its_bond_back(there: World, browse: Browse) -> None:
    supervisor = await make.member(Role.MARKET_SUPERVISOR)
    bond = await acts.kept(there, await make_bond(), ready=True)
    client, agency, regulator = await browse(bond.payee), await browse(bond.payer), await browse(supervisor)
    here = f"/payments/{bond.payable_id}"

    # the client decides that it keeps the bond; the agency reads why and objects
    kept = {"keep_amount": "2000", "keep_reason": "中选后无正当理由不签合同"}
    assert (await client.submit(f"{here}/forfeit", kept)).status_code == 303
    assert "可在划付之前在本页提出" in (await agency.get(here)).text
    words = "业主在公示后改了付款条件，所以未签，附往来邮件"
    assert (await agency.submit(f"{here}/objection", {"objection": words})).status_code == 303

    # two weeks later nothing has been paid out, and it is the first thing on the supervisor's desk
    with clock.at(clock.now() + timedelta(days=14)):
        await acts.settle_down(there)
        client, agency, regulator = await browse(bond.payee), await browse(bond.payer), await browse(supervisor)
        assert "答复之前不划付" in (await client.get(here)).text
        assert "保证金异议" in (await regulator.get("/desk")).text
        assert words in (await regulator.get(here)).text

        # the supervisor finds for the agency: the payout is stopped, and the bond goes back the way it came
        answer = {"result": "stop", "answer": "条件确有改动，未签约有正当理由"}
        assert (await regulator.submit(f"{here}/objection/answer", answer)).status_code == 303
        assert "异议有理" in (await agency.get(here)).text
        back = {"back_amount": "2000", "back_reason": "异议有理，退还缴存方"}
        assert (await regulator.submit(f"{here}/refund", back)).status_code == 303
        await acts.settle_down(there)
        assert "保证金异议" not in (await regulator.get("/desk")).text
    assert await acts.state(bond) is PayableState.REFUNDED
    await acts.everything_fits(there)
