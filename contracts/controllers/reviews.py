"""Pages of a review: the reviewer's queue and sheet, the result with comment and answer."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from contracts import forms, preview, queries, services
from contracts.queries.holding import review_now
from contracts.queries.reviews import (
    AssignmentRow,
    assignment_file,
    assignment_files,
    masked_phrases,
)
from contracts.queries.reviews import reviews as list_reviews
from contracts.queries.supervision import assignment_depth, review_plan
from contracts.rules.clocks import clocks_on
from contracts.rules.reviews import REVIEW_STATES, ReviewState
from contracts.rules.supervision import Depth
from core import clock, files, web
from core.errors import NotFound
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission, Role
from core.trail.queries import timeline
from core.web.acts import FormState
from core.web.pages import decode_cursor
from core.workdays import calendar

AnyRequest = Request[Any, Any, Any]
PER_PAGE = 30


@get("/reviews", name="contracts:review-list", guards=[web.signed_in])
async def review_list(
    request: AnyRequest, cursor: FromQuery[str | None] = None, stage: FromQuery[str | None] = None
) -> Response[Any]:
    """A reviewer's own assignments, or all open reviews for an officer."""
    actor = await web.identity_of(request)
    before = decode_cursor(cursor)
    before = before if isinstance(before, int) else None
    if actor.role is Role.REVIEWER:
        return await _queue(request, actor, before)
    chosen = ReviewState(stage) if stage in set(ReviewState) else None
    found = await list_reviews(actor, limit=PER_PAGE, before=before, state=chosen)
    return await web.page(
        request,
        "contracts/review_list.html",
        listing=web.cursor_page(found, PER_PAGE, lambda row: row.id),
        states=REVIEW_STATES,
        chosen=chosen,
    )


async def _queue(request: AnyRequest, actor: Identity, before: int | None) -> Response[Any]:
    waiting = await queries.assignments(actor, limit=PER_PAGE, open_only=True)
    found = await queries.assignments(actor, limit=PER_PAGE, before=before)
    return await web.page(
        request,
        "contracts/review_queue.html",
        waiting=waiting,
        listing=web.cursor_page(found, PER_PAGE, lambda row: row.id),
    )


# ---- the sheet
@get(
    "/reviews/assignments/{assignment_id:int}",
    name="contracts:assignment",
    guards=[web.requires(Permission.REVIEW)],
)
async def assignment_page(
    request: AnyRequest,
    assignment_id: FromPath[int],
    file: FromQuery[int] = 1,
    page: FromQuery[int] = 1,
) -> Response[Any]:
    """Document left, sheet right."""
    actor = await web.identity_of(request)
    return await _sheet(request, actor, assignment_id, None, file, page)


async def _sheet(
    request: AnyRequest,
    actor: Identity,
    assignment_id: int,
    form: FormState | None = None,
    file: int = 1,
    page: int = 1,
) -> Response[Any]:
    row = await queries.assignment(assignment_id, actor)
    found = await assignment_files(row, actor)
    shown = next((one for one in found if one.place == file), found[0] if found else None)
    pages = await _pages(row, shown.place, actor) if shown else 0
    days = await calendar()
    return await web.page(
        request,
        "contracts/assignment.html",
        row=row,
        sheet=row.sheet,
        files=found,
        shown=shown,
        pages=pages,
        page_no=max(1, min(page, pages)),
        day_no=max(1, days.count(clock.shanghai(row.drawn_at).date(), clock.today())),
        allowed=clocks_on(clock.today()).review,
        deep=await assignment_depth(assignment_id) is Depth.DEEP,
        form=form,
    )


async def _pages(row: AssignmentRow, place: int, actor: Identity) -> int:
    stored = await assignment_file(row.id, place, actor)
    if not stored.name.endswith(".pdf"):
        return 0
    return await preview.count_pages(await files.read(stored.stored_file_id))


@get(
    "/reviews/assignments/{assignment_id:int}/files/{place:int}",
    name="contracts:assignment-file",
    guards=[web.requires(Permission.REVIEW)],
)
async def masked_file(request: AnyRequest, assignment_id: FromPath[int], place: FromPath[int]) -> Response[Any]:
    """A file of the result under a name that does not tell whose it is."""
    found = await assignment_file(assignment_id, place, await web.identity_of(request))
    return await files.response(found.stored_file_id, name=found.name)


@get(
    "/reviews/assignments/{assignment_id:int}/files/{place:int}/pages/{page:int}",
    name="contracts:assignment-file-page",
    guards=[web.requires(Permission.REVIEW)],
)
async def masked_page(
    request: AnyRequest,
    assignment_id: FromPath[int],
    place: FromPath[int],
    page: FromPath[int],
) -> Response[bytes]:
    """A page of a PDF as a picture, with the agency's names blacked out."""
    found = await assignment_file(assignment_id, place, await web.identity_of(request))
    if not found.name.endswith(".pdf"):
        raise NotFound
    body = await files.read(found.stored_file_id)
    picture = await preview.page_png(body, page, await masked_phrases(assignment_id))
    headers = {"cache-control": "private, max-age=600", "x-content-type-options": "nosniff"}
    return Response(picture, media_type="image/png", headers=headers)


@post(
    "/reviews/assignments/{assignment_id:int}/draft",
    name="contracts:assignment-save",
    guards=[web.requires(Permission.REVIEW)],
)
async def save_draft(request: AnyRequest, assignment_id: FromPath[int]) -> Response[Any]:
    """Keep an unfinished sheet."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        row = await queries.assignment(assignment_id, actor)
        version, sheet = forms.parse_sheet(form, row.sheet)
        return await services.save_marks(actor=actor, assignment_id=assignment_id, version=version, sheet=sheet)

    return await web.act(
        request,
        do,
        lambda _receipt: _to_sheet(assignment_id, _("草稿已保存，可以稍后继续。")),
        lambda state: _sheet(request, actor, assignment_id, state),
    )


def _to_sheet(assignment_id: int, say: str) -> Response[None]:
    return web.redirect("contracts:assignment", assignment_id=assignment_id, say=say)


@post(
    "/reviews/assignments/{assignment_id:int}/submission",
    name="contracts:assignment-submit",
    guards=[web.requires(Permission.REVIEW)],
)
async def submit_sheet(request: AnyRequest, assignment_id: FromPath[int]) -> Response[Any]:
    """Hand in a finished sheet."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        row = await queries.assignment(assignment_id, actor)
        version, sheet = forms.parse_sheet(form, row.sheet)
        return await services.submit_review(actor=actor, assignment_id=assignment_id, version=version, sheet=sheet)

    return await web.act(
        request,
        do,
        lambda receipt: _to_sheet(assignment_id, _("审查表已提交，得分 %(points)s。") % {"points": receipt.points}),
        lambda state: _sheet(request, actor, assignment_id, state),
    )


@post(
    "/reviews/assignments/{assignment_id:int}/recusal",
    name="contracts:assignment-recuse",
    guards=[web.requires(Permission.REVIEW)],
)
async def recuse(request: AnyRequest, assignment_id: FromPath[int]) -> Response[Any]:
    """Step back; the seat is drawn again."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        reason = forms.parse_text(form, "reason", max_length=500)
        return await services.recuse(actor=actor, assignment_id=assignment_id, reason=reason)

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("contracts:review-list", say=_("已回避，系统已重新抽签。")),
        lambda state: _sheet(request, actor, assignment_id, state),
    )


# ---- the result
@get("/reviews/{review_id:int}", name="contracts:review-detail", guards=[web.signed_in])
async def review_detail(request: AnyRequest, review_id: FromPath[int]) -> Response[Any]:
    """The result of a review for those concerned, and its lots for officers."""
    return await _result(request, await web.identity_of(request), review_id)


async def _result(request: AnyRequest, actor: Identity, review_id: int, form: FormState | None = None) -> Response[Any]:
    view = await queries.review(review_id, actor)
    now_box, following = await review_now(view)
    thread = f"review:{review_id}" if view.officer else f"deliverable:{view.row.deliverable_id}"
    return await web.page(
        request,
        "contracts/review_detail.html",
        view=view,
        row=view.row,
        sheet=view.row.sheet,
        plan=await review_plan(view.row.id),
        entries=await timeline(thread),
        now_box=now_box,
        following=following,
        form=form,
    )


def _to_result(review_id: int, say: str) -> Response[None]:
    return web.redirect("contracts:review-detail", review_id=review_id, say=say)


@post(
    "/reviews/{review_id:int}/comment",
    name="contracts:review-comment",
    guards=[web.requires(Permission.COMMENT_GRADE)],
)
async def comment(request: AnyRequest, review_id: FromPath[int]) -> Response[Any]:
    """The agency comments on the result."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        text = forms.parse_text(form, "comment")
        return await services.comment_on_review(actor=actor, review_id=review_id, comment=text)

    return await web.act(
        request,
        do,
        lambda _receipt: _to_result(review_id, _("意见已提交，三个工作日内答复。")),
        lambda state: _result(request, actor, review_id, state),
    )


@post(
    "/reviews/{review_id:int}/waiver",
    name="contracts:review-waive",
    guards=[web.requires(Permission.COMMENT_GRADE)],
)
async def waive(request: AnyRequest, review_id: FromPath[int]) -> Response[Any]:
    """The agency has nothing to add."""
    actor = await web.identity_of(request)
    return await web.act(
        request,
        lambda _form: services.waive_comment(actor=actor, review_id=review_id),
        lambda _receipt: _to_result(review_id, _("审查结果已确定。")),
        lambda state: _result(request, actor, review_id, state),
    )


async def _close(request: AnyRequest, review_id: int, done: Any, again: Any) -> Response[Any]:
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        answer = forms.parse_text(form, "answer")
        return await services.close_review(actor=actor, review_id=review_id, answer=answer)

    return await web.act(request, do, done, again)


@post(
    "/reviews/{review_id:int}/closing",
    name="contracts:review-close",
    guards=[web.requires(Permission.CLOSE_REVIEW)],
)
async def close(request: AnyRequest, review_id: FromPath[int]) -> Response[Any]:
    """An officer answers the comment; the result is final."""
    actor = await web.identity_of(request)
    return await _close(
        request,
        review_id,
        lambda _receipt: _to_result(review_id, _("已答复，审查结果已确定。")),
        lambda state: _result(request, actor, review_id, state),
    )


@post(
    "/reviews/assignments/{assignment_id:int}/answer",
    name="contracts:assignment-answer",
    guards=[web.requires(Permission.REVIEW)],
)
async def answer(request: AnyRequest, assignment_id: FromPath[int]) -> Response[Any]:
    """A reviewer of the case answers the comment; the result is final."""
    actor = await web.identity_of(request)
    row = await queries.assignment(assignment_id, actor)
    return await _close(
        request,
        row.review_id,
        lambda _receipt: _to_sheet(assignment_id, _("已答复，审查结果已确定。")),
        lambda state: _sheet(request, actor, assignment_id, state),
    )


@post(
    "/reviews/{review_id:int}/draw",
    name="contracts:review-draw",
    guards=[web.requires(Permission.ASSIGN_REVIEW)],
)
async def draw(request: AnyRequest, review_id: FromPath[int]) -> Response[Any]:
    """Draw the empty seats."""
    actor = await web.identity_of(request)
    return await web.act(
        request,
        lambda _form: services.draw_again(actor=actor, review_id=review_id),
        lambda _receipt: _to_result(review_id, _("已抽签。")),
        lambda state: _result(request, actor, review_id, state),
    )


@post(
    "/reviews/{review_id:int}/assignments/{assignment_id:int}/release",
    name="contracts:assignment-release",
    guards=[web.requires(Permission.ASSIGN_REVIEW)],
)
async def release(request: AnyRequest, review_id: FromPath[int], assignment_id: FromPath[int]) -> Response[Any]:
    """Take an overdue assignment back and draw again."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        reason = forms.parse_text(form, "reason", max_length=500)
        return await services.release_assignment(actor=actor, assignment_id=assignment_id, reason=reason)

    return await web.act(
        request,
        do,
        lambda _receipt: _to_result(review_id, _("已改派并重新抽签。")),
        lambda state: _result(request, actor, review_id, state),
    )


HANDLERS = [
    review_list,
    assignment_page,
    masked_file,
    masked_page,
    save_draft,
    submit_sheet,
    recuse,
    review_detail,
    comment,
    waive,
    close,
    answer,
    draw,
    release,
]
