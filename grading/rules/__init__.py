"""The grading rules as pure functions, by topic. `replay.grade` is the whole: evidence in, grade out."""

from grading.rules.trail_titles import OPEN_ACTS, TRAIL_TITLES

__all__ = ["OPEN_ACTS", "TRAIL_TITLES"]
