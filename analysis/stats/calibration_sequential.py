"""Do seeds added in rounds keep their promise? `python -m analysis.stats.calibration_sequential` simulates it.

Whole ablations: variants against one baseline, whose errors enter every claim. Errors are normal, skewed (exponential)
or heavy-tailed (Student's t with 3 degrees), scaled so that a difference has a standard deviation of 1. Without an
effect both errors of a pair come from one distribution, so their difference is symmetric, however skewed that is.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import scipy.stats

from analysis.stats.decision import Decision, Design, decide
from analysis.stats.paired import holm
from analysis.stats.sequential import looks_up_to

MOST = 30
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
SHAPES: Mapping[str, Draw] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.exponential(1.0, shape) - 1,
    "heavy-tailed": lambda rng, shape: rng.standard_t(3, shape) / math.sqrt(3),
}


@dataclass(frozen=True)
class Rates:
    """Over all simulated ablations.

    false: share with at least one false decision (a sign without an effect, or the wrong sign). decided: share of the
    claims with a true effect that are decided rightly. runs: mean number per ablation, the baseline's among them.
    """

    false: float
    decided: float
    runs: float


def simulate(rng: np.random.Generator, shape: str, claims: int, effect: float, pairs: int) -> np.ndarray:
    """(claims, pairs) differences: half of a difference's variance is the baseline's, which all claims share."""
    own, shared = SHAPES[shape](rng, (claims, pairs)), SHAPES[shape](rng, (1, pairs))
    return effect + (own - shared) / math.sqrt(2)


def sequential(rng: np.random.Generator, shape: str, claims: int, effect: float, ablations: int) -> Rates:
    """Seeds in rounds up to MOST; a variant gets no more once its claim is decided, the baseline until all are."""
    looks = looks_up_to(MOST)
    false = decided = runs = 0
    for _ in range(ablations):
        drawn = simulate(rng, shape, claims, effect, MOST)
        seen = dict.fromkeys(range(claims), 0)
        found: dict[int, Decision] = {}
        for n in looks:
            open_claims = [k for k in seen if k not in found or not found[k].sign]
            if not open_claims:
                break
            seen |= dict.fromkeys(open_claims, n)
            found = {k: decide(drawn[k, : seen[k]].tolist(), Design(claims, looks)) for k in seen}
        signs = [found[k].sign for k in seen]
        false += any(sign != 0 and sign != np.sign(effect) for sign in signs)
        decided += sum(sign == np.sign(effect) != 0 for sign in signs)
        runs += sum(seen.values()) + max(seen.values())
    return Rates(false / ablations, decided / (ablations * claims) if effect else math.nan, runs / ablations)


def fixed(rng: np.random.Generator, shape: str, claims: int, effect: float, ablations: int, n: int) -> Rates:
    """n seeds for every variant, then paired t tests after Holm."""
    false = decided = 0
    for _ in range(ablations):
        drawn = simulate(rng, shape, claims, effect, n)
        t = math.sqrt(n) * drawn.mean(1) / drawn.std(1, ddof=1)
        adjusted = np.array(holm(list(2 * scipy.stats.t.sf(np.abs(t), n - 1))))
        signs = np.where(adjusted < 0.05, np.sign(t), 0)
        false += bool(np.any((signs != 0) & (signs != np.sign(effect))))
        decided += int(np.sum((signs == np.sign(effect)) & (signs != 0))) if effect else 0
    return Rates(false / ablations, decided / (ablations * claims) if effect else math.nan, n * (claims + 1))


def equal_power(rng: np.random.Generator, claims: int, effect: float, wanted: float, ablations: int) -> int:
    """The smallest fixed number of seeds whose power, for normal differences, is at least `wanted`."""
    return next(n for n in range(3, 500) if fixed(rng, "normal", claims, effect, ablations, n).decided >= wanted)


def main() -> int:
    """Print false decisions without an effect, then power and runs with one, beside the fixed design of equal power."""
    parser = argparse.ArgumentParser("python -m analysis.stats.calibration_sequential", description=__doc__)
    parser.add_argument("--ablations", type=int, default=10_000, help="simulated ablations per line (10000)")
    ablations = parser.parse_args().ablations
    rng = np.random.default_rng(0)
    error = math.sqrt(0.05 * 0.95 / ablations)
    print(f"{ablations} ablations per line, up to {MOST} seeds; standard error at 5 %: {error:.4f}")
    for shape in SHAPES:
        for claims in (1, 4, 10):
            ours = sequential(rng, shape, claims, 0.0, ablations)
            others = ", ".join(
                f"{fixed(rng, shape, claims, 0.0, ablations, n).false:.3f} at n = {n}" for n in (3, 5, 8, 30)
            )
            print(
                f"no effect, {shape}, {claims} claims: any false decision {ours.false:.3f}; fixed: {others}", flush=True
            )
    few = max(1, ablations // 5)
    for claims in (1, 4, 10):
        for effect in (0.75, 1.0, 2.0, 4.0):
            ours = sequential(rng, "normal", claims, effect, few)
            n = equal_power(rng, claims, effect, ours.decided, few)
            print(
                f"effect {effect} std, {claims} claims: decided {ours.decided:.3f}, runs {ours.runs:.1f}; "
                f"fixed design of equal power: n = {n}, runs {n * (claims + 1)}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
