"""Bank statements: which columns banks write, what a line says, and which payable it probably pays.

A line proves nothing by itself: a person confirms every match. `EXACT` is the amount to the fen together with our number
in the memo or the bank reference of a voucher; `LIKELY` the amount with the payer's name; `DIFFERENT` our number with
another amount, which is never confirmed here. The heads are those of the corporate exports of ICBC, CCB, ABC, BOC, CMB
and of common bookkeeping programs; amounts are yuan in the file and fen afterwards.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from core.errors import FormInvalid, Message, Rejected
from core.i18n import N_
from core.money import yuan
from core.sheets import Cell
from payments.rules.ledger import fen

MOST_ROWS = 10_000
HEAD_WITHIN = 25
"""Banks put account, name and period above the head."""
FAULTS_SHOWN = 10

HEADS: Mapping[str, tuple[str, ...]] = {
    "day": ("交易日期", "记账日期", "入账日期", "交易时间", "交易日", "记账日", "日期", "transactiondate", "date"),
    "income": ("贷方发生额", "贷方金额", "收入金额", "转入金额", "存入金额", "收入", "贷方", "credit"),
    "expense": ("借方发生额", "借方金额", "支出金额", "转出金额", "支取金额", "支出", "借方", "debit"),
    "amount": ("交易金额", "发生额", "金额", "amount"),
    "sign": ("借贷标志", "借贷方向", "借贷", "收支标志", "收支方向", "收支", "收付标志"),
    "party": (
        "对方户名", "对方名称", "对方账户名称", "对方账号名称", "对方单位名称", "对方单位", "交易对手名称", "交易对手", "收付方名称",
        "收付款人名称", "付款人名称", "付款方名称", "付款人", "counterparty",
    ),
    "reference": ("交易流水号", "银行流水号", "核心流水号", "流水号", "交易序号", "凭证号", "凭证号码", "业务流水号", "reference"),
    "memo": ("附言", "交易附言", "用途", "摘要", "备注", "交易摘要", "memo", "remark"),
    "currency": ("币种", "货币", "币别", "currency"),
}  # fmt: skip
IN_WORDS = frozenset({"贷", "贷方", "收", "收入", "c", "cr", "credit", "+"})
OUT_WORDS = frozenset({"借", "借方", "支", "支出", "付", "d", "dr", "debit", "-"})
YUAN_WORDS = frozenset({"", "人民币", "cny", "rmb", "元", "人民币元", "156", "01"})
SUM_ROW = re.compile(r"^(合计|总计|小计|本页合计|期末余额|期初余额)")

NO_HEAD = N_("没有找到表头。需要“交易日期”和“贷方发生额”（或“收入金额”“交易金额”）等列，请直接上传网银导出的明细。")
BAD_ROWS = N_("文件没有导入，%(count)s 行有误：%(rows)s")
ROW_FAULT = N_("第 %(row)s 行%(what)s")
BOTH = N_("%(a)s；%(b)s")
MORE = N_("%(a)s 等")
FORMULA = N_("含公式，未计算。请粘贴为数值")
BAD_DAY = N_("日期“%(text)s”看不懂")
FUTURE = N_("日期 %(text)s 还没到")
BAD_AMOUNT = N_("金额“%(text)s”看不懂")
NO_AMOUNT = N_("没有金额")
TWO_AMOUNTS = N_("借方和贷方同时有金额")
NO_SIGN = N_("借贷标志“%(text)s”看不懂")
FOREIGN = N_("币种是“%(text)s”，只能导入人民币明细")


class BankFileUnreadable(Rejected):
    """Neither a workbook nor a table of text."""

    code = "bank-file-unreadable"
    text = N_("这个文件打不开。请把网银导出的明细存为 XLSX 或 CSV 再上传。")


class BankFileTooLong(Rejected):
    """More rows than are read at once."""

    code = "bank-file-too-long"
    text = N_("明细超过 %(most)s 行。请分成几段时间导出后分别上传。")


class BankFileEmpty(Rejected):
    """A head and nothing below."""

    code = "bank-file-empty"
    text = N_("文件里没有明细。请选择有交易的时间段重新导出。")


@dataclass(frozen=True)
class StatementLine:
    """What one line says. `amount` is fen, positive when the money came in."""

    row: int
    booked_on: date
    amount: int
    party: str
    reference: str
    memo: str
    fingerprint: str


def read_statement(cells: Sequence[tuple[int, Sequence[Cell]]], today: date) -> list[StatementLine]:
    """The lines of a statement in their order. `FormInvalid` at the field `statement` naming every bad row (the whole
    file is refused), `BankFileTooLong`, `BankFileEmpty`."""
    place, names = _head(cells)
    body = cells[place + 1 :]
    if len(body) > MOST_ROWS:
        raise BankFileTooLong(most=f"{MOST_ROWS:,}")
    lines, faults, seen = [], [], Counter[str]()
    for number, row in body:
        fields = _fields(row, names)
        if SUM_ROW.match(row[0].text.strip()) or not any(
            fields[name] for name in ("day", "income", "expense", "amount")
        ):
            continue
        try:
            lines.append(_line(number, row, fields, today, seen))
        except _RowFault as fault:
            faults.append(Message(ROW_FAULT, {"row": number, "what": fault.message}))
    if faults:
        raise FormInvalid({"statement": Message(BAD_ROWS, {"count": len(faults), "rows": _listed(faults)})})
    if not lines:
        raise BankFileEmpty
    return lines


class _RowFault(Exception):
    def __init__(self, text: str, /, **params: str) -> None:
        self.message = Message(text, params)
        super().__init__(text)


def _listed(faults: Sequence[Message]) -> Message:
    said = faults[0]
    for fault in faults[1:FAULTS_SHOWN]:
        said = Message(BOTH, {"a": said, "b": fault})
    return Message(MORE, {"a": said}) if len(faults) > FAULTS_SHOWN else said


def _head(cells: Sequence[tuple[int, Sequence[Cell]]]) -> tuple[int, list[str | None]]:
    known = {head: name for name, heads in HEADS.items() for head in heads}
    for place, (_, row) in enumerate(cells[:HEAD_WITHIN]):
        names = [known.get(_plain_head(cell.text)) for cell in row]
        if "day" in names and {"income", "amount"} & set(names):
            return place, names
    raise FormInvalid({"statement": Message(NO_HEAD)})


def _plain_head(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"\([^)]*\)|[\s/_:：]", "", plain)


def _fields(row: Sequence[Cell], names: Sequence[str | None]) -> dict[str, str]:
    """Texts by field; of several columns with the same meaning the filled ones, joined for memos."""
    found = dict.fromkeys(HEADS, "")
    for name, cell in zip(names, row, strict=False):
        text = cell.text.strip()
        if name is None or not text:
            continue
        found[name] = f"{found[name]} {text}".strip() if name == "memo" else found[name] or text
    return found


def _line(
    number: int, row: Sequence[Cell], fields: Mapping[str, str], today: date, seen: Counter[str]
) -> StatementLine:
    if any(cell.formula for cell in row):
        raise _RowFault(FORMULA)
    if _folded(fields["currency"]) not in YUAN_WORDS:
        raise _RowFault(FOREIGN, text=fields["currency"])
    booked_on, amount = _day(fields["day"], today), _amount(fields)
    party, reference, memo = fields["party"][:200], _reference(fields["reference"]), fields["memo"][:300]
    said = "|".join([booked_on.isoformat(), str(amount), reference, _folded(party), "" if reference else _folded(memo)])
    seen[said] += 1
    if not reference:
        said += f"|{seen[said]}"
    return StatementLine(number, booked_on, amount, party, reference, memo, sha256(said.encode()).hexdigest())


def _reference(text: str) -> str:
    return re.sub(r"[^0-9A-Z-]", "", unicodedata.normalize("NFKC", text).upper())[:60]


def _day(text: str, today: date) -> date:
    digits = re.match(r"\s*(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?!\d)", text) or re.match(r"\s*(\d{4})(\d{2})(\d{2})", text)
    try:
        day = datetime(*(int(part) for part in digits.groups())).date() if digits else None  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        day = None
    if day is None:
        raise _RowFault(BAD_DAY, text=text[:20])
    if day > today:
        raise _RowFault(FUTURE, text=day.isoformat())
    return day


def _amount(fields: Mapping[str, str]) -> int:
    income, expense = _money(fields["income"]), _money(fields["expense"])
    if income and expense:
        raise _RowFault(TWO_AMOUNTS)
    if income or expense:
        return fen(income) - fen(abs(expense))
    amount = _money(fields["amount"])
    if not amount:
        raise _RowFault(NO_AMOUNT)
    sign = _folded(fields["sign"])
    if not sign or sign in IN_WORDS:
        return fen(amount)
    if sign in OUT_WORDS:
        return -fen(abs(amount))
    raise _RowFault(NO_SIGN, text=fields["sign"][:10])


def _money(text: str) -> Decimal:
    plain = unicodedata.normalize("NFKC", text).strip().removeprefix("¥").removeprefix("+").strip()
    if plain in {"", "-", "--"}:
        return Decimal(0)
    try:
        return yuan(plain)
    except ValueError:
        raise _RowFault(BAD_AMOUNT, text=text[:20]) from None


def _folded(text: str) -> str:
    return re.sub(r"[\s（）()·.\-－—]", "", unicodedata.normalize("NFKC", text)).lower()


# ---- matching
class Likeness(StrEnum):
    """How sure a proposal is."""

    EXACT = "exact"
    LIKELY = "likely"
    DIFFERENT = "different"


LIKENESS_TITLES: dict[Likeness, str] = {
    Likeness.EXACT: N_("完全一致"),
    Likeness.LIKELY: N_("金额和付款人一致"),
    Likeness.DIFFERENT: N_("编号一致，金额不同"),
}


@dataclass(frozen=True)
class Claim:
    """An open payable of the importing payee. `amount` is fen; `references` are those of its vouchers."""

    payable_id: int
    number: str
    amount: int
    payer: str
    references: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Proposal:
    """That a line probably pays a payable."""

    line_id: int
    payable_id: int
    likeness: Likeness


def propose(lines: Iterable[tuple[int, StatementLine]], claims: Sequence[Claim]) -> dict[int, Proposal]:
    """For each line (by its id) the payable it probably pays; lines without one are left out.

    Every payable is proposed at most once among the exact and likely, exact first; a likeness that fits two payables
    (same amount, same payer) fits none.
    """
    by_number = {_folded(claim.number): claim for claim in claims}
    by_reference = {reference: claim for claim in claims for reference in claim.references}
    by_payer: dict[tuple[int, str], list[Claim]] = {}
    for claim in claims:
        by_payer.setdefault((claim.amount, _folded(claim.payer)), []).append(claim)
    incoming = [(line_id, line) for line_id, line in lines if line.amount > 0]
    found: dict[int, Proposal] = {}
    taken: set[int] = set()
    for line_id, line in incoming:
        named = by_reference.get(line.reference) or _numbered(line, by_number)
        if named is None:
            continue
        likeness = Likeness.EXACT if named.amount == line.amount else Likeness.DIFFERENT
        if named.payable_id not in taken:
            found[line_id] = Proposal(line_id, named.payable_id, likeness)
        if likeness is Likeness.EXACT:
            taken.add(named.payable_id)
    for line_id, line in incoming:
        same = [one for one in by_payer.get((line.amount, _folded(line.party)), ()) if one.payable_id not in taken]
        if line_id not in found and len(same) == 1:
            found[line_id] = Proposal(line_id, same[0].payable_id, Likeness.LIKELY)
            taken.add(same[0].payable_id)
    return found


NUMBER = re.compile(r"xtfk(\d{4})(\d{6})")


def _numbered(line: StatementLine, by_number: Mapping[str, Claim]) -> Claim | None:
    """The payable whose number somebody wrote into the memo; of several none."""
    named = {by_number[hit[0]] for hit in NUMBER.finditer(_folded(line.memo)) if hit[0] in by_number}
    return named.pop() if len(named) == 1 else None
