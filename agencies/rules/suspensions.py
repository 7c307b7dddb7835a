"""Suspension (暂停): an interim measure of the market supervisor, with a reason, until lifted. It is not a penalty."""

from core.errors import Conflict
from core.i18n import N_

TRAIL_TITLES: dict[str, str] = {"agency.suspended": N_("暂停机构业务"), "agency.resumed": N_("恢复机构业务")}
OPEN_ACTS = ("agency.suspended", "agency.resumed")


class AgencySuspended(Conflict):
    """The agency may not be paid by the platform now."""

    code = "agency-suspended"
    text = N_("“%(name)s”自 %(since)s 起被暂停业务，原因：%(reason)s。恢复之前平台不向其划付，款项留在托管中。")


class SuspendedAlready(Conflict):
    """One suspension at a time."""

    code = "agency-suspended-already"
    text = N_("这家机构已处于暂停状态，不必重复办理。")


class NotSuspended(Conflict):
    """There is nothing to lift."""

    code = "agency-not-suspended"
    text = N_("这家机构没有处于暂停状态，可能已由同事恢复。请刷新页面。")
