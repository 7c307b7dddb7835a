"""Rules of payables, without a database."""

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
    TRANSITIONS,
    AmountInvalid,
    PaidInFuture,
    PayableAct,
    PayableState,
    check_paid_on,
    payable_amount,
)


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


@given(st.lists(st.sampled_from(PayableAct), max_size=15))
def test_nothing_settles_without_a_voucher_and_settled_stays_settled(acts: list[PayableAct]) -> None:
    state, vouchered = PayableState.DUE, False
    for act in acts:
        before = state
        try:
            state = advance(TRANSITIONS, state, act)
        except NotAllowedNow:
            continue
        assert before in OPEN
        vouchered = vouchered or act is PayableAct.SUBMIT_VOUCHER
    assert state is not PayableState.CONFIRMED or vouchered


def test_it_is_always_exactly_one_sides_turn() -> None:
    assert PAYER_TURN.isdisjoint(PAYEE_TURN)
    assert set(PayableState) - OPEN == {PayableState.CONFIRMED, PayableState.CANCELLED}
