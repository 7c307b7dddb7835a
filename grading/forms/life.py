"""Form text → commands of requests, objections, panels and repairs."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from core import clock
from core.forms import NOT_A_CHOICE, Form
from core.i18n import N_
from grading.rules.asked import AskedKind
from grading.rules.corrections import WITH_AMOUNT, Change, CorrectionKind
from grading.rules.objections import Verdict
from grading.services import Objecting, RepairDraft

LONG = 4000
MOST_CHANGES = 30
NOT_A_MARK = N_("请填写 0 至 100 之间的分数，最多两位小数。")
_MARK = re.compile(r"(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)")
_TARGET = re.compile(r"(case|finding|direct-d):([0-9]{1,15})")


@dataclass(frozen=True)
class Deciding:
    """A decision on an objection, first or by the panel."""

    verdict: Verdict
    reasons: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Voting:
    """A vote on proposal `number`."""

    number: int
    agrees: bool
    words: str


class RepairVerdict(StrEnum):
    """How an application for repair is decided."""

    GRANT = "grant"
    REFUSE = "refuse"


@dataclass(frozen=True)
class RepairDecision:
    """Granted or not, why, and whether the papers were forged."""

    granted: bool
    reasons: str
    forged: bool


def parse_asking(form: Form) -> tuple[AskedKind, str]:
    """What is asked for, and the question."""
    kind = form.choice("kind", AskedKind)
    question = form.text("question", max_length=LONG)
    form.finish()
    assert kind is not None
    return kind, question


def parse_objecting(form: Form) -> Objecting:
    """An objection with its evidence."""
    draft = Objecting(
        facts=form.text("facts", max_length=LONG),
        wish=form.text("wish", max_length=500),
        evidence=tuple(form.uploads("evidence")),
    )
    form.finish()
    return draft


def parse_long(form: Form, name: str = "words", *, required: bool = True) -> str:
    """One long text."""
    text = form.text(name, required=required, max_length=LONG)
    form.finish()
    return text


def parse_deciding(form: Form) -> Deciding:
    """A decision with its corrections; corrections are read for an upholding one only."""
    verdict = form.choice("verdict", Verdict)
    reasons = form.text("reasons", max_length=LONG)
    changes = _changes(form) if verdict is Verdict.UPHOLD else ()
    form.finish()
    assert verdict is not None
    return Deciding(verdict, reasons, changes)


def _changes(form: Form) -> tuple[Change, ...]:
    rows = [row for row in form.rows("change", limit=MOST_CHANGES) if row.given("target", "kind", "amount")]
    found = [_change(row) for row in rows]
    return tuple(one for one in found if one is not None)


def _change(row: Form) -> Change | None:
    """One row: `target` is `case:7` or `finding:3`, as the list offers them."""
    target, kind = _TARGET.fullmatch(row.text("target")), row.choice("kind", CorrectionKind)
    amount = _amount(row, required=kind in WITH_AMOUNT)
    if kind is None:
        return None
    if target is None or (target[1] == "finding") != (kind is CorrectionKind.DROP_FINDING):
        row.error("target", NOT_A_CHOICE)
        return None
    return Change(kind, int(target[2]), amount if kind in WITH_AMOUNT else None)


def _amount(row: Form, *, required: bool) -> Decimal | None:
    text = row.text("amount", required=required, max_length=10)
    if not text:
        return None
    if not _MARK.fullmatch(text):
        row.error("amount", NOT_A_MARK)
        return None
    return Decimal(text).quantize(Decimal("0.01"))


def parse_vote(form: Form) -> Voting:
    """A vote; a dissent says why."""
    number = form.integer("number", minimum=1)
    verdict = form.text("vote", max_length=10)
    if verdict not in {"agree", "disagree"}:
        form.error("vote", NOT_A_CHOICE)
    words = form.text("words", required=verdict == "disagree", max_length=LONG)
    form.finish()
    assert number is not None
    return Voting(number, verdict == "agree", words)


def parse_repair(form: Form) -> RepairDraft:
    """An application; `record` is `finding:3` or `direct-d:5`."""
    record = _TARGET.fullmatch(form.text("record"))
    if record is None or record[1] == "case":
        form.error("record", NOT_A_CHOICE)
    draft = RepairDraft(
        corrected=form.text("corrected", max_length=LONG),
        obligations=form.text("obligations", max_length=LONG),
        confirmed_by=form.text("confirmed_by", required=False, max_length=200),
        promised=form.flag("promised"),
        evidence=tuple(form.uploads("evidence")),
        finding_id=int(record[2]) if record and record[1] == "finding" else None,
        direct_d_id=int(record[2]) if record and record[1] == "direct-d" else None,
    )
    form.finish()
    return draft


def parse_repair_decision(form: Form) -> RepairDecision:
    """Granted or refused."""
    verdict = form.choice("verdict", RepairVerdict)
    reasons = form.text("reasons", max_length=LONG)
    form.finish()
    forged = form.flag("forged") and verdict is RepairVerdict.REFUSE
    return RepairDecision(verdict is RepairVerdict.GRANT, reasons, forged)


def parse_on(text: str | None) -> date:
    """A day out of an address; today for none or nonsense, and for the future."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return clock.today()
    return min(day, clock.today())
