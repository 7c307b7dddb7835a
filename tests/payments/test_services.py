"""Payables through the real services on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest

from core import clock, files, mail
from core import db as sql
from core.errors import Forbidden, NotAllowedNow, StaleForm
from core.forms import Upload
from core.identity import Role
from core.trail.queries import timeline
from payments import queries, services
from payments.rules import (
    AmountInvalid,
    PaidInFuture,
    PayableDiffers,
    PayableNotFound,
    PayableState,
    ReferenceUsed,
    SameParties,
)
from tests.factories import core as people
from tests.factories.payments import make_payable, voucher

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
Calls = list[tuple[str, str, int, datetime]]


@pytest.fixture
def settled() -> Iterator[Calls]:
    """What the floor above is told; the wiring is put back afterwards."""
    calls: Calls = []

    async def taker(kind: str, key: str, payable_id: int, settled_at: datetime) -> None:
        calls.append((kind, key, payable_id, settled_at))

    before = list(services.SETTLED._takers)
    services.SETTLED.supply(taker)
    yield calls
    services.SETTLED.supply(*before)


async def test_from_due_to_confirmed(settled: Calls) -> None:
    made = await make_payable(threads=("contract:7",))
    first = await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    assert first.state is PayableState.VOUCHERED
    done = await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    assert done.receipt_number
    assert done.receipt_number.startswith("XT-SK-")
    row = await queries.payable(made.payable_id, made.payer)
    assert row.state is PayableState.CONFIRMED
    assert row.receipt_entry == done.entry_id
    assert settled == [("milestone", made.key, made.payable_id, row.settled_at)]
    (transfer,) = await queries.transfers(made.payable_id)
    assert transfer.confirmed_at == row.settled_at
    acts = [entry.act for entry in await timeline("contract:7")]
    assert acts == ["payable.created", "payable.vouchered", "payable.confirmed"]


async def test_contested_and_paid_again(settled: Calls) -> None:
    made = await make_payable()
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    await services.contest(actor=made.payee, payable_id=made.payable_id, reason="账上没有这笔")
    row = await queries.payable(made.payable_id, made.payee)
    assert row.payer_turn
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    first, second = await queries.transfers(made.payable_id)
    assert first.contest_reason == "账上没有这笔"
    assert first.confirmed_at is None
    assert second.confirmed_at is not None
    assert len(settled) == 1


async def test_money_found_after_all_confirms_the_contested_transfer(settled: Calls) -> None:
    made = await make_payable()
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    await services.contest(actor=made.payee, payable_id=made.payable_id, reason="未见")
    await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    assert len(settled) == 1
    with pytest.raises(NotAllowedNow):
        await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)


async def test_one_payable_per_case() -> None:
    made = await make_payable()
    again = await make_payable(payer=made.payer, payee=made.payee, key=made.key)
    assert again.payable_id == made.payable_id
    with pytest.raises(PayableDiffers):
        await make_payable(payer=made.payer, payee=made.payee, key=made.key, amount="1.00")


@pytest.mark.parametrize("amount", ["0", "-3", "1.234"])
async def test_bad_amounts_leave_nothing(amount: str) -> None:
    with pytest.raises(AmountInvalid):
        await make_payable(amount=amount, key="bad")
    assert await queries.payable_for("milestone", "bad") is None


async def test_nobody_owes_themselves_and_the_database_agrees() -> None:
    payer = await people.member(Role.CLIENT)
    with pytest.raises(SameParties):
        await make_payable(payer=payer, payee=payer)
    made = await make_payable()
    with pytest.raises(asyncpg.CheckViolationError):
        async with sql.transaction():
            await sql.execute("update payments_payable set amount = -1 where id = $1", made.payable_id)


async def test_strangers_and_the_other_side_cannot_act() -> None:
    made = await make_payable()
    stranger = await people.member(Role.CLIENT)
    with pytest.raises(PayableNotFound):
        await queries.payable(made.payable_id, stranger)
    with pytest.raises(PayableNotFound):
        await services.submit_voucher(actor=stranger, payable_id=made.payable_id, draft=voucher())
    with pytest.raises(PayableNotFound):
        await services.submit_voucher(actor=made.payee, payable_id=made.payable_id, draft=voucher())
    with pytest.raises(PayableNotFound):
        await services.confirm_receipt(actor=made.payer, payable_id=made.payable_id)
    with pytest.raises(Forbidden):
        registrar = await people.member(Role.REGISTRAR, made.payer.organization_id)
        await services.submit_voucher(actor=registrar, payable_id=made.payable_id, draft=voucher())
    other = await people.member(Role.AGENCY)
    with pytest.raises(PayableNotFound):
        await services.confirm_receipt(actor=other, payable_id=made.payable_id)


async def test_a_stale_form_and_a_wrong_order_are_told() -> None:
    made = await make_payable()
    with pytest.raises(NotAllowedNow):
        await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    with pytest.raises(StaleForm):
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher(), version=9)


async def test_a_bank_reference_pays_once() -> None:
    one = await make_payable()
    two = await make_payable(payer=one.payer, payee=one.payee)
    slip = voucher()
    await services.submit_voucher(actor=one.payer, payable_id=one.payable_id, draft=slip)
    with pytest.raises(ReferenceUsed):
        await services.submit_voucher(actor=one.payer, payable_id=two.payable_id, draft=slip)


async def test_a_transfer_of_tomorrow_is_refused() -> None:
    made = await make_payable()
    slip = voucher(paid_on=clock.today() + timedelta(days=1))
    with pytest.raises(PaidInFuture):
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=slip)


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("回单.pdf", b"", "file-empty"),
        ("回单.pdf", b"\x89PNG\r\n\x1a\n", "file-mislabelled"),
        ("回单.exe", b"MZ", "file-mislabelled"),
        ("回单.pdf", b"%PDF-1.7" + b"0" * (10 * 1024 * 1024), "file-too-large"),
    ],
)
async def test_bad_vouchers_change_nothing(name: str, body: bytes, code: str) -> None:
    made = await make_payable()
    with pytest.raises(files.Rejected) as refused:
        await services.submit_voucher(
            actor=made.payer, payable_id=made.payable_id, draft=voucher(voucher=Upload(name, body))
        )
    assert refused.value.code == code
    assert (await queries.payable(made.payable_id, made.payer)).state is PayableState.DUE


async def test_the_floor_above_can_take_it_back_until_it_is_paid() -> None:
    made = await make_payable()
    gone = await services.cancel_payable(kind="milestone", key=made.key, reason="合同变更")
    assert gone.state is PayableState.CANCELLED
    with pytest.raises(NotAllowedNow):
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())


async def test_when_the_floor_above_fails_nothing_is_settled() -> None:
    async def broken(*_facts: object) -> None:
        raise RuntimeError("no")

    before = list(services.SETTLED._takers)
    services.SETTLED.supply(broken)
    try:
        made = await make_payable()
        await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
        with pytest.raises(RuntimeError):
            await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
        assert (await queries.payable(made.payable_id, made.payee)).state is PayableState.VOUCHERED
    finally:
        services.SETTLED.supply(*before)


async def test_lists_sums_and_paging() -> None:
    payer = await people.member(Role.CLIENT)
    for number in range(3):
        await make_payable(payer=payer, amount=f"{number + 1}00.10")
    page = await queries.my_payables(payer, limit=2)
    rest = await queries.my_payables(payer, limit=2, before=page[-1].id)
    assert [len(page), len(rest)] == [2, 1]
    assert (await queries.sums(payer)).to_pay == Decimal("600.30")


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_every_letter_can_be_read_in_both_languages(settled: Calls, lang: str) -> None:
    made = await make_payable()
    await sql.execute("update core_account set language = $1", lang)
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    await services.contest(actor=made.payee, payable_id=made.payable_id, reason="未见")
    await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)
    await mail.send_waiting()
    sent = await sql.rows("select message, sent_at, problem from core_mail order by id")
    assert [row["message"].rpartition("/")[2] for row in sent] == [
        "payable_due",
        "voucher_submitted",
        "payment_contested",
        "payment_confirmed",
    ]
    assert all(row["sent_at"] and not row["problem"] for row in sent)
