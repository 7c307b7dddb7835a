"""One search over the packages: service items, agencies, notices."""

from dataclasses import dataclass
from enum import StrEnum

import agencies.queries
import market.queries
from core.i18n import _, loc
from core.web.pages import url_for


class Scope(StrEnum):
    """Where to look; the order is the order of the page."""

    ITEMS = "items"
    AGENCIES = "agencies"
    NOTICES = "notices"


@dataclass(frozen=True)
class Hit:
    """One thing found. `grades` are (profession, grade) pairs, for agencies only."""

    title: str
    note: str
    href: str
    grades: tuple[tuple[str, str], ...] = ()


async def search(text: str, within: Scope | None = None) -> dict[Scope, list[Hit]]:
    """Everything public that holds every piece of `text`, by scope; nothing for an empty text."""
    wanted = set(Scope) if within is None else {within}
    found: dict[Scope, list[Hit]] = {scope: [] for scope in Scope if scope in wanted}
    if not text.strip():
        return found
    if wanted & {Scope.ITEMS, Scope.NOTICES}:
        for scope, hits in (await _market(text)).items():
            found |= {scope: hits} if scope in wanted else {}
    if Scope.AGENCIES in wanted:
        found[Scope.AGENCIES] = await _agencies(text)
    return found


async def _market(text: str) -> dict[Scope, list[Hit]]:
    hits = await market.queries.search(text)
    kinds = {_("服务事项"): Scope.ITEMS, _("采购公告"): Scope.NOTICES}
    found: dict[Scope, list[Hit]] = {Scope.ITEMS: [], Scope.NOTICES: []}
    for hit in hits:
        found[kinds[hit.kind]].append(Hit(hit.title, hit.note, hit.href))
    return found


async def _agencies(text: str) -> list[Hit]:
    return [
        Hit(
            loc(hit, "name"),
            f"{hit.uscc}　{loc(hit, 'region')}",
            url_for("agencies:storefront", agency_id=hit.agency_id),
            hit.grades,
        )
        for hit in await agencies.queries.search(text)
    ]
