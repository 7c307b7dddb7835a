"""The audit: clean after a life in full, and naming whatever somebody with power over the database has changed."""

import asyncpg
import pytest
from click.testing import CliRunner

from core import db
from core.identity import Role
from payments import queries, services
from payments.cli import cli
from payments.rules.audit import Check
from payments.services.opening import open_books
from tests.factories import core as people
from tests.factories.payments import make_payable, nobody_above, pay, voucher

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db")]


async def a_busy_market() -> None:
    """Payables in every state that the bank way knows."""
    with nobody_above():
        await make_payable()
        await pay(await make_payable(amount="1000.10"))
        vouchered = await make_payable()
        await services.submit_voucher(actor=vouchered.payer, payable_id=vouchered.payable_id, draft=voucher())
        contested = await make_payable()
        await services.submit_voucher(actor=contested.payer, payable_id=contested.payable_id, draft=voucher())
        await services.contest(actor=contested.payee, payable_id=contested.payable_id, reason="未见")
        gone = await make_payable()
        await services.cancel_payable(kind="milestone", key=gone.key, reason="合同变更")
        client, agency = await people.member(Role.CLIENT), await people.member(Role.AGENCY)
        for key in ("held", "back"):
            await pay(
                await make_payable(kind="bid-bond", key=key, amount="200.00", base="10000", payer=agency, payee=client)
            )
        await services.release_bond_of(kind="bid-bond", key="back", reason="contract-filed")
        returned = await queries.payable_for("bond-return", "bid-bond:back")
        assert returned is not None
        await services.submit_voucher(actor=client, payable_id=returned.id, draft=voucher())
        await services.confirm_receipt(actor=agency, payable_id=returned.id)


async def test_a_busy_market_is_clean() -> None:
    await a_busy_market()
    report = await queries.audit()
    assert report.findings == ()
    assert report.payables == 8
    assert report.postings > 15


TAMPERING = [
    ("update payments_entry set amount = amount + 1 where id = 1", {Check.BALANCE, Check.TRAIL, Check.WRITTEN_ONCE}),
    ("update payments_entry set amount = amount * 2 where posting = 1", {Check.TRAIL, Check.STATE}),
    ("update payments_entry set account = 3 where id = 1", {Check.TRAIL, Check.STATE}),
    (
        "with e as (delete from payments_entry where posting = 1) delete from payments_posting where id = 1",
        {Check.TRAIL},
    ),
    ("update payments_posting set trail_entry = 1 where id = 1", {Check.TRAIL}),
    ("update payments_payable set state = 'confirmed', settled_at = now() where id = 1", {Check.STATE}),
    ("update payments_payable set amount = amount + 1 where id = 1", {Check.STATE}),
    ("update payments_payable set captured = 5 where id = 1", {Check.STATE}),
    ("update payments_payable set state = 'due' where key = 'held'", {Check.STATE, Check.BONDS}),
    ("alter table payments_entry disable trigger payments_entry_once", {Check.WRITTEN_ONCE}),
    ("grant update on payments_entry to xinshi_app", {Check.WRITTEN_ONCE}),
]


@pytest.mark.parametrize(("statement", "named"), TAMPERING)
async def test_what_the_owner_tampered_with_is_named(committed_db: str, statement: str, named: set[Check]) -> None:
    await a_busy_market()
    owner = await asyncpg.connect(committed_db)
    try:
        await owner.execute("set session_replication_role = replica")
        await owner.execute(statement)
        await owner.execute("select pg_stat_force_next_flush()")
    finally:
        await owner.close()
    report = await queries.audit()
    assert named <= {finding.check for finding in report.findings}


async def test_the_command_tells_and_sets_the_exit_code(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await make_payable()
    report = await queries.audit()
    monkeypatch.setattr("payments.cli.with_database", lambda _: report)
    clean = CliRunner().invoke(cli, ["audit"])
    assert clean.exit_code == 0, clean.output
    await db.execute("update payments_payable set amount = 1 where id = $1", made.payable_id)
    broken = await queries.audit()
    monkeypatch.setattr("payments.cli.with_database", lambda _: broken)
    told = CliRunner().invoke(cli, ["audit"])
    assert told.exit_code == 1
    assert "XT-FK-" in told.output


async def test_older_payables_are_taken_into_the_books(committed_db: str) -> None:
    await a_busy_market()
    owner = await asyncpg.connect(committed_db)
    try:
        await owner.execute("set session_replication_role = replica")
        await owner.execute("truncate payments_entry, payments_posting, payments_account")
        await owner.execute("update core_trail_entry set subject = 'older:1' where act like 'payable.%'")
        await owner.execute(
            "update payments_payable set state = 'confirmed', released_at = null where state = 'released'"
        )
    finally:
        await owner.close()
    assert await open_books() == await db.value("select count(*) from payments_payable")
    assert await open_books() == 0
    assert (await queries.audit()).findings == ()
