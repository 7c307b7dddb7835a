"""Pages about reviewers: the officer's list, and a reviewer's own declared ties."""

from typing import Any

from litestar import Request, Response, get, post

from agencies.rules import PROFESSION_TITLES
from contracts import forms, services
from contracts.queries.reviews import my_interests
from contracts.queries.reviews import reviewers as list_reviewers
from contracts.rules.reviews import INTEREST_KINDS
from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Identity, Permission
from core.web.acts import FormState

AnyRequest = Request[Any, Any, Any]


@get(
    "/reviews/reviewers",
    name="contracts:reviewers",
    guards=[web.requires(Permission.ASSIGN_REVIEW)],
)
async def reviewers(request: AnyRequest) -> Response[Any]:
    """From whom lots are drawn."""
    return await _reviewers(request, await web.identity_of(request))


async def _reviewers(request: AnyRequest, actor: Identity, form: FormState | None = None) -> Response[Any]:
    return await web.page(
        request,
        "contracts/reviewers.html",
        found=await list_reviewers(actor),
        professions=PROFESSION_TITLES,
        form=form,
    )


@post(
    "/reviews/reviewers",
    name="contracts:reviewer-register",
    guards=[web.requires(Permission.ASSIGN_REVIEW)],
)
async def register(request: AnyRequest) -> Response[Any]:
    """Put an account with the reviewer role on the list."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewerReceipt:
        login, professions, region = forms.parse_reviewer(form)
        return await services.register_reviewer_by_login(
            actor=actor, login=login, professions=professions, region=region
        )

    return await web.act(
        request,
        do,
        lambda receipt: web.redirect(
            "contracts:reviewers", say=_("已登记为审查员 %(code)s。") % {"code": receipt.code}
        ),
        lambda state: _reviewers(request, actor, state),
    )


@get(
    "/reviews/interests",
    name="contracts:interests",
    guards=[web.requires(Permission.REVIEW)],
)
async def interests(request: AnyRequest) -> Response[Any]:
    """A reviewer's declared ties."""
    return await _interests(request, await web.identity_of(request))


async def _interests(request: AnyRequest, actor: Identity, form: FormState | None = None) -> Response[Any]:
    return await web.page(
        request,
        "contracts/interests.html",
        found=await my_interests(actor),
        kinds=INTEREST_KINDS,
        form=form,
    )


@post(
    "/reviews/interests",
    name="contracts:interest-declare",
    guards=[web.requires(Permission.REVIEW)],
)
async def declare(request: AnyRequest) -> Response[Any]:
    """Name an organisation whose work one may not judge."""
    actor = await web.identity_of(request)

    async def do(form: Form) -> services.ReviewerReceipt:
        uscc, kind = forms.parse_interest(form)
        return await services.declare_interest_by_code(actor=actor, uscc=uscc, kind=kind)

    return await web.act(
        request,
        do,
        lambda _receipt: web.redirect("contracts:interests", say=_("已申报，今后不会抽到与该单位有关的审查。")),
        lambda state: _interests(request, actor, state),
    )


HANDLERS = [reviewers, register, interests, declare]
