"""Saved searches: manage them, and stop one by the link of a letter."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from agencies.rules import PROFESSION_TITLES
from core import web
from core.forms import Form
from core.i18n import _, loc
from market import services
from market.forms import parse_search
from market.queries.catalogue import items
from market.queries.searches import my_searches
from market.rules.notices import FUND_SOURCES, METHOD_NAMES, METHOD_RULES
from market.rules.searches import FREQUENCIES

AnyRequest = Request[Any, Any, Any]
FILTERS = ("q", "item", "profession", "method", "fund")


@get("/searches", name="market:searches", guards=[web.signed_in])
async def search_list(request: AnyRequest) -> Response[Any]:
    """The reader's saved searches."""
    return await _list(request)


async def _list(request: AnyRequest, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    return await web.page(
        request,
        "market/searches_list.html",
        form=form,
        rows=await my_searches(identity),
        frequencies=FREQUENCIES,
        methods=METHOD_NAMES,
        fund_sources=FUND_SOURCES,
        professions=PROFESSION_TITLES,
        names={each.code: loc(each, "name") for each in await items()},
    )


@get("/searches/new", name="market:search-new", guards=[web.signed_in])
async def search_form(
    request: AnyRequest,
    q: FromQuery[str | None] = None,
    item: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    method: FromQuery[str | None] = None,
    fund: FromQuery[str | None] = None,
) -> Response[Any]:
    """The form, filled in with what the board was narrowed by."""
    given = dict(zip(FILTERS, (q, item, profession, method, fund), strict=True))
    chosen: dict[str, str | list[str]] = {name: text for name, text in given.items() if text}
    return await _form(request, chosen)


async def _form(
    request: AnyRequest, chosen: dict[str, str | list[str]], form: web.FormState | None = None
) -> Response[Any]:
    values = dict(form.values) if form else chosen
    return await web.page(
        request,
        "market/searches_form.html",
        form=form,
        chosen={name: values.get(name, "") for name in (*FILTERS, "name", "frequency")},
        frequency_options=[(str(value), _(text)) for value, text in FREQUENCIES.items()],
        method_options=[(str(each), _(METHOD_NAMES[each])) for each in METHOD_RULES],
        fund_options=[(str(value), _(text)) for value, text in FUND_SOURCES.items()],
        profession_options=[(str(value), _(text)) for value, text in PROFESSION_TITLES.items()],
        item_options=[(each.code, loc(each, "name")) for each in await items()],
    )


@post("/searches/new", name="market:search-save", guards=[web.signed_in])
async def save(request: AnyRequest) -> Response[Any]:
    """Save it."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> int:
        return await services.save_search(identity, draft=parse_search(form))

    return await web.act(
        request,
        do,
        lambda _id: web.redirect("market:searches", say=_("搜索已保存，有新公告会发邮件。")),
        lambda form: _form(request, {}, form),
    )


@post("/searches/{search_id:int}/end", name="market:search-end", guards=[web.signed_in])
async def end(request: AnyRequest, search_id: FromPath[int]) -> Response[Any]:
    """Stop one."""
    identity = await web.identity_of(request)

    async def do(_form: Form) -> None:
        await services.end_search(identity, search_id=search_id)

    return await web.act(
        request,
        do,
        lambda _none: web.redirect("market:searches", say=_("已停止这个搜索的邮件。")),
        lambda form: _list(request, form),
    )


@get("/searches/{search_id:int}/stop/{token:str}", name="market:search-stop", opt=web.public)
async def stop_page(request: AnyRequest, search_id: FromPath[int], token: FromPath[str]) -> Response[Any]:
    """The link of a letter: one button. Opening it changes nothing, because mail programs open links by themselves."""
    return await web.page(request, "market/searches_stop.html", search_id=search_id, token=token, stopped=False)


@post("/searches/{search_id:int}/stop/{token:str}", name="market:search-stopped", opt=web.public)
async def stop(request: AnyRequest, search_id: FromPath[int], token: FromPath[str]) -> Response[Any]:
    """Stop the search without signing in."""

    async def do(_form: Form) -> None:
        await services.unsubscribe(search_id=search_id, token=token)

    async def done(_none: None) -> Response[Any]:
        return await web.page(request, "market/searches_stop.html", search_id=search_id, token=token, stopped=True)

    async def again(form: web.FormState) -> Response[Any]:
        return await web.page(
            request, "market/searches_stop.html", form=form, search_id=search_id, token=token, stopped=False
        )

    return await web.act(request, do, done, again, once=False)


HANDLERS = [search_list, search_form, save, end, stop_page, stop]
