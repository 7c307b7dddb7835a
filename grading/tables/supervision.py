"""Classified supervision: the way back from D, improvement plans, inherited conduct, random inspections."""

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from agencies.tables import Agency
from core.tables import Account, StoredFile
from grading.tables import ConductPoint, DirectD, GradeReport, GradingScheme


class WayBack(Table, tablename="grading_way_back"):
    """An agency's application to leave a direct D: what it shows, who checked, who decided."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    direct_d = ForeignKey(DirectD, null=False, on_delete=OnDelete.restrict, index=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    state = Varchar(length=20)
    corrected = Text()
    obligations = Text()
    confirmation = Text()
    filed_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    filed_at = Timestamptz()
    check_due_at = Timestamptz()
    checked_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    checked_at = Timestamptz(null=True, default=None)
    check_note = Text(default="")
    decide_due_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    reasons = Text(default="")
    effective_on = Date(null=True, default=None)

    grading_way_back_state = Check("state in ('filed', 'returned', 'accepted', 'granted', 'refused')")
    grading_way_back_two_persons = Check("decided_by is null or decided_by <> checked_by")
    grading_way_back_granted = Check("(state = 'granted') = (effective_on is not null)")


class WayBackFile(Table, tablename="grading_way_back_file"):
    """A proof handed in with an application."""

    id = BigSerial(primary_key=True)
    way_back = ForeignKey(WayBack, null=False, on_delete=OnDelete.restrict, index=True)
    stored_file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    name = Varchar(length=255)
    sha256 = Varchar(length=64)


class ImprovementPlan(Table, tablename="grading_improvement"):
    """What an agency does about its grade C; `report` is the first C of the row it answers to."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    report = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict, unique=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    measures = Text()
    training = Text()
    due_at = Timestamptz()
    filed_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    filed_at = Timestamptz()


class Inheritance(Table, tablename="grading_inheritance"):
    """That one agency may carry on another: suggested by edges, decided by a person, cleared by a person."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    predecessor = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    successor = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    edges = JSONB()
    state = Varchar(length=20)
    suggested_at = Timestamptz()
    proposed_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    proposed_at = Timestamptz(null=True, default=None)
    facts = Text(default="")
    reply_until = Timestamptz(null=True, default=None)
    reply = Text(default="")
    replied_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    decided_on = Date(null=True, default=None)
    reasons = Text(default="")
    cleared_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    cleared_at = Timestamptz(null=True, default=None)
    cleared_on = Date(null=True, default=None)
    clearing_reasons = Text(default="")

    grading_inheritance_once = Unique(["predecessor", "successor"])
    grading_inheritance_two = Check("predecessor <> successor")
    grading_inheritance_state = Check("state in ('suggested', 'proposed', 'in-force', 'not-confirmed', 'cleared')")
    grading_inheritance_two_persons = Check("decided_by is null or decided_by <> proposed_by")


class InspectionPlan(Table, tablename="grading_inspection_plan"):
    """The random inspections of a quarter: list and commitment frozen first, drawn by a value nobody knew then."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    year = Integer()
    quarter = SmallInt()
    scheme = ForeignKey(GradingScheme, null=False, on_delete=OnDelete.restrict)
    candidates = JSONB()
    candidates_digest = Varchar(length=64)
    quotas = JSONB()
    commitment = Varchar(length=64)
    secret = Bytea()
    checkpoint_size = BigInt()
    checkpoint_root = Varchar(length=64, default="")
    outside_source = Varchar(length=200)
    outside_value = Varchar(length=200, default="")
    outside_where = Varchar(length=300, default="")
    state = Varchar(length=20)
    announced_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    announced_at = Timestamptz()
    drawn_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    drawn_at = Timestamptz(null=True, default=None)
    result = JSONB(null=True, default=None)

    grading_inspection_plan_once = Unique(["year", "quarter"])
    grading_inspection_plan_state = Check("state in ('announced', 'drawn')")
    grading_inspection_plan_drawn = Check("(state = 'drawn') = (drawn_at is not null and result is not null)")


class Inspection(Table, tablename="grading_inspection"):
    """One inspection that the lot has ordered, and what was found; `correct_by` is the term of an order to put it right."""

    id = BigSerial(primary_key=True)
    plan = ForeignKey(InspectionPlan, null=False, on_delete=OnDelete.restrict)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    grade = Varchar(length=1)
    place = Integer()
    due_on = Date()
    state = Varchar(length=20)
    visited_on = Date(null=True, default=None)
    inspectors = Varchar(length=200, default="")
    facts = Text(default="")
    outcome = Varchar(length=20, default="")
    recorded_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    recorded_at = Timestamptz(null=True, default=None)
    finding = ForeignKey(ConductPoint, null=True, default=None, on_delete=OnDelete.restrict)
    correct_by = Date(null=True, default=None)
    corrected_on = Date(null=True, default=None)
    confirmed_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)

    grading_inspection_once = Unique(["plan", "agency", "profession"])
    grading_inspection_state = Check("state in ('due', 'done')")
    grading_inspection_done = Check("(state = 'done') = (recorded_at is not null and outcome <> '')")
    grading_inspection_ordered = Check("(outcome = 'ordered') = (correct_by is not null)")
    grading_inspection_corrected = Check("(corrected_on is null) = (confirmed_by is null)")
