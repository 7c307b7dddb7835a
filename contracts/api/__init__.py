"""The same reads and acts as JSON under /api/v1. Every act carries an `Idempotency-Key`."""

from litestar import Router

from contracts.api import contracts, deferred, reviews

api_router = Router(
    path="/", route_handlers=[*contracts.HANDLERS, *deferred.HANDLERS, *reviews.HANDLERS], tags=["contracts"]
)

__all__ = ["api_router"]
