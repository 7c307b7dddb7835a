"""What programs send. Amounts may be text or numbers; `market.forms` judges them as typed text."""

import msgspec

Amount = str | int | float


class ProjectBody(msgspec.Struct):
    """A project. `investment` in yuan with at most two decimals; `version` when revising."""

    title: str = ""
    location: str = ""
    description: str = ""
    investment: Amount = ""
    fund_source: str = ""
    version: int | None = None


class NoticeBody(msgspec.Struct):
    """A notice. `deadline` is local time in Shanghai, or carries its own offset."""

    item_code: str = ""
    method: str = ""
    fund_source: str = ""
    scale: str = ""
    requirements: str = ""
    payment_terms: str = ""
    ceiling: Amount = ""
    days_limit: Amount = ""
    deadline: str = ""
    floor: Amount | None = None
    agency_id: int | None = None
    reason: str = ""
    risk_acknowledged: bool = False
    short_list: int | None = None
    criteria: list[dict[str, Amount]] = []
    price_weight: int | None = None
    outside_source: str = ""
    project_id: int | None = None
    version: int | None = None


class VersionBody(msgspec.Struct):
    """The version of the notice that the caller read."""

    version: int


class ReasonBody(msgspec.Struct):
    """A reason, in words that will be public."""

    reason: str


class RepostBody(msgspec.Struct):
    """The new deadline of a notice that is posted again."""

    deadline: str


class OfferBody(msgspec.Struct):
    """An offer. Price in yuan, left out for a random draw; `honest` is the commitment."""

    days: Amount = ""
    proposal: str = ""
    honest: bool = False
    amount: Amount = ""
