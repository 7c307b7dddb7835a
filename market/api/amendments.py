"""Questions, answers and amendments as JSON."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from market import forms, services
from market.api.bodies import AmendmentBody, AnswerBody, QuestionBody
from market.api.shapes import moment_text, posted_json, receipt_json
from market.queries import amendments, notices, questions
from market.queries.bonds import bonds_of

AnyRequest = Request[Any, Any, Any]
POSTER = [web.requires(Permission.POST_NOTICE)]
BIDDER = [web.requires(Permission.SUBMIT_BID)]


def _receipt(receipt: services.QuestionReceipt) -> dict[str, Any]:
    return {
        "id": receipt.question_id,
        "notice_id": receipt.notice_id,
        "number": receipt.number,
        "trail_entry": receipt.entry_id,
    }


def _question(row: questions.QuestionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": row.number,
        "question": row.text,
        "asked_at": moment_text(row.asked_at),
        "mine": row.mine,
        "answers": [{"answer": one.text, "answered_at": moment_text(one.answered_at)} for one in row.answers],
    }


@get("/notices/{notice_id:int}/questions", name="api:questions", opt=web.public)
async def list_questions(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """Questions and answers; `mine` is true only for the caller's own."""
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    found = await questions.clarifications(row, identity)
    return {
        "items": [_question(one) for one in found.questions],
        "next": None,
        "until": moment_text(found.until),
        "open": found.open,
    }


@post("/notices/{notice_id:int}/questions", name="api:question-ask", guards=BIDDER)
async def ask_question(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[QuestionBody]) -> Response[Any]:
    """Ask without a name."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.QuestionReceipt:
        return await services.ask_question(identity, notice_id=notice_id, text=forms.parse_question(form))

    return await web.api_act(request, data, do, _receipt)


@post("/questions/{question_id:int}/answers", name="api:question-answer", guards=POSTER)
async def answer_question(request: AnyRequest, question_id: FromPath[int], data: JSONBody[AnswerBody]) -> Response[Any]:
    """Answer, or supplement the answer."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.QuestionReceipt:
        return await services.answer_question(identity, question_id=question_id, text=forms.parse_answer(form))

    return await web.api_act(request, data, do, _receipt)


@get("/notices/{notice_id:int}/amendments", name="api:amendments", opt=web.public)
async def list_amendments(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """Every amendment with its changes, newest first."""
    await notices.notice(notice_id, await web.who(request))
    return {
        "items": [
            {
                "amendment": one.amendment,
                "reason": one.reason,
                "amended_at": moment_text(one.amended_at),
                "sha256": one.digest,
                "changes": [{"field": each.field, "before": each.old, "after": each.new} for each in one.changes],
            }
            for one in await amendments.versions(notice_id)
        ],
        "next": None,
    }


@post("/notices/{notice_id:int}/amendments", name="api:notice-amend", guards=POSTER)
async def amend_notice(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[AmendmentBody]) -> Response[Any]:
    """Publish an amendment; bids must be confirmed afterwards."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.NoticeReceipt:
        row = await notices.own_notice(notice_id, identity)
        version = forms.parse_version(form)
        amendment, reason = forms.parse_amendment(form, row.method)
        return await services.amend_notice(
            identity,
            notice_id=notice_id,
            version=version,
            amendment=amendment,
            reason=reason,
            explanations=forms.parse_explanations(form),
        )

    return await web.api_act(request, data, do, posted_json)


@post("/notices/{notice_id:int}/bids/mine/confirmation", name="api:bid-confirm", guards=BIDDER)
async def confirm_bid(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Say that the bid stands after an amendment."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> services.BidReceipt:
        return await services.confirm_bid(identity, notice_id=notice_id)

    return await web.api_act(request, {}, do, receipt_json)


@get("/notices/{notice_id:int}/bonds", name="api:bonds", opt=web.public)
async def list_bonds(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """The bonds of a notice's awards; the payable's id only for its two parties."""
    identity = await web.who(request)
    row = await notices.notice(notice_id, identity)
    return {
        "items": [
            {
                "kind": one.kind.value,
                "agency_zh": one.agency_name_zh,
                "amount": f"{one.amount:.2f}",
                "state": one.state.value,
                "release_reason": one.release_reason or None,
                "payable": one.payable_id,
                "return_payable": one.return_id,
            }
            for one in await bonds_of(row, identity)
        ],
        "next": None,
    }


HANDLERS = [
    list_questions,
    ask_question,
    answer_question,
    list_amendments,
    amend_notice,
    confirm_bid,
    list_bonds,
]
