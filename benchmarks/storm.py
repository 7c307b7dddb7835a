"""Ten thousand events of Stripe in bad weather: doubled, out of order, lost, torn off in the middle, some amounts wrong.

No figure of speed alone: the books have to sum to zero all the time, be sound in the end, and the night's comparison has
to name every payment that got lost and every line whose amount is wrong, and nothing else. It raises where they do not.
"""

import json
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import anyio
import httpx

from benchmarks.turns import Ratio
from core import accounts, clock, db
from core.errors import DomainError
from core.identity import Identity, Role
from payments import queries, services
from payments.gateway import client
from payments.gateway.client import Gateway
from payments.gateway.configuration import Configuration
from payments.services import stripe
from payments.services.stripe.paying import INSERT, fresh_key
from payments.services.stripe.reconciling import provider_balance
from payments.stripe_double import charging
from payments.stripe_double.app import Double
from payments.stripe_double.cards import CARDS
from payments.stripe_double.courier import endpoint_at, sign

EVENTS = 10_000
AT_ONCE = 6
DOUBLED, REORDERED, LOST, TORN, WRONG = 0.05, 0.05, 0.01, 0.01, 0.001
CENTS = 7
SECRET = "whsec_storm"
KNOWN = Configuration("sk_test_double", (SECRET,), "http://stripe.double", "HK", "hkd")
ZERO = """
select count(*) from (select a.currency from payments_entry e join payments_account a on a.id = e.account
group by 1 having sum(e.amount) <> 0) x
"""


@dataclass(frozen=True)
class StormFigure:
    """What was sent, what became of it, and how long it took."""

    events: int
    payments: int
    sent: int
    torn: int
    lost: int
    wrong: int
    looks: int
    seconds: float
    compared: float

    def lines(self) -> list[str]:
        """The row of the table; nothing to compare with."""
        return [
            f"| events of Stripe in a storm, {AT_ONCE} at once | {self.sent / self.seconds:.0f}/s | – | – | – | – |"
        ]

    def notes(self) -> list[str]:
        """What was proved."""
        return [
            f"- Storm: {self.events:,} events of {self.payments:,} payments and refunds, {self.sent:,} deliveries:"
            f" {DOUBLED:.0%} doubled, {REORDERED:.0%} late, {self.torn} torn off in the middle and sent again,"
            f" {self.lost} payments of which nothing arrived, {self.wrong} lines with a wrong amount at Stripe. The ledger"
            f" summed to zero at each of {self.looks} looks; the comparison ({self.compared:.0f} s) booked the"
            f" {self.lost} lost ones, named the {self.wrong} wrong ones and nothing else; `xinshi payments audit` clean,"
            " balance as Stripe's to the cent.",
        ]

    def ratios(self) -> list[Ratio]:
        """None."""
        return []


async def measure(
    owner_url: str, *, events: int = EVENTS, parties: tuple[Identity, Identity] | None = None
) -> StormFigure:
    """Pay, let the storm pass, compare, prove; in a database without other payments through Stripe."""
    if parties is None:
        payer, payee = [await accounts.identity_of(login=login, role=Role.CLIENT) for login in ("cl-03", "cl-04")]
        parties = payer, payee
    taker = list(services.SETTLED._takers)
    services.SETTLED.supply(_nobody)
    double = Double(owner_url, KNOWN.api, deliver=False)
    await double.start()
    try:
        client.use(Gateway(KNOWN, transport=httpx.ASGITransport(app=double.app)))
        await endpoint_at(double.store, "http://127.0.0.1/webhooks/stripe", SECRET)
        since = clock.now() - timedelta(minutes=1)
        return await _storm(double, since, events, parties)
    finally:
        client.use(None)
        await double.stop()
        services.SETTLED.supply(*taker)


async def _nobody(*_facts: object) -> None:
    return None


async def _storm(double: Double, since: datetime, wanted: int, parties: tuple[Identity, Identity]) -> StormFigure:
    chance = Random(18)
    events, payments = await _pay(double, chance, wanted, parties)
    lost = {one for one in payments if chance.random() < LOST}
    sendings = _weather(chance, [one for one in events if _intent(one) not in lost])
    weather = _Deliveries(chance, deque(sendings), 2 * len(sendings))
    began = time.perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(AT_ONCE):
            group.start_soon(weather.carry)
    seconds = time.perf_counter() - began
    wrong = await _falsify(double, chance, round(wanted * WRONG), lost)
    began = time.perf_counter()
    report = await stripe.reconcile(since=since)
    compared = time.perf_counter() - began
    await _prove(double, report, lost, wrong)
    return StormFigure(
        len(events), len(payments), weather.sent, weather.torn, len(lost), len(wrong), weather.looks, seconds, compared
    )


def _intent(event: dict[str, Any]) -> str:
    found = event["data"]["object"]
    return str(found.get("payment_intent") or found["id"])


async def _pay(
    double: Double, chance: Random, wanted: int, parties: tuple[Identity, Identity]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Payments by card and wallet, a sixth of them refunded in part, until there are so many events."""
    payments: list[str] = []
    known = 0
    while known < wanted:
        payments += [await _one(double, chance, *parties) for _ in range(50)]
        async with double.store.read() as book:
            known = await book.link.fetchval("select count(*) from stripe_double.object where kind = 'event'")
    async with double.store.read() as book:
        return await book.look("event", "", {}, limit=known), payments


async def _one(double: Double, chance: Random, payer: Identity, payee: Identity) -> str:
    amount = chance.randint(500, 5_000_000)
    payable_id = await services.create_payable(
        kind="milestone",
        key=fresh_key("storm"),
        payer_id=payer.organization_id,
        payee_id=payee.organization_id,
        amount=Decimal(amount).scaleb(-2),
        title="风暴中的款项",
        due_on=clock.today() + timedelta(days=14),
    )
    key, now = fresh_key("pay"), clock.now()
    await db.value(INSERT, key, payable_id, payer.account_id, False, amount, now, now + timedelta(hours=23))
    name = chance.choice(["pm_card_visa", "pm_alipay", "pm_wechat_pay"])
    async with double.store.write() as book:
        methods = ["card", "alipay", "wechat_pay"]
        intent = charging.new_intent(amount, "cny", "automatic", methods, metadata={"xinshi": key})
        await book.put(intent)
        await book.emit("payment_intent.created", intent)
        intent = await charging.confirm(book, intent, name, CARDS[name])
        if chance.random() < 1 / 6:
            charge = await book.find("charge", intent["latest_charge"])
            await charging.refund(book, charge, max(amount // 3, 1), None, {})
    return str(intent["id"])


def _weather(chance: Random, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some come twice, some hundreds of places later than they should."""
    placed = []
    for number, event in enumerate(events):
        late = chance.randint(1, 600) if chance.random() < REORDERED else 0
        placed.append((number + late, event))
        if chance.random() < DOUBLED:
            placed.append((number + chance.randint(0, 600), event))
    return [event for _, event in sorted(placed, key=lambda one: one[0])]


@dataclass
class _Deliveries:
    """What is on its way; a delivery torn off in the middle, as by a crash, is sent again."""

    chance: Random
    waiting: deque[dict[str, Any]]
    most: int
    sent: int = 0
    torn: int = 0
    looks: int = 0

    async def carry(self) -> None:
        """Until nothing waits."""
        while self.waiting:
            event = self.waiting.popleft()
            self.sent += 1
            assert self.sent < self.most, "deliveries that never succeed"
            torn = self.chance.random() < TORN
            with anyio.move_on_after(self.chance.uniform(0, 0.03) if torn else None) as scope:
                await self._deliver(event)
            if scope.cancelled_caught:
                self.torn += 1
                self.waiting.append(event)
            if self.sent % 250 == 0:
                self.looks += 1
                assert await db.value(ZERO) == 0, "the ledger does not sum to zero"

    async def _deliver(self, event: dict[str, Any]) -> None:
        body = json.dumps(event, ensure_ascii=False).encode()
        try:
            await stripe.take_in(body, sign(body, SECRET, int(clock.now().timestamp())))
        except DomainError:
            self.waiting.append(event)


async def _falsify(double: Double, chance: Random, number: int, lost: set[str]) -> set[str]:
    """A few lines of Stripe's balance are not what we have booked."""
    async with double.store.write() as book:
        lines = await book.look("balance_transaction", "", {"type": "charge"}, limit=100_000)
        paid = {one["id"]: one["payment_intent"] for one in await book.look("charge", "", {}, limit=100_000)}
        kept = [one for one in lines if paid[one["source"]] not in lost]
        chosen = chance.sample(kept, number)
        for line in chosen:
            await book.put(line | {"fee": line["fee"] + CENTS, "net": line["net"] - CENTS})
    return {line["id"] for line in chosen}


async def _prove(double: Double, report: stripe.Report, lost: set[str], wrong: set[str]) -> None:
    """Whatever got lost is booked now, whatever is wrong is named, and nothing else is."""
    found = [one for one in report.differences if "healed" in one]
    assert all(one["healed"] for one in found), "a lost payment was not booked"
    async with double.store.read() as book:
        paid = {one["id"]: one["payment_intent"] for one in await book.look("charge", "", {}, limit=100_000)}
        theirs = (await book.balance(""))["hkd"]
    assert {paid[one["source"]] for one in found if one["type"] == "charge"} == lost
    assert {one["line"] for one in report.differences if "healed" not in one} == wrong
    again = await stripe.reconcile()
    assert {one["line"] for one in again.differences} == wrong
    assert await provider_balance("hkd") - theirs == CENTS * len(wrong)
    assert await db.value(ZERO) == 0
    assert await db.value("select count(*) from payments_stripe_event where state <> 'applied'") == 0
    audited = await queries.audit()
    assert audited.sound, audited.findings[:3]
