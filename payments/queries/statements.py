"""Reads on imported bank statements. They belong to the organisation that imported them and to nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import anyio

from core import db
from core.errors import NotFound
from core.i18n import N_
from core.identity import Identity
from payments.rules import PayableState
from payments.rules.ledger import fen, yuan_of
from payments.rules.statements import Claim, Likeness, Proposal, StatementLine, propose

MATCHABLE = (PayableState.DUE, PayableState.VOUCHERED, PayableState.CONTESTED, PayableState.EXPIRED)


class StatementNotFound(NotFound):
    """Absent, or another organisation's."""

    code = "statement-not-found"
    text = N_("没有找到这份银行明细。它可能不是您所在单位导入的。")


@dataclass(frozen=True)
class FileRow:
    """An imported statement with what has become of its lines."""

    id: int
    name: str
    lines: int
    repeated: int
    matched: int
    incoming: int
    imported_at: datetime


@dataclass(frozen=True)
class LineRow:
    """A line with what it pays, or probably pays. Amounts in yuan; positive came in."""

    id: int
    row: int
    booked_on: date
    amount: Decimal
    party: str
    reference: str
    memo: str
    payable_id: int | None
    payable_number: str | None
    payable_title: str | None
    payable_amount: Decimal | None
    likeness: Likeness | None
    matched: bool


FILES = """
select f.id, s.name, f.lines, f.repeated, f.imported_at,
  (select count(*) from payments_bank_match m join payments_bank_line l on l.id = m.line where l.file = f.id) as matched,
  (select count(*) from payments_bank_line l where l.file = f.id and l.amount > 0) as incoming
from payments_bank_file f join core_stored_file s on s.id = f.stored
"""


async def bank_files(identity: Identity, limit: int = 50) -> list[FileRow]:
    """The statements that one's own organisation imported, newest first."""
    found = await db.rows(
        FILES + " where f.organization = $1 order by f.id desc limit $2", identity.organization_id, limit
    )
    return [FileRow(**dict(row)) for row in found]


async def bank_file(file_id: int, identity: Identity) -> FileRow:
    """One statement; `StatementNotFound` for a foreign one."""
    row = await db.row(FILES + " where f.id = $1 and f.organization = $2", file_id, identity.organization_id)
    if row is None:
        raise StatementNotFound
    return FileRow(**dict(row))


async def claims_of(organization_id: int) -> list[Claim]:
    """The open payables of a payee, with the references of their vouchers."""
    found = await db.rows(
        "select p.id, p.number, p.amount, r.name_zh, coalesce(array_agg(t.reference) filter (where t.id is not null), '{}') as refs"
        " from payments_payable p join core_organization r on r.id = p.payer"
        " left join payments_transfer t on t.payable = p.id"
        " where p.payee = $1 and p.state = any($2::text[]) group by p.id, r.name_zh order by p.id",
        organization_id,
        list(MATCHABLE),
    )
    return [
        Claim(row["id"], row["number"], fen(row["amount"]), row["name_zh"], frozenset(row["refs"])) for row in found
    ]


async def proposals(file_id: int, organization_id: int) -> dict[int, Proposal]:
    """What the unmatched lines of a file probably pay, by line."""
    found = await db.rows(
        "select l.id, l.row, l.booked_on, l.amount, l.party, l.reference, l.memo, l.fingerprint from payments_bank_line l"
        " where l.file = $1 and l.amount > 0 and not exists (select from payments_bank_match m where m.line = l.id)"
        " order by l.row",
        file_id,
    )
    lines = [
        (row["id"], StatementLine(**{name: row[name] for name in StatementLine.__dataclass_fields__})) for row in found
    ]
    claims = await claims_of(organization_id)
    return await anyio.to_thread.run_sync(propose, lines, claims)


LINES = """
select l.id, l.row, l.booked_on, l.amount, l.party, l.reference, l.memo, m.payable, p.number, p.title, p.amount as owed
from payments_bank_line l
left join payments_bank_match m on m.line = l.id left join payments_payable p on p.id = m.payable
where l.file = $1 and l.row > $2 and ($3::bigint[] is null or l.id = any($3)) order by l.row limit $4
"""


async def bank_lines(
    file_id: int, found: dict[int, Proposal], *, only_open: bool = False, after: int = 0, limit: int = 100
) -> list[LineRow]:
    """Lines of a file in their order behind row `after`, with their proposals; `only_open`: only those that have one."""
    wanted = sorted(found) if only_open else None
    rows = await db.rows(LINES, file_id, after, wanted, limit)
    names = await _payables([found[row["id"]].payable_id for row in rows if row["id"] in found])
    return [_line(row, found.get(row["id"]), names) for row in rows]


async def _payables(ids: Sequence[int]) -> dict[int, tuple[str, str, Decimal]]:
    rows = await db.rows(
        "select id, number, title, amount from payments_payable where id = any($1::bigint[])", list(ids)
    )
    return {row["id"]: (row["number"], row["title"], row["amount"]) for row in rows}


def _line(row: Any, proposal: Proposal | None, names: dict[int, tuple[str, str, Decimal]]) -> LineRow:
    matched = row["payable"] is not None
    payable_id = row["payable"] or (proposal.payable_id if proposal else None)
    number, title, owed = (
        (row["number"], row["title"], row["owed"]) if matched else names.get(payable_id or 0, (None, None, None))
    )
    return LineRow(
        row["id"],
        row["row"],
        row["booked_on"],
        yuan_of(row["amount"]),
        row["party"],
        row["reference"],
        row["memo"],
        payable_id,
        number,
        title,
        owed,
        proposal.likeness if proposal and not matched else None,
        matched,
    )
