"""Which Stripe account this installation uses, if any."""

import hashlib
import hmac
from dataclasses import dataclass, field

from core import keys, settings

API_VERSION = "2026-10-28.endive"
"""The version every call asks for, and the only one whose events have an effect. Moving it is a change of code."""
STRIPE = "https://api.stripe.com"
DOUBLE_PATH = "/stripe-double"
WEBHOOK_PATH = "/webhooks/stripe"
TOLERANCE_SECONDS = 300


@dataclass(frozen=True)
class Configuration:
    """A Stripe account as we use it; neither key nor secrets are ever printed."""

    key: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    api: str
    country: str
    currency: str

    @property
    def live(self) -> bool:
        """Whether real money moves."""
        return "_live_" in self.key


def configuration() -> Configuration | None:
    """The account from the settings, the double of a demonstration, or None."""
    known = settings.load()
    if known.stripe_key:
        secrets = tuple(part.strip() for part in known.stripe_webhook_secrets.split(",") if part.strip())
        return Configuration(
            known.stripe_key, secrets, known.stripe_api or STRIPE, known.stripe_country, known.stripe_currency
        )
    if known.stripe_double and not known.production:
        return Configuration(
            "sk_test_double",
            (double_secret(),),
            known.stripe_api or known.address + DOUBLE_PATH,
            known.stripe_country,
            known.stripe_currency,
        )
    return None


def double_secret() -> str:
    """The webhook secret shared with our own double: the same in every process of this installation."""
    mac = hmac.new(keys.secret("session"), b"stripe-double", hashlib.sha256)
    return f"whsec_{mac.hexdigest()}"
