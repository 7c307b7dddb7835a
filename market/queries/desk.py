"""What waits for a client or an agency in the market."""

from datetime import datetime, timedelta

from core import db
from core.desk import DeskItem
from core.i18n import _
from core.identity import Identity, Permission, Role
from core.web.pages import url_for
from market.queries.bids import my_bids, offers_to
from market.queries.custody import open_until, shares_wanted
from market.queries.low_price import checks_waiting
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.queries.objections import waiting_objections
from market.queries.panels import PanelTask, panel_tasks
from market.queries.questions import unanswered_of
from market.queries.signal_cases import waiting_cases
from market.rules.bids import BidState
from market.rules.notices import Phase

RECENT = timedelta(days=30)
REPOSTED = "exists (select 1 from market_notice r where r.repost_of = n.id)"


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Drafts, running and failed notices of a client; offers and sealed bids of an agency."""
    seats = await panel_desk(identity, now) if identity.may(Permission.ASSESS_PROPOSAL) else []
    waiting = [*seats, *await waiting_objections(identity), *await waiting_cases(identity, now)]
    if identity.role is Role.CLIENT:
        return [
            *await _shares(identity),
            *waiting,
            *await _prices(identity, decide=True),
            *await _client(identity, now),
        ]
    if identity.role is Role.MARKET_SUPERVISOR:
        return [*await _shares(identity), *waiting, *await outside_desk()]
    if identity.role is Role.AGENCY:
        return [*waiting, *await _prices(identity, decide=False), *await _agency(identity)]
    return waiting


async def _shares(identity: Identity) -> list[DeskItem]:
    """Notices that cannot be opened before the reader hands its share over."""
    note, button = _("已截止，等您交出开启密钥份额"), _("交出份额")
    return [
        _item(row, note, button, row.deadline, due=await open_until(row), route="market:share")
        for row in await shares_wanted(identity)
    ]


async def _client(identity: Identity, now: datetime) -> list[DeskItem]:
    found = await db.rows(
        NOTICE_SQL
        + f""" where n.client = $1 and (n.state in ('draft', 'published', 'opened', 'shortlisted', 'assessing', 'selected')
              or (n.state = 'failed' and n.ended_at > $2 and not {REPOSTED}))
            order by n.deadline limit 200""",
        identity.organization_id,
        now - RECENT,
    )
    rows = [notice_row(record) for record in found]
    return [_client_item(row) for row in rows] + await _questions(rows)


async def _questions(rows: list[NoticeRow]) -> list[DeskItem]:
    running = {row.id: row for row in rows if row.phase is Phase.COLLECTING}
    waiting = await unanswered_of(list(running))
    return [
        _item(
            running[notice_id],
            _("有 %(n)s 个提问等业主答复") % {"n": count},
            _("答复提问"),
            since,
            due=running[notice_id].deadline,
        )
        for notice_id, (count, since) in waiting.items()
    ]


async def _prices(identity: Identity, *, decide: bool) -> list[DeskItem]:
    """Low prices that wait for the agency's words, or for the client's decision."""
    waiting = await checks_waiting(identity)
    found = await db.rows(NOTICE_SQL + " where n.id = any($1)", [one.notice_id for one in waiting])
    rows = {record["id"]: notice_row(record) for record in found}
    note = _("机构已说明低价，请决定是否接受") if decide else _("贵机构的报价异常低，请说明依据")
    button = _("去决定") if decide else _("去说明")
    return [
        _item(
            rows[one.notice_id],
            note,
            button,
            one.justified_at or one.asked_at,
            due=one.decide_by or one.due_at,
            route="market:low-price",
        )
        for one in waiting
        if decide is (one.justified_at is not None)
    ]


def _client_item(row: NoticeRow) -> DeskItem:
    match row.phase:
        case Phase.DRAFT:
            return _item(row, _("公告草稿还没有发布"), _("核对并发布"), row.drafted_at)
        case Phase.FAILED:
            return _item(row, _("选取失败，可以重新发布"), _("看原因并重发"), row.ended_at)
        case Phase.ON_DISPLAY | Phase.CONFIRMING:
            note = _("结果公示中，期满自动确认")
            return _item(row, note, _("看结果"), row.selected_at, due=row.display_until, mine=False)
        case Phase.PAUSED:
            note = _("有异议，暂停确认")
            return _item(row, note, _("看结果"), row.selected_at, mine=False)
        case Phase.SHORTLISTED:
            note = _("短名单已定，请在时限内选定并写明理由")
            return _item(row, note, _("从短名单选定"), row.opened_at, due=row.decide_by, route="market:notice-result")
        case Phase.ASSESSING:
            note = _("评审小组正在评审，缺员或逾期时请补换成员")
            return _item(row, note, _("看评审小组"), row.opened_at, due=row.decide_by, mine=False, route="market:panel")
        case Phase.OPENING | Phase.SELECTING if row.clock.awaits_outside:
            return _item(row, _("抽取在等外部公开数值"), _("登记数值"), row.deadline)
        case Phase.JUSTIFYING:
            note = _("低价说明中，说明后请您决定")
            return _item(
                row, note, _("看低价说明"), row.opened_at, due=row.held_until, mine=False, route="market:low-price"
            )
        case Phase.OFFERED:
            note = _("等选定的机构接受")
        case _:
            note = _("正在征集报价，到时自动开启")
    return _item(row, note, _("看公告"), row.published_at, due=row.deadline, mine=False)


async def _agency(identity: Identity) -> list[DeskItem]:
    offers = [
        _item(row, _("业主直接选定贵机构，请答复"), _("答复"), row.published_at, due=row.deadline)
        for row in await offers_to(identity)
    ]
    sealed = [
        _item(
            row,
            _("公告已修改，请确认或换入报价") if bid.unconfirmed else _("密封报价已收到，截止后自动开启"),
            _("确认报价") if bid.unconfirmed else _("看我的报价"),
            bid.received_at,
            due=row.deadline,
            mine=bid.unconfirmed,
            route="market:bid-mine",
        )
        for row, bid in await my_bids(identity)
        if bid.state is BidState.SEALED and row.phase is Phase.COLLECTING
    ]
    return offers + sealed


def _item(
    row: NoticeRow,
    note: str,
    button: str,
    since: datetime | None,
    *,
    due: datetime | None = None,
    mine: bool = True,
    route: str = "market:notice-detail",
) -> DeskItem:
    return DeskItem(
        kind=_("公告"),
        title=row.title,
        note=note,
        href=url_for(route, notice_id=row.id),
        due_at=due,
        since=since or row.drafted_at,
        allowed_wd=None,
        button=button,
        mine=mine,
    )


async def panel_desk(identity: Identity, now: datetime) -> list[DeskItem]:
    """Assessments in which the reader still has something to do: declare and score, or as chair agree and sign."""
    return [
        DeskItem(
            kind=_("方案评审"),
            title=task.project_title,
            note=_panel_note(task, now),
            href=url_for("market:assessment", notice_id=task.notice_id),
            due_at=task.decide_by,
            since=task.named_at,
            allowed_wd=None,
            button=_("进入评审"),
            mine=True,
        )
        for task in await panel_tasks(identity)
        if not task.submitted or (task.chair and task.all_in)
    ]


def _panel_note(task: PanelTask, now: datetime) -> str:
    if task.decide_by is not None and now >= task.decide_by:
        return _("评审已逾期，请尽快完成")
    if task.submitted:
        return _("全部评分已交，请组长合议分歧并签署")
    return _("请声明利害关系并给方案打分")


async def outside_desk() -> list[DeskItem]:
    """Draws that wait for their public value: the supervisor may record it too."""
    found = await db.rows(
        NOTICE_SQL + " where n.state = 'opened' and n.outside_source <> '' and n.outside_value = '' order by n.deadline"
    )
    return [_item(notice_row(record), _("抽取在等外部公开数值"), _("登记数值"), record["deadline"]) for record in found]
