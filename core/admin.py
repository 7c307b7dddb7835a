"""What only an administrator does: staff accounts and the calendar of working days."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core import accounts, clock, db, trail, workdays
from core.db import transaction
from core.desk import DeskItem
from core.errors import Conflict, NotFound
from core.i18n import N_, _
from core.identity import Identity, Permission, Role
from core.web import url_for

PAGE = 100
NOTICE_MONTH = 11
"""The State Council announces the next year's holidays in November, as a rule."""


class OwnAccount(Conflict):
    """Nobody locks the door from outside on themselves."""

    code = "own-account"
    text = N_("不能停用自己的账号。请由另一位管理员办理。")


@dataclass(frozen=True)
class AccountRow:
    """A person in the administrator's list; roles as `role@organisation`."""

    id: int
    login: str
    name: str
    active: bool
    created_at: Any
    capacities: list[dict[str, Any]]


async def account_list(*, text: str = "", limit: int = PAGE) -> list[AccountRow]:
    """Accounts whose login, name or organisation contains `text`, newest first; one query."""
    found = await db.rows(
        "select a.id, a.login, a.name, a.active, a.created_at,"
        " coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'name_zh', o.name_zh, 'name_en', o.name_en)"
        "   order by m.id) filter (where m.id is not null), '[]') as capacities"
        " from core_account a"
        " left join core_membership m on m.account = a.id and m.ended_at is null"
        " left join core_organization o on o.id = m.organization"
        " where a.id > 1 and ($1 = '' or a.login like '%' || $1 || '%' or a.name like '%' || $1 || '%'"
        "   or exists (select from core_membership n join core_organization p on p.id = n.organization"
        "              where n.account = a.id and p.name_zh like '%' || $1 || '%'))"
        " group by a.id order by a.id desc limit $2",
        text.strip(),
        limit,
    )
    return [AccountRow(**dict(row)) for row in found]


async def open_staff_account(
    *, actor: Identity, login: str, name: str, password: str, email: str, role: Role, uscc: str
) -> int:
    """Open an account for somebody of a known organisation, with a first password to hand over."""
    actor.require(Permission.MANAGE_ACCOUNTS)
    accounts.check_password(password, login)
    hashed = await accounts.hash_password(password)
    async with transaction():
        organization_id = await db.value("select id from core_organization where uscc = $1", uscc)
        if organization_id is None:
            raise NotFound
        account_id = await accounts.create_account(login=login, name=name, password_hash=hashed, email=email)
        await accounts.add_membership(account_id=account_id, organization_id=organization_id, role=role)
        await trail.record(
            actor,
            "account.opened",
            f"organization:{organization_id}",
            after={"uscc": uscc, "role": role.value},
            personal={"login": login, "name": name},
        )
    return account_id


async def add_role(*, actor: Identity, account_id: int, role: Role, uscc: str) -> None:
    """Let a known person act for one more organisation or in one more role."""
    actor.require(Permission.MANAGE_ACCOUNTS)
    async with transaction():
        organization_id = await db.value("select id from core_organization where uscc = $1", uscc)
        known = await db.value("select true from core_account where id = $1 and id > 1", account_id)
        if organization_id is None or not known:
            raise NotFound
        await accounts.add_membership(account_id=account_id, organization_id=organization_id, role=role)
        await trail.record(
            actor, "account.role_added", f"account:{account_id}", after={"uscc": uscc, "role": role.value}
        )


async def set_active(*, actor: Identity, account_id: int, active: bool) -> None:
    """Stop or restore an account; stopping ends its sessions and tokens at once."""
    actor.require(Permission.MANAGE_ACCOUNTS)
    if account_id == actor.account_id:
        raise OwnAccount
    async with transaction():
        changed = await db.execute(
            "update core_account set active = $2 where id = $1 and id > 1 and active <> $2", account_id, active
        )
        if not changed:
            raise NotFound
        if not active:
            for table in ("core_session", "core_api_token"):
                await db.execute(
                    f"update {table} set ended_at = $2 where account = $1 and ended_at is null",  # noqa: S608
                    account_id,
                    clock.now(),
                )
        await trail.record(actor, "account.restored" if active else "account.stopped", f"account:{account_id}")


@dataclass(frozen=True)
class SpecialDay:
    """A day that differs from Monday to Friday."""

    day: date
    works: bool
    published: bool
    note: str


async def special_days(year: int) -> list[SpecialDay]:
    """The exceptions of a year that fall on days they really change."""
    found = await db.rows(
        "select day, works, published, note from core_workday"
        " where extract(year from day) = $1 and works <> (extract(isodow from day) < 6) order by day",
        year,
    )
    return [SpecialDay(**dict(row)) for row in found]


async def set_day(*, actor: Identity, day: date, works: bool, note: str) -> None:
    """Declare a day worked or free, as a notice says; running clocks follow from now on."""
    actor.require(Permission.MANAGE_CALENDAR)
    async with transaction():
        before = await db.value("select works from core_workday where day = $1", day)
        await db.execute(
            "insert into core_workday (day, works, published, note) values ($1, $2, true, $3)"
            " on conflict (day) do update set works = $2, published = true, note = $3",
            day,
            works,
            note,
        )
        await trail.record(
            actor,
            "calendar.day_set",
            f"day:{day.isoformat()}",
            before={"works": before},
            after={"works": works, "note": note},
        )
    workdays.forget()


async def desk_items(identity: Identity, now: datetime) -> list[DeskItem]:
    """What waits for an administrator: the holidays of next year, once the notice is usually out."""
    year = clock.shanghai(now).year + 1
    if not identity.may(Permission.MANAGE_CALENDAR) or clock.shanghai(now).month < NOTICE_MONTH:
        return []
    if not (await workdays.calendar()).is_provisional(date(year, 1, 1)):
        return []
    return [
        DeskItem(
            _("工作日历"),
            _("录入 %(year)s 年的放假安排") % {"year": year},
            _("没有录入之前，跨年的期限都标“暂定”。"),
            url_for("core:calendar", year=year),
            clock.end_of_day(date(year - 1, 12, 31)),
            clock.end_of_day(date(year - 1, NOTICE_MONTH - 1, 30)),
            None,
            _("录入"),
        )
    ]


TRAIL_TITLES = {
    "account.opened": N_("账号开通"),
    "account.role_added": N_("增加身份"),
    "account.stopped": N_("停用账号"),
    "account.restored": N_("恢复账号"),
    "session.opened": N_("登录系统"),
    "session.switched": N_("切换身份"),
    "token.made": N_("建立接口令牌"),
    "token.ended": N_("吊销接口令牌"),
    "calendar.day_set": N_("设定工作日"),
}
