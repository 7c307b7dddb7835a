"""Webhook deliveries: signed, tried again until they are taken, and as unreliable as one wishes."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import anyio
import httpx

from payments.stripe_double.store import PLATFORM, Store, stamp

BACK_OFF = (5, 60, 300, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 24 * 3600)
"""Seconds until the next attempt; then an event is given up, as Stripe does after three days."""
BATCH = 50
Post = Callable[[str, bytes, dict[str, str]], Awaitable[int]]


@dataclass(frozen=True)
class Weather:
    """How unreliable the delivery is: shares of 0 to 1, and the longest delay in seconds."""

    duplicate: float = 0.0
    reorder: float = 0.0
    loss: float = 0.0
    delay: int = 0
    seed: int = 1


def sign(body: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` of a body at that moment."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


async def post_by_http(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Send over the network; 0 when nobody answers."""
    try:
        async with httpx.AsyncClient(timeout=20) as client:
            return (await client.post(url, content=body, headers=headers)).status_code
    except httpx.HTTPError:
        return 0


class Courier:
    """Carries events of one store to their endpoints."""

    def __init__(self, store: Store, post: Post = post_by_http) -> None:
        self.store = store
        self.post = post

    async def weather(self) -> Weather:
        """The present weather."""
        return Weather(**await self.store.setting("weather", {}))

    async def set_weather(self, weather: Weather) -> None:
        """Change it."""
        await self.store.set("weather", asdict(weather))

    async def deliver_due(self) -> int:
        """Try every delivery that is due, once; how many were taken."""
        weather = await self.weather()
        taken = 0
        for item in await self._due(weather):
            taken += await self._deliver(item)
        return taken

    async def deliver_all(self, rounds: int = 20) -> int:
        """Until nothing is due any more."""
        taken = 0
        for _ in range(rounds):
            now = await self.deliver_due()
            taken += now
            if not now:
                break
        return taken

    async def _due(self, weather: Weather) -> list[Any]:
        async with self.store.write() as book:
            rows = await book.link.fetch(
                "select d.id, d.event, d.endpoint, d.attempts, e.body as event_body, w.body as endpoint_body"
                " from stripe_double.delivery d join stripe_double.object e on e.id = d.event"
                " join stripe_double.object w on w.id = d.endpoint"
                " where not d.done and d.due <= $1 order by d.id limit $2",
                stamp(),
                BATCH,
            )
            staying = []
            for row in rows:
                chance = Random(f"{weather.seed}:{row['id']}")  # noqa: S311  weather, not a secret
                lost, delay = chance.random() < weather.loss, chance.randint(0, weather.delay)
                if row["attempts"] == 0 and lost:
                    await self._mark(book.link, row["id"], done=True, status=-1)
                elif row["attempts"] == 0 and delay:
                    await self._mark(book.link, row["id"], done=False, status=0, due=stamp() + delay)
                else:
                    staying.append((chance.random() < weather.reorder, chance.random() < weather.duplicate, row))
        staying.sort(key=lambda one: one[0])  # those out of order come after the others
        return [(row, doubled) for _late, doubled, row in staying]

    async def _deliver(self, item: Any) -> int:
        row, doubled = item
        body = json.dumps(row["event_body"], ensure_ascii=False).encode()
        endpoint = row["endpoint_body"]
        status = 0
        for _ in range(2 if doubled else 1):
            headers = {"content-type": "application/json", "stripe-signature": sign(body, endpoint["secret"], stamp())}
            status = await self.post(endpoint["url"], body, headers)
        good = 200 <= status < 300
        over = row["attempts"] >= len(BACK_OFF)
        async with self.store.write() as book:
            due = stamp() + BACK_OFF[min(row["attempts"], len(BACK_OFF) - 1)]
            await self._mark(book.link, row["id"], done=good or over, status=status, due=due)
        return int(good)

    async def _mark(self, link: Any, delivery: int, *, done: bool, status: int, due: int | None = None) -> None:
        await link.execute(
            "update stripe_double.delivery set done = $2, last_status = $3, attempts = attempts + 1,"
            " due = coalesce($4, due) where id = $1",
            delivery,
            done,
            status,
            due,
        )

    async def waiting(self) -> int:
        """How many deliveries are still owed."""
        async with self.store.read() as book:
            return int(await book.link.fetchval("select count(*) from stripe_double.delivery where not done"))

    async def run(self, every: float = 0.5) -> None:
        """Deliver until cancelled."""
        from payments.stripe_double.charging import expire_holds
        from payments.stripe_double.checkout import expire_pages

        while True:
            with contextlib.suppress(httpx.HTTPError):
                await self.deliver_due()
                async with self.store.write() as book:
                    await expire_holds(book)
                    await expire_pages(book)
            await anyio.sleep(every)


async def endpoint_at(store: Store, url: str, secret: str) -> None:
    """Make sure that all events go to `url`, signed with `secret`."""
    async with store.write() as book:
        for known in await book.look("webhook_endpoint", PLATFORM, {"url": url}):
            await book.put(known | {"secret": secret, "status": "enabled"})
            return
        await book.put(
            {
                "id": "we_double",
                "object": "webhook_endpoint",
                "api_version": None,
                "created": stamp(),
                "enabled_events": ["*"],
                "metadata": {},
                "secret": secret,
                "status": "enabled",
                "url": url,
            }
        )
