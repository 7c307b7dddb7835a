"""Joint custody: who must hand over what when, and what happens when a share is wrong or lost."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core import clock
from core import db as base
from core.errors import Forbidden
from core.identity import Identity, Role
from core.keys import secret
from market import sealing, services
from market.queries import custody
from market.queries.notices import opened_bids
from market.rules.editions import Custody
from market.rules.notices import FundSource, NoticeState, Phase
from market.services.custody import (
    NotAKey,
    OwnKeyMissing,
    ShareGone,
    ShareHandedOver,
    ShareNotNeeded,
    SupervisorKeyMissing,
    TooEarlyToOpen,
    WrongShare,
)
from tests.factories import core as make
from tests.factories import market as factory
from tests.factories.market import (
    MadeNotice,
    bid,
    client_key,
    make_custodians,
    make_notice,
    make_project,
    make_surveyors,
    notice_draft,
)

pytestmark = pytest.mark.anyio


async def sealed_box(prices: tuple[str, ...] = ("24600.00", "26000.00", "27000.00")) -> tuple[MadeNotice, Identity]:
    """A public-money notice with bids, at its deadline; and the supervisor."""
    made = await make_notice(fund_source=FundSource.PUBLIC)
    supervisor = await supervisor_now()
    for agency, price in zip(await make_surveyors(len(prices)), prices, strict=True):
        await bid(agency, made, price)
    return made, supervisor


async def supervisor_now() -> Identity:
    """Somebody of the organisation that keeps the supervisor's newest key."""
    row = await base.row(
        "select organization, made_by from market_custodian_key where role = 'market_supervisor' and ended_at is null"
        " order by id desc limit 1"
    )
    return Identity(row["made_by"], "", row["organization"], "", Role.MARKET_SUPERVISOR)


async def test_public_money_needs_the_client_s_and_the_supervisor_s_key(db: None) -> None:
    project_id, client = await make_project()
    draft = await notice_draft(fund_source=FundSource.PUBLIC)
    written = await services.draft_notice(client, project_id=project_id, draft=draft)
    with pytest.raises(OwnKeyMissing):
        await services.publish_notice(client, notice_id=written.notice_id, version=1)
    pair = sealing.new_custodian_key()
    await services.register_custodian_key(client, public_key=pair.public)
    with pytest.raises(SupervisorKeyMissing):
        await services.publish_notice(client, notice_id=written.notice_id, version=1)
    await make_custodians(client)
    await services.publish_notice(client, notice_id=written.notice_id, version=1)
    shares = await custody.shares_of(written.notice_id)
    assert [share.holder.value for share in shares] == ["client", "supervisor", "escrow"]
    assert not any(share.handed_over for share in shares)


async def test_own_money_stays_with_the_platform(db: None) -> None:
    made = await make_notice()
    assert (await made.row()).custody is Custody.PLATFORM
    assert await custody.shares_of(made.notice_id) == []


async def test_the_server_alone_cannot_open(db: None) -> None:
    """Database, files and platform key together hold one share; the opening waits."""
    made, _ = await sealed_box()
    assert await value_of("select private_key from market_seal where notice = $1", made.notice_id) == b""
    with clock.at(made.deadline):
        assert await services.open_bids(made.notice_id) is False
        assert await services.open_bids(made.notice_id) is False
        row = await made.row()
        assert row.phase is Phase.OPENING
        assert await custody.envelopes_received(made.notice_id) == 3
        held = await base.rows(
            "select holder from market_key_share where notice = $1 and released is not null", made.notice_id
        )
        assert [one["holder"] for one in held] == ["escrow"]
    assert await opened_bids(made.notice_id) == []


async def value_of(sql: str, *args: object) -> object:
    found: object = await base.value(sql, *args)
    return found


async def test_the_client_s_share_opens_all_at_once_with_its_witnesses_on_the_trail(db: None) -> None:
    made, _ = await sealed_box()
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
        done = await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        assert done.opened
        assert (await made.row()).state is NoticeState.OPENED
        assert len(await opened_bids(made.notice_id)) == 3
        await services.select_winner(made.notice_id)
    shares = {share.holder.value: share.handed_over for share in await custody.shares_of(made.notice_id)}
    assert shares == {"client": True, "supervisor": False, "escrow": True}
    acts = await base.rows(
        "select act, organization_id from core_trail_entry where subject = $1 order by id", f"notice:{made.notice_id}"
    )
    told = [(row["act"], row["organization_id"]) for row in acts]
    assert ("share.released", made.client.organization_id) in told
    assert told.index(("share.released", made.client.organization_id)) < [act for act, _ in told].index("notice.opened")


async def test_without_the_client_the_supervisor_opens(db: None) -> None:
    made, supervisor = await sealed_box()
    with clock.at(made.deadline + timedelta(hours=1)):
        await services.open_bids(made.notice_id)
        key = factory.SUPERVISOR_KEY.text
        assert (await services.release_share(supervisor, notice_id=made.notice_id, key=key)).opened


async def test_a_lost_escrow_share_is_survived(db: None) -> None:
    made, supervisor = await sealed_box()
    await base.execute(
        "update market_key_share set sealed = $2 where notice = $1 and holder = 'escrow'", made.notice_id, bytes(73)
    )
    with clock.at(made.deadline):
        assert await services.open_bids(made.notice_id) is False
        first = await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        assert not first.opened
        key = factory.SUPERVISOR_KEY.text
        assert (await services.release_share(supervisor, notice_id=made.notice_id, key=key)).opened


async def test_a_share_does_not_leave_before_the_deadline(db: None) -> None:
    made, _ = await sealed_box()
    with clock.at(made.deadline - timedelta(microseconds=1)), pytest.raises(TooEarlyToOpen):
        await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
    assert not any(share.released_at for share in await custody.shares_of(made.notice_id))


async def test_a_wrong_share_is_refused_and_named(db: None) -> None:
    made, supervisor = await sealed_box()
    with clock.at(made.deadline):
        with pytest.raises(WrongShare) as refused:
            await services.release_share(made.client, notice_id=made.notice_id, key=factory.SUPERVISOR_KEY.text)
        assert "业主" in refused.value.message()
        with pytest.raises(NotAKey):
            await services.release_share(made.client, notice_id=made.notice_id, key="XINSHI-KEY-1-AAAA")
        await swap_share(made.notice_id)
        with pytest.raises(WrongShare) as refused:
            await services.release_share(supervisor, notice_id=made.notice_id, key=factory.SUPERVISOR_KEY.text)
        assert "监督员" in refused.value.message()
    assert not any(share.released_at for share in await custody.shares_of(made.notice_id))


async def swap_share(notice_id: int) -> None:
    """Somebody with the database put another share, sealed to the supervisor's key, in the place of the true one."""
    forged = sealing.seal_share(factory.SUPERVISOR_KEY.public, sealing.Share(2, bytes(32)))
    sql = "update market_key_share set sealed = $2 where notice = $1 and holder = 'supervisor'"
    await base.execute(sql, notice_id, forged)


async def test_a_share_is_handed_over_once_and_by_its_holder_only(db: None) -> None:
    made, supervisor = await sealed_box()
    stranger = await make.member(Role.CLIENT)
    agency = (await make_surveyors(1))[0]
    with clock.at(made.deadline):
        with pytest.raises(ShareGone):
            await services.release_share(stranger, notice_id=made.notice_id, key=client_key(made.client))
        with pytest.raises(Forbidden):
            await services.release_share(agency.member, notice_id=made.notice_id, key=client_key(made.client))
        await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        with pytest.raises(ShareHandedOver):
            await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))
        with pytest.raises(ShareNotNeeded):
            await services.release_share(supervisor, notice_id=made.notice_id, key=factory.SUPERVISOR_KEY.text)


async def test_too_few_bids_stay_closed_for_good_without_any_share(db: None) -> None:
    made, _ = await sealed_box(("24600.00", "26000.00"))
    with clock.at(made.deadline):
        assert await services.open_bids(made.notice_id) is True
    assert (await made.row()).state is NoticeState.FAILED
    assert not any(share.handed_over for share in await custody.shares_of(made.notice_id))
    rows = await base.rows("select state, amount, agency from market_bid where notice = $1", made.notice_id)
    assert {tuple(row) for row in rows} == {("sealed", None, None)}
    with clock.at(made.deadline), pytest.raises(ShareNotNeeded):
        await services.release_share(made.client, notice_id=made.notice_id, key=client_key(made.client))


async def test_nobody_learns_the_number_of_bids_before_the_deadline(db: None) -> None:
    made, _ = await sealed_box()
    assert await custody.envelopes_received(made.notice_id) is None


async def test_custodians_are_told_once_and_see_it_on_their_desk(db: None) -> None:
    made, supervisor = await sealed_box()
    assert await custody.shares_wanted(made.client) == []
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
        await services.open_bids(made.notice_id)
        assert [row.id for row in await custody.shares_wanted(made.client)] == [made.notice_id]
        assert [row.id for row in await custody.shares_wanted(supervisor)] == [made.notice_id]
    told = await base.rows("select account from core_mail where message = 'market/share_wanted'")
    assert sorted(row["account"] for row in told) == sorted([made.client.account_id, supervisor.account_id])


async def test_a_new_key_counts_for_later_notices_and_the_old_one_for_its_own(db: None) -> None:
    made, _ = await sealed_box()
    old = client_key(made.client)
    newer = sealing.new_custodian_key()
    await services.register_custodian_key(made.client, public_key=newer.public)
    with clock.at(made.deadline):
        with pytest.raises(WrongShare):
            await services.release_share(made.client, notice_id=made.notice_id, key=newer.text)
        assert (await services.release_share(made.client, notice_id=made.notice_id, key=old)).opened


async def test_files_of_a_bid_come_out_of_the_envelope_at_the_opening(db: None) -> None:
    made = await make_notice()
    (agency,) = await make_surveyors(1)
    from market.rules.bids import Attachment, Offer

    scan = Attachment("方案.pdf", b"%PDF-1.4\n1 0 obj<</Author(Zhou)>>endobj\ntrailer<</Info 1 0 R>>")
    offer = Offer(Decimal("24600.00"), 8, "方案", attachments=(scan,))
    origin = services.origin_of("10.1.2.3", "Firefox")
    await services.submit_bid(agency.member, notice_id=made.notice_id, offer=offer, origin=origin)
    assert await base.value("select count(*) from core_stored_file where use = 'bid'") == 0
    with clock.at(made.deadline):
        await services.open_bids(made.notice_id)
    row = await base.row(
        "select f.name, f.organization, b.origin, b.contribution from market_bid_attachment t"
        " join core_stored_file f on f.id = t.file join market_bid b on b.id = t.bid"
    )
    assert (row["name"], row["organization"]) == ("方案.pdf", agency.member.organization_id)
    assert row["origin"] == origin
    assert len(row["contribution"]) == 64


async def test_a_platform_key_of_another_machine_opens_nothing(db: None) -> None:
    made = await make_notice()
    wrapped = await value_of("select private_key from market_seal where notice = $1", made.notice_id)
    assert isinstance(wrapped, bytes)
    assert len(sealing.unwrap(secret("seal"), wrapped)) == 32
