"""Figures as they print: sizes, looks, ticks, and files whose bytes repeat."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.output import figures
from analysis.output.figures.style import WIDTH_IN, palette, style
from analysis.output.figures.text import finish, log_ticks, tick_texts, typeset, wrapped
from analysis.output.report import TEMPLATES
from analysis.study import Study
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
        (0.9e6, 40e6, ["1M", "2M", "5M", "10M", "20M"]),
        (1.7e6, 2.1e6, ["1.8M", "2M"]),
        (0.99e6, 1.31e6, ["1M", "1.1M", "1.2M", "1.3M"]),
        (3e3, 110e6, ["0.01M", "0.1M", "1M", "10M", "100M"]),
    ],
)
def test_a_logarithmic_axis_has_few_round_ticks(low, high, expected):
    axes = Figure().add_subplot()
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    log_ticks(axes.xaxis, unit=(1e6, "M"))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == expected
    assert len(axes.get_xticks(minor=True)) == 0


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0.001, 0.01, 0.1], ["0.001", "0.01", "0.1"]),
        ([1e-4, 1e-3], ["10⁻⁴", "10⁻³"]),
        ([5e-5, 1e-3], ["5×10⁻⁵", "1×10⁻³"]),
        ([1.0, 1e4], ["10⁰", "10⁴"]),
    ],
)
def test_ticks_of_one_axis_are_written_alike(places, expected):
    assert tick_texts(places) == expected


def test_long_titles_break_into_even_lines_and_lose_nothing():
    assert wrapped("shortcut × 0.5, residual × 0.5") == "shortcut × 0.5,\nresidual × 0.5"
    assert wrapped("+ BN-Inception's modules", 12) == "+\nBN-Inception's\nmodules"
    assert wrapped("ReLU-only pre-activation", 18) == "ReLU-only\npre-activation"
    assert wrapped("") == ""


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("shortcut gate, b_g = -6", "shortcut gate, $b_{g}$ = −6"),
        ("ReLU-only pre-activation", "ReLU-only pre-activation"),
        ("factorised 7x7", "factorised 7×7"),
        ("$5, b_g", r"\$5, $b_{g}$"),
        ("full_preact", "full_preact"),
    ],
)
def test_symbols_and_signs_are_set_as_in_print(label, shown):
    assert typeset(label) == shown


@pytest.mark.parametrize("label", [r"$\frac{ $ b_g", r"$b_{g}$ $\frac{ $", r"\$b_{g}$ $", "$$ b_g $"])
def test_only_own_formulas_are_parsed(label):
    """`$\\frac{ $` is an error of mathtext, which would stop the figure."""
    figure = Figure()
    with style():
        figure.text(0, 0, label)
        figure.text(0, 0.5, typeset(label))
        figure.text(0, 0.9, typeset("b_g"))
        finish(figure)
        figure.draw_without_rendering()
    assert figure.texts[-1].get_parse_math()


@pytest.mark.parametrize(
    ("variants", "kind"), [(5, "one_factor"), (7, "one_factor"), (16, "one_factor"), (8, "ladder")]
)
def test_no_two_variants_have_the_same_colour(declared, variants, kind):
    study = Study.from_frames(declared({f"v{i}": {0: 5.0} for i in range(variants)}, kind=kind)[0])
    colours = palette(study)
    assert set(colours) == set(study.declared.variants)
    assert len(set(colours.values())) == variants


def test_a_notebook_shows_a_figure_and_nothing_is_global(frames):
    import matplotlib.pyplot as plt

    png = figures.seed_dots(frames[0])._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert plt.get_fignums() == []


def test_pictures_have_no_background_and_the_report_inverts_them_on_a_dark_page(frames, tmp_path):
    _, svg, png = figures.save(figures.seed_dots(frames[0]), tmp_path, "seeds")
    drawn = re.findall(r'<g id="patch_[12]">.*?style="([^"]*)"', svg.read_text(), re.DOTALL)
    assert drawn == ["fill: none"] * 2  # the figure's and the axes' own
    assert np.asarray(Image.open(png).convert("RGBA"))[0, 0].tolist() == [255] * 4
    dark = (TEMPLATES / "report.css").read_text().partition("screen and (prefers-color-scheme: dark)")[2]
    assert dark.startswith(" {\n  figure img { filter: invert(1)")
