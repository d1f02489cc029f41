"""Two studies of one ablation, paired by variant and seed: what changed from A to B, and what that changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.schema import Metric
from analysis.stats.decision import Design, decide, reading
from analysis.stats.judge import failures_p
from analysis.stats.paired import gaps
from analysis.stats.power import smallest_difference
from analysis.study import Study, TableError
from analysis.study.check import check
from analysis.study.study import GUARDED
from analysis.study.values import comparable, readable

ALL = "all variants"
MOST_VALUES = 6  # of a setting that differs from variant to variant

Values = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Changed:
    """A setting or a part of the environment that is not the same in A and B, with its values in each."""

    path: str
    in_a: str
    in_b: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """settings, environment: what differs. variants: B - A, see `variants_compared`. effects: see `effects_compared`.

    problems: one line for each thing that keeps the two from being comparable in full.
    """

    a: Study
    b: Study
    settings: tuple[Changed, ...]
    environment: tuple[Changed, ...]
    variants: pd.DataFrame
    effects: pd.DataFrame
    problems: tuple[str, ...]

    @property
    def metric(self) -> Metric:
        return self.a.metric


def compare(a: Study, b: Study) -> Comparison:
    """Raises TableError where the two are not of one ablation and metric, share no variant, or are not whole in
    themselves (`study.check`).
    """
    if a.declared.name != b.declared.name:
        raise TableError(f"A is of the ablation {a.declared.name}, B of {b.declared.name}; give two of one ablation")
    for study in (a, b):
        check(study)
    shared = [name for name in a.variants if name in b.variants]
    if not shared:
        raise TableError(f"A and B share no variant: A has {_names(a.variants)}; B has {_names(b.variants)}")
    return Comparison(
        a=a,
        b=b,
        settings=_changed(a, b, GUARDED, shared),
        environment=_changed(a, b, ("config.env.",), shared),
        variants=variants_compared(a, b, shared),
        effects=effects_compared(a, b, shared),
        problems=tuple(_problems(a, b, shared)),
    )


def variants_compared(a: Study, b: Study, shared: Sequence[str]) -> pd.DataFrame:
    """One row per shared variant, and one of all of them where there are several.

    label; a, b: medians, failed runs ranked last; n_a, n_b, failed_a, failed_b: runs that did not fail, and that did;
    difference, low, high, pairs, p_adjusted: B - A over the seeds that both have, see `decision.Decision`: one of as
    many comparisons as the ablation declares variants; reading: of B; failures_p: that both fail equally often
    (Barnard's exact test); detectable: the true difference that so many pairs show with a power of 0.8.
    "all variants": per seed the mean over the variants, a comparison by itself.
    """
    rows = {}
    for name in shared:
        n = (len(a.errors[name]), len(b.errors[name]))
        failed = (a.failures(name), b.failures(name))
        rows[name] = {
            "label": a.declared.labels[name],
            "a": a.median(name),
            "b": b.median(name),
            "n_a": n[0],
            "n_b": n[1],
            "failed_a": failed[0],
            "failed_b": failed[1],
            **_row(gaps(a.errors[name], b.errors[name]), Design(len(a.declared.variants)), a.metric.sign),
            "failures_p": failures_p(failed[0], sum((n[0], failed[0])), failed[1], sum((n[1], failed[1]))),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    if len(shared) > 1:
        every = _row(_over_variants(a.errors, b.errors, shared), Design(), a.metric.sign)
        table = pd.concat([table, pd.DataFrame([{"label": ALL, **every}], index=[ALL])])
    table = table.rename_axis("comparison")
    table.attrs |= {"metric": a.metric, "design": Design(len(a.declared.variants))}
    return table


def effects_compared(a: Study, b: Study, shared: Sequence[str]) -> pd.DataFrame:
    """One row per shared variant except A's baseline: does what it does to the baseline change from A to B?

    label; a, b: variant - baseline, mean over the seeds of each study; change, low, high, pairs, p_adjusted: b - a over
    the seeds that have all four runs, one of as many comparisons as the ablation declares; reading. No rows where the
    baseline is not shared.
    """
    baseline = a.declared.baseline
    rows = {}
    for name in shared if baseline in shared and b.declared.baseline == baseline else ():
        if name == baseline:
            continue
        of_a, of_b = (_effect(study.errors, baseline, name) for study in (a, b))
        found = decide(gaps(of_a, of_b), Design(len(a.declared.variants) - 1))
        change = found.difference
        rows[name] = {
            "label": a.declared.labels[name],
            "a": _mean(of_a),
            "b": _mean(of_b),
            "change": change.mean,
            "low": change.low,
            "high": change.high,
            "pairs": change.n,
            "p_adjusted": found.p,
            "reading": "the effect changes" if found.sign else reading(found, "no seed with all four runs"),
        }
    if not rows:
        return pd.DataFrame().rename_axis("effect change")
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("effect change")
    table.attrs |= {"metric": a.metric, "design": Design(len(a.declared.variants) - 1)}
    return table


def _row(taken: Sequence[float], design: Design, sign: int) -> dict[str, object]:
    found = decide(taken, design)
    against = found.difference
    return {
        "difference": against.mean,
        "low": against.low,
        "high": against.high,
        "pairs": against.n,
        "p_adjusted": found.p,
        "reading": reading(found, "no seed in both", sign),
        "detectable": smallest_difference(against.std, against.n, alpha=design.claim_alpha),
    }


def _over_variants(a: Values, b: Values, shared: Sequence[str]) -> list[float]:
    """Per seed the mean over the variants of B - A, of the seeds that every variant has in both."""
    seeds = set.intersection(*({*a[name]} & {*b[name]} for name in shared))
    return [sum(b[name][seed] - a[name][seed] for name in shared) / len(shared) for seed in sorted(seeds)]


def _effect(values: Values, baseline: str, name: str) -> dict[int, float]:
    seeds = values[baseline].keys() & values[name].keys()
    return {seed: values[name][seed] - values[baseline][seed] for seed in sorted(seeds)}


def _mean(values: Mapping[int, float]) -> float:
    return sum(values.values()) / len(values) if values else math.nan


def _changed(a: Study, b: Study, columns: tuple[str, ...], shared: Sequence[str]) -> tuple[Changed, ...]:
    """The settings that are not the same in A and B for some shared variant, each with its values over all of them."""
    found = []
    for column in sorted({column for study in (a, b) for column in study.counted if column.startswith(columns)}):
        values = [[_values(study, column, name) for name in shared] for study in (a, b)]
        if [set(map(comparable, one)) for one in values[0]] != [set(map(comparable, one)) for one in values[1]]:
            found.append(Changed(column.removeprefix("config."), *(_text(of_study) for of_study in values)))
    return tuple(found)


def _values(study: Study, column: str, variant: str) -> list[object]:
    return list(study.runs_of(variant)[column]) if column in study.counted else [None]


def _text(by_variant: Sequence[Sequence[object]]) -> str:
    texts = list(dict.fromkeys(readable(value) or "none" for values in by_variant for value in values))
    more = f" and {len(texts) - MOST_VALUES} more" if len(texts) > MOST_VALUES else ""
    return ", ".join(texts[:MOST_VALUES]) + more


def _problems(a: Study, b: Study, shared: Sequence[str]) -> list[str]:
    lines = []
    for name, mine, theirs in (("A", a, b), ("B", b, a)):
        if alone := [variant for variant in mine.variants if variant not in theirs.variants]:
            lines.append(f"only {name} has {_names(alone)}")
    for variant in shared:
        seeds = [set(study.runs_of(variant)["seed"]) for study in (a, b)]
        if seeds[0] != seeds[1]:
            lines.append(
                f"{variant}: A has seeds {_numbers(seeds[0])}; B has {_numbers(seeds[1])}; only equal seeds are paired"
            )
    if a.declared.baseline != b.declared.baseline:
        lines.append(f"A's baseline is {a.declared.baseline}, B's is {b.declared.baseline}: effects are not compared")
    if a.declared.failure_error != b.declared.failure_error:
        lines.append(
            f"a run fails above {readable(a.declared.failure_error) or 'no'} % error in A, "
            f"{readable(b.declared.failure_error) or 'no'} % in B"
        )
    return lines


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _numbers(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(map(int, seeds))))
