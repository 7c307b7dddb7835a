"""Proposed changes of the rules, what they would do to the published past, and each agency's grade under them."""

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
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
from grading.tables import GradeReport, GradeRun, GradingScheme


class SchemeProposal(Table, tablename="grading_proposal"):
    """A variant of `base`: the changed numbers, and the exact text that would be published.

    `number` is also the id of the scheme in that text. `published` is the row of the scheme, from approval on.
    """

    id = BigSerial(primary_key=True)
    number = Varchar(length=40, unique=True)
    base = ForeignKey(GradingScheme, null=False, on_delete=OnDelete.restrict)
    purpose = Text()
    changes = JSONB()
    source = Text()
    digest = Varchar(length=64)
    state = Varchar(length=20)
    version = Integer(default=1)
    created_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    created_at = Timestamptz()
    edited_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    edited_at = Timestamptz()
    submitted_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    submitted_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    reasons = Text(default="")
    notice_until = Date(null=True, default=None)
    shadow_until = Date(null=True, default=None)
    in_force_from = Date(null=True, default=None)
    published = ForeignKey(GradingScheme, null=True, default=None, on_delete=OnDelete.restrict)

    grading_proposal_state = Check("state in ('draft','submitted','approved','in-force','rejected','withdrawn')")
    grading_proposal_second = Check(
        "state not in ('approved','in-force','rejected')"
        " or (decided_by <> created_by and decided_by <> edited_by and decided_by <> submitted_by)"
    )
    grading_proposal_decided = Check("(state in ('draft','submitted')) = (decided_at is null)")
    grading_proposal_published = Check(
        "(state in ('approved','in-force')) = (published is not null and notice_until is not null"
        " and shadow_until is not null and in_force_from is not null)"
    )


class SchemeReplay(Table, tablename="grading_replay"):
    """The published past graded again by a proposal's text.

    `key` says which: `try:7:2:1840` (proposal, version, newest report) or `shadow:7:31` (proposal, run).
    `attempt` counts starts; only the last one may write. `inputs_digest` covers the reports' evidence,
    their tables and the text.
    """

    id = BigSerial(primary_key=True)
    key = Varchar(length=60, unique=True)
    proposal = ForeignKey(SchemeProposal, null=False, on_delete=OnDelete.restrict, index=True)
    kind = Varchar(length=10)
    run = ForeignKey(GradeRun, null=True, default=None, on_delete=OnDelete.restrict)
    version = Integer()
    since = Date()
    last_report = BigInt()
    state = Varchar(length=10)
    attempt = Integer(default=0)
    done = Integer(default=0)
    total = Integer(default=0)
    asked_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    asked_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    problem = Text(default="")
    result = JSONB(null=True, default=None)
    inputs_digest = Varchar(length=64, default="")

    grading_replay_state = Check("state in ('queued','running','done','failed')")
    grading_replay_kind = Check("kind in ('try','shadow') and (kind = 'shadow') = (run is not null)")
    grading_replay_done = Check("(state = 'done') = (result is not null and inputs_digest <> '')")


class SchemeReplayGrade(Table, tablename="grading_replay_grade"):
    """The latest grade of one agency in one profession: as published, and as the replay gives it."""

    id = BigSerial(primary_key=True)
    replay = ForeignKey(SchemeReplay, null=False, on_delete=OnDelete.restrict)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    report = ForeignKey(GradeReport, null=False, on_delete=OnDelete.restrict)
    old = Varchar(length=1)
    new = Varchar(length=1)
    old_score = Numeric(digits=(5, 2))
    new_score = Numeric(digits=(5, 2))

    grading_replay_grade_once = Unique(["replay", "agency", "profession"])
    grading_replay_grade_grades = Check("old in ('A','B','C','D','N') and new in ('A','B','C','D','N')")
