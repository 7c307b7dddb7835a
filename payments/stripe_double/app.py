"""The double as a Litestar app: `/v1` for programs, pages for people; on a port of its own or mounted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, get, post, route
from litestar.params import FromPath

from core import settings
from core.settings import CannotStart
from payments.stripe_double import api, charging, checkout, connect, pages, params
from payments.stripe_double.api import Asked
from payments.stripe_double.courier import Courier, Weather
from payments.stripe_double.faults import StripeFault
from payments.stripe_double.store import PLATFORM, Store, stamp

AnyRequest = Request[Any, Any, Any]
HTML = "text/html; charset=utf-8"
KEYS = ("sk_test_", "rk_test_")


def refuse_in_production() -> None:
    """The double is no place for real money: `CannotStart` in production."""
    if settings.load().production:
        raise CannotStart(
            "Stripe 替身只用于测试和演示，生产环境不能启动。请设置真实的 XINSHI_STRIPE_KEY。",
            "The Stripe double is for tests and demonstrations and does not start in production: set XINSHI_STRIPE_KEY.",
        )


class Double:
    """One double: its store, its courier and its app. `address` is where people and programs reach it."""

    def __init__(
        self, url: str, address: str, *, owner_url: str = "", settlement: str = "hkd", deliver: bool = True
    ) -> None:
        refuse_in_production()
        self.store = Store(url, owner_url=owner_url, settlement=settlement)
        self.courier = Courier(self.store)
        self.address = address.rstrip("/")
        self.deliver = deliver
        self._running: asyncio.Task[None] | None = None
        self.app = Litestar(
            route_handlers=[v1, style, pay_page, pay, onboarding_page, onboard, control_page, control],
            openapi_config=None,
            lifespan=[self._life],
        )
        self.app.state.double = self

    @asynccontextmanager
    async def _life(self, _app: Litestar) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        """Connect and begin to deliver; a mounted app has no life of its own."""
        await self.store.open()
        if self.deliver:
            self._running = asyncio.create_task(self.courier.run())

    async def stop(self) -> None:
        """Stop delivering and disconnect."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        await self.store.close()


def _double(request: AnyRequest) -> Double:
    found: Double = request.app.state.double
    return found


def _json(status: int, body: dict[str, Any]) -> Response[Any]:
    headers = {"stripe-version": "2026-10-28.endive", "request-id": "req_double"}
    return Response(body, status_code=status, headers=headers)


def _html(text: str) -> Response[str]:
    return Response(text, media_type=HTML)


def _go(address: str) -> Response[None]:
    return Response(None, status_code=303, headers={"location": address})


@route("/v1/{path:path}", http_method=["GET", "POST", "DELETE"], name="double:v1", opt={"public": True})
async def v1(request: AnyRequest, path: FromPath[str]) -> Response[Any]:
    """One call of a program."""
    double = _double(request)
    key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not key.startswith(KEYS):
        fault = StripeFault("Invalid API Key provided: the double takes test keys only.", status=401)
        return _json(fault.status, fault.body)
    if await double.store.setting("down_until", 0) > stamp():
        return _json(503, StripeFault("Stripe is down.", status=503, kind="api_error").body)
    text = (await request.body()).decode() if request.method == "POST" else str(request.url.query)
    asked = Asked(
        method=request.method,
        path="/v1/" + path.strip("/"),
        given=params.read_text(text),
        account=request.headers.get("stripe-account", PLATFORM),
        key=request.headers.get("idempotency-key", ""),
        address=double.address,
    )
    return _json(*await api.answer(double.store, asked))


@get("/style.css", name="double:style", opt={"public": True})
async def style() -> Response[str]:
    """How it looks."""
    return Response(pages.STYLE, media_type="text/css")


@get("/pay/{session:str}", name="double:pay-page", opt={"public": True})
async def pay_page(request: AnyRequest, session: FromPath[str]) -> Response[str]:
    """The page to pay on."""
    double = _double(request)
    async with double.store.read() as book:
        body = await book.find("checkout.session", session)
    return _html(pages.checkout(body, checkout.buttons(body), double.address))


@post("/pay/{session:str}", name="double:pay", opt={"public": True})
async def pay(request: AnyRequest, session: FromPath[str]) -> Response[Any]:
    """The payer presses a button."""
    double = _double(request)
    given = dict(await request.form())
    method, answered = str(given.get("method", "")), given.get("challenge")
    failed = answered == "failed"
    async with double.store.write() as book:
        body = await book.find("checkout.session", session)
        if body["status"] != "open":
            return _html(pages.checkout(body, [], double.address))
        if failed:
            problem = "验证未通过，请换一种方式。 Authentication failed."
            return _html(pages.checkout(body, checkout.buttons(body), double.address, problem))
        body = await checkout.pay(book, body, method, passed=answered == "passed")
        intent = await book.find("payment_intent", body["payment_intent"])
    if intent["status"] == "requires_action":
        return _html(pages.challenge(body, method, double.address))
    if body["status"] == "complete":
        return _go(body["success_url"].replace("{CHECKOUT_SESSION_ID}", body["id"]))
    reason = (intent["last_payment_error"] or {}).get("decline_code") or "declined"
    problem = f"付款被拒绝，请换一种方式。 Declined: {reason}"
    return _html(pages.checkout(body, checkout.buttons(body), double.address, problem))


@get("/onboarding/{link:str}", name="double:onboarding-page", opt={"public": True})
async def onboarding_page(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
    """The page on which an agency says who it is; an old link leads back."""
    double = _double(request)
    async with double.store.read() as book:
        body = await book.find("account_link", link)
        account = await book.find("account", body["account"])
    if body["expires_at"] < stamp():
        return _go(body["refresh_url"])
    return _html(pages.onboarding(body, account, double.address))


@post("/onboarding/{link:str}", name="double:onboard", opt={"public": True})
async def onboard(request: AnyRequest, link: FromPath[str]) -> Response[Any]:
    """It has said so."""
    double = _double(request)
    given = dict(await request.form())
    async with double.store.write() as book:
        body = await book.find("account_link", link)
        account = await book.find("account", body["account"])
        await connect.submit(book, account, complete=given.get("complete") == "yes")
    return _go(body["return_url"])


@get("/", name="double:control-page", opt={"public": True})
async def control_page(request: AnyRequest) -> Response[str]:
    """The double's desk."""
    double = _double(request)
    async with double.store.read() as book:
        accounts = [one["id"] for one in await book.look("account", PLATFORM, {})]
        facts = {
            "balance": await book.balance(PLATFORM),
            "waiting": await double.courier.waiting(),
            "weather": vars(await double.courier.weather()),
            "disputes": await book.look("dispute", PLATFORM, {}),
            "refunds": await book.look("refund", PLATFORM, {}),
            "accounts": [(name, await book.balance(name)) for name in accounts],
            "events": (await book.page("event", PLATFORM, {}, {"limit": 30}))[0],
        }
    return _html(pages.control(facts, double.address))


@post("/control/{what:path}", name="double:control", opt={"public": True})
async def control(request: AnyRequest, what: FromPath[str]) -> Response[Any]:
    """Somebody presses a button there."""
    double = _double(request)
    given = {name: str(value) for name, value in (await request.form()).items()}
    parts = what.strip("/").split("/")
    if parts[0] == "deliver":
        await double.courier.deliver_all()
    elif parts[0] == "weather":
        known = vars(Weather())
        await double.courier.set_weather(
            Weather(**{name: type(value)(given.get(name) or value) for name, value in known.items()})
        )
    elif parts[0] == "disputes":
        async with double.store.write() as book:
            await charging.decide(book, await book.find("dispute", parts[1]), won=given.get("outcome") == "won")
    elif parts[0] == "refunds":
        async with double.store.write() as book:
            await charging.fail_refund(book, await book.find("refund", parts[1]), "lost_or_stolen_card")
    elif parts[0] == "payout":
        async with double.store.write() as book:
            for currency, held in (await book.balance(given["account"])).items():
                if held > 0:
                    asked = {"amount": str(held), "currency": currency}
                    body = await connect.payout(book, given["account"], asked)
                    await connect.arrive(book, given["account"], body, failed="failed" in given)
    return _go(f"{double.address}/")
