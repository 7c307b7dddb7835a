"""Loading the catalogue: a changed row becomes a new version, an unchanged one stays."""

from datetime import date
from decimal import Decimal
from typing import Any

from core import clock, db, trail
from core.db import transaction
from core.identity import SYSTEM
from market import content
from market.rules.catalogue import listed, shingles

FIRST_DAY = date(2024, 1, 1)
"""The first edition covers everything the market has ever posted; later versions start when loaded."""

SEARCHED = (
    "code",
    "name_zh",
    "name_en",
    "approval_item_zh",
    "approval_item_en",
    "deliverable_zh",
    "deliverable_en",
    "department_zh",
    "department_en",
)

_INSERT = """
insert into market_service_item
    (code, version, digest, name_zh, name_en, profession, stage, payer, department_code,
     promised_days, fee_min, fee_max, self_preparation, review_sheet, guide, shingles,
     in_force_from)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""


async def load_content() -> int:
    """Bring the catalogue in line with `content/service_items.csv`; the number of new versions.

    Idempotent. Runs as the system after migrations; safe when the server is running, because
    notices refer to the version they were posted under.
    """
    async with transaction():
        await db.execute("select pg_advisory_xact_lock(hashtext('market.catalogue'))")
        known = {
            row["code"]: row
            for row in await db.rows(
                "select code, version, digest from market_service_item where superseded_at is null"
            )
        }
        changed = 0
        for row in content.service_items():
            changed += await _load_row(row, known.pop(row["code"], None))
        await _retire(sorted(known))
        if changed or known:
            note = {"changed": changed, "retired": sorted(known)}
            await trail.record(SYSTEM, "catalogue.loaded", "catalogue:items", after=note)
    return changed


async def _load_row(row: dict[str, str], known: Any) -> int:
    digest = content.digest_of(row)
    if known is not None and known["digest"] == digest:
        return 0
    version = 1
    start = FIRST_DAY
    if known is not None:
        version, start = known["version"] + 1, clock.today()
        await _retire([row["code"]])
    await db.execute(_INSERT, *_values(row, version, digest, start))
    return 1


async def _retire(codes: list[str]) -> None:
    if codes:
        await db.execute(
            "update market_service_item set superseded_at = $2 where code = any($1) and superseded_at is null",
            codes,
            clock.now(),
        )


def _values(row: dict[str, str], version: int, digest: str, start: date) -> tuple[Any, ...]:
    return (
        row["code"],
        version,
        digest,
        row["name_zh"],
        row["name_en"],
        row["profession"],
        row["stage"],
        row["payer"],
        row["department_code"],
        int(row["promised_days"]),
        Decimal(row["fee_min_cny"]),
        Decimal(row["fee_max_cny"]),
        row["self_preparation_allowed"] == "yes",
        "" if row["review_sheet"] == "none" else row["review_sheet"],
        row,
        shingles(*(row[name] for name in SEARCHED), *listed(row["reuse_departments_zh"])),
        start,
    )
