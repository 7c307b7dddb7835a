"""The macros that every page is built from: what they draw is what they were told."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jinja2 import Environment
from markupsafe import Markup

from core import clock
from core.i18n import speaking
from core.web.acts import FormState
from core.web.templates import environment

NOW = datetime(2026, 11, 20, 6, 32, tzinfo=UTC)


@pytest.fixture
def ui() -> Any:
    env: Environment = environment()
    return env.globals["ui"]


@pytest.mark.parametrize(
    ("used", "allowed", "on", "boxes", "state"),
    [
        (3, 5, 3, 5, ""),
        (5, 5, 5, 5, "soon"),
        (7, 5, 5, 5, "late"),
        (1, 15, 1, 5, ""),
        (12, 15, 4, 5, ""),
        (0, 3, 0, 3, ""),
    ],
)
def test_days_are_boxes_with_words(ui: Any, used: int, allowed: int, on: int, boxes: int, state: str) -> None:
    drawn = ui.days(used, allowed)
    assert (drawn.count('class="on"'), drawn.count("<i")) == (on, boxes)
    assert f'class="x-days{" " + state if state else ""}"' in drawn
    assert 'role="img" aria-label="' in drawn


def test_a_score_stands_where_its_number_says(ui: Any) -> None:
    drawn = ui.band(86.23, 81.56, 90.9)
    assert 'cx="72.46%"' in drawn
    assert "86.23" in drawn
    assert re.findall(r'y="76">(\d+)<', drawn) == ["60", "70", "90"]


def test_a_score_outside_the_scale_stays_on_the_picture(ui: Any) -> None:
    assert 'cx="0.00%"' in ui.slim(12.0, 5.0, 20.0)


def test_no_score_is_no_dot(ui: Any) -> None:
    assert "dot" not in ui.slim(None)
    assert "证据不足" in ui.slim(None)


def test_effects_carry_their_sign(ui: Any) -> None:
    assert "+1.51" in ui.effect(1.51, 2.0)
    assert "−1.10" in ui.effect(-1.1, 2.0)
    assert 'class="neg"' in ui.effect(-1.1, 2.0)


@pytest.mark.parametrize("grade", "ABCDN")
def test_a_grade_is_a_letter_and_a_name_for_screen_readers(ui: Any, grade: str) -> None:
    drawn = ui.grade(grade)
    assert f">{grade}</text>" in drawn
    assert ("未评级" if grade == "N" else f"信用等级 {grade} 级") in drawn


def test_a_refused_field_keeps_what_was_typed_and_says_what_is_wrong(ui: Any) -> None:
    form = FormState(values={"title": '<b>"x"'}, errors={"title": "请填写全称。"})
    drawn = ui.field(form, "title", "项目名称", value="old")
    assert isinstance(drawn, Markup)
    assert 'value="&lt;b&gt;&#34;x&#34;"' in drawn
    assert 'aria-invalid="true" aria-describedby="f-title-error "' in drawn
    assert "请填写全称。" in drawn
    assert 'href="#f-title"' in ui.error_summary(form)


def test_a_password_is_never_sent_back(ui: Any) -> None:
    form = FormState(values={"password": "geheim"}, errors={})
    assert "geheim" not in ui.field(form, "password", "密码", type="password")


def test_choices_are_kept_as_chosen(ui: Any) -> None:
    form = FormState(values={"items": ["b"], "one": "b", "ok": "none"}, errors={})
    options = [("a", "甲"), ("b", "乙")]
    assert re.findall(r'value="(\w)" checked', ui.checkboxes(form, "items", "范围", options)) == ["b"]
    assert re.findall(r'value="(\w)" checked', ui.radios(form, "one", "选", options)) == ["b"]
    assert re.findall(r'value="(\w)" selected', ui.select(form, "one", "选", options)) == ["b"]
    assert " checked" not in ui.checkbox(form, "ok", "承诺")


def test_time_left_is_told_in_both_languages(ui: Any) -> None:
    with clock.at(NOW):
        assert ui.left(NOW + timedelta(days=3, hours=18, minutes=27)) == "3 天 18 小时"
        assert ui.left(NOW + timedelta(minutes=28)) == "28 分"
        assert ui.left(NOW) == ""
        with speaking("en"):
            assert ui.left(NOW + timedelta(hours=2, minutes=5)) == "2 h 5 min"


def test_an_unknown_icon_is_a_mistake_of_ours(ui: Any) -> None:
    with pytest.raises(Exception, match="no-such-icon"):
        ui.icon("no-such-icon")
