"""The public report on fees: what competition saved per item, and a price index by quarter."""

import csv
import io
from typing import Any

from litestar import Request, Response, get

from core import web
from core.i18n import loc
from core.sheets import safe_text
from market.queries import catalogue
from market.queries.fees import fee_report
from market.rules.fees import FEWEST, SEED_FALL

AnyRequest = Request[Any, Any, Any]


@get("/fees", name="market:fees", opt=web.public)
async def fees_page(request: AnyRequest) -> Response[Any]:
    """Savings per item beside what 2015 achieved, and how prices moved since."""
    report = await fee_report()
    items = {item.code: item for item in await catalogue.items()}
    bars = {
        "names": [loc(items[one.item], "name") for one in report.savings],
        "values": [float(one.percent) for one in report.savings],
        "limit": round(float(SEED_FALL), 1),
        "max": 80,
        "unit": "%",
    }
    lines = {"quarters": list(report.index.quarters), "overall": list(report.index.overall)}
    return await web.page(
        request, "market/fees.html", report=report, items=items, bars=bars, lines=lines, fewest=FEWEST, fall=SEED_FALL
    )


@get("/fees.csv", name="market:fees-csv", opt=web.public)
async def fees_csv(request: AnyRequest) -> Response[bytes]:
    """The same as a table: per item its savings and its index by quarter."""
    report = await fee_report()
    items = {item.code: item for item in await catalogue.items()}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["item", "name", "awards", "budget", "agreed", "saved_percent", *report.index.quarters])
    for one in report.savings:
        index = report.index.items.get(one.item, ())
        name = safe_text(loc(items[one.item], "name"))
        writer.writerow([one.item, name, one.awards, one.budget, one.agreed, one.percent, *index])
    return Response(
        out.getvalue().encode("utf-8-sig"),
        media_type="text/csv",
        headers={"content-disposition": 'attachment; filename="fees.csv"'},
    )


HANDLERS = [fees_page, fees_csv]
