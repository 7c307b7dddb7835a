"""The market as JSON under /api/v1: the same services, the same parsers, the same refusals."""

from litestar import Router

from market.api import (
    acts,
    amendments,
    choosing,
    custody,
    fees,
    guards,
    guide,
    objections,
    outages,
    reads,
    searches,
    signals,
)

api_router = Router(
    path="/",
    route_handlers=[
        *acts.HANDLERS,
        *amendments.HANDLERS,
        *choosing.HANDLERS,
        *custody.HANDLERS,
        *fees.HANDLERS,
        *guards.HANDLERS,
        *guide.HANDLERS,
        *objections.HANDLERS,
        *outages.HANDLERS,
        *reads.HANDLERS,
        *searches.HANDLERS,
        *signals.HANDLERS,
    ],
    tags=["market"],
)
