"""What stands beside a grade in lists: counts of the evidence, as of the publication."""

from decimal import Decimal

from agencies.services import GradeFigures
from core.money import half_up
from grading.rules.evidence import Evidence
from grading.rules.replay import Outcome

FULL = Decimal(100)
STAR = Decimal(20)


def figures(evidence: Evidence, outcome: Outcome) -> GradeFigures:
    """Results, reviewers, clients, share on time, live points, and the mean level as stars of five."""
    cases = evidence.cases
    levels = [case.stars.level for case in cases if case.stars and not case.related]
    on_time = sum(case.punctuality == FULL for case in cases)
    return GradeFigures(
        results=len(cases),
        on_time_percent=round(100 * on_time / len(cases)) if cases else None,
        reviewers=len({alias for case in cases for alias in case.seen_by}),
        clients=len({case.client_id for case in cases}),
        points=outcome.conduct.points,
        stars=str(half_up(sum(levels, Decimal(0)) / len(levels) / STAR, 1)) if levels else None,
    )
