"""Letters: an outbox written in the act's transaction, sent afterwards in the reader's language.

Without an SMTP server the twin writes `.eml` files under the data folder.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
import structlog

from core import clock, db, i18n, jobs, settings
from core.db import transaction

MOST_ATTEMPTS = 8
_suspended: ContextVar[bool] = ContextVar("mail-suspended", default=False)
_log = structlog.get_logger()


@contextmanager
def suspended() -> Iterator[None]:
    """Write no letters: nobody wants the mail of a demo market's past."""
    token = _suspended.set(True)
    try:
        yield
    finally:
        _suspended.reset(token)


async def send(
    *,
    message: str,
    context: Mapping[str, Any],
    to_organization: int | None = None,
    to_account: int | None = None,
    to_organizations: Sequence[int] = (),
) -> None:
    """Put a letter to every member of organisations, or to one person, into the outbox.

    `message` names `templates/mail/<message>/`; `context` must be plain JSON.
    """
    if _suspended.get():
        return
    written = await db.execute(
        "insert into core_mail (account, message, context, created_at, attempts, problem)"
        " select a.id, $1::text, $2::jsonb, $3::timestamptz, 0, '' from core_account a"
        " where a.active and a.id in (select $4::bigint union"
        "   select m.account from core_membership m where m.organization = any($5) and m.ended_at is null)",
        message,
        dict(context),
        clock.now(),
        to_account,
        [*to_organizations, *([to_organization] if to_organization is not None else [])],
    )
    if written:
        await jobs.defer("core.send_mail", {})


async def send_each(*, message: str, letters: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Put many letters of one kind into the outbox at once: (account, context), each with words of its own."""
    if _suspended.get() or not letters:
        return
    await db.execute_many(
        "insert into core_mail (account, message, context, created_at, attempts, problem)"
        " select a.id, $2::text, $3::jsonb, $4::timestamptz, 0, '' from core_account a where a.active and a.id = $1",
        [(account, message, dict(context), clock.now()) for account, context in letters],
    )
    await jobs.defer("core.send_mail", {})


@jobs.periodic("* * * * *", "core.send_mail")
async def send_waiting() -> None:
    """Send what waits, oldest first; a letter that fails waits longer each time."""
    while await _send_next():
        pass


async def _send_next() -> bool:
    async with transaction():
        row = await db.row(
            "select m.id, m.message, m.context, m.attempts, m.created_at, a.email, a.login, a.name,"
            " a.language from core_mail m join core_account a on a.id = m.account"
            " where m.sent_at is null and m.attempts < $1"
            " and m.created_at + m.attempts * m.attempts * interval '1 minute' <= $2"
            " order by m.id for update of m skip locked limit 1",
            MOST_ATTEMPTS,
            clock.now(),
        )
        if row is None:
            return False
        try:
            await anyio.to_thread.run_sync(_deliver, _letter(row))
        except OSError as error:
            _log.warning("mail not sent", mail=row["id"], error=repr(error))
            await db.execute(
                "update core_mail set attempts = attempts + 1, problem = $2 where id = $1",
                row["id"],
                repr(error),
            )
        else:
            await db.execute(
                "update core_mail set sent_at = $2, attempts = attempts + 1 where id = $1",
                row["id"],
                clock.now(),
            )
        return True


def _letter(row: Any) -> EmailMessage:
    from core.web import templates

    letter = EmailMessage()
    with i18n.speaking(row["language"]):
        context = dict(row["context"]) | {
            "reader": row["name"],
            "site": settings.load().address,
        }
        folder = f"mail/{row['message']}"
        letter["Subject"] = " ".join(templates.render(f"{folder}/subject.txt", context).split())
        letter.set_content(templates.render(f"{folder}/body.txt", context))
    letter["From"] = settings.load().mail_from
    letter["To"] = row["email"] or f"{row['login']}@localhost"
    if "unsubscribe" in context:
        letter["List-Unsubscribe"] = f"<{context['unsubscribe']}>"
    letter["Date"] = format_datetime(clock.shanghai(row["created_at"]))
    return letter


def _deliver(letter: EmailMessage) -> None:
    url = settings.load().smtp_url
    if url:
        _by_smtp(letter, url)
    else:
        _to_file(letter, settings.load().data / "mail")


def _to_file(letter: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = clock.shanghai(clock.now()).strftime("%Y%m%d-%H%M%S")
    (folder / f"{stamp}-{secrets.token_hex(4)}.eml").write_bytes(letter.as_bytes())


def _by_smtp(letter: EmailMessage, url: str) -> None:
    import smtplib

    parts = urlsplit(url)
    with smtplib.SMTP(parts.hostname or "localhost", parts.port or 587, timeout=20) as server:
        if parts.username:
            server.starttls()
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(letter)
