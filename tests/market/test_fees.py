"""The report on fees: what it counts, and that everybody can read it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.rules.fees import AgreedPrice, price_index, quarter, savings, total
from tests.factories.market import make_award


def price(item: str = "A", on: str = "2026-01-15", ceiling: str = "100", amount: str = "80") -> AgreedPrice:
    return AgreedPrice(item, date.fromisoformat(on), Decimal(ceiling), Decimal(amount))


def test_savings_by_item_and_in_all() -> None:
    prices = [price(amount=a) for a in ("80", "70", "60")] + [price("B")] * 2 + [price("C", amount="90")] * 3
    found = savings(prices)
    assert [(one.item, one.percent, one.saved) for one in found] == [
        ("A", Decimal("30.0"), Decimal(90)),
        ("C", Decimal("10.0"), Decimal(30)),
    ]
    whole = total(found)
    assert whole is not None
    assert (whole.awards, whole.percent) == (6, Decimal("20.0"))
    assert total([]) is None


def test_the_index_compares_an_item_with_its_own_first_quarter() -> None:
    first = [price("A", "2026-01-15", amount="80")] * 3 + [price("B", "2026-02-15", amount="50")] * 3
    later = [price("A", "2026-07-15", amount="40")] * 3 + [price("B", "2026-07-15", amount="50")] * 3
    index = price_index([*first, *later, price("A", "2026-04-15")])
    assert index.quarters == ("2026Q1", "2026Q2", "2026Q3")
    assert index.items["A"] == (100.0, None, 50.0)
    assert index.items["B"] == (100.0, None, 100.0)
    assert index.overall[0] == 100.0
    assert index.overall[1] is None
    assert index.overall[2] == pytest.approx(100 * 0.5 ** (240 / 390), abs=0.1)


def test_quarters_over_the_turn_of_the_year() -> None:
    assert quarter(date(2026, 12, 31)) == "2026Q4"
    prices = [price(on="2025-12-01")] * 3 + [price(on="2026-05-01")] * 3
    assert price_index(prices).quarters == ("2025Q4", "2026Q1", "2026Q2")
    assert price_index([]).quarters == ()


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 12), st.integers(1, 200)), max_size=30))
def test_the_index_starts_at_100_and_stays_positive(said: list[tuple[str, int, int]]) -> None:
    index = price_index([price(item, f"2026-{month:02d}-01", "100", str(n)) for item, month, n in said])
    for values in index.items.values():
        assert next(value for value in values if value is not None) == 100.0
        assert all(value is None or value >= 0 for value in values)


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
async def test_everybody_reads_the_report(browse: Any, api: Any, lang: str) -> None:
    visitor = await browse(None, lang=lang)
    assert (await visitor.get("/fees")).status_code == 200
    for _ in range(3):
        await make_award()
    page = await visitor.get("/fees")
    assert page.status_code == 200
    assert 'data-chart="index"' in page.text
    table = (await visitor.get("/fees.csv")).content.decode("utf-8-sig").splitlines()
    assert len(table) == 2
    shown = (await (await api()).get("/api/v1/fees")).json()
    assert shown["items"][0]["awards"] == 3
    assert shown["items"][0]["index"] == [100.0]
