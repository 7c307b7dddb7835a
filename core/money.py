"""Money is `Decimal` yuan with two places, rounded half up; rounding happens here only."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

LARGEST = Decimal("999999999999.99")


def half_up(value: Decimal, places: int = 2) -> Decimal:
    """Round half up to `places` decimals, as the rule-sets say (`half_up_2`)."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def yuan(value: str | int | Decimal) -> Decimal:
    """An exact amount in yuan. ValueError for text, infinity, or a third decimal."""
    try:
        amount = Decimal(str(value).strip().replace(",", "").replace("，", ""))
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise ValueError("not a payable amount")
    exact = half_up(amount)
    if exact != amount:
        raise ValueError("more than two decimals")
    return exact
