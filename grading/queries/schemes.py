"""Which rule-set and which table apply on a day."""

from dataclasses import dataclass
from datetime import date

from core import clock, db
from core.errors import NotFound
from core.i18n import N_
from grading.rules.calibration import Calibration, load_calibration
from grading.rules.scheme import Scheme, load_scheme

ALIAS = "R-"
"""How a reviewer is named in evidence and tables: `R-` and its id."""


class SchemeAbsent(NotFound):
    """No such rule-set or table is published."""

    code = "scheme-absent"
    text = N_("没有这个编号的评级方案或修正表。请从方法说明页重新进入。")


@dataclass(frozen=True)
class Rulebook:
    """A scheme and a table together, with their row ids."""

    scheme_id: int
    scheme: Scheme
    in_force_from: date
    calibration_id: int
    calibration: Calibration

    @property
    def half_life(self) -> float:
        """After how many months a mark counts half: as the table learnt it, within the scheme's bounds."""
        return self.calibration.half_life(self.scheme)


async def rulebook_on(day: date) -> Rulebook:
    """The scheme in force and the table frozen by `day`; before the first of each, the first."""
    scheme = await db.row(
        "select id, source, in_force_from from grading_scheme"
        " order by in_force_from <= $1 desc,"
        " case when in_force_from <= $1 then $1 - in_force_from else in_force_from - $1 end, id desc limit 1",
        day,
    )
    table = await db.row(
        "select id, source from grading_calibration"
        " order by frozen_on <= $1 desc,"
        " case when frozen_on <= $1 then $1 - frozen_on else frozen_on - $1 end, id desc limit 1",
        day,
    )
    if scheme is None or table is None:
        raise SchemeAbsent
    return Rulebook(
        scheme["id"],
        load_scheme(scheme["source"]),
        scheme["in_force_from"],
        table["id"],
        load_calibration(table["source"]),
    )


async def rulebook_of(scheme_id: int, calibration_id: int) -> Rulebook:
    """The rule-set and the table that a run was made with."""
    row = await db.row(
        "select s.source as rules, s.in_force_from, c.source as corrections"
        " from grading_scheme s, grading_calibration c where s.id = $1 and c.id = $2",
        scheme_id,
        calibration_id,
    )
    if row is None:
        raise SchemeAbsent
    return Rulebook(
        scheme_id,
        load_scheme(row["rules"]),
        row["in_force_from"],
        calibration_id,
        load_calibration(row["corrections"]),
    )


async def reviewer_components() -> dict[int, int]:
    """Which reviewers, by id, the table in force has compared with which (its `[component]`); none before learning."""
    table = (await rulebook_on(clock.today())).calibration
    return {int(alias.removeprefix(ALIAS)): number for alias, number in table.component.items()}


@dataclass(frozen=True)
class TableRow:
    """A published table of corrections: from which day grades use it, and what its text hashes to."""

    code: str
    frozen_on: date
    digest: str


async def published_tables() -> list[TableRow]:
    """Every table ever published, the newest first."""
    found = await db.rows("select code, frozen_on, digest from grading_calibration order by frozen_on desc, id desc")
    return [TableRow(**row) for row in found]


async def table_source(code: str) -> str:
    """The exact text of a published table of corrections."""
    text: str | None = await db.value("select source from grading_calibration where code = $1", code)
    if text is None:
        raise SchemeAbsent
    return text


async def scheme_source(code: str) -> str:
    """The exact text of a published scheme."""
    text: str | None = await db.value("select source from grading_scheme where code = $1", code)
    if text is None:
        raise SchemeAbsent
    return text
