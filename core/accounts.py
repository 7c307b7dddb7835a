"""Accounts, organisations, memberships, sessions and tokens: who somebody is."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from core import clock, db, keys, trail
from core.db import transaction
from core.errors import Conflict, Forbidden, NotFound, Rejected
from core.i18n import N_
from core.identity import SYSTEM, Identity, Role

SESSION_HOURS = 12
IDLE_HOURS = 2
SEEN_EVERY = timedelta(minutes=5)
WINDOW = timedelta(minutes=15)
FAILURES_PER_LOGIN = 10
FAILURES_PER_ADDRESS = 100
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200

_hasher = PasswordHash((Argon2Hasher(),))
_hashing = anyio.Semaphore(2)
_NOBODY = Argon2Hasher(time_cost=1, memory_cost=8192).hash("nobody")


class WrongSignIn(Rejected):
    """Unknown login or wrong password; which of the two is not told."""

    code = "wrong-sign-in"
    text = N_("登录名或密码不对。请核对后再试。")


class TooManyAttempts(Rejected):
    """Too many failures in a quarter of an hour."""

    status = 429
    code = "too-many-attempts"
    text = N_("尝试次数过多。请 15 分钟后再试，或联系本单位管理员。")


class LoginTaken(Conflict):
    """Somebody else uses this login."""

    code = "login-taken"
    text = N_("这个登录名已被使用，请换一个。")


class WeakPassword(Rejected):
    """Too short, or made of the login itself."""

    code = "weak-password"
    text = N_("密码至少 12 个字符，且不能包含登录名。可以用几个词连成一句。")


class OrganizationKnown(Conflict):
    """The credit code is already registered."""

    code = "organization-known"
    text = N_("这个统一社会信用代码已经登记。请联系该单位的管理员为您开通账号。")


class AlreadyMember(Conflict):
    """The person acts for that organisation in that role already."""

    code = "already-member"
    text = N_("这个账号已经以该身份代表该单位，无需再加。")


@dataclass(frozen=True)
class SignedIn:
    """A fresh session: the token goes into the cookie and is stored nowhere."""

    token: str
    identity: Identity
    language: str
    theme: str
    large_type: bool


def digest(token: str) -> bytes:
    """What is stored of an opaque token."""
    return hashlib.sha256(token.encode()).digest()


def _keyed(text: str) -> bytes:
    return hmac.digest(keys.secret("session"), b"sign-in:" + text.encode(), "sha256")


async def hash_password(password: str) -> str:
    """argon2id in a thread; two at a time, each takes 64 MiB."""
    async with _hashing:
        return await anyio.to_thread.run_sync(_hasher.hash, password)


async def _matches(password: str, stored: str) -> bool:
    async with _hashing:
        return await anyio.to_thread.run_sync(_hasher.verify, password, stored)


def check_password(password: str, login: str) -> None:
    """NIST 800-63B-4: length counts, composition does not; never the login itself."""
    bad = not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    if bad or login.lower() in password.lower():
        raise WeakPassword


async def create_account(
    *, login: str, name: str, password_hash: str, email: str = "", language: str = "zh_Hans"
) -> int:
    """A new account; the caller has checked the password and hashed it outside the transaction."""
    account_id: int | None = await db.value(
        "insert into core_account (login, name, password_hash, email, language, theme,"
        " large_type, active, created_at)"
        " values ($1, $2, $3, $4, $5, 'light', false, true, $6)"
        " on conflict (login) do nothing returning id",
        login.strip().lower(),
        name,
        password_hash,
        email,
        language,
        clock.now(),
    )
    if account_id is None:
        raise LoginTaken
    return account_id


async def create_organization(
    *, uscc: str, name_zh: str, name_en: str = "", region_code: str = "", kind: str = "enterprise"
) -> int:
    """A new organisation; its credit code is its identity."""
    organization_id: int | None = await db.value(
        "insert into core_organization (uscc, name_zh, name_en, region_code, kind, created_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (uscc) do nothing returning id",
        uscc,
        name_zh,
        name_en,
        region_code,
        kind,
        clock.now(),
    )
    if organization_id is None:
        raise OrganizationKnown
    return organization_id


async def add_membership(*, account_id: int, organization_id: int, role: Role) -> int:
    """Let a person act for an organisation in a role; nobody may act as the system. `Forbidden`, `AlreadyMember`."""
    if role is Role.SYSTEM:
        raise Forbidden
    membership_id: int | None = await db.value(
        "insert into core_membership (account, organization, role, created_at)"
        " values ($1, $2, $3, $4) on conflict do nothing returning id",
        account_id,
        organization_id,
        role.value,
        clock.now(),
    )
    if membership_id is None:
        raise AlreadyMember
    return membership_id


async def register(
    *,
    login: str,
    name: str,
    password: str,
    uscc: str,
    organization_name: str,
    organization_name_en: str,
    role: Role,
    email: str,
    language: str,
) -> Identity:
    """Open an account together with its organisation, as client or agency."""
    check_password(password, login)
    return await open_account(
        login=login,
        name=name,
        password_hash=await hash_password(password),
        uscc=uscc,
        organization_name=organization_name,
        organization_name_en=organization_name_en,
        role=role,
        email=email,
        language=language,
    )


async def open_account(
    *,
    login: str,
    name: str,
    password_hash: str,
    uscc: str,
    organization_name: str,
    organization_name_en: str = "",
    role: Role,
    email: str = "",
    language: str = "zh_Hans",
    region_code: str = "",
    kind: str = "enterprise",
) -> Identity:
    """The act behind `register`, for a password that is checked and hashed already."""
    if role not in {Role.CLIENT, Role.AGENCY}:
        raise Rejected
    async with transaction():
        account_id = await create_account(
            login=login, name=name, password_hash=password_hash, email=email, language=language
        )
        organization_id = await create_organization(
            uscc=uscc, name_zh=organization_name, name_en=organization_name_en, region_code=region_code, kind=kind
        )
        await add_membership(account_id=account_id, organization_id=organization_id, role=role)
        identity = Identity(account_id, name, organization_id, organization_name, role, organization_name_en)
        await trail.record(
            identity,
            "account.opened",
            f"organization:{organization_id}",
            after={"uscc": uscc, "organization": organization_name, "role": role.value},
            personal={"login": login, "name": name},
        )
    return identity


_IDENTITY = """
select a.id as account_id, a.name, a.language, a.theme, a.large_type,
       m.id as membership_id, m.role, o.id as organization_id, o.name_zh, o.name_en
from core_membership m
join core_account a on a.id = m.account and a.active
join core_organization o on o.id = m.organization
"""


def _identity(row: object) -> Identity:
    found: dict[str, object] = dict(row)  # type: ignore[call-overload]
    return Identity(
        account_id=found["account_id"],  # type: ignore[arg-type]
        name=str(found["name"]),
        organization_id=found["organization_id"],  # type: ignore[arg-type]
        organization_name=str(found["name_zh"]),
        role=Role(found["role"]),  # type: ignore[arg-type]
        organization_name_en=str(found["name_en"]),
    )


async def identity_of(*, login: str, role: Role | None = None) -> Identity:
    """The identity behind a login, for commands and the demo market."""
    row = await db.row(
        _IDENTITY + " where a.login = $1 and m.ended_at is null and ($2::text is null or m.role = $2)"
        " order by m.id limit 1",
        login.lower(),
        role.value if role else None,
    )
    if row is None:
        raise NotFound
    return _identity(row)


async def identity_in(*, account_id: int, organization_id: int, role: Role) -> Identity:
    """The identity of a member, for work that goes on after its request; `NotFound` once the membership ended."""
    row = await db.row(
        _IDENTITY + " where a.id = $1 and o.id = $2 and m.role = $3 and m.ended_at is null limit 1",
        account_id,
        organization_id,
        role.value,
    )
    if row is None:
        raise NotFound
    return _identity(row)


async def sign_in(*, login: str, password: str, address: str, user_agent: str) -> SignedIn:
    """Check a password and open a session. The same time and sentence for every failure."""
    login = login.strip().lower()
    await _throttle(login, address)
    row = await db.row("select id, password_hash from core_account where login = $1 and active", login)
    if not await _matches(password, row["password_hash"] if row else _NOBODY) or row is None:
        await db.execute(
            "insert into core_sign_in_failure (login_hash, address_hash, failed_at) values ($1, $2, $3)",
            _keyed(login),
            _keyed(address),
            clock.now(),
        )
        raise WrongSignIn
    membership = await db.row(_IDENTITY + " where a.id = $1 and m.ended_at is null order by m.id limit 1", row["id"])
    if membership is None:
        raise WrongSignIn
    async with transaction():
        token = await _open_session(membership, user_agent)
        await trail.record(_identity(membership), "session.opened", f"account:{row['id']}", personal={"login": login})
    return SignedIn(
        token,
        _identity(membership),
        membership["language"],
        membership["theme"],
        membership["large_type"],
    )


async def _throttle(login: str, address: str) -> None:
    since = clock.now() - WINDOW
    counts = await db.row(
        "select count(*) filter (where login_hash = $1) as by_login,"
        " count(*) filter (where address_hash = $2) as by_address"
        " from core_sign_in_failure"
        " where failed_at > $3 and (login_hash = $1 or address_hash = $2)",
        _keyed(login),
        _keyed(address),
        since,
    )
    if counts["by_login"] >= FAILURES_PER_LOGIN or counts["by_address"] >= FAILURES_PER_ADDRESS:
        raise TooManyAttempts


async def _open_session(membership: dict[str, object], user_agent: str) -> str:
    token = secrets.token_urlsafe(32)
    now = clock.now()
    await db.execute(
        "insert into core_session (token_hash, account, membership, created_at, seen_at,"
        " expires_at, user_agent) values ($1, $2, $3, $4, $4, $5, $6)",
        digest(token),
        membership["account_id"],
        membership["membership_id"],
        now,
        now + timedelta(hours=SESSION_HOURS),
        user_agent[:200],
    )
    return token


async def session(token: str) -> Identity | None:
    """Who holds this session token, if it is alive; noted as seen every five minutes."""
    now = clock.now()
    row = await db.row(
        _IDENTITY.replace("select ", "select s.seen_at, ", 1) + " join core_session s on s.membership = m.id"
        " where s.token_hash = $1 and s.ended_at is null and m.ended_at is null"
        " and s.expires_at > $2 and s.seen_at > $3",
        digest(token),
        now,
        now - timedelta(hours=IDLE_HOURS),
    )
    if row is None:
        return None
    if now - row["seen_at"] > SEEN_EVERY:
        await db.execute("update core_session set seen_at = $2 where token_hash = $1", digest(token), now)
    return _identity(row)


async def bearer(token: str) -> Identity | None:
    """Who a bearer token of the API speaks for, if it is alive."""
    row = await db.row(
        _IDENTITY + " join core_api_token t on t.membership = m.id"
        " where t.token_hash = $1 and t.ended_at is null and m.ended_at is null"
        " and t.expires_at > $2",
        digest(token),
        clock.now(),
    )
    return _identity(row) if row else None


async def sign_out(token: str) -> None:
    """End this session."""
    await db.execute(
        "update core_session set ended_at = $2 where token_hash = $1 and ended_at is null",
        digest(token),
        clock.now(),
    )


async def end_session(*, actor: Identity, session_id: int) -> None:
    """End one of one's own sessions."""
    ended = await db.execute(
        "update core_session set ended_at = $3 where id = $1 and account = $2 and ended_at is null",
        session_id,
        actor.account_id,
        clock.now(),
    )
    if not ended:
        raise NotFound


@dataclass(frozen=True)
class OpenSession:
    """One of my own sessions, for the page that lists them."""

    id: int
    created_at: datetime
    seen_at: datetime
    user_agent: str
    current: bool


async def open_sessions(actor: Identity, token: str) -> list[OpenSession]:
    """My live sessions, newest first."""
    found = await db.rows(
        "select id, created_at, seen_at, user_agent, token_hash = $3 as current from core_session"
        " where account = $1 and ended_at is null and expires_at > $2 order by id desc",
        actor.account_id,
        clock.now(),
        digest(token),
    )
    return [OpenSession(**dict(row)) for row in found]


@dataclass(frozen=True)
class Membership:
    """A role somebody may switch to."""

    id: int
    role: Role
    organization_id: int
    name_zh: str
    name_en: str


async def memberships(account_id: int) -> list[Membership]:
    """Every capacity in which this person may act."""
    found = await db.rows(
        "select m.id, m.role, o.id as organization_id, o.name_zh, o.name_en"
        " from core_membership m join core_organization o on o.id = m.organization"
        " where m.account = $1 and m.ended_at is null order by m.id",
        account_id,
    )
    return [Membership(**{**dict(row), "role": Role(row["role"])}) for row in found]


async def switch(*, actor: Identity, token: str, membership_id: int, user_agent: str) -> str:
    """Act in another of one's own roles: the old token ends, a new one begins."""
    async with transaction():
        row = await db.row(
            _IDENTITY + " where m.id = $1 and a.id = $2 and m.ended_at is null",
            membership_id,
            actor.account_id,
        )
        if row is None:
            raise NotFound
        await sign_out(token)
        fresh = await _open_session(row, user_agent)
        await trail.record(_identity(row), "session.switched", f"account:{actor.account_id}")
    return fresh


async def set_preferences(*, account_id: int, language: str, theme: str, large_type: bool) -> None:
    """How this person wants to read: language, light or dark, large type."""
    await db.execute(
        "update core_account set language = $2, theme = $3, large_type = $4 where id = $1",
        account_id,
        language,
        theme,
        large_type,
    )


async def ensure_system() -> None:
    """The account and organisation 1, in whose name the clock acts. It can never sign in."""
    async with transaction():
        if await db.value("select true from core_account where id = 1"):
            return
        organization_id = await create_organization(uscc="SYSTEM", name_zh="系统", name_en="System", kind="system")
        account_id = await create_account(login="system", name="系统", password_hash="")
        if (account_id, organization_id) != (SYSTEM.account_id, SYSTEM.organization_id):
            raise RuntimeError("the first account must be the system's")
        await db.execute("update core_account set active = false where id = $1", account_id)
