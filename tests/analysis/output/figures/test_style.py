"""Figures as they print: sizes, looks, ticks, and files whose bytes repeat."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from analysis.output import figures
from analysis.output.figures.style import WIDTH_IN, log_ticks, small_title
from analysis.study.looks import looks


@pytest.mark.parametrize("columns", [1, 2])
def test_figures_are_as_wide_as_the_printed_columns(frames, columns):
    for figure in (figures.training_curves(*frames, columns=columns), figures.seed_dots(frames[0], columns=columns)):
        assert figure.get_size_inches()[0] == {1: 3.3, 2: 6.9}[columns] == WIDTH_IN[columns]


@pytest.mark.parametrize("variants", [5, 8, 16])
def test_colour_and_marker_tell_the_variants_apart_and_the_baseline_is_black(variants):
    names = tuple(map(str, range(variants)))
    drawn = looks(names, "3")
    assert len(set(drawn.values())) == variants
    assert [name for name, look in drawn.items() if look.colour == "#000000"] == ["3"]


def gradients(frames):
    runs, history = frames
    return figures.signal(runs, history.assign(**{"signal/gradient/00": 1e-4, "signal/gradient/01": 1e-6}), "gradient")


@pytest.mark.parametrize("draw", [lambda frames: figures.training_curves(*frames), gradients])
def test_saved_files_repeat_and_embed_their_fonts(frames, tmp_path, draw):
    figure = draw(frames)
    first = figures.save(figure, tmp_path / "first", "figure")
    again = figures.save(draw(frames), tmp_path / "again", "figure")
    assert [path.name for path in first] == ["figure.pdf", "figure.svg", "figure.png"]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert figures.save(figure, tmp_path, "twice")[0].read_bytes() == first[0].read_bytes()
    pdf, svg, png = (path.read_bytes() for path in first)
    assert b"/FontFile2" in pdf  # an embedded TrueType font: Type 42
    assert b"/Type3" not in pdf
    assert b"<text" not in svg  # glyphs are paths
    assert b"<dc:date>" not in svg
    assert int.from_bytes(png[16:20], "big") == round(300 * figure.get_size_inches()[0])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.9e6, 40e6, ["1", "2", "5", "10", "20"]),
        (1.7e6, 2.1e6, ["1.8", "2"]),
        (0.99e6, 1.31e6, ["1", "1.1", "1.2", "1.3"]),
        (3e3, 110e6, ["0.01", "0.1", "1", "10", "100"]),
    ],
)
def test_a_logarithmic_axis_has_few_round_ticks(low, high, expected):
    axes = Figure().add_subplot()
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    log_ticks(axes.xaxis, text=lambda value: f"{value / 1e6:g}")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == expected
    assert len(axes.get_xticks(minor=True)) == 0


def test_long_titles_break_into_even_lines_and_lose_nothing():
    axes = Figure().add_subplot()
    small_title(axes, "shortcut × 0.5, residual × 0.5", "(n = 5)")
    assert axes.get_title() == "shortcut × 0.5,\nresidual × 0.5\n(n = 5)"
