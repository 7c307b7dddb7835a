"""A client, an agency, a supervisor, and what the client owes: for the journeys through Checkout and through the bank.

`python -m tests.browser.payers` on the database in `XINSHI_DATABASE_URL` prints the ids of the payables.
"""

import asyncio
from datetime import timedelta
from decimal import Decimal

from core import accounts, clock, settings
from core.db import ENGINE
from core.identity import Role
from payments import services
from tests.factories import core as make

PASSWORD = "several words in a row"
PEOPLE = {
    "payer": (Role.CLIENT, "新泰市青云实业有限公司", "Xintai Qingyun Industry Co., Ltd."),
    "payee": (Role.AGENCY, "泰山测绘（香港）有限公司", "Taishan Surveying (Hong Kong) Ltd."),
    "watcher": (Role.MARKET_SUPERVISOR, "新泰市公共资源监督局", "Xintai Market Supervision"),
}


async def open_payers() -> None:
    """People with passwords, five fees and a bond."""
    ENGINE.configure(settings.load().database_url)
    hashed = await accounts.hash_password(PASSWORD)
    organizations = {}
    for login, (role, name, english) in PEOPLE.items():
        organizations[login] = await make.organization(name, english)
        account_id = await accounts.create_account(login=login, name=f"{login}某", password_hash=hashed)
        await accounts.add_membership(account_id=account_id, organization_id=organizations[login], role=role)
    for number, (kind, amount, base, title) in enumerate(
        [
            ("review-cost", "24600.00", None, "青云路扩建工程 技术审查费用"),
            ("review-cost", "8800.00", None, "小区测绘 技术审查费用"),
            ("bid-bond", "2000.00", "100000.00", "小区测绘 投标保证金"),
            ("review-cost", "1200.00", None, "堤防加固工程 技术审查费用"),
            ("review-cost", "5300.00", None, "老旧小区改造 技术审查费用"),
            ("review-cost", "960.00", None, "校舍加固工程 技术审查费用"),
        ]
    ):
        payable_id = await services.create_payable(
            kind=kind,
            key=str(990000 + number),
            payer_id=organizations["payer"],
            payee_id=organizations["payee"],
            amount=Decimal(amount),
            base=Decimal(base) if base else None,
            title=title,
            due_on=clock.today() + timedelta(days=14),
        )
        print(payable_id)  # noqa: T201  read by the journey


if __name__ == "__main__":
    asyncio.run(open_payers())
