"""Settings: one frozen value from the environment (`XINSHI_*`), read once, passed around.

`FIELDS` lists every variable with its meaning; `docs/guides/operations.md` must name each of them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.i18n import CountedSentence

CHECKOUT = Path(__file__).resolve().parent.parent
_MAX_PORT = 65535


class CannotStart(Exception):
    """Xinshi cannot start or continue; carries one sentence that says what to do, in two languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en

    def sentence(self) -> str:
        """The sentence in the language of the terminal."""
        return speak(self.zh, self.en)


def speak(zh: str, en: str, **values: Any) -> str:
    """Pick the sentence for this terminal: English when the locale asks for it, otherwise Chinese.

    With `values` the sentences hold `%(name)s`, and the English one words that follow a number (decision 0003).
    """
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    said = en if locale.lower().startswith("en") else zh
    return CountedSentence(said) % values if values else said


class Environment(StrEnum):
    """Where this installation runs."""

    DEMO = "demo"
    PRODUCTION = "production"


class Demo(StrEnum):
    """The market a newcomer finds; the scales of `xinshi demo`."""

    XINTAI = "xintai"
    PROVINCE = "province"
    NONE = "none"


def _about(variable: str, meaning: str) -> dict[str, str]:
    return {"variable": variable, "meaning": meaning}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that differs between installations. No secret is ever printed."""

    environment: Environment = field(
        default=Environment.DEMO,
        metadata=_about("XINSHI_ENVIRONMENT", "`demo`, or `production`: no generated keys, no demo market"),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_about("XINSHI_HOST", "address the server listens on"),
    )
    port: int = field(
        default=8000,
        metadata=_about("XINSHI_PORT", "port the server listens on"),
    )
    public_url: str = field(
        default="",
        metadata=_about("XINSHI_PUBLIC_URL", "address people see, in mails, certificates and QR codes; https"),
    )
    data: Path = field(
        default=CHECKOUT / ".xinshi",
        metadata=_about("XINSHI_DATA", "folder for database, files, keys and mails"),
    )
    database_url: str = field(
        default="",
        metadata=_about("XINSHI_DATABASE_URL", "external PostgreSQL 15 to 18; empty starts one of our own"),
    )
    database_owner_url: str = field(
        default="",
        metadata=_about("XINSHI_DATABASE_OWNER_URL", "the same database as the role that owns the tables"),
    )
    pg_bin: Path | None = field(
        default=None,
        metadata=_about("XINSHI_PG_BIN", "folder with the PostgreSQL programs to start"),
    )
    demo: Demo = field(
        default=Demo.XINTAI,
        metadata=_about("XINSHI_DEMO", "market played into an empty database: `xintai`, `province` or `none`"),
    )
    smtp_url: str = field(
        default="",
        metadata=_about("XINSHI_SMTP_URL", "`smtp://user:password@host:587`; empty writes mails to files"),
    )
    mail_from: str = field(
        default="xinshi@localhost",
        metadata=_about("XINSHI_MAIL_FROM", "sender address of mails"),
    )
    stripe_key: str = field(
        default="",
        metadata=_about("XINSHI_STRIPE_KEY", "secret key of the Stripe account; empty: payment by bank transfer only"),
    )
    stripe_webhook_secrets: str = field(
        default="",
        metadata=_about(
            "XINSHI_STRIPE_WEBHOOK_SECRETS", "`whsec_…` of the endpoint; several, by comma, while rotating"
        ),
    )
    stripe_api: str = field(
        default="",
        metadata=_about("XINSHI_STRIPE_API", "address that answers Stripe's calls; empty is Stripe itself"),
    )
    stripe_country: str = field(
        default="HK",
        metadata=_about("XINSHI_STRIPE_COUNTRY", "country of the Stripe account, two letters"),
    )
    stripe_currency: str = field(
        default="hkd",
        metadata=_about("XINSHI_STRIPE_CURRENCY", "currency in which the Stripe account settles, three letters"),
    )
    stripe_double: bool = field(
        default=False,
        metadata=_about(
            "XINSHI_STRIPE_DOUBLE",
            "serves a stand-in for Stripe under /stripe-double; `on` in a demo without a key, else `off`",
        ),
    )
    origin: str = field(
        default="",
        metadata=_about("XINSHI_ORIGIN", "name of this log in the checkpoints of the trail; never change it"),
    )

    @property
    def production(self) -> bool:
        """Whether real people depend on this installation."""
        return self.environment is Environment.PRODUCTION

    @property
    def address(self) -> str:
        """The address to open in a browser, without a trailing slash."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether people reach us over https (cookies are then `Secure` and `__Host-`)."""
        return self.address.startswith("https://")

    @property
    def log_origin(self) -> str:
        """The name printed in the first line of every trail checkpoint."""
        return self.origin or f"{urlsplit(self.address).hostname}/xinshi"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One documented setting."""

    name: str
    variable: str
    meaning: str


FIELDS: tuple[SettingField, ...] = tuple(
    SettingField(f.name, f.metadata["variable"], f.metadata["meaning"]) for f in fields(Settings)
)


def read(environ: Mapping[str, str]) -> Settings:
    """Build the settings from the given variables; raises `CannotStart` naming the first wrong one."""
    values: dict[str, Any] = {}
    for known in FIELDS:
        text = environ.get(known.variable, "").strip()
        if text:
            values[known.name] = _convert(known, text)
    settings = Settings(**values)
    demonstrates = not settings.production and settings.demo is not Demo.NONE and not settings.stripe_key
    if "stripe_double" not in values and demonstrates:
        settings = replace(settings, stripe_double=True)
    if settings.production:
        _check_production(settings)
    _check_stripe(settings)
    return settings


_current: Settings | None = None


def load() -> Settings:
    """The settings of this process, read from the environment on first use."""
    global _current  # noqa: PLW0603 - one per process, like the environment it mirrors
    if _current is None:
        _current = read(os.environ)
    return _current


def use(settings: Settings) -> None:
    """Put these in force for this process: the launcher, once it knows the address of its own database; tests."""
    global _current  # noqa: PLW0603 - see `load`
    _current = settings


def _convert(known: SettingField, text: str) -> Any:
    match known.name:
        case "environment":
            return _one_of(known.variable, Environment, text)
        case "demo":
            return _one_of(known.variable, Demo, text)
        case "port":
            return _port(text)
        case "data" | "pg_bin":
            return Path(text).expanduser().absolute()
        case "public_url" | "stripe_api":
            return text.rstrip("/")
        case "stripe_country":
            return text.upper()
        case "stripe_currency":
            return text.lower()
        case "stripe_double":
            return text.lower() in {"1", "on", "true", "yes"}
        case _:
            return text


def _one_of(variable: str, allowed: type[Environment] | type[Demo], text: str) -> Environment | Demo:
    try:
        return allowed(text)
    except ValueError:
        names = list(map(str, allowed))
        raise CannotStart(
            f"{variable} 只能是 {'、'.join(names)} 之一，现在是 {text}。",
            f"{variable} must be one of {', '.join(names)}, it is {text}.",
        ) from None


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= _MAX_PORT:
        return int(text)
    raise CannotStart(
        f"XINSHI_PORT 应为 1 到 {_MAX_PORT} 之间的整数，现在是 {text}。",
        f"XINSHI_PORT must be a whole number from 1 to {_MAX_PORT}, it is {text}.",
    )


def _check_production(settings: Settings) -> None:
    for known in FIELDS:
        needed = known.name in {"public_url", "database_url", "smtp_url"}
        if needed and not getattr(settings, known.name):
            raise missing(known.variable, known.meaning)
    if not settings.secure:
        raise CannotStart(
            "生产环境的 XINSHI_PUBLIC_URL 必须以 https:// 开头。",
            "In production XINSHI_PUBLIC_URL must begin with https://.",
        )


def _check_stripe(settings: Settings) -> None:
    """Real keys belong to production and test keys do not; half a configuration is none."""
    key, kind = settings.stripe_key, settings.stripe_key.partition("_")[2].partition("_")[0]
    if key and not (key.startswith(("sk_", "rk_")) and kind in {"live", "test"}):
        raise CannotStart(
            "XINSHI_STRIPE_KEY 应以 sk_live_、rk_live_、sk_test_ 或 rk_test_ 开头，请从 Stripe 后台重新复制。",
            "XINSHI_STRIPE_KEY must begin with sk_live_, rk_live_, sk_test_ or rk_test_: copy it from Stripe again.",
        )
    if kind == "live" and not settings.production:
        raise CannotStart(
            "XINSHI_STRIPE_KEY 是正式密钥，只能用于 XINSHI_ENVIRONMENT=production；演示环境请用 sk_test_ 密钥。",
            "XINSHI_STRIPE_KEY is a live key and needs XINSHI_ENVIRONMENT=production; a demo takes an sk_test_ key.",
        )
    if settings.production and (kind == "test" or settings.stripe_double or settings.stripe_api):
        raise CannotStart(
            "生产环境不接受 Stripe 的测试密钥、替身或其他地址，请改用 sk_live_ 密钥，"
            "并删去 XINSHI_STRIPE_DOUBLE 和 XINSHI_STRIPE_API。",
            "Production takes no test key, no double and no other address for Stripe: set an sk_live_ key and "
            "remove XINSHI_STRIPE_DOUBLE and XINSHI_STRIPE_API.",
        )
    if settings.production and key and not settings.stripe_webhook_secrets:
        raise missing("XINSHI_STRIPE_WEBHOOK_SECRETS", "without it no payment is ever noticed")


def missing(variable: str, meaning: str) -> CannotStart:
    """The sentence for a variable that production cannot do without."""
    return CannotStart(
        f"生产环境必须设置 {variable}，请设置后重新启动（说明见 docs/guides/operations.md）。",
        f"Production needs {variable} ({meaning}): set it and start again.",
    )
