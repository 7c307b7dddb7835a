"""The life of an objection: no dead end, no skipped clock, the fixed order kept."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotAllowedNow
from core.states import advance
from core.workdays import published
from market import content
from market.rules.notices import NoticeClock, NoticeState, Phase, SelectionMethod
from market.rules.objections import (
    ACTS,
    OPEN,
    RECORDED_AS,
    STATES,
    TRAIL_TITLES,
    TRANSITIONS,
    Against,
    CannotCorrect,
    Correction,
    EscalationLate,
    NotYourTurn,
    ObjectionAct,
    ObjectionClock,
    ObjectionDraft,
    ObjectionState,
    Placed,
    Remedy,
    after,
    check_escalation,
    check_objection,
    corrected_order,
    due_events,
    objectable,
    remedies,
    resumed_until,
)

CALENDAR = published()
LAW = content.edition_in_force(date(2026, 11, 17))
NOW = datetime(2026, 11, 17, 7, 20, tzinfo=UTC)  # Tuesday 15:20 in Shanghai
SOUND = ObjectionDraft(
    "中选机构的资质证书在开启当日已经过期，不符合公告条件。", "请更正", "eligibility", "", "证书编号"
)


@given(st.lists(st.sampled_from(ObjectionAct), max_size=20))
def test_no_sequence_of_acts_leaves_the_life_cycle(acts: list[ObjectionAct]) -> None:
    state = ObjectionState.LODGED
    for act in acts:
        try:
            state = advance(TRANSITIONS, state, act)
        except NotAllowedNow:
            assert (state, act) not in TRANSITIONS
    assert state in OPEN or not [one for one, _act in TRANSITIONS if one is state]


@pytest.mark.parametrize("state", ObjectionState)
def test_an_open_objection_always_has_a_clock_and_a_way_out_and_a_closed_one_neither(state: ObjectionState) -> None:
    due = after(state, NOW, LAW.objection, CALENDAR)
    assert (due.due_at is not None) == (state in OPEN)
    ways = {TRANSITIONS[key] for key in TRANSITIONS if key[0] is state}
    assert bool(ways - OPEN) == (state in OPEN)
    for _moment, act in due_events(due):
        assert (state, act) in TRANSITIONS


def test_every_state_and_act_has_words() -> None:
    assert set(STATES) == set(ObjectionState)
    assert set(ACTS) == set(RECORDED_AS) == set(ObjectionAct)
    assert set(RECORDED_AS.values()) <= set(TRAIL_TITLES)


def test_silence_is_handed_on_and_an_uncontested_answer_lapses() -> None:
    silent = after(ObjectionState.LODGED, NOW, LAW.objection, CALENDAR)
    assert silent.due_at == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert list(due_events(silent)) == [(datetime(2026, 11, 25, 16, tzinfo=UTC), ObjectionAct.ESCALATE)]
    answered = after(ObjectionState.REJECTED, NOW, LAW.objection, CALENDAR)
    assert [act for _moment, act in due_events(answered)] == [ObjectionAct.LAPSE]


def test_who_may_escalate_when() -> None:
    waiting = ObjectionClock(ObjectionState.LODGED, NOW, None)
    with pytest.raises(NotYourTurn):
        check_escalation(waiting, NOW - timedelta(microseconds=1))
    check_escalation(waiting, NOW)
    rejected = ObjectionClock(ObjectionState.REJECTED, NOW, NOW)
    check_escalation(rejected, NOW - timedelta(microseconds=1))
    with pytest.raises(EscalationLate):
        check_escalation(rejected, NOW)


@pytest.mark.parametrize(
    ("state", "shift", "paused", "expected"),
    [
        (NoticeState.PUBLISHED, timedelta(microseconds=-1), None, Against.NOTICE),
        (NoticeState.PUBLISHED, timedelta(0), None, None),
        (NoticeState.OPENED, timedelta(0), None, None),
        (NoticeState.SELECTED, timedelta(days=1), None, Against.RESULT),
        (NoticeState.SELECTED, timedelta(days=3), None, None),
        (NoticeState.SELECTED, timedelta(days=9), timedelta(days=1), Against.RESULT),
        (NoticeState.SELECTED, timedelta(days=9), timedelta(days=3), None),
        (NoticeState.AWARDED, timedelta(days=9), None, None),
    ],
)
def test_what_may_be_objected_to(
    state: NoticeState, shift: timedelta, paused: timedelta | None, expected: Against | None
) -> None:
    shown = NOW + timedelta(days=3) if state is NoticeState.SELECTED else None
    paused_at = NOW + paused if paused is not None else None
    notice = NoticeClock(state, SelectionMethod.LOWEST_PRICE, NOW, shown, paused_at)
    assert objectable(notice, NOW + shift) is expected


@given(st.integers(0, 6), st.integers(0, 30), st.integers(0, 23))
def test_a_pause_never_shortens_the_notice_period(paused_after: int, length: int, hour: int) -> None:
    shown = CALENDAR.due_at(NOW, 5)
    paused_at = min(NOW + timedelta(days=paused_after, hours=hour), shown - timedelta(microseconds=1))
    resumed_at = paused_at + timedelta(days=length)
    until = resumed_until(paused_at, shown, resumed_at, CALENDAR)
    left = CALENDAR.count(paused_at.date(), shown.date() - timedelta(days=1))
    assert until > resumed_at
    assert CALENDAR.count(resumed_at.date(), until.date()) >= min(1, left)


def test_a_pause_after_the_period_leaves_nothing() -> None:
    assert resumed_until(NOW, NOW, NOW + timedelta(days=2), CALENDAR) == NOW + timedelta(days=2)


BIDS = [
    Placed(1, Decimal(100), 1),
    Placed(2, Decimal(110), 2),
    Placed(3, Decimal(110), 3),
    Placed(4, Decimal(110), None),
    Placed(5, None, None),
]


def test_setting_aside_keeps_the_order_of_the_rest() -> None:
    for method in SelectionMethod:
        assert corrected_order(BIDS, Correction(frozenset({1})), method) == [2, 3]


def test_letting_in_follows_the_price_and_comes_last_among_equals() -> None:
    back = Correction(reinstate=frozenset({4}))
    assert corrected_order(BIDS, back, SelectionMethod.LOWEST_PRICE) == [1, 2, 3, 4]
    with pytest.raises(CannotCorrect):
        corrected_order(BIDS, back, SelectionMethod.RANDOM_DRAW)


@pytest.mark.parametrize(
    "wrong",
    [
        Correction(),
        Correction(frozenset({4})),
        Correction(frozenset({99})),
        Correction(reinstate=frozenset({1})),
        Correction(reinstate=frozenset({5})),
    ],
)
def test_a_correction_names_bids_that_it_can_touch(wrong: Correction) -> None:
    with pytest.raises(CannotCorrect):
        corrected_order(BIDS, wrong, SelectionMethod.LOWEST_PRICE)


def test_the_checklist_names_everything_missing() -> None:
    assert check_objection(SOUND, files=0, honest=True) == {}
    empty = ObjectionDraft("短", "", "", "", "")
    assert set(check_objection(empty, files=0, honest=False)) == {"facts", "provision", "evidence", "honest"}
    assert set(check_objection(SOUND, files=6, honest=True)) == {"evidence"}


def test_a_client_never_replaces_a_winner_by_itself() -> None:
    offered = {remedy for where in Phase for remedy in remedies(where)}
    assert offered == set(Remedy)
    assert "correct" not in {remedy.value for remedy in offered}


def test_only_provisions_that_were_read_are_offered() -> None:
    found = content.provisions()
    assert {one["against"] for one in found} == {"notice", "result"}
    assert all(one["verified"] == "yes" and one["zh"] and one["en"] for one in found)
