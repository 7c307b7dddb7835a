"""The ledger: recipes balance, the database refuses what does not, and nothing in it can be changed."""

import asyncio
from decimal import Decimal

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM
from payments import services
from payments.rules import ledger as rules
from payments.rules.ledger import AccountKind, Line, Parties, Posting, PostingKind, Unbalanced
from payments.services import ledger
from payments.services.ledger import PostingDiffers
from tests.factories.payments import make_payable, nobody_above, voucher

OF = Parties(7, payer_id=21, payee_id=22)
RECIPES = [
    lambda n: rules.obligation(OF, n),
    lambda n: rules.obligation_ended(OF, n),
    lambda n: rules.bank_paid(OF, n),
    lambda n: rules.bond_lodged(OF, n),
    lambda n: rules.bond_released(OF, n),
    lambda n: rules.captured(OF, n),
    lambda n: rules.provider_fee(OF, n, "fee_1"),
    lambda n: rules.exchanged(OF, n, "txn_1", n // 7 + 1, "USD"),
    lambda n: rules.paid_out(OF, n, "tr_1"),
    lambda n: rules.payout_reversed(OF, n, "trr_1"),
    lambda n: rules.refunded(OF, n, "re_1"),
    lambda n: rules.dispute_opened(OF, n, "dp_1"),
    lambda n: rules.dispute_won(OF, n, "dp_1"),
    lambda n: rules.dispute_lost(OF, n, "dp_1", n // 2),
    lambda n: rules.dispute_lost(OF, n, "dp_1", 0),
    lambda n: rules.payout_uncovered(OF, n, "tr_2", back=False),
    lambda n: rules.payout_uncovered(OF, n, "trr_2", back=True, kept=n // 2),
    lambda n: rules.bond_forfeited(OF, n),
    lambda n: rules.refund_failed(OF, n, "re_3", n),
    lambda n: rules.refund_failed(OF, n, "re_3", n // 2),
    lambda n: rules.unapplied_return_failed(OF, n, "re_4"),
    lambda n: rules.unapplied(OF, n, "pi_1"),
    lambda n: rules.unapplied_returned(OF, n, "re_2"),
]


@given(st.integers(2, 10**14), st.sampled_from(RECIPES))
def test_every_recipe_sums_to_zero_in_each_currency(amount: int, recipe: object) -> None:
    posting = recipe(amount)  # type: ignore[operator]
    for currency in {line.currency for line in posting.lines}:
        assert sum(line.amount for line in posting.lines if line.currency == currency) == 0
    assert posting.key.startswith("payable:7:")


@pytest.mark.parametrize(
    "lines",
    [
        (Line(21, AccountKind.OUTSIDE, 5),),
        (Line(21, AccountKind.OUTSIDE, 5), Line(22, AccountKind.OUTSIDE, -4)),
        (Line(21, AccountKind.OUTSIDE, 5), Line(22, AccountKind.OUTSIDE, -5, "USD")),
        (Line(21, AccountKind.OUTSIDE, 0), Line(22, AccountKind.OUTSIDE, 0)),
        (Line(21, AccountKind.OUTSIDE, 5), Line(21, AccountKind.OUTSIDE, -5)),
    ],
)
def test_what_does_not_balance_is_not_even_a_posting(lines: tuple[Line, ...]) -> None:
    with pytest.raises(Unbalanced):
        Posting(PostingKind.BANK_PAID, "x", lines)


@given(st.decimals(min_value="0.01", max_value="999999999999.99", places=2))
def test_fen_and_yuan_lose_nothing(amount: Decimal) -> None:
    assert rules.yuan_of(rules.fen(amount)) == amount


def test_a_third_decimal_is_not_rounded_away() -> None:
    with pytest.raises(ValueError, match="more than two"):
        rules.fen(Decimal("0.005"))


def test_the_digest_does_not_depend_on_the_order_of_lines() -> None:
    one = rules.captured(OF, 500)
    assert one.digest() == Posting(one.kind, one.key, tuple(reversed(one.lines))).digest()
    assert one.digest() != rules.captured(OF, 501).digest()


# ---- on a real PostgreSQL
committed = pytest.mark.usefixtures("committed_db")


async def _balances(payable_id: int) -> dict[tuple[int, str], int]:
    found = await db.rows(
        "select a.organization, a.kind, sum(e.amount)::bigint as n from payments_entry e"
        " join payments_account a on a.id = e.account join payments_posting p on p.id = e.posting"
        " where p.payable = $1 group by 1, 2 having sum(e.amount) <> 0",
        payable_id,
    )
    return {(one["organization"], one["kind"]): one["n"] for one in found}


@pytest.mark.anyio
@committed
async def test_a_bank_payment_leaves_no_debt_and_moves_the_money() -> None:
    made = await make_payable(amount="24600.01")
    debt = {(made.payer.organization_id, "payable"): -2460001, (made.payee.organization_id, "receivable"): 2460001}
    assert await _balances(made.payable_id) == debt
    with nobody_above():
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
        await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    moved = {(made.payer.organization_id, "outside"): -2460001, (made.payee.organization_id, "outside"): 2460001}
    assert await _balances(made.payable_id) == moved


@pytest.mark.anyio
@committed
async def test_cancelling_ends_the_debt() -> None:
    made = await make_payable()
    await services.cancel_payable(kind="milestone", key=made.key, reason="合同变更")
    assert await _balances(made.payable_id) == {}


@pytest.mark.anyio
@committed
async def test_the_same_movement_told_twice_is_posted_once_and_never_otherwise() -> None:
    made = await make_payable()
    of = Parties(made.payable_id, made.payer.organization_id, made.payee.organization_id)

    async def tell(posting: Posting) -> list[int]:
        async with transaction():
            entry = await trail.record(SYSTEM, "payable.confirmed", f"payable:{made.payable_id}")
            return await ledger.post([posting], payable_id=made.payable_id, entry_id=entry)

    told = await asyncio.gather(*(tell(rules.captured(of, 2460000, "pi_1")) for _ in range(8)))
    assert len({ids[0] for ids in told}) == 1
    assert await db.value("select count(*) from payments_posting where kind = 'captured'") == 1
    assert await db.value("select count(*) from payments_entry") == 2 + 6
    with pytest.raises(PostingDiffers):
        await tell(rules.captured(of, 2459999, "pi_1"))


@pytest.mark.anyio
@committed
async def test_the_database_refuses_an_uneven_posting_at_commit() -> None:
    made = await make_payable()
    accounts = [one["id"] for one in await db.rows("select id from payments_account order by id")]
    for lines in ([5], [5, -4], []):
        with pytest.raises(asyncpg.CheckViolationError, match="does not balance"):
            async with transaction():
                posting = await db.value(
                    "insert into payments_posting (kind, key, payable, trail_entry, occurred_at)"
                    " values ('bank-paid', 'wrong', $1, 1, $2) returning id",
                    made.payable_id,
                    clock.now(),
                )
                for account, amount in zip(accounts, lines, strict=False):
                    await db.execute(
                        "insert into payments_entry (posting, account, amount) values ($1, $2, $3)",
                        posting,
                        account,
                        amount,
                    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    "statement",
    [
        "update payments_entry set amount = amount",
        "delete from payments_entry",
        "truncate payments_entry",
        "update payments_posting set kind = 'x'",
        "delete from payments_posting",
        "update payments_account set currency = 'USD'",
        "truncate payments_account cascade",
    ],
)
async def test_neither_the_application_nor_the_owner_can_rewrite_it(committed_db: str, statement: str) -> None:
    await make_payable()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute(statement)
    owner = await asyncpg.connect(committed_db)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="written once"):
            await owner.execute(statement)
    finally:
        await owner.close()


@pytest.mark.anyio
@committed
async def test_the_database_keeps_the_caps_too() -> None:
    made = await make_payable(kind="bid-bond", amount="200.00", base="10000.00")
    with pytest.raises(asyncpg.CheckViolationError):
        await db.execute("update payments_payable set amount = 200.01 where id = $1", made.payable_id)
