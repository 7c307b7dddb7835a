"""The report on fees as JSON."""

from typing import Any

from litestar import get

from core import web
from market.queries.fees import fee_report


@get("/fees", name="api:fees", opt=web.public)
async def show_fees() -> dict[str, Any]:
    """Savings per item in yuan and per cent, and the price index by quarter (100 in each item's first quarter)."""
    report = await fee_report()
    return {
        "since": report.since.isoformat() if report.since else None,
        "quarters": report.index.quarters,
        "index": report.index.overall,
        "items": [
            {
                "item": one.item,
                "awards": one.awards,
                "budget": f"{one.budget:.2f}",
                "agreed": f"{one.agreed:.2f}",
                "saved_percent": float(one.percent),
                "index": report.index.items.get(one.item),
            }
            for one in report.savings
        ],
    }


HANDLERS = [show_fees]
