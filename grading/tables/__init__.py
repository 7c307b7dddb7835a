"""Rule-sets, runs, reports, conduct, certificates. A published report is never changed, only superseded."""

from piccolo.columns import (
    JSONB,
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from agencies.tables import Agency
from core.tables import Account

POINTS = (5, 2)
CHANCE = (5, 4)
GRADES = "('A','B','C','D','N')"


class GradingScheme(Table, tablename="grading_scheme"):
    """A published rule-set as its exact text; `digest` is the SHA-256 of it."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=40, unique=True)
    digest = Varchar(length=64, unique=True)
    source = Text()
    in_force_from = Date()
    published_at = Timestamptz()


class CalibrationTable(Table, tablename="grading_calibration"):
    """A frozen table of corrections as its exact text; the newest frozen by a day is the one used."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=40, unique=True)
    digest = Varchar(length=64, unique=True)
    source = Text()
    frozen_on = Date()
    published_at = Timestamptz()


class GradeRun(Table, tablename="grading_run"):
    """All reports made for one day, or those made when a direct D, a replay or a repair takes effect.

    `key` is `monthly:2026-11-02`, `direct-d:7`, `replay:3:12` or `repair:5`: the same run cannot be made twice.
    """

    id = BigSerial(primary_key=True)
    key = Varchar(length=40, unique=True)
    kind = Varchar(length=20)
    as_of = Date()
    scheme = ForeignKey(GradingScheme, null=False, on_delete=OnDelete.restrict)
    calibration = ForeignKey(CalibrationTable, null=False, on_delete=OnDelete.restrict)
    state = Varchar(length=20)
    prepared_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    prepared_at = Timestamptz()
    comment_until = Timestamptz()
    closed_at = Timestamptz(null=True, default=None)

    grading_run_state = Check("state in ('open','closed')")
    grading_run_reason = Check("kind in ('monthly','direct-d','replay','repair')")


class GradeReport(Table, tablename="grading_report"):
    """One grade of one agency in one profession, with the evidence it was computed from.

    `evidence` and `outcome` are canonical JSON; their digests and the scheme's and table's are what
    a replay must reproduce. `signed_by` is the person who published it, null until then.
    """

    id = BigSerial(primary_key=True)
    run = ForeignKey(GradeRun, null=False, on_delete=OnDelete.restrict, index=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    as_of = Date()
    prior_result = Varchar(length=1)
    quality = Varchar(length=1)
    band = Varchar(length=1)
    conduct = Varchar(length=1)
    result = Varchar(length=1)
    score = Numeric(digits=POINTS)
    sd = Numeric(digits=POINTS)
    low = Numeric(digits=POINTS)
    high = Numeric(digits=POINTS)
    reliability = Numeric(digits=CHANCE)
    firm = Boolean()
    p_up = Numeric(digits=CHANCE)
    p_down = Numeric(digits=CHANCE)
    alarm_low = Numeric(digits=(8, 2))
    alarm_high = Numeric(digits=(8, 2))
    alarm = Boolean()
    evidence = JSONB()
    evidence_digest = Varchar(length=64)
    outcome = JSONB()
    outcome_digest = Varchar(length=64)
    state = Varchar(length=20)
    comment = Text(default="")
    commented_at = Timestamptz(null=True, default=None)
    comment_until = Timestamptz()
    answer = Text(default="")
    signed_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    published_at = Timestamptz(null=True, default=None)
    publication_no = Varchar(length=40, null=True, default=None, unique=True)
    superseded_by: ForeignKey["GradeReport"] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    superseded_at = Timestamptz(null=True, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)

    grading_report_state = Check("state in ('draft','commented','published','superseded','withdrawn')")
    grading_report_grades = Check(
        f"prior_result in {GRADES} and quality in {GRADES} and band in {GRADES}"
        f" and conduct in {GRADES} and result in {GRADES}"
    )
    grading_report_signed = Check(
        "(state in ('published','superseded')) = "
        "(signed_by is not null and published_at is not null and publication_no is not null)"
    )
    grading_report_answered = Check("(commented_at is null) = (comment = '')")


class ConductPoint(Table, tablename="grading_conduct"):
    """A proposed or decided finding of misconduct. `profession` null means all of the agency's.

    `event` names what happened once (`deliverable:9`): several items for one event do not add up. `complaint`: a
    complaint is behind it; two upheld ones cap the grade at C (CC-04).
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30, null=True, default=None)
    code = Varchar(length=10)
    scheme = ForeignKey(GradingScheme, null=False, on_delete=OnDelete.restrict)
    points = Integer()
    event = Varchar(length=60, default="")
    found_on = Date()
    facts = Text()
    source = Text()
    state = Varchar(length=20)
    proposed_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    proposed_at = Timestamptz()
    reply = Text(default="")
    replied_at = Timestamptz(null=True, default=None)
    reply_until = Timestamptz()
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    decided_on = Date(null=True, default=None)
    reasons = Text(default="")
    document_no = Varchar(length=80, default="")
    ended_on = Date(null=True, default=None)
    complaint = Boolean(default=False)

    grading_conduct_state = Check("state in ('proposed','upheld','not-upheld','repaired')")
    grading_conduct_points = Check("points > 0")
    grading_conduct_two_persons = Check("decided_by is null or decided_by <> proposed_by")
    grading_conduct_decided = Check("(state = 'proposed') = (decided_on is null)")


class DirectD(Table, tablename="grading_direct_d"):
    """A decision with a document number that makes the grade D for a term."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30, null=True, default=None)
    code = Varchar(length=10)
    scheme = ForeignKey(GradingScheme, null=False, on_delete=OnDelete.restrict)
    document_no = Varchar(length=80)
    authority = Varchar(length=120)
    facts = Text()
    starts_on = Date()
    ends_on = Date()
    as_decided = Boolean(default=False)
    imposed_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    imposed_at = Timestamptz()

    grading_direct_d_term = Check("ends_on > starts_on and document_no <> ''")
    grading_direct_d_once = Unique(["agency", "code", "document_no"])


class Certificate(Table, tablename="grading_certificate"):
    """A certificate of a published grade: valid until its last day, a new grade, or revocation."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    report = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    name_zh = Varchar(length=200)
    name_en = Varchar(length=300)
    uscc = Varchar(length=18)
    grade = Varchar(length=1)
    score = Numeric(digits=POINTS)
    firm = Boolean()
    scheme = Varchar(length=40)
    as_of = Date()
    issued_on = Date()
    valid_until = Date()
    digest = Varchar(length=64)
    issued_at = Timestamptz()
    superseded_by: ForeignKey["Certificate"] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.restrict)
    superseded_on = Date(null=True, default=None)
    revoked_on = Date(null=True, default=None)
    revoked_reason = Text(default="")
    revoked_document_no = Varchar(length=80, default="")

    grading_certificate_revoked = Check("(revoked_on is null) = (revoked_document_no = '')")
