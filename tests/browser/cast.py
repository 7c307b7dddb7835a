"""The staff of a city, for the journey: opened through the services, as an administrator would.

`python -m tests.browser.cast` on the database in `XINSHI_DATABASE_URL`.
"""

import asyncio

from agencies.rules import Profession
from contracts import services as contracts
from core import accounts, settings
from core.db import ENGINE
from core.identity import Identity, Role
from tests.factories import core as make

PASSWORD = "several words in a row"
STAFF = {
    "registrar": Role.REGISTRAR,
    "officer": Role.GRADING_OFFICER,
    "administrator": Role.ADMINISTRATOR,
    "reviewer1": Role.REVIEWER,
    "reviewer2": Role.REVIEWER,
    "reviewer3": Role.REVIEWER,
}


async def open_staff() -> None:
    """One organisation of the city with everybody in it, and three reviewers for surveying."""
    ENGINE.configure(settings.load().database_url)
    hashed = await accounts.hash_password(PASSWORD)
    city = await make.organization("新泰市行政审批服务局", kind="government")
    people: dict[str, Identity] = {}
    for login, role in STAFF.items():
        account_id = await accounts.create_account(login=login, name=f"{login}某", password_hash=hashed)
        await accounts.add_membership(account_id=account_id, organization_id=city, role=role)
        people[login] = await accounts.identity_of(login=login)
    for login, role in STAFF.items():
        if role is Role.REVIEWER:
            await contracts.register_reviewer_by_login(
                actor=people["officer"], login=login, professions=(Profession.SURVEYING,), region="370982"
            )


if __name__ == "__main__":
    asyncio.run(open_staff())
