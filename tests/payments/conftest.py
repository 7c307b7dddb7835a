"""What the tests of payments share."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from tests.payments import stripe_acts as acts
from tests.payments.stripe_world import World, world


@pytest.fixture
async def there(committed_db: str, web_app: Litestar) -> AsyncIterator[World]:
    """Stripe's double at the other end of the line; nobody above payments takes over."""
    async with world(committed_db, web_app) as found:
        async for _ in acts.unattached():
            yield found
