"""Learning a calibration table from finally reviewed cases (grading.md §2): who is strict, what is hard, how the field lies.

Severity and difficulty are learnt from the experts' technical marks, each of an agency *and profession*, because
only inside one can reviewers be compared. The field's level and variances are those of whole case marks with the
corrections applied. A veto says nothing about severity, and a case between related parties teaches nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, TypeVar

import numpy as np

from core.errors import Conflict
from core.i18n import N_
from core.money import half_up
from grading import estimator as est
from grading.estimator.marks import Reals
from grading.estimator.stars import StarScale, learn_stars
from grading.rules.calibration import SCHEMA
from grading.rules.case_mark import Corrections, mark_case
from grading.rules.evidence import Case
from grading.rules.months import age_in_months
from grading.rules.scheme import Scheme, constants_for

Key = TypeVar("Key", bound=tuple[int, str])
"""An agency's number and a profession."""

LEAST_MARKS = 200
"""With fewer technical marks in the window the table before learning stays (platform rule)."""


class NotEnoughMarks(Conflict):
    """Nothing can be learnt yet."""

    code: ClassVar[str] = "not-enough-marks"
    text: ClassVar[str] = N_(
        "36 个月内只有 %(have)s 个专家评分，至少需要 %(need)s 个，修正表暂不重新学习，继续使用现行表。"
    )


@dataclass(frozen=True, slots=True)
class Learnt:
    """A learnt table: its exact text, and what is said about it on the trail."""

    text: str
    marks: int
    reviewers: int
    unlinked: int
    components: int


@dataclass(frozen=True, slots=True)
class _Names:
    reviewers: list[str]
    classes: list[str]


def quarter_code(day: date) -> str:
    """`XT-CAL-2026Q4`: one table a quarter."""
    return f"XT-CAL-{day.year}Q{(day.month + 2) // 3}"


def learn(
    cases: Mapping[Key, Sequence[Case]],
    scheme: Scheme,
    as_of: date,
    code: str,
    overruled: Set[int] = frozenset(),
) -> Learnt:
    """The table of all `cases`, by agency and profession, on `as_of`. Raises `NotEnoughMarks`.

    `overruled` are deliverables whose mark an upheld objection replaced: they count for the field, not for severity.
    """
    kept = {key: taught for key, given in sorted(cases.items()) if (taught := [c for c in given if _teaches(c)])}
    heard = _heard(kept, overruled)
    marks = sum(len(case.marks) for given in heard.values() for case in given)
    if marks < LEAST_MARKS:
        raise NotEnoughMarks(have=marks, need=LEAST_MARKS)
    names = _Names(
        sorted({alias for given in heard.values() for case in given for alias in case.reviewers}),
        sorted({case.difficulty for given in kept.values() for case in given}),
    )
    lessons = _lessons(heard, names)
    severity = est.learn_severity(lambda: [lessons], len(names.reviewers), len(names.classes))
    field, stars = _field(kept, names, severity, scheme, as_of)
    counts = est.consistency(severity.spread, _share(severity, field, scheme))
    return Learnt(
        text=_text(names, severity, counts, field, stars, scheme, as_of, code),
        marks=marks,
        reviewers=len(names.reviewers),
        unlinked=int((~severity.linked).sum()),
        components=len(set(severity.component[severity.linked].tolist())),
    )


def _teaches(case: Case) -> bool:
    return not case.vetoed and not case.related and bool(case.reviewers)


def _heard(cases: Mapping[Key, Sequence[Case]], overruled: Set[int]) -> dict[Key, list[Case]]:
    """The cases whose marks are the reviewers' own."""
    own = {key: [case for case in given if case.deliverable_id not in overruled] for key, given in cases.items()}
    return {key: given for key, given in own.items() if given}


def _lessons(cases: Mapping[Key, Sequence[Case]], names: _Names) -> est.Block:
    reviewer = {alias: n for n, alias in enumerate(names.reviewers)}
    classes = {name: n for n, name in enumerate(names.classes)}
    rows = [
        [(reviewer[alias], classes[case.difficulty], float(mark)) for case in given for alias, mark in _given(case)]
        for given in cases.values()
    ]
    flat = [row for group in rows for row in group]
    return est.Block(
        starts=np.concatenate([[0], np.cumsum([len(group) for group in rows])]).astype(np.int64),
        reviewer=np.array([row[0] for row in flat], np.int32),
        difficulty=np.array([row[1] for row in flat], np.int32),
        mark=np.array([row[2] for row in flat], float),
    )


def _given(case: Case) -> Iterable[tuple[str, Decimal]]:
    return zip(case.reviewers, case.marks, strict=True)


def _field(
    cases: Mapping[Key, Sequence[Case]],
    names: _Names,
    severity: est.Severity,
    scheme: Scheme,
    as_of: date,
) -> tuple[est.Field, StarScale]:
    """Level, variances and movement of whole case marks, and what a star level is worth in points."""
    table = Corrections(
        _decimals(names.reviewers, severity.severity),
        _decimals(names.classes, severity.difficulty),
        Decimal(str(scheme.estimator.severity_limit)),
    )
    groups = [sorted(given, key=lambda c: (c.finalised_on, c.deliverable_id)) for given in cases.values()]
    marks = [[float(mark_case(case, scheme.weights, table).value) for case in given] for given in groups]
    ages = [[age_in_months(case.finalised_on, as_of) for case in given] for given in groups]
    starts = np.concatenate([[0], np.cumsum([len(given) for given in groups])]).astype(np.int64)
    value, age = np.array([y for given in marks for y in given]), np.array([t for given in ages for t in given])
    doubt = severity.doubt * float(scheme.weights.technical) ** 2
    field = est.learn_field(est.summarise(value, starts), severity_error=doubt)
    pairs, when = est.pair_up(value, age, starts), est.Calendar(starts, age)
    field = est.in_motion(field, pairs, when, constants_for(scheme.estimator), doubt)
    told = [
        (level, float(np.mean(mine)), len(mine))
        for given, mine in zip(groups, marks, strict=True)
        if (level := _star_level(given)) is not None
    ]
    return field, learn_stars(*(np.array(column, float) for column in zip(*told, strict=True))) if told else StarScale(
        0.0, 0.0
    )


def _share(severity: est.Severity, field: est.Field, scheme: Scheme) -> float:
    """The part of a case mark's variance that comes from the technical mark: the rest is the same whoever reviews."""
    technical = float(scheme.weights.technical) ** 2 * severity.error_variance
    return min(technical / field.error, 1.0)


def _star_level(cases: Sequence[Case]) -> float | None:
    """Mean of the clients' mean levels: one client, one voice."""
    said: defaultdict[int, list[float]] = defaultdict(list)
    for case in cases:
        if case.stars:
            said[case.client_id].append(float(case.stars.level))
    means = [sum(levels) / len(levels) for levels in said.values()]
    return sum(means) / len(means) if means else None


def _decimals(names: Sequence[str], values: Reals) -> dict[str, Decimal]:
    return {name: half_up(Decimal(repr(float(value)))) for name, value in zip(names, values, strict=True)}


def _text(
    names: _Names,
    severity: est.Severity,
    counts: Reals,
    field: est.Field,
    stars: StarScale,
    scheme: Scheme,
    as_of: date,
    code: str,
) -> str:
    """The table as TOML, in a fixed order, so that the same marks give the same digest."""
    quarter = code.removeprefix("XT-CAL-")
    lines = [
        "# Learnt from all expert marks of the window, only from comparisons inside the same agency; frozen.",
        f'schema = "{SCHEMA}"',
        f'id = "{code}"',
        f'name_zh = "{quarter} 季度修正表"',
        f'name_en = "Table of {quarter}"',
        f'scheme = "{scheme.id}"',
        f'learnt_from = "{int(severity.severity_marks.sum())} marks, {scheme.estimator.max_age_months} months to {as_of}"',
        f"error_variance = {field.error:.4f}",
        f"agency_variance = {field.between:.4f}",
        f"reviewer_variance = {severity.reviewer_variance:.4f}",
        f"field_level = {field.level:.2f}",
        "",
        "[stars]",
        f"centre = {stars.centre:.2f}",
        f"slope = {stars.slope:.4f}",
        f"voice = {stars.voice:.2f}",
    ]
    if field.motion:
        lines += ["", "[motion]", f"noise = {field.motion.noise:.4f}", f"drift = {field.motion.drift:.4f}"]
        lines += [f"half_life_months = {field.motion.half_life or scheme.estimator.half_life_months:g}"]
    lines += _section("severity", names.reviewers, severity.severity, "{:.2f}")
    lines += _section("severity_se", names.reviewers, severity.severity_se, "{:.2f}")
    lines += _section("severity_marks", names.reviewers, severity.severity_marks.astype(float), "{:.0f}")
    lines += _section("consistency", names.reviewers, counts, "{:.2f}")
    lines += _section("component", names.reviewers, np.where(severity.linked, severity.component, -1.0), "{:.0f}")
    lines += _section("difficulty", names.classes, severity.difficulty, "{:.2f}")
    lines += _section("difficulty_se", names.classes, severity.difficulty_se, "{:.2f}")
    lines += _section("difficulty_marks", names.classes, severity.difficulty_marks.astype(float), "{:.0f}")
    return "\n".join(lines) + "\n"


def _section(title: str, names: Sequence[str], values: Reals, form: str) -> list[str]:
    rows = [f'"{name}" = {form.format(value + 0.0)}' for name, value in zip(names, values, strict=True)]
    return ["", f"[{title}]", *rows]
