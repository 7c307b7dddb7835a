"""Reads on the ledger: balances, and the statement of one organisation.

A statement pages by key: the entries of a page by index, and its running balance from the account's, whose sum is one scan
of the covering index (account, id, amount).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from core.db import transaction
from payments.rules.ledger import AccountKind, PostingKind, fen, yuan_of

CHUNK = 2000


@dataclass(frozen=True)
class Balance:
    """What stands on an account now, in yuan (or the account's own currency)."""

    account_id: int
    kind: AccountKind
    currency: str
    amount: Decimal
    entries: int


@dataclass(frozen=True)
class StatementEntry:
    """One line of a statement; `balance` is what stood on the account after it."""

    id: int
    occurred_at: datetime
    kind: PostingKind
    account: AccountKind
    currency: str
    amount: Decimal
    balance: Decimal
    payable_id: int
    number: str
    title: str
    other_zh: str
    other_en: str
    trail_entry: int

    @property
    def incoming(self) -> bool:
        """Whether the account gained."""
        return self.amount > 0


BALANCES = """
select a.id, a.kind, a.currency, x.amount, x.entries from payments_account a cross join lateral (
  select coalesce(sum(e.amount), 0)::bigint as amount, count(*) as entries from payments_entry e where e.account = a.id) x
where a.organization = $1 order by a.currency, a.id
"""


async def balances(organization_id: int) -> list[Balance]:
    """The balances of all accounts of an organisation, those with entries."""
    found = await db.rows(BALANCES, organization_id)
    return [
        Balance(row["id"], AccountKind(row["kind"]), row["currency"], yuan_of(row["amount"]), row["entries"])
        for row in found
        if row["entries"]
    ]


async def balance(organization_id: int, kind: AccountKind, currency: str = "CNY") -> Decimal:
    """What stands on one account, zero where there is none."""
    amount: int = await db.value(
        "select coalesce(sum(e.amount), 0)::bigint from payments_entry e join payments_account a on a.id = e.account"
        " where a.organization = $1 and a.kind = $2 and a.currency = $3",
        organization_id,
        kind.value,
        currency,
    )
    return yuan_of(amount)


PAGE = """
with page as (
  select e.id, e.posting, e.amount from payments_entry e
  where e.account = $1 and ($2::bigint is null or e.id < $2) order by e.id desc limit $3
), above as (
  select coalesce(sum(e.amount), 0)::bigint as amount from payments_entry e where e.account = $1 and e.id >= $2
)
select page.id, s.occurred_at, s.kind, page.amount, s.trail_entry, p.id as payable, p.number, p.title,
  ($5 - (select amount from above) + page.amount - sum(page.amount) over (order by page.id desc))::bigint as balance,
  case when p.payer = $4 then e.name_zh else r.name_zh end as other_zh,
  case when p.payer = $4 then e.name_en else r.name_en end as other_en
from page join payments_posting s on s.id = page.posting join payments_payable p on p.id = s.payable
join core_organization r on r.id = p.payer join core_organization e on e.id = p.payee
order by page.id desc
"""
"""The balance before the page is the account's, less what came above it: nothing to add up on the first page."""


async def statement(
    organization_id: int, account_id: int | None = None, *, before: int | None = None, limit: int = 50
) -> tuple[list[Balance], Balance | None, list[StatementEntry]]:
    """The accounts of an organisation, the chosen one (its own money unless it names another), and a page of its
    entries, newest first, below the entry `before`; all of one snapshot, so that the running balance is right."""
    async with transaction(isolation="repeatable_read", readonly=True):
        accounts = await balances(organization_id)
        usual = [one for one in accounts if one.kind is AccountKind.OUTSIDE] or accounts
        chosen = next((one for one in accounts if one.account_id == account_id), usual[0] if usual else None)
        if chosen is None:
            return [], None, []
        rows = await statement_page(organization_id, chosen, before=before, limit=limit)
    return accounts, chosen, rows


async def statement_page(
    organization_id: int, account: Balance, *, before: int | None = None, limit: int = 50
) -> list[StatementEntry]:
    """Entries of an account whose balance was just read, newest first, below the entry `before`."""
    found = await db.rows(PAGE, account.account_id, before, limit, organization_id, fen(account.amount))
    return [_entry(row, account) for row in found]


WHOLE = """
select x.id, s.occurred_at, s.kind, x.amount, s.trail_entry, p.id as payable, p.number, p.title, x.balance::bigint,
  case when p.payer = $2 then e.name_zh else r.name_zh end as other_zh,
  case when p.payer = $2 then e.name_en else r.name_en end as other_en
from (select id, posting, amount, sum(amount) over () + amount - sum(amount) over (order by id desc) as balance
      from payments_entry where account = $1) x
join payments_posting s on s.id = x.posting join payments_payable p on p.id = s.payable
join core_organization r on r.id = p.payer join core_organization e on e.id = p.payee
order by x.id desc
"""


async def statement_rows(organization_id: int, account: Balance) -> AsyncIterator[list[StatementEntry]]:
    """The whole statement, newest first, out of one statement by a cursor: one snapshot, and nobody holds 100,000 lines."""
    async with db.connection() as link, link.transaction(readonly=True):
        cursor = await link.cursor(WHOLE, account.account_id, organization_id)
        while chunk := await cursor.fetch(CHUNK):
            yield [_entry(row, account) for row in chunk]


def _entry(row: Any, account: Balance) -> StatementEntry:
    return StatementEntry(
        row["id"],
        row["occurred_at"],
        PostingKind(row["kind"]),
        account.kind,
        account.currency,
        yuan_of(row["amount"]),
        yuan_of(row["balance"]),
        row["payable"],
        row["number"],
        row["title"],
        row["other_zh"],
        row["other_en"],
        row["trail_entry"],
    )
