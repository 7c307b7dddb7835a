"""Questions, amendments and confirmed bids: the rules, and the acts on a real database."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from core import clock
from core import db as sql
from core.errors import Forbidden, FormInvalid, NotAllowedNow, StaleForm
from core.identity import Role
from core.trail import format
from core.workdays import calendar, published
from market import content, services
from market.queries.amendments import lineage, unconfirmed, versions
from market.queries.bids import my_bid, my_bids
from market.queries.desk import desk_items
from market.queries.notices import NoticeRow, notice, opened_bids
from market.queries.questions import clarifications
from market.rules.amendments import (
    Amendment,
    NotBehind,
    PriceMoved,
    changes,
    check_amendment,
    earliest_amended,
)
from market.rules.bids import BidState, NoBid, Offer
from market.rules.notices import DeadlinePassed, FundSource, NoticeGone, NoticeState, SelectionMethod
from market.rules.questions import (
    MOST_ANSWERS,
    MOST_OF_ONE,
    AnswersClosed,
    NamesItself,
    QuestionGone,
    QuestionsClosed,
    TooManyQuestions,
    questions_until,
)
from tests.factories import core as make
from tests.factories.agencies import make_agency
from tests.factories.market import MadeNotice, bid, make_notice, make_surveyors, notice_draft, open_and_select
from tests.market.test_leak import dump

pytestmark = pytest.mark.anyio
LAW = content.edition("XT-SEL-2026.1")
DAYS = published()
FRIDAY_FIVE = datetime(2026, 11, 27, 17, tzinfo=clock.SHANGHAI)


def test_questions_close_a_working_day_before_the_deadline_at_the_same_hour() -> None:
    assert questions_until(FRIDAY_FIVE, LAW, DAYS) == FRIDAY_FIVE - timedelta(days=1)
    monday = datetime(2026, 11, 30, 17, tzinfo=clock.SHANGHAI)
    assert questions_until(monday, LAW, DAYS) == FRIDAY_FIVE
    midnight = datetime(2026, 11, 28, tzinfo=clock.SHANGHAI)
    assert questions_until(midnight, LAW, DAYS) == midnight - timedelta(days=1)


@pytest.mark.parametrize(("public", "days"), [(False, 2), (True, 3)])
def test_an_amendment_leaves_the_minimum_and_never_shortens(public: bool, days: int) -> None:
    now = datetime(2026, 11, 23, 10, tzinfo=clock.SHANGHAI)
    soon = now + timedelta(hours=2)
    least = DAYS.due_at(now, days)
    assert earliest_amended(soon, now, LAW, DAYS, public=public) == least
    late = least + timedelta(days=3)
    assert earliest_amended(late, now, LAW, DAYS, public=public) == late


async def test_what_is_wrong_with_an_amendment(db: None) -> None:
    now = clock.now()
    before = await notice_draft()
    days = await calendar()

    def faults(**changed: Any) -> set[str]:
        after = replace(before, deadline=before.deadline + timedelta(days=7), **changed)
        if "until" in changed:
            after = replace(before, deadline=changed["until"])
        return set(check_amendment(before, after, published_at=now, edition=LAW, calendar=days, now=now))

    assert faults(scale="两公顷") == set()
    assert faults() == {"scale"}
    assert faults(ceiling=Decimal("0")) >= {"ceiling"}
    assert faults(bid_bond=Decimal("600.00")) == set()
    assert faults(bid_bond=Decimal("600.01")) == {"bid_bond"}
    earlier = replace(before, scale="两公顷", deadline=before.deadline - timedelta(hours=1))
    found = check_amendment(before, earlier, published_at=now, edition=LAW, calendar=days, now=now)
    assert "deadline" in found
    late = before.deadline - timedelta(minutes=1)
    same = replace(before, scale="两公顷")
    found = check_amendment(before, same, published_at=now, edition=LAW, calendar=days, now=late)
    assert "deadline" in found
    far = replace(before, scale="两公顷", deadline=before.deadline + timedelta(days=200))
    assert "deadline" in check_amendment(before, far, published_at=now, edition=LAW, calendar=days, now=now)


def test_changes_compare_values_and_not_their_spelling() -> None:
    old = {"ceiling": "30000.00", "deadline": "2026-11-27T09:00:00+00:00", "scale": "a"}
    new = {"ceiling": "30000.0", "deadline": "2026-11-27T17:00:00+08:00", "scale": "b", "bid_bond": "1.00"}
    assert [one.field for one in changes(old, new)] == ["scale", "bid_bond"]


async def amendment_of(row: NoticeRow, **changed: Any) -> Amendment:
    """The notice as it is, with a new scale, at the earliest lawful deadline."""
    public = row.fund_source.public_money
    until = earliest_amended(row.deadline, clock.now(), row.law, await calendar(), public=public)
    facts = {
        "scale": f"{row.scale}，另加断面测量",
        "requirements": row.requirements,
        "payment_terms": row.payment_terms,
        "ceiling": row.ceiling,
        "days_limit": row.days_limit,
        "deadline": until,
        "floor": row.floor,
        "bid_bond": row.bid_bond,
        "performance_bond": row.performance_bond,
    }
    return Amendment(**(facts | changed))


async def amend(made: MadeNotice, **changed: Any) -> NoticeRow:
    """One amendment; the notice afterwards."""
    row = await made.row()
    amendment = await amendment_of(row, **changed)
    await services.amend_notice(
        made.client, notice_id=made.notice_id, version=row.version, amendment=amendment, reason="业主补充要求"
    )
    return await made.row()


async def test_an_amendment_is_a_version_with_reason_and_digest(db: None) -> None:
    made = await make_notice()
    first = await made.row()
    with clock.at(made.deadline - timedelta(hours=1)):
        after = await amend(made, ceiling=Decimal("28000.00"))
    assert (after.amendment, after.state, after.ceiling) == (1, NoticeState.PUBLISHED, Decimal("28000.00"))
    assert after.deadline > first.deadline
    assert after.questions_until == questions_until(after.deadline, after.law, await calendar())
    (version,) = await versions(made.notice_id)
    assert [one.field for one in version.changes] == ["scale", "ceiling", "deadline"]
    assert version.changes[1].pair == (Decimal("30000.00"), Decimal("28000.00"))
    assert version.reason == "业主补充要求"
    assert len(version.digest) == 64
    entry = await db_row("select payload from core_trail_entry where act = 'notice.amended'")
    assert version.digest.encode() in bytes(entry["payload"])


async def db_row(statement: str, *args: Any) -> Any:
    return await sql.row(statement, *args)


async def test_only_the_client_amends_only_while_collecting_and_only_what_it_read(db: None) -> None:
    made = await make_notice()
    row = await made.row()
    sound = {"notice_id": made.notice_id, "amendment": await amendment_of(row), "reason": "业主补充要求"}
    (agency,) = await make_surveyors(1)
    with pytest.raises(Forbidden):
        await services.amend_notice(agency.member, version=row.version, **sound)
    with pytest.raises(NoticeGone):
        await services.amend_notice(await make.member(Role.CLIENT), version=row.version, **sound)
    with pytest.raises(StaleForm):
        await services.amend_notice(made.client, version=row.version - 1, **sound)
    with clock.at(made.deadline), pytest.raises(DeadlinePassed):
        await services.amend_notice(made.client, version=row.version, **sound)
    with pytest.raises(FormInvalid):
        await services.amend_notice(
            made.client,
            version=row.version,
            notice_id=made.notice_id,
            amendment=await amendment_of(row, scale=row.scale),
            reason="业主补充要求",
        )
    await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="不办了")
    with pytest.raises(NotAllowedNow):
        await services.amend_notice(made.client, version=row.version + 1, **sound)


async def test_a_bid_under_the_old_notice_is_confirmed_replaced_or_stays_closed(db: None, web_app: Litestar) -> None:
    made = await make_notice()
    confirms, replaces, sleeps, late = await make_surveyors(4)
    for agency in (confirms, replaces, sleeps):
        await bid(agency, made)
    after = await amend(made)
    mine = await my_bid(sleeps.member, made.notice_id)
    assert mine is not None
    assert mine.unconfirmed
    assert [item.button for item in await desk_items(sleeps.member, clock.now())] == ["确认报价"]

    before = await my_bid(confirms.member, made.notice_id)
    await services.confirm_bid(confirms.member, notice_id=made.notice_id)
    confirmed = await my_bid(confirms.member, made.notice_id)
    assert before is not None
    assert confirmed is not None
    assert (confirmed.digest, confirmed.unconfirmed) == (before.digest, False)
    offer = Offer(Decimal("23000.00"), 8, "新方案")
    with pytest.raises(StaleForm):
        await services.replace_bid(replaces.member, notice_id=made.notice_id, offer=offer, amendment=0)
    await services.replace_bid(replaces.member, notice_id=made.notice_id, offer=offer, amendment=1)
    with pytest.raises(StaleForm):
        await services.submit_bid(late.member, notice_id=made.notice_id, offer=offer, amendment=0)
    await bid(late, made)
    assert await unconfirmed(after) is None, "nobody learns before the deadline how many bid"

    await open_and_select(replace(made, deadline=after.deadline))
    opened = {one.agency_id for one in await opened_bids(made.notice_id)}
    assert opened == {confirms.agency_id, replaces.agency_id, late.agency_id}
    assert await unconfirmed(await made.row()) == 1
    closed = await my_bid(sleeps.member, made.notice_id)
    assert closed is not None
    assert (closed.state, closed.amount, closed.unconfirmed) == (BidState.SEALED, None, True)
    assert [row.id for row, _ in await my_bids(sleeps.member)] == [made.notice_id]
    found = await db_row("select agency, account, amount, proposal from market_bid where state = 'sealed'")
    assert set(found) == {None}


async def test_confirmation_needs_a_bid_that_is_behind(db: None) -> None:
    made = await make_notice()
    agency, stranger = await make_surveyors(2)
    await bid(agency, made)
    with pytest.raises(NotBehind):
        await services.confirm_bid(agency.member, notice_id=made.notice_id)
    after = await amend(made)
    with pytest.raises(NoBid):
        await services.confirm_bid(stranger.member, notice_id=made.notice_id)
    with clock.at(after.deadline), pytest.raises(DeadlinePassed):
        await services.confirm_bid(agency.member, notice_id=made.notice_id)
    await services.withdraw_bid(agency.member, notice_id=made.notice_id)
    with pytest.raises(NotBehind):
        await services.confirm_bid(agency.member, notice_id=made.notice_id)


async def test_a_fixed_price_that_moved_cannot_be_confirmed_even_two_amendments_later(db: None) -> None:
    made = await make_notice(method=SelectionMethod.RANDOM_DRAW)
    (agency,) = await make_surveyors(1)
    await bid(agency, made, "30000.00")
    await amend(made, ceiling=Decimal("29000.00"))
    await amend(made, scale="六公顷")
    with pytest.raises(PriceMoved):
        await services.confirm_bid(agency.member, notice_id=made.notice_id)


async def test_too_few_confirmed_bids_fail_a_public_notice(db: None) -> None:
    made = await make_notice(fund_source=FundSource.PUBLIC)
    surveyors = await make_surveyors(3)
    for agency in surveyors:
        await bid(agency, made)
    after = await amend(made)
    for agency in surveyors[:2]:
        await services.confirm_bid(agency.member, notice_id=made.notice_id)
    with clock.at(after.deadline):
        await services.open_bids(made.notice_id)
    row = await made.row()
    assert row.state is NoticeState.FAILED
    assert row.ending is not None
    assert row.ending.params["count"] == 2


async def test_everybody_who_offers_the_item_is_told_not_the_bidders(db: None) -> None:
    made = await make_notice()
    bidder, other = await make_surveyors(2)
    client_elsewhere = await make.member(Role.CLIENT)
    await bid(bidder, made)
    await amend(made)
    told = await sql.rows("select account from core_mail where message = 'market/notice_amended'")
    accounts = {one["account"] for one in told}
    assert {bidder.member.account_id, other.member.account_id} <= accounts
    assert client_elsewhere.account_id not in accounts


async def test_questions_are_public_and_nobody_learns_who_asked(committed_db: str) -> None:
    made = await make_notice()
    agency, other = await make_surveyors(2)
    before = await dump(committed_db)
    with clock.at(clock.now() + timedelta(minutes=1)):
        await services.ask_question(agency.member, notice_id=made.notice_id, text="图纸比例是多少？")
    after = await dump(committed_db)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {
        "public.market_question",
        "public.core_trail_entry",
        "public.core_mail",
        "public.procrastinate_jobs",
        "public.procrastinate_events",
    }
    for name in changed:
        written = after[name].replace(before[name], b"")
        for fact in (agency.uscc, agency.name_zh):
            assert fact.encode() not in written
    row = await made.row()
    assert [one.mine for one in (await clarifications(row, agency.member)).questions] == [True]
    for reader in (None, other.member, made.client):
        (seen,) = (await clarifications(row, reader)).questions
        assert (seen.text, seen.mine) == ("图纸比例是多少？", False)
    link = await asyncpg.connect(committed_db)
    try:
        entry = await link.fetchrow(
            "select account_id, organization_id, role, payload from core_trail_entry where act = 'question.asked'"
        )
        assert list(entry)[:3] == [None, None, ""]
    finally:
        await link.close()


async def test_answers_are_supplemented_and_never_edited(db: None, web_app: Litestar) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    asked = await services.ask_question(agency.member, notice_id=made.notice_id, text="图纸比例是多少？")
    (waiting,) = [item for item in await desk_items(made.client, clock.now()) if item.button == "答复提问"]
    assert waiting.due_at == made.deadline
    with pytest.raises(QuestionGone):
        await services.answer_question(await make.member(Role.CLIENT), question_id=asked.question_id, text="1:1000")
    await services.answer_question(made.client, question_id=asked.question_id, text="1:500")
    await services.answer_question(made.client, question_id=asked.question_id, text="局部 1:200")
    (seen,) = (await clarifications(await made.row(), None)).questions
    assert [one.text for one in seen.answers] == ["1:500", "局部 1:200"]
    acts = await sql.rows("select act from core_trail_entry where act like 'question.%' order by id")
    assert [one["act"] for one in acts] == ["question.asked", "question.answered", "question.supplemented"]
    assert not [item for item in await desk_items(made.client, clock.now()) if item.button == "答复提问"]
    for _ in range(MOST_ANSWERS - 2):
        await services.answer_question(made.client, question_id=asked.question_id, text="再补充")
    with pytest.raises(AnswersClosed):
        await services.answer_question(made.client, question_id=asked.question_id, text="一次太多")


async def test_questions_and_answers_have_their_limits(db: None) -> None:
    made = await make_notice()
    row = await made.row()
    (agency,) = await make_surveyors(1)
    with pytest.raises(Forbidden):
        await services.ask_question(made.client, notice_id=made.notice_id, text="自问自答")
    with pytest.raises(NamesItself):
        await services.ask_question(agency.member, notice_id=made.notice_id, text=f"我们{agency.name_zh} 可以做吗")
    for number in range(MOST_OF_ONE):
        await services.ask_question(agency.member, notice_id=made.notice_id, text=f"第 {number} 个问题")
    colleague = await make.member(Role.AGENCY, agency.organization_id)
    with pytest.raises(TooManyQuestions):
        await services.ask_question(colleague, notice_id=made.notice_id, text="再问一个")
    assert row.questions_until is not None
    (other,) = await make_surveyors(1)
    with clock.at(row.questions_until), pytest.raises(QuestionsClosed):
        await services.ask_question(other.member, notice_id=made.notice_id, text="还来得及吗")
    with clock.at(made.deadline):
        panel = await clarifications(await made.row(), None)
        assert (panel.open, panel.answerable, panel.waiting) == (False, False, MOST_OF_ONE)
        with pytest.raises(AnswersClosed):
            await services.answer_question(made.client, question_id=panel.questions[0].id, text="晚了")


async def test_a_direct_offer_takes_no_questions_and_no_amendment(db: None) -> None:
    agency = await make_agency()
    made = await make_notice(method=SelectionMethod.DIRECT, agency_id=agency.agency_id)
    with pytest.raises(QuestionsClosed):
        await services.ask_question(agency.member, notice_id=made.notice_id, text="能改价吗？")
    row = await made.row()
    with pytest.raises(NotAllowedNow):
        await services.amend_notice(
            made.client,
            notice_id=made.notice_id,
            version=row.version,
            amendment=await amendment_of(row),
            reason="业主补充要求",
        )


async def test_a_reposted_notice_tells_what_it_changed_and_how_often(db: None) -> None:
    made = await make_notice()
    await services.withdraw_notice(made.client, notice_id=made.notice_id, reason="要求写错了")
    again = await services.repost_notice(
        made.client, notice_id=made.notice_id, deadline=made.deadline + timedelta(days=3)
    )
    row = await notice(again.notice_id, made.client)
    line = await lineage(row)
    assert line is not None
    assert (line.times, line.before.id) == (2, made.notice_id)
    assert [one.field for one in line.changes] == ["deadline"]
    assert await lineage(await made.row()) is None
    assert format.plain(row.ceiling) == "30000.00"
