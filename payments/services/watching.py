"""What the clock asks for: reminders to whoever is to act, and an audit of the books on record every night."""

import json
from dataclasses import asdict
from datetime import date

from core import clock, db
from core.db import transaction
from core.workdays import Calendar, calendar
from payments import queries
from payments.queries.payables import COLUMNS, PayableRow, payable_row
from payments.rules import CONFIRM_WORKDAYS, PayableState
from payments.services.moving import tell_row

REMIND_BEFORE = 2
"""Working days before the payee's five are over at which it is reminded."""

OPEN_VOUCHERS = """
select t.payable, t.id, t.submitted_at from payments_transfer t join payments_payable p on p.id = t.payable
where p.state = 'vouchered' and t.id = (select max(id) from payments_transfer where payable = p.id)
"""


async def send_reminders() -> int:
    """Remind payees of vouchers that wait, and payers of what is overdue, once each; how many letters."""
    days, today, sent = await calendar(), clock.today(), 0
    for voucher in await db.rows(OPEN_VOUCHERS):
        if _nearly_over(days, clock.shanghai(voucher["submitted_at"]).date(), today):
            sent += await _remind(voucher["payable"], f"voucher:{voucher['id']}", "payments/voucher_waits", "payee")
    overdue = await db.rows(
        "select id from payments_payable where state = any($1::text[]) and due_on < $2 order by id",
        [PayableState.DUE.value, PayableState.CONTESTED.value, PayableState.EXPIRED.value],
        today,
    )
    for row in overdue:
        sent += await _remind(row["id"], "due", "payments/payable_overdue", "payer")
    return sent


def _nearly_over(days: Calendar, since: date, today: date) -> bool:
    return days.count(since, today) >= CONFIRM_WORKDAYS - REMIND_BEFORE


async def _remind(payable_id: int, what: str, message: str, side: str) -> int:
    async with transaction():
        once = await db.execute(
            "insert into payments_reminder (payable, what, sent_at) values ($1, $2, $3) on conflict do nothing",
            payable_id,
            what,
            clock.now(),
        )
        if once:
            row: PayableRow = payable_row(await db.row(COLUMNS + " where p.id = $1", payable_id))
            await tell_row(row.payer_id if side == "payer" else row.payee_id, message, row, due=row.due_on.isoformat())
    return once


async def record_audit() -> bool:
    """Audit the books and keep what was found for the finance desk; whether everything fits."""
    report = await queries.audit()
    await db.execute(
        "insert into payments_audit_run (ran_at, payables, postings, entries, findings) values ($1, $2, $3, $4, $5::jsonb)",
        clock.now(),
        report.payables,
        report.postings,
        report.entries,
        json.dumps([asdict(finding) for finding in report.findings], ensure_ascii=False),
    )
    return report.sound
