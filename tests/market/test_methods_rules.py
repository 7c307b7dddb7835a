"""The six methods: published vectors, properties that hold for any entrants, and the rules that allow them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import content
from market.rules.draw import DrawInputs, Ground, commit_to, list_digest
from market.rules.editions import Edition
from market.rules.examples import example
from market.rules.notices import FundSource, SelectionMethod, allowed_methods
from market.rules.panel import Assessment, Criteria, Mark, Question, check_criteria, price_points, without_names
from market.rules.selection import Entrant, SelectionFacts, lots_of, picked, select
from market.rules.selection.facts import Awaits
from market.rules.selection.price import counted_prices, reference_price

SECRET = "11" * 32
M = SelectionMethod
COMPETITIVE = [each for each in M if each is not M.DIRECT]


def law() -> Edition:
    return content.edition("XT-SEL-2026.1")


def inputs(factors: tuple[str, ...] = ("0.95", "0.96", "0.97", "0.98"), secret: str = SECRET) -> DrawInputs:
    return DrawInputs("N-1", secret, commit_to(secret), list_digest([]), Ground(factors=factors))


def entrant(number: int, amount: str = "100.00", score: str | None = "80.00") -> Entrant:
    held = None if score is None else Decimal(score)
    return Entrant(
        number,
        number,
        f"E{number:03d}",
        Decimal(amount),
        10,
        datetime(2026, 11, 20, tzinfo=UTC),
        "N" if held is None else "B",
        held,
    )


QUESTIONS = (Question("q1", "技术路线", 40, Decimal(16)), Question("q2", "人员安排", 30, Decimal(12)))
CRITERIA = Criteria(QUESTIONS, 30)


def assessment(entrants: tuple[Entrant, ...], points: dict[int, str] | None = None) -> Assessment:
    marks = [
        Mark(seat, one.bid_id, question.code, Decimal((points or {}).get(one.bid_id, "20")))
        for one in entrants
        for seat in (1, 2, 3)
        for question in QUESTIONS
    ]
    return Assessment(CRITERIA, tuple(marks))


def facts(method: SelectionMethod, *entrants: Entrant, draw: DrawInputs | None = None) -> SelectionFacts:
    rules = law()
    return SelectionFacts(
        method,
        entrants,
        1,
        draw or inputs(),
        rules.average,
        rules.credit,
        rules.proposal,
        assessment=assessment(entrants) if method is M.PROPOSAL_PREFERRED else None,
    )


SIX = [entrant(n, f"{price}000.00") for n, price in enumerate((80, 90, 95, 98, 100, 120), start=1)]


@pytest.mark.parametrize(
    ("factor", "reference", "winner"), [("0.96", "91920.00", "90000"), ("0.98", "93835.00", "95000")]
)
def test_the_published_vectors_of_the_average_price(factor: str, reference: str, winner: str) -> None:
    outcome = select(facts(M.AVERAGE_PRICE, *SIX, draw=inputs((factor,))))
    assert outcome.winner is not None
    assert (outcome.figures["reference"], outcome.winner.entrant.amount) == (reference, Decimal(winner))
    assert outcome.draw is not None
    assert outcome.draw.factor is not None
    assert outcome.draw.factor.candidate == factor


def test_two_bids_are_not_trimmed_and_one_wins_alone() -> None:
    assert counted_prices([Decimal(1), Decimal(2)], law().average) == [Decimal(1), Decimal(2)]
    assert counted_prices([Decimal(3), Decimal(1), Decimal(2)], law().average) == [Decimal(2)]
    only = select(facts(M.AVERAGE_PRICE, entrant(1)))
    assert only.winner is not None
    assert reference_price([Decimal("0.33"), Decimal("0.34")], Decimal(1)) == Decimal("0.34")


def test_equally_near_goes_to_the_lower_price() -> None:
    outcome = select(facts(M.AVERAGE_PRICE, entrant(1, "110.00"), entrant(2, "90.00"), draw=inputs(("1",))))
    assert outcome.winner is not None
    assert outcome.winner.entrant.bid_id == 2


def test_credit_cuts_by_score_and_holds_lots_by_whole_points() -> None:
    entrants = [entrant(1, score="59.99"), entrant(2, score="60.00"), entrant(3, score=None), entrant(4, score="88.90")]
    found = facts(M.CREDIT_PREFERRED, *entrants)
    assert lots_of(found) == {"E001": 0, "E002": 60, "E003": 75, "E004": 88}
    outcome = select(found)
    assert (outcome.winner, outcome.awaits) == (None, Awaits.PICK)
    assert len(outcome.ranking) == 3
    assert [one.reason.code for one in outcome.others] == ["below-minimum-score"]


def test_equal_scores_at_the_cut_all_stay() -> None:
    entrants = [entrant(n, score="90.00") for n in range(1, 10)] + [entrant(n, score="70.00") for n in (10, 11, 12)]
    held = lots_of(facts(M.CREDIT_PREFERRED, *entrants, entrant(13, score="69.00")))
    assert sum(count > 0 for count in held.values()) == 12
    assert held["E013"] == 0


def test_fewer_than_two_on_the_long_list_fail() -> None:
    outcome = select(facts(M.CREDIT_PREFERRED, entrant(1), entrant(2, score="40.00")))
    assert outcome.failure is not None
    assert outcome.failure.code == "too-few-on-long-list"


def test_the_owner_s_pick_comes_first_and_the_others_follow_in_drawn_order() -> None:
    short = select(facts(M.CREDIT_PREFERRED, *(entrant(n) for n in range(1, 6)))).ranking
    after = picked(short, short[2].entrant.bid_id, by_owner=True)
    assert [one.entrant for one in after] == [short[2].entrant, short[0].entrant, short[1].entrant]
    assert [one.place for one in after] == [1, 2, 3]


def test_more_lots_are_drawn_more_often() -> None:
    wins = 0
    for number in range(400):
        draw = inputs(secret=f"{number:064x}")
        first = select(facts(M.CREDIT_PREFERRED, entrant(1, score="99.00"), entrant(2, score="60.00"), draw=draw))
        wins += first.ranking[0].entrant.bid_id == 1
    assert 210 < wins < 285  # 99 of 159 lots


def test_a_proposal_below_a_minimum_is_set_aside_and_its_price_does_not_count() -> None:
    entrants = (entrant(1, "100.00"), entrant(2, "80.00"), entrant(3, "10.00"))
    found = facts(M.PROPOSAL_PREFERRED, *entrants)
    outcome = select(replace(found, assessment=assessment(entrants, {1: "25", 2: "22", 3: "5"})))
    assert [one.reason.code for one in outcome.others] == ["below-question-minimum"]
    assert [one.points for one in outcome.ranking] == [Decimal("74.00"), Decimal("74.00")]
    assert outcome.winner is not None
    assert outcome.winner.entrant.bid_id == 2, "equal points: the lower price"


def test_before_the_panel_signs_there_is_nothing_to_rank_and_no_draw() -> None:
    found = replace(facts(M.PROPOSAL_PREFERRED, entrant(1), entrant(2)), assessment=None, draw=None)
    assert select(found).awaits is Awaits.ASSESSMENT


def test_far_apart_members_must_agree() -> None:
    marks = tuple(Mark(seat, 1, "q1", Decimal(points)) for seat, points in enumerate((20, 24, 29), start=1))
    found = Assessment(Criteria(QUESTIONS[:1], 60), marks)
    assert found.open_points(law().proposal) == [(1, QUESTIONS[0])]
    agreed = replace(found, consensus={(1, "q1"): Decimal(26)})
    assert agreed.open_points(law().proposal) == []
    assert (found.points(1, QUESTIONS[0]), agreed.points(1, QUESTIONS[0])) == (Decimal("24.33"), Decimal(26))


def test_criteria_make_a_hundred() -> None:
    assert check_criteria(CRITERIA, law().proposal) is None
    assert check_criteria(replace(CRITERIA, price_weight=29), law().proposal) is not None
    assert check_criteria(Criteria((Question("q1", "?", 55, Decimal(0)),), 45), law().proposal) is not None
    assert check_criteria(Criteria(), law().proposal) is not None
    assert price_points(Decimal(90), Decimal(80), 30) == Decimal("26.67")
    assert without_names("我公司甲乙测绘有限公司承诺", ["甲乙测绘有限公司", ""]) == "我公司■■■承诺"


def test_which_methods_a_notice_may_use() -> None:
    def allowed(fund: FundSource, amount: str, edition: str) -> set[SelectionMethod]:
        found = allowed_methods(fund, Decimal(amount), content.edition(edition))
        return {method for method, obstacle in found.items() if obstacle is None}

    assert allowed(FundSource.OWN, "5000000", "XT-SEL-2026.1") == set(M)
    assert allowed(FundSource.PUBLIC, "50000", "XT-SEL-2026.1") == set(M)
    assert allowed(FundSource.MIXED, "50000.01", "XT-SEL-2026.1") == set(M) - {M.DIRECT}
    assert allowed(FundSource.PUBLIC, "300000.01", "XT-SEL-2026.1") == set(M) - {M.DIRECT, M.RANDOM_DRAW}
    assert allowed(FundSource.OWN, "1", "XT-SEL-2024.1") == {M.DIRECT, M.LOWEST_PRICE, M.RANDOM_DRAW}


people = st.lists(
    st.tuples(st.integers(100, 10_000_000), st.one_of(st.none(), st.integers(6000, 10000))), min_size=2, max_size=9
)


def _made(found: list[tuple[int, int | None]]) -> list[Entrant]:
    return [
        entrant(n, str(Decimal(cents) / 100), None if score is None else str(Decimal(score) / 100))
        for n, (cents, score) in enumerate(found, start=1)
    ]


@pytest.mark.parametrize("method", COMPETITIVE)
@given(found=people, data=st.data())
def test_the_order_of_entrants_changes_nothing_and_nobody_is_lost(
    method: SelectionMethod, found: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    made = _made(found)
    outcome = select(facts(method, *made))
    mixed = select(facts(method, *data.draw(st.permutations(made))))
    assert [one.entrant for one in mixed.ranking] == [one.entrant for one in outcome.ranking]
    everybody = [one.entrant.bid_id for one in (*outcome.ranking, *outcome.others)]
    assert sorted(everybody) == sorted(one.bid_id for one in made)
    assert [one.place for one in outcome.ranking] == list(range(1, len(outcome.ranking) + 1))


BLIND = {
    M.RANDOM_DRAW: ("amount", "days", "received_at", "grade", "score"),
    M.LOWEST_PRICE: ("days", "received_at", "grade", "score"),
    M.AVERAGE_PRICE: ("days", "received_at", "grade", "score"),
    M.CREDIT_PREFERRED: ("amount", "days", "received_at", "grade"),
    M.PROPOSAL_PREFERRED: ("days", "received_at", "grade", "score"),
}
OTHER = {
    "amount": Decimal("77.77"),
    "days": 3,
    "received_at": datetime(2020, 1, 1, tzinfo=UTC),
    "grade": "A",
    "score": Decimal("99.00"),
}


@pytest.mark.parametrize("method", COMPETITIVE)
@given(found=people)
def test_no_method_reads_what_it_should_not(method: SelectionMethod, found: list[tuple[int, int | None]]) -> None:
    made = _made(found)
    changed = [replace(one, **{name: OTHER[name] for name in BLIND[method]}) for one in made]  # type: ignore[arg-type]
    before = [one.entrant.bid_id for one in select(facts(method, *made)).ranking]
    assert [one.entrant.bid_id for one in select(facts(method, *changed)).ranking] == before


@pytest.mark.parametrize("method", list(M))
def test_every_method_has_a_worked_example_with_reasons_in_words(method: SelectionMethod) -> None:
    shown = example(method, law())
    assert shown.selection.ranking
    for one in (*shown.selection.ranking, *shown.selection.others):
        assert one.reason.message().render()
