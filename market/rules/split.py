"""One purchase in several small ones: when earlier notices and this one together pass a limit of public money.

Sources: `edition.split`, `edition.public_caps`, `edition.public_amount_limit`; pattern "same owner, same item, 90
days" of domain.md. A finding is a fact with an explanation, not a refusal: two like services may be two needs.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from market.rules.editions import Edition
from market.rules.notices import SelectionMethod


@dataclass(frozen=True)
class Earlier:
    """An earlier notice of the same client for the same item. Ceiling in yuan."""

    notice_id: int
    number: str
    project_title: str
    location: str
    project_id: int
    published_on: date
    ceiling: Decimal


@dataclass(frozen=True)
class Split:
    """Several notices that together pass `limit`, which none of them passes alone."""

    total: Decimal
    limit: Decimal
    days: int
    earlier: tuple[Earlier, ...]

    def as_json(self) -> dict[str, Any]:
        """For a jsonb column or an API reply; amounts as text."""
        return {
            "total": str(self.total),
            "limit": str(self.limit),
            "days": self.days,
            "earlier": [
                {
                    "notice_id": one.notice_id,
                    "number": one.number,
                    "ceiling": str(one.ceiling),
                    "published_on": one.published_on.isoformat(),
                    "project": one.project_title,
                }
                for one in self.earlier
            ],
        }


def from_json(stored: Mapping[str, Any]) -> Split:
    """A finding as it was stored; place and project number are not kept with it."""
    earlier = tuple(
        Earlier(
            one["notice_id"],
            one["number"],
            one["project"],
            "",
            0,
            date.fromisoformat(one["published_on"]),
            Decimal(one["ceiling"]),
        )
        for one in stored["earlier"]
    )
    return Split(Decimal(stored["total"]), Decimal(stored["limit"]), stored["days"], earlier)


def same_place(one: str, other: str) -> bool:
    """Whether two locations read the same, apart from blanks and differences of width."""
    return _plain(one) == _plain(other)


def _plain(location: str) -> str:
    return "".join(unicodedata.normalize("NFKC", location).lower().split())


def limit_of(method: SelectionMethod, edition: Edition) -> Decimal:
    """The amount above which public money could not have used this method."""
    cap = edition.public_caps.get(method.value, edition.public_amount_limit)
    if method is SelectionMethod.DIRECT:
        cap = min(cap, edition.direct_public_cap)
    return min(cap, edition.public_amount_limit)


def find_split(
    *, ceiling: Decimal, method: SelectionMethod, public_money: bool, earlier: Sequence[Earlier], edition: Edition
) -> Split | None:
    """The finding, or None: own money, nothing earlier, or together still within the method's limit.

    `earlier` are the notices of the window (same client, item and place) that were not withdrawn or failed.
    """
    if not public_money or not earlier:
        return None
    total = ceiling + sum((one.ceiling for one in earlier), Decimal(0))
    limit = limit_of(method, edition)
    if total <= limit:
        return None
    return Split(total, limit, edition.split_window_days, tuple(earlier))
