"""The acts of grading; the names below are what controllers, jobs and the demo market use."""

from grading.services.asked import answer_asked, ask, sweep_asked
from grading.services.calibrating import calibrate_if_due, publish_calibration
from grading.services.certificates import revoke_certificate
from grading.services.conduct import FindingDraft, decide_conduct, propose_conduct, propose_from_case, reply_conduct
from grading.services.direct_d import Imposition, impose_direct_d
from grading.services.displays import end_displays
from grading.services.grader_signals import assign_signal, compute_grader_signals, decide_signal, reopen_signal
from grading.services.objections import (
    Objecting,
    check_outside,
    decide_objection,
    lodge_objection,
    withdraw_objection,
)
from grading.services.repairs import (
    RepairDraft,
    accept_repair,
    apply_repair,
    decide_repair,
    return_repair,
    sweep_repairs,
)
from grading.services.replaying import replay_check
from grading.services.reports import comment, publish, publish_run, renew
from grading.services.rereviews import contest, propose, sweep_objections, vote
from grading.services.runs import prepare_run, run_if_due

__all__ = [
    "FindingDraft",
    "Imposition",
    "Objecting",
    "RepairDraft",
    "accept_repair",
    "answer_asked",
    "apply_repair",
    "ask",
    "assign_signal",
    "calibrate_if_due",
    "check_outside",
    "comment",
    "compute_grader_signals",
    "contest",
    "decide_conduct",
    "decide_objection",
    "decide_repair",
    "decide_signal",
    "end_displays",
    "impose_direct_d",
    "lodge_objection",
    "prepare_run",
    "propose",
    "propose_conduct",
    "propose_from_case",
    "publish",
    "publish_calibration",
    "publish_run",
    "renew",
    "reopen_signal",
    "replay_check",
    "reply_conduct",
    "return_repair",
    "revoke_certificate",
    "run_if_due",
    "sweep_asked",
    "sweep_objections",
    "sweep_repairs",
    "vote",
    "withdraw_objection",
]
