"""Letters of the later steps: they reach whom they concern, and give away neither asker nor bidder."""

from datetime import timedelta

import pytest

from agencies.rules import Profession
from core import clock, mail
from core import db as base
from core.identity import Role
from market import services
from market.rules.notices import SelectionMethod
from market.rules.searches import Frequency, SearchDraft
from tests.factories import core as make
from tests.factories.agencies import make_agency
from tests.factories.market import bid, make_notice, make_project, make_surveyors, notice_draft
from tests.market.test_methods_services import CRITERIA, assessing, panel_of, short_listed

pytestmark = pytest.mark.anyio


async def told(message: str) -> list[int]:
    found = await base.rows("select account from core_mail where message = $1 order by account", message)
    return [row["account"] for row in found]


async def test_an_answer_reaches_all_who_may_bid_and_all_who_follow_never_the_asker_alone(db: None) -> None:
    follower, stopped = await make.member(Role.CLIENT), await make.member(Role.CLIENT)
    for reader in (follower, stopped):
        search_id = await services.save_search(reader, draft=SearchDraft("涂料", Frequency.DAILY, query="涂料"))
    await services.end_search(stopped, search_id=search_id)
    made = await make_notice()
    await services.tell_searchers(made.notice_id)
    asker, bidder, silent = await make_surveyors(3)
    elsewhere = await make_agency(professions=(Profession.SAFETY,))
    await bid(bidder, made)
    asked = await services.ask_question(asker.member, notice_id=made.notice_id, text="断面测量要不要一并做？")
    assert await told("market/question_answered") == []
    await services.answer_question(made.client, question_id=asked.question_id, text="要，共 12 条断面。")
    everybody = sorted(one.account_id for one in (asker.member, bidder.member, silent.member, follower))
    assert await told("market/question_answered") == everybody
    assert elsewhere.member.account_id not in everybody
    found = await base.rows("select distinct context from core_mail where message = 'market/question_answered'")
    (context,) = [row["context"] for row in found]
    assert (context["n"], context["answer"], context["supplement"]) == (1, "要，共 12 条断面。", False)
    for agency in (asker, bidder):
        assert agency.name_zh not in str(context), "the same words for everybody"
    await services.answer_question(made.client, question_id=asked.question_id, text="另加 2 条。")
    assert len(await told("market/question_answered")) == 2 * len(everybody)


async def test_panel_members_hear_when_named_and_when_scores_are_due(db: None) -> None:
    made, members, _agencies = await assessing()
    accounts = sorted(one.account_id for one in members)
    assert await told("market/panel_named") == accounts
    assert await told("market/scores_due") == accounts
    row = await made.row()
    assert row.decide_by is not None
    until = f"{clock.shanghai(row.decide_by):%Y-%m-%d %H:%M}"
    context = await base.value("select context from core_mail where message = 'market/scores_due' limit 1")
    assert context["until"] == until
    with clock.at(made.deadline + timedelta(hours=1)):
        await services.recuse(members[1], notice_id=made.notice_id, words="我在其中一家任职")
        new = await make.member(Role.REVIEWER)
        await services.replace_member(made.client, notice_id=made.notice_id, account=new.account_id)
    last = await base.row(
        "select account, context from core_mail where message = 'market/panel_named' order by id desc"
    )
    assert (last["account"], last["context"]["until"]) == (new.account_id, until)


async def test_naming_the_panel_anew_tells_only_who_is_new(db: None) -> None:
    project_id, client = await make_project()
    draft = await notice_draft(method=SelectionMethod.PROPOSAL_PREFERRED, criteria=CRITERIA)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    first = await panel_of(client)
    new = await make.member(Role.REVIEWER)
    for panel in (first, [*first[:2], new]):
        accounts = [one.account_id for one in panel]
        await services.name_panel(client, notice_id=written.notice_id, accounts=accounts)
    assert await told("market/panel_named") == sorted(one.account_id for one in [*first, new])


async def test_the_owner_hears_when_the_short_list_is_ready(db: None) -> None:
    made, _agencies = await short_listed()
    row = await made.row()
    assert row.decide_by is not None
    assert await told("market/short_list_ready") == [made.client.account_id]
    context = await base.value("select context from core_mail where message = 'market/short_list_ready'")
    assert (context["count"], context["until"]) == (3, f"{clock.shanghai(row.decide_by):%Y-%m-%d %H:%M}")


@pytest.mark.parametrize("language", ["zh_Hans", "en"])
async def test_every_letter_can_be_written_in_both_languages(db: None, language: str, web_app: object) -> None:
    await assessing()
    await short_listed()
    made = await make_notice(method=SelectionMethod.LOWEST_PRICE)
    (asker,) = await make_surveyors(1)
    asked = await services.ask_question(asker.member, notice_id=made.notice_id, text="断面测量要不要一并做？")
    for text in ("要，共 12 条断面。", "另加 2 条。"):
        await services.answer_question(made.client, question_id=asked.question_id, text=text)
    await base.execute("update core_account set language = $1", language)
    await base.execute(
        """insert into core_mail (account, message, context, created_at, attempts, problem)
           select account, 'market/share_overdue', context || '{"until": "2026-12-01 24:00"}', created_at, 0, ''
             from core_mail where message = 'market/question_asked'"""
    )
    await base.execute(
        """update core_mail set context = context || '{"until": ""}'
            where id = (select min(id) from core_mail where message = 'market/panel_named')"""
    )
    rows = await base.rows(
        """select m.*, a.email, a.login, a.name, a.language from core_mail m join core_account a on a.id = m.account
            where m.message in ('market/question_answered', 'market/panel_named', 'market/scores_due',
                                'market/short_list_ready', 'market/share_overdue')"""
    )
    assert len({row["message"] for row in rows}) == 5
    for row in rows:
        letter = mail._letter(row)
        body = letter.get_content()
        assert letter["Subject"].strip()
        assert "/notices/" in body
        if language == "en":
            words = body.replace(row["context"]["project"], "").replace(row["context"].get("answer", "?"), "")
            ours = [line for line in words.splitlines() if "Xintai" not in line and row["name"] not in line]
            assert not any("\u4e00" <= sign <= "\u9fff" for line in ours for sign in line), ours
