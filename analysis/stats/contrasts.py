"""What each factor does: main effects and interactions of a factorial, the steps of a ladder. Contrasts per seed."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis.stats.paired import Difference, difference_of

Family = Literal["main", "interaction", "simple", "step"]
Levels = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Effect:
    """A contrast: the sum over variants of weight times error. Its unit is percentage points; above 0 is worse."""

    family: Family
    label: str
    weights: Mapping[str, float]


def per_seed(effect: Effect, errors: Mapping[str, Mapping[int, float]]) -> list[float]:
    """The contrast for each seed that all of its variants have, in order of the seeds."""
    seeds = set.intersection(*(set(errors.get(variant, ())) for variant in effect.weights))
    return [
        math.fsum(weight * errors[variant][seed] for variant, weight in effect.weights.items())
        for seed in sorted(seeds)
    ]


def contrast(effect: Effect, errors: Mapping[str, Mapping[int, float]], level: float = 0.95) -> Difference:
    """t interval and test of sum over v of w_v errors[v][seed], over the seeds that all of its variants have.

    One number per seed: what the cells of a seed share cancels, and cells may differ in their spread. So for a 2 x 2
    the squared t is the F of an analysis of variance with repeated measures. errors: those that did not fail.
    """
    return difference_of(per_seed(effect, errors), level)


def of_cells(effect: Effect, cells: Mapping[str, float]) -> float:
    """The contrast of the papers' cells; NaN where one has no number."""
    return math.fsum(weight * cells.get(variant, math.nan) for variant, weight in effect.weights.items())


def factorial(levels: Levels, baseline: str) -> list[Effect]:
    """The effects of a full cross of factors, each level against the baseline's level of that factor.

    main: mean over the cells of all other factors of Y(a) - Y(a0).
    interaction: mean over the cells of all other factors of [Y(a, b) - Y(a0, b)] - [Y(a, b0) - Y(a0, b0)].
    simple, of two factors: Y(a, b) - Y(a0, b) at each b, which main effects average over.
    Montgomery, Design and Analysis of Experiments, chapter 5 (whose interaction of a 2 x 2 is half of this one).
    levels: variant -> {factor path: value}; paths that always change together are one factor.
    Raises ValueError for a cross that lacks a cell.
    """
    factors = _factors(levels)
    cells = {tuple(key[name] for key in factors.values()): name for name in levels}
    spans = [list(dict.fromkeys(key.values())) for key in factors.values()]
    if len(cells) != math.prod(map(len, spans)) or len(cells) != len(levels):
        raise ValueError(f"{len(levels)} variants are no full cross of {' x '.join(str(len(span)) for span in spans)}")
    reference = [key[baseline] for key in factors.values()]
    names = [path.rpartition(".")[2] for path in factors]

    def differences(changes: Mapping[int, str], fixed: Mapping[int, str]) -> dict[str, float]:
        """Weights of the difference (of differences, ...) over `changes`, averaged over the factors not fixed."""
        free = [i for i in range(len(spans)) if i not in changes and i not in fixed]
        rest = list(itertools.product(*(spans[i] for i in free)))
        weights: dict[str, float] = defaultdict(float)
        for combination in rest:
            cell = dict(zip(free, combination, strict=True)) | dict(fixed)
            for signs in itertools.product((0, 1), repeat=len(changes)):
                chosen = [(changes[i] if on else reference[i]) for i, on in zip(changes, signs, strict=True)]
                cell |= dict(zip(changes, chosen, strict=True))
                sign = (-1) ** (len(changes) - sum(signs))
                weights[cells[tuple(cell[i] for i in range(len(spans)))]] += sign / len(rest)
        return dict(weights)

    others = [[value for value in span if value != reference[i]] for i, span in enumerate(spans)]
    text = [{value: f"{names[i]} {value}" for value in span} for i, span in enumerate(spans)]
    effects = [
        Effect("main", f"{text[i][value]} against {reference[i]}", differences({i: value}, {}))
        for i in range(len(spans))
        for value in others[i]
    ]
    effects += [
        Effect("interaction", f"{text[i][a]} × {text[j][b]}", differences({i: a, j: b}, {}))
        for i, j in itertools.combinations(range(len(spans)), 2)
        for a in others[i]
        for b in others[j]
    ]
    if len(spans) == 2:
        effects += [
            Effect("simple", f"{text[i][a]} against {reference[i]}, at {text[j][b]}", differences({i: a}, {j: b}))
            for i, j in ((0, 1), (1, 0))
            for a in others[i]
            for b in spans[j]
        ]
    return effects


def ladder(variants: Sequence[str], steps: Mapping[str, str]) -> list[Effect]:
    """Each variant against the one before it, under the name of the step (or else of the variant)."""
    return [
        Effect("step", f"+ {steps.get(name, name)}", {name: 1.0, before: -1.0})
        for before, name in itertools.pairwise(variants)
    ]


def _factors(levels: Levels) -> dict[str, dict[str, str]]:
    """Path -> {variant: value as text}, without constant paths and those that split the variants as another does."""
    factors: dict[str, dict[str, str]] = {}
    seen = set()
    for path in dict.fromkeys(path for level in levels.values() for path in level):
        values = {name: str(level.get(path)) for name, level in levels.items()}
        codes = {value: i for i, value in enumerate(dict.fromkeys(values.values()))}
        division = tuple(codes[value] for value in values.values())
        if len(codes) > 1 and division not in seen:
            seen.add(division)
            factors[path] = values
    return factors
