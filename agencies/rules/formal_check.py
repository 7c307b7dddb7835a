"""The formal check: every defect at once, never one after the other (domain.md rows 11 to 23).

The same rules guide the applicant before submission and stand beside the registrar's own look.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from agencies.rules.dossier import (
    CommitmentsStep,
    Dossier,
    IndependenceStep,
    PractitionerDraft,
    QualificationDraft,
    Step,
)
from agencies.rules.independence import SEPARATION_TITLES, TargetKind, missing_separations
from core.errors import Message
from core.i18n import N_

INSURED_MONTHS = 3
"""Proof of social insurance for the last three months (domain.md row 12)."""
WARNING_DAYS = (90, 60, 30)
"""Days before expiry at which an agency is warned (domain.md row 20)."""


@dataclass(frozen=True)
class Defect:
    """One thing to put right: at which step, a code for programs, a sentence for people."""

    step: Step
    code: str
    text: str
    params: Mapping[str, str] = field(default_factory=dict)

    def message(self) -> Message:
        """The sentence, translated when read; parameters that are themselves msgids are too."""
        return Message(self.text, {k: Message(v) for k, v in self.params.items()})


@dataclass(frozen=True)
class Surroundings:
    """What the register knows around a dossier, looked up before the rules run."""

    departments: frozenset[str] = frozenset()
    taken_certificates: frozenset[str] = frozenset()
    own_uscc: str = ""
    known_items: Mapping[str, str] = field(default_factory=dict)
    same_controller: tuple[str, ...] = ()
    """Names of recorded agencies with the same controller that the declaration leaves out."""
    flagged_persons: tuple[str, ...] = ()
    """Names of the listed staff on whose person a decision is in force."""


def formal_defects(dossier: Dossier, today: date, around: Surroundings) -> tuple[Defect, ...]:
    """Everything that keeps a dossier from being accepted, step by step, all at once."""
    return (
        *_organization(dossier, around),
        *_qualifications(dossier, today, around),
        *_practitioners(dossier, today, around),
        *_independence(dossier.independence, around),
        *_commitments(dossier.commitments, dossier.offered_items()),
    )


def _organization(dossier: Dossier, around: Surroundings) -> Iterator[Defect]:
    if dossier.organization is None:
        yield Defect(Step.ORGANIZATION, "missing", N_("还没有填写机构基本信息。"))
    elif dossier.organization.uscc != around.own_uscc:
        yield Defect(
            Step.ORGANIZATION,
            "uscc-of-another",
            N_("统一社会信用代码 %(uscc)s 与您登录单位的代码不同。只能为本单位备案，请核对。"),
            {"uscc": dossier.organization.uscc},
        )


def _qualifications(dossier: Dossier, today: date, around: Surroundings) -> Iterator[Defect]:
    held = dossier.qualifications
    if not held:
        yield Defect(Step.QUALIFICATIONS, "missing", N_("至少填写一项资质，并上传证书扫描件。"))
    for one in held:
        yield from _one_qualification(one, today, around)
    for number in _repeated(q.number for q in held):
        yield Defect(
            Step.QUALIFICATIONS,
            "number-repeated",
            N_("证书编号 %(number)s 填了两次，请删去一条。"),
            {"number": number},
        )


def _one_qualification(one: QualificationDraft, today: date, around: Surroundings) -> Iterator[Defect]:
    named = {"number": one.number}
    if one.expires_on is not None and one.expires_on < today:
        yield Defect(
            Step.QUALIFICATIONS,
            "certificate-expired",
            N_("证书 %(number)s 已于 %(day)s 到期。请先向发证机关办理延续，再填写新的有效期。"),
            {**named, "day": one.expires_on.isoformat()},
        )
    if one.scan is None:
        yield Defect(
            Step.QUALIFICATIONS,
            "scan-missing",
            N_("证书 %(number)s 缺扫描件。请上传 PDF、JPG 或 PNG，不超过 10 MB。"),
            named,
        )
    if not one.items:
        yield Defect(
            Step.QUALIFICATIONS,
            "items-missing",
            N_("证书 %(number)s 没有勾选服务事项。请至少选一项。"),
            named,
        )
    for code in one.items:
        if around.known_items and around.known_items.get(code) != one.profession:
            yield Defect(
                Step.QUALIFICATIONS,
                "item-outside-profession",
                N_("证书 %(number)s 勾选的事项 %(item)s 不属于该专业，请改选。"),
                {**named, "item": code},
            )


def _practitioners(dossier: Dossier, today: date, around: Surroundings) -> Iterator[Defect]:
    staff = dossier.practitioners
    if not staff:
        yield Defect(Step.PRACTITIONERS, "missing", N_("至少填写一名持证从业人员。"))
    for person in staff:
        yield from _one_practitioner(person, today, around)
    for number in _repeated(p.certificate_no for p in staff):
        yield Defect(
            Step.PRACTITIONERS,
            "certificate-repeated",
            N_("执业证书 %(number)s 填了两次，请删去一条。"),
            {"number": number},
        )


def _one_practitioner(person: PractitionerDraft, today: date, around: Surroundings) -> Iterator[Defect]:
    named = {"number": person.certificate_no}
    if person.insured_months < INSURED_MONTHS:
        yield Defect(
            Step.PRACTITIONERS,
            "insurance-too-short",
            N_("执业证书 %(number)s 的人员社保不足 3 个月。满 3 个月后再列入，或先移出名单。"),
            named,
        )
    if person.certificate_expires_on is not None and person.certificate_expires_on < today:
        yield Defect(
            Step.PRACTITIONERS,
            "certificate-expired",
            N_("执业证书 %(number)s 已于 %(day)s 到期。请换证后再列入，或先移出名单。"),
            {**named, "day": person.certificate_expires_on.isoformat()},
        )
    if person.certificate_no in around.taken_certificates:
        yield Defect(
            Step.PRACTITIONERS,
            "on-other-staff",
            N_("执业证书 %(number)s 正登记在另一家机构名下。一人只能在一家机构执业，请先办理离职变更。"),
            named,
        )


def _independence(step: IndependenceStep | None, around: Surroundings) -> Iterator[Defect]:
    if step is None:
        yield Defect(Step.INDEPENDENCE, "missing", N_("还没有作出独立性声明。"))
        return
    for one in missing_separations(step.separations):
        yield Defect(
            Step.INDEPENDENCE,
            "not-separated",
            N_("没有声明“%(what)s”。未与行政机关脱钩的机构不能备案，请先脱钩。"),
            {"what": SEPARATION_TITLES[one]},
        )
    if not step.relations and not step.none_declared:
        yield Defect(
            Step.INDEPENDENCE,
            "relations-not-declared",
            N_("请逐条申报关联关系；确实没有的，勾选“没有任何关联关系”。"),
        )
    if step.relations and step.none_declared:
        yield Defect(
            Step.INDEPENDENCE,
            "relations-contradict",
            N_("既申报了关联关系，又勾选了“没有任何关联关系”。请去掉其中一个。"),
        )
    for relation in step.relations:
        if relation.target_kind is TargetKind.DEPARTMENT and (relation.target not in around.departments):
            yield Defect(
                Step.INDEPENDENCE,
                "department-unknown",
                N_("关联部门 %(code)s 不在部门名录里，请重新选择。"),
                {"code": relation.target},
            )


def _commitments(step: CommitmentsStep | None, offered: tuple[str, ...]) -> Iterator[Defect]:
    if step is None:
        yield Defect(Step.COMMITMENTS, "missing", N_("还没有填写服务承诺。"))
        return
    promised = {one.item for one in step.items}
    for code in offered:
        if code not in promised:
            yield Defect(
                Step.COMMITMENTS,
                "item-not-promised",
                N_("事项 %(item)s 没有承诺时限和收费依据。每个事项都要公开这两项。"),
                {"item": code},
            )
    if not step.honest:
        yield Defect(
            Step.COMMITMENTS,
            "not-signed",
            N_("请勾选诚信承诺：所报材料真实，愿意接受核查。"),
        )


def _repeated(values: Iterator[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def hints(dossier: Dossier, today: date, around: Surroundings) -> tuple[Defect, ...]:
    """What a registrar should look at although it is no defect."""
    return (
        *(
            Defect(
                Step.QUALIFICATIONS,
                "expires-soon",
                N_("证书 %(number)s 剩 %(days)s 天到期。"),
                {"number": one.number, "days": str((one.expires_on - today).days)},
            )
            for one in dossier.qualifications
            if one.expires_on is not None and 0 <= (one.expires_on - today).days <= WARNING_DAYS[0]
        ),
        *(
            Defect(
                Step.INDEPENDENCE,
                "same-controller",
                N_("实际控制人与在册机构“%(agency)s”相同，但声明中没有申报，请核实。"),
                {"agency": name},
            )
            for name in around.same_controller
        ),
        *(
            Defect(
                Step.PRACTITIONERS,
                "person-flagged",
                N_("从业人员“%(name)s”有生效中的人员信用标记，随人带入，请核实其能否签字。"),
                {"name": name},
            )
            for name in around.flagged_persons
        ),
    )


class StepState:
    """Names of the four states of a step on the task list."""

    NOT_STARTED = "not-started"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"


STEP_STATE_TITLES: dict[str, str] = {
    StepState.NOT_STARTED: N_("未开始"),
    StepState.INCOMPLETE: N_("已开始，未完成"),
    StepState.COMPLETE: N_("已完成"),
}


def step_states(dossier: Dossier, defects: tuple[Defect, ...]) -> dict[Step, str]:
    """The state of each step: never opened, opened with defects left, or complete."""
    wanting = {defect.step for defect in defects}
    return {
        step: (
            StepState.COMPLETE
            if step not in wanting
            else StepState.INCOMPLETE
            if step in dossier.visited
            else StepState.NOT_STARTED
        )
        for step in Step
    }


def warning_due(expires_on: date | None, today: date) -> int | None:
    """The tightest of 90/60/30 days that has been reached; None before, after, or without end."""
    if expires_on is None or expires_on < today:
        return None
    left = (expires_on - today).days
    reached = [days for days in WARNING_DAYS if left <= days]
    return min(reached) if reached else None
