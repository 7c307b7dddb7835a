"""What each measure of classified supervision comes to for a grade, in the reader's words."""

from typing import Any

from core.i18n import _, loc
from grading.controllers.words import percent
from grading.rules.consequences import Measures
from market.rules.notices import SelectionMethod

METHODS = len(SelectionMethod)
NO_DIRECT = "direct"


def value_of(code: str, one: Measures) -> str:
    """What measure `code` comes to under `one` grade."""
    match code:
        case "listing":
            return loc(one, "listing")
        case "public-modes":
            return _modes(one.public_modes)
        case "own-modes":
            return _modes(one.own_modes)
        case "warning":
            return _("须确认") if one.warning else _("不需要")
        case "open-jobs":
            return _("不限") if one.max_open_jobs is None else _("%(n)s 件") % {"n": one.max_open_jobs}
        case "lots":
            return _("%(n)s 支") % {"n": int(one.lot_factor * 2)} if one.lot_factor else _("不参加")
        case "bond":
            return _("免收") if one.bond_percent == 0 else _("价款的 %(n)s%%") % {"n": one.bond_percent}
        case "deferred":
            return _("可以，记分少于 %(n)s 分") % {"n": one.deferred_points_below} if one.deferred else _("不可以")
        case "review":
            return _review(one)
        case "inspection":
            return _("每年 %(p)s") % {"p": percent(one.inspection_rate)}
        case _:
            return loc(one, "duty")


def _modes(modes: tuple[str, ...]) -> str:
    if not modes:
        return _("不能参加")
    if len(modes) == METHODS:
        return _("六种方式都可参加")
    return _("可参加，直接选取除外") if NO_DIRECT not in modes else _("%(n)s 种方式") % {"n": len(modes)}


def _review(one: Measures) -> str:
    text = _("%(n)s 名审查员，深度审查 %(p)s") % {"n": one.reviewers, "p": percent(one.deep_share)}
    return text + (_("，合议") if one.panel else "")


def measure_words() -> dict[str, Any]:
    """What the pages of supervision need to name measures."""
    return {"value_of": value_of}
