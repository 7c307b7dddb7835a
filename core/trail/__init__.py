"""The trail (全程留痕): every act leaves an entry, every entry gets a place in a public, signed log.

Life of an entry: recorded with its act → placed behind the commit watermark → covered by a signed
checkpoint within 60 seconds → provable to anybody, for ever.

Entry 留痕记录, checkpoint 检查点, proof 证明, veil 密封身份.
"""

from core.trail.format import Veil
from core.trail.queries import latest_checkpoint
from core.trail.recording import actor_facts, record
from core.trail.registry import Openness, name_acts, open_acts
from core.trail.sequencer import publish

__all__ = [
    "Openness",
    "Veil",
    "actor_facts",
    "latest_checkpoint",
    "name_acts",
    "open_acts",
    "publish",
    "record",
]
