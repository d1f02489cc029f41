"""What is decided of each variant so far, in a word: seeds on demand go to the others."""

from __future__ import annotations

from analysis.results.judged import judged_by_variant
from analysis.study import Study


def standing(study: Study) -> dict[str, str]:
    """Variant -> "better" or "worse" than the baseline, "equivalent", "undecided" or "not run"."""
    signs = {"replicates": study.metric.sign, "contradicted": -study.metric.sign}
    said = {1: "worse", -1: "better"}
    return {name: said.get(signs.get(judged.word, 0), judged.word) for name, judged in judged_by_variant(study).items()}
