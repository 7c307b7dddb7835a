"""The duty of grade C: a plan within ten working days, filed once, seen by officers, and late in public."""

from datetime import timedelta
from typing import Any

import pytest

from agencies.rules import Profession
from core import clock, db
from core.errors import Forbidden
from core.identity import Role
from core.workdays import calendar
from grading import services
from grading.queries.improvement import duties
from grading.rules.improvement import ImprovementDraft, NoPlanOwed
from tests.factories import core as make
from tests.factories.agencies import make_agency
from tests.grading.life import FACTS, SURVEYING, Fallen, make_fallen, officer
from tests.grading.test_pages import words

pytestmark = pytest.mark.anyio
PLAN = ImprovementDraft("图件质检改为两级，张工负责，月底前完成。", "全体技术人员参加规范培训。")


@pytest.fixture
async def fallen(db: None) -> Fallen:
    return await make_fallen()


async def test_the_plan_is_due_ten_working_days_after_the_first_c_and_filed_once(fallen: Fallen) -> None:
    with clock.at(fallen.now):
        (duty,) = await duties(fallen.made.agency_id)
        assert duty.due_at == (await calendar()).due_at(duty.since, 10)
        assert (duty.owed, duty.late) == (True, False)
        receipt = await services.file_improvement(actor=fallen.made.member, profession=SURVEYING, draft=PLAN)
        assert not receipt.late
        (filed,) = await duties(fallen.made.agency_id)
        assert (filed.number, filed.owed, filed.late) == (receipt.number, False, False)
        for trade in (SURVEYING, Profession.SAFETY):
            with pytest.raises(NoPlanOwed):
                await services.file_improvement(actor=fallen.made.member, profession=trade, draft=PLAN)
        with pytest.raises(Forbidden):
            await services.file_improvement(
                actor=await make.member(Role.GRADING_OFFICER), profession=SURVEYING, draft=PLAN
            )
        stranger = await make_agency()
        with pytest.raises(NoPlanOwed):
            await services.file_improvement(actor=stranger.member, profession=SURVEYING, draft=PLAN)
    with clock.at(duty.due_at + timedelta(days=90)):
        (kept,) = await duties(fallen.made.agency_id)
        assert not kept.late  # filed in time stays in time


async def test_a_c_that_waits_for_an_objection_asks_for_nothing(fallen: Fallen) -> None:
    with clock.at(fallen.now):
        await services.lodge_objection(actor=fallen.made.member, report_id=await fallen.report_id(), draft=FACTS)
        assert await duties(fallen.made.agency_id) == []
        with pytest.raises(NoPlanOwed):
            await services.file_improvement(actor=fallen.made.member, profession=SURVEYING, draft=PLAN)


async def test_it_is_filed_on_the_grade_page_and_read_by_officers(fallen: Fallen, browse: Any) -> None:
    with clock.at(fallen.now):
        agency = await browse(fallen.made.member)
        assert "等级为 C 级，应提交改进计划" in words((await agency.get("/desk")).text)
        assert "10 个工作日内提交改进计划" in words((await agency.get("/my-grade")).text)
        url = "/my-grade/surveying/improvement"
        refused = await agency.submit(url, {"measures": PLAN.measures, "training": ""})
        assert refused.status_code == 422
        assert PLAN.measures in refused.text
        assert (await agency.submit(url, vars_of(PLAN))).status_code == 303
        assert (await agency.submit(url, vars_of(PLAN))).status_code == 409
        assert (await agency.submit("/my-grade/astrology/improvement", vars_of(PLAN))).status_code == 404
        shown = words((await agency.get("/my-grade")).text)
        assert PLAN.measures in shown
        assert "应提交改进计划" not in words((await agency.get("/desk")).text)
        listed = words((await (await browse(await officer())).get("/improvements")).text)
        assert PLAN.training in listed
        public = words((await (await browse()).get(f"/agencies/{fallen.made.agency_id}/grade/surveying")).text)
        assert "改进计划 已提交" in public
        assert PLAN.measures not in public


async def test_what_is_overdue_is_said_in_public_and_on_the_officers_desk(fallen: Fallen, browse: Any) -> None:
    with clock.at(fallen.now):
        (duty,) = await duties(fallen.made.agency_id)
    with clock.at(duty.due_at + timedelta(hours=1)):
        public = words((await (await browse()).get(f"/agencies/{fallen.made.agency_id}/grade/surveying")).text)
        assert "改进计划 逾期未交" in public
        assert "1 家逾期未交" in words((await (await browse(await officer())).get("/desk")).text)
        receipt = await services.file_improvement(actor=fallen.made.member, profession=SURVEYING, draft=PLAN)
        assert receipt.late
        assert await db.value("select count(*) from grading_improvement") == 1


def vars_of(draft: ImprovementDraft) -> dict[str, str]:
    return {"measures": draft.measures, "training": draft.training}
