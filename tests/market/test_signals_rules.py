"""Signals as pure functions: each fires on a frame made for it, and is silent below its least counts."""

import random
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from inspect import iscoroutinefunction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotAllowedNow
from core.states import advance
from market import content
from market.rules.signal_cases import (
    TRANSITIONS,
    BreachNamesNobody,
    CaseAct,
    CaseResult,
    CaseState,
    SameOfficer,
    check_breach,
    check_officer,
    may_decide,
)
from market.rules.signal_list import DEFINITIONS, sentence
from market.rules.signals import Definition, Family, Found, Limits
from market.signals import Frames, find, finder
from market.signals.concentration import pairs, shares

T0 = datetime(2026, 3, 2, 1, tzinfo=UTC)


class Market:
    """Rows of a little market, written by hand."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.bids: list[dict[str, Any]] = []
        self.staff: list[dict[str, Any]] = []
        self.files: list[dict[str, Any]] = []
        self.awards: list[dict[str, Any]] = []

    def notice(self, number: int, *, client: int = 900, method: str = "lowest-price", days: float = 20) -> int:
        self.notices.append(
            {
                "notice": number,
                "number": f"XT-{number}",
                "client": client,
                "item": "XT-SV-01",
                "profession": "surveying",
                "region": "370982",
                "method": method,
                "published_at": T0,
                "deadline": T0 + timedelta(days=days),
            }
        )
        return number

    def bid(self, notice: int, agency: int, yuan: float = 100.0, **changes: Any) -> int:
        number = len(self.bids) + 1
        row = {
            "bid": number,
            "notice": notice,
            "agency": agency,
            "account": agency + 5000,
            "state": "entered",
            "cents": round(yuan * 100),
            "received_at": T0 + timedelta(days=1),
            "address": None,
            "browser": None,
        }
        self.bids.append(row | changes)
        return number

    def award(self, notice: int, bid: int, agency: int, yuan: float = 100.0, **changes: Any) -> None:
        about = next((one for one in self.notices if one["notice"] == notice), None) or {
            "client": 900,
            "item": "XT-SV-01",
            "profession": "surveying",
            "region": "370982",
            "method": "direct",
        }
        row = {name: about[name] for name in ("client", "item", "profession", "region", "method")}
        self.awards.append(row | {"notice": notice, "bid": bid, "agency": agency, "cents": round(yuan * 100)} | changes)

    def frames(self, shuffle: random.Random | None = None) -> Frames:
        kinds = [list(rows) for rows in (self.notices, self.bids, self.staff, self.files, self.awards)]
        for rows in kinds:
            if shuffle:
                shuffle.shuffle(rows)
        return Frames.of(*kinds)

    def found(self, code: str) -> list[Found]:
        return find([DEFINITIONS[code]], self.frames())


def two(**changes: Any) -> Market:
    """One notice with two bids that share what `changes` say."""
    market = Market()
    market.notice(1)
    market.bid(1, 10, 100, **changes)
    market.bid(1, 11, 150, **changes)
    return market


def author(names: tuple[str, ...]) -> Market:
    market = two()
    market.files = [
        {"notice": 1, "agency": 10 + place, "sha256": f"{place}" * 64, "author": name}
        for place, name in enumerate(names)
    ]
    return market


def staffed(*persons: str) -> Market:
    market = two()
    market.staff = [{"notice": 1, "agency": 10 + place, "person": who} for place, who in enumerate(persons)]
    return market


def filed(*digests: str) -> Market:
    market = two()
    market.files = [
        {"notice": 1, "agency": 10 + place, "sha256": one * 64, "author": ""} for place, one in enumerate(digests)
    ]
    return market


def priced(*yuan: float, method: str = "lowest-price") -> Market:
    market = Market()
    market.notice(1, method=method)
    for place, amount in enumerate(yuan):
        market.bid(1, 10 + place, amount)
    return market


def period(days: float, method: str = "lowest-price") -> Market:
    market = Market()
    market.notice(1, days=days, method=method)
    return market


def late(days: float) -> Market:
    market = Market()
    market.notice(1, days=20)
    market.award(1, market.bid(1, 10, received_at=T0 + timedelta(days=days)), 10)
    return market


def aside(*states: str, award: bool = True, method: str = "lowest-price") -> Market:
    """Prices rise from 100; the first that entered wins."""
    market = Market()
    market.notice(1, method=method)
    numbers = [market.bid(1, 10 + place, 100 + place, state=state) for place, state in enumerate(states)]
    if award and "entered" in states:
        first = states.index("entered")
        market.award(1, numbers[first], 10 + first, 100 + first)
    return market


def differences(last: float, processes: int = 20) -> Market:
    """Differences to the runner-up between 9 and 11 %, the last one as given."""
    market = Market()
    for number in range(1, processes + 1):
        market.notice(number)
        gap = last if number == processes else 0.09 + 0.02 * (number % 10) / 9
        market.award(number, market.bid(number, 100 + number, 1000), 100 + number, 1000)
        market.bid(number, 200 + number, round(1000 * (1 + gap), 2))
    return market


def losers(agencies: int = 10, bids: int = 12) -> Market:
    """Everybody wins about half of its bids, agency 10 none of its many."""
    market = Market()
    number = 0
    for place in range(agencies):
        for turn in range(bids):
            number += 1
            market.notice(number)
            bid = market.bid(number, 10 + place)
            if place and turn < bids // 2 + place % 2:
                market.award(number, bid, 10 + place)
    return market


def rejected(by: str, groups: int = 10) -> Market:
    """In every group 1 of 10 bids is set aside, in the last 9 of 10."""
    market = Market()
    number = 0
    for group in range(groups):
        bad = 9 if group == groups - 1 else 1
        for turn in range(10):
            number += 1
            client, agency = (group + 1, 1000 + number) if by == "client" else (1, 10 + group)
            market.notice(number, client=client)
            market.bid(number, agency, state="set-aside" if turn < bad else "entered")
    return market


def varied(professions: int, agencies: int = 10) -> Market:
    market = Market()
    for place in range(agencies):
        for turn in range(professions if place == 0 else 1):
            market.award(place * 100 + turn, 0, 10 + place, profession=f"p{turn}")
    return market


def shared_out(*counts: int, client: int | None = None) -> Market:
    """So many awards of 100 yuan for each agency; every one of another client unless one is given."""
    market = Market()
    number = 0
    for place, count in enumerate(counts):
        for _ in range(count):
            number += 1
            market.award(number, 0, 10 + place, client=client or number)
    return market


Make = Callable[[], Market]
QUERY_CASES = ("split-purchase",)
"""Found by a query: their cases need a database (`test_signals.py`)."""
CASES: list[tuple[str, Make, Make]] = [
    ("same-author", lambda: author(("王工", " 王工 ")), lambda: author(("Administrator", "Administrator"))),
    ("same-author", lambda: author(("王工", "王工")), lambda: author(("王工", "李工"))),
    ("same-submitter", lambda: two(address="a1"), lambda: two(browser="b1")),
    ("same-staff", lambda: staffed("甲", "甲"), lambda: staffed("甲", "乙")),
    ("same-account", lambda: two(account=7), lambda: two(account=0)),
    ("mixed-files", lambda: filed("a", "a"), lambda: filed("a", "b")),
    ("alike-prices", lambda: priced(1000, 1002, 1004), lambda: priced(1000, 1002)),
    ("alike-prices", lambda: priced(1000, 1002, 1004), lambda: priced(1000, 1002, 1100)),
    ("regular-prices", lambda: priced(1000, 1100, 1200, 1300), lambda: priced(1000, 1100, 1200)),
    ("regular-prices", lambda: priced(1000, 1100, 1210, 1331), lambda: priced(1000, 1100, 1250, 1331)),
    ("R003", lambda: period(14.9), lambda: period(15)),
    ("R003", lambda: period(3), lambda: period(3, "direct")),
    ("R018", lambda: priced(100), lambda: priced(100, 200)),
    ("R024", lambda: differences(0.001), lambda: differences(0.001, processes=19)),
    ("R024", lambda: differences(0.001), lambda: differences(0.1)),
    ("R025", losers, lambda: losers(agencies=9)),
    ("R025", losers, lambda: losers(bids=9)),
    ("R028", lambda: priced(100, 100), lambda: priced(100, 100, method="random-draw")),
    ("R030", lambda: late(20.5), lambda: late(20)),
    ("R035", lambda: aside("entered", "set-aside"), lambda: aside("entered", "entered", "set-aside")),
    ("R035", lambda: aside("entered", "set-aside"), lambda: aside("entered", "set-aside", award=False)),
    ("R036", lambda: aside("set-aside", "entered"), lambda: aside("entered", "set-aside")),
    ("R036", lambda: aside("set-aside", "entered"), lambda: aside("set-aside", "entered", method="average-price")),
    ("R038-client", lambda: rejected("client"), lambda: rejected("client", groups=9)),
    ("R038-agency", lambda: rejected("agency"), lambda: rejected("agency", groups=9)),
    ("R048", lambda: varied(4), lambda: varied(2)),
    ("R058", lambda: differences(0.9), lambda: differences(0.9, processes=19)),
    ("share", lambda: shared_out(4, 3, 3), lambda: shared_out(3, 2, 2)),
    ("repeat-pair", lambda: shared_out(4, 2, client=5), lambda: shared_out(3, 3, client=5)),
]


@pytest.mark.parametrize(("code", "guilty", "_quiet"), CASES, ids=[f"{one[0]}-{n}" for n, one in enumerate(CASES)])
def test_a_signal_fires_where_it_should(code: str, guilty: Make, _quiet: Make) -> None:
    found = guilty().found(code)
    assert found
    text = sentence(code, found[0].params).render()
    assert "%(" not in text
    assert found[0].notices or found[0].agencies or found[0].clients, "a signal links to records"


@pytest.mark.parametrize(("code", "_guilty", "quiet"), CASES, ids=[f"{one[0]}-{n}" for n, one in enumerate(CASES)])
def test_a_signal_is_silent_below_its_counts(code: str, _guilty: Make, quiet: Make) -> None:
    assert quiet().found(code) == []


def test_every_signal_has_a_case_here_and_says_where_it_comes_from() -> None:
    queries = {code for code, one in DEFINITIONS.items() if iscoroutinefunction(finder(one))}
    assert {code for code, *_ in CASES} == set(DEFINITIONS) - queries
    assert queries == set(QUERY_CASES)
    for one in DEFINITIONS.values():
        assert one.source, one.code
        assert "%(" not in one.least(Limits()).render(), one.code
        assert one.harmless, one.code
        assert callable(finder(one))


def test_limits_may_be_set_in_place_of_a_fence() -> None:
    """Where close prices or losing bidders are common the fence lies below zero and would never be reached."""
    close = differences(0.001)
    for bid in close.bids[::4]:  # half of the runners-up come close as well
        bid["cents"] = 100_000 if bid["agency"] < 200 else 100_150
    for number in range(0, 20, 2):
        close.bids[2 * number + 1]["cents"] = 100_150 + number
    silent, told = (find([DEFINITIONS["R024"]], close.frames(), Limits(close_price=one)) for one in (None, 0.002))
    assert (len(silent), len(told)) == (0, 11)
    assert told[0].params["fence"] == "0.2"

    rarely = losers()
    for place in range(1, 5):  # half of them win nothing at all
        rarely.awards = [one for one in rarely.awards if one["agency"] != 10 + place]
    silent, told = (find([DEFINITIONS["R025"]], rarely.frames(), Limits(seldom_wins=one)) for one in (None, 0.05))
    assert (len(silent), len(told)) == (0, 5)


def test_the_edition_in_force_sets_the_limits() -> None:
    new, old = content.edition_in_force(date(2026, 6, 1)), content.edition_in_force(date(2025, 6, 1))
    assert old.signals == Limits(), "an edition that says nothing runs under the defaults"
    assert new.signals == Limits(close_price=0.002, seldom_wins=0.05)
    assert set(vars(Limits())) == set(_written("XT-SEL-2026.1")), "every limit is written down"
    shown = new.signals.shown()
    assert (shown["share_alarm"], shown["alike_spread"], shown["window_days"]) == ("30", "0.5", "365")


def _written(edition: str) -> dict[str, Any]:
    source = (content.HERE / "selection_rules.toml").read_text("utf-8")
    found: dict[str, Any] = next(one for one in tomllib.loads(source)["edition"] if one["id"] == edition)["signals"]
    return found


def test_no_sentence_accuses() -> None:
    for one in DEFINITIONS.values():
        said = one.title + one.sentence
        assert not [word for word in ("违法", "串通", "围标", "涉嫌", "可疑", "舞弊", "作弊") if word in said], one.code


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=lambda one: one.code)
def test_nothing_comes_of_nothing(definition: Definition) -> None:
    assert find([definition], Frames.of()) == []


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    for code, guilty, _quiet in CASES[seed % 4 :: 4]:
        market = guilty()
        assert find([DEFINITIONS[code]], market.frames(random.Random(seed))) == market.found(code)


def test_a_bidder_beside_itself_is_no_signal() -> None:
    """Two envelopes or files of the same agency share what they like."""
    market = Market()
    market.notice(1)
    market.bid(1, 10, 100, address="a", account=7)
    market.bid(1, 10, 100, address="a", account=7)
    market.files = [{"notice": 1, "agency": 10, "sha256": "a" * 64, "author": "甲"}] * 2
    collusion = [one for one in DEFINITIONS.values() if one.family is Family.COLLUSION]
    assert find([*collusion, DEFINITIONS["R028"]], market.frames()) == []


def test_hhi_is_the_sum_of_squared_shares() -> None:
    table = shares(shared_out(5, 3, 2).frames().awards)
    assert table["hhi"].round(6).unique().tolist() == [50**2 + 30**2 + 20**2]
    assert table["share"].tolist() == [0.5, 0.3, 0.2]
    whole = pairs(shared_out(4, 2, client=5).frames().awards)
    assert whole[["awards", "total", "direct"]].to_numpy().tolist() == [[4, 6, 4], [2, 6, 2]]


def test_a_definition_ends_on_its_last_day() -> None:
    first = next(iter(DEFINITIONS.values()))
    assert not first.in_force(date(2025, 12, 31))
    assert first.in_force(date(2026, 1, 1))


# ---- the life of a case
@given(acts=st.lists(st.sampled_from(CaseAct), max_size=8))
def test_a_decided_or_withdrawn_case_never_moves_again(acts: list[CaseAct]) -> None:
    state = CaseState.OPEN
    for act in acts:
        if state is CaseState.OPEN:
            state = advance(TRANSITIONS, state, act)
        else:
            with pytest.raises(NotAllowedNow):
                advance(TRANSITIONS, state, act)


@given(
    named=st.sets(st.integers(1, 5), min_size=1),
    replied=st.sets(st.integers(1, 5)),
    hours=st.integers(-5, 5),
)
def test_nobody_is_decided_over_before_the_reply_or_its_time(named: set[int], replied: set[int], hours: int) -> None:
    ready = may_decide(named, replied, T0, T0 + timedelta(hours=hours))
    assert ready == (hours >= 0 or named <= replied)


def test_two_persons_and_named_breaches() -> None:
    check_officer(opened_by=1, decides=2)
    with pytest.raises(SameOfficer):
        check_officer(opened_by=1, decides=1)
    check_breach(CaseResult.BREACH, [7], {7, 8})
    check_breach(CaseResult.NO_BREACH, [], {7, 8})
    for result, breachers in ((CaseResult.BREACH, []), (CaseResult.NO_BREACH, [7]), (CaseResult.BREACH, [9])):
        with pytest.raises(BreachNamesNobody):
            check_breach(result, breachers, {7, 8})
