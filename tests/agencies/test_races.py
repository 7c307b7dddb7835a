"""What only real commits show: the same act by several at once."""

import asyncio

import pytest

from agencies import services
from agencies.queries import filings
from agencies.rules.filing import AlreadyFiling, FilingState
from core import db
from core.errors import NotAllowedNow
from core.identity import Role
from tests.factories import agencies as make
from tests.factories import core as people

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("committed_db")]


async def test_two_members_open_one_filing() -> None:
    organization = await people.organization()
    members = [await people.member(Role.AGENCY, organization) for _ in range(4)]
    results = await asyncio.gather(*(services.start_registration(actor=one) for one in members), return_exceptions=True)
    assert sum(isinstance(one, AlreadyFiling) for one in results) == 3
    assert await db.value("select count(*) from agencies_filing") == 1


async def test_two_registrars_decide_once() -> None:
    organization = await people.organization("新泰试办测绘有限公司")
    uscc = await db.value("select uscc from core_organization where id = $1", organization)
    member = await people.member(Role.AGENCY, organization)
    filing_id = (await services.start_registration(actor=member)).filing_id
    await make.fill(member, filing_id, uscc=uscc)
    await services.submit_filing(actor=member, filing_id=filing_id)
    registrars = [await people.member(Role.REGISTRAR) for _ in range(3)]
    results = await asyncio.gather(
        *(services.accept_filing(actor=one, filing_id=filing_id) for one in registrars), return_exceptions=True
    )
    assert sum(isinstance(one, NotAllowedNow) for one in results) == 2
    row = await filings.filing(filing_id, member)
    assert row.state is FilingState.NOTICED
    assert await db.value("select count(*) from core_trail_entry where act = 'filing.accepted'") == 1
