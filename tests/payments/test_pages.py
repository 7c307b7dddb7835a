"""Paying and confirming as people do it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.identity import Role
from payments import queries, services
from payments.rules import PayableState
from tests.factories.payments import make_payable

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
