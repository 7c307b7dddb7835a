"""The acts of grading; the names below are what controllers, jobs and the demo market use."""

from grading.services.calibrating import calibrate_if_due, publish_calibration
from grading.services.certificates import revoke_certificate
from grading.services.conduct import FindingDraft, decide_conduct, propose_conduct, propose_from_case, reply_conduct
from grading.services.direct_d import Imposition, impose_direct_d
from grading.services.replaying import replay_check
from grading.services.reports import comment, publish, publish_run, renew
from grading.services.runs import prepare_run, run_if_due

__all__ = [
    "FindingDraft",
    "Imposition",
    "calibrate_if_due",
    "comment",
    "decide_conduct",
    "impose_direct_d",
    "prepare_run",
    "propose_conduct",
    "propose_from_case",
    "publish",
    "publish_calibration",
    "publish_run",
    "renew",
    "replay_check",
    "reply_conduct",
    "revoke_certificate",
    "run_if_due",
]
