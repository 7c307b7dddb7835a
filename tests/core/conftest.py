"""What the tests of the trail share: a log folder of their own and an empty trail."""

from pathlib import Path

import pytest

from core import settings, trail
from tests.factories.trail import acts, tamper


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log folder of this test's own."""
    own = settings.read({"XINSHI_DATA": str(tmp_path)})
    monkeypatch.setattr("core.settings.load", lambda: own)
    return tmp_path / "trail"


@pytest.fixture
async def log(committed_db: str, folder: Path) -> str:
    """A database whose trail is empty (default content leaves entries too); the owner's address."""
    await tamper(
        committed_db,
        "truncate core_trail_person, core_trail_leaf, core_trail_checkpoint, core_trail_entry",
    )
    return committed_db


@pytest.fixture
async def published(log: str) -> str:
    """Ten entries, numbered 0 to 9 in the log, under two checkpoints; the owner's address."""
    for count in (6, 4):
        await acts(count)
        await trail.publish()
    return log
