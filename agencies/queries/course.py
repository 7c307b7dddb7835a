"""The course of a filing for a reader: who objected is for registrars, saves in a row are one line."""

from dataclasses import replace

from core.identity import Identity, Permission
from core.trail.queries import TimelineEntry, timeline

SAVED = "filing.saved"
OBJECTED = "filing.objected"


async def course(filing_id: int, reader: Identity | None) -> list[TimelineEntry]:
    """What happened to a filing, oldest first; consecutive saves are shown as the last of them."""
    entries = await timeline(f"filing:{filing_id}")
    knows = reader is not None and reader.may(Permission.CHECK_FILING)
    followers: list[TimelineEntry | None] = [*entries[1:], None]
    kept = [
        entry
        for entry, following in zip(entries, followers, strict=True)
        if not (entry.act == SAVED and following is not None and following.act == SAVED)
    ]
    return [entry if knows or entry.act != OBJECTED else replace(entry, actor_name="") for entry in kept]
