"""Random sequences of payments and faults against the double end with ledger = double's balance, to the cent."""

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from litestar import Litestar

from core import clock, db
from core.errors import DomainError
from core.identity import Role
from payments import services
from payments.queries import stripe as known
from payments.services import stripe
from payments.stripe_double import charging
from payments.stripe_double.courier import Weather
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable, voucher
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World, world

pytestmark = pytest.mark.anyio
STEPS = 45
CARDS = ["pm_card_visa"] * 4 + ["pm_alipay", "pm_wechat_pay", "pm_card_visa_chargeDeclined", "pm_card_createDispute"]


class Play:
    """One market whose people, clock and line are moved by chance."""

    def __init__(self, there: World, chance: Random, payer: Any, payee: Any, regulator: Any) -> None:
        self.there, self.chance = there, chance
        self.payer, self.payee, self.regulator = payer, payee, regulator
        self.made: list[MadePayable] = []
        self.now = clock.now()

    async def step(self) -> None:
        """One thing happens; a refusal is a fine answer."""
        act = self.chance.choice(
            [
                self.owe,
                self.pay,
                self.pay,
                self.together,
                self.refund,
                self.capture,
                self.release,
                self.dispute,
                self.answer,
                self.deliver,
                self.deliver,
                self.sweep,
                self.time,
                self.cut,
                self.hold,
                self.reverse,
                self.forfeit,
                self.fail_refund,
                self.retry,
                self.by_bank,
            ]
        )
        with suppress(DomainError):
            await act()

    def any(self) -> MadePayable:
        return self.chance.choice(self.made)

    async def owe(self, *, bond: bool = True) -> None:
        amount = f"{self.chance.randint(500, 3_000_000) / 100:.2f}"
        facts: dict[str, Any] = (
            {"kind": "bid-bond", "base": "9999999.00"} if bond and self.chance.random() < 0.4 else {}
        )
        self.made.append(await make_payable(payer=self.payer, payee=self.payee, amount=amount, **facts))

    async def pay(self) -> None:
        attempt = await acts.begin(self.any(), hold=self.chance.random() < 0.4)
        await self.there.press(attempt.url, self.chance.choice(CARDS))

    async def together(self) -> None:
        """New fees, perhaps with an old one, at once on one page; perhaps it is given up again in the last moment."""
        before = self.any()
        for _ in range(self.chance.randint(2, 3)):
            await self.owe(bond=False)
        chosen = [one.payable_id for one in self.made[-2:]]
        if self.chance.random() < 0.3:
            chosen.append(before.payable_id)
        started = await stripe.start_bundle(actor=self.payer, payable_ids=chosen)
        attempt = await stripe.page_for(started.attempts[-1])
        if self.chance.random() < 0.2:
            await stripe.give_up_bundle(actor=self.payer, bundle_id=started.bundle_id)
        await self.there.press(attempt.url, self.chance.choice(CARDS))

    async def refund(self) -> None:
        made = self.any()
        row = await acts.payable(made)
        amount = Decimal(self.chance.randint(1, max(int(row.position.held * 100), 1))) / 100
        await stripe.refund(actor=made.payee, payable_id=made.payable_id, amount=amount, reason="协商退款")

    async def capture(self) -> None:
        made = self.any()
        amount = (await acts.payable(made)).amount * self.chance.randint(1, 100) / 100
        await stripe.capture_bond(
            actor=made.payee, payable_id=made.payable_id, amount=amount.quantize(Decimal("0.01")), reason="违约扣划"
        )

    async def release(self) -> None:
        made = self.any()
        await services.release_bond(actor=made.payee, payable_id=made.payable_id, reason="不再需要")

    async def dispute(self) -> None:
        paid = [one for one in await known.attempts(self.any().payable_id) if one.charge and one.captured]
        if paid:
            async with self.there.double.store.write() as book:
                charge = await book.find("charge", self.chance.choice(paid).charge or "")
                if charge["amount_refunded"] < charge["amount_captured"] and not charge["disputed"]:
                    await charging.dispute(book, charge, "fraudulent")

    async def answer(self) -> None:
        found = [one for one in await known.disputes() if one.open]
        if found:
            text = self.chance.choice(["winning_evidence", "losing_evidence"])
            await stripe.answer_dispute(actor=self.payee, dispute_id=found[0].id, text=text)

    async def reverse(self) -> None:
        await stripe.reverse_payout(actor=self.regulator, payable_id=self.any().payable_id, reason="收款方被查处")

    async def forfeit(self) -> None:
        made = self.any()
        amount = (await acts.payable(made)).amount * self.chance.randint(1, 100) / 100
        await services.forfeit_bond(
            actor=made.payee, payable_id=made.payable_id, amount=amount.quantize(Decimal("0.01")), reason="中选后弃标"
        )

    async def fail_refund(self) -> None:
        async with self.there.double.store.write() as book:
            found = [one for one in await book.look("refund", "", {}) if one["status"] == "succeeded"]
            charges = [await book.find("charge", one["charge"]) for one in found]
            open_ones = [one for one, charge in zip(found, charges, strict=True) if not charge["disputed"]]
            if open_ones:
                await charging.fail_refund(book, self.chance.choice(open_ones), "lost_or_stolen_card")

    async def retry(self) -> None:
        made = self.any()
        for one in await known.refund_failures(made.payable_id):
            await stripe.retry_refund(actor=self.regulator, payable_id=made.payable_id, failure_id=one.id)

    async def by_bank(self) -> None:
        act = self.chance.choice([services.pay_out_by_bank, services.return_by_bank])
        await act(actor=self.regulator, payable_id=self.any().payable_id, draft=voucher())

    async def hold(self) -> None:
        row = await acts.payable(self.any())
        act = services.lift_hold if row.on_hold else services.place_hold
        await act(actor=self.regulator, payable_id=row.id, reason="核查合同")

    async def deliver(self) -> None:
        await self.there.double.courier.deliver_due()

    async def sweep(self) -> None:
        await stripe.sweep()

    async def time(self) -> None:
        self.now += timedelta(hours=self.chance.choice([0, 1, 1, 5, 26, 90]))

    async def cut(self) -> None:
        self.there.line.cut_after = self.chance.choice([0, 0, 1, 4])
        self.there.line.cut_before = self.chance.choice([0, 0, 1, 4])

    async def calm(self) -> None:
        """The storm is over: everything that waits is done, and what got lost is found."""
        self.there.line.cut_after = self.there.line.cut_before = 0
        await self.there.double.courier.set_weather(Weather())
        for _ in range(4):
            self.now += timedelta(days=1)
            await self.there.deliver()
            await stripe.sweep()
        await stripe.reconcile()
        await stripe.sweep()
        self.now += timedelta(minutes=1)
        report = await stripe.reconcile()
        assert report.clean, report
        assert not [one for one in await known.troubles() if one.kind == "event"]


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    async with world(committed_db, web_app) as found:
        async for _ in acts.unattached():
            yield found


@pytest.mark.parametrize("seed", range(int(os.environ.get("XINSHI_STRIPE_SEEDS", "6"))))
async def test_random_payments_and_faults(there: World, seed: int) -> None:
    chance = Random(seed)
    payer, payee = await make.member(Role.CLIENT), await make.member(Role.AGENCY)
    play = Play(there, chance, payer, payee, await make.member(Role.MARKET_SUPERVISOR))
    with clock.at(lambda: play.now):
        for _ in range(4):
            await play.owe()
        await acts.pay(there, play.made[0])
        if chance.random() < 0.7:
            await acts.ready_payee(there, play.made[0])
        await there.double.courier.set_weather(Weather(duplicate=0.2, reorder=0.3, loss=0.2, delay=7200, seed=seed))
        for _ in range(STEPS):
            await play.step()
        await play.calm()
        await acts.everything_fits(there)
        assert await db.value("select count(*) from payments_stripe_line") > 0, "money moved"
