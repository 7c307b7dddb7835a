"""Reads of grading; the names below are what portal and the demo market use."""

from grading.queries.as_seen import AsSeen, as_seen
from grading.queries.certificates import CertificateView, certificate, certificates_of, current_number
from grading.queries.conduct import FindingView, finding, findings, live_findings, points_today, running_grounds
from grading.queries.desk import desk_items
from grading.queries.objections import Tag, open_tag, open_tags
from grading.queries.proposals import newest_scheme
from grading.queries.reports import (
    ReportView,
    grade_mix,
    history,
    latest_grades,
    report,
    standing_explanation,
)
from grading.queries.runs import run, run_reports, runs
from grading.queries.schemes import reviewer_components, rulebook_on

__all__ = [
    "AsSeen",
    "CertificateView",
    "FindingView",
    "ReportView",
    "Tag",
    "as_seen",
    "certificate",
    "certificates_of",
    "current_number",
    "desk_items",
    "finding",
    "findings",
    "grade_mix",
    "history",
    "latest_grades",
    "live_findings",
    "newest_scheme",
    "open_tag",
    "open_tags",
    "points_today",
    "report",
    "reviewer_components",
    "rulebook_on",
    "run",
    "run_reports",
    "running_grounds",
    "runs",
    "standing_explanation",
]
