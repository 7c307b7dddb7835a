"""The quarterly table: learnt from finished reviews, published, frozen, and used by the next run."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from core import clock, db
from core.identity import SYSTEM
from core.money import half_up
from grading import services
from grading.rules.calibration import load_calibration
from grading.rules.corrections import Change, CorrectionKind, corrected_cases, overruled
from grading.rules.errors import CalibrationExists, DayAhead
from grading.rules.evidence import Case, Stars
from grading.rules.learning import NotEnoughMarks, learn, quarter_code
from grading.rules.objections import Verdict
from tests.factories.grading import scheme
from tests.grading.life import FACTS, REASONS, make_fallen, officer

AS_OF = date(2026, 11, 2)
STRICT = {"R-0001": 6.0, "R-0002": 0.0, "R-0003": -6.0, "R-0004": 1.0}


def cases(agencies=60, each=6, seed=1):
    """Finished cases: strict and lenient reviewers, a hard item and an easy one."""
    dice = np.random.default_rng(seed)
    made = {}
    for agency in range(agencies):
        level = dice.normal(78, 7)
        made[agency, "surveying"] = [_case(agency * 100 + n, level, dice) for n in range(each)]
    return made


def _case(number, level, dice):
    alias = str(dice.choice(list(STRICT)))
    item = str(dice.choice(["XT-01", "XT-02"]))
    mark = level - STRICT[alias] - (4 if item == "XT-02" else 0) + dice.normal(0, 4)
    technical = Decimal(str(round(float(np.clip(mark, 0, 100)), 2)))
    stars = Stars(Decimal(80), AS_OF) if number % 3 == 0 else None
    return Case(
        deliverable_id=number, title="图", client_id=number, reviewers=(alias,), marks=(technical,), technical=technical,
        vetoed=False, punctuality=Decimal(100), filings=Decimal(100),
        finalised_on=AS_OF - timedelta(days=int(dice.integers(0, 700))), difficulty=item, related=False, stars=stars,
    )  # fmt: skip


def table(**changes):
    return load_calibration(learn(cases(**changes), scheme(), AS_OF, "XT-CAL-2026Q4").text)


def test_strict_reviewers_and_hard_items_are_found():
    found = table()
    mean = sum(STRICT.values()) / len(STRICT)
    for alias, severity in STRICT.items():
        assert float(found.severity[alias]) == pytest.approx(severity - mean, abs=1.2)
    assert float(found.difficulty["XT-02"] - found.difficulty["XT-01"]) == pytest.approx(4, abs=1)
    assert found.motion is not None
    assert found.motion.half_life == found.half_life(scheme())
    assert f"half_life_months = {found.motion.half_life:g}\n" in learn(cases(), scheme(), AS_OF, "X").text
    assert found.agency_variance == pytest.approx((0.75 * 7) ** 2, rel=0.4)


def test_the_same_cases_give_the_same_table_to_the_last_byte_in_any_order():
    given = cases()
    turned = {key: given[key][::-1] for key in reversed(given)}
    assert learn(turned, scheme(), AS_OF, "X").text == learn(given, scheme(), AS_OF, "X").text


def test_a_table_of_before_half_lives_were_learnt_leaves_the_announced_one():
    text = learn(cases(), scheme(), AS_OF, "X").text
    old = load_calibration("".join(line for line in text.splitlines(True) if not line.startswith("half_life")))
    assert old.motion is not None
    assert (old.motion.half_life, old.half_life(scheme())) == (None, 12.0)


def test_the_table_says_whose_marks_scatter_and_a_careful_reviewer_counts_for_more():
    dice = np.random.default_rng(4)
    given = cases(agencies=120, each=8)
    steady = ("R-0001", "R-0002")
    noisy = {
        key: [
            replace(case, marks=(mark,), technical=mark)
            for case in own
            for mark in [
                case.technical if case.reviewers[0] in steady else case.technical + half_up(Decimal(dice.normal(0, 12)))
            ]
        ]
        for key, own in given.items()
    }
    text = learn(noisy, scheme(), AS_OF, "X").text
    found = load_calibration(text)
    assert min(found.consistency[one] for one in steady) > 1.2
    assert max(points for alias, points in found.consistency.items() if alias not in steady) < Decimal("0.95")
    told = found.corrections(scheme())
    assert told.counts(("R-0001", "R-0003*")) == half_up((min(found.consistency["R-0001"], Decimal(2)) + 1) / 2)
    assert told.counts(("R-9999",)) == 1
    old = load_calibration(text.replace("[consistency]", "[left]"))
    assert (old.consistency, old.corrections(scheme()).counts(("R-0001",))) == ({}, None)


def test_vetoed_and_related_cases_teach_nothing():
    given = cases()
    spoilt = {
        key: [*own, replace(own[0], deliverable_id=own[0].deliverable_id + 50, vetoed=True, technical=Decimal(0))]
        for key, own in given.items()
    }
    assert learn(spoilt, scheme(), AS_OF, "X").text == learn(given, scheme(), AS_OF, "X").text
    tied = {
        key: [*own, replace(own[0], deliverable_id=own[0].deliverable_id + 51, related=True)]
        for key, own in given.items()
    }
    assert learn(tied, scheme(), AS_OF, "X").text == learn(given, scheme(), AS_OF, "X").text


def test_too_few_marks_teach_nothing():
    with pytest.raises(NotEnoughMarks) as refused:
        learn(cases(agencies=30, each=6), scheme(), AS_OF, "X")
    assert refused.value.params == {"have": 180, "need": 200}


def test_a_quarter_has_one_code():
    assert [quarter_code(date(2026, month, 1)) for month in (1, 3, 4, 12)] == [
        "XT-CAL-2026Q1", "XT-CAL-2026Q1", "XT-CAL-2026Q2", "XT-CAL-2026Q4",
    ]  # fmt: skip


@pytest.fixture
def marked(monkeypatch):
    """Finished cases as the database would give them."""

    async def given(*_: object) -> dict:
        return cases()

    monkeypatch.setattr("grading.services.calibrating.window_cases", given)


@pytest.mark.anyio
@pytest.mark.usefixtures("db", "marked")
async def test_the_table_is_published_once_a_quarter_frozen_and_on_the_trail():
    with clock.at(clock.end_of_day(AS_OF)):
        receipt = await services.publish_calibration(actor=SYSTEM, as_of=AS_OF)
        with pytest.raises(CalibrationExists):
            await services.publish_calibration(actor=SYSTEM, as_of=AS_OF)
        with pytest.raises(DayAhead):
            await services.publish_calibration(actor=SYSTEM, as_of=AS_OF + timedelta(days=9))
    row = await db.row("select * from grading_calibration where code = $1", "XT-CAL-2026Q4")
    assert (row["digest"], row["frozen_on"]) == (receipt.digest, AS_OF)
    entry = await db.row("select act from core_trail_entry where id = $1", receipt.entry_id)
    assert entry["act"] == "calibration.published"


@pytest.mark.anyio
@pytest.mark.usefixtures("db", "marked")
async def test_the_method_page_says_how_sure_a_score_is_by_the_table_in_force(browse):
    with clock.at(clock.end_of_day(AS_OF)):
        before = (await (await browse()).get("/grading/method")).text
        await services.publish_calibration(actor=SYSTEM, as_of=AS_OF)
        learnt = (await (await browse()).get("/grading/method")).text
    assert "单件误差 36 ÷（λ + Σ 权重）+ 5" in before
    motion = table().motion
    assert "单件误差 36 ÷（λ" not in learnt
    assert f"每件当日误差 {motion.noise:.1f} × Σ（权重² ÷ 一致性）+ 机构每年的变化 {motion.drift:.1f}" in learnt
    assert f"权重每过 {motion.half_life:g} 个月减半" in learnt


@pytest.mark.anyio
@pytest.mark.usefixtures("db", "marked")
async def test_the_clock_learns_on_the_first_working_day_of_a_quarter_and_once():
    with clock.at(clock.end_of_day(date(2026, 10, 6))):  # the holidays are not over
        assert await services.calibrate_if_due() is None
    with clock.at(clock.end_of_day(date(2026, 10, 9))):
        assert (await services.calibrate_if_due()).code == "XT-CAL-2026Q4"
        assert await services.calibrate_if_due() is None


def test_corrected_cases_teach_as_corrected():
    given = cases()
    key, own = next(iter(given.items()))
    first, second = own[0], own[1]
    wrong = replace(first, deliverable_id=9001, marks=(Decimal(1), Decimal(2)), reviewers=("R-0001", "R-0009"))
    changes = [
        Change(CorrectionKind.TECHNICAL, 9001, Decimal("80")),
        Change(CorrectionKind.DROP_CASE, second.deliverable_id),
        Change(CorrectionKind.DROP_FINDING, first.deliverable_id),
    ]
    held = corrected_cases([wrong, *own], changes)
    assert [case.deliverable_id for case in held] == [9001, *(c.deliverable_id for c in own if c is not second)]
    assert held[0].technical == 80
    assert overruled(changes) == {9001}
    text = learn({**given, key: held}, scheme(), AS_OF, "X", overruled(changes)).text
    without = learn({**given, key: held[1:]}, scheme(), AS_OF, "X").text
    assert _severities(text) == _severities(without)  # a replaced mark says nothing about who gave the old one
    assert "R-0009" not in text
    assert load_calibration(text).field_level != load_calibration(without).field_level  # but it counts for the field


def _severities(text):
    return text.split("[severity]")[1]


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
async def test_the_quarterly_run_lays_upheld_corrections_over_the_marks(monkeypatch):
    fallen = await make_fallen()
    wrong = fallen.bad[0]

    async def given(*_: object) -> dict:
        low = replace(cases()[0, "surveying"][0], deliverable_id=wrong, technical=Decimal(1), marks=(Decimal(1),))
        return cases() | {(fallen.made.agency_id, "other"): [low]}

    monkeypatch.setattr("grading.services.calibrating.window_cases", given)
    with clock.at(fallen.now):
        lodged = await services.lodge_objection(
            actor=fallen.made.member, report_id=await fallen.report_id(), draft=FACTS
        )
        await services.decide_objection(
            actor=await officer(),
            objection_id=lodged.objection_id,
            verdict=Verdict.UPHOLD,
            reasons=REASONS,
            changes=[Change(CorrectionKind.DROP_CASE, wrong)],
        )
        receipt = await services.publish_calibration(actor=SYSTEM, as_of=clock.today())
        text = await db.value("select source from grading_calibration where code = $1", receipt.code)
        assert text == learn(cases(), scheme(), clock.today(), receipt.code).text
