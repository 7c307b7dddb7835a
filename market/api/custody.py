"""Opening keys for programs."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody

from core import web
from core.forms import Form
from core.identity import Permission
from market import services
from market.api.bodies import PublicKeyBody, ShareBody
from market.api.shapes import moment_text
from market.forms import parse_public_key, parse_share_key
from market.queries import custody, notices
from market.rules.notices import NoticeState

AnyRequest = Request[Any, Any, Any]
KEEPER = [web.requires(Permission.KEEP_OPENING_KEY)]


@post("/opening-keys", name="api:opening-key-register", guards=KEEPER)
async def register_key(request: AnyRequest, data: JSONBody[PublicKeyBody]) -> Response[Any]:
    """Register a custodian's public key; the private half stays where it was made."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.CustodianReceipt:
        return await services.register_custodian_key(identity, public_key=parse_public_key(form))

    return await web.api_act(request, data, do, lambda receipt: {"public_key": receipt.public_key})


@post("/notices/{notice_id:int}/shares", name="api:share-release", guards=KEEPER)
async def release_share(request: AnyRequest, notice_id: FromPath[int], data: JSONBody[ShareBody]) -> Response[Any]:
    """Hand over the caller's share after the deadline."""
    identity = await web.identity_of(request)

    async def do(form: Form) -> services.ShareReceipt:
        return await services.release_share(identity, notice_id=notice_id, key=parse_share_key(form))

    return await web.api_act(
        request, data, do, lambda done: {"notice_id": done.notice_id, "holder": done.holder, "opened": done.opened}
    )


@get("/notices/{notice_id:int}/shares", name="api:shares", opt=web.public)
async def list_shares(request: AnyRequest, notice_id: FromPath[int]) -> dict[str, Any]:
    """Who keeps a share, its public fingerprint, when it was handed over, and until when an opening can wait."""
    row = await notices.notice(notice_id, await web.who(request))
    shares = [
        {
            "holder": share.holder.value,
            "organization_zh": share.organization_zh,
            "commitment": share.commitment,
            "handed_over": share.handed_over,
            "released_at": moment_text(share.released_at),
        }
        for share in await custody.shares_of(notice_id)
    ]
    until = await custody.open_until(row) if shares and row.state is NoticeState.PUBLISHED else None
    return {"items": shares, "next": None, "open_until": moment_text(until)}


HANDLERS = [register_key, release_share, list_shares]
