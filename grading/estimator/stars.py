"""Client stars as one capped witness: one client, one voice, and all together at most one fresh expert mark.

    value = μ + slope · (mean of the clients' means − centre)

`slope` says how many points of expert marks one star is worth; it is learnt from the agencies that have both, never
negative, and published with the table. A hundred friendly clients still weigh one mark.
"""

from dataclasses import dataclass

import numpy as np

from grading.estimator.constants import Constants
from grading.estimator.field import Field
from grading.estimator.marks import Codes, Ints, Reals, totals
from grading.estimator.weighing import Witness

VOICE = 0.20
"""Weight of one client's voice in fresh expert marks (published with the calibration table)."""
LEAST_AGENCIES = 20
"""With fewer agencies that have stars and marks nothing is learnt, and stars say nothing."""


@dataclass(frozen=True, slots=True)
class StarScale:
    """How stars become points: `field level + slope·(mean star − centre)`, each voice of weight `voice`."""

    centre: float
    slope: float
    voice: float = VOICE


@dataclass(frozen=True, slots=True)
class Voices:
    """One voice per agency and client: mean star and the age of its latest word in months, sorted by agency."""

    starts: Ints
    level: Reals
    age: Reals


def voices(agency: Ints, client: Codes, stars: Reals, age: Reals, agencies: int) -> Voices:
    """The voices of rows with stars and a client; a star of nobody knows whose is none."""
    told = np.isfinite(stars) & (client >= 0)
    owner, who, said, since = agency[told], client[told].astype(np.int64), stars[told], age[told]
    if not len(owner):
        return Voices(np.zeros(agencies + 1, np.int64), np.zeros(0), np.zeros(0))
    span = int(who.max()) + 1
    key, group = np.unique(owner * span + who, return_inverse=True)
    level = np.bincount(group, said) / np.bincount(group)
    latest = np.full(len(key), np.inf)
    np.minimum.at(latest, group, since)
    return Voices(np.searchsorted(key // span, np.arange(agencies + 1)).astype(np.int64), level, latest)


def learn_stars(star_mean: Reals, mark_mean: Reals, marks: Ints) -> StarScale:
    """The scale from agencies' mean stars and mean corrected marks, weighted by their number of marks.

    The regression of marks on stars already takes off what noise in the stars would add.
    """
    if len(star_mean) < LEAST_AGENCIES or float(np.ptp(star_mean)) == 0.0:
        return StarScale(float(star_mean.mean()) if len(star_mean) else 0.0, 0.0)
    weight = np.minimum(marks, 10).astype(float)
    centre = float(np.average(star_mean, weights=weight))
    apart = star_mean - centre
    level = mark_mean - np.average(mark_mean, weights=weight)
    slope = float((weight * apart * level).sum() / (weight * apart**2).sum())
    return StarScale(centre, max(0.0, slope))


def hear(said: Voices, scale: StarScale, field: Field, constants: Constants) -> Witness:
    """The witness of each agency; weight 0 where nobody spoke. The value never leaves 0 to 100."""
    weight = scale.voice * np.exp2(said.age / -field.half_life(constants))
    total = totals(weight, said.starts)
    mean = totals(weight * said.level, said.starts) / np.maximum(total, 1e-300)
    value = np.clip(field.level + scale.slope * (mean - scale.centre), 0.0, 100.0)
    heard = (total > 0) & (scale.slope > 0)
    return Witness(np.where(heard, value, 0.0), np.where(heard, np.minimum(total, constants.stars_weight), 0.0))
