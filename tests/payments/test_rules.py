"""Rules of payables, without a database."""

from contextlib import nullcontext
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotAllowedNow
from core.states import advance
from payments.rules import (
    OPEN,
    PAYEE_TURN,
    PAYER_TURN,
    PLATFORM_TURN,
    TRANSITIONS,
    UNPAID,
    AmountInvalid,
    BondAboveCap,
    BondWithoutBase,
    CaptureAboveHeld,
    CurrencyMixed,
    PaidInFuture,
    PayableAct,
    PayableState,
    Position,
    RefundAbovePaid,
    check_bond,
    check_paid_on,
    payable_amount,
    return_title,
)
from payments.rules.audit import Audited, differences, expected


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "24600.005", "NaN", "Infinity", "1e20"])
def test_amounts_that_nobody_can_owe(amount: str) -> None:
    with pytest.raises(AmountInvalid):
        payable_amount(Decimal(amount))


@given(st.decimals(min_value="0.01", max_value="999999999.99", places=2))
def test_amounts_keep_every_fen(amount: Decimal) -> None:
    assert payable_amount(amount) == amount


def test_transfers_are_dated_by_the_bank() -> None:
    check_paid_on(date(2026, 11, 20), date(2026, 11, 20))
    with pytest.raises(PaidInFuture):
        check_paid_on(date(2026, 11, 21), date(2026, 11, 20))


EVIDENCE = {PayableAct.SUBMIT_VOUCHER, PayableAct.CONFIRM_FROM_STATEMENT, PayableAct.CAPTURE}
PAID = {PayableState.CONFIRMED, PayableState.CAPTURED, PayableState.PAID_OUT, PayableState.REFUNDED}


@given(st.lists(st.sampled_from(PayableAct), max_size=15))
def test_nothing_settles_without_evidence(acts: list[PayableAct]) -> None:
    state, proved = PayableState.DUE, False
    for act in acts:
        try:
            state = advance(TRANSITIONS, state, act)
        except NotAllowedNow:
            continue
        proved = proved or act in EVIDENCE
    assert state not in PAID or proved


def test_it_is_always_exactly_one_sides_turn() -> None:
    assert PAYER_TURN.isdisjoint(PAYEE_TURN)
    assert PLATFORM_TURN.isdisjoint(PAYER_TURN | PAYEE_TURN)
    done = {PayableState.CONFIRMED, PayableState.RELEASED, PayableState.REFUNDED, PayableState.CANCELLED}
    assert set(PayableState) - OPEN == done


def test_what_may_be_taken_back_is_what_has_a_cancel() -> None:
    assert {state for state, act in TRANSITIONS if act is PayableAct.CANCEL} == UNPAID


def test_every_state_can_be_reached_and_every_act_is_used() -> None:
    reached, grown = {PayableState.DUE}, True
    while grown:
        further = {after for (state, _), after in TRANSITIONS.items() if state in reached} - reached
        reached, grown = reached | further, bool(further)
    assert reached == set(PayableState)
    assert {act for _, act in TRANSITIONS} == set(PayableAct)


MONEY = st.integers(1, 150_000).map(lambda cents: Decimal(cents).scaleb(-2))


@given(st.lists(st.tuples(st.sampled_from(["capture", "refund", "pay_out", "reverse_payout"]), MONEY), max_size=12))
def test_no_sequence_gives_back_or_passes_on_more_than_was_taken(steps: list[tuple[str, Decimal]]) -> None:
    at = Position(PayableState.PROCESSING, Decimal("1000.00"))
    for step, amount in steps:
        try:
            at = at.pay_out() if step == "pay_out" else getattr(at, step)(amount)
        except (NotAllowedNow, RefundAbovePaid, CaptureAboveHeld):
            continue
        assert at.captured <= at.amount
        assert at.held >= 0
        assert at.refunded + at.paid_out <= at.captured
        assert (at.state is PayableState.REFUNDED) == (at.captured > 0 and at.refunded == at.captured)


def test_refund_above_paid_and_mixed_currency_are_refused() -> None:
    taken = Position(PayableState.CAPTURED, Decimal(1000), captured=Decimal(600))
    with pytest.raises(RefundAbovePaid):
        taken.refund(Decimal("600.01"))
    assert taken.refund(Decimal(600)).state is PayableState.REFUNDED
    assert taken.refund(Decimal(100)).state is PayableState.CAPTURED
    with pytest.raises(CurrencyMixed):
        taken.same_currency("usd")
    taken.same_currency("cny")


@pytest.mark.parametrize(
    ("kind", "amount", "base", "error"),
    [
        ("bid-bond", "200.00", "10000.00", None),
        ("bid-bond", "200.01", "10000.00", BondAboveCap),
        ("performance-bond", "1000.00", "10000.00", None),
        ("performance-bond", "1000.01", "10000.00", BondAboveCap),
        ("performance-bond", "0.01", None, BondWithoutBase),
        ("bid-bond", "0.03", "1.25", None),  # 0.025 rounds half up to 0.03
        ("milestone", "10000.00", None, None),
    ],
)
def test_bonds_have_caps(kind: str, amount: str, base: str | None, error: type[Exception] | None) -> None:
    with pytest.raises(error) if error else nullcontext():
        check_bond(kind, Decimal(amount), Decimal(base) if base else None)


def test_the_return_of_a_bond_is_named_after_it() -> None:
    assert return_title("小区 测绘 投标保证金") == "小区 测绘 退还投标保证金"


STATES = st.sampled_from(PayableState)


@given(STATES, st.booleans())
def test_an_untouched_payable_owes_its_amount_or_nothing(state: PayableState, bond: bool) -> None:
    row = Audited("n", Position(state, Decimal("10.00")), False, bond, {})
    said = expected(row)
    assert sum(said.values()) == 0
    assert not differences(Audited("n", row.position, False, bond, said))
