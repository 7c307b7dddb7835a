"""People, organisations, sessions, files, mail, workdays, and the trail's own tables."""

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Unique
from piccolo.table import Table


class Account(Table, tablename="core_account"):
    """One person who may sign in. The name is personal data and never enters the hashed trail."""

    id = BigSerial(primary_key=True)
    login = Varchar(length=120, unique=True)
    name = Varchar(length=80)
    password_hash = Text()
    language = Varchar(length=10, default="zh_Hans")
    theme = Varchar(length=10, default="light")
    large_type = Boolean(default=False)
    email = Varchar(length=200, default="")
    active = Boolean(default=True)
    created_at = Timestamptz()


class Organization(Table, tablename="core_organization"):
    """A legal person or public body; what it is in the trade stands on higher floors."""

    id = BigSerial(primary_key=True)
    uscc = Varchar(length=18, unique=True)
    name_zh = Varchar(length=200)
    name_en = Varchar(length=300, default="")
    region_code = Varchar(length=12, default="")
    kind = Varchar(length=30, default="enterprise")
    created_at = Timestamptz()


class Membership(Table, tablename="core_membership"):
    """That a person acts for an organisation in a role."""

    id = BigSerial(primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    role = Varchar(length=30)
    ended_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz()

    membership_once = Unique(["account", "organization", "role"])


class Session(Table, tablename="core_session"):
    """A signed-in browser. The token itself is only with the browser; here is its hash."""

    id = BigSerial(primary_key=True)
    token_hash = Bytea(unique=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    membership = ForeignKey(Membership, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz()
    seen_at = Timestamptz()
    expires_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    user_agent = Varchar(length=200, default="")


class ApiToken(Table, tablename="core_api_token"):
    """A bearer token that a member made for its organisation; shown once, stored hashed."""

    id = BigSerial(primary_key=True)
    token_hash = Bytea(unique=True)
    label = Varchar(length=80)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    membership = ForeignKey(Membership, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz()
    expires_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)


class SignInFailure(Table, tablename="core_sign_in_failure"):
    """A failed attempt, counted here because a counter in memory is one per process."""

    id = BigSerial(primary_key=True)
    login_hash = Bytea(index=True)
    address_hash = Bytea(index=True)
    failed_at = Timestamptz()


class Once(Table, tablename="core_once"):
    """That a form or API call was carried out, and the reply it got: sent twice means the same receipt.

    `key_hash` is keyed with a secret outside the database, so a reader of the table cannot tell who
    sent what; `content_hash` tells the same content from another.
    """

    key_hash = Bytea(primary_key=True)
    content_hash = Bytea()
    reply = Bytea()
    created_at = Timestamptz(index=True)


class StoredFile(Table, tablename="core_stored_file"):
    """That somebody filed a file. The bytes lie under their own hash and are shared."""

    id = BigSerial(primary_key=True)
    sha256 = Varchar(length=64, index=True)
    size = BigInt()
    media_type = Varchar(length=120)
    name = Varchar(length=255)
    use = Varchar(length=40)
    scan_state = Varchar(length=20, default="unscanned")
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz()


class Mail(Table, tablename="core_mail"):
    """A message waiting to leave, written in the transaction of the act that causes it."""

    id = BigSerial(primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    message = Varchar(length=80)
    context = JSONB()
    created_at = Timestamptz()
    sent_at = Timestamptz(null=True, default=None)
    attempts = Integer(default=0)
    problem = Text(default="")


class Workday(Table, tablename="core_workday"):
    """An exception to Monday to Friday. `published` is False for a year without a notice yet."""

    day = Date(primary_key=True)
    works = Boolean()
    published = Boolean(default=True)
    note = Varchar(length=200, default="")


class Serial(Table, tablename="core_serial"):
    """The last number given out in a gap-free series, such as `XT-HT-2026`."""

    series = Varchar(length=40, primary_key=True)
    last = BigInt(default=0)


class TrailEntry(Table, tablename="core_trail_entry"):
    """One act, as it was written: insert-only by role and by trigger. `payload` is what is hashed."""

    id = BigSerial(primary_key=True)
    recorded_at = Timestamptz(index=True)
    act = Varchar(length=60)
    subject = Varchar(length=60)
    threads = Array(base_column=Text(), index=True, index_method=IndexMethod.gin)
    account_id = BigInt(null=True)
    organization_id = BigInt(null=True)
    role = Varchar(length=30)
    payload = Bytea()


class TrailPerson(Table, tablename="core_trail_person"):
    """Personal data of an entry, outside the hash: a lawful deletion leaves the trail whole."""

    entry = ForeignKey(TrailEntry, null=False, on_delete=OnDelete.restrict, primary_key=True)
    salt = Bytea()
    content = JSONB()


class TrailLeaf(Table, tablename="core_trail_leaf"):
    """The place of an entry in the log, given once by the sequencer."""

    leaf_index = BigInt(primary_key=True)
    entry = ForeignKey(TrailEntry, null=False, on_delete=OnDelete.restrict, unique=True)
    leaf_hash = Bytea()


class TrailCheckpoint(Table, tablename="core_trail_checkpoint"):
    """A signed head of the log, as published."""

    size = BigInt(primary_key=True)
    root = Bytea()
    note = Text()
    published_at = Timestamptz()


class Heartbeat(Table, tablename="core_heartbeat"):
    """One stretch of time in which a process proved again and again that it can write.

    Only `until_at` grows, in place; a process that missed its beats begins a new stretch. What lies between
    the stretches of the web processes is when nobody could hand anything in.
    """

    id = BigSerial(primary_key=True)
    process = Varchar(length=10)
    since_at = Timestamptz()
    until_at = Timestamptz(index=True)


class FailedAttempt(Table, tablename="core_failed_attempt"):
    """Something sent that could not be written because the database was away, taken over from the proof file.

    `line_hash` is its link of the chain in the file; `sender` and `content` are keyed digests.
    """

    id = BigSerial(primary_key=True)
    line_hash = Bytea(unique=True)
    file = Varchar(length=60)
    attempted_at = Timestamptz(index=True)
    path = Varchar(length=200)
    sender = Bytea(index=True)
    content = Bytea()
    imported_at = Timestamptz()


class CalendarFeed(Table, tablename="core_calendar_feed"):
    """A secret address that gives a calendar program somebody's deadlines and nothing else; stored hashed."""

    id = BigSerial(primary_key=True)
    token_hash = Bytea(unique=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, index=True)
    membership = ForeignKey(Membership, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
