"""Agencies for tests, registered through the real services."""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from agencies import services
from agencies.rules import CreditGrade, Profession
from agencies.rules.dossier import (
    Commitment,
    CommitmentsStep,
    IndependenceStep,
    OrganizationStep,
    PractitionerDraft,
    QualificationClass,
    QualificationDraft,
)
from agencies.rules.independence import Relation, Separation
from core import clock, db
from core.forms import Upload
from core.identity import Identity, Role
from tests.factories import core as make

_count = itertools.count(1)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
ITEMS = {
    Profession.SURVEYING: ("XT-SV-01", "XT-SV-02"),
    Profession.ENVIRONMENTAL: ("XT-EV-01", "XT-EV-02"),
    Profession.SAFETY: ("XT-SF-01", "XT-SF-02"),
    Profession.PLANNING_AND_GEOLOGY: ("XT-PG-01",),
    Profession.WATER: ("XT-WT-01",),
    Profession.CONSTRUCTION: ("XT-CN-01",),
    Profession.COST_AND_BIDDING: ("XT-CB-01",),
    Profession.OTHER: ("XT-OT-01",),
}


@dataclass(frozen=True)
class MadeAgency:
    """An agency on record and somebody who acts for it."""

    agency_id: int
    organization_id: int
    member: Identity
    uscc: str
    name_zh: str
    filing_id: int


def scan(name: str = "证书.pdf", body: bytes | None = None) -> Upload:
    """A certificate scan that is really a PDF, different each time."""
    return Upload(name, body if body is not None else PDF + f"% {next(_count)}\n".encode())


def organization_step(uscc: str, name_zh: str = "新泰测试测绘有限公司", **changes: object) -> OrganizationStep:
    """A complete first step."""
    facts: dict[str, object] = {
        "name_zh": name_zh,
        "name_en": "Xintai Test Surveying Co., Ltd.",
        "uscc": uscc,
        "region_code": "370982",
        "region_zh": "山东省泰安市新泰市",
        "region_en": "Xintai, Tai'an, Shandong",
        "address": "新泰市府前街 1 号",
        "legal_representative": "欧阳甲",
        "contact_name": "王乙",
        "contact_phone": "0538-1234567",
        "controller": f"控制人{next(_count)}",
        "staff_total": 12,
    }
    return OrganizationStep(**(facts | changes))  # type: ignore[arg-type]


def qualification(profession: Profession = Profession.SURVEYING, **changes: object) -> QualificationDraft:
    """A certificate in force until 2030, with the usual items of its profession."""
    facts: dict[str, object] = {
        "profession": profession,
        "kind_zh": "测绘资质证书",
        "kind_en": "surveying qualification certificate",
        "number": f"演示资字-{next(_count):05d}",
        "grade": QualificationClass.SECOND,
        "scope_zh": "工程测量",
        "scope_en": "engineering surveying",
        "issuer": "山东省自然资源厅",
        "expires_on": date(2030, 6, 30),
        "items": ITEMS[profession],
    }
    return QualificationDraft(**(facts | changes))  # type: ignore[arg-type]


def practitioner(**changes: object) -> PractitionerDraft:
    """Somebody with a certificate and half a year of social insurance."""
    facts: dict[str, object] = {
        "name": "诸葛丙",
        "certificate_kind": "注册测绘师",
        "certificate_no": f"演示执业-{next(_count):06d}",
        "insured_months": 6,
    }
    return PractitionerDraft(**(facts | changes))  # type: ignore[arg-type]


def independence(*relations: Relation, **changes: object) -> IndependenceStep:
    """All four separations, the given relations or none."""
    facts: dict[str, object] = {
        "separations": frozenset(Separation),
        "relations": relations,
        "none_declared": not relations,
        "signed_by": "欧阳甲",
    }
    return IndependenceStep(**(facts | changes))  # type: ignore[arg-type]


def commitments(*items: str, **changes: object) -> CommitmentsStep:
    """Ten working days and a reference price for every item."""
    facts: dict[str, object] = {
        "items": tuple(Commitment(item, 10, "按工作量计价，合同写明", Decimal("24600.00")) for item in items),
        "service_text": "两小时内回应咨询",
        "honest": True,
    }
    return CommitmentsStep(**(facts | changes))  # type: ignore[arg-type]


async def fill(
    member: Identity,
    filing_id: int,
    *,
    uscc: str,
    name_zh: str = "新泰测试测绘有限公司",
    qualifications: tuple[QualificationDraft, ...] = (),
    relations: tuple[Relation, ...] = (),
    staff: int = 2,
    **organization: object,
) -> None:
    """Fill every step of a filing."""
    held = qualifications or (qualification(),)
    step = organization_step(uscc, name_zh, **organization)
    await services.save_organization(actor=member, filing_id=filing_id, step=step)
    for one in held:
        await services.add_qualification(actor=member, filing_id=filing_id, draft=one, scan=scan())
    people = tuple(practitioner() for _ in range(staff))
    await services.add_practitioners(actor=member, filing_id=filing_id, people=people)
    await services.save_independence(actor=member, filing_id=filing_id, step=independence(*relations))
    offered = sorted({code for one in held for code in one.items})
    await services.save_commitments(actor=member, filing_id=filing_id, step=commitments(*offered))


async def make_agency(
    *,
    professions: tuple[Profession, ...] = (Profession.SURVEYING,),
    name_zh: str | None = None,
    organization_id: int | None = None,
    qualifications: tuple[QualificationDraft, ...] = (),
    relations: tuple[Relation, ...] = (),
    recorded_days_ago: int = 400,
    staff: int = 2,
    **organization: object,
) -> MadeAgency:
    """An agency on record since `recorded_days_ago`, registered step by step."""
    name_zh = name_zh or f"新泰测试{next(_count)}号测绘有限公司"
    organization_id = organization_id or await make.organization(name_zh)
    uscc = await db.value("select uscc from core_organization where id = $1", organization_id)
    member = await make.member(Role.AGENCY, organization_id)
    registrar = await make.member(Role.REGISTRAR)
    start = clock.now() - timedelta(days=recorded_days_ago + 20)
    with clock.at(start):
        filing_id = (await services.start_registration(actor=member)).filing_id
        held = qualifications or tuple(qualification(one) for one in professions)
        await fill(
            member,
            filing_id,
            uscc=uscc,
            name_zh=name_zh,
            qualifications=held,
            relations=relations,
            staff=staff,
            **organization,
        )
        await services.submit_filing(actor=member, filing_id=filing_id)
        await services.accept_filing(actor=registrar, filing_id=filing_id)
    with clock.at(start + timedelta(days=20)):
        receipt = await services.record_filing(filing_id=filing_id)
    assert receipt.agency_id is not None
    return MadeAgency(receipt.agency_id, organization_id, member, uscc, name_zh, filing_id)


async def make_grade(
    agency_id: int,
    grade: CreditGrade = CreditGrade.B,
    *,
    profession: Profession = Profession.SURVEYING,
    score: str | None = "86.23",
    published_at: datetime | None = None,
    figures: services.GradeFigures | None = None,
) -> services.GradeReceipt:
    """A published grade on record."""
    rated = grade is not CreditGrade.N and score is not None
    published_at = published_at or clock.now()
    return await services.record_grade(
        agency_id=agency_id,
        profession=profession,
        grade=grade,
        score=Decimal(score) if rated and score else None,
        low=Decimal(score) - 5 if rated and score else None,
        high=Decimal(score) + 4 if rated and score else None,
        firm=rated,
        scheme="XT-2026.1",
        as_of=published_at.astimezone(UTC).date(),
        published_at=published_at,
        publication_no=f"XT-PJ-{next(_count):06d}",
        figures=figures,
    )
