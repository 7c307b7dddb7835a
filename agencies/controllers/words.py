"""The words that several pages show for the trade's values."""

from typing import Any

from agencies.queries.reference import ITEM_CATALOGUE, departments
from agencies.rules import GRADE_TITLES, PROFESSION_TITLES, Profession
from agencies.rules.dossier import QUALIFICATION_CLASS_TITLES, STEP_TITLES
from agencies.rules.filing import FILING_KIND_TITLES, FILING_STATE_TITLES
from agencies.rules.independence import RELATION_TITLES, SEPARATION_TITLES, TARGET_TITLES
from core.i18n import _

STATE_TAGS = {
    "draft": "",
    "submitted": "act",
    "returned": "warn",
    "noticed": "act",
    "objected": "warn",
    "recorded": "ok",
    "refused": "bad",
    "withdrawn": "",
}
"""Which kind of tag a state of a filing wears."""


async def words() -> dict[str, Any]:
    """What templates need to name professions, classes, relations, items and departments."""
    return {
        "profession_titles": PROFESSION_TITLES,
        "grade_titles": GRADE_TITLES,
        "class_titles": QUALIFICATION_CLASS_TITLES,
        "step_titles": STEP_TITLES,
        "kind_titles": FILING_KIND_TITLES,
        "state_titles": FILING_STATE_TITLES,
        "state_tags": STATE_TAGS,
        "relation_titles": RELATION_TITLES,
        "separation_titles": SEPARATION_TITLES,
        "target_titles": TARGET_TITLES,
        "departments": departments(),
        "department_of": {one.code: one for one in departments()},
        "items": await ITEM_CATALOGUE.labels(),
    }


def profession_options() -> list[tuple[str, str]]:
    """Professions for a select."""
    return [(one.value, _(PROFESSION_TITLES[one])) for one in Profession]
