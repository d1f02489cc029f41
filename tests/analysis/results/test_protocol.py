"""Which published cells stand beside the runs, and whether both were trained alike."""

from __future__ import annotations

from analysis.results.findings import Findings
from tests.analysis.example import ERRORS


def test_the_note_says_whether_it_is_the_papers_protocol(ablation_runs):
    assert Findings.from_frames(ablation_runs(ERRORS)).protocol.note == (
        "Paper: ResNet-110 on CIFAR-10, 64,000 iterations, median of 5 (He et al. 2016). Ours: ResNet-110 on CIFAR-10, "
        "3 seeds, 164 epochs (64,000 iterations): the paper's net, data set and recipe."
    )
    changed = {"net__name": "resnet8", "data__name": "digits", "recipe__iterations": 264}
    assert Findings.from_frames(ablation_runs(ERRORS, **changed)).protocol.note.endswith(
        "Ours: ResNet-8 on digits, 3 seeds, 164 epochs (264 iterations): another protocol (net, data, iterations), "
        "so the gap is not a reproduction error."
    )


def test_the_cells_are_those_of_the_runs_own_net_or_else_of_the_papers(ablation_runs):
    own = Findings.from_frames(ablation_runs(ERRORS, net__name="resnet164")).variants
    assert list(own["paper"]) == [5.93, 6.50, 6.14, 5.91, 5.46]
    assert not Findings.from_frames(ablation_runs(ERRORS, net__name="resnet164")).protocol.deviations
    assert Findings.from_frames(ablation_runs(ERRORS, net__name="resnet20")).protocol.deviations
    assert Findings.from_frames(ablation_runs(ERRORS, net__name="resnet20")).variants["paper"].iloc[0] == 6.61


def test_without_a_published_table_there_is_no_paper_and_no_gap(ablation_runs):
    runs = ablation_runs(ERRORS, ablation__published=None)
    table = Findings.from_frames(runs).variants
    assert table[["paper", "gap"]].isna().all(axis=None)
    assert Findings.from_frames(runs).protocol.setting is None
