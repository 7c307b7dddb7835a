"""Dated law of selection: which edition of the rules is in force on a day, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import Rejected
from core.i18n import N_


class NoRuleInForce(Rejected):
    """No edition of the selection rules covers the day."""

    code = "no-rule-in-force"
    text = N_("%(on)s 没有生效的选取规则，请联系系统管理员。")


@dataclass(frozen=True)
class GradeRule:
    """What a credit grade means when an agency is to be chosen."""

    barred: bool
    direct_public: bool
    direct_warning: bool
    open_jobs: int | None


@dataclass(frozen=True)
class Edition:
    """One edition of the selection rules. Published editions are never edited, only superseded."""

    id: str
    in_force_from: date
    digest: str
    open_wd_own: int
    open_wd_public: int
    longest_open_wd: int
    display_wd: int
    entrants_own: int
    entrants_public: int
    methods_own: frozenset[str]
    methods_public: frozenset[str]
    direct_public_cap: Decimal
    direct_reason_length: int
    public_amount_limit: Decimal
    longest_days: int
    grades: Mapping[str, GradeRule]

    def open_wd(self, *, public: bool) -> int:
        """Working days a notice must at least stay open."""
        return self.open_wd_public if public else self.open_wd_own

    def entrants(self, *, public: bool) -> int:
        """Qualified entrants needed, fewer means failed."""
        return self.entrants_public if public else self.entrants_own

    def methods(self, *, public: bool) -> frozenset[str]:
        """Selection methods allowed."""
        return self.methods_public if public else self.methods_own


def parse_edition(raw: Mapping[str, Any], digest: str) -> Edition:
    """An edition from its TOML table. KeyError when a value is missing: the file is ours."""
    return Edition(
        id=raw["id"],
        in_force_from=raw["in_force_from"],
        digest=digest,
        open_wd_own=raw["open_wd"]["own"],
        open_wd_public=raw["open_wd"]["public"],
        longest_open_wd=raw["open_wd"]["longest"],
        display_wd=raw["display_wd"],
        entrants_own=raw["entrants"]["own"],
        entrants_public=raw["entrants"]["public"],
        methods_own=frozenset(raw["methods"]["own"]),
        methods_public=frozenset(raw["methods"]["public"]),
        direct_public_cap=Decimal(raw["direct"]["public_cap"]),
        direct_reason_length=raw["direct"]["reason_length"],
        public_amount_limit=Decimal(raw["public_amount_limit"]),
        longest_days=raw["longest_days"],
        grades={grade: _grade(values) for grade, values in raw["grades"].items()},
    )


def _grade(values: Mapping[str, Any]) -> GradeRule:
    return GradeRule(
        barred=values["barred"],
        direct_public=values["direct_public"],
        direct_warning=values["direct_warning"],
        open_jobs=values.get("open_jobs"),
    )


def edition_on(editions: Sequence[Edition], on: date) -> Edition:
    """The newest edition already in force on that day, or `NoRuleInForce`."""
    in_force = [edition for edition in editions if edition.in_force_from <= on]
    if not in_force:
        raise NoRuleInForce(on=on)
    return max(in_force, key=lambda edition: edition.in_force_from)
