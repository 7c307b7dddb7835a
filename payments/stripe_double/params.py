"""Form-encoded parameters: read into nested values, and refused when Stripe would not know their names.

`ACCEPTED` names every parameter we take; a test compares it with the SDK's own typed parameters.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from payments.stripe_double.faults import StripeFault

_PART = re.compile(r"\[([^\]]*)\]")
LISTED = frozenset({"limit", "starting_after", "ending_before", "created"})
"""What every list takes; `created` carries `gt`, `gte`, `lt`, `lte`."""

_LINE = "line_items."
_INTENT_DATA = "payment_intent_data."

ACCEPTED: Mapping[str, frozenset[str]] = {
    "checkout.session.create": frozenset(
        {
            "mode",
            "success_url",
            "cancel_url",
            "client_reference_id",
            "currency",
            "expires_at",
            "locale",
            "metadata",
            "submit_type",
            "allowed_payment_method_types",
            "payment_method_options.wechat_pay.client",
            _LINE + "quantity",
            _LINE + "price_data.currency",
            _LINE + "price_data.unit_amount",
            _LINE + "price_data.product_data.name",
            _LINE + "price_data.product_data.description",
            _INTENT_DATA + "capture_method",
            _INTENT_DATA + "description",
            _INTENT_DATA + "metadata",
            _INTENT_DATA + "transfer_group",
        }
    ),
    "checkout.session.list": LISTED | {"payment_intent", "status"},
    "checkout.session.expire": frozenset(),
    "payment_intent.create": frozenset(
        {
            "amount",
            "currency",
            "capture_method",
            "confirm",
            "description",
            "metadata",
            "payment_method",
            "allowed_payment_method_types",
            "return_url",
            "transfer_group",
        }
    ),
    "payment_intent.confirm": frozenset({"payment_method", "return_url"}),
    "payment_intent.capture": frozenset({"amount_to_capture", "metadata"}),
    "payment_intent.cancel": frozenset({"cancellation_reason"}),
    "payment_intent.list": LISTED,
    "charge.list": LISTED | {"payment_intent", "transfer_group"},
    "refund.create": frozenset({"payment_intent", "charge", "amount", "reason", "metadata"}),
    "refund.list": LISTED | {"payment_intent", "charge"},
    "balance_transaction.list": LISTED | {"currency", "payout", "source", "type"},
    "account.create": frozenset(
        {
            "country",
            "email",
            "metadata",
            "business_type",
            "business_profile.name",
            "capabilities.transfers.requested",
            "controller.fees.payer",
            "controller.losses.payments",
            "controller.requirement_collection",
            "controller.stripe_dashboard.type",
        }
    ),
    "account.update": frozenset({"email", "metadata"}),
    "account.list": LISTED,
    "account_link.create": frozenset({"account", "refresh_url", "return_url", "type"}),
    "transfer.create": frozenset(
        {"amount", "currency", "destination", "description", "metadata", "source_transaction", "transfer_group"}
    ),
    "transfer.list": LISTED | {"destination", "transfer_group"},
    "transfer_reversal.create": frozenset({"amount", "description", "metadata"}),
    "transfer_reversal.list": LISTED - {"created"},
    "payout.create": frozenset({"amount", "currency", "description", "metadata"}),
    "payout.list": LISTED | {"status", "arrival_date"},
    "dispute.list": LISTED | {"charge", "payment_intent"},
    "dispute.update": frozenset({"evidence.uncategorized_text", "evidence.product_description", "metadata", "submit"}),
    "dispute.close": frozenset(),
    "event.list": LISTED | {"type", "types"},
    "webhook_endpoint.create": frozenset(
        {"url", "enabled_events", "api_version", "connect", "description", "metadata"}
    ),
    "webhook_endpoint.list": LISTED - {"created"},
    "webhook_endpoint.delete": frozenset(),
    "retrieve": frozenset(),
}
FREE = frozenset({"metadata", "created", "arrival_date"})
"""Parameters whose inner names are free or checked elsewhere."""


def read(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0][c]=1` as `{"a": {"b": [{"c": "1"}]}}`; a number or nothing in brackets makes a list."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, _, rest = name.partition("[")
        parts = [head, *_PART.findall(f"[{rest}" if rest else "")]
        at: dict[str, Any] = tree
        for part in parts[:-1]:
            at = at.setdefault(part or str(len(at)), {})
        at[parts[-1] or str(len(at))] = value
    found = _lists(tree)
    assert isinstance(found, dict)
    return found


def read_text(text: str) -> dict[str, Any]:
    """The same out of a query or body."""
    return read(parse_qsl(text, keep_blank_values=True))


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(item) for name, item in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def names(value: Any, prefix: str = "") -> set[str]:
    """The dotted names of all leaves; list positions are left out, free inner names are not looked into."""
    if isinstance(value, list):
        return set().union(*(names(item, prefix) for item in value)) if value else {prefix}
    if isinstance(value, dict) and prefix.rpartition(".")[2] not in FREE:
        return set().union(*(names(item, f"{prefix}.{name}" if prefix else name) for name, item in value.items()))
    return {prefix}


def check(call: str, given: Mapping[str, Any]) -> None:
    """Refuse a name that this call does not take, in Stripe's words."""
    for name in sorted(names({key: value for key, value in given.items() if key != "expand"}) - {""}):
        if name not in ACCEPTED[call]:
            raise StripeFault(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def number(given: Mapping[str, Any], name: str) -> int | None:
    """A whole number, or None when absent."""
    text = given.get(name)
    if text in (None, ""):
        return None
    try:
        return int(str(text))
    except ValueError:
        raise StripeFault(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name) from None


def needed(given: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    text = given.get(name)
    if not isinstance(text, str) or not text:
        raise StripeFault(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return text


def positive(given: Mapping[str, Any], name: str) -> int:
    """An amount above zero that must be there."""
    needed(given, name)
    amount = number(given, name)
    if amount is None or amount <= 0:
        raise StripeFault(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=name
        )
    return amount


def mapping(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A nested part, empty when absent."""
    value = given.get(name)
    return value if isinstance(value, dict) else {}
