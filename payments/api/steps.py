"""Holds, releases, invoices, bundles, bank statements, review costs and the statement of account as JSON."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from core import web
from core.errors import NotFound
from core.forms import Form
from core.identity import Permission
from core.web.pages import decode_cursor
from payments import forms, queries, services
from payments.api.payables import show_receipt
from payments.forms import stripe as stripe_forms
from payments.queries import finance, statements
from payments.queries.ledger import Balance, StatementEntry
from payments.services import BundleReceipt, ImportReceipt, MatchReceipt, PaymentReceipt

AnyRequest = Request[Any, Any, Any]
MOST = 500
PAPER_BODY = 12 * 1024 * 1024
REGULATOR = [web.requires(Permission.HOLD_PAYMENT)]
PAYER = [web.requires(Permission.PAY)]
PAYEE = [web.requires(Permission.CONFIRM_PAYMENT)]


class ReasonBody(msgspec.Struct):
    """Why."""

    reason: str


@post("/payables/{payable_id:int}/hold", name="api:payable-hold", guards=REGULATOR)
async def hold(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Stop the money of a payable."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.place_hold(actor=identity, payable_id=payable_id, reason=forms.parse_reason(form))

    return await web.api_act(request, data, do, show_receipt)


@post("/payables/{payable_id:int}/unhold", name="api:payable-unhold", guards=REGULATOR)
async def unhold(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Let it go again."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.lift_hold(actor=identity, payable_id=payable_id, reason=forms.parse_reason(form))

    return await web.api_act(request, data, do, show_receipt)


@post("/payables/{payable_id:int}/release", name="api:payable-release", guards=[web.signed_in])
async def release(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Release a bond that one holds, or any bond as regulator."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.release_bond(actor=identity, payable_id=payable_id, reason=forms.parse_reason(form))

    return await web.api_act(request, data, do, show_receipt)


class ForfeitBody(msgspec.Struct):
    """How much of a bond in yuan is not given back, and why; the payer reads it."""

    amount: str
    reason: str


@post("/payables/{payable_id:int}/forfeit", name="api:payable-forfeit", guards=[web.signed_in])
async def forfeit(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ForfeitBody]) -> Response[Any]:
    """Not give back a bond that one holds, or any bond as regulator."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        amount, reason = stripe_forms.parse_order(form)
        return await services.forfeit_bond(actor=identity, payable_id=payable_id, amount=amount, reason=reason)

    return await web.api_act(request, data, do, show_receipt)


class ObjectionBody(msgspec.Struct):
    """Why the payer does not agree."""

    objection: str


@post("/payables/{payable_id:int}/forfeit/objection", name="api:payable-object", guards=PAYER)
async def object_to_forfeit(
    request: AnyRequest, payable_id: FromPath[int], data: JSONBody[ObjectionBody]
) -> Response[Any]:
    """Object to the forfeiture of a bond one lodged, while the platform keeps the money."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.object_to_forfeit(
            actor=identity, payable_id=payable_id, words=forms.parse_objection(form)
        )

    return await web.api_act(request, data, do, show_receipt)


class AnswerBody(msgspec.Struct):
    """`result` is `stop` or `dismiss`; both parties read the answer."""

    result: str
    answer: str


@post("/payables/{payable_id:int}/forfeit/objection/answer", name="api:payable-answer-objection", guards=REGULATOR)
async def answer_objection(request: AnyRequest, payable_id: FromPath[int], data: JSONBody[AnswerBody]) -> Response[Any]:
    """Answer an objection to a forfeiture."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        result, answer = forms.parse_answer(form)
        return await services.answer_objection(actor=identity, payable_id=payable_id, result=result, answer=answer)

    return await web.api_act(request, data, do, show_receipt)


@post(
    "/payables/{payable_id:int}/invoice",
    name="api:payable-invoice",
    guards=PAYEE,
    request_max_body_size=PAPER_BODY,
)
async def invoice(request: AnyRequest, payable_id: FromPath[int]) -> Response[Any]:
    """Record an invoice: multipart/form-data with `invoice_number`, `issued_on`, `invoice_amount`, `paper`."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> PaymentReceipt:
        return await services.record_invoice(actor=identity, payable_id=payable_id, draft=forms.parse_invoice(form))

    return await web.api_act(request, None, do, show_receipt)


@post("/bundles", name="api:bundle-pay", guards=PAYER, request_max_body_size=PAPER_BODY)
async def pay_bundle(request: AnyRequest) -> Response[Any]:
    """One transfer for several payables: multipart/form-data with `payable` (repeated), `amount`, `reference`,
    `paid_on`, `voucher`."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> BundleReceipt:
        return await services.pay_bundle(
            actor=identity, payable_ids=forms.parse_parts(form), draft=forms.parse_voucher(form)
        )

    def show(receipt: BundleReceipt) -> dict[str, Any]:
        return {
            "bundle": receipt.bundle_id,
            "number": receipt.number,
            "amount": f"{receipt.amount:.2f}",
            "payables": receipt.parts,
            "trail_entry": receipt.entry_id,
        }

    return await web.api_act(request, None, do, show)


@post("/bank-statements", name="api:bank-import", guards=PAYEE, request_max_body_size=PAPER_BODY)
async def import_statement(request: AnyRequest) -> Response[Any]:
    """Import a bank statement: multipart/form-data with `statement`."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> ImportReceipt:
        return await services.import_statement(actor=identity, upload=forms.parse_statement(form))

    def show(receipt: ImportReceipt) -> dict[str, Any]:
        return {
            "id": receipt.file_id,
            "lines": receipt.lines,
            "repeated": receipt.repeated,
            "trail_entry": receipt.entry_id,
        }

    return await web.api_act(request, None, do, show)


@get("/bank-statements/{file_id:int}", name="api:bank-statement", guards=PAYEE)
async def show_bank_statement(
    request: AnyRequest, file_id: FromPath[int], limit: FromQuery[int] = 100, after: FromQuery[int] = 0
) -> dict[str, Any]:
    """The lines of a statement behind row `after`, with what they probably pay."""
    identity = await web.identity_of(request)
    row = await statements.bank_file(file_id, identity)
    found = await statements.proposals(file_id, identity.organization_id)
    lines = await statements.bank_lines(file_id, found, after=after, limit=min(max(limit, 1), MOST))
    return {
        "id": row.id,
        "lines": row.lines,
        "repeated": row.repeated,
        "matched": row.matched,
        "items": [
            {
                "line": line.id,
                "row": line.row,
                "booked_on": line.booked_on.isoformat(),
                "amount": f"{line.amount:.2f}",
                "party": line.party,
                "reference": line.reference,
                "memo": line.memo,
                "payable": line.payable_id,
                "likeness": line.likeness.value if line.likeness else None,
                "matched": line.matched,
            }
            for line in lines
        ],
    }


class MatchBody(msgspec.Struct):
    """Pairs `line:payable`, or all exact ones."""

    match: list[str] = []
    all_exact: bool = False


@post("/bank-statements/{file_id:int}/matches", name="api:bank-match", guards=PAYEE)
async def confirm_matches(request: AnyRequest, file_id: FromPath[int], data: JSONBody[MatchBody]) -> Response[Any]:
    """Confirm that lines pay payables."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> MatchReceipt:
        return await services.confirm_matches(actor=identity, file_id=file_id, chosen=forms.parse_matches(form))

    def show(receipt: MatchReceipt) -> dict[str, Any]:
        return {"confirmed": [show_receipt(one) for one in receipt.confirmed], "left": receipt.left}

    return await web.api_act(request, data, do, show)


class ReviewCostBody(msgspec.Struct):
    """Whom the caller's own department pays for a review."""

    payee_uscc: str
    reference: str
    amount: str
    title: str
    due_on: str


@post("/review-costs", name="api:review-cost", guards=[web.requires(Permission.ASSIGN_REVIEW)])
async def ask_review_cost(request: AnyRequest, data: JSONBody[ReviewCostBody]) -> Response[Any]:
    """The caller's own department owes the cost of a review it orders."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        said = forms.parse_review_cost(form)
        return await services.ask_review_cost(
            actor=identity,
            payee_uscc=said.payee_uscc,
            reference=said.reference,
            amount=said.amount,
            title=said.title,
            due_on=said.due_on,
        )

    return await web.api_act(request, data, do, lambda payable_id: {"payable": payable_id})


def _balance(one: Balance) -> dict[str, Any]:
    return {
        "account": one.account_id,
        "kind": one.kind.value,
        "currency": one.currency,
        "balance": f"{one.amount:.2f}",
        "entries": one.entries,
    }


def _entry(one: StatementEntry) -> dict[str, Any]:
    return {
        "id": one.id,
        "occurred_at": one.occurred_at.isoformat(),
        "kind": one.kind.value,
        "amount": f"{one.amount:.2f}",
        "balance": f"{one.balance:.2f}",
        "payable": one.payable_id,
        "number": one.number,
        "title": one.title,
        "other_zh": one.other_zh,
        "other_en": one.other_en,
        "trail_entry": one.trail_entry,
    }


@get("/accounts", name="api:ledger-accounts", guards=PAYER)
async def list_accounts(request: AnyRequest) -> list[dict[str, Any]]:
    """The accounts of one's own organisation in the ledger, with their balances."""
    identity = await web.identity_of(request)
    return [_balance(one) for one in await queries.balances(identity.organization_id)]


@get("/accounts/{account_id:int}/entries", name="api:ledger-entries", guards=PAYER)
async def list_entries(
    request: AnyRequest, account_id: FromPath[int], limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """The entries of one account, newest first, with the running balance."""
    identity = await web.identity_of(request)
    for account in await queries.balances(identity.organization_id):
        if account.account_id == account_id:
            before, limit = decode_cursor(cursor), min(max(limit, 1), MOST)
            rows = await queries.statement_page(
                identity.organization_id, account, before=before if isinstance(before, int) else None, limit=limit + 1
            )
            return web.cursor_page(rows, limit, lambda row: row.id, _entry)
    raise NotFound


@get("/payments/troubles", name="api:payment-troubles", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def list_troubles() -> list[dict[str, Any]]:
    """What is out of order, most urgent first."""
    return [
        {
            "trouble": one.trouble.value,
            "payable": one.row.id,
            "number": one.row.number,
            "amount": f"{one.row.amount:.2f}",
            "state": one.row.state.value,
            "due_on": one.row.due_on.isoformat(),
        }
        for one in await finance.troubles()
    ]


@get("/payments/audit", name="api:payment-audit", guards=[web.requires(Permission.WATCH_PAYMENTS)])
async def show_audit() -> dict[str, Any]:
    """What the last nightly audit of the ledger looked at and found; `sound` is null before the first."""
    last = await finance.latest_audit()
    if last is None:
        return {"ran_at": None, "sound": None}
    return {
        "ran_at": last.ran_at.isoformat(),
        "sound": not last.findings,
        "payables": last.payables,
        "postings": last.postings,
        "entries": last.entries,
        "findings": last.findings,
    }


HANDLERS = [
    show_audit,
    hold,
    unhold,
    release,
    forfeit,
    object_to_forfeit,
    answer_objection,
    invoice,
    pay_bundle,
    import_statement,
    show_bank_statement,
    confirm_matches,
    ask_review_cost,
    list_accounts,
    list_entries,
    list_troubles,
]
