"""Pages of the market."""

from litestar import Router

from market.controllers import (
    amendments,
    batch,
    bids,
    catalogue,
    choosing,
    custody,
    feeds,
    guide,
    live,
    methods,
    notices,
    objections,
    outages,
    panels,
    posting,
    projects,
    results,
    searches,
)

router = Router(
    path="/",
    route_handlers=[
        *catalogue.HANDLERS,
        *projects.HANDLERS,
        *notices.HANDLERS,
        *posting.HANDLERS,
        *bids.HANDLERS,
        *results.HANDLERS,
        *amendments.HANDLERS,
        *batch.HANDLERS,
        *choosing.HANDLERS,
        *custody.HANDLERS,
        *guide.HANDLERS,
        *methods.HANDLERS,
        *objections.HANDLERS,
        *panels.HANDLERS,
        *outages.HANDLERS,
        *feeds.HANDLERS,
        *live.HANDLERS,
        *searches.HANDLERS,
    ],
    include_in_schema=False,
)
