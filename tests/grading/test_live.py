"""The measurement between two gradings: there at once, for those it concerns, and never a grade."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agencies.rules import CreditGrade, Profession
from contracts import services as contracts
from core import clock, db
from core.identity import SYSTEM, Role
from grading.queries.desk import desk_items
from grading.queries.live import alarms, live_score
from grading.services.live import review_final
from tests.factories import contracts as given
from tests.factories import core as make
from tests.factories.grading import make_field, make_result

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db", "web_app")]
TRADE = Profession.SURVEYING


async def test_a_review_that_becomes_final_is_measured_in_the_same_act():
    made = await given.make_review()
    await given.mark(made)
    agency = made.contract.agency
    assert await live_score(agency.agency_id, TRADE, SYSTEM) is None
    await contracts.waive_comment(actor=agency.member, review_id=made.review_id)
    found = await live_score(agency.agency_id, TRADE, agency.member)
    assert found is not None
    assert (found.results, found.as_of, found.band) == (1, clock.today(), CreditGrade.N)
    assert found.low < found.score < found.high
    assert await db.value("select count(*) from grading_report") == 0


async def test_only_the_agency_and_those_who_watch_see_it():
    made = await given.make_review()
    await given.mark(made)
    agency = made.contract.agency
    await contracts.waive_comment(actor=agency.member, review_id=made.review_id)
    officer = await make.member(Role.GRADING_OFFICER)
    stranger = await make.member(Role.AGENCY)
    assert await live_score(agency.agency_id, TRADE, officer) is not None
    for reader in (None, stranger, made.contract.client):
        assert await live_score(agency.agency_id, TRADE, reader) is None


async def test_each_new_mark_replaces_the_measurement():
    made = await given.make_review()
    await given.mark(made)
    agency = made.contract.agency
    await contracts.waive_comment(actor=agency.member, review_id=made.review_id)
    first = await live_score(agency.agency_id, TRADE, SYSTEM)
    field = await make_field()
    newest = await make_result(agency.agency_id, field, "98", days_ago=0)
    await review_final(agency.agency_id, TRADE.value, newest)
    second = await live_score(agency.agency_id, TRADE, SYSTEM)
    assert second.results == 2
    assert second.score > first.score
    assert await db.value("select count(*) from grading_live") == 1


async def test_an_alarm_goes_on_the_trail_once_and_on_the_officers_desk_and_grades_nobody():
    made = await given.make_review()
    agency = made.contract.agency
    field = await make_field(clients=4, reviewers=6)
    for n in range(8):
        await make_result(agency.agency_id, field, "88", days_ago=200 + n)
    officer = await make.member(Role.GRADING_OFFICER)
    await _published(agency.agency_id, officer, clock.today() - timedelta(days=100))
    for n in range(5):
        newest = await make_result(agency.agency_id, field, "55", days_ago=5 + n)
        await review_final(agency.agency_id, TRADE.value, newest)
    assert await db.value("select count(*) from core_trail_entry where act = 'grade.alarmed'") == 1
    assert [one.agency_id for one in await alarms()] == [agency.agency_id]
    assert "偏离" in "".join(item.title for item in await desk_items(officer, clock.now()))
    assert await db.value("select result from grading_report") == "B"


async def _published(agency_id: int, officer: object, day: object) -> None:
    """A B that is in force since `day`, written directly."""
    run = await db.value(
        "insert into grading_run (key, kind, as_of, scheme, calibration, state, prepared_by, prepared_at, comment_until)"
        " select 'monthly:test', 'monthly', $1, s.id, c.id, 'closed', $2, $3, $3"
        " from grading_scheme s, grading_calibration c limit 1 returning id",
        *(day, officer.account_id, clock.now()),
    )
    await db.execute(
        """insert into grading_report (run, agency, profession, as_of, prior_result, quality, band, conduct, result,
             score, sd, low, high, reliability, firm, p_up, p_down, alarm_low, alarm_high, alarm, evidence,
             evidence_digest, outcome, outcome_digest, state, comment, comment_until, answer, signed_by, published_at,
             publication_no)
           values ($1, $2, $3, $4, 'N', 'B', 'B', 'A', 'B', $5, 3, 80, 90, 0.9, true, 0, 0, 0, 0, false, '{}', '', '{}', '',
             'published', '', $6, '', $7, $6, 'T-1')""",
        *(run, agency_id, TRADE.value, day, Decimal("86.00"), clock.now(), officer.account_id),
    )
