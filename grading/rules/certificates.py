"""What a certificate says, and the fingerprint over it."""

from collections.abc import Mapping
from typing import Any

from grading.rules.evidence import digest

FACTS = (
    "number",
    "agency",
    "profession",
    "name_zh",
    "name_en",
    "uscc",
    "grade",
    "score",
    "firm",
    "scheme",
    "as_of",
    "issued_on",
    "valid_until",
    "evidence_digest",
    "outcome_digest",
)
"""What the fingerprint of a certificate covers."""


def fingerprint(facts: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the certificate's facts."""
    return digest({name: facts[name] for name in FACTS})
