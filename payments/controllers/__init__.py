"""The pages of payments."""

from litestar import Router

from payments.controllers import (
    bank,
    custody,
    ledger,
    overviews,
    payables,
    steps,
    stripe,
    stripe_bundles,
    stripe_webhook,
)

router = Router(
    path="/",
    route_handlers=[
        *payables.HANDLERS,
        *steps.HANDLERS,
        *custody.HANDLERS,
        *ledger.HANDLERS,
        *bank.HANDLERS,
        *overviews.HANDLERS,
        *stripe.HANDLERS,
        *stripe_bundles.HANDLERS,
        *stripe_webhook.HANDLERS,
    ],
)
