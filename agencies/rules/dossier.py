"""What an agency files: five steps, each a frozen value that can be saved and resumed alone."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from agencies.rules.independence import Relation, Separation
from agencies.rules.professions import Profession
from core.i18n import N_


class Step(StrEnum):
    """The five steps of a filing, in the order of the task list."""

    ORGANIZATION = "organization"
    QUALIFICATIONS = "qualifications"
    PRACTITIONERS = "practitioners"
    INDEPENDENCE = "independence"
    COMMITMENTS = "commitments"


STEP_TITLES: dict[Step, str] = {
    Step.ORGANIZATION: N_("机构基本信息"),
    Step.QUALIFICATIONS: N_("资质与服务事项"),
    Step.PRACTITIONERS: N_("从业人员"),
    Step.INDEPENDENCE: N_("独立性声明"),
    Step.COMMITMENTS: N_("服务承诺"),
}


class QualificationClass(StrEnum):
    """Class of a certificate; surveying has two, the environmental trade none (rows 17, 18)."""

    FIRST = "first"
    SECOND = "second"
    UNGRADED = "ungraded"
    NONE = "none"


QUALIFICATION_CLASS_TITLES: dict[QualificationClass, str] = {
    QualificationClass.FIRST: N_("甲级"),
    QualificationClass.SECOND: N_("乙级"),
    QualificationClass.UNGRADED: N_("不分级"),
    QualificationClass.NONE: N_("无等级"),
}


@dataclass(frozen=True)
class Scan:
    """A certificate scan that is already stored (content-addressed)."""

    file_id: int
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class OrganizationStep:
    """Who the agency is. Legal representative and contact are personal data."""

    name_zh: str
    uscc: str
    region_code: str
    region_zh: str
    address: str
    legal_representative: str
    contact_name: str
    contact_phone: str
    controller: str
    staff_total: int
    name_en: str = ""
    region_en: str = ""
    website: str = ""
    founded_on: date | None = None


@dataclass(frozen=True)
class QualificationDraft:
    """One certificate with its scope, its last day (None: without end) and the items it covers."""

    profession: Profession
    kind_zh: str
    number: str
    grade: QualificationClass
    scope_zh: str
    issuer: str
    expires_on: date | None
    items: tuple[str, ...]
    scan: Scan | None = None
    kind_en: str = ""
    scope_en: str = ""


@dataclass(frozen=True)
class PractitionerDraft:
    """A person on the staff. The certificate number identifies; no identity number is asked for."""

    name: str
    certificate_kind: str
    certificate_no: str
    insured_months: int
    certificate_expires_on: date | None = None
    employed_since: date | None = None


@dataclass(frozen=True)
class IndependenceStep:
    """The declaration: four separations from every department, and all relations, or none."""

    separations: frozenset[Separation]
    relations: tuple[Relation, ...] = ()
    none_declared: bool = False
    signed_by: str = ""


@dataclass(frozen=True)
class Commitment:
    """What is promised for one item: working days, on what the fee rests, a reference price."""

    item: str
    days: int
    fee_basis: str
    reference_price: Decimal | None = None


@dataclass(frozen=True)
class CommitmentsStep:
    """Promises on time and fee for every item offered, and the general ones."""

    items: tuple[Commitment, ...]
    service_text: str = ""
    honest: bool = False


@dataclass(frozen=True)
class Dossier:
    """A filing's content; a step that was never opened is None or empty."""

    organization: OrganizationStep | None = None
    qualifications: tuple[QualificationDraft, ...] = ()
    practitioners: tuple[PractitionerDraft, ...] = ()
    independence: IndependenceStep | None = None
    commitments: CommitmentsStep | None = None
    visited: frozenset[Step] = field(default_factory=frozenset)

    def offered_items(self) -> tuple[str, ...]:
        """Codes of the service items that the certificates cover, sorted."""
        return tuple(sorted({code for q in self.qualifications for code in q.items}))

    def professions(self) -> tuple[Profession, ...]:
        """The professions of the certificates, in their fixed order."""
        held = {q.profession for q in self.qualifications}
        return tuple(p for p in Profession if p in held)
