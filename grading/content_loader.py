"""What `app.fill_content()` calls after migrating: the default rule-set and the table before learning."""

from datetime import date
from pathlib import Path

from core import clock, db
from grading.rules.calibration import load_calibration
from grading.rules.scheme import load_scheme

CONTENT = Path(__file__).parent / "content"
FIRST_DAY = date(2025, 1, 1)
"""From when the default rule-set applies; a market that looks back further uses it too."""


async def load_content() -> None:
    """Publish the default scheme and calibration once; what stands in the database is never changed."""
    for path in sorted((CONTENT / "schemes").glob("*.toml")):
        scheme_text = path.read_text("utf-8")
        scheme = load_scheme(scheme_text)
        await db.execute(
            "insert into grading_scheme (code, digest, source, in_force_from, published_at)"
            " values ($1, $2, $3, $4, $5) on conflict do nothing",
            *(scheme.id, scheme.digest, scheme_text, FIRST_DAY, clock.now()),
        )
    for path in sorted((CONTENT / "calibrations").glob("*.toml")):
        table_text = path.read_text("utf-8")
        table = load_calibration(table_text)
        await db.execute(
            "insert into grading_calibration (code, digest, source, frozen_on, published_at)"
            " values ($1, $2, $3, $4, $5) on conflict do nothing",
            *(table.id, table.digest, table_text, FIRST_DAY, clock.now()),
        )
