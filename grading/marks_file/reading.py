"""Reading marks: batch by batch, every value checked, ids turned into numbers.

A file is wrong as a whole as soon as one row is: the rows are named with line and reason, and nothing is written.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from core.errors import Message
from core.i18n import N_
from grading.estimator.marks import NONE, Codes, Flags, Reals
from grading.marks_file.faults import MarksInvalid, listed, not_utf8, say

NEEDED = ("agency", "reviewer", "date", "mark")
OPTIONAL = ("difficulty", "client", "stars", "case")
BATCH_BYTES = 4 << 20
BATCH_ROWS = 65_536
NAMED_AT_MOST = 10
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_EPOCH = date(1970, 1, 1)
_PARQUET = b"PAR1"
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "ZIP/XLSX", b"\xd0\xcf\x11\xe0": "XLS"}
STARS = (0.0, 100.0)
"""On whatever scale: how many points a star is worth is learnt, but something beyond this is no star."""


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


@dataclass
class Reader:
    """Reads one file; keeps the ids it has met. `scale` is the lowest and highest possible mark."""

    path: Path
    scale: tuple[float, float]
    agencies: Names = field(default_factory=Names)
    reviewers: Names = field(default_factory=Names)
    difficulties: Names = field(default_factory=Names)
    clients: Names = field(default_factory=Names)
    _days: dict[str, int | None] = field(default_factory=dict)

    @cached_property
    def parquet(self) -> bool:
        """Whether the file is Parquet rather than CSV."""
        return _is_parquet(self.path)

    def batches(self, progress: Callable[[int], None]) -> Iterator[Batch]:
        """All rows; raises `MarksInvalid` for the first batch that has a wrong row. `progress` counts bytes."""
        before = 0
        for table, read in self._tables():
            yield self._checked(table, before)
            before += table.num_rows
            progress(read)

    def _tables(self) -> Iterator[tuple[pa.Table, int]]:
        return self._parquet() if self.parquet else self._csv()

    def _csv(self) -> Iterator[tuple[pa.Table, int]]:
        columns = self._columns(_header(self.path))
        ragged: list[Fault] = []

        def report(row: Any) -> str:
            reason = say(N_("应有 %(need)s 列，实有 %(have)s 列"), need=row.expected_columns, have=row.actual_columns)
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
            raise MarksInvalid(faults=say(N_("不是有效的 Parquet 文件。"))) from problem
        columns = self._columns(opened.schema_arrow.names)
        try:
            for batch in opened.iter_batches(BATCH_ROWS, columns=columns):
                texts = [_as_text(name, batch.column(name)) for name in columns]
                yield pa.table(dict(zip(columns, texts, strict=True))), batch.nbytes
        except (pa.ArrowException, OSError) as problem:
            raise MarksInvalid(faults=say(N_("Parquet 文件读不下去，它可能不完整。"))) from problem

    def _columns(self, header: list[str]) -> list[str]:
        missing = [name for name in NEEDED if name not in header]
        if missing:
            said = {"names": listed(missing), "found": listed(header)[:200] or "—"}
            raise MarksInvalid(faults=say(N_("第 1 行缺少列：%(names)s。那里有：%(found)s。列名用逗号分隔。"), **said))
        twice = sorted({name for name in header if header.count(name) > 1 and name in (*NEEDED, *OPTIONAL)})
        if twice:
            raise MarksInvalid(faults=say(N_("第 1 行列名重复：%(names)s。"), names=listed(twice)))
        return [name for name in (*NEEDED, *OPTIONAL) if name in header]

    def _checked(self, table: pa.Table, before: int) -> Batch:
        """The batch as numbers, or `MarksInvalid` naming its wrong rows."""
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        faults: list[Fault] = []
        empty = pa.nulls(table.num_rows, pa.string())

        def blame(wrong: Flags, reason: Callable[[int], Message]) -> None:
            faults.extend(Fault(before + int(at), reason(int(at))) for at in np.flatnonzero(wrong)[:NAMED_AT_MOST])

        agency, reviewer = self._id("agency", columns, self.agencies), self._id("reviewer", columns, self.reviewers)
        blame(agency == NONE, lambda _: say(N_("机构（agency）为空")))
        blame(reviewer == NONE, lambda _: say(N_("评审人（reviewer）为空")))
        day, wrong = self._day(columns["date"])
        blame(wrong, lambda at: say(N_("日期“%(value)s”不是 YYYY-MM-DD"), value=_shown(columns["date"], at)))
        mark, wrong = _numbers(columns["mark"])
        blame(wrong, lambda at: say(N_("分数“%(value)s”不是数"), value=_shown(columns["mark"], at)))
        low, high = self.scale
        blame(
            ~wrong & ((mark < low) | (mark > high)),
            lambda at: say(
                N_("分数 %(value)s 不在 %(low)s 到 %(high)s 之间"),
                value=_shown(columns["mark"], at),
                low=f"{low:g}",
                high=f"{high:g}",
            ),
        )
        stars, wrong = _numbers(columns.get("stars", empty))
        beyond = ~wrong & ((stars < STARS[0]) | (stars > STARS[1]))
        blame(
            (wrong & _said(columns.get("stars", empty))) | beyond,
            lambda at: say(N_("星级“%(value)s”不是 0 到 100 之间的数"), value=_shown(columns["stars"], at)),
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
        rows = [one.row for one in worst]
        lines = {row: row + 1 for row in rows} if self.parquet else _lines(self.path, rows)
        named = [
            say(N_("第 %(line)s 行：%(reason)s"), line=lines[one.row], reason=one.reason).render() for one in worst
        ]
        return MarksInvalid(faults="\n  " + "\n  ".join(named))


def _is_parquet(path: Path) -> bool:
    """By its name or by its first bytes."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        return True
    with path.open("rb") as opened:
        return opened.read(len(_PARQUET)) == _PARQUET


def _header(path: Path) -> list[str]:
    """The first line that is not blank."""
    with path.open("rb") as raw:
        start = raw.read(4)
    packed = next((kind for sign, kind in _PACKED.items() if start.startswith(sign)), None)
    if packed:
        raise MarksInvalid(
            faults=say(N_("这是 %(kind)s 文件，不是 CSV 或 Parquet；请先解压或另存为 CSV。"), kind=packed)
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            return next((row for row in csv.reader(opened) if row), [])
    except UnicodeDecodeError as problem:
        raise MarksInvalid(faults=not_utf8(path)) from problem
    except csv.Error as problem:
        raise MarksInvalid(faults=say(N_("不是有效的 CSV：%(reason)s"), reason=problem)) from problem


def _lines(path: Path, rows: list[int]) -> dict[int, int]:
    """Line of the file on which each data row begins."""
    wanted, found = set(rows), {}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.reader(opened)
        ended, number = 0, -1  # the header is the first record, and rows are counted after it
        for record in reader:
            if record:
                if number in wanted:
                    found[number] = ended + 1
                    if len(found) == len(wanted):
                        break
                number += 1
            ended = reader.line_num
    return {row: found.get(row, row + 2) for row in rows}


def _plainly(path: Path, problem: Exception) -> str | Message:
    """What the parser met, with the line where it can be found."""
    met = str(problem).split("\n", 1)[0]
    if "Empty CSV" in met:
        return say(N_("文件没有任何评分。"))
    if "straddling object" in met:
        return say(N_("有一行超过 %(size)s MB，多半是一处引号没有成对。"), size=BATCH_BYTES >> 20)
    return not_utf8(path) or say(N_("不是有效的 CSV：%(reason)s"), reason=met)


def _as_text(name: str, column: pa.Array) -> pa.Array:
    """A column of a Parquet file as it would stand in a CSV; what is not a number is nothing in an optional column."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_date64(kind):
        column = column.cast(pa.date32(), safe=False)
    if pa.types.is_floating(kind) and name in OPTIONAL:
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    try:
        return column.cast(pa.string())
    except pa.ArrowException as problem:
        told = {"name": name, "kind": str(kind)}
        raise MarksInvalid(faults=say(N_("列 %(name)s 的类型 %(kind)s 不能用"), **told)) from problem


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
