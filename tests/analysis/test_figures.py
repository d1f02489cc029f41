"""Figures, read off their objects: what is drawn is what the frames hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis import figures
from analysis.figure_style import WIDTH_IN, colours

ERRORS = {"original": {0: 6.0, 1: 7.0, 2: 9.0}, "full_preact": {0: 5.0, 1: None, 2: 6.0}}
EPOCHS = (1, 2, 3, 4)
LAST_FINITE = 2  # epoch of the diverged run


@pytest.fixture
def frames(ablation_runs: Callable[..., pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two variants of three seeds; the error of each epoch is the last one's times 4, 3, 2, 1."""
    runs = ablation_runs(ERRORS).assign(epochs=len(EPOCHS))
    rows = []
    for _, run in runs.iterrows():
        for epoch in EPOCHS:
            diverged = run["outcome"] == "diverged"
            error = np.nan if diverged and epoch > LAST_FINITE else (8.0 if diverged else run["summary.test/error"])
            error *= len(EPOCHS) + 1 - epoch
            row = {name: run[name] for name in ("run_id", "variant", "seed")} | {"epoch": epoch, "test/error": error}
            rows.append(row | {"train/error": error / 2, "train/loss": error / 20})
    return runs, pd.DataFrame(rows)


def line(axes: Axes, colour: str, style: str) -> np.ndarray:
    """The y data of the one line of this colour and style with a point at every epoch."""
    found = [
        drawn.get_ydata()
        for drawn in axes.get_lines()
        if to_hex(drawn.get_color()).upper() == colour
        and drawn.get_linestyle() == style
        and len(drawn.get_xdata()) == len(EPOCHS)
    ]
    (data,) = found
    return np.asarray(data, dtype=float)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_lines_are_the_medians_over_the_seeds(frames):
    axes = figures.training_curves(*frames).axes[0]
    assert line(axes, "#000000", "-") == pytest.approx([28.0, 21.0, 14.0, 7.0])  # median seed: 7 times 4, 3, 2, 1
    assert line(axes, "#000000", "--") == pytest.approx([14.0, 10.5, 7.0, 3.5])


def test_the_band_is_from_the_least_to_the_greatest_seed(frames):
    axes = figures.training_curves(*frames).axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    for epoch, factor in zip(EPOCHS, (4, 3, 2, 1), strict=True):
        heights = band[band[:, 0] == epoch, 1]
        assert (heights.min(), heights.max()) == pytest.approx((6.0 * factor, 9.0 * factor))


def test_a_diverged_run_ends_in_a_cross_outside_median_and_band(frames):
    figure = figures.training_curves(*frames)
    axes = figure.axes[0]
    (cross,) = [drawn for drawn in axes.get_lines() if drawn.get_marker() == "x"]
    assert cross.get_xydata().tolist() == [[LAST_FINITE, 24.0]]
    full = colours(("original", "bn_after_add", "relu_before_add", "relu_only_preact", "full_preact"))["full_preact"]
    assert line(axes, full, "-")[-1] == pytest.approx(5.5)  # of 5 and 6
    assert "full pre-activation (1 of 3 diverged)" in texts(figure)
    assert "original (n = 3)" in texts(figure)
    assert "BN after addition (n = 0)" in texts(figure)


def test_every_last_epoch_is_inside_a_linear_axis(frames):
    runs, history = frames
    steep = history.assign(**{"test/error": history["test/error"].where(history["epoch"] > 1, 95.0)})
    low, high = figures.training_curves(runs, steep).axes[0].get_ylim()
    assert low == 0
    assert 24.0 < high < 95.0  # the cross of the diverged run is at 24


def test_loss_stands_left_on_a_logarithmic_axis_and_error_right(frames):
    error, loss = figures.training_curves(*frames, training="train/loss").axes
    assert (loss.get_yscale(), error.get_yscale()) == ("log", "linear")
    assert (loss.yaxis.get_label_position(), error.yaxis.get_label_position()) == ("left", "right")
    assert (loss.get_ylabel(), error.get_ylabel()) == ("training loss (dashed)", "test error (%)")
    assert line(loss, "#000000", "--") == pytest.approx([1.4, 1.05, 0.7, 0.35])


def test_axes_have_units(frames):
    axes = figures.training_curves(*frames, training=None).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "test error (%)")
    in_iterations = figures.training_curves(*frames, x="iterations").axes[0]
    assert (in_iterations.get_xlabel(), in_iterations.get_ylabel()) == ("iterations (1e4)", "error (%)")
    assert in_iterations.get_lines()[1].get_xdata()[-1] == pytest.approx(6.4)


def test_iterations_without_a_finished_run_are_refused(frames):
    runs, history = frames
    with pytest.raises(ValueError, match="iterations need a finished run"):
        figures.training_curves(runs[runs["outcome"] == "diverged"], history, x="iterations")


def test_a_logarithmic_error_axis(frames):
    assert figures.training_curves(*frames, log_y=True).axes[0].get_yscale() == "log"


@pytest.mark.parametrize("variants", [5, 8, 16])
def test_one_colour_a_variant(variants):
    assert len(set(colours(tuple(map(str, range(variants)))).values())) == variants


@pytest.mark.parametrize("columns", [1, 2])
def test_figures_are_as_wide_as_the_printed_columns(frames, columns):
    for figure in (figures.training_curves(*frames, columns=columns), figures.seed_dots(frames[0], columns=columns)):
        assert figure.get_size_inches()[0] == {1: 3.3, 2: 6.9}[columns] == WIDTH_IN[columns]


def drawn_at(axes: Axes, label: str) -> list[list[float]]:
    return [point for drawn in axes.get_lines() if drawn.get_label() == label for point in drawn.get_xydata().tolist()]


def test_every_seed_is_a_dot_in_its_variants_row(frames):
    axes = figures.seed_dots(frames[0]).axes[0]
    assert drawn_at(axes, "_original") == [[6.0, 0], [7.0, 0], [9.0, 0]]
    assert drawn_at(axes, "_full_preact") == [[5.0, 4], [6.0, 4]]
    assert [tick.get_text() for tick in axes.get_yticklabels()][::4] == [
        "original\n(n = 3)",
        "full pre-activation\n(n = 2, 1 failed)",
    ]


def test_the_median_bar_is_the_tables_median(frames):
    axes = figures.seed_dots(frames[0]).axes[0]
    medians = {row: error for error, row in drawn_at(axes, "_median") if not np.isnan(error)}
    assert medians == {0: 7.0, 4: 6.0}  # of 5, 6 and a failure


def test_lines_join_equal_seeds_only(frames):
    axes = figures.seed_dots(frames[0]).axes[0]
    pairs = [drawn.get_xydata().tolist() for drawn in axes.get_lines() if drawn.get_label() == "_pair"]
    assert pairs == [[[6.0, 0], [5.0, 4]], [[7.0, 0]], [[9.0, 0], [6.0, 4]]]


def test_the_papers_cells_are_open_diamonds(frames):
    axes = figures.seed_dots(frames[0]).axes[0]
    assert drawn_at(axes, "_paper") == [[6.61, 0], [8.17, 1], [7.84, 2], [6.71, 3], [6.37, 4]]
    (face,) = {drawn.get_markerfacecolor() for drawn in axes.get_lines() if drawn.get_label() == "_paper"}
    assert face == "none"
    assert "paper: ResNet-110, CIFAR-10" in texts(axes.figure)


def test_a_published_fail_is_written_not_drawn(ablation_runs):
    names = ["original", "scaled_0_1"]
    context = {"ablation__variants": names, "ablation__labels": names, "ablation__published": "he2016_table1"}
    axes = figures.seed_dots(ablation_runs({name: {0: 6.0} for name in names}, **context)).axes[0]
    assert drawn_at(axes, "_paper") == [[6.61, 0]]
    assert [text.get_text() for text in axes.texts] == ["paper: fail"]


def test_saved_files_repeat_and_embed_their_fonts(frames, tmp_path):
    first = figures.save(figures.training_curves(*frames), tmp_path / "first", "curves")
    again = figures.save(figures.training_curves(*frames), tmp_path / "again", "curves")
    assert [path.name for path in first] == ["curves.pdf", "curves.svg", "curves.png"]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    pdf, svg, png = (path.read_bytes() for path in first)
    assert b"/FontFile2" in pdf  # an embedded TrueType font: Type 42
    assert b"/Type3" not in pdf
    assert b"<text" not in svg  # glyphs are paths
    assert b"<dc:date>" not in svg
    assert int.from_bytes(png[16:20], "big") == 990  # 3.3 inches at 300 dpi
