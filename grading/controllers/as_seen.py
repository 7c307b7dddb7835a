"""What did the buyer see on a day?"""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from agencies.queries import agency_card
from agencies.rules import Profession
from core import clock, web
from core.errors import NotFound
from grading.controllers.words import words
from grading.forms.life import parse_on
from grading.queries.as_seen import as_seen
from grading.rules.errors import ProfessionNotHeld

AnyRequest = Request[Any, Any, Any]


@get("/agencies/{agency_id:int}/grade/{profession:str}/seen", name="grading:seen", opt=web.public)
async def seen_page(
    request: AnyRequest,
    agency_id: FromPath[int],
    profession: FromPath[str],
    on: FromQuery[str | None] = None,
) -> Response[Any]:
    """The grade, tag and certificate as everybody saw them on a day."""
    try:
        trade = Profession(profession)
    except ValueError:
        raise NotFound from None
    card, day = await agency_card(agency_id), parse_on(on)
    seen = await as_seen(agency_id, trade, day)
    if seen.published is None and not any(one.profession == trade.value for one in card.cards):
        raise ProfessionNotHeld
    return await web.page(
        request,
        "grading/seen.html",
        **words(),
        card=card,
        profession=trade,
        seen=seen,
        asked=on,
        today=clock.today(),
    )


HANDLERS = [seen_page]
