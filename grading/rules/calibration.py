"""The calibration table: what is learnt about the field, its reviewers and its projects.

Before anything is learnt the corrections are empty and the variances are the announced defaults; a
learnt table has the same shape, so that a grade is always a function of (evidence, scheme, table).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from math import sqrt
from typing import Any, ClassVar

from core.errors import Rejected
from core.i18n import N_
from grading.estimator.field import Field
from grading.estimator.motion import Motion
from grading.rules.case_mark import Corrections
from grading.rules.scheme import Scheme, constants_for, digest_of

SCHEMA = "xt-grading-calibration/1"


class CalibrationInvalid(Rejected):
    """A table that cannot be applied."""

    code: ClassVar[str] = "calibration-invalid"
    text: ClassVar[str] = N_("修正表不能使用：%(reason)s。请改正后重新载入。")


@dataclass(frozen=True, slots=True)
class StarScale:
    """How client stars become points: `field_level + slope·(mean level - centre)`."""

    centre: float
    slope: float
    voice: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """One frozen table. Variances in square points, levels and corrections in points.

    `consistency` says how many marks of an average reviewer one of each counts; empty in tables of before decision 0018.
    `component` says which reviewers have been compared with one another, by alias; unlinked ones are left out.
    `motion`, how agencies move, is None before learning: the interval then carries the scheme's allowance.
    """

    id: str
    name_zh: str
    name_en: str
    digest: str
    error_variance: float
    agency_variance: float
    field_level: float
    stars: StarScale
    severity: dict[str, Decimal]
    difficulty: dict[str, Decimal]
    motion: Motion | None = None
    component: dict[str, int] = field(default_factory=dict)
    consistency: dict[str, Decimal] = field(default_factory=dict)

    @property
    def prior_weight(self) -> float:
        """λ: the weight of the field level, counted in fresh expert marks."""
        return self.error_variance / self.agency_variance

    @property
    def entry_level(self) -> float:
        """μ less one standard deviation of the field, for those never rated."""
        return self.field_level - sqrt(self.agency_variance)

    def half_life(self, scheme: Scheme) -> float:
        """After how many months a mark counts half under this table and `scheme`."""
        field = Field(self.field_level, self.agency_variance, self.error_variance, self.motion)
        return field.half_life(constants_for(scheme.estimator))

    def corrections(self, scheme: Scheme) -> Corrections:
        """The table's corrections within the scheme's limit."""
        limit, most = (Decimal(str(n)) for n in (scheme.estimator.severity_limit, scheme.estimator.consistency_limit))
        return Corrections(self.severity, self.difficulty, limit, self.consistency, most)


@lru_cache(maxsize=16)
def load_calibration(text: str) -> Calibration:
    """Read, check and freeze a table. Raises `CalibrationInvalid` with the reason."""
    try:
        table = _read(tomllib.loads(text, parse_float=Decimal), digest_of(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as problem:
        raise CalibrationInvalid(reason=f"{type(problem).__name__}: {problem}") from problem
    if min(table.error_variance, table.agency_variance, table.stars.voice) <= 0:
        raise CalibrationInvalid(reason="variance")
    if min(table.consistency.values(), default=1) <= 0:
        raise CalibrationInvalid(reason="consistency")
    return table


def _read(raw: dict[str, Any], digest: str) -> Calibration:
    if raw.get("schema") != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA}")
    stars = raw["stars"]
    return Calibration(
        id=raw["id"],
        name_zh=raw["name_zh"],
        name_en=raw["name_en"],
        digest=digest,
        error_variance=float(raw["error_variance"]),
        agency_variance=float(raw["agency_variance"]),
        field_level=float(raw["field_level"]),
        stars=StarScale(float(stars["centre"]), float(stars["slope"]), float(stars["voice"])),
        severity={alias: Decimal(points) for alias, points in raw["severity"].items()},
        difficulty={name: Decimal(points) for name, points in raw["difficulty"].items()},
        consistency={alias: Decimal(marks) for alias, marks in raw.get("consistency", {}).items()},
        motion=_motion(raw["motion"]) if "motion" in raw else None,
        component={alias: int(n) for alias, n in raw.get("component", {}).items() if int(n) >= 0},
    )


def _motion(raw: Mapping[str, Any]) -> Motion:
    half_life = raw.get("half_life_months")  # tables of before decision 0017 have none
    return Motion(float(raw["noise"]), float(raw["drift"]), None if half_life is None else float(half_life))
