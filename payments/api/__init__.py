"""The same reads and acts as JSON under /api/v1."""

from litestar import Router

from payments.api import custody, overviews, payables, steps, stripe, stripe_bundles

api_router = Router(
    path="/",
    route_handlers=[
        *payables.HANDLERS,
        *stripe.HANDLERS,
        *stripe_bundles.HANDLERS,
        *steps.HANDLERS,
        *custody.HANDLERS,
        *overviews.HANDLERS,
    ],
    tags=["payments"],
)
