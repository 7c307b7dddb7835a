"""Who holds a notice now, until when, and what comes next: the same clock on every page."""

from dataclasses import dataclass, field
from datetime import datetime

from core import clock
from core.i18n import _, loc
from core.workdays import Calendar, calendar
from market.queries.notices import NoticeRow
from market.rules.editions import Custody
from market.rules.notices import Phase, SelectionMethod

CONTRACT_WD = 10
"""Working days in which the contract is usually made (domain.md rule 43); contracts keep the clock."""


@dataclass(frozen=True)
class NowBox:
    """What waits now: who holds it, on which working day of how many, until when."""

    title: str
    holder: str
    n: int | None = None
    of: int | None = None
    until: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Progress:
    """The present step and those to come."""

    now: NowBox | None
    next: list[tuple[str, str]] = field(default_factory=list)


async def progress(row: NoticeRow) -> Progress:
    """Where a notice stands at this moment; an ended one has neither now nor next."""
    days, now = await calendar(), clock.now()
    match row.phase:
        case Phase.DRAFT:
            return Progress(NowBox(_("核对并发布"), loc(row, "client_name")), _after(row, "draft"))
        case Phase.COLLECTING:
            box = _counted(row, days, _("征集报价"), _("各机构"), row.published_at, row.deadline)
            return Progress(box, _after(row, "collecting"))
        case Phase.OFFERED:
            holder = loc(row, "direct_name")
            box = _counted(row, days, _("等机构接受"), holder, row.published_at, row.deadline)
            return Progress(box, _after(row, "offered"))
        case Phase.OPENING if row.custody is Custody.JOINT:
            return Progress(NowBox(_("交出密钥份额并开启"), _("业主或监督员")), _after(row, "selecting"))
        case Phase.OPENING | Phase.SELECTING if row.clock.awaits_outside:
            return Progress(NowBox(_("等外部公开数值"), loc(row, "client_name")), _after(row, "selecting"))
        case Phase.OPENING | Phase.SELECTING:
            return Progress(NowBox(_("开启并选取"), _("系统")), _after(row, "selecting"))
        case Phase.SHORTLISTED:
            box = _counted(row, days, _("从短名单选定"), loc(row, "client_name"), row.opened_at, row.decide_by or now)
            return Progress(box, _after(row, "selecting"))
        case Phase.ASSESSING:
            box = _counted(row, days, _("评审方案"), _("评审小组"), row.opened_at, row.decide_by or now)
            return Progress(box, _after(row, "selecting"))
        case Phase.JUSTIFYING:
            held = row.held_until or row.deadline
            box = _counted(row, days, _("低价说明"), _("机构说明，业主决定"), row.opened_at, held)
            return Progress(box, _after(row, "selecting"))
        case Phase.ON_DISPLAY | Phase.CONFIRMING:
            shown = row.display_until or row.deadline
            box = _counted(row, days, _("结果公示"), _("系统"), row.selected_at, shown)
            return Progress(box, _after(row, "display"))
        case Phase.PAUSED:
            return Progress(
                NowBox(_("异议处理"), "", note=_("公示期停止计算，异议办结后继续")), _after(row, "selecting")
            )
        case Phase.AWARDED:
            return Progress(None, _after(row, "awarded"))
        case _:
            return Progress(None)


def _counted(
    row: NoticeRow,
    days: Calendar,
    title: str,
    holder: str,
    start: datetime | None,
    until: datetime,
) -> NowBox:
    """Day n of m: the first working day after the start is day 1, the day of the end is the last."""
    first = clock.shanghai(start or row.drafted_at).date()
    last = clock.shanghai(until - datetime.resolution).date()  # 24:00 belongs to the day it ends
    of = max(1, days.count(first, last))
    n = min(max(1, days.count(first, clock.today())), of)
    note = _("其中有日期落在尚未公布放假安排的年份，暂定") if days.is_provisional(last) else ""
    return NowBox(title, holder, n, of, until, note)


def _after(row: NoticeRow, stage: str) -> list[tuple[str, str]]:
    display = (_("结果公示"), _("%(n)s 个工作日") % {"n": row.law.display_wd})
    contract = (_("签订并备案合同"), _("%(n)s 个工作日内　业主与中选机构") % {"n": CONTRACT_WD})
    opening = (_("自动开启、核对资格并选取"), _("系统，当日"))
    collecting = (_("征集报价"), "")
    if row.method is SelectionMethod.DIRECT:
        opening, collecting = (_("机构接受"), ""), (_("发给选定的机构"), "")
    steps = {
        "draft": [collecting, opening, display, contract],
        "collecting": [opening, display, contract],
        "offered": [display, contract],
        "selecting": [display, contract],
        "display": [contract],
        "awarded": [contract],
    }
    return steps[stage]
