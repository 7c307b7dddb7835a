"""Service items, projects, notices, sealed bids, openings, awards."""

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


class ProjectPlan(Table, tablename="market_project_plan"):
    """The guide's result that a client keeps for a project: its answers, and the items with the catalogue
    rows they were taken from (`items` holds code, version, digest and days; `digest` is over all of it and
    the guide's own rules). Keeping it again replaces it; the trail holds the earlier ones."""

    id = BigSerial(primary_key=True)
    project = ForeignKey(Project, null=False, on_delete=OnDelete.restrict, unique=True)
    project_type = Varchar(length=12)
    answers = JSONB()
    items = JSONB()
    digest = Varchar(length=64)
    started_on = Date()
    version = Integer(default=1)
    kept_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    kept_at = Timestamptz()


class ProjectItem(Table, tablename="market_project_item"):
    """What a client does about one service item of a project: in the basket, made by itself, or there already."""

    id = BigSerial(primary_key=True)
    project = ForeignKey(Project, null=False, on_delete=OnDelete.restrict, index=True)
    item_code = Varchar(length=12)
    handling = Varchar(length=10)
    set_at = Timestamptz()

    market_project_item_once = Unique(["project", "item_code"])
    market_project_item_known_handling = Check("handling in ('basket','self','have')")


class Batch(Table, tablename="market_batch"):
    """One service item posted for many sites out of a sheet. `common` is what holds for every row."""

    id = BigSerial(primary_key=True)
    client = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    item_code = Varchar(length=12)
    file_name = Varchar(length=200)
    file_digest = Varchar(length=64)
    common = JSONB()
    made_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None, index=True)


class BatchRow(Table, tablename="market_batch_row"):
    """One site of a batch: waiting, posted as a notice, or refused with the reasons by column."""

    id = BigSerial(primary_key=True)
    batch = ForeignKey(Batch, null=False, on_delete=OnDelete.restrict, index=True)
    number = Integer()
    content = JSONB()
    state = Varchar(length=10)
    notice = ForeignKey(Notice, null=True, default=None, on_delete=OnDelete.restrict)
    faults = JSONB(null=True, default=None)

    market_batch_row_once = Unique(["batch", "number"])
    market_batch_row_known_state = Check("state in ('waiting','posted','refused')")


class Question(Table, tablename="market_question"):
    """A question about a notice. Who asked is a keyed mark only: asking would tell interest before the opening."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict)
    number = SmallInt()
    asker_tag = Varchar(length=64)
    text = Text()
    asked_at = Timestamptz()

    market_question_number = Unique(["notice", "number"])


class Answer(Table, tablename="market_answer"):
    """What the client answered. Never edited: the first is the answer, later ones supplement it."""

    id = BigSerial(primary_key=True)
    question = ForeignKey(Question, null=False, on_delete=OnDelete.restrict, index=True)
    text = Text()
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    answered_at = Timestamptz()


class NoticeVersion(Table, tablename="market_notice_version"):
    """One amendment of a published notice: everything it said before and after, why, who, when."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict)
    amendment = SmallInt()
    before = JSONB()
    after = JSONB()
    reason = Text()
    digest = Varchar(length=64)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    amended_at = Timestamptz()

    market_notice_version_once = Unique(["notice", "amendment"])


class Bond(Table, tablename="market_bond"):
    """A bond asked of whoever an award went to; the money itself is a payable of `payments`, found by award and round.
    Announced again after its bond was released, an agency owes a new one: the next `round`."""

    id = BigSerial(primary_key=True)
    award = ForeignKey(Award, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(length=20)
    round = SmallInt(default=1)
    amount = Numeric(digits=(14, 2))
    asked_at = Timestamptz()
    released_at = Timestamptz(null=True, default=None)
    release_reason = Varchar(length=40, default="")

    market_bond_once_a_round = Unique(["award", "kind", "round"])
    market_bond_known_kind = Check("kind in ('bid-bond','performance-bond')")


class Objection(Table, tablename="market_objection"):
    """An objection to a notice or its result. `target` is the act objected to: the notice's amendment, or the moment
    the result was announced (microseconds since 1970), which a correction makes new. `due_at` is until when the present holder has time, `moves_at` when the clock moves it on."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=24, unique=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    against = Varchar(length=10)
    target = BigInt()
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    state = Varchar(length=12, index=True)
    facts = Text()
    wish = Text()
    provision = Varchar(length=40)
    provision_words = Text()
    evidence_words = Text()
    lodged_at = Timestamptz()
    since_at = Timestamptz()
    due_at = Timestamptz(null=True, default=None)
    moves_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)

    market_objection_one_per_act = Unique(["notice", "agency", "against", "target"])
    market_objection_known_target = Check("against in ('notice','result')")


class ObjectionEvidence(Table, tablename="market_objection_evidence"):
    """A file an objector filed as evidence; for the parties and the supervisor only."""

    id = BigSerial(primary_key=True)
    objection = ForeignKey(Objection, null=False, on_delete=OnDelete.restrict, index=True)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)


class ObjectionStep(Table, tablename="market_objection_step"):
    """One act on an objection with its reasons; never changed. `detail` is what a correction did."""

    id = BigSerial(primary_key=True)
    objection = ForeignKey(Objection, null=False, on_delete=OnDelete.restrict, index=True)
    act = Varchar(length=12)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    words = Text()
    detail = JSONB(null=True, default=None)
    at = Timestamptz()


class DrawGround(Table, tablename="market_draw_ground"):
    """What a draw stands on besides the entrants' list, frozen at the opening before its secret is read.

    `envelopes` are pairs of fingerprint and contribution, `lots` by credit code, `factors` those that may be drawn.
    """

    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, primary_key=True)
    frozen_at = Timestamptz()
    checkpoint_size = BigInt(default=0)
    checkpoint_root = Varchar(length=64, default="")
    envelopes = JSONB()
    lots = JSONB()
    factors = JSONB()


class PanelSeat(Table, tablename="market_panel_seat"):
    """A seat of the panel of a proposal-preferred notice. Ended seats stay, with the reason when it was a tie."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    number = SmallInt()
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, index=True)
    chair = Boolean(default=False)
    named_at = Timestamptz()
    declared_at = Timestamptz(null=True, default=None)
    submitted_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    end_reason = Text(default="")

    market_panel_seat_numbered = Unique(["notice", "number"])


class PanelScore(Table, tablename="market_panel_score"):
    """What one seat gave one proposal on one question. A draft until the seat submitted, then final."""

    id = BigSerial(primary_key=True)
    seat = ForeignKey(PanelSeat, null=False, on_delete=OnDelete.restrict, index=True)
    bid = ForeignKey(Bid, null=False, on_delete=OnDelete.restrict)
    question = Varchar(length=8)
    points = Numeric(digits=(6, 2))

    market_panel_score_once = Unique(["seat", "bid", "question"])


class PanelConsensus(Table, tablename="market_panel_consensus"):
    """What the panel agreed on where its members were far apart, with the reason; recorded by the chair."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    bid = ForeignKey(Bid, null=False, on_delete=OnDelete.restrict)
    question = Varchar(length=8)
    points = Numeric(digits=(6, 2))
    reason = Text()
    recorded_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    recorded_at = Timestamptz()

    market_panel_consensus_once = Unique(["bid", "question"])
