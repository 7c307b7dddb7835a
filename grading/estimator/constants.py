"""Every number the estimator uses, with its meaning, its unit and where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constants:
    """Published constants of one scheme. Points are of 0 to 100, ages in months of 30.4375 days.

    half_life_months     a mark counts half after so long, before it is learnt how agencies move (scheme, `estimator`)
    half_life_least, half_life_most
                         bounds of the learnt half-life; both equal: it is not learnt (scheme; decision 0017)
    window_months        older marks teach nothing and count nothing (scheme)
    allowance            square points added to every variance while it is not known how agencies move (scheme)
    robust_at            a mark further than so many standard deviations of one mark counts less (Huber; scheme)
    reviewer_share       no reviewer holds more of the weight (scheme)
    client_share         no client holds more of the weight (scheme)
    severity_limit       a correction is never larger; a reviewer beyond it is paused (scheme)
    consistency_limit    no mark counts for more than so many of an average reviewer, or less than one in so many;
                         1: all count alike (scheme; decision 0018)
    up_at, down_at       probability needed for a step up or down (scheme)
    firm_at              probability of the band at which a grade is firm (scheme)
    alarm_slack          CUSUM: drift that is forgiven, in standard deviations a mark (scheme)
    alarm_limit          CUSUM: sum at which the alarm sounds, in standard deviations (scheme)
    stars_weight         all client stars together never weigh more than so many fresh expert marks (scheme)
    stars_effect         nor do they move a score by more than so many points (platform rule)
    bands                lower edges of B... in points: (C, B, A) (scheme)
    least_results, least_reviewers, least_clients, least_reliability
                         below any of them: not rated, N (scheme, `not_rated`)
    a_results, a_clients what A asks beyond the score, as far as marks can show it (scheme, `gates.A`)
    d_results            no D on fewer results than this (scheme, `gates`)
    """

    half_life_months: float = 12.0
    half_life_least: float = 3.0
    half_life_most: float = 60.0
    window_months: int = 36
    allowance: float = 5.0
    robust_at: float = 2.0
    reviewer_share: float = 0.25
    client_share: float = 0.40
    severity_limit: float = 12.0
    consistency_limit: float = 2.0
    up_at: float = 0.80
    down_at: float = 0.65
    firm_at: float = 0.80
    alarm_slack: float = 0.5
    alarm_limit: float = 4.0
    stars_weight: float = 1.0
    stars_effect: float = 0.5
    bands: tuple[float, float, float] = (60.0, 70.0, 90.0)
    least_results: int = 5
    least_reviewers: int = 3
    least_clients: int = 2
    least_reliability: float = 0.70
    a_results: int = 5
    a_clients: int = 3
    d_results: int = 3


DEFAULTS = Constants()
"""The published defaults, XT-2026.1. A test holds them against the scheme file."""

ERROR_BEFORE, BETWEEN_BEFORE, LEVEL_BEFORE = 36.0, 36.0, 75.0
"""Variances (square points) and level (points) announced before anything is learnt (scheme: λ = 1, μ = 75)."""

BELIEF = 4.0
"""The announced error variance counts as so many degrees of freedom: it decides alone where marks cannot, and is
outweighed by the first hundred."""

REST, REST_SHARE = 0.4, 0.1
"""Square points, and a share of the variance, left for what even the learnt variances leave out: an error in the
severities that all reviewers of one agency share, and the error of the variances themselves. Simulated markets: the
80 % interval then covers 76 to 83 %, whatever the drift and the number of marks."""

DAYS_PER_MONTH = 365.25 / 12
"""Mean length of a month: the age of a mark is counted in these."""

Z80 = 1.2815515655446004
"""Half width of the two-sided 80 % interval of the normal distribution, in standard deviations."""
