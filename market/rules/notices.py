"""The life of a notice: who may do what when, and what a notice must say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, Message, NotFound, Rejected
from core.i18n import N_
from core.workdays import Calendar
from market.rules.bonds import check_bonds
from market.rules.editions import Edition
from market.rules.panel import Criteria, check_criteria


class FundSource(StrEnum):
    """Whose money pays. Mixed money is treated as public throughout."""

    OWN = "own"
    PUBLIC = "public"
    MIXED = "mixed"

    @property
    def public_money(self) -> bool:
        """Whether the stricter rules for public money apply."""
        return self is not FundSource.OWN


FUND_SOURCES = {
    FundSource.OWN: N_("企业自有资金"),
    FundSource.PUBLIC: N_("财政资金"),
    FundSource.MIXED: N_("混合资金（按财政资金办理）"),
}


class SelectionMethod(StrEnum):
    """How an agency is chosen; `market.rules.selection.METHODS` holds the functions."""

    DIRECT = "direct"
    LOWEST_PRICE = "lowest-price"
    RANDOM_DRAW = "random-draw"
    AVERAGE_PRICE = "average-price"
    CREDIT_PREFERRED = "credit-preferred"
    PROPOSAL_PREFERRED = "proposal-preferred"


METHOD_NAMES = {
    SelectionMethod.DIRECT: N_("直接选取"),
    SelectionMethod.LOWEST_PRICE: N_("最低价"),
    SelectionMethod.RANDOM_DRAW: N_("随机抽取"),
    SelectionMethod.AVERAGE_PRICE: N_("均价"),
    SelectionMethod.CREDIT_PREFERRED: N_("信用优选"),
    SelectionMethod.PROPOSAL_PREFERRED: N_("方案优选"),
}

METHOD_RULES = {
    SelectionMethod.DIRECT: N_(
        "业主直接选定一家已备案机构并约定价格，机构在期限内接受后公示结果。"
        "使用财政资金的，金额不得超过上限，并公开选取理由。"
    ),
    SelectionMethod.LOWEST_PRICE: N_(
        "各家密封报价，截止时一起开启。资格合格、不超过最高限价、不低于最低限价的报价中，"
        "价格最低者中选；价格相同的，按公告承诺的随机数抽取先后。"
    ),
    SelectionMethod.RANDOM_DRAW: N_(
        "价格固定。资格合格的报名机构按信用代码排成名单，用公告发布时锁定的密钥和"
        "全部报名的指纹合成随机数，抽出中选机构和递补顺序，任何人都能重算。"
    ),
    SelectionMethod.AVERAGE_PRICE: N_(
        "各家密封报价，截止时一起开启。去掉一个最高价和一个最低价后取平均，再乘以当场抽出的系数得到参考价，"
        "最接近参考价者中选；相差一样的，价低者在先，再按抽取先后。"
    ),
    SelectionMethod.CREDIT_PREFERRED: N_(
        "达到信用评分要求的机构按评分排出长名单，按评分多少持签，用公告承诺的随机数抽出短名单，"
        "由业主在公布的时限内写明理由选定；业主逾期不选的，最先抽出的机构中选。"
    ),
    SelectionMethod.PROPOSAL_PREFERRED: N_(
        "评审小组在看不到机构名称和价格的情况下，按公告列出的问题给方案打分；"
        "质量分签署后才加上按公式计算的价格分，总分最高者中选，每位成员的评分随结果公开。"
    ),
}


class NoticeState(StrEnum):
    """Stored states: only acts move them. What the clock moves is a `Phase`."""

    DRAFT = "draft"
    PUBLISHED = "published"
    OPENED = "opened"
    SHORTLISTED = "shortlisted"
    ASSESSING = "assessing"
    SELECTED = "selected"
    AWARDED = "awarded"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


class NoticeAct(StrEnum):
    """The acts of a notice's life."""

    PUBLISH = "publish"
    AMEND = "amend"
    EXTEND = "extend"
    OPEN = "open"
    ACCEPT = "accept"
    SHORTLIST = "shortlist"
    PICK = "pick"
    ASSESS = "assess"
    DECIDE = "decide"
    SELECT = "select"
    HOLD = "hold"
    LAPSE = "lapse"
    SUBSTITUTE = "substitute"
    PAUSE = "pause"
    RESUME = "resume"
    CORRECT = "correct"
    VOID = "void"
    CONFIRM = "confirm"
    FAIL = "fail"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"


_S, _A = NoticeState, NoticeAct
TRANSITIONS: dict[tuple[NoticeState, NoticeAct], NoticeState] = {
    (_S.DRAFT, _A.PUBLISH): _S.PUBLISHED,
    (_S.PUBLISHED, _A.AMEND): _S.PUBLISHED,
    (_S.PUBLISHED, _A.EXTEND): _S.PUBLISHED,
    (_S.PUBLISHED, _A.OPEN): _S.OPENED,
    (_S.PUBLISHED, _A.ACCEPT): _S.SELECTED,
    (_S.PUBLISHED, _A.FAIL): _S.FAILED,
    (_S.PUBLISHED, _A.VOID): _S.FAILED,
    (_S.PUBLISHED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.OPENED, _A.SELECT): _S.SELECTED,
    (_S.OPENED, _A.HOLD): _S.OPENED,
    (_S.OPENED, _A.SHORTLIST): _S.SHORTLISTED,
    (_S.OPENED, _A.ASSESS): _S.ASSESSING,
    (_S.OPENED, _A.FAIL): _S.FAILED,
    (_S.OPENED, _A.VOID): _S.FAILED,
    (_S.SHORTLISTED, _A.PICK): _S.SELECTED,
    (_S.SHORTLISTED, _A.HOLD): _S.SHORTLISTED,
    (_S.SHORTLISTED, _A.FAIL): _S.FAILED,
    (_S.SHORTLISTED, _A.VOID): _S.FAILED,
    (_S.ASSESSING, _A.DECIDE): _S.SELECTED,
    (_S.ASSESSING, _A.HOLD): _S.ASSESSING,
    (_S.ASSESSING, _A.FAIL): _S.FAILED,
    (_S.ASSESSING, _A.VOID): _S.FAILED,
    (_S.SELECTED, _A.HOLD): _S.SELECTED,
    (_S.SELECTED, _A.SUBSTITUTE): _S.SELECTED,
    (_S.SELECTED, _A.PAUSE): _S.SELECTED,
    (_S.SELECTED, _A.RESUME): _S.SELECTED,
    (_S.SELECTED, _A.CORRECT): _S.SELECTED,
    (_S.SELECTED, _A.VOID): _S.FAILED,
    (_S.SELECTED, _A.CONFIRM): _S.AWARDED,
    (_S.SELECTED, _A.FAIL): _S.FAILED,
    (_S.SELECTED, _A.CANCEL): _S.CANCELLED,
}

HOLDS = frozenset(before for before, act in TRANSITIONS if act is _A.HOLD)
"""States in which an abnormally low price may keep a notice waiting; on display, that of a substitute."""

REPOSTABLE = frozenset({_S.FAILED, _S.WITHDRAWN, _S.CANCELLED})


class Phase(StrEnum):
    """What a reader sees: the stored state read against the clock."""

    DRAFT = "draft"
    COLLECTING = "collecting"
    OFFERED = "offered"
    OPENING = "opening"
    SELECTING = "selecting"
    JUSTIFYING = "justifying"
    SHORTLISTED = "shortlisted"
    ASSESSING = "assessing"
    ON_DISPLAY = "on-display"
    PAUSED = "paused"
    CONFIRMING = "confirming"
    AWARDED = "awarded"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


PHASES = {
    Phase.DRAFT: N_("草稿"),
    Phase.COLLECTING: N_("正在征集"),
    Phase.OFFERED: N_("等机构接受"),
    Phase.OPENING: N_("正在开启"),
    Phase.SELECTING: N_("正在选取"),
    Phase.JUSTIFYING: N_("低价说明中"),
    Phase.SHORTLISTED: N_("短名单已定，等业主选定"),
    Phase.ASSESSING: N_("评审中"),
    Phase.ON_DISPLAY: N_("结果公示中"),
    Phase.PAUSED: N_("异议处理中，暂停确认"),
    Phase.CONFIRMING: N_("正在确认结果"),
    Phase.AWARDED: N_("已中选"),
    Phase.FAILED: N_("选取失败"),
    Phase.WITHDRAWN: N_("已撤回"),
    Phase.CANCELLED: N_("已取消"),
}


@dataclass(frozen=True)
class NoticeClock:
    """What the clock needs to know of a notice."""

    state: NoticeState
    method: SelectionMethod
    deadline: datetime
    display_until: datetime | None = None
    paused_at: datetime | None = None
    decide_by: datetime | None = None
    awaits_outside: bool = False
    held_until: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether an abnormally low price waits for its justification, or for the client's word on it."""
        return self.held_until is not None and self.state in HOLDS


def phase(notice: NoticeClock, now: datetime) -> Phase:
    """The phase at `now`. At the deadline itself collecting is over (the bid must be *before*)."""
    if notice.state is _S.PUBLISHED:
        if now >= notice.deadline:
            return Phase.OPENING
        return Phase.OFFERED if notice.method is SelectionMethod.DIRECT else Phase.COLLECTING
    if notice.held:
        return Phase.JUSTIFYING
    if notice.state is _S.OPENED:
        return Phase.SELECTING
    if notice.state is _S.SELECTED:
        if notice.paused_at is not None:
            return Phase.PAUSED
        on_display = notice.display_until is not None and now < notice.display_until
        return Phase.ON_DISPLAY if on_display else Phase.CONFIRMING
    return Phase(notice.state.value)


def due_events(notice: NoticeClock, now: datetime) -> Iterator[tuple[datetime, NoticeAct]]:
    """The act the clock owes this notice, with its moment (past moments are overdue, not lost)."""
    if notice.state is _S.PUBLISHED:
        direct = notice.method is SelectionMethod.DIRECT
        yield notice.deadline, NoticeAct.FAIL if direct else NoticeAct.OPEN
    elif notice.held and notice.held_until is not None:
        yield notice.held_until, NoticeAct.LAPSE
    elif notice.state is _S.OPENED and not notice.awaits_outside:
        yield now, NoticeAct.SELECT
    elif notice.state is _S.SHORTLISTED and notice.decide_by is not None:
        yield notice.decide_by, NoticeAct.PICK
    elif notice.state is _S.SELECTED and notice.display_until is not None and notice.paused_at is None:
        yield notice.display_until, NoticeAct.CONFIRM


def is_due(notice: NoticeClock, act: NoticeAct, now: datetime) -> bool:
    """Whether the clock allows `act` now; woken too early, a job simply does nothing."""
    return any(due == act and moment <= now for moment, due in due_events(notice, now))


# --- errors -----------------------------------------------------------------------------------


class DeadlinePassed(Conflict):
    """A bid reached the market at or after the deadline."""

    code = "deadline-passed"
    text = N_("报价已于 %(deadline)s 截止，您的提交在 %(arrived)s 到达，未收入。可在公告页查看开启结果。")


class BidClosed(Conflict):
    """The notice does not take bids (withdrawn, opened, or a direct selection)."""

    code = "bids-closed"
    text = N_("这份公告现在不接收报价。请到公告页查看它办到哪一步。")


class NoticeGone(NotFound):
    """No such notice, or a draft of somebody else."""

    code = "notice-not-found"
    text = N_("没有找到这份公告。它可能还是草稿，或者编号写错了。")


class ProjectGone(NotFound):
    """No such project, or another client's."""

    code = "project-not-found"
    text = N_("没有找到这个项目。请从“我的项目”重新进入。")


class ItemNotPostable(Rejected):
    """An item that a department commissions and pays for."""

    code = "item-not-postable"
    text = N_("“%(item)s”由主管部门委托并付费，不向企业收取，业主无需发布公告。")


# --- what a notice must say -------------------------------------------------------------------


@dataclass(frozen=True)
class NoticeDraft:
    """What the client writes. Money in yuan, `days_limit` in working days, `deadline` in UTC.

    `ceiling` is the highest price; for a random draw it is the fixed price, for a direct selection
    the agreed one. `agency_id`, `reason`, `risk_acknowledged` belong to direct selection, `short_list` to
    credit-preferred (None: the edition's), `criteria` to proposal-preferred. `outside_source` says where and when
    a public value can be read that enters the draw; empty when there is none.
    """

    item_code: str
    method: SelectionMethod
    fund_source: FundSource
    scale: str
    requirements: str
    payment_terms: str
    ceiling: Decimal
    days_limit: int
    deadline: datetime
    floor: Decimal | None = None
    agency_id: int | None = None
    reason: str = ""
    risk_acknowledged: bool = False
    bid_bond: Decimal | None = None
    performance_bond: Decimal | None = None
    short_list: int | None = None
    criteria: Criteria = field(default_factory=Criteria)
    outside_source: str = ""


def opens_long_enough(
    deadline: datetime, now: datetime, fund: FundSource, edition: Edition, calendar: Calendar
) -> bool:
    """Whether full working days between publication and deadline reach the minimum."""
    return deadline >= earliest_deadline(now, fund, edition, calendar)


def earliest_deadline(now: datetime, fund: FundSource, edition: Edition, calendar: Calendar) -> datetime:
    """24:00 of the last of the working days a notice must stay open, the first day not counted."""
    return calendar.due_at(now, edition.open_wd(public=fund.public_money))


def check_draft(draft: NoticeDraft, *, edition: Edition, calendar: Calendar, now: datetime) -> dict[str, Message]:
    """Everything wrong with a draft, by field; empty when it may be published at `now`.

    Source: rule-set `edition` (content/selection_rules.toml). Raises nothing.
    """
    return {
        **_check_method(draft, edition),
        **_check_prices(draft),
        **_check_direct(draft, edition),
        **_check_lists(draft, edition),
        **_check_times(draft, edition, calendar, now),
        **check_bonds(
            draft.bid_bond,
            draft.performance_bond,
            ceiling=draft.ceiling,
            direct=draft.method is SelectionMethod.DIRECT,
            edition=edition,
        ),
    }


def allowed_methods(fund: FundSource, amount: Decimal, edition: Edition) -> dict[SelectionMethod, Message | None]:
    """Each method with None when a notice may use it, else why not: by fund source, amount (yuan) and edition."""
    return {method: _obstacle(method, fund, amount, edition) for method in SelectionMethod}


def _obstacle(method: SelectionMethod, fund: FundSource, amount: Decimal, edition: Edition) -> Message | None:
    public = fund.public_money
    if method.value not in edition.methods(public=public):
        return Message(N_("现行规则不允许这种资金来源使用此选取方式，请另选一种。"))
    cap = edition.public_caps.get(method.value)
    if method is SelectionMethod.DIRECT:
        cap = edition.direct_public_cap
    if public and cap is not None and amount > cap:
        text = (
            N_("财政资金直接选取不得超过 %(cap)s 元，请改用其他选取方式。")
            if method is SelectionMethod.DIRECT
            else N_("财政资金用这种方式选取的，金额不得超过 %(cap)s 元，请改用其他选取方式。")
        )
        return Message(text, {"cap": str(cap)})
    return None


def _check_method(draft: NoticeDraft, edition: Edition) -> dict[str, Message]:
    fund = draft.fund_source
    if fund.public_money and draft.ceiling > edition.public_amount_limit:
        return {
            "ceiling": Message(
                N_("财政资金超过 %(limit)s 元须依法招标，不在本平台选取。请走公共资源交易。"),
                {"limit": str(edition.public_amount_limit)},
            )
        }
    obstacle = allowed_methods(fund, draft.ceiling, edition)[draft.method]
    if obstacle is None:
        return {}
    over = draft.method is SelectionMethod.DIRECT and draft.method.value in edition.methods(public=fund.public_money)
    return {"ceiling" if over else "method": obstacle}


def _check_lists(draft: NoticeDraft, edition: Edition) -> dict[str, Message]:
    """What only one method asks for: the short list's length, the panel's questions."""
    if draft.method is SelectionMethod.CREDIT_PREFERRED and draft.short_list is not None:
        least, most = edition.credit.minimum_entrants, edition.credit.long_list
        if not least <= draft.short_list <= most:
            return {"short_list": Message(N_("短名单应为 %(least)s 至 %(most)s 家。"), {"least": least, "most": most})}
    if draft.method is SelectionMethod.PROPOSAL_PREFERRED:
        wrong = check_criteria(draft.criteria, edition.proposal)
        return {"criteria": wrong} if wrong else {}
    return {}


def _check_prices(draft: NoticeDraft) -> dict[str, Message]:
    if draft.ceiling <= 0:
        return {"ceiling": Message(N_("金额须大于 0 元，请重新填写。"))}
    if draft.floor is None:
        return {}
    if draft.method is not SelectionMethod.LOWEST_PRICE:
        return {"floor": Message(N_("只有最低价方式才设最低限价，请清空此项。"))}
    if not 0 < draft.floor <= draft.ceiling:
        return {"floor": Message(N_("最低限价须大于 0 且不高于最高限价，请修改其中一个。"))}
    return {}


def _check_direct(draft: NoticeDraft, edition: Edition) -> dict[str, Message]:
    if draft.method is not SelectionMethod.DIRECT:
        return {}
    errors = {}
    if draft.agency_id is None:
        errors["agency_id"] = Message(N_("直接选取要写明选定的机构，请从已备案机构中选一家。"))
    if draft.fund_source.public_money and len(draft.reason.strip()) < edition.direct_reason_length:
        errors["reason"] = Message(
            N_("财政资金直接选取须公开理由，请至少写 %(n)s 个字。"),
            {"n": edition.direct_reason_length},
        )
    return errors


def _check_times(draft: NoticeDraft, edition: Edition, calendar: Calendar, now: datetime) -> dict[str, Message]:
    errors = {}
    if not 1 <= draft.days_limit <= edition.longest_days:
        errors["days_limit"] = Message(N_("服务期限应为 1 至 %(n)s 个工作日。"), {"n": edition.longest_days})
    if draft.deadline <= now:
        errors["deadline"] = Message(N_("截止时间已经过去，请选一个将来的时间。"))
    elif draft.method is not SelectionMethod.DIRECT and not opens_long_enough(
        draft.deadline, now, draft.fund_source, edition, calendar
    ):
        errors["deadline"] = Message(
            N_("公告至少开放 %(n)s 个完整工作日（发布当天不算），请把截止时间改到其后。"),
            {"n": edition.open_wd(public=draft.fund_source.public_money)},
        )
    elif calendar.count(now.date(), draft.deadline.date()) > edition.longest_open_wd:
        errors["deadline"] = Message(
            N_("公告最长开放 %(n)s 个工作日，请把截止时间提前。"), {"n": edition.longest_open_wd}
        )
    return errors
