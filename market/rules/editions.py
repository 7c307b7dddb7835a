"""Dated law of selection: which edition of the rules is in force on a day, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core.errors import Rejected
from core.i18n import N_
from market.rules.signals import LIMITS, Limits


class NoRuleInForce(Rejected):
    """No edition of the selection rules covers the day."""

    code = "no-rule-in-force"
    text = N_("%(on)s 没有生效的选取规则，请联系系统管理员。")


class Custody(StrEnum):
    """Who holds the key that opens the bids."""

    PLATFORM = "platform"
    JOINT = "joint"


@dataclass(frozen=True)
class GradeRule:
    """What a credit grade means when an agency is to be chosen.

    `bond_most` is the largest performance bond as a share of the price, None where the edition knows no relief;
    `lots` are the tickets in a random draw.
    """

    barred: bool
    direct_public: bool
    direct_warning: bool
    open_jobs: int | None
    bond_most: Decimal | None = None
    lots: int = 1


@dataclass(frozen=True)
class CustodyRule:
    """Who holds the opening key, by whose money pays, how many of how many shares open, and the working days in which
    they must have done so."""

    own: Custody = Custody.PLATFORM
    public: Custody = Custody.PLATFORM
    needed: int = 2
    holders: int = 3
    open_within_wd: int = 3


@dataclass(frozen=True)
class AverageRule:
    """Reference-average price: the factors drawn from, and from how many bids the extremes are dropped."""

    factors: tuple[Decimal, ...] = ()
    trim_from: int = 3


@dataclass(frozen=True)
class CreditRule:
    """Credit-preferred: score limits, list lengths, and the working days until the owner picks."""

    minimum_score: Decimal = Decimal(0)
    unrated_score: Decimal = Decimal(0)
    long_list: int = 0
    short_list: int = 0
    minimum_entrants: int = 2
    pick_wd: int = 0


@dataclass(frozen=True)
class ProposalRule:
    """Proposal-preferred: the panel, its time, and the limits of its scores (shares of 1)."""

    minimum_entrants: int = 2
    panel_minimum: int = 3
    assess_wd: int = 0
    question_minimum: Decimal = Decimal(0)
    spread: Decimal = Decimal(0)
    price_weight_most: int = 0


@dataclass(frozen=True)
class AmendRule:
    """When questions close, and how long an amended notice must still stay open (working days)."""

    questions_until_wd: int = 1
    own_wd: int = 3
    public_wd: int = 5

    def wd(self, *, public: bool) -> int:
        """Working days between an amendment and the deadline."""
        return self.public_wd if public else self.own_wd


@dataclass(frozen=True)
class LowPriceRule:
    """When a price is abnormally low (shares of 1), and the working days to justify it and to decide on that."""

    below_mean: Decimal = Decimal(1)
    below_next: Decimal = Decimal(1)
    justify_wd: int = 1
    mean_from: int = 3
    decide_wd: int = 2


@dataclass(frozen=True)
class RecusalRule:
    """For how many years an earlier job with the other side bars."""

    former_years: int = 3


@dataclass(frozen=True)
class ObjectionRule:
    """Working days to answer an objection, to escalate the answer, to take it up, to decide."""

    answer_wd: int = 3
    escalate_wd: int = 3
    accept_wd: int = 3
    decide_wd: int = 15


@dataclass(frozen=True)
class BondRule:
    """Ceilings of bonds as shares of the price, working days to pay, days to give back."""

    bid_most: Decimal = Decimal(0)
    performance_most: Decimal = Decimal(0)
    pay_wd: int = 3
    back_days: int = 5


@dataclass(frozen=True)
class OutageRule:
    """From which length on an outage before a deadline moves it, and what must remain afterwards."""

    least_minutes: int = 10
    window_hours: int = 4
    reopen_hours: int = 4


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
    public_caps: Mapping[str, Decimal] = field(default_factory=dict)
    draw_format: str = "xinshi-draw-1"
    split_window_days: int = 90
    custody: CustodyRule = CustodyRule()
    average: AverageRule = AverageRule()
    credit: CreditRule = CreditRule()
    proposal: ProposalRule = ProposalRule()
    amend: AmendRule = AmendRule()
    low_price: LowPriceRule = LowPriceRule()
    recusal: RecusalRule = RecusalRule()
    objection: ObjectionRule = ObjectionRule()
    bond: BondRule = BondRule()
    outage: OutageRule = OutageRule()
    signals: Limits = LIMITS

    def open_wd(self, *, public: bool) -> int:
        """Working days a notice must at least stay open."""
        return self.open_wd_public if public else self.open_wd_own

    def entrants(self, *, public: bool) -> int:
        """Qualified entrants needed, fewer means failed."""
        return self.entrants_public if public else self.entrants_own

    def methods(self, *, public: bool) -> frozenset[str]:
        """Selection methods allowed."""
        return self.methods_public if public else self.methods_own

    def custody_of(self, *, public: bool) -> Custody:
        """Who holds the opening key of a notice."""
        return self.custody.public if public else self.custody.own


PARTS: Mapping[str, type[Any]] = {
    "custody": CustodyRule,
    "average": AverageRule,
    "credit": CreditRule,
    "proposal": ProposalRule,
    "amend": AmendRule,
    "low_price": LowPriceRule,
    "recusal": RecusalRule,
    "objection": ObjectionRule,
    "bond": BondRule,
    "outage": OutageRule,
    "signals": Limits,
}
"""Tables of an edition that are values of their own; an edition without one runs under its defaults."""


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
        public_caps={method: Decimal(cap) for method, cap in raw.get("public_caps", {}).items()},
        draw_format=raw.get("draw_format", "xinshi-draw-1"),
        split_window_days=raw.get("split", {}).get("window_days", 90),
        **{name: kind(**_values(raw[name])) for name, kind in PARTS.items() if name in raw},
    )


def _values(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers written as text become decimals, custody becomes its enum."""
    return {name: _value(found) for name, found in raw.items()}


def _value(found: Any) -> Any:
    match found:
        case list():
            return tuple(_value(each) for each in found)
        case "platform" | "joint":
            return Custody(found)
        case str():
            return Decimal(found)
        case _:
            return found


def _grade(values: Mapping[str, Any]) -> GradeRule:
    return GradeRule(
        barred=values["barred"],
        direct_public=values["direct_public"],
        direct_warning=values["direct_warning"],
        open_jobs=values.get("open_jobs"),
        bond_most=Decimal(values["bond_most"]) if "bond_most" in values else None,
        lots=values.get("lots", 1),
    )


def edition_on(editions: Sequence[Edition], on: date) -> Edition:
    """The newest edition already in force on that day, or `NoRuleInForce`."""
    in_force = [edition for edition in editions if edition.in_force_from <= on]
    if not in_force:
        raise NoRuleInForce(on=on)
    return max(in_force, key=lambda edition: edition.in_force_from)
