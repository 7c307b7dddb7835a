"""Contracts, results, reviews and evaluations. Terms freeze when both sides have confirmed them."""

from decimal import Decimal

from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
    BigSerial,
    Boolean,
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
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from agencies.tables import Agency, Practitioner
from core.tables import Account, Organization, StoredFile
from market.tables import Award, Notice, Project

MONEY = (14, 2)
MARK = (5, 2)


class Contract(Table, tablename="contracts_contract"):
    """One contract per award; `bid_*` are what was offered, beside what was agreed."""

    id = BigSerial(primary_key=True)
    award = ForeignKey(Award, null=False, on_delete=OnDelete.restrict, unique=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    project = ForeignKey(Project, null=False, on_delete=OnDelete.restrict, index=True)
    client = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    agency_organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict, index=True)
    notice_no = Varchar(length=40)
    item_code = Varchar(length=20)
    item_name_zh = Varchar(length=200)
    item_name_en = Varchar(length=300)
    profession = Varchar(length=30)
    title = Varchar(length=300)
    review_sheet = Varchar(length=40)
    fund_source = Varchar(length=30)
    related_parties = Boolean(default=False)
    bid_amount = Numeric(digits=MONEY)
    bid_days = Integer()
    bid_conditions = Text(default="")
    amount = Numeric(digits=MONEY)
    days = Integer()
    scope = Text(default="")
    version = Integer(default=1)
    state = Varchar(length=20)
    awarded_at = Timestamptz()
    drafted_at = Timestamptz()
    confirm_due_at = Timestamptz()
    client_confirmed_at = Timestamptz(null=True, default=None)
    agency_confirmed_at = Timestamptz(null=True, default=None)
    signed_at = Timestamptz(null=True, default=None)
    filing_due_at = Timestamptz(null=True, default=None)
    number = Varchar(length=30, null=True, default=None, unique=True)
    filed_at = Timestamptz(null=True, default=None)
    filed_late = Boolean(default=False)
    completed_at = Timestamptz(null=True, default=None)

    contracts_contract_amount = Check("amount > 0 and amount <= bid_amount")
    contracts_contract_state = Check(
        "state in ('draft', 'half-confirmed', 'signed', 'filed', 'suspended', 'completed')"
    )


class Milestone(Table, tablename="contracts_milestone"):
    """A share of the fee, due `days` working days after signing."""

    id = BigSerial(primary_key=True)
    contract = ForeignKey(Contract, null=False, on_delete=OnDelete.restrict)
    place = SmallInt()
    name = Varchar(length=120)
    percent = Numeric(digits=MARK)
    days = Integer()
    amount = Numeric(digits=MONEY)
    state = Varchar(length=20, default="planned")
    accepted_at = Timestamptz(null=True, default=None)
    payable_id = BigInt(null=True, default=None)
    paid_at = Timestamptz(null=True, default=None)

    contracts_milestone_place = Unique(["contract", "place"])
    contracts_milestone_percent = Check("percent > 0 and percent <= 100")


class Suspension(Table, tablename="contracts_suspension"):
    """Days that the client caused; they do not count against the agency."""

    id = BigSerial(primary_key=True)
    contract = ForeignKey(Contract, null=False, on_delete=OnDelete.restrict, index=True)
    reason = Text()
    started_on = Date()
    ended_on = Date(null=True, default=None)


class Deliverable(Table, tablename="contracts_deliverable"):
    """The result of a milestone over all its versions; the record marks are set at acceptance."""

    id = BigSerial(primary_key=True)
    contract = ForeignKey(Contract, null=False, on_delete=OnDelete.restrict, index=True)
    milestone = ForeignKey(Milestone, null=False, on_delete=OnDelete.restrict, unique=True)
    number = Varchar(length=30, unique=True)
    title = Varchar(length=200)
    version = Integer(default=1)
    state = Varchar(length=20)
    filed_at = Timestamptz()
    due_at = Timestamptz()
    accepted_at = Timestamptz(null=True, default=None)
    agreed_days = Integer(null=True, default=None)
    taken_days = Integer(null=True, default=None)
    punctuality = Numeric(digits=MARK, null=True, default=None)
    late_filings = Integer(null=True, default=None)
    filings = Numeric(digits=MARK, null=True, default=None)

    contracts_deliverable_state = Check("state in ('filed', 'returned', 'accepted')")


class Submission(Table, tablename="contracts_submission"):
    """One version of a result: never changed, only followed by the next."""

    id = BigSerial(primary_key=True)
    deliverable = ForeignKey(Deliverable, null=False, on_delete=OnDelete.restrict)
    version = Integer()
    note = Text(default="")
    filed_at = Timestamptz()
    late = Boolean(default=False)
    digest = Varchar(length=64)
    returned_at = Timestamptz(null=True, default=None)
    return_reason = Text(default="")

    contracts_submission_version = Unique(["deliverable", "version"])


class SubmissionFile(Table, tablename="contracts_submission_file"):
    """A file of one version, with the hash that stands in the trail."""

    id = BigSerial(primary_key=True)
    submission = ForeignKey(Submission, null=False, on_delete=OnDelete.restrict, index=True)
    place = SmallInt()
    stored_file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    name = Varchar(length=255)
    sha256 = Varchar(length=64)
    size = BigInt()
    media_type = Varchar(length=120)

    contracts_submission_file_place = Unique(["submission", "place"])


class Signer(Table, tablename="contracts_signer"):
    """Who answers for a version, for life."""

    id = BigSerial(primary_key=True)
    submission = ForeignKey(Submission, null=False, on_delete=OnDelete.restrict)
    practitioner = ForeignKey(Practitioner, null=False, on_delete=OnDelete.restrict, index=True)

    contracts_signer_once = Unique(["submission", "practitioner"])


class Reviewer(Table, tablename="contracts_reviewer"):
    """Somebody qualified to judge results, named to others by code only."""

    id = BigSerial(primary_key=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict, unique=True)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    code = Varchar(length=20, unique=True)
    professions = Array(base_column=Text())
    region = Varchar(length=12)
    active = Boolean(default=True)
    registered_at = Timestamptz()


class ReviewerInterest(Table, tablename="contracts_reviewer_interest"):
    """A tie between a reviewer and an organisation, present or past."""

    id = BigSerial(primary_key=True)
    reviewer = ForeignKey(Reviewer, null=False, on_delete=OnDelete.restrict)
    organization = ForeignKey(Organization, null=False, on_delete=OnDelete.restrict)
    kind = Varchar(length=30)
    declared_at = Timestamptz()

    contracts_reviewer_interest_once = Unique(["reviewer", "organization", "kind"])


class Review(Table, tablename="contracts_review"):
    """The technical review of one accepted result, under the sheet version it began with."""

    id = BigSerial(primary_key=True)
    deliverable = ForeignKey(Deliverable, null=False, on_delete=OnDelete.restrict, unique=True)
    number = Varchar(length=30, unique=True)
    profession = Varchar(length=30)
    sheet_id = Varchar(length=40)
    sheet_version = Varchar(length=20)
    sheet_digest = Varchar(length=64)
    parties = Array(base_column=BigInt())
    wanted = SmallInt()
    doubled = Boolean(default=False)
    double_seed = Varchar(length=64)
    state = Varchar(length=20)
    opened_at = Timestamptz()
    shared_at = Timestamptz(null=True, default=None)
    due_at = Timestamptz(null=True, default=None)
    comment = Text(default="")
    commented_at = Timestamptz(null=True, default=None)
    answer = Text(default="")
    finalised_at = Timestamptz(null=True, default=None)
    technical = Numeric(digits=MARK, null=True, default=None)
    vetoed = Boolean(default=False)

    contracts_review_state = Check("state in ('marking', 'comment', 'answer', 'final')")


class Assignment(Table, tablename="contracts_assignment"):
    """One reviewer's seat in a review: how it was drawn, and the sheet as filled in."""

    id = BigSerial(primary_key=True)
    review = ForeignKey(Review, null=False, on_delete=OnDelete.restrict, index=True)
    reviewer = ForeignKey(Reviewer, null=False, on_delete=OnDelete.restrict, index=True)
    seat = SmallInt()
    blind = Boolean(default=False)
    drawn_at = Timestamptz(index=True)
    due_at = Timestamptz()
    lot_seed = Varchar(length=64)
    lot_pool = Array(base_column=BigInt())
    lot_excluded = JSONB()
    state = Varchar(length=20)
    marks = JSONB()
    vetoes = JSONB()
    summary = Text(default="")
    version = Integer(default=1)
    reason = Text(default="")
    submitted_at = Timestamptz(null=True, default=None)
    points = Numeric(digits=MARK, default=Decimal(0))
    mark = Numeric(digits=MARK, null=True, default=None)

    contracts_assignment_once = Unique(["review", "reviewer"])
    contracts_assignment_state = Check("state in ('assigned', 'submitted', 'recused', 'released')")


class Evaluation(Table, tablename="contracts_evaluation"):
    """The client's stars and the agency's statement; stars stay null when nobody answered."""

    id = BigSerial(primary_key=True)
    contract = ForeignKey(Contract, null=False, on_delete=OnDelete.restrict, unique=True)
    requested_at = Timestamptz()
    due_at = Timestamptz()
    reminders_sent = SmallInt(default=0)
    quality = SmallInt(null=True, default=None)
    time = SmallInt(null=True, default=None)
    conduct = SmallInt(null=True, default=None)
    charging = SmallInt(null=True, default=None)
    again = Boolean(null=True, default=None)
    narrative = Text(default="")
    score = Numeric(digits=MARK, null=True, default=None)
    client_filed_at = Timestamptz(null=True, default=None)
    statement = Text(default="")
    statement_filed_at = Timestamptz(null=True, default=None)
    revealed_at = Timestamptz(null=True, default=None)

    contracts_evaluation_stars = Check(
        "(client_filed_at is null) = (quality is null)"
        " and quality between 1 and 5 and time between 1 and 5"
        " and conduct between 1 and 5 and charging between 1 and 5"
    )
