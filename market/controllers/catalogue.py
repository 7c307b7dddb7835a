"""The service catalogue: the list, and the guide of one item."""

from itertools import groupby
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from agencies import queries as agencies
from agencies.rules import PROFESSION_TITLES, Profession
from core import web
from core.i18n import _
from market.queries import catalogue
from market.rules.catalogue import LEVELS, LINKAGES, PAYERS, STAGES, VERIFIED, Payer, listed

AnyRequest = Request[Any, Any, Any]
LONGEST_QUERY = 100


@get("/items", name="market:items", opt=web.public)
async def items_page(
    request: AnyRequest,
    q: FromQuery[str | None] = None,
    profession: FromQuery[str | None] = None,
    project: FromQuery[int | None] = None,
) -> Response[Any]:
    """All items by stage; search in both languages; `project` turns it into a choice for a notice."""
    query = (q or "")[:LONGEST_QUERY]
    found = await catalogue.find_items(query)
    shown = [item for item in found if not profession or item.profession == profession]
    stages = [(stage, list(group)) for stage, group in groupby(shown, lambda item: item.stage)]
    return await web.page(
        request,
        "market/items.html",
        query=query,
        profession=profession or "",
        project=project,
        stages=stages,
        count=len(shown),
        stage_names=STAGES,
        professions=PROFESSION_TITLES,
        payers=PAYERS,
    )


@get("/items/{code:str}", name="market:item-detail", opt=web.public)
async def item_page(request: AnyRequest, code: FromPath[str]) -> Response[Any]:
    """The guide: basis, conditions, materials, procedure, time, fee, qualification, result."""
    guide = await catalogue.guide(code)
    everything = {item.code: item for item in await catalogue.items()}
    facts = guide.facts
    return await web.page(
        request,
        "market/item_detail.html",
        guide=guide,
        item=guide.item,
        facts=facts,
        verified=VERIFIED,
        payer=PAYERS[Payer(guide.item.payer)],
        stage=STAGES[guide.item.stage],
        linkage=LINKAGES[facts["linkage"]],
        level_names=_("、").join(_(LEVELS[level]) for level in listed(facts["approval_level"])),
        profession=PROFESSION_TITLES[Profession(guide.item.profession)],
        before=[everything[each] for each in listed(facts["predecessors"]) if each in everything],
        after=await catalogue.successors(code),
        reuse=[agencies.department(each) for each in listed(facts["reuse_department_codes"])],
    )


HANDLERS = [items_page, item_page]
