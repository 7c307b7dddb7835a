"""The pages of payments."""

from litestar import Router

from payments.controllers import payables, stripe, stripe_webhook

router = Router(path="/", route_handlers=[*payables.HANDLERS, *stripe.HANDLERS, *stripe_webhook.HANDLERS])
