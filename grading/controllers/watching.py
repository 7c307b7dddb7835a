"""Watching the graders: the figures for those who watch, and the severity of reviewers for everybody."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from litestar import Request, Response, get
from litestar.params import FromPath

from core import clock, web
from core.i18n import language
from core.identity import Permission
from grading.controllers.watch_charts import chart
from grading.controllers.watch_words import caption, cell, columns
from grading.controllers.words import words
from grading.queries.schemes import published_tables, rulebook_on
from grading.queries.watching import figures, region_names
from grading.rules.watching import BY_CODE, LIMITS, VERDICT_TAGS, VERDICTS, FigureAbsent
from market.queries import items

if TYPE_CHECKING:
    from grading.watching.figures import Figure

AnyRequest = Request[Any, Any, Any]
WATCHER = [web.requires(Permission.WATCH_GRADING)]
TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


async def _named() -> "list[Figure]":
    """The figures, with the regions of the fairness table by name."""
    regions = await region_names()

    def said(row: dict[str, Any]) -> dict[str, Any]:
        known = regions.get(row["group"]) if row["kind"] == "region" else None
        return row | {"group": known[language() == "en"]} if known else row

    return [
        replace(one, rows=tuple(said(row) for row in one.rows)) if code == "fairness" else one
        for code, one in (await figures()).items()
    ]


@get("/grading/watch", name="grading:watch", guards=WATCHER)
async def watch_page(request: AnyRequest) -> Response[Any]:
    """All figures with their verdicts, as charts and as tables."""
    made = await _named()
    return await web.page(
        request,
        "grading/watch.html",
        **words(),
        made=[(BY_CODE[one.code], one, chart(one), caption(one), columns(one)) for one in made],
        cell=cell,
        verdicts=VERDICTS,
        verdict_tags=VERDICT_TAGS,
        limits=LIMITS,
    )


@get("/grading/watch/{name:str}", name="grading:watch-file", guards=WATCHER)
async def watch_file(name: FromPath[str]) -> Response[bytes]:
    """One figure as CSV or XLSX, with full precision."""
    code, _dot, kind = name.partition(".")
    if code not in BY_CODE or kind not in TYPES:
        raise FigureAbsent
    figure = next(one for one in await _named() if one.code == code)
    shown = columns(figure)
    body = await anyio.to_thread.run_sync(_sheet, figure.rows, [(one[0], one[1]) for one in shown], kind, code)
    headers = {
        "content-disposition": f'attachment; filename="xinshi-{code}-{clock.today()}.{kind}"',
        "cache-control": "no-store",
    }
    return Response(body, media_type=TYPES[kind], headers=headers)


def _sheet(rows: Any, shown: list[tuple[str, str]], kind: str, code: str) -> bytes:
    from grading.watching import sheets

    frame = sheets.table([name for name, _label in shown], [label for _name, label in shown], rows)
    return sheets.csv(frame) if kind == "csv" else sheets.xlsx(frame, code)


@get("/grading/severity", name="grading:severity", opt=web.public)
async def severity_page(request: AnyRequest) -> Response[Any]:
    """How strict each reviewer is and how that is known, with groups, overlap and every frozen table as a file.

    Reviewers by their number in the table only.
    """
    rules = await rulebook_on(clock.today())
    made = await figures()
    figure = made["severity"]
    return await web.page(
        request,
        "grading/severity.html",
        **words(),
        rules=rules,
        figure=figure,
        overlap=made["overlap"],
        tables=await published_tables(),
        item_names={one.code: one for one in await items()},
        drawn=chart(figure),
        summary=caption(figure),
        limits=LIMITS,
    )


HANDLERS = [watch_page, watch_file, severity_page]
