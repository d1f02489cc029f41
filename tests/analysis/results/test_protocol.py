"""Which published cells stand beside the runs, and whether both were trained alike."""

from __future__ import annotations

from analysis.results import variants as tables

# Differences to original: bn_after_add 1, 2, 3; full_preact -0.2, -0.3, -0.4.
ERRORS = {
    "original": {0: 6.5, 1: 6.6, 2: 6.7},
    "bn_after_add": {0: 7.5, 1: 8.6, 2: 9.7},
    "relu_before_add": {0: 6.6, 1: 6.5, 2: 6.8},
    "relu_only_preact": {0: 6.5, 1: 6.5, 2: 6.8},
    "full_preact": {0: 6.3, 1: 6.3, 2: 6.3},
}


def test_the_note_says_whether_it_is_the_papers_protocol(ablation_runs):
    assert tables.protocol_note(ablation_runs(ERRORS)) == (
        "Paper: ResNet-110 on CIFAR-10, 64,000 iterations, median of 5 (He et al. 2016). Ours: ResNet-110 on CIFAR-10, "
        "3 seeds, 164 epochs (64,000 iterations): the paper's net, data set and recipe."
    )
    changed = {"net__name": "resnet8", "data__name": "digits", "recipe__iterations": 264}
    assert tables.protocol_note(ablation_runs(ERRORS, **changed)).endswith(
        "Ours: ResNet-8 on digits, 3 seeds, 164 epochs (264 iterations): another protocol (net, data, iterations), "
        "so the gap is not a reproduction error."
    )


def test_the_cells_are_those_of_the_runs_own_net_or_else_of_the_papers(ablation_runs):
    own = tables.ablation_table(ablation_runs(ERRORS, net__name="resnet164"))
    assert list(own["paper"]) == [5.93, 6.50, 6.14, 5.91, 5.46]
    assert tables.same_protocol(ablation_runs(ERRORS, net__name="resnet164"))
    assert not tables.same_protocol(ablation_runs(ERRORS, net__name="resnet20"))
    assert tables.ablation_table(ablation_runs(ERRORS, net__name="resnet20"))["paper"].iloc[0] == 6.61


def test_without_a_published_table_there_is_no_paper_and_no_gap(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__published=None)
    table = tables.ablation_table(runs)
    assert table[["paper", "gap"]].isna().all(axis=None)
    assert tables.protocol_note(runs).endswith("There is no published cell to compare with.")
