"""Opening keys: a custodian's own key, and handing a share over when the deadline has come."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from core import web
from core.forms import Form
from core.i18n import _
from core.identity import Permission
from market import sealing, services
from market.forms import parse_public_key, parse_share_key
from market.queries import custody, notices
from market.rules.notices import PHASES, Phase
from market.services.custody import HOLDER_NAMES, ShareGone

AnyRequest = Request[Any, Any, Any]
KEEPER = [web.requires(Permission.KEEP_OPENING_KEY)]


@get("/my/opening-key", name="market:opening-key", guards=KEEPER)
async def opening_key(request: AnyRequest) -> Response[Any]:
    """The key on record, how shares work, and which notices wait."""
    return await _key_page(request)


async def _key_page(request: AnyRequest, form: web.FormState | None = None, made: str = "") -> Response[Any]:
    identity = await web.identity_of(request)
    return await web.page(
        request,
        "market/opening_key.html",
        form=form,
        own=await custody.own_key(identity),
        waiting=await custody.shares_wanted(identity),
        made=made,
    )


@post("/my/opening-key", name="market:opening-key-make", guards=KEEPER)
async def make_key(request: AnyRequest) -> Response[Any]:
    """Make a key here and show its private half, once. Not replayed: the reply is nowhere kept."""
    identity = await web.identity_of(request)
    pair = sealing.new_custodian_key()

    async def do(_form: Form) -> services.CustodianReceipt:
        return await services.register_custodian_key(identity, public_key=pair.public)

    async def done(_receipt: services.CustodianReceipt) -> Response[Any]:
        return await _key_page(request, made=pair.text)

    return await web.act(request, do, done, lambda form: _key_page(request, form), once=False)


@post("/my/opening-key/public", name="market:opening-key-register", guards=KEEPER)
async def register_key(request: AnyRequest) -> Response[Any]:
    """Register the public half of a key that was made elsewhere (`xinshi custody new-key`)."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.CustodianReceipt:
        return await services.register_custodian_key(identity, public_key=parse_public_key(form))

    def done(_receipt: services.CustodianReceipt) -> Response[None]:
        return web.redirect("market:opening-key", say=_("公钥已登记，从现在起发布的公告用它封存份额。"))

    return await web.act(request, do, done, lambda form: _key_page(request, form))


@get("/notices/{notice_id:int}/share", name="market:share", guards=KEEPER)
async def share_page(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Hand over the share of one notice."""
    return await _share_page(request, notice_id)


async def _share_page(request: AnyRequest, notice_id: int, form: web.FormState | None = None) -> Response[Any]:
    identity = await web.identity_of(request)
    row = await notices.notice(notice_id, identity)
    shares = await custody.shares_of(notice_id)
    own = [share for share in shares if share.organization_id == identity.organization_id]
    if not own:
        raise ShareGone
    return await web.page(
        request,
        "market/share.html",
        form=form,
        row=row,
        shares=shares,
        mine=own[0],
        holders=HOLDER_NAMES,
        needed=row.law.custody.needed,
        may=row.phase is Phase.OPENING and not any(share.released_at for share in own),
        received=await custody.envelopes_received(notice_id),
        open_until=await custody.open_until(row),
        phases=PHASES,
    )


@post("/notices/{notice_id:int}/share", name="market:share-release", guards=KEEPER)
async def release_share(request: AnyRequest, notice_id: FromPath[int]) -> Response[Any]:
    """Unseal the share with one's key; with the last one needed all bids open."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ShareReceipt:
        return await services.release_share(identity, notice_id=notice_id, key=parse_share_key(form))

    def done(receipt: services.ShareReceipt) -> Response[None]:
        if receipt.opened:
            return web.redirect("market:notice-detail", notice_id=notice_id, say=_("份额已交出，全部报价已一起开启。"))
        return web.redirect("market:share", notice_id=notice_id, say=_("份额已交出，还差另一位保管人。"))

    return await web.act(request, do, done, lambda form: _share_page(request, notice_id, form))


HANDLERS = [opening_key, make_key, register_key, share_page, release_share]
