"""Below the table of variants: a factorial's effects, a ladder's steps, the epochs to a training error."""

from __future__ import annotations

import math

import pandas as pd

from analysis.stats import contrasts, survival
from analysis.stats.paired import bootstrap_interval, holm, reading
from analysis.stats.power import smallest_difference
from analysis.study import Declaration, Study, TableError

RATE = "recipe.learning_rate"


def effects_table(study: Study) -> pd.DataFrame:
    """One row per effect of a factorial or step of a ladder, in the unit of the metric. Otherwise no rows.

    label; family: main, interaction, simple or step (see `effects`); paper: of the published cells; difference, low,
    high, pairs: mean over the seeds with 95 % interval, n; p_holm: adjusted over the family; reading; boot_low,
    boot_high, detectable as in the table of variants. An effect whose cells have no common seed is a row with n = 0.
    """
    cells = study.paper.by_variant
    paper = {str(name): float(value) for name, value in cells["value"].items()} if len(cells) else {}
    rows = []
    for effect in _effects(study.declared):
        taken = contrasts.per_seed(effect, study.errors)
        ours = contrasts.difference_of(taken)
        low, high = bootstrap_interval(taken)
        rows.append(
            {
                "label": effect.label,
                "family": effect.family,
                "paper": contrasts.of_cells(effect, paper),
                "difference": ours.mean,
                "low": ours.low,
                "high": ours.high,
                "pairs": ours.n,
                "p": ours.p,
                "reading": reading(ours, "no seed without a failed or missing cell", study.metric.sign),
                "boot_low": low,
                "boot_high": high,
                "detectable": smallest_difference(ours.std, ours.n),
            }
        )
    if not rows:
        return pd.DataFrame().rename_axis("effect")
    table = pd.DataFrame(rows).rename_axis("effect")
    table.attrs["metric"] = study.metric
    return table.assign(p_holm=table.groupby("family")["p"].transform(lambda p: holm(list(p)))).drop(columns="p")


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
    later, p_holm, test: see `survival.Ratio`. Where the learning rate is one of the factors, `fastest` marks the rate
    with the smallest median at every level of the others, as Krizhevsky et al. chose theirs; those are compared.
    """
    declared = study.declared
    times = {name: study.epochs_to_target[name] for name in study.variants if name in study.epochs_to_target}
    if not times:
        return pd.DataFrame().rename_axis("time")
    fastest = _fastest(declared, times)
    reference = fastest.get(_group(declared, declared.baseline), declared.baseline)
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
                "p": ratio.p,
                "test": ratio.test if judged else "",
            }
        )
    table = pd.DataFrame(rows).rename_axis("time")
    return table.assign(p_holm=holm(list(table["p"]))).drop(columns="p")


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
