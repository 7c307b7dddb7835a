"""Who holds a case now, for how many working days, and what comes next: the clock of every case page."""

from dataclasses import dataclass
from datetime import datetime

from contracts.queries.contracts import ContractView, MilestoneRow
from contracts.queries.deliverables import DeliverableView
from contracts.queries.reviews import ReviewView
from contracts.rules.clocks import clocks_on
from contracts.rules.deliverables import DeliverableState, MilestoneState
from contracts.rules.filing import ContractState
from contracts.rules.reviews import ReviewState
from core import clock
from core.i18n import _, loc
from core.workdays import Calendar, calendar


@dataclass(frozen=True)
class NowBox:
    """The present step: holder, working day `n` of `of`, until when."""

    title: str
    holder: str
    n: int | None = None
    of: int | None = None
    until: datetime | None = None
    note: str = ""


Step = tuple[str, str]


def _day(days: Calendar, since: datetime) -> int:
    """Which working day this is, at least the first."""
    return max(1, days.count(clock.shanghai(since).date(), clock.today()))


async def contract_now(view: ContractView) -> tuple[NowBox | None, list[Step]]:
    """The present step of a contract and the steps to come."""
    days, clocks, row = await calendar(), clocks_on(clock.today()), view.row
    both = _("双方")
    if row.state in {ContractState.DRAFT, ContractState.HALF_CONFIRMED}:
        holder = both
        if row.client_confirmed_at:
            holder = loc(row, "agency_name")
        elif row.agency_confirmed_at:
            holder = loc(row, "client_name")
        box = NowBox(_("确认合同"), holder, _day(days, row.awarded_at), clocks.confirm, row.confirm_due_at)
        return box, [(_("合同备案"), ""), (_("履行"), ""), (_("评价"), "")]
    if row.state is ContractState.SIGNED and row.signed_at:
        box = NowBox(_("备案合同"), both, _day(days, row.signed_at), clocks.file, row.filing_due_at)
        return box, [(_("履行"), ""), (_("评价"), "")]
    if row.state is ContractState.SUSPENDED:
        note = view.suspensions[-1].reason if view.suspensions else ""
        return NowBox(_("中止履行"), loc(row, "client_name"), note=note), [(_("恢复履行"), "")]
    if row.state is ContractState.COMPLETED:
        return None, []
    return _running(view, days), [(_("完成"), _("全部付清、双方评价公开后"))]


def _running(view: ContractView, days: Calendar) -> NowBox | None:
    row = view.row
    for milestone in view.milestones:
        if milestone.state is not MilestoneState.PLANNED or row.signed_at is None:
            continue
        until = clock.end_of_day(milestone.due_on) if milestone.due_on else None
        if milestone.deliverable_state is DeliverableState.FILED:
            return NowBox(_("验收：%(name)s") % {"name": milestone.name}, loc(row, "client_name"))
        return NowBox(
            _("完成节点：%(name)s") % {"name": milestone.name},
            loc(row, "agency_name"),
            _day(days, row.signed_at),
            milestone.days,
            until,
        )
    return _after_acceptance(view, days)


def _after_acceptance(view: ContractView, days: Calendar) -> NowBox | None:
    unpaid = [one for one in view.milestones if one.state is MilestoneState.ACCEPTED]
    if unpaid:
        return _payment(view, unpaid[0], days)
    asked = view.evaluation
    if asked is not None and asked.revealed_at is None:
        return NowBox(_("双方评价"), _("双方"), until=asked.due_at)
    return None


def _payment(view: ContractView, milestone: MilestoneRow, days: Calendar) -> NowBox | None:
    if milestone.accepted_at is None:
        return None
    allowed = clocks_on(clock.today()).pay
    return NowBox(
        _("付款：%(name)s") % {"name": milestone.name},
        loc(view.row, "client_name"),
        _day(days, milestone.accepted_at),
        allowed,
        days.due_at(milestone.accepted_at, allowed),
    )


async def deliverable_now(view: DeliverableView) -> tuple[NowBox | None, list[Step]]:
    """The present step of a result and the steps to come."""
    days, clocks, row = await calendar(), clocks_on(clock.today()), view.row
    if row.state is DeliverableState.FILED:
        box = NowBox(
            _("待验收"),
            loc(row, "client_name"),
            _day(days, row.filed_at),
            clocks.accept,
            row.due_at,
        )
        return box, [(_("技术审查"), _("验收后抽签"))]
    if row.state is DeliverableState.RETURNED:
        returned = view.submissions[0].returned_at or row.filed_at
        box = NowBox(_("更正成果"), loc(row, "agency_name"), _day(days, returned), clocks.correct, row.due_at)
        return box, [(_("验收成果"), ""), (_("技术审查"), "")]
    if row.review_state is None or row.review_state is ReviewState.FINAL:
        return None, []
    return NowBox(_(row.review_state_name), _holder(row.review_state)), [(_("审查结果确定"), "")]


def _holder(state: ReviewState) -> str:
    holders = {
        ReviewState.MARKING: _("抽签确定的审查员"),
        ReviewState.COMMENT: _("中介机构"),
        ReviewState.ANSWER: _("审查员和评级员"),
    }
    return holders[state]


async def review_now(view: ReviewView) -> tuple[NowBox | None, list[Step]]:
    """The present step of a review and the steps to come."""
    days, clocks, row = await calendar(), clocks_on(clock.today()), view.row
    if row.state is ReviewState.FINAL:
        return None, []
    since, of = {
        ReviewState.MARKING: (row.opened_at, clocks.review),
        ReviewState.COMMENT: (row.shared_at or row.opened_at, clocks.comment),
        ReviewState.ANSWER: (row.commented_at or row.opened_at, clocks.answer),
    }[row.state]
    box = NowBox(_(row.state_name), _holder(row.state), _day(days, since), of, row.due_at)
    return box, [(_("审查结果确定"), "")]
