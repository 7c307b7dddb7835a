"""Builders for grading: evidence for the pure rules, rows for the services."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from agencies.rules import CreditGrade, Profession
from grading.rules.calibration import Calibration, load_calibration
from grading.rules.evidence import Case, Evidence, Finding, PastGrade, Previous, Stars
from grading.rules.scheme import Scheme, load_scheme

CONTENT = Path(__file__).resolve().parents[2] / "grading" / "content"
SCHEME_TEXT = (CONTENT / "schemes" / "xt_2026_1.toml").read_text("utf-8")
TABLE_TEXT = (CONTENT / "calibrations" / "xt_cal_0.toml").read_text("utf-8")
AS_OF = date(2026, 11, 2)


def scheme() -> Scheme:
    """The default rule-set."""
    return load_scheme(SCHEME_TEXT)


def table() -> Calibration:
    """The table before learning."""
    return load_calibration(TABLE_TEXT)


def a_case(number: int = 1, mark: str | Decimal = "88.00", **changed: Any) -> Case:
    """A reviewed deliverable; clients and reviewers differ by number unless given."""
    value = Decimal(mark)
    facts: dict[str, Any] = {
        "deliverable_id": number,
        "title": f"第 {number} 件成果",
        "client_id": 100 + number % 4,
        "reviewers": (f"R-{number % 5:03d}",),
        "marks": (value,),
        "technical": value,
        "vetoed": False,
        "punctuality": value,
        "filings": value,
        "finalised_on": AS_OF - timedelta(days=20 * number),
        "difficulty": "",
        "related": False,
        "stars": None,
    }
    return Case(**(facts | changed))


def some_cases(marks: Sequence[str | Decimal], **changed: Any) -> tuple[Case, ...]:
    """One case per mark, numbered from 1, each twenty days older than the one before."""
    return tuple(a_case(n, mark, **changed) for n, mark in enumerate(marks, 1))


def evidence(**changed: Any) -> Evidence:
    """A long registered surveying agency with a valid certificate and eight solid results."""
    facts: dict[str, Any] = {
        "agency_id": 7,
        "profession": Profession.SURVEYING,
        "as_of": AS_OF,
        "scheme_digest": scheme().digest,
        "calibration_digest": table().digest,
        "registered_on": date(2024, 2, 19),
        "certificate_until": date(2028, 3, 31),
        "certificate_valid": True,
        "cases": some_cases(["82", "85", "79", "88", "84", "81", "86", "83"]),
    }
    return Evidence(**(facts | changed))


def a_finding(number: int = 1, points: int = 2, **changed: Any) -> Finding:
    """An upheld finding, decided two months before the evidence's day."""
    facts: dict[str, Any] = {
        "id": number,
        "code": "CP-0201",
        "points": points,
        "event": "",
        "decided_on": date(2026, 9, 2),
        "document_no": f"XT-JF-2026-{number:04d}",
        "ended_on": None,
    }
    return Finding(**(facts | changed))


def previous(band: CreditGrade = CreditGrade.B, score: str = "80.00", **changed: Any) -> Previous:
    """What last month's report said."""
    facts: dict[str, Any] = {
        "as_of": date(2026, 10, 9),
        "band": band,
        "result": band,
        "score": Decimal(score),
        "sd": Decimal("3.00"),
        "alarm_low": Decimal("0.00"),
        "alarm_high": Decimal("0.00"),
    }
    return Previous(**(facts | changed))


def past(*grades: CreditGrade) -> tuple[PastGrade, ...]:
    """Published grades, one month apart, the last one a month before the evidence's day."""
    count = len(grades)
    return tuple(PastGrade(AS_OF - timedelta(days=31 * (count - n)), grade) for n, grade in enumerate(grades))


def stars(level: str = "100") -> Stars:
    """What a client said."""
    return Stars(Decimal(level), AS_OF - timedelta(days=15))
