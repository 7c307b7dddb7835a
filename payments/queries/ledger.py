"""Reads on the ledger: balances, and the statement of one organisation.

A page of a statement costs two index scans whatever the account holds: the entries of the page by key, and the balance
below it as one sum over the covering index (account, id, amount).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import db
from payments.rules.ledger import AccountKind, PostingKind, yuan_of

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


async def balances(organization_id: int) -> list[Balance]:
    """The balances of all accounts of an organisation, those with entries."""
    found = await db.rows(
        "select a.id, a.kind, a.currency, coalesce(sum(e.amount), 0)::bigint as amount, count(e.id) as entries"
        " from payments_account a left join payments_entry e on e.account = a.id"
        " where a.organization = $1 group by a.id order by a.currency, a.id",
        organization_id,
    )
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
), below as (
  select coalesce(sum(e.amount), 0)::bigint as amount from payments_entry e
  where e.account = $1 and e.id < (select min(id) from page)
)
select page.id, s.occurred_at, s.kind, page.amount, s.trail_entry, p.id as payable, p.number, p.title,
  ((select amount from below) + sum(page.amount) over (order by page.id))::bigint as balance,
  case when p.payer = $4 then e.name_zh else r.name_zh end as other_zh,
  case when p.payer = $4 then e.name_en else r.name_en end as other_en
from page join payments_posting s on s.id = page.posting join payments_payable p on p.id = s.payable
join core_organization r on r.id = p.payer join core_organization e on e.id = p.payee
order by page.id desc
"""


async def statement_page(
    organization_id: int, account: Balance, *, before: int | None = None, limit: int = 50
) -> list[StatementEntry]:
    """Entries of an account of the organisation, newest first, below the entry `before`, with the running balance."""
    found = await db.rows(PAGE, account.account_id, before, limit, organization_id)
    return [_entry(row, account) for row in found]


async def statement_rows(organization_id: int, account: Balance) -> AsyncIterator[list[StatementEntry]]:
    """The whole statement, newest first, in chunks: nobody holds 100,000 lines at once."""
    before: int | None = None
    while True:
        chunk = await statement_page(organization_id, account, before=before, limit=CHUNK)
        if chunk:
            yield chunk
        if len(chunk) < CHUNK:
            return
        before = chunk[-1].id


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
