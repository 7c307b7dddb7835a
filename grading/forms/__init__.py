"""Form text → commands of grading, or one sentence per field."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agencies.rules import Profession
from core import clock
from core.forms import Form, Upload
from core.i18n import N_
from grading.services import FindingDraft, Imposition

LONG = 2000
AHEAD = N_("日期不能晚于今天。")
ORDER = N_("截止日期须晚于起算日期。")


class Verdict(StrEnum):
    """How a finding is decided."""

    UPHOLD = "uphold"
    DISMISS = "dismiss"


@dataclass(frozen=True)
class Decision:
    """Upheld or not, and why."""

    upheld: bool
    reasons: str


@dataclass(frozen=True)
class Revocation:
    """The decision that revokes a certificate."""

    document_no: str
    reason: str


def parse_text(form: Form, name: str = "text", *, required: bool = True) -> str:
    """One long text: a comment, a reply, an answer, a reason."""
    text = form.text(name, required=required, max_length=LONG)
    form.finish()
    return text


def parse_day(form: Form) -> date:
    """The day of a run."""
    day = form.date("as_of")
    if day and day > clock.today():
        form.error("as_of", AHEAD)
    form.finish()
    assert day is not None
    return day


def _profession(form: Form) -> Profession | None:
    return form.choice("profession", Profession, required=False)


def parse_finding(form: Form) -> FindingDraft:
    """A finding put to an agency."""
    found_on = form.date("found_on")
    if found_on and found_on > clock.today():
        form.error("found_on", AHEAD)
    agency_id = form.integer("agency_id", minimum=1)
    draft = FindingDraft(
        agency_id=agency_id or 0,
        profession=_profession(form),
        code=form.text("code", max_length=10),
        event=form.text("event", required=False, max_length=60),
        found_on=found_on or clock.today(),
        facts=form.text("facts", max_length=LONG),
        source=form.text("source", max_length=LONG),
        evidence=tuple(form.uploads("evidence")),
        complaint=form.flag("complaint"),
    )
    form.finish()
    return draft


@dataclass(frozen=True)
class Reply:
    """What the agency answers, and the files that show it."""

    text: str
    evidence: tuple[Upload, ...] = ()


def parse_reply(form: Form) -> Reply:
    """The agency's reply with its files."""
    return Reply(parse_text(form), tuple(form.uploads("evidence")))


def parse_decision(form: Form) -> Decision:
    """How a finding is decided, with reasons."""
    verdict = form.choice("verdict", Verdict)
    reasons = form.text("reasons", max_length=LONG)
    form.finish()
    return Decision(verdict is Verdict.UPHOLD, reasons)


def parse_imposition(form: Form) -> Imposition:
    """A direct D as its document says."""
    starts_on, ends_on = form.date("starts_on"), form.date("ends_on")
    if starts_on and starts_on > clock.today():
        form.error("starts_on", AHEAD)
    if starts_on and ends_on and ends_on <= starts_on:
        form.error("ends_on", ORDER)
    agency_id = form.integer("agency_id", minimum=1)
    decision = Imposition(
        agency_id=agency_id or 0,
        profession=_profession(form),
        code=form.text("code", max_length=10),
        document_no=form.text("document_no", max_length=80),
        authority=form.text("authority", max_length=120),
        facts=form.text("facts", max_length=LONG),
        starts_on=starts_on or clock.today(),
        ends_on=ends_on or clock.today(),
        as_decided=form.flag("as_decided"),
    )
    form.finish()
    return decision


def parse_revocation(form: Form) -> Revocation:
    """Why a certificate is revoked, and by which decision."""
    revocation = Revocation(form.text("document_no", max_length=80), form.text("reason", max_length=LONG))
    form.finish()
    return revocation
