"""What the grade changes in contracts: how deep a result is reviewed, and documents handed in later (容缺)."""

from piccolo.columns import BigSerial, ForeignKey, Numeric, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check
from piccolo.table import Table

from contracts.tables import Contract, Deliverable, Review
from core.tables import Account, StoredFile


class ReviewPlan(Table, tablename="contracts_review_plan"):
    """How a review was planned by the agency's grade on the day it was opened; the lot can be recomputed."""

    id = BigSerial(primary_key=True)
    review = ForeignKey(Review, null=False, on_delete=OnDelete.restrict, unique=True)
    rule = Varchar(length=40)
    grade = Varchar(length=1)
    depth = Varchar(length=10)
    share = Numeric(digits=(3, 2))
    seed = Varchar(length=64)
    reviewers = SmallInt()
    reason = Varchar(length=30)

    contracts_review_plan_depth = Check("depth in ('standard', 'deep')")


class DeferredDocument(Table, tablename="contracts_deferred_document"):
    """A named document promised at a filing for later; `deliverable` is empty when the contract was filed."""

    id = BigSerial(primary_key=True)
    contract = ForeignKey(Contract, null=False, on_delete=OnDelete.restrict, index=True)
    deliverable = ForeignKey(Deliverable, null=True, default=None, on_delete=OnDelete.restrict)
    name = Varchar(length=200)
    reason = Text()
    rule = Varchar(length=40)
    grade = Varchar(length=1)
    state = Varchar(length=20)
    promised_by = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    promised_at = Timestamptz()
    due_at = Timestamptz(index=True)
    stored_file = ForeignKey(StoredFile, null=True, default=None, on_delete=OnDelete.restrict)
    file_name = Varchar(length=255, default="")
    sha256 = Varchar(length=64, default="")
    supplied_at = Timestamptz(null=True, default=None)
    lapsed_at = Timestamptz(null=True, default=None)

    contracts_deferred_document_state = Check("state in ('promised', 'supplied', 'lapsed')")
    contracts_deferred_document_supplied = Check("(supplied_at is null) = (stored_file is null)")
