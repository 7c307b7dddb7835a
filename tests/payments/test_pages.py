"""Paying and confirming as people do it."""

import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import openpyxl
import pypdfium2
import pytest

from core import clock
from core import db as sql
from core.identity import Role
from payments import queries, services
from payments.rules import PayableState
from tests.factories import core as people
from tests.factories.payments import make_payable, pay

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
Browse = Any
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


@pytest.fixture(autouse=True)
def _settled(web_app: object) -> Iterator[None]:
    """These cases belong to no contract: nobody above takes over."""

    async def nobody(*_facts: object) -> None:
        return None

    before = list(services.SETTLED._takers)
    services.SETTLED.supply(nobody)
    yield
    services.SETTLED.supply(*before)


def slip(**changes: str) -> dict[str, str]:
    return {"reference": "2026112000000001", "paid_on": clock.today().isoformat()} | changes


def voucher(body: bytes = PDF, name: str = "回单.pdf") -> dict[str, Any]:
    return {"voucher": (name, body, "application/pdf")}


async def test_pay_contest_pay_again_confirm_receipt(browse: Browse) -> None:
    made = await make_payable(title="第一节点：外业完成")
    path = f"/payments/{made.payable_id}"
    payer, payee = await browse(made.payer), await browse(made.payee)
    page = await payer.get(path)
    assert "银行转账" in page.text
    assert "24,600.00" in page.text
    answer = await payer.submit(f"{path}/voucher", slip(), voucher())
    assert answer.status_code == 303, answer.text
    assert "确认收款" in (await payee.get(path)).text
    answer = await payee.submit(f"{path}/contest", {"reason": "工行尾号 0012 账户至今未见"})
    assert answer.status_code == 303, answer.text
    assert "工行尾号 0012" in (await payer.get(path)).text
    answer = await payer.submit(f"{path}/voucher", slip(reference="2026112000000002"), voucher())
    assert answer.status_code == 303, answer.text
    answer = await payee.submit(f"{path}/confirm", {})
    assert answer.status_code == 303, answer.text
    receipt = await payer.get(answer.headers["location"])
    assert "XT-SK-" in receipt.text
    assert "根指纹" in receipt.text
    assert "已确认收款" in (await payer.get("/payments")).text


@pytest.mark.parametrize(
    ("data", "file", "sentence"),
    [
        ({"reference": ""}, voucher(), "请填写这一项"),
        ({"reference": "号码？"}, voucher(), "银行流水号只含字母"),
        ({"paid_on": "2199-01-01"}, voucher(), "还没到"),
        ({"paid_on": "昨天"}, voucher(), "格式填写日期"),
        ({}, None, "请选择要上传的文件"),
        ({}, voucher(b""), "0 字节"),
        ({}, voucher(b"MZ"), "与扩展名不符"),
        ({}, voucher(PDF + b"0" * (10 * 1024 * 1024)), "超过 10 MB"),
    ],
)
async def test_bad_vouchers_are_told_at_the_field_and_kept(
    browse: Browse, data: dict[str, str], file: Any, sentence: str
) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    typed = slip(**data)
    answer = await payer.submit(f"/payments/{made.payable_id}/voucher", typed, file)
    assert answer.status_code == 422, answer.text
    assert sentence in answer.text
    assert f'value="{typed["reference"]}"' in answer.text
    assert (await queries.payable(made.payable_id, made.payer)).state is PayableState.DUE


async def test_the_same_voucher_sent_twice_counts_once(browse: Browse) -> None:
    made = await make_payable()
    payer = await browse(made.payer)
    guard = payer.guard()
    path = f"/payments/{made.payable_id}/voucher"
    first = await payer.submit(path, slip() | guard, voucher())
    again = await payer.submit(path, slip() | guard, voucher())
    assert first.status_code == again.status_code == 303
    assert len(await queries.transfers(made.payable_id)) == 1


async def test_a_stale_confirmation_is_told(browse: Browse) -> None:
    made = await make_payable()
    payer, payee = await browse(made.payer), await browse(made.payee)
    await payer.submit(f"/payments/{made.payable_id}/voucher", slip(), voucher())
    answer = await payee.submit(f"/payments/{made.payable_id}/confirm", {"version": "1"})
    assert answer.status_code == 409
    assert "已被他人修改" in answer.text


async def test_foreign_and_absent_payables_look_alike(browse: Browse) -> None:
    made = await make_payable()
    stranger = await browse(Role.CLIENT)
    foreign = await stranger.get(f"/payments/{made.payable_id}")
    absent = await stranger.get("/payments/999999")
    assert foreign.status_code == absent.status_code == 404
    assert "没有找到这笔款项" in foreign.text
    assert "没有找到这笔款项" in absent.text
    assert (await stranger.submit(f"/payments/{made.payable_id}/voucher", slip(), voucher())).status_code == 404
    payer = await browse(made.payer)
    assert (await payer.submit(f"/payments/{made.payable_id}/confirm", {})).status_code == 404
    assert (await (await browse()).get("/payments")).status_code == 303


async def test_desk_lines_for_both_sides() -> None:
    made = await make_payable()
    (pay,) = await queries.desk_items(made.payer, clock.now())
    (wait,) = await queries.desk_items(made.payee, clock.now())
    assert pay.mine
    assert not wait.mine
    assert pay.due_at == clock.end_of_day(clock.today() + timedelta(days=14))


async def test_json_twins(api: Any) -> None:
    made = await make_payable()
    payer, payee = await api(made.payer), await api(made.payee)
    listed = (await payer.get("/api/v1/payables")).json()
    assert [one["amount"] for one in listed["items"]] == ["24600.00"]
    path = f"/api/v1/payables/{made.payable_id}"
    key = {"Idempotency-Key": "a"}
    first = await payer.post(f"{path}/voucher", data=slip(), files=voucher(), headers=key)
    assert first.status_code == 201, first.text
    again = await payer.post(f"{path}/voucher", data=slip(), files=voucher(), headers=key)
    assert again.json() == first.json()
    done = await payee.post(f"{path}/confirm", json={"version": 2}, headers=key)
    assert done.status_code == 201, done.text
    assert done.json()["receipt_number"].startswith("XT-SK-")
    shown = (await payer.get(path)).json()
    assert shown["state"] == "confirmed"
    assert shown["transfers"][0]["reference"] == "2026112000000001"
    stranger = await api(Role.CLIENT)
    assert (await stranger.get(path)).status_code == 404
    assert (await payer.post(f"{path}/confirm", json={}, headers=key)).status_code == 404
    assert (await payee.post(f"{path}/confirm", json={})).status_code == 400


# ---- the other pages
async def paid_between(payer: Any, payee: Any, count: int) -> None:
    for number in range(count):
        await pay(await make_payable(payer=payer, payee=payee, amount=f"{number + 1}00.00"))


async def test_the_statement_as_page_csv_and_workbook(browse: Browse) -> None:
    payer, payee = await people.member(Role.CLIENT), await people.member(Role.AGENCY)
    await paid_between(payer, payee, 60)
    mine = await browse(payee)
    page = await mine.get("/payments/statement")
    assert page.status_code == 200, page.text
    assert "183,000.00" in page.text
    assert "银行转账到账" in page.text
    following = re.search(r'href="(\?account=[^"]+cursor=[^"]+)"', page.text)
    assert following
    second = await mine.get("/payments/statement" + html.unescape(following[1]))
    assert "100.00" in second.text
    csv_file = await mine.get("/payments/statement.csv")
    lines = csv_file.content.decode("utf-8-sig").strip().splitlines()
    assert len(lines) == 61
    assert lines[1].split(",")[5:8] == ["6000.00", "", "183000.00"]
    assert lines[-1].split(",")[5:8] == ["100.00", "", "100.00"]
    book = openpyxl.load_workbook(io.BytesIO((await mine.get("/payments/statement.xlsx")).content))
    assert book.active.max_row == 61
    assert book.active["H2"].value == 183000
    stranger = await browse(Role.CLIENT)
    account = re.search(r"account=(\d+)", page.text)
    assert account
    foreign = await stranger.get(f"/payments/statement?account={account[1]}")
    assert "183,000.00" not in foreign.text
    assert "还没有往来" in foreign.text
    assert (await stranger.get("/payments/statement.csv")).status_code == 303


async def test_titles_that_look_like_formulas_stay_text_in_the_statement(browse: Browse) -> None:
    made = await make_payable(title="=HYPERLINK(1)")
    await pay(made)
    text = (await (await browse(made.payer)).get("/payments/statement.csv")).text
    assert "'=HYPERLINK(1)" in text


async def test_a_statement_of_a_bank_is_imported_and_confirmed_on_the_page(browse: Browse) -> None:
    made = await make_payable()
    number = (await queries.payable(made.payable_id, made.payee)).number
    payee = await browse(made.payee)
    day = clock.today().isoformat()
    bad = {"statement": ("明细.csv", "交易日期,贷方发生额\n昨天,5".encode(), "text/csv")}
    refused = await payee.submit("/payments/bank", {}, bad)
    assert refused.status_code == 422
    assert "第 2 行日期“昨天”看不懂" in refused.text
    good = {"statement": ("明细.csv", f"交易日期,贷方发生额,附言\n{day},24600.00,{number}".encode(), "text/csv")}
    answer = await payee.submit("/payments/bank", {}, good)
    assert answer.status_code == 303, answer.text
    shown = await payee.get(answer.headers["location"])
    assert "导入 1 行。" in shown.text, "nothing was known before, so nothing is said of it"
    assert "确认完全一致的 1 笔" in shown.text
    assert number in shown.text
    again = await payee.submit("/payments/bank", {}, good)
    assert "导入 0 行，另有 1 行以前导入过" in (await payee.get(again.headers["location"])).text
    (line,) = [one for one in await queries.desk_items(made.payee, clock.now()) if one.kind == "银行对账"]
    assert (line.href, line.note) == (answer.headers["location"], "1 行可以确认收款")
    done = await payee.submit(answer.headers["location"], {"all_exact": "1"})
    assert done.status_code == 303, done.text
    assert not [one for one in await queries.desk_items(made.payee, clock.now()) if one.kind == "银行对账"]
    assert "已确认" in (await payee.get(answer.headers["location"] + "?show=all")).text
    assert (await (await browse(made.payer)).get(answer.headers["location"])).status_code == 404


async def test_hold_invoice_and_receipt_on_the_page(browse: Browse) -> None:
    made = await make_payable()
    path = f"/payments/{made.payable_id}"
    officer, payer, payee = await browse(Role.MARKET_SUPERVISOR), await browse(made.payer), await browse(made.payee)
    assert (await officer.submit(f"{path}/hold", {"reason": "短"})).status_code == 422
    assert (await officer.submit(f"{path}/hold", {"reason": "收到举报，核实中"})).status_code == 303
    held = await payer.get(path)
    assert "收到举报，核实中" in held.text
    assert "登记 24,600.00 元已付" not in held.text
    assert (await payer.submit(f"{path}/voucher", slip(), voucher())).status_code == 409
    assert "暂停支付中" in (await officer.get("/payments/desk")).text
    assert (await officer.submit(f"{path}/unhold", {"reason": "核实无误，恢复"})).status_code == 303
    changed = await payer.submit(f"{path}/voucher", slip(amount="246.00"), voucher())
    assert changed.status_code == 409
    assert "应付 24,600.00 元" in changed.text
    assert (await payer.submit(f"{path}/voucher", slip(amount="24600.00"), voucher())).status_code == 303
    assert (await payee.submit(f"{path}/confirm", {})).status_code == 303
    receipt = await payer.get(f"{path}/receipt.pdf")
    assert receipt.headers["content-type"] == "application/pdf"
    text = pypdfium2.PdfDocument(receipt.content)[0].get_textpage().get_text_bounded()
    assert "24,600.00" in text
    assert "贰万肆仟陆佰元整" in text
    facts = {"invoice_number": "2" * 20, "issued_on": clock.today().isoformat(), "invoice_amount": "24600"}
    bad = await payee.submit(f"{path}/invoice", facts | {"invoice_number": "12"}, {"paper": voucher()["voucher"]})
    assert bad.status_code == 422
    assert "20 位数字" in bad.text
    assert (await payee.submit(f"{path}/invoice", facts, {"paper": voucher()["voucher"]})).status_code == 303
    shown = await payer.get(path)
    assert "2" * 20 in shown.text
    invoice = re.search(rf"{path}/invoices/\d+", shown.text)
    assert invoice
    assert (await payer.get(invoice[0])).status_code == 200
    assert (await (await browse(Role.CLIENT)).get(invoice[0])).status_code == 404
    assert "2" * 20 in (await payee.get("/payments/incoming")).text


async def test_bonds_and_bundles_on_their_pages(browse: Browse) -> None:
    client, agency = await people.member(Role.CLIENT), await people.member(Role.AGENCY)
    bond = await make_payable(kind="bid-bond", amount="200.00", base="10000.00", payer=agency, payee=client)
    await pay(bond)
    holder, lodger = await browse(client), await browse(agency)
    page = await lodger.get("/payments/bonds")
    assert "10,000.00 元的 2%" in page.text
    assert "代管中" in page.text
    assert (await lodger.submit(f"/payments/{bond.payable_id}/release", {"reason": "想拿回来"})).status_code in {
        404,
        422,
    }
    assert (await holder.submit(f"/payments/{bond.payable_id}/release", {"reason": "合同已签订"})).status_code == 303
    again = await holder.submit(f"/payments/{bond.payable_id}/release", {"reason": "合同已签订"})
    assert again.status_code == 409
    assert "不必重复办理" in again.text
    assert "待付款" in (await lodger.get("/payments/bonds")).text
    parts = [await make_payable(payer=client, amount="100.00") for _ in range(2)]
    assert "登记合并付款" in (await holder.get("/payments/bundle")).text
    form = slip(amount="199.00") | {"payable": [str(one.payable_id) for one in parts]}
    refused = await holder.submit("/payments/bundle", form, voucher())
    assert refused.status_code == 409
    assert refused.text.count(" checked") == 2
    done = await holder.submit("/payments/bundle", form | {"amount": "200.00"}, voucher())
    assert done.status_code == 303, done.text


async def test_a_department_takes_over_a_review_cost_on_the_page(browse: Browse) -> None:
    office = await people.organization("泰安市行政审批服务局", kind="public_body")
    officer = await browse(await people.member(Role.GRADING_OFFICER, office))
    payee = await people.member(Role.AGENCY)
    uscc = await sql.value("select uscc from core_organization where id = $1", payee.organization_id)
    assert "由本部门承担" in (await officer.get("/payments/review-cost")).text
    facts = {
        "payee_uscc": uscc,
        "title": "技术审查费",
        "reference": "SC-1",
        "amount": "800",
        "due_on": clock.today().isoformat(),
    }
    assert (await officer.submit("/payments/review-cost", facts | {"amount": "x"})).status_code == 422
    done = await officer.submit("/payments/review-cost", facts)
    assert done.status_code == 303, done.text
    assert "登记 800.00 元已付" in (await officer.get(done.headers["location"])).text


async def test_only_the_operator_sees_the_finance_desk(browse: Browse) -> None:
    made = await make_payable()
    assert (await (await browse(made.payer)).get("/payments/desk")).status_code == 403
    administrator = await browse(Role.ADMINISTRATOR)
    assert (await administrator.get("/payments/desk")).status_code == 200
    assert (await administrator.get(f"/payments/{made.payable_id}")).status_code == 200
    assert (await administrator.submit(f"/payments/{made.payable_id}/hold", {"reason": "不归我管"})).status_code == 403


@pytest.mark.parametrize("page", ["statement", "bank", "bundle", "bonds", "incoming"])
async def test_empty_pages_say_so(browse: Browse, page: str) -> None:
    answer = await (await browse(Role.CLIENT)).get(f"/payments/{page}")
    assert answer.status_code == 200
    assert "x-empty" in answer.text


async def test_more_json_twins(api: Any) -> None:
    made = await make_payable()
    officer, payee, payer = await api(Role.MARKET_SUPERVISOR), await api(made.payee), await api(made.payer)
    path, key = f"/api/v1/payables/{made.payable_id}", {"Idempotency-Key": "b"}
    assert (await officer.post(f"{path}/hold", json={"reason": "收到举报，核实中"}, headers=key)).status_code == 201
    assert (await officer.get("/api/v1/payments/troubles")).json()[0]["trouble"] == "held"
    blocked = await payer.post(f"{path}/voucher", data=slip(), files=voucher(), headers=key)
    assert (blocked.status_code, blocked.json()["code"]) == (409, "payment-on-hold")
    assert (await officer.post(f"{path}/unhold", json={"reason": "核实无误了"}, headers=key)).status_code == 201
    number = (await queries.payable(made.payable_id, made.payee)).number
    body = f"交易日期,贷方发生额,附言\n{clock.today().isoformat()},24600.00,{number}".encode()
    imported = await payee.post(
        "/api/v1/bank-statements", files={"statement": ("a.csv", body, "text/csv")}, headers=key
    )
    assert imported.status_code == 201, imported.text
    file_id = imported.json()["id"]
    (line,) = (await payee.get(f"/api/v1/bank-statements/{file_id}")).json()["items"]
    assert (line["payable"], line["likeness"]) == (made.payable_id, "exact")
    chosen = {"match": [f"{line['line']}:{line['payable']}"]}
    done = await payee.post(f"/api/v1/bank-statements/{file_id}/matches", json=chosen, headers=key)
    assert done.json()["confirmed"][0]["state"] == "confirmed", done.text
    accounts = (await payee.get("/api/v1/accounts")).json()
    outside = next(one for one in accounts if one["kind"] == "outside")
    assert outside["balance"] == "24600.00"
    entries = (await payee.get(f"/api/v1/accounts/{outside['account']}/entries")).json()
    assert entries["items"][0]["balance"] == "24600.00"
    assert (await payer.get(f"/api/v1/accounts/{outside['account']}/entries")).status_code == 404


async def test_the_overviews_by_program(api: Any) -> None:
    made = await make_payable(kind="bid-bond", key="990001", amount="2000.00", base="100000.00")
    payer, payee, officer = await api(made.payer), await api(made.payee), await api(Role.MARKET_SUPERVISOR)
    (bond,) = (await payer.get("/api/v1/payments/bonds")).json()["items"]
    assert (bond["id"], bond["base"], bond["return"]) == (made.payable_id, "100000.00", None)
    (coming,) = (await payee.get("/api/v1/payments/incoming")).json()["items"]
    assert (coming["id"], coming["method"], coming["invoice"]) == (made.payable_id, None, None)
    assert (await payer.get("/api/v1/payments/incoming")).json()["items"] == []
    assert (await payee.get("/api/v1/bank-statements")).json()["items"] == []
    assert (await payee.get("/api/v1/payout-account/payouts")).json() == {"transfers": [], "payouts": []}
    assert (await officer.get("/api/v1/payments/audit")).json() == {"ran_at": None, "sound": None}
    assert await services.record_audit()
    audit = (await officer.get("/api/v1/payments/audit")).json()
    assert audit["sound"] is True
    assert audit["payables"] == 1
    assert (await officer.get("/api/v1/payments/sums")).json() == [{"state": "due", "count": 1, "amount": "2000.00"}]
    assert (await officer.get("/api/v1/payments/stripe/troubles")).json() == {"troubles": [], "disputes": []}
    for path in ("audit", "sums", "troubles", "stripe/troubles", "reconciliations"):
        assert (await payer.get(f"/api/v1/payments/{path}")).status_code == 403, path
    refused = await payer.post("/api/v1/payments/reconciliations", headers={"Idempotency-Key": "r"})
    assert refused.status_code == 403
