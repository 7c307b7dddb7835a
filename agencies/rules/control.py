"""Who stands behind an agency: when two names of a controller are taken to be the same."""

import unicodedata

NOBODY = frozenset({"", "无", "暂无", "没有", "无实际控制人", "不适用", "未填写", "-", "—", "/", "none", "n/a"})
"""What people write when nobody controls the agency; equal blanks make no relation."""


def same_controller(one: str, other: str) -> bool:
    """Whether two declared controllers are the same: equal after unifying width, case and blanks.

    Source: Bidding Law regulation art. 34 speaks of holding and management relations; the register
    knows the declared name only, so namesakes are possible and the reason says what was compared.
    """
    first, second = plain_name(one), plain_name(other)
    return first == second and first not in NOBODY


def plain_name(name: str) -> str:
    """A name without blanks and differences of width or case."""
    return "".join(unicodedata.normalize("NFKC", name).lower().split())
