"""An award that its winner gave up: a fact of the record, not yet a judgement."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DeclinedAward:
    """An award that ended because the chosen agency gave it up; why, it said on the notice's trail."""

    award_id: int
    agency_id: int
    profession: str
    notice_no: str
    title: str
    ended_at: datetime
