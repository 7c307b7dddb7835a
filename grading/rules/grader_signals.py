"""Signals about reviewers, evaluations and ties: facts for people, never for the number (grading.md §7).

A signal moves no grade. It is assigned to somebody, looked at, and decided with reasons; what follows
(a finding, a re-check, a talk) is an act of its own with its own right of reply.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import Conflict, Forbidden, Message, NotFound, Rejected
from core.i18n import N_
from core.identity import PERMISSIONS, Permission, Role

DECIDE_WD = 5
WATCHERS = [role.value for role in Role if Permission.WATCH_GRADING in PERMISSIONS[role] and role is not Role.SYSTEM]
"""Roles whose people a signal may be given to."""


class SignalState(StrEnum):
    """Where a signal stands on its way; whether it is still found is another question."""

    NEW = "new"
    ASSIGNED = "assigned"
    DECIDED = "decided"


class SignalAct(StrEnum):
    """What people do with a signal."""

    ASSIGN = "assign"
    DECIDE = "decide"
    REOPEN = "reopen"


TRANSITIONS: dict[tuple[SignalState, SignalAct], SignalState] = {
    (SignalState.NEW, SignalAct.ASSIGN): SignalState.ASSIGNED,
    (SignalState.ASSIGNED, SignalAct.ASSIGN): SignalState.ASSIGNED,
    (SignalState.ASSIGNED, SignalAct.DECIDE): SignalState.DECIDED,
    (SignalState.DECIDED, SignalAct.REOPEN): SignalState.NEW,
}
SIGNAL_STATES = {
    SignalState.NEW: N_("待分派"),
    SignalState.ASSIGNED: N_("办理中"),
    SignalState.DECIDED: N_("已办结"),
}


class SignalResult(StrEnum):
    """How a signal is decided."""

    HARMLESS = "harmless"
    OBSERVE = "observe"
    TALK = "talk"
    RECHECK = "recheck"
    REFER = "refer"


SIGNAL_RESULTS = {
    SignalResult.HARMLESS: N_("有正当原因，不处理"),
    SignalResult.OBSERVE: N_("继续观察"),
    SignalResult.TALK: N_("约谈审查员，安排复训"),
    SignalResult.RECHECK: N_("复核相关成果"),
    SignalResult.REFER: N_("移送：提出记分或立案核查"),
}


@dataclass(frozen=True)
class SignalLimits:
    """Counts and thresholds below which a signal says nothing. Months, counts, shares of 1."""

    months: int = 24
    client_deals: int = 4
    agency_deals: int = 5
    agency_share: float = 0.6
    shared_clients: int = 3
    shared_jaccard: float = 0.75
    shared_chance: float = 0.001
    burst_days: int = 7
    burst_answers: int = 5
    burst_share: float = 0.5
    stars_cases: int = 5
    pair_marks: int = 3
    residual_z: float = 3.0
    spread_marks: int = 10
    spread_chance: float = 0.001
    tied_most: int = 12


SIGNAL_LIMITS = SignalLimits()


@dataclass(frozen=True)
class Definition:
    """One signal: what it says, the harmless explanation, and what it takes. `finder` names the function."""

    code: str
    title: str
    sentence: str
    harmless: str
    minimum: str
    finder: str


@dataclass(frozen=True)
class Found:
    """One hit. `subject` is a thread, `key` tells hits on one subject apart, the ids are its evidence."""

    code: str
    subject: str
    key: str
    params: Mapping[str, Any]
    agencies: tuple[int, ...] = ()
    clients: tuple[int, ...] = ()
    reviewers: tuple[int, ...] = ()
    contracts: tuple[int, ...] = ()
    reviews: tuple[int, ...] = ()


SIGNALS: tuple[Definition, ...] = (
    Definition(
        "one-agency",
        N_("业主只委托一家机构"),
        N_("该业主近 24 个月的 %(deals)s 份合同全部委托同一家机构。"),
        N_("长期合作、当地只有一家有资质的机构，都会如此。"),
        N_("业主至少 4 份合同。"),
        "one_agency",
    ),
    Definition(
        "one-client",
        N_("机构主要靠一家业主"),
        N_("该机构近 24 个月 %(total)s 份合同中 %(deals)s 份来自同一业主，占 %(share)s%%。"),
        N_("新入市的机构先有一家大业主很常见；单一业主的权重本来就不超过 40%%。"),
        N_("机构至少 5 份合同，同一业主占六成以上。"),
        "one_client",
    ),
    Definition(
        "shared-clients",
        N_("两家机构的业主几乎相同"),
        N_("两家机构近 24 个月共有 %(shared)s 家相同的业主，两家合计 %(all)s 家，全市场 %(field)s 家。"),
        N_("同一园区、同一行业的两家机构会共享业主。"),
        N_("至少 3 家共同业主，占两家全部业主的四分之三以上，偶然的概率小于 0.1%%。"),
        "shared_clients",
    ),
    Definition(
        "burst",
        N_("评价集中在几天内"),
        N_("该机构近 24 个月收到 %(total)s 份业主评价，其中 %(answers)s 份在 %(days)s 天之内。"),
        N_("一批项目同时验收时，评价也会集中。"),
        N_("7 天内至少 5 份，并超过半数。"),
        "burst",
    ),
    Definition(
        "stars-above-experts",
        N_("星级与专家分背离"),
        N_("该机构 %(cases)s 件成果的业主评价，比按专家分预计的平均%(side)s %(gap)s 分（z = %(z)s）。"),
        N_("服务态度好而技术一般，或相反，都会如此；业主评价的总权重最多顶一件专家分。"),
        N_("至少 5 件有评价的成果，|z| 大于 3。"),
        "stars_above_experts",
    ),
    Definition(
        "pair-residual",
        N_("某审查员对某机构特别宽或严"),
        N_("审查员 %(alias)s 对该机构的 %(marks)s 件成果，扣除宽严与难度后平均%(side)s %(gap)s 分（z = %(z)s）。"),
        N_("机构在某一类项目上确实特别强或弱。"),
        N_("至少 3 件，|z| 大于 3。"),
        "pair_residual",
    ),
    Definition(
        "low-spread",
        N_("分数几乎不变"),
        N_("审查员 %(alias)s 的 %(marks)s 个分数标准差只有 %(sd)s 分，同专业同行为 %(peers)s 分。"),
        N_("抽到的机构水平恰好相近。也可能是照抄或不看材料。"),
        N_("至少 10 个分数，偶然如此的概率小于 0.1%%。"),
        "low_spread",
    ),
    Definition(
        "above-cut",
        N_("分数总是刚好过线"),
        N_("审查员 %(alias)s 在分数线上下 2 分内的 %(near)s 件，%(above)s 件在线上（偶然的概率 %(chance)s%%）。"),
        N_("机构按过线的要求修改后再交，分数会集中在线上。"),
        N_("上下 2 分内至少 8 件，偶然的概率小于 1%%。"),
        "above_cut",
    ),
    Definition(
        "tied-client",
        N_("业主与机构有共同之处"),
        N_("签有 %(deals)s 份合同的业主与机构：%(ties)s。"),
        N_("集团内的委托已申报关联时，评价权重为零，无须再办。"),
        N_("一项相同即可。"),
        "tied_client",
    ),
    Definition(
        "tied-agencies",
        N_("机构之间有共同之处"),
        N_("%(count)s 家在册机构：%(ties)s。"),
        N_("控制人只比姓名，可能同名；同一写字楼共用出口地址、人员换单位前后重叠，也会如此。"),
        N_("登记的控制人相同；或有相同的人员；或其他两项以上相同。"),
        "tied_agencies",
    ),
    Definition(
        "reciprocal",
        N_("互为业主和机构"),
        N_("两家单位互相委托：一方委托另一方 %(there)s 份，反过来 %(back)s 份。"),
        N_("专业不同的两家机构互相需要对方的服务。"),
        N_("近 24 个月两个方向各至少 1 份合同。"),
        "reciprocal",
    ),
)
DEFINITIONS = {one.code: one for one in SIGNALS}
TIE_NAMES = {
    "controller": N_("登记的实际控制人相同"),
    "staff": N_("有相同的从业人员"),
    "account": N_("同一个账号为双方办事"),
    "device": N_("报价来自同一网络地址"),
}
SIDES = {"above": N_("偏高"), "below": N_("偏低")}


def sentence(code: str, params: Mapping[str, Any]) -> Message:
    """What a stored signal says. One whose definition was retired still says its facts."""
    known = DEFINITIONS.get(code)
    if known is None:
        return Message(N_("（%(code)s）%(facts)s"), {"code": code, "facts": str(dict(params))})
    return Message(known.sentence, params)


class SignalAbsent(NotFound):
    """No such signal."""

    code = "grader-signal-not-found"
    text = N_("没有找到这条评级线索。请从线索列表进入。")


class NotAWatcher(Rejected):
    """Signals go to people who watch the grading."""

    code = "not-a-watcher"
    text = N_("这位工作人员没有评级监测的权限。请从名单中选择。")


class NotTheAssignee(Forbidden):
    """Who it was assigned to decides."""

    code = "not-the-assignee"
    text = N_("这条线索已分派给另一位工作人员，由其决定。需要换人时先重新分派。")


class OwnSignal(Conflict):
    """Nobody decides what concerns their own organisation."""

    code = "own-signal"
    text = N_("这条线索涉及经办人所在的单位，请分派给其他单位的工作人员。")


TRAIL_TITLES = {
    "grader-signals.computed": N_("计算评级线索"),
    "grader-signal.assigned": N_("评级线索分派"),
    "grader-signal.decided": N_("评级线索办结"),
    "grader-signal.reopened": N_("评级线索重新打开"),
}
"""None of them is open: a signal is no accusation, and what follows from it has acts of its own."""
