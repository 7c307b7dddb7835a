"""The estimator: arrays in, arrays out. No database, no files, no clock; numpy and scipy only.

    learn_severity   who is strict, which projects are hard, whose marks scatter   (within agencies only)
    learn_field      the level of the field, how far agencies differ, how far one mark strays
    in_motion        how fast agencies move, and how long a mark counts therefore
    weigh            decay, consistency, robust weights, caps, the score of every agency and its spread
    place            N, bands, hysteresis, firm or provisional
    watch            the alarm over the marks in order of time
    explain          the table of one agency, adding up to 0.01

The same functions serve a file of ten million marks and the regrade of one agency. The method and the
reasons are in `docs/guides/grading.md`; every constant is named, with meaning and source, in `constants`.
"""

from grading.estimator.alarms import Alarms, watch
from grading.estimator.consistency import consistency
from grading.estimator.constants import DEFAULTS, Constants
from grading.estimator.explain import Explained, ExplainedRow, explain
from grading.estimator.field import Field, in_motion, learn_field, summarise
from grading.estimator.marks import Block, Marks
from grading.estimator.motion import Calendar, Motion, Pairs, one_in, pair_up, together
from grading.estimator.placing import GRADES, Counts, Placed, count, place, rated
from grading.estimator.severity import Components, Severity, learn_severity
from grading.estimator.weighing import Groups, Weighed, Witness, group, weigh

__all__ = [
    "DEFAULTS",
    "GRADES",
    "Alarms",
    "Block",
    "Calendar",
    "Components",
    "Constants",
    "Counts",
    "Explained",
    "ExplainedRow",
    "Field",
    "Groups",
    "Marks",
    "Motion",
    "Pairs",
    "Placed",
    "Severity",
    "Weighed",
    "Witness",
    "consistency",
    "count",
    "explain",
    "group",
    "in_motion",
    "learn_field",
    "learn_severity",
    "one_in",
    "pair_up",
    "place",
    "rated",
    "summarise",
    "together",
    "watch",
    "weigh",
]
