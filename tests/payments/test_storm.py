"""The storm of the benchmarks, small: lost, doubled, late, torn off and wrong, and the books come out of it sound."""

import pytest

from benchmarks import storm
from core.identity import Role
from tests.factories import core as make

pytestmark = pytest.mark.anyio


async def test_a_small_storm(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, share in (("DOUBLED", 0.3), ("REORDERED", 0.3), ("LOST", 0.1), ("TORN", 0.15), ("WRONG", 0.01)):
        monkeypatch.setattr(storm, name, share)
    parties = await make.member(Role.CLIENT), await make.member(Role.AGENCY)
    figure = await storm.measure(committed_db, events=300, parties=parties)
    assert figure.events >= 300
    assert figure.sent > figure.events
    assert min(figure.torn, figure.lost, figure.wrong, figure.looks) >= 1
