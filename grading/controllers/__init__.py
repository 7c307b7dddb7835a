"""The pages of grading, by who uses them."""

from litestar import Router

from grading.controllers import conduct, grader_signals, grading, public, watching

router = Router(
    path="/",
    route_handlers=[
        *public.HANDLERS,
        *grading.HANDLERS,
        *conduct.HANDLERS,
        *watching.HANDLERS,
        *grader_signals.HANDLERS,
    ],
)
from grading.controllers import as_seen, asked, conduct, grading, objections, public, repairs

TOPICS = (public, grading, conduct, objections, asked, repairs, as_seen)
router = Router(path="/", route_handlers=[handler for topic in TOPICS for handler in topic.HANDLERS])
