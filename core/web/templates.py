"""The template environment: what every page may use, and nothing that computes a rule."""

import hashlib
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from jinja2_fragments import render_block
from litestar import Request
from markupsafe import Markup

from core import clock, i18n, settings
from core.identity import ROLE_NAMES, Identity
from core.web import cookies

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"
STATIC = TEMPLATES.parent / "static"
WAN = Decimal(10000)
OWN_RULE = re.compile("platform rule|平台规则")
HAN = re.compile(r"[\u4e00-\u9fff]")
CITED = re.compile(r"([^\x00-\x7f]+(?:[0-9 ]*[^\x00-\x7f]+)*)")
"""A stretch of Chinese with the figures inside it."""
# Macros are modules without a context; a form they make still needs this reader's guard.
_guard: ContextVar[Callable[[], Markup]] = ContextVar("form_guard")


@cache
def environment() -> Environment:
    """One synchronous environment with strict names; every page is autoescaped."""
    from core.web.pages import url_for

    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),  # letters are plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        auto_reload=not settings.load().production,
    )
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    env.globals.update(
        gettext=_gettext,
        loc=i18n.loc,
        spoken=i18n.spoken,
        lang=i18n.language,
        now=clock.now,
        today=clock.today,
        url_for=url_for,
        money=money,
        wan=wan,
        day=day,
        moment=moment,
        role_name=role_name,
        form_guard=_form_guard,
        static=static,
        basis_words=basis_words,
    )
    env.filters.update(money=money, wan=wan, day=day, moment=moment)
    env.globals["ui"] = env.get_template("components/ui.html").module
    return env


def basis_words(basis: str) -> str:
    """The legal basis of a rule as its text writes it, with the platform's own rules named as such.

    Laws have their Chinese titles only: on an English page they are marked as Chinese, so that they are read aloud
    in the right language.
    """
    words = OWN_RULE.sub(i18n.translate(i18n.N_("平台规则")), basis)
    if i18n.language() != "en":
        return words
    return Markup("").join(
        Markup('<span lang="zh-Hans">{}</span>').format(part) if HAN.search(part) else part
        for part in CITED.split(words)
        if part
    )


def render(template: str, context: dict[str, Any], *, block: str | None = None) -> str:
    """A whole page, or one named block of it."""
    if block:
        return str(render_block(environment(), template, block, context))
    return environment().get_template(template).render(context)


@pass_context
def _gettext(context: Context, text: str, /, **values: Any) -> str:
    """What `_("…", n=…)` calls, as Jinja's own does; the words that follow a number need `i18n.Values`."""
    said = i18n.translate(text)
    text = Markup(said) if context.eval_ctx.autoescape else said  # noqa: S704 - the catalogue is ours
    return text % i18n.Values(values)


def _form_guard() -> Markup:
    """The hidden fields of a form in the page being rendered; macros see no context of their own."""
    return _guard.get()()


def frame(request: Request[Any, Any, Any], identity: Identity | None) -> dict[str, Any]:
    """What the frame around every page needs to know."""
    reading = cookies.preferences(request)

    def form_guard() -> Markup:
        return Markup(
            '<input type="hidden" name="_csrf" value="{}"><input type="hidden" name="_once" value="{}">'
        ).format(cookies.csrf_token(request), secrets.token_urlsafe(16))

    _guard.set(form_guard)
    return {
        "request": request,
        "path": request.url.path,
        "address": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "identity": identity,
        "reading": reading,
        "html_lang": i18n.HTML_LANG[i18n.language()],
        "csrf_token": lambda: cookies.csrf_token(request),
        "said": cookies.said(request),
        "demo": not settings.load().production,
        "form": None,
    }


@cache
def static(path: str) -> str:
    """The address of a file of ours, changed whenever its bytes change."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def role_name(identity: Identity) -> str:
    """The role as people say it."""
    return i18n.translate(ROLE_NAMES[identity.role])


def money(amount: Decimal | None) -> str:
    """`24,600.00`; a dash for nothing."""
    return "—" if amount is None else f"{amount:,.2f}"


def wan(amount: Decimal | None) -> str:
    """Yuan as people read it: `2.46 万元`, in English `CNY 24,600`."""
    if amount is None:
        return "—"
    if i18n.language() == "en":
        return f"CNY {amount:,.0f}" if amount == amount.to_integral_value() else f"CNY {amount:,.2f}"
    if abs(amount) < WAN:
        return f"{amount:,.2f} 元"
    return f"{amount / WAN:,.2f} 万元"


def day(value: date | datetime | None) -> str:
    """`2026-11-20`, in English `20 Nov 2026`; moments are read in Shanghai."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = clock.shanghai(value).date()
    if i18n.language() == "en":
        return f"{value.day} {value:%b %Y}"
    return value.isoformat()


def moment(value: datetime | None) -> str:
    """Day and minute in Shanghai; midnight is said as 24:00 of the day that ends, as deadlines are."""
    if value is None:
        return "—"
    local = clock.shanghai(value)
    if local.time() == time():
        return f"{day(local.date() - timedelta(days=1))} 24:00"
    return f"{day(value)} {local:%H:%M}"
