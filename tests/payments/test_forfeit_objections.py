"""Whoever lodged a bond objects to its forfeiture; nothing is paid out before the regulator has answered."""

import asyncio
import secrets
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from core import clock, db
from core.errors import Forbidden
from core.identity import Identity, Role
from payments import queries, services
from payments.queries.custody import forfeit_objection
from payments.rules import PayableNotFound, PayableState
from payments.rules.custody import (
    ForfeitContested,
    NoOpenObjection,
    NothingToObject,
    ObjectedAlready,
    ObjectionResult,
    OwnDecision,
)
from payments.services import stripe
from payments.services.moving import locked
from tests.conftest import Browse, Browser
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_bond, pay
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

pytestmark = pytest.mark.anyio
WHY = "中选后无正当理由不签合同"
WORDS = "合同未签是业主改了付款条件，附往来邮件"
AFTER = timedelta(days=14)
ALL = Decimal("2000.00")


async def officer() -> Identity:
    return await make.member(Role.MARKET_SUPERVISOR)


async def forfeited(there: World, by: Identity | None = None) -> MadePayable:
    """A bond that the platform keeps, all of it forfeited."""
    made = await acts.kept(there, await make_bond(), ready=True)
    await services.forfeit_bond(actor=by or made.payee, payable_id=made.payable_id, amount=ALL, reason=WHY)
    return made


async def objected(there: World) -> MadePayable:
    made = await forfeited(there)
    await services.object_to_forfeit(actor=made.payer, payable_id=made.payable_id, words=WORDS)
    return made


async def kind_of_desk(who: Identity) -> list[bool]:
    """Whether each line about an objection is one's own to do."""
    return [one.mine for one in await queries.desk_items(who, clock.now()) if one.kind == "保证金异议"]


async def test_nothing_is_paid_out_before_the_answer_and_everything_after_it(there: World) -> None:
    supervisor = await officer()
    made = await objected(there)
    with clock.at(clock.now() + AFTER):
        with pytest.raises(ForfeitContested):
            await services.check_payout(await locked(made.payable_id))
        await acts.settle_down(there)
        assert await acts.state(made) is PayableState.CAPTURED
        assert (await kind_of_desk(supervisor), await kind_of_desk(made.payer)) == ([True], [False])
        assert await kind_of_desk(made.payee) == []
        await services.answer_objection(
            actor=supervisor, payable_id=made.payable_id, result=ObjectionResult.DISMISS, answer="未提供证据，不成立"
        )
        assert (await kind_of_desk(supervisor), await kind_of_desk(made.payer)) == ([], [])
        await acts.settle_down(there)
    assert await acts.state(made) is PayableState.PAID_OUT
    assert await acts.letters("forfeit_objected") == 2, "the holder and the supervisor"
    assert await acts.letters("forfeit_objection_dismissed") == 2
    await acts.everything_fits(there)


async def test_upheld_it_is_on_hold_and_goes_back(there: World) -> None:
    supervisor = await officer()
    made = await objected(there)
    await services.answer_objection(
        actor=supervisor, payable_id=made.payable_id, result=ObjectionResult.STOP, answer="业主改了条件，属实"
    )
    row = await acts.payable(made)
    assert (row.on_hold, row.hold_reason) == (True, "业主改了条件，属实")
    await stripe.refund(actor=supervisor, payable_id=made.payable_id, amount=ALL, reason="异议有理，退还缴存方")
    with clock.at(clock.now() + AFTER):
        await acts.settle_down(there)
    assert await acts.state(made) is PayableState.REFUNDED
    acts_on_it = await db.rows("select act from core_trail_entry where subject = $1", f"payable:{made.payable_id}")
    names = [one["act"] for one in acts_on_it]
    assert {"payable.forfeit-objected", "payable.forfeit-objection-upheld", "payable.held"} <= set(names)
    await acts.everything_fits(there)


async def test_who_may_object_and_who_may_answer(there: World) -> None:
    supervisor, other = await officer(), await officer()
    made = await forfeited(there, by=supervisor)
    for nobody in (made.payee, await make.member(Role.AGENCY)):
        with pytest.raises(PayableNotFound):
            await services.object_to_forfeit(actor=nobody, payable_id=made.payable_id, words=WORDS)
    answer = {"payable_id": made.payable_id, "result": ObjectionResult.DISMISS, "answer": "未提供证据"}
    with pytest.raises(NoOpenObjection):
        await services.answer_objection(actor=other, **answer)
    await services.object_to_forfeit(actor=made.payer, payable_id=made.payable_id, words=WORDS)
    with pytest.raises(Forbidden):
        await services.answer_objection(actor=made.payee, **answer)
    with pytest.raises(OwnDecision):
        await services.answer_objection(actor=supervisor, **answer)
    assert (await kind_of_desk(supervisor), await kind_of_desk(other)) == ([False], [True])
    await services.answer_objection(actor=other, **answer)
    with pytest.raises(NoOpenObjection):
        await services.answer_objection(actor=other, **answer)
    with pytest.raises(ObjectedAlready):
        await services.object_to_forfeit(actor=made.payer, payable_id=made.payable_id, words=WORDS)


async def test_there_has_to_be_something_to_object_to(there: World) -> None:
    made = await acts.kept(there, await make_bond(), ready=True)
    objection = {"actor": made.payer, "payable_id": made.payable_id, "words": WORDS}
    with pytest.raises(NothingToObject):
        await services.object_to_forfeit(**objection)
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=ALL, reason=WHY)
    with clock.at(clock.now() + AFTER):
        await stripe.order_payout(payable_id=made.payable_id)
        with pytest.raises(NothingToObject):  # it is on its way
            await services.object_to_forfeit(**objection)
        await acts.settle_down(there)
        with pytest.raises(NothingToObject):
            await services.object_to_forfeit(**objection)
    held = await make_bond()
    await pay(held)
    await services.forfeit_bond(actor=held.payee, payable_id=held.payable_id, amount=ALL, reason=WHY)
    with pytest.raises(NothingToObject):  # paid to the holder by bank
        await services.object_to_forfeit(actor=held.payer, payable_id=held.payable_id, words=WORDS)


async def test_two_colleagues_at_once_object_once(there: World) -> None:
    made = await forfeited(there)
    results = await asyncio.gather(
        *(services.object_to_forfeit(actor=made.payer, payable_id=made.payable_id, words=WORDS) for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ObjectedAlready) for one in results) == 2, results


async def test_a_forfeiture_that_fell_takes_its_objection_along(there: World) -> None:
    supervisor = await officer()
    made = await acts.kept(there, await make_bond(), hold=True)
    await services.forfeit_bond(actor=made.payee, payable_id=made.payable_id, amount=ALL, reason=WHY)
    await services.object_to_forfeit(actor=made.payer, payable_id=made.payable_id, words=WORDS)
    await db.execute("update payments_stripe_order set state = 'refused'")
    await stripe.sweep()
    assert await forfeit_objection(made.payable_id) is None
    assert await kind_of_desk(supervisor) == []


async def test_the_page_keeps_what_was_typed_and_shows_each_what_is_theirs(there: World, browse: Browse) -> None:
    made, supervisor = await forfeited(there), await officer()
    payer, payee, regulator = await browse(made.payer), await browse(made.payee), await browse(supervisor)
    path = f"/payments/{made.payable_id}"
    assert "对不予退还有异议" in (await payer.get(path)).text
    assert "对不予退还有异议" not in (await payee.get(path)).text
    short = await payer.submit(f"{path}/objection", {"objection": "口说"})
    assert (short.status_code, "口说</textarea>" in short.text) == (422, True)
    assert (await payer.submit(f"{path}/objection", {"objection": WORDS})).status_code == 303
    assert "对不予退还有异议" not in (await payer.get(path)).text
    assert WORDS in (await payee.get(path)).text
    open_page = await regulator.get(path)
    assert "答复异议" in open_page.text
    assert "答复异议" not in (await payer.get(path)).text
    unsaid = await regulator.submit(f"{path}/objection/answer", {"answer": "查清再说"})
    assert (unsaid.status_code, "查清再说</textarea>" in unsaid.text) == (422, True)
    assert (await payer.submit(f"{path}/objection/answer", {"result": "stop", "answer": "自己答复"})).status_code == 403
    done = await regulator.submit(f"{path}/objection/answer", {"result": "stop", "answer": "业主改了条件，属实"})
    assert done.status_code == 303, done.text
    page = (await (await browse(made.payer, lang="en")).get(path)).text
    assert "The regulator upheld the objection" in page


async def test_the_same_by_program(there: World, browse: Browse) -> None:
    made, supervisor = await forfeited(there), await officer()
    payer, regulator = await browse(made.payer), await browse(supervisor)
    here = f"/api/v1/payables/{made.payable_id}"

    async def call(who: Browser, place: str, **body: str) -> httpx.Response:
        headers = {"Idempotency-Key": secrets.token_hex(8), "X-CSRF-Token": who.guard()["_csrf"]}
        return await who.post(here + place, json=body, headers=headers)

    lodged = await call(payer, "/forfeit/objection", objection=WORDS)
    assert (lodged.status_code, lodged.json()["state"]) == (201, "captured")
    assert (await call(payer, "/forfeit/objection", objection=WORDS)).json()["type"] == "/problems/objected-already"
    wrong = await call(regulator, "/forfeit/objection/answer", result="maybe", answer="查清再说")
    assert wrong.status_code == 422
    answered = await call(regulator, "/forfeit/objection/answer", result="dismiss", answer="未提供证据")
    assert answered.status_code == 201, answered.text
    shown = (await payer.get(here)).json()["forfeit_objection"]
    assert (shown["objection"], shown["stopped"], shown["answer"]) == (WORDS, False, "未提供证据")
