"""The look of figures in print: sizes, fonts, colours, ticks, legends; and files that are equal byte for byte."""

from __future__ import annotations

import functools
import io
import math
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.output.figures.text import finish, typeset, wrapped
from analysis.study import Study
from analysis.study.looks import COLOURS

Columns = Literal[1, 2]
Drawn = TypeVar("Drawn")
WIDTH_IN: Mapping[int, float] = {1: 3.3, 2: 6.9}  # one and two columns of a two-column paper
PANELS_A_ROW: Mapping[int, int] = {1: 2, 2: 4}
HEIGHT_IN = 2.2  # of the axes with their labels; a legend adds to it
PANEL_HEIGHT_IN = 1.4  # of one of many panels, its title included
LEGEND_ROW_IN = 0.15
FULL = 0.95  # of the width, at most, for a legend: letters are a little wider at another resolution
SMALL_PT = 7
THIN, BOLD = 0.7, 1.4
INK, GREY, PALE = "black", "0.4", "0.75"
LABELS = {
    "test/error": "test error (%)",
    "train/error": "training error (%)",
    "test/loss": "test loss",
    "train/loss": "training loss",
}
DIAMOND: Mapping[str, Any] = {
    "color": "#B2182B",
    "marker": "D",
    "markersize": 4.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.9,
    "linestyle": "none",
}
DOT: Mapping[str, Any] = {"color": GREY, "marker": "o", "markersize": 3, "markeredgewidth": 0, "linestyle": "none"}
STYLE: Mapping[str, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "figure.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": SMALL_PT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": BOLD,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.handletextpad": 0.6,
    "legend.columnspacing": 1.5,
    "pdf.fonttype": 42,  # TrueType, as the conferences ask
    "svg.fonttype": "path",  # glyphs as paths: the same on every machine
    "svg.hashsalt": "ablation",
    "text.parse_math": False,  # a label with dollar signs is text: as a formula it could stop the figure
}


class Picture(Figure):
    """A matplotlib Figure without pyplot that a notebook shows, whatever its settings."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        with style():
            self.savefig(drawn, format="png", dpi=200)
        return drawn.getvalue()


@contextmanager
def style() -> Generator[None]:
    """matplotlib's defaults with the settings above, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams
        settings.update(STYLE)
        yield


def figure(draw: Callable[..., Drawn]) -> Callable[..., Drawn]:
    """Lets a function that draws a study take the frames instead, `draw(runs, history)`, and runs it within `style`."""

    @functools.wraps(draw)
    def drawing(runs: pd.DataFrame | Study, history: pd.DataFrame | None = None, *args: Any, **options: Any) -> Drawn:
        with style():
            return draw(Study.of(runs, history), *args, **options)

    return drawing


def picture(columns: int, height_in: float = HEIGHT_IN) -> Picture:
    return Picture(figsize=(WIDTH_IN[columns], height_in), layout="constrained")


def panels(
    titles: Sequence[str], columns: int, x_label: str, y_label: str, *, share_x: bool = True
) -> tuple[Picture, list[Axes]]:
    """Small axes of equal limits, two or four in a row; what is left of the last row is for the legend."""
    count, a_row = len(titles), min(len(titles), PANELS_A_ROW[columns])
    rows = -(-count // a_row)
    figure = picture(columns, rows * (PANEL_HEIGHT_IN + (0.4 if rows == 1 else 0.0)) + 0.3)
    every = figure.subplots(rows, a_row, sharex=share_x, sharey=True, squeeze=False)
    for axes in every.flat[count:]:
        axes.remove()
    for axes, title in zip(every.flat, titles, strict=False):
        axes.set_title(wrapped(title, 88 // a_row // (3 - columns)), fontsize=SMALL_PT)
    for axes in every.flat[max(0, count - a_row) : count]:  # the lowest of each column
        axes.xaxis.set_tick_params(labelbottom=True)
        axes.set_xlabel(x_label)
    figure.supylabel(y_label)
    return figure, list(every.flat[:count])


def keep_labels(plot: Callable[..., Any], axes: Axes, **options: Any) -> None:
    """Call a plotting function of seaborn, which would name the axes after the frame's columns."""
    labels = {"xlabel": axes.get_xlabel(), "ylabel": axes.get_ylabel()}
    plot(ax=axes, **options)
    axes.set(**labels)


def shades(levels: Iterable[Any]) -> dict[Any, str]:
    """Level -> an ordered colour, pale to dark, even in grey print and for colour-blind readers (viridis reversed)."""
    levels, scale = list(levels), sns.color_palette("viridis_r", as_cmap=True)
    return dict(zip(levels, map(mpl.colors.to_hex, scale(np.linspace(0.27, 1, len(levels)))), strict=True))


def palette(study: Study) -> dict[str, str]:
    """A colour for each variant, no two alike; along a ladder they are ordered, else the baseline is black."""
    names, baseline = study.declared.variants, study.declared.baseline
    if study.declared.kind == "ladder":
        return shades(names)
    if len(names) <= len(COLOURS) + 1:
        return {name: look.colour for name, look in study.looks.items()}
    hues = sns.husl_palette(len(names) - 1, l=0.5).as_hex()  # evenly spaced, of one lightness
    return dict(zip([name for name in names if name != baseline], hues, strict=True)) | {baseline: INK}


def paper_cells(study: Study) -> pd.DataFrame:
    """The paper's numbers, where they are of the runs' own data set and metric; elsewhere no axis is theirs."""
    cells = study.paper
    return cells.by_variant if cells.dataset == study.setting("data.name") else cells.by_variant[:0]


def key(label: str, **line: Any) -> Line2D:
    """An entry of a legend."""
    looks: dict[str, Any] = {"color": GREY, "linewidth": BOLD, **line}
    return Line2D([], [], **looks, label=typeset(label))


def band_key(label: str) -> Patch:
    return Patch(facecolor=GREY, alpha=0.25, linewidth=0, label=label)


def counts(study: Study, text: Callable[[str], str]) -> tuple[str, dict[str, str]]:
    """The number of runs that most variants have, for the legend, as " (n = 5)"; and what the others note at a name."""
    texts = {name: text(name) for name in study.drawn_variants}
    (usual, often), *_ = Counter(texts.values()).most_common(1) or [("", 0)]
    if often == 1 < len(texts) or "n = " not in usual or "," in usual:
        return "", texts
    notes = {name: said for name, said in texts.items() if said != usual}
    return f" (mostly {usual})" if notes else f" ({usual})", notes


def legend_below(figure: Figure, handles: Iterable[Artist]) -> None:
    """A legend of as many columns as fit, below the axes; the figure grows by its rows.

    Beside the panels of a last row that is not full, there is room for it without.
    """
    handles = list(handles)
    width_in, height_in = figure.get_size_inches()
    grid = figure.axes[0].get_gridspec() if figure.axes else None
    if grid is not None and (free := -len(figure.axes) % grid.ncols):
        beside = figure.add_subplot(grid[-1, grid.ncols - free :])
        beside.set(xticks=[], yticks=[])
        beside.set_axis_off()
        beside.legend(handles=handles, loc="center")
    else:
        for columns in range(len(handles), 0, -1):
            legend = figure.legend(handles=handles, loc="outside lower center", ncols=columns)
            finish(figure)
            if legend.get_window_extent().width <= FULL * width_in * figure.dpi or columns == 1:
                break
            legend.remove()
        figure.set_size_inches(width_in, height_in + LEGEND_ROW_IN * math.ceil(len(handles) / columns))
    finish(figure)


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """`name`.pdf, .svg and .png (300 dpi). The same figure gives the same bytes: no date, a fixed salt for SVG ids.

    PDF and SVG have no background; the PNG is white.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    with style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, alike in all files
        for suffix, metadata in (("pdf", {"CreationDate": None}), ("svg", {"Date": None}), ("png", {})):
            path = Path(folder) / f"{name}.{suffix}"
            figure.savefig(path, dpi=300, metadata=metadata, transparent=suffix != "png")
            paths.append(path)
    return paths
