"""Writing the trail: one insert in the act's own transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import clock, db
from core.identity import Identity
from core.trail import format
from core.trail.format import VEILED, Entry, Half, Person, Veil

_ENTRY = """
insert into core_trail_entry
    (recorded_at, act, subject, threads, account_id, organization_id, role, payload)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id
"""
_WITH_PERSON = """
insert into core_trail_person (entry, salt, content) select id, $9, $10 from entry
returning entry
"""
_ENTRY_WITH_PERSON = "with entry as (" + _ENTRY + ")" + _WITH_PERSON


async def record(
    actor: Identity,
    act: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    threads: Sequence[str] = (),
    personal: Mapping[str, Any] | None = None,
    note: Mapping[str, Any] | None = None,
    veil: Veil | None = None,
) -> int:
    """Append one act to the trail, in the running transaction; returns the entry's id.

    `act` is `noun.past-participle`, `subject` and `threads` are `noun:id`; the subject is a thread too.
    `before`, `after`, `note` go into the hashed body: never a natural person's data, which belongs into
    `personal` (kept apart, only its salted digest is hashed). `veil` hides who acted until the reveal.

    Raises RuntimeError outside a transaction, ValueError for bad names, TypeError for values that JSON
    cannot hold.
    """
    db.current()
    threads = sorted({subject, *threads})
    format.check_names(act, subject, threads)
    person = None if personal is None else Person(format.salt(), format.canonical(_as_text(personal)))
    at = clock.now()
    entry = Entry(
        head=_head(actor, act, subject, at=at, veiled=veil is not None),
        body=_body(actor, threads, before, after, note, person, veil),
    )
    account, organization, role = _columns(actor, veil)
    row = (at, act, subject, threads, account, organization, role, entry.payload())
    if person is None:
        entry_id: int = await db.value(_ENTRY, *row)
    else:
        entry_id = await db.value(_ENTRY_WITH_PERSON, *row, person.salt, person.content)
    return entry_id


def actor_facts(actor: Identity) -> dict[str, Any]:
    """Who acts, in the form that a veil commits to."""
    return {"account": actor.account_id, "organization": actor.organization_id, "role": actor.role.value}


def _columns(actor: Identity, veil: Veil | None) -> tuple[int | None, int | None, str]:
    if veil is not None:
        return None, None, VEILED
    return actor.account_id, actor.organization_id, actor.role.value


def _head(actor: Identity, act: str, subject: str, *, at: Any, veiled: bool) -> Half:
    facts = {
        "act": act,
        "at": at,
        "nonce": format.salt(),
        "subject": subject,
        "written": clock.real(),
    }
    if not veiled:
        facts |= {"organization": actor.organization_id, "role": actor.role.value}
    return Half.of(format.canonical(facts))


def _body(
    actor: Identity,
    threads: Sequence[str],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    note: Mapping[str, Any] | None,
    person: Person | None,
    veil: Veil | None,
) -> Half:
    facts: dict[str, Any] = {"nonce": format.salt(), "threads": threads}
    parts = {"before": before, "after": after, "note": note, "personal": person and person.digest()}
    facts |= {name: part for name, part in parts.items() if part is not None}
    if veil is None:
        facts["account"] = actor.account_id
    else:
        facts["veil"] = veil.commitment(actor_facts(actor))
    return Half.of(format.canonical(facts))


def _as_text(value: Any) -> Any:
    """Personal data as text throughout: the database rewrites JSON numbers, and the digest must hold."""
    match value:
        case Mapping():
            return {name: _as_text(item) for name, item in value.items()}
        case list() | tuple():
            return [_as_text(item) for item in value]
        case None | bool() | str():
            return value
        case int():
            return str(value)
        case _:
            return format.plain(value)
