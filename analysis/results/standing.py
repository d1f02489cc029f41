"""What is decided of each variant so far, in a word: seeds on demand go to the others."""

from __future__ import annotations

from analysis.stats.decision import Design
from analysis.stats.judge import judge
from analysis.study import Study


def standing(study: Study) -> dict[str, str]:
    """Variant -> "better", "worse" or "undecided" against the baseline."""
    declared, outcomes = study.declared, study.outcomes
    rounds = declared.rounds
    design = Design(len(declared.variants) - 1, rounds.looks if rounds else ())
    words = {}
    for name in declared.variants:
        if name != declared.baseline:
            word = judge(outcomes[declared.baseline], outcomes[name], design=design).word
            words[name] = {"replicates": "worse", "contradicted": "better"}.get(word, word)
    return words
