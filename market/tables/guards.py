"""What the fairness guards keep: checks of abnormally low prices, and flags raised at publication."""

from piccolo.columns import JSONB, BigSerial, ForeignKey, Numeric, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check
from piccolo.table import Table

from market.tables import Bid, Notice


class LowPriceCheck(Table, tablename="market_low_price_check"):
    """An abnormally low price of the one about to be chosen: figures, justification, decision.

    The award waits: until `due_at` for the agency's words, then until `decide_by` for the client's. The
    justification is read by its agency, the client and the supervisor; figures and decision by everybody.
    """

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    bid = ForeignKey(Bid, null=False, on_delete=OnDelete.restrict, unique=True)
    amount = Numeric(digits=(14, 2))
    compared = SmallInt()
    mean = Numeric(digits=(14, 2), null=True, default=None)
    next_amount = Numeric(digits=(14, 2))
    chosen = JSONB()
    asked_at = Timestamptz()
    due_at = Timestamptz()
    justification = Text(default="")
    justified_at = Timestamptz(null=True, default=None)
    decide_by = Timestamptz(null=True, default=None)
    outcome = Varchar(length=10, default="")
    words = Text(default="")
    decided_at = Timestamptz(null=True, default=None)

    market_low_price_check_outcome = Check("outcome in ('','accepted','rejected','lapsed','deemed')")


class NoticeFlag(Table, tablename="market_notice_flag"):
    """Something the rules noticed when a notice was published, with the client's public explanation."""

    id = BigSerial(primary_key=True)
    notice = ForeignKey(Notice, null=False, on_delete=OnDelete.restrict, index=True)
    kind = Varchar(length=12, index=True)
    code = Varchar(length=30)
    facts = JSONB()
    words = Text()
    raised_at = Timestamptz()

    market_notice_flag_known_kind = Check("kind in ('split','condition')")
