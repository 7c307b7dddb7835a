"""What runs without a page: the command line on a database of its own, the mails, the desk."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from agencies.rules import Profession
from core import clock, db, mail
from core.db import ENGINE
from core.desk import DeskItem
from core.identity import SYSTEM, Identity, Role
from core.settings import load
from grading import services
from grading.cli import cli
from grading.queries.desk import desk_items
from grading.services import FindingDraft
from tests.factories import core as make
from tests.factories import grading as g
from tests.factories.agencies import MadeAgency, make_agency

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
DAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SIGN_DAY = DAY + timedelta(days=8)


@pytest.fixture
async def on_a_monday(db: None):
    with clock.at(DAY):
        yield


async def made_with_results() -> MadeAgency:
    made = await make_agency()
    field = await g.make_field()
    for n in range(8):
        await g.make_result(made.agency_id, field, "85", days_ago=20 + 10 * n)
    return made


def proposed(made: MadeAgency) -> FindingDraft:
    return FindingDraft(made.agency_id, Profession.SURVEYING, "CP-0501", "", DAY.date(), "中选后放弃", "中选记录")


async def test_the_agency_s_desk_has_the_draft_and_the_finding(on_a_monday, web_app):
    made = await made_with_results()
    await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    await services.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=proposed(made))
    items = await desk_items(made.member, clock.now())
    assert [(one.kind, one.button, one.mine, one.allowed_wd) for one in items] == [
        ("评级草案", "核对", True, 5),
        ("拟记分", "申辩", True, 5),
    ]
    assert await desk_items(await make.member(Role.CLIENT), clock.now()) == []
    assert await desk_items(made.member, SIGN_DAY) == []


async def of_runs(officer: Identity) -> list[DeskItem]:
    """The officer's desk without the inspection plan of the quarter, which waits from its first day on."""
    return [one for one in await desk_items(officer, clock.now()) if one.kind != "抽查计划"]


async def test_the_officer_s_desk_waits_first_then_asks_for_the_signature(on_a_monday, web_app):
    made = await made_with_results()
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    officer = await make.member(Role.GRADING_OFFICER)
    await services.propose_conduct(actor=await make.member(Role.REGISTRAR), draft=proposed(made))
    waiting = await of_runs(officer)
    assert [one.mine for one in waiting] == [False, False]
    with clock.at(SIGN_DAY):
        due = await of_runs(officer)
        assert [(one.button, one.mine) for one in due] == [("签发", True), ("认定", True)]
        await services.publish_run(actor=officer, run_id=receipt.run_id)
        assert [one.button for one in await of_runs(officer)] == ["认定"]


async def test_every_letter_is_rendered_in_both_languages(on_a_monday):
    made = await made_with_results()
    officer, registrar = await make.member(Role.GRADING_OFFICER), await make.member(Role.REGISTRAR)
    receipt = await services.prepare_run(actor=SYSTEM, as_of=DAY.date())
    finding = await services.propose_conduct(actor=registrar, draft=proposed(made))
    with clock.at(SIGN_DAY):
        await services.publish_run(actor=officer, run_id=receipt.run_id)
        await services.decide_conduct(actor=officer, finding_id=finding.finding_id, upheld=True, reasons="属实")
        await db.execute("delete from core_mail where message not like 'grading/%'")
        for language in ("zh_Hans", "en"):
            await db.execute("update core_account set language = $1", language)
            await db.execute("update core_mail set sent_at = null, attempts = 0")
            await mail.send_waiting()
    assert await db.value("select count(*) from core_mail where sent_at is null") == 0
    assert await db.value("select count(distinct message) from core_mail") == 4
    letters = list((load().data / "mail").glob("*.eml"))
    assert len(letters) >= 8


async def test_the_commands_run_and_replay(committed_db):
    await made_with_results()
    today = clock.today().isoformat()
    prepared = await command("run", "--as-of", today)
    assert (prepared.returncode, "1 draft, comments" in prepared.stdout) == (0, True), prepared.stderr
    twice = await command("run", "--as-of", today)
    assert (twice.returncode, today[:7] in twice.stderr) == (1, True)
    with clock.at(clock.now() + timedelta(days=20)):
        run_id = await db.value("select id from grading_run")
        await services.publish_run(actor=await make.member(Role.GRADING_OFFICER), run_id=run_id)
    sound = await command("replay", "--check")
    assert sound.returncode == 0, sound.stderr
    await db.execute("update grading_certificate set grade = 'A'")
    broken = await command("replay", "--check")
    assert (broken.returncode, "certificate digest" in broken.stderr) == (1, True)


def test_a_replay_of_no_days_proves_nothing_and_says_so():
    asked = ["replay", "--check", "--from", "2026-10-31", "--to", "2026-10-01"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 2
    assert "--from" in done.output


async def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`xinshi grade …` as from a terminal, on this test's database."""
    environment = os.environ | {
        "XINSHI_DATABASE_URL": ENGINE.config["dsn"],
        "LANG": "en_US.UTF-8",
        "LC_ALL": "en_US.UTF-8",
    }
    return await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-m", "launch", "grade", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    )
