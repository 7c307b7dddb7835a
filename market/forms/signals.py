"""Form text of supervisors and of those named in a case; the JSON twins use the same parsers."""

from dataclasses import dataclass

from core.forms import Form, Upload
from core.i18n import N_
from market.rules.signal_cases import CONDUCT_CODES, CaseResult
from market.services.signal_cases import MOST_FILES, CaseDecision

LONG_TEXT = 4000
LEAST_REASON = 10


@dataclass(frozen=True)
class CaseDraft:
    """What a case is opened with."""

    signal_ids: list[int]
    parties: list[int]
    question: str


def parse_note(form: Form) -> str:
    """Why a signal needs no case."""
    note = form.text("note", max_length=500)
    form.finish()
    return note


def parse_case(form: Form) -> CaseDraft:
    """Signals, parties and the question to be clarified. Raises `FormInvalid`."""
    question = form.text("question", max_length=LONG_TEXT)
    parties = _ids(form, "party")
    if not parties:
        form.error("party", N_("请至少选一个当事单位。"))
    signal_ids = _ids(form, "signal")
    if not signal_ids:
        form.error("signal", N_("请至少选一条线索。"))
    form.finish()
    return CaseDraft(signal_ids, parties, question)


def _ids(form: Form, name: str) -> list[int]:
    return [int(one) for one in form.many(name) if one.isdecimal() and len(one) <= 15]


@dataclass(frozen=True)
class Statement:
    """What a party says, with files."""

    text: str
    uploads: list[Upload]


def parse_statement(form: Form) -> Statement:
    """A statement. Raises `FormInvalid`."""
    text = form.text("text", max_length=LONG_TEXT)
    uploads = form.uploads("files")
    if len(uploads) > MOST_FILES:
        form.error("files", N_("一次最多 %(most)s 个文件。"), most=MOST_FILES)
    form.finish()
    return Statement(text, uploads)


def parse_decision(form: Form) -> CaseDecision:
    """Result, reasons, who is in breach, and the conduct item if points are to be proposed."""
    result = form.choice("result", CaseResult)
    reasons = _reasons(form)
    breachers = _ids(form, "breacher")
    code = form.text("conduct_code", required=False, max_length=10)
    if code and code not in CONDUCT_CODES:
        form.error("conduct_code", N_("请从列出的记分条目中选择。"))
    if code and result is not CaseResult.BREACH:
        form.error("conduct_code", N_("没有认定违规时不能提出记分。"))
    if result is CaseResult.BREACH and not breachers:
        form.error("breacher", N_("认定违规时请选出违规的当事单位。"))
    form.finish()
    assert result is not None
    return CaseDecision(result, reasons, tuple(breachers), code)


def parse_withdrawal(form: Form) -> str:
    """Why a case is taken back."""
    why = form.text("why", max_length=LONG_TEXT)
    form.finish()
    return why


def _reasons(form: Form) -> str:
    reasons = form.text("reasons", max_length=LONG_TEXT)
    if reasons and len(reasons) < LEAST_REASON:
        form.error("reasons", N_("理由至少写 %(least)s 个字，逐条回应陈述。"), least=LEAST_REASON)
    return reasons
