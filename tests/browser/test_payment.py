"""Money in a browser: through Checkout (paid, held and released, refunded, disputed, paid out; the double stands for
Stripe), and by bank (slip, contest, answer, confirmation, receipt; a statement matched by a person)."""

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, ROOT, OpenPage, Site, accessible, no_sideways_scroll, read_in
from tests.browser.payers import PASSWORD

PICTURES = os.environ.get("XINSHI_PICTURES")


@pytest.fixture(scope="module")
def owed(site: Site) -> list[int]:
    """The payables of the cast."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.browser.payers"],
        cwd=ROOT,
        env=os.environ | {"XINSHI_DATABASE_URL": site.database_url, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return [int(line) for line in told.stdout.split()]


def sign_in(page: Page, login: str) -> None:
    """As people do."""
    page.goto("/sign-in")
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile(r"/(desk|)$"))


def looked_at(page: Page, name: str) -> None:
    """Readable at both widths and in both languages, and pictured when somebody wants to look."""
    for language in ("中文", "English"):
        read_in(page, language)
        for size, width in ((DESKTOP, 1280), (PHONE, 360)):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            accessible(page)
            no_sideways_scroll(page)
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}_{language}_{width}.png", full_page=True)
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    read_in(page, "中文")


def at_stripe(page: Page, button: str) -> None:
    """On the double's page; a press of one of its buttons."""
    page.wait_for_url(re.compile(r"/stripe-double/pay/"))
    page.get_by_role("button", name=button).click()


def eventually(page: Page, text: str) -> None:
    """Reload until it stands there: events and jobs have their own time."""
    for _ in range(60):
        if page.get_by_text(text).count():
            return
        time.sleep(0.25)
        page.reload()
    raise AssertionError(f"{page.url} never said {text}")


def test_pay_hold_release_refund_dispute_pay_out(visit: OpenPage, site: Site, owed: list[int]) -> None:
    fee, small, bond, late, *_ = owed
    now = datetime.now(UTC)
    site.move_to(now)
    payer, payee, watcher = visit().page, visit().page, visit().page
    sign_in(payer, "payer")
    sign_in(payee, "payee")
    sign_in(watcher, "watcher")

    # by card, after a decline; the page one comes back to resolves itself
    payer.goto(f"/payments/{fee}")
    looked_at(payer, "payable")
    payer.get_by_role("button", name="在线支付 24,600.00 元").click()
    at_stripe(payer, "银行卡（余额不足）")
    payer.get_by_text("insufficient_funds").wait_for()
    payer.get_by_role("button", name="银行卡（3-D Secure 验证）").click()
    payer.get_by_role("button", name="验证通过").click()
    payer.get_by_text("已收到 24,600.00 元").wait_for()
    looked_at(payer, "returned")

    # the agency opens an account and is paid out
    payee.goto("/my/payout-account")
    looked_at(payee, "account_new")
    payee.get_by_role("button", name="开通收款账户").click()
    payee.get_by_role("button", name="资料齐全，提交").click()
    payee.get_by_text("可以付到银行账户").wait_for()
    site.move_to(now + timedelta(minutes=6))
    site.move_to(now + timedelta(minutes=12))
    payee.goto(f"/payments/{fee}")
    eventually(payee, "已划付收款方")
    payee.goto("/my/payout-account")
    looked_at(payee, "account")

    # a bond held and released
    payer.goto(f"/payments/{bond}")
    looked_at(payer, "bond")
    payer.get_by_role("button", name="只在银行卡上冻结 2,000.00 元").click()
    at_stripe(payer, "银行卡（成功）")
    payer.get_by_text("已在银行卡上冻结").wait_for()
    payee.goto(f"/payments/{bond}")
    looked_at(payee, "bond_held")
    payee.get_by_label("解除原因").fill("定标后不再需要")
    payee.get_by_role("button", name="解除 2,000.00 元").click()
    payee.get_by_text("保证金已解除").first.wait_for()
    site.move_to(now + timedelta(minutes=18))
    site.move_to(now + timedelta(minutes=24))
    payer.goto(f"/payments/{bond}")
    eventually(payer, "已解冻")

    # refunded in part, by WeChat Pay: the payee agrees
    payer.goto(f"/payments/{small}")
    payer.get_by_role("button", name="在线支付 8,800.00 元").click()
    at_stripe(payer, "微信支付")
    payer.get_by_text("已收到 8,800.00 元").wait_for()
    payee.goto(f"/payments/{small}")
    payee.get_by_label("退款金额").fill("800.00")
    payee.locator("#refund").get_by_label("理由").fill("少测一个地块，双方同意")
    payee.get_by_role("button", name="同意退款").click()
    payee.get_by_text("已受理").first.wait_for()
    site.move_to(now + timedelta(minutes=27))
    eventually(payee, "退款完成")

    # disputed, and answered
    payer.goto(f"/payments/{late}")
    payer.get_by_role("button", name="在线支付 1,200.00 元").click()
    at_stripe(payer, "银行卡（成功后被拒付）")
    payer.get_by_text("已收到 1,200.00 元").wait_for()
    payee.goto(f"/payments/{late}")
    eventually(payee, "付款方向银行拒付")
    looked_at(payee, "disputed")
    payee.get_by_label("申诉材料").fill("winning_evidence")
    payee.locator("#dispute-1").get_by_role("button", name="提交").click()
    payee.get_by_text("已受理").first.wait_for()
    site.move_to(now + timedelta(minutes=30))
    site.move_to(now + timedelta(minutes=36))
    payee.goto(f"/payments/{late}")
    eventually(payee, "拒付申诉成功")

    # whoever watches sees it all, and the books agree
    watcher.goto("/payments/stripe")
    watcher.get_by_role("button", name="现在对账").click()
    watcher.get_by_text("对账完成，没有差异").wait_for()
    looked_at(watcher, "desk")


def slip_paid(page: Page, amount: str, reference: str, scan: Path) -> None:
    """Register a transfer with its bank slip."""
    page.get_by_label("银行流水号").fill(reference)
    page.get_by_label("银行回单").set_input_files(scan)
    page.get_by_role("button", name=f"登记 {amount} 元已付").click()


def test_pay_by_bank_contest_answer_confirm_and_match(visit: OpenPage, owed: list[int], tmp_path: Path) -> None:
    *_, fee, listed = owed
    scan = tmp_path / "回单.pdf"
    scan.write_bytes(b"%PDF-1.7\n%%EOF")
    payer, payee = visit().page, visit().page
    sign_in(payer, "payer")
    sign_in(payee, "payee")

    # registered with a slip; a reference without one is refused and kept as typed
    payer.goto(f"/payments/{fee}")
    payer.get_by_label("银行流水号").fill("ICBC-0001")
    payer.get_by_role("button", name="登记 5,300.00 元已付").click()
    payer.get_by_role("alert").first.wait_for()
    assert payer.get_by_label("银行流水号").input_value() == "ICBC-0001"
    slip_paid(payer, "5,300.00", "ICBC-0001", scan)
    payer.get_by_text("已付款，待收款方确认").first.wait_for()
    looked_at(payer, "vouchered")

    # the payee does not find it, the payer looks again, the payee confirms
    payee.goto(f"/payments/{fee}")
    payee.get_by_text("账上没有这笔").first.click()
    payee.get_by_label("查账情况").fill("查基本户至今天，没有这笔入账")
    payee.get_by_role("button", name="告知付款方核对").click()
    payee.get_by_text("收款方称未到账").first.wait_for()
    payer.reload()
    payer.get_by_text("查基本户至今天，没有这笔入账").first.wait_for()
    looked_at(payer, "contested")
    slip_paid(payer, "5,300.00", "ICBC-0002", scan)
    payer.get_by_text("已付款，待收款方确认").first.wait_for()
    payee.reload()
    looked_at(payee, "to_confirm")
    payee.get_by_role("button", name="确认已收 5,300.00 元").click()
    payee.wait_for_url(re.compile(r"/receipt$"))
    payer.reload()
    with payer.expect_download() as coming:
        payer.get_by_role("link", name="下载 PDF").click()
    assert Path(coming.value.path()).read_bytes().startswith(b"%PDF-")
    payer.get_by_role("link", name="看回执").click()
    looked_at(payer, "receipt")

    # a bank statement finds the other fee by the number in its memo; a person confirms
    payer.goto(f"/payments/{listed}")
    number = re.search(r"附言请写 (\S+?)，", payer.content())
    assert number
    statement = tmp_path / "十一月流水.csv"
    statement.write_text(
        "交易日期,对方户名,借方发生额,贷方发生额,交易流水号,附言\n"
        f"{datetime.now(UTC):%Y-%m-%d},新泰市青云实业有限公司,,960.00,ICBC-0003,{number[1]} 审查费\n"
        f"{datetime.now(UTC):%Y-%m-%d},新泰市某某劳务有限公司,,77.00,ICBC-0004,往来款\n",
        encoding="utf-8",
    )
    payee.goto("/payments/bank")
    looked_at(payee, "bank")
    payee.get_by_label("银行明细").set_input_files(statement)
    payee.get_by_role("button", name="导入并配对").click()
    payee.get_by_text("2 行，其中收入 2 行").wait_for()
    looked_at(payee, "bank_file")
    payee.get_by_role("button", name="确认完全一致的 1 笔").click()
    payee.get_by_text("已确认 1 笔收款。").wait_for()
    payer.reload()
    payer.get_by_text("已确认收款").first.wait_for()
    looked_at(payer, "matched")
    payee.goto("/payments/statement")
    looked_at(payee, "statement")
