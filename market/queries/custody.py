"""Who keeps which share of an opening key, and whose turn it is. Never the shares themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock, db, heartbeat
from core.i18n import loc
from core.identity import Identity
from core.workdays import calendar
from market.queries.notices import NOTICE_SQL, NoticeRow, notice_row
from market.sealing import Holder


@dataclass(frozen=True)
class CustodianKeyRow:
    """The key on record for an organisation in a role."""

    public_key: bytes
    made_at: datetime
    shares: int


async def own_key(identity: Identity) -> CustodianKeyRow | None:
    """The reader's key that counts today, and how many shares of running notices were sealed to it."""
    row = await db.row(
        """select c.public_key, c.made_at,
                  (select count(*) from market_key_share k join market_notice n on n.id = k.notice
                    where k.custodian_key = c.id and n.state = 'published') as shares
             from market_custodian_key c
            where c.organization = $1 and c.role = $2 and c.ended_at is null""",
        identity.organization_id,
        identity.role.value,
    )
    return CustodianKeyRow(**dict(row)) if row else None


@dataclass(frozen=True)
class ShareRow:
    """The public side of one share."""

    holder: Holder
    organization_id: int | None
    organization_zh: str | None
    organization_en: str | None
    commitment: str
    handed_over: bool
    released_at: datetime | None

    @property
    def name(self) -> str:
        """The holder's organisation, in the reader's language; empty for the platform's escrow."""
        return loc(self, "organization") if self.organization_zh else ""


async def shares_of(notice_id: int) -> list[ShareRow]:
    """Everybody's shares of a notice, as anybody may see them; none when the platform holds the key."""
    found = await db.rows(
        """select k.holder, c.organization as organization_id, o.name_zh as organization_zh,
                  o.name_en as organization_en, k.commitment, k.released is not null as handed_over, k.released_at
             from market_key_share k
             left join market_custodian_key c on c.id = k.custodian_key
             left join core_organization o on o.id = c.organization
            where k.notice = $1 order by k.number""",
        notice_id,
    )
    return [ShareRow(**dict(row) | {"holder": Holder(row["holder"])}) for row in found]


async def open_until(row: NoticeRow) -> datetime:
    """Until when the custodians of a notice have time, outages after its deadline added; UTC."""
    return await _after(row, row.law.custody.open_within_wd)


async def last_day_begins(row: NoticeRow) -> datetime:
    """When the last of their working days begins, at the deadline itself when there is but one."""
    days = row.law.custody.open_within_wd - 1
    return await _after(row, days) if days else row.deadline


async def _after(row: NoticeRow, days: int) -> datetime:
    now = clock.now()
    down = timedelta(0)
    for gap in await heartbeat.gaps(row.deadline, now):
        down += max(timedelta(0), min(gap.until_at or now, now) - max(gap.since_at, row.deadline))
    return (await calendar()).due_at(row.deadline, days) + down


async def shares_wanted(identity: Identity) -> list[NoticeRow]:
    """Notices past their deadline that wait for the reader's share."""
    found = await db.rows(
        NOTICE_SQL
        + """ where n.state = 'published' and n.custody = 'joint' and n.deadline <= $3
          and exists (select from market_key_share k join market_custodian_key c on c.id = k.custodian_key
                       where k.notice = n.id and k.released_at is null and c.organization = $1 and c.role = $2)
        order by n.deadline""",
        identity.organization_id,
        identity.role.value,
        clock.now(),
    )
    return [notice_row(record) for record in found]


async def envelopes_received(notice_id: int) -> int | None:
    """How many envelopes lie in the box; None before the deadline, when nobody is to know."""
    count: int | None = await db.value(
        """select count(b.id) from market_notice n left join market_bid b on b.notice = n.id and b.state <> 'withdrawn'
            where n.id = $1 and n.deadline <= $2 and n.state <> 'draft' group by n.id""",
        notice_id,
        clock.now(),
    )
    return count
