"""Signing in, guards against forged and doubled forms, headers on every response."""

import asyncio

import pytest

from core import accounts, db, tokens
from core.identity import Role
from core.web import cookies
from core.web.layer import CSP
from tests.conftest import Browse, Browser
from tests.factories import core as make

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery staple"


async def somebody(login: str = "zhou") -> None:
    account_id = await accounts.create_account(
        login=login, name="周某", password_hash=await accounts.hash_password(PASSWORD)
    )
    await accounts.add_membership(account_id=account_id, organization_id=await make.organization(), role=Role.CLIENT)


async def sign_in(browser: Browser, password: str = PASSWORD, **extra: str) -> object:
    return await browser.submit("/sign-in", {"login": "zhou", "password": password} | extra)


async def test_signing_in_gives_a_new_token_each_time_and_leads_back(db: None, browse: Browse) -> None:
    await somebody()
    browser = await browse()
    answer = await sign_in(browser, next="/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    first = browser.cookies[cookies.name(cookies.SESSION)]
    assert (await browser.get("/account")).status_code == 200
    await sign_in(browser)
    assert browser.cookies[cookies.name(cookies.SESSION)] != first


async def test_a_client_chosen_session_is_not_accepted(db: None, browse: Browse) -> None:
    browser = await browse()
    browser.cookies.set(cookies.name(cookies.SESSION), "chosen-by-an-attacker")
    answer = await browser.get("/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Faccount")


async def test_a_wrong_password_says_so_and_keeps_the_login(db: None, browse: Browse) -> None:
    await somebody()
    answer = await sign_in(await browse(), "wrong")
    assert answer.status_code == 422
    assert "登录名或密码不对" in answer.text
    assert 'value="zhou"' in answer.text
    assert "wrong" not in answer.text


async def test_ten_failures_stop_an_account_even_with_the_right_password(db: None, browse: Browse) -> None:
    await somebody()
    browser = await browse()
    for _ in range(accounts.FAILURES_PER_LOGIN):
        await sign_in(browser, "wrong password it is")
    assert (await sign_in(browser)).status_code == 429


async def test_signing_out_ends_the_session_in_the_database(db: None, browse: Browse) -> None:
    identity = await make.member(Role.CLIENT)
    browser = await browse(identity)
    token = browser.cookies[cookies.name(cookies.SESSION)]
    await browser.submit("/sign-out")
    assert await accounts.session(token) is None


async def test_redirects_lead_only_to_paths_of_ours(db: None, browse: Browse) -> None:
    await somebody()
    for address in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"):
        answer = await sign_in(await browse(), next=address)
        assert answer.headers["location"] == "/desk"


async def test_a_form_without_its_guard_is_refused_and_changes_nothing(db: None, browse: Browse) -> None:
    browser = await browse(Role.CLIENT)
    answer = await browser.post("/account/tokens", data={"label": "伪造"})
    assert answer.status_code == 403
    answer = await browser.submit("/account/tokens", {"label": "伪造"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


async def test_the_guard_of_one_session_does_not_fit_another(db: None, browse: Browse) -> None:
    one, other = await browse(Role.CLIENT), await browse(Role.CLIENT)
    answer = await other.post("/account/tokens", data=one.guard() | {"label": "借用"})
    assert answer.status_code == 403


REGISTRATION = {
    "role": "client",
    "login": "lin",
    "password": PASSWORD,
    "password_again": PASSWORD,
    "name": "林某",
    "organization_name": "新泰驿路灯火加油站有限公司",
    "email": "lin@example.org",
}


async def test_a_form_sent_twice_opens_one_account_and_answers_the_same(committed_db: str, browse: Browse) -> None:
    browser = await browse()
    form = browser.guard() | REGISTRATION | {"uscc": make.credit_code()}
    answers = await asyncio.gather(*(browser.post("/register", data=form) for _ in range(20)))
    assert {(a.status_code, a.headers.get("location")) for a in answers} == {(303, "/sign-in")}
    assert await db.value("select count(*) from core_account where login = 'lin'") == 1
    changed = await browser.post("/register", data=form | {"login": "another"})
    assert changed.status_code == 409


async def test_registration_tells_every_fault_at_once_and_keeps_what_was_typed(db: None, browse: Browse) -> None:
    browser = await browse()
    bad = REGISTRATION | {"uscc": "91370982MAXT201512", "password_again": "different", "name": ""}
    answer = await browser.submit("/register", bad)
    assert answer.status_code == 422
    assert "两次输入的密码不一样" in answer.text
    assert 'value="91370982MAXT201512"' in answer.text
    assert 'value="新泰驿路灯火加油站有限公司"' in answer.text
    assert PASSWORD not in answer.text


async def test_every_response_carries_the_security_headers(db: None, browse: Browse) -> None:
    browser = await browse()
    for path in ("/sign-in", "/no-such-page", "/account", "/static/no-such-file", "/schema/openapi.json"):
        answer = await browser.get(path)
        assert answer.headers["content-security-policy"] == CSP, path
        assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_an_unknown_page_answers_in_the_readers_language(db: None, browse: Browse) -> None:
    chinese = await (await browse()).get("/no-such-page")
    english = await (await browse(lang="en")).get("/no-such-page")
    assert chinese.status_code == english.status_code == 404
    assert "没有找到这项内容" in chinese.text
    assert "could not be found" in english.text


async def test_an_anonymous_visit_leaves_no_session_behind(db: None, browse: Browse) -> None:
    before = await database_count("core_session")
    answer = await (await browse()).get("/sign-in")
    assert cookies.name(cookies.SESSION) not in answer.headers.get("set-cookie", "")
    assert await database_count("core_session") == before


async def database_count(table: str) -> int:
    count: int = await db.value(f"select count(*) from {table}")
    return count


async def test_a_bearer_token_speaks_for_its_organisation_until_revoked(db: None, api: Browse, browse: Browse) -> None:
    identity = await make.member(Role.CLIENT)
    made = await tokens.make_token(actor=identity, label="财务系统")
    found = await accounts.bearer(made.token)
    assert found is not None
    assert found.organization_id == identity.organization_id
    await tokens.end_token(actor=identity, token_id=made.token_id)
    assert await accounts.bearer(made.token) is None
