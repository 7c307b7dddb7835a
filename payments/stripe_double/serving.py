"""The double as a process of its own, on 127.0.0.1 only."""

import uvicorn

from core import settings
from payments.stripe_double.app import Double
from payments.stripe_double.courier import endpoint_at


async def serve(url: str, port: int, hook: str, secret: str) -> None:
    """Serve until told to stop; events go to `hook`, signed with `secret`."""
    double = Double(url, f"http://127.0.0.1:{port}", settlement=settings.load().stripe_currency)
    await double.store.open()
    await endpoint_at(double.store, hook, secret)
    options = uvicorn.Config(double.app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    await uvicorn.Server(options).serve()
