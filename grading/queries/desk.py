"""What of grading waits on whose desk."""

from datetime import datetime
from typing import Any

from agencies.queries import agency_of
from agencies.rules import PROFESSION_TITLES, Profession
from core import db
from core.desk import DeskItem
from core.i18n import _, loc
from core.identity import Identity, Permission, Role
from core.web import url_for
from core.workdays import calendar
from grading.queries import supervision_desk
from grading.queries.conduct import FindingView, findings
from grading.queries.grader_signals import waiting_signals
from grading.queries.life_desk import life_items
from grading.queries.live import LiveView, alarms
from grading.queries.proposals_desk import proposal_items
from grading.queries.runs import RunRow, runs
from grading.rules.lifecycle import ConductState, RunState

COMMENT_DAYS = 5
SIGN_DAYS = 6


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Drafts and findings for an agency; runs and findings for the officers; nothing for others."""
    items = await life_items(identity, now)
    if identity.role is Role.AGENCY:
        return items + await _agency_items(identity, now)
    items += await waiting_signals(identity)
    if identity.role is Role.GRADING_OFFICER:
        items += [_alarm_item(one) for one in await alarms()]
    if identity.role is Role.GRADING_OFFICER:
        items += [await _run_item(row, now) for row in await runs(limit=6) if row.state is RunState.OPEN]
    if identity.role is Role.GRADING_OFFICER:
        items += await proposal_items(identity)
    if identity.may(Permission.DECIDE_CONDUCT) and identity.role is not Role.SYSTEM:
        waiting = [one for one in await findings(identity) if one.state is ConductState.PROPOSED]
        items += [_decision_item(one, identity, now) for one in waiting]
    return items + await supervision_desk.officer_items(identity, now)


async def _agency_items(identity: Identity, now: datetime) -> list[DeskItem]:
    agency = await agency_of(identity.organization_id)
    if agency is None:
        return []
    drafts = await db.rows(
        "select r.id, r.profession, r.result, r.as_of, r.comment, r.comment_until, n.prepared_at"
        " from grading_report r join grading_run n on n.id = r.run"
        " where r.agency = $1 and r.state in ('draft', 'commented') and r.comment_until > $2 order by r.id",
        agency.agency_id,
        now,
    )
    open_findings = [one for one in await findings(identity) if one.may_reply(now)]
    own = await supervision_desk.agency_items(identity, agency.agency_id, now)
    return [*(_draft_item(row) for row in drafts), *(_reply_item(one) for one in open_findings), *own]


def _alarm_item(one: LiveView) -> DeskItem:
    """An alarm asks for an early look at one agency; by the next grading at the latest."""
    return DeskItem(
        _("提前核查"),
        _("%(name)s　%(trade)s 近期评分连续偏离")
        % {"name": loc(one, "name"), "trade": _(PROFESSION_TITLES[one.profession])},
        _("测算 %(score)s 分（%(low)s 到 %(high)s）") % {"score": one.score, "low": one.low, "high": one.high},
        url_for("grading:explanation", agency_id=one.agency_id, profession=one.profession.value),
        None,
        one.computed_at,
        None,
        _("查看"),
    )


def _draft_item(row: Any) -> DeskItem:
    trade = _(PROFESSION_TITLES[Profession(row["profession"])])
    done = bool(row["comment"])
    return DeskItem(
        _("评级草案"),
        _("%(trade)s　%(day)s 评级草案") % {"trade": trade, "day": row["as_of"]},
        _("已反馈意见，期满前可修改") if done else _("拟定 %(g)s，请核对证据") % {"g": row["result"]},
        url_for("grading:report", report_id=row["id"]),
        row["comment_until"],
        row["prepared_at"],
        COMMENT_DAYS,
        _("看意见") if done else _("核对"),
        mine=not done,
    )


def _reply_item(one: FindingView) -> DeskItem:
    return DeskItem(
        _("拟记分"),
        loc(one, "name"),
        _("%(no)s，拟记 %(n)s 分") % {"no": one.number, "n": one.points},
        url_for("grading:finding", finding_id=one.finding_id),
        one.reply_until,
        one.proposed_at,
        COMMENT_DAYS,
        _("看申辩") if one.reply else _("申辩"),
        mine=not one.reply,
    )


async def _run_item(row: RunRow, now: datetime) -> DeskItem:
    ready = now >= row.comment_until
    due = (await calendar()).due_at(row.prepared_at, SIGN_DAYS)
    note = _("%(n)s 份待签发，其中 %(c)s 份有意见") % {"n": row.waiting, "c": row.commented}
    return DeskItem(
        _("评级批次"),
        _("%(day)s 批次") % {"day": row.as_of},
        note if ready else _("机构核对中，%(c)s 份已反馈意见") % {"c": row.commented},
        url_for("grading:run", run_id=row.run_id),
        due if ready else row.comment_until,
        row.prepared_at,
        SIGN_DAYS if ready else COMMENT_DAYS,
        _("签发") if ready else _("看进度"),
        mine=ready,
    )


def _decision_item(one: FindingView, identity: Identity, now: datetime) -> DeskItem:
    ready = one.may_decide(identity, now)
    return DeskItem(
        _("记分认定"),
        _("%(agency)s　%(item)s") % {"agency": loc(one, "agency"), "item": loc(one, "name")},
        _("机构已申辩") if one.reply else _("等机构申辩"),
        url_for("grading:finding", finding_id=one.finding_id),
        None if ready else one.reply_until,
        one.proposed_at,
        None if ready else COMMENT_DAYS,
        _("认定") if ready else _("看进度"),
        mine=ready,
    )
