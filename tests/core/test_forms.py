"""Form text in, values out: every fault at its field, nothing raised before `finish`."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FormInvalid
from core.forms import Form, Upload
from core.money import half_up, yuan


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("text", ["1.005", "-", "abc", "1e999", "NaN", "Infinity", "12..3", "9" * 20])
def test_money_refuses_what_is_no_amount(text: str) -> None:
    form = Form.of(price=text)
    assert form.money("price") is None
    with pytest.raises(FormInvalid) as refusal:
        form.finish()
    assert "两位小数" in refusal.value.errors["price"].render()


@pytest.mark.parametrize(("text", "amount"), [("24600", "24600.00"), ("24,600.50", "24600.50"), (" 0.01 ", "0.01")])
def test_money_accepts_what_people_type(text: str, amount: str) -> None:
    assert Form.of(price=text).money("price") == Decimal(amount)


def test_money_keeps_to_its_limits() -> None:
    form = Form.of(low="-1", high="11")
    form.money("low", minimum=Decimal(0))
    form.money("high", maximum=Decimal(10))
    assert set(form.errors) == {"low", "high"}


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_money_survives_its_own_text(amount: Decimal) -> None:
    assert yuan(str(amount)) == amount


def test_rounding_is_half_up_and_not_half_even() -> None:
    assert half_up(Decimal("0.125")) == Decimal("0.13")
    assert half_up(Decimal("0.135")) == Decimal("0.14")


def test_text_loses_control_and_direction_signs_and_keeps_lines() -> None:
    assert Form.of(note="第一行\r\n第二\u202e行\x00 ").text("note") == "第一行\n第二行"


def test_all_faults_come_at_once() -> None:
    form = Form.of(colour="blue", day="2026-02-30", number="1.5")
    form.text("title")
    form.choice("colour", Colour)
    form.date("day")
    form.integer("number")
    form.moment("at")
    with pytest.raises(FormInvalid) as refusal:
        form.finish()
    assert set(refusal.value.errors) == {"title", "colour", "day", "number", "at"}


def test_a_moment_is_read_in_shanghai() -> None:
    moment = Form.of(at="2026-11-20T17:00").moment("at")
    assert moment is not None
    assert moment.isoformat() == "2026-11-20T09:00:00+00:00"


def test_rows_come_in_the_order_of_their_numbers_and_share_their_faults() -> None:
    form = Form.from_json({"milestones": [{"name": "外业", "percent": 40}, {"name": "", "percent": 60}]})
    rows = form.rows("milestones")
    assert [row.integer("percent") for row in rows] == [40, 60]
    assert [row.text("name") for row in rows] == ["外业", ""]
    assert set(form.errors) == {"milestones-1-name"}


def test_json_and_form_text_read_the_same() -> None:
    from_json = Form.from_json({"day": "2026-11-20", "agree": True, "items": ["a", "b"], "none": None})
    from_form = Form({"day": ["2026-11-20"], "agree": ["on"], "items": ["a", "b"]})
    for form in (from_json, from_form):
        assert form.date("day") == date(2026, 11, 20)
        assert form.flag("agree")
        assert form.many("items") == ["a", "b"]


def test_an_absent_upload_is_a_fault_only_where_it_is_required() -> None:
    form = Form({}, {"scan": [Upload("证书.pdf", b"%PDF-1.7")]})
    assert form.upload("scan") is not None
    assert form.upload("other", required=False) is None
    assert not form.errors
    form.upload("other")
    assert set(form.errors) == {"other"}
