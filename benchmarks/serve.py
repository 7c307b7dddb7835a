"""The two servers that are compared: `python -m benchmarks.serve product|bare PORT`, one uvicorn process each."""

import os
import sys
from pathlib import Path

import uvicorn
from litestar import Litestar, Response, get


def bare() -> Litestar:
    """The same bytes and nothing else."""
    body = Path(os.environ["BENCH_BODY"]).read_bytes()
    media_type = os.environ["BENCH_MEDIA_TYPE"]

    @get("/{rest:path}")
    async def same_bytes(rest: str) -> Response[bytes]:
        return Response(body, media_type=media_type)

    return Litestar([same_bytes], openapi_config=None)


def product() -> Litestar:
    """Ours, whole."""
    from app import create_app

    return create_app()


if __name__ == "__main__":
    served, port = sys.argv[1:]
    uvicorn.run(
        {"bare": bare, "product": product}[served](),
        host="127.0.0.1",
        port=int(port),
        log_level="error",
        access_log=False,
        server_header=False,
    )
