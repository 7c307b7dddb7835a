"""Bank statements: reading what banks write, matching it to payables, and confirming by a person."""

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db, files
from core.errors import FormInvalid
from core.forms import Upload
from core.identity import Role
from core.sheets import Cell
from payments import queries, services
from payments.queries import statements
from payments.rules import PayableState
from payments.rules.ledger import AccountKind
from payments.rules.statements import (
    BankFileEmpty,
    BankFileTooLong,
    BankFileUnreadable,
    Claim,
    Likeness,
    StatementLine,
    propose,
    read_statement,
)
from payments.services.statements import MatchOutdated, NothingToMatch, read_file
from tests.factories import core as people
from tests.factories.payments import MadePayable, make_payable, nobody_above, voucher

TODAY = date(2026, 11, 25)
HEAD = ("交易日期", "对方户名", "借方发生额", "贷方发生额", "交易流水号", "附言")


def cells(*rows: tuple[str, ...]) -> list[tuple[int, list[Cell]]]:
    return [(number, [Cell(text, text.startswith("=")) for text in row]) for number, row in enumerate(rows, 1)]


def workbook(*rows: tuple[object, ...], name: str = "明细.xlsx") -> Upload:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return Upload(name, out.getvalue())


def sheet(*rows: tuple[object, ...], encoding: str = "gb18030") -> Upload:
    return Upload("明细.csv", "\n".join(",".join(str(cell) for cell in row) for row in rows).encode(encoding))


# ---- reading
@pytest.mark.parametrize(
    ("head", "row", "amount"),
    [
        (HEAD, ("2026-11-20", "甲", "", "24,600.05", "A1", "费"), 2460005),
        (HEAD, ("20261120", "甲", "500.00", "", "A1", "费"), -50000),
        (("记账日期", "收入金额(元)", "支出金额(元)", "对方名称"), ("2026/11/20", "¥1.00", "", "甲"), 100),
        (("交易时间", "交易金额", "借贷标志", "交易对手"), ("2026-11-20 09:30:11", "3.20", "贷", "甲"), 320),
        (("交易时间", "交易金额", "借贷标志", "交易对手"), ("2026年11月20日", "3.20", "借", "甲"), -320),
        (("Date", "Amount", "Counterparty", "Memo"), ("2026-11-20", "-7.00", "甲", "x"), -700),
        (("交易日期", "贷方发生额", "币种"), ("2026-11-20", "７.００", "人民币"), 700),
    ],
)
def test_columns_of_many_banks(head: tuple[str, ...], row: tuple[str, ...], amount: int) -> None:
    (line,) = read_statement(cells(("账号：3700…", "", ""), head, row, ("合计", "", "1")), TODAY)
    assert (line.amount, line.booked_on, line.row) == (amount, date(2026, 11, 20), 3)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("昨天", "甲", "", "5", "A", ""), "日期“昨天”看不懂"),
        (("2026-02-30", "甲", "", "5", "A", ""), "看不懂"),
        (("2026-11-26", "甲", "", "5", "A", ""), "还没到"),
        (("2026-11-20", "甲", "", "五元", "A", ""), "金额“五元”看不懂"),
        (("2026-11-20", "甲", "", "5.001", "A", ""), "看不懂"),
        (("2026-11-20", "甲", "3", "5", "A", ""), "借方和贷方同时有金额"),
        (("2026-11-20", "甲", "", "", "A", ""), "没有金额"),
        (("2026-11-20", "甲", "", "=1+4", "A", ""), "含公式"),
        (("2026-11-20", '=HYPERLINK("x")', "", "5", "A", ""), "含公式"),
    ],
)
def test_a_bad_row_refuses_the_file_and_is_named(row: tuple[str, ...], said: str) -> None:
    with pytest.raises(FormInvalid) as refused:
        read_statement(cells(HEAD, ("2026-11-20", "乙", "", "1.00", "B", ""), row), TODAY)
    sentence = refused.value.errors["statement"].render()
    assert "第 3 行" in sentence
    assert said in sentence


def test_another_currency_is_refused() -> None:
    with pytest.raises(FormInvalid) as refused:
        read_statement(cells((*HEAD, "币种"), ("2026-11-20", "甲", "", "5", "A", "", "美元")), TODAY)
    assert "只能导入人民币" in refused.value.errors["statement"].render()


def test_many_bad_rows_are_counted_and_the_first_are_named() -> None:
    rows = [("x", "甲", "", "5", "A", "")] * 40
    with pytest.raises(FormInvalid) as refused:
        read_statement(cells(HEAD, *rows), TODAY)
    sentence = refused.value.errors["statement"].render()
    assert "40 行有误" in sentence
    assert "第 11 行" in sentence
    assert "第 12 行" not in sentence


def test_no_head_no_lines_too_many_lines() -> None:
    with pytest.raises(FormInvalid, match="form-invalid"):
        read_statement(cells(("姓名", "电话"), ("甲", "1")), TODAY)
    with pytest.raises(BankFileEmpty):
        read_statement(cells(HEAD), TODAY)
    line = ("2026-11-20", "甲", "", "5", "", "")
    assert len(read_statement(cells(HEAD, *[line] * 10_000), TODAY)) == 10_000
    with pytest.raises(BankFileTooLong):
        read_statement(cells(HEAD, *[line] * 10_001), TODAY)


def test_the_same_line_twice_has_one_fingerprint_only_when_the_bank_says_so() -> None:
    numbered = ("2026-11-20", "甲", "", "5", "REF1", "")
    bare = ("2026-11-20", "甲", "", "5", "", "同一附言")
    lines = read_statement(cells(HEAD, numbered, numbered, bare, bare), TODAY)
    assert lines[0].fingerprint == lines[1].fingerprint
    assert lines[2].fingerprint != lines[3].fingerprint
    again = read_statement(cells(HEAD, bare, bare), TODAY)
    assert [line.fingerprint for line in again] == [line.fingerprint for line in lines[2:]]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_csv_in_the_encodings_of_banks(encoding: str) -> None:
    (line,) = read_file(sheet(HEAD, ("2026-11-20", "泰山实业", "", "5.00", "A1", "费"), encoding=encoding))
    assert (line.party, line.amount) == ("泰山实业", 500)


def test_workbooks_keep_days_and_numbers_and_compute_nothing() -> None:
    (line,) = read_file(workbook(HEAD, (date(2026, 11, 20), "甲", None, 24600.05, 1234567890123, "费")))
    assert (line.booked_on, line.amount, line.reference) == (date(2026, 11, 20), 2460005, "1234567890123")
    with pytest.raises(FormInvalid):
        read_file(workbook(HEAD, (date(2026, 11, 20), "甲", None, "=1+1", "A", "")))


@pytest.mark.parametrize(
    ("upload", "error"),
    [
        (Upload("明细.xlsx", b"PK\x03\x04 broken"), BankFileUnreadable),
        (Upload("明细.xlsx", b""), files.FileEmpty),
        (Upload("明细.exe", b"MZ"), files.FileMislabelled),
        (Upload("明细.csv", b"\xff\xfe\x00\x00"), files.FileMislabelled),
    ],
)
def test_files_that_are_no_statement(upload: Upload, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_file(upload)


# ---- matching
def line(amount: int = 100, party: str = "甲公司", reference: str = "", memo: str = "") -> StatementLine:
    return StatementLine(1, TODAY, amount, party, reference, memo, "f")


CLAIMS = [
    Claim(1, "XT-FK-2026-000001", 100, "甲公司", frozenset({"REF1"})),
    Claim(2, "XT-FK-2026-000002", 200, "乙公司"),
    Claim(3, "XT-FK-2026-000003", 200, "丙公司"),
    Claim(4, "XT-FK-2026-000004", 300, "丁公司"),
    Claim(5, "XT-FK-2026-000005", 300, "丁公司"),
]


@pytest.mark.parametrize(
    ("one", "payable", "likeness"),
    [
        (line(memo="测绘费 XT-FK-2026-000001"), 1, Likeness.EXACT),
        (line(memo="测绘费xtfk2026000001"), 1, Likeness.EXACT),
        (line(reference="REF1", party="别人代付"), 1, Likeness.EXACT),
        (line(amount=99, memo="XT-FK-2026-000001"), 1, Likeness.DIFFERENT),
        (line(amount=200, party="乙公司"), 2, Likeness.LIKELY),
        (line(amount=200, party="（乙公司）"), 2, Likeness.LIKELY),
        (line(amount=300, party="丁公司"), None, None),  # two payables fit: none is proposed
        (line(amount=300, party="丁公司", memo="XT-FK-2026-000005"), 5, Likeness.EXACT),
        (line(memo="XT-FK-2026-000001 XT-FK-2026-000002", party="x"), None, None),
        (line(amount=-100, memo="XT-FK-2026-000001"), None, None),
        (line(amount=77, party="无名"), None, None),
    ],
)
def test_what_a_line_probably_pays(one: StatementLine, payable: int | None, likeness: Likeness | None) -> None:
    found = propose([(9, one)], CLAIMS).get(9)
    assert (found and found.payable_id, found and found.likeness) == (payable, likeness)


@given(
    st.lists(st.tuples(st.sampled_from([100, 200, 300]), st.sampled_from("甲乙丙丁"), st.integers(0, 5)), max_size=20)
)
def test_no_payable_is_proposed_twice_for_confirmation(said: list[tuple[int, str, int]]) -> None:
    lines = [
        (number, line(amount, f"{party}公司", memo=f"XT-FK-2026-00000{n}" if n else ""))
        for number, (amount, party, n) in enumerate(said)
    ]
    found = [one for one in propose(lines, CLAIMS).values() if one.likeness is not Likeness.DIFFERENT]
    assert len({one.payable_id for one in found}) == len(found)


# ---- the acts


def row_for(made: MadePayable, number: str, amount: str, reference: str = "R1") -> tuple[object, ...]:
    return (clock.today().isoformat(), "某付款人", "", amount, reference, number)


async def number_of(made: MadePayable) -> str:
    return (await queries.payable(made.payable_id, made.payee)).number


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
async def test_import_match_confirm_and_the_ledger_knows() -> None:
    payee = await people.member(Role.AGENCY)
    due, vouchered = await make_payable(payee=payee), await make_payable(payee=payee, amount="100.00")
    wrong = await make_payable(payee=payee, amount="55.00")
    slip = voucher()
    await services.submit_voucher(actor=vouchered.payer, payable_id=vouchered.payable_id, draft=slip)
    upload = sheet(
        HEAD,
        row_for(due, await number_of(due), "24600.00"),
        row_for(vouchered, "", "100.00", slip.reference),
        row_for(wrong, await number_of(wrong), "54.00", "R3"),
    )
    receipt = await services.import_statement(actor=payee, upload=upload)
    assert (receipt.lines, receipt.repeated) == (3, 0)
    with nobody_above():
        done = await services.confirm_matches(actor=payee, file_id=receipt.file_id, chosen=None)
    assert [one.payable_id for one in done.confirmed] == [due.payable_id, vouchered.payable_id]
    assert (await queries.payable(due.payable_id, payee)).state is PayableState.CONFIRMED
    assert (await queries.payable(wrong.payable_id, payee)).state is PayableState.DUE
    assert await queries.balance(payee.organization_id, AccountKind.OUTSIDE) == Decimal("24700.00")
    (transfer,) = await queries.transfers(vouchered.payable_id)
    assert transfer.confirmed_at is not None
    again = await services.import_statement(actor=payee, upload=upload)
    assert (again.lines, again.repeated) == (0, 3)
    with pytest.raises(NothingToMatch):
        await services.confirm_matches(actor=payee, file_id=again.file_id, chosen=None)


@pytest.mark.anyio
@pytest.mark.usefixtures("db")
async def test_a_person_cannot_confirm_another_amount_or_a_foreign_line() -> None:
    made = await make_payable()
    receipt = await services.import_statement(
        actor=made.payee, upload=sheet(HEAD, row_for(made, await number_of(made), "1.00"))
    )
    line_id = await db.value("select id from payments_bank_line where file = $1", receipt.file_id)
    with pytest.raises(MatchOutdated):
        await services.confirm_matches(actor=made.payee, file_id=receipt.file_id, chosen={line_id: made.payable_id})
    with pytest.raises(statements.StatementNotFound):
        await services.confirm_matches(actor=made.payer, file_id=receipt.file_id, chosen={line_id: made.payable_id})
    stranger = await people.member(Role.AGENCY)
    own = await services.import_statement(
        actor=stranger, upload=sheet(HEAD, row_for(made, await number_of(made), "24600.00"))
    )
    assert await statements.proposals(own.file_id, stranger.organization_id) == {}
