"""Pages of contracts, results, reviews and evaluations."""

from litestar import Router

from contracts.controllers import deferred, deliverables, evaluations, filing, public, reviewers, reviews

router = Router(
    path="/",
    route_handlers=[
        *public.HANDLERS,
        *filing.HANDLERS,
        *deferred.HANDLERS,
        *deliverables.HANDLERS,
        *reviews.HANDLERS,
        *reviewers.HANDLERS,
        *evaluations.HANDLERS,
    ],
)

__all__ = ["router"]
