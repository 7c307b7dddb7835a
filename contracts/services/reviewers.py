"""Who may review: registered with professions and region; ties to organisations are declared."""

from dataclasses import dataclass
from datetime import datetime

from agencies.rules import Profession
from contracts.rules.reviews import InterestKind, reviewer_code
from core import clock, db, trail
from core.db import transaction
from core.errors import Conflict, NotFound, Rejected
from core.i18n import N_
from core.identity import Identity, Permission, Role


class AlreadyReviewer(Conflict):
    """One profile per account."""

    code = "already-reviewer"
    text = N_("这个账号已经登记为审查员。可以在审查员名单中修改。")


class NotAReviewer(Rejected):
    """The account has no reviewer role."""

    code = "not-a-reviewer"
    text = N_("这个登录名没有审查员身份。请先由系统管理员为其开通审查员角色。")


class OrganizationUnknown(Rejected):
    """The credit code is not registered on the platform."""

    code = "organization-unknown"
    text = N_("平台上没有这个统一社会信用代码。没有入驻的单位不会进入审查，不需要申报。")


@dataclass(frozen=True)
class ReviewerReceipt:
    """A registered reviewer and the code by which others know them."""

    reviewer_id: int
    code: str
    at: datetime
    entry_id: int


async def register_reviewer(
    *, actor: Identity, account_id: int, professions: tuple[Profession, ...], region: str
) -> ReviewerReceipt:
    """Put an account with the reviewer role on the list from which lots are drawn."""
    actor.require(Permission.ASSIGN_REVIEW)
    async with transaction():
        organization = await db.value(
            "select organization from core_membership"
            " where account = $1 and role = $2 and ended_at is null order by id limit 1",
            account_id,
            Role.REVIEWER.value,
        )
        if organization is None:
            raise NotAReviewer
        reviewer_id, code = await _insert(account_id, organization, professions, region)
        entry = await trail.record(
            actor,
            "reviewer.registered",
            f"reviewer:{reviewer_id}",
            after={"code": code, "professions": list(professions), "region": region},
            personal={"account": account_id},
        )
    return ReviewerReceipt(reviewer_id, code, clock.now(), entry)


async def register_reviewer_by_login(
    *, actor: Identity, login: str, professions: tuple[Profession, ...], region: str
) -> ReviewerReceipt:
    """The same for a login name, as an officer types it."""
    actor.require(Permission.ASSIGN_REVIEW)
    account_id = await db.value("select id from core_account where login = $1", login.strip().lower())
    if account_id is None:
        raise NotAReviewer
    return await register_reviewer(actor=actor, account_id=account_id, professions=professions, region=region)


async def _insert(
    account_id: int, organization: int, professions: tuple[Profession, ...], region: str
) -> tuple[int, str]:
    reviewer_id = await db.value(
        "insert into contracts_reviewer (account, organization, code, professions, region, active,"
        " registered_at) values ($1, $2, 'new:' || $1::bigint::text, $3, $4, true, $5)"
        " on conflict (account) do nothing returning id",
        account_id,
        organization,
        [profession.value for profession in professions],
        region,
        clock.now(),
    )
    if reviewer_id is None:
        raise AlreadyReviewer
    code = reviewer_code(reviewer_id)
    await db.execute("update contracts_reviewer set code = $2 where id = $1", reviewer_id, code)
    return reviewer_id, code


async def declare_interest(*, actor: Identity, organization_id: int, kind: InterestKind) -> ReviewerReceipt:
    """A reviewer names an organisation whose work they may not judge. Declaring twice is harmless."""
    actor.require(Permission.REVIEW)
    async with transaction():
        reviewer = await db.row("select id, code from contracts_reviewer where account = $1", actor.account_id)
        if reviewer is None:
            raise NotFound
        await db.execute(
            "insert into contracts_reviewer_interest (reviewer, organization, kind, declared_at)"
            " values ($1, $2, $3, $4) on conflict do nothing",
            reviewer["id"],
            organization_id,
            kind.value,
            clock.now(),
        )
        entry = await trail.record(
            actor,
            "reviewer.interest-declared",
            f"reviewer:{reviewer['id']}",
            after={"organization": organization_id, "kind": kind.value},
        )
    return ReviewerReceipt(reviewer["id"], reviewer["code"], clock.now(), entry)


async def declare_interest_by_code(*, actor: Identity, uscc: str, kind: InterestKind) -> ReviewerReceipt:
    """The same for a credit code, as a reviewer types it."""
    actor.require(Permission.REVIEW)
    organization_id = await db.value("select id from core_organization where uscc = $1", uscc)
    if organization_id is None:
        raise OrganizationUnknown
    return await declare_interest(actor=actor, organization_id=organization_id, kind=kind)
