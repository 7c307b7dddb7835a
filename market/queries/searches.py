"""Reads of saved searches; each only for its owner."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from core import db
from core.identity import Identity
from market.rules.searches import Frequency


@dataclass(frozen=True)
class SearchRow:
    """A saved search of the reader."""

    id: int
    name: str
    query: str
    item: str
    profession: str
    method: str
    fund: str
    frequency: Frequency
    created_at: datetime
    hits: int

    @property
    def board_query(self) -> str:
        """The query of the notice board that shows the same."""
        asked = {
            "q": self.query,
            "item": self.item,
            "profession": self.profession,
            "method": self.method,
            "fund": self.fund,
        }
        return urlencode({name: text for name, text in asked.items() if text})


async def my_searches(identity: Identity) -> list[SearchRow]:
    """The reader's running searches, newest first, with the number of notices each has found."""
    found = await db.rows(
        """select s.id, s.name, s.query, s.item, s.profession, s.method, s.fund, s.frequency, s.created_at,
                  (select count(*) from market_search_hit h where h.search = s.id) as hits
             from market_saved_search s where s.account = $1 and s.ended_at is null order by s.id desc""",
        identity.account_id,
    )
    return [SearchRow(**dict(row) | {"frequency": Frequency(row["frequency"])}) for row in found]
