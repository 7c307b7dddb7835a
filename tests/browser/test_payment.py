"""Through Checkout in a browser: paid, held and released, refunded, disputed, paid out. The double stands for Stripe."""

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE, ROOT, OpenPage, Site, accessible, no_sideways_scroll
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
        button = page.get_by_role("button", name=language)
        if button.count():
            button.first.click()
        for size, width in ((DESKTOP, 1280), (PHONE, 360)):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            accessible(page)
            no_sideways_scroll(page)
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/{name}_{language}_{width}.png", full_page=True)
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    page.get_by_role("button", name="中文").first.click()


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
    fee, small, bond, late = owed
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
