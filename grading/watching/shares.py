"""The interval of a share."""

from math import sqrt

Z80 = 1.2815515655446004


def wilson(k: int, n: int, z: float = Z80) -> tuple[float, float]:
    """Wilson's interval of a share k of n, 80 % by default; (0, 1) without data."""
    if not n:
        return 0.0, 1.0
    p, square = k / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    reach = z / (1 + square / n) * sqrt(p * (1 - p) / n + square / (4 * n * n))
    return centre - reach, centre + reach
