"""Service items, projects, notices, sealed bids, openings, awards."""

from piccolo.columns import (
    JSONB,
    Array,
    BigSerial,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from agencies.tables import Agency, GradeRecord
from core.tables import Account, Organization, StoredFile
from market.rules.bids import BidState
from market.rules.notices import NoticeState


def _one_of(column: str, values: type[NoticeState] | type[BidState]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({listed})"


class ServiceItem(Table, tablename="market_service_item"):
    """One version of a catalogue item. Never edited: a changed row is a new version, and cases
    finish under the version they began with. `guide` holds all columns of the catalogue file."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=12)
    version = Integer()
    digest = Varchar(length=64)
    name_zh = Varchar(length=100)
    name_en = Varchar(length=200)
    profession = Varchar(length=40)
    stage = Varchar(length=20)
    payer = Varchar(length=20)
    department_code = Varchar(length=12)
    promised_days = SmallInt()
    fee_min = Numeric(digits=(14, 2))
    fee_max = Numeric(digits=(14, 2))
    self_preparation = Boolean()
    review_sheet = Varchar(length=40)
    guide = JSONB()
    shingles = Array(base_column=Text(), index=True, index_method=IndexMethod.gin)
    in_force_from = Date()
    superseded_at = Timestamptz(null=True, default=None)

    market_service_item_version = Unique(["code", "version"])


class Project(Table, tablename="market_project"):
    """What a client builds; the frame around its commissions."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=24, unique=True)
    client = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    title = Varchar(length=120)
    location = Varchar(length=200)
    description = Text()
    investment = Numeric(digits=(16, 2))
    fund_source = Varchar(length=10)
    version = Integer(default=1)
    created_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz()


class Notice(Table, tablename="market_notice"):
    """A call for one service item of a project. `ceiling` is the fixed price of a random draw and
    the agreed price of a direct selection.

    `amendment` counts the published changes; `custody` says who holds the opening key; `decide_by` is the
    announced moment of the owner's pick or the panel's end; `paused_at` is set while an objection is open.
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=24, null=True, default=None, unique=True)
    project = ForeignKey(Project, null=False, on_delete=OnDelete.restrict, index=True)
    client = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    item = ForeignKey(ServiceItem, null=False, on_delete=OnDelete.restrict)
    state = Varchar(length=12, index=True)
    version = Integer(default=1)
    method = Varchar(length=24)
    fund_source = Varchar(length=10)
    scale = Text()
    requirements = Text()
    payment_terms = Text()
    ceiling = Numeric(digits=(14, 2))
    floor = Numeric(digits=(14, 2), null=True, default=None)
    days_limit = SmallInt()
    deadline = Timestamptz(index=True)
    amendment = SmallInt(default=0)
    questions_until = Timestamptz(null=True, default=None)
    custody = Varchar(length=10, default="platform")
    bid_bond = Numeric(digits=(14, 2), null=True, default=None)
    performance_bond = Numeric(digits=(14, 2), null=True, default=None)
    short_list = SmallInt(null=True, default=None)
    criteria = JSONB(null=True, default=None)
    outside_source = Text(default="")
    outside_value = Text(default="")
    direct_agency = ForeignKey(Agency, null=True, default=None, on_delete=OnDelete.restrict)
    direct_reason = Text(default="")
    risk_acknowledged = Boolean(default=False)
    edition = Varchar(length=24, default="")
    edition_digest = Varchar(length=64, default="")
    repost_of: ForeignKey["Notice"] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    shingles = Array(base_column=Text(), index=True, index_method=IndexMethod.gin)
    end_reason = JSONB(null=True, default=None)
    display_until = Timestamptz(null=True, default=None)
    decide_by = Timestamptz(null=True, default=None)
    paused_at = Timestamptz(null=True, default=None)
    held_until = Timestamptz(null=True, default=None)
    drafted_at = Timestamptz()
    published_at = Timestamptz(null=True, default=None, index=True)
    opened_at = Timestamptz(null=True, default=None)
    selected_at = Timestamptz(null=True, default=None)
    awarded_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)

    market_notice_known_state = Check(_one_of("state", NoticeState))
    market_notice_floor_below = Check("floor is null or (floor > 0 and floor <= ceiling)")
    market_notice_price = Check("ceiling > 0")


class Seal(Table, tablename="market_seal"):
    """The keys of one notice: what seals its bids, and what its draw is committed to.

    Both secrets are encrypted by the platform's key, which is not in the database.
    """

    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, primary_key=True)
    algorithm = Varchar(length=40)
    public_key = Bytea()
    wrapping = Varchar(length=40)
    private_key = Bytea()
    draw_format = Varchar(length=24)
    draw_commitment = Varchar(length=64)
    draw_secret = Bytea()


class CustodianKey(Table, tablename="market_custodian_key"):
    """The public half of the key with which an organisation unseals its shares of opening keys.

    The private half is handed over once, when it is made, and is never stored here.
    """

    id = BigSerial(primary_key=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    role = Varchar(length=30)
    public_key = Bytea(unique=True)
    made_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)


class KeyShare(Table, tablename="market_key_share"):
    """One share of a notice's opening key, sealed to its holder. `commitment` is public from the start."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    holder = Varchar(length=10)
    number = SmallInt()
    custodian_key = ForeignKey(CustodianKey, null=True, default=None, on_delete=OnDelete.restrict)
    sealed = Bytea()
    commitment = Varchar(length=64)
    released = Bytea(null=True, default=None)
    released_at = Timestamptz(null=True, default=None)

    market_key_share_one_per_holder = Unique(["notice", "holder"])
    market_key_share_known_holder = Check("holder in ('client','supervisor','escrow')")


class Bid(Table, tablename="market_bid"):
    """A sealed bid. Who bid and what is in the envelope only; `agency`, `account`, `amount`, `days`
    and everything else of the content stay empty until the opening. `amendment` is the version of the notice
    that the bid answers; `origin` (keyed fingerprints of address and browser) is for the supervisor only."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    bidder_tag = Varchar(length=64)
    state = Varchar(length=12)
    digest = Varchar(length=64, unique=True)
    algorithm = Varchar(length=40)
    envelope = Bytea()
    received_at = Timestamptz()
    withdrawn_at = Timestamptz(null=True, default=None)
    amendment = SmallInt(default=0)
    agency = ForeignKey(Agency, null=True, default=None, on_delete=OnDelete.restrict)
    account = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    amount = Numeric(digits=(14, 2), null=True, default=None)
    days = SmallInt(null=True, default=None)
    proposal = Text(null=True, default=None)
    staff = JSONB(null=True, default=None)
    contribution = Varchar(length=64, null=True, default=None)
    origin = JSONB(null=True, default=None)
    grade = Varchar(length=1, null=True, default=None)
    score = Numeric(digits=(5, 2), null=True, default=None)
    grade_record = ForeignKey(GradeRecord, null=True, default=None, on_delete=OnDelete.restrict)
    place = SmallInt(null=True, default=None)
    points = Numeric(digits=(6, 2), null=True, default=None)
    shortlisted = Boolean(default=False)
    reasons = JSONB(default="[]")

    market_bid_one_per_agency = Unique(["notice", "bidder_tag"])
    market_bid_known_state = Check(_one_of("state", BidState))


class BidAttachment(Table, tablename="market_bid_attachment"):
    """A file that lay in an envelope, stored when it was opened. `author` as its properties name it."""

    id = BigSerial(primary_key=True)
    bid = ForeignKey(Bid, null=False, on_delete=OnDelete.restrict, index=True)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    author = Varchar(length=200, default="")


class SupersededEnvelope(Table, tablename="market_superseded_envelope"):
    """An envelope that its bidder replaced or withdrew. Kept closed for good."""

    id = BigSerial(primary_key=True)
    bid = ForeignKey(Bid, null=False, on_delete=OnDelete.restrict, index=True)
    digest = Varchar(length=64)
    algorithm = Varchar(length=40)
    envelope = Bytea()
    received_at = Timestamptz()
    superseded_at = Timestamptz()


class Opening(Table, tablename="market_opening"):
    """What the opening found: how many envelopes, who qualified, and the draw if there was one.

    The candidates' list is written before the draw's secret is read.
    """

    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, primary_key=True)
    opened_at = Timestamptz()
    received = SmallInt()
    qualified = SmallInt()
    envelopes_digest = Varchar(length=64)
    candidates = JSONB()
    candidates_digest = Varchar(length=64)
    draw_decided = Boolean(default=False)
    draw = JSONB(null=True, default=None)


class Award(Table, tablename="market_award"):
    """Who was chosen, why, and with which grade at that moment. One in force per notice."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    bid = ForeignKey(Bid, null=True, default=None, on_delete=OnDelete.restrict)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    state = Varchar(length=12)
    amount = Numeric(digits=(14, 2))
    days = SmallInt()
    place = SmallInt()
    reason = JSONB()
    grade_at_selection = Varchar(length=1)
    score_at_selection = Numeric(digits=(5, 2), null=True, default=None)
    grade_record = ForeignKey(GradeRecord, null=True, default=None, on_delete=OnDelete.restrict)
    announced_at = Timestamptz()
    display_until = Timestamptz()
    confirmed_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)

    market_award_one_per_agency = Unique(["notice", "agency"])


class LowPriceCheck(Table, tablename="market_low_price_check"):
    """An abnormally low price of the one about to be chosen: figures, justification, decision.

    The award waits: until `due_at` for the agency's words, then until `decide_by` for the client's. The
    justification is read by its agency, the client and the supervisor; figures and decision by everybody.
    """

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    bid = ForeignKey(Bid, null=False, on_delete=OnDelete.restrict, unique=True)
    amount = Numeric(digits=(14, 2))
    compared = SmallInt()
    mean = Numeric(digits=(14, 2), null=True, default=None)
    next_amount = Numeric(digits=(14, 2))
    chosen = JSONB()
    asked_at = Timestamptz()
    due_at = Timestamptz()
    justification = Text(default="")
    justified_at = Timestamptz(null=True, default=None)
    decide_by = Timestamptz(null=True, default=None)
    outcome = Varchar(length=10, default="")
    words = Text(default="")
    decided_at = Timestamptz(null=True, default=None)

    market_low_price_check_outcome = Check("outcome in ('','accepted','rejected','lapsed','deemed')")


class NoticeFlag(Table, tablename="market_notice_flag"):
    """Something the rules noticed when a notice was published, with the client's public explanation."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    kind = Varchar(length=12, index=True)
    code = Varchar(length=30)
    facts = JSONB()
    words = Text()
    raised_at = Timestamptz()

    market_notice_flag_known_kind = Check("kind in ('split','condition')")
