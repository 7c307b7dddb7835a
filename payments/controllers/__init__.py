"""The pages of payments."""

from litestar import Router

from payments.controllers import payables

router = Router(path="/", route_handlers=[*payables.HANDLERS])
