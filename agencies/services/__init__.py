"""The acts on agencies; the names below are the door for higher floors."""

from agencies.services.desk import (
    accept_filing,
    decide_objection,
    lodge_objection,
    record_due_filings,
    record_filing,
    return_filing,
)
from agencies.services.grades import GradeFigures, GradeReceipt, record_grade
from agencies.services.locked import FilingReceipt
from agencies.services.persons import FlagReceipt, end_person_flag, flag_person
from agencies.services.steps import (
    add_practitioner,
    add_practitioners,
    add_qualification,
    change_qualification,
    remove_practitioner,
    remove_qualification,
    save_commitments,
    save_independence,
    save_organization,
    start_change,
    start_registration,
    submit_filing,
    withdraw_filing,
)
from agencies.services.suspensions import check_may_be_paid, resume_agency, suspend_agency
from agencies.services.warnings import warn_of_expiry

__all__ = [
    "FilingReceipt",
    "FlagReceipt",
    "GradeFigures",
    "GradeReceipt",
    "accept_filing",
    "add_practitioner",
    "add_practitioners",
    "add_qualification",
    "change_qualification",
    "check_may_be_paid",
    "decide_objection",
    "end_person_flag",
    "flag_person",
    "lodge_objection",
    "record_due_filings",
    "record_filing",
    "record_grade",
    "remove_practitioner",
    "remove_qualification",
    "resume_agency",
    "return_filing",
    "save_commitments",
    "save_independence",
    "save_organization",
    "start_change",
    "start_registration",
    "submit_filing",
    "suspend_agency",
    "warn_of_expiry",
    "withdraw_filing",
]
