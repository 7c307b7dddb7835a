"""One service item for many sites: the columns of the sheet, its limits, and what is wrong in a row.

Every site becomes its own project with its own notice. The trade works so: each site has its own address,
its own approvals and its own project code, its result is accepted and filed by itself, and another agency
may win it; a framework for all of them together would be a tender of its own, outside this market.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import Message, NotFound, Rejected
from core.i18n import N_
from core.sheets import Cell

MOST_ROWS = 500
MOST_BYTES = 1024 * 1024
MOST_UNPACKED = 20 * 1024 * 1024
MOST_PARTS = 200
MOST_COLUMNS = 30
LONGEST_CELL = 2000


@dataclass(frozen=True)
class Column:
    """A column of the sheet: its field, its heads in both languages, and an example."""

    name: str
    zh: str
    en: str
    required: bool
    example: str


COLUMNS = (
    Column("title", N_("站点名称"), "Site name", True, "龙廷镇通信基站 001"),
    Column("location", N_("建设地点"), "Location", True, "新泰市龙廷镇"),
    Column("scale", N_("规模与内容"), "Scale", True, "新建 45 米单管塔一座，占地 60 平方米"),
    Column("investment", N_("总投资（元）"), "Investment (CNY)", True, "280000"),
    Column("ceiling", N_("金额（元）"), "Price (CNY)", True, "3500"),
    Column("days_limit", N_("服务期限（工作日）"), "Days", True, "8"),
    Column("deadline", N_("截止时间"), "Deadline", False, ""),
    Column("requirements", N_("机构条件"), "Requirements", False, ""),
    Column("agency", N_("选定机构的信用代码"), "Agency credit code", False, ""),
    Column("reason", N_("选取理由"), "Reason for direct award", False, ""),
    Column("conditions_reason", N_("条件为什么需要"), "Why conditions are needed", False, ""),
    Column("split_reason", N_("为什么分开采购"), "Why bought separately", False, ""),
    Column("description", N_("说明"), "Remarks", False, ""),
)
BY_NAME = {column.name: column for column in COLUMNS}
_SPACE = re.compile(r"[\s*＊]+")


class RowState(StrEnum):
    """Where a row stands."""

    WAITING = "waiting"
    POSTED = "posted"
    REFUSED = "refused"


class SheetUnreadable(Rejected):
    """Neither a workbook nor a table of text."""

    code = "sheet-unreadable"
    text = N_("这个文件打不开。请下载模板，填好后存为 XLSX 或 CSV 再上传。")


class SheetTooLarge(Rejected):
    """It would unpack to more than a sheet of the allowed size can hold."""

    code = "sheet-too-large"
    text = N_("这个文件展开后太大，没有读取。请只保留一张工作表和要发的行，再上传。")


class SheetEmpty(Rejected):
    """A head and nothing below, or nothing at all."""

    code = "sheet-empty"
    text = N_("表里没有站点。请从第 2 行起，每行写一个站点。")


class TooManyRows(Rejected):
    """More sites than one batch takes."""

    code = "too-many-rows"
    text = N_("表里超过 %(most)s 行，一次最多发 %(most)s 个站点。请拆成几个文件，分次上传。")


class WrongColumns(Rejected):
    """The head is not that of the template."""

    code = "wrong-columns"
    text = N_("表头和模板不一致。缺少：%(missing)s；不认识：%(unknown)s。请下载模板，按模板的表头填写。")


class BatchGone(NotFound):
    """No such batch of one's own."""

    code = "batch-not-found"
    text = N_("没有找到这次批量发布。请从“批量发布”重新进入。")


@dataclass(frozen=True)
class SheetRow:
    """A row as typed: its number in the file, its texts by field, and what is wrong by field."""

    number: int
    values: Mapping[str, str]
    faults: Mapping[str, Message] = field(default_factory=dict)


FORMULA = N_("这一格是公式，系统不计算公式。请改成数值或文字。")
CELL_TOO_LONG = N_("这一格超过 %(limit)s 个字，请缩短。")


def read_rows(cells: Sequence[tuple[int, Sequence[Cell]]]) -> list[SheetRow]:
    """The rows of a sheet out of its cells, the first row being the head; empty rows are skipped.

    A formula is never computed: its cell is a fault. Raises `SheetEmpty`, `WrongColumns`, `TooManyRows`.
    """
    filled = [(number, row) for number, row in cells if any(cell.text.strip() or cell.formula for cell in row)]
    if not filled:
        raise SheetEmpty
    names = _head(filled[0][1])
    if len(filled) == 1:
        raise SheetEmpty
    if len(filled) - 1 > MOST_ROWS:
        raise TooManyRows(most=MOST_ROWS)
    return [_row(number, row, names) for number, row in filled[1:]]


def _head(cells: Sequence[Cell]) -> list[str | None]:
    known: dict[str, str] = {}
    for column in COLUMNS:
        known |= {_SPACE.sub("", name).lower(): column.name for name in (column.zh, column.en, column.name)}
    heads = [_SPACE.sub("", cell.text).lower() for cell in cells]
    names = [known.get(head) for head in heads]
    unknown = [
        cell.text.strip()[:40] for cell, name in zip(cells, names, strict=True) if cell.text.strip() and not name
    ]
    twice = [BY_NAME[name].zh for name in dict.fromkeys(names) if name and names.count(name) > 1]
    missing = [column.zh for column in COLUMNS if column.required and column.name not in names]
    if missing or unknown or twice:
        raise WrongColumns(missing="、".join(missing) or "—", unknown="、".join([*unknown, *twice]) or "—")
    return names


def _row(number: int, cells: Sequence[Cell], names: Sequence[str | None]) -> SheetRow:
    values: dict[str, str] = {}
    faults: dict[str, Message] = {}
    for place, cell in enumerate(cells):
        name = names[place] if place < len(names) else None
        if name is None:
            if cell.text.strip() or cell.formula:
                faults["title"] = Message(N_("这一行在表头之外还有内容，请删去多出的格。"))
            continue
        values[name] = cell.text.strip()
        if cell.formula:
            faults[name] = Message(FORMULA)
        elif len(cell.text) > LONGEST_CELL:
            faults[name] = Message(CELL_TOO_LONG, {"limit": LONGEST_CELL})
    return SheetRow(number, values, faults)


def same_sites(rows: Sequence[SheetRow]) -> dict[int, int]:
    """Rows that repeat an earlier site (same name and place), with the row they repeat."""
    first: dict[tuple[str, str], int] = {}
    repeated = {}
    for row in rows:
        key = (row.values.get("title", ""), row.values.get("location", ""))
        if key in first:
            repeated[row.number] = first[key]
        else:
            first[key] = row.number
    return repeated
