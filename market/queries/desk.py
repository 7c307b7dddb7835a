"""What waits for a client or an agency in the market."""

from datetime import datetime, timedelta

from core import db
from core.desk import DeskItem
from core.i18n import _
from core.identity import Identity, Role
from core.web.pages import url_for
from market.queries.bids import my_bids, offers_to
from market.queries.custody import shares_wanted
from market.queries.low_price import checks_waiting
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.rules.bids import BidState
from market.rules.notices import Phase

RECENT = timedelta(days=30)
REPOSTED = "exists (select 1 from market_notice r where r.repost_of = n.id)"


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """Drafts, running and failed notices of a client; offers and sealed bids of an agency."""
    if identity.role is Role.CLIENT:
        return [*await _shares(identity), *await _prices(identity, decide=True), *await _client(identity, now)]
    if identity.role is Role.MARKET_SUPERVISOR:
        return await _shares(identity)
    if identity.role is Role.AGENCY:
        return [*await _prices(identity, decide=False), *await _agency(identity)]
    return []


async def _shares(identity: Identity) -> list[DeskItem]:
    """Notices that cannot be opened before the reader hands its share over."""
    note, button = _("已截止，等您交出开启密钥份额"), _("交出份额")
    return [
        _item(row, note, button, row.deadline, due=row.deadline, route="market:share")
        for row in await shares_wanted(identity)
    ]


async def _client(identity: Identity, now: datetime) -> list[DeskItem]:
    found = await db.rows(
        NOTICE_SQL
        + f""" where n.client = $1 and (n.state in ('draft', 'published', 'opened', 'selected')
              or (n.state = 'failed' and n.ended_at > $2 and not {REPOSTED}))
            order by n.deadline limit 200""",
        identity.organization_id,
        now - RECENT,
    )
    return [_client_item(notice_row(record)) for record in found]


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
            _("密封报价已收到，截止后自动开启"),
            _("看我的报价"),
            bid.received_at,
            due=row.deadline,
            mine=False,
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
        kind="notice",
        title=row.title,
        note=note,
        href=url_for(route, notice_id=row.id),
        due_at=due,
        since=since or row.drafted_at,
        allowed_wd=None,
        button=button,
        mine=mine,
    )
