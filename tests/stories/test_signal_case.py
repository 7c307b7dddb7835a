"""A signal becomes a case: facts after the opening, the right of reply, a second officer, points that stay contestable."""

from datetime import datetime

import pytest

from core import clock, db
from core.identity import Role
from grading import services as grading
from grading.queries.conduct import findings
from market import services as market
from market.queries import signal_cases as cases
from market.queries import signals
from market.queries.signals import SignalFilter
from market.rules.signal_cases import CaseGone, CaseResult
from market.services.signal_cases import CaseDecision, decide_case, open_case, reply_case
from tests.factories import core as make
from tests.factories.market import bid, make_notice, make_surveyors, open_and_select
from tests.stories.people import time_begins

pytestmark = pytest.mark.anyio

MONDAY = datetime(2026, 3, 2, 9, tzinfo=clock.SHANGHAI)


@pytest.mark.usefixtures("committed_db", "web_app")
async def test_from_a_signal_to_points_that_can_be_contested() -> None:
    with time_begins(MONDAY) as time:
        first, second = await make.member(Role.MARKET_SUPERVISOR), await make.member(Role.MARKET_SUPERVISOR)
        officer = await make.member(Role.GRADING_OFFICER)
        made = await make_notice()
        bidders = await make_surveyors(4)
        for one, price in zip(bidders, ("20000", "22000", "24000", "26000"), strict=True):
            await bid(one, made, price)
        assert (await market.compute_signals()).found == 0, "sealed bids give no signal"

        time.goes_to(made.deadline)
        await open_and_select(made)
        await market.compute_notice_signals(made.notice_id)
        (signal,) = await signals.signals(SignalFilter(code="regular-prices"), limit=5)
        assert "2,000.00" in signal.text

        named = [one.organization_id for one in bidders[:2]]
        case = await open_case(first, signal_ids=[signal.id], parties=named, question="请说明报价如何形成。")
        for outsider in (bidders[2].member, None):
            with pytest.raises(CaseGone):
                await cases.case(case.case_id, outsider)
        await reply_case(bidders[0].member, case_id=case.case_id, text="按公开的成本标准计算。")

        time.goes_to(case.reply_until)
        decision = CaseDecision(
            CaseResult.BREACH, "两家单位的报价由同一份表格算出，已查实。", tuple(named[1:]), "CP-2003"
        )
        await decide_case(second, case_id=case.case_id, decision=decision)
        public = await cases.case(case.case_id, None)
        assert [party["organization"] for party in public.parties] == named[1:]

        (finding,) = await findings(bidders[1].member)
        assert finding.may_reply(clock.now()), "points are a proposal: the agency replies once more"
        await grading.reply_conduct(actor=bidders[1].member, finding_id=finding.finding_id, text="不认可该认定。")
        await grading.decide_conduct(actor=officer, finding_id=finding.finding_id, upheld=False, reasons="证据不足。")
        assert await findings(bidders[0].member) == []
        state = await db.value("select state from market_notice where id = $1", made.notice_id)
        assert state == "selected", "a signal and a case hold nothing up"
