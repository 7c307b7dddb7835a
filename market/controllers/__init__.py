"""Pages of the market."""

from litestar import Router

from market.controllers import (
    amendments,
    batch,
    bids,
    catalogue,
    choosing,
    custody,
    guide,
    methods,
    notices,
    objections,
    panels,
    posting,
    projects,
    results,
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
        *guide.HANDLERS,
        *methods.HANDLERS,
        *objections.HANDLERS,
        *panels.HANDLERS,
        *signal_cases.HANDLERS,
        *signals.HANDLERS,
    ],
    include_in_schema=False,
)
