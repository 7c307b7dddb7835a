"""Reports of errors: on the trail, sent on, limited."""

import pytest

from core import db
from core.errors import FormInvalid
from core.forms import Form
from core.identity import Role
from portal import services
from portal.forms import parse_report
from portal.rules.reports import MOST_AN_HOUR, ErrorReport, TooManyReports
from tests.factories import core as make

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("db")]
REPORT = ErrorReport(page="/agencies", words="按钮没有反应", contact="0538-7654321")


async def test_a_report_reaches_every_administrator_once() -> None:
    first, second = await make.member(Role.ADMINISTRATOR), await make.member(Role.ADMINISTRATOR)
    entry = await services.report_error(actor=None, report=REPORT)
    rows = await db.rows("select account, context from core_mail where message = $1", services.MESSAGE)
    mine = [row for row in rows if row["account"] in {first.account_id, second.account_id}]
    assert len(mine) == 2
    assert all(row["context"]["entry"] == entry for row in mine)
    assert all(row["context"]["words"] == REPORT.words for row in mine)


async def test_words_and_contact_stay_outside_the_hashed_payload() -> None:
    entry = await services.report_error(actor=None, report=REPORT)
    payload = str(await db.value("select payload from core_trail_entry where id = $1", entry))
    assert REPORT.contact not in payload
    assert REPORT.words not in payload
    assert REPORT.page in payload


async def test_a_flood_is_refused_and_leaves_nothing() -> None:
    for _ in range(MOST_AN_HOUR):
        await services.report_error(actor=None, report=REPORT)
    with pytest.raises(TooManyReports):
        await services.report_error(actor=None, report=REPORT)
    count = await db.value("select count(*) from core_trail_entry where act = 'error.reported'")
    assert count == MOST_AN_HOUR


async def test_an_empty_report_says_which_field() -> None:
    with pytest.raises(FormInvalid) as refused:
        parse_report(Form.of(page="/x", words="  ", contact=""))
    assert list(refused.value.errors) == ["words"]
