"""Where Stripe sends its events."""

from typing import Any

import structlog
from litestar import Request, Response, post

from core import web
from core.errors import DomainError
from payments.gateway.configuration import WEBHOOK_PATH
from payments.services import stripe

_log = structlog.get_logger()
LARGEST = 1024 * 1024


@post(WEBHOOK_PATH, name="payments:stripe-webhook", opt=web.public, request_max_body_size=LARGEST)
async def webhook(request: Request[Any, Any, Any]) -> Response[Any]:
    """One event: 200 once it is in our books (or has no place there), anything else makes Stripe send it again."""
    body = await request.body()
    try:
        state = await stripe.take_in(body, request.headers.get("stripe-signature", ""))
    except DomainError as fault:
        if fault.status not in {400, 503}:
            _log.warning("event not applied", reason=fault.code)
        return Response({"code": fault.code}, status_code=fault.status)
    return Response({"state": state.value}, status_code=200)


HANDLERS = [webhook]
