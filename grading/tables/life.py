"""What an agency may do about its grade: ask, object, have it re-reviewed, repair; and what was corrected by it."""

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Numeric,
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
from grading.tables import ConductPoint, DirectD, GradeReport


class GradeRequest(Table, tablename="grading_request"):
    """An agency asks for an explanation of its grade, or for a person to look at it again."""

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    report = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict, index=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    kind = Varchar(length=20)
    question = Text()
    state = Varchar(length=20)
    asked_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    asked_at = Timestamptz()
    due_at = Timestamptz()
    overdue_at = Timestamptz(null=True, default=None)
    answered_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    answered_at = Timestamptz(null=True, default=None)
    answer = Text(default="")

    grading_request_kind = Check("kind in ('explanation', 'human')")
    grading_request_state = Check("(state = 'answered') = (answered_by is not null) and state in ('asked', 'answered')")


class GradeObjection(Table, tablename="grading_objection"):
    """An objection to a published grade, at most one per report.

    `due_at` is the clock of whoever holds it now. `suspends`: the report lowers the grade, so the grade
    before it stays in effect until the objection is closed. `proposal` is what the panel votes on.
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    report = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict, unique=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    state = Varchar(length=20)
    suspends = Boolean()
    facts = Text()
    wish = Text()
    lodged_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    lodged_at = Timestamptz()
    tagged_at = Timestamptz()
    due_at = Timestamptz(null=True, default=None)
    overdue_at = Timestamptz(null=True, default=None)
    checked_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    check_words = Text(default="")
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    reasons = Text(default="")
    contested_at = Timestamptz(null=True, default=None)
    contest_words = Text(default="")
    lot_seed = Varchar(length=64, default="")
    lot_pool = JSONB(default="[]")
    proposal = JSONB(null=True, default=None)
    final_reasons = Text(default="")
    closed_at = Timestamptz(null=True, default=None)

    grading_objection_state = Check(
        "state in ('lodged', 'checking', 'rejected', 'panel', 'upheld', 'upheld-on-review', 'dismissed',"
        " 'lapsed', 'withdrawn')"
    )
    grading_objection_closed = Check("(closed_at is null) = (state in ('lodged', 'checking', 'rejected', 'panel'))")
    grading_objection_clock = Check("(due_at is null) = (closed_at is not null)")


class GradeObjectionFile(Table, tablename="grading_objection_file"):
    """A file of the evidence handed in with an objection."""

    id = BigSerial(primary_key=True)
    objection = ForeignKey(GradeObjection, null=False, on_delete=OnDelete.restrict, index=True)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)


class PanelSeat(Table, tablename="grading_panel_seat"):
    """A seat of the panel that re-reviews; the chair (place 1) stands one level above the officers."""

    id = BigSerial(primary_key=True)
    objection = ForeignKey(GradeObjection, null=False, on_delete=OnDelete.restrict, index=True)
    place = SmallInt()
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    seated_at = Timestamptz()
    agrees = Boolean(null=True, default=None)
    words = Text(default="")
    voted_at = Timestamptz(null=True, default=None)

    grading_panel_seat_once = Unique(["objection", "account"])
    grading_panel_seat_place = Unique(["objection", "place"])


class Correction(Table, tablename="grading_correction"):
    """What an upheld objection changes in the evidence, laid over the records: nothing is edited or deleted.

    `target` is the id of a deliverable or of a finding, by `kind`; `amount` the new figure where there is one.
    """

    id = BigSerial(primary_key=True)
    objection = ForeignKey(GradeObjection, null=False, on_delete=OnDelete.restrict, index=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    kind = Varchar(length=20)
    target = BigInt()
    amount = Numeric(digits=(5, 2), null=True, default=None)
    reasons = Text()
    decided_at = Timestamptz()

    grading_correction_kind = Check(
        "kind in ('drop-case', 'technical', 'punctuality', 'filings', 'drop-stars', 'drop-finding')"
    )
    grading_correction_amount = Check(
        "(amount is not null) = (kind in ('technical', 'punctuality', 'filings'))"
        " and (amount is null or amount between 0 and 100)"
    )
    grading_correction_once = Unique(["objection", "kind", "target"])


class GradeReplacement(Table, tablename="grading_replacement"):
    """That a published report was computed again under an upheld objection, and which one stands for it since."""

    id = BigSerial(primary_key=True)
    objection = ForeignKey(GradeObjection, null=False, on_delete=OnDelete.restrict, index=True)
    report = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict, unique=True)
    by = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict, unique=True)


class CreditRepair(Table, tablename="grading_repair"):
    """An application for credit repair of one finding or one direct D, in its class.

    Granted, the display, the sharing and the consequences end together on `ends_on`.
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    finding = ForeignKey(ConductPoint, null=True, default=None, on_delete=OnDelete.restrict, index=True)
    direct_d = ForeignKey(DirectD, null=True, default=None, on_delete=OnDelete.restrict, index=True)
    grade_class = Varchar(length=20)
    state = Varchar(length=20)
    corrected = Text()
    obligations = Text()
    confirmed_by = Varchar(length=200)
    promised = Boolean()
    applied_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    applied_at = Timestamptz()
    due_at = Timestamptz(null=True, default=None)
    overdue_at = Timestamptz(null=True, default=None)
    accepted_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    accepted_at = Timestamptz(null=True, default=None)
    first_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    first_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    reasons = Text(default="")
    forged = Boolean(default=False)
    ends_on = Date(null=True, default=None)

    grading_repair_one = Check("(finding is null) <> (direct_d is null)")
    grading_repair_state = Check("state in ('applied', 'accepted', 'joint', 'granted', 'refused', 'returned')")
    grading_repair_class = Check("grade_class in ('minor', 'general', 'grave')")
    grading_repair_granted = Check("(state = 'granted') = (ends_on is not null)")
    grading_repair_promised = Check("promised")
    grading_repair_two_persons = Check("first_by is null or decided_by is null or first_by <> decided_by")


class RepairFile(Table, tablename="grading_repair_file"):
    """A file that proves the correction."""

    id = BigSerial(primary_key=True)
    repair = ForeignKey(CreditRepair, null=False, on_delete=OnDelete.restrict, index=True)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
