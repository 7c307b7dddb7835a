"""Pages of the market."""

from litestar import Router

from market.controllers import bids, catalogue, custody, guards, notices, posting, projects, results

router = Router(
    path="/",
    route_handlers=[
        *catalogue.HANDLERS,
        *projects.HANDLERS,
        *notices.HANDLERS,
        *posting.HANDLERS,
        *bids.HANDLERS,
        *results.HANDLERS,
        *custody.HANDLERS,
        *guards.HANDLERS,
    ],
    include_in_schema=False,
)
