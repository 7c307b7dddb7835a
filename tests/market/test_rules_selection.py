"""Draw and selection methods: published vectors, recomputation, ties, too few."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.rules.draw import FORMAT_1, DrawInputs, commit_to, draw_order, list_digest, pick_all
from market.rules.notices import SelectionMethod
from market.rules.selection import METHODS, Entrant, SelectionFacts, select

SECRET = "11" * 32
INPUTS = DrawInputs("XT-GG-2026-000001", SECRET, commit_to(SECRET), list_digest(["a", "b"]))


def entrant(number: int, amount: str = "100.00") -> Entrant:
    return Entrant(
        bid_id=number,
        agency_id=number,
        uscc=f"91370982MAXTA1{number:03d}7",
        amount=Decimal(amount),
        days=10,
        received_at=datetime(2026, 11, 20, tzinfo=UTC),
        grade="B",
        score=Decimal("80.00"),
    )


def facts(*entrants: Entrant, method: SelectionMethod, minimum: int = 1) -> SelectionFacts:
    return SelectionFacts(method, entrants, minimum, INPUTS)


def test_rfc_3797_example_comes_out_of_the_same_code() -> None:
    key = b"9319./2.5.8.10.12./9.18.26.34.41.45./"
    picks = pick_all(key, [str(n) for n in range(1, 26)], hashlib.md5)
    assert [pick.candidate for pick in picks[:10]] == ["17", "7", "2", "16", "25", "23", "8", "24", "19", "13"]
    assert picks[0].digest.upper() == "990DD0A5692A029A98B5E01AA28F3459"
    assert picks[9].digest.upper() == "31CB111C4A4EBE9287CEAE16FE51B909"


def test_a_draw_can_be_recomputed_from_its_file_alone() -> None:
    record = draw_order(replace(INPUTS, format=FORMAT_1), ["C", "A", "B"]).as_json()
    assert hashlib.sha256(bytes.fromhex(record["secret"])).hexdigest() == record["commitment"]
    lines = "\n".join(record["candidates"]).encode()
    assert hashlib.sha256(lines).hexdigest() == record["candidates_sha256"]
    parts = [record["envelopes_sha256"], record["candidates_sha256"]]
    key = "|".join([FORMAT_1, record["notice"], record["secret"], *parts])
    assert key == record["key"]
    left = list(record["candidates"])
    for number, pick in enumerate(record["picks"]):
        mark = number.to_bytes(2, "big")
        digest = hashlib.sha256(mark + key.encode() + mark).hexdigest()
        assert digest == pick["digest"]
        assert left.pop(int(digest, 16) % len(left)) == pick["candidate"]
    assert left == []


def test_another_secret_than_the_committed_one_is_noticed() -> None:
    with pytest.raises(ValueError, match="commitment"):
        draw_order(replace(INPUTS, secret="22" * 32), ["A"])


@given(st.permutations(["A", "B", "C", "D", "E"]))
def test_the_order_in_which_bids_arrived_does_not_matter(arrival: list[str]) -> None:
    assert draw_order(INPUTS, arrival).order == draw_order(INPUTS, sorted(arrival)).order


def test_every_place_is_about_equally_likely() -> None:
    wins = dict.fromkeys("ABCD", 0)
    for number in range(2000):
        wins[draw_order(replace(INPUTS, notice_number=str(number)), "ABCD").order[0]] += 1
    assert all(430 < count < 570 for count in wins.values()), wins


def test_lowest_price_wins_and_everybody_gets_a_reason() -> None:
    entrants = (entrant(1, "300.00"), entrant(2, "100.00"), entrant(3, "200.00"))
    outcome = select(facts(*entrants, method=SelectionMethod.LOWEST_PRICE))
    assert [ranked.entrant.agency_id for ranked in outcome.ranking] == [2, 3, 1]
    assert [ranked.reason.code for ranked in outcome.ranking] == [
        "chosen-lowest",
        "not-lowest",
        "not-lowest",
    ]
    assert not outcome.draw_decided


def test_a_tie_is_settled_by_the_committed_draw() -> None:
    entrants = (entrant(1), entrant(2), entrant(3, "100.01"))
    outcome = select(facts(*entrants, method=SelectionMethod.LOWEST_PRICE))
    drawn = draw_order(INPUTS, [one.uscc for one in entrants]).order
    tied = [code for code in drawn if code != entrants[2].uscc]
    assert [ranked.entrant.uscc for ranked in outcome.ranking] == [*tied, entrants[2].uscc]
    assert outcome.draw_decided
    codes = [ranked.reason.code for ranked in outcome.ranking]
    assert codes == ["chosen-lowest-tie", "tie-lost", "not-lowest"]


def test_a_draw_names_winner_and_substitutes_in_drawn_order() -> None:
    entrants = tuple(entrant(number) for number in range(1, 6))
    outcome = select(facts(*entrants, method=SelectionMethod.RANDOM_DRAW, minimum=3))
    drawn = draw_order(INPUTS, [one.uscc for one in entrants]).order
    assert tuple(ranked.entrant.uscc for ranked in outcome.ranking) == drawn
    assert outcome.winner is not None
    assert len(outcome.substitutes) == 4


@pytest.mark.parametrize("method", [SelectionMethod.LOWEST_PRICE, SelectionMethod.RANDOM_DRAW])
def test_too_few_entrants_fail_before_any_method_runs(method: SelectionMethod) -> None:
    outcome = select(facts(entrant(1), entrant(2), method=method, minimum=3))
    assert outcome.winner is None
    assert outcome.draw is None
    assert outcome.failure is not None
    assert outcome.failure.params == {"count": 2, "needed": 3}


def test_nobody_at_all_fails_even_without_a_minimum() -> None:
    assert select(facts(method=SelectionMethod.RANDOM_DRAW, minimum=0)).failure is not None


@given(st.lists(st.decimals("1.00", "999999.99", places=2), min_size=1, max_size=12))
def test_no_method_loses_or_invents_an_entrant(amounts: list[Decimal]) -> None:
    entrants = tuple(entrant(n, str(amount)) for n, amount in enumerate(amounts, start=1))
    for method in (SelectionMethod.LOWEST_PRICE, SelectionMethod.RANDOM_DRAW):
        ranking = METHODS[method](facts(*entrants, method=method)).ranking
        assert sorted(ranked.entrant.agency_id for ranked in ranking) == [one.agency_id for one in entrants]
        assert [ranked.place for ranked in ranking] == list(range(1, len(entrants) + 1))
    cheapest = METHODS[SelectionMethod.LOWEST_PRICE](facts(*entrants, method=SelectionMethod.LOWEST_PRICE))
    assert cheapest.ranking[0].entrant.amount == min(amounts)
