"""The only module that knows everybody: it makes the app and wires the floors together."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import CacheControlHeader
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.static_files import create_static_files_router

from core import accounts, admin, admin_pages, settings, trail, workdays
from core.db import ENGINE
from core.web import pages
from core.web.failures import HANDLERS
from core.web.layer import Layer
from core.web.templates import STATIC

VERSION = "0.1.0"
BODY_LIMIT = 2 * 1024 * 1024
A_YEAR = 365 * 24 * 3600


def _optional(name: str) -> Any:
    with suppress(ImportError, AttributeError):
        return importlib.import_module(name)
    return None


def _routers() -> list[Router]:
    found = []
    for package in ("core", "portal", "agencies", "payments", "market", "contracts", "grading"):
        module = _optional(f"{package}.controllers")
        if module and hasattr(module, "router"):
            found.append(module.router)
    found.append(admin_pages.router)
    module = _optional("core.trail.controllers")
    if module and hasattr(module, "router"):
        found.append(module.router)
    return found


def _api() -> Router:
    found = []
    for package in ("core", "agencies", "payments", "market", "contracts", "grading"):
        module = _optional(f"{package}.api")
        if module and hasattr(module, "api_router"):
            found.append(module.api_router)
    module = _optional("core.trail.controllers")
    if module and hasattr(module, "api_router"):
        found.append(module.api_router)
    return Router(path="/api/v1", route_handlers=found)


def wire() -> None:
    """Name who takes over from whom where a low floor must hand something up."""
    from agencies.queries import ITEM_CATALOGUE
    from agencies.rules import trail_titles as agencies_titles
    from contracts import services as contracts
    from contracts.rules import titles as contracts_titles
    from grading.rules import trail_titles as grading_titles
    from market import queries as market_queries
    from market.rules import notices as notices_titles
    from market.services import AWARDED
    from payments import rules as payments_rules
    from payments.services import SETTLED
    from portal.rules import reports

    for package in ("core", "core.trail", "agencies", "payments", "market", "contracts", "grading"):
        _optional(f"{package}.jobs")  # importing registers the tasks
    ITEM_CATALOGUE.supply(market_queries.items)
    AWARDED.supply(contracts.draft_from_award)
    SETTLED.supply(contracts.milestone_paid)
    speaking = (agencies_titles, contracts_titles, grading_titles, notices_titles)
    trail.name_acts(
        admin.TRAIL_TITLES, payments_rules.TRAIL_TITLES, reports.TRAIL_TITLES, *(part.TRAIL_TITLES for part in speaking)
    )
    trail.open_acts(trail.Openness.FULL, notices_titles.OPEN_ACTS, agencies_titles.OPEN_ACTS)
    trail.open_acts(trail.Openness.FACT, contracts_titles.OPEN_ACTS, grading_titles.OPEN_ACTS)


@asynccontextmanager
async def _pool(_app: Litestar) -> AsyncIterator[None]:
    """The connection pool lives as long as the app; tests bring their own engine."""
    if ENGINE.pool is not None or ENGINE.current_transaction.get() is not None:
        yield
        return
    if not ENGINE.configured:
        ENGINE.configure(settings.load().database_url)
    await ENGINE.start_connection_pool()
    try:
        yield
    finally:
        await ENGINE.close_connection_pool()


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
        route_handlers=[*_routers(), _api(), static],
        lifespan=[_pool],
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
    for package in ("market", "contracts", "grading"):
        module = _optional(f"{package}.content_loader")
        if module:
            await module.load_content()
