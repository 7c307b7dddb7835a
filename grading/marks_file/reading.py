"""Reading marks: batch by batch, every value checked, ids turned into numbers.

A file is wrong as a whole as soon as one row is: the rows are named with line and reason, and nothing is written.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from core.errors import Message, Rejected
from core.i18n import N_
from grading.estimator.marks import NONE, Codes, Flags, Reals

NEEDED = ("agency", "reviewer", "date", "mark")
OPTIONAL = ("difficulty", "client", "stars", "case")
BATCH_BYTES = 4 << 20
BATCH_ROWS = 65_536
NAMED_AT_MOST = 10
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EPOCH = date(1970, 1, 1)


class MarksInvalid(Rejected):
    """The file cannot be used; `faults` names the rows."""

    code: ClassVar[str] = "marks-invalid"
    text: ClassVar[str] = N_("评分文件不能使用，没有写出任何结果：%(faults)s")


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong row, counted from 0 among the data rows, and what is wrong with it."""

    row: int
    reason: Message


@dataclass(slots=True)
class Names:
    """Ids in order of first appearance."""

    codes: dict[str, int] = field(default_factory=dict)

    def encode(self, column: pa.Array) -> Codes:
        """Codes of a column of text; −1 for null and empty."""
        folded = column.dictionary_encode()
        names = folded.dictionary.to_pylist()
        table = np.array([self.codes.setdefault(name, len(self.codes)) if name else NONE for name in names], np.int32)
        places = folded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        coded: Codes = np.append(table, np.int32(NONE)).astype(np.int32)[places]
        return coded

    def ranks(self) -> tuple[Codes, list[str]]:
        """Place of each code in the sorted order of names, and the names in that order."""
        names = list(self.codes)
        order = sorted(range(len(names)), key=names.__getitem__)
        rank = np.empty(len(names) + 1, np.int32)
        rank[order] = np.arange(len(names), dtype=np.int32)
        rank[-1] = NONE
        return rank, [names[at] for at in order]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as numbers: codes, days since 1970, marks in points, stars (NaN: none), case (0: none)."""

    agency: Codes
    reviewer: Codes
    difficulty: Codes
    client: Codes
    day: Codes
    mark: Reals
    stars: Reals
    case: np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(slots=True)
class Reader:
    """Reads one file; keeps the ids it has met. `scale` is the lowest and highest possible mark."""

    path: Path
    scale: tuple[float, float]
    agencies: Names = field(default_factory=Names)
    reviewers: Names = field(default_factory=Names)
    difficulties: Names = field(default_factory=Names)
    clients: Names = field(default_factory=Names)
    _days: dict[str, int | None] = field(default_factory=dict)

    def batches(self, progress: Callable[[int], None]) -> Iterator[Batch]:
        """All rows; raises `MarksInvalid` for the first batch that has a wrong row. `progress` counts bytes."""
        before = 0
        for table, read in self._tables():
            yield self._checked(table, before)
            before += table.num_rows
            progress(read)

    def _tables(self) -> Iterator[tuple[pa.Table, int]]:
        return self._parquet() if self.path.suffix.lower() in {".parquet", ".pq"} else self._csv()

    def _csv(self) -> Iterator[tuple[pa.Table, int]]:
        columns = self._columns(_header(self.path))
        ragged: list[Fault] = []

        def report(row: Any) -> str:
            reason = _say(N_("应有 %(need)s 列，实有 %(have)s 列"), need=row.expected_columns, have=row.actual_columns)
            ragged.append(Fault((row.number or 2) - 2, reason))
            return "skip"

        try:
            reader = pyarrow.csv.open_csv(
                self.path,
                read_options=pyarrow.csv.ReadOptions(block_size=BATCH_BYTES, use_threads=False),
                parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=report),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=columns,
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                if ragged:
                    raise self._invalid(ragged)
                yield pa.Table.from_batches([batch]), batch.nbytes
        except pa.ArrowInvalid as problem:
            raise MarksInvalid(faults=_plainly(self.path, problem)) from problem
        if ragged:
            raise self._invalid(ragged)

    def _parquet(self) -> Iterator[tuple[pa.Table, int]]:
        try:
            opened = pyarrow.parquet.ParquetFile(self.path)
        except (pa.ArrowInvalid, OSError) as problem:
            raise MarksInvalid(faults=_say(N_("不是有效的 Parquet 文件。"))) from problem
        columns = self._columns(opened.schema_arrow.names)
        for batch in opened.iter_batches(BATCH_ROWS, columns=columns):
            texts = [_as_text(batch.column(name)) for name in columns]
            yield pa.table(dict(zip(columns, texts, strict=True))), batch.nbytes

    def _columns(self, header: list[str]) -> list[str]:
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise MarksInvalid(faults=_say(N_("第 1 行缺少列：%(names)s。"), names="、".join(missing)))
        twice = sorted({name for name in header if header.count(name) > 1 and name in (*NEEDED, *OPTIONAL)})
        if twice:
            raise MarksInvalid(faults=_say(N_("第 1 行列名重复：%(names)s。"), names="、".join(twice)))
        return [name for name in (*NEEDED, *OPTIONAL) if name in header]

    def _checked(self, table: pa.Table, before: int) -> Batch:
        """The batch as numbers, or `MarksInvalid` naming its wrong rows."""
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        faults: list[Fault] = []
        empty = pa.nulls(table.num_rows, pa.string())

        def blame(wrong: Flags, reason: Callable[[int], Message]) -> None:
            faults.extend(Fault(before + int(at), reason(int(at))) for at in np.flatnonzero(wrong)[:NAMED_AT_MOST])

        agency, reviewer = self._id("agency", columns, self.agencies), self._id("reviewer", columns, self.reviewers)
        blame(agency == NONE, lambda _: _say(N_("机构（agency）为空")))
        blame(reviewer == NONE, lambda _: _say(N_("评审人（reviewer）为空")))
        day, wrong = self._day(columns["date"])
        blame(wrong, lambda at: _say(N_("日期“%(value)s”不是 YYYY-MM-DD"), value=_shown(columns["date"], at)))
        mark, wrong = _numbers(columns["mark"])
        blame(wrong, lambda at: _say(N_("分数“%(value)s”不是数"), value=_shown(columns["mark"], at)))
        low, high = self.scale
        blame(
            ~wrong & ((mark < low) | (mark > high)),
            lambda at: _say(N_("分数 %(value)s 不在 %(low)s 到 %(high)s 之间"), value=mark[at], low=low, high=high),
        )
        stars, wrong = _numbers(columns.get("stars", empty))
        blame(
            wrong & _said(columns.get("stars", empty)),
            lambda at: _say(N_("星级“%(value)s”不是数"), value=_shown(columns["stars"], at)),
        )
        if faults:
            raise self._invalid(faults)
        return Batch(
            agency=agency,
            reviewer=reviewer,
            difficulty=self.difficulties.encode(columns.get("difficulty", empty)),
            client=self.clients.encode(columns.get("client", empty)),
            day=day,
            mark=(mark - low) / (high - low) * 100,
            stars=np.where(wrong, np.nan, stars),
            case=_case(columns.get("case", empty)),
        )

    def _id(self, name: str, columns: dict[str, pa.Array], names: Names) -> Codes:
        column = columns[name]
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column.fill_null(""))), 0)
        return names.encode(pc.if_else(blank, "", column))

    def _day(self, column: pa.Array) -> tuple[Codes, Flags]:
        folded = column.fill_null("").dictionary_encode()
        days = [self._days.setdefault(text, _day_number(text)) for text in folded.dictionary.to_pylist()]
        table = np.array([0 if day is None else day for day in days], np.int32)
        wrong = np.array([day is None for day in days], bool)
        places = folded.indices.to_numpy(zero_copy_only=False)
        return table[places], wrong[places]

    def _invalid(self, faults: list[Fault]) -> MarksInvalid:
        worst = sorted(faults, key=lambda one: one.row)[:NAMED_AT_MOST]
        lines = _lines(self.path, [one.row for one in worst])
        named = [
            _say(N_("第 %(line)s 行：%(reason)s"), line=lines[one.row], reason=one.reason).render() for one in worst
        ]
        return MarksInvalid(faults="\n  " + "\n  ".join(named))


def _say(text: str, **values: Any) -> Message:
    return Message(text, values)


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            return next(csv.reader(opened), [])
    except UnicodeDecodeError as problem:
        raise MarksInvalid(faults=_say(N_("文件不是 UTF-8 编码。"))) from problem


def _lines(path: Path, rows: list[int]) -> dict[int, int]:
    """Line of the file on which each data row begins; a Parquet file counts its rows, the first being 1."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        return {row: row + 1 for row in rows}
    wanted, found, ended = set(rows), {}, 1
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.reader(opened)
        next(reader, None)
        ended, number = reader.line_num, 0
        for record in reader:
            if record:
                if number in wanted:
                    found[number] = ended + 1
                    if len(found) == len(wanted):
                        break
                number += 1
            ended = reader.line_num
    return {row: found.get(row, row + 2) for row in rows}


def _plainly(path: Path, problem: Exception) -> str:
    """What the parser met, with the line where it can be found."""
    with path.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return _say(N_("第 %(line)s 行：不是 UTF-8 编码"), line=number).render()
    return str(problem).split("\n", 1)[0]


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.date32(), safe=False)
    return column.cast(pa.string())


def _numbers(column: pa.Array) -> tuple[Reals, Flags]:
    """Values and which are no finite number (empty ones included)."""
    text = pc.utf8_trim_whitespace(column.fill_null(""))
    try:
        values = text.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        pieces = text.to_pylist()
        values = np.array([float(one) if _NUMBER.fullmatch(one) else np.nan for one in pieces])
    return values, ~np.isfinite(values)


def _said(column: pa.Array) -> Flags:
    said: Flags = pc.not_equal(pc.utf8_trim_whitespace(column.fill_null("")), "").to_numpy(zero_copy_only=False)
    return said


def _case(column: pa.Array) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A 64-bit hash of the case id, 0 for none: only sameness within an agency matters."""
    import pandas as pd

    if not _said(column).any():
        return np.zeros(len(column), np.uint64)
    text = column.fill_null("").to_numpy(zero_copy_only=False)
    hashed = pd.util.hash_array(text, categorize=True)
    return np.where(text == "", np.uint64(0), hashed).astype(np.uint64)


def _day_number(text: str) -> int | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        return None


def _shown(column: pa.Array, at: int) -> str:
    text = str(column[at].as_py() or "")
    return text if len(text) <= 40 else text[:40] + "…"
