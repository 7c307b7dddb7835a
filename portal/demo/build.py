"""Build a market: put the cast on stage, play, publish the trail, count what came of it."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from contracts import services as contracts
from core import accounts, clock, db, jobs, mail, settings, trail
from core.db import ENGINE
from core.settings import CannotStart
from core.workdays import calendar
from grading import services as grading_services
from market import sealing
from market import services as market_services
from market.queries import items
from payments import services as payments
from payments.services import stripe
from payments.stripe_double.stage import on_stage
from portal.demo.chances import Chances
from portal.demo.market import DemoMarket
from portal.demo.people import PASSWORD, People
from portal.demo.plays import (
    clockwork,
    commission,
    conduct,
    contesting,
    grading,
    habits,
    joining,
    laboratory,
    moving,
    online,
    payment,
    registration,
    renewal,
    ring,
    supervision,
    troubles,
)
from portal.demo.roster import SCALES, cast
from portal.demo.stage import Stage
from portal.demo.world import REVIEWERS, Diary

CURTAIN_HOUR = 19
AWAY_WORKDAYS = 9
DAYS_A_MONTH = 30.44


@dataclass(frozen=True)
class DemoReport:
    """What a demo market holds. `digest` is the same for the same seed, months, scale and last day."""

    seed: int
    months: int
    scale: str
    last_day: date
    agencies: int
    clients: int
    notices: int
    bids: int
    contracts: int
    reviews: int
    grades: dict[str, int]
    entries: int
    digest: str


async def build(
    *, seed: int, months: int, scale: str, progress: bool = True, until: date | None = None, owner_url: str = ""
) -> DemoReport:
    """Play a market into an empty database, ending on `until` (yesterday unless given).

    With `owner_url`, the database's address for its owner, some pay online, through the Stripe double that is set up
    there; without it everybody pays by bank.

    Everything happens through the services, as the people of the demo, by a simulated clock. Raises
    `CannotStart` in production and in a database that somebody has used.
    """
    await _check_stage()
    last = until or clock.shanghai(clock.real()).date() - timedelta(days=1)
    market = await _prepare(seed, months, scale, last)
    async with AsyncExitStack() as around:
        around.enter_context(_play_rules(market.chances))
        tell = around.enter_context(_progress(market, show=progress))
        if owner_url:
            market.stripe = await around.enter_async_context(on_stage(ENGINE.config["dsn"], owner_url))
        await _set(market)
        await market.stage.play(tell)
        with clock.at(market.ends_at):
            await market_services.compute_signals()
            if market.stripe is not None:
                await stripe.reconcile()
            await payments.record_audit()
            await grading_services.compute_grader_signals()
            await grading_services.suggest_successors()
        await trail.publish()
    return await _count(seed, months, scale, last)


async def _check_stage() -> None:
    """Wire the floors together and make sure that nobody lives here."""
    from app import create_app

    create_app()  # wires the floors, and knows the addresses that go into letters and to Stripe
    if settings.load().production:
        raise CannotStart(
            "演示市场不能在生产环境生成。",
            "The demo market is not for production.",
        )
    if await db.value("select exists (select from core_organization where id > 1)"):
        raise CannotStart(
            "数据库不是空的：演示市场只能生成到空数据库。请用 XINSHI_DATA 另指定一个目录。",
            "The database is not empty: a demo market needs an empty one. Name another folder with XINSHI_DATA.",
        )


async def _prepare(seed: int, months: int, scale: str, last: date) -> DemoMarket:
    chances, size = Chances(seed), SCALES[scale]
    diary = Diary(await calendar())
    first = diary.workday(last - timedelta(days=round(months * DAYS_A_MONTH)))
    return DemoMarket(
        chances=chances,
        scale=size,
        roster=cast(size, last, chances),
        stage=Stage(diary.at(last, CURTAIN_HOUR)),
        diary=diary,
        people=People(await accounts.hash_password(PASSWORD)),
        items={one.code: one for one in await items()},
        begins_at=diary.at(first, 8),
        away_from=diary.at(_workdays_before(diary, last, AWAY_WORKDAYS), 8),
    )


def _workdays_before(diary: Diary, last: date, days: int) -> date:
    day = last
    while diary.calendar.count(day, last) < days:
        day -= timedelta(days=1)
    return day


@contextmanager
def _play_rules(chances: Chances) -> Iterator[None]:
    """No letters, no jobs, and every lot drawn from the seed."""
    with ExitStack() as stack:
        stack.enter_context(_few_collections())
        stack.enter_context(jobs.suspended())
        stack.enter_context(mail.suspended())
        stack.enter_context(contracts.seeds_from(chances.of("lots")))
        stack.enter_context(sealing.randomness_from(chances.of("sealing")))
        yield


@contextmanager
def _few_collections() -> Iterator[None]:
    """A play makes very many short-lived objects and few cycles: let the collector look less often."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def _set(market: DemoMarket) -> None:
    """Open the accounts and let everybody enter at their time."""
    with clock.at(market.begins_at):
        await market.people.staff(market.scale.casts)
        for client in market.roster.clients:
            stream = market.chance("client", client.key)
            await market.people.open_client(client, stream.uniform(0.45, 0.95), stream.gauss(0, 0.35))
    for agency in market.roster.agencies:
        entry = registration.entry_day(market, agency)
        market.enter(registration.registers(market, agency), entry)
    market.enter(clockwork.nights(market), market.begins_at)
    last = clock.shanghai(market.ends_at).date()
    market.enter(payment.some_are_held(market), market.diary.at(_workdays_before(market.diary, last, 45), 9))
    market.enter(payment.one_stays_held(market), market.diary.at(_workdays_before(market.diary, last, 2), 9))
    if market.stripe is not None:
        market.enter(online.one_stays_disputed(market), market.diary.at(_workdays_before(market.diary, last, 3), 9))
    if market.scale.commissions_a_month:
        market.enter(commission.arrivals(market), market.begins_at)
    for day in grading.run_days(market):
        market.enter(grading.graded(market, day), market.diary.on(day, market.chance("run-hour", day)))
    for expert in REVIEWERS:
        if expert.joins is not None:
            day = _workdays_before(market.diary, clock.shanghai(market.ends_at).date(), expert.joins)
            market.enter(joining.joins(market, expert), market.diary.on(day, market.chance("joins", expert.login)))
    chapters = (conduct.cases, contesting.contests, renewal.renewals, ring.rings, habits.habits, moving.moves)
    others = (troubles.troubles, supervision.inspections, laboratory.chapters)
    for process, day in (one for chapter in (*chapters, *others) for one in chapter(market)):
        market.enter(process, market.diary.on(day, market.chance("case-hour", day)))


@contextmanager
def _progress(market: DemoMarket, *, show: bool) -> Iterator[Callable[[datetime], None]]:
    """A bar that follows the simulated days."""
    if not show:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    span = (market.ends_at - market.begins_at).days
    with Progress(*columns, console=Console(file=sys.stderr), transient=False) as bar:
        task = bar.add_task(f"{clock.shanghai(market.begins_at):%Y-%m-%d}", total=span)

        def tell(moment: datetime) -> None:
            day = f"{clock.shanghai(moment):%Y-%m-%d}"
            bar.update(task, completed=(moment - market.begins_at).days, description=day)

        yield tell
        bar.update(task, completed=span)


_COUNTS = """
select (select count(*) from agencies_agency) as agencies,
       (select count(distinct client) from market_project) as clients,
       (select count(*) from market_notice where published_at is not null) as notices,
       (select count(*) from market_bid) as bids,
       (select count(*) from contracts_contract) as contracts,
       (select count(*) from contracts_review) as reviews,
       (select count(*) from core_trail_entry) as entries
"""
_GRADES = "select grade, count(*) as n from agencies_profession where ended_on is null group by grade order by grade"
_EVENTS = (
    "select recorded_at, act, subject, role from core_trail_entry where id >="
    " (select min(id) from core_trail_entry where act = 'account.opened') order by id",
    "select number, method, ceiling, deadline, state from market_notice order by id",
    "select digest, amount, days, place from market_bid order by id",
    "select agency, amount, days, place, state from market_award order by id",
    "select number, amount, days, state from contracts_contract order by id",
    "select number, technical, vetoed, state from contracts_review order by id",
    "select number, amount, state from payments_payable order by id",
    "select agency, profession, as_of, result, score, publication_no from grading_report order by id",
)


async def _count(seed: int, months: int, scale: str, last: date) -> DemoReport:
    counts = dict(await db.row(_COUNTS))
    grades = {row["grade"]: row["n"] for row in await db.rows(_GRADES)}
    return DemoReport(
        seed=seed, months=months, scale=scale, last_day=last, grades=grades, digest=await market_digest(), **counts
    )


async def market_digest() -> str:
    """A fingerprint of everything that happened: events, numbers, prices, marks, grades; no keys, no salts."""
    digest = sha256()
    for sql in _EVENTS:
        for row in await db.rows(sql):
            digest.update(repr(tuple(map(str, row))).encode())
    return digest.hexdigest()
