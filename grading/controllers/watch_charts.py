"""What charts.js draws of each figure: plain numbers, names in the reader's language, limits as lines."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.i18n import _
from grading.controllers.watch_words import cell, scope
from grading.rules.watching import LIMITS

if TYPE_CHECKING:
    from grading.watching.figures import Figure

MOST = 40
Row = Mapping[str, Any]


def chart(figure: "Figure") -> tuple[str, dict[str, Any]] | None:
    """(kind, data) for `ui.chart`; None where the table itself is the picture or there is nothing to draw."""
    make = _MAKERS.get(figure.code)
    drawn = make(figure.rows) if make and figure.rows else None
    return drawn if drawn and _seen(drawn[1]) else None


def _seen(drawn: Mapping[str, Any]) -> bool:
    """Whether anything stands on the picture: axes without a point tell nothing."""
    values = drawn["values"] if "values" in drawn else [one for line in drawn["series"] for one in line["values"]]
    return any(value is not None for value in values)


def _hundred(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 1)


def _two(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _lines(x: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], **more: Any) -> dict[str, Any]:
    return {
        "x": list(x),
        "series": [{"name": name, "values": list(values)} for name, values in series],
        "limits": [],
    } | more


def _dots(
    names: Sequence[str], rows: Sequence[tuple[Any, Any, Any]], limits: Sequence[float], **more: Any
) -> dict[str, Any]:
    """Names with (value, low, high); low and high may be None."""
    kept = [(name, *row) for name, row in zip(names, rows, strict=True) if row[0] is not None][:MOST]
    parts = [list(part) for part in zip(*kept, strict=True)] if kept else [[], [], [], []]
    return {"names": parts[0], "values": parts[1], "lo": parts[2], "hi": parts[3], "limits": list(limits)} | more


def _pairs(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    ours, mean = [_hundred(row["ours"]) for row in rows], [_hundred(row["mean"]) for row in rows]
    series = [(_("评分排序"), ours), (_("平均分排序"), mean)]
    return "lines", _lines([row["day"] for row in rows], series, min=40, max=100, unit="%")


def _coverage(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    values = [(_hundred(row["share"]), _hundred(row["low"]), _hundred(row["high"])) for row in rows]
    limits = [100 * LIMITS.coverage_low, 100 * LIMITS.coverage_high]
    return "dots", _dots([scope(row["scope"]) for row in rows], values, limits, unit="%")


def _severity(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    values = [(_two(row["severity"]), _two(row["low"]), _two(row["high"])) for row in rows]
    limits = [-LIMITS.severity_act, 0, LIMITS.severity_act]
    return "dots", _dots([row["alias"] for row in rows], values, limits, unit="")


def _alpha(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    names = [f"{scope(row['scope'])}　{cell('kind', row['kind'])}" for row in rows]
    values = [(_two(row["alpha"]), _two(row["low"]), _two(row["high"])) for row in rows]
    return "dots", _dots(names, values, [LIMITS.alpha_target], unit="")


def _bunching(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    values = [(_hundred(row["share"]), _hundred(row["low"]), _hundred(row["high"])) for row in rows]
    return "dots", _dots([row["alias"] for row in rows], values, [50], unit="%", min=0, max=100)


def _inflation(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    mean = [_two(row["mean"]) for row in rows]
    ribbon = {
        "lo": [_two(row["mean"] - 2 * (row["error"] or 0)) for row in rows],
        "hi": [_two(row["mean"] + 2 * (row["error"] or 0)) for row in rows],
    }
    return "lines", _lines(
        [row["month"] for row in rows], [(_("平均原始分"), mean)], min=40, max=100, unit="", **ribbon
    )


def _psi(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    series = [
        (_("等级"), [_two(row["mix_psi"]) for row in rows]),
        (_("评分"), [_two(row["score_psi"]) for row in rows]),
    ]
    limits = [LIMITS.psi_watch, LIMITS.psi_act]
    return "lines", _lines([row["day"] for row in rows], series, min=0, unit="", limits=limits)


def _states(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    series = [
        (label, [_hundred(row[f"{name}_share"]) for row in rows])
        for name, label in (("unrated", _("未评级")), ("provisional", _("暂定")), ("contested", _("有意见")))
    ]
    return "lines", _lines([row["as_of"] for row in rows], series, min=0, max=100, unit="%")


def _fairness(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    names = [_("%(name)s（%(n)s 家）") % {"name": row["group"], "n": row["agencies"]} for row in rows]
    return "dots", _dots(names, [(_two(row["gap"]), None, None) for row in rows], [0], unit="")


def _appeals(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    ribbon = {side: [_hundred(row[name]) for row in rows] for side, name in (("lo", "low"), ("hi", "high"))}
    values = [_hundred(row["share"]) for row in rows]
    limits = [100 * LIMITS.appeal_watch]
    series = [(_("改判率"), values)]
    return "lines", _lines([row["month"] for row in rows], series, min=0, max=100, unit="%", **ribbon) | {
        "limits": limits
    }


def _responses(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    values = [_hundred(row["share"]) for row in rows]
    return "lines", _lines([row["month"] for row in rows], [(_("回应率"), values)], min=0, max=100, unit="%")


def _overlap(rows: Sequence[Row]) -> tuple[str, dict[str, Any]]:
    values = [(_hundred(row["doubled_share"]), None, None) for row in rows]
    return "dots", _dots(
        [scope(row["profession"]) for row in rows], values, [100 * LIMITS.overlap_share], unit="%", min=0
    )


_MAKERS: dict[str, Callable[[Sequence[Row]], tuple[str, dict[str, Any]]]] = {
    "pairs": _pairs,
    "coverage": _coverage,
    "severity": _severity,
    "alpha": _alpha,
    "bunching": _bunching,
    "inflation": _inflation,
    "psi": _psi,
    "states": _states,
    "fairness": _fairness,
    "appeals": _appeals,
    "responses": _responses,
    "overlap": _overlap,
}
