"""Who keeps the opening key of a notice: the platform alone, or three custodians of whom two are needed.

A custodian (a client, the market supervisor) has a key of its own; only the public half is stored. When a
notice of public money is published, its opening key is split, each share sealed to its holder, and the key
itself forgotten. From the deadline on, and not before, custodians hand their shares over.
"""

from dataclasses import dataclass
from typing import Any

from nacl.exceptions import CryptoError

from core import clock, db, mail, trail
from core.db import transaction
from core.errors import Conflict, Message, NotFound, Rejected
from core.i18n import N_
from core.identity import SYSTEM, Identity, Permission, Role
from core.keys import secret
from market import sealing
from market.queries.notices import NoticeRow
from market.rules import draw
from market.rules.editions import Custody
from market.sealing import Holder
from market.services.cases import letter
from market.tables import CustodianKey, KeyShare, Seal


class OwnKeyMissing(Rejected):
    """The client has no custodian key yet."""

    code = "custodian-key-missing"
    text = N_("财政资金公告的开启密钥由业主、监督员和平台三方分持。请先在“开启密钥”页生成本单位的密钥，再发布。")


class SupervisorKeyMissing(Rejected):
    """No market supervisor keeps keys here yet."""

    code = "supervisor-key-missing"
    text = N_("监督员还没有登记保管密钥，财政资金公告暂时不能发布。请联系市场监督员在“开启密钥”页登记。")


class NotAKey(Rejected):
    """The text is not a custodian key, or it was mistyped."""

    code = "not-a-custodian-key"
    text = N_("这不是完整的开启密钥（应以 XINSHI-KEY-1 开头，末尾自带校验）。请从保存的文件里整段复制。")


class WrongShare(Rejected):
    """The share that came out is not the one that was sealed to this holder."""

    code = "wrong-share"
    text = N_("密钥与%(holder)s持有的份额不符：它打不开这份公告的份额。请用发布公告时登记的那一把密钥。")


class ShareGone(NotFound):
    """The reader keeps no share of this notice."""

    code = "share-not-found"
    text = N_("本单位没有持有这份公告的开启密钥份额。")


class ShareHandedOver(Conflict):
    """It was handed over before."""

    code = "share-handed-over"
    text = N_("本单位的份额已经交出，不必再交。")


class ShareNotNeeded(Conflict):
    """The notice was opened with other shares, or ended with its envelopes closed."""

    code = "share-not-needed"
    text = N_("这份公告已经开启或结束，不再需要份额。")


class TooEarlyToOpen(Conflict):
    """The deadline has not come."""

    code = "too-early-to-open"
    text = N_("截止时间 %(deadline)s 还没到，份额不能提前交出。")


HOLDER_NAMES = {
    Holder.CLIENT: N_("业主"),
    Holder.SUPERVISOR: N_("监督员"),
    Holder.ESCROW: N_("平台托管"),
}


@dataclass(frozen=True)
class CustodianReceipt:
    """That a public key is on record for an organisation."""

    public_key: str


async def register_custodian_key(actor: Identity, *, public_key: bytes) -> CustodianReceipt:
    """Put a custodian's public key on record; it counts for notices published from now on.

    An earlier key ends; shares sealed to it still need it. Raises `NotAKey` for anything but 32 bytes.
    """
    actor.require(Permission.KEEP_OPENING_KEY)
    if len(public_key) != 32:
        raise NotAKey
    async with transaction():
        now = clock.now()
        await db.execute(
            "update market_custodian_key set ended_at = $3 where organization = $1 and role = $2 and ended_at is null",
            actor.organization_id,
            actor.role.value,
            now,
        )
        known = await db.value("select exists (select from market_custodian_key where public_key = $1)", public_key)
        if known:
            raise NotAKey
        await CustodianKey.insert(
            CustodianKey(
                organization=actor.organization_id,
                role=actor.role.value,
                public_key=public_key,
                made_by=actor.account_id,
                made_at=now,
            )
        )
        receipt = CustodianReceipt(public_key.hex())
        subject = f"organization:{actor.organization_id}"
        await trail.record(actor, "custodian.registered", subject, after={"public_key": receipt.public_key})
    return receipt


async def prepare_keys(notice: NoticeRow) -> dict[str, Any]:
    """Make the keys of a notice that is being published; the part of them that is public.

    Raises `OwnKeyMissing`, `SupervisorKeyMissing` when the rules ask for joint custody.
    """
    pair, hidden = sealing.new_key_pair(), sealing.new_secret()
    commitment = draw.commit_to(hidden)
    platform = secret("seal")
    joint = notice.custody is Custody.JOINT
    await Seal.insert(
        Seal(
            notice=notice.id,
            algorithm=sealing.ALGORITHM,
            public_key=pair.public,
            wrapping=sealing.SHARED if joint else sealing.WRAPPING,
            private_key=b"" if joint else sealing.wrap(platform, pair.private),
            draw_format=notice.law.draw_format,
            draw_commitment=commitment,
            draw_secret=sealing.wrap(platform, bytes.fromhex(hidden)),
        )
    )
    shares = await _split_among(notice, pair.private) if joint else {}
    return {
        "public_key": pair.public.hex(),
        "draw_commitment": commitment,
        "custody": notice.custody.value,
        **({"shares": shares} if shares else {}),
    }


async def _split_among(notice: NoticeRow, private: bytes) -> dict[str, str]:
    rule = notice.law.custody
    holders = await _holders(notice)
    shares = sealing.split(private, needed=rule.needed, holders=rule.holders)
    commitments = {}
    for share, (holder, key) in zip(shares, holders.items(), strict=True):
        commitments[holder.value] = share.commitment(notice.id)
        plain = bytes([share.number]) + share.value
        sealed = sealing.seal_share(key["public_key"], share) if key else sealing.wrap(secret("seal"), plain)
        await KeyShare.insert(
            KeyShare(
                notice=notice.id,
                holder=holder.value,
                number=share.number,
                custodian_key=key["id"] if key else None,
                sealed=sealed,
                commitment=commitments[holder.value],
            )
        )
    return commitments


async def _holders(notice: NoticeRow) -> dict[Holder, Any]:
    """Whose share is sealed to which key; the escrow's is the platform's own (None)."""
    keys = "select id, public_key from market_custodian_key where ended_at is null and role = $1"
    newest = " order by id desc limit 1"
    own = await db.row(keys + " and organization = $2" + newest, Role.CLIENT.value, notice.client_id)
    if own is None:
        raise OwnKeyMissing
    supervisor = await db.row(keys + newest, Role.MARKET_SUPERVISOR.value)
    if supervisor is None:
        raise SupervisorKeyMissing
    return {Holder.CLIENT: own, Holder.SUPERVISOR: supervisor, Holder.ESCROW: None}


async def opening_key(notice: NoticeRow) -> bytes | None:
    """The private key of a notice whose deadline has come, or None while shares are missing.

    Under joint custody the escrow's share is handed over now, and the other custodians are told once.
    """
    if notice.custody is Custody.PLATFORM:
        wrapped = await db.value("select private_key from market_seal where notice = $1", notice.id)
        return sealing.unwrap(secret("seal"), wrapped)
    await _hand_over_escrow(notice)
    return await _combined(notice)


async def _hand_over_escrow(notice: NoticeRow) -> None:
    """The platform's own share, once. One that the platform's key no longer opens is lost, and survived."""
    row = await db.row(
        "select id, sealed, commitment from market_key_share"
        " where notice = $1 and holder = 'escrow' and released_at is null for update",
        notice.id,
    )
    if row is None:
        return
    try:
        plain = sealing.unwrap(secret("seal"), row["sealed"])
    except CryptoError:
        await db.execute("update market_key_share set released_at = $2 where id = $1", row["id"], clock.now())
        await trail.record(SYSTEM, "share.lost", notice.subject, after={"holder": "escrow"}, threads=notice.threads)
    else:
        await keep_share(SYSTEM, notice, row["id"], Holder.ESCROW, sealing.Share(plain[0], plain[1:]))
    for organization in await _waiting_custodians(notice.id):
        await mail.send(to_organization=organization, message="market/share_wanted", context=letter(notice))


async def _waiting_custodians(notice_id: int) -> list[int]:
    found = await db.rows(
        """select c.organization from market_key_share k join market_custodian_key c on c.id = k.custodian_key
            where k.notice = $1 and k.released_at is null order by k.number""",
        notice_id,
    )
    return [row["organization"] for row in found]


async def keep_share(actor: Identity, notice: NoticeRow, share_id: int, holder: Holder, share: sealing.Share) -> None:
    """Note a share as handed over, wrapped by the platform's key until the opening, with its witness on the trail.

    Raises `WrongShare` when it is not the one whose fingerprint was published.
    """
    commitment = await db.value("select commitment from market_key_share where id = $1", share_id)
    if share.commitment(notice.id) != commitment:
        raise WrongShare(holder=Message(HOLDER_NAMES[holder]))
    await db.execute(
        "update market_key_share set released = $2, released_at = $3 where id = $1",
        share_id,
        sealing.wrap(secret("seal"), bytes([share.number]) + share.value),
        clock.now(),
    )
    await trail.record(
        actor,
        "share.released",
        notice.subject,
        after={"holder": holder.value, "commitment": commitment},
        threads=notice.threads,
    )


async def _combined(notice: NoticeRow) -> bytes | None:
    found = await db.rows(
        "select released from market_key_share where notice = $1 and released is not null order by number", notice.id
    )
    if len(found) < notice.law.custody.needed:
        return None
    plains = [sealing.unwrap(secret("seal"), row["released"]) for row in found]
    private = sealing.combine([sealing.Share(plain[0], plain[1:]) for plain in plains])
    if sealing.public_of(private) != notice.public_key:
        raise RuntimeError(f"the shares of notice {notice.id} do not give its key")
    return private
