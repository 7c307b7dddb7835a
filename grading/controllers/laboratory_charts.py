"""What charts.js draws of a replay: plain numbers, names in the reader's language."""

from collections.abc import Mapping
from typing import Any

from core.i18n import _

LEAST = 5
"""Months with fewer grades to compare stand in the table only, unless none has more."""


def flips_chart(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Share of grades that changed, by month of evaluation, today and under the variant; None when nothing was rated."""
    rows = [row for row in result["by_month"] if row["steps"]]
    if not rows:
        return None
    # One grade decided between two evaluations is a month of its own: "all of them changed" would fill the picture.
    least = min(LEAST, max(row["steps"] for row in rows))
    rows = [row for row in rows if row["steps"] >= least]

    def share(name: str) -> list[float]:
        return [round(100 * row[name] / row["steps"], 1) for row in rows]

    return {
        "x": [row["month"] for row in rows],
        "series": [
            {"name": _("现行规则"), "values": share("today")},
            {"name": _("新规则"), "values": share("variant")},
        ],
        "limits": [],
        "min": 0,
        "unit": "%",
    }


def grades_chart(result: Mapping[str, Any]) -> dict[str, Any]:
    """The grades side by side, as two bars of the stacked chart."""
    today, variant = result["today"]["grades"], result["variant"]["grades"]
    return {"months": [_("现行规则"), _("新规则")]} | {g: [today[g], variant[g]] for g in "ABCDN"}
