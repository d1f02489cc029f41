"""The look of figures in print: sizes, fonts, colours; and files that are equal byte for byte."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator

WIDTH_IN: Mapping[int, float] = {1: 3.3, 2: 6.9}  # one and two columns of a two-column paper
HEIGHT_IN = 2.3  # of the axes with their labels; a legend adds to it
PANEL_HEIGHT_IN = 1.45  # of one of many panels, its title included
PANELS_A_ROW = 4
LEGEND_ROW_IN = 0.15
HANDLE_EM, HANDLE_PAD_EM, COLUMN_GAP_EM = 1.8, 0.6, 1.5  # of a legend
MOST_TICKS = 6
ROUND = (
    (1, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
    (1, 1.5, 2, 3, 5, 7),
    (1, 2, 5),
    (1, 3),
    (1,),
)  # leading digits of the ticks of a logarithmic axis
SMALL_PT = 7
LABELS = {
    "test/error": "test error (%)",
    "train/error": "training error (%)",
    "test/loss": "test loss",
    "train/loss": "training loss",
}
DIAMOND: Mapping[str, Any] = {
    "color": "0.3",
    "marker": "D",
    "markersize": 4.5,
    "markerfacecolor": "none",
    "markeredgewidth": 0.8,
    "linestyle": "none",
}
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
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType, as the conferences ask
    "svg.fonttype": "path",  # glyphs as paths: the same on every machine
    "svg.hashsalt": "ablation",
    "text.parse_math": False,  # a label with dollar signs is text: as a formula it could stop the figure
}


def shades(count: int) -> list[str]:
    """`count` ordered colours, pale to dark, even in grey print and for colour-blind readers (cividis reversed)."""
    scale = mpl.colormaps["cividis"]
    return [mpl.colors.to_hex(scale(0.85 * (1 - i / max(1, count - 1)))) for i in range(count)]


@contextmanager
def style() -> Generator[None]:
    """matplotlib's defaults with the settings above, whatever the user's own matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams
        settings.update(STYLE)
        yield


def panels(count: int, x_label: str, y_label: str, *, extra_in: float = 0.3) -> tuple[Figure, list[Axes]]:
    """`count` small axes of equal limits on two columns of print (one for a single panel), at most four in a row."""
    a_row = min(count, PANELS_A_ROW)
    rows = -(-count // a_row)
    row_in = PANEL_HEIGHT_IN + (0.4 if rows == 1 else 0.0)
    figure = Figure(figsize=(WIDTH_IN[min(count, 2)], rows * row_in + extra_in), layout="constrained")
    every = figure.subplots(rows, a_row, sharex=True, sharey=True, squeeze=False)
    for axes in every.flat[count:]:
        axes.remove()
    for axes in every.flat[max(0, count - a_row) : count]:  # the lowest of each column
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in every.flat[(rows - 1) * a_row : count]:
        axes.set_xlabel(x_label)
    figure.supylabel(y_label)
    return figure, list(every.flat[:count])


def small_title(axes: Axes, *lines: str) -> None:
    """A panel's title; long labels are broken into lines of similar length, not cut."""
    axes.set_title("\n".join(part for line in lines for part in _balanced(line, 27)), fontsize=SMALL_PT)


def _balanced(text: str, width: int) -> list[str]:
    """`text` in as few lines of at most `width` characters as possible, all of similar length."""
    fewest = len(textwrap.wrap(text, width))
    tries = (textwrap.wrap(text, narrower) for narrower in range(1, width + 1))
    return next(lines for lines in tries if len(lines) <= fewest) if text else []


def legend_below(figure: Figure, handles: Iterable[Artist]) -> None:
    """A legend of as many columns as fit, below the axes; the figure grows by its rows."""
    handles = list(handles)
    width_in, height_in = figure.get_size_inches()
    labels_pt = [TextPath((0, 0), str(handle.get_label()), size=SMALL_PT).get_extents().width for handle in handles]
    handle_pt, gap_pt = (HANDLE_EM + HANDLE_PAD_EM) * SMALL_PT, COLUMN_GAP_EM * SMALL_PT
    for columns in range(len(handles), 0, -1):
        needed = sum(handle_pt + gap_pt + column.max() for column in np.array_split(labels_pt, columns))
        if needed <= width_in * 72:
            break
    figure.set_size_inches(width_in, height_in + LEGEND_ROW_IN * math.ceil(len(handles) / columns))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, handlelength=HANDLE_EM,
        handletextpad=HANDLE_PAD_EM, columnspacing=COLUMN_GAP_EM,
    )  # fmt: skip


def whole_ticks(axis: Axis, *, whole: bool = True) -> None:
    """Ticks at whole numbers only, at least one; whole=False: at any numbers."""
    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1))


def log_ticks(axis: Axis, at: Sequence[float] | None = None, text: Callable[[float], str] = "{:g}".format) -> None:
    """A logarithmic axis with plain numbers: at these places, or at few round ones within the present limits."""
    if at is None:
        low, high = sorted(axis.get_view_interval())
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for leading in ROUND:  # ever coarser
            every = [digit * 10.0**power for power in powers for digit in leading]
            at = [place for place in every if low <= place <= high]
            if len(at) <= MOST_TICKS:
                break
    places = list(at or ())
    axis.set_ticks(places, [text(place) for place in places])
    axis.set_ticks([], minor=True)


def save(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """`name`.pdf, .svg and .png (300 dpi); The same figure gives the same bytes: no date, a fixed salt for SVG ids."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = []
    with style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, alike in all files
        for suffix, metadata in (("pdf", {"CreationDate": None}), ("svg", {"Date": None}), ("png", {})):
            path = Path(folder) / f"{name}.{suffix}"
            figure.savefig(path, dpi=300, metadata=metadata)
            paths.append(path)
    return paths
