"""How often do fixed and sequential verdicts err? `python -m analysis.stats.calibration_table` simulates it.

Whole ablations of 1, 4 and 10 claims, at 5 % for all claims together. An effect is in standard deviations of a paired
difference over seeds. Prints the tables of results/calibration/README.md.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence

import numpy as np

from analysis.rounds import looks_up_to
from analysis.stats.calibration_decisions import SHAPES, fixed, in_rounds, simulate
from analysis.stats.decision import ALPHA
from analysis.stats.power import power

FIXED = (3, 4, 5, 8, 10, 15, 20, 30)  # seeds
FAMILIES = (1, 4, 10)  # claims
MOST = 30  # seeds in rounds
MARGINS = (0.5, 1.0, 2.0)
NORMAL = next(iter(SHAPES))
EFFECTS = {"0.5": (0.5,), "0.75": (0.75,), "1": (1.0,), "1.5": (1.5,), "2": (2.0,), "4": (4.0,),
           "0, 0.5, 1 and 4": (0.0, 0.5, 1.0, 4.0)}  # fmt: skip


def errors(rng: np.random.Generator, ablations: int) -> Iterator[list[str]]:
    """Without an effect: any false decision, with n seeds and in rounds. Then the share of ablations in rounds whose
    intervals all hold an effect of 1; with n seeds it is 1 - the error rate, whatever the effect.
    """
    yield ["differences", "claims", *(f"n = {n}" for n in FIXED), "in rounds", "intervals hold, in rounds"]
    for shape in SHAPES:
        for claims in FAMILIES:
            none, some = np.zeros(claims), np.ones(claims)
            gaps = simulate(rng, shape, none, ablations, MOST)
            rates = [fixed(gaps[..., :n]).false(none) for n in FIXED]
            rates += [in_rounds(gaps, looks_up_to(MOST)).false(none)]
            rates += [in_rounds(gaps + 1, looks_up_to(MOST)).covered(some)]
            yield [shape, str(claims), *map(percent, rates)]


def equivalences(rng: np.random.Generator, ablations: int) -> Iterator[list[str]]:
    """Any false decision where the effects of all claims, or of every other one, are just the margin."""
    yield ["margin", "effects", "claims", *(f"n = {n}" for n in FIXED), "in rounds"]
    for margin in MARGINS:
        for name, every in (("all at the margin", 1), ("every other one 0", 2)):
            for claims in FAMILIES[every - 1 :]:
                effects = np.where(np.arange(claims) % every == 0, margin, 0.0)
                gaps = simulate(rng, NORMAL, effects, ablations, MOST)
                rates = [fixed(gaps[..., :n], margin).false(effects, margin) for n in FIXED]
                rates += [in_rounds(gaps, looks_up_to(MOST), margin).false(effects, margin)]
                yield [f"{margin:g}", name, str(claims), *map(percent, rates)]


def costs(rng: np.random.Generator, ablations: int) -> Iterator[list[str]]:
    """Claims rightly decided and runs in rounds, beside the fixed number of seeds that decides as large a share."""
    yield ["effects", "claims", "decided", "runs in rounds", "fixed n of equal power", "its runs", "saved"]
    for name, pattern in EFFECTS.items():
        for claims in FAMILIES if len(pattern) == 1 else FAMILIES[1:]:
            effects = np.resize(np.array(pattern), claims)
            found = in_rounds(simulate(rng, NORMAL, effects, ablations, MOST), looks_up_to(MOST))
            n = equal_power(effects, found.right(effects))
            runs = n * (claims + 1)
            row = [percent(found.right(effects)), f"{found.runs:.1f}", str(n), str(runs)]
            yield [name, str(claims), *row, f"{100 * (1 - found.runs / runs):.0f} %".replace("-", "−")]


def equal_power(effects: np.ndarray, wanted: float) -> int:
    """The smallest fixed number of seeds that decides at least this share of the claims with an effect."""
    real = effects[effects != 0]
    wanted = min(wanted, 0.999)  # a share of 1 is what no number of seeds reaches

    def share(n: int) -> float:
        return float(np.mean([power(effect, 1.0, n, ALPHA / len(effects)) for effect in real]))

    return next(n for n in range(3, 1000) if share(n) >= wanted)


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    rule = ["---" if i == 0 else "---:" for i in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body))


def main() -> int:
    """Print three tables in percent of the simulated ablations."""
    parser = argparse.ArgumentParser("python -m analysis.stats.calibration_table", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000, help="simulated ablations per row (10000)")
    ablations = parser.parse_args().runs
    if ablations < 1:
        parser.error(f"--runs must be above 0, not {ablations}")
    rng = np.random.default_rng(0)
    error = 100 * math.sqrt(ALPHA * (1 - ALPHA) / ablations)
    print(f"{ablations:,} ablations per row; the standard error of 5 % is {error:.2f}.")
    for title, table in (
        ("Any false decision without an effect, %", errors),
        ("Any false decision where equivalence is tested too, normal differences, %", equivalences),
        ("Runs", costs),
    ):
        print(f"\n### {title}\n\n{markdown(list(table(rng, ablations)))}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
