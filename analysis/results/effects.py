"""Below the table of variants: a factorial's effects, a ladder's steps, the epochs to a training error."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pandas as pd

from analysis.stats import contrasts, survival
from analysis.stats.decision import adjusted, decide, reading
from analysis.stats.paired import bootstrap_interval
from analysis.stats.power import smallest_difference
from analysis.study import Declaration, Study, TableError

RATE = "recipe.learning_rate"


def effects_table(study: Study) -> pd.DataFrame:
    """One row per effect of a factorial or step of a ladder, in the unit of the metric. Otherwise no rows.

    label; family: main, interaction, simple or step (see `effects`); paper: of the published cells; difference, low,
    high, pairs, p_adjusted: mean over the seeds, see `decision.Decision`: one of as many as its kind declares;
    reading; boot_low, boot_high, detectable as in the table of variants. An effect whose cells have no common seed is a
    row with n = 0.
    """
    cells = study.paper.by_variant
    paper = {str(name): float(value) for name, value in cells["value"].items()} if len(cells) else {}
    rows = []
    effects = _effects(study.declared)
    kinds = Counter(effect.family for effect in effects)
    for effect in effects:
        taken = contrasts.per_seed(effect, study.errors)
        design = replace(study.design, family=kinds[effect.family])
        decision = decide(taken, design, math.nan if study.margin is None else study.margin)
        ours = decision.difference
        low, high = bootstrap_interval([] if design.looks else taken)
        rows.append(
            {
                "label": effect.label,
                "family": effect.family,
                "paper": contrasts.of_cells(effect, paper),
                "difference": ours.mean,
                "low": ours.low,
                "high": ours.high,
                "pairs": ours.n,
                "p_adjusted": decision.p,
                "reading": reading(decision, "no seed without a failed or missing cell", study.metric.sign),
                "boot_low": low,
                "boot_high": high,
                "detectable": smallest_difference(ours.std, ours.n, alpha=design.claim_alpha),
            }
        )
    if not rows:
        return pd.DataFrame().rename_axis("effect")
    table = pd.DataFrame(rows).rename_axis("effect")
    table.attrs["metric"] = study.metric
    return table


def _effects(declared: Declaration) -> list[contrasts.Effect]:
    if declared.kind == "factorial" and declared.baseline in declared.levels:
        try:
            return contrasts.factorial(declared.levels, declared.baseline)
        except ValueError as error:
            raise TableError(f"{declared.name} is declared a factorial, but its {error}") from error
    if declared.kind == "ladder":
        return contrasts.ladder(list(declared.levels) or declared.variants, declared.steps)
    return []


def times_table(study: Study) -> pd.DataFrame:
    """One row per variant: how soon its training error is at the declared target. Without a target no rows.

    label; epochs: median, inf where half of the runs never get there; iterations: the same in iterations; reached, n:
    runs; reference: the variant that the others are compared with; ratio (of the medians), mean, low, high, sooner,
    later, test: see `survival.Ratio`; p_adjusted: its p times the number of comparisons that are declared. Where the
    learning rate is one of the factors, `fastest` marks the rate with the smallest median at every level of the others,
    as Krizhevsky et al. chose theirs; those are compared.
    """
    declared = study.declared
    times = {name: study.epochs_to_target[name] for name in study.variants if name in study.epochs_to_target}
    if not times:
        return pd.DataFrame().rename_axis("time")
    fastest = _fastest(declared, times)
    reference = fastest.get(_group(declared, declared.baseline), declared.baseline)
    comparisons = len({_group(declared, name) for name in declared.variants} if fastest else declared.variants) - 1
    per_epoch = _iterations_per_epoch(study)
    rows = []
    for name, mine in times.items():
        judged = name != reference and (not fastest or name in fastest.values()) and reference in times
        ratio = survival.compare(times[reference] if judged else {}, mine if judged else {})
        rows.append(
            {
                "label": declared.labels[name],
                "variant": name,
                "target": declared.target_train_error,
                "epochs": survival.median(mine),
                "iterations": survival.median(mine) * per_epoch,
                "reached": sum(map(math.isfinite, mine.values())),
                "n": len(mine),
                "reference": name == reference,
                "fastest": name in fastest.values(),
                "ratio": ratio.of_medians,
                "mean": ratio.mean,
                "low": ratio.low,
                "high": ratio.high,
                "sooner": ratio.sooner,
                "later": ratio.later,
                "p_adjusted": adjusted(ratio.p, comparisons),
                "test": ratio.test if judged else "",
            }
        )
    return pd.DataFrame(rows).rename_axis("time")


def _group(declared: Declaration, variant: str) -> tuple[tuple[str, str], ...]:
    """The variant's levels without the learning rate."""
    return tuple(sorted((path, str(v)) for path, v in declared.levels.get(variant, {}).items() if path != RATE))


def _fastest(declared: Declaration, times: dict[str, dict[int, float]]) -> dict[tuple[tuple[str, str], ...], str]:
    """Group -> its variant with the smallest median; empty where the learning rate is not a factor."""
    if declared.kind != "factorial" or RATE not in declared.factors:
        return {}
    best: dict[tuple[tuple[str, str], ...], str] = {}
    for name in sorted(times, key=lambda name: survival.median(times[name])):
        best.setdefault(_group(declared, name), name)
    return best


def _iterations_per_epoch(study: Study) -> float:
    finished = study.counted[study.counted["outcome"] == "finished"]
    if finished.empty or "config.recipe.iterations" not in finished:
        return math.nan
    return float(finished["config.recipe.iterations"].iloc[0]) / float(finished["epochs"].max())
