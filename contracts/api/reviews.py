"""Reviews, assignments and reviewers as JSON."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from contracts import forms, queries, services
from contracts.api.bodies import (
    AnswerBody,
    CommentBody,
    Empty,
    InterestBody,
    ReasonBody,
    ReviewerBody,
    SheetBody,
)
from contracts.api.contracts import before_of, bounded, page, plain
from contracts.queries.reviews import assignment_files, my_interests
from contracts.queries.reviews import reviewers as list_all_reviewers
from contracts.queries.reviews import reviews as list_open
from contracts.rules.reviews import ReviewState
from contracts.rules.sheets import SheetUnknown, all_sheets
from core import web
from core.forms import Form
from core.identity import Permission

AnyRequest = Request[Any, Any, Any]
REVIEWER = [web.requires(Permission.REVIEW)]
OFFICER = [web.requires(Permission.ASSIGN_REVIEW)]
AGENCY = [web.requires(Permission.COMMENT_GRADE)]


# ---- reads
@get("/review-sheets", name="api:review-sheets", opt=web.public)
async def list_sheets(request: AnyRequest) -> dict[str, Any]:
    """Every published review sheet with indicators, levels and veto codes."""
    return {"items": plain(all_sheets()), "next": None}


@get("/review-sheets/{sheet_id:str}", name="api:review-sheet", opt=web.public)
async def show_sheet(request: AnyRequest, sheet_id: FromPath[str]) -> dict[str, Any]:
    """One review sheet, its newest version."""
    found = [sheet for sheet in all_sheets() if sheet.id == sheet_id]
    if not found:
        raise SheetUnknown
    shown: dict[str, Any] = plain(found[-1])
    return shown


@get("/assignments", name="api:assignments", guards=REVIEWER)
async def list_assignments(
    request: AnyRequest, limit: FromQuery[int] = 20, cursor: FromQuery[str | None] = None
) -> dict[str, Any]:
    """My assignments, newest first; names of agencies are masked."""
    actor = await web.identity_of(request)
    limit = bounded(limit)
    return page(await queries.assignments(actor, limit=limit, before=before_of(cursor)), limit)


@get("/assignments/{assignment_id:int}", name="api:assignment", guards=REVIEWER)
async def show_assignment(request: AnyRequest, assignment_id: FromPath[int]) -> dict[str, Any]:
    """One of my assignments with the sheet as filled in and the masked files."""
    actor = await web.identity_of(request)
    row = await queries.assignment(assignment_id, actor)
    return {**plain(row), "files": plain(await assignment_files(row, actor))}


@get("/reviews", name="api:reviews", guards=OFFICER)
async def list_reviews(
    request: AnyRequest,
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
    stage: FromQuery[ReviewState | None] = None,
) -> dict[str, Any]:
    """Reviews in a state, or all that are not final, newest first."""
    actor = await web.identity_of(request)
    limit = bounded(limit)
    return page(await list_open(actor, limit=limit, before=before_of(cursor), state=stage), limit)


@get("/reviews/{review_id:int}", name="api:review", guards=[web.signed_in])
async def show_review(request: AnyRequest, review_id: FromPath[int]) -> dict[str, Any]:
    """A review as its reader may see it: the agency once shared, the client once final, officers always."""
    view = await queries.review(review_id, await web.identity_of(request))
    shown: dict[str, Any] = plain(view)
    return {**shown.pop("row"), **shown}


@get("/reviewers", name="api:reviewers", guards=OFFICER)
async def list_reviewers(request: AnyRequest) -> dict[str, Any]:
    """Everybody from whom lots are drawn, with present load."""
    return {"items": plain(await list_all_reviewers(await web.identity_of(request))), "next": None}


@get("/interests", name="api:interests", guards=REVIEWER)
async def list_interests(request: AnyRequest) -> dict[str, Any]:
    """My declared ties."""
    return {"items": plain(await my_interests(await web.identity_of(request))), "next": None}


# ---- a reviewer's acts
@post("/assignments/{assignment_id:int}/drafts", name="api:assignment-save", guards=REVIEWER)
async def save_draft(request: AnyRequest, assignment_id: FromPath[int], data: JSONBody[SheetBody]) -> Response[Any]:
    """Keep an unfinished sheet."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        row = await queries.assignment(assignment_id, actor)
        version, sheet = forms.parse_sheet(form, row.sheet)
        return await services.save_marks(actor=actor, assignment_id=assignment_id, version=version, sheet=sheet)

    return await web.api_act(request, data.fields(), do, plain)


@post("/assignments/{assignment_id:int}/submissions", name="api:assignment-submit", guards=REVIEWER)
async def submit_sheet(request: AnyRequest, assignment_id: FromPath[int], data: JSONBody[SheetBody]) -> Response[Any]:
    """Hand in a finished sheet."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        row = await queries.assignment(assignment_id, actor)
        version, sheet = forms.parse_sheet(form, row.sheet)
        return await services.submit_review(actor=actor, assignment_id=assignment_id, version=version, sheet=sheet)

    return await web.api_act(request, data.fields(), do, plain)


@post("/assignments/{assignment_id:int}/recusals", name="api:assignment-recuse", guards=REVIEWER)
async def recuse(request: AnyRequest, assignment_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Step back; the seat is drawn again."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        reason = forms.parse_text(form, "reason", max_length=500)
        return await services.recuse(actor=actor, assignment_id=assignment_id, reason=reason)

    return await web.api_act(request, data, do, plain)


@post("/interests", name="api:interest-declare", guards=REVIEWER)
async def declare_interest(request: AnyRequest, data: JSONBody[InterestBody]) -> Response[Any]:
    """Name an organisation whose work one may not judge."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewerReceipt:
        uscc, kind = forms.parse_interest(form)
        return await services.declare_interest_by_code(actor=actor, uscc=uscc, kind=kind)

    return await web.api_act(request, data, do, plain)


# ---- the agency's and the officer's acts
@post("/reviews/{review_id:int}/comments", name="api:review-comment", guards=AGENCY)
async def comment(request: AnyRequest, review_id: FromPath[int], data: JSONBody[CommentBody]) -> Response[Any]:
    """Comment on a shared result."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        text = forms.parse_text(form, "comment")
        return await services.comment_on_review(actor=actor, review_id=review_id, comment=text)

    return await web.api_act(request, data, do, plain)


@post("/reviews/{review_id:int}/waivers", name="api:review-waive", guards=AGENCY)
async def waive(request: AnyRequest, review_id: FromPath[int], data: JSONBody[Empty]) -> Response[Any]:
    """Nothing to add: the result is final."""
    actor = await web.identity_of(request)

    async def do(_form: Form) -> services.ReviewReceipt:
        return await services.waive_comment(actor=actor, review_id=review_id)

    return await web.api_act(request, data, do, plain)


@post("/reviews/{review_id:int}/closings", name="api:review-close", guards=[web.signed_in])
async def close(request: AnyRequest, review_id: FromPath[int], data: JSONBody[AnswerBody]) -> Response[Any]:
    """Answer the agency's comment, as an officer or as a reviewer of the case; the result is final."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        answer = forms.parse_text(form, "answer")
        return await services.close_review(actor=actor, review_id=review_id, answer=answer)

    return await web.api_act(request, data, do, plain)


@post("/reviews/{review_id:int}/draws", name="api:review-draw", guards=OFFICER)
async def draw(request: AnyRequest, review_id: FromPath[int], data: JSONBody[Empty]) -> Response[Any]:
    """Draw the empty seats."""
    actor = await web.identity_of(request)

    async def do(_form: Form) -> services.ReviewReceipt:
        return await services.draw_again(actor=actor, review_id=review_id)

    return await web.api_act(request, data, do, plain)


@post("/assignments/{assignment_id:int}/releases", name="api:assignment-release", guards=OFFICER)
async def release(request: AnyRequest, assignment_id: FromPath[int], data: JSONBody[ReasonBody]) -> Response[Any]:
    """Take an overdue assignment back and draw again."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewReceipt:
        reason = forms.parse_text(form, "reason", max_length=500)
        return await services.release_assignment(actor=actor, assignment_id=assignment_id, reason=reason)

    return await web.api_act(request, data, do, plain)


@post("/reviewers", name="api:reviewer-register", guards=OFFICER)
async def register_reviewer(request: AnyRequest, data: JSONBody[ReviewerBody]) -> Response[Any]:
    """Put an account with the reviewer role on the list."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewerReceipt:
        login, professions, region = forms.parse_reviewer(form)
        return await services.register_reviewer_by_login(
            actor=actor, login=login, professions=professions, region=region
        )

    return await web.api_act(request, data, do, plain)


HANDLERS = [
    list_sheets,
    show_sheet,
    list_assignments,
    show_assignment,
    list_reviews,
    show_review,
    list_reviewers,
    list_interests,
    save_draft,
    submit_sheet,
    recuse,
    declare_interest,
    comment,
    waive,
    close,
    draw,
    release,
    register_reviewer,
]
