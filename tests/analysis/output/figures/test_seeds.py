"""One dot a seed: what is drawn is what the frames hold."""

from __future__ import annotations

import numpy as np

from analysis.output import figures


def test_every_seed_is_a_dot_in_its_variants_row(frames, drawn_at):
    axes = figures.seed_dots(frames[0]).axes[0]
    assert drawn_at(axes, "_seeds") == [[6.0, 0], [7.0, 0], [9.0, 0], [5.0, 4], [6.0, 4]]
    assert [tick.get_text() for tick in axes.get_yticklabels()][::4] == ["original", "full pre-activation"]
    assert [text.get_text() for text in axes.texts] == ["n = 3", *["no run"] * 3, "n = 2, 1 failed"]


def test_the_median_bar_is_the_tables_median(frames, drawn_at):
    axes = figures.seed_dots(frames[0]).axes[0]
    medians = {row: error for error, row in drawn_at(axes, "_median") if not np.isnan(error)}
    assert medians == {0: 7.0, 4: 6.0}  # of 5, 6 and a failure


def test_lines_join_equal_seeds_and_break_at_a_failed_run(frames):
    axes = figures.seed_dots(frames[0]).axes[0]
    pairs = [drawn.get_xydata().tolist() for drawn in axes.get_lines() if drawn.get_label() == "_pair"]
    assert [pairs[0], pairs[2]] == [[[6.0, 0], [5.0, 4]], [[9.0, 0], [6.0, 4]]]
    assert pairs[1][0] == [7.0, 0]
    assert np.isnan(pairs[1][1][0])


def test_the_papers_cells_are_open_diamonds(frames, drawn_at, texts):
    axes = figures.seed_dots(frames[0]).axes[0]
    assert drawn_at(axes, "_paper") == [[6.61, 0], [8.17, 1], [7.84, 2], [6.71, 3], [6.37, 4]]
    (face,) = {drawn.get_markerfacecolor() for drawn in axes.get_lines() if drawn.get_label() == "_paper"}
    assert face == "none"
    assert "paper: ResNet-110, CIFAR-10" in texts(axes.figure)


def test_a_published_fail_is_written_not_drawn(ablation_runs, drawn_at):
    names = ["original", "scaled_0_1"]
    context = {"ablation__variants": names, "ablation__labels": names, "ablation__published": "he2016_table1"}
    axes = figures.seed_dots(ablation_runs({name: {0: 6.0} for name in names}, **context)).axes[0]
    assert drawn_at(axes, "_paper")[0] == [6.61, 0]
    assert np.isnan(drawn_at(axes, "_paper")[1][0])
    _, text = axes.texts
    assert text.get_text() == "paper: fail"
    axes.figure.draw_without_rendering()
    assert text.get_window_extent().x0 > axes.bbox.x1  # beside the axes, over no dot


def test_a_run_above_the_failure_line_has_no_dot(ablation_runs, drawn_at):
    errors = {"original": {0: 6.0, 1: 7.0, 2: 25.0}, "full_preact": {0: 5.0, 1: 5.5, 2: 6.0}}
    axes = figures.seed_dots(ablation_runs(errors, ablation__failure_error=20.0)).axes[0]
    assert [point for point in drawn_at(axes, "_seeds") if point[1] == 0] == [[6.0, 0], [7.0, 0]]
    assert max(x for x, _ in drawn_at(axes, "_pair") if not np.isnan(x)) == 7.0
    assert axes.texts[0].get_text() == "n = 2, 1 failed"


def test_the_papers_cells_of_another_data_set_are_not_drawn(ablation_runs, drawn_at, texts):
    """Errors of CIFAR-10 mean nothing on an axis of errors of digits."""
    axes = figures.seed_dots(ablation_runs({"original": {0: 6.0}}, data__name="digits")).axes[0]
    assert np.isnan(drawn_at(axes, "_paper")).any(axis=1).all()
    assert not [text for text in texts(axes.figure) if "paper" in text]
