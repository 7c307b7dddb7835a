"""Builders for grading: evidence for the pure rules, rows for the services."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from agencies.rules import CreditGrade, Profession
from core import clock, db
from core.identity import Role
from grading.rules.calibration import Calibration, load_calibration
from grading.rules.evidence import Case, Evidence, Finding, PastGrade, Previous, Stars
from grading.rules.scheme import Scheme, load_scheme
from tests.factories import core as make

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
    }
    return Previous(**(facts | changed))


def past(*grades: CreditGrade) -> tuple[PastGrade, ...]:
    """Published grades, one month apart, the last one a month before the evidence's day."""
    count = len(grades)
    return tuple(PastGrade(AS_OF - timedelta(days=31 * (count - n)), grade) for n, grade in enumerate(grades))


def stars(level: str = "100") -> Stars:
    """What a client said."""
    return Stars(Decimal(level), AS_OF - timedelta(days=15))


# ---------------------------------------------------------------- rows for the services
_count = itertools.count(1)


@dataclass(frozen=True)
class Field:
    """Clients and reviewers that several agencies share."""

    clients: tuple[int, ...]
    reviewers: tuple[int, ...]


async def make_field(clients: int = 3, reviewers: int = 4) -> Field:
    """Some clients and registered reviewers."""
    return Field(
        tuple([await make.organization() for _ in range(clients)]),
        tuple([await _reviewer() for _ in range(reviewers)]),
    )


async def _reviewer() -> int:
    somebody = await make.member(Role.REVIEWER)
    reviewer: int = await db.value(
        "insert into contracts_reviewer (account, organization, code, professions, region, active, registered_at)"
        " values ($1, $2, $3, array['surveying'], '370982', true, $4) returning id",
        somebody.account_id,
        somebody.organization_id,
        f"SC-T{next(_count):05d}",
        clock.now(),
    )
    return reviewer


async def make_result(
    agency_id: int,
    field: Field,
    mark: str = "85",
    *,
    days_ago: int = 30,
    vetoed: bool = False,
    profession: Profession = Profession.SURVEYING,
) -> int:
    """A finally reviewed deliverable with the rows it rests on, written directly: the way there takes
    weeks of the simulated clock and has its own tests. Clients and reviewers take turns."""
    n = next(_count)
    client, reviewer = field.clients[n % len(field.clients)], field.reviewers[n % len(field.reviewers)]
    at = clock.now() - timedelta(days=days_ago)
    contract = await _contract(agency_id, client, n, at, profession)
    milestone = await db.value(
        "insert into contracts_milestone (contract, place, name, percent, days, amount, state)"
        " values ($1, 1, '成果', 100, 10, 20000, 'accepted') returning id",
        contract,
    )
    deliverable: int = await db.value(
        "insert into contracts_deliverable (contract, milestone, number, title, version, state, filed_at, due_at,"
        " accepted_at, punctuality, late_filings, filings)"
        " values ($1, $2, $3, $4, 1, 'accepted', $5, $5, $5, 96, 0, 100) returning id",
        contract,
        milestone,
        f"T-CG-{n:06d}",
        f"第 {n} 件测绘成果",
        at,
    )
    await _review(deliverable, reviewer, n, at, Decimal(0) if vetoed else Decimal(mark), vetoed, profession)
    return deliverable


async def _contract(agency_id: int, client: int, n: int, at: datetime, profession: Profession) -> int:
    project = await db.value(
        "insert into market_project (number, client, title, location, description, investment, fund_source, version,"
        " created_by, created_at) values ($1, $2, $3, '', '', 1000000, 'own', 1, 1, $4) returning id",
        f"T-XM-{n:06d}",
        client,
        f"第 {n} 个项目",
        at,
    )
    notice = await db.value(
        "insert into market_notice (number, project, client, item, state, version, method, fund_source, scale,"
        " requirements, payment_terms, ceiling, days_limit, deadline, direct_reason, risk_acknowledged, edition,"
        " edition_digest, shingles, drafted_at, published_at)"
        " select $1, $2, $3, id, 'awarded', 1, 'lowest-price', 'own', '', '', '', 30000, 10, $4, '', false, '', '',"
        " array[]::text[], $4, $4 from market_service_item order by id limit 1 returning id",
        f"T-GG-{n:06d}",
        project,
        client,
        at,
    )
    award = await db.value(
        "insert into market_award (notice, agency, state, amount, days, place, reason, grade_at_selection,"
        " announced_at, display_until, confirmed_at)"
        " values ($1, $2, 'confirmed', 20000, 10, 1, jsonb_build_object(), 'N', $3, $3, $3) returning id",
        notice,
        agency_id,
        at,
    )
    contract: int = await db.value(
        "insert into contracts_contract (award, notice, project, client, agency, agency_organization, notice_no,"
        " item_code, item_name_zh, item_name_en, profession, title, review_sheet, fund_source, related_parties,"
        " bid_amount, bid_days, bid_conditions, amount, days, scope, version, state, awarded_at, drafted_at,"
        " confirm_due_at, number, filed_at, filed_late)"
        " select $1, $2, $3, $4, $5, organization, '', 'XT-SV-01', '工程测量', 'surveying', $6, $7, '', 'own', false,"
        " 20000, 10, '', 20000, 10, '', 1, 'filed', $8, $8, $8, $9, $8, false from agencies_agency where id = $5"
        " returning id",
        award,
        notice,
        project,
        client,
        agency_id,
        profession.value,
        f"第 {n} 个项目测绘",
        at,
        f"T-HT-{n:06d}",
    )
    return contract


async def _review(
    deliverable: int, reviewer: int, n: int, at: datetime, mark: Decimal, vetoed: bool, profession: Profession
) -> None:
    review = await db.value(
        "insert into contracts_review (deliverable, number, profession, sheet_id, sheet_version, sheet_digest,"
        " parties, wanted, doubled, double_seed, state, opened_at, comment, answer, finalised_at, technical, vetoed)"
        " values ($1, $2, $3, 'general', '1', '', array[]::bigint[], 1, false, '', 'final', $4, '', '', $4, $5, $6)"
        " returning id",
        deliverable,
        f"T-SC-{n:06d}",
        profession.value,
        at,
        mark,
        vetoed,
    )
    await db.execute(
        "insert into contracts_assignment (review, reviewer, seat, blind, drawn_at, due_at, lot_seed, lot_pool,"
        " lot_excluded, state, marks, vetoes, summary, version, reason, submitted_at, points, mark)"
        " values ($1, $2, 1, false, $3, $3, '', array[]::bigint[], jsonb_build_array(), 'submitted',"
        " jsonb_build_object(), jsonb_build_array(), '', 1, '', $3, $4, $4)",
        review,
        reviewer,
        at,
        mark,
    )
