"""Writing the ledger: a posting in the transaction of its act, beside the act's trail entry."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core import clock, db
from payments.rules.ledger import Line, Posting, posting_digest


class PostingDiffers(RuntimeError):
    """A movement's key came again with other lines: a programming error, found before it can do harm."""


INSERT_POSTING = """
insert into payments_posting (kind, key, payable, trail_entry, occurred_at) values ($1, $2, $3, $4, $5)
on conflict (key) do nothing returning id
"""
INSERT_ENTRIES = """
insert into payments_entry (posting, account, amount) select $1, * from unnest($2::bigint[], $3::bigint[])
"""
FIND_ACCOUNTS = """
select a.id, a.organization, a.kind, a.currency from payments_account a
join unnest($1::bigint[], $2::text[], $3::text[]) as w(organization, kind, currency)
  on (a.organization, a.kind, a.currency) = (w.organization, w.kind, w.currency)
"""
OPEN_ACCOUNTS = """
insert into payments_account (organization, kind, currency, opened_at)
select *, $4::timestamptz from unnest($1::bigint[], $2::text[], $3::text[]) on conflict do nothing
"""


def note(postings: Sequence[Posting]) -> dict[str, Any] | None:
    """What the act's trail entry must carry as `note`, so that its postings can be proved unchanged."""
    return {"ledger": [posting.digest() for posting in postings]} if postings else None


async def post(
    postings: Sequence[Posting], *, payable_id: int, entry_id: int, occurred_at: datetime | None = None
) -> list[int]:
    """Write postings of a payable's act, in the running transaction; their ids, in order.

    `entry_id` is the act's trail entry, recorded with `note(postings)`. A posting whose key is already in the ledger with
    the same lines is left as it is (the same movement told twice); with other lines: `PostingDiffers`.
    RuntimeError outside a transaction.
    """
    db.current()
    accounts = await _accounts(line for posting in postings for line in posting.lines)
    at = occurred_at or clock.now()
    return [await _post(posting, accounts, payable_id, entry_id, at) for posting in postings]


async def _post(
    posting: Posting, accounts: Mapping[tuple[int, str, str], int], payable_id: int, entry_id: int, at: datetime
) -> int:
    posting_id: int | None = await db.value(INSERT_POSTING, posting.kind.value, posting.key, payable_id, entry_id, at)
    if posting_id is None:
        return await _known(posting)
    await db.execute(
        INSERT_ENTRIES,
        posting_id,
        [accounts[_name(line)] for line in posting.lines],
        [line.amount for line in posting.lines],
    )
    return posting_id


async def _known(posting: Posting) -> int:
    """The posting that has this key already; it must say the same."""
    found = await db.rows(
        "select p.id, p.kind, a.organization, a.kind as account, a.currency, e.amount from payments_posting p"
        " join payments_entry e on e.posting = p.id join payments_account a on a.id = e.account where p.key = $1",
        posting.key,
    )
    lines = [(one["organization"], one["account"], one["currency"], one["amount"]) for one in found]
    if not found or posting_digest(found[0]["kind"], posting.key, lines) != posting.digest():
        raise PostingDiffers(posting.key)
    posting_id: int = found[0]["id"]
    return posting_id


async def _accounts(lines: Iterable[Line]) -> dict[tuple[int, str, str], int]:
    """The accounts of these lines by name, opened where they did not exist."""
    wanted = sorted({_name(line) for line in lines})
    known = await _find(wanted)
    missing = [name for name in wanted if name not in known]
    if missing:
        await db.execute(OPEN_ACCOUNTS, *_columns(missing), clock.now())
        known |= await _find(missing)
    return known


async def _find(names: Sequence[tuple[int, str, str]]) -> dict[tuple[int, str, str], int]:
    found = await db.rows(FIND_ACCOUNTS, *_columns(names))
    return {(one["organization"], one["kind"], one["currency"]): one["id"] for one in found}


def _columns(names: Sequence[tuple[int, str, str]]) -> tuple[list[int], list[str], list[str]]:
    return [name[0] for name in names], [name[1] for name in names], [name[2] for name in names]


def _name(line: Line) -> tuple[int, str, str]:
    return line.organization_id, line.account.value, line.currency
