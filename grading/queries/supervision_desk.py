"""What of supervision waits on whose desk."""

from datetime import datetime

from agencies.rules import PROFESSION_TITLES
from core import clock, db
from core.desk import DeskItem
from core.i18n import _, loc
from core.identity import Identity, Permission, Role
from core.web import url_for
from grading.queries.improvement import Duty, duties
from grading.queries.inheritance import InheritanceView, inheritances
from grading.queries.inspections import InspectionRow, due_inspections, open_orders, plans
from grading.queries.way_back import GroundRow, WayBackView, grounds_of, way_backs
from grading.rules.improvement import WORKDAYS as PLAN_DAYS
from grading.rules.inheritance import InheritanceState
from grading.rules.inspections import quarter_of
from grading.rules.way_back import WayBackState

CHECK_DAYS, DECIDE_DAYS, REPLY_DAYS = 2, 7, 5


async def agency_items(identity: Identity, agency_id: int, now: datetime) -> list[DeskItem]:
    """Ways back to apply for or to complete, and successions to reply to."""
    grounds = [one for one in await grounds_of(agency_id) if one.may_apply]
    waiting = [one for one in await way_backs(identity) if one.state is not WayBackState.GRANTED]
    asked = [one for one in await inheritances(identity) if one.state is InheritanceState.PROPOSED]
    return [
        *(_apply_item(one) for one in grounds),
        *(_own_way_back(one) for one in waiting),
        *(_asked_item(one, identity, now) for one in asked),
        *(_order_item(one, mine=True) for one in await open_orders(agency_id, identity)),
        *(_duty_item(one) for one in await duties(agency_id) if one.owed),
    ]


def _apply_item(one: GroundRow) -> DeskItem:
    href = url_for("grading:way-back-new", direct_d_id=one.ground_id)
    note = _("期限 %(b)s 届满，整改后可申请") % {"b": one.ends_on}
    return DeskItem(
        _("退出 D 级"), loc(one, "name"), note, href, None,
        clock.end_of_day(one.earliest_on), None, _("申请"),
    )  # fmt: skip


def _own_way_back(one: WayBackView) -> DeskItem:
    href = url_for("grading:way-back", way_back_id=one.way_back_id)
    mine = one.state is WayBackState.RETURNED
    note = _("退回补正：%(note)s") % {"note": one.check_note} if mine else _("工作人员办理中")
    due = None if mine else one.decide_due_at or one.check_due_at
    allowed = None if mine else DECIDE_DAYS if one.decide_due_at else CHECK_DAYS
    since = one.checked_at or one.filed_at
    button = _("补正") if mine else _("看进度")
    return DeskItem(_("退出 D 级"), one.number, note, href, due, since, allowed, button, mine=mine)


def _asked_item(one: InheritanceView, identity: Identity, now: datetime) -> DeskItem:
    mine = one.may_reply(identity, now) and not one.reply
    return DeskItem(
        _("拟认定承继"),
        loc(one, "before"),
        one.number,
        url_for("grading:inheritance", inheritance_id=one.inheritance_id),
        one.reply_until,
        one.proposed_at or one.suggested_at,
        REPLY_DAYS,
        _("申辩") if mine else _("看进度"),
        mine=mine,
    )


async def officer_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Ways back, successions, inspections and the plan of the quarter."""
    if not identity.may(Permission.DECIDE_CONDUCT) or identity.role is Role.SYSTEM:
        return []
    waiting = [one for one in await way_backs(identity) if one.state in {WayBackState.FILED, WayBackState.ACCEPTED}]
    open_to = {InheritanceState.SUGGESTED, InheritanceState.PROPOSED}
    pairs = [one for one in await inheritances(identity) if one.state in open_to]
    return [
        *(_officer_way_back(one, identity) for one in waiting),
        *await _lift_item(identity),
        *(_pair_item(one, identity, now) for one in pairs),
        *(_inspection_item(one) for one in await due_inspections(identity)),
        *(_order_item(one, mine=False) for one in await open_orders(None, identity)),
        *await _plan_item(),
        *_overdue_item([one for one in await duties() if one.owed and one.late]),
    ]


def _officer_way_back(one: WayBackView, identity: Identity) -> DeskItem:
    checking = one.state is WayBackState.FILED
    mine = one.may_check(identity) or one.may_decide(identity)
    return DeskItem(
        _("退出 D 级"),
        loc(one.ground, "agency"),
        _("核对材料") if checking else _("作出决定"),
        url_for("grading:way-back", way_back_id=one.way_back_id),
        one.check_due_at if checking else one.decide_due_at,
        one.filed_at if checking else one.checked_at or one.filed_at,
        CHECK_DAYS if checking else DECIDE_DAYS,
        (_("核对") if checking else _("决定")) if mine else _("看进度"),
        mine=mine,
    )


async def _lift_item(identity: Identity) -> list[DeskItem]:
    ready = [
        one
        for one in await way_backs(identity)
        if one.effective_on and one.effective_on <= clock.today() and not one.lifted
    ]
    if not ready:
        return []
    since = clock.end_of_day(min(one.effective_on for one in ready if one.effective_on))
    note = _("%(n)s 家今天已到期退出") % {"n": len(ready)}
    href = url_for("grading:way-backs")
    return [DeskItem(_("退出 D 级"), _("签发退出后的等级"), note, href, since, since, None, _("签发"))]


def _pair_item(one: InheritanceView, identity: Identity, now: datetime) -> DeskItem:
    suggested = one.state is InheritanceState.SUGGESTED
    mine = suggested or one.may_decide(identity, now)
    return DeskItem(
        _("承继关系"),
        loc(one, "after"),
        loc(one, "before"),
        url_for("grading:inheritance", inheritance_id=one.inheritance_id),
        None if suggested else one.reply_until,
        one.suggested_at if suggested else one.proposed_at or one.suggested_at,
        None if suggested else REPLY_DAYS,
        _("核实") if suggested else _("决定") if mine else _("看进度"),
        mine=mine,
    )


def _inspection_item(one: InspectionRow) -> DeskItem:
    href = url_for("grading:inspection-record", inspection_id=one.inspection_id)
    due = clock.end_of_day(one.due_on)
    return DeskItem(_("随机抽查"), loc(one, "agency"), one.plan_number, href, due, due, None, _("记录结果"))


def _order_item(one: InspectionRow, *, mine: bool) -> DeskItem:
    """What an inspection ordered: the agency puts it right, the officers confirm it."""
    by, visited = one.correct_by or one.due_on, one.visited_on or one.due_on
    page = url_for("grading:inspection-plan", plan_id=one.plan_id)
    confirm = url_for("grading:inspection-record", inspection_id=one.inspection_id)
    return DeskItem(
        _("限期整改"),
        one.plan_number if mine else loc(one, "agency"),
        _("确认完成之前评级最高 C 级") if mine else one.plan_number,
        page if mine else confirm,
        clock.end_of_day(by),
        clock.end_of_day(visited),
        None,
        _("看要求") if mine else _("确认整改完成"),
        mine=mine or one.overdue,
    )


def _duty_item(one: Duty) -> DeskItem:
    """What grade C asks of the agency."""
    href = url_for("grading:my-grade") + f"#plan-{one.profession.value}"
    return DeskItem(
        _("改进计划"), _(PROFESSION_TITLES[one.profession]), _("等级为 C 级，应提交改进计划并参加培训"), href,
        one.due_at, one.since, PLAN_DAYS, _("提交"),
    )  # fmt: skip


def _overdue_item(late: list[Duty]) -> list[DeskItem]:
    if not late:
        return []
    note = _("%(n)s 家逾期未交，请催告") % {"n": len(late)}
    href = url_for("grading:improvements")
    return [DeskItem(_("改进计划"), _("C 级机构的改进计划"), note, href, None, late[0].due_at, None, _("查看"))]


async def _plan_item() -> list[DeskItem]:
    year, quarter = quarter_of(clock.today())
    found = [one for one in await plans(1) if (one.year, one.quarter) == (year, quarter)]
    if found and found[0].drawn:
        return []
    title = _("%(y)s 年第 %(q)s 季度") % {"y": year, "q": quarter}
    if found:
        href = url_for("grading:inspection-plan", plan_id=found[0].plan_id)
        at = found[0].announced_at
        return [DeskItem(_("抽查计划"), title, found[0].outside_source, href, None, at, None, _("抽取"))]
    if not await db.value("select 1 from agencies_profession where ended_on is null limit 1"):
        return []
    begun = clock.end_of_day(clock.today().replace(day=1))
    href = url_for("grading:inspections")
    return [DeskItem(_("抽查计划"), title, _("名单尚未冻结公告"), href, None, begun, None, _("冻结名单并公告"))]
