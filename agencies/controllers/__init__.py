"""The pages of agencies, by who uses them."""

from litestar import Router

from agencies.controllers import applying, desk, public, steps, suspending

router = Router(
    path="/",
    route_handlers=[*public.HANDLERS, *applying.HANDLERS, *steps.HANDLERS, *desk.HANDLERS, *suspending.HANDLERS],
)
