"""A certificate in a dossier that has run out: until when it had to be renewed, ended, or a change filed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

UPDATE_WORKDAYS = 10
"""Within which an agency updates its dossier after a change (rule-set XT-2026.1, CP-0202)."""
FILED_BEFORE = timedelta(days=90)
"""A change filed so long before the expiry, when the first warning goes out, is about it."""


@dataclass(frozen=True)
class Outdated:
    """A certificate of the agency (`qualification`) or of one of its staff (`practitioner`) that has run out.

    `due_at`: until when the dossier had to be updated. `profession` is None for a person's.
    """

    kind: str
    record_id: int
    agency_id: int
    profession: str | None
    name: str
    number: str
    expires_on: date
    due_at: datetime


def left_alone(due_at: datetime, filed_at: datetime | None) -> bool:
    """Whether nobody had filed a change by then."""
    return filed_at is None or filed_at > due_at
