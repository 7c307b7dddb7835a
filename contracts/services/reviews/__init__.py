"""The acts of a technical review: opening, marking, leaving a seat, closing."""

from contracts.services.reviews.cases import ReviewReceipt, SheetFilled
from contracts.services.reviews.closing import (
    REVIEWED,
    close_review,
    comment_on_review,
    finalise_due_reviews,
    waive_comment,
)
from contracts.services.reviews.marking import save_marks, submit_review
from contracts.services.reviews.opening import draw_again, open_review
from contracts.services.reviews.seats import recuse, release_assignment

__all__ = [
    "REVIEWED",
    "ReviewReceipt",
    "SheetFilled",
    "close_review",
    "comment_on_review",
    "draw_again",
    "finalise_due_reviews",
    "open_review",
    "recuse",
    "release_assignment",
    "save_marks",
    "submit_review",
    "waive_comment",
]
