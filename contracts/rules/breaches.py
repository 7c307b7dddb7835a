"""Events of the record that speak against an agency by themselves, and from where on they do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RecordBreach(StrEnum):
    """What happened, as the clock and the record know it."""

    NOT_SIGNED = "contract-signing"
    CONTRACT_LATE = "contract-filing"
    CORRECTION_LATE = "correction"
    OVERRUN = "overrun"
    RETURNED_TWICE = "returned-twice"


@dataclass(frozen=True)
class RecordedBreach:
    """One event; `event` names it once and for all, also when what was missing comes in late afterwards."""

    kind: RecordBreach
    event: str
    agency_id: int
    profession: str
    contract_no: str
    title: str
    at: datetime
    figures: tuple[int, int]


OVERRUN_PERCENT = 150
"""Days taken as a share of those agreed beyond which CP-0204 speaks (suspensions and the client's days not counted)."""
RETURNS = 2
SIGN_WORKDAYS = 3
"""What a winner has at least to sign after its client has, also when the client confirmed on the last day (platform rule)."""
