"""What contracts asks of the floor above it; `app.wire()` names who answers."""

from collections.abc import Mapping

from agencies.rules import Profession
from core.handover import Inquiry

LIVE_POINTS: Inquiry[[int, Profession], int] = Inquiry("contracts.live-points")
"""The conduct points of an agency in a profession that are alive today."""
COMPONENTS: Inquiry[[], Mapping[int, int]] = Inquiry("contracts.reviewer-components")
"""Which reviewers (by id) the published table has compared with which: those of one number are connected already."""
