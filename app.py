"""The only module that knows everybody: it makes the app and wires the floors together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from litestar import Litestar, Router
from litestar.datastructures import CacheControlHeader
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.static_files import create_static_files_router

import agencies.api
import agencies.controllers
import agencies.jobs
import agencies.queries
import agencies.rules
import agencies.rules.persons
import agencies.rules.suspensions
import agencies.rules.trail_titles
import agencies.services
import contracts.api
import contracts.controllers
import contracts.jobs
import contracts.queries
import contracts.rules
import contracts.rules.supervision
import contracts.services
import core.admin_pages
import core.api
import core.controllers
import core.mail
import core.trail.controllers
import core.trail.jobs
import grading.api
import grading.content_loader
import grading.controllers
import grading.jobs
import grading.queries
import grading.rules
import grading.rules.grader_signals
import grading.rules.improvement
import grading.rules.inheritance
import grading.rules.inspections
import grading.rules.objections
import grading.rules.proposals
import grading.rules.repair
import grading.rules.way_back
import grading.services
import market.api
import market.content_loader
import market.controllers
import market.controllers.live
import market.jobs
import market.queries
import market.rules.amendments
import market.rules.bonds
import market.rules.guards
import market.rules.guide
import market.rules.methods
import market.rules.objections
import market.rules.outages
import market.rules.questions
import market.rules.searches
import market.rules.signal_cases
import market.rules.trail_titles
import market.services
import payments.api
import payments.controllers
import payments.jobs
import payments.jobs.stripe
import payments.rules
import payments.rules.custody
import payments.rules.stripe
import payments.services
import portal.api
import portal.controllers
import portal.rules.reports
from core import accounts, admin, admin_pages, attempts, feeds, heartbeat, settings, trail, workdays
from core.db import ENGINE
from core.web import pages
from core.web.failures import HANDLERS
from core.web.layer import Layer
from core.web.templates import STATIC
from payments.stripe_double import mounted

VERSION = "0.1.0"
BODY_LIMIT = 2 * 1024 * 1024
A_YEAR = 365 * 24 * 3600


ROUTERS = (
    core.controllers.router,
    core.admin_pages.router,
    core.trail.controllers.router,
    portal.controllers.router,
    agencies.controllers.router,
    payments.controllers.router,
    market.controllers.router,
    contracts.controllers.router,
    grading.controllers.router,
)
API_ROUTERS = (
    core.api.api_router,
    core.trail.controllers.api_router,
    agencies.api.api_router,
    payments.api.api_router,
    market.api.api_router,
    contracts.api.api_router,
    grading.api.api_router,
    portal.api.api_router,
)
CLOCKWORK = (
    agencies.jobs,
    contracts.jobs,
    grading.jobs,
    market.jobs,
    core.mail,
    core.trail.jobs,
    payments.jobs,
    payments.jobs.stripe,
)
"""Importing these registers what time and the queue do."""
SUPERVISION = (
    grading.rules.way_back,
    grading.rules.improvement,
    grading.rules.inheritance,
    grading.rules.inspections,
)


def wire() -> None:
    """Name who takes over from whom where a low floor must hand something up."""
    agencies.queries.ITEM_CATALOGUE.supply(market.queries.items)
    agencies.queries.CONTESTED_GRADES.supply(grading.queries.open_tags)
    market.services.AWARDED.supply(contracts.services.draft_from_award)
    heartbeat.WRITES_BACK.supply(market.services.log_outages)
    payments.services.PAYEE_CHECK.supply(agencies.services.check_may_be_paid)
    payments.services.SETTLED.supply(contracts.services.milestone_paid, market.services.bond_settled)
    contracts.queries.LIVE_POINTS.supply(grading.queries.points_today)
    contracts.queries.COMPONENTS.supply(grading.queries.reviewer_components)
    contracts.services.REVIEWED.supply(grading.services.review_final)
    market.services.CASE_DECIDED.supply(grading.services.propose_from_case)
    contracts.services.DEFERRED_LAPSED.supply(grading.services.propose_from_lapse)
    trail.name_acts(
        admin.TRAIL_TITLES,
        agencies.rules.TRAIL_TITLES,
        agencies.rules.suspensions.TRAIL_TITLES,
        payments.rules.TRAIL_TITLES,
        payments.rules.stripe.TRAIL_TITLES,
        payments.rules.custody.TRAIL_TITLES,
        market.rules.trail_titles.TRAIL_TITLES,
        market.rules.guide.TRAIL_TITLES,
        market.rules.amendments.TRAIL_TITLES,
        market.rules.bonds.TRAIL_TITLES,
        market.rules.questions.TRAIL_TITLES,
        market.rules.objections.TRAIL_TITLES,
        market.rules.methods.TRAIL_TITLES,
        market.rules.outages.TRAIL_TITLES,
        market.rules.searches.TRAIL_TITLES,
        attempts.TRAIL_TITLES,
        feeds.TRAIL_TITLES,
        market.rules.signal_cases.TRAIL_TITLES,
        market.rules.guards.TRAIL_TITLES,
        contracts.rules.TRAIL_TITLES,
        contracts.rules.supervision.TRAIL_TITLES,
        agencies.rules.persons.TRAIL_TITLES,
        grading.rules.TRAIL_TITLES,
        grading.rules.grader_signals.TRAIL_TITLES,
        grading.rules.objections.TRAIL_TITLES,
        grading.rules.proposals.TRAIL_TITLES,
        grading.rules.repair.TRAIL_TITLES,
        *(topic.TRAIL_TITLES for topic in SUPERVISION),
        portal.rules.reports.TRAIL_TITLES,
    )
    trail.open_acts(trail.Openness.FULL, market.rules.trail_titles.OPEN_ACTS, agencies.rules.trail_titles.OPEN_ACTS)
    for topic in (market.rules.amendments, market.rules.bonds, market.rules.questions):
        trail.open_acts(trail.Openness.FULL, topic.OPEN_ACTS)
    trail.open_acts(trail.Openness.FULL, market.rules.objections.OPEN_ACTS, agencies.rules.suspensions.OPEN_ACTS)
    trail.open_acts(trail.Openness.FULL, market.rules.methods.OPEN_ACTS)
    trail.open_acts(trail.Openness.FULL, market.rules.outages.OPEN_ACTS, attempts.OPEN_ACTS)
    trail.open_acts(trail.Openness.FULL, market.rules.signal_cases.OPEN_ACTS)
    trail.open_acts(trail.Openness.FULL, market.rules.guards.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, contracts.rules.OPEN_ACTS, grading.rules.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, grading.rules.proposals.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, grading.rules.objections.OPEN_ACTS, grading.rules.repair.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, contracts.rules.supervision.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, grading.rules.way_back.OPEN_ACTS, grading.rules.inheritance.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, grading.rules.improvement.OPEN_ACTS)
    trail.open_acts(trail.Openness.FULL, grading.rules.inspections.OPEN_ACTS)


@asynccontextmanager
async def _pool(_app: Litestar) -> AsyncIterator[None]:
    """The connection pool lives as long as the app; tests bring their own engine."""
    if ENGINE.pool is not None or ENGINE.current_transaction.get() is not None:
        yield
        return
    if not ENGINE.configured:
        ENGINE.configure(settings.load().database_url)
    await ENGINE.start_connection_pool()
    beating = asyncio.create_task(heartbeat.keep_beating(heartbeat.WEB))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        await ENGINE.close_connection_pool()


async def hang_up() -> None:
    """End the streams of this process; whoever stops the server calls it first."""
    await market.controllers.live.hang_up()


def create_app() -> Litestar:
    """The whole product as one ASGI app."""
    wire()
    static = create_static_files_router(
        path="/static",
        directories=[STATIC],
        name="static",
        cache_control=CacheControlHeader(max_age=A_YEAR, public=True),
        opt={"public": True},
        include_in_schema=False,
    )
    app = Litestar(
        route_handlers=[*ROUTERS, Router(path="/api/v1", route_handlers=API_ROUTERS), static, *mounted.handlers()],
        lifespan=[_pool, mounted.living],
        exception_handlers=HANDLERS,
        request_max_body_size=BODY_LIMIT,
        openapi_config=OpenAPIConfig(
            title="Xinshi 信市",
            version=VERSION,
            path="/schema",
            render_plugins=[admin_pages.ApiPage(path="/"), JsonRenderPlugin(), YamlRenderPlugin()],
        ),
    )
    pages.learn_routes(app)
    app.asgi_handler = Layer(app.asgi_handler)
    return app


async def fill_content() -> None:
    """Default content after migrating: idempotent, quick when nothing is new."""
    await accounts.ensure_system()
    await workdays.load_published()
    await payments.services.open_books()
    for loader in (market.content_loader, grading.content_loader):
        await loader.load_content()
