"""Suspensions: that the market supervisor stopped an agency for a time."""

from piccolo.columns import BigSerial, ForeignKey, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from agencies.tables import Agency
from core.tables import Account


class Suspension(Table, tablename="agencies_suspension"):
    """An agency takes no commissions and is paid nothing by the platform until this is lifted."""

    id = BigSerial(primary_key=True)
    agency = ForeignKey(Agency, null=False, on_delete=OnDelete.restrict, index=True)
    account = ForeignKey(Account, null=False, on_delete=OnDelete.restrict)
    reason = Text()
    suspended_at = Timestamptz()
    lifted_at = Timestamptz(null=True, default=None)
    lift_reason = Text(default="")
