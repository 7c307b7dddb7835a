"""Form text of those who watch the grading; the JSON twins use the same parsers."""

from dataclasses import dataclass

from core.forms import Form
from core.i18n import N_
from grading.rules.grader_signals import SignalResult

LONG = 2000
LEAST_REASON = 10
TOO_SHORT = N_("理由至少写 %(least)s 个字：看了什么，为什么这样决定。")


@dataclass(frozen=True)
class SignalDecision:
    """How a signal is decided."""

    result: SignalResult
    reasons: str


def parse_assignment(form: Form) -> int:
    """The account that a signal is given to."""
    account_id = form.integer("account_id", minimum=1)
    form.finish()
    assert account_id is not None
    return account_id


def parse_signal_decision(form: Form) -> SignalDecision:
    """Result and reasons."""
    result = form.choice("result", SignalResult)
    reasons = _reasons(form)
    form.finish()
    assert result is not None
    return SignalDecision(result, reasons)


def parse_reopening(form: Form) -> str:
    """Why a decided signal is opened again."""
    reasons = _reasons(form)
    form.finish()
    return reasons


def _reasons(form: Form) -> str:
    reasons = form.text("reasons", max_length=LONG)
    if reasons and len(reasons) < LEAST_REASON:
        form.error("reasons", TOO_SHORT, least=LEAST_REASON)
    return reasons
