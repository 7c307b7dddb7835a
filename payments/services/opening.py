"""Opening the books: payables that are older than the ledger get their postings once, on the trail like everything else."""

from core import db, trail
from core.db import transaction
from core.identity import SYSTEM
from payments.queries.payables import COLUMNS, PayableRow, payable_row
from payments.rules import PayableState
from payments.rules.ledger import Posting, fen, obligation, obligation_ended
from payments.services import ledger
from payments.services.vouchers import arrived_by_bank


async def open_books() -> int:
    """Post every payable that has no posting, as its state says; how many. Idempotent and quick when there is none."""
    opened = 0
    async with transaction():
        found = await db.rows(
            COLUMNS
            + " where not exists (select from payments_posting s where s.payable = p.id) order by p.id for update of p"
        )
        for row in map(payable_row, found):
            postings = _history(row)
            entry = await trail.record(
                SYSTEM,
                "ledger.opened",
                f"payable:{row.id}",
                after={"number": row.number, "state": row.state.value, "amount": row.amount},
                threads=row.threads,
                note=ledger.note(postings),
            )
            await ledger.post(postings, payable_id=row.id, entry_id=entry)
            opened += 1
    return opened


def _history(row: PayableRow) -> list[Posting]:
    """What has moved until now. Before the ledger there were bank transfers only."""
    amount = fen(row.amount)
    owed = obligation(row.parties, amount)
    if row.state is PayableState.CANCELLED:
        return [owed, obligation_ended(row.parties, amount)]
    return [owed, *arrived_by_bank(row)] if row.state is PayableState.CONFIRMED else [owed]
