"""Which published cells stand beside the runs, and whether both were trained alike."""

from __future__ import annotations

from analysis.output.render import to_markdown
from analysis.results.findings import Findings
from tests.analysis.example import ERRORS


def test_the_note_says_whether_it_is_the_papers_protocol(ablation_runs):
    assert Findings.from_frames(ablation_runs(ERRORS)).protocol.note == (
        "Paper: ResNet-110 on CIFAR-10, 64,000 iterations, median of 5 (He et al. 2016). Ours: ResNet-110 on CIFAR-10, "
        "3 seeds, 164 epochs (64,000 iterations): the paper's net, data set and recipe."
    )
    changed = {"net__name": "resnet8", "data__name": "digits", "recipe__iterations": 264}
    assert Findings.from_frames(ablation_runs(ERRORS, **changed)).protocol.note.endswith(
        "Ours: ResNet-8 on digits, 3 seeds, 164 epochs (264 iterations): another protocol (net, data, iterations)."
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


def test_the_deviations_are_those_of_the_runs_at_hand(ablation_runs):
    """Settings, length and numbers of runs as the logs have them, whatever a profile is called."""
    changed = {"data__name": "digits", "recipe__iterations": 90, "recipe__batch_size": 32, "data__train_images": 1000}
    runs = ablation_runs(ERRORS | {"full_preact": {0: 6.3}}, **changed).assign(epochs=2)
    found = Findings.from_frames(runs).protocol
    assert [(each.what, each.paper, each.ours) for each in found.differing] == [
        ("data", "CIFAR-10", "digits"),
        ("train images", "all", "1,000"),
        ("iterations", "64,000", "90 (2 epochs)"),
        ("batch size", "128", "32"),
    ]
    assert (found.runs.paper, found.runs.ours) == ("median of 5", "1 to 3")
    same = Findings.from_frames(ablation_runs(ERRORS)).protocol
    assert (same.differing, same.runs.ours) == ((), "3")


def test_a_gap_is_printed_for_the_papers_data_set_only(ablation_runs):
    other = Findings.from_frames(ablation_runs(ERRORS, data__name="digits"))
    assert other.variants["paper"].notna().all()
    assert other.variants["gap"].isna().all()
    assert "gap" not in to_markdown(other.variants)
    assert "gap" not in other.protocol.note
    assert Findings.from_frames(ablation_runs(ERRORS)).variants["gap"].notna().all()
