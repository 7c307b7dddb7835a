"""From form text to the values of registration, with every fault at its field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agencies.queries.directory import DirectoryFilter, Order
from agencies.rules import CreditGrade, Profession
from agencies.rules.dossier import (
    Commitment,
    CommitmentsStep,
    IndependenceStep,
    OrganizationStep,
    PractitionerDraft,
    QualificationClass,
    QualificationDraft,
    Step,
)
from agencies.rules.filing import FilingKind
from agencies.rules.formal_check import Defect
from agencies.rules.independence import Relation, RelationKind, Separation, TargetKind
from core import files
from core.errors import Rejected
from core.files import SCAN
from core.forms import Form, Upload
from core.i18n import N_

REGION = N_("请填写 6 位行政区划码，例如新泰市 370982。")
PHONE = N_("请填写电话号码，只用数字、空格、+ 和 -，例如 0538-1234567。")
NO_ITEMS = N_("请至少选一个服务事项。")
EXPIRY_OR_NONE = N_("请填写有效期截止日；长期有效的，勾选“长期有效”。")
EXPIRY_AND_NONE = N_("勾选了“长期有效”就不要再填截止日，请去掉其中一个。")
TARGET_MISSING = N_("请选择行政部门，或者填写对方的统一社会信用代码。")
TARGET_TWICE = N_("一条关系只有一个对象：行政部门和信用代码只填一个。")
SEPARATIONS_MISSING = N_("四项都要声明。做不到的，请先脱钩再来备案。")
RELATIONS_OR_NONE = N_("请逐条申报关联关系；确实没有的，勾选“没有任何关联关系”。")
RELATIONS_AND_NONE = N_("既填了关联关系，又勾选了“没有任何关联关系”。请去掉其中一个。")
HONEST = N_("请勾选诚信承诺后再保存。")
REASON_SHORT = N_("请写清楚事实和依据，至少 10 个字。")
SHORTEST_REASON = 10
LONGEST_QUERY = 60
MOST_DAYS = 365
E = TypeVar("E")


def version_of(form: Form) -> int | None:
    """The version of the case that the form was made from, if it says."""
    return form.integer("version", minimum=1, required=False)


def parse_kind(form: Form) -> FilingKind:
    """Which filing to open."""
    kind = form.choice("kind", FilingKind)
    form.finish()
    assert kind is not None
    return kind


def parse_organization(form: Form) -> OrganizationStep:
    """Step one: who the agency is."""
    region = form.text("region_code", max_length=6)
    if region and not (len(region) == 6 and region.isascii() and region.isdigit()):
        form.error("region_code", REGION)
    phone = form.text("contact_phone", max_length=40)
    if phone and not set(phone) <= set("0123456789 +-"):
        form.error("contact_phone", PHONE)
    step = OrganizationStep(
        name_zh=form.text("name_zh"),
        name_en=form.text("name_en", required=False, max_length=300),
        uscc=form.uscc("uscc"),
        region_code=region,
        region_zh=form.text("region_zh", max_length=100),
        region_en=form.text("region_en", required=False),
        address=form.text("address"),
        website=form.text("website", required=False),
        founded_on=form.date("founded_on", required=False),
        legal_representative=form.text("legal_representative", max_length=80),
        contact_name=form.text("contact_name", max_length=80),
        contact_phone=phone,
        controller=form.text("controller"),
        staff_total=form.integer("staff_total", minimum=1, maximum=100_000) or 0,
    )
    form.finish()
    return step


@dataclass(frozen=True)
class QualificationForm:
    """A certificate as typed, with its scan if one was sent."""

    draft: QualificationDraft
    scan: Upload | None


def parse_qualification(form: Form, *, has_scan: bool = False) -> QualificationForm:
    """One certificate; `has_scan` says that an earlier scan stays unless a new one comes."""
    profession = form.choice("profession", Profession)
    grade = form.choice("grade", QualificationClass)
    items = tuple(form.many("items", max_length=20))
    if not items:
        form.error("items", NO_ITEMS)
    expires_on = form.date("expires_on", required=False)
    unlimited = form.flag("unlimited")
    if expires_on is None and not unlimited:
        form.error("expires_on", EXPIRY_OR_NONE)
    if expires_on is not None and unlimited:
        form.error("expires_on", EXPIRY_AND_NONE)
    scan = form.upload("scan", required=not has_scan)
    _check_file(form, "scan", scan)
    kind_zh, kind_en = form.text("kind_zh", max_length=100), form.text("kind_en", required=False)
    scope_zh = form.text("scope_zh", max_length=500)
    scope_en = form.text("scope_en", required=False, max_length=800)
    number, issuer = form.text("number", max_length=80), form.text("issuer", max_length=100)
    form.finish()
    assert profession is not None and grade is not None  # noqa: PT018  finish() has raised otherwise
    draft = QualificationDraft(
        profession, kind_zh, number, grade, scope_zh, issuer, expires_on, items, None, kind_en, scope_en
    )
    return QualificationForm(draft, scan)


def _check_file(form: Form, name: str, upload: Upload | None) -> None:
    if upload is None:
        return
    try:
        files.check(upload, SCAN)
    except Rejected as fault:
        form.error(name, fault.text, **fault.params)


def parse_practitioner(form: Form) -> PractitionerDraft:
    """Somebody on the staff."""
    person = PractitionerDraft(
        name=form.text("name", max_length=80),
        certificate_kind=form.text("certificate_kind", max_length=100),
        certificate_no=form.text("certificate_no", max_length=80),
        insured_months=form.integer("insured_months", minimum=0, maximum=720) or 0,
        certificate_expires_on=form.date("certificate_expires_on", required=False),
        employed_since=form.date("employed_since", required=False),
    )
    form.finish()
    return person


def parse_independence(form: Form) -> IndependenceStep:
    """The independence declaration. Empty relation rows are left out."""
    separations = _chosen(form, "separations", Separation)
    if len(separations) < len(Separation):
        form.error("separations", SEPARATIONS_MISSING)
    relations = tuple(
        relation
        for row in form.rows("relations")
        if row.given("kind", "department", "uscc", "note", "left_on") and (relation := _relation(row)) is not None
    )
    none_declared = form.flag("none_declared")
    if not relations and not none_declared:
        form.error("none_declared", RELATIONS_OR_NONE)
    if relations and none_declared:
        form.error("none_declared", RELATIONS_AND_NONE)
    signed_by = form.text("signed_by", max_length=80)
    form.finish()
    return IndependenceStep(separations, relations, none_declared, signed_by)


def _relation(row: Form) -> Relation | None:
    kind = row.choice("kind", RelationKind)
    department = row.text("department", required=False, max_length=20)
    uscc = row.uscc("uscc", required=False)
    note = row.text("note", required=False, max_length=300)
    left_on = row.date("left_on", required=False)
    if not department and not uscc:
        row.error("department", TARGET_MISSING)
    if department and uscc:
        row.error("department", TARGET_TWICE)
    if kind is None:
        return None
    if department:
        return Relation(kind, TargetKind.DEPARTMENT, department, note, left_on)
    target = TargetKind.AGENCY if kind is RelationKind.SHARED_CONTROLLER else TargetKind.ORGANIZATION
    return Relation(kind, target, uscc, note, left_on)


def parse_commitments(form: Form) -> CommitmentsStep:
    """Promises for every item, and the signature under all of it."""
    items = tuple(
        Commitment(
            item=row.text("item", max_length=20),
            days=row.integer("days", minimum=1, maximum=MOST_DAYS) or 0,
            fee_basis=row.text("fee_basis", max_length=300),
            reference_price=row.money("reference_price", minimum=None, required=False),
        )
        for row in form.rows("items")
    )
    _check_prices(form)
    honest = form.flag("honest")
    if not honest:
        form.error("honest", HONEST)
    text = form.text("service_text", required=False, max_length=1000)
    form.finish()
    return CommitmentsStep(items, text, honest)


def _check_prices(form: Form) -> None:
    for row in form.rows("items"):
        price = row.money("reference_price", required=False)
        if price is not None and price <= 0:
            row.error("reference_price", N_("参考价须大于 0；没有参考价可以不填。"))


def parse_return(form: Form, precheck: Sequence[Defect] = ()) -> tuple[Defect, ...]:
    """All defects of a return: one text per step, and what the formal check found."""
    typed = [
        Defect(step, "registrar", text)
        for step in Step
        if (text := form.text(f"defect_{step.value}", required=False, max_length=1000))
    ]
    form.finish()
    return (*precheck, *typed)


def parse_reason(form: Form, name: str = "reason") -> str:
    """A reason that says something."""
    text = form.text(name, max_length=2000)
    if text and len(text) < SHORTEST_REASON:
        form.error(name, REASON_SHORT)
    form.finish()
    return text


@dataclass(frozen=True)
class Decision:
    """What a registrar decides on an objection."""

    upheld: bool
    reasons: str


def parse_decision(form: Form) -> Decision:
    """Uphold or dismiss, with reasons."""
    outcome = form.text("outcome", max_length=10)
    if outcome not in {"upheld", "dismissed", ""}:
        form.error("outcome", N_("请选择异议成立或不成立。"))
    return Decision(outcome == "upheld", parse_reason(form, "reasons"))


def _chosen(form: Form, name: str, kind: type[Separation]) -> frozenset[Separation]:
    known = {one.value for one in kind}
    return frozenset(kind(value) for value in form.many(name) if value in known)


def read_filter(query: Mapping[str, Sequence[str]]) -> DirectoryFilter:
    """What somebody looks for, from an address; nonsense is left out, never an error."""
    grades = frozenset(grade for grade in CreditGrade if grade.value in query.get("grade", ()))
    region = _first(query, "region")
    return DirectoryFilter(
        profession=_member(Profession, _first(query, "profession")),
        grades=grades,
        region=region if region.isascii() and region.isdigit() and len(region) <= 6 else "",
        items=tuple(dict.fromkeys(query.get("item", ())))[:10],
        text=_first(query, "q")[:LONGEST_QUERY].replace("\x00", ""),
        order=_member(Order, _first(query, "order")) or Order.LOT,
    )


def _first(query: Mapping[str, Sequence[str]], name: str) -> str:
    values = query.get(name) or [""]
    return values[0].strip()


def _member(kind: type[E], value: str) -> E | None:
    try:
        return kind(value)  # type: ignore[call-arg]
    except ValueError:
        return None


def read_numbers(values: Sequence[str], *, most: int = 4) -> list[int]:
    """Ids from an address; anything that is none is left out."""
    return [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 16][:most]
