"""What of a registration waits for whom."""

from datetime import datetime

from agencies.queries.filings import FilingRow, QueueRow, expiring, open_filing, queue
from agencies.queries.register import agency_of
from agencies.queries.suspensions import suspension_of
from agencies.rules.filing import (
    CHECK_WORKDAYS,
    FILING_KIND_TITLES,
    NOTICE_WORKDAYS,
    FilingState,
)
from agencies.rules.formal_check import WARNING_DAYS
from core import clock
from core.desk import DeskItem
from core.i18n import _, language
from core.identity import Identity, Permission, Role
from core.web import url_for


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Lines for registrars and for agencies; nothing for anybody else."""
    if identity.role is Role.REGISTRAR and identity.may(Permission.CHECK_FILING):
        return await _registrar_items(now)
    if identity.role is Role.AGENCY:
        return [
            *await _suspension_items(identity),
            *await _applicant_items(identity),
            *await _expiry_items(identity, now),
        ]
    return []


async def _suspension_items(identity: Identity) -> list[DeskItem]:
    running = await suspension_of(identity.organization_id)
    if running is None:
        return []
    return [
        DeskItem(
            _("暂停业务"),
            running.name_en if language() == "en" and running.name_en else running.name_zh,
            _("原因：%(r)s") % {"r": running.reason},
            url_for("agencies:storefront", agency_id=running.agency_id),
            None,
            running.suspended_at,
            None,
            _("看原因和申诉途径"),
        )
    ]


async def _registrar_items(now: datetime) -> list[DeskItem]:
    rows = await queue([FilingState.SUBMITTED, FilingState.OBJECTED, FilingState.NOTICED])
    return [_registrar_item(row, now) for row in rows]


def _registrar_item(row: QueueRow, now: datetime) -> DeskItem:
    name = row.name_en if language() == "en" and row.name_en else row.name_zh
    href = url_for("agencies:filing-check", filing_id=row.id)
    kind = _(FILING_KIND_TITLES[row.kind])
    if row.state is FilingState.SUBMITTED:
        return DeskItem(
            kind + "　" + _("形式核对"),
            name,
            _("第 %(n)s 次提交") % {"n": row.returns + 1},
            href,
            row.check_due_at,
            row.submitted_at,
            CHECK_WORKDAYS,
            _("核对"),
        )
    if row.state is FilingState.OBJECTED:
        return DeskItem(
            kind + "　" + _("公示异议"),
            name,
            _("%(n)s 条异议待核实") % {"n": row.objections},
            href,
            row.notice_until,
            row.submitted_at,
            None,
            _("核实"),
        )
    over = row.notice_until is not None and now >= row.notice_until
    return DeskItem(
        kind + "　" + _("公示"),
        name,
        _("公示期满，待记入名录") if over else _("公示期满自动备案"),
        href,
        row.notice_until,
        row.submitted_at,
        NOTICE_WORKDAYS,
        _("看公示"),
        mine=over,
    )


async def _applicant_items(identity: Identity) -> list[DeskItem]:
    filing = await open_filing(identity.organization_id)
    if filing is None:
        return []
    return [_to_do(filing) if filing.may_edit else _waiting(filing)]


def _to_do(filing: FilingRow) -> DeskItem:
    kind = _(FILING_KIND_TITLES[filing.kind])
    href = url_for("agencies:filing", filing_id=filing.id)
    if filing.state is FilingState.DRAFT:
        note = _("随时可以离开，内容已保存")
        return DeskItem(kind, _("继续填写备案"), note, href, None, filing.opened_at, None, _("继续填写"))
    count = _("共 %(n)s 处，已一次列全") % {"n": len(filing.returned_defects)}
    since = filing.returned_at or filing.opened_at
    return DeskItem(kind + "　" + _("补正"), _("备案退回，需要补正"), count, href, None, since, None, _("补正"))


def _waiting(filing: FilingRow) -> DeskItem:
    title, due_at, allowed = {
        FilingState.SUBMITTED: (_("等待形式核对"), filing.check_due_at, CHECK_WORKDAYS),
        FilingState.NOTICED: (_("正在公示"), filing.notice_until, NOTICE_WORKDAYS),
    }.get(filing.state, (_("公示有异议，登记员核实中"), filing.notice_until, None))
    kind = _(FILING_KIND_TITLES[filing.kind])
    href = url_for("agencies:filing", filing_id=filing.id)
    since = filing.noticed_at or filing.submitted_at or filing.opened_at
    return DeskItem(kind, title, filing.number or "", href, due_at, since, allowed, _("看进度"), mine=False)


async def _expiry_items(identity: Identity, now: datetime) -> list[DeskItem]:
    agency = await agency_of(identity.organization_id)
    if agency is None:
        return []
    rows = await expiring(clock.shanghai(now).date(), WARNING_DAYS[0])
    return [
        DeskItem(
            _("资质到期"),
            _("证书 %(number)s 即将到期") % {"number": row.number},
            _("到期后不能报价，请先换证并办理变更备案"),
            url_for("agencies:my-filings"),
            clock.end_of_day(row.expires_on),
            now,
            None,
            _("办理变更"),
        )
        for row in rows
        if row.agency_id == agency.agency_id
    ]
