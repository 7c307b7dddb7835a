"""Objections to a notice or to a result: who may say what until when, and who must answer by when.

Source: Guangdong supermarket complaint guide (parties, facts, provision, lawful evidence, date, not already
decided) and, as analogue, the Bidding Law regulation (answer before going on, take up in 3 working days, decide
in writing with reasons). The numbers are those of the notice's edition (`edition.objection`).

A decision never draws again: it confirms, corrects along the order that was fixed, or voids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core import clock
from core.errors import Conflict, Message, NotFound, Rejected
from core.i18n import N_
from core.workdays import Calendar
from market.rules.editions import ObjectionRule
from market.rules.notices import NoticeClock, Phase, SelectionMethod, phase

SHORTEST = 20
"""Characters: facts, answers and decisions give reasons, or they are none."""
MOST_FILES = 5


class Against(StrEnum):
    """What an objection is directed at."""

    NOTICE = "notice"
    RESULT = "result"


AGAINST = {Against.NOTICE: N_("对公告的异议"), Against.RESULT: N_("对选取过程和结果的异议")}


class ObjectionState(StrEnum):
    """Stored states; every change goes through `TRANSITIONS`."""

    LODGED = "lodged"
    REJECTED = "rejected"
    ESCALATED = "escalated"
    ACCEPTED = "accepted"
    UPHELD = "upheld"
    DECLINED = "declined"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    VOIDED = "voided"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    MOOT = "moot"


class ObjectionAct(StrEnum):
    """The acts of an objection's life. LODGE begins it."""

    LODGE = "lodge"
    UPHOLD = "uphold"
    REJECT = "reject"
    REFER = "refer"
    ESCALATE = "escalate"
    ACCEPT = "accept"
    DECLINE = "decline"
    CONFIRM = "confirm"
    CORRECT = "correct"
    VOID = "void"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    MOOT = "moot"


_S, _A = ObjectionState, ObjectionAct
OPEN = frozenset({_S.LODGED, _S.REJECTED, _S.ESCALATED, _S.ACCEPTED})
"""While one of these lasts, an award is not confirmed."""

TRANSITIONS: dict[tuple[ObjectionState, ObjectionAct], ObjectionState] = {
    (_S.LODGED, _A.UPHOLD): _S.UPHELD,
    (_S.LODGED, _A.REJECT): _S.REJECTED,
    (_S.LODGED, _A.REFER): _S.ESCALATED,
    (_S.LODGED, _A.ESCALATE): _S.ESCALATED,
    (_S.REJECTED, _A.ESCALATE): _S.ESCALATED,
    (_S.REJECTED, _A.LAPSE): _S.LAPSED,
    (_S.ESCALATED, _A.ACCEPT): _S.ACCEPTED,
    (_S.ESCALATED, _A.DECLINE): _S.DECLINED,
    (_S.ACCEPTED, _A.CONFIRM): _S.CONFIRMED,
    (_S.ACCEPTED, _A.CORRECT): _S.CORRECTED,
    (_S.ACCEPTED, _A.VOID): _S.VOIDED,
    **{(state, _A.WITHDRAW): _S.WITHDRAWN for state in OPEN},
    **{(state, _A.MOOT): _S.MOOT for state in OPEN},
}

STATES = {
    _S.LODGED: N_("等业主答复"),
    _S.REJECTED: N_("业主不支持，异议人可上报"),
    _S.ESCALATED: N_("已上报，等监督部门受理"),
    _S.ACCEPTED: N_("监督部门处理中"),
    _S.UPHELD: N_("业主支持"),
    _S.DECLINED: N_("监督部门不予受理"),
    _S.CONFIRMED: N_("决定：维持"),
    _S.CORRECTED: N_("决定：更正"),
    _S.VOIDED: N_("决定：选取无效"),
    _S.WITHDRAWN: N_("异议人已撤回"),
    _S.LAPSED: N_("逾期未上报，已结束"),
    _S.MOOT: N_("公告已终止，不再处理"),
}
FOR_THE_OBJECTOR = frozenset({_S.UPHELD, _S.CORRECTED, _S.VOIDED})
"""Outcomes counted as upheld."""
AGAINST_THE_OBJECTOR = frozenset({_S.CONFIRMED, _S.DECLINED, _S.LAPSED})

ACTS = {
    _A.LODGE: N_("异议人提出异议"),
    _A.UPHOLD: N_("业主支持异议"),
    _A.REJECT: N_("业主答复：不支持"),
    _A.REFER: N_("业主同意更正，交监督部门办理"),
    _A.ESCALATE: N_("异议人上报监督部门"),
    _A.ACCEPT: N_("监督部门受理"),
    _A.DECLINE: N_("监督部门不予受理"),
    _A.CONFIRM: N_("决定：维持"),
    _A.CORRECT: N_("决定：更正"),
    _A.VOID: N_("决定：选取无效"),
    _A.WITHDRAW: N_("异议人撤回异议"),
    _A.LAPSE: N_("逾期未上报，异议结束"),
    _A.MOOT: N_("公告终止，异议不再处理"),
}

TRAIL_TITLES = {
    "objection.lodged": ACTS[_A.LODGE],
    "objection.upheld": ACTS[_A.UPHOLD],
    "objection.rejected": ACTS[_A.REJECT],
    "objection.referred": ACTS[_A.REFER],
    "objection.escalated": ACTS[_A.ESCALATE],
    "objection.accepted": ACTS[_A.ACCEPT],
    "objection.declined": ACTS[_A.DECLINE],
    "objection.confirmed": ACTS[_A.CONFIRM],
    "objection.corrected": ACTS[_A.CORRECT],
    "objection.voided": ACTS[_A.VOID],
    "objection.withdrawn": ACTS[_A.WITHDRAW],
    "objection.lapsed": ACTS[_A.LAPSE],
    "objection.mooted": ACTS[_A.MOOT],
    "notice.paused": N_("异议成案，暂停确认"),
    "notice.resumed": N_("异议办结，公示期继续"),
    "notice.voided": N_("决定选取无效"),
    "award.corrected": N_("按决定更正结果"),
}
OPEN_ACTS = tuple(TRAIL_TITLES)
"""Public in full; while the objector's name is veiled, the trail itself shows only the proof."""

RECORDED_AS = {
    _A.LODGE: "objection.lodged",
    _A.UPHOLD: "objection.upheld",
    _A.REJECT: "objection.rejected",
    _A.REFER: "objection.referred",
    _A.ESCALATE: "objection.escalated",
    _A.ACCEPT: "objection.accepted",
    _A.DECLINE: "objection.declined",
    _A.CONFIRM: "objection.confirmed",
    _A.CORRECT: "objection.corrected",
    _A.VOID: "objection.voided",
    _A.WITHDRAW: "objection.withdrawn",
    _A.LAPSE: "objection.lapsed",
    _A.MOOT: "objection.mooted",
}


class Remedy(StrEnum):
    """What the client does when it answers."""

    REJECT = "reject"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    REFER = "refer"


REMEDIES = {
    Remedy.REJECT: N_("不支持：公告或结果符合规则"),
    Remedy.AMEND: N_("支持：在截止前修改公告"),
    Remedy.WITHDRAW: N_("支持：撤回公告"),
    Remedy.CANCEL: N_("支持：取消本次选取"),
    Remedy.REFER: N_("支持：请监督部门更正结果（业主不能自己换人）"),
}
REMEDY_ACTS = {
    Remedy.REJECT: _A.REJECT,
    Remedy.AMEND: _A.UPHOLD,
    Remedy.WITHDRAW: _A.UPHOLD,
    Remedy.CANCEL: _A.UPHOLD,
    Remedy.REFER: _A.REFER,
}


def remedies(where: Phase) -> tuple[Remedy, ...]:
    """What a client may answer while its notice is in this phase.

    A client never replaces a winner by itself: a friendly objection must not steer an award.
    """
    if where in {Phase.COLLECTING, Phase.OFFERED}:
        return (Remedy.REJECT, Remedy.AMEND, Remedy.WITHDRAW)
    if where in {Phase.ON_DISPLAY, Phase.PAUSED, Phase.CONFIRMING}:
        return (Remedy.REJECT, Remedy.REFER, Remedy.CANCEL)
    return (Remedy.REJECT,)


class Decision(StrEnum):
    """What the supervisor decides."""

    CONFIRM = "confirm"
    CORRECT = "correct"
    VOID = "void"


DECISIONS = {
    Decision.CONFIRM: N_("维持：公告或结果有效，公示期按剩余天数继续"),
    Decision.CORRECT: N_("更正：剔除或恢复报价，按固定顺序接替，重新公示"),
    Decision.VOID: N_("无效：本次选取失败，业主可重新发布"),
}


# --- errors -----------------------------------------------------------------------------------


class ObjectionGone(NotFound):
    """No such objection."""

    code = "objection-not-found"
    text = N_("没有找到这件异议。请从公告页或异议列表进入。")


class NotObjectable(Conflict):
    """Nothing can be objected to now: too early, already confirmed, or ended."""

    code = "objection-closed"
    text = N_("现在不能提出异议：对公告的异议须在报价截止前，对结果的异议须在公示期内。已确认的结果请向有关部门反映。")


class ObjectionLate(Conflict):
    """The notice period, or the deadline, was over at commit."""

    code = "objection-late"
    text = N_("提出异议的期限已于 %(until)s 届满，您的异议没有收入。")


class NotConcerned(Conflict):
    """Neither a bidder nor an agency on record for the item."""

    code = "objection-not-concerned"
    text = N_("只有参加了本次报价的机构可以对结果提出异议；备案范围含本事项的机构可以对公告提出异议。")


class AlreadyObjected(Conflict):
    """One objection per party and act; what was decided is not taken up again."""

    code = "objection-already-lodged"
    text = N_("贵机构已对同一公告或结果提出过异议（%(number)s），不再重复受理。可在那件异议中查看进度或上报。")


class NotYourTurn(Conflict):
    """The client still has time to answer, or the window has closed."""

    code = "objection-not-your-turn"
    text = N_("现在还不能上报：业主可在 %(until)s 前答复。答复后，或者到期没有答复，您就可以上报。")


class EscalationLate(Conflict):
    """The window to escalate has closed."""

    code = "objection-escalation-late"
    text = N_("上报期限已于 %(until)s 届满，这件异议已按业主答复结束。")


class AlreadyDecided(Conflict):
    """Another officer was quicker."""

    code = "objection-already-closed"
    text = N_("这件异议已经办结（%(state)s），您的操作没有收入。请刷新页面查看结果。")


class SecondPersonNeeded(Conflict):
    """Whoever took it up does not decide it; nobody decides what concerns the own organisation."""

    code = "objection-second-person"
    text = N_("受理人不能同时作出决定，与异议双方同一单位的人也不能办理。请由另一位监督员办理。")


class CannotCorrect(Rejected):
    """A correction that the fixed order does not provide for."""

    code = "objection-cannot-correct"
    text = N_("不能这样更正：%(why)s")


# --- what an objection must say ---------------------------------------------------------------


@dataclass(frozen=True)
class ObjectionDraft:
    """What an objector writes. `provision` is a code of content/provisions.toml or empty."""

    facts: str
    wish: str
    provision: str
    provision_words: str
    evidence_words: str


def check_objection(draft: ObjectionDraft, *, files: int, honest: bool) -> dict[str, Message]:
    """Everything missing, by field: facts, the provision breached, evidence, the declaration (row 40)."""
    errors = {}
    if len(draft.facts) < SHORTEST:
        errors["facts"] = Message(N_("请写明事实和理由，至少 %(n)s 个字。"), {"n": SHORTEST})
    if not draft.provision and not draft.provision_words:
        errors["provision"] = Message(N_("请选择违反的规定，或者在下面写明。"))
    if not files and not draft.evidence_words:
        errors["evidence"] = Message(N_("请上传证据，或者写明证据在哪里可以查到。"))
    if files > MOST_FILES:
        errors["evidence"] = Message(N_("最多上传 %(n)s 个文件。"), {"n": MOST_FILES})
    if not honest:
        errors["honest"] = Message(N_("请勾选承诺后再提交。"))
    return errors


# --- when -------------------------------------------------------------------------------------


def objectable(notice: NoticeClock, now: datetime) -> Against | None:
    """What may be objected to at `now`: the notice before its deadline, the result in its notice period."""
    where = phase(notice, now)
    if where in {Phase.COLLECTING, Phase.OFFERED}:
        return Against.NOTICE
    if where is Phase.ON_DISPLAY:
        return Against.RESULT
    if where is Phase.PAUSED and notice.paused_at and notice.display_until and notice.paused_at < notice.display_until:
        return Against.RESULT
    return None


@dataclass(frozen=True)
class ObjectionClock:
    """What the clock needs: until when the present holder has time, and when the clock itself moves it."""

    state: ObjectionState
    due_at: datetime | None
    moves_at: datetime | None


def after(state: ObjectionState, now: datetime, rule: ObjectionRule, calendar: Calendar) -> ObjectionClock:
    """The clock of an objection that has just come into `state`."""
    match state:
        case ObjectionState.LODGED:
            due = calendar.due_at(now, rule.answer_wd)
            return ObjectionClock(state, due, calendar.due_at(due - datetime.resolution, rule.escalate_wd))
        case ObjectionState.REJECTED:
            due = calendar.due_at(now, rule.escalate_wd)
            return ObjectionClock(state, due, due)
        case ObjectionState.ESCALATED:
            return ObjectionClock(state, calendar.due_at(now, rule.accept_wd), None)
        case ObjectionState.ACCEPTED:
            return ObjectionClock(state, calendar.due_at(now, rule.decide_wd), None)
        case _:
            return ObjectionClock(state, None, None)


def due_events(objection: ObjectionClock) -> Iterator[tuple[datetime, ObjectionAct]]:
    """What the clock owes: an answer not contested lapses; silence is handed on to the supervisor."""
    if objection.moves_at is None:
        return
    if objection.state is _S.REJECTED:
        yield objection.moves_at, _A.LAPSE
    elif objection.state is _S.LODGED:
        yield objection.moves_at, _A.ESCALATE


def check_escalation(objection: ObjectionClock, now: datetime) -> None:
    """Whether the objector may escalate now: after an answer within its window, or after silence at once.

    Raises `NotYourTurn`, `EscalationLate`.
    """
    if objection.state is _S.LODGED and objection.due_at is not None and now < objection.due_at:
        raise NotYourTurn(until=_shown(objection.due_at))
    if objection.state is _S.REJECTED and objection.due_at is not None and now >= objection.due_at:
        raise EscalationLate(until=_shown(objection.due_at))


def _shown(moment: datetime) -> str:
    return f"{clock.shanghai(moment):%Y-%m-%d %H:%M}"


def resumed_until(paused_at: datetime, display_until: datetime, now: datetime, calendar: Calendar) -> datetime:
    """When a notice period ends that stood still: the working days that were left run on from `now`.

    The day of the pause counts as left, so that nobody sees the result for fewer days than promised. A pause
    that began after the period was over leaves nothing: the confirmation is due at once.
    """
    if paused_at >= display_until:
        return now
    paused_on = clock.shanghai(paused_at).date()
    last = clock.shanghai(display_until - datetime.resolution).date()
    left = calendar.count(paused_on, last) + calendar.is_workday(paused_on)
    return calendar.due_at(now, max(1, left))


# --- corrections ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """A bid as a correction sees it. `amount` in yuan; `place` is None for one that was set aside."""

    bid_id: int
    amount: Decimal | None
    place: int | None


@dataclass(frozen=True)
class Correction:
    """Which bids a decision sets aside, and which it lets in again."""

    set_aside: frozenset[int] = frozenset()
    reinstate: frozenset[int] = frozenset()


def corrected_order(bids: Sequence[Placed], correction: Correction, method: SelectionMethod) -> list[int]:
    """The bids in their places after a correction, best first: the fixed order, never a new draw.

    Setting aside keeps the order of the rest. A bid can only be let in again where its place follows from its
    price alone (lowest price; among equals it comes last, for it was never drawn). Raises `CannotCorrect`.
    """
    known = {bid.bid_id: bid for bid in bids}
    if not correction.set_aside and not correction.reinstate:
        raise CannotCorrect(why=Message(N_("请至少选一份要剔除或恢复的报价。")))
    if not all(known.get(one) and known[one].place is not None for one in correction.set_aside):
        raise CannotCorrect(why=Message(N_("只能剔除已参加选取的报价。")))
    if not all(known.get(one) and known[one].place is None for one in correction.reinstate):
        raise CannotCorrect(why=Message(N_("只能恢复原来未采用的报价。")))
    if correction.reinstate and method is not SelectionMethod.LOWEST_PRICE:
        raise CannotCorrect(why=Message(N_("这种选取方式下恢复报价需要重新抽取或评审，请决定选取无效、重新发布。")))
    if any(known[one].amount is None for one in correction.reinstate):
        raise CannotCorrect(why=Message(N_("打不开的报价不能恢复。")))
    kept = [bid for bid in bids if bid.place is not None and bid.bid_id not in correction.set_aside]
    order = sorted(kept, key=lambda bid: bid.place or 0)
    for back in sorted((known[one] for one in correction.reinstate), key=lambda bid: (bid.amount, bid.bid_id)):
        ahead = [n for n, bid in enumerate(order, 1) if (bid.amount or 0) <= (back.amount or 0)]
        order.insert(max(ahead, default=0), back)
    return [bid.bid_id for bid in order]
