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
    signal_cases,
    signals,
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
        *feeds.HANDLERS,
        *guide.HANDLERS,
        *live.HANDLERS,
        *methods.HANDLERS,
        *objections.HANDLERS,
        *outages.HANDLERS,
        *panels.HANDLERS,
        *searches.HANDLERS,
        *signal_cases.HANDLERS,
        *signals.HANDLERS,
    ],
    include_in_schema=False,
)
