"""The life of a notice, its phases by the clock, and what a draft must say."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotAllowedNow
from core.states import advance
from core.workdays import published
from market import content
from market.rules.editions import NoRuleInForce, edition_on
from market.rules.notices import (
    TRANSITIONS,
    FundSource,
    NoticeAct,
    NoticeClock,
    NoticeDraft,
    NoticeState,
    Phase,
    SelectionMethod,
    check_draft,
    due_events,
    earliest_deadline,
    is_due,
    phase,
)

CALENDAR = published()
NOW = datetime(2026, 11, 17, 7, 20, tzinfo=UTC)  # Tuesday 15:20 in Shanghai
LAW = content.edition_in_force(date(2026, 11, 17))
DRAFT = NoticeDraft(
    item_code="XT-SF-01",
    method=SelectionMethod.LOWEST_PRICE,
    fund_source=FundSource.OWN,
    scale="甲类车间 2 座",
    requirements="安全评价资质（化工）",
    payment_terms="审查通过后 10 日内",
    ceiling=Decimal("52000.00"),
    days_limit=15,
    deadline=datetime(2026, 11, 24, 1, 0, tzinfo=UTC),
)
ENDED = {NoticeState.AWARDED, NoticeState.FAILED, NoticeState.WITHDRAWN, NoticeState.CANCELLED}


def faults(**changes: object) -> set[str]:
    return set(check_draft(replace(DRAFT, **changes), edition=LAW, calendar=CALENDAR, now=NOW))  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(NoticeAct), max_size=30))
def test_no_sequence_of_acts_reaches_an_undefined_state(acts: list[NoticeAct]) -> None:
    state = NoticeState.DRAFT
    for act in acts:
        try:
            state = advance(TRANSITIONS, state, act)
        except NotAllowedNow:
            assert (state, act) not in TRANSITIONS
    assert state in NoticeState


def test_ended_notices_stay_ended() -> None:
    assert {state for state, _ in TRANSITIONS} == set(NoticeState) - ENDED


def test_at_the_deadline_itself_collecting_is_over() -> None:
    notice = NoticeClock(NoticeState.PUBLISHED, SelectionMethod.LOWEST_PRICE, DRAFT.deadline)
    assert phase(notice, DRAFT.deadline - timedelta(microseconds=1)) is Phase.COLLECTING
    assert phase(notice, DRAFT.deadline) is Phase.OPENING


def test_a_direct_offer_is_owed_an_end_and_a_call_an_opening() -> None:
    direct = NoticeClock(NoticeState.PUBLISHED, SelectionMethod.DIRECT, DRAFT.deadline)
    call = NoticeClock(NoticeState.PUBLISHED, SelectionMethod.RANDOM_DRAW, DRAFT.deadline)
    assert list(due_events(direct, NOW)) == [(DRAFT.deadline, NoticeAct.FAIL)]
    assert list(due_events(call, NOW)) == [(DRAFT.deadline, NoticeAct.OPEN)]
    assert phase(direct, NOW) is Phase.OFFERED


def test_a_job_woken_too_early_is_not_due() -> None:
    until = NOW + timedelta(days=3)
    shown = NoticeClock(NoticeState.SELECTED, SelectionMethod.LOWEST_PRICE, NOW, until)
    assert not is_due(shown, NoticeAct.CONFIRM, until - timedelta(microseconds=1))
    assert is_due(shown, NoticeAct.CONFIRM, until)
    assert not is_due(shown, NoticeAct.OPEN, until)


@given(
    st.sampled_from(NoticeState),
    st.sampled_from(SelectionMethod),
    st.integers(-10, 10),
    st.integers(-10, 10),
)
def test_every_overdue_act_is_allowed_by_the_life_cycle(
    state: NoticeState, method: SelectionMethod, deadline: int, shown: int
) -> None:
    notice = NoticeClock(state, method, NOW + timedelta(hours=deadline), NOW + timedelta(hours=shown))
    for _, act in due_events(notice, NOW):
        assert (state, act) in TRANSITIONS


def test_a_sound_draft_has_no_faults() -> None:
    assert faults() == set()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ceiling": Decimal(0)}, "ceiling"),
        ({"floor": Decimal("52000.01")}, "floor"),
        ({"floor": Decimal(0)}, "floor"),
        ({"method": SelectionMethod.RANDOM_DRAW, "floor": Decimal(100)}, "floor"),
        (
            {
                "method": SelectionMethod.RANDOM_DRAW,
                "fund_source": FundSource.PUBLIC,
                "ceiling": Decimal("300000.01"),
                "deadline": datetime(2026, 11, 27, 1, 0, tzinfo=UTC),
            },
            "method",
        ),
        ({"days_limit": 0}, "days_limit"),
        ({"days_limit": 121}, "days_limit"),
        ({"deadline": NOW}, "deadline"),
        ({"deadline": NOW + timedelta(days=200)}, "deadline"),
        ({"fund_source": FundSource.PUBLIC, "ceiling": Decimal("1000000.01")}, "ceiling"),
        ({"method": SelectionMethod.DIRECT}, "agency_id"),
    ],
)
def test_each_fault_is_named_at_its_field(changes: dict[str, object], field: str) -> None:
    assert field in faults(**changes)


def test_own_money_needs_three_full_workdays_public_five() -> None:
    # Tue 17 Nov: days 18, 19, 20 for own money; 18, 19, 20, 23, 24 for public and mixed money.
    own = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    assert earliest_deadline(NOW, FundSource.OWN, LAW, CALENDAR) == own
    assert "deadline" not in faults(deadline=own)
    assert "deadline" in faults(deadline=own - timedelta(microseconds=1))
    public = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    for fund in (FundSource.PUBLIC, FundSource.MIXED):
        assert "deadline" not in faults(deadline=public, fund_source=fund)
        assert "deadline" in faults(deadline=public - timedelta(microseconds=1), fund_source=fund)


def test_public_direct_selection_has_a_cap_and_a_published_reason() -> None:
    direct = {"method": SelectionMethod.DIRECT, "agency_id": 7}
    why = "同一地块前期测量由该机构完成，成果可直接沿用，避免重复测绘和重复收费。"
    assert faults(**direct) == set()
    assert faults(**direct, fund_source=FundSource.PUBLIC) == {"ceiling", "reason"}
    assert (
        faults(
            **direct,
            fund_source=FundSource.MIXED,
            ceiling=Decimal("50000.00"),
            reason=why,
        )
        == set()
    )


def test_rules_before_the_first_edition_are_an_error_not_a_guess() -> None:
    with pytest.raises(NoRuleInForce):
        content.edition_in_force(date(2023, 12, 31))


def test_a_newer_edition_counts_from_its_day_and_leaves_the_older_alone() -> None:
    newer = replace(LAW, id="XT-SEL-2099.1", in_force_from=date(2099, 1, 1))
    both = [newer, LAW]
    assert edition_on(both, date(2098, 12, 31)) is LAW
    assert edition_on(both, date(2099, 1, 1)) is newer
