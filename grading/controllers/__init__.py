"""Pages of grading, a module per topic."""

from litestar import Router

from grading.controllers import (
    as_seen,
    asked,
    conduct,
    grader_signals,
    grading,
    improvement,
    inspections,
    laboratory,
    objections,
    public,
    repairs,
    successors,
    supervision,
    watching,
)

TOPICS = (
    public,
    grading,
    conduct,
    watching,
    grader_signals,
    objections,
    asked,
    repairs,
    as_seen,
    supervision,
    improvement,
    successors,
    inspections,
    laboratory,
)
router = Router(path="/", route_handlers=[handler for topic in TOPICS for handler in topic.HANDLERS])
