"""A market in which anything may happen to money: hypothesis chooses what, and shortens whatever went wrong.

Every rule is an act of a person, of the clock, of Stripe or of the line to it; a refusal is a fine answer. The books are
audited after every step. When the play is over the storm ends too: what waits is done, what got lost is found, and ledger
and double agree to the cent.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from anyio import from_thread
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from core import clock, db
from core.db import ENGINE
from core.errors import DomainError
from core.identity import Identity, Role
from payments import queries, services
from payments.queries import stripe as known
from payments.rules import PayableKind
from payments.services import stripe
from payments.stripe_double import charging
from payments.stripe_double.courier import Weather
from tests.factories import core as make
from tests.factories.payments import MadePayable, make_payable, voucher
from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World

BEGINS = datetime(2026, 11, 2, 2, tzinfo=UTC)
AMOUNTS = st.integers(500, 3_000_000) | st.sampled_from([500, 99_999_999])
SHARE = st.sampled_from([0.0, 0.3, 1.0])
PAID = ["pm_card_visa", "pm_alipay", "pm_wechat_pay", "pm_card_createDispute"]
DECLINED = ["pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"]
CHALLENGED = "pm_card_authenticationRequired"
SUMS = """
select a.currency, sum(e.amount)::bigint as rest from payments_entry e join payments_account a on a.id = e.account
group by 1 having sum(e.amount) <> 0
"""
SEEN: Counter[str] = Counter()
"""What has happened in all plays together: kinds of lines at Stripe, states of payables. A rule that bites nobody shows."""


class Market(RuleBasedStateMachine):
    """One platform, one payer, one payee, one regulator, and Stripe behind an unreliable line."""

    there: World
    prelude: str
    payables = Bundle("payables")
    pages = Bundle("pages")

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINS
        self.failed = False
        self.rehearsal: Any = None
        self.payer: Identity
        self.payee: Identity
        self.regulator: Identity
        from_thread.run(self._open)

    async def _open(self) -> None:
        """Everything of ours happens in one transaction that is rolled back; the double forgets."""
        await self.there.forget()
        self.rehearsal = await ENGINE.transaction(rehearsal=True).__aenter__()
        with clock.at(BEGINS):
            self.payer, self.payee = await make.member(Role.CLIENT), await make.member(Role.AGENCY)
            self.regulator = await make.member(Role.MARKET_SUPERVISOR)

    async def _close(self) -> None:
        """Before the next play."""
        await self.rehearsal.rollback()
        await ENGINE.release(self.rehearsal.connection)

    def _play(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Let something happen, now; a refusal is no fault."""

        async def inside() -> Any:
            ENGINE.current_transaction.set(self.rehearsal)
            with clock.at(lambda: self.now):
                with suppress(DomainError):
                    return await act()
                return None

        try:
            return from_thread.run(inside)
        except BaseException:
            self.failed = True
            raise

    # ---- somebody owes, and pays
    @initialize(target=payables, amounts=st.tuples(AMOUNTS, AMOUNTS), method=st.sampled_from(PAID[:3]))
    def begins(self, amounts: tuple[int, int], method: str) -> Any:
        """A fee and a bond; one of them has had its first adventure in fair weather."""
        made = fee, bond = self.owes(amounts[0], bond=False), self.owes(amounts[1], bond=True)
        if self.prelude in {"paid-out", "taken-back"}:
            self.payee_becomes_ready(fee)
        if self.prelude == "held":
            self.pays_and_all_is_well(bond, hold=True, method=PAID[0])
        else:
            self.pays_and_all_is_well(fee, hold=False, method=PAID[-1] if self.prelude == "disputed" else method)
        if self.prelude == "refunded":
            self.payee_decides(fee, what="refund", percent=40)
        elif self.prelude == "taken-back":
            self.our_worker_runs()
            self.regulator_steps_in(fee, what="take back")
        self.our_worker_runs()
        return multiple(*made)

    @rule(target=payables, amount=AMOUNTS, bond=st.booleans())
    def owes(self, amount: int, bond: bool) -> MadePayable:
        """Another milestone, or another bid bond."""
        facts: dict[str, Any] = {"kind": PayableKind.BID_BOND, "base": "99999999.00"} if bond else {}
        yuan = f"{Decimal(amount).scaleb(-2):.2f}"
        made: MadePayable = self._play(
            lambda: make_payable(payer=self.payer, payee=self.payee, amount=yuan, **facts),
        )
        return made

    @rule(target=pages, made=payables, hold=st.booleans())
    def opens_a_page(self, made: MadePayable, hold: bool) -> Any:
        """The payer presses the button; with luck Stripe's page opens."""
        found = self._play(lambda: acts.begin(made, hold=hold))
        return found if found is not None and found.url else multiple()

    @rule(page=pages, method=st.sampled_from([*PAID, *DECLINED]))
    def pays(self, page: Any, method: str) -> None:
        """By card, Alipay or WeChat Pay; or the card says no; or the page is an old one."""
        self._play(lambda: self.there.press(page.url, method))

    @rule(page=pages, answers=st.lists(st.sampled_from(["passed", "failed"]), max_size=2))
    def is_asked_by_the_bank(self, page: Any, answers: list[str]) -> None:
        """3-D Secure: passed, failed, or the window is closed."""
        self._play(lambda: self.there.press(page.url, CHALLENGED))
        for answer in answers:
            self._play(lambda given=answer: self.there.press(page.url, CHALLENGED, challenge=given))  # type: ignore[misc]

    @rule(target=pages, made=payables, hold=st.booleans(), method=st.sampled_from(PAID))
    def pays_and_all_is_well(self, made: MadePayable, hold: bool, method: str) -> Any:
        """The whole way in one go, and the notices arrive."""
        page = self.opens_a_page(made, hold)
        if not isinstance(page, known.AttemptRow):
            return multiple()
        self.pays(page, method)
        self.courier_runs()
        return page

    @rule(
        target=payables,
        old=st.lists(payables, min_size=1, max_size=2),
        amount=AMOUNTS,
        method=st.sampled_from([*PAID, *DECLINED]),
        given_up=st.booleans(),
    )
    def pays_together(self, old: list[MadePayable], amount: int, method: str, given_up: bool) -> Any:
        """A new fee with old payables on one page; perhaps it is given up in the last moment, and pressed all the same."""
        new = self.owes(amount, bond=False)
        chosen = sorted({one.payable_id for one in [new, *old]})

        async def together() -> None:
            started = await stripe.start_bundle(actor=self.payer, payable_ids=chosen)
            page = await stripe.page_for(started.attempts[-1])
            if given_up:
                await stripe.give_up_bundle(actor=self.payer, bundle_id=started.bundle_id)
            await self.there.press(page.url, method)

        self._play(together)
        return new

    @rule(made=payables, what=st.sampled_from(["give up", "voucher", "confirm", "contest"]))
    def pays_by_bank(self, made: MadePayable, what: str) -> None:
        """For the same payable: no page any more, a voucher, its answer. Payouts are confirmed the same way."""

        async def give_up() -> None:
            for page in await known.attempts(made.payable_id):
                if page.live:
                    await stripe.give_up(actor=self.payer, payable_id=made.payable_id, attempt_id=page.id)

        async def by_bank() -> None:
            await services.submit_voucher(actor=self.payer, payable_id=made.payable_id, draft=voucher())

        async def confirm() -> None:
            await services.confirm_receipt(actor=self.payee, payable_id=made.payable_id)

        async def contest() -> None:
            await services.contest(actor=self.payee, payable_id=made.payable_id, reason="未到账")

        self._play({"give up": give_up, "voucher": by_bank, "confirm": confirm, "contest": contest}[what])

    # ---- what becomes of the money
    @rule(made=payables, what=st.sampled_from(["refund", "take", "forfeit", "release"]), percent=st.integers(1, 100))
    def payee_decides(self, made: MadePayable, what: str, percent: int) -> None:
        """A refund of a part of what is kept, a part of a bond taken, a bond let go."""

        async def decide() -> None:
            row = await acts.payable(made)
            of = row.amount if what in {"take", "forfeit"} else row.position.held
            amount, who = (of * percent / 100).quantize(Decimal("0.01")), {"actor": self.payee}
            if what == "refund":
                await stripe.refund(payable_id=row.id, amount=amount, reason="协商退款", **who)
            elif what == "take":
                await stripe.capture_bond(payable_id=row.id, amount=amount, reason="违约扣划", **who)
            elif what == "forfeit":
                await services.forfeit_bond(payable_id=row.id, amount=amount, reason="中选后弃标", **who)
            else:
                await services.release_bond(payable_id=row.id, reason="不再需要", **who)

        self._play(decide)
        self._play(stripe.sweep)

    @rule(page=pages)
    def payers_bank_disputes(self, page: Any) -> None:
        """The payer tells its bank that it knows nothing of the payment."""

        async def dispute() -> None:
            paid = await known.attempt_by("id", page.id)
            if paid is None or not paid.charge or not paid.captured:
                return
            async with self.there.double.store.write() as book:
                charge = await book.find("charge", paid.charge)
                if charge["amount_refunded"] < charge["amount_captured"] and not charge["disputed"]:
                    await charging.dispute(book, charge, "fraudulent")

        self._play(dispute)

    @rule(which=st.integers(0, 5), reason=st.sampled_from(["lost_or_stolen_card", "expired_or_canceled_card"]))
    def a_refund_comes_back(self, which: int, reason: str) -> None:
        """Days later the payer's bank does not take it."""

        async def fail() -> None:
            async with self.there.double.store.write() as book:
                found = [one for one in await book.look("refund", "", {}) if one["status"] == "succeeded"]
                charges = [await book.find("charge", one["charge"]) for one in found]
                quiet = [one for one, charge in zip(found, charges, strict=True) if not charge["disputed"]]
                if quiet:
                    await charging.fail_refund(book, quiet[which % len(quiet)], reason)

        self._play(fail)

    @rule(made=payables, what=st.sampled_from(["retry", "pay out", "return"]))
    def money_goes_another_way(self, made: MadePayable, what: str) -> None:
        """A refund that came back is tried again, or goes by bank, as may what waits for a payee without an account."""

        async def go() -> None:
            if what == "retry":
                for one in await known.refund_failures(made.payable_id):
                    await stripe.retry_refund(actor=self.regulator, payable_id=made.payable_id, failure_id=one.id)
            else:
                by_bank = services.pay_out_by_bank if what == "pay out" else services.return_by_bank
                await by_bank(actor=self.regulator, payable_id=made.payable_id, draft=voucher())

        self._play(go)

    @rule(text=st.sampled_from(["winning_evidence", "losing_evidence", ""]))
    def dispute_is_answered(self, text: str) -> None:
        """The payee hands in evidence that wins or loses, or concedes."""

        async def answer() -> None:
            found = [one for one in await known.disputes() if one.open]
            if found and text:
                await stripe.answer_dispute(actor=self.payee, dispute_id=found[0].id, text=text)
            elif found:
                await stripe.concede_dispute(actor=self.payee, dispute_id=found[0].id, reason="确未交付")

        self._play(answer)

    @rule(made=payables, what=st.sampled_from(["take back", "hold", "lift"]))
    def regulator_steps_in(self, made: MadePayable, what: str) -> None:
        """A payout is taken back; a payable is looked into, or has been."""
        ways = {"hold": services.place_hold, "lift": services.lift_hold, "take back": stripe.reverse_payout}
        self._play(lambda: ways[what](actor=self.regulator, payable_id=made.payable_id, reason="核查合同"))
        self._play(stripe.sweep)

    @rule(made=payables)
    def payee_becomes_ready(self, made: MadePayable) -> None:
        """It has told Stripe who it is: what waits for it is paid out."""
        self._play(lambda: acts.ready_payee(self.there, made))
        self._play(stripe.sweep)

    # ---- time, the line, the courier
    @rule()
    def courier_runs(self) -> None:
        """Whatever is due is delivered."""
        self._play(self.there.double.courier.deliver_due)

    @rule()
    def our_worker_runs(self) -> None:
        """Every five minutes in life: orders are carried out, payouts sent, pages and holds looked after."""
        self._play(stripe.sweep)

    @rule(hours=st.sampled_from([0, 1, 5, 26, 90, 170]))
    def time_passes(self, hours: int) -> None:
        """Pages and holds run out; at night the books are compared, in the middle of everything."""
        self.now += timedelta(hours=hours)
        self._play(stripe.sweep)
        if hours >= 26:
            self._play(stripe.reconcile)

    @rule(
        weather=st.builds(
            Weather,
            duplicate=SHARE,
            reorder=SHARE,
            loss=st.sampled_from([0.0, 0.2, 1.0]),
            delay=st.sampled_from([0, 7200]),
        )
    )
    def weather_changes(self, weather: Weather) -> None:
        """Notices double, overtake each other, get lost, arrive hours later."""
        self._play(lambda: self.there.double.courier.set_weather(weather))

    @rule(age=st.integers(0, 30), times=st.integers(1, 3))
    def an_event_comes_again(self, age: int, times: int) -> None:
        """Stripe repeats an event of long ago, freshly signed, or sends one before its turn."""

        async def repeat() -> None:
            async with self.there.double.store.read() as book:
                found = await book.look("event", "", {})
            for _ in range(times if found else 0):
                assert await self.there.send(found[-1 - age % len(found)]) in {200, 409, 422, 503}

        self._play(repeat)

    @rule(before=st.integers(0, 4), after=st.integers(0, 4), down=st.booleans())
    def the_line_breaks(self, before: int, after: int, down: bool) -> None:
        """The next calls do not arrive, or their answers do not, or Stripe is down for an hour."""
        self.there.line.cut_before, self.there.line.cut_after = before, after
        until = int(self.now.timestamp()) + 3600 if down else 0
        self._play(lambda: self.there.double.store.set("down_until", until))

    # ---- what is always true, and what is true in the end
    @invariant()
    def books_are_sound(self) -> None:
        """The ledger sums to zero, and agrees with payables and trail, at every moment."""

        async def look() -> None:
            await db.execute("set constraints all immediate")  # what a commit would find
            await db.execute("set constraints all deferred")
            assert await db.rows(SUMS) == []
            report = await queries.audit()
            assert report.sound, report.findings

        self._play(look)

    def teardown(self) -> None:
        """The storm is over."""
        try:
            if not self.failed:
                self._play(self._calm)
        finally:
            from_thread.run(self._close)

    async def _calm(self) -> None:
        """Everything that waits is done, what got lost is found, and the books agree to the cent."""
        self.there.line.cut_after = self.there.line.cut_before = 0
        await self.there.double.courier.set_weather(Weather())
        for days in (1, 1, 8, 1):
            self.now += timedelta(days=days)
            await self.there.deliver()
            await stripe.sweep()
        await stripe.reconcile()
        await stripe.sweep()
        self.now += timedelta(minutes=1)
        report = await stripe.reconcile()
        assert report.clean, report
        assert [one for one in await known.troubles() if one.kind == "event"] == []
        await acts.everything_fits(self.there)
        async with self.there.double.store.read() as book:
            SEEN.update({f"line:{one['type']}" for one in await book.look("balance_transaction", "", {})})
        SEEN.update({f"state:{one.state}" for one in await acts.every_payable()})
