"""Independence: four separations, relations that must be declared, and which of them bar.

The Environmental Impact law and the business-environment regulations bar affiliates of a department
from that department's approvals (domain.md rows 5, 22; pitfall "red-top intermediaries").
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.i18n import N_


class Separation(StrEnum):
    """The four separations between an agency and any department."""

    PERSONNEL = "personnel"
    FINANCE = "finance"
    PREMISES = "premises"
    FUNCTION = "function"


SEPARATION_TITLES: dict[Separation, str] = {
    Separation.PERSONNEL: N_("人员分开：没有在职公职人员在本机构任职、兼职或领取报酬"),
    Separation.FINANCE: N_("财务分开：与行政机关没有资金往来、分成或代收代付"),
    Separation.PREMISES: N_("场所与名称分开：不占用行政机关场所，名称不致人误认为行政机关"),
    Separation.FUNCTION: N_("职能分开：不承担行政审批、监管、收费等行政职能"),
}


class RelationKind(StrEnum):
    """How an agency is tied to somebody else in the market."""

    AFFILIATE = "affiliate"
    FORMER_AFFILIATE = "former_affiliate"
    FORMER_OFFICIAL = "former_official"
    KINSHIP = "kinship"
    SHAREHOLDING = "shareholding"
    SHARED_CONTROLLER = "shared_controller"
    FORMER_EMPLOYER = "former_employer"


RELATION_TITLES: dict[RelationKind, str] = {
    RelationKind.AFFILIATE: N_("隶属或挂靠于该部门"),
    RelationKind.FORMER_AFFILIATE: N_("原隶属该部门，已脱钩"),
    RelationKind.FORMER_OFFICIAL: N_("负责人或技术骨干曾在该部门任职"),
    RelationKind.KINSHIP: N_("负责人与对方负责人有近亲属关系"),
    RelationKind.SHAREHOLDING: N_("与对方有持股或共同股东关系"),
    RelationKind.SHARED_CONTROLLER: N_("与对方受同一控制人控制"),
    RelationKind.FORMER_EMPLOYER: N_("负责人或技术骨干曾在对方单位任职"),
}

NOT_BARRING = frozenset({RelationKind.FORMER_AFFILIATE})
"""A completed separation with proof on file is shown, but no longer bars."""


class TargetKind(StrEnum):
    """With whom the relation is."""

    DEPARTMENT = "department"
    ORGANIZATION = "organization"
    AGENCY = "agency"


TARGET_TITLES: dict[TargetKind, str] = {
    TargetKind.DEPARTMENT: N_("行政部门"),
    TargetKind.ORGANIZATION: N_("委托方或其他单位"),
    TargetKind.AGENCY: N_("其他中介机构"),
}


@dataclass(frozen=True)
class Relation:
    """One declared relation. `target` is a department code, else a credit code.

    `left_on` is the last day of an earlier employment; without one it is taken as lasting.
    """

    kind: RelationKind
    target_kind: TargetKind
    target: str
    note: str = ""
    left_on: date | None = None

    @property
    def bars(self) -> bool:
        """Whether it keeps the agency away from the target's cases."""
        return self.kind not in NOT_BARRING


def missing_separations(declared: frozenset[Separation]) -> tuple[Separation, ...]:
    """The separations not declared, in their fixed order."""
    return tuple(one for one in Separation if one not in declared)
