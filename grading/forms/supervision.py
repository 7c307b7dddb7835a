"""Form text → commands of supervision, or one sentence per field."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agencies.rules.persons import Flag
from core import clock
from core.forms import Form, Upload
from core.i18n import N_
from grading.forms import AHEAD, LONG, ORDER
from grading.rules.improvement import ImprovementDraft
from grading.rules.inspections import PROPOSING, OrderWithoutTerm, Outcome
from grading.rules.way_back import MOST_FILES, WayBackDraft
from grading.services import InspectionDraft


class Yes(StrEnum):
    """The two ends of a decision."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True)
class Ruling:
    """Yes or no, and why."""

    yes: bool
    reasons: str


@dataclass(frozen=True)
class Pair:
    """Who is said to carry on whom, and on what facts."""

    predecessor: int
    successor: int
    facts: str


@dataclass(frozen=True)
class OutsideValue:
    """A public value and where it was read."""

    value: str
    where: str


def parse_improvement(form: Form) -> ImprovementDraft:
    """What an agency does about its grade C."""
    draft = ImprovementDraft(form.text("measures", max_length=LONG), form.text("training", max_length=LONG))
    form.finish()
    return draft


def parse_ruling(form: Form, *, reasons_needed: bool = True) -> Ruling:
    """A decision with reasons."""
    verdict = form.choice("verdict", Yes)
    reasons = form.text("reasons", required=reasons_needed or verdict is Yes.NO, max_length=LONG)
    form.finish()
    return Ruling(verdict is Yes.YES, reasons)


def parse_way_back(form: Form, *, files_needed: bool = True) -> tuple[WayBackDraft, tuple[Upload, ...]]:
    """What an agency shows to leave a direct D, with its proofs."""
    draft = WayBackDraft(
        corrected=form.text("corrected", max_length=LONG),
        obligations=form.text("obligations", max_length=LONG),
        confirmation=form.text("confirmation", max_length=LONG),
        committed=form.flag("committed"),
    )
    proofs = tuple(form.uploads("proofs"))
    if files_needed and not proofs:
        form.error("proofs", N_("请至少附一份证明材料。"))
    if len(proofs) > MOST_FILES:
        form.error("proofs", N_("最多附 %(n)s 份材料。"), n=MOST_FILES)
    if not draft.committed:
        form.error("committed", N_("请作出公开承诺。"))
    form.finish()
    return draft, proofs


def parse_pair(form: Form) -> Pair:
    """A successor put forward by hand."""
    pair = Pair(
        form.integer("predecessor", minimum=1) or 0,
        form.integer("successor", minimum=1) or 0,
        form.text("facts", max_length=LONG),
    )
    form.finish()
    return pair


def parse_flag(form: Form) -> Flag:
    """A decision against a registered professional."""
    starts_on, ends_on = form.date("starts_on"), form.date("ends_on")
    if starts_on and starts_on > clock.today():
        form.error("starts_on", AHEAD)
    if starts_on and ends_on and ends_on <= starts_on:
        form.error("ends_on", ORDER)
    flag = Flag(
        certificate_no=form.text("certificate_no", max_length=80),
        document_no=form.text("document_no", max_length=80),
        authority=form.text("authority", max_length=120),
        facts=form.text("facts", max_length=LONG),
        bars=form.flag("bars"),
        starts_on=starts_on or clock.today(),
        ends_on=ends_on or clock.today(),
    )
    form.finish()
    return flag


def parse_source(form: Form) -> str:
    """The public value that will complete a draw."""
    source = form.text("outside_source", max_length=200)
    form.finish()
    return source


def parse_value(form: Form) -> OutsideValue:
    """The value as read, and where."""
    value = OutsideValue(form.text("value", max_length=200), form.text("where", max_length=300))
    form.finish()
    return value


def parse_rectified(form: Form) -> str:
    """How it was checked that an order was followed."""
    words = form.text("words", max_length=LONG)
    form.finish()
    return words


def parse_inspection(form: Form) -> InspectionDraft:
    """What an inspection found; a finding names its item."""
    visited_on: date | None = form.date("visited_on")
    if visited_on and visited_on > clock.today():
        form.error("visited_on", AHEAD)
    outcome = form.choice("outcome", Outcome)
    code = form.text("code", required=False, max_length=10)
    if outcome is Outcome.FINDING and not code:
        form.error("code", N_("发现不良行为的，请选择记分条目。"))
    correct_by = form.date("correct_by", required=outcome is Outcome.ORDERED)
    if outcome is Outcome.ORDERED and correct_by and correct_by < clock.today():
        form.error("correct_by", OrderWithoutTerm.text)
    draft = InspectionDraft(
        visited_on=visited_on or clock.today(),
        inspectors=form.text("inspectors", max_length=200),
        facts=form.text("facts", max_length=LONG),
        outcome=outcome or Outcome.CLEAN,
        code=code if outcome in PROPOSING else "",
        correct_by=correct_by if outcome is Outcome.ORDERED else None,
    )
    form.finish()
    return draft
