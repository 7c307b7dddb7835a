"""The rules of contracts, without a database."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules import deliverables, evaluations, filing, reviews, sheets
from contracts.rules.clocks import all_clocks, clocks_on, parse_clocks
from contracts.rules.deliverables import Pause
from contracts.rules.evaluations import Stars
from contracts.rules.filing import ContractAct, ContractState, MilestoneTerms, Offer, Side, Terms
from contracts.rules.reviews import Candidate, Finding
from contracts.rules.sheets import Mark, VetoFinding
from core.errors import FormInvalid, NotAllowedNow
from core.states import advance
from core.workdays import Calendar

WEEKDAYS = Calendar({}, frozenset({2026}))
OFFER = Offer(Decimal("24600.00"), 15, "按导则编制")


def terms(**changes: object) -> Terms:
    given_terms: dict[str, object] = {
        "amount": Decimal("24600.00"),
        "days": 15,
        "scope": "按导则编制",
        "milestones": (
            MilestoneTerms("外业完成", Decimal(30), 6),
            MilestoneTerms("成果提交", Decimal(70), 15),
        ),
    }
    return Terms(**(given_terms | changes))  # type: ignore[arg-type]


# ---- contract terms
def test_terms_within_the_bid_pass() -> None:
    filing.check_terms(terms(), OFFER)


def test_a_fee_above_the_bid_is_refused() -> None:
    with pytest.raises(FormInvalid) as refused:
        filing.check_terms(terms(amount=Decimal("24600.01")), OFFER)
    assert "24600.00" in refused.value.errors["amount"].render()


@pytest.mark.parametrize("shares", [("30", "69.99"), ("30", "70.01"), ("100", "100"), ("50", "25")])
def test_milestones_must_total_exactly_100(shares: tuple[str, str]) -> None:
    steps = tuple(MilestoneTerms("节点", Decimal(share), days) for share, days in zip(shares, (6, 15), strict=True))
    with pytest.raises(FormInvalid) as refused:
        filing.check_terms(terms(milestones=steps), OFFER)
    assert "100%" in refused.value.errors["milestones"].render()


def test_every_defect_is_named_at_once() -> None:
    bad = terms(
        amount=Decimal(0),
        days=0,
        scope=" ",
        milestones=(MilestoneTerms("", Decimal(-1), 0),),
    )
    with pytest.raises(FormInvalid) as refused:
        filing.check_terms(bad, OFFER)
    assert set(refused.value.errors) == {
        "amount",
        "days",
        "scope",
        "milestones",
        "milestones-0-name",
        "milestones-0-percent",
        "milestones-0-days",
    }


def test_milestones_run_forward_and_end_with_the_work() -> None:
    backwards = (MilestoneTerms("一", Decimal(50), 10), MilestoneTerms("二", Decimal(50), 9))
    with pytest.raises(FormInvalid) as refused:
        filing.check_terms(terms(milestones=backwards), OFFER)
    assert "milestones-1-days" in refused.value.errors


@given(
    amount=st.decimals(1, 10**9, places=2),
    shares=st.lists(st.integers(1, 10**4), min_size=1, max_size=10),
)
def test_milestone_fees_add_up_to_the_fee(amount: Decimal, shares: list[int]) -> None:
    total = sum(shares)
    steps = tuple(MilestoneTerms("节点", Decimal(share) * 100 / total, 1) for share in shares[:-1])
    rest = 100 - sum((step.percent for step in steps), Decimal(0))
    steps += (MilestoneTerms("末", rest, 1),)
    amounts = filing.milestone_amounts(terms(amount=amount, milestones=steps))
    assert sum(amounts) == amount
    assert all(part >= 0 for part in amounts)


def test_differences_from_the_bid_are_marked() -> None:
    found = filing.differences(terms(amount=Decimal("20000.00"), days=20), OFFER)
    assert [line.changed for line in found] == [True, True, False]


def test_one_side_confirms_a_version_once() -> None:
    nobody: dict[Side, datetime | None] = {Side.CLIENT: None, Side.AGENCY: None}
    client = nobody | {Side.CLIENT: datetime(2026, 1, 1, tzinfo=UTC)}
    assert filing.check_confirmation(Side.CLIENT, nobody, 1) is ContractAct.CONFIRM_FIRST
    assert filing.check_confirmation(Side.AGENCY, client, 1) is ContractAct.CONFIRM_SECOND
    with pytest.raises(filing.AlreadyConfirmed):
        filing.check_confirmation(Side.CLIENT, client, 1)


def test_signing_needs_a_valid_certificate_on_that_day() -> None:
    filing.check_may_sign(recorded=True, valid_until=date(2026, 5, 6), on=date(2026, 5, 6))
    with pytest.raises(filing.QualificationExpired):
        filing.check_may_sign(recorded=True, valid_until=date(2026, 5, 6), on=date(2026, 5, 7))
    with pytest.raises(filing.ProfessionNotRecorded):
        filing.check_may_sign(recorded=False, valid_until=None, on=date(2026, 5, 6))


# ---- life-cycles
LIFE_CYCLES = [
    (filing.TRANSITIONS, ContractState, ContractAct),
    (deliverables.TRANSITIONS, deliverables.DeliverableState, deliverables.DeliverableAct),
    (deliverables.MILESTONE_TRANSITIONS, deliverables.MilestoneState, deliverables.MilestoneAct),
    (reviews.TRANSITIONS, reviews.ReviewState, reviews.ReviewAct),
    (reviews.ASSIGNMENT_TRANSITIONS, reviews.AssignmentState, reviews.AssignmentAct),
]


@pytest.mark.parametrize(("table", "states", "acts"), LIFE_CYCLES)
def test_every_state_is_reached_and_every_act_is_used(table, states, acts) -> None:  # type: ignore[no-untyped-def]
    first = next(iter(states))
    assert {first, *table.values()} == set(states)
    assert {act for _, act in table} == set(acts)


@pytest.mark.parametrize(("table", "states", "acts"), LIFE_CYCLES)
@given(data=st.data())
def test_walks_stay_on_the_table(table, states, acts, data) -> None:  # type: ignore[no-untyped-def]
    """Any order of acts either follows the table or is refused and leaves the state as it was."""
    state = next(iter(states))
    for act in data.draw(st.lists(st.sampled_from(list(acts)), max_size=12)):
        if (state, act) in table:
            state = advance(table, state, act)
        else:
            with pytest.raises(NotAllowedNow):
                advance(table, state, act)
        assert state in set(states)


def test_nothing_leaves_a_final_state() -> None:
    ends = [
        (filing.TRANSITIONS, ContractState.COMPLETED),
        (deliverables.TRANSITIONS, deliverables.DeliverableState.ACCEPTED),
        (deliverables.MILESTONE_TRANSITIONS, deliverables.MilestoneState.PAID),
        (reviews.TRANSITIONS, reviews.ReviewState.FINAL),
    ]
    for table, end in ends:
        assert not [step for step in table if step[0] is end]


def test_a_draft_is_signed_only_by_two_confirmations() -> None:
    paths = {state for (state, act) in filing.TRANSITIONS if filing.TRANSITIONS[state, act] == "signed"}
    assert paths == {ContractState.HALF_CONFIRMED}


# ---- punctuality and filings
@pytest.mark.parametrize(
    ("agreed", "taken", "mark"),
    [(15, 15, "100.00"), (15, 3, "100.00"), (20, 21, "90.00"), (15, 16, "86.67"), (10, 15, "0.00")],
)
def test_punctuality_loses_two_points_per_percent(agreed: int, taken: int, mark: str) -> None:
    assert deliverables.punctuality(agreed, taken) == Decimal(mark)


@given(agreed=st.integers(1, 400), taken=st.integers(0, 900))
def test_punctuality_never_rises_with_time(agreed: int, taken: int) -> None:
    now, later = (deliverables.punctuality(agreed, taken + more) for more in (0, 1))
    assert 0 <= later <= now <= 100


@pytest.mark.parametrize(("late", "mark"), [(0, "100"), (1, "80"), (5, "0"), (9, "0")])
def test_each_late_filing_costs_twenty(late: int, mark: str) -> None:
    assert deliverables.filings_mark(late) == Decimal(mark)


def test_days_the_client_took_do_not_count() -> None:
    monday, friday = date(2026, 3, 2), date(2026, 3, 20)
    pause = Pause(date(2026, 3, 4), date(2026, 3, 11))
    overlapping = Pause(date(2026, 3, 10), date(2026, 3, 12))
    assert deliverables.working_days_taken(WEEKDAYS, monday, friday) == 14
    assert deliverables.working_days_taken(WEEKDAYS, monday, friday, [pause]) == 9
    assert deliverables.working_days_taken(WEEKDAYS, monday, friday, [pause, overlapping]) == 8


@given(
    start=st.dates(date(2026, 1, 1), date(2026, 6, 1)),
    span=st.integers(0, 90),
    pauses=st.lists(st.tuples(st.integers(-20, 100), st.integers(0, 40)), max_size=4),
)
def test_pauses_only_shorten_and_never_below_zero(start: date, span: int, pauses: list[tuple[int, int]]) -> None:
    end = date.fromordinal(start.toordinal() + span)
    covered = [
        Pause(
            date.fromordinal(start.toordinal() + after),
            date.fromordinal(start.toordinal() + after + length),
        )
        for after, length in pauses
    ]
    taken = deliverables.working_days_taken(WEEKDAYS, start, end, covered)
    assert 0 <= taken <= deliverables.working_days_taken(WEEKDAYS, start, end)


def test_a_suspension_moves_the_due_day() -> None:
    monday = date(2026, 3, 2)
    pause = Pause(date(2026, 3, 4), date(2026, 3, 11))
    assert deliverables.due_on(WEEKDAYS, monday, 5) == date(2026, 3, 9)
    assert deliverables.due_on(WEEKDAYS, monday, 5, [pause]) == date(2026, 3, 16)


# ---- review sheets
DIGESTS = {
    "RS-EV-FORM": "ecf8db4c",
    "RS-EV-REP": "7d0be6b5",
    "RS-GENERAL": "daa6bc89",
    "RS-SF-ACC": "319bb31d",
    "RS-SF-PRE": "6d11e651",
    "RS-SV-ENG": "ac5ed2f2",
    "RS-SV-PROP": "ac4797db",
}


def test_published_sheets_have_not_changed() -> None:
    assert {sheet.id: sheet.digest[:8] for sheet in sheets.all_sheets()} == DIGESTS


def test_items_without_a_sheet_get_the_general_one_marked_as_default() -> None:
    sheet = sheets.sheet_in_force("none", date(2026, 11, 1))
    assert sheet.id == sheets.GENERAL
    assert "平台默认" in sheet.origin_zh
    assert sheets.sheet_in_force("RS-EV-REP", date(2026, 11, 1)).id == "RS-EV-REP"
    with pytest.raises(sheets.SheetUnknown):
        sheets.sheet_in_force("RS-XX", date(2026, 11, 1))
    with pytest.raises(sheets.SheetUnknown):
        sheets.sheet_version("RS-EV-REP", "XT-1999.1")


REPORT = sheets.sheet_in_force("RS-EV-REP", date(2026, 11, 1))


def filled(level: int) -> dict[str, Mark]:
    return {one.code: Mark(level, "第 3 页，与备案一致") for one in REPORT.indicators}


@pytest.mark.parametrize(("level", "mark"), [(5, "100.00"), (4, "85.00"), (3, "70.00"), (2, "50.00"), (1, "0.00")])
def test_a_sheet_at_one_level_gives_its_factor(level: int, mark: str) -> None:
    assert sheets.points(REPORT, filled(level)) == Decimal(mark)


def test_the_mock_up_sheet_adds_up() -> None:
    levels = dict(zip((one.code for one in REPORT.indicators), (4, 4, 5, 5, 3, 4, 0, 5, 0), strict=True))
    marks = {code: Mark(level, "依据") for code, level in levels.items() if level}
    assert sheets.points(REPORT, marks) == Decimal("71.50")


@given(
    sheet=st.sampled_from(sheets.all_sheets()),
    data=st.data(),
)
def test_a_better_level_never_lowers_the_mark(sheet: sheets.ReviewSheet, data: st.DataObject) -> None:
    levels = {one.code: data.draw(st.integers(1, 5)) for one in sheet.indicators}
    marks = {code: Mark(level, "依据") for code, level in levels.items()}
    total = sheets.points(sheet, marks)
    raised = data.draw(st.sampled_from(sorted(levels)))
    better = marks | {raised: Mark(min(5, levels[raised] + 1), "依据")}
    assert Decimal(0) <= total <= sheets.points(sheet, better) <= Decimal(100)


def test_missing_indicators_are_all_named() -> None:
    marks = filled(4)
    del marks["REP-02"]
    marks["REP-05"] = Mark(3, "  ")
    with pytest.raises(sheets.IncompleteSheet) as refused:
        sheets.check_complete(REPORT, marks, [])
    assert refused.value.params["missing"] == "REP-02、REP-05"
    assert set(refused.value.errors) == {"level-REP-02", "remark-REP-02", "remark-REP-05"}
    sheets.check_complete(REPORT, filled(1), [])


def test_a_veto_needs_evidence_and_makes_the_mark_zero() -> None:
    with pytest.raises(sheets.IncompleteSheet):
        sheets.check_complete(REPORT, filled(5), [VetoFinding("V-EV-01", "")])
    with pytest.raises(sheets.IncompleteSheet):
        sheets.check_complete(REPORT, filled(5), [VetoFinding("V-XX", "第 3 页")])
    sheets.check_complete(REPORT, filled(5), [VetoFinding("V-EV-01", "第 3 页")])
    assert sheets.technical(Decimal(100), [VetoFinding("V-EV-01", "第 3 页")]) == 0


def test_a_sheet_whose_weights_do_not_total_100_is_no_sheet() -> None:
    raw = (sheets.FOLDER / "general.toml").read_text("utf-8")
    with pytest.raises(ValueError, match="weights"):
        sheets.parse_sheet(raw.replace("weight = 25", "weight = 24").encode())
    with pytest.raises(ValueError, match="repeat"):
        sheets.parse_sheet(raw.replace('code = "GEN-02"', 'code = "GEN-01"').encode())


# ---- reviewers
def test_two_reviewers_from_200000_yuan() -> None:
    assert reviews.reviewers_wanted(Decimal("199999.99"), 1) == 1
    assert reviews.reviewers_wanted(Decimal("200000.00"), 1) == 2
    assert reviews.reviewers_wanted(Decimal(1), 2) == 2


def finding(points: str, vetoed: bool = False) -> Finding:
    return Finding(Decimal(points), vetoed)


def test_a_third_reviewer_only_when_two_differ_by_more_than_15() -> None:
    assert not reviews.needs_third([finding("80")])
    assert not reviews.needs_third([finding("80"), finding("65")])
    assert reviews.needs_third([finding("80"), finding("64.99")])
    assert reviews.needs_third([finding("80"), finding("80", vetoed=True)])
    assert not reviews.needs_third([finding("90"), finding("60"), finding("30")])


def test_the_verdict_is_the_mean_unless_a_veto_stands() -> None:
    assert reviews.verdict([finding("80"), finding("85.01")]).technical == Decimal("82.51")
    assert reviews.verdict([finding("88", vetoed=True)]).vetoed
    outvoted = reviews.verdict([finding("80", vetoed=True), finding("80"), finding("83")])
    assert (outvoted.technical, outvoted.vetoed) == (Decimal("81.00"), False)
    standing = reviews.verdict([finding("80", vetoed=True), finding("80", vetoed=True), finding("83")])
    assert (standing.technical, standing.vetoed) == (Decimal("0.00"), True)


def test_the_pool_keeps_workloads_even() -> None:
    candidates = [Candidate(7, "a", 4), Candidate(3, "a", 2), Candidate(5, "b", 3)]
    assert reviews.fair_pool(candidates) == (3, 5)
    with pytest.raises(reviews.NoReviewerAvailable):
        reviews.fair_pool([])


def test_a_blind_second_mark_comes_from_elsewhere_when_it_can() -> None:
    here, there = Candidate(1, "370982", 0), Candidate(2, "370112", 9)
    assert reviews.prefer_other_region([here, there], "370982") == (there,)
    assert reviews.prefer_other_region([here], "370982") == (here,)


def test_a_lot_can_be_recomputed_by_hand() -> None:
    seed, pool = "00ff", (4, 8, 15)
    digest = hashlib.sha256(b"00ff|reviewer").digest()
    assert reviews.draw(seed, pool).picked == pool[int.from_bytes(digest, "big") % 3]
    with pytest.raises(reviews.NoReviewerAvailable):
        reviews.draw(seed, ())


def test_lots_fall_evenly() -> None:
    picks = [reviews.draw(f"{n:032x}", range(4)).picked for n in range(4000)]
    assert all(900 < picks.count(one) < 1100 for one in range(4))


@given(st.integers(0, 10**6))
def test_at_least_one_in_twenty_is_marked_twice(start: int) -> None:
    doubles: list[bool] = []
    for n in range(200):
        recent = doubles[-reviews.DOUBLE_WINDOW :]
        doubles.append(reviews.double_by_lot(f"{start + n:032x}", sum(recent), len(recent)))
    windows = [doubles[first : first + 100] for first in range(100)]
    assert min(sum(window) for window in windows) >= 5
    assert sum(doubles) < 40


# ---- stars
GOOD = Stars(4, 4, 3, 4, again=True, narrative="")


def test_stars_map_to_points() -> None:
    assert evaluations.star_score(GOOD) == Decimal("75.00")
    assert evaluations.star_score(Stars(5, 5, 5, 5, again=True, narrative="")) == 100
    assert evaluations.star_score(Stars(1, 1, 1, 2, again=False, narrative="")) == Decimal("7.50")


@pytest.mark.parametrize("extreme", [1, 2, 5])
def test_extremes_need_words(extreme: int) -> None:
    with pytest.raises(FormInvalid) as refused:
        evaluations.check_stars(Stars(4, extreme, 4, 4, again=True, narrative="快"))
    assert "narrative" in refused.value.errors
    evaluations.check_stars(Stars(4, extreme, 4, 4, again=True, narrative="比约定早三天交稿，数据完整。"))
    evaluations.check_stars(GOOD)


def test_stars_are_one_to_five() -> None:
    with pytest.raises(FormInvalid) as refused:
        evaluations.check_stars(Stars(0, 6, 3, 3, again=True, narrative=""))
    assert set(refused.value.errors) == {"quality", "time", "narrative"}


def test_both_see_each_other_when_both_are_in_or_time_is_over() -> None:
    due, early = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    assert not evaluations.is_revealed(early, None, due, early)
    assert not evaluations.is_revealed(None, early, due, early)
    assert evaluations.is_revealed(early, early, due, early)
    assert evaluations.is_revealed(None, None, due, due)


def test_reminders_follow_the_plan() -> None:
    plan = (3, 7, 12)
    assert not evaluations.reminders_due(2, 0, plan)
    assert evaluations.reminders_due(3, 0, plan)
    assert not evaluations.reminders_due(6, 1, plan)
    assert not evaluations.reminders_due(99, 3, plan)


# ---- clocks
def test_clocks_are_data_with_a_version() -> None:
    clocks = clocks_on(date(2026, 11, 1))
    assert (clocks.confirm, clocks.file, clocks.review, clocks.comment, clocks.evaluate) == (10, 7, 5, 5, 15)
    assert clocks_on(date(1990, 1, 1)) == all_clocks()[0]
    with pytest.raises(ValueError, match="working day"):
        parse_clocks(
            "".join(
                f"[{step}]\ndays = {0 if step == 'pay' else 1}\n"
                for step in ("confirm", "file", "accept", "correct", "review", "comment", "answer", "evaluate", "pay")
            )
        )
