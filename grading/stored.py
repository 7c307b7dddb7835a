"""From stored canonical JSON back to values: evidence for a replay, outcomes for a page."""

from typing import Any

import msgspec

from grading.rules.evidence import Evidence
from grading.rules.replay import Outcome


def evidence_of(plain: Any) -> Evidence:
    """The evidence behind a report. Raises `msgspec.ValidationError` when it is not one."""
    return msgspec.convert(plain, Evidence, strict=False)


def outcome_of(plain: Any) -> Outcome:
    """What was published, as values."""
    return msgspec.convert(plain, Outcome, strict=False)
