"""The rules of each selection method in plain words, with a worked example computed by the method itself."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from core import clock, web
from core.errors import NotFound
from core.i18n import N_
from market import content
from market.rules.examples import after_pick, example
from market.rules.notices import METHOD_NAMES, METHOD_RULES, SelectionMethod

AnyRequest = Request[Any, Any, Any]


class NoSuchMethod(NotFound):
    """A method that does not exist."""

    code = "no-such-method"
    text = N_("没有这种选取方式。请从选取规则页进入。")


@get("/rules/methods/{method:str}", name="market:method-rules", opt=web.public)
async def method_rules(request: AnyRequest, method: FromPath[str]) -> Response[Any]:
    """One method: what it is for, step by step, an example, and how to check it."""
    try:
        chosen = SelectionMethod(method)
    except ValueError as error:
        raise NoSuchMethod from error
    law = content.edition_in_force(clock.today())
    shown = example(chosen, law)
    return await web.page(
        request,
        "market/methods_rules.html",
        method=chosen,
        methods=METHOD_NAMES,
        rules=METHOD_RULES,
        law=law,
        example=shown,
        after_pick=after_pick(shown) if chosen is SelectionMethod.CREDIT_PREFERRED else None,
    )


HANDLERS = [method_rules]
