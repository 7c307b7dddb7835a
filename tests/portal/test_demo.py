"""The demo market: a small one played for real, and the models behind it."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from nacl.public import PrivateKey, SealedBox

from agencies.rules import Profession
from contracts.rules import sheets
from core import accounts, clock, db, settings
from core.credit_code import check_strict
from core.settings import CannotStart, Environment
from grading.services import replay_check
from market import sealing
from market.rules.bids import Offer
from portal.demo import build, papers, sign_ins, world
from portal.demo.chances import Chances
from portal.demo.people import EXPERTS, OFFICE
from portal.demo.roster import REFERENCE_DAY, SCALES, cast
from portal.demo.stage import Process, Stage
from tests.conftest import fresh_database

LAST = date(2026, 10, 30)


@pytest.mark.anyio
async def test_the_same_seed_plays_the_same_market(worker_database: str, pytestconfig: pytest.Config) -> None:
    digests = []
    for seed in (3, 3, 4):
        async with fresh_database(pytestconfig) as owner_url:
            report = await build(seed=seed, months=2, scale="small", progress=False, until=LAST, owner_url=owner_url)
            digests.append(report.digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.anyio
async def test_a_small_market_is_lived_in_and_sound(committed_db: str) -> None:
    report = await build(seed=11, months=3, scale="small", progress=False, until=LAST)
    assert (report.agencies, report.clients > 0, report.contracts > 0, report.reviews > 0) == (12, True, True, True)
    assert (await replay_check()).drifts == []
    assert await db.value("select count(*) from core_mail") == 0
    assert await db.value("select count(*) from procrastinate_jobs") == 0
    latest = await db.value("select max(recorded_at) from core_trail_entry where act <> 'catalogue.loaded'")
    assert clock.shanghai(latest).date() <= LAST
    assert await db.value("select count(*) from core_trail_entry") == await db.value(
        "select max(size) from core_trail_checkpoint"
    ), "the whole trail is published"

    for one in sign_ins():
        signed_in = await accounts.sign_in(login=one.login, password=one.password, address="127.0.0.1", user_agent="t")
        assert signed_in.identity.role is one.role
        assert signed_in.identity.organization_name == one.organization
    with pytest.raises(CannotStart):
        await build(seed=11, months=3, scale="small", progress=False, until=LAST)


@pytest.mark.anyio
async def test_production_is_no_stage(db: None) -> None:
    before = settings.load()
    settings.use(replace(before, environment=Environment.PRODUCTION))
    try:
        with pytest.raises(CannotStart):
            await build(seed=1, months=1, scale="small", progress=False)
    finally:
        settings.use(before)


def test_seeded_sealing_is_the_sealed_box_of_libsodium_and_repeats_itself() -> None:
    private = PrivateKey.generate()
    content = sealing.Content(1, 2, 3, 4, Offer(Decimal("21800.00"), 12, "两级检查"))
    envelopes = []
    for _ in range(2):
        with sealing.randomness_from(random.Random(5)):
            envelopes.append(sealing.seal(bytes(private.public_key), content))
    assert envelopes[0] == envelopes[1] != sealing.seal(bytes(private.public_key), content)
    assert sealing.Opener(SealedBox(private)).open(envelopes[0], sealing.digest(envelopes[0])) == content


def test_production_seals_with_nobodys_seed() -> None:
    before = settings.load()
    settings.use(replace(before, environment=Environment.PRODUCTION))
    try:
        with pytest.raises(RuntimeError), sealing.randomness_from(random.Random(5)):
            pass
    finally:
        settings.use(before)


@pytest.mark.parametrize("scale", ["xintai", "province"])
def test_the_cast_has_valid_codes_of_its_own(scale: str) -> None:
    roster = cast(SCALES[scale], LAST, Chances(7))
    codes = [one.uscc for one in roster.agencies] + [one.uscc for one in roster.clients]
    assert len(codes) == len(set(codes)) == 41 * SCALES[scale].casts
    assert [check_strict(code) for code in codes] == codes
    assert all(check_strict(one.uscc) == one.uscc for one in (OFFICE, *EXPERTS.values()))
    names = [one.name_zh for one in roster.agencies]
    assert len(names) == len(set(names))


def test_dates_move_with_the_day_on_which_it_is_played() -> None:
    first = cast(SCALES["xintai"], REFERENCE_DAY, Chances(7)).agencies[0]
    later = cast(SCALES["xintai"], REFERENCE_DAY + timedelta(days=100), Chances(7)).agencies[0]
    assert later.expires_on - first.expires_on == timedelta(days=100)


def test_a_paper_is_a_pdf_whose_text_can_be_read() -> None:
    body = papers.paper("测绘成果报告", ["新泰市 1:500 地形图", "长" * 100])
    page = pypdfium2.PdfDocument(body)[0].get_textpage().get_text_range()
    assert "测绘成果报告" in page
    assert "新泰市 1:500 地形图" in page
    assert page.count("长") == 100


@examples(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.floats(50, 98))
def test_a_filled_sheet_comes_to_about_the_mark_meant(seed: int, target: float) -> None:
    for sheet in sheets.all_sheets():
        marks = world.filled_sheet(sheet, target, random.Random(seed))
        sheets.check_complete(sheet, marks, [])
        assert abs(float(sheets.points(sheet, marks)) - target) < 6


@examples(deadline=None)
@given(st.floats(0.3, 0.95), st.floats(0.3, 0.95))
def test_better_agencies_earn_better_marks(one: float, other: float) -> None:
    if one <= other:
        assert world.usual_mark(one) <= world.usual_mark(other)


def test_no_expert_is_missing_in_any_trade() -> None:
    trades = {Profession.SURVEYING, Profession.ENVIRONMENTAL, Profession.SAFETY}
    for trade in trades:
        severities = [one.severity for one in world.REVIEWERS if trade in one.professions]
        assert len(severities) >= 4
        assert min(severities) < 0 < max(severities)


@pytest.mark.anyio
async def test_the_stage_goes_by_the_clock_and_then_by_who_was_first() -> None:
    start = datetime(2026, 3, 2, 1, tzinfo=UTC)
    seen: list[tuple[str, int]] = []

    async def walker(name: str, pace: int) -> Process:
        while True:
            seen.append((name, (clock.now() - start).seconds))
            yield clock.now() + timedelta(seconds=pace)

    stage = Stage(start + timedelta(seconds=6))
    stage.enter(walker("slow", 3), start)
    stage.enter(walker("quick", 2), start)
    await stage.play(lambda _: None)
    assert seen == [
        ("slow", 0), ("quick", 0), ("quick", 2), ("slow", 3), ("quick", 4), ("slow", 6), ("quick", 6),
    ]  # fmt: skip


def test_the_content_says_that_it_is_invented() -> None:
    readme = Path(papers.__file__).parent / "content" / "README.md"
    assert "invented" in readme.read_text("utf-8")
