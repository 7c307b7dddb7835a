"""The administrator's work: accounts and the calendar; and the page of the API."""

from datetime import UTC, date, datetime

import pytest
from litestar import Litestar

from core import accounts, admin, workdays
from core.errors import Forbidden, NotFound
from core.identity import Role
from tests.conftest import Browse
from tests.factories import core as make

pytestmark = pytest.mark.anyio
PASSWORD = "several words in a row"


async def test_a_staff_account_is_opened_found_and_stopped(db: None, browse: Browse) -> None:
    code = make.credit_code()
    await make.organization("新泰市行政审批服务局", kind="government", uscc=code)
    administrator = await make.member(Role.ADMINISTRATOR)
    browser = await browse(administrator)
    form = {"role": "registrar", "uscc": code, "name": "牛某", "login": "niu", "password": PASSWORD}
    answer = await browser.submit("/admin/accounts", form)
    assert answer.status_code == 303, answer.text
    page = await browser.get("/admin/accounts?q=niu")
    assert "新泰市行政审批服务局" in page.text
    identity = await accounts.identity_of(login="niu")
    token = await make.session_token(identity)
    await browser.submit(f"/admin/accounts/{identity.account_id}/active", {"active": ""})
    assert await accounts.session(token) is None
    with pytest.raises(NotFound):
        await accounts.identity_of(login="niu")


async def test_nobody_else_manages_accounts(db: None, browse: Browse) -> None:
    for role in (Role.CLIENT, Role.AGENCY, Role.REGISTRAR, Role.REVIEWER, Role.GRADING_OFFICER):
        browser = await browse(role)
        assert (await browser.get("/admin/accounts")).status_code == 403
        assert (await browser.submit("/admin/accounts", {})).status_code == 403
    actor = await make.member(Role.CLIENT)
    with pytest.raises(Forbidden):
        await admin.set_active(actor=actor, account_id=actor.account_id, active=False)


async def test_nobody_is_made_the_system_and_no_role_is_given_twice(db: None, browse: Browse) -> None:
    code = make.credit_code()
    organization_id = await make.organization(uscc=code)
    actor, somebody = await make.member(Role.ADMINISTRATOR), await make.member(Role.CLIENT, organization_id)
    form = {"role": "system", "uscc": code, "name": "牛某", "login": "niu", "password": PASSWORD}
    assert (await (await browse(actor)).submit("/admin/accounts", form)).status_code == 403
    with pytest.raises(NotFound):
        await accounts.identity_of(login="niu")
    with pytest.raises(Forbidden):
        await admin.add_role(actor=actor, account_id=somebody.account_id, role=Role.SYSTEM, uscc=code)
    with pytest.raises(accounts.AlreadyMember):
        await admin.add_role(actor=actor, account_id=somebody.account_id, role=Role.CLIENT, uscc=code)


async def test_an_administrator_cannot_lock_the_door_from_outside(db: None) -> None:
    actor = await make.member(Role.ADMINISTRATOR)
    with pytest.raises(admin.OwnAccount):
        await admin.set_active(actor=actor, account_id=actor.account_id, active=False)


async def test_setting_a_day_moves_the_clocks_and_leaves_a_trail(db: None, browse: Browse) -> None:
    browser = await browse(Role.ADMINISTRATOR)
    try:
        answer = await browser.submit("/admin/calendar", {"day": "2027-02-08", "works": "no", "note": "春节"})
        assert answer.status_code == 303
        assert not (await workdays.calendar()).is_workday(date(2027, 2, 8))
        assert "春节" in (await browser.get("/admin/calendar?year=2027")).text
    finally:
        workdays.forget()


async def test_next_years_holidays_wait_on_the_desk_until_they_are_entered(db: None, web_app: Litestar) -> None:
    actor, other = await make.member(Role.ADMINISTRATOR), await make.member(Role.CLIENT)
    november = datetime(2026, 11, 20, tzinfo=UTC)
    try:
        (item,) = await admin.desk_items(actor, november)
        assert "2027" in item.title
        assert await admin.desk_items(other, november) == []
        assert await admin.desk_items(actor, datetime(2026, 6, 1, tzinfo=UTC)) == []
        await admin.set_day(actor=actor, day=date(2027, 2, 8), works=False, note="春节")
        assert await admin.desk_items(actor, november) == []
    finally:
        workdays.forget()


async def test_the_api_page_reads_without_network(db: None, browse: Browse) -> None:
    answer = await (await browse()).get("/schema")
    assert answer.status_code == 200
    assert "Idempotency-Key" in answer.text
    assert "https://" not in answer.text.replace("https://127.0.0.1", "")
    schema = (await (await browse()).get("/schema/openapi.json")).json()
    assert schema["openapi"].startswith("3.1")
