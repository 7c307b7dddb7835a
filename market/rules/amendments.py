"""Amendments of a published notice: what may change, by when, and what a confirmation cannot mend.

Client, project, item, source of funds, method, custody of the key and the criteria never change: with another of
these it would be another call, to which the agencies that stayed away might have come. Withdraw and post again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import clock
from core.errors import Conflict, Message
from core.i18n import N_
from core.workdays import Calendar
from market.rules.editions import Edition
from market.rules.notices import NoticeDraft, SelectionMethod, check_draft

LONGEST_REASON = 500
FIELD_TITLES = {
    "method": N_("选取方式"),
    "fund_source": N_("资金来源"),
    "scale": N_("规模与内容"),
    "requirements": N_("机构条件"),
    "payment_terms": N_("付款"),
    "ceiling": N_("金额"),
    "floor": N_("最低限价"),
    "days_limit": N_("服务期限"),
    "deadline": N_("截止时间（北京时间）"),
    "bid_bond": N_("投标保证金"),
    "performance_bond": N_("履约保证金"),
}
KINDS = {
    "ceiling": "money",
    "floor": "money",
    "bid_bond": "money",
    "performance_bond": "money",
    "days_limit": "days",
    "deadline": "moment",
    "method": "method",
    "fund_source": "fund",
}
TRAIL_TITLES = {
    "notice.amended": N_("公告修改（更正）"),
    "envelope.confirmed": N_("确认密封报价仍然有效"),
}
OPEN_ACTS = ("notice.amended",)


class NotBehind(Conflict):
    """The bid already answers the notice as it now stands, or is not sealed."""

    code = "nothing-to-confirm"
    text = N_("这份报价不需要确认：它已对应最新的公告，或者已经撤回。")


class PriceMoved(Conflict):
    """A fixed price that has changed cannot be confirmed, only bid anew."""

    code = "price-moved"
    text = N_("公告的固定价格已经修改，旧报价对不上新价格，不能只作确认。请换入新的密封报价。")


@dataclass(frozen=True)
class Amendment:
    """Everything that may change, as it shall stand afterwards. Money in yuan, days in working days, UTC."""

    scale: str
    requirements: str
    payment_terms: str
    ceiling: Decimal
    days_limit: int
    deadline: datetime
    floor: Decimal | None = None
    bid_bond: Decimal | None = None
    performance_bond: Decimal | None = None


def amended(draft: NoticeDraft, amendment: Amendment) -> NoticeDraft:
    """The notice with the amendment in it; what may not change stays because it cannot be said."""
    return replace(draft, **vars(amendment))


def earliest_amended(
    deadline: datetime, now: datetime, edition: Edition, calendar: Calendar, *, public: bool
) -> datetime:
    """The earliest deadline an amendment at `now` may set: never before the old one, and 24:00 of the last of the
    working days that edition.amend asks for."""
    return max(deadline, calendar.due_at(now, edition.amend.wd(public=public)))


def check_amendment(
    before: NoticeDraft,
    after: NoticeDraft,
    *,
    published_at: datetime,
    edition: Edition,
    calendar: Calendar,
    now: datetime,
) -> dict[str, Message]:
    """Everything wrong with an amendment, by field; empty when it may be published at `now`."""
    errors = check_draft(after, edition=edition, calendar=calendar, now=now)
    errors.pop("deadline", None)
    public = after.fund_source.public_money
    first, last = clock.shanghai(published_at).date(), clock.shanghai(after.deadline).date()
    if after.deadline < before.deadline:
        errors["deadline"] = Message(N_("修改公告不能提前截止时间，请选原截止时间或其后。"))
    elif after.deadline < earliest_amended(before.deadline, now, edition, calendar, public=public):
        errors["deadline"] = Message(
            N_("修改后至少还要开放 %(n)s 个完整工作日（修改当天不算），请把截止时间改到其后。"),
            {"n": edition.amend.wd(public=public)},
        )
    elif calendar.count(first, last) > edition.longest_open_wd:
        errors["deadline"] = Message(
            N_("公告最长开放 %(n)s 个工作日，请把截止时间提前。"), {"n": edition.longest_open_wd}
        )
    if replace(after, deadline=before.deadline) == before:
        errors["scale"] = Message(N_("没有改动任何内容。只推迟截止时间不算修改，请写明改什么。"))
    return errors


def can_only_be_replaced(method: SelectionMethod, old_ceiling: Decimal, ceiling: Decimal) -> bool:
    """Whether a bid under the old terms is certain not to count: a fixed price that moved."""
    return method is SelectionMethod.RANDOM_DRAW and old_ceiling != ceiling


@dataclass(frozen=True)
class Change:
    """One field before and after, as stored (plain JSON values)."""

    field: str
    old: Any
    new: Any

    @property
    def title(self) -> str:
        """The field's name (msgid)."""
        return FIELD_TITLES[self.field]

    @property
    def kind(self) -> str:
        """How its values are shown: money, days, moment, method, fund, text."""
        return KINDS.get(self.field, "text")

    @property
    def pair(self) -> tuple[Any, Any]:
        """Both values ready to be shown; None when the field was empty."""
        return _read(self.kind, self.old), _read(self.kind, self.new)


def _read(kind: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    match kind:
        case "money":
            return Decimal(value)
        case "moment":
            return datetime.fromisoformat(value)
        case _:
            return value


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Field by field what differs between two states of a notice, in the order of the form."""
    return tuple(
        Change(field, before.get(field), after.get(field))
        for field in FIELD_TITLES
        if _read(KINDS.get(field, "text"), before.get(field)) != _read(KINDS.get(field, "text"), after.get(field))
    )
