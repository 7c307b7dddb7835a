"""The market as JSON under /api/v1: the same services, the same parsers, the same refusals."""

from litestar import Router

from market.api import acts, custody, guards, reads

api_router = Router(
    path="/",
    route_handlers=[*reads.HANDLERS, *acts.HANDLERS, *custody.HANDLERS, *guards.HANDLERS],
    tags=["market"],
)
