"""A case from signals: facts, the right of reply of those named, a decision by a second officer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import Conflict, Forbidden, NotFound, Rejected
from core.i18n import N_


class CaseState(StrEnum):
    """States of a case. Whether the time for replies is over, the clock says."""

    OPEN = "open"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


CASE_STATES = {
    CaseState.OPEN: N_("等当事人陈述或决定"),
    CaseState.DECIDED: N_("已决定"),
    CaseState.WITHDRAWN: N_("已撤回"),
}


class CaseAct(StrEnum):
    """The acts of a case's life."""

    REPLY = "reply"
    DECIDE = "decide"
    WITHDRAW = "withdraw"


TRANSITIONS: dict[tuple[CaseState, CaseAct], CaseState] = {
    (CaseState.OPEN, CaseAct.REPLY): CaseState.OPEN,
    (CaseState.OPEN, CaseAct.DECIDE): CaseState.DECIDED,
    (CaseState.OPEN, CaseAct.WITHDRAW): CaseState.WITHDRAWN,
}


class CaseResult(StrEnum):
    """How a case ends."""

    NO_BREACH = "no-breach"
    INSUFFICIENT = "insufficient"
    BREACH = "breach"


CASE_RESULTS = {
    CaseResult.NO_BREACH: N_("没有违规"),
    CaseResult.INSUFFICIENT: N_("证据不足"),
    CaseResult.BREACH: N_("认定违规"),
}

CONDUCT_CODES = {
    "CP-2003": N_("串通竞选被认定"),
    "CP-1001": N_("隐瞒关联关系"),
    "CP-2004": N_("以虚假材料参加选取"),
}
"""Items of the conduct scheme that a breach found here may be proposed under; grading decides on the points."""


@dataclass(frozen=True)
class Breach:
    """What is handed up when a case found a breach by an agency. The facts are Chinese, as decided."""

    case_id: int
    number: str
    agency_id: int
    conduct_code: str
    facts: str
    reasons: str


class CaseGone(NotFound):
    """No such case, or it is not for this reader."""

    code = "signal-case-not-found"
    text = N_("没有找到这个核查。它可能还没有公开，或者与您所在的单位无关。")


class NobodyNamed(Rejected):
    """A case names at least one party, and only those in its signals."""

    code = "case-names-nobody"
    text = N_("请至少选一个当事单位，并且只能选线索涉及的单位。")


class ReplyOver(Conflict):
    """The time for replies has passed."""

    code = "case-reply-over"
    text = N_("陈述期限已于 %(until)s 结束，不能再提交。请等候决定。")


class ReplyRunning(Conflict):
    """Somebody named has not replied and may still do so."""

    code = "case-reply-running"
    text = N_("还有当事单位没有陈述，期限到 %(until)s。全部陈述或期满后才能决定。")


class SameOfficer(Forbidden):
    """Who opened the case does not decide it."""

    code = "case-same-officer"
    text = N_("核查须由立案人以外的监督员决定。请交另一位监督员办理。")


class BreachNamesNobody(Rejected):
    """A breach is somebody's; anything else is nobody's."""

    code = "breach-names-nobody"
    text = N_("认定违规时请选出违规的当事单位；其他结论不要选。")


def may_decide(named: Collection[int], replied: Collection[int], reply_until: datetime, now: datetime) -> bool:
    """Whether everybody named has replied, or their time is over."""
    return now >= reply_until or set(named) <= set(replied)


def check_officer(*, opened_by: int, decides: int) -> None:
    """Two persons: `SameOfficer` when the opener would decide."""
    if opened_by == decides:
        raise SameOfficer


def check_breach(result: CaseResult, breachers: Sequence[int], named: Collection[int]) -> None:
    """A breach names some of the parties, any other result names none."""
    if (result is CaseResult.BREACH) != bool(breachers) or not set(breachers) <= set(named):
        raise BreachNamesNobody


TRAIL_TITLES = {
    "signals.computed": N_("计算市场线索"),
    "signal.noted": N_("线索已看"),
    "signal-case.opened": N_("由线索立案核查"),
    "signal-case.replied": N_("当事单位陈述"),
    "signal-case.withdrawn": N_("核查撤回"),
    "signal-case.closed": N_("核查结束，未认定违规"),
    "signal-case.upheld": N_("核查认定违规"),
}
OPEN_ACTS = ("signal-case.upheld",)
"""Only a breach that was found is public; before that the trail shows proofs alone."""
