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


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def in_words(amount: Decimal) -> str:
    """An amount in the capital figures of Chinese papers (票据法 and 支付结算办法, annex 1): 24600.05 is 贰万肆仟陆佰元零伍分."""
    fen_total = int(amount * 100)
    whole, jiao, fen = fen_total // 100, fen_total // 10 % 10, fen_total % 10
    said = _whole_in_words(whole) + "元" if whole else ""
    if not jiao and not fen:
        return (said or "零元") + "整"
    if jiao:
        said += ("零" if whole and whole % 10 == 0 else "") + _DIGITS[jiao] + "角"
    elif whole:
        said += "零"
    return said + (_DIGITS[fen] + "分" if fen else "整")


def _whole_in_words(number: int) -> str:
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    said, gap = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            gap = True
            continue
        if said and (gap or group < 1000):
            said += "零"
        said += _group_in_words(group) + _GROUPS[place]
        gap = False
    return said


def _group_in_words(group: int) -> str:
    said, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if not digit:
            gap = bool(said)
            continue
        said += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
        gap = False
    return said
