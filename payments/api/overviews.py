"""What the overviews show, as JSON: bonds, incoming money, imported statements, payouts; for whoever watches payments
the sums, and what waits at Stripe."""

from typing import Any

from litestar import Request, get
from litestar.params import FromQuery

from core import web
from core.identity import Permission
from core.web.pages import decode_cursor
from payments.api.payables import show_row
from payments.queries import finance, statements
from payments.queries import stripe as known

AnyRequest = Request[Any, Any, Any]
MOST = 100
PARTY = [web.requires(Permission.PAY)]
PAYEE = [web.requires(Permission.CONFIRM_PAYMENT)]
WATCHER = [web.requires(Permission.WATCH_PAYMENTS)]


@get("/payments/bonds", name="api:payment-bonds", guards=PARTY)
async def list_bonds(request: AnyRequest) -> dict[str, Any]:
    """Every bond one's own organisation lodged or holds, with the payable by which it goes back."""
    lines = await finance.bonds(await web.identity_of(request))
    return {
        "items": [
            {
                **show_row(line.row),
                "base": f"{line.row.base:.2f}" if line.row.base else None,
                "released_at": line.row.released_at.isoformat() if line.row.released_at else None,
                "return": line.return_id,
                "return_state": line.return_state.value if line.return_state else None,
                "return_due_on": line.return_due_on.isoformat() if line.return_due_on else None,
            }
            for line in lines
        ],
        "next": None,
    }


@get("/payments/incoming", name="api:payment-incoming", guards=PARTY)
async def list_incoming(
    request: AnyRequest, limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """What one's own organisation is to receive or has received, how it came, and its invoice, newest first."""
    before, limit = decode_cursor(cursor), min(max(limit, 1), MOST)
    lines = await finance.incoming(
        await web.identity_of(request), before=before if isinstance(before, int) else None, limit=limit + 1
    )
    return web.cursor_page(lines, limit, lambda line: line.row.id, _incoming)


def _incoming(line: finance.IncomingLine) -> dict[str, Any]:
    paid_on = line.paid_on.isoformat() if line.paid_on else None
    return {**show_row(line.row), "method": line.method, "paid_on": paid_on, "invoice": line.invoice}


@get("/bank-statements", name="api:bank-statements", guards=PAYEE)
async def list_statements(request: AnyRequest) -> dict[str, Any]:
    """The bank statements one's own organisation imported, newest first."""
    rows = await statements.bank_files(await web.identity_of(request))
    return {
        "items": [
            {
                "id": row.id,
                "name": row.name,
                "lines": row.lines,
                "repeated": row.repeated,
                "incoming": row.incoming,
                "matched": row.matched,
                "imported_at": row.imported_at.isoformat(),
            }
            for row in rows
        ],
        "next": None,
    }


@get("/payout-account/payouts", name="api:payouts", guards=PAYEE)
async def list_payouts(request: AnyRequest) -> dict[str, Any]:
    """What was passed on to one's own account at Stripe, and what is on its way from there to the bank."""
    identity = await web.identity_of(request)
    payee = await known.payee_of(identity.organization_id)
    return {
        "transfers": [
            {
                "payable": one.payable_id,
                "number": one.number,
                "amount": f"{one.yuan:.2f}",
                "settled": one.settled,
                "currency": one.currency,
                "state": one.state.value,
                "problem": one.problem or None,
                "done_at": one.done_at.isoformat() if one.done_at else None,
            }
            for one in await known.transferred(identity.organization_id)
        ],
        "payouts": [
            {
                "amount": one.amount,
                "currency": one.currency,
                "status": one.status,
                "failure": one.failure or None,
                "arrives_at": one.arrives_at.isoformat() if one.arrives_at else None,
            }
            for one in (await known.payouts(payee.id) if payee else [])
        ],
    }


# ---- whoever watches payments
@get("/payments/sums", name="api:payment-sums", guards=WATCHER)
async def list_sums() -> list[dict[str, Any]]:
    """All payables by state: how many, how much."""
    return [
        {"state": one.state.value, "count": one.count, "amount": f"{one.amount:.2f}"}
        for one in await finance.state_sums()
    ]


@get("/payments/stripe/troubles", name="api:stripe-troubles", guards=WATCHER)
async def list_waiting() -> dict[str, Any]:
    """What waits at Stripe or for a person, oldest first, and every dispute, open ones first."""
    return {
        "troubles": [
            {
                "kind": one.kind,
                "name": one.name,
                "problem": one.problem,
                "tries": one.tries,
                "at": one.at.isoformat(),
                "payable": one.payable_id,
            }
            for one in await known.troubles()
        ],
        "disputes": [
            {
                "id": one.id,
                "payable": one.payable_id,
                "number": one.number,
                "amount": f"{one.yuan:.2f}",
                "reason": one.reason,
                "status": one.status,
                "due_at": one.due_at.isoformat() if one.due_at else None,
            }
            for one in await known.disputes()
        ],
    }


HANDLERS = [
    list_bonds,
    list_incoming,
    list_statements,
    list_payouts,
    list_sums,
    list_waiting,
]
