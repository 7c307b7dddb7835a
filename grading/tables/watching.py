"""Signals about the graders, with how each was handled."""

from piccolo.columns import JSONB, Array, BigInt, BigSerial, Boolean, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check
from piccolo.table import Table

from core.tables import Account


class GraderSignal(Table, tablename="grading_signal"):
    """A fact somebody should look at. Found again it keeps its row, no longer found it stays.

    `signature` is the digest of code, subject and key; the ids are the records it rests on.
    """

    id = BigSerial(primary_key=True)
    signature = Varchar(length=64, unique=True)
    code = Varchar(length=30, index=True)
    subject = Varchar(length=60, index=True)
    params = JSONB()
    agencies = Array(base_column=BigInt())
    clients = Array(base_column=BigInt())
    reviewers = Array(base_column=BigInt())
    contracts = Array(base_column=BigInt())
    reviews = Array(base_column=BigInt())
    found = Boolean(default=True)
    first_found_at = Timestamptz()
    last_found_at = Timestamptz()
    state = Varchar(length=10, default="new", index=True)
    assigned_to = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    assigned_at = Timestamptz(null=True, default=None)
    due_at = Timestamptz(null=True, default=None)
    decided_by = ForeignKey(Account, null=True, default=None, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(null=True, default=None)
    result = Varchar(length=20, default="")
    reasons = Text(default="")

    grading_signal_state = Check("state in ('new','assigned','decided')")
    grading_signal_assigned = Check("(state = 'new') = (assigned_to is null)")
    grading_signal_decided = Check("(state = 'decided') = (decided_by is not null and result <> '')")
