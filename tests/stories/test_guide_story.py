"""From “what do I need?” to awarded services: a visitor asks, becomes a client, plans, posts, and sees how it goes."""

from datetime import datetime, timedelta

import pytest

from core import clock
from market import services as market
from market.queries.guide import project_course
from tests.conftest import Browse
from tests.factories.market import MadeNotice, bid, make_project, make_surveyors, open_and_select, soonest
from tests.stories.people import time_begins

pytestmark = pytest.mark.anyio
MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)
ANSWERS = {"type": "PT-06", "Q04": "no", "Q05": "no", "Q06": "yes", "Q11": "form", "Q14": "yes", "Q21": "yes"}


async def test_from_questions_to_reality(committed_db: str, browse: Browse) -> None:
    async def nobody(_award_id: int) -> None:
        return None

    takers = market.AWARDED._takers
    market.AWARDED.supply(nobody)
    try:
        with time_begins(MONDAY):
            visitor = await browse(None)
            page = await visitor.get("/guide/result", params=ANSWERS)
            assert "37" in page.text
            assert "登录后可以把这份清单存为项目计划" in page.text

            project_id, client = await make_project()
            browser = await browse(client)
            arranged = {"handle-XT-SV-01": "basket", "handle-XT-CN-01": "basket", "handle-XT-WT-01": "self"}
            keep = ANSWERS | arranged | {"project_id": str(project_id), "started_on": "2026-03-02"}
            assert (await browser.submit("/guide/plan", keep)).status_code == 303

            deadline = await soonest() + timedelta(hours=9)
            form = {
                "fund_source": "own",
                "method": "lowest-price",
                "deadline": f"{clock.shanghai(deadline):%Y-%m-%dT%H:%M}",
                "requirements": "本事项法定资质",
                "payment_terms": "审查通过后 10 日内付清",
            }
            for n, code in enumerate(("XT-SV-01", "XT-CN-01")):
                line = {"item_code": code, "include": "on", "scale": "3 公顷", "ceiling": "30000", "days_limit": "8"}
                form |= {f"lines-{n}-{name}": value for name, value in line.items()}
            posted = await browser.submit(f"/projects/{project_id}/basket", form)
            assert posted.status_code == 303, posted.text

            found = await project_course(project_id, client)
            assert found is not None
            assert found.late == 0
            notice_id = await first_notice(project_id)
            made = MadeNotice(notice_id, project_id, client, deadline)
            for agency, price in zip(await make_surveyors(2), ("24600.00", "26000.00"), strict=True):
                await bid(agency, made, price)
            await open_and_select(made)
            row = await made.row()
            assert row.display_until is not None
            with clock.at(row.display_until + timedelta(seconds=1)):
                await market.confirm_award(notice_id)
                again = await browse(client)
                text = (await again.get(f"/projects/{project_id}")).text
                assert "已中选" in text
                assert "自行编制" in text
    finally:
        market.AWARDED.supply(*takers)


async def first_notice(project_id: int) -> int:
    from core import db

    found: int = await db.value("select min(id) from market_notice where project = $1", project_id)
    return found
