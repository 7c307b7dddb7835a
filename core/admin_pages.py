"""The administrator's pages: accounts and the calendar; and the offline page of the API."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath, FromQuery

from core import admin, clock
from core.forms import Form
from core.i18n import _
from core.identity import ROLE_NAMES, Permission, Role
from core.web import FormState, act, identity_of, page, redirect, requires
from core.web.pages import rendered

AnyRequest = Request[Any, Any, Any]
ACCOUNTS = [requires(Permission.MANAGE_ACCOUNTS)]
CALENDAR = [requires(Permission.MANAGE_CALENDAR)]
STAFF_ROLES = [role for role in Role if role is not Role.SYSTEM]


@get("/admin/accounts", name="core:accounts", guards=ACCOUNTS)
async def accounts_page(request: AnyRequest, q: FromQuery[str] = "") -> Response[Any]:
    """Who may sign in, and as what."""
    return await _accounts(request, q)


async def _accounts(request: AnyRequest, q: str = "", form: FormState | None = None) -> Response[Any]:
    found = await admin.account_list(text=q)
    return await page(
        request,
        "core/accounts.html",
        form=form,
        accounts=found,
        q=q,
        role_names=ROLE_NAMES,
        role_options=[(role.value, _(ROLE_NAMES[role])) for role in STAFF_ROLES],
    )


@post("/admin/accounts", name="core:account-open", guards=ACCOUNTS)
async def open_account(request: AnyRequest) -> Response[Any]:
    """Open an account for a member of staff or of another organisation."""
    actor = await identity_of(request)

    async def do(form: Form) -> int:
        role = form.choice("role", Role)
        fields = {
            "login": form.text("login", max_length=120),
            "name": form.text("name", max_length=80),
            "email": form.text("email", required=False),
            "uscc": form.text("uscc", max_length=18),
            "password": form.text("password"),
        }
        form.finish()
        assert role is not None
        return await admin.open_staff_account(actor=actor, role=role, **fields)

    return await act(
        request,
        do,
        lambda _id: redirect("core:accounts", say=_("账号已开通。请把登录名和初始密码分开告知本人。")),
        lambda form: _accounts(request, form=form),
    )


@post("/admin/accounts/{account_id:int}/active", name="core:account-active", guards=ACCOUNTS)
async def set_active(request: AnyRequest, account_id: FromPath[int]) -> Response[Any]:
    """Stop or restore an account."""
    actor = await identity_of(request)

    async def do(form: Form) -> None:
        await admin.set_active(actor=actor, account_id=account_id, active=form.flag("active"))

    return await act(
        request,
        do,
        lambda _none: redirect("core:accounts", say=_("已保存。")),
        lambda form: _accounts(request, form=form),
    )


@post("/admin/accounts/{account_id:int}/roles", name="core:account-role", guards=ACCOUNTS)
async def add_role(request: AnyRequest, account_id: FromPath[int]) -> Response[Any]:
    """Give somebody one more role."""
    actor = await identity_of(request)

    async def do(form: Form) -> None:
        role, uscc = form.choice("role", Role), form.text("uscc", max_length=18)
        form.finish()
        assert role is not None
        await admin.add_role(actor=actor, account_id=account_id, role=role, uscc=uscc)

    return await act(
        request,
        do,
        lambda _none: redirect("core:accounts", say=_("已保存。")),
        lambda form: _accounts(request, form=form),
    )


@get("/admin/calendar", name="core:calendar", guards=CALENDAR)
async def calendar_page(request: AnyRequest, year: FromQuery[int | None] = None) -> Response[Any]:
    """The holidays and make-up days of a year."""
    return await _calendar(request, year)


async def _calendar(request: AnyRequest, year: int | None, form: FormState | None = None) -> Response[Any]:
    year = year or clock.today().year
    days = await admin.special_days(year)
    provisional = not any(found.published for found in days)
    return await page(request, "core/calendar.html", form=form, year=year, days=days, provisional=provisional)


@post("/admin/calendar", name="core:calendar-set", guards=CALENDAR)
async def set_day(request: AnyRequest) -> Response[Any]:
    """Declare a day worked or free."""
    actor = await identity_of(request)

    async def do(form: Form) -> int:
        day, works = form.date("day"), form.text("works") == "yes"
        note = form.text("note", required=False)
        form.finish()
        assert day is not None
        await admin.set_day(actor=actor, day=day, works=works, note=note)
        return day.year

    return await act(
        request,
        do,
        lambda year: redirect("core:calendar", year=year, say=_("已保存，期限从现在起按新的日历计算。")),
        lambda form: _calendar(request, None, form),
    )


class ApiPage(OpenAPIRenderPlugin):
    """The API in our own frame: readable without network and under the strict policy."""

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:
        """Group the operations by their first path segment."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for path, methods in sorted(openapi_schema["paths"].items()):
            if not path.startswith("/api/v1/"):
                continue
            for method, operation in methods.items():
                if isinstance(operation, dict) and "operationId" in operation:
                    entry = {"method": method.upper(), "path": path, **operation}
                    groups.setdefault(path.split("/")[3], []).append(entry)
        context = {"groups": groups, "info": openapi_schema["info"]}
        identity = request.scope["state"].get("identity")
        return rendered(request, identity, "core/api.html", context).content.encode()


router = Router(
    path="/",
    route_handlers=[accounts_page, open_account, set_active, add_role, calendar_page, set_day],
)
