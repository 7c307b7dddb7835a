"""What waits in payments, as everybody's desk shows it: payer, payee, and whoever watches the money."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from core import clock, db, workdays
from core.desk import DeskItem
from core.i18n import _
from core.identity import Identity, Permission
from core.web import url_for
from payments.queries import finance, statements
from payments.queries.custody import open_objections
from payments.queries.payables import COLUMNS, PayableRow, payable_row
from payments.queries.stripe import checks, open_disputes
from payments.rules import CONFIRM_WORKDAYS, KIND_TITLES, PAYEE_TURN, PAYER_TURN, PayableState
from payments.rules.custody import OBJECTION_WORKDAYS
from payments.rules.statements import Likeness
from payments.rules.stripe import DISPUTE_ANSWERABLE

STATEMENTS_LOOKED_AT = 3
STATEMENT_DAYS = timedelta(days=60)


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """What waits for the payer or the payee, and what one waits for; for whoever watches payments, the finance desk."""
    first = [
        *await _disputed(identity, now),
        *await _objections(identity),
        *await _watched(identity, now),
        *await _differences(identity),
        *await _stuck(identity, now),
    ]
    if not (identity.may(Permission.PAY) or identity.may(Permission.CONFIRM_PAYMENT)):
        return first
    found = await db.rows(
        COLUMNS + " where $1 in (p.payer, p.payee) and p.state = any($2::text[]) order by p.due_on, p.id",
        identity.organization_id,
        [state.value for state in (*PAYER_TURN, *PAYEE_TURN)],
    )
    rows = [payable_row(row) for row in found]
    since = await _voucher_days([row.id for row in rows if row.payee_turn])
    calendar = await workdays.calendar()
    return [
        *first,
        *await _no_account(identity, now),
        *await _statements(identity, now),
        *(_desk_item(row, identity, since.get(row.id, row.created_at), calendar) for row in rows),
    ]


async def _watched(identity: Identity, now: datetime) -> list[DeskItem]:
    """One line that leads to the finance desk while payments are stopped, missing or overdue."""
    if not identity.may(Permission.WATCH_PAYMENTS):
        return []
    count: int = await db.value(
        "select count(*) from payments_payable p where p.state in ('contested', 'disputed', 'expired')"
        " or p.refunded + p.paid_out > p.captured"
        " or exists (select from payments_refund_failure f join payments_stripe_attempt a on a.id = f.attempt"
        "   where a.payable = p.id and f.settled_at is null)"
        " or (p.state = 'due' and p.due_on < $1)"
        " or exists (select from payments_hold h where h.payable = p.id and h.lifted_at is null)",
        clock.today(),
    )
    if not count:
        return []
    note = _("%(n)s 笔款项被暂停、未到账或逾期") % {"n": count}
    return [DeskItem(_("资金台"), _("需要处理的款项"), note, url_for("payments:desk"), None, now, None, _("查看"))]


async def _voucher_days(payable_ids: Sequence[int]) -> dict[int, datetime]:
    found = await db.rows(
        "select payable, max(submitted_at) as at from payments_transfer"
        " where payable = any($1::bigint[]) group by payable",
        list(payable_ids),
    )
    return {row["payable"]: row["at"] for row in found}


def _desk_item(row: PayableRow, identity: Identity, since: datetime, calendar: workdays.Calendar) -> DeskItem:
    kind = _(KIND_TITLES.get(row.kind, row.kind))
    href = url_for("payments:payable", payable_id=row.id)
    amount = _("%(amount)s 元") % {"amount": f"{row.amount:,.2f}"}
    if row.payee_turn:
        mine = row.is_payee(identity)
        return DeskItem(
            kind,
            row.title,
            amount,
            href,
            calendar.due_at(since, CONFIRM_WORKDAYS),
            since,
            CONFIRM_WORKDAYS,
            _("确认收款") if mine else _("看进度"),
            mine=mine,
        )
    mine = row.is_payer(identity)
    contested = row.state is PayableState.CONTESTED
    return DeskItem(
        kind,
        row.title,
        (_("收款方称未到账，%(amount)s") % {"amount": amount}) if contested else amount,
        href,
        clock.end_of_day(row.due_on),
        row.created_at,
        None,
        (_("重新登记凭证") if contested else _("付款并登记")) if mine else _("看进度"),
        mine=mine,
    )


async def _disputed(identity: Identity, now: datetime) -> list[DeskItem]:
    """The payer's bank wants money back and waits for an answer: of the payee, and of whoever watches payments."""
    watches = identity.may(Permission.WATCH_PAYMENTS)
    if not (watches or identity.may(Permission.CONFIRM_PAYMENT)):
        return []
    rows = await open_disputes(None if watches else identity.organization_id)
    return [
        DeskItem(
            _("拒付"),
            row.title,
            _("付款方向银行拒付 %(a)s 元；到期不答复即退给付款方") % {"a": f"{row.yuan:,.2f}"},
            url_for("payments:payable", payable_id=row.payable_id),
            row.due_at,
            row.opened_at,
            None,
            _("提交申诉材料") if row.status in DISPUTE_ANSWERABLE else _("看进度"),
            mine=row.status in DISPUTE_ANSWERABLE and (row.due_at is None or row.due_at > now),
        )
        for row in rows
    ]


async def _objections(identity: Identity) -> list[DeskItem]:
    """Objections to a forfeiture that wait for the regulator; nothing is paid out before it has answered."""
    calendar = await workdays.calendar()
    return [
        DeskItem(
            _("保证金异议"),
            row.title,
            _("缴存方对不予退还的 %(a)s 元有异议，答复之前不划付") % {"a": f"{row.forfeited:,.2f}"},
            url_for("payments:payable", payable_id=row.payable_id),
            calendar.due_at(row.lodged_at, OBJECTION_WORKDAYS),
            row.lodged_at,
            OBJECTION_WORKDAYS,
            _("答复异议") if row.mine else _("看进度"),
            mine=row.mine,
        )
        for row in await open_objections(identity)
    ]


async def _differences(identity: Identity) -> list[DeskItem]:
    """The last comparison with the provider left something to explain."""
    if not identity.may(Permission.WATCH_PAYMENTS):
        return []
    last = next(iter(await checks(limit=1)), None)
    if last is None or last.clean:
        return []
    note = _("%(t)s 对账有差异，须逐笔查清") % {"t": f"{clock.shanghai(last.made_at):%Y-%m-%d %H:%M}"}
    where = url_for("payments:stripe")
    return [DeskItem(_("支付对账"), _("与 Stripe 的差异"), note, where, None, last.made_at, None, _("看差异"))]


async def _no_account(identity: Identity, now: datetime) -> list[DeskItem]:
    """Money is kept for an organisation that has no account to receive it on."""
    if not identity.may(Permission.CONFIRM_PAYMENT):
        return []
    kept: Decimal = await db.value(
        "select coalesce(sum(captured - refunded - paid_out), 0) from payments_payable where payee = $1"
        " and state = 'captured' and kind not in ('bid-bond', 'performance-bond')"
        " and not exists (select from payments_stripe_payee e where e.organization = $1 and e.receives)",
        identity.organization_id,
    )
    if kept <= 0:
        return []
    note = _("平台为贵单位保管 %(a)s 元；开通收款账户后自动划付") % {"a": f"{kept:,.2f}"}
    where = url_for("payments:stripe-account")
    return [DeskItem(_("划付"), _("还没有收款账户"), note, where, None, now, None, _("开通收款账户"))]


async def _stuck(identity: Identity, now: datetime) -> list[DeskItem]:
    """What Stripe refused or we could not apply, and the latest audit when it found faults."""
    if not identity.may(Permission.WATCH_PAYMENTS):
        return []
    stuck: int = await db.value(
        "select (select count(*) from payments_stripe_order where state = 'refused')"
        " + (select count(*) from payments_stripe_event where state = 'stuck')"
    )
    audit = await finance.latest_audit()
    items = []
    if stuck:
        note, href = _("%(n)s 件交 Stripe 办理的事项没有办成") % {"n": stuck}, url_for("payments:stripe")
        items.append(DeskItem(_("资金台"), _("Stripe 办理受阻"), note, href, None, now, None, _("查看")))
    if audit is not None and audit.findings:
        note, href = _("账目核验有 %(n)s 处不符") % {"n": len(audit.findings)}, url_for("payments:desk")
        items.append(DeskItem(_("资金台"), _("账目核验"), note, href, None, audit.ran_at, None, _("查看")))
    return items


async def _statements(identity: Identity, now: datetime) -> list[DeskItem]:
    """Lately imported statements with lines that fit a payable and that nobody has confirmed."""
    items = []
    for row in await statements.bank_files(identity, STATEMENTS_LOOKED_AT):
        if row.imported_at < now - STATEMENT_DAYS or row.matched >= row.incoming:
            continue
        found = await statements.proposals(row.id, identity.organization_id)
        fits = sum(one.likeness is not Likeness.DIFFERENT for one in found.values())
        if fits:
            note, href = _("%(n)s 行可以确认收款") % {"n": fits}, url_for("payments:bank-file", file_id=row.id)
            items.append(DeskItem(_("银行对账"), row.name, note, href, None, row.imported_at, None, _("核对并确认")))
    return items
