"""The caps at C that people set off: an order of an inspection until it is put right, and two upheld complaints."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.identity import Identity, Role
from grading import services
from grading.queries.schemes import rulebook_on
from grading.rules.conduct import complaint_counts
from grading.rules.corrections import Change, CorrectionKind, corrected
from grading.rules.evidence import Finding
from grading.rules.inspections import NothingOrdered, OrderWithoutTerm, Outcome
from grading.rules.record_breaches import CAPS
from grading.rules.replay import grade
from grading.services import FindingDraft, InspectionDraft
from grading.services.gathering import gather
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency
from tests.grading.life import officer
from tests.grading.test_pages import words

pytestmark = pytest.mark.anyio
DAY = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
SURVEYING = Profession("surveying")


@pytest.fixture
async def made(db: None):
    with clock.at(DAY):
        yield await make_agency()


async def ordered_inspection(registrar: Identity) -> int:
    """One inspection that the draw has ordered."""
    head = await officer()
    plan = await services.announce_plan(actor=head, outside_source="双色球下一期开奖号码")
    await services.draw_plan(actor=head, plan_id=plan.plan_id, value="03 11 17", where="官网")
    found: int = await db.value("select id from grading_inspection where plan = $1 order by id limit 1", plan.plan_id)
    return found


def result(outcome: Outcome, correct_by: date | None = None) -> InspectionDraft:
    return InspectionDraft(clock.today(), "张某、李某", "原始记录不全。", outcome, correct_by=correct_by)


async def evidence_on(made: MadeAgency, day: date) -> Any:
    (subject,) = await gather(day, await rulebook_on(day), agency_id=made.agency_id, profession=SURVEYING)
    return subject.evidence


async def test_an_order_caps_at_c_until_it_is_confirmed_as_put_right(made: MadeAgency) -> None:
    registrar = await make.member(Role.REGISTRAR)
    inspection_id = await ordered_inspection(registrar)
    act = services.record_inspection
    with pytest.raises(OrderWithoutTerm):
        await act(actor=registrar, inspection_id=inspection_id, draft=result(Outcome.ORDERED))
    term = clock.today() + timedelta(days=20)
    await act(actor=registrar, inspection_id=inspection_id, draft=result(Outcome.ORDERED, term))
    today, rules = clock.today(), await rulebook_on(clock.today())
    assert not (await evidence_on(made, today - timedelta(days=1))).rectification_open
    evidence = await evidence_on(made, today)
    assert evidence.rectification_open
    assert "CC-03" in grade(evidence, rules.scheme, rules.calibration).conduct.reasons
    with clock.at(DAY + timedelta(days=25)):
        late = clock.today()
        assert (await evidence_on(made, late)).rectification_open  # a term that is over closes nothing
        await services.confirm_rectified(actor=registrar, inspection_id=inspection_id, words="现场复查，记录已补齐。")
        assert not (await evidence_on(made, late)).rectification_open
        assert (await evidence_on(made, late - timedelta(days=1))).rectification_open
        with pytest.raises(NothingOrdered):
            await services.confirm_rectified(actor=registrar, inspection_id=inspection_id, words="再来一次")


async def test_an_order_on_the_pages(made: MadeAgency, browse: Any) -> None:
    registrar = await make.member(Role.REGISTRAR)
    inspection_id = await ordered_inspection(registrar)
    desk = await browse(registrar)
    url = f"/inspections/records/{inspection_id}"
    filled = {
        "visited_on": str(clock.today()),
        "inspectors": "张某、李某",
        "facts": "原始记录不全。",
        "outcome": "ordered",
    }
    refused = await desk.submit(url, filled)
    assert refused.status_code == 422
    assert "原始记录不全。" in refused.text
    kept = await desk.submit(url, {**filled, "correct_by": str(clock.today() + timedelta(days=14))})
    plan_id = await db.value("select plan from grading_inspection where id = $1", inspection_id)
    assert kept.headers["location"].startswith(f"/inspections/{plan_id}")
    public = words((await (await browse()).get(f"/inspections/{plan_id}")).text)
    assert "责令限期整改" in public
    assert "期限 2026-06-15" in public
    assert "原始记录不全" not in public
    agency = await browse(made.member)
    assert "限期整改，到 2026-06-15" in words((await agency.get("/my-grade")).text)
    assert "确认完成之前评级最高 C 级" in words((await agency.get("/desk")).text)
    assert "确认整改完成" in words((await desk.get(url)).text)
    done = await desk.submit(f"{url}/rectified", {"words": "现场复查，记录已补齐。"})
    assert done.status_code == 303
    assert "2026-06-01 确认完成" in words((await (await browse()).get(f"/inspections/{plan_id}")).text)
    assert "限期整改" not in words((await agency.get("/desk")).text)


async def complaint(made: MadeAgency, code: str, *, by_complaint: bool = True) -> int:
    draft = FindingDraft(
        made.agency_id, None, code, "", clock.today(), "超出合同收费。", "来信投诉", complaint=by_complaint
    )
    put = await services.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=draft)
    await services.reply_conduct(actor=made.member, finding_id=put.finding_id, text="情况属实。")
    await services.decide_conduct(actor=await officer(), finding_id=put.finding_id, upheld=True, reasons="属实。")
    return put.finding_id


async def test_two_upheld_complaints_cap_at_c_and_one_or_other_findings_do_not(made: MadeAgency) -> None:
    rules = await rulebook_on(clock.today())
    await complaint(made, "CP-0201")
    await complaint(made, "CP-0203", by_complaint=False)
    one = await evidence_on(made, clock.today())
    assert one.upheld_complaints == 1
    assert "CC-04" not in grade(one, rules.scheme, rules.calibration).conduct.reasons
    second = await complaint(made, "CP-0205")
    two = await evidence_on(made, clock.today())
    found = grade(two, rules.scheme, rules.calibration)
    assert "CC-04" in found.conduct.reasons
    assert found.conduct.grade is CreditGrade.C
    dropped = corrected(two, [Change(CorrectionKind.DROP_FINDING, second, complaint=True)])
    assert dropped.upheld_complaints == 1
    again = corrected(dropped, [Change(CorrectionKind.DROP_FINDING, second, complaint=True)])
    assert again == dropped
    assert corrected(two, [Change(CorrectionKind.DROP_FINDING, second)]).upheld_complaints == 2


@pytest.mark.parametrize(
    ("ended", "day", "counts"),
    [
        (None, date(2026, 6, 1), True),
        (None, date(2027, 5, 31), True),
        (None, date(2027, 6, 1), False),
        (date(2026, 9, 1), date(2026, 8, 31), True),
        (date(2026, 9, 1), date(2026, 9, 1), False),
        (None, date(2026, 5, 31), False),
    ],
)
def test_an_upheld_complaint_counts_twelve_months_or_until_its_finding_ends(
    ended: date | None, day: date, counts: bool
) -> None:
    finding = Finding(1, "CP-0201", 2, "", date(2026, 6, 1), "XT-JF-1", ended)
    assert complaint_counts(finding, day) is counts


async def test_the_method_page_says_what_caps_at_c_and_where_it_comes_from(browse: Any, db: None) -> None:
    page = words((await (await browse()).get("/grading/method")).text)
    for said in ("处于限期整改期，最高 C 级", "到确认完成为止", "核实投诉 2 件以上", "认定后才算"):
        assert said in page


def test_every_cap_of_the_scheme_says_where_its_facts_come_from() -> None:
    stated = {one["code"] for one in tomllib.loads(g.SCHEME_TEXT)["gates"]["cap_to_c"]}
    assert stated == set(CAPS) - {"AFTER-D"}
