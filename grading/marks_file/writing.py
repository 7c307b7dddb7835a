"""Writing the results: all files or none. Each is written beside its place and moved there in the end."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np

from core.errors import Message
from core.i18n import N_
from grading import estimator as est
from grading.estimator.marks import Reals, half_up
from grading.marks_file.estimating import Estimation, Scored
from grading.marks_file.faults import OutputRefused, unwritable

_EPOCH = date(1970, 1, 1)
SCORES = ("agency", "score", "sd", "n", "weight", "reliability", "grade", "firm", "p_up", "p_down", "alarm")
SEVERITIES = ("reviewer", "severity", "se", "n", "consistency", "component", "state")
DIFFICULTIES = ("difficulty", "correction", "se", "n")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the tables go; None: not wanted."""

    scores: Path
    severities: Path | None = None
    difficulties: Path | None = None
    explanations: Path | None = None

    def given(self) -> list[Path]:
        """Those that are wanted."""
        return [p for p in (self.scores, self.severities, self.difficulties, self.explanations) if p]

    def check(self, inputs: Iterable[Path | None]) -> None:
        """Raise `OutputRefused` before any work: no table replaces what is read or another table."""
        read, met = {one.resolve() for one in inputs if one}, set[Path]()
        for path in self.given():
            place = path.resolve()
            if place in read:
                raise OutputRefused(path=path, reason=Message(N_("它是输入文件")))
            if place in met:
                raise OutputRefused(path=path, reason=Message(N_("两张表不能写到同一个文件")))
            met.add(place)
            if not _special(path):
                try:
                    _draft(path).touch()
                    _draft(path).unlink()
                except OSError as problem:
                    raise unwritable(problem, path) from problem


def _special(path: Path) -> bool:
    """A pipe or a device, such as /dev/stdout: written into, never replaced."""
    return path.exists() and not path.is_file()


def _draft(path: Path) -> Path:
    """Beside the place where the table goes; behind a link, beside what the link leads to."""
    place = path.resolve()
    return place.with_name(f".{place.name}.{os.getpid()}.tmp")


def write(found: Estimation, outputs: Outputs, constants: est.Constants) -> None:
    """Write every table that is wanted, or none."""
    with TemporaryDirectory(prefix="xinshi-tables-") as folder:
        special = {path: Path(folder) / str(n) for n, path in enumerate(outputs.given()) if _special(path)}
        drafts = {path: special.get(path) or _draft(path) for path in outputs.given()}
        try:
            _write(found, outputs, drafts, constants)
            for path, draft in special.items():  # these can fail; what follows takes no time
                with draft.open("rb") as made, path.open("wb") as place:
                    copyfileobj(made, place)
            for path in drafts.keys() - special.keys():
                drafts[path].replace(path.resolve())
        except OSError as problem:
            raise unwritable(problem, outputs.scores) from problem
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)


def _write(found: Estimation, outputs: Outputs, drafts: dict[Path, Path], constants: est.Constants) -> None:
    with ExitStack() as stack:
        explained = outputs.explanations and stack.enter_context(
            drafts[outputs.explanations].open("w", encoding="utf-8")
        )
        lines: list[tuple[int, str]] = []
        for scored in found.scored():
            lines.extend(_score_lines(scored, found))
            if explained:
                _explain(scored, found, explained)
        lines.sort()
        _csv(drafts[outputs.scores], SCORES, (line for _, line in lines))
        if outputs.severities:
            _csv(drafts[outputs.severities], SEVERITIES, _severity_lines(found, constants))
        if outputs.difficulties:
            _csv(drafts[outputs.difficulties], DIFFICULTIES, _difficulty_lines(found))


def _csv(path: Path, header: tuple[str, ...], lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(header) + "\n")
        file.writelines(f"{line}\n" for line in lines)


def _score_lines(scored: Scored, found: Estimation) -> Iterator[tuple[int, str]]:
    columns = zip(
        scored.agency.tolist(),
        _fixed(scored.score, 2),
        _fixed(scored.sd, 2),
        scored.number.tolist(),
        _fixed(scored.weight, 4),
        _fixed(scored.reliability, 4),
        scored.grade.tolist(),
        scored.firm.tolist(),
        _fixed(scored.p_up, 4),
        _fixed(scored.p_down, 4),
        scored.alarm.tolist(),
        strict=True,
    )
    for code, score, sd, n, weight, reliability, grade, firm, up, down, alarm in columns:
        name = _text(found.agencies[code])
        held = f"{reliability},{est.GRADES[grade]},{_bool(firm)},{up},{down},{_bool(alarm)}"
        yield code, f"{name},{score},{sd},{n},{weight},{held}"


def _severity_lines(found: Estimation, constants: est.Constants) -> Iterator[str]:
    table, limit = found.severity, constants.severity_limit
    counts = table.consistency(constants.consistency_limit)
    for n, name in enumerate(found.reviewers):
        state = "beyond-limit" if abs(table.severity[n]) > limit else "linked" if table.linked[n] else "no-link"
        figures = f"{table.severity[n]:.2f},{table.severity_se[n]:.2f},{table.severity_marks[n]},{counts[n]:.2f}"
        yield f"{_text(name)},{figures},{table.component[n]},{state}"


def _difficulty_lines(found: Estimation) -> Iterator[str]:
    table = found.severity
    for n, name in enumerate(found.difficulties):
        yield f"{_text(name)},{table.difficulty[n]:.2f},{table.difficulty_se[n]:.2f},{table.difficulty_marks[n]}"


def _explain(scored: Scored, found: Estimation, file: IO[str]) -> None:
    """One line of JSON an agency: field level, every mark with its way into the score, the sum."""
    marks = scored.evidence.marks
    bounds = np.searchsorted(marks.link_mark, np.arange(len(marks.value) + 1))
    for k, code in enumerate(scored.agency.tolist()):
        table = est.explain(k, marks, scored.weighed)
        told = {
            "agency": found.agencies[code],
            "score": table.score,
            "base": table.base,
            "base_share": table.base_share,
            "stars": {"value": table.stars_value, "share": table.stars_share, "effect": table.stars_effect},
            "alarm": {
                "low": round(float(scored.alarms.low[k]), 2),
                "high": round(float(scored.alarms.high[k]), 2),
                "limit": scored.alarms.limit,
            },
            "marks": [_told(row, scored, found, bounds) for row in table.rows],
        }
        file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _told(row: est.ExplainedRow, scored: Scored, found: Estimation, bounds: Any) -> dict[str, Any]:
    evidence = scored.evidence
    links = range(int(bounds[row.row]), int(bounds[row.row + 1]))
    given = []
    for link in links:
        source = evidence.part.rows[evidence.link_row[link]]
        given.append(
            {
                "reviewer": found.reviewers[source["reviewer"]],
                "difficulty": found.difficulties[source["difficulty"]] if source["difficulty"] >= 0 else "",
                "date": str(_EPOCH + timedelta(days=int(source["day"]))),
                "mark": round(float(source["mark"]), 4),
                "correction": round(float(evidence.correction[link]), 2),
            }
        )
    return {
        "given": given,
        "corrected": row.value,
        "decay": row.decay,
        "consistency": row.consistency,
        "robust": row.robust,
        "cap": row.cap,
        "share": row.share,
        "effect": row.effect,
    }


def _fixed(values: Reals, places: int) -> list[str]:
    return [f"{value:.{places}f}" for value in (half_up(values, places) + 0.0).tolist()]


def _text(name: str) -> str:
    """A field of CSV, quoted where it must be."""
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\n\r') else name


def _bool(value: bool) -> str:
    return "true" if value else "false"
