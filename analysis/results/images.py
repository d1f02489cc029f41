"""Which test images the runs get wrong: what the test set adds to the spread, and where two variants disagree most."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.logs import wrong_images
from analysis.schema import ERROR
from analysis.stats.image_noise import Errors, spread, standard_errors
from analysis.study import Study

MOST = 8  # images listed for a variant
Bits = dict[str, dict[int, np.ndarray]]  # variant -> seed -> is the test image wrong?


@dataclass(frozen=True)
class Image:
    """A test image by its place in the test set, from 0, and in how many runs each variant gets it wrong."""

    index: int
    variant: int
    baseline: int


@dataclass(frozen=True)
class Disagreement:
    """A variant and the baseline over their shared seeds. opposite: images that every run of the one and no run of the
    other gets wrong. images: those whose numbers of wrong runs differ most, the largest difference first.
    """

    label: str
    baseline: str
    runs: int
    opposite: int
    images: tuple[Image, ...]


def bits_of(study: Study) -> Bits:
    """Of the runs that count and did not fail, as far as their logs have them; without the error as metric, none.

    Runs on a test set of another size than that of most are left out.
    """
    column = f"summary.{wrong_images.KEY}"
    if study.metric != ERROR or column not in study.counted:
        return {}
    kept = study.counted[~study.counted["failed"]]
    found = [
        (variant, int(seed), bits)
        for variant, seed, text in zip(kept["variant"], kept["seed"], kept[column], strict=True)
        if (bits := wrong_images.unpacked(text)) is not None and len(bits)
    ]
    sizes = Counter(len(bits) for *_, bits in found)
    by_variant: Bits = {}
    for variant, seed, bits in found:
        if len(bits) == sizes.most_common(1)[0][0]:
            by_variant.setdefault(variant, {})[seed] = bits
    return by_variant


def noise_table(study: Study, bits: Bits) -> pd.DataFrame:
    """One row per variant with at least two such runs, in percentage points; see `image_noise`.

    label; runs, images; std, finite, true: of `spread`; difference, pairs, seeds_error, images_error, both_error: to
    the baseline, of `standard_errors`.
    """
    baseline = study.declared.baseline
    rows = {}
    for name, label in study.declared.labels.items():
        mine = bits.get(name, {})
        if len(mine) < 2:
            continue
        every = np.stack(list(mine.values()))
        shared = _shared(bits, baseline, name) if name != baseline else []
        found, errors = spread(every), Errors(math.nan, math.nan, math.nan, math.nan)
        if shared:
            errors = standard_errors(*(np.stack([bits[each][seed] for seed in shared]) for each in (baseline, name)))
        rows[name] = {
            "label": label,
            "baseline": name == baseline,
            "runs": len(every),
            "images": every.shape[1],
            "std": found.observed,
            "finite": found.finite,
            "true": found.true,
            "difference": errors.mean,
            "pairs": len(shared),
            "seeds_error": errors.seeds,
            "images_error": errors.images,
            "both_error": errors.both,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("noise")


def disagreements(study: Study, bits: Bits) -> tuple[Disagreement, ...]:
    """One for each variant that shares a seed with the baseline, in the ablation's order."""
    baseline, labels = study.declared.baseline, study.declared.labels
    found = []
    for name in study.declared.variants:
        shared = _shared(bits, baseline, name) if name != baseline else []
        if not shared:
            continue
        wrong = {each: np.sum([bits[each][seed] for seed in shared], axis=0) for each in (baseline, name)}
        apart = np.abs(wrong[name] - wrong[baseline])
        most = np.argsort(-apart, kind="stable")[:MOST]
        images = tuple(Image(int(i), int(wrong[name][i]), int(wrong[baseline][i])) for i in most if apart[i])
        opposite = int((apart == len(shared)).sum())
        found.append(Disagreement(labels[name], labels[baseline], len(shared), opposite, images))
    return tuple(found)


def _shared(bits: Bits, first: str, second: str) -> list[int]:
    return sorted(bits.get(first, {}).keys() & bits.get(second, {}).keys())
