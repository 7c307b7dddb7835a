"""Pages of the market."""

from litestar import Router

from market.controllers import bids, catalogue, feeds, live, notices, outages, posting, projects, results, searches

router = Router(
    path="/",
    route_handlers=[
        *catalogue.HANDLERS,
        *projects.HANDLERS,
        *notices.HANDLERS,
        *posting.HANDLERS,
        *bids.HANDLERS,
        *results.HANDLERS,
        *outages.HANDLERS,
        *feeds.HANDLERS,
        *live.HANDLERS,
        *searches.HANDLERS,
    ],
    include_in_schema=False,
)
