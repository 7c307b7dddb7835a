"""The market on stage: everything a play needs to know, in one place."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core import clock
from core.identity import Identity
from market.queries import ItemRow
from market.rules.notices import SelectionMethod
from payments.stripe_double.stage import StripeStage
from portal.demo.chances import Chances
from portal.demo.people import Buyer, People, Player
from portal.demo.roster import DemoAgency, Roster, Scale
from portal.demo.stage import Process, Stage
from portal.demo.world import Diary


@dataclass
class DemoMarket:
    """One market being played."""

    chances: Chances
    scale: Scale
    roster: Roster
    stage: Stage
    diary: Diary
    people: People
    items: dict[str, ItemRow]
    begins_at: datetime
    away_from: datetime
    commissions: int = 0
    last_payable: int = 0
    scenes: int = 0
    stripe: StripeStage | None = None
    paid_online: int = 0
    fees_online: int = 0
    projects: dict[str, list[int]] = field(default_factory=dict)
    called: set[int] = field(default_factory=set)

    @property
    def ends_at(self) -> datetime:
        """When the curtain falls."""
        return self.stage.until

    def turn(self, who: Identity, moment: datetime) -> datetime:
        """When somebody acts who would do so at `moment`.

        The people of the sign-ins have been away for the last days, so that their desks are full.
        """
        away = who.account_id in self.people.guests and moment > self.away_from
        return self.ends_at + timedelta(days=1) if away else moment

    def chance(self, *purpose: object) -> random.Random:
        """The stream of chance of a purpose."""
        return self.chances.of(*purpose)

    def enter(self, process: Process, at: datetime) -> None:
        """Let a process begin at a moment."""
        self.stage.enter(process, at)


@dataclass
class Need:
    """What a client wants done; `value` is what the work is worth in yuan."""

    number: int
    buyer: Buyer
    item: ItemRow
    value: float
    days: int
    method: SelectionMethod
    stream: random.Random


@dataclass
class Job:
    """A commission that has found its agency."""

    number: int
    item: ItemRow
    title: str
    buyer: Buyer
    player: Player
    contract_id: int
    days: int
    stream: random.Random
    mark: float = 0.0
    on_time: bool = True

    @property
    def agency(self) -> DemoAgency:
        """The agency as it is today."""
        return self.player.agency.on(clock.today())
