"""Gap-free numbers for papers: `XT-HT-2026-000123`.

The row of a series is locked until the act commits, so a rolled-back act gives its number back.
"""

from datetime import date

from core import db

CITY = "XT"


async def next_number(kind: str, day: date) -> str:
    """The next number of `kind` in the year of `day`; call it last in the transaction."""
    series = f"{CITY}-{kind}-{day.year}"
    last = await db.value(
        "insert into core_serial (series, last) values ($1, 1)"
        " on conflict (series) do update set last = core_serial.last + 1 returning last",
        series,
    )
    return f"{series}-{last:06d}"
