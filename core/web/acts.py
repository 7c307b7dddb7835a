"""A state-changing request, whole: read, guard, carry out once, answer, or give the form back as typed.

`act` serves HTML forms and `api_act` the JSON twins; both run the same service in the same way:
the idempotency row, the act and its trail entry commit together or not at all (promise G4).
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Request, Response
from litestar.enums import MediaType

from core import clock, db, files, keys
from core.db import UNAVAILABLE, transaction
from core.errors import DomainError, Forbidden, FormInvalid, OnceMismatch, Unavailable
from core.forms import Form
from core.i18n import N_
from core.web import attempts, cookies, failures, guards, reading
from core.web.reading import read_form

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
CSRF = "_csrf"
ONCE = "_once"
_log = structlog.get_logger()


class GuardFailed(Forbidden):
    """The form does not come from a page of ours in this session."""

    code = "form-guard"
    text = N_("页面已过期，或者不是从本站打开的。请刷新页面后再提交；您填写的内容还在下面。")


class KeyMissing(DomainError):
    """An API call that changes something must say which attempt it is."""

    status = 400
    code = "idempotency-key-missing"
    text = N_("请在请求头 Idempotency-Key 中给出一个唯一的值，重复发送同一请求时用同一个值。")


@dataclass(frozen=True)
class FormState:
    """A refused form as the reader left it."""

    values: Mapping[str, str | list[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    kept: Mapping[str, Sequence[files.Kept]] = field(default_factory=dict)
    status: int = 200


async def act(
    request: AnyRequest,
    do: Callable[[Form], Awaitable[T]],
    done: Callable[[T], Any],
    again: Callable[[FormState], Awaitable[Response[Any]]],
    *,
    once: bool = True,
) -> Response[Any]:
    """Carry out a posted form once.

    `do` is given the form and calls one service; `done` makes the answer (usually `redirect`);
    `again` renders the page anew with what was typed and what is wrong. `once=False` is for acts
    whose failure must be remembered too, such as signing in.
    """
    form = await read_form(request)
    try:
        check_guard(request, form)
        if not once:
            return await _carry_out(form, do, done)
        key = f"{cookies.guard_seed(request)}|{request.url.path}|{_first(form, ONCE)}"
        return await _once(key, reading.content_digest(form), lambda: _carry_out(form, do, done))
    except Unavailable:
        return await _try_later(request, form)
    except DomainError as error:
        refused = error
    except UNAVAILABLE as error:
        _log.warning("database unavailable", error=repr(error))
        return await _try_later(request, form)
    state = await _state(form, refused)
    response = await again(state)
    response.status_code = refused.status
    return response


async def api_act(
    request: AnyRequest,
    body: msgspec.Struct | Mapping[str, Any] | None,
    do: Callable[[Form], Awaitable[T]],
    show: Callable[[T], Any],
    *,
    status: int = 201,
    once: bool = True,
) -> Response[Any]:
    """Carry out a JSON (or multipart) call once; refusals are problem documents.

    `once=False` for an answer that holds a secret, which must not be kept to be given again.

    A bearer token needs no form guard; a browser session must send its token in `X-CSRF-Token`.
    """
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        raise KeyMissing
    identity = await guards.identity_of(request)
    form = await read_form(request) if body is None else Form.from_json(_plain(body))
    if not request.scope["state"].get("bearer"):
        check_guard(request, form)

    async def answer() -> Response[Any]:
        shown = show(await do(form))
        shown = await shown if isawaitable(shown) else shown
        return Response(json.loads(msgspec.json.encode(shown)), status_code=status)

    if not once:
        return await answer()
    scope = f"api|{identity.account_id}|{identity.organization_id}|{request.url.path}|{key}"
    try:
        return await _once(scope, reading.content_digest(form), answer)
    except (Unavailable, *UNAVAILABLE):
        await attempts.keep(request, reading.content_digest(form))
        raise


def check_guard(request: AnyRequest, form: Form) -> None:
    """Refuse a form that was not made by a page of ours in this session."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise GuardFailed
    sent = request.headers.get("x-csrf-token") or _first(form, CSRF)
    if not cookies.same(sent, cookies.csrf_token(request)):
        raise GuardFailed


async def _carry_out(form: Form, do: Callable[[Form], Awaitable[T]], done: Callable[[T], Any]) -> Response[Any]:
    response = done(await do(form))
    answer: Response[Any] = await response if isawaitable(response) else response
    return answer


async def _once(key: str, content: bytes, answer: Callable[[], Awaitable[Response[Any]]]) -> Response[Any]:
    """Run `answer` in the transaction that claims `key`; sent again, the stored reply comes back."""
    key_hash = hmac.digest(keys.secret("session"), b"once:" + key.encode(), "sha256")
    async with transaction():
        claimed = await db.value(
            "insert into core_once (key_hash, content_hash, reply, created_at)"
            " values ($1, $2, '', $3) on conflict do nothing returning true",
            key_hash,
            content,
            clock.now(),
        )
        if not claimed:
            return await _replay(key_hash, content)
        response = await answer()
        await db.execute("update core_once set reply = $2 where key_hash = $1", key_hash, _freeze(response))
    return response


async def _replay(key_hash: bytes, content: bytes) -> Response[Any]:
    row = await db.row("select content_hash, reply from core_once where key_hash = $1", key_hash)
    if row["content_hash"] != content:
        raise OnceMismatch
    kept = json.loads(row["reply"])
    response: Response[Any] = Response(
        kept["body"],
        status_code=kept["status"],
        headers=kept["headers"],
        media_type=kept["media_type"],
    )
    if kept["say"]:
        response.set_cookie(cookies.make(cookies.SAY, kept["say"], max_age=cookies.SAY_SECONDS))
    return response


def _freeze(response: Response[Any]) -> bytes:
    """What must come back the same: status, place to go, body, and the sentence for the reader.

    Session cookies are never kept: signing in is not replayed.
    """
    values = {cookie.key: cookie.value for cookie in response.cookies}
    say = values.get(cookies.name(cookies.SAY))
    kept = {
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": response.content,
        "media_type": str(response.media_type or MediaType.JSON.value),
        "say": say,
    }
    return json.dumps(kept, ensure_ascii=False).encode()


async def _try_later(request: AnyRequest, form: Form) -> Response[Any]:
    """A page that holds everything typed and sends it again, with the same key, at one press."""
    await attempts.keep(request, reading.content_digest(form))
    request.scope["state"]["typed"] = await reading.typed(form)
    return failures.unavailable(request, Unavailable())


async def _state(form: Form, error: DomainError) -> FormState:
    faults = error.errors if isinstance(error, FormInvalid) else {}
    values: dict[str, str | list[str]] = {
        name: list(found) if len(found) > 1 else found[0]
        for name, found in form.raw.items()
        if not name.startswith("_") and not reading.is_secret(name)
    }
    kept = {name: found for name, found in (await reading.kept(form)).items() if name not in faults}
    return FormState(
        values,
        {name: message.render() for name, message in faults.items()},
        error.message(),
        kept,
        error.status,
    )


def _first(form: Form, name: str) -> str:
    return (form.raw.get(name) or [""])[0]


def _plain(body: msgspec.Struct | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        return body
    plain: Mapping[str, Any] = msgspec.to_builtins(body)
    return plain
