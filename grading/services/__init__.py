"""The acts of grading; the names below are what controllers, jobs and the demo market use."""

from grading.services.calibrating import calibrate_if_due, publish_calibration
from grading.services.certificates import revoke_certificate
from grading.services.conduct import FindingDraft, decide_conduct, propose_conduct, propose_from_case, reply_conduct
from grading.services.direct_d import Imposition, impose_direct_d
from grading.services.grader_signals import assign_signal, compute_grader_signals, decide_signal, reopen_signal
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
from grading.services.replaying import replay_check
from grading.services.reports import comment, publish, publish_run, renew
from grading.services.runs import prepare_run, run_if_due
from grading.services.trying import run_queued_replays, run_replay, shadow_latest, start_replay

__all__ = [
    "FindingDraft",
    "Imposition",
    "Variant",
    "approve_scheme",
    "assign_signal",
    "calibrate_if_due",
    "comment",
    "compute_grader_signals",
    "decide_conduct",
    "decide_signal",
    "draft_scheme",
    "edit_scheme",
    "enter_force_if_due",
    "impose_direct_d",
    "prepare_run",
    "propose_conduct",
    "propose_from_case",
    "publish",
    "publish_calibration",
    "publish_run",
    "reject_scheme",
    "renew",
    "reopen_signal",
    "replay_check",
    "reply_conduct",
    "revoke_certificate",
    "run_if_due",
    "run_queued_replays",
    "run_replay",
    "shadow_latest",
    "start_replay",
    "submit_scheme",
    "withdraw_scheme",
]
