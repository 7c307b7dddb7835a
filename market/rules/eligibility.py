"""Who may take part: at the bid, again at the opening, again when the award is confirmed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from agencies.rules import CreditGrade, Standing
from core.errors import Rejected
from core.i18n import N_
from market.rules.editions import Edition
from market.rules.notices import SelectionMethod
from market.rules.reasons import Reason
from market.rules.recusal import NO_TIES, ClientTies, client_reasons


class NotEligible(Rejected):
    """An agency that may not take part; carries every reason at once."""

    code = "not-eligible"
    text = N_("现在不能参加这份公告：%(reasons)s")

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__(reasons=Sentences(reasons), codes=[reason.code for reason in reasons])
        self.reasons = reasons


@dataclass(frozen=True)
class Sentences:
    """Several reasons, joined only when somebody reads them (and in that reader's language)."""

    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return " ".join(reason.message().render() for reason in self.reasons)


@dataclass(frozen=True)
class Call:
    """What a notice asks of those who want to take part."""

    item_code: str
    method: SelectionMethod
    public_money: bool
    client_organization_id: int
    department_code: str


def eligibility(
    standing: Standing, call: Call, *, on: date, open_jobs: int, edition: Edition, ties: ClientTies = NO_TIES
) -> tuple[Reason, ...]:
    """Every reason why the agency may not take part on that day; empty when it may.

    Sources: recusal, Business-Environment Regulation art. 43 and domain.md §1.3; grade consequences
    of rule-set XT-2026.1. `open_jobs` counts awards not yet completed. The warning for a C agency is
    not a reason here: see `needs_warning`. `ties` to client and project: `market.queries.recusal`.
    """
    return (
        *_record(standing, call),
        *_qualification(standing, on),
        *_relations(standing, call),
        *client_reasons(ties, item_code=call.item_code, on=on, rule=edition.recusal),
        *_grade(standing, call, open_jobs, edition),
    )


CHOSEN_BY_CLIENT = frozenset({SelectionMethod.DIRECT, SelectionMethod.CREDIT_PREFERRED})
"""Methods in which the client itself picks the agency."""


def needs_warning(grade: CreditGrade, call: Call, edition: Edition) -> bool:
    """Whether a client must acknowledge the risk before choosing an agency of that grade itself."""
    return call.method in CHOSEN_BY_CLIENT and edition.grades[grade.value].direct_warning


def _record(standing: Standing, call: Call) -> Iterator[Reason]:
    if not standing.recorded:
        yield Reason("suspended" if standing.suspended else "not-recorded")
    elif not standing.profession_recorded:
        yield Reason("profession-not-recorded")
    elif call.item_code not in standing.items:
        yield Reason("item-not-offered")


def _qualification(standing: Standing, on: date) -> Iterator[Reason]:
    until = standing.qualification_valid_until
    if until is None:
        yield Reason("qualification-missing")
    elif until < on:
        yield Reason("qualification-expired", {"until": until.isoformat(), "on": on.isoformat()})


def _relations(standing: Standing, call: Call) -> Iterator[Reason]:
    if call.client_organization_id in (*standing.related_organizations, standing.organization_id):
        yield Reason("related-to-client")
    if call.department_code in standing.related_departments:
        yield Reason("related-to-department")


def _grade(standing: Standing, call: Call, open_jobs: int, edition: Edition) -> Iterator[Reason]:
    grade = standing.grade.value
    rule = edition.grades[grade]
    if rule.barred:
        yield Reason("grade-barred", {"grade": grade})
        return
    if call.method is SelectionMethod.DIRECT and call.public_money and not rule.direct_public:
        yield Reason("grade-no-direct", {"grade": grade})
    if rule.open_jobs is not None and open_jobs >= rule.open_jobs:
        limits = {"grade": grade, "limit": rule.open_jobs, "open": open_jobs}
        yield Reason("too-many-jobs", limits)
