"""The pages of grading, by who uses them."""

from litestar import Router

from grading.controllers import conduct, grader_signals, grading, laboratory, public, watching

router = Router(
    path="/",
    route_handlers=[
        *public.HANDLERS,
        *grading.HANDLERS,
        *conduct.HANDLERS,
        *laboratory.HANDLERS,
        *watching.HANDLERS,
        *grader_signals.HANDLERS,
    ],
)
