"""How the market keeps a selection fair: a story of one notice, read from top to bottom.

A client writes a condition that shuts out newcomers and has to explain it. Four agencies bid: two stand under one
controller and are both set aside at the opening. The lowest of the rest is abnormally low; it explains itself, the
client is not convinced, and the next in the fixed order is chosen. Everything of it can be read on the trail.
"""

from datetime import datetime
from decimal import Decimal

import pytest

from app import wire
from core import clock, db
from market import services as market
from market.queries.awards import award_of
from market.queries.flags import flags_of
from market.queries.low_price import price_checks
from market.queries.notices import notice, opened_bids
from market.rules.notices import NoticeState, Phase
from market.services.flags import Explanations
from tests.factories.agencies import make_agency
from tests.factories.market import MadeNotice, bid, make_project, notice_draft
from tests.stories.people import time_begins

pytestmark = pytest.mark.anyio
MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)


async def test_a_selection_that_nobody_can_bend(committed_db: str) -> None:
    wire()
    with time_begins(MONDAY) as time:
        project_id, client = await make_project()
        draft = await notice_draft(requirements="测绘资质乙级以上；成立满5年", ceiling=Decimal("30000.00"))
        written = await market.draft_notice(client, project_id=project_id, draft=draft)
        explained = Explanations(conditions="场地复杂，需要有连续观测的经验。")
        await market.publish_notice(client, notice_id=written.notice_id, version=1, explanations=explained)
        (flag,) = await flags_of(written.notice_id)
        assert (flag.code, flag.words) == ("years", explained.conditions)

        made = MadeNotice(written.notice_id, project_id, client, draft.deadline)
        sisters = [await make_agency(controller="同一家控股公司") for _ in range(2)]
        low, fair, dear = [await make_agency() for _ in range(3)]
        for agency, price in zip(
            (*sisters, low, fair, dear), ("12000", "13000", "9000", "24000", "26000"), strict=True
        ):
            await bid(agency, made, f"{price}.00")

        time.goes_to(made.deadline)
        assert await market.open_bids(made.notice_id)
        assert await market.select_winner(made.notice_id)
        seen = {each.agency_id: each for each in await opened_bids(made.notice_id)}
        for one, other in (sisters, sisters[::-1]):
            (reason,) = seen[one.agency_id].reasons
            assert (reason.code, reason.params["other"]) == ("same-controller-as-entrant", other.name_zh)
        assert (await notice(made.notice_id)).phase is Phase.JUSTIFYING
        assert await award_of(made.notice_id) is None

        words = "外业一天、内业两天，设备自有，控制点沿用上月成果。"
        await market.justify_price(low.member, notice_id=made.notice_id, words=words)
        verdict = "控制点成果不在本宗地范围内，不能沿用。"
        await market.decide_price(client, notice_id=made.notice_id, accept=False, words=verdict)
        award = await award_of(made.notice_id)
        assert award is not None
        assert (award.agency_id, award.place) == (fair.agency_id, 2)
        (check,) = await price_checks(made.notice_id, client.organization_id, None)
        assert (check.outcome, check.words, check.justification) == ("rejected", verdict, "")
        assert (await notice(made.notice_id)).state is NoticeState.SELECTED
        assert (await _trail(made.notice_id)) == [
            "notice.flagged",
            "notice.opened",
            "price.asked",
            "price.justified",
            "price.decided",
            "award.announced",
        ]


async def _trail(notice_id: int) -> list[str]:
    found = await db.rows(
        "select act from core_trail_entry where threads @> $1 or subject = $1[1] order by id",
        [f"notice:{notice_id}"],
    )
    return [row["act"] for row in found if row["act"] not in ("notice.drafted", "notice.published")]
