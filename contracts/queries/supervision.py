"""How a review was planned by the agency's grade."""

from dataclasses import dataclass
from decimal import Decimal

from contracts.rules.supervision import DEPTHS, REASONS, Depth
from core import db


@dataclass(frozen=True)
class ReviewPlanRow:
    """Depth, reviewers and the lot behind them; anybody can draw it again from `seed`."""

    grade: str
    depth: Depth
    share: Decimal
    seed: str
    reviewers: int
    reason: str
    rule: str

    @property
    def depth_name(self) -> str:
        """The depth in Chinese, for translation."""
        return DEPTHS[self.depth]

    @property
    def reason_name(self) -> str:
        """Why so many reviewers, in Chinese, for translation."""
        return REASONS[self.reason]


async def review_plan(review_id: int) -> ReviewPlanRow | None:
    """The plan of a review; None for reviews opened before there were plans. Only for who may see the review."""
    row = await db.row(
        "select grade, depth, share, seed, reviewers, reason, rule from contracts_review_plan where review = $1",
        review_id,
    )
    return ReviewPlanRow(**{**row, "depth": Depth(row["depth"])}) if row else None


async def assignment_depth(assignment_id: int) -> Depth:
    """How deep the review of an assignment is; the grade behind it stays masked."""
    found = await db.value(
        "select p.depth from contracts_assignment a join contracts_review_plan p on p.review = a.review where a.id = $1",
        assignment_id,
    )
    return Depth(found) if found else Depth.STANDARD
