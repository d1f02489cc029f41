"""What n paired seeds can show: power of the paired t test, the smallest difference, the number of seeds needed."""

from __future__ import annotations

import functools
import math

import scipy.optimize
import scipy.stats

MOST_SEEDS = 10_000  # beyond this, the number of seeds only means "no"


@functools.lru_cache(maxsize=4096)
def power(difference: float, std: float, n: int, alpha: float = 0.05) -> float:
    """P(|T| > t(1 - alpha / 2, n - 1)) for T noncentral t with n - 1 degrees, noncentrality sqrt(n) difference / std.

    Of the two-sided paired t test at `alpha`; std: of the paired differences, percentage points (as `difference`).
    Cohen 1988, Statistical Power Analysis, chapter 2. NaN without two pairs or without a spread.
    """
    if n < 2 or not std > 0:
        return math.nan
    limit = scipy.stats.t.isf(alpha / 2, n - 1)
    shift = math.sqrt(n) * abs(difference) / std
    # the lower tail as the mirrored upper one: nct.cdf is NaN far out
    return float(scipy.stats.nct.sf(limit, n - 1, shift) + scipy.stats.nct.sf(limit, n - 1, -shift))


def smallest_difference(std: float, n: int, target: float = 0.8, alpha: float = 0.05) -> float:
    """The true difference that n pairs show with probability `target`; below it, "no difference shown" means little.

    The std of the paired differences is taken as known; estimated from 3 pairs it is off by up to a factor of two.
    """
    if n < 2 or not std > 0:
        return math.nan
    return float(std * _smallest_effect(n, target, alpha))


@functools.lru_cache(maxsize=4096)
def _smallest_effect(n: int, target: float, alpha: float) -> float:
    """In units of the standard deviation."""
    enough = 2 * (scipy.stats.t.isf(alpha / 2, n - 1) + scipy.stats.t.isf((1 - target) / 4, n - 1)) / math.sqrt(n)
    return float(scipy.optimize.brentq(lambda effect: power(effect, 1.0, n, alpha) - target, 0.0, enough))


def seeds_needed(std: float, difference: float, target: float = 0.8, alpha: float = 0.05) -> int | None:
    """The smallest n whose power for `difference` reaches `target`; None: no spread, no difference, above 10,000."""
    if not std > 0 or not abs(difference) > 0 or math.isinf(difference):
        return None

    def enough(n: int) -> bool:
        return power(abs(difference) / std, 1.0, n, alpha) >= target

    if not enough(MOST_SEEDS):
        return None
    low, high = 1, MOST_SEEDS  # power grows with n: bisect, low being too few
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
