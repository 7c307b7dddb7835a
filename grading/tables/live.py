"""What an agency's evidence says between two gradings. A measurement, not a grade: nobody has signed it."""

from piccolo.columns import BigInt, BigSerial, Boolean, Date, ForeignKey, Integer, Numeric, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from agencies.tables import Agency


class LiveScore(Table, tablename="grading_live"):
    """Score of one agency in one profession as of the last review that became final; replaced by the next."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    profession = Varchar(length=30)
    as_of = Date()
    deliverable = BigInt()
    results = Integer()
    score = Numeric(digits=(5, 2))
    low = Numeric(digits=(5, 2))
    high = Numeric(digits=(5, 2))
    band = Varchar(length=1)
    alarm = Boolean()
    computed_at = Timestamptz()

    grading_live_once = Unique(["agency", "profession"])
