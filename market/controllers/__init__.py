"""Pages of the market."""

from litestar import Router

from market.controllers import (
    amendments,
    batch,
    bids,
    catalogue,
    custody,
    guide,
    notices,
    objections,
    posting,
    projects,
    results,
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
        *custody.HANDLERS,
        *guide.HANDLERS,
        *objections.HANDLERS,
    ],
    include_in_schema=False,
)
