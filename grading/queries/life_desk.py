"""What of requests, objections and repairs waits on whose desk."""

from datetime import datetime

from agencies.rules import PROFESSION_TITLES
from core.desk import DeskItem
from core.i18n import _, loc
from core.identity import Identity, Permission, Role
from core.web import url_for
from grading.queries.asked import RequestView, asked_list
from grading.queries.objections import ObjectionView, grade_objections, seats_of
from grading.queries.repairs import RepairView, repairs
from grading.rules.asked import ANSWER_WD
from grading.rules.asked import KINDS as ASKED
from grading.rules.objections import FIRST, STATES, ObjectionState
from grading.rules.repair import STATES as REPAIR_STATES
from grading.rules.repair import RepairState

FIRST_DAYS, CHECK_DAYS, CONTEST_DAYS, PANEL_DAYS = 3, 7, 10, 15
ACCEPT_DAYS, DECIDE_DAYS = 2, 7


async def life_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Open requests, objections and repairs of the reader: its own for an agency, those to handle for officers."""
    if identity.role is Role.SYSTEM:
        return []
    items = [await _objection(row, identity) for row in await grade_objections(identity, only_open=True)]
    if identity.may(Permission.COMMENT_GRADE) or identity.may(Permission.PUBLISH_GRADE):
        items += [_request(row, identity) for row in await asked_list(identity, only_open=True)]
        items += [_repair(row, identity) for row in await repairs(identity) if row.open]
    return items


async def _objection(row: ObjectionView, identity: Identity) -> DeskItem:
    allowed = {
        ObjectionState.CHECKING: CHECK_DAYS,
        ObjectionState.REJECTED: CONTEST_DAYS,
        ObjectionState.PANEL: PANEL_DAYS,
    }.get(row.state, FIRST_DAYS)
    since = row.contested_at or row.decided_at or row.lodged_at
    button, mine = _("看进度"), False
    if row.may_decide(identity):
        button, mine = _("处理"), True
    elif row.may_contest(identity):
        button, mine = _("申请复评"), True
    elif row.state is ObjectionState.PANEL:
        seat = next((one for one in await seats_of(row.objection_id) if one.account_id == identity.account_id), None)
        if seat is not None:
            mine = seat.agrees is None
            button = _("复评") if mine else _("看进度")
    return DeskItem(
        _("等级异议"),
        _("%(agency)s　%(trade)s") % {"agency": loc(row, "name"), "trade": _(PROFESSION_TITLES[row.profession])},
        _(STATES[row.state]) + (_("，已超期") if row.late and row.state not in FIRST else ""),
        url_for("grading:objection", objection_id=row.objection_id),
        row.due_at,
        since,
        allowed,
        button,
        mine=mine,
    )


def _request(row: RequestView, identity: Identity) -> DeskItem:
    mine = row.may_answer(identity)
    return DeskItem(
        _(ASKED[row.kind]),
        _("%(agency)s　%(trade)s") % {"agency": loc(row, "name"), "trade": _(PROFESSION_TITLES[row.profession])},
        _("等评级员答复"),
        url_for("grading:request", request_id=row.request_id),
        row.due_at,
        row.asked_at,
        ANSWER_WD,
        _("答复") if mine else _("看进度"),
        mine=mine,
    )


def _repair(row: RepairView, identity: Identity) -> DeskItem:
    officer = identity.may(Permission.PUBLISH_GRADE)
    mine = officer and (row.state is RepairState.APPLIED or row.may_decide(identity))
    return DeskItem(
        _("信用修复"),
        _("%(agency)s　%(item)s") % {"agency": loc(row, "name"), "item": loc(row, "what")},
        _(REPAIR_STATES[row.state]),
        url_for("grading:repair", repair_id=row.repair_id),
        row.due_at,
        row.accepted_at or row.applied_at,
        ACCEPT_DAYS if row.state is RepairState.APPLIED else DECIDE_DAYS,
        _("办理") if mine else _("看进度"),
        mine=mine,
    )
