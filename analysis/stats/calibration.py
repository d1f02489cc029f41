"""Do the intervals cover, and how often does a verdict err? `python -m analysis.stats.calibration` simulates it.

Errors of ten thousand test images: 6.6 % plus what a seed does to all variants (std 0.12), plus what it does to one
(std 0.12), plus the planted effect, rounded to 0.01; about the spread that He et al. print (0.16).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

import numpy as np

from analysis.stats.contrasts import contrast, factorial
from analysis.stats.judge import judge
from analysis.stats.outcomes import Outcomes
from analysis.stats.paired import bootstrap_interval, gaps, holm, paired_difference
from analysis.stats.power import smallest_difference

SHARED, OWN, LEVEL = 0.12, 0.12, 6.6  # percent
VARIANTS = 5  # of an ablation such as He et al. 2016, Table 2
CELLS = {f"{a}{b}": {"a": a, "b": b} for a in (0, 1) for b in (0, 1)}
Errors = dict[str, dict[int, float]]


def draw(rng: np.random.Generator, effects: Mapping[str, float], n: int) -> Errors:
    """Errors in percent by variant and seed, with the planted effect of each variant."""
    shared = rng.normal(LEVEL, SHARED, n)
    return {
        name: dict(enumerate(np.round(shared + effect + rng.normal(0, OWN, n), 2).tolist()))
        for name, effect in effects.items()
    }


def coverage(rng: np.random.Generator, n: int, runs: int, effect: float = 0.3) -> float:
    """Share of the 95 % paired t intervals that hold the planted effect."""
    held = 0
    for _ in range(runs):
        errors = draw(rng, {"a": 0.0, "b": effect}, n)
        ours = paired_difference(errors["a"], errors["b"])
        held += ours.low <= effect <= ours.high
    return held / runs


def bootstrap_coverage(rng: np.random.Generator, n: int, runs: int, effect: float = 0.3) -> float:
    """The same of the bootstrap intervals."""
    held = 0
    for _ in range(runs):
        errors = draw(rng, {"a": 0.0, "b": effect}, n)
        low, high = bootstrap_interval(gaps(errors["a"], errors["b"]))
        held += low <= effect <= high
    return held / runs


def factorial_coverage(rng: np.random.Generator, n: int, runs: int) -> dict[str, float]:
    """The same of a 2 x 2's main effects (0.2 and -0.1) and interaction (0.4)."""
    planted = {"00": 0.0, "10": 0.0, "01": -0.3, "11": 0.1}
    effects = factorial(CELLS, "00")[:3]
    truth = [math.fsum(weight * planted[cell] for cell, weight in effect.weights.items()) for effect in effects]
    held = np.zeros(len(effects))
    for _ in range(runs):
        errors = draw(rng, planted, n)
        found = [contrast(effect, errors) for effect in effects]
        held += [ours.low <= true <= ours.high for ours, true in zip(found, truth, strict=True)]
    return {effect.label: float(share) for effect, share in zip(effects, held / runs, strict=True)}


def verdicts(rng: np.random.Generator, n: int, runs: int, gap: float = 0.0, fail: float = 0.0) -> dict[str, float]:
    """How often a claim against the baseline is judged each way, where every variant's true effect is `gap`.

    fail: the probability that a run fails, the same for all. any wrong: share of ablations of five variants with at
    least one verdict that is not "undecided" (at gap 0); after Holm: at least one whose adjusted p is below 0.05.
    """
    names = [f"v{i}" for i in range(VARIANTS)]
    counts = dict.fromkeys(("replicates", "contradicted", "undecided", "any wrong", "after Holm"), 0.0)
    for _ in range(runs):
        errors = draw(rng, {name: gap if i else 0.0 for i, name in enumerate(names)}, n)
        outcomes = {}
        for name in names:
            kept = {seed: error for seed, error in errors[name].items() if rng.random() >= fail}
            outcomes[name] = Outcomes(kept, frozenset(range(n)) - kept.keys())
        judged = [judge(outcomes[names[0]], outcomes[name]) for name in names[1:]]
        for judgement in judged:
            counts[judgement.word] += 1 / len(judged)
        counts["any wrong"] += any(judgement.word != "undecided" for judgement in judged)
        counts["after Holm"] += any(p < 0.05 for p in holm([judgement.difference.p for judgement in judged]))
    return {word: count / runs for word, count in counts.items()}


def main() -> int:
    """Print coverage, error rates and power, each with the number of simulated ablations behind it."""
    parser = argparse.ArgumentParser("python -m analysis.stats.calibration", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4000, help="simulated ablations a line (4000)")
    runs = parser.parse_args().runs
    if runs < 1:
        parser.error(f"--runs must be above 0, not {runs}")
    rng = np.random.default_rng(0)
    print(f"{runs} simulated ablations a line; standard error at 95 %: {math.sqrt(0.95 * 0.05 / runs):.4f}")
    _say("paired t interval covers the planted 0.30", (3, 5, 10), lambda n: f"{coverage(rng, n, runs):.3f}")
    few = max(1, runs // 4)
    _say(f"bootstrap interval, {few} ablations", (8, 10, 20), lambda n: f"{bootstrap_coverage(rng, n, few):.3f}")
    _say("2 x 2: main effects and interaction", (3, 5, 10), lambda n: _text(factorial_coverage(rng, n, runs)))
    _say("no effect: verdict on a claim", (3, 5, 10), lambda n: _text(verdicts(rng, n, runs)))
    _say("no effect, 30 % of runs fail", (3, 5, 10), lambda n: _text(verdicts(rng, n, runs, fail=0.3)))
    std = math.sqrt(2) * OWN
    for n in (3, 5, 10):
        gap = smallest_difference(std, n)
        shown = verdicts(rng, n, few, gap=gap)["replicates"]
        print(f"power 0.8 is said of {gap:.2f} at n = {n}: replicates in {shown:.3f}")
    return 0


def _say(what: str, seeds: tuple[int, ...], measure: Callable[[int], str]) -> None:
    for n in seeds:
        print(f"{what}, n = {n}: {measure(n)}", flush=True)


def _text(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.3f}" for name, share in shares.items())


if __name__ == "__main__":
    raise SystemExit(main())
