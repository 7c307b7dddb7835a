"""One line of somebody's desk: what waits, for whom, by when."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DeskItem:
    """A matter that waits.

    `due_at` and `since` are UTC moments; `allowed_wd` counts working days. `mine` is False when it
    is somebody else's turn: such lines stay visible at the end of the desk.
    """

    kind: str
    title: str
    note: str
    href: str
    due_at: datetime | None
    since: datetime
    allowed_wd: int | None
    button: str
    mine: bool = True
