"""Pages of the market."""

from litestar import Router

from market.controllers import bids, catalogue, choosing, methods, notices, panels, posting, projects, results

router = Router(
    path="/",
    route_handlers=[
        *catalogue.HANDLERS,
        *projects.HANDLERS,
        *notices.HANDLERS,
        *posting.HANDLERS,
        *bids.HANDLERS,
        *results.HANDLERS,
        *choosing.HANDLERS,
        *panels.HANDLERS,
        *methods.HANDLERS,
    ],
    include_in_schema=False,
)
