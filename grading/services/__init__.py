"""The acts of grading; the names below are what controllers, jobs and the demo market use."""

from grading.services.calibrating import calibrate_if_due, publish_calibration
from grading.services.certificates import revoke_certificate
from grading.services.conduct import (
    FindingDraft,
    decide_conduct,
    propose_conduct,
    propose_from_case,
    propose_from_lapse,
    reply_conduct,
)
from grading.services.direct_d import Imposition, impose_direct_d
from grading.services.grader_signals import assign_signal, compute_grader_signals, decide_signal, reopen_signal
from grading.services.inheritance import (
    InheritanceReceipt,
    clear_inheritance,
    decide_inheritance,
    drop_suggestion,
    propose_inheritance,
    propose_pair,
    reply_inheritance,
    suggest_successors,
)
from grading.services.inspections import (
    InspectionDraft,
    InspectionReceipt,
    PlanReceipt,
    announce_plan,
    draw_plan,
    record_inspection,
)
from grading.services.replaying import replay_check
from grading.services.reports import comment, publish, publish_run, renew
from grading.services.runs import prepare_run, run_if_due
from grading.services.way_back import (
    PROOF,
    WayBackReceipt,
    check_way_back,
    complete_way_back,
    decide_way_back,
    file_way_back,
    lift_due,
)

__all__ = [
    "PROOF",
    "FindingDraft",
    "Imposition",
    "InheritanceReceipt",
    "InspectionDraft",
    "InspectionReceipt",
    "PlanReceipt",
    "WayBackReceipt",
    "announce_plan",
    "assign_signal",
    "calibrate_if_due",
    "check_way_back",
    "clear_inheritance",
    "comment",
    "complete_way_back",
    "compute_grader_signals",
    "decide_conduct",
    "decide_inheritance",
    "decide_signal",
    "decide_way_back",
    "draw_plan",
    "drop_suggestion",
    "file_way_back",
    "impose_direct_d",
    "lift_due",
    "prepare_run",
    "propose_conduct",
    "propose_from_case",
    "propose_from_lapse",
    "propose_inheritance",
    "propose_pair",
    "publish",
    "publish_calibration",
    "publish_run",
    "record_inspection",
    "renew",
    "reopen_signal",
    "replay_check",
    "reply_conduct",
    "reply_inheritance",
    "revoke_certificate",
    "run_if_due",
    "suggest_successors",
]
