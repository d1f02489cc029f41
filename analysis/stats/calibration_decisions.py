"""Thousands of simulated ablations decided at once: what `decision.decide` does to one claim, as arrays.

Differences are in units of their own standard deviation over seeds. An array of them is (ablations, claims, seeds).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

from analysis.stats.decision import ALPHA, FEWEST_PAIRS
from analysis.stats.sequential import level_table, sequential_p

Draw = Callable[[np.random.Generator, tuple[int, int, int]], np.ndarray]


def _normal(rng: np.random.Generator, size: tuple[int, int, int]) -> np.ndarray:
    """Half of each variance is the baseline's, which all claims of an ablation share."""
    return (rng.standard_normal(size) - rng.standard_normal((size[0], 1, size[2]))) / math.sqrt(2)


def _lognormal(rng: np.random.Generator, size: tuple[int, int, int]) -> np.ndarray:
    sigma = 0.25
    scale = math.exp(sigma**2 / 2) * math.sqrt(math.exp(sigma**2) - 1)
    return (rng.lognormal(0, sigma, size) - math.exp(sigma**2 / 2)) / scale


SHAPES: Mapping[str, Draw] = {
    "normal, one baseline": _normal,
    "heavy-tailed (t, 3 degrees)": lambda rng, size: rng.standard_t(3, size) / math.sqrt(3),
    "skewness 0.8 (lognormal)": _lognormal,
    "skewness 2 (exponential)": lambda rng, size: rng.exponential(1.0, size) - 1,
}


@dataclass(frozen=True)
class Decided:
    """(ablations, claims) each. sign: 0 where it is not decided; low, high: of the interval; seeds: when it stopped."""

    sign: np.ndarray
    equivalent: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: np.ndarray

    @property
    def runs(self) -> float:
        """Mean number of runs per ablation; the baseline runs as long as any variant."""
        return float((self.seeds.sum(1) + self.seeds.max(1)).mean())

    def false(self, effects: np.ndarray, margin: float = math.nan) -> float:
        """Share of ablations with any false decision: a sign without an effect, the wrong sign, or equivalence of an
        effect as large as the margin.
        """
        wrong = (self.sign != 0) & (self.sign != np.sign(effects))
        return float((wrong | (self.equivalent & (np.abs(effects) >= margin))).any(1).mean())

    def covered(self, effects: np.ndarray) -> float:
        """Share of ablations whose intervals all hold the true effect."""
        return float(((self.low <= effects) & (effects <= self.high)).all(1).mean())

    def right(self, effects: np.ndarray) -> float:
        """Share of the claims with an effect whose sign is decided rightly."""
        real = np.broadcast_to(effects != 0, self.sign.shape)
        return float(((self.sign == np.sign(effects)) & real).sum() / real.sum()) if real.any() else math.nan


def simulate(rng: np.random.Generator, shape: str, effects: np.ndarray, ablations: int, seeds: int) -> np.ndarray:
    """Differences with these true means, one per claim."""
    return effects[:, None] + SHAPES[shape](rng, (ablations, len(effects), seeds))


def fixed(gaps: np.ndarray, margin: float = math.nan) -> Decided:
    """All seeds for every variant, then paired t tests and two one-sided tests, Bonferroni over the claims."""
    claims, n = gaps.shape[1:]
    mean, error = _moments(gaps, [n])
    p, same_p, half = _tests(mean, error, [n], margin, np.array([ALPHA / claims]))
    enough = n >= FEWEST_PAIRS
    equivalent = (same_p[..., 0] * claims < ALPHA) & enough
    sign = np.where((p[..., 0] * claims < ALPHA) & enough, np.sign(mean[..., 0]), 0)
    low, high = mean[..., 0] - half[..., 0], mean[..., 0] + half[..., 0]
    return Decided(sign, equivalent, low, high, np.full(sign.shape, n))


def in_rounds(gaps: np.ndarray, looks: tuple[int, ...], margin: float = math.nan) -> Decided:
    """Seeds in rounds: a variant gets no more once its claim is decided or equivalent."""
    claims = gaps.shape[1]
    alpha = ALPHA / claims
    alphas, table = level_table(looks, alpha)
    mean, error = _moments(gaps, looks)
    p, same_p, half = _tests(mean, error, looks, margin, table[np.searchsorted(alphas, alpha)])
    decided = sequential_p(p, looks, alpha) < alpha
    same_p = sequential_p(np.minimum(1.0, 2 * same_p), looks, 2 * alpha) / 2
    equivalent = same_p < alpha
    done = decided | equivalent
    last = np.where(done.any(-1), done.argmax(-1), len(looks) - 1)
    low, high = np.maximum.accumulate(mean - half, axis=-1), np.minimum.accumulate(mean + half, axis=-1)
    at = last[..., None]

    def stopped(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, at, -1)[..., 0]

    sign = np.where(stopped(decided), np.sign(stopped(mean)), 0)
    return Decided(sign, stopped(equivalent), stopped(low), stopped(high), np.asarray(looks)[last])


def _moments(gaps: np.ndarray, looks: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error after each look, (ablations, claims, looks)."""
    parts = [(gaps[..., :n].mean(-1), gaps[..., :n].std(-1, ddof=1) / math.sqrt(n)) for n in looks]
    return np.stack([mean for mean, _ in parts], -1), np.stack([error for _, error in parts], -1)


def _tests(
    mean: np.ndarray, error: np.ndarray, looks: Sequence[int], margin: float, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p of the t test, p of equivalence (NaN without a margin), half of the interval at `levels`."""
    degrees = np.asarray(looks) - 1
    p = 2 * scipy.stats.t.sf(np.abs(mean) / error, degrees)
    same = np.full(p.shape, math.nan)
    if margin > 0:
        same = scipy.stats.t.sf((margin - np.abs(mean)) / error, degrees)
    return p, same, scipy.stats.t.isf(levels / 2, degrees) * error
