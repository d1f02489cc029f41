"""Figures as they print: sizes, looks, ticks, and files whose bytes repeat."""

from __future__ import annotations

import pytest

from analysis import figures
from analysis.figures.style import WIDTH_IN, looks


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
