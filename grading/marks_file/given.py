"""The small tables given beside the marks: a published table of reviewers, the grades of the last regrade."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import Message
from core.i18n import N_
from grading import estimator as est
from grading.estimator.marks import Flags, Reals
from grading.estimator.placing import N
from grading.marks_file.faults import MarksInvalid, listed, not_utf8

LARGEST = 100.0
"""A severity is a number of points; nobody is stricter than the whole scale."""


@dataclass(frozen=True, slots=True)
class Given:
    """Of each reviewer, what a published table says: the correction, what a mark counts, whether the table knows him."""

    severity: Reals
    consistency: Reals
    listed: Flags


def frozen_table(path: Path, reviewers: list[str]) -> Given:
    """A published table; a reviewer who is not in it is not corrected and counts as the average one.

    Tables of before decision 0018 have no column `consistency`: all count alike.
    """
    known: dict[str, tuple[float, float]] = {}
    for line, name, text, told in _table(path, "reviewer", "severity", "consistency"):
        value, counts = _real(text), _real(told or "1")
        if value is None:
            raise _wrong(path, line, N_("严宽值“%(value)s”不是 -100 到 100 之间的数"), value=text)
        if counts is None or counts <= 0:
            raise _wrong(path, line, N_("一致性“%(value)s”不是 0 到 100 之间的正数"), value=told)
        known[name] = value, counts
    severity, counted = np.array([known.get(name, (0.0, 1.0)) for name in reviewers]).reshape(-1, 2).T
    return Given(severity, counted, np.array([name in known for name in reviewers], bool))


def previous_grades(path: Path, agencies: list[str]) -> np.ndarray[Any, np.dtype[np.int8]]:
    """Grade codes of the last regrade; an agency that is not in it has none."""
    codes = {name: code for code, name in enumerate(est.GRADES)}
    known: dict[str, int] = {}
    for line, name, text, _ in _table(path, "agency", "grade"):
        if text not in codes:
            raise _wrong(path, line, N_("等级“%(value)s”不是 A、B、C、D 或 N"), value=text)
        known[name] = codes[text]
    return np.array([known.get(name, N) for name in agencies], np.int8)


def _table(path: Path, key: str, column: str, maybe: str = "") -> Iterator[tuple[int, str, str, str]]:
    """Line, id, value, and value of the column that may be missing; others are left aside, an id stands once."""
    met: set[str] = set()
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            header = next(reader, [])
            missing = [name for name in (key, column) if name not in header]
            if missing:
                raise _wrong(path, 1, N_("缺少列：%(names)s"), names=listed(missing))
            end = reader.line_num
            for row in reader:
                line, end = end + 1, reader.line_num
                if not row:
                    continue
                if len(row) != len(header):
                    raise _wrong(path, line, N_("应有 %(need)s 列，实有 %(have)s 列"), need=len(header), have=len(row))
                name, value = row[header.index(key)], row[header.index(column)]
                if name in met:
                    raise _wrong(path, line, N_("“%(value)s”出现了不止一次"), value=name)
                met.add(name)
                yield line, name, value, row[header.index(maybe)] if maybe in header else ""
    except UnicodeDecodeError as problem:
        raise MarksInvalid(faults=f"{path.name} {not_utf8(path)}") from problem
    except csv.Error as problem:
        raise _wrong(path, reader.line_num, N_("不是有效的 CSV：%(reason)s"), reason=problem) from problem


def _real(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= LARGEST else None


def _wrong(path: Path, line: int, text: str, **values: Any) -> MarksInvalid:
    told = {"file": path.name, "line": line, "reason": Message(text, values)}
    return MarksInvalid(faults=Message(N_("%(file)s 第 %(line)s 行：%(reason)s。"), told))
