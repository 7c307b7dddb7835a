"""Payables for tests."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from core import clock
from core.forms import Upload
from core.identity import Identity, Role
from payments import services
from payments.services import VoucherDraft
from tests.factories import core as make

_count = itertools.count(1)


@dataclass(frozen=True)
class MadePayable:
    """A payable and somebody on each side of it."""

    payable_id: int
    key: str
    payer: Identity
    payee: Identity


async def make_payable(
    *,
    payer: Identity | None = None,
    payee: Identity | None = None,
    amount: str = "24600.00",
    key: str | None = None,
    kind: str = "milestone",
    title: str = "第一节点：外业完成",
    base: str | None = None,
    threads: tuple[str, ...] = (),
) -> MadePayable:
    """A payable due in two weeks between a client and an agency."""
    payer = payer or await make.member(Role.CLIENT)
    payee = payee or await make.member(Role.AGENCY)
    key = key or f"case-{next(_count)}"
    payable_id = await services.create_payable(
        kind=kind,
        key=key,
        payer_id=payer.organization_id,
        payee_id=payee.organization_id,
        amount=Decimal(amount),
        title=title,
        due_on=clock.today() + timedelta(days=14),
        base=Decimal(base) if base else None,
        threads=threads,
    )
    return MadePayable(payable_id, key, payer, payee)


async def make_bond(payee: Identity | None = None) -> MadePayable:
    """A bid bond that an agency lodges with a client."""
    payer, payee = await make.member(Role.AGENCY), payee or await make.member(Role.CLIENT)
    facts = {"kind": "bid-bond", "amount": "2000.00", "base": "100000.00", "title": "小区测绘 投标保证金"}
    return await make_payable(payer=payer, payee=payee, **facts)  # type: ignore[arg-type]


def voucher(**changes: object) -> VoucherDraft:
    """A voucher of today with a reference of its own."""
    number = next(_count)
    facts: dict[str, object] = {
        "reference": f"20261120{number:08d}",
        "paid_on": clock.today(),
        "voucher": Upload("回单.pdf", b"%PDF-1.7\n%" + str(number).encode()),
    }
    return VoucherDraft(**(facts | changes))  # type: ignore[arg-type]


async def pay(made: MadePayable) -> None:
    """Pay a payable by bank and confirm it."""
    await services.submit_voucher(actor=made.payer, payable_id=made.payable_id, draft=voucher())
    await services.confirm_receipt(actor=made.payee, payable_id=made.payable_id)


@contextmanager
def nobody_above() -> Iterator[None]:
    """These cases belong to no contract and no award: nobody above takes over; the wiring is put back afterwards."""

    async def nobody(*_facts: object) -> None:
        return None

    before = list(services.SETTLED._takers)
    services.SETTLED.supply(nobody)
    try:
        yield
    finally:
        services.SETTLED.supply(*before)
