"""The pages of grading, by who uses them."""

from litestar import Router

from grading.controllers import (
    as_seen,
    asked,
    conduct,
    grader_signals,
    grading,
    objections,
    public,
    repairs,
    watching,
)

TOPICS = (public, grading, conduct, watching, grader_signals, objections, asked, repairs, as_seen)
router = Router(path="/", route_handlers=[handler for topic in TOPICS for handler in topic.HANDLERS])
