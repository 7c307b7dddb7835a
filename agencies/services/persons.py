"""Recording and ending a flag on a registered professional (recorded downward by the floor of grading)."""

from dataclasses import dataclass
from datetime import datetime

from agencies.rules.persons import Flag, FlagAbsent, FlagTermWrong, FlagTwice, PersonUnknown, running
from core import clock, db, trail
from core.db import transaction
from core.identity import Identity, Permission


@dataclass(frozen=True)
class FlagReceipt:
    """That a person's flag is on record, or over."""

    flag_id: int
    at: datetime
    entry_id: int


async def flag_person(*, actor: Identity, flag: Flag) -> FlagReceipt:
    """Put a decision against a registered professional on record; it follows the certificate to every employer.

    Raises `PersonUnknown`, `FlagTermWrong`, `FlagTwice`. Name and certificate stay out of the hashed trail.
    """
    actor.require(Permission.DECIDE_CONDUCT)
    if flag.ends_on <= flag.starts_on or flag.starts_on > clock.today():
        raise FlagTermWrong
    async with transaction():
        name = await db.value(
            "select name from agencies_practitioner where certificate_no = $1 order by id desc limit 1",
            flag.certificate_no,
        )
        if name is None:
            raise PersonUnknown(certificate=flag.certificate_no)
        flag_id: int | None = await db.value(
            "insert into agencies_person_flag (certificate_no, name, document_no, authority, facts, bars, starts_on,"
            " ends_on, end_reason, recorded_by, recorded_at) values ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10)"
            " on conflict do nothing returning id",
            flag.certificate_no,
            name,
            flag.document_no,
            flag.authority,
            flag.facts,
            flag.bars,
            flag.starts_on,
            flag.ends_on,
            actor.account_id,
            clock.now(),
        )
        if flag_id is None:
            raise FlagTwice(document_no=flag.document_no)
        entry = await trail.record(
            actor,
            "person-flag.recorded",
            f"person-flag:{flag_id}",
            after={"bars": flag.bars, "from": flag.starts_on, "until": flag.ends_on},
            personal={
                "certificate": flag.certificate_no,
                "name": name,
                "document": flag.document_no,
                "facts": flag.facts,
            },
        )
    return FlagReceipt(flag_id, clock.now(), entry)


async def end_person_flag(*, actor: Identity, flag_id: int, reason: str) -> FlagReceipt:
    """End a flag before its day, because the decision was lifted or was wrong. Raises `FlagAbsent`."""
    actor.require(Permission.DECIDE_CONDUCT)
    async with transaction():
        row = await db.row("select * from agencies_person_flag where id = $1 for update", flag_id)
        if row is None or not running(row["starts_on"], row["ends_on"], row["ended_on"], clock.today()):
            raise FlagAbsent
        await db.execute(
            "update agencies_person_flag set ended_on = $2, end_reason = $3 where id = $1",
            flag_id,
            clock.today(),
            reason,
        )
        entry = await trail.record(
            actor,
            "person-flag.ended",
            f"person-flag:{flag_id}",
            after={"ended_on": clock.today()},
            personal={"reason": reason},
        )
    return FlagReceipt(flag_id, clock.now(), entry)
