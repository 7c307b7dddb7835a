"""Conduct findings and direct D: proposed, answered, decided, imposed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from agencies.queries import standing
from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.errors import Forbidden, NotAllowedNow
from core.identity import SYSTEM, Identity, Role
from grading import services
from grading.queries.conduct import finding, findings, live_findings, running_grounds
from grading.queries.reports import report, standing_explanation
from grading.queries.runs import run_reports
from grading.rules.errors import (
    AgencyUnknown,
    DocumentTwice,
    FindingAbsent,
    ItemUnknown,
    TermNotAllowed,
    TriggerNotForOfficers,
)
from grading.rules.lifecycle import ConductPhase, ReplyPeriodOpen, ReplyPeriodOver, ReportState, SamePerson
from grading.services import FindingDraft, Imposition
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = pytest.mark.anyio

DAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
LATER = DAY + timedelta(days=8)
SURVEYING = Profession.SURVEYING
D = CreditGrade.D


@pytest.fixture
async def on_a_monday(db: None):
    with clock.at(DAY):
        yield


async def officer() -> Identity:
    return await make.member(Role.GRADING_OFFICER)


def a_draft(made: MadeAgency, **changed: object) -> FindingDraft:
    facts: dict[str, object] = {
        "agency_id": made.agency_id,
        "profession": SURVEYING,
        "code": "CP-0501",
        "event": "award:7",
        "found_on": date(2026, 10, 30),
        "facts": "2026-10-28 中选后书面放弃，未说明理由",
        "source": "中选记录 XT-ZX-2026-000007",
    }
    return FindingDraft(**(facts | changed))  # type: ignore[arg-type]


def a_decision(made: MadeAgency, **changed: object) -> Imposition:
    facts: dict[str, object] = {
        "agency_id": made.agency_id,
        "profession": SURVEYING,
        "code": "DD-02",
        "document_no": "演示测罚〔2026〕7 号",
        "authority": "新泰市自然资源和规划局（演示）",
        "facts": "出借测绘资质",
        "starts_on": DAY.date(),
        "ends_on": date(2027, 11, 2),
    }
    return Imposition(**(facts | changed))  # type: ignore[arg-type]


async def test_a_finding_counts_only_once_a_second_person_has_upheld_it(on_a_monday):
    made, first, second = await make_agency(), await officer(), await officer()
    proposed = await services.propose_conduct(actor=first, draft=a_draft(made))
    assert (proposed.points, proposed.reply_until) == (5, datetime(2026, 11, 9, 16, 0, tzinfo=UTC))
    assert await live_findings(made.agency_id) == []
    with pytest.raises(ReplyPeriodOpen):
        await services.decide_conduct(actor=second, finding_id=proposed.finding_id, upheld=True, reasons="属实")
    with clock.at(LATER):
        with pytest.raises(SamePerson):
            await services.decide_conduct(actor=first, finding_id=proposed.finding_id, upheld=True, reasons="属实")
        await services.decide_conduct(actor=second, finding_id=proposed.finding_id, upheld=True, reasons="属实")
        (live,) = await live_findings(made.agency_id, SURVEYING)
        assert (live.points, live.phase, live.days_left) == (5, ConductPhase.LIVE, 365)
    with clock.at(LATER + timedelta(days=366)):
        assert await live_findings(made.agency_id, SURVEYING) == []


async def test_a_reply_opens_the_decision_at_once(on_a_monday):
    made, second = await make_agency(), await officer()
    proposed = await services.propose_conduct(actor=await officer(), draft=a_draft(made))
    await services.reply_conduct(actor=made.member, finding_id=proposed.finding_id, text="业主先行违约，附函件")
    decided = await services.decide_conduct(
        actor=second, finding_id=proposed.finding_id, upheld=False, reasons="申辩成立"
    )
    assert decided.state == "not-upheld"
    with pytest.raises(NotAllowedNow):
        await services.decide_conduct(actor=second, finding_id=proposed.finding_id, upheld=True, reasons="x")
    with pytest.raises(NotAllowedNow):
        await services.reply_conduct(actor=made.member, finding_id=proposed.finding_id, text="再补充")


async def test_a_late_or_foreign_reply_is_refused(on_a_monday):
    made, stranger = await make_agency(), await make_agency()
    proposed = await services.propose_conduct(actor=await officer(), draft=a_draft(made))
    with pytest.raises(FindingAbsent):
        await services.reply_conduct(actor=stranger.member, finding_id=proposed.finding_id, text="x")
    with clock.at(LATER), pytest.raises(ReplyPeriodOver):
        await services.reply_conduct(actor=made.member, finding_id=proposed.finding_id, text="x")


async def test_only_listed_items_of_recorded_agencies_by_the_right_people(on_a_monday):
    made, somebody = await make_agency(), await officer()
    with pytest.raises(ItemUnknown):
        await services.propose_conduct(actor=somebody, draft=a_draft(made, code="CP-9999"))
    with pytest.raises(AgencyUnknown):
        await services.propose_conduct(actor=somebody, draft=a_draft(made, profession=Profession.SAFETY))
    with pytest.raises(Forbidden):
        await services.propose_conduct(actor=made.member, draft=a_draft(made))


async def test_who_sees_which_finding(on_a_monday):
    made, stranger, somebody = await make_agency(), await make_agency(), await officer()
    proposed = await services.propose_conduct(actor=somebody, draft=a_draft(made))
    assert (await finding(made.member, proposed.finding_id)).number == proposed.number
    for reader in (None, stranger.member):
        with pytest.raises(FindingAbsent):
            await finding(reader, proposed.finding_id)
    assert [one.number for one in await findings(made.member)] == [proposed.number]
    assert await findings(stranger.member) == []
    assert proposed.number in [one.number for one in await findings(somebody)]


async def with_results(marks: tuple[str, ...] = ("88",) * 8) -> MadeAgency:
    made = await make_agency()
    field = await g.make_field()
    for n, mark in enumerate(marks):
        await g.make_result(made.agency_id, field, mark, days_ago=20 + 10 * n)
    return made


async def test_ten_points_cap_the_next_grade_at_c(on_a_monday):
    made, first, second = await with_results(), await officer(), await officer()
    with clock.at(DAY - timedelta(days=20)):
        proposed = await services.propose_conduct(
            actor=first, draft=a_draft(made, code="CP-1001", found_on=date(2026, 10, 9))
        )
    with clock.at(DAY - timedelta(days=5)):
        await services.decide_conduct(actor=second, finding_id=proposed.finding_id, upheld=True, reasons="属实")
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    (line,) = await run_reports(receipt.run_id)
    assert (line.quality, line.conduct, line.result) == ("B", "C", "C")
    assert (await report(first, line.report_id)).outcome.conduct.points == 10


async def test_an_immediate_direct_d_is_published_at_once_and_settles_open_drafts(on_a_monday):
    made, somebody = await with_results(), await officer()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    (line,) = await run_reports(receipt.run_id)
    imposed = await services.impose_direct_d(actor=somebody, decision=a_decision(made))
    assert [one.result for one in imposed.publications] == [D]
    assert (await standing(made.agency_id, SURVEYING, DAY.date())).grade is D
    assert (await report(somebody, line.report_id)).state is ReportState.WITHDRAWN
    shown = await standing_explanation(made.agency_id, SURVEYING, SYSTEM)
    assert shown is not None
    assert shown.outcome.conduct.reasons == ("DD-02",)
    (ground,) = await running_grounds(made.agency_id, SURVEYING)
    assert ground.document_no == "演示测罚〔2026〕7 号"
    assert (await services.replay_check()).sound


async def test_an_agency_without_results_can_be_d_too(on_a_monday):
    made = await make_agency()
    imposed = await services.impose_direct_d(actor=await officer(), decision=a_decision(made))
    assert imposed.publications[0].result is D
    assert imposed.publications[0].certificate_no is not None


async def test_a_ground_that_is_not_immediate_waits_for_the_next_run(on_a_monday):
    made = await with_results()
    imposed = await services.impose_direct_d(actor=await officer(), decision=a_decision(made, code="DD-08"))
    assert imposed.publications == ()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    (line,) = await run_reports(receipt.run_id)
    assert line.result is D


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"code": "DD-06"}, TriggerNotForOfficers),
        ({"code": "DD-99"}, TriggerNotForOfficers),
        ({"code": "DD-09", "profession": Profession.SAFETY}, TriggerNotForOfficers),
        ({"ends_on": date(2027, 5, 2)}, TermNotAllowed),
        ({"ends_on": date(2031, 11, 2)}, TermNotAllowed),
        ({"profession": Profession.SAFETY}, AgencyUnknown),
    ],
)
async def test_a_direct_d_outside_the_rules_is_refused(on_a_monday, changed, refusal):
    made = await make_agency()
    with pytest.raises(refusal):
        await services.impose_direct_d(actor=await officer(), decision=a_decision(made, **changed))
    assert await db.value("select count(*) from grading_direct_d") == 0


async def test_a_longer_term_needs_the_decision_to_say_so_and_counts_once(on_a_monday):
    made, somebody = await make_agency(), await officer()
    long = a_decision(made, ends_on=date(2031, 11, 2), as_decided=True)
    await services.impose_direct_d(actor=somebody, decision=long)
    with pytest.raises(DocumentTwice):
        await services.impose_direct_d(actor=somebody, decision=long)
