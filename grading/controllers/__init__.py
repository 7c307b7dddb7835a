"""The pages of grading, by who uses them."""

from litestar import Router

from grading.controllers import (
    conduct,
    grader_signals,
    grading,
    inspections,
    public,
    successors,
    supervision,
    watching,
)

router = Router(
    path="/",
    route_handlers=[
        *public.HANDLERS,
        *grading.HANDLERS,
        *conduct.HANDLERS,
        *watching.HANDLERS,
        *grader_signals.HANDLERS,
        *supervision.HANDLERS,
        *successors.HANDLERS,
        *inspections.HANDLERS,
    ],
)
