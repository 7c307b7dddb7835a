"""The same reads and acts as JSON under /api/v1."""

from litestar import Router

from payments.api import custody, payables, steps, stripe

api_router = Router(
    path="/",
    route_handlers=[*payables.HANDLERS, *stripe.HANDLERS, *steps.HANDLERS, *custody.HANDLERS],
    tags=["payments"],
)
