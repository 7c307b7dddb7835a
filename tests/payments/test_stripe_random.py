"""Whatever people, time, Stripe and the line do to payments: the ledger ends with the double's balance, to the cent.

XINSHI_STRIPE_EXAMPLES=500 plays so many markets, each time others; without it the same few are played, in CI as here.
"""

import os

import anyio
import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test
from litestar import Litestar

from tests.payments import stripe_acts as acts
from tests.payments.stripe_machine import SEEN, Market
from tests.payments.stripe_world import world

pytestmark = pytest.mark.anyio
ASKED = int(os.environ.get("XINSHI_STRIPE_EXAMPLES", "0"))
PLAYS = hypothesis.settings(
    max_examples=ASKED or 4,
    stateful_step_count=60 if ASKED else 30,
    derandomize=not ASKED,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
PRELUDES = {
    "held": {"state:expired"},
    "refunded": {"line:charge", "line:refund"},
    "paid-out": {"line:transfer"},
    "taken-back": {"line:transfer_refund"},
    "disputed": {"line:adjustment"},
}
"""How plays begin, and what must have happened in them: otherwise the property holds of nothing."""


@pytest.mark.parametrize("prelude", PRELUDES)
async def test_random_payments_and_faults(committed_db: str, web_app: Litestar, prelude: str) -> None:
    """hypothesis works in a thread of its own; what its rules do runs in the loop of the tests."""
    SEEN.clear()
    async with world(committed_db, web_app) as found:
        here = type("Market", (Market,), {"there": found, "prelude": prelude})
        async for _ in acts.unattached():
            await anyio.to_thread.run_sync(lambda: run_state_machine_as_test(here, settings=PLAYS))
    assert SEEN.keys() >= PRELUDES[prelude], SEEN
