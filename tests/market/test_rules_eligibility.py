"""Who may take part, with every reason at once."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from agencies.rules import UNLIMITED, CreditGrade, Standing
from core.i18n import speaking
from market import content
from market.rules.bids import Offer, Terms, offer_errors, offer_faults
from market.rules.eligibility import Call, NotEligible, eligibility, needs_warning
from market.rules.notices import SelectionMethod
from market.rules.reasons import SENTENCES, Reason, from_json

ON = date(2026, 11, 20)
LAW = content.edition_in_force(ON)
CALL = Call("XT-SF-01", SelectionMethod.LOWEST_PRICE, False, 500, "D-YJ")
SOUND = Standing(
    agency_id=1,
    organization_id=100,
    name_zh="新泰某某",
    name_en="Xintai",
    uscc="91370982MAXTA10197",
    recorded=True,
    profession_recorded=True,
    grade=CreditGrade.B,
    score=Decimal("80.00"),
    firm=True,
    grade_since=ON,
    qualification_valid_until=UNLIMITED,
    items=frozenset({"XT-SF-01"}),
    related_organizations=frozenset(),
    related_departments=frozenset(),
    related_agencies=frozenset(),
)


def codes(call: Call = CALL, open_jobs: int = 0, **changes: object) -> list[str]:
    standing = replace(SOUND, **changes)  # type: ignore[arg-type]
    found = eligibility(standing, call, on=ON, open_jobs=open_jobs, edition=LAW)
    return [reason.code for reason in found]


def test_a_sound_agency_may_take_part() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"recorded": False}, ["not-recorded"]),
        ({"profession_recorded": False}, ["profession-not-recorded"]),
        ({"items": frozenset({"XT-SF-02"})}, ["item-not-offered"]),
        ({"qualification_valid_until": None}, ["qualification-missing"]),
        ({"qualification_valid_until": date(2026, 11, 19)}, ["qualification-expired"]),
        ({"qualification_valid_until": ON}, []),
        ({"related_organizations": frozenset({500})}, ["related-to-client"]),
        ({"organization_id": 500}, ["related-to-client"]),
        ({"related_departments": frozenset({"D-YJ"})}, ["related-to-department"]),
        ({"related_departments": frozenset({"D-SL"})}, []),
        ({"grade": CreditGrade.D}, ["grade-barred"]),
        ({"grade": CreditGrade.N}, []),
    ],
)
def test_each_bar_is_named(changes: dict[str, object], expected: list[str]) -> None:
    assert codes(**changes) == expected


def test_all_reasons_come_at_once() -> None:
    found = codes(
        items=frozenset(),
        qualification_valid_until=date(2026, 1, 1),
        related_departments=frozenset({"D-YJ"}),
        grade=CreditGrade.D,
    )
    assert found == [
        "item-not-offered",
        "qualification-expired",
        "related-to-department",
        "grade-barred",
    ]


def test_a_c_agency_has_at_most_two_open_jobs() -> None:
    assert codes(grade=CreditGrade.C, open_jobs=1) == []
    assert codes(grade=CreditGrade.C, open_jobs=2) == ["too-many-jobs"]
    assert codes(grade=CreditGrade.B, open_jobs=50) == []


def test_a_c_agency_is_never_chosen_directly_with_public_money() -> None:
    direct = replace(CALL, method=SelectionMethod.DIRECT)
    public = replace(direct, public_money=True)
    assert codes(public, grade=CreditGrade.C) == ["grade-no-direct"]
    assert codes(direct, grade=CreditGrade.C) == []
    assert needs_warning(CreditGrade.C, direct, LAW)
    assert not needs_warning(CreditGrade.B, direct, LAW)
    assert not needs_warning(CreditGrade.C, CALL, LAW)


def test_the_refusal_speaks_the_reader_s_language() -> None:
    error = NotEligible((Reason("related-to-client"), Reason("grade-barred", {"grade": "D"})))
    assert "须回避" in error.message()
    assert "D 级" in error.message()
    with speaking("en"):
        english = error.message()
    assert "recuse" in english
    assert "须回避" not in english


def test_reasons_survive_storage() -> None:
    reason = Reason("too-few", {"count": 2, "needed": 3})
    assert from_json(reason.as_json()) == reason


def test_every_reason_has_an_english_sentence() -> None:
    with speaking("en"):
        for code, sentence in SENTENCES.items():
            shown = Reason(code, dict.fromkeys(_names(sentence), "1")).message().render()
            assert shown.isascii() or "yuan" in shown, code


def _names(sentence: str) -> list[str]:
    import re

    return re.findall(r"%\((\w+)\)s", sentence)


TERMS = Terms(SelectionMethod.LOWEST_PRICE, Decimal("50000.00"), Decimal("30000.00"), 15)


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (Offer(Decimal("50000.00"), 15, ""), []),
        (Offer(Decimal("30000.00"), 1, ""), []),
        (Offer(Decimal("50000.01"), 15, ""), ["above-ceiling"]),
        (Offer(Decimal("29999.99"), 15, ""), ["below-floor"]),
        (Offer(Decimal("40000.00"), 16, ""), ["days-over-limit"]),
        (Offer(Decimal("-1.00"), 0, ""), ["below-floor", "days-over-limit"]),
    ],
)
def test_an_offer_keeps_the_terms(offer: Offer, expected: list[str]) -> None:
    assert [fault.code for fault in offer_faults(offer, TERMS)] == expected


def test_a_draw_has_one_price_for_all() -> None:
    terms = Terms(SelectionMethod.RANDOM_DRAW, Decimal("50000.00"), None, 15)
    assert not offer_errors(Offer(Decimal("50000.00"), 10, ""), terms)
    assert set(offer_errors(Offer(Decimal("49999.99"), 10, ""), terms)) == {"amount"}
