"""What the double refuses, in the form of Stripe's own errors."""

from typing import Any


class StripeFault(Exception):
    """An error body with its status."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline: str | None = None,
        also: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        facts = {"type": kind, "message": message, "code": code, "param": param, "decline_code": decline}
        self.body = {"error": {name: value for name, value in facts.items() if value is not None} | (also or {})}


def missing(kind: str, given: str) -> StripeFault:
    """No such object."""
    return StripeFault(f"No such {kind}: '{given}'", status=404, code="resource_missing", param="id")


def declined(code: str, decline: str | None = None, *, also: dict[str, Any] | None = None) -> StripeFault:
    """A card that says no."""
    words = "Your card was declined." if code == "card_declined" else "Your card's expiry date is wrong."
    return StripeFault(words, status=402, kind="card_error", code=code, decline=decline, also=also)
