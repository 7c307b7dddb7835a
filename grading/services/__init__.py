"""The acts of grading; the names below are what controllers, jobs and the demo market use."""

from grading.services.asked import answer_asked, ask, sweep_asked
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
from grading.services.displays import end_displays
from grading.services.grader_signals import assign_signal, compute_grader_signals, decide_signal, reopen_signal
from grading.services.improvement import ImprovementReceipt, file_improvement
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
    confirm_rectified,
    draw_plan,
    record_inspection,
)
from grading.services.live import review_final
from grading.services.objections import (
    Objecting,
    check_outside,
    decide_objection,
    lodge_objection,
    withdraw_objection,
)
from grading.services.proposals import (
    Variant,
    approve_scheme,
    draft_scheme,
    edit_scheme,
    enter_force_if_due,
    reject_scheme,
    submit_scheme,
    withdraw_scheme,
)
from grading.services.record_breaches import sweep_record
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
from grading.services.trying import run_queued_replays, run_replay, shadow_latest, start_replay
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
    "ImprovementReceipt",
    "InheritanceReceipt",
    "InspectionDraft",
    "InspectionReceipt",
    "Objecting",
    "PlanReceipt",
    "RepairDraft",
    "Variant",
    "WayBackReceipt",
    "accept_repair",
    "announce_plan",
    "answer_asked",
    "apply_repair",
    "approve_scheme",
    "ask",
    "assign_signal",
    "calibrate_if_due",
    "check_outside",
    "check_way_back",
    "clear_inheritance",
    "comment",
    "complete_way_back",
    "compute_grader_signals",
    "confirm_rectified",
    "contest",
    "decide_conduct",
    "decide_inheritance",
    "decide_objection",
    "decide_repair",
    "decide_signal",
    "decide_way_back",
    "draft_scheme",
    "draw_plan",
    "drop_suggestion",
    "edit_scheme",
    "end_displays",
    "enter_force_if_due",
    "file_improvement",
    "file_way_back",
    "impose_direct_d",
    "lift_due",
    "lodge_objection",
    "prepare_run",
    "propose",
    "propose_conduct",
    "propose_from_case",
    "propose_from_lapse",
    "propose_inheritance",
    "propose_pair",
    "publish",
    "publish_calibration",
    "publish_run",
    "record_inspection",
    "reject_scheme",
    "renew",
    "reopen_signal",
    "replay_check",
    "reply_conduct",
    "reply_inheritance",
    "return_repair",
    "review_final",
    "revoke_certificate",
    "run_if_due",
    "run_queued_replays",
    "run_replay",
    "shadow_latest",
    "start_replay",
    "submit_scheme",
    "suggest_successors",
    "sweep_asked",
    "sweep_objections",
    "sweep_record",
    "sweep_repairs",
    "vote",
    "withdraw_objection",
    "withdraw_scheme",
]
