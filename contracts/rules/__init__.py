"""The rules of contracts by topic: filing, deliverables, sheets, reviews, evaluations, clocks."""

from contracts.rules.titles import OPEN_ACTS, TRAIL_TITLES

__all__ = ["OPEN_ACTS", "TRAIL_TITLES"]
