"""The two servers that are compared: `python -m benchmarks.serve product|bare PORT`, one uvicorn process each."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from litestar import Litestar, Response, get
from litestar.response import Stream


def bare() -> Litestar:
    """The same bytes and nothing else."""
    body = Path(os.environ["BENCH_BODY"]).read_bytes()
    media_type = os.environ["BENCH_MEDIA_TYPE"]

    @get("/{rest:path}")
    async def same_bytes(rest: str) -> Response[bytes]:
        return Response(body, media_type=media_type)

    return Litestar([same_bytes], openapi_config=None)


def bare_live() -> Litestar:
    """A stream for everybody who watches, fed by a queue each: the textbook way, the same bytes."""
    event = Path(os.environ["BENCH_BODY"]).read_bytes()
    queues: set[asyncio.Queue[bytes]] = set()

    @get("/watch")
    async def watch() -> Stream:
        async def pieces() -> AsyncIterator[bytes]:
            queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=4)
            queues.add(queue)
            try:
                yield event
                while True:
                    yield await queue.get()
            finally:
                queues.discard(queue)

        return Stream(pieces(), media_type="text/event-stream")

    @get(["/tell", "/trail/checkpoint"])
    async def tell() -> str:
        for queue in queues:
            queue.put_nowait(event)
        return "told"

    return Litestar([watch, tell], openapi_config=None)


def product() -> Litestar:
    """Ours, whole."""
    from app import create_app

    return create_app()


if __name__ == "__main__":
    from launch.server import more_files

    served, port = sys.argv[1:]
    more_files()
    uvicorn.run(
        {"bare": bare, "bare-live": bare_live, "product": product}[served](),
        host="127.0.0.1",
        port=int(port),
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
