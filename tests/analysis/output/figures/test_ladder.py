"""A ladder: each step against the step before it."""

from __future__ import annotations

import pytest
from scipy import stats

from analysis.output import figures

ERRORS = {
    "v2": {0: 23.0, 1: 23.4, 2: 23.8},
    "rmsprop": {0: 22.8, 1: 22.9, 2: 23.6},
    "smoothing": {0: 22.0, 1: None, 2: 23.0},
}


@pytest.fixture
def runs(declared):
    labels = ["Inception-v2", "with RMSProp", "with smoothing"]
    return declared(ERRORS, kind="ladder", labels=labels, steps=[None, "RMSProp", "label smoothing"])[0]


def test_differences_are_to_the_step_before_with_students_interval(runs, drawn_at):
    _, right = figures.ladder(runs).axes
    gaps = [22.8 - 23.0, 22.9 - 23.4, 23.6 - 23.8]
    assert [x for x, row in drawn_at(right, "_seeds") if row == 1] == pytest.approx(gaps)
    assert [pytest.approx(-0.3), 1] in drawn_at(right, "_mean")
    expected = stats.ttest_1samp(gaps, 0).confidence_interval(1 - 0.05 / 2)  # two steps share 5 %
    drawn = [sorted(line.get_xdata()) for line in right.get_lines() if set(line.get_ydata()) == {1.0}]
    assert [pytest.approx(expected.low), pytest.approx(expected.high)] in drawn


def test_a_failed_run_is_in_no_pair_and_said_in_its_row(runs, drawn_at):
    left, right = figures.ladder(runs).axes
    assert [x for x, row in drawn_at(right, "_seeds") if row == 2] == pytest.approx([22.0 - 22.8, 23.0 - 23.6])
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        "Inception-v2",
        "+ RMSProp",
        "+ label smoothing",
    ]
    assert [text.get_text() for text in left.texts] == ["", "", "n = 2, 1 failed"]


def test_seeds_and_medians_stand_on_the_left(runs, drawn_at):
    left, _ = figures.ladder(runs).axes
    assert [point for point in drawn_at(left, "_seeds") if point[1] == 0] == [[23.0, 0], [23.4, 0], [23.8, 0]]
    assert drawn_at(left, "_median") == [[23.4, 0], [22.9, 1], [23.0, 2]]  # of 22, 23 and a failure


def test_the_papers_steps_are_differences_of_its_cells(declared, drawn_at):
    errors = {"original": {0: 6.5, 1: 6.6}, "full_preact": {0: 6.0, 1: 6.1}}
    runs, _ = declared(errors, kind="ladder", steps=[None, "order"], published="he2016_table2", paper_net="resnet110")
    left, right = figures.ladder(runs).axes
    assert drawn_at(left, "_paper") == [[6.61, 0], [6.37, 1]]
    assert drawn_at(right, "_paper")[1] == [pytest.approx(6.37 - 6.61), 1]


def test_one_factor_is_no_ladder(frames):
    assert figures.ladder(frames[0]) is None
