"""Importing what the bank says, and confirming which payable a line pays. A person confirms; nothing settles by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from core import clock, db, files, sheets, trail
from core.db import transaction
from core.errors import Conflict
from core.forms import Upload
from core.i18n import N_
from core.identity import Identity, Permission
from payments.queries.payables import PayableRow, reference_user
from payments.queries.statements import MATCHABLE, bank_file, proposals
from payments.rules import Method, PayableAct, ReferenceUsed
from payments.rules.ledger import yuan_of
from payments.rules.statements import (
    MOST_ROWS,
    BankFileTooLong,
    BankFileUnreadable,
    Likeness,
    Proposal,
    StatementLine,
    read_statement,
)
from payments.services.moving import PaymentReceipt, locked_by
from payments.services.vouchers import settle_by_bank

CSV = files.FileType(".csv", "text/csv", lambda body: b"\x00" not in body)
STATEMENT = files.FileUse("bank-statement", 8 * files.MEGABYTE, (files.XLSX, CSV))
LIMITS = sheets.Limits(rows=MOST_ROWS + 60, columns=40, unpacked=80 * 1024 * 1024)
"""The preface above the head, the head, the lines, sums below, and enough more to tell that there are too many."""
AT_ONCE = 200
"""Matches confirmed by one press: all of them are one act."""


class MatchOutdated(Conflict):
    """Since the page was made, somebody paid, confirmed or matched otherwise."""

    code = "match-outdated"
    text = N_("第 %(row)s 行与款项 %(number)s 已不能配对（金额不符，或款项已办结、已配对）。请刷新页面后再确认。")


class NothingToMatch(Conflict):
    """No line is chosen, or none is exact."""

    code = "nothing-to-match"
    text = N_("没有可以确认的配对。请勾选至少一行，或先核对付款附言中的款项编号。")


@dataclass(frozen=True)
class ImportReceipt:
    """What came of an import; `repeated` lines were known already and left out."""

    file_id: int
    lines: int
    repeated: int
    entry_id: int


@dataclass(frozen=True)
class MatchReceipt:
    """What was confirmed, and how many exact ones are left for another press."""

    file_id: int
    confirmed: tuple[PaymentReceipt, ...]
    left: int


def read_file(upload: Upload) -> list[StatementLine]:
    """The lines of an uploaded statement. Blocking: call it in a thread. Raises what is wrong with the file."""
    kind = files.check(upload, STATEMENT)
    try:
        cells = sheets.read_cells(upload.body, workbook=kind is not CSV, limits=LIMITS)
    except sheets.SheetTooBig as error:
        raise BankFileTooLong(most=f"{MOST_ROWS:,}") from error
    except sheets.SheetBroken as error:
        raise BankFileUnreadable from error
    return read_statement(cells, clock.today())


INSERT_LINES = """
insert into payments_bank_line (file, organization, row, booked_on, amount, party, reference, memo, fingerprint)
select $1, $2, * from unnest($3::int[], $4::date[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[])
on conflict (organization, fingerprint) do nothing
"""


async def import_statement(*, actor: Identity, upload: Upload) -> ImportReceipt:
    """Take over a bank statement of one's own organisation. The same bank line imported before is left out.

    `FormInvalid` naming the bad rows, `BankFileUnreadable`, `BankFileTooLong`, `BankFileEmpty`, and the file faults.
    """
    actor.require(Permission.CONFIRM_PAYMENT)
    lines = await anyio.to_thread.run_sync(read_file, upload)
    async with transaction():
        stored = await files.store(upload, use=STATEMENT, actor=actor)
        file_id: int = await db.value(
            "insert into payments_bank_file (organization, account, stored, lines, repeated, imported_at)"
            " values ($1, $2, $3, 0, 0, $4) returning id",
            actor.organization_id,
            actor.account_id,
            stored.id,
            clock.now(),
        )
        kept = await db.execute(
            INSERT_LINES,
            file_id,
            actor.organization_id,
            *(
                [getattr(line, name) for line in lines]
                for name in ("row", "booked_on", "amount", "party", "reference", "memo", "fingerprint")
            ),
        )
        repeated = len(lines) - kept
        await db.execute(
            "update payments_bank_file set lines = $2, repeated = $3 where id = $1", file_id, kept, repeated
        )
        entry = await trail.record(
            actor,
            "statement.imported",
            f"bank-file:{file_id}",
            after={"file": stored.sha256, "lines": kept, "repeated": repeated},
        )
    return ImportReceipt(file_id, kept, repeated, entry)


async def confirm_matches(*, actor: Identity, file_id: int, chosen: Mapping[int, int] | None) -> MatchReceipt:
    """Confirm that lines pay payables of one's own organisation: `chosen` maps lines to payables, None means all exact
    ones (`AT_ONCE` at most). The amounts must agree to the fen. `MatchOutdated`, `NothingToMatch`."""
    actor.require(Permission.CONFIRM_PAYMENT)
    async with transaction():
        await bank_file(file_id, actor)
        found = await proposals(file_id, actor.organization_id)
        wanted = _exact(found) if chosen is None else dict(chosen)
        if not wanted:
            raise NothingToMatch
        pairs = sorted(wanted.items(), key=lambda pair: pair[1])[:AT_ONCE]
        confirmed = [await _confirm(actor, file_id, line_id, payable_id) for line_id, payable_id in pairs]
        await trail.record(
            actor, "statement.matched", f"bank-file:{file_id}", after={"payables": [one.number for one in confirmed]}
        )
    return MatchReceipt(file_id, tuple(confirmed), len(wanted) - len(pairs))


def _exact(found: Mapping[int, Proposal]) -> dict[int, int]:
    return {one.line_id: one.payable_id for one in found.values() if one.likeness is Likeness.EXACT}


async def _confirm(actor: Identity, file_id: int, line_id: int, payable_id: int) -> PaymentReceipt:
    row = await locked_by(actor, payable_id, "payee")
    line = await db.row(
        "select l.row, l.booked_on, l.amount, l.reference, f.stored from payments_bank_line l"
        " join payments_bank_file f on f.id = l.file where l.id = $1 and l.file = $2 and l.organization = $3",
        line_id,
        file_id,
        actor.organization_id,
    )
    if line is None or row.state not in MATCHABLE or yuan_of(line["amount"]) != row.amount:
        raise MatchOutdated(row=line["row"] if line else "?", number=row.number)
    once = await db.execute(
        "insert into payments_bank_match (line, payable, account, matched_at) values ($1, $2, $3, $4) on conflict do nothing",
        line_id,
        payable_id,
        actor.account_id,
        clock.now(),
    )
    if not once:
        raise MatchOutdated(row=line["row"], number=row.number)
    await _transfer(actor, row, line, line_id)
    return await settle_by_bank(actor, row, PayableAct.CONFIRM_FROM_STATEMENT)


async def _transfer(actor: Identity, row: PayableRow, line: Mapping[str, object], line_id: int) -> None:
    """The line as the payable's last transfer, unless the payer registered the same transfer already."""
    reference = str(line["reference"]) or f"LINE-{line_id}"
    other = await reference_user(reference, row.id)
    if other:
        raise ReferenceUsed(reference=reference, number=other)
    last = await db.value("select reference from payments_transfer where payable = $1 order by id desc limit 1", row.id)
    if last == reference:
        return
    await db.execute(
        "insert into payments_transfer (payable, method, amount, reference, paid_on, voucher, account, submitted_at,"
        " contest_reason) values ($1, $2, $3, $4, $5, $6, $7, $8, '')",
        row.id,
        Method.BANK_STATEMENT.value,
        row.amount,
        reference,
        line["booked_on"],
        line["stored"],
        actor.account_id,
        clock.now(),
    )
